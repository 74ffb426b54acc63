"""Tasks that go wrong, or do what few do."""

import gevent
from locust import HttpUser, TaskSet, constant, events, tag, task


class Odd(HttpUser):
    wait_time = constant(0)

    @tag("bad")
    @task
    def raises(self):
        self.client.get("/before")
        raise ValueError("on purpose")

    @task
    def refused(self):
        self.client.get("/status/500")

    @task
    def checked(self):
        with self.client.get("/items", catch_response=True) as answer:
            answer.failure("wrong item")

    @task
    def unseen(self):
        with self.client.get("/items", catch_response=True):
            raise ValueError("on purpose")

    @task
    def together(self):
        gevent.joinall([gevent.spawn(self.client.get, f"/part/{part}") for part in range(3)])

    @task
    def slow(self):
        self.client.get("/slow/300")

    @task
    def endless(self):
        gevent.sleep(3600)

    @task
    def moved(self):
        self.client.get("/status/302")

    @task
    def elsewhere(self):
        self.client.get("http://192.0.2.1/")

    @task
    def own_event(self):
        events.request.fire(
            request_type="QUERY", name="one", response_time=5, response_length=7, exception=None
        )

    tasks = [lambda user: user.client.get("/lambda")]


class Unable(HttpUser):
    def on_start(self):
        self.client.get("/login")
        raise RuntimeError("no account")

    @task
    def act(self):
        self.client.get("/never")


class Shut(HttpUser):
    @task
    class Inside(TaskSet):
        def on_start(self):
            raise RuntimeError("no way in")

        @task
        def act(self):
            self.client.get("/never")
