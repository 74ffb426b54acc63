"""What happened: which executions and requests began and ended, and how late this process woke up.

Times are nanoseconds of CLOCK_MONOTONIC. Loaded by Locust after `nest_tasks.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event
from nest_tasks import ENDINGS, Execution, Order, failure_kind, reason_of

BEAT_S = 0.01
REPORT_NS = 100_000_000
EVENTS_NS = 20_000_000  # a process that is killed has not told what happened since
BEAT_NS = int(BEAT_S * 1e9)
GAP_NS = 20_000_000  # a heartbeat that is this late is reported by itself
now_ns = time.perf_counter_ns


class Journal:
    """Executions and requests of this process, since what was last taken from it."""

    def __init__(self) -> None:
        self.running: dict[Any, Execution] = {}  # by greenlet
        self.begun = 0
        self.events: list[list[Any]] = []
        self.late: list[int] = []
        self.gaps: list[list[int]] = []
        self.on_end: Callable[[str, int], None] = lambda name, now: None
        self.schedstat = os.open("/proc/self/schedstat", os.O_RDONLY)
        self.awake = self.beat_due = 0
        self.beats: Any = None
        self.reported = 0  # when it last was
        self.report_due = Event()

    def take(self) -> dict[str, Any]:
        """What happened since the last call, and what the process has used."""
        self.reported = now_ns()
        told = {
            "t": self.reported,
            "cpu": time.process_time_ns(),
            "wait": int(os.pread(self.schedstat, 100, 0).split()[1]),
            "late": self.late,
            "gaps": self.gaps,
            "ev": self.events,
        }
        self.late, self.gaps, self.events = [], [], []
        self.report_due.clear()
        return told

    def watch_clock(self) -> None:
        """Notices from now on how late this process wakes up: Python computes, or it has no processor."""
        self.beats = gevent.get_hub().loop.timer(BEAT_S, BEAT_S)
        self.beat_due = now_ns() + BEAT_NS
        self.beats.start(self.beat)

    def beat(self) -> None:
        self.wake(self.beat_due)

    def wake(self, due: int) -> None:
        """This process was to wake up at a moment, and has. The next heartbeat comes if nothing else does,
        because to wake up can cost as much as a request."""
        now, due = now_ns(), max(due, self.awake)
        self.late.append(max(0, now - due) // 1000)
        if now - due >= GAP_NS:
            self.gaps.append([due, now])
        self.awake, self.beat_due = now, now + BEAT_NS
        self.beats.again(self.beat)
        if now - self.reported >= (EVENTS_NS if self.events else REPORT_NS):
            self.report_due.set()

    # Executions

    def execute(self, order: Order, call: Callable[..., Any], *args: Any) -> None:
        """Executes, and notes how it went; what it raises goes on to Locust."""
        execution = self.begin(order)
        try:
            call(*args)
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
        greenlet = gevent.getcurrent()
        execution = self.running[greenlet] = Execution(self.begun, order.work.name, greenlet)
        return execution

    def end(self, execution: Execution, reason: str) -> None:
        now = now_ns()
        if self.running.get(execution.greenlet) is execution:
            del self.running[execution.greenlet]
        for sent in execution.sends:  # Locust tells nothing of an answer that nobody looked at
            kind = "cut" if reason == "cut" else "lost"
            self.events.append(["r", execution.number, "", sent, now, 0, 0, kind, 0])
        self.events.append(["e", execution.number, now, reason])
        self.on_end(execution.name, now)

    def drop(self, order: Order) -> None:
        self.events.append(["x", order.number, order.work.name])
        self.on_end(order.work.name, now_ns())

    def current(self) -> Execution | None:
        """The execution of this greenlet, or of the one that started it."""
        greenlet: Any = gevent.getcurrent()
        execution = self.running.get(greenlet)
        if execution is not None:
            return execution
        while greenlet is not None and greenlet not in self.running:
            spawning = getattr(greenlet, "spawning_greenlet", None)
            greenlet = spawning() if spawning else None
        return self.running.get(greenlet)

    # Requests

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
        if execution and len(execution.sends) == 1:
            sent = execution.sends.pop()
        elif execution and execution.sends:
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

    def watch_sending(self, client: Any) -> None:
        """Notes when a request is sent, so that one of which Locust tells nothing is known as well."""
        send = getattr(client, "_send_request_safe_mode", None)
        if send is None:
            return

        def noted(one: Any, *args: Any, **kwargs: Any) -> Any:
            execution = self.current()
            if execution is not None:
                execution.sends.append(now_ns())
            return send(one, *args, **kwargs)

        client._send_request_safe_mode = noted


JOURNAL = Journal()
