"""Two workers on two cores that they share with nginx, as wrk's two threads do."""

import tools
from child import ALL_CORES
from nginx import Nginx
from rounds import interleaved, ratios
from tables import Figure, Section, all_runs, doubts, efficiency_table
from tools import NEST

ONE, TWO = f"{NEST} --threads 1", f"{NEST} --threads 2"
WRK_ONE, WRK_TWO = "wrk -t1", "wrk -t2"


def workers(rounds: int) -> Section:
    with Nginx(workers=2) as server:
        url = server.url()
        all_tools = [
            tools.nest(url, "--threads", "1", name=ONE, cores=ALL_CORES),
            tools.wrk(url, threads=1, name=WRK_ONE, cores=ALL_CORES),
            tools.nest(url, "--threads", "2", name=TWO, cores=ALL_CORES),
            tools.wrk(url, threads=2, name=WRK_TWO, cores=ALL_CORES),
        ]
        runs = interleaved(server, all_tools, rounds)
    kept = [two / one for one, two in zip(ratios(runs, ONE, WRK_ONE), ratios(runs, TWO, WRK_TWO))]
    figures = [Figure("ratio to wrk with two workers, to that with one", kept, 0.95, 0.9)]
    text = "nginx with two workers on both cores, nobody pinned, 64 connections: what a second worker takes away from the ratio to wrk."
    return Section("Two workers", text, figures, efficiency_table(runs, reference=ONE), doubts(all_runs(runs)))
