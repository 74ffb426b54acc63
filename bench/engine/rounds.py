"""Interleaved rounds: every tool once, then the next round, each run counted by nginx and proven to have done its work."""

import statistics
import sys
from dataclasses import dataclass
from typing import Callable

import books
import child
from nginx import Nginx
from tools import Tool

START_UP_S = 30  # what a tool may take beyond its own duration before it is killed
CLAIM_TOLERANCE = 0.005  # between a tool's count and nginx's, besides what was under way at the end


@dataclass(frozen=True)
class Run:
    """One run of one tool."""

    tool: Tool
    ended: child.Ended
    requests: int  # by nginx
    connections: int  # opened, by nginx
    wrong: list[str]

    @property
    def per_cpu_s(self) -> float:
        return self.requests / self.ended.cpu_s if self.ended.cpu_s else 0.0

    @property
    def per_s(self) -> float:
        return self.requests / self.tool.seconds


Runs = dict[str, list[Run]]


def interleaved(server: Nginx, tools: list[Tool], rounds: int) -> Runs:
    """Runs every tool once a round; each round begins with another one. A missing tool has no runs."""
    runs: Runs = {tool.name: [] for tool in tools}
    here = [tool for tool in tools if tool.command.arguments[0]]
    for round_number in range(rounds):
        first = round_number % len(here)
        for tool in here[first:] + here[:first]:
            runs[tool.name].append(measure(server, tool))
    return runs


def measure(server: Nginx, tool: Tool, meanwhile: Callable[[], None] = lambda: None) -> Run:
    before = server.counters()
    ended = child.run(tool.command, tool.seconds + START_UP_S, meanwhile)
    after = server.counters()
    requests = after.requests - before.requests
    run = Run(tool, ended, requests, after.accepted - before.accepted, what_went_wrong(tool, ended, requests))
    say(f"{tool.name}: {run.requests:,} requests, {run.per_cpu_s:,.0f} per CPU-second {'; '.join(run.wrong)}")
    return run


def what_went_wrong(tool: Tool, ended: child.Ended, requests: int) -> list[str]:
    if ended.killed:
        return [f"killed after {ended.seconds:.0f} s"]
    try:
        claimed: books.Books = tool.read(ended)
    except (ValueError, KeyError, IndexError) as error:
        last = (ended.errors or ended.output).strip().splitlines()[-1:] or ["no output"]
        return [f"exit code {ended.code}, no report ({error!r}): {last[0]}"]
    wrong = list(claimed.wrong)
    if ended.code and not wrong:
        wrong.append(f"exit code {ended.code}: {ended.errors.strip()[-200:]}")
    if abs(claimed.completed - requests) > CLAIM_TOLERANCE * requests + 2 * tool.connections:
        wrong.append(f"claims {claimed.completed:,} requests where nginx counted {requests:,}")
    return wrong


def ratios(runs: Runs, of: str, to: str) -> list[float]:
    """Requests per CPU-second of one tool to those of another, round by round; empty if one of them is missing."""
    return [one.per_cpu_s / other.per_cpu_s for one, other in zip(runs.get(of, []), runs.get(to, [])) if other.per_cpu_s]


def median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
