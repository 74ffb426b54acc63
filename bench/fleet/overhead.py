"""What a fleet costs: instructions of a worker per request beside those of one process, and processor time of both sides.

User instructions are counted by callgrind while `load` offers the same from a thread of its own and from one worker, with many and with
few requests in the same time: their difference leaves out what start and end cost, and what is said each second. `measure` cannot run
under valgrind: to read processors it looks (rustix, by procfs) for the kernel's vDSO, which valgrind takes out of the memory. Requests per
second of processor are those of `measure` without callgrind.
"""

import re
import tempfile
from contextlib import ExitStack
from pathlib import Path

from hosts import NEST, SESSION, Broker, Program, free_port, ledger, listens, measure, measured, shop, small_study, wait_until, worker
from state import table

# Starts per second under callgrind, and for how long.
FEW, MANY = 50, 250
SPAN = ["--for", "8s", "--warm-up", "1s"]
MEASURING = 'pilot = "200ms"\nsettle = "500ms"\nsettle_most = "500ms"\nwindow = "2s"\nwindows = 4\nmax_rate = {most}\nbase = 0.02\nboost = 0.03\n' \
            "customers = [{customers}]"
# Customers at which the behaviour starts once a second.
CUSTOMERS_PER_S = 10
CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=callgrind.out"]
# Rate of the run without callgrind, and its workers.
FULL, WORKERS = 4_000, 4
# What a worker may cost more than one process, as a share.
GOAL = 0.02


def main(_number):
    local = per_request(counted_local)
    remote = per_request(counted_worker)
    more = remote / local - 1
    table(["user instructions per request", "one process", "worker", "more", "goal"],
          [["by callgrind", f"{local:,.0f}", f"{remote:,.0f}", f"{more:+.1%}", f"{GOAL:.0%}"]])
    table(["without callgrind", "requests per second of processor", "coordinator, ms of processor per worker and second"], cpu_rows())
    return int(more > GOAL)


def per_request(counted):
    (few, few_requests), (many, many_requests) = counted(FEW), counted(MANY)
    return (many - few) / (many_requests - few_requests)


def study_of(folder, port, rate, most):
    return small_study(folder / "study", f"http://127.0.0.1:{port}", measuring=MEASURING.format(customers=rate * CUSTOMERS_PER_S, most=most))


def target(stack, folder):
    port = free_port()
    stack.enter_context(shop(folder / "shop", port, "--keep-requests", "--browse", "50us"))
    wait_until(lambda: listens("127.0.0.1", port), "the shop listens")
    return port


def load(port, rate, *more):
    return [NEST, "load", f"http://127.0.0.1:{port}/items?n={{{{ int(1, 1000000000) }}}}", "--rate", rate, *SPAN, *more]


def counted_local(rate):
    """Instructions and requests of one process."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nest-overhead.")))
        port = target(stack, folder)
        ran = stack.enter_context(Program([*CALLGRIND, *load(port, rate, "--threads", 1)], folder / "load", "load"))
        ended(ran)
        return collected(ran), len(ledger(port)["requests"])


def counted_worker(rate):
    """Instructions and requests of the one worker of a fleet."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nest-overhead.")))
        port = target(stack, folder)
        broker = stack.enter_context(Broker(folder / "broker"))
        played = stack.enter_context(worker(broker, folder / "one", "one", "--slots", 1, prefix=CALLGRIND))
        asked = load(port, rate, "--workers", 1, "--nats", broker.url, "--session", SESSION)
        ended(stack.enter_context(Program(asked, folder / "load", "load", "coordinator")))
        played.finish()
        return collected(played), len(ledger(port)["requests"])


def ended(ran):
    if ran.finish() != 0:
        raise RuntimeError(ran.said())


def collected(program):
    return int(re.findall(r"Collected : (\d+)", program.said())[-1])


def cpu_rows():
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nest-overhead.")))
        port = target(stack, folder)
        ran = stack.enter_context(Program([NEST, "measure", "--yes", study_of(folder, port, FULL, 20_000)], folder / "measure", "measure"))
        ended(ran)
        yield ["one process, all of it", f"{len(ledger(port)['requests']) / ran.cpu_s():,.0f}", "–"]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nest-overhead.")))
        port = target(stack, folder)
        study = study_of(folder, port, FULL, 20_000)
        broker = stack.enter_context(Broker(folder / "broker"))
        played = [stack.enter_context(worker(broker, folder / f"w{one}", f"w{one}", "--slots", 1)) for one in range(WORKERS)]
        ran = stack.enter_context(measure(broker, folder / "measure", study, WORKERS))
        ended(ran)
        for one in played:
            one.finish()
        steps = measured(study)["steps"]
        seconds = steps[-1]["started_s"] + steps[-1]["settle_s"] + sum(window["duration_s"] for window in steps[-1]["windows"])
        yield [f"{WORKERS} workers, without coordinator and broker",
               f"{len(ledger(port)['requests']) / sum(one.cpu_s() for one in played):,.0f}", f"{ran.cpu_s() * 1e3 / WORKERS / seconds:.1f}"]
