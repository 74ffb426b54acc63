"""Brokers, workers and coordinators of a fleet on this machine, and what they leave behind."""

import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NEST = os.environ.get("NEST") or str(ROOT / "target/debug/locust-nest")
SESSION = "bench"
PASSWORDS = {"coordinator": "c4d81a", "worker": "w9f20c"}
# What one program may take before it counts as hanging.
MOST_S = 900


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_until(is_true, what, most_s=60):
    until = time.monotonic() + most_s
    while not is_true():
        if time.monotonic() > until:
            raise RuntimeError(f"this never came true: {what}")
        time.sleep(0.01)


def listens(host, port):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False


class Program:
    """A program with its messages in a file; killed in the end."""

    def __init__(self, command, folder, name, user=None, **variables):
        folder.mkdir(parents=True, exist_ok=True)
        self.log, self.name, self.starts = folder / f"{name}.log", name, time.monotonic()
        environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state"), **variables}
        if user:
            environment |= {"NEST_NATS_USER": user, "NEST_NATS_PASSWORD": PASSWORDS[user]}
        with self.log.open("w") as log:
            self.child = subprocess.Popen([str(part) for part in command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                          stdout=subprocess.DEVNULL, stderr=log, start_new_session=True)
        self.usage = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def said(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, part, most_s=MOST_S):
        wait_until(lambda: part in self.said() or self.has_ended(), f"{self.name} says {part}", most_s)
        if part not in self.said():
            raise RuntimeError(f"{self.name} ended before it said {part!r}: {self.said()[-2000:]}")

    def has_ended(self):
        if self.child.returncode is None:
            ended, status, usage = os.wait4(self.child.pid, os.WNOHANG)
            if ended:
                self.child.returncode, self.usage = os.waitstatus_to_exitcode(status), usage
        return self.child.returncode is not None

    def finish(self, most_s=MOST_S):
        """Its exit code."""
        wait_until(self.has_ended, f"{self.name} ends", most_s)
        return self.child.returncode

    def signal(self, number):
        if not self.has_ended():
            os.kill(self.child.pid, number)

    def kill(self):
        if not self.has_ended():
            try:
                os.killpg(self.child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.finish(10)

    def cpu_s(self):
        """User and system seconds of a program that has ended."""
        return self.usage.ru_utime + self.usage.ru_stime

    def peak_bytes(self):
        """Its peak memory so far; 0 once it has ended."""
        try:
            found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.child.pid}/status").read_text())
        except OSError:
            return 0
        return int(found[1]) * 1024 if found else 0


class Broker:
    """nats-server with the permissions of deploy/nats.conf, without TLS, on loopback or as a command puts it elsewhere."""

    def __init__(self, folder, host="127.0.0.1", prefix=()):
        folder.mkdir(parents=True, exist_ok=True)
        text = (ROOT / "deploy/nats.conf").read_text()
        text = re.sub(r"^tls \{.*?^\}\n", "", text, flags=re.MULTILINE | re.DOTALL)
        self.host, self.port = host, free_port()
        text = text.replace("0.0.0.0:4222", f"{host}:{self.port}")
        (folder / "nats.conf").write_text(text)
        self.folder, self.prefix, self.program = folder, list(prefix), None
        self.start()

    def start(self):
        variables = {f"NEST_{user.upper()}_PASSWORD": password for user, password in PASSWORDS.items()}
        self.program = Program([*self.prefix, "/usr/sbin/nats-server", "-c", "nats.conf"], self.folder, "nats", **variables)
        self.program.wait_for("Server is ready", 30)

    def kill(self):
        self.program.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def url(self):
        return f"nats://{self.host}:{self.port}"


class Relay:
    """A way to a broker that takes a time there and a time back, in seconds."""

    def __init__(self, port, there_s, back_s):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self.listener.getsockname()
        self.url = f"nats://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, args=(port, there_s, back_s), daemon=True).start()

    def accept(self, port, there_s, back_s):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", port))
            except OSError:
                return
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.carry(near, far, there_s)
            self.carry(far, near, back_s)

    def carry(self, source, target, delay_s):
        waiting = queue.SimpleQueue()

        def read():
            data = b"x"
            while data:
                try:
                    data = source.recv(1 << 16)
                except OSError:
                    data = b""
                waiting.put((time.monotonic() + delay_s, data))

        def write():
            while True:
                due, data = waiting.get()
                time.sleep(max(0.0, due - time.monotonic()))
                try:
                    if not data:
                        target.shutdown(socket.SHUT_WR)
                        return
                    target.sendall(data)
                except OSError:
                    return

        for work in (read, write):
            threading.Thread(target=work, daemon=True).start()

    def close(self):
        self.listener.close()


def worker(broker, folder, name, *more, prefix=(), variables={}):
    command = [*prefix, NEST, "worker", "--join", broker.url, "--session", SESSION, "--name", name, *more]
    return Program(command, folder, name, "worker", **variables)


def measure(broker, folder, study, workers, *more, prefix=()):
    command = [*prefix, NEST, "measure", "--yes", study, "--workers", workers, "--nats", broker.url, "--session", SESSION, *more]
    return Program(command, folder, "measure", "coordinator")


def shop(folder, port, *more, host="127.0.0.1", prefix=()):
    """The demo shop, which keeps every request."""
    program = Program([*prefix, NEST, "shop", "--listen", f"{host}:{port}", "--items", 10, *more], folder, "shop")
    return program


def ledger(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/ledger", timeout=10) as answer:
        return json.load(answer)


def snapshot(port, host="127.0.0.1"):
    """A command that appends the shop's ledger to the study's file `ledgers`."""
    asked = r"GET /ledger HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n"
    return f"bash -c 'exec 3<>/dev/tcp/{host}/{port} && printf \"{asked}\" >&3 && (tail -n 1 <&3; echo) >> ledgers'"


def small_study(folder, url, *, target="", customers="[customers]", measuring, behaviours=None):
    """A study with one behaviour, or with those given as {name: (executions a day, steps)}."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "behaviours").mkdir(parents=True)
    behaviours = behaviours or {"look": (20, '[{ get = "/items?n={{ int(1, 1000000000) }}" }]')}
    rates = "".join(f'{name} = "{rate} / day"\n' for name, (rate, _) in behaviours.items())
    customers = customers.replace("[customers]", "[customers]\npeak_hour_share = 1.0\nburst = 18")
    (folder / "nest.toml").write_text(
        f'nest = 1\n[study]\nname = "fleet"\ncustomer = "anybody"\nseed = 7\n[rates]\n{rates}[target]\nbase_url = "{url}"\n'
        f"{target}\n{customers}\n[measure]\n{measuring}\n")
    for name, (_, steps) in behaviours.items():
        (folder / "behaviours" / f"{name}.toml").write_text(f"steps = {steps}\n")
    return folder


def measured(study):
    return json.loads((study / "measurements.json").read_text())


def saved_steps(study):
    """Steps of the newest run."""
    runs = sorted((study / "runs").iterdir())
    return [json.loads(path.read_text()) for path in sorted(runs[-1].glob("steps/*.json"))]


def is_balanced(counts):
    return counts["due"] == counts["completed"] + counts["failed"] + counts["dropped"]


def unbalanced(steps):
    """Everything of these steps that is not accounted for."""
    for number, step in enumerate(steps):
        parts = [*step["executions"].items(), *step["requests"].items(), ("settling", step["settling"])]
        for name, counts in parts:
            if not is_balanced(counts):
                yield f"step {number} {name}: {counts}"

