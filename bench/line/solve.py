"""The models of models.json, solved by LINE (Casale, "Integrated performance evaluation of extended queueing network models with
LINE", WSC 2020): throughput and response time of every class, and how they were found.
"""

import contextlib
import io
import warnings
from dataclasses import dataclass

warnings.filterwarnings("ignore")
with contextlib.redirect_stdout(io.StringIO()):
    from line_solver import CTMC, LDES, MVA, ClosedClass, Delay, DropStrategy, Exp, Immediate, Network, OpenClass, Queue, SchedStrategy, Sink, Source

SAMPLES = 4_000_000  # service completions of a simulation: a mean is within about one per cent
SEED = 1


@dataclass(frozen=True)
class Solved:
    method: str
    classes: list[tuple[float, float]]  # throughput per second and response time in seconds, by class


def solve(model: dict) -> Solved:
    """Exactly where LINE can, by its simulator otherwise."""
    return {"closed": exact, "open": exact, "in turn": simulated, "layered": in_layers}[model["kind"]](model)


def exact(model: dict) -> Solved:
    """Sharing processors: mean-value analysis has the exact solution, of several servers too."""
    return read("exact MVA", model, MVA(network(model), method="exact"))


def simulated(model: dict) -> Solved:
    return read("LDES simulation", model, LDES(network(model), samples=SAMPLES, seed=SEED))


def in_layers(model: dict) -> Solved:
    """A pool is a region of the network into which only so many are let; of two, one inside the other, the Markov chain is solved."""
    if model.get("connections") and model.get("threads"):
        return read("Markov chain", model, CTMC(network(model)))
    return simulated(model)


def read(method: str, model: dict, solver) -> Solved:
    with contextlib.redirect_stdout(io.StringIO()):
        table = solver.avg_table()
    classes = []
    for index, one in enumerate(model["classes"]):
        rows = table[table["JobClass"] == f"class{index}"]
        if "customers" in one:  # by Little's law, which also has those who wait for a permit
            throughput = float(rows[rows["Station"] == "customers"]["Tput"].iloc[0])
            classes.append((throughput, one["customers"] / throughput - one["think_s"]))
        else:
            inside = rows[rows["Station"].str.startswith("station")]
            classes.append((one["rate_per_s"], float(inside["RespT"].sum())))
    return Solved(method, classes)


def network(model: dict) -> Network:
    """Stations in a row; the demand beyond the last one does not queue."""
    made = Network("model")
    closed = "customers" in model["classes"][0]
    start = Delay(made, "customers") if closed else Source(made, "customers")
    order = SchedStrategy.FCFS if model["kind"] == "in turn" else SchedStrategy.PS
    stations = []
    for index, servers in enumerate(model["servers"]):
        stations.append(Queue(made, f"station{index}", order))
        stations[-1].set_number_of_servers(servers)
    if model["kind"] == "layered":
        stations.append(Delay(made, f"station{len(stations)}"))
    end = [] if closed else [Sink(made, "end")]
    classes = [add_class(made, index, one, start, stations) for index, one in enumerate(model["classes"])]
    made.link(Network.serial_routing(start, *stations, *end))
    for permits, inside in ((model.get("threads"), stations), (model.get("connections"), stations[1:])):
        if permits:
            region = made.add_region(inside)
            region.set_global_max_jobs(permits)
            for one in classes:
                region.set_drop_rule(one, DropStrategy.WAITQ)
    return made


def add_class(made: Network, index: int, one: dict, start, stations: list):
    if "customers" in one:
        added = ClosedClass(made, f"class{index}", one["customers"], start)
        start.set_service(added, Exp(1 / one["think_s"]) if one["think_s"] else Immediate())
    else:
        added = OpenClass(made, f"class{index}")
        start.set_arrival(added, Exp(one["rate_per_s"]))
    for station, demand_s in zip(stations, one["demand_s"]):
        station.set_service(added, Exp(1 / demand_s))
    return added
