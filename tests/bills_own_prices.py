"""Prices of a random study's own, for tests/bills: a second book, and one that lies over the main book."""

import datetime
import json
import random

BEHAVIOURS = ["browse", "login", "pay", "receipt", "search"]


class OwnPrices:
    """Random choices, and the books of one study."""

    def __init__(self, number, book_name, book):
        self.random = random.Random(number)
        self.book_name, self.book = book_name, book  # the main book, as it is shipped
        self.own = {"meter": []}  # a second book
        self.over = {"meter": [], "instance": [], "commitment": [], "adjustment": []}  # over the main one

    def chance(self, share):
        """Whether something happens that does in a share of the cases."""
        return self.random.random() < share

    def between(self, low, high, digits=4):
        """A decimal between two, as text."""
        return f"{self.random.uniform(low, high):.{digits}f}"

    def percent(self, low, high):
        """A share between two, as text."""
        return f"{self.random.uniform(low, high):.1f}%"

    def around(self, middle):
        """A number between half and twice another, as text."""
        return f"{middle * self.random.uniform(0.5, 2):.2f}"

    def write_book(self, name, tables, currency, month_hours):
        """Writes a book of the study."""
        provider, region = name.split("/")
        lines = ["schema = 1", f"provider = {toml(provider)}", f"region = {toml(region)}"]
        lines += [f"currency = {toml(currency)}", f"month_hours = {toml(month_hours)}", 'tax = "excluded"']
        lines += ["stale_after_days = 180", "[source.contract]", 'title = "our contract"']
        lines += ['observed_on = "2026-11-03"', 'confidence = "user"']
        for kind, rows in tables.items():
            for row in rows:
                source = {} if kind == "adjustment" else {"source": "contract"}
                lines += [f"[[{kind}]]", *(f"{key} = {toml(one)}" for key, one in (row | source).items())]
        path = self.folder / "pricing" / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")

    def own_instance(self):
        """An instance type of the study's own, on credits, with a price in one of the forms."""
        hourly = self.random.uniform(0.01, 0.2)
        month = {"on_demand": f"{hourly * 600:.2f}", "unit": "month", "hourly": f"{hourly:.6f}"}
        price = self.random.choice([{"on_demand": f"{hourly:.5f}", "unit": "h"}, month])
        made = {
            "sku": "own-box",
            "arch": "x86_64",
            "vcpu": "4",
            "memory_gib": "8",
            "baseline": self.between(0.1, 1, 2),
        }
        self.over["instance"].append(made | {"price": price})
        self.book.setdefault("instance", []).append(made | {"price": price})

    def own_meters(self):
        """Meters of a second book, of every mode."""
        for name, unit, size in [
            *[
                ("calls", "request", 1e7),
                ("mail", "message", 1e5),
                ("traffic", "GB", 100),
                ("bits", "GiB", 100),
            ],
            *[
                ("store", "GB*month", 100),
                ("tokens", "token", 1e9),
                ("cached", "token", 1e8),
                ("seats", "month", 5),
            ],
        ]:
            self.own["meter"].append(
                {"id": name, "unit": unit, "price": self.own_price(size)} | self.free(name, size)
            )
        share = {"meter": "calls", "percent": self.between(1, 20, 2)}
        self.own["meter"].append({"id": "share of calls", "unit": "share", "percent_of": share})
        self.own["meter"].append({"id": "unpriced", "unit": "message"})
        for row in self.own["meter"][:6]:
            if self.chance(0.2) and "percent_of" not in row:
                self.date_row(self.own["meter"], row)

    def own_price(self, size):
        """A price by one of the modes, for quantities around a size."""
        per = self.random.choice([1, 1000]) if size >= 1000 else 1
        each = self.random.uniform(20, 200) / size * per
        mode = self.random.choice(["flat", "graduated", "volume", "package"])
        if mode == "flat":
            return {"amount": f"{each:.10f}", "per": str(per)}
        bounds = sorted(self.random.uniform(0.1, 4) * size for _ in range(self.random.choice([1, 2, 3])))
        tiers = [
            {"up_to": f"{bound:.2f}", "amount": f"{each * 0.9**n:.10f}"} for n, bound in enumerate(bounds)
        ]
        tiers.append({"amount": f"{each / 2:.10f}"})
        if mode == "package":
            per = max(1, int(size / 20))
            each = self.random.uniform(1, 10)
            price = {"mode": mode, "per": str(per)}
            if self.chance(0.5):
                return price | {"amount": f"{each:.4f}"}
            for n, tier in enumerate(tiers):
                tier["amount"] = f"{each * 0.9**n:.4f}"
            return price | {"tiers": tiers}
        return {"mode": mode, "per": str(per), "tiers": tiers}

    def free(self, name, size):
        """What is free of a meter, in a pool or not."""
        if self.chance(0.5):
            return {}
        kind = self.random.choice(["always", "included", "always", "first-year", "credit"])
        found = {"kind": kind, "quantity": f"{size * self.random.uniform(0.01, 0.3):.0f}"}
        if self.chance(0.5) and name in ("tokens", "cached"):
            found |= {"pool": "tokens", "quantity": "40000000"}
        return {"free": found}

    def own_driver(self, row):
        """What drives a meter of the second book."""
        some = {"behaviours": self.random.sample(BEHAVIOURS, 2)} if self.chance(0.3) else {}
        match row["id"]:
            case "calls":
                return {"driver": "requests"} | some
            case "mail":
                return self.random.choice(
                    [{"driver": "counts", "count": "mail", "times": 2}, {"driver": "executions"}]
                )
            case "traffic" | "bits":
                return {"driver": "bytes_sent", "times": self.random.choice([1, 0.5, 3])} | some
            case "store":
                choices = [{"driver": "customers", "times": 0.002}, {"driver": "fixed", "times": 321.5}]
                choices += [{"driver": "stored", "times": 0.001}] if "data" in self.table else []
                return self.random.choice(choices)
            case "tokens":
                without = {"without": "tokens_cached"} if self.chance(0.5) else {}
                return {"driver": "counts", "count": "tokens_in"} | without
            case "cached":
                return {"driver": "counts", "count": "tokens_cached"}
            case "seats":
                return {"driver": "fixed", "times": self.random.choice([3, 7])}
            case "unpriced":
                return {"driver": "executions"}
            case "share of calls":
                return {"driver": "fixed", "times": 1}

    def date_row(self, rows, row):
        """Ends the price of a row on a day and begins another."""
        day = datetime.date(2026, 10, 1) + datetime.timedelta(days=self.random.randint(0, 500))
        later = json.loads(json.dumps(row)) | {"effective_from": day}
        row["effective_to"] = day
        factor = self.random.uniform(0.7, 1.4)
        price = later["price"]
        for one in price.get("tiers", [price]):
            one["amount"] = f"{float(one['amount']) * factor:.10f}"
        rows.append(later)

    def change_prices(self, config):
        """Lays prices over the main book: some that begin on a day, and the contract's adjustments."""
        names = [
            one["sku"] for one in [config, *config.get("place", [])] if "sku" in one and "book" not in one
        ]
        names += [config["sku"]] if "sku" in config else []
        if self.chance(0.3):
            for sku in dict.fromkeys(names):
                if not any(row["sku"] == sku for row in self.over["instance"]) and sku != "own-box":
                    self.new_price(self.over["instance"], self.instance(sku))
        for name in config["meters"]:
            rows = [row for row in self.book.get("meter", []) if row["id"] == name and "price" in row]
            if rows and "effective_to" not in rows[-1] and self.chance(0.2):
                if not any(row["id"] == name for row in self.over["meter"]):
                    self.new_price(self.over["meter"], rows[-1])
        selectors = ["*", *names, *(name for name in config["meters"] if not name.startswith("second "))]
        selectors += [f"{name.split('.')[0]}.*" for name in selectors[1:] if "." in name]
        if self.chance(0.3):
            order = len(self.over["adjustment"]) + 1
            percent, selector = self.between(-25, 5, 1), self.random.choice(selectors)
            made = {"order": order, "kind": "percent", "percent": percent, "selector": selector}
            self.over["adjustment"].append(made | {"label": f"contract {order}"})

    def new_price(self, rows, row):
        """A price that begins inside the months of growth, or has begun already."""
        day = datetime.date(2026, 10, 1) + datetime.timedelta(days=self.random.randint(0, 400))
        made = json.loads(
            json.dumps({key: row[key] for key in row if not key.startswith("effective")}, default=str)
        )
        made = {key: one for key, one in made.items() if key not in ("source", "vendor_code", "note")}
        factor = self.random.uniform(0.8, 1.3)
        for one in made["price"].get("tiers", [made["price"]]):
            for key in ("amount", "on_demand", "hourly", "spot"):
                if key in one:
                    one[key] = f"{float(one[key]) * factor:.8f}"
        rows.append(made | {"effective_from": day})

    def own_commitment(self, row):
        """A commitment of the study's own book, some of it paid at once."""
        name = f"own-{row['sku']}-{len(self.over['commitment'])}"
        months = self.random.choice([6, 12, 36])
        upfront = self.random.choice([0, 1, 0.5])
        hourly = float(row["price"]["on_demand"]) * self.random.uniform(0.4, 0.9)
        made = {"id": name, "kind": "reserved", "term_months": months}
        made |= {"payment": {0: "none", 1: "all", 0.5: "partial"}[upfront], "covers": {"sku": row["sku"]}}
        made |= {"upfront": f"{hourly * 730 * months * upfront:.2f}", "unit": "h"}
        self.over["commitment"].append(made | {"recurring": f"{hourly * (1 - upfront):.5f}"})
        return name

    def save(self, config):
        """Savings plans of the study's own book, for what the configuration runs."""
        priced = [row for row in self.book.get("meter", []) if "price" in row]
        prices = {row["id"]: row["price"].get("tiers", [row["price"]])[0].get("amount") for row in priced}
        for row in self.book.get("instance", []):
            if "on_demand" in row["price"] and row["price"]["unit"] == "h":
                prices[row["sku"]] = row["price"]["on_demand"]
        runs = []
        for one in [config, *config.get("place", [])]:
            if one.get("book", self.book_name) == self.book_name and one["platform"] != "database":
                arch = one.get("arch", "x86_64")
                runs += [one["sku"]] if "sku" in one else []
                runs += [f"lambda.duration.{arch}"] if one["platform"] == "function" else []
                runs += (
                    [f"fargate.{kind}.{arch}" for kind in ("vcpu", "memory")]
                    if one["platform"] == "task"
                    else []
                )
        rated = sorted({name for name in runs if prices.get(name)})
        if not rated:
            return
        rates = {name: f"{float(prices[name]) * self.random.uniform(0.4, 0.9):.10f}" for name in rated}
        bought = {}
        for covers in self.random.choice(
            [[{}], [{}], [{"family": rated[0][:3]}], [{}, {"family": rated[0][:3]}]]
        ):
            months, upfront = self.random.choice([12, 36]), self.random.choice([0] * 8 + [1, 0.5])
            made = {
                "id": f"own-plan-{len(self.over['commitment'])}",
                "kind": "savings_plan",
                "term_months": months,
            }
            made |= {"payment": {0: "none", 1: "all", 0.5: "partial"}[upfront], "covers": covers, "unit": "h"}
            made |= {
                "upfront": f"{730 * months * upfront:.2f}",
                "recurring": str(1 - upfront),
                "rates": rates,
            }
            self.over["commitment"].append(made)
            bought[made["id"]] = self.between(0.02, 0.9)
        config["savings_plans"] = bought
        if self.chance(0.5):
            config["after_term"] = "on_demand"


def toml(value):
    """A value as TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return value.isoformat() if isinstance(value, datetime.date) else json.dumps(value)
