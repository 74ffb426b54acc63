"""Which tasks a locustfile has, what is known of an execution, and why a file is refused.

Loaded by Locust before the files that use it.
"""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from collections.abc import Iterator
from typing import Any, NamedTuple

import gevent
import locust
from gevent.queue import SimpleQueue
from locust import SequentialTaskSet, TaskSet, User
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately, StopUser

HERE = os.path.dirname(os.path.abspath(__file__))
# Younger than the oldest Locust that is supported.
MARKOV: type = getattr(locust, "MarkovTaskSet", type(None))
LEAVING = (InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately)
ENDINGS = (*LEAVING, StopUser)  # ways to end that are no failure
# What the parser of Python 3 says of Python 2, and modules that only Python 2 has.
OLD_SYNTAX = (
    "Missing parentheses in call",
    "must be parenthesized",
    "leading zeros",
    "invalid decimal literal",
)
OLD_MODULES = (
    "ConfigParser",
    "HTMLParser",
    "Queue",
    "StringIO",
    "cPickle",
    "cookielib",
    "httplib",
    "urllib2",
    "urlparse",
)


class Work(NamedTuple):
    """Something that is executed and counted: a task, a round of a sequence, a whole set, or an on_start."""

    name: str
    kind: str  # task, sequence, markov, set or on_start
    user: type[User]
    path: tuple[type[TaskSet], ...]  # the sets from the user down to whoever lists it
    call: Any
    weight: float  # executions for each choice of the user; 0 where nothing chooses it


class Order(NamedTuple):
    """An execution that is due."""

    number: int  # -1 outside of an open schedule
    due: int
    work: Work
    waited: int = 0  # 1 if no user was free for it when it came due


class Execution:
    """An execution under way."""

    __slots__ = ("greenlet", "left", "name", "number", "reason", "sends")

    def __init__(self, number: int, name: str, greenlet: Any) -> None:
        self.number, self.name, self.greenlet, self.reason = number, name, greenlet, ""
        self.sends: list[int] = []  # when requests were sent that no event has told of yet
        self.left = 1  # tasks of a sequence's round


class Pool:
    """The users of one class."""

    def __init__(self) -> None:
        self.orders: SimpleQueue[Order] = SimpleQueue()
        self.idle = self.alive = 0
        self.lame = False  # the on_start that began last has not ended well


def is_set(task: Any) -> bool:
    return inspect.isclass(task) and issubclass(task, TaskSet)


def is_end(task: Any) -> bool:
    """Whether a task does nothing but leave its set: it is a choice of the user, and no work."""
    code = getattr(task, "__code__", None)
    return hasattr(task, "nest_ends") or (code is not None and code.co_names == ("interrupt",))


def place_of(thing: Any) -> tuple[str | None, int]:
    """The file and line of a function or class."""
    try:
        return inspect.getsourcefile(inspect.unwrap(thing)), inspect.getsourcelines(inspect.unwrap(thing))[1]
    except (OSError, TypeError):
        return None, 0


def walk(user: type[User], holder: Any, path: tuple[type[TaskSet], ...], share: float) -> Iterator[Work]:
    """All that a user of this class can be asked to do, from `holder` down."""
    if holder.on_start not in (User.on_start, TaskSet.on_start):
        yield Work(f"{holder.__name__}.on_start", "on_start", user, path, holder.on_start, 0.0)
    counts: dict[Any, int] = {}
    for task in holder.tasks:
        counts[task] = counts.get(task, 0) + 1
    # A set that is left by chance e / (t + e) after each task holds t / e of them.
    ends = sum(count for task, count in counts.items() if is_end(task))
    share /= ends or len(holder.tasks) or 1
    for index, (task, count) in enumerate(counts.items()):
        if is_set(task) and issubclass(task, (SequentialTaskSet, MARKOV)):
            kind = "sequence" if issubclass(task, SequentialTaskSet) else "markov"
            yield Work(task.__name__, kind, user, path, task, share * count)
            if task.on_start is not TaskSet.on_start:
                yield Work(f"{task.__name__}.on_start", "on_start", user, (*path, task), task.on_start, 0.0)
        elif is_set(task) and task not in path:
            yield Work(task.__name__, "set", user, path, task, 0.0)
            yield from walk(user, task, (*path, task), share * count)
        elif not is_set(task) and not is_end(task):
            name = getattr(task, "__name__", "task").replace("<lambda>", f"lambda{index}")
            yield Work(f"{holder.__name__}.{name}", "task", user, path, task, share * count)


def failure_kind(error: Any, status: int) -> str:
    name, text = type(error).__name__, str(error)
    if (status >= 400 and "HTTPError" in name) or (status >= 400 and "BadStatus" in name):
        return f"status {status}"
    if "HostNotAllowed" in name or "is not allowed: add it to" in text:
        return "host"
    if "Timeout" in name or "timed out" in text:
        return "timeout"
    if isinstance(error, OSError) or "Connection" in name:
        return "connect" if "refused" in text or "NewConnection" in text or "Max retries" in text else "lost"
    return "check"


def reason_of(error: BaseException) -> str:
    """What was raised and where; nothing of what an answer may have said."""
    if isinstance(error, gevent.GreenletExit):
        return "cut"
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame for frame in frames if "site-packages" not in frame.filename and "nest_" not in frame.filename
    ]
    at = (own or frames)[-1:]
    return " at ".join(
        [type(error).__name__, *(f"{os.path.basename(one.filename)}:{one.lineno}" for one in at)]
    )


class Refusal(Exception):
    """Why a locustfile cannot run here, and what to do."""

    def __init__(self, error: str, remedy: str, at: tuple[str | None, int] = (None, 0)) -> None:
        super().__init__(error)
        self.message = {"error": error, "remedy": remedy, "file": at[0], "line": at[1]}


def works_of(classes: list[type[User]]) -> dict[Any, Work]:
    """All that can be executed, by user class, whoever lists it, and task; names are unique.

    Raises Refusal for a class without tasks.
    """
    found: list[tuple[Any, Work]] = []
    for cls in classes:
        if hasattr(cls, "functions"):
            raise Refusal(f"{cls.__name__} is a test of pytest", "write a User class with tasks")
        sets: list[Any] = [cls, *filter(is_set, cls.tasks)]
        for one in sets:
            if not one.tasks and not issubclass(one, MARKOV):
                raise Refusal(
                    f"class {one.__name__} has no tasks", "give it a task, or change --tags", place_of(one)
                )
        for work in walk(cls, cls, (), 1.0):
            found.append(((cls, (work.path or (cls,))[-1], work.call), work))
    names, taken, works = [work.name for _, work in found], set(), {}
    for place, work in found:
        name = work.name
        if names.count(name) > 1:
            name = ".".join([work.user.__name__, *(one.__name__ for one in work.path[:-1]), name])
        while name in taken:
            name += "_"
        taken.add(name)
        works[place] = work._replace(name=name)
    return works


def refusal_of(kind: type[BaseException], error: BaseException, trace: Any) -> Refusal:
    """Why a file could not be loaded: where in the user's own files, and what to do."""
    file, line = None, 0
    others = (HERE, os.path.join(sys.prefix, "lib"), os.path.join(sys.base_prefix, "lib"))
    for frame in traceback.extract_tb(trace):
        if frame.filename.startswith("/") and not frame.filename.startswith(others):
            file, line = frame.filename, frame.lineno or 0
    remedy = "mend it; `locust -f FILE --list` shows the whole error"
    if isinstance(error, FileNotFoundError):
        remedy = f"paths start from {os.getcwd()}, the folder of the locustfile"
    if isinstance(error, SyntaxError):
        file, line = error.filename, error.lineno or 0
        if any(text in str(error) for text in OLD_SYNTAX):
            remedy = f"this is Python 2; run 2to3 -w {file}"
    elif isinstance(error, ModuleNotFoundError) and error.name in OLD_MODULES:
        remedy = f"this is Python 2; run 2to3 -w {file}"
    elif isinstance(error, ModuleNotFoundError):
        remedy = f"install the package of module {error.name}: {sys.executable} -m pip install .."
    return Refusal(f"{kind.__name__}: {error}", remedy, (file, line))
