"""A fleet of workers on this machine: clocks, faults, one population, equal figures, cost, many workers.

    bench/fleet clocks [RUNS]       clocks that begin elsewhere, over lines of 0, 2, 10 and 0/4 ms; 80 estimates a run (default 13); root
    bench/fleet faults [NUMBER]     a worker, the broker, a line or the target fails at a random moment (default 60); lines as root
    bench/fleet population          the same executions from 1 to 4 workers with 1 to 4 slots, for each kind of arrivals
    bench/fleet blocks [NUMBER]     blocks (default 6) of the shop with 1, 4, 4, 1 workers, compared as `check` compares
    bench/fleet overhead            user instructions per request of a worker and of one process, requests per second of processor
    bench/fleet crowd [WORKERS]     so many workers (default 64): time between steps, processor and memory of the coordinator

What is done is in target/bench/fleet, so that a later call of `clocks`, `faults`, `population` or `blocks` goes on where this one ended. Needs
nats-server; `overhead` needs valgrind.
"""

import sys

import blocks
import clocks
import crowd
import faults
import overhead
import population

PARTS = {part.__name__: part for part in (clocks, faults, population, blocks, overhead, crowd)}


def main():
    names = sys.argv[1:2] if len(sys.argv) > 1 else list(PARTS)
    if names[0] not in PARTS:
        print(__doc__)
        return 2
    number = int(sys.argv[2]) if len(sys.argv) > 2 else None
    return max(PARTS[name].main(number) or 0 for name in names)


if __name__ == "__main__":
    sys.exit(main())
