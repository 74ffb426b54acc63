"""Runs one load generator and accounts for all of it: CPU by wait4, peak memory by VmHWM, its output, its time."""

import os
import resource
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

OPEN_FILES = 20_000  # 10,000 connections and some; the hard limit of the machine the goals come from
LOOK_EVERY_S = 0.02
ALL_CORES = frozenset(os.sched_getaffinity(0))  # before this program moves to the core of the target


@dataclass(frozen=True)
class Ended:
    """A child that has ended by itself, or was killed for taking too long."""

    code: int
    cpu_s: float  # user and system, start-up included
    peak_memory_bytes: int
    seconds: float
    output: str
    errors: str
    killed: bool
    report: str  # of the file that the command names, empty without one


@dataclass(frozen=True)
class Command:
    """What to run, and on which cores of the machine."""

    arguments: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    cores: frozenset[int] = frozenset({1})
    report: str | None = None  # a file that it writes into its folder
    folder: Path | None = None  # where it runs; a temporary folder where None
    files: dict[str, str] = field(default_factory=dict)  # what lies in the temporary folder, by name


def run(command: Command, at_most_s: float, meanwhile: Callable[[], None] = lambda: None) -> Ended:
    """Runs `command` to its end, calling `meanwhile` every 20 ms, and kills it after `at_most_s`."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors, tempfile.TemporaryDirectory(prefix="locust-nest-bench.") as folder:
        for name, content in command.files.items():
            Path(folder, name).write_text(content)
        started = time.monotonic()
        child = start(command, output, errors, command.folder or folder)
        try:
            status, usage, peak, killed = wait(child.pid, started + at_most_s, meanwhile)
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise
        seconds = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it once more
        report = Path(folder, command.report) if command.report else None
        return Ended(
            code=child.returncode,
            cpu_s=usage.ru_utime + usage.ru_stime,
            peak_memory_bytes=peak,
            seconds=seconds,
            output=text(output),
            errors=text(errors),
            killed=killed,
            report=report.read_text() if report and report.exists() else "",
        )


def start(command: Command, output, errors, folder: str | Path) -> subprocess.Popen:
    def prepare() -> None:
        os.sched_setaffinity(0, command.cores & ALL_CORES or ALL_CORES)
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most if most < OPEN_FILES else OPEN_FILES, most))

    environment = {**os.environ, **command.environment}
    return subprocess.Popen(
        command.arguments,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        cwd=folder,
        env=environment,
        preexec_fn=prepare,
        start_new_session=True,
    )


def wait(pid: int, deadline: float, meanwhile: Callable[[], None]):
    """Waits for the child; its peak memory is read while it lives.

    The peak that wait4 gives would not do: it begins with the memory of this Python program, which the child was forked from.
    """
    peak, killed = 0, False
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return status, usage, peak, killed
        peak = max(peak, peak_memory_bytes(pid))
        meanwhile()
        if time.monotonic() > deadline and not killed:
            os.killpg(pid, signal.SIGKILL)
            killed = True
        time.sleep(LOOK_EVERY_S)


def peak_memory_bytes(pid: int) -> int:
    """Of a process and its descendants, added up: Tsung's is a shell that starts Erlang."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return 0
    own = next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)
    return own + sum(peak_memory_bytes(int(child)) for child in children.split())


def text(file) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
