"""One small request by each of Locust's clients; users of a plain run do NEST_RATE of them per second, NEST_USERS users in all.

Waits are exponential, so that requests come one by one, as they do under locust-nest: users who keep the same pace come in bunches.
"""

import os
import random

from locust import FastHttpUser, HttpUser, task

EACH_PER_S = float(os.environ.get("NEST_RATE", "100")) / float(os.environ.get("NEST_USERS", "20"))


def wait(_):
    return random.expovariate(EACH_PER_S)


class Fast(FastHttpUser):
    wait_time = wait

    @task
    def browse(self):
        self.client.get("/items?page=1", name="/items")


class Plain(HttpUser):
    wait_time = wait

    @task
    def browse(self):
        self.client.get("/items?page=1", name="/items")
