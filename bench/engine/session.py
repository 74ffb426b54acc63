"""A real session: log in over TLS, take an id out of a list, put it into the cart with cookie and token."""

import json

import scripted
import tools
from nginx import Nginx
from rounds import interleaved, measure, ratios, say
from tables import Figure, Section, all_runs, doubts, efficiency_table
from tools import HERE, NEST

BEHAVIOUR = HERE / "session.toml"
STEPS = {"/login": 200, "/items": 200, "/cart": 201}


def session(rounds: int) -> Section:
    unproven = prove()
    with Nginx() as server:
        runs = interleaved(server, session_tools(server), rounds)
    figures = [
        Figure("to Goose", ratios(runs, NEST, "Goose"), 3, 2),
        Figure("to Locust FastHttpUser", ratios(runs, NEST, "Locust"), 12, 8, digits=1),
    ]
    text = (
        "POST of a JSON login, which gives a cookie and a token; GET of a list with the cookie, which gives an id; POST of the id as JSON "
        "with cookie and token, its status and body checked. TLS 1.3, 64 customers. nginx answers 401 to a token that does not belong to "
        "the cookie; a shorter run before these was logged, and the id in every body was the one of its own session."
    )
    detail = efficiency_table(runs, per=len(STEPS), what="sessions")
    return Section("Session over TLS", text, figures, detail, unproven + doubts(all_runs(runs)))


def session_tools(server: Nginx, connections: int = 64, seconds: float = 5) -> list[tools.Tool]:
    base = server.url("tls", path="")
    size = {"connections": connections, "seconds": seconds}
    return [
        tools.nest(base, "--insecure", "--behaviour", str(BEHAVIOUR), **size),
        tools.goose(base, "session", **size),
        tools.locust(base, "session", **size),
        scripted.k6(base, "session", **size),
        scripted.artillery(base, "session", **size),
    ]


def prove() -> list[str]:
    """Runs each tool for a second against an nginx that logs, and reads in the log whether whole sessions were made."""
    unproven = []
    with Nginx(log=True) as server:
        for tool in session_tools(server, connections=4, seconds=1):
            if not tool.command.arguments[0]:
                continue
            server.access_log.write_text("")
            run = measure(server, tool)
            wrong = what_the_log_says(server.access_log.read_text(), tool.connections)
            wrong += [one for one in run.wrong if not one.startswith("claims")]  # nginx counts a proxied request twice
            unproven += [f"**{tool.name}** makes no proper session: {one}" for one in wrong]
    return unproven


def what_the_log_says(log: str, customers: int) -> list[str]:
    entries = [json.loads(line) for line in log.splitlines()]
    wrong = []
    made = {path: sum(entry["uri"] == path for entry in entries) for path in STEPS}
    say(f"  proof: {made}")
    if min(made.values()) == 0 or max(made.values()) - min(made.values()) > customers:
        wrong.append(f"the steps were made {made} times")
    answered = [entry for entry in entries if entry["status"] != 499]  # the client left, at the end of the run
    for entry in answered:
        if entry["status"] != STEPS.get(entry["uri"]):
            wrong.append(f"{entry['uri']} was answered {entry['status']}")
        elif entry["uri"] == "/cart" and item_of(entry) != f"i-{entry['cookie']}":
            wrong.append(f"the body is not of its session: {entry['body']}")
    return list(dict.fromkeys(wrong))[:3]


def item_of(entry: dict) -> str | None:
    try:
        return json.loads(entry["body"]).get("id") if "json" in entry["type"] else None
    except ValueError:
        return None
