"""From an edit to the first request: how long a change of a behaviour takes to be tried."""

import json
import re
import shutil
import tempfile
import time
from pathlib import Path

import child
from bank import STUDY, Bank
from nginx import Nginx
from tables import Figure, Section
from tools import HERE, NEST, REPOSITORY, needed

AT_MOST_S = 300
CONSTANT = re.compile(r"^((?:pub )?const \w+: \w+ = )(\d+)(;.*)$", re.MULTILINE)


def edit(rounds: int) -> Section:
    toml_s, rust_s, doubts = [], [], []
    with Nginx(log=True) as server, tempfile.TemporaryDirectory(prefix="locust-nest-bench.") as folder:
        for round_number in range(rounds):
            toml_s.append(toml(server, Path(folder), round_number))
    try:
        with Bank() as database:
            rust_s = rust(database, rounds)
    except NotMeasured as why:
        doubts.append(f"**Rust behaviour**: {why}")
    if None in toml_s:
        doubts.append(f"**{NEST}**: no request arrived after the TOML behaviour was edited")
    figures = [
        Figure("TOML behaviour", [one for one in toml_s if one is not None], 1, 1, " s", at_most=True),
        Figure("Rust behaviour (models/bank)", rust_s, 15, 15, " s", at_most=True, digits=1),
    ]
    text = (
        "From the moment that an edited file is saved, over `locust-nest load` or `cargo run -p bank -- load` (default profile, built "
        "before the edit), to the request in nginx's log, or the transfer in PostgreSQL's table."
    )
    return Section("From an edit to the first request", text, figures, doubts=doubts)


class NotMeasured(Exception):
    """Why there is no figure."""


def toml(server: Nginx, folder: Path, round_number: int) -> float | None:
    """Seconds from saving a behaviour, whose path is changed, to the request of that path."""
    behaviour = folder / "checked.toml"
    text = (HERE / "checked.toml").read_text()
    saved_at = time.time()
    behaviour.write_text(text.replace("/list?page", f"/list?edited={round_number}&page"))
    load = [needed(NEST), "load", server.url(path=""), "--behaviour", str(behaviour), "--customers", "1", "--requests", "1"]
    return first_request(server, load, saved_at)


def rust(database: Bank, rounds: int) -> list[float]:
    """The same for a constant in the source of models/bank, which is put back as it was in the end."""
    cargo = shutil.which("cargo")
    source, original = source_with_constant()
    load = ["load", database.url(), "--behaviour", "transfer", "--customers", "1", "--requests", "1"]
    run = [cargo, "run", "--quiet", "-p", "bank", "--", *load]
    took = []
    try:
        for round_number in range(rounds):
            in_repository([cargo, "build", "--quiet", "-p", "bank"])
            saved_at = time.time()
            source.write_text(CONSTANT.sub(lambda found: f"{found[1]}{int(found[2]) + 1 + round_number}{found[3]}", original, count=1))
            in_repository(run)
            first = database.first_transfer(saved_at)
            if first is None:
                raise NotMeasured("no transfer arrived at PostgreSQL after the edit")
            took.append(first - saved_at)
    finally:
        source.write_text(original)
    return took


def source_with_constant() -> tuple[Path, str]:
    """The first source file of models/bank that has a whole number for a constant."""
    for source in sorted(STUDY.glob("**/*.rs")):
        text = source.read_text()
        if CONSTANT.search(text):
            return source, text
    raise NotMeasured("models/bank has no constant that could be edited")


def first_request(server: Nginx, arguments: list[str], saved_at: float) -> float | None:
    """Runs a load and says how long after `saved_at` its first request had been answered, by nginx's log."""
    server.access_log.write_text("")
    in_repository(arguments)
    first = server.access_log.read_text().splitlines()[:1]
    return json.loads(first[0])["at"] - saved_at if first else None


def in_repository(arguments: list[str]) -> None:
    child.run(child.Command(arguments, cores=child.ALL_CORES, folder=REPOSITORY), AT_MOST_S)
