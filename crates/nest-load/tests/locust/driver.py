"""Drives the plugin as the engine does: starts Locust, listens on a Unix socket, sends commands."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).parent
PLUGIN = HERE.parent.parent / "src" / "engine" / "locust"
PATIENCE_S = 30


class Locust:
    """A Locust process with the plugin; `worker` messages of a master are kept by worker."""

    def __init__(
        self,
        python: str,
        file: str,
        host: str = "http://127.0.0.1:1",
        args: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
    ) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = f"{self.folder.name}/nest"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(PATIENCE_S)
        files = ",".join(
            [
                *(
                    str(PLUGIN / f"{name}.py")
                    for name in (
                        "nest_hosts",
                        "nest_past",
                        "nest_tasks",
                        "nest_journal",
                        "nest_users",
                        "nest_locust",
                    )
                ),
                str(file),
            ]
        )
        self.log = pathlib.Path(self.folder.name, "log").open("w+b")  # noqa: SIM115  # closed by `tidy`
        self.process = subprocess.Popen(
            [
                python,
                "-m",
                "locust",
                "-f",
                files.rstrip(","),
                "--headless",
                "--only-summary",
                "--host",
                host,
                "--stop-timeout",
                "5",
                "--exit-code-on-error",
                "0",
                "--loglevel",
                "WARNING",
                *args,
            ],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            cwd=pathlib.Path(file).parent if file else self.folder.name,
            env={**os.environ, "NEST_SOCKET": path, **(env or {})},
        )
        self.wire, _ = listener.accept()
        listener.close()
        self.said: list[dict] = []
        self.news = threading.Condition()
        self.events: collections.defaultdict[str | None, list[list]] = collections.defaultdict(list)
        self.reports: collections.defaultdict[str | None, list[dict]] = collections.defaultdict(list)
        self.sent = 0
        self.over = False
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        try:
            for line in self.wire.makefile("rb"):
                message = json.loads(line)
                with self.news:
                    worker = message.get("w")
                    if "ev" in message:
                        self.events[worker] += message["ev"]
                        self.reports[worker].append(message)
                    else:
                        self.said.append(message)
                    self.news.notify_all()
        except OSError:
            pass
        with self.news:
            self.over = True
            self.news.notify_all()

    def until(self, found, patience_s: float = PATIENCE_S):
        """The first message for which `found` gives something."""
        end = time.monotonic() + patience_s
        with self.news:
            while True:
                for message in self.said:
                    if (what := found(message)) is not None:
                        return what
                left = end - time.monotonic()
                if left <= 0 or (self.over and not self.news.wait(0.3)):
                    raise TimeoutError(f"said {self.said}; log:\n{self.written()}")
                self.news.wait(min(left, 1.0))

    def tidy(self) -> None:
        """Leaves nothing behind."""
        self.kill()
        self.wire.close()
        self.log.close()
        self.folder.cleanup()

    def written(self) -> str:
        self.log.flush()
        return pathlib.Path(self.log.name).read_text(errors="replace")

    def hello(self) -> dict:
        return self.until(lambda message: message.get("hello"))

    def refused(self) -> dict:
        return self.until(lambda message: message.get("refused"))

    def send(self, verb: str, worker: str | None = None, **rest) -> int:
        self.sent += 1
        message = {"id": self.sent, "verb": verb, **rest}
        if worker is not None:
            message["w"] = worker
        self.wire.sendall(json.dumps(message).encode() + b"\n")
        return self.sent

    def ask(self, verb: str, worker: str | None = None, **rest) -> dict:
        number = self.send(verb, worker, **rest)
        answer = self.until(lambda message: message if message.get("re") == number else None)
        assert "error" not in answer, answer
        return answer

    def workers(self, count: int) -> list[str]:
        """The names of workers that have said what they can do."""

        def found(_):
            names = [one["w"] for one in self.said if "hello" in one and "w" in one]
            return names if len(names) == count else None

        return self.until(found)

    def settle(self, worker: str | None = None, orders: int = 0, patience_s: float = 60) -> None:
        """Waits until so many orders have ended or were dropped and nothing is under way."""
        end = time.monotonic() + patience_s
        with self.news:
            while True:
                kinds = collections.Counter(event[0] for event in self.events[worker])
                numbered = sum(event[0] == "b" and event[5] >= 0 for event in self.events[worker])
                if kinds["b"] == kinds["e"] and numbered + kinds["x"] >= orders:
                    return
                if time.monotonic() > end or self.over:
                    return
                self.news.wait(0.5)

    def quit(self) -> None:
        """Has it end, and fails if it does not."""
        with contextlib.suppress(OSError):
            self.send("quit")
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired as error:
            raise AssertionError("Locust did not end: " + self.written()) from error

    def kill(self) -> None:
        """Ends it at once, if it has not ended."""
        self.process.kill()
        self.process.wait()


class Ledger:
    """Counts of what was told: executions and requests, by name."""

    def __init__(self, events: list[list]) -> None:
        self.begun, self.ended, self.failed, self.dropped = (collections.Counter() for _ in range(4))
        self.requests, self.failures = collections.Counter(), collections.Counter()
        self.wire = 0
        self.names: dict[int, str] = {}
        self.late_us: list[float] = []
        self.from_due_ms: list[float] = []
        first: dict[int, int] = {}
        for kind, *rest in events:
            if kind == "b":
                number, name, due, start, _, waited = rest
                self.names[number] = name
                first[number] = due
                self.begun[name] += 1
                if not waited:
                    self.late_us.append((start - due) / 1000)
            elif kind == "e":
                name = self.names[rest[0]]
                self.ended[name] += 1
                self.failed[name] += bool(rest[2])
            elif kind == "r":
                number, name, sent, ended, _status, _bytes, failure, redirects = rest
                self.requests[self.names.get(number, "others")] += 1
                self.wire += 1 + redirects
                self.failures[failure] += bool(failure)
                self.from_due_ms.append((ended - first.pop(number, sent)) / 1e6)
            elif kind == "x":
                self.dropped[rest[1]] += 1
