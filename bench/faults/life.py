"""One life of the program: it is started, something happens to it at a moment, and it has ended."""

import ctypes
import os
import random
import select
import signal
import struct
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from study import Study

# Seconds that an undisturbed life may take on a busy machine.
LONGEST_S = 90
# Seconds of a usual life, and files that it makes: moments are drawn from these.
USUAL_S = 6.0
USUAL_FILES = 22
# Seconds between a file and a moment that is drawn after it.
AFTER_FILE_S = 0.004

CREATED, MOVED_TO, IS_FOLDER = 0x100, 0x80, 0x4000_0000


@dataclass(frozen=True)
class Moment:
    """When something happens: after a time, or a little after the study's folder has got so many more files."""

    after_s: float
    files: int | None = None

    @classmethod
    def drawn(cls, draw: random.Random) -> "Moment":
        if draw.random() < 0.5:
            return cls(round(draw.uniform(0, USUAL_S), 3))
        soon = 0.0 if draw.random() < 0.5 else round(draw.uniform(0, AFTER_FILE_S), 4)
        return cls(soon, draw.randint(1, USUAL_FILES))

    def __str__(self) -> str:
        return f"{self.after_s:.3f} s" if self.files is None else f"file {self.files} + {self.after_s * 1e3:.1f} ms"


class Files:
    """Counts the files and folders that appear below a folder."""

    def __init__(self, folder: Path):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.queue = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.folders: dict[int, Path] = {}
        self.count = 0
        self.watch(folder)

    def watch(self, folder: Path) -> None:
        number = self.libc.inotify_add_watch(self.queue, bytes(folder), CREATED | MOVED_TO)
        if number < 0:
            return
        self.folders[number] = folder
        # What was made before it was watched.
        for one in folder.iterdir():
            if one.is_dir() and one not in self.folders.values():
                self.watch(one)

    def read(self, seconds: float) -> None:
        """Waits for events, that long at most."""
        if not select.select([self.queue], [], [], max(seconds, 0))[0]:
            return
        events = os.read(self.queue, 65536)
        while events:
            number, mask, _, length = struct.unpack_from("iIII", events)
            name, events = events[16 : 16 + length].rstrip(b"\0"), events[16 + length :]
            self.count += 1
            if mask & IS_FOLDER and number in self.folders:
                self.watch(self.folders[number] / os.fsdecode(name))

    def close(self) -> None:
        os.close(self.queue)


@dataclass
class Life:
    """How a life went."""

    verb: str
    moment: Moment | None
    happened: bool
    code: int
    said: str
    took_s: float

    def __str__(self) -> str:
        at = f" (at {self.moment})" if self.happened else ""
        return f"{self.verb}{at}: {self.code}"


def live(
    program: str,
    study: Study,
    verb: list[str],
    said: Path,
    moment: Moment | None = None,
    happens: Callable[[subprocess.Popen], None] | None = None,
) -> Life:
    """Runs a verb until it ends; at the moment, something happens to it. `said` is where its messages go."""
    variables = os.environ | {"NEST_FAULTS": study.mark, "XDG_STATE_HOME": str(said.parent / "state")}
    start = time.monotonic()
    with said.open("wb") as messages:
        program_runs = subprocess.Popen(
            [program, *verb, str(study.path)],
            stdout=messages, stderr=messages, stdin=subprocess.DEVNULL, env=variables,
        )  # fmt: skip
    happened = False
    files = Files(study.path)
    try:
        while program_runs.poll() is None:
            elapsed = time.monotonic() - start
            if elapsed > LONGEST_S:
                break
            if moment and not happened:
                if moment.files is None:
                    left = moment.after_s - elapsed
                    is_now = left <= 0
                else:
                    left, is_now = 0.05, files.count >= moment.files
                if is_now:
                    if moment.files is not None:
                        time.sleep(moment.after_s)
                    happens(program_runs)
                    happened = True
                    continue
                files.read(min(left, 0.05))
            else:
                time.sleep(0.02)
    finally:
        files.close()
        if program_runs.poll() is None:
            program_runs.send_signal(signal.SIGKILL)
        code = program_runs.wait()
    if time.monotonic() - start > LONGEST_S:
        code = -1000  # it did not end by itself
    text = said.read_text(errors="replace")
    return Life(" ".join(verb), moment, happened, code, text, time.monotonic() - start)
