"""The command lines of the load generators that are told what to do by a script or a configuration: k6, autocannon, Artillery, Tsung.

None of them is to call home, or to listen on anything but loopback.
"""

from urllib.parse import urlsplit

import books
from child import Command
from tools import HERE, Tool, program

SCRIPTS = HERE / "scripts"
# Erlang as a program of its own: no daemon that outlives it, and no port.
ALONE = {"ERL_FLAGS": "-dist_listen false -start_epmd false", "HOME": "."}


def k6(url: str, scenario: str = "get", connections: int = 64, seconds: float = 5) -> Tool:
    told = {"URL": url.rstrip("/"), "SCENARIO": scenario, "CUSTOMERS": connections, "SECONDS": f"{seconds:g}"}
    arguments = [program("k6"), "run", "--quiet", "--no-usage-report", "--address", "", *(f"--env={name}={value}" for name, value in told.items())]
    return Tool("k6", Command([*arguments, str(SCRIPTS / "k6.js")]), connections, seconds, books.k6)


def autocannon(url: str, connections: int = 64, seconds: float = 5) -> Tool:
    arguments = [program("autocannon"), "--connections", str(connections), "--duration", f"{seconds:g}", "--json", "--no-progress", url]
    return Tool("autocannon", Command(arguments), connections, seconds, books.autocannon)


def artillery(url: str, scenario: str = "get", connections: int = 64, seconds: float = 5) -> Tool:
    told = {"CUSTOMERS": str(connections), "SECONDS": f"{seconds:g}", "ARTILLERY_DISABLE_TELEMETRY": "true"}
    arguments = [program("Artillery"), "run", "--quiet", "--output", "artillery.json", "--target", url.rstrip("/")]
    arguments += ["--scenario-name", scenario, str(SCRIPTS / "artillery.yml")]
    return Tool("Artillery", Command(arguments, told, report="artillery.json"), connections, seconds, books.artillery)


def tsung(url: str, connections: int = 64, seconds: float = 5) -> Tool:
    address = urlsplit(url)
    values = {"host": address.hostname, "port": address.port, "customers": connections, "milliseconds": round(1000 * seconds)}
    configuration = (SCRIPTS / "tsung.xml").read_text()
    for name, value in values.items():
        configuration = configuration.replace(f"@{name}@", str(value))
    arguments = [program("Tsung"), "-n", "-F", "-I", "127.0.0.1", "-f", "tsung.xml", "-l", "log", "-m", "-", "start"]
    return Tool("Tsung", Command(arguments, ALONE, files={"tsung.xml": configuration}), connections, seconds, books.tsung)
