"""bench/run locust [overhead|saturation] [N]: what our steps cost a Locust process, and what a locustfile forecasts.

`overhead`: N interleaved rounds (default 3) of `locust --headless` and of `locust-nest measure` with the same locustfile, client and rate:
requests per second of processor that the Locust process used while both were steady, from /proc and the shop's own ledger.

`saturation`: N runs (default 3) of the demo shop from the files of models/shop and, right after, from the locustfile of
models/locust-shop, both tested to half utilisation: where each says that it saturates.
"""

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
NEST = os.environ.get("NEST", str(REPOSITORY / "target/debug/locust-nest"))
PYTHON = os.environ.get("LOCUST_PYTHON", str(REPOSITORY / "target/locust/newest/bin/python"))
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Requests per second of each client, and users of a plain run. About a sixth of what a core can do.
CLIENTS = {"Fast": ("FastHttpUser", 400), "Plain": ("HttpUser", 200)}
USERS = 20
# Seconds between start and the first look, and between the looks.
SETTLE_S, SPAN_S = 4, float(os.environ.get("SPAN_S", "15"))
# Least requests per second of processor, relative to plain Locust.
GOAL = 0.9


def main():
    part, rounds = (sys.argv[1:] + ["", ""])[:2]
    if part.isdigit():
        part, rounds = "", part
    missed = 0
    if part in ("", "overhead"):
        missed += overhead(int(rounds or 3))
    if part in ("", "saturation"):
        missed += saturation(int(rounds or 3))
    return int(missed > 0)


# What it costs


def overhead(rounds):
    print(f"load average at the start {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores; {SPAN_S:.0f} s each\n")
    print("| client, requests/s | round | plain Locust, requests per CPU-s | under locust-nest | ratio | with locust-nest itself | load |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    missed = 0
    for name, (client, rate) in CLIENTS.items():
        ratios = []
        for number in range(1, rounds + 1):
            ways = [plain, ours] if number % 2 else [ours, plain]
            found = {way: way(name, rate) for way in ways}
            (alone, _), (led, whole) = found[plain], found[ours]
            ratios.append(led / alone)
            print(f"| {client}, {rate} | {number} | {alone:,.0f} | {led:,.0f} | {led / alone:.3f} | {whole:,.0f} | {os.getloadavg()[0]:.1f} |",
                  flush=True)
        median = statistics.median(ratios)
        missed += median < GOAL
        print(f"| {client}, {rate} | median |  |  | **{median:.3f}** |  |  |")
    return missed


def plain(name, rate):
    """Locust by itself: requests per CPU-second."""
    with shop() as port:
        command = [PYTHON, "-m", "locust", "-f", str(HERE / "locustfile.py"), "--headless", "--only-summary", "-u", str(USERS), "-r", str(USERS),
                   "--host", f"http://127.0.0.1:{port}", "-t", "10m", name]
        with running(command, env={"NEST_RATE": str(rate), "NEST_USERS": str(USERS)}) as process:
            wait_until(lambda: booked(port) > 0)
            time.sleep(SETTLE_S)
            per_s, = per_cpu_s(port, [process.pid])
            return per_s, per_s


def ours(name, rate):
    """Locust under our steps: requests per CPU-second of its process, and of both programs."""
    with shop() as port, tempfile.TemporaryDirectory(prefix="nest-locust.") as folder:
        shutil.copy(HERE / "locustfile.py", folder)
        # A customer executes a behaviour of 20 a day once in ten seconds of the busiest minute.
        Path(folder, "nest.toml").write_text(
            f'nest = 1\n[study]\nname = "cost"\ncustomer = "anybody"\nseed = 7\n[target]\nbase_url = "http://127.0.0.1:{port}"\n'
            f'[locust]\nfile = "locustfile.py"\npython = "{PYTHON}"\nargs = ["{name}"]\n[locust.behaviours]\nbrowse = "{name}.browse"\n'
            '[rates]\nbrowse = "20 / day"\n[customers]\npeak_hour_share = 1.0\nburst = 18\n'
            f'[measure]\npilot = "2s"\nsettle = "1s"\nsettle_most = "1s"\nwindow = "1s"\nwindows = {SETTLE_S + SPAN_S + 2:.0f}\n'
            f"max_rate = 2000\nbase = 0.0001\nboost = 0.0002\ncustomers = [{rate * 10}]\n")
        with running([NEST, "measure", "--yes", folder]) as process:
            wait_until(lambda: booked(port) > 100 and rate_of(port) > 0.8 * rate)
            time.sleep(SETTLE_S)
            return per_cpu_s(port, [child_of(process.pid), process.pid])


def per_cpu_s(port, pids):
    """Requests by CPU-second of the first process, of the first and the second, and so on, over a while."""
    before, spent = booked(port), [cpu_s(pid) for pid in pids]
    time.sleep(SPAN_S)
    requests, spent = booked(port) - before, [cpu_s(pid) - was for pid, was in zip(pids, spent)]
    return [requests / sum(spent[: count + 1]) for count in range(len(pids))]


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def child_of(pid):
    """The Locust process that a run has started."""
    found = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    return next(int(line.split()[0]) for line in found.splitlines() if "-m locust" in line)


def rate_of(port):
    before = booked(port)
    time.sleep(0.5)
    return (booked(port) - before) / 0.5


# What it forecasts


def saturation(runs):
    print("\n| run | models/shop saturates at, executions/s | models/locust-shop | ratio | load |")
    print("|--:|--:|--:|--:|--:|")
    missed = 0
    for number in range(1, runs + 1):
        by_files = forecast("shop", number, [])
        by_locust = forecast("locust-shop", number, [f"locust.python={PYTHON}"])
        missed += abs(by_locust / by_files - 1) > 0.1
        print(f"| {number} | {by_files:.1f} | {by_locust:.1f} | {by_locust / by_files:.3f} | {os.getloadavg()[0]:.1f} |", flush=True)
    return missed


def forecast(model, seed, settings):
    """Where the shop saturates by a study of it that was tested to half utilisation, in executions per second."""
    with tempfile.TemporaryDirectory(prefix="nest-locust.") as folder:
        study = Path(folder, model)
        shutil.copytree(REPOSITORY / "models" / model, study, ignore=shutil.ignore_patterns("*.json", "runs"))
        port = free_port()
        start = f"exec \"$LOCUST_NEST\" shop --listen 127.0.0.1:{port} --items 2000 --cores 0"
        ramp = ", ".join(f"{0.5 * share:.3f}" for share in [0.25, 0.45, 0.6, 0.75, 0.9, 1.0])
        settings = [*settings, f"target.start='''{start}'''", f"target.base_url=http://127.0.0.1:{port}", f"study.seed={seed}",
                    "measure.window=1s", "measure.windows=5", "measure.settle=1s", "measure.settle_most=4s", f"measure.ramp=[{ramp}]",
                    "measure.boost=45%"]
        nest("measure", "--yes", str(study), *[part for one in settings for part in ("--set", one)])
        nest("fit", str(study))
        law = json.loads((study / "scaling.json").read_text())["throughput"]
        return law["saturation_customers"]["value"] * law["per_customer_per_s"]


def nest(*arguments):
    done = subprocess.run([NEST, *arguments], capture_output=True, text=True, timeout=900)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}\n{done.stderr}")


# What both need


@contextmanager
def shop():
    """The demo shop with small demands on core 0, on a free port."""
    port = free_port()
    with running([NEST, "shop", "--listen", f"127.0.0.1:{port}", "--cores", "0", "--items", "10", "--browse", "100us"]):
        wait_until(lambda: listens(port))
        yield port


@contextmanager
def running(command, env=None):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **(env or {})})
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def booked(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/ledger", timeout=10) as answer:
        return sum(entry["executions"] for entry in json.load(answer)["behaviours"].values())


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def listens(port):
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def wait_until(is_true, most_s=120):
    end = time.monotonic() + most_s
    while not is_true():
        if time.monotonic() > end:
            sys.exit("it never began")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
