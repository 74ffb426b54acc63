"""A chain of choices, a sequence that never leaves, and a set in the old style; two share a function."""

from locust import HttpUser, MarkovTaskSet, SequentialTaskSet, TaskSet, constant, task, transition


def ping(holder):
    holder.client.get("/ping")


class Steps(SequentialTaskSet):
    tasks = [ping]

    @task
    def pong(self):
        self.client.get("/pong")


class Walker(HttpUser):
    wait_time = constant(0.02)
    tasks = [Steps]


class OldStyle(TaskSet):
    tasks = {ping: 3}

    @task
    def look(self):
        self.client.get("/look")


class Old(HttpUser):
    wait_time = constant(0.02)
    tasks = [OldStyle]


class Chain(MarkovTaskSet):
    @transition("two")
    def one(self):
        self.client.get("/one")

    @transition("one")
    def two(self):
        self.client.get("/two")


class Drifter(HttpUser):
    wait_time = constant(0.02)
    tasks = [Chain]
