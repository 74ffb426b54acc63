"""Runs the tasks of a locustfile under the schedule of locust-nest.

Locust loads this file before the locustfile. It tells which tasks there are, executes each one when told to
(open load) or lets users act as they are written (closed load), and reports what began and ended, in
nanoseconds of CLOCK_MONOTONIC, as one JSON object a line over the Unix socket NEST_SOCKET. It counts nothing.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import gevent
import locust.user.users as users_module
from gevent.event import Event
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING, DefaultTaskSet
from nest_tasks import (
    ENDINGS,
    LEAVING,
    MARKOV,
    Execution,
    Order,
    Pool,
    Refusal,
    Work,
    failure_kind,
    is_end,
    is_set,
    place_of,
    reason_of,
    refusal_of,
    works_of,
)

import locust
from locust import LoadTestShape, SequentialTaskSet, TaskSet, User, events

PROTOCOL = 1
REPORT_S = 0.1
BEAT_S = 0.005
GAP_NS = 20_000_000  # a heartbeat that is this late is reported by itself
SPAWN_PAUSE_S = 0.0005  # 2,000 users begin per second
STOP_S = 10.0  # most time for on_stop
now_ns = time.perf_counter_ns


class Nest:
    """What this process is to do, and what it reports."""

    def __init__(self) -> None:
        self.wire: socket.socket | None = None
        self.environment: Any = None
        self.works: dict[str, Work] = {}
        self.written: dict[Any, Work] = {}  # by user class, whoever lists it, and task
        self.pools: dict[type[User], Pool] = {}
        self.tasks: dict[Any, list[Any]] = {}  # as they are written, by whoever lists them
        self.whole: set[Any] = set()  # sets that are executed as a whole
        self.mode, self.most, self.queue = "open", 1, 0  # users, and executions that may wait for one
        self.orders: deque[Order] = deque()
        self.more, self.acting = Event(), Event()
        self.running: dict[Any, Execution] = {}  # by greenlet
        self.begun = 0
        self.events: list[list[Any]] = []
        self.late: list[int] = []
        self.gaps: list[list[int]] = []
        self.alone: tuple[Work, int, int] | None = None  # what, until when, and how often still
        self.told = self.own_shape = False
        self.hosts: dict[type[User], str | None] = {}  # as the file gives them

    # What is told

    def tell(self, message: dict[str, Any]) -> None:
        if self.wire is not None:
            self.wire.sendall(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        elif isinstance(getattr(self.environment, "runner", None), WorkerRunner):
            self.environment.runner.send_message("nest.report", message)

    def refuse(self, refusal: Refusal) -> None:
        if not self.told:
            self.told = True
            self.tell({"refused": refusal.message})

    def report(self) -> None:
        with open("/proc/self/schedstat", encoding="ascii") as schedstat:
            waited = int(schedstat.read().split()[1])
        users = {cls.__name__: pool.alive for cls, pool in self.pools.items()}
        told = {
            "t": now_ns(),
            "cpu": time.process_time_ns(),
            "wait": waited,
            "users": users,
            "late": self.late,
            "gaps": self.gaps,
            "ev": self.events,
        }
        self.late, self.gaps, self.events = [], [], []
        self.tell(told)

    def hello(self, **_: Any) -> None:
        if self.told:
            return
        try:
            self.learn()
        except Refusal as refusal:
            return self.refuse(refusal)
        self.told = True
        master = isinstance(self.environment.runner, MasterRunner)
        classes = [
            {
                "name": cls.__name__,
                "weight": cls.weight,
                "fixed": cls.fixed_count,
                "host": self.hosts.get(cls),
            }
            for cls in self.pools
        ]
        tasks = [
            {
                "name": work.name,
                "kind": work.kind,
                "class": work.user.__name__,
                "weight": work.weight,
                "at": place_of(work.call),
            }
            for work in self.works.values()
        ]
        self.tell(
            {
                "hello": {
                    "protocol": PROTOCOL,
                    "locust": locust.__version__,
                    "python": sys.version.split()[0],
                    "pid": os.getpid(),
                    "master": master,
                    "shape": self.own_shape,
                    "classes": classes,
                    "tasks": tasks,
                }
            }
        )
        if not master:
            for loop in (self.release, self.beat, self.report_often):
                gevent.spawn(loop)
        if self.wire is not None:
            gevent.spawn(self.listen, self.wire)

    def report_often(self) -> None:
        while True:
            gevent.sleep(REPORT_S)
            self.report()

    def beat(self) -> None:
        """Notices how late this process wakes up: Python computes, or it has no processor."""
        while True:
            due = now_ns() + int(BEAT_S * 1e9)
            gevent.sleep(BEAT_S)
            now = now_ns()
            self.late.append(max(0, now - due) // 1000)
            if now - due >= GAP_NS:
                self.gaps.append([due, now])

    def learn(self) -> None:
        """Reads from the user classes what there is to do."""
        self.environment._filter_tasks_by_tags()
        self.pools = {cls: Pool() for cls in self.environment.user_classes}
        self.written = works_of(list(self.pools))
        self.works = {work.name: work for work in self.written.values()}
        for (_, holder, _), work in list(self.written.items()):
            self.tasks[holder] = list(holder.tasks)
            if work.kind in ("sequence", "markov"):
                self.whole.add(work.call)
                self.written[work.user, work.call, work.call] = work
            elif work.kind == "on_start":
                self.watch_start(holder, work.call)

    def watch_start(self, holder: Any, call: Any) -> None:
        """Has an on_start that Locust calls counted as an execution of its own."""

        def on_start(one: Any) -> None:
            if gevent.getcurrent() in self.running:
                return call(one)  # type: ignore[no-any-return]
            cls = type(getattr(one, "user", one))
            self.pools[cls].lame = True
            self.execute(Order(-1, now_ns(), self.written[cls, holder, call]), lambda: call(one))
            self.pools[cls].lame = False

        if "nest_watched" not in holder.__dict__:
            holder.on_start, holder.nest_watched = on_start, True

    # Executions

    def execute(self, order: Order, call: Callable[[], Any]) -> None:
        """Executes, and tells how it went; what it raises goes on to Locust."""
        execution = self.begin(order)
        try:
            call()
            self.end(execution, "")
        except ENDINGS:
            self.end(execution, "")
            raise
        except BaseException as error:
            self.end(execution, reason_of(error))
            raise

    def begin(self, order: Order) -> Execution:
        self.begun += 1
        self.events.append(
            ["b", self.begun, order.work.name, order.due, now_ns(), order.number, order.waited]
        )
        execution = self.running[gevent.getcurrent()] = Execution(self.begun, order.work.name)
        return execution

    def end(self, execution: Execution, reason: str) -> None:
        now = now_ns()
        self.running = {greenlet: one for greenlet, one in self.running.items() if one is not execution}
        kind = "cut" if reason == "cut" else "lost"  # Locust tells nothing of an answer that nobody looked at
        self.events += [["r", execution.number, "", sent, now, 0, 0, kind, 0] for sent in execution.sends]
        self.events.append(["e", execution.number, now, reason])
        if self.alone and self.alone[0].name == execution.name:
            work, until, left = self.alone
            self.alone = (work, until, left - 1) if left > 1 and now < until else None
            if self.alone:
                self.pools[work.user].orders.put(Order(-1, now, work))
            else:
                self.report()
                self.tell({"alone": execution.number})

    def current(self) -> Execution | None:
        """The execution of this greenlet, or of the one that started it."""
        greenlet: Any = gevent.getcurrent()
        while greenlet is not None and greenlet not in self.running:
            spawning = getattr(greenlet, "spawning_greenlet", None)
            greenlet = spawning() if spawning else None
        return self.running.get(greenlet)

    def on_request(
        self,
        request_type: Any = "",
        name: Any = "",
        response_time: float = 0,
        response_length: Any = 0,
        exception: Any = None,
        response: Any = None,
        **_: Any,
    ) -> None:
        now, execution, took = now_ns(), self.current(), int((response_time or 0) * 1e6)
        sent = now - took
        if execution and execution.sends:
            sent = min(execution.sends, key=lambda one: abs(now - took - one))
            execution.sends.remove(sent)
        status = int(getattr(response, "status_code", 0) or 0)
        self.events.append(
            [
                "r",
                execution.number if execution else -1,
                f"{request_type} {name}"[:200],
                sent,
                min(now, sent + took),
                status,
                int(response_length or 0),
                failure_kind(exception, status) if exception else "",
                len(getattr(response, "history", None) or ()),
            ]
        )

    # Open load: users wait for orders

    def wait_for_order(self, user: User) -> Order:
        pool = self.pools[type(user)]
        user._state = LOCUST_STATE_WAITING  # so that it may be ended at once
        pool.idle += 1
        try:
            return pool.orders.get()
        finally:
            pool.idle -= 1
            user._state = LOCUST_STATE_RUNNING

    def execute_order(self, user: User, order: Order) -> None:
        """Executes an order. What a task raises to leave its set is no failure."""
        work, sets = order.work, user.__dict__.setdefault("nest_sets", {})
        path = (*work.path, work.call) if work.kind in ("sequence", "markov") else work.path
        one: Any = user
        for depth in range(1, len(path) + 1):
            parent, one = one, sets.get(path[:depth])
            if one is None:
                one = sets[path[:depth]] = path[depth - 1](parent)
                if work.kind != "on_start" or depth < len(path):
                    one.on_start()
        try:
            if work.kind in ("sequence", "markov"):
                rounds = len(one.tasks) if work.kind == "sequence" else 1
                self.execute(order, lambda: [one.execute_task(one.get_next_task()) for _ in range(rounds)])
            elif work.kind == "set":
                self.execute(order, lambda: work.call(one).run())
            else:
                self.execute(order, lambda: work.call(one))
        except LEAVING:
            sets.pop(path if len(path) > len(work.path) else None, None)

    def release(self) -> None:
        """Hands out orders when they are due."""
        for handed in range(sys.maxsize):
            while not self.orders or self.orders[0].due > now_ns():
                self.more.clear()
                self.more.wait(max(0.0, (self.orders[0].due - now_ns()) / 1e9) if self.orders else None)
            self.place(self.orders.popleft())
            if handed % 8 == 7:
                gevent.sleep(0)  # whoever is late still lets others act

    def place(self, order: Order) -> None:
        pool = self.pools[order.work.user]
        waiting, alive = pool.orders.qsize(), sum(one.alive for one in self.pools.values())
        spare = pool.idle - waiting
        if spare > 0:
            pool.orders.put(order)
        elif alive < self.most or -spare < self.queue:
            pool.orders.put(order._replace(waited=1))
        else:
            self.events.append(["x", order.number, order.work.name])
        # One who has begun is kept to spare, so that the next order finds a user who is free.
        if alive < self.most and (spare <= 0 or (spare <= max(1, pool.alive // 4) and not pool.lame)):
            self.spawn(order.work.user)

    def spawn(self, cls: type[User]) -> None:
        pool = self.pools[cls]
        pool.alive += 1

        def left(greenlet: Any) -> None:
            pool.alive -= 1
            if greenlet in self.running:
                self.end(self.running[greenlet], "cut")
            if (
                pool.lame and pool.orders.qsize() > pool.idle
            ):  # nobody is left to take what it was started for
                order = pool.orders.get()
                self.events.append(["x", order.number, order.work.name])

        (user,) = self.environment.runner.spawn_users({cls.__name__: 1})
        user._greenlet.link(left)

    # Closed load: users act as they are written

    def execute_as_written(self, one: TaskSet, task: Any, call: Callable[[Any], Any]) -> None:
        """Counts what a user does: a task, a round of a sequence, or a whole set."""
        round_of, user = one.__dict__.get("nest_round"), one.user
        if round_of is not None:
            return self.go_on(one, round_of, lambda: call(task))
        rounds = isinstance(one, SequentialTaskSet)
        descends = is_set(task) and (task not in self.whole or issubclass(task, (SequentialTaskSet, MARKOV)))
        part = gevent.getcurrent() in self.running
        if self.mode == "open" or part or (descends and not rounds) or is_end(task):
            return call(task)  # type: ignore[no-any-return]
        due = user.__dict__.pop("nest_due", None) or now_ns()
        if not self.acting.is_set():
            user._state = LOCUST_STATE_WAITING
            self.acting.wait()
            gevent.sleep(
                random.Random(id(user)).random() * one.wait_time()
            )  # or all of them would act at once
            user._state, due = LOCUST_STATE_RUNNING, now_ns()
        holder = type(user) if isinstance(one, DefaultTaskSet) else type(one)
        counted = (holder, holder) if holder in self.whole else (holder, task)
        work = self.written.get((type(user), *counted)) or self.written.get((type(user), holder, task))
        if work is None:  # something that the file made while it ran
            work = Work(
                f"{holder.__name__}.{getattr(task, '__name__', 'task')}", "task", type(user), (), task, 0.0
            )
        order = Order(-1, due, work)
        if not rounds:
            return self.execute(order, lambda: call(task))
        one.__dict__["nest_round"] = execution = self.begin(order)
        execution.left = len(one.tasks)
        self.go_on(one, execution, lambda: call(task))

    def go_on(self, one: TaskSet, execution: Execution, call: Callable[[], Any]) -> None:
        """One task of a round. A task that fails does not end it; one that leaves its set does."""
        execution.left -= 1
        try:
            call()
        except Exception as error:
            if isinstance(error, ENDINGS):
                execution.left = 0
            else:
                execution.reason = execution.reason or reason_of(error)
            raise
        finally:
            if execution.left == 0:
                del one.__dict__["nest_round"]
                self.end(execution, execution.reason)

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
        if command["mode"] != self.mode:
            self.dismiss()
        self.mode, self.most, self.queue = command["mode"], command.get("most", 1), command.get("queue", 0)
        self.whole |= {self.works[name].call for name in command.get("whole", [])}
        for holder, tasks in self.tasks.items():
            holder.tasks = list(tasks)
        for name, times in command.get("boost", {}).items():
            work = self.works[name]
            holder = (work.path or (work.user,))[-1]
            holder.tasks += [work.call] * (self.tasks[holder].count(work.call) * (times - 1))
        for cls, pool in self.pools.items():
            wanted = command.get("users", {}).get(cls.__name__, pool.alive if self.mode == "open" else 0)
            for _ in range(wanted - pool.alive):
                self.spawn(cls)
                gevent.sleep(SPAWN_PAUSE_S)
            self.dismiss(cls, pool.alive - wanted)

    def do_start(self, command: dict[str, Any]) -> None:
        gevent.spawn_later(max(0.0, (command["at"] - now_ns()) / 1e9), self.acting.set)

    def do_due(self, command: dict[str, Any]) -> None:
        self.orders.extend(Order(number, due, self.works[name]) for number, due, name in command["orders"])
        self.more.set()

    def do_alone(self, command: dict[str, Any]) -> None:
        work = self.works[command["task"]]
        self.alone = (work, now_ns() + int(command["span_s"] * 1e9), command["most"])
        self.place(Order(-1, now_ns(), work))

    def do_stop(self, command: dict[str, Any]) -> None:
        """From a moment on, no further execution begins. What waits for a user then never had one."""
        gevent.sleep(max(0.0, (command.get("at", 0) - now_ns()) / 1e9))
        self.alone = None
        self.acting.clear()
        for order in self.orders:
            if order.due <= now_ns():
                self.events.append(["x", order.number, order.work.name])
        self.orders.clear()
        for pool in self.pools.values():
            while pool.orders.qsize() > pool.idle:
                order = pool.orders.get()
                self.events.append(["x", order.number, order.work.name])

    def do_close(self, _: dict[str, Any]) -> None:
        """Cuts what is still under way, and tells the rest."""
        self.do_stop({})
        gevent.killall(list(self.running), timeout=STOP_S)
        self.report()

    def do_forget(self, _: dict[str, Any]) -> None:
        self.dismiss()

    def do_quit(self, _: dict[str, Any]) -> None:
        self.leave()

    def dismiss(self, cls: type[User] | None = None, most: int = sys.maxsize) -> None:
        """Ends users, those who are idle first; their on_stop runs."""
        users = [greenlet for greenlet in self.environment.runner.user_greenlets if greenlet.args]
        chosen = [greenlet for greenlet in users if cls is None or type(greenlet.args[0]) is cls]
        chosen.sort(key=lambda greenlet: greenlet in self.running)
        gevent.killall(chosen[: max(0, most)], timeout=STOP_S)
        gevent.sleep(0.01)  # until their pools know

    def leave(self) -> None:
        self.wire = None
        gevent.spawn_later(2 * STOP_S, os._exit, 1)
        gevent.spawn(self.environment.runner.quit)


NEST = Nest()


class NestTasks(DefaultTaskSet):
    """What a user does first of all: waits for orders, or chooses as written."""

    def get_next_task(self) -> Any:
        return NEST.wait_for_order(self.user) if NEST.mode == "open" else super().get_next_task()

    def execute_task(self, task: Any) -> None:
        if isinstance(task, Order):
            return NEST.execute_order(self.user, task)
        NEST.execute_as_written(self, task, super().execute_task)


class Waiting(LoadTestShape):
    """Starts a test without users, which lasts until it is stopped: this file starts them."""

    abstract = True  # so that Locust does not take it for the file's own

    def tick(self) -> tuple[int, float]:
        return 0, 1.0


def sleep_of_set(self: TaskSet, seconds: float) -> None:
    """The pause after a task. What comes next is due after it; under orders, nobody pauses."""
    if NEST.mode == "open":
        gevent.sleep(0)
        if self.user._state == LOCUST_STATE_STOPPING:
            raise StopUser()
    else:
        self.user.__dict__["nest_due"] = now_ns() + int(seconds * 1e9)
        gevent.sleep(seconds)


def watch_sending(client: Any) -> None:
    """Notes when a request is sent, so that one of which Locust tells nothing is known as well."""
    send = getattr(client, "_send_request_safe_mode", None)
    if send is None:
        return

    def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        execution = NEST.current()
        if execution is not None:
            execution.sends.append(now_ns())
        return send(self, *args, **kwargs)

    client._send_request_safe_mode = noted


def install() -> None:
    """Takes the places in Locust from which users are led."""
    written = TaskSet.execute_task
    TaskSet.execute_task = lambda self, task: NEST.execute_as_written(
        self, task, lambda one: written(self, one)
    )
    TaskSet._sleep = sleep_of_set
    users_module.DefaultTaskSet = NestTasks
    for client in (HttpSession, FastHttpSession):
        watch_sending(client)


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
    environment.events.request.add_listener(NEST.on_request)
    environment.events.spawning_complete.add_listener(NEST.hello)
    if isinstance(runner, MasterRunner):
        runner.register_message("nest.report", lambda msg, **_: NEST.tell({"w": msg.node_id, **msg.data}))
        gevent.spawn_later(REPORT_S, NEST.hello)  # it has no users, and waits for its workers
    elif isinstance(runner, WorkerRunner):
        runner.register_message("nest", lambda msg, **_: gevent.spawn(NEST.obey, msg.data))


if os.environ.get("NEST_SOCKET"):
    NEST.wire = socket.socket(socket.AF_UNIX)
    NEST.wire.connect(os.environ["NEST_SOCKET"])
    sys.excepthook = refuse_file
    atexit.register(ended_early)
install()
