"""The target of the soak: nginx on core 0, which logs each answer, and the faults that come over it."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

CONFIGURATION = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
worker_processes 2;
worker_cpu_affinity 01 01;
worker_rlimit_nofile 20000;
events {{ worker_connections 8000; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    log_format status '$status';
    keepalive_requests 1000000;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        access_log {folder}/access.log status;
        location / {{ {answer} }}
    }}
}}
"""
FINE = "return 200 'a body of few bytes';"
BAD = "return 503 'a body of few bytes';"
# Seconds that a fault lasts which has a length.
FAULT_S = 2.0


class Target:
    """nginx while it runs. Its log is written line by line, so that it counts exactly what was answered."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="locust-nest-soak-"))
        self.folder.chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.write(FINE)
        self.start()

    def write(self, answer: str) -> None:
        text = CONFIGURATION.format(folder=self.folder, port=self.port, answer=answer)
        (self.folder / "nginx.conf").write_text(text)

    def start(self) -> None:
        binary = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        if not binary:
            raise SystemExit("nginx was found neither in PATH nor in /usr/sbin")
        arguments = [binary, "-e", self.folder / "error.log", "-p", self.folder, "-c", self.folder / "nginx.conf"]
        self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL)
        for _ in range(200):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise SystemExit(f"nginx does not start: {(self.folder / 'error.log').read_text()}")

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()] if children.exists() else []

    def answers(self) -> dict[str, int]:
        """How many answers of each status it has logged."""
        counts: dict[str, int] = {}
        with (self.folder / "access.log").open() as log:
            for line in log:
                counts[line.strip()] = counts.get(line.strip(), 0) + 1
        return counts

    def end(self) -> None:
        for worker in self.workers():
            os.kill(worker, signal.SIGCONT)
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- faults

    def restart(self) -> None:
        """It ends, and half a second later another one begins."""
        self.process.terminate()
        self.process.wait()
        time.sleep(0.5)
        self.start()

    def reload(self) -> None:
        """New workers take over; the old ones close their connections."""
        self.process.send_signal(signal.SIGHUP)

    def stall(self) -> None:
        """It answers nothing for a while."""
        workers = self.workers()
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        time.sleep(FAULT_S)
        for worker in workers:
            os.kill(worker, signal.SIGCONT)

    def kill(self) -> None:
        """One of its workers is killed, with all of its connections."""
        os.kill(self.workers()[0], signal.SIGKILL)

    def fail(self) -> None:
        """It answers 503 for a while."""
        self.write(BAD)
        self.reload()
        time.sleep(FAULT_S)
        self.write(FINE)
        self.reload()

    FAULTS = (restart, stall, kill, fail, reload)
