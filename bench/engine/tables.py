"""Markdown: tables, and figures beside their goal and their floor."""

from dataclasses import dataclass, field

from rounds import Run, Runs, median, ratios
from tools import NEST, PROGRAMS, version


@dataclass(frozen=True)
class Figure:
    """One measured number and what it is held to."""

    name: str
    values: list[float]  # one a round, empty if it could not be measured
    goal: float
    floor: float
    unit: str = ""
    at_most: bool = False  # where small is good
    digits: int = 2

    @property
    def measured(self) -> float | None:
        return median(self.values)

    @property
    def under_floor(self) -> bool:
        return self.measured is not None and not self.meets(self.floor)

    def meets(self, limit: float) -> bool:
        return self.measured <= limit if self.at_most else self.measured >= limit

    def verdict(self) -> str:
        if self.measured is None:
            return "not measured"
        return "goal met" if self.meets(self.goal) else "above the floor" if self.meets(self.floor) else "**misses the floor**"

    def row(self) -> list[str]:
        sign = "≤ " if self.at_most else "≥ "
        limits = [f"{sign}{limit:,g}{self.unit}" for limit in (self.goal, self.floor)]
        return [self.name, spread(self.values, self.digits, self.unit), *limits, self.verdict()]


@dataclass
class Section:
    """What one part of the benchmark found out, ready to be printed."""

    title: str
    text: str
    figures: list[Figure]
    detail: str = ""
    doubts: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        parts = [f"### {self.title}", self.text]
        if self.figures:
            header = ["figure", "measured (least … most)", "goal", "floor", "verdict"]
            parts.append(table(header, [figure.row() for figure in self.figures], "l---l"))
        parts += [self.detail] if self.detail else []
        parts += ["\n".join(f"- {doubt}" for doubt in self.doubts)] if self.doubts else []
        return "\n\n".join(parts) + "\n"


def table(header: list[str], rows: list[list[str]], alignment: str) -> str:
    rule = ["---" if column == "l" else "--:" for column in alignment]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, rule, *rows])


def spread(values: list[float], digits: int = 0, unit: str = "") -> str:
    """Median, and least and most where there are several."""
    if not values:
        return "–"
    ends = f" ({min(values):,.{digits}f} … {max(values):,.{digits}f})" if len(values) > 1 else ""
    return f"{median(values):,.{digits}f}{unit}{ends}"


def efficiency_table(runs: Runs, per: int = 1, what: str = "requests", reference: str = NEST) -> str:
    """All tools beside one another; `per` requests make one of `what`, and `reference` is what the others are compared with."""
    header = ["tool", f"{what} per CPU-s", "CPU µs each", f"{reference} / tool", f"{what} per s", "peak MiB", "connections"]
    rows = []
    for name, of_tool in runs.items():
        if not of_tool:
            rows.append([f"{name}: not installed"] + ["–"] * (len(header) - 1))
            continue
        per_cpu_s = [run.per_cpu_s / per for run in of_tool]
        each = [f"{1e6 / median(per_cpu_s):.1f}"] if median(per_cpu_s) else ["–"]
        peak = max(run.ended.peak_memory_bytes for run in of_tool) / 2**20
        speed = spread([run.per_s / per for run in of_tool])
        ratio = spread(ratios(runs, reference, name), 2) if name != reference else ""
        rows.append([named(name), spread(per_cpu_s), *each, ratio, speed, f"{peak:.0f}", f"{max(run.connections for run in of_tool):,}"])
    return table(header, rows, "l" + "-" * (len(header) - 1))


def named(name: str) -> str:
    """A tool's name with its version, where it is run in one way only."""
    return f"{name} {version(name)}" if name in PROGRAMS and name != NEST else name


def doubts(runs: list[Run]) -> list[str]:
    """Everything that went wrong, once for each tool."""
    seen: dict[str, list[str]] = {}
    for run in runs:
        seen.setdefault(run.tool.name, []).extend(run.wrong)
    return [f"**{name}**: {'; '.join(dict.fromkeys(wrong))}" for name, wrong in seen.items() if wrong]


def all_runs(runs: Runs) -> list[Run]:
    return [run for of_tool in runs.values() for run in of_tool]
