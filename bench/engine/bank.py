"""The target of behaviours in code: PostgreSQL as models/bank starts it, and when it was first asked for something."""

import os
import subprocess
import time

from nginx import free_ports
from tools import REPOSITORY

STUDY = REPOSITORY / "models/bank"
START_WITHIN_S = 60
END_WITHIN_S = 10


class Bank:
    """A running database of models/bank; a context manager that leaves nothing behind."""

    def __enter__(self) -> "Bank":
        (self.port,) = free_ports(1)
        environment = {**os.environ, "BANK_PORT": str(self.port)}
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen([STUDY / "start.sh"], stdin=quiet, stdout=quiet, stderr=quiet, env=environment)
        deadline = time.monotonic() + START_WITHIN_S
        while self.asked("select 1") != "1":
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise SystemExit("models/bank/start.sh does not start PostgreSQL; tests/run installs it")
            time.sleep(0.05)
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        try:
            self.process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def url(self) -> str:
        return f"postgres://127.0.0.1:{self.port}/bank"

    def asked(self, query: str) -> str | None:
        """The only value that a query gives; None where there is no answer."""
        command = ["psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "bank", "-At", "-c", query, "bank"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30)
        return answer.stdout.strip() if answer.returncode == 0 else None

    def first_transfer(self, since: float) -> float | None:
        """When the first transfer after a moment was made, by PostgreSQL's clock."""
        at = self.asked(f"select extract(epoch from min(at)) from entries where at > to_timestamp({since!r})")
        return float(at) if at else None
