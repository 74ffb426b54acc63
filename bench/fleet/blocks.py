"""The shop measured by 1, 4, 4 and 1 workers, block after block, judged by the comparison that `check` uses.

The shop has core 0, all workers the last one. The first visit of each kind in a block has one seed, the second another.
"""

import json
import math
import os
import shutil
import statistics
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from hosts import NEST, ROOT, Broker, free_port, measure, measured, worker
from state import FOLDER, add, lines, table

ORDER = [1, 4, 4, 1]
LIMITS = {"demand": 0.03, "p50": 0.05, "p95": 0.05, "p99": 0.10}
# The ramp is in customers, so that all visits offer the same: what a pilot finds differs.
MEASURING = {"window": "2s", "windows": "8", "settle": "1s", "pilot": "2s", "customers": "[20000, 40000, 60000]"}
# The comparison of `check`, for a document; built with the whole workspace, as another selection would build its dependencies anew.
GATES = ROOT / "target/debug/examples/gates"
# Requests of a behaviour in the last step of the ramp that its quantiles are compared from.
FEWEST_REQUESTS = 200


def main(number):
    each = len(ORDER)
    for done in range(len(lines("blocks")), (number or 6) * each):
        block, place = divmod(done, each)
        add("blocks", {"figures": visit(ORDER[place], 100 + 2 * block + place // 2)})
        print(f"block {block + 1}, {ORDER[place]} workers", flush=True)
    visits = [line["figures"] for line in lines("blocks")]
    found = [visits[start:start + each] for start in range(0, len(visits) - each + 1, each)]
    names = sorted(set.intersection(*(set(one) for visits in found for one in visits)) - {"generator busy"})
    rows, failed = [], 0
    for name in names:
        kind = name.split(" of ")[0]
        ratios = [block_ratio(visits, name) for visits in found]
        mean, half = statistics.fmean(ratios), spread(ratios)
        up, down = judged(found, name, LIMITS[kind], "1 to 4"), judged(found, name, LIMITS[kind], "4 to 1")
        failed += "fail" in (up, down)
        rows.append([name, f"{found[0][0][name]['value'] * 1e3:.3f} ms", f"{math.expm1(mean):+.2%}", f"±{half:.2%}", f"{LIMITS[kind]:.0%}", up, down])
    busy = max(one["generator busy"]["value"] for visits in found for one in visits)
    print(f"{len(found)} blocks; workers used {busy:.0%} of their core at most")
    table(["figure", "first visit", "4 workers / 1", "95 %", "limit", "not more", "not less"], rows)
    return int(failed > 0)


def visit(workers, seed):
    """Figures of one measurement, each with its own relative standard error."""
    cores = os.cpu_count() or 2
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nest-blocks.")))
        study = folder / "shop"
        shutil.copytree(ROOT / "models/shop", study, ignore=shutil.ignore_patterns("runs", "*.json"))
        port = free_port()
        broker = stack.enter_context(Broker(folder / "broker"))
        for number in range(workers):
            name = f"w{number}"
            stack.enter_context(worker(broker, folder / name, name, "--slots", 1, "--cores", cores - 1))
        settings = {f"measure.{key}": value for key, value in MEASURING.items()} | {
            "study.seed": seed, "target.base_url": f"http://127.0.0.1:{port}",
            "target.start": f"'''exec \"$LOCUST_NEST\" shop --listen 127.0.0.1:{port} --items 2000 --cores 0'''"}
        options = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        ran = stack.enter_context(measure(broker, folder / "measure", study, workers, *options))
        if ran.finish() != 0:
            raise RuntimeError(ran.said())
        subprocess.run([NEST, "fit", study], check=True, capture_output=True)
        return figures(json.loads((study / "scaling.json").read_text()), measured(study)["steps"])


def figures(model, steps):
    found = {}
    for resource in model["resources"]:
        if resource["name"] == "app/cpu":
            for behaviour, one in resource["demand"].items():
                found[f"demand of {behaviour}"] = {"value": one["value"], "error": one["standard_error"] / one["value"]}
    last = [step for step in steps if step["plan"]["purpose"] == "ramp"][-1]
    for endpoint in last["endpoints"]:
        if endpoint["requests"]["completed"] >= FEWEST_REQUESTS:
            for name, value in zip(("p50", "p95", "p99"), endpoint["response_s"]):
                found[f"{name} of {endpoint['behaviour']}"] = {"value": value, "error": 0.0}
    found["generator busy"] = {"value": max(sum(one["health"]["cpu"] for one in step["generators"]) for step in steps), "error": 0.0}
    return found


def block_ratio(visits, name):
    """Logarithm of four workers over one, free of a drift that is linear in the block."""
    logs = [math.log(one[name]["value"]) for one in visits]
    return (logs[1] + logs[2] - logs[0] - logs[3]) / 2


def spread(ratios):
    """Half of a 95 % interval of the mean: Student's t."""
    if len(ratios) < 2:
        return math.inf
    t = {1: 12.71, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}.get(len(ratios) - 1, 2.0)
    return t * statistics.stdev(ratios) / math.sqrt(len(ratios))


def judged(found, name, limit, direction):
    """What the comparison of `check` says of one figure: as a document of `check`, to the example that judges such documents."""
    demand = lambda one: {"value": one[name]["value"], "relative_error": one[name]["error"]}  # noqa: E731
    blocks = []
    for first, second, third, fourth in found:
        ends, middle = [[demand(first)], [demand(fourth)]], [[demand(second)], [demand(third)]]
        blocks.append({"size": None, "base": ends, "head": middle} if direction == "1 to 4" else {"size": None, "base": middle, "head": ends})
    machine = measured_machine()
    document = {
        "header": {"kind": "nest.check", "format": 1, "made_by": "bench/fleet"}, "study": "shop", "verdict": "pass", "exit": 0, "base": "1", "head": "4",
        "machine": machine, "blocks": len(blocks), "seconds": 0.0, "noise": None, "comparisons": [], "money": None, "room": None,
        "subjects": [{"behaviour": name, "resource": "app/cpu", "share": 1.0, "limit": limit}], "visits": blocks}
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / "judged.json"
    path.write_text(json.dumps(document))
    if not GATES.exists():
        subprocess.run(["cargo", "build", "--quiet", "--workspace", "--examples"], cwd=ROOT, check=True)
    cells = subprocess.run([GATES, "1", "fleet", path], check=True, capture_output=True, text=True).stdout.split("|")
    fails, passes = (float(cell.split()[0]) for cell in cells[4:6])
    return "fail" if fails else "pass" if passes else "unclear"


def measured_machine():
    return measured(ROOT / "models/shop")["machine"]
