"""Leads users: they execute orders when these are due (open load), or act as they are written (closed load).

Loaded by Locust after `nest_journal.py`.
"""

from __future__ import annotations

import random
import sys
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from gevent.event import Event
from locust import SequentialTaskSet, TaskSet, User
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING, DefaultTaskSet
from nest_journal import JOURNAL, now_ns
from nest_tasks import (
    ENDINGS,
    LEAVING,
    MARKOV,
    Execution,
    Order,
    Pool,
    Work,
    is_end,
    is_set,
    reason_of,
    works_of,
)

AT_ONCE = 8  # orders that are late are placed in parts, so that users act in between
SPAWN_PAUSE_S = 0.0005  # 2,000 users begin per second
STOP_S = 10.0  # most time for on_stop


class Users:
    """The users of this process, and what they are to do."""

    def __init__(self) -> None:
        self.runner: Any = None
        self.works: dict[str, Work] = {}
        self.written: dict[Any, Work] = {}  # by user class, whoever lists it, and task
        self.pools: dict[type[User], Pool] = {}
        self.tasks: dict[Any, list[Any]] = {}  # as they are written, by whoever lists them
        self.whole: set[Any] = set()  # sets that are executed as a whole
        self.mode, self.most, self.queue = "open", 1, 0  # users, and executions that may wait for one
        self.orders: deque[Order] = deque()
        self.acting = Event()
        self.alarm: Any = None  # rings when the next order is due
        self.alarm_at = 0

    def learn(self, classes: list[type[User]]) -> None:
        """Reads from the user classes what there is to do."""
        self.pools = {cls: Pool() for cls in classes}
        self.written = works_of(classes)
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
            if gevent.getcurrent() in JOURNAL.running:
                return call(one)  # type: ignore[no-any-return]
            user = getattr(one, "user", one)
            cls = type(user)
            if self.mode == "closed":
                self.wait_for_start(user, one)
            self.pools[cls].lame = True
            JOURNAL.execute(Order(-1, now_ns(), self.written[cls, holder, call]), lambda: call(one))
            self.pools[cls].lame = False

        if "nest_watched" not in holder.__dict__:
            holder.on_start, holder.nest_watched = on_start, True

    def alive(self) -> dict[str, int]:
        return {cls.__name__: pool.alive for cls, pool in self.pools.items()}

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
        try:
            for depth in range(1, len(path) + 1):
                parent, one = one, sets.get(path[:depth])
                if one is None:
                    one = path[depth - 1](parent)
                    if work.kind != "on_start" or depth < len(path):
                        one.on_start()
                    sets[path[:depth]] = one
        except BaseException as error:
            JOURNAL.drop(order)  # the on_start of a set has not let it in
            if isinstance(error, LEAVING):
                return
            raise
        try:
            if work.kind in ("sequence", "markov"):
                rounds = len(one.tasks) if work.kind == "sequence" else 1
                JOURNAL.execute(order, lambda: [one.execute_task(one.get_next_task()) for _ in range(rounds)])
            elif work.kind == "set":
                JOURNAL.execute(order, lambda: work.call(one).run())
            else:
                JOURNAL.execute(order, work.call, one)
        except LEAVING:
            sets.pop(path if len(path) > len(work.path) else None, None)

    def take(self, orders: Iterable[Order]) -> None:
        """Takes orders, which are placed when they are due."""
        self.orders.extend(orders)
        if self.alarm is None or not self.alarm.active:
            self.set_alarm()

    def set_alarm(self) -> None:
        if self.orders:
            now = now_ns()
            self.alarm_at = max(now, self.orders[0].due)
            self.alarm = gevent.get_hub().loop.timer((self.alarm_at - now) / 1e9)
            self.alarm.start(self.ring)

    def ring(self) -> None:
        """Places what is due. Called by the loop itself, which is cheaper than a greenlet that waits."""
        JOURNAL.wake(self.alarm_at)
        for _ in range(AT_ONCE):
            if not self.orders or self.orders[0].due > now_ns():
                break
            self.place(self.orders.popleft())
        self.set_alarm()

    def place(self, order: Order) -> None:
        pool = self.pools[order.work.user]
        spare = pool.idle - pool.orders.qsize()
        if spare > max(1, pool.alive // 4):
            return pool.orders.put(order)
        alive = sum(one.alive for one in self.pools.values())
        if spare > 0:
            pool.orders.put(order)
        elif alive < self.most or -spare < self.queue:
            pool.orders.put(order._replace(waited=1))
        else:
            JOURNAL.drop(order)
        # One who has begun is kept to spare, so that the next order finds a user who is free.
        if alive < self.most and (spare <= 0 or not pool.lame):
            pool.alive += 1
            gevent.spawn(self.start, order.work.user)

    def go_on_alone(self, order: Order) -> None:
        """Has the user who has just acted act again, or another one if it is gone."""
        pool = self.pools[order.work.user]
        if pool.alive:
            pool.orders.put(order)
        else:
            self.place(order)

    def drop_waiting(self) -> None:
        """Drops what is due and has found no user."""
        for order in self.orders:
            if order.due <= now_ns():
                JOURNAL.drop(order)
        self.orders.clear()
        for pool in self.pools.values():
            while pool.orders.qsize() > pool.idle:
                JOURNAL.drop(pool.orders.get())

    # Closed load: users act as they are written

    def wait_for_start(self, user: User, one: Any) -> bool:
        """Has a user wait between steps, so that all it does belongs to one; whether it had to."""
        if self.acting.is_set():
            return False
        user._state = LOCUST_STATE_WAITING
        while not self.acting.is_set():  # the step may be over before it was this user's turn
            self.acting.wait()
            gevent.sleep(random.random() * one.wait_time())  # or all of them would act at once
        user._state = LOCUST_STATE_RUNNING
        one.wait_time()
        one._cp_last_wait_time = user._cp_last_wait_time = 0.0  # constant_pacing counts from now on
        return True

    def execute_as_written(self, one: TaskSet, task: Any, call: Callable[[Any], Any]) -> None:
        """Counts what a user does: a task, a round of a sequence, or a whole set."""
        round_of, user = one.__dict__.get("nest_round"), one.user
        if round_of is not None:
            return self.go_on(one, round_of, lambda: call(task))
        rounds = isinstance(one, SequentialTaskSet)
        descends = is_set(task) and (task not in self.whole or issubclass(task, (SequentialTaskSet, MARKOV)))
        part = gevent.getcurrent() in JOURNAL.running
        if self.mode == "open" or part or (descends and not rounds) or is_end(task):
            return call(task)  # type: ignore[no-any-return]
        due = user.__dict__.pop("nest_due", None) or now_ns()
        if self.wait_for_start(user, one):
            due = now_ns()
        holder = type(user) if isinstance(one, DefaultTaskSet) else type(one)
        counted = (holder, holder) if holder in self.whole else (holder, task)
        work = self.written.get((type(user), *counted)) or self.written.get((type(user), holder, task))
        if work is None:  # something that the file made while it ran
            work = Work(
                f"{holder.__name__}.{getattr(task, '__name__', 'task')}", "task", type(user), (), task, 0.0
            )
        order = Order(-1, due, work)
        if not rounds:
            return JOURNAL.execute(order, call, task)
        one.__dict__["nest_round"] = execution = JOURNAL.begin(order)
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
                JOURNAL.end(execution, execution.reason)

    def rest(self, user: User) -> None:
        """What there is of a pause after an order."""
        if self.pools[type(user)].orders.qsize():
            gevent.sleep(0)  # or a task that waits for nothing would let nobody else act
        if user._state == LOCUST_STATE_STOPPING:
            raise StopUser()

    def sleep_after(self, user: User, seconds: float) -> None:
        """The pause after a task. What comes next is due after it; under orders, nobody pauses."""
        if self.mode == "open":
            self.rest(user)
        else:
            user.__dict__["nest_due"] = now_ns() + int(seconds * 1e9)
            gevent.sleep(seconds)

    # How many there are

    def prepare(self, users: dict[str, int], boost: dict[str, int]) -> None:
        """Has so many users of each class there, and lists some tasks more often."""
        for holder, tasks in self.tasks.items():
            holder.tasks = list(tasks)
        for name, times in boost.items():
            work = self.works[name]
            holder = (work.path or (work.user,))[-1]
            holder.tasks += [work.call] * (self.tasks[holder].count(work.call) * (times - 1))
        for cls, pool in self.pools.items():
            wanted = users.get(cls.__name__, pool.alive if self.mode == "open" else 0)
            for _ in range(wanted - pool.alive):
                pool.alive += 1
                self.start(cls)
                gevent.sleep(SPAWN_PAUSE_S)
            self.dismiss(cls, pool.alive - wanted)

    def start(self, cls: type[User]) -> None:
        """Starts a user, who is counted already."""
        pool = self.pools[cls]

        def left(greenlet: Any) -> None:
            pool.alive -= 1
            if greenlet in JOURNAL.running:
                JOURNAL.end(JOURNAL.running[greenlet], "cut")
            if pool.lame and pool.orders.qsize() > pool.idle:
                JOURNAL.drop(pool.orders.get())  # nobody is left to take what it was started for

        (user,) = self.runner.spawn_users({cls.__name__: 1})
        user._greenlet.link(left)

    def dismiss(self, cls: type[User] | None = None, most: int = sys.maxsize) -> None:
        """Ends users, those who are idle first; their on_stop runs."""
        users = [greenlet for greenlet in self.runner.user_greenlets if greenlet.args]
        chosen = [greenlet for greenlet in users if cls is None or type(greenlet.args[0]) is cls]
        chosen.sort(key=lambda greenlet: greenlet in JOURNAL.running)
        gevent.killall(chosen[: max(0, most)], timeout=STOP_S)
        gevent.sleep(0.01)  # until their pools know


USERS = Users()
