"""One population, however it is dealt: equal schedules, and equal requests in the shop's own ledger."""

import json
import tempfile
from collections import Counter, defaultdict
from contextlib import ExitStack
from pathlib import Path

from hosts import Broker, free_port, listens, measure, measured, shop, small_study, snapshot, unbalanced, wait_until, worker
from state import add, lines, table

# Slots of each worker; a worker with a `nice` is a weak one.
FLEETS = {"1 worker, 1 slot": [1], "1 worker, 4 slots": [4], "4 workers, 1 slot": [1, 1, 1, 1], "2 workers, 3 slots and 1 weak one": [3, -1]}
ARRIVALS = {
    "open": ("[customers]", 1500, "7"),
    "partly open": ('[customers]\narrival = "partly-open"\nthink = "5ms"\nsession = { behaviours = 3 }', 1500, "{{ customer }}"),
    "closed": ('[customers]\narrival = "closed"\npacing = { dist = "uniform", from = "70ms", to = "120ms" }', 400, "{{ customer }}"),
}
MEASURING = 'pilot = "100ms"\nsettle = "300ms"\nsettle_most = "300ms"\nwindow = "500ms"\nwindows = 4\nmax_rate = 600\nbase = 0.001\n' \
            "boost = 0.002\ncustomers = [{count}]"
# A run that settles as fast as it can: 0.3 s, at which the coordinator looks, and the 0.5 s ahead of which workers are told, both on a
# look, of which there is one every 50 ms. Only such runs are compared: a schedule ends with its last window.
SETTLED_S = 0.85
# Runs of which one must settle so; on a busy machine the coordinator looks too late now and then.
MOST_ATTEMPTS = 12
# Executions of each closed customer that are compared; it makes fewer in these windows.
MOST_OF_A_CUSTOMER = 1_000


def main(_number):
    done = {(line["arrivals"], line["fleet"]) for line in lines("population")}
    for arrivals, (customers, count, who) in ARRIVALS.items():
        for fleet, slots in FLEETS.items():
            if (arrivals, fleet) not in done:
                schedule, requests, attempts = sent(slots, customers, count, who)
                add("population", {"arrivals": arrivals, "fleet": fleet, "schedule": schedule, "requests": requests, "attempts": attempts})
                print(f"{arrivals}, {fleet}: {len(requests)} requests, run {attempts}", flush=True)
    rows, differ = [], 0
    first = {}
    for line in lines("population"):
        arrivals, requests = line["arrivals"], line["requests"]
        one = first.setdefault(arrivals, line)
        agree = Counter(requests) == Counter(one["requests"]) if arrivals == "open" else customers_agree(requests, one["requests"])
        same = line["schedule"] == one["schedule"], agree
        differ += not all(same)
        rows.append([arrivals, line["fleet"], line["schedule"][:8], "yes" if same[0] else "**no**", f"{len(requests):,}",
                     "yes" if same[1] else "**no**", line["attempts"]])
    table(["arrivals", "fleet", "schedule", "equal", "requests", "the same ones", "runs until one settled as fast as it can"], rows)
    return int(differ > 0)


def customers_agree(one, other):
    """Whether each customer sends the same, in order; how far it gets depends on the answers."""
    one, other = by_customer(one), by_customer(other)
    return one.keys() == other.keys() and all(
        all(left == right for left, right in zip(one[who][:MOST_OF_A_CUSTOMER], other[who])) for who in one)


def by_customer(requests):
    found = defaultdict(list)
    for line in requests:
        found[line.split("c=")[1].split(";")[0]].append(line)
    return found


def sent(slots, customers, count, who):
    """Schedule and requests of the last step of the first run that settles as fast as it can, and which run that was."""
    for attempt in range(1, MOST_ATTEMPTS + 1):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nest-population.")))
            port = free_port()
            stack.enter_context(shop(folder / "shop", port, "--keep-requests", "--browse", "100us", "--search", "100us"))
            wait_until(lambda: listens("127.0.0.1", port), "the shop listens")
            broker = stack.enter_context(Broker(folder / "broker"))
            drawn = f"n={{{{ int(1, 1000000000) }}}}&c={who};"
            behaviours = {"look": (20, f'[{{ get = "/items?page={{{{ int(1, 5) }}}}&{drawn}" }}]'), "find": (10, f'[{{ get = "/search?q=oak&{drawn}" }}]')}
            study = small_study(folder / "study", f"http://127.0.0.1:{port}", customers=customers, behaviours=behaviours,
                                target=f"reset = '''{snapshot(port)}'''", measuring=MEASURING.format(count=count))
            for number, each in enumerate(slots):
                prefix = ["nice", "-n", "19"] if each < 0 else []
                stack.enter_context(worker(broker, folder / f"w{number}", f"w{number}", "--slots", abs(each), prefix=prefix))
            ran = stack.enter_context(measure(broker, folder / "measure", study, len(slots)))
            if ran.finish() != 0:
                raise RuntimeError(ran.said())
            step = measured(study)["steps"][-1]
            assert not list(unbalanced([step]))
            *_, before, after = [json.loads(line) for line in (study / "ledgers").read_text().splitlines()]
            if abs(step["settle_s"] - SETTLED_S) < 1e-6:
                return step["schedule"], after["requests"][len(before["requests"]):], attempt
    raise RuntimeError(f"no run of {MOST_ATTEMPTS} settled in {SETTLED_S} s")
