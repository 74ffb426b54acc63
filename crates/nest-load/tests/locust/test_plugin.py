"""What the plugin does inside a real Locust: `run PYTHON ..` runs this with the Locust of each PYTHON."""

from __future__ import annotations

import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from driver import HERE, Ledger, Locust
from server import Server

PYTHON = os.environ.get("LOCUST_PYTHON", "python3")
FILES = HERE / "files"
VERSION = subprocess.run(
    [PYTHON, "-c", "import locust; print(locust.__version__)"], capture_output=True, text=True
).stdout
HAS_MARKOV = tuple(int(part) for part in VERSION.split(".")[:2]) >= (2, 36)


def schedule(names: list[str], per_s: float, seconds: float, after_s: float = 0.2) -> list[list]:
    """Poisson arrivals from a little after now on."""
    draws, due = random.Random(7), time.perf_counter_ns() + int(after_s * 1e9)
    end, orders = due + seconds * 1e9, []
    while (due := due + int(draws.expovariate(per_s) * 1e9)) < end:
        orders.append([len(orders), due, draws.choice(names)])
    return orders


def offer(
    process: Locust, orders: list[list], workers: tuple[str | None, ...] = (None,), patience_s: float = 60
) -> None:
    """Has each worker do its share of a schedule, and waits until it has."""
    shares = [orders[index :: len(workers)] for index in range(len(workers))]
    for worker, share in zip(workers, shares):
        process.send("due", worker, orders=share)
    for worker, share in zip(workers, shares):
        process.settle(worker, len(share), patience_s)
    close(process, workers, patience_s)


def close(process: Locust, workers: tuple[str | None, ...] = (None,), patience_s: float = 60) -> None:
    """Lets nothing more begin, and waits for what is under way."""
    for worker in workers:
        process.ask("stop", worker)
    time.sleep(0.25)  # what began before has been told by then
    for worker in workers:
        process.settle(worker, 0, patience_s)
    for worker in workers:
        process.ask("close", worker)


class Plugin(unittest.TestCase):
    def start(self, file: str, **rest) -> Locust:
        self.server = getattr(self, "server", None) or Server()
        host = rest.pop("host", self.server.url)
        started = Locust(PYTHON, "" if not file else FILES / file, host, **rest)
        self.addCleanup(started.tidy)
        return started

    def assert_exact(self, ledger: Ledger, orders: list[list] | None = None) -> None:
        self.assertEqual(ledger.begun, ledger.ended)
        self.assertEqual(ledger.wire, self.server.total, (ledger.requests, self.server.asked))
        if orders is not None:
            scheduled = sum(
                count for name, count in (ledger.begun + ledger.dropped).items() if "on_start" not in name
            )
            self.assertEqual(scheduled, len(orders))

    def test_open_load_executes_each_order_once(self):
        locust = self.start("shop.py")
        self.assertFalse(locust.hello()["master"])
        locust.ask("prepare", mode="open", most=40, queue=0)
        orders = schedule(["Shop.browse"] * 7 + ["Shop.pay", "Threads.read", "Order"], 80, 3)
        offer(locust, orders)
        ledger = Ledger(locust.events[None])
        self.assert_exact(ledger, orders)
        for name in ("Shop.browse", "Shop.pay", "Threads.read", "Order"):
            self.assertEqual(
                ledger.begun[name] + ledger.dropped[name], sum(order[2] == name for order in orders)
            )
        self.assertEqual(ledger.requests["Shop.pay"], 2 * ledger.begun["Shop.pay"])
        self.assertEqual(self.server.asked["POST /confirm"], ledger.begun["Order"])
        self.assertEqual(sum(ledger.failed.values()), 0)
        locust.quit()

    def test_closed_load_lets_users_act_as_they_are_written(self):
        locust = self.start("shop.py")
        locust.hello()
        for users, boost in (({"Shop": 6, "Forum": 4}, {}), ({"Shop": 2, "Forum": 5}, {"Shop.pay": 9})):
            locust.ask("prepare", mode="closed", users=users, boost=boost)
            locust.ask("start", at=time.perf_counter_ns())
            time.sleep(1.5)
            close(locust)
            self.assertEqual(locust.reports[None][-1]["users"], users)
        ledger = Ledger(locust.events[None])
        self.assert_exact(ledger)
        self.assertEqual(self.server.asked["POST /confirm"], ledger.begun["Order"])
        self.assertEqual(self.server.asked["GET /choose"], ledger.begun["Order"])
        self.assertEqual(sum(ledger.failed.values()), 0)
        self.assertGreater(
            ledger.begun["Shop.pay"] * 2, ledger.begun["Shop.browse"] / 9, "every ninth, and then half"
        )
        locust.quit()

    def test_users_of_a_closed_load_act_only_while_a_step_runs(self):
        locust = self.start("slow.py")
        self.assertEqual(
            {one["name"]: one["paced"] for one in locust.hello()["classes"]},
            {"Slow": False, "Paced": True, "PacedInside": True},
        )
        for users in ({"Slow": 8}, {"Slow": 16, "Paced": 4}):
            before = self.server.total
            locust.ask("prepare", mode="closed", users=users)
            time.sleep(0.5)
            self.assertEqual(self.server.total, before, "nobody logs in before the step")
            start = time.perf_counter_ns()
            locust.ask("start", at=start)
            time.sleep(1.0)
            close(locust)
            after = self.server.total
            self.assertGreater(after, before)
            time.sleep(2.5)
            self.assertEqual(self.server.total, after, "nobody begins once it is over")
            for event in locust.events[None]:
                if event[0] == "b" and event[4] > start:
                    self.assertGreaterEqual(event[3], start, "what is due belongs to the step")
            self.assert_exact(Ledger(locust.events[None]))
        locust.quit()

    def test_two_processes_share_a_schedule(self):
        processes = [self.start("shop.py") for _ in range(2)]
        orders = schedule(["Shop.browse", "Order"], 80, 2, after_s=1.0)
        for process in processes:
            process.hello()
            process.ask("prepare", mode="open", most=20)
        for index, process in enumerate(processes):
            process.send("due", orders=orders[index::2])
        for index, process in enumerate(processes):
            process.settle(None, len(orders[index::2]))
            close(process)
        self.assert_exact(Ledger(processes[0].events[None] + shifted(processes[1].events[None])), orders)
        for process in processes:
            process.quit()

    def test_a_master_passes_on_what_its_workers_do(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        master_args = (
            "--master",
            "--master-bind-host",
            "127.0.0.1",
            "--master-bind-port",
            port,
            "--expect-workers",
            "2",
        )
        workers = [
            subprocess.Popen(
                [
                    PYTHON,
                    "-m",
                    "locust",
                    "-f",
                    "-",
                    "--worker",
                    "--master-host",
                    "127.0.0.1",
                    "--master-port",
                    port,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=tempfile.mkdtemp(),
                env={**os.environ, "TMPDIR": tempfile.mkdtemp()},
            )
            for _ in range(2)
        ]
        for worker in workers:
            self.addCleanup(worker.kill)
        locust = self.start("shop.py", args=master_args)
        self.assertTrue(
            locust.until(
                lambda message: message["hello"] if "w" not in message and "hello" in message else None
            )["master"]
        )
        names = locust.workers(2)
        for name in names:
            locust.ask("prepare", name, mode="open", most=20)
        orders = schedule(["Shop.browse", "Shop.pay", "Order"], 80, 2)
        offer(locust, orders, tuple(names))
        for name in names:
            locust.ask("prepare", name, mode="closed", users={"Shop": 3, "Forum": 1})
            locust.ask("start", name, at=time.perf_counter_ns())
        time.sleep(1.5)
        close(locust, tuple(names))
        for name in names:
            self.assertEqual(locust.reports[name][-1]["users"], {"Shop": 3, "Forum": 1})
        self.assert_exact(Ledger(locust.events[names[0]] + shifted(locust.events[names[1]])))
        locust.quit()
        for worker in workers:
            worker.wait(20)

    def test_what_finds_no_user_is_dropped(self):
        locust = self.start("odd.py")
        locust.hello()
        locust.ask("prepare", mode="open", most=2, queue=1)
        orders = schedule(["Odd.slow"], 40, 1.5)
        offer(locust, orders)
        ledger = Ledger(locust.events[None])
        self.assert_exact(ledger, orders)
        self.assertGreater(ledger.dropped["Odd.slow"], 20)
        locust.quit()

    def test_whatever_goes_wrong_is_counted_as_it_went(self):
        locust = self.start("odd.py")
        locust.hello()
        locust.ask("prepare", mode="open", most=20)
        names = [
            "raises",
            "refused",
            "checked",
            "unseen",
            "together",
            "moved",
            "elsewhere",
            "own_event",
            "lambda0",
            "endless",
        ]
        orders = [[index, time.perf_counter_ns(), f"Odd.{name}"] for index, name in enumerate(names)]
        offer(locust, orders, patience_s=4)
        told, ledger = locust.events[None], Ledger(locust.events[None])
        self.assertEqual(ledger.begun, ledger.ended)
        ends = {ledger.names[event[1]]: event[3] for event in told if event[0] == "e"}
        # Its text may hold what an answer said.
        self.assertRegex(ends["Odd.raises"], r"^ValueError at odd\.py:[0-9]+$")
        self.assertEqual(ends["Odd.endless"], "cut")
        self.assertEqual(
            [ends[f"Odd.{name}"] for name in ("refused", "together", "own_event", "lambda0")], [""] * 4
        )
        of = {}
        for event in (event for event in told if event[0] == "r"):
            of.setdefault(ledger.names.get(event[1], "others"), []).append(event)
        self.assertEqual([event[7] for event in of["Odd.refused"]], ["status 500"])
        self.assertEqual([event[7] for event in of["Odd.checked"]], ["check"])
        self.assertEqual([event[7] for event in of["Odd.unseen"]], ["lost"])
        self.assertEqual(len(of["Odd.together"]), 3)
        self.assertEqual(of["Odd.moved"][0][8], 1, "one redirect was followed")
        self.assertEqual(of["Odd.own_event"][0][2:3] + of["Odd.own_event"][0][6:8], ["QUERY one", 7, ""])
        self.assertNotIn("others", of)
        self.assertEqual([event[7] for event in of["Odd.elsewhere"]], ["host"])
        self.assertEqual(
            ledger.wire - 2, self.server.total, "all but the one that the rail held, and the file's own event"
        )
        locust.quit()

    def test_a_login_that_fails_drops_what_it_was_for(self):
        locust = self.start("odd.py")
        locust.hello()
        locust.ask("prepare", mode="open", most=20)
        orders = schedule(["Unable.act"], 20, 1)
        offer(locust, orders)
        ledger = Ledger(locust.events[None])
        self.assert_exact(ledger)
        self.assertEqual(ledger.dropped["Unable.act"] + ledger.begun["Unable.act"], len(orders))
        self.assertEqual(ledger.failed["Unable.on_start"], ledger.begun["Unable.on_start"])
        locust.quit()

    def test_a_pilot_executes_one_after_the_other(self):
        locust = self.start("shop.py")
        locust.hello()
        locust.ask("prepare", mode="open", most=1)
        locust.ask("alone", task="Shop.pay", span_s=20, most=25)
        locust.until(lambda message: message.get("alone"))
        close(locust)
        ledger = Ledger(locust.events[None])
        self.assertEqual(ledger.ended["Shop.pay"], 25)
        self.assert_exact(ledger)
        locust.quit()

    def test_pilots_of_several_classes_find_users(self):
        locust = self.start("shop.py")
        locust.hello()
        for task in ("Shop.pay", "Shop.browse", "Order", "Threads.read"):
            already = sum("alone" in message for message in locust.said)
            locust.ask("prepare", mode="open", most=2)
            locust.ask("alone", task=task, span_s=5, most=10)
            locust.until(
                lambda message, already=already: (
                    True if sum("alone" in one for one in locust.said) > already else None
                ),
                20,
            )
            close(locust)
            ledger = Ledger(locust.events[None])
            self.assertEqual(ledger.ended[task], 10)
            self.assertEqual(ledger.dropped[task], 0)
        self.assert_exact(ledger)
        locust.quit()

    def test_a_pilot_of_users_who_cannot_log_in_ends(self):
        for task in ("Unable.act", "Inside.act"):
            locust = self.start("odd.py")
            locust.hello()
            locust.ask("prepare", mode="open", most=3)
            locust.ask("alone", task=task, span_s=0.5, most=5)
            locust.until(lambda message: message.get("alone"), 10)
            close(locust)
            ledger = Ledger(locust.events[None])
            self.assertEqual(ledger.begun, ledger.ended)
            self.assertGreater(ledger.dropped[task], 0)
            self.assertEqual(ledger.begun[task], 0)
            locust.quit()

    @unittest.skipUnless(HAS_MARKOV, "this Locust has no MarkovTaskSet")
    def test_sequences_chains_and_sets_of_the_old_style(self):
        locust = self.start("machine.py")
        kinds = {one["name"]: one["kind"] for one in locust.hello()["tasks"]}
        self.assertEqual(kinds["Steps"], "sequence")
        self.assertEqual(kinds["Chain"], "markov")
        self.assertEqual(kinds["OldStyle.ping"], "task")
        locust.ask("prepare", mode="open", most=20)
        orders = schedule(["Steps", "Chain", "OldStyle.ping", "OldStyle.look"], 60, 1)
        offer(locust, orders)
        self.assert_exact(Ledger(locust.events[None]), orders)
        self.assertEqual(self.server.asked["GET /pong"], sum(order[2] == "Steps" for order in orders))
        locust.ask("prepare", mode="closed", users={"Walker": 2, "Old": 2, "Drifter": 2})
        locust.ask("start", at=time.perf_counter_ns())
        time.sleep(1)
        close(locust)
        ledger = Ledger(locust.events[None])
        self.assert_exact(ledger)
        self.assertGreater(ledger.begun["Chain"], 5)
        self.assertGreater(ledger.begun["OldStyle.ping"], ledger.begun["OldStyle.look"])
        locust.quit()

    def test_a_process_that_is_stopped_tells_of_its_gap_and_loses_nothing(self):
        locust = self.start("shop.py")
        locust.hello()
        locust.ask("prepare", mode="open", most=60)
        orders = schedule(["Shop.browse"], 50, 3)
        locust.send("due", orders=orders)
        time.sleep(1)
        os.kill(locust.process.pid, signal.SIGSTOP)
        time.sleep(1)
        os.kill(locust.process.pid, signal.SIGCONT)
        locust.settle(None, len(orders))
        close(locust)
        ledger = Ledger(locust.events[None])
        self.assert_exact(ledger)
        self.assertEqual(ledger.begun["Shop.browse"] + ledger.dropped["Shop.browse"], len(orders))
        gaps = [(to - due) / 1e9 for report in locust.reports[None] for due, to in report["gaps"]]
        self.assertGreater(max(gaps), 0.9)
        locust.quit()

    def test_a_killed_process_has_told_all_but_its_last_moment(self):
        locust = self.start("shop.py")
        locust.hello()
        locust.ask("prepare", mode="open", most=40)
        locust.send("due", orders=schedule(["Shop.browse"], 50, 3))
        time.sleep(2)
        locust.kill()
        with self.assertRaises(TimeoutError):
            locust.until(lambda _: None, 5)
        ledger = Ledger(locust.events[None])
        self.assertLessEqual(
            abs(self.server.total - ledger.wire), 10, "a fifth of a second of arrivals at the very most"
        )
        self.assertGreater(ledger.begun["Shop.browse"], 30)

    def test_users_end_when_nobody_is_there_to_stop_them(self):
        locust = self.start("shop.py")
        locust.hello()
        locust.ask("prepare", mode="closed", users={"Shop": 2})
        locust.ask("start", at=time.perf_counter_ns())
        locust.wire.shutdown(socket.SHUT_RDWR)
        locust.process.wait(25)

    def test_a_stall_shows_from_due(self):
        locust = self.start("shop.py")
        locust.hello()
        locust.ask("prepare", mode="open", most=400)
        start = time.perf_counter_ns() + 500_000_000
        orders = [[number, start + number * 10_000_000, "Shop.browse"] for number in range(500)]
        locust.send("due", orders=orders)
        time.sleep(2.5)
        self.server.stall(1.0)
        locust.settle(None, len(orders))
        close(locust)
        ledger = Ledger(locust.events[None])
        self.assert_exact(ledger, orders)
        waited = sorted(ledger.from_due_ms)
        self.assertGreater(waited[-5], 900, "the server stood still for a second")
        self.assertGreater(sum(one > 450 for one in waited), 45, "all that came due in the first half of it")
        locust.quit()

    def test_files_that_cannot_run_are_refused_with_their_place(self):
        with tempfile.TemporaryDirectory() as folder:

            def refusal(text: str, args: tuple[str, ...] = ()) -> dict:
                file = pathlib.Path(folder) / "locustfile.py"
                file.write_text(text)
                return self.start(file, args=args).refused()

            old = refusal("from locust import HttpUser\nprint 'Python 2'\n")
            self.assertEqual((pathlib.Path(old["file"]).name, old["line"]), ("locustfile.py", 2))
            self.assertIn("2to3 -w", old["remedy"])
            self.assertIn("2to3 -w", refusal("import urllib2\n")["remedy"])
            missing = refusal("import locust\n\nimport no_such_module\n")
            self.assertEqual(missing["line"], 3)
            self.assertIn("no_such_module", missing["remedy"])
            wrong = refusal(
                "from locust import HttpUser\n\nclass Shop(HttpUser):\n    wait_time = between(1, 2)\n"
            )
            self.assertEqual(wrong["line"], 4)
            self.assertIn("User class", refusal("import locust\n")["remedy"])
            empty = refusal(
                "from locust import HttpUser, tag, task\n\nclass Shop(HttpUser):\n"
                "    @tag('a')\n    @task\n    def act(self): pass\n",
                ("--tags", "b"),
            )
            self.assertEqual(empty["line"], 3)
            self.assertIn("--tags", empty["remedy"])

    def test_a_model_folder_of_2018(self):
        locust = self.start("", env={"NEST_FOLDER": str(FILES / "folder_2018")})
        hello = locust.hello()
        self.assertEqual(
            {one["name"]: one["weight"] for one in hello["classes"]}, {"NestLocust": 1, "Teller": 1}
        )
        weights = {
            one["name"]: one["weight"] for one in hello["tasks"] if one["kind"] in ("task", "sequence")
        }
        # Clerk 6, Visitor 1 and Auditor 2 of 9 choices; a run holds as many executions as its set has tasks.
        expected = {
            "Clerk.look_up": 6 * 4 / 9,
            "Clerk.note": 6 * 2 / 9,
            "Tour": 1 / 9,
            "Auditor.audit": 2 / 9,
            "Counting.count": 1.0,
        }
        for name, weight in expected.items():
            self.assertAlmostEqual(weights.pop(name), weight)
        self.assertEqual(weights, {})
        locust.ask("prepare", mode="open", most=20)
        orders = schedule(["Clerk.look_up", "Clerk.note", "Tour", "Auditor.audit", "Counting.count"], 60, 1)
        offer(locust, orders)
        self.assert_exact(Ledger(locust.events[None]), orders)
        locust.ask("prepare", mode="closed", users={"NestLocust": 8, "Teller": 2})
        locust.ask("start", at=time.perf_counter_ns())
        time.sleep(2)
        close(locust)
        ledger = Ledger(locust.events[None])
        self.assert_exact(ledger)
        self.assertEqual(sum(ledger.failed.values()), 0)
        self.assertGreater(ledger.begun["Clerk.on_start"], 8, "sessions end and begin")
        self.assertEqual(self.server.asked["GET /first"], self.server.asked["GET /second"])
        locust.quit()


def shifted(events: list[list]) -> list[list]:
    """The events of a second process, whose executions have numbers of their own."""
    return [
        [event[0], event[1] + 10**9 if event[0] in "ber" and event[1] >= 0 else event[1], *event[2:]]
        for event in events
    ]


if __name__ == "__main__":
    unittest.main()
