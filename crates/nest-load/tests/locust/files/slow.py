"""Users who wait longer than a short step lasts, and users who keep a pace."""

from locust import FastHttpUser, TaskSet, constant, constant_pacing, constant_throughput, task


class Slow(FastHttpUser):
    wait_time = constant(2)

    def on_start(self):
        self.client.post("/login")

    @task
    def look(self):
        self.client.get("/items")


class Paced(FastHttpUser):
    wait_time = constant_throughput(5)

    @task
    def look(self):
        self.client.get("/items")


class PacedInside(FastHttpUser):
    @task
    class Inside(TaskSet):
        wait_time = constant_pacing(1)

        @task
        def look(self):
            self.client.get("/items")
