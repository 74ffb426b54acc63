"""A worker, the broker, a line or the target fails at a random moment of a run. What was due must be accounted for."""

import json
import os
import random
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from hosts import Broker, Program, free_port, listens, measure, saved_steps, shop, small_study, snapshot, unbalanced, wait_until, worker
from state import add, lines, table

KINDS = ["worker killed", "worker stopped 5 s", "worker stopped 20 s", "broker away 5 s", "broker away 20 s", "target killed", "line cut"]
# Exit codes that each may end with: one worker of two may go on alone.
CODES = {kind: {0} for kind in KINDS} | {"target killed": {6}, "broker away 20 s": {0, 6}}
MEASURING = 'pilot = "200ms"\nsettle = "500ms"\nsettle_most = "500ms"\nwindow = "1s"\nwindows = 4\nmax_rate = 400\nbase = 0.01\n' \
            "boost = 0.02\ncustomers = [500, 1000]"
HUB = "10.77.0.1"
# Failures of which the target saw nothing: no connection, or held back by `max_rate`.
UNSENT = {"connect", "held"}


def main(number):
    number = number or 60
    done = {line["seed"] for line in lines("faults")}
    for seed in range(1, number + 1):
        if seed in done:
            continue
        line = chain(seed)
        add("faults", line)
        print(f"seed {seed}: {line['kind']} after {line['after_s']:.2f} s: exit {line['code']}, {line['verdicts']}", flush=True)
        for fault in line["faults"]:
            print(f"  FAULT {fault}", flush=True)
    rows = []
    for kind in KINDS:
        found = [line for line in lines("faults") if line["kind"] == kind]
        if found:
            codes = ", ".join(f"{code}: {sum(line['code'] == code for line in found)}" for code in sorted({line["code"] for line in found}))
            again = sum("invalid" in line["verdicts"] for line in found)
            rows.append([kind, len(found), codes, again, sum(line["lost"] for line in found), sum(len(line["faults"]) for line in found)])
    table(["fault", "runs", "exit codes", "with an invalid step", "workers lost", "faults of ours"], rows)
    return int(any(line["faults"] for line in lines("faults")))


def chain(seed):
    draw = random.Random(seed)
    kinds = KINDS if os.geteuid() == 0 else KINDS[:-1]
    kind, after_s = kinds[seed % len(kinds)], draw.uniform(0.0, 6.5)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"nest-fleet-{seed}.")))
        found = run(stack, folder, kind, after_s, draw)
    return {"seed": seed, "kind": kind, "after_s": after_s, **found}


def run(stack, folder, kind, after_s, draw):
    hosts = Hosts(stack, 2) if kind == "line cut" else None
    hub, host = (hosts.prefix(0), HUB) if hosts else ((), "127.0.0.1")
    port = free_port()
    target = stack.enter_context(shop(folder / "shop", port, "--keep-requests", "--browse", "100us", host=host, prefix=hub))
    broker = stack.enter_context(Broker(folder / "broker", host, hub))
    target_keys = f"reset = '''{snapshot(port, host)}'''" + (f'\nallow_hosts = ["{HUB}"]' if hosts else "")
    study = small_study(folder / "study", f"http://{host}:{port}", target=target_keys, measuring=MEASURING)
    more = ["--insecure-broker"] if hosts else []
    allow = [*more, "--allow-host", HUB] if hosts else []
    workers = [
        stack.enter_context(worker(broker, folder / name, name, "--slots", 1, *allow, prefix=hosts.prefix(number) if hosts else ()))
        for number, name in enumerate(["one", "two"], start=1)
    ]
    ran = stack.enter_context(measure(broker, folder / "measure", study, 2, "--workers-min", 1, *more, prefix=hub))
    ran.wait_for(f"step {draw.choice([1, 2, 3, 4])} of")  # said when that step has ended
    time.sleep(after_s)
    happen(kind, workers[1], broker, target, hosts)
    code = ran.finish()
    steps = saved_steps(study)
    faults = list(unbalanced(steps))
    if code not in CODES[kind]:
        faults.append(f"exit code {code}: {ran.said()[-600:]}")
    if kind not in ("target killed", "broker away 20 s"):
        faults += unreceived(study, steps)
    lost = sum(one.get("lost") is not None for step in steps for one in step.get("generators", []))
    if kind == "broker away 5 s" and (lost or any(step["verdict"]["worth"] == "invalid" for step in steps)):
        faults.append("a short absence of the broker has changed something")
    return {"code": code, "verdicts": [step["verdict"]["worth"] for step in steps], "lost": lost, "faults": faults}


def happen(kind, victim, broker, target, hosts):
    if kind == "worker killed":
        victim.signal(signal.SIGKILL)
    elif kind.startswith("worker stopped"):
        victim.signal(signal.SIGSTOP)
        time.sleep(float(kind.split()[2]))
        victim.signal(signal.SIGCONT)
    elif kind.startswith("broker away"):
        broker.kill()
        time.sleep(float(kind.split()[2]))
        broker.start()
    elif kind == "target killed":
        target.kill()
    else:
        hosts.cut(2)


def unreceived(study, steps):
    """Steps, without a lost worker, of which the shop received something else than was sent."""
    ledgers = [len(json.loads(line)["requests"]) for line in (study / "ledgers").read_text().splitlines()]
    received = [after - before for before, after in zip(ledgers, ledgers[1:])]
    if len(received) != len(steps):
        yield f"{len(received)} ledgers of {len(steps)} steps"
    for number, (step, got) in enumerate(zip(steps, received)):
        if any(one.get("lost") for one in step.get("generators", [])):
            continue
        counts = [step["settling"], *step["executions"].values()]
        unsent = sum(error["count"] for error in step["errors"] if error["kind"] in UNSENT)
        sent = sum(one["due"] - one["dropped"] for one in counts) - unsent
        # Why executions failed while the step settled is not kept: some were never sent.
        if not sent - step["settling"]["failed"] <= got <= sent:
            yield f"step {number}: {sent} sent, {got} received: {step['errors']}"


class Hosts:
    """A hub and hosts with a line to it each, in network namespaces that end with this."""

    def __init__(self, stack, others):
        self.anchors = []
        for number in range(others + 1):
            anchor = stack.enter_context(Program(["unshare", "--net", "sleep", 600], Path(tempfile.gettempdir()), f"nest-host-{number}"))
            wait_until(lambda: Path(f"/proc/{anchor.child.pid}/comm").read_text().strip() == "sleep", "a namespace")
            self.anchors.append(anchor.child.pid)
            self.ip(number, "link set lo up")
        self.ip(0, f"address add {HUB}/32 dev lo")
        for number in range(1, others + 1):
            self.ip(0, f"link add line{number} type veth peer name line netns {self.anchors[number]}")
            self.ip(0, f"address add 10.77.{number}.1/30 dev line{number}")
            self.ip(0, f"link set line{number} up")
            self.ip(number, f"address add 10.77.{number}.2/30 dev line")
            self.ip(number, "link set line up")
            self.ip(number, f"route add {HUB}/32 via 10.77.{number}.1")

    def prefix(self, number):
        return ["nsenter", f"--net=/proc/{self.anchors[number]}/ns/net", "--"]

    def ip(self, number, arguments):
        subprocess.run([*self.prefix(number), "ip", *arguments.split()], check=True)

    def cut(self, number):
        self.ip(number, "link set line down")
