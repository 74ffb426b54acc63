"""Chains of lives: something happens to the first and to the resumed one, and another one runs to the end."""

import json
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import disks
from life import Life, Moment, live
from study import Study, end_all, free_port, state_of

MEASURE = ["measure", "--yes"]
RESUME = ["measure", "--yes", "--resume"]
NO_SPACE = "No space left on device"
KILLED = -signal.SIGKILL
# A step of the plan that the program says is finished.
FINISHED = re.compile(r"^step (\d+) of \d+: .*$", re.MULTILINE)
# Share of the losses of power after which a file is damaged besides, as by a disk that promised too much.
DAMAGED = 0.4


@dataclass
class Chain:
    """One chain, and what it did that none may."""

    kind: str
    seed: int
    program: str
    folder: Path
    draw: random.Random = field(init=False)
    study: Study = field(init=False)
    lives: list[Life] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: dict[str, float] = field(default_factory=dict)
    damaged_files: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.draw = random.Random(f"{self.kind} {self.seed}")
        port = free_port(self.draw)
        self.study = Study(self.folder / "study", port, f"{self.kind}-{self.seed}-{port}")

    def run(self) -> None:
        try:
            {"kill": self.kill, "full": self.full, "power": self.power}[self.kind]()
        finally:
            end_all(self.study)

    def fault(self, text: str) -> None:
        self.faults.append(f"life {len(self.lives)}: {text}")

    def note(self, name: str, value: float) -> None:
        self.notes[name] = max(self.notes.get(name, 0), value)

    # -- what every life is held to

    def live(
        self,
        verb: list[str],
        moment: Moment | None = None,
        happens: Callable[[subprocess.Popen], None] | None = None,
        codes: tuple[int, ...] = (0,),
    ) -> Life:
        """One life. It ends with one of `codes`; with 7 only where there is nothing to continue."""
        before, could_continue = self.study.steps(), bool(self.study.unfinished())
        said = self.folder / f"said-{len(self.lives) + 1}"
        life = live(self.program, self.study, verb, said, moment, happens)
        self.lives.append(life)
        if life.code == 7 and verb == RESUME and not could_continue:
            self.note("7 for nothing to continue", self.notes.get("7 for nothing to continue", 0) + 1)
        elif life.code not in codes:
            self.fault(f"code {life.code}: {life.said[-400:]}")
        if "panicked" in life.said:
            self.fault(f"a panic: {life.said[-600:]}")
        self.check_kept(before, "before this life")
        return life

    def check_kept(self, before: dict[str, bytes], when: str) -> None:
        """Finished steps are still there, as they were."""
        after = self.study.steps()
        for name, content in before.items():
            if name not in after:
                self.fault(f"{name}, which was there {when}, is gone")
            elif after[name] != content:
                self.fault(f"{name} is not what it was {when}")

    def check_said(self, life: Life) -> None:
        """Steps that the program called finished are there."""
        runs = self.study.runs()
        for step in FINISHED.findall(life.said):
            if "cut short" not in step and not (runs[-1] / "steps" / f"{int(step) - 1:03}.json").exists():
                self.fault(f"step {step} was called finished and is not there")

    def check_gone(self) -> None:
        took, faults = self.study.wait_until_gone()
        self.note("seconds until nothing ran", took)
        for one in faults:
            self.fault(one)

    def to_the_end(self) -> None:
        """Resumes until the end; begins anew where there is nothing to continue."""
        last = self.live(RESUME)
        if last.code == 7 and not self.study.unfinished() and not self.has_finished():
            self.live(MEASURE)
        self.check_gone()
        for one in self.study.complete():
            self.fault(one)
        self.note("files left over", len(self.study.left_over()))

    def has_finished(self) -> bool:
        return any(state_of(run) == "finished" for run in self.study.runs())

    def disturbed(self, verb: list[str], happens: Callable[[subprocess.Popen], None], codes: tuple[int, ...]) -> Life:
        """A life at whose moment something happens. Where there is nothing to continue, one that begins anew."""
        life = self.live(verb, Moment.drawn(self.draw), happens, codes)
        if life.code == 7 and not self.has_finished():
            life = self.live(MEASURE, Moment.drawn(self.draw), happens, codes)
        return life

    # -- kill -9

    def kill(self) -> None:
        self.study.write(self.draw)
        for verb in (MEASURE, RESUME):
            life = self.disturbed(verb, lambda one: one.kill(), (0, KILLED))
            self.check_said(life)
            # The next one may come while the target of this one is still ending.
            if self.draw.random() < 0.5:
                self.check_gone()
        self.to_the_end()

    # -- full disks

    def full(self) -> None:
        disk = self.folder / "disk"
        disks.mount_small(self.draw.choice(["tmpfs", "ext4"]), disk)
        try:
            self.study.path = disk / "study"
            self.study.write(self.draw)
            for verb in (MEASURE, RESUME):
                left = self.draw.choice([0, 0, 4096, self.draw.randrange(40_000)])
                fills = lambda _, left=left: disks.fill(disk, left)  # noqa: E731
                life = self.disturbed(verb, fills, (0, 1))
                if life.code == 1 and NO_SPACE not in life.said:
                    self.fault(f"it does not say that the disk is full: {life.said[-400:]}")
                if life.code == 1:
                    self.note("ended by a full disk", self.notes.get("ended by a full disk", 0) + 1)
                self.check_said(life)
                self.check_gone()
                disks.free(disk)
            self.to_the_end()
            if self.faults:
                self.study.keep(self.folder / "kept")
        finally:
            end_all(self.study)
            disks.unmount(disk)

    # -- losses of power

    def power(self) -> None:
        disk, folder = self.folder / "disk-0", self.folder / "mounted"
        disks.make_ext4(disk, disks.DISK_BYTES)
        disks.mount_disk(disk, folder)
        try:
            self.study.path = folder / "study"
            self.study.write(self.draw)
            subprocess.run(["sync", "--file-system", str(folder)], check=True)
            for number, verb in enumerate((MEASURE, RESUME), start=1):
                next_disk = self.folder / f"disk-{number}"
                life, promised = self.lose_power(verb, disk, next_disk)
                disks.unmount(folder)
                disks.mount_disk(next_disk, folder)
                disk = next_disk
                self.check_promised(promised)
                if self.draw.random() < DAMAGED:
                    self.damage()
            self.to_the_end()
            if self.faults:
                self.study.keep(self.folder / "kept")
        finally:
            end_all(self.study)
            disks.unmount(folder)

    def lose_power(self, verb: list[str], disk: Path, to: Path) -> tuple[Life, dict[str, bytes]]:
        """A life at whose moment the disk is copied; what had been promised by then, by its path."""
        promised: dict[str, bytes] = {}

        def happens(program: subprocess.Popen) -> None:
            program.send_signal(signal.SIGSTOP)
            time.sleep(0.001)
            said = self.folder / f"said-{len(self.lives) + 1}"
            promised.update(self.promised(said.read_text(errors="replace")))
            disks.copy_disk(disk, to)
            program.kill()

        life = self.disturbed(verb, happens, (0, KILLED))
        self.check_gone()
        if not life.happened:
            promised.update(self.promised(life.said))
            disks.copy_disk(disk, to)
        self.note("files promised", len(promised))
        return life, promised

    def promised(self, said: str) -> dict[str, bytes]:
        """What the program has said that it holds: these files were written out before."""
        names: set[Path] = set()
        for run in re.findall(r"^run (\S+) of ", said, re.MULTILINE):
            folder = self.study.path / "runs" / run
            names.add(folder / "run.json")
            if re.search(r"^plan: ", said, re.MULTILINE):
                names.add(folder / "plan.json")
            names.update(folder / "steps" / f"{int(step) - 1:03}.json" for step in FINISHED.findall(said))
        if re.search(r"^measured \d+ steps", said, re.MULTILINE):
            names.add(self.study.path / "measurements.json")
        # Steps of earlier lives were promised too.
        names.update(self.study.path / name for name in self.study.steps() if self.lives)
        return {str(name.relative_to(self.study.path)): name.read_bytes() for name in names}

    def check_promised(self, promised: dict[str, bytes]) -> None:
        for name, content in promised.items():
            path = self.study.path / name
            if not path.exists():
                self.fault(f"{name} was promised and is not there after the loss of power")
            elif path.read_bytes() != content and path.name != "run.json":
                self.fault(f"{name} is not what was promised")
        for run in self.study.runs():
            for path in [run / "run.json", *(run / "steps").glob("[0-9]*.json")]:
                try:
                    json.loads(path.read_bytes())
                except ValueError:
                    if path not in self.damaged_files:
                        self.fault(f"{path.name} is damaged by the loss of power")

    def damage(self) -> None:
        """Damages one file of the run that may be continued. The next life must name it."""
        runs = self.study.unfinished()
        if not runs:
            return
        files = [one for one in runs[-1].rglob("*.json") if ".cut" not in one.name and one.stat().st_size]
        weights = [1 if one.parent.name == "steps" else 0.3 for one in files]
        file = self.draw.choices(sorted(files), weights)[0]
        how = disks.damage(file, self.draw)
        self.damaged_files.add(file)
        self.note("files damaged", self.notes.get("files damaged", 0) + 1)
        self.damaged(file, how)

    def damaged(self, file: Path, how: str) -> None:
        """A life after damage: the file is named; its step runs again, and other steps stay as they are."""
        steps = self.study.steps()
        steps.pop(str(file.relative_to(self.study.path)), None)
        is_step = file.parent.name == "steps"
        said = self.folder / f"said-{len(self.lives) + 1}"
        life = live(self.program, self.study, RESUME, said)
        self.lives.append(life)
        name = file.name
        if name == "measurements.json":
            return  # made again from the steps
        if life.code != (0 if is_step else 7):
            self.fault(f"code {life.code} after {name} was damaged ({how}): {life.said[-400:]}")
        if name not in life.said or "damaged" not in life.said:
            self.fault(f"{name} ({how}) is not named: {life.said[-400:]}")
        self.check_kept(steps, "before the damage")
        self.check_gone()
