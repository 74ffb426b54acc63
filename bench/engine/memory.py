"""What one customer costs in memory, with a connection of its own and think time."""

import time

import tools
from nginx import Nginx
from rounds import Run, measure
from session import BEHAVIOUR, STEPS
from tables import Figure, Section, doubts, spread, table
from tools import NEST

FEW, MANY = 10, 10_000
MOST_ROUNDS = 3  # resident memory repeats within a few per cent
THINK_S = 10
SECONDS = {FEW: 5, MANY: 30}  # three think times, so that everybody has come round
ABOUT_OPEN = 0.99  # of the customers that must be seen connected at one time


def memory(rounds: int) -> Section:
    plain, sessions, wrong = [], [], []
    with Nginx() as server:
        for _ in range(min(rounds, MOST_ROUNDS)):
            plain.append(Pair(server, server.url()))
            sessions.append(Pair(server, server.url(path=""), "--behaviour", str(BEHAVIOUR)))
    for pair in plain + sessions:
        wrong += [doubt for doubt in pair.doubts() if doubt not in wrong]
    measured = [[pair.kib_per_customer for pair in pairs if pair.sound] for pairs in (plain, sessions)]
    figures = [
        Figure("bare GET", measured[0], 4, 8, " KiB", at_most=True),
        Figure("session: cookies and variables", measured[1], 8, 16, " KiB", at_most=True),
    ]
    text = (
        f"Peak resident memory (VmHWM) with {MANY:,} customers, less that with {FEW}, per customer; each has its own connection "
        f"and thinks for {THINK_S} s. Sockets are the kernel's and not in it. Without TLS."
    )
    header = ["customers do", f"MiB with {FEW}", f"MiB with {MANY:,}", "most connections at one time", "requests"]
    rows = [pairs_row("bare GET", plain), pairs_row("session", sessions)]
    return Section("Memory of a customer", text, figures, table(header, rows, "l----"), wrong)


class Pair:
    """A run with few customers and one with many."""

    def __init__(self, server: Nginx, url: str, *options: str):
        self.few, _ = run(server, url, FEW, *options)
        self.many, self.most_open = run(server, url, MANY, *options)
        self.steps = len(STEPS) if options else 1

    @property
    def sound(self) -> bool:
        return not self.doubts()

    @property
    def kib_per_customer(self) -> float:
        return (self.many.ended.peak_memory_bytes - self.few.ended.peak_memory_bytes) / 1024 / (MANY - FEW)

    def doubts(self) -> list[str]:
        found = doubts([self.few, self.many])
        if self.most_open < ABOUT_OPEN * MANY:
            found.append(f"**{NEST}**: only {self.most_open:,} of {MANY:,} customers were connected at one time")
        if self.many.requests < self.steps * MANY:
            found.append(f"**{NEST}**: {self.many.requests:,} requests are not {self.steps} for each of {MANY:,} customers")
        return found


def run(server: Nginx, url: str, customers: int, *options: str) -> tuple[Run, int]:
    tool = tools.nest(url, "--think", f"{THINK_S}s", *options, connections=customers, seconds=SECONDS[customers])
    most_open, next_look = 0, 0.0

    def look() -> None:
        nonlocal most_open, next_look
        if time.monotonic() >= next_look:
            most_open = max(most_open, server.counters().active)
            next_look = time.monotonic() + 0.5

    return measure(server, tool, look), most_open


def pairs_row(name: str, pairs: list[Pair]) -> list[str]:
    few = [pair.few.ended.peak_memory_bytes / 2**20 for pair in pairs]
    many = [pair.many.ended.peak_memory_bytes / 2**20 for pair in pairs]
    return [name, spread(few, 1), spread(many, 1), f"{max(pair.most_open for pair in pairs):,}", f"{max(pair.many.requests for pair in pairs):,}"]
