"""Two classes of users: one with tasks of its own and a login, one with a nested set and a sequence."""

from locust import FastHttpUser, HttpUser, SequentialTaskSet, TaskSet, between, constant, task


class Shop(HttpUser):
    weight = 3
    wait_time = constant(0.05)

    def on_start(self):
        self.client.post("/login", json={"name": "somebody"})

    @task(9)
    def browse(self):
        self.client.get("/items")

    @task
    def pay(self):
        self.client.post("/pay")
        self.client.get("/paid")


class Forum(FastHttpUser):
    wait_time = between(0.02, 0.06)

    @task(2)
    class Threads(TaskSet):
        def on_start(self):
            self.client.get("/forum")

        @task(3)
        def read(self):
            self.client.get("/thread")

        @task
        def leave(self):
            self.interrupt()

    @task
    class Order(SequentialTaskSet):
        @task
        def choose(self):
            self.client.get("/choose")

        @task
        def confirm(self):
            self.client.post("/confirm")
            self.interrupt()
