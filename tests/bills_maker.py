"""Writes random studies for tests/bills; equal numbers give equal studies."""

import datetime
import hashlib
import json
import shutil
import tomllib

from bills_own_prices import BEHAVIOURS, OwnPrices, toml

AS_OF = "2026-11-23"
BOOKS = [
    *[
        "aws/us-east-1",
        "gcp/us-central1",
        "azure/eastus",
        "hetzner/eu",
        "aws/eu-west-1",
        "digitalocean/global",
    ],
    *["scaleway/fr-par-1", "ovhcloud/eu", "aws/us-east-1", "aws/eu-central-1", "gcp/europe-west1", "fly/iad"],
    *[
        "azure/westeurope",
        "hetzner/us",
        "aws/us-east-1",
        "gcp/europe-west2",
        "render/global",
        "aws/us-west-2",
    ],
    *["ovhcloud/eu", "hetzner/sin", "aws/us-east-1", "aws/eu-west-1", "gcp/us-central1", "azure/eastus"],
]
METERS = {
    "alb.hour": ["hours", {"driver": "hours", "times": 2}],
    "alb.lcu": ["largest", {"driver": "largest", "requests_per_connection": 12.5}],
    "egress.internet": ["bytes_sent", {"driver": "bytes_sent", "times": 40}],
    "egress.overage": ["bytes_sent", {"driver": "bytes_sent", "times": 900}],
    "nat.hour": ["hours", "instances"],
    "nat.bytes": [{"driver": "bytes_sent", "times": 1.2}],
    "logs.ingest": [{"driver": "executions", "times": 1e-6}, {"driver": "bytes_sent", "times": 0.3}],
    "apigw.http.requests": ["requests", {"driver": "requests", "behaviours": ["browse", "pay"], "times": 4}],
    "sqs.requests": ["requests", {"driver": "executions", "times": 3}],
    "ebs.gp3": [{"driver": "instances", "times": 30}, {"driver": "fixed", "times": 200}],
    "ebs.gp3.iops": [{"driver": "fixed", "times": 8000, "resources": 2}, {"driver": "fixed", "times": 4500}],
    "ebs.io2.iops": [
        {"driver": "fixed", "times": 80000, "resources": 2},
        {"driver": "fixed", "times": 50000},
    ],
    "lambda.managed.fee": [{"driver": "fixed", "times": 1}],
    "lb.rule.hour": [{"driver": "hours", "times": 9}, "hours"],
    "lb.hour": ["hours"],
    "lb.bytes": ["bytes_sent"],
    "lb": [{"driver": "fixed", "times": 1}],
    "lb.lb11": [{"driver": "fixed", "times": 2}],
    "lb.m.hour": ["hours"],
    "ipv4.address": ["instances", {"driver": "instances", "times": 2}],
    "ipv4.hour": ["instances"],
    "ipv4.month": ["instances"],
    "vpc.ipv4.hour": ["instances"],
    "disk.balanced": [{"driver": "fixed", "times": 200}, {"driver": "instances", "times": 25}],
    "pubsub.bytes": [{"driver": "bytes_sent", "times": 1.5}],
    "monitoring.metrics": [{"driver": "bytes_sent", "times": 0.4}],
    "cloudwatch.metrics": [{"driver": "fixed", "times": 45}, {"driver": "instances", "times": 7}],
    "volumes.storage": [{"driver": "customers", "times": 1e-4}, {"driver": "stored", "times": 1e-4}],
    "dynamodb.storage": [{"driver": "stored", "times": 1e-4}],
    "fargate.ephemeral": [{"driver": "instances", "times": 50}],
    "machines.rootfs": [{"driver": "instances", "times": 5}],
}
RARE = ["lb.rule.hour", "lambda.managed.fee", "ebs.io2.iops", "fargate.ephemeral"]  # a few studies have them
FUNCTION_BOOKS = ["aws/us-east-1", "aws/eu-west-1", "azure/eastus"]
TASK_BOOKS = ["aws/us-east-1", "aws/eu-west-1", "aws/eu-central-1"]
TASK_SIZES = [("0.25", "0.5"), ("0.5", "1"), ("1", "3"), ("2", "8")]
SIZES = [1000.0, 2000.0]  # of stored data


class Maker(OwnPrices):
    """Writes one random study."""

    def __init__(self, number, folder, root):
        name = BOOKS[number % len(BOOKS)]
        super().__init__(number, name, tomllib.loads((root / "pricing" / f"{name}.toml").read_text()))
        self.number, self.folder, self.root = number, folder, root
        self.base = self.random.choice(["shop", "migration"])
        shutil.copytree(root / "models" / self.base, folder, ignore=shutil.ignore_patterns("runs"))
        self.table = tomllib.loads((folder / "nest.toml").read_text())
        self.model = json.loads((folder / "scaling.json").read_text())
        self.model["draws"] = {"count": 20, "seed": number}
        for key in ["slo", "policies", "configs", "growth", "report"]:
            self.table.pop(key, None)

    def make(self):
        """The whole study."""
        self.currency()
        self.what_is_measured()
        self.table["customers"] = self.customers()
        self.table["parameters"] = {
            "min_payment": {"value": self.random.choice([8, 10, 12.5]), "range": [5, 20]}
        }
        self.table["rates"] = self.rates()
        if self.chance(0.3):
            self.segments()
        if self.chance(0.4):
            self.table["fees"] = {"card": self.fee()}
        if self.chance(0.92):
            self.table["growth"] = {"expected": self.growth()}
        self.own_meters()
        if self.chance(0.15):
            self.own_instance()
        self.table["configs"] = {name: self.config(name == "second") for name in ["first", "second"]}
        if self.chance(0.3):
            self.table["policies"] = {"other": {"set": {"min_payment": self.random.choice([6, 15, 20])}}}
        self.table["report"] = {"config": "first"}
        if "growth" not in self.table or self.chance(0.2):
            self.table["report"]["customers"] = self.random.randint(1_000, 200_000)
        self.write()

    # Files

    def write(self):
        """Writes nest.toml, scaling.json and the books."""
        lines = []
        for name, value in self.table.items():
            if isinstance(value, dict):
                lines += [f"[{name}]", *(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items())]
            else:
                lines.insert(0, f"{name} = {toml(value)}")
        (self.folder / "nest.toml").write_text("\n".join(lines) + "\n")
        (self.folder / "scaling.json").write_text(json.dumps(self.model))
        self.write_book("own/here", self.own, self.own_currency, "730")
        if any(self.over.values()):
            self.write_book(self.book_name, self.over, self.book["currency"], self.book["month_hours"])

    def what_is_measured(self):
        """Counts of behaviours, stored data and requests per execution, as if they had been measured."""
        behaviours, target = self.model["study"]["behaviours"], self.table["target"]
        for one in self.model["behaviours"]:
            name = one["name"]
            if self.chance(0.15):
                one["requests"] = self.random.choice([2.0, 3.0, 2.5])
            one["counts"] = {}
            for count, size in [("tokens_in", 900), ("tokens_cached", 300), ("mail", 1)]:
                if name in ("pay", "search") or self.chance(0.2):
                    mean = round(self.random.uniform(0.5, 1.5) * size, 3)
                    fitted = {
                        "value": mean,
                        "standard_error": mean / 50,
                        "low": mean * 0.97,
                        "high": mean * 1.03,
                    }
                    one["counts"][count] = fitted
            sources = {count: {"json": f"$.{count}"} for count in sorted(one["counts"])}
            if sources:
                before = [key for key in behaviours[name] if key not in ("steps", "code")]
                made = {key: behaviours[name][key] for key in before} | {"counts": sources}
                behaviours[name] = made | {"steps": behaviours[name]["steps"]}
                path = self.folder / "behaviours" / f"{name}.toml"
                path.write_text(f"counts = {toml(sources)}\n" + path.read_text())
        has_data = self.chance(0.3)
        if has_data:
            target["state"] = "./fill $NEST_SIZE"
        measured = [
            behaviours,
            self.model["study"].get("probes", {}),
            target.get("state"),
            target.get("reset"),
        ]
        if has_data:
            self.table["data"] = {
                "item": "stored payment",
                "sizes": SIZES,
                "fixed": self.random.randint(0, 9) * 1000,
            }
            if self.chance(0.7):
                self.table["data"]["per_customer"] = round(self.random.uniform(0, 5), 2)
            if self.chance(0.4):
                self.table["data"] |= {"added_by": "pay", "kept_days": self.random.choice([7, 90, 365])}
            measured = [measured, SIZES, None]
        text = json.dumps(measured, separators=(",", ":"), ensure_ascii=False)
        self.model["measured_hash"] = hashlib.sha256(text.encode()).hexdigest()
        if self.chance(0.2):  # answers of which one request is several chunks
            for resource in self.model["resources"]:
                if resource["kind"] == "network":
                    one = resource["demand"]["receipt"]
                    resource["demand"]["receipt"] = {key: value * 400 for key, value in one.items()}

    def currency(self):
        """The study's currency and its rates of exchange."""
        own = self.random.choice(["USD", "EUR", "GBP"])
        self.table["study"]["currency"] = own
        self.table["exchange"] = {
            other: {"rate": self.between(0.8, 1.3), "date": "2026-11-01"} for other in {"USD", "EUR"} - {own}
        }
        self.own_currency = self.random.choice(["USD", "EUR"])

    # Customers

    def customers(self):
        """How executions spread over a day or a week, and a burst."""
        found = {"burst": round(self.random.uniform(1, 2.5), 2)}
        if self.chance(0.25):
            hours = [self.random.randint(1, 9) * (3 if hour % 24 == 19 else 1) for hour in range(168)]
            return found | {"profile": hours}
        return found | {"peak_hour_share": self.percent(6, 20)}

    def rates(self):
        """Rates around those of the shop, as numbers and formulas."""
        search = f"{self.random.uniform(0.2, 0.5):.2f} * rates.browse"
        elastic = f"{self.around(6)} / day * elastic(min_payment, 10, 0.3)"
        found = {
            "login": f"{self.around(14)} / week",
            "browse": f"{self.around(20)} / day",
            "search": self.random.choice([search, f"{self.around(0.25)} / hour", elastic]),
            "pay": "3 / (min_payment + 0.5) / day",
            "receipt": f"{self.around(15)} / month",
        }
        if self.chance(0.4):
            lumps = self.random.choice(["exponential", "constant", "uniform"])
            dues = {"accrues": "3 / day", "lump": 0.7, "lumps": lumps, "pays_at": "min_payment"}
            self.table["mechanisms"] = {"dues": dues}
            found["pay"] = "dues.payments"
        return found

    def segments(self):
        """Kinds of customers, one of which grows differently."""
        other = {"browse": f"{self.around(30)} / day", "pay": "2 * " + self.table["rates"]["pay"]}
        few = self.random.choice([10, 20, 35])
        self.table["segments"] = {
            "many": {"share": f"{100 - few}%"},
            "few": {"share": f"{few}%", "rates": other},
        }
        if self.chance(0.5):
            self.table["segments"]["few"] |= {
                "price": self.between(5, 50, 2),
                "target_margin": self.percent(5, 80),
            }
        if self.chance(0.6):
            self.table["segments"]["few"]["growth"] = self.percent(-2, 3)

    def fee(self):
        """What a third party charges for a payment."""
        fee = {"behaviour": "pay", "amount": self.between(0.05, 0.4, 2)}
        if self.chance(0.6):
            fee |= {"percent": self.between(0.5, 3, 2), "of": "min_payment + 0.5"}
        return fee

    def growth(self):
        """Compound growth, growth below a ceiling, or a plan; with events."""
        first, months = self.random.randint(5, 90) * 1000, self.random.randint(8, 40)
        start = self.random.choice(["2026-12-01", "2026-06-15", "2027-01-15", "2026-11-23"])
        start = "2027-01-31" if self.chance(0.05) else start
        found = {"months": months}
        kind = self.random.choice(["compound", "compound", "logistic", "plan"])
        if kind == "plan":
            found["plan"] = self.plan(first, months)
        else:
            found |= {"monthly": self.percent(-2, 8), "start": {"date": start, "customers": first}}
        if kind == "logistic":
            found["ceiling"] = [first * times for times in (1.5, 2.5, 5)]
        found["events"] = [self.event(first) for _ in range(self.random.choice([0, 1, 1, 2]))]
        return found

    def plan(self, first, months):
        """A plan with a row for every third month."""
        lines, customers = ["month,customers,low,high"], float(first)
        for month in range(0, months + 3, 3):
            year, of_year = divmod(2026 * 12 + 11 + month, 12)
            low, high = customers * (1 - 0.01 * month), customers * (1 + 0.015 * month)
            lines.append(f"{year}-{of_year + 1:02},{customers:.0f},{low:.0f},{high:.0f}")
            customers *= self.random.uniform(0.9, 1.3)
        (self.folder / "plan.csv").write_text("\n".join(lines) + "\n")
        return "plan.csv"

    def event(self, first):
        """A change on a date: in percent or in customers, at once or over some time."""
        day = datetime.date(2027, 2, 1) + datetime.timedelta(days=self.random.randint(0, 300))
        size = self.random.uniform(-0.1, 0.4)
        change = self.random.choice([f"{100 * size:+.1f}%", f"{first * size:+.0f}"])
        found = {"date": day.isoformat(), "customers": change}
        if self.chance(0.5):
            found["ramp"] = self.random.choice(["6 weeks", "2 months", "10 days"])
        return found

    # Configurations

    def config(self, is_second):
        """A configuration."""
        vms = self.skus(lambda sku: not is_managed(sku))
        kinds = ["vm", "vm", "container", "pair", "abroad"] if vms else []
        if self.book_name in TASK_BOOKS:
            kinds += ["task"]
        if self.book_name in FUNCTION_BOOKS:
            kinds += ["function", "twice", "part"] + ["split"] * bool(vms)
        elif vms:
            kinds += ["elsewhere"]
        kind = self.random.choice(kinds or ["elsewhere"])
        some = self.random.sample(BEHAVIOURS, self.random.choice([1, 2]))
        match kind:
            case "vm" | "container":
                found = self.machines(kind, vms)
            case "task":
                found = self.tasks()
            case "pair":
                other = self.machines(self.random.choice(["vm", "container"]), vms) | {"behaviours": some}
                found = self.machines("vm", vms) | {"place": [other]}
            case "abroad":
                other = {"platform": "vm", "book": "hetzner/eu", "sku": self.random.choice(["CX33", "CPX22"])}
                other |= {"reserve": self.percent(5, 50), "scale": self.random.choice(["growth", "hourly"])}
                found = self.machines("vm", vms) | {"place": [other | {"behaviours": some}]}
            case "part":
                found = self.functions(self.book_name) | {"behaviours": some}
            case "function":
                found = self.functions(self.book_name)
            case "twice":
                found = self.functions(self.book_name)
                found["place"] = [self.functions(self.book_name) | {"behaviours": some}]
            case "split":
                found = self.machines("vm", vms)
                found["place"] = [self.functions(self.book_name) | {"behaviours": some}]
            case "elsewhere":
                host = self.random.choice([*FUNCTION_BOOKS, "cloudflare/global"])
                other = self.functions(host) | {"behaviours": some, "book": host}
                found = self.machines("vm", vms) | {"place": [other]}
        if self.base == "migration" and self.chance(0.75):
            databases = self.skus(lambda sku: is_database(sku))
            other = self.machines("database", databases) if databases else self.machines("vm", vms)
            found["place"] = [*found.get("place", []), other | {"tier": "db"}]
        found |= {"book": self.book_name, "meters": self.meters(found)}
        if self.chance(0.3):
            found["monthly"] = {"support": self.between(5, 50, 2)}
            found["people"] = {"hours": "1.5", "rate": self.between(20, 90, 2)}
        if self.chance(0.35) and self.book["provider"] != "gcp":
            self.save(found)
        if is_second and self.chance(0.6):
            found["migration"] = {"amount": self.between(20, 4000, 2)}
        self.change_prices(found)
        return found

    def skus(self, wanted):
        """Instance types of up to eight processors with a price on the day."""
        found = []
        for row in self.book.get("instance", []):
            since, until = row.get("effective_from", AS_OF), row.get("effective_to", "9999")
            if wanted(row["sku"]) and str(since) <= AS_OF < str(until):
                if "on_demand" in row["price"] and float(row["vcpu"]) <= 8:
                    found.append(row["sku"])
        return found

    def instance(self, sku):
        """The row of an instance type."""
        rows = [row for row in self.book["instance"] if row["sku"] == sku]
        return next(row for row in rows if str(row.get("effective_to", "9999")) > AS_OF)

    def machines(self, platform, skus):
        """A placement on machines, on nodes or on a database."""
        sku = "own-box" if "own-box" in skus and self.chance(0.5) else self.random.choice(skus)
        found = {"platform": platform, "sku": sku, "min": self.random.choice([1, 1, 2])}
        row = self.instance(found["sku"])
        if platform == "container":
            found["overhead"] = self.percent(0, 20)
            cores = 0.79 * float(row["vcpu"]) * float(row.get("baseline", 1))
            memory = 0.79 * float(row["memory_gib"])
            part = self.random.choice([1, 2, 3])
            found |= {
                "vcpu": f"{cores / part:.3f}",
                "memory_gib": f"{memory / self.random.choice([1, 2, 5]):.3f}",
            }
        if self.chance(0.3):
            parts = {"queueing": self.percent(5, 20), "forecast": self.percent(5, 20), "failure": 1}
            found["headroom"] = parts
        else:
            found |= {"reserve": self.percent(5, 50), "spare": self.random.choice([0, 1])}
        if platform != "database" and self.chance(0.5):
            found["scale"] = "hourly"
        if platform != "database" and self.chance(0.3):
            found["max"] = self.random.randint(2, 9)
        self.commit(found, row)
        return found | self.speed()

    def commit(self, found, row):
        """Commitments of the book or of the study's own, and spot capacity."""
        price = row["price"]
        listed = [
            one["id"] for one in self.book.get("commitment", []) if one["covers"].get("sku") == row["sku"]
        ]
        if self.chance(0.4):
            if price["unit"] == "h" and (not listed or self.chance(0.4)):
                listed = [self.own_commitment(row)]
            if listed:
                chosen = self.random.sample(listed, min(len(listed), self.random.choice([1, 1, 2])))
                found["commitments"] = {name: self.random.choice([1, 2, 3]) for name in chosen}
        if found["platform"] != "database" and self.chance(0.3):
            found["spot"] = {"share": self.random.choice(["30%", "40%", "55%", "100%"])}
            if "spot" not in price or self.chance(0.3):
                hourly = float(price["on_demand"]) / (1 if price["unit"] == "h" else 730)
                found["spot"]["price"] = f"{hourly * self.random.uniform(0.3, 0.8):.6f}"
            if self.chance(0.5):
                found["spot"]["reserve"] = self.random.choice(["10%", "50%"])
        if self.chance(0.5):
            found["after_term"] = "on_demand"

    def tasks(self):
        """A placement on tasks of a stated size."""
        vcpu, memory = self.random.choice(TASK_SIZES)
        found = {"platform": "task", "vcpu": vcpu, "memory_gib": memory, "min": self.random.choice([1, 2])}
        found |= {"reserve": self.percent(5, 50), "spare": self.random.choice([0, 1])}
        if self.chance(0.5):
            found["scale"] = "hourly"
        if self.book_name == "aws/us-east-1" and self.chance(0.3):
            found["arch"] = "arm64"
        return found | self.speed()

    def functions(self, book):
        """A placement on a function host."""
        found = {"platform": "function", "memory_mb": self.random.choice([128, 512, 1024, 1769, 3008])}
        if book == "azure/eastus":
            found["memory_mb"] = self.random.choice([128, 500, 512, 1024, 1500])
        if book == "cloudflare/global":
            found |= {"memory_mb": 128, "plan": "workers-paid"}
        if book == "aws/us-east-1" and self.chance(0.3):
            found["arch"] = "arm64"
        if self.chance(0.6):
            found["cold_start"] = {"share": self.percent(0.5, 5), "extra_ms": self.random.randint(100, 900)}
        found["files_replaced_by"] = "a database"
        return found | self.speed()

    def speed(self):
        """The speed of processors, stated in some cases."""
        low = self.random.uniform(0.6, 1.2)
        if not self.chance(0.4):
            return {}
        return {"speed": [round(low, 3), round(low * self.random.uniform(1.05, 1.5), 3)]}

    # Meters

    def meters(self, config):
        """Meters of the main book and of the second one."""
        priced = {one["id"] for one in self.book.get("meter", []) if "price" in one or "percent_of" in one}
        known = [name for name in METERS if name in priced]
        found = {}
        known = [name for name in known if name not in RARE or self.chance(0.2)]
        for name in self.random.sample(known, self.random.randint(0, min(5, len(known)))):
            found[name] = self.random.choice(METERS[name])
        for row in self.random.sample(self.own["meter"], self.random.randint(0, 4)):
            found[f"second {row['id']}"] = self.own_driver(row) | {"book": "own/here", "meter": row["id"]}
        drops = [name for name, one in found.items() if "stored" in str(one) and "data" not in self.table]
        if config["platform"] == "function" and not config.get("place"):
            drops += [name for name, one in found.items() if "instances" in str(one)]
        return {name: one for name, one in found.items() if name not in drops}


def is_managed(sku):
    """Whether a name is that of a managed database or cache."""
    return sku.startswith(("db.", "cache.", "postgresql.", "mysql.", "node.")) or ".search" in sku


def is_database(sku):
    """Whether a name is that of a managed database."""
    return sku.startswith(("db.", "postgresql.", "mysql."))
