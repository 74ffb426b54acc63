"""The load generators: where they are, which version they have, and their command lines.

Every one of them is run as its own documentation says, without options that would slow it down.
"""

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import books
from child import Command, Ended

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target").resolve()
NEST = "locust-nest"

PROGRAMS = {
    NEST: Path(os.environ.get("NEST") or TARGET / "debug/locust-nest").resolve(),
    "wrk": "wrk",
    "oha": TARGET / "bench/bin/oha",
    "h2load": "h2load",
    "hey": "hey",
    "Goose": TARGET / "bench/build/release/goose-peer",
    "Locust": TARGET / "bench/venv/bin/locust",
    "k6": TARGET / "bench/venv/bin/k6",
    "autocannon": TARGET / "bench/bin/autocannon",
    "Artillery": TARGET / "bench/bin/artillery",
    "Tsung": "tsung",
    "valgrind": "valgrind",
}
PEERS = [name for name in PROGRAMS if name not in (NEST, "valgrind")]


@dataclass(frozen=True)
class Tool:
    """A load generator with all its arguments for one run."""

    name: str
    command: Command
    connections: int
    seconds: float
    read: Callable[[Ended], books.Books]


def program(name: str) -> str | None:
    return shutil.which(PROGRAMS[name])


def needed(name: str) -> str:
    """A program that nothing can be measured without."""
    found = program(name)
    if not found:
        raise SystemExit(f"error: {PROGRAMS[name]} is missing\nhint: `cargo build` makes {NEST}, tests/run installs the rest")
    return found


@functools.cache
def version(name: str) -> str | None:
    """Its version as it says itself; hey says none, so Debian's."""
    if not program(name):
        return None
    asked = [program(name), "-v" if name in ("wrk", "Tsung") else "--version"]
    if name == "hey":
        asked = ["dpkg-query", "-W", "-f", "${Version}", "hey"]
    answer = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
    found = re.search(r"\d+\.\d+[\w.]*", answer.stdout + answer.stderr)
    return found.group() if found else "?"


def nest(url: str, *options: str, connections: int = 64, seconds: float = 5, name: str = NEST, cores: frozenset[int] = frozenset({1})) -> Tool:
    """`locust-nest load` without warm-up, so that its own count is all that nginx counted."""
    arguments = [program(NEST), "load", url, "--customers", str(connections), "--format", "json"]
    if "--requests" not in options:
        arguments += ["--for", f"{seconds}s", "--warm-up", "0s"]
    return Tool(name, Command([*arguments, *options], cores=cores), connections, seconds, books.nest)


def wrk(url: str, connections: int = 64, seconds: float = 5, threads: int = 1, name: str = "wrk", cores: frozenset[int] = frozenset({1})) -> Tool:
    arguments = [program("wrk"), f"-t{threads}", f"-c{connections}", f"-d{seconds}s", url]
    return Tool(name, Command(arguments, cores=cores), connections, seconds, books.wrk)


def oha(url: str, *options: str, connections: int = 64, seconds: float = 5, name: str = "oha") -> Tool:
    arguments = [program("oha"), "--no-tui", "--output-format", "json", "-z", f"{seconds}s", "-c", str(connections), *options, url]
    return Tool(name, Command(arguments), connections, seconds, books.oha)


def h2load(url: str, connections: int = 64, seconds: float = 5) -> Tool:
    arguments = [program("h2load"), "--h1", "-t1", f"-c{connections}", f"-D{seconds}", url]
    return Tool("h2load", Command(arguments), connections, seconds, books.h2load)


def hey(url: str, *options: str, connections: int = 64, seconds: float = 5) -> Tool:
    arguments = [program("hey"), "-z", f"{seconds}s", "-c", str(connections), *options, url]
    return Tool("hey", Command(arguments), connections, seconds, books.hey_csv if "csv" in options else books.hey)


def goose(url: str, scenario: str = "get", connections: int = 64, seconds: float = 5) -> Tool:
    arguments = [program("Goose"), "-H", url.rstrip("/"), "--scenarios", scenario, "-u", str(connections), "-r", "1000", "-t", f"{seconds}s"]
    arguments += ["--accept-invalid-certs", "--no-telnet", "--no-print-metrics", "--no-reset-metrics", "-qq", "--report-file", "goose.json"]
    return Tool("Goose", Command(arguments, report="goose.json"), connections, seconds, books.goose)


def locust(url: str, scenario: str = "get", connections: int = 64, seconds: float = 5) -> Tool:
    arguments = [program("Locust"), "-f", str(HERE / "locustfile.py"), "--headless", "--only-summary", "--json", "--skip-log"]
    arguments += ["-u", str(connections), "-r", "1000", "-t", f"{seconds}s", "--host", url.rstrip("/"), scenario.capitalize()]
    return Tool("Locust", Command(arguments), connections, seconds, books.locust)
