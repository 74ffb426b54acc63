"""How well the pace is kept, and what is reported when the target stands still for a second."""

import json
import os
import signal
import threading
import time

import tools
from nginx import Nginx
from rounds import Run, Runs, interleaved, measure
from tables import Figure, Section, all_runs, doubts, named, spread, table
from tools import NEST

RATE, RATE_S = 5_000, 6
STALL_RATE, STALL_RUN_S, STALL_S = 1_000, 10, 1.0
STALL_CONNECTIONS = 4  # with many, the few requests that are sent into the stop would make up p99.9 by themselves
MOST_ROUNDS = 3


def rate(rounds: int) -> Section:
    with Nginx() as server:
        url = server.url()
        paced = [
            tools.nest(url, "--rate", str(RATE), seconds=RATE_S),
            tools.oha(url, "-q", str(RATE), "--latency-correction", seconds=RATE_S),
            tools.hey(url, "-q", f"{RATE / 64:g}", "-o", "csv", seconds=RATE_S),
        ]
        runs = interleaved(server, paced, rounds)
    ours = [nest_report(run) for run in runs[NEST]]
    due = [100 * abs(one["requests"]["completed"] / one["duration_s"] / RATE - 1) for one in ours if one]
    counted = [100 * abs(paced_per_s(run) / RATE - 1) for run in runs[NEST]]
    lateness = [1000 * one["generator"]["lateness_p50_s"] for one in ours if one]
    figures = [
        Figure(f"difference from {RATE:,}/s by its own count", due, 0.1, 0.5, " %", at_most=True, digits=3),
        Figure(f"difference from {RATE:,}/s by nginx's count", counted, 0.1, 0.5, " %", at_most=True, digits=3),
        Figure("lateness of a request, median", lateness, 0.05, 0.2, " ms", at_most=True, digits=3),
    ]
    text = f"{RATE:,} requests per second over 64 connections for {RATE_S} s. wrk2 is in no package registry; oha and hey are beside it."
    return Section("Pace", text, figures, pace_table(runs), doubts(all_runs(runs)))


def paced_per_s(run: Run) -> float:
    """By nginx's count, less what locust-nest sends before the time that it counts."""
    report = nest_report(run) if run.tool.name == NEST else None
    return (run.requests - (report["settling"]["completed"] if report else 0)) / run.tool.seconds


def pace_table(runs: Runs) -> str:
    header = ["tool", "requests per s by nginx", "p50 ms", "p99 ms", "p99.9 ms", "CPU µs each"]
    rows = []
    for name, of_tool in runs.items():
        quantiles = [[1000 * value for value in column] for column in zip(*filter(None, map(latency, of_tool)))]
        each = [1e6 / run.per_cpu_s for run in of_tool if run.per_cpu_s]
        cells = [spread([paced_per_s(run) for run in of_tool], 1), *(spread(column, 2) for column in quantiles or [[]] * 3), spread(each, 0)]
        rows.append([named(name) if of_tool else f"{name}: not installed", *cells])
    return table(header, rows, "l-----")


def stall(rounds: int) -> Section:
    with Nginx() as server:
        url = server.url()
        options = {"connections": STALL_CONNECTIONS, "seconds": STALL_RUN_S}
        pace = ("-q", str(STALL_RATE))
        stalled = [
            tools.nest(url, "--rate", str(STALL_RATE), **options),
            tools.oha(url, *pace, "--latency-correction", name="oha --latency-correction", **options),
            tools.oha(url, *pace, **options),
            tools.hey(url, "-q", f"{STALL_RATE / STALL_CONNECTIONS:g}", "-o", "csv", **options),
        ]
        here = [tool for tool in stalled if tool.command.arguments[0]]
        runs: Runs = {tool.name: [] for tool in stalled}
        stops: dict[str, list[float]] = {tool.name: [] for tool in stalled}
        for _ in range(min(rounds, MOST_ROUNDS)):
            for tool in here:
                run, stopped_s = measure_stalled(server, tool)
                runs[tool.name].append(run)
                stops[tool.name].append(stopped_s)
    errors = [100 * abs(one[2] / expected(stopped) - 1) for one, stopped in zip(map(latency, runs[NEST]), stops[NEST]) if one]
    figures = [Figure("difference of p99.9 from the truth", errors, 2, 5, " %", at_most=True)]
    text = (
        f"{STALL_RATE:,} requests per second for {STALL_RUN_S} s over {STALL_CONNECTIONS} connections; in the middle nginx's worker is stopped (SIGSTOP) for {STALL_S:g} s. A tenth of "
        "the requests is due then, and waits for what is left of it: p99 is 900 ms and p99.9 is 990 ms from the due time. "
        "The truth is taken from the stop that really was. No option is set."
    )
    return Section("A target that stands still", text, figures, stall_table(runs, stops), doubts(all_runs(runs)))


def expected(stopped_s: float) -> float:
    """p99.9 from the due time: requests due evenly during the stop wait for the rest of it."""
    return stopped_s - 0.001 * STALL_RUN_S


def measure_stalled(server: Nginx, tool: tools.Tool) -> tuple[Run, float]:
    """Runs a tool while the worker is stopped in the middle, and says for how long it was."""
    stopped_s = [0.0]

    def stop() -> None:
        workers = server.worker_pids()
        began = time.monotonic()
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        time.sleep(STALL_S)
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
        stopped_s[0] = time.monotonic() - began

    timer = threading.Timer((STALL_RUN_S - STALL_S) / 2, stop)
    timer.start()
    run = measure(server, tool)
    timer.join()
    return run, stopped_s[0]


def stall_table(runs: Runs, stops: dict[str, list[float]]) -> str:
    header = ["tool", "stopped for ms", "p50 ms", "p99 ms", "p99.9 ms", "true p99.9 ms"]
    rows = []
    for name, of_tool in runs.items():
        quantiles = [[1000 * value for value in column] for column in zip(*filter(None, map(latency, of_tool)))]
        true = [1000 * expected(stopped) for stopped in stops[name]]
        stopped = spread([1000 * one for one in stops[name]])
        cells = [stopped, *(spread(column, 1) for column in quantiles or [[]] * 3), spread(true)]
        rows.append([name if of_tool else f"{name}: not installed", *cells])
    return table(header, rows, "l-----")


def nest_report(run: Run) -> dict | None:
    try:
        return json.loads(run.ended.output)
    except ValueError:
        return None


def latency(run: Run) -> tuple[float, float, float] | None:
    """p50, p99 and p99.9 in seconds as the tool itself reports them."""
    try:
        if run.tool.name == NEST:
            of = json.loads(run.ended.output)["response_s"]
            return of["p50"], of["p99"], of["p999"]
        if run.tool.name.startswith("oha"):
            of = json.loads(run.ended.output)["latencyPercentiles"]
            return of["p50"], of["p99"], of["p99.9"]
        return hey_latency(run.ended.output)
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def hey_latency(output: str) -> tuple[float, float, float]:
    """From its list of all requests; it prints no quantile above p99 itself."""
    took = sorted(float(line.split(",")[0]) for line in output.splitlines()[1:] if line)
    p50, p99, p999 = (took[min(int(share * len(took)), len(took) - 1)] for share in (0.5, 0.99, 0.999))
    return p50, p99, p999
