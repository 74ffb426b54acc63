"""Behaviours as they were written for Locust 0.9."""

from locust import HttpLocust, TaskSet, task


class Clerk(TaskSet):
    weight = 3
    min_wait = 20
    max_wait = 40

    def on_start(self):
        self.client.post("/session")

    @task(4)
    def look_up(self):
        assert self.locust is self.parent
        self.client.get("/account")

    @task(2)
    def note(self):
        self.client.post("/note")


class Auditor(TaskSet):
    """Not named in config.json: its own weight counts."""

    weight = 2

    @task
    def audit(self):
        self.client.get("/audit")


class Retired(TaskSet):
    """Weight 0 in config.json: left out."""

    @task
    def nothing(self):
        self.client.get("/retired")


class _Template(TaskSet):
    @task
    def never(self):
        self.client.get("/never")


class Nothing(TaskSet):
    """No weight in config.json: left out."""

    @task
    def never(self):
        self.client.get("/never")


class Counting(TaskSet):
    """What tellers do; no other user does it."""

    @task
    def count(self):
        self.client.get("/count")


class Teller(HttpLocust):
    weight = 5
    task_set = Counting
    wait_function = lambda self: 30  # noqa: E731
