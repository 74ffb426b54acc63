"""From an edit to the first request: how long a change of a behaviour takes to be tried."""

import json
import tempfile
import time
from pathlib import Path

import child
from nginx import Nginx
from tables import Figure, Section
from tools import HERE, NEST, program

AT_MOST_S = 120


def edit(rounds: int) -> Section:
    took, wrong = [], []
    with Nginx(log=True) as server, tempfile.TemporaryDirectory(prefix="locust-nest-bench.") as folder:
        for round_number in range(rounds):
            first = toml(server, Path(folder), round_number)
            if first is None:
                wrong.append(f"**{NEST}**: no request arrived after the TOML behaviour was edited")
            else:
                took.append(first)
    figures = [Figure("TOML behaviour", took, 1, 1, " s", at_most=True)]
    text = "From the moment that an edited file is saved, over the start of `locust-nest load`, to nginx's log of the request that was edited."
    return Section("From an edit to the first request", text, figures, doubts=sorted(set(wrong)))


def toml(server: Nginx, folder: Path, round_number: int) -> float | None:
    """Seconds from saving a behaviour, whose path is changed, to the request of that path."""
    behaviour = folder / "checked.toml"
    edited = f"/list?edited={round_number}"
    text = (HERE / "checked.toml").read_text()
    changed = [f'get = "{edited}"' if line.startswith("get = ") else line for line in text.splitlines()]
    saved_at = time.time()
    behaviour.write_text("\n".join(changed))
    command = [program(NEST), "load", server.url(path=""), "--behaviour", str(behaviour), "--customers", "1", "--requests", "1"]
    return first_request(server, command, saved_at, "/list")


def first_request(server: Nginx, command: list[str], saved_at: float, uri: str) -> float | None:
    """Runs `command` and says how long after `saved_at` the first request for `uri` was answered, by nginx's log."""
    server.access_log.write_text("")
    child.run(child.Command(command, cores=child.ALL_CORES), AT_MOST_S)
    entries = [json.loads(line) for line in server.access_log.read_text().splitlines()]
    return next((entry["at"] - saved_at for entry in entries if entry["uri"] == uri), None)
