"""The small study of a chain, what its folder holds, and what is left running of it."""

import json
import os
import random
import shutil
import socket
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
# Seconds that the program gives a target to end, and some for a busy machine.
PATIENCE_S = 5 + 10

NEST = """\
nest = 1
[study]
name = "faults"
customer = "anybody"
seed = 7
[customers]
peak_hour_share = 1.0
burst = 18
[rates]
home = "20 / day"
[measure]
pilot = "500ms"
window = "250ms"
windows = 2
settle = "250ms"
settle_most = "250ms"
ramp = ["30%", "60%"]
max_rate = 60
[target]
base_url = "http://127.0.0.1:{port}"
ready = "/healthz"
start = '''{start}'''
"""
SHOP = '"$LOCUST_NEST" shop --listen 127.0.0.1:{port} --items 50 --browse 1ms'
# Ways to start a target, and how often each is taken.
STARTS = {
    f"exec {SHOP}": 4,
    # A shell that stays, with a process beside the server that fills the log.
    f"(while sleep 0.2; do echo 0123456789abcdef0123456789abcdef >&2; done) & {SHOP} & sleep 900 & wait": 3,
    # A server that does not listen to SIGTERM.
    f"exec python3 {HERE / 'stubborn.py'} {{port}}": 1,
}


def free_port(draw: random.Random) -> int:
    """A port that no client gets, and that is free."""
    while True:
        port = draw.randrange(10_000, 30_000)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


@dataclass
class Study:
    """The study of one chain, whose target is found by a variable that only its processes have."""

    path: Path
    port: int
    mark: str

    def write(self, draw: random.Random) -> None:
        (self.path / "behaviours").mkdir(parents=True)
        (self.path / "behaviours" / "home.toml").write_text('steps = [{ get = "/items?page=1" }]\n')
        start = draw.choices(list(STARTS), list(STARTS.values()))[0].format(port=self.port)
        (self.path / "nest.toml").write_text(NEST.format(port=self.port, start=start))

    def runs(self) -> list[Path]:
        return sorted(path for path in (self.path / "runs").glob("*") if (path / "run.json").exists())

    def unfinished(self) -> list[Path]:
        """Runs that `--resume` may continue."""
        can = lambda run: state_of(run) in ("running", "interrupted") and has_no_damaged_plan(run)  # noqa: E731
        return [run for run in self.runs() if can(run)]

    def steps(self) -> dict[str, bytes]:
        """The files of finished steps, by their path below the study."""
        return {
            str(path.relative_to(self.path)): path.read_bytes()
            for run in self.runs()
            for path in (run / "steps").glob("[0-9][0-9][0-9].json")
        }

    def left_over(self) -> list[str]:
        """Files that nobody reads: what was under way when the program was killed."""
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob(".*") if path.is_file())

    def running(self) -> list[int]:
        """Processes that the study has started, and the program itself."""
        found = []
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                try:
                    variables = (process / "environ").read_bytes().split(b"\0")
                except OSError:
                    continue
                if f"NEST_FAULTS={self.mark}".encode() in variables:
                    found.append(int(process.name))
        return found

    def listens(self) -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def wait_until_gone(self) -> tuple[float, list[str]]:
        """How long it took until nothing was left running, and what was left after all patience."""
        start = time.monotonic()
        # A process that ends has no environment any more before it lets go of its port.
        while (left := self.running()) or self.listens():
            if time.monotonic() - start > PATIENCE_S:
                left = [f"left running: {command_of(one)}" for one in left]
                return time.monotonic() - start, left or [f"port {self.port} is still listened at"]
            time.sleep(0.02)
        return time.monotonic() - start, []

    def complete(self) -> list[str]:
        """What the measurements lack that a whole run has."""
        try:
            steps = json.loads((self.path / "measurements.json").read_bytes())["steps"]
        except (OSError, ValueError) as error:
            return [f"measurements.json: {error}"]
        run = self.runs()[-1]
        planned = json.loads((run / "plan.json").read_bytes())["plan"]["steps"]
        faults = []
        if [step["plan"]["index"] for step in steps] != [step["index"] for step in planned]:
            faults.append("measurements.json does not have each planned step once")
        for step in steps:
            kept = run / "steps" / f"{step['plan']['index']:03}.json"
            if not kept.exists() or json.loads(kept.read_bytes()) != step:
                faults.append(f"{kept.name} is not what measurements.json has")
            faults += [f"{kept.name}: {one}" for one in unbalanced(step)]
        if state_of(run) != "finished":
            faults.append(f"run.json says {state_of(run)}")
        return faults

    def keep(self, where: Path) -> None:
        shutil.rmtree(where, ignore_errors=True)
        shutil.copytree(self.path, where, symlinks=True)


def unbalanced(step: dict) -> list[str]:
    """Counts of a step that do not add up."""
    counts = [*step["executions"].values(), *step["requests"].values(), step["settling"]]
    return [str(one) for one in counts if one["due"] != one["completed"] + one["failed"] + one["dropped"]]


def state_of(run: Path) -> str:
    try:
        return json.loads((run / "run.json").read_bytes())["state"]
    except (OSError, ValueError, KeyError):
        return "damaged"


def has_no_damaged_plan(run: Path) -> bool:
    try:
        json.loads((run / "plan.json").read_bytes())
    except FileNotFoundError:
        return True
    except ValueError:
        return False
    return True


def command_of(process: int) -> str:
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        command = "gone meanwhile"
    return f"{process} {command}".strip()


def end_all(study: Study) -> None:
    """Ends what is left, so that one fault is not found twice."""
    for process in study.running():
        try:
            os.kill(process, 9)
        except OSError:
            pass
