"""The benchmark of the load engine: `bench/run engine [ROUNDS] [SECTION...]`.

Prints the Markdown of bench/README.md, one section after the other; what it is doing goes to stderr. Ends with 1 where a figure
misses its floor or a tool did not do its work.
"""

import os
import re
import signal
import sys
import time
from pathlib import Path

from edit import edit
from instructions import instructions
from memory import memory
from pace import rate, stall
from peers import peers
from per_request import get, get_1000, http2, tls
from rounds import say
from session import session
from tools import NEST, PEERS, needed, version
from workers import workers

ROUNDS = 5
SECTIONS = {
    "get": get,
    "get-1000": get_1000,
    "peers": peers,
    "session": session,
    "tls": tls,
    "http2": http2,
    "memory": memory,
    "rate": rate,
    "stall": stall,
    "workers": workers,
    "edit": edit,
    "instructions": instructions,
}


def main(arguments: list[str]) -> int:
    rounds = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else ROUNDS
    unknown = [name for name in arguments if name not in SECTIONS]
    if unknown or rounds == 0:
        say(f"error: {'no rounds' if rounds == 0 else f'no section {unknown[0]!r}'}\nhint: bench/run engine [ROUNDS] [{' | '.join(SECTIONS)}]...")
        return 2
    needed(NEST)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nginx and the generator end as well
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # out of the way of the generator
    print(introduction(rounds, arguments), flush=True)
    missed = []
    for name in arguments or SECTIONS:
        say(f"== {name}")
        section = SECTIONS[name](rounds)
        print(section.markdown(), flush=True)
        missed += [f"{section.title}: {figure.name} misses the floor" for figure in section.figures if figure.under_floor]
        missed += [f"{section.title}: {doubt}" for doubt in section.doubts]
    say("\n".join(missed))
    return 1 if missed else 0


def introduction(rounds: int, sections: list[str]) -> str:
    versions = {name: version(name) for name in PEERS}
    here = ", ".join(f"{name} {number}" for name, number in versions.items() if number)
    missing = ", ".join(name for name, number in versions.items() if not number)
    command = " ".join(["bench/run engine", str(rounds), *sections])
    return (
        f"## The load engine beside other load generators\n\n    {command}        # printed on {time.strftime('%Y-%m-%d')}\n\n"
        f"Medians of {rounds} interleaved round{'s' if rounds > 1 else ''}, least and most in brackets. The generator is on core 1, nginx with one worker on core 0. Requests "
        "are counted by nginx (`stub_status`), CPU by the kernel (`wait4`, start-up included); a ratio is taken within a round. Requests "
        "per second swing with the neighbours of a virtual machine; requests per CPU-second hold.\n\n"
        f"{machine()} Peers: {here}.{f' Not installed: {missing}.' if missing else ''}\n"
    )


def machine() -> str:
    processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kernel = ".".join(os.uname().release.split(".")[:2])
    return f"Machine: {os.cpu_count()} CPUs ({processor.group(1) if processor else os.uname().machine}), {memory:.0f} GiB, Linux {kernel}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
