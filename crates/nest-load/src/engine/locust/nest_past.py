"""Lets locustfiles from before Locust 1.0 run: the classes and names of then, and the model folders of 2018.

Loaded by Locust before the locustfile. NEST_FOLDER names a model folder: its behaviours become users here.
"""

from __future__ import annotations

import glob
import importlib.util
import inspect
import json
import os
import random
import sys
from typing import Any

import locust.contrib.fasthttp
import locust.exception

import locust
from locust import FastHttpUser, HttpUser, SequentialTaskSet, TaskSet, User, task


def bring_up(cls: Any) -> None:
    """Has a class of then do the same today: `task_set`, and waits in milliseconds."""
    own = cls.__dict__
    if isinstance(own.get("task_set"), type):
        cls.tasks = [own["task_set"]]
    if "wait_time" in own:
        return
    if callable(own.get("wait_function")):
        wait_ms = own["wait_function"]
        cls.wait_time = lambda self: wait_ms(self) / 1000
    elif "min_wait" in own or "max_wait" in own:
        cls.wait_time = lambda self: (
            random.uniform(self.min_wait or 0, self.max_wait or self.min_wait or 0) / 1000
        )


class Locust(User):
    """What `User` was called."""

    abstract = True
    min_wait: Any = 1000  # as they were: a pause of a second
    max_wait: Any = 1000

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        bring_up(cls)


class HttpLocust(HttpUser, Locust):
    """What `HttpUser` was called."""

    abstract = True


class FastHttpLocust(FastHttpUser, Locust):
    """What `FastHttpUser` was called."""

    abstract = True


class TaskSequence(SequentialTaskSet):
    """What `SequentialTaskSet` was called; `seq_task` gives the order."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.tasks = sorted(cls.tasks, key=lambda one: getattr(one, "nest_order", 0))


def seq_task(order: int) -> Any:
    def decorate(function: Any) -> Any:
        function.nest_order = order
        return function if hasattr(function, "locust_task_weight") else task(function)

    return decorate


def wait_of_set(self: TaskSet) -> Any:
    """A set's own waits of then come before its user's."""
    for cls in type(self).__mro__:
        if cls.__dict__.get("wait_function"):
            return self.wait_function() / 1000  # type: ignore[misc]
        if cls.__dict__.get("min_wait") is not None or cls.__dict__.get("max_wait") is not None:
            return random.uniform(self.min_wait or 0, self.max_wait or self.min_wait or 0) / 1000
    return WAIT_TIME(self)  # type: ignore[no-untyped-call]


def leave(self: TaskSet) -> None:
    self.interrupt()  # type: ignore[no-untyped-call]


def read_weights(folder: str) -> dict[str, dict[str, int]]:
    path = os.path.join(folder, "config.json")
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    return {kind: config.get(kind) or {} for kind in ("tasksets", "locusts")}


def behaviours_of(folder: str) -> dict[str, type]:
    """The task sets and users of a model folder, by name: of files at the top and one level below."""
    found: dict[str, type] = {}
    paths = glob.glob(f"{glob.escape(folder)}/*.py") + glob.glob(f"{glob.escape(folder)}/*/*.py")
    sys.path[:0] = sorted({os.path.dirname(path) for path in paths})
    for path in sorted(path for path in paths if not os.path.basename(path).startswith("_")):
        name = os.path.splitext(os.path.relpath(path, folder))[0].replace(os.sep, ".")
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            continue
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for cls in vars(module).values():
            own = inspect.isclass(cls) and cls.__module__ == name and not cls.__name__.startswith("_")
            if own and issubclass(cls, (TaskSet, User)) and not cls.__dict__.get("abstract"):
                found[cls.__name__] = cls
    return found


def users_of(folder: str) -> dict[str, Any]:
    """The users of a model folder: its own, and one who has all task sets that no other user has."""
    weights = read_weights(folder)
    users: dict[str, Any] = {}
    sets: dict[Any, int] = {}
    found: dict[str, Any] = dict(behaviours_of(folder))
    taken = {one for cls in found.values() if issubclass(cls, User) for one in cls.tasks}
    for name, cls in found.items():
        kind = "locusts" if issubclass(cls, User) else "tasksets"
        # A class that the file does not name has its own weight; null is none of a set, and one of a user.
        weight = weights.get(kind, {}).get(name, getattr(cls, "weight", 1))
        if issubclass(cls, User):
            cls.weight = 1 if weight is None else weight
            if cls.weight > 0:
                users[name] = cls
        elif weight and weight > 0 and (cls not in taken or name in weights.get("tasksets", {})):
            sets[cls] = weight
    for cls in sets:
        # A choice in (tasks + 1) ends the run, so that a run holds as many executions as there are tasks.
        cls.tasks = [*cls.tasks, leave]
    if sets:
        tasks = [cls for cls, weight in sets.items() for _ in range(weight)]
        users["NestLocust"] = type("NestLocust", (HttpLocust,), {"tasks": tasks, "abstract": False})
    return users


WAIT_TIME = TaskSet.wait_time
leave.nest_ends = True  # type: ignore[attr-defined]
for old in (Locust, HttpLocust, TaskSequence, seq_task):
    setattr(locust, old.__name__, old)
for package in (locust, locust.contrib.fasthttp):
    package.FastHttpLocust = FastHttpLocust  # type: ignore[attr-defined]
locust.exception.StopLocust = locust.exception.StopUser  # type: ignore[attr-defined]
TaskSet.wait_time = wait_of_set  # type: ignore[method-assign]
TaskSet.locust = property(lambda self: self.user)  # type: ignore[attr-defined]
if os.environ.get("NEST_FOLDER"):
    globals().update(users_of(os.environ["NEST_FOLDER"]))
