"""The load generators that are written in scripts, beside locust-nest: the bare GET by each of them."""

import scripted
import tools
from nginx import Nginx
from rounds import interleaved, median, ratios
from tables import Figure, Section, all_runs, doubts, efficiency_table
from tools import NEST

SECONDS = 10  # twice that of the other sections: starting Artillery alone takes two seconds of CPU
# Goal and floor of each; what the README says of them lies between.
LIMITS = {"k6": (10, 8), "autocannon": (3, 2), "Artillery": (20, 15), "Tsung": (5, 4)}


def peers(rounds: int) -> Section:
    with Nginx() as server:
        url = server.url()
        others = [of(url, seconds=SECONDS) for of in (scripted.k6, scripted.autocannon, scripted.artillery, scripted.tsung)]
        runs = interleaved(server, [tools.nest(url, seconds=SECONDS), *others], rounds)
    figures = [Figure(f"to {name}", ratios(runs, NEST, name), *limits, digits=1) for name, limits in LIMITS.items()]
    text = f"The GET of 208 bytes on 64 kept connections, {SECONDS} s each, by generators that run a script for every customer."
    return Section("Generators that run scripts", text, figures, f"{efficiency_table(runs)}\n\n{in_words(figures)}", doubts(all_runs(runs)))


def in_words(figures: list[Figure]) -> str:
    """The row of the main figures."""
    said = [f"{median(figure.values):.1f} x {figure.name.removeprefix('to ')}" for figure in figures if figure.values]
    return f"For the table of main figures: {', '.join(said)}."
