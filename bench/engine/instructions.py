"""User instructions per request, counted by callgrind: the gate that no neighbour on the machine disturbs.

    bench/instructions        needs target/debug/locust-nest, nginx and valgrind; takes about half a minute

Two runs of `locust-nest load`, one with more requests; their difference leaves out what start and end cost. The kernel's part is
not counted, and cannot be lowered by us.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from nginx import Nginx
from rounds import say
from tables import table
from tools import HERE, NEST, program

CUSTOMERS = 64
FEW, MANY = 4_000, 24_000
AT_MOST_S = 60


@dataclass(frozen=True)
class Gate:
    """What is run, and what it may cost."""

    name: str
    path: str
    options: list[str]
    goal: int
    floor: int


GATES = [
    Gate("plain GET", "/", [], 5_000, 7_000),
    Gate("template, capture and two checks", "", ["--behaviour", str(HERE / "checked.toml")], 12_000, 17_000),
]


def main() -> int:
    rows, failed = [], []
    with Nginx() as server:
        for gate in GATES:
            few, many = (instructions(server, gate, requests) for requests in (FEW, MANY))
            measured = (many - few) / (MANY - FEW)
            verdict = "goal met" if measured <= gate.goal else "above the floor" if measured <= gate.floor else "**misses the floor**"
            rows.append([gate.name, f"{measured:,.0f}", f"≤ {gate.goal:,}", f"≤ {gate.floor:,}", verdict])
            if measured > gate.floor:
                failed.append(f"error: a request ({gate.name}) takes {measured:,.0f} user instructions, more than the floor of {gate.floor:,}")
    print(table(["request", "user instructions", "goal", "floor", "verdict"], rows, "l---l"))
    if failed:
        say("\n".join([*failed, "hint: callgrind_annotate, on the output of `valgrind --tool=callgrind`, says where they went"]))
    return 1 if failed else 0


def instructions(server: Nginx, gate: Gate, requests: int) -> int:
    """All user instructions of one run, which must have made exactly `requests` requests."""
    load = [program(NEST), "load", server.url(path=gate.path), "--customers", str(CUSTOMERS), "--requests", str(requests), *gate.options]
    before = server.counters()
    with tempfile.TemporaryDirectory(prefix="locust-nest-bench.") as folder:
        command = [valgrind(), "--tool=callgrind", "--callgrind-out-file=callgrind.out", *load, "--workers", "1", "--format", "json"]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=AT_MOST_S, check=False)
    made = server.counters().requests - before.requests
    collected = re.search(r"Collected : (\d+)", ended.stderr)
    if made != requests or not collected:
        said = [line for line in ended.stderr.splitlines() if not line.startswith("==")]
        raise SystemExit(f"error: {gate.name}: {made} of {requests} requests were made, exit code {ended.returncode}\n" + "\n".join(said[-5:]))
    return int(collected.group(1))


def valgrind() -> str:
    found = shutil.which("valgrind")
    if not found:
        raise SystemExit("error: valgrind is missing\nhint: tests/run installs it")
    return found


if __name__ == "__main__":
    sys.exit(main())
