"""Our queueing formulas and laws beside LINE: `bench/run line`.

    python bench/line FORECASTS.csv

FORECASTS.csv is what the example `line` of nest-model says of models.json. Prints the Markdown of bench/README.md: largest
differences by method, and every model.
"""

import csv
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from solve import Solved, solve

MODELS = json.loads(Path(__file__).with_name("models.json").read_text())
METHODS = {
    "one class": "one closed class, several servers",
    "several classes": "several closed classes, one server a station",
    "Schweitzer": "the same, approximately (Schweitzer)",
    "Seidmann": "several closed classes, several servers (Seidmann)",
    "as offered": "closed classes taken as offered load, as a projection does",
    "open classes": "open classes, one server a station",
    "several servers": "open classes, several servers",
    "fit": "open classes, laws fitted at up to 0.7 of the resource that binds",
    "in turn": "open classes served in turn",
    "pools": "threads and connections, open or nested",
}


@dataclass(frozen=True)
class Difference:
    model: str
    method: str
    reference: str
    throughput: float  # ours / LINE's - 1, of the class where it is largest
    response: float


def main() -> int:
    ours = read_forecasts(sys.argv[1])
    differences = []
    for model in MODELS:
        began = time.monotonic()
        reference = solve(model)
        forecasts = ours[model["name"]]
        differences += [difference(model["name"], method, classes, reference) for method, classes in forecasts.items()]
        print(f"{model['name']}: {reference.method}, {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    print(by_method(differences), by_model(differences), sep="\n\n")
    missing = [model["name"] for model in MODELS if not ours[model["name"]]]
    if missing:
        print(f"error: nothing forecast for {', '.join(missing)}", file=sys.stderr)
    return 1 if missing else 0


def read_forecasts(path: str) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Throughput and response time of the classes, by model and method."""
    found: dict = defaultdict(lambda: defaultdict(list))
    for row in csv.DictReader(Path(path).open()):
        found[row["model"]][row["method"]].append((float(row["throughput_per_s"]), float(row["response_s"])))
    return found


def difference(model: str, method: str, classes: list[tuple[float, float]], reference: Solved) -> Difference:
    pairs = list(zip(classes, reference.classes, strict=True))
    throughput = max((ours[0] / theirs[0] - 1 for ours, theirs in pairs), key=abs)
    response = max((ours[1] / theirs[1] - 1 for ours, theirs in pairs), key=abs)
    return Difference(model, method, reference.method, throughput, response)


def by_method(differences: list[Difference]) -> str:
    rows = ["| what | models | by LINE's | throughput, largest, % | response time, largest, % | in |", "|---|--:|---|--:|--:|---|"]
    for method, words in METHODS.items():
        of = [one for one in differences if one.method == method]
        worst = max(of, key=lambda one: abs(one.response), default=None)
        if worst:
            throughput = max((one.throughput for one in of), key=abs)
            references = ", ".join(dict.fromkeys(one.reference for one in of))
            rows.append(f"| {words} | {len(of)} | {references} | {per_cent(throughput)} | {per_cent(worst.response)} | {worst.model} |")
    return "\n".join(rows)


def by_model(differences: list[Difference]) -> str:
    rows = ["| model | method | by LINE's | throughput, % | response time, % |", "|---|---|---|--:|--:|"]
    rows += [f"| {one.model} | {one.method} | {one.reference} | {per_cent(one.throughput)} | {per_cent(one.response)} |" for one in differences]
    return "\n".join(rows)


def per_cent(share: float) -> str:
    """Signed; what is less than a millionth of a per cent counts as none."""
    return "0" if abs(share) < 1e-8 else f"{100 * share:+.2g}" if abs(share) < 1e-4 else f"{100 * share:+.2f}"


if __name__ == "__main__":
    sys.exit(main())
