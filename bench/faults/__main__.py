"""Faults while a study runs: kill -9, full disks, losses of power.

    bench/faults kill|full|power [NUMBER] [--jobs N]   chains until there are so many, from where the last call ended
    bench/faults kill|full|power --seed SEED           one chain again; what it said stays in target/bench/faults
    bench/faults --table                               what has been done so far
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from chains import Chain

NUMBERS = {"kill": 200, "full": 200, "power": 50}
STATE = Path("target/bench/faults")


def one(kind: str, seed: int, program: str, keep: bool = False) -> dict:
    """Runs a chain; returns its line. What it said is kept if it is asked for, or a fault was found."""
    folder = Path(tempfile.mkdtemp(prefix=f"faults-{kind}-{seed}-"))
    chain = Chain(kind, seed, program, folder)
    start = time.monotonic()
    try:
        chain.run()
    except Exception as error:  # noqa: BLE001: a chain that could not be run must be seen, and others go on
        chain.faults.append(f"the chain itself: {error!r}")
    if chain.faults or keep:
        kept = STATE / "found" / f"{kind}-{seed}"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder, kept, symlinks=True, ignore=shutil.ignore_patterns("disk*", "mounted"))
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "seed": seed,
        "lives": [str(life) for life in chain.lives],
        "disturbed": sum(life.happened for life in chain.lives),
        "codes": [life.code for life in chain.lives],
        "notes": chain.notes,
        "faults": chain.faults,
        "took_s": round(time.monotonic() - start, 1),
    }


def show(kind: str, line: dict) -> None:
    print(f"{kind} seed {line['seed']}: {'; '.join(line['lives'])}", flush=True)
    for fault in line["faults"]:
        print(f"  FAULT {fault}", flush=True)


def lines(kind: str) -> list[dict]:
    path = STATE / f"{kind}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def chains(kind: str, number: int, jobs: int, program: str) -> None:
    done = {line["seed"] for line in lines(kind)}
    seeds = [seed for seed in range(1, number + 1) if seed not in done]
    with ThreadPoolExecutor(jobs) as pool, (STATE / f"{kind}.jsonl").open("a") as state:
        for future in as_completed([pool.submit(one, kind, seed, program) for seed in seeds]):
            line = future.result()
            state.write(json.dumps(line) + "\n")
            state.flush()
            show(kind, line)


def table() -> int:
    """A row for each kind; returns the number of faults."""
    print("| fault | chains | lives | cut by it | ended 0 | 7, nothing to continue | longest until nothing ran | faults |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    faults = 0
    for kind in NUMBERS:
        all_lines = lines(kind)
        if not all_lines:
            continue
        codes = [code for line in all_lines for code in line["codes"]]
        gone = max(line["notes"].get("seconds until nothing ran", 0) for line in all_lines)
        found = sum(len(line["faults"]) for line in all_lines)
        faults += found
        print(
            f"| {kind} | {len(all_lines)} | {len(codes)} | {sum(line['disturbed'] for line in all_lines)}"
            f" | {codes.count(0)} | {codes.count(7)} | {gone:.1f} s | {found} |"
        )
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/run faults", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kind", nargs="?", choices=NUMBERS)
    parser.add_argument("number", nargs="?", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--table", action="store_true")
    order = parser.parse_args()
    STATE.mkdir(parents=True, exist_ok=True)
    program = os.environ["NEST"]
    if order.seed is not None:
        line = one(order.kind, order.seed, program, keep=True)
        show(order.kind, line)
        return bool(line["faults"])
    if not order.table:
        for kind in [order.kind] if order.kind else NUMBERS:
            chains(kind, order.number or NUMBERS[kind], order.jobs, program)
    return bool(table())


if __name__ == "__main__":
    sys.exit(main())
