"""How far clocks of workers are off, beside the truth: namespaces whose monotonic clock begins elsewhere."""

import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from hosts import Broker, Relay, free_port, measure, measured, shop, small_study, listens, unbalanced, wait_until, worker
from state import add, lines, table

AHEAD_S = {"ahead": 12_345, "behind": -3}
DELAYS_MS = [(0, 0), (2, 2), (10, 10), (0, 4)]
OF_EACH = 8
MEASURING = 'pilot = "200ms"\nsettle = "200ms"\nsettle_most = "200ms"\nwindow = "300ms"\nwindows = 2\nmax_rate = 300\nbase = 0.05\n' \
            "boost = 0.1\ncustomers = [200, 400]"


def main(runs):
    for run in range(len(lines("clocks")), runs or 13):
        add("clocks", one(*DELAYS_MS[run % len(DELAYS_MS)]))
    rows = []
    for delays in DELAYS_MS:
        found = [each for line in lines("clocks") if tuple(line["delays_ms"]) == delays for each in line["estimates"]]
        if found:
            held = sum(abs(off) <= error for off, error, _ in found)
            worst = max(abs(off) / error for off, error, _ in found)
            errors = sorted(error for _, error, _ in found)
            rows.append([f"{delays[0]} / {delays[1]}", len(found), held, f"{errors[len(errors) // 2] * 1e3:.2f}", f"{worst:.2f}",
                         f"{max(abs(drift) for *_, drift in found):.0f}"])
    table(["ms there / back", "estimates", "within the stated error", "stated error, ms (median)", "worst, of it", "drift, ppm (most)"], rows)
    return int(any(row[1] != row[2] for row in rows))


def one(there_ms, back_ms):
    """Estimates of one run: seconds off the truth, stated error, drift."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nest-clocks.")))
        port = free_port()
        stack.enter_context(shop(folder / "shop", port, "--browse", "100us"))
        wait_until(lambda: listens("127.0.0.1", port), "the shop listens")
        broker = stack.enter_context(Broker(folder / "broker"))
        relay = Relay(broker.port, there_ms / 1e3, back_ms / 1e3)
        stack.callback(relay.close)
        study = small_study(folder / "study", f"http://127.0.0.1:{port}", measuring=MEASURING)
        for kind, ahead in AHEAD_S.items():
            own = ["unshare", "--time", "--monotonic", str(ahead), "--fork", "--kill-child", "--"]
            subprocess.run([*own, "true"], check=True)
            for number in range(OF_EACH):
                name = f"{kind}-{number}"
                stack.enter_context(worker(relay, folder / name, name, "--slots", 1, prefix=own))
        ran = stack.enter_context(measure(broker, folder / "measure", study, len(AHEAD_S) * OF_EACH))
        if ran.finish() != 0:
            raise RuntimeError(ran.said())
        steps = measured(study)["steps"]
        assert not list(unbalanced(steps))
        estimates = [
            (one["offset_s"] - AHEAD_S[one["worker"].split("-")[0]], one["offset_error_s"], one["drift_ppm"])
            for step in steps for one in step["generators"]
        ]
        return {"delays_ms": [there_ms, back_ms], "estimates": estimates}
