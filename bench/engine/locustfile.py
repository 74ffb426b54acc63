"""What locust-nest is compared with: the bare GET and the session, by Locust's fast client."""

from locust import FastHttpUser, constant, task


class Get(FastHttpUser):
    wait_time = constant(0)

    @task
    def get(self):
        self.client.get("/")


class Session(FastHttpUser):
    wait_time = constant(0)

    @task
    def session(self):
        token = self.client.post("/login", json={"name": "ada", "password": "lovelace"}).json()["token"]
        item = self.client.get("/items").json()["items"][0]["id"]
        headers = {"x-token": token}
        with self.client.post("/cart", json={"id": item, "count": 1}, headers=headers, catch_response=True) as added:
            if added.status_code != 201 or '"added":true' not in added.text:
                added.failure("not added")
