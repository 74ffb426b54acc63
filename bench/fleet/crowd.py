"""Many workers on one machine, with next to no load: how long the coordinator needs between the windows of two steps, and its size."""

import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

from hosts import Broker, free_port, listens, measure, measured, shop, small_study, unbalanced, wait_until, worker
from state import table

WORKERS = 64
MEASURING = 'pilot = "300ms"\nsettle = "500ms"\nsettle_most = "500ms"\nwindow = "1s"\nwindows = 3\nmax_rate = 400\nbase = 0.1\nboost = 0.2\n' \
            "customers = [500, 1000, 1500]"
# Seconds of a step beside settling and windows that are allowed.
GOAL_S = 5.0


def main(number):
    count = number or WORKERS
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nest-crowd.")))
        port = free_port()
        stack.enter_context(shop(folder / "shop", port, "--browse", "100us"))
        wait_until(lambda: listens("127.0.0.1", port), "the shop listens")
        broker = stack.enter_context(Broker(folder / "broker"))
        study = small_study(folder / "study", f"http://127.0.0.1:{port}", measuring=MEASURING)
        crowd = [stack.enter_context(worker(broker, folder / f"w{one}", f"w{one}", "--slots", 1)) for one in range(count)]
        ran = stack.enter_context(measure(broker, folder / "measure", study, count, "--wait", "5m"))
        peak = 0
        while not ran.has_ended():
            peak = max(peak, ran.peak_bytes())
            try:
                wait_until(ran.has_ended, "the end", 0.2)
            except RuntimeError:
                pass
        if ran.finish() != 0:
            raise RuntimeError(ran.said())
        for one in crowd:
            one.finish(60)
        steps = measured(study)["steps"]
        assert not list(unbalanced(steps))
        assert all(len(step["generators"]) == count for step in steps)
        offered = [step["settle_s"] + sum(window["duration_s"] for window in step["windows"]) for step in steps]
        beside = [after["started_s"] - before["started_s"] - took for before, after, took in zip(steps, steps[1:], offered)]
        whole = steps[-1]["started_s"] + offered[-1]
        table(["workers", "steps", "beside settling and windows, s a step (median)", "most", "goal", "coordinator, MiB", "its processor, ms per worker and second",
               "broker, MiB"],
              [[count, len(steps), f"{statistics.median(beside):.2f}", f"{max(beside):.2f}", f"{GOAL_S:.0f}", f"{peak / 2**20:.0f}",
                f"{ran.cpu_s() * 1e3 / count / whole:.2f}", f"{broker.program.peak_bytes() / 2**20:.0f}"]])
        return int(statistics.median(beside) > GOAL_S)
