"""Twenty minutes of load with a fault every minute: memory and ledger of the load generator.

    bench/soak [--rate R] [--minutes M] [--every SECONDS] [--after SECONDS]

nginx has core 0, the generator the last one. Memory is the resident set, read twice a second; it must stay within 2 % of its
median in the minute after `--after` (default 180 s). What was due must be what completed, failed and was dropped; what
completed must be what nginx logged as answered with 200, but for answers that a fault cut off on their way: these failed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from target import Target

MOST_CHANGE = 0.02
LOOK_S = 0.5


def resident_kib(process: int) -> int | None:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(found[0]) if found else None


def watch(load: subprocess.Popen, target: Target, every_s: float) -> tuple[list[tuple[float, int]], list[str]]:
    """Reads memory and makes faults until the load ends; times are seconds since it began."""
    looks, faults = [], []
    start = time.monotonic()
    next_fault = every_s
    while load.poll() is None:
        elapsed = time.monotonic() - start
        if elapsed >= next_fault:
            fault = target.FAULTS[len(faults) % len(target.FAULTS)]
            faults.append(fault.__name__)
            fault(target)
            next_fault += every_s
        if (memory := resident_kib(load.pid)) is not None:
            looks.append((elapsed, memory))
        time.sleep(LOOK_S)
    return looks, faults


def memory_faults(looks: list[tuple[float, int]], after_s: float) -> list[str]:
    """Prints the memory of each minute; what is beyond the bound."""
    first = [memory for at, memory in looks if after_s <= at < after_s + 60]
    if not first:
        return [f"the load ended before {after_s} s"]
    start = statistics.median(first)
    print("| minute | least | median | most | to the first |")
    print("|--:|--:|--:|--:|--:|")
    faults = []
    for minute in range(int(looks[-1][0] // 60) + 1):
        part = [memory for at, memory in looks if minute * 60 <= at < (minute + 1) * 60]
        if not part:
            continue
        change = statistics.median(part) / start - 1
        print(f"| {minute} | {min(part):,} KiB | {statistics.median(part):,.0f} KiB | {max(part):,} KiB | {change:+.1%} |")
        if minute * 60 >= after_s and abs(change) > MOST_CHANGE:
            faults.append(f"memory in minute {minute}: {change:+.1%}")
    return faults


def ledger_faults(result: dict, answers: dict[str, int]) -> list[str]:
    """Prints the counts; which of them do not fit."""
    faults = []
    for name in ("executions", "requests", "settling"):
        count = result[name]
        print(f"{name}: " + ", ".join(f"{key} {count[key]:,}" for key in ("due", "completed", "failed", "dropped")))
        if count["due"] != count["completed"] + count["failed"] + count["dropped"]:
            faults.append(f"{name} do not add up")
    completed = result["requests"]["completed"] + result["settling"]["completed"]
    failed = result["requests"]["failed"] + result["settling"]["failed"]
    answered, refused = answers.get("200", 0), answers.get("503", 0)
    print(f"nginx: {answered:,} answered with 200, {refused:,} with 503; {answered - completed:,} of 200 did not arrive")
    if not completed <= answered <= completed + failed:
        faults.append(f"{completed:,} completed, {answered:,} were answered")
    if answered - completed + refused > failed:
        faults.append(f"{failed:,} failed, and {answered - completed + refused:,} were cut off or answered with 503")
    print("errors: " + ", ".join(f"{one['kind']} {one['count']:,}" for one in result["errors"]))
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/run soak", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rate", type=float, default=5000)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--every", type=float, default=60, help="seconds from one fault to the next")
    parser.add_argument("--after", type=float, default=180, help="seconds after which memory must be flat")
    order = parser.parse_args()
    target = Target()
    last = max(os.sched_getaffinity(0))
    command = ["taskset", "-c", str(last), os.environ["NEST"], "load", f"http://127.0.0.1:{target.port}/", "--format", "json"]
    # Nothing is left out by a warm-up, so that all answers are in one count.
    command += ["--rate", str(order.rate), "--for", f"{order.minutes * 60:.0f}s", "--customers", "256", "--timeout", "5s"]
    with tempfile.TemporaryFile() as printed:
        try:
            load = subprocess.Popen(command, stdout=printed, stderr=subprocess.DEVNULL)
            looks, faults_made = watch(load, target, order.every)
            printed.seek(0)
            text = printed.read()
            answers = target.answers()
        finally:
            target.end()
    if load.returncode != 0:
        print(f"the load ended with {load.returncode}: {text.decode()}")
        return 1
    result = json.loads(text)
    print(f"{order.minutes:g} minutes at {order.rate:,.0f} requests/s, faults: {', '.join(faults_made)}\n")
    faults = memory_faults(looks, order.after)
    print()
    faults += ledger_faults(result, answers)
    print(f"verdict of the load: {result['verdict']['worth']}: {'; '.join(result['verdict']['reasons'])}")
    for fault in faults:
        print(f"FAULT {fault}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
