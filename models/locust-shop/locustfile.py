"""Customers of the demo shop, as `models/shop/behaviours` describes them."""

import random

from locust import FastHttpUser, between, task


class Shop(FastHttpUser):
    """A person with an account."""

    wait_time = between(1, 5)

    def on_start(self):
        """Opens a session; the cookie stays with the customer."""
        self.client.post("/login", json={"customer": random.randint(0, 9_999)})

    @task(200)
    def browse(self):
        """Looks at one page of the catalogue."""
        self.client.get(f"/items?page={random.randint(1, 40)}", name="/items")

    @task(60)
    def search(self):
        """Looks for a word; its demand grows with the stored items."""
        word = random.choice(["linen", "bamboo", "oak"])
        with self.client.get(f"/search?q={word}", name="/search", catch_response=True) as answer:
            if "hits" not in (answer.text or ""):
                answer.failure("no hits")

    @task(3)
    def pay(self):
        """Pays what is due; written and synced to disk."""
        self.client.post("/pay", json={"amount": "12.50"})

    @task(5)
    def receipt(self):
        """Draws up a receipt; heavy on the processor."""
        self.client.get(f"/receipts/{random.randint(1, 100)}", name="/receipts")
