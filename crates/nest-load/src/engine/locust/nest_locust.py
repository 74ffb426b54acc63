"""Runs the tasks of a locustfile under the schedule of locust-nest.

Locust loads this file before the locustfile. It tells which tasks there are, does what it is told to over the
Unix socket NEST_SOCKET, one JSON object a line, and reports what began and ended. It counts nothing.

`nest_tasks.py`: which tasks there are; `nest_journal.py`: what happened; `nest_users.py`: who acts when.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import sys
from typing import Any

import gevent
import locust
import locust.user.users as users_module
from gevent.lock import BoundedSemaphore
from locust import LoadTestShape, TaskSet, events
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession
from locust.runners import MasterRunner, WorkerRunner
from locust.user.task import DefaultTaskSet
from nest_journal import JOURNAL, now_ns
from nest_tasks import Order, Refusal, Work, place_of, refusal_of
from nest_users import STOP_S, USERS

PROTOCOL = 1
WORKERS_S = 0.1  # until a master says what it can do
encoded = json.JSONEncoder(separators=(",", ":")).encode


class Nest:
    """What this process is told, and what it tells."""

    def __init__(self) -> None:
        self.wire: socket.socket | None = None
        self.sending = BoundedSemaphore()
        self.environment: Any = None
        self.alone: tuple[Work, int, int] | None = None  # what, until when, and how often still
        self.told = self.own_shape = False
        self.hosts: dict[Any, str | None] = {}  # as the file gives them
        JOURNAL.on_end = self.once_more

    # What is told

    def tell(self, message: dict[str, Any]) -> None:
        if self.wire is not None:
            self.send(self.wire, encoded(message).encode() + b"\n")
        elif isinstance(getattr(self.environment, "runner", None), WorkerRunner):
            self.environment.runner.send_message("nest.report", message)

    def send(self, wire: socket.socket, line: bytes) -> None:
        """Sends a line, as a rule by one call of the system: that costs a third of what `sendall` does."""
        with self.sending:
            try:
                sent = os.write(wire.fileno(), line)
            except BlockingIOError:
                sent = 0
            if sent < len(line):
                wire.sendall(line[sent:])

    def refuse(self, refusal: Refusal) -> None:
        if not self.told:
            self.told = True
            self.tell({"refused": refusal.message})

    def report(self) -> None:
        self.tell({**JOURNAL.take(), "users": USERS.alive()})

    def report_often(self) -> None:
        while True:
            JOURNAL.report_due.wait()
            self.report()

    def hello(self, **_: Any) -> None:
        if self.told:
            return
        try:
            self.environment._filter_tasks_by_tags()
            USERS.learn(list(self.environment.user_classes))
        except Refusal as refusal:
            return self.refuse(refusal)
        self.told, USERS.runner = True, self.environment.runner
        self.tell({"hello": self.listing()})
        if not isinstance(self.environment.runner, MasterRunner):
            JOURNAL.watch_clock()
            gevent.spawn(self.report_often)
        if self.wire is not None:
            gevent.spawn(self.listen, self.wire)

    def listing(self) -> dict[str, Any]:
        """What there is to do."""
        return {
            "protocol": PROTOCOL,
            "locust": locust.__version__,
            "python": sys.version.split()[0],
            "pid": os.getpid(),
            "master": isinstance(self.environment.runner, MasterRunner),
            "shape": self.own_shape,
            "classes": [
                {
                    "name": cls.__name__,
                    "weight": cls.weight,
                    "fixed": cls.fixed_count,
                    "host": self.hosts.get(cls),
                    "paced": is_paced(cls),
                }
                for cls in USERS.pools
            ],
            "tasks": [
                {
                    "name": work.name,
                    "kind": work.kind,
                    "class": work.user.__name__,
                    "weight": work.weight,
                    "at": place_of(work.call),
                }
                for work in USERS.works.values()
            ],
        }

    # What it is told

    def listen(self, wire: socket.socket) -> None:
        """Obeys until nobody is there any more to stop it."""
        for line in wire.makefile("rb"):
            command = json.loads(line)
            worker = command.pop("w", None)
            if worker is not None:
                self.environment.runner.send_message("nest", command, client_id=worker)
            else:
                self.obey(command)
        self.leave()

    def obey(self, command: dict[str, Any]) -> None:
        verb = command["verb"]
        try:
            answer = getattr(self, f"do_{verb}")(command) or {}
        except Exception as error:  # whatever it is, whoever commands must know
            answer = {"error": f"{type(error).__name__}: {error}"}
        if "id" in command:
            self.tell({"re": command["id"], **answer})

    def do_ping(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"t": now_ns()}

    def do_prepare(self, command: dict[str, Any]) -> None:
        if command["mode"] != USERS.mode:
            USERS.dismiss()
        USERS.mode, USERS.most = command["mode"], command.get("most", 1)
        USERS.queue = command.get("queue", 0)
        USERS.whole |= {USERS.works[name].call for name in command.get("whole", [])}
        USERS.prepare(command.get("users", {}), command.get("boost", {}))

    def do_start(self, command: dict[str, Any]) -> None:
        gevent.spawn_later(max(0.0, (command["at"] - now_ns()) / 1e9), USERS.acting.set)

    def do_due(self, command: dict[str, Any]) -> None:
        USERS.take(Order(number, due, USERS.works[name]) for number, due, name in command["orders"])

    def do_alone(self, command: dict[str, Any]) -> None:
        work = USERS.works[command["task"]]
        USERS.most = max(USERS.most, 2 * len(USERS.pools))  # one of each class who acts, and one to spare
        self.alone = (work, now_ns() + int(command["span_s"] * 1e9), command["most"])
        USERS.place(Order(-1, now_ns(), work))

    def once_more(self, name: str, now: int) -> None:
        """Goes on with what is executed alone, or tells that it is over."""
        if not self.alone or self.alone[0].name != name:
            return
        work, until, left = self.alone
        self.alone = (work, until, left - 1) if left > 1 and now < until else None
        if self.alone:
            gevent.spawn_later(0, self.go_on, Order(-1, now, work))
        else:
            gevent.spawn(self.tell_alone)  # the loop itself may have called this, and must not wait

    def go_on(self, order: Order) -> None:
        if self.alone:
            USERS.go_on_alone(order)

    def tell_alone(self) -> None:
        self.report()
        self.tell({"alone": True})

    def do_stop(self, command: dict[str, Any]) -> None:
        """From a moment on, no further execution begins. What waits for a user then never had one."""
        gevent.sleep(max(0.0, (command.get("at", 0) - now_ns()) / 1e9))
        self.alone = None
        USERS.acting.clear()
        USERS.drop_waiting()

    def do_close(self, _: dict[str, Any]) -> None:
        """Cuts what is still under way, and tells the rest."""
        self.do_stop({})
        gevent.killall(list(JOURNAL.running), timeout=STOP_S)
        self.report()

    def do_forget(self, _: dict[str, Any]) -> None:
        USERS.dismiss()

    def do_quit(self, _: dict[str, Any]) -> None:
        self.leave()

    def leave(self) -> None:
        self.wire = None
        gevent.spawn_later(2 * STOP_S, os._exit, 1)
        gevent.spawn(self.environment.runner.quit)


def is_paced(cls: Any) -> bool:
    """Whether users of a class, or of a set of theirs, wait by `constant_pacing` or `constant_throughput`."""
    holders = {cls, *(one for work in USERS.works.values() if work.user is cls for one in work.path)}
    names = [getattr(holder.wait_time, "__qualname__", "") for holder in holders]
    return any(name.startswith("constant_pacing.") for name in names)


NEST = Nest()


class NestTasks(DefaultTaskSet):
    """What a user does first of all: waits for orders, or chooses as written."""

    def get_next_task(self) -> Any:
        return USERS.wait_for_order(self.user) if USERS.mode == "open" else super().get_next_task()

    def wait(self) -> None:
        if USERS.mode == "open":
            USERS.rest(self.user)
        else:
            super().wait()

    def execute_task(self, task: Any) -> None:
        if isinstance(task, Order):
            return USERS.execute_order(self.user, task)
        USERS.execute_as_written(self, task, super().execute_task)


class Waiting(LoadTestShape):
    """Starts a test without users, which lasts until it is stopped: this file starts them."""

    abstract = True  # so that Locust does not take it for the file's own

    def tick(self) -> tuple[int, float]:
        return 0, 1.0


def install() -> None:
    """Takes the places in Locust from which users are led."""
    written = TaskSet.execute_task
    TaskSet.execute_task = lambda self, task: USERS.execute_as_written(
        self, task, lambda one: written(self, one)
    )
    TaskSet._sleep = lambda self, seconds: USERS.sleep_after(self.user, seconds)
    users_module.DefaultTaskSet = NestTasks
    for client in (HttpSession, FastHttpSession):
        JOURNAL.watch_sending(client)


def refuse_file(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    NEST.refuse(refusal_of(kind, error, trace))
    sys.__excepthook__(kind, error, trace)


def ended_early() -> None:
    remedy = "read what Locust wrote; a locustfile has a User class, and does not run Locust by itself"
    NEST.refuse(Refusal("Locust ended before it listed its users", remedy, (os.environ.get("NEST_FILE"), 0)))


@events.init.add_listener
def on_init(environment: Any, runner: Any, **_: Any) -> None:
    if NEST.wire is None and not isinstance(runner, WorkerRunner):
        return
    NEST.environment = environment
    NEST.own_shape = environment.shape_class is not None
    NEST.hosts = {cls: cls.host for cls in environment.user_classes}
    environment.shape_class = Waiting()
    environment.shape_class.runner = runner
    environment.events.request.add_listener(JOURNAL.on_request)
    environment.events.spawning_complete.add_listener(NEST.hello)
    if isinstance(runner, MasterRunner):
        runner.register_message("nest.report", lambda msg, **_: NEST.tell({"w": msg.node_id, **msg.data}))
        gevent.spawn_later(WORKERS_S, NEST.hello)  # it has no users, and waits for its workers
    elif isinstance(runner, WorkerRunner):
        runner.register_message("nest", lambda msg, **_: gevent.spawn(NEST.obey, msg.data))


if os.environ.get("NEST_SOCKET"):
    NEST.wire = socket.socket(socket.AF_UNIX)
    NEST.wire.connect(os.environ["NEST_SOCKET"])
    sys.excepthook = refuse_file
    atexit.register(ended_early)
install()
