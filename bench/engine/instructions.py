"""User instructions per request, counted by callgrind: the gate that no neighbour on the machine disturbs.

    bench/instructions        needs nginx and valgrind; takes about a quarter of a minute

Two runs of `locust-nest load`, one with more requests; their difference leaves out what start and end cost. The kernel's part is
not counted, and cannot be lowered by us.
"""

import re
import signal
import sys
from dataclasses import dataclass

import child
from nginx import Nginx
from rounds import say
from tables import Figure, Section
from tools import HERE, NEST, needed

CUSTOMERS = 64
FEW, MANY = 4_000, 24_000
AT_MOST_S = 60
ARRIVALS = 2_000
DRAW = "*ScheduledStarts*draw_arrival*"  # the function that every slot calls for every arrival of a schedule


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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nginx and valgrind end as well
    section = instructions()
    print(section.markdown())
    failed = [figure for figure in section.figures if figure.under_floor]
    for figure in failed:
        say(f"error: a request ({figure.name}) takes {figure.measured:,.0f} user instructions, more than the floor of {figure.floor:,}")
    if failed:
        say("hint: callgrind_annotate, on the output of `valgrind --tool=callgrind`, says where they went")
    return 1 if failed else 0


def instructions(_rounds: int = 1) -> Section:
    with Nginx() as server:
        figures = [Figure(gate.name, [per_request(server, gate)], gate.goal, gate.floor, at_most=True, digits=0) for gate in GATES]
        figures.append(Figure("an arrival, drawn", [per_arrival(server)], 150, 250, at_most=True, digits=0))
    text = (
        f"In user space, by callgrind: {MANY:,} requests less {FEW:,}, {CUSTOMERS} customers. The same on a busy machine; `bench/instructions`, "
        f"and so `tests/run`, fails where a floor is missed. The last row is what each worker pays for every arrival of a schedule, its own or "
        f"not, over {ARRIVALS:,} Poisson arrivals."
    )
    return Section("Instructions per request", text, figures)


def per_request(server: Nginx, gate: Gate) -> float:
    return (executed(server, gate, MANY) - executed(server, gate, FEW)) / (MANY - FEW)


def per_arrival(server: Nginx) -> float:
    """User instructions of drawing one arrival, counted inside the function that does it."""
    gate = Gate("arrivals", "/", ["--rate", "1000", "--poisson"], 0, 0)
    collected = executed(server, gate, ARRIVALS, [f"--toggle-collect={DRAW}"])
    if not collected:
        raise SystemExit(f"error: callgrind found no function {DRAW}")
    return collected / ARRIVALS


def executed(server: Nginx, gate: Gate, requests: int, counting: list[str] = []) -> int:
    """All user instructions of one run, or those that `counting` asks for; it must have made exactly `requests` requests."""
    load = [needed(NEST), "load", server.url(path=gate.path), "--customers", str(CUSTOMERS), "--requests", str(requests), *gate.options]
    callgrind = [needed("valgrind"), "--tool=callgrind", "--callgrind-out-file=callgrind.out", *counting]
    before = server.counters()
    ended = child.run(child.Command([*callgrind, *load, "--threads", "1", "--format", "json"]), AT_MOST_S)
    made = server.counters().requests - before.requests
    collected = re.search(r"Collected : (\d+)", ended.errors)
    if made != requests or not collected:
        said = [line for line in ended.errors.splitlines() if not line.startswith("==")]
        end = f"killed after {AT_MOST_S} s" if ended.killed else f"exit code {ended.code}"
        raise SystemExit("\n".join([f"error: {gate.name}: {made} of {requests} requests were made, {end}", *said[-5:]]))
    return int(collected.group(1))


if __name__ == "__main__":
    sys.exit(main())
