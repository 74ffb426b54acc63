"""What is done already: a line of JSON for each thing, in a file of target/bench/fleet."""

import json
from pathlib import Path

FOLDER = Path("target/bench/fleet")


def lines(name):
    path = FOLDER / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def add(name, line):
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{name}.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def table(header, rows):
    """Markdown."""
    rule = ["---"] + ["--:"] * (len(header) - 1)
    for cells in [header, rule, *rows]:
        print(f"| {' | '.join(str(cell) for cell in cells)} |")
