"""The target: Debian's nginx on loopback, its worker pinned, its own counters read."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

TEMPLATE = Path(__file__).with_name("nginx.conf.template")
LISTENERS = ("plain", "tls", "h2", "h2c", "status")
ANSWER_CART = """
            if ($request_method != POST) { return 405; }
            if ($token_matches = 0) { return 401; }
            return 201 '{"added":true,"count":1,"of":"$cookie_session"}';"""
PROXY_CART = "proxy_pass http://unix:@folder@/cart.sock:/cart;"


@dataclass(frozen=True)
class Counters:
    """What nginx has counted since it started, without the looks at these counters themselves."""

    active: int
    accepted: int
    requests: int


class Nginx:
    """A running nginx; a context manager that leaves nothing behind."""

    def __init__(self, workers: int = 1, log: bool = False):
        self.workers = workers
        self.log = log
        self.looks = 0

    def __enter__(self) -> "Nginx":
        self.folder = Path(tempfile.mkdtemp(prefix="locust-nest-bench."))
        self.folder.chmod(0o755)  # started by root, nginx's workers are somebody else
        self.access_log = self.folder / "access.log"
        self.ports = dict(zip(LISTENERS, free_ports(len(LISTENERS))))
        make_certificate(self.folder)
        (self.folder / "nginx.conf").write_text(self.configuration())
        arguments = [nginx_binary(), "-e", self.folder / "error.log", "-p", self.folder, "-c", self.folder / "nginx.conf"]
        self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL)
        try:
            self.wait_until_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        for worker in self.worker_pids():
            os.kill(worker, signal.SIGCONT)  # a stopped worker could not end
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def configuration(self) -> str:
        values = {
            "workers": self.workers,
            "affinity": " ".join(bin(1 << core)[2:].rjust(2, "0") for core in range(self.workers)),
            "access_log": f"{self.access_log} proof" if self.log else "off",
            "cart": PROXY_CART if self.log else ANSWER_CART,
            "answer_cart": ANSWER_CART,
            "filling": "x" * (208 - len("a body of 208 bytes: ")),
            **self.ports,
            "folder": self.folder,  # last: it is inside other values
        }
        text = TEMPLATE.read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        return text

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + 10
        while True:
            try:
                self.counters()
                return
            except OSError:
                self.looks = 0
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"nginx does not start:\n{(self.folder / 'error.log').read_text()}") from None
                time.sleep(0.05)

    def worker_pids(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()] if children.exists() else []

    def url(self, listener: str = "plain", path: str = "/") -> str:
        scheme = "https" if listener in ("tls", "h2") else "http"
        return f"{scheme}://127.0.0.1:{self.ports[listener]}{path}"

    def counters(self) -> Counters:
        """Reads `stub_status`; each look is itself one connection and one request."""
        with urllib.request.urlopen(self.url("status"), timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        self.looks += 1
        accepted, _, requests = (int(number) for number in lines[2].split())
        return Counters(int(lines[0].split()[-1]) - 1, accepted - self.looks, requests - self.looks)


def nginx_binary() -> str:
    found = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if not found:
        raise SystemExit("nginx was found neither in PATH nor in /usr/sbin; bench/engine/install installs it")
    return found


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago; all are held until the last is known, so that they differ."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def make_certificate(folder: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command += ["-keyout", folder / "key.pem", "-out", folder / "certificate.pem"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
