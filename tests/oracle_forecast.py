"""What a study comes to, by tests/oracle: prices, units, limits, and shares that are counted over draws."""

import math
import tomllib

import numpy as np

from oracle_inputs import DAYS_PER_MONTH, Draws, NotCovered, Rates, Resource, Trajectory, as_date, share

DEFAULT_SPEED = [0.85, 1.15]  # of a virtual CPU against the measured core
USABLE_MEMORY = 0.9  # of an instance's memory: the operating system needs the rest
CONNECTION_S = 1.0  # a request opens one connection, which stays for a second
PEAK_HOUR = 20  # of the assumed day
STEPS = 10  # of a month, in which the cost of 1,000 customers is watched
GIB = 2**30
BYTES_PER = {"GB": 1e9, "GiB": GIB}
HOSTS = {"aws": "lambda", "azure": "functions", "cloudflare": "workers", "webtask": "webtask"}


def add(quantities, key, quantity):
    """Adds to one of several quantities."""
    quantities[key] = quantities.get(key, 0.0) + quantity


# Prices


class Book:
    """One price book on a day, with its rate of exchange into the study's currency."""

    def __init__(self, study, name):
        self.table = tomllib.loads((study.pricing / f"{name}.toml").read_text())
        self.name, self.provider, self.as_of = name, name.split("/")[0], study.as_of
        self.month_hours = float(self.table["month_hours"])
        currency, own = self.table["currency"], study.table["study"].get("currency", "USD")
        self.rate = 1.0 if currency == own else float(study.table["exchange"][currency]["rate"])
        if self.table.get("adjustment"):
            raise NotCovered("adjustments of a contract")

    def row(self, kind, key, name):
        """The row of that name that holds on the day, or nothing."""
        for row in self.table.get(kind, []):
            since, until = as_date(row.get("effective_from", self.as_of)), row.get("effective_to")
            if row[key] == name and since <= self.as_of and (until is None or self.as_of < as_date(until)):
                return row
        return None

    def limit(self, name):
        """The value of a limit, or nothing."""
        row = self.row("limit", "id", name)
        return float(row["value"]) if row else None

    def meter(self, name):
        """A meter."""
        return self.row("meter", "id", name)

    def instance_month(self, sku):
        """List price of an instance that runs all month, in the book's currency."""
        price = self.row("instance", "sku", sku)["price"]
        return float(price["on_demand"]) * (self.month_hours if price["unit"] == "h" else 1)


def graduated(quantity, price, free):
    """Amount of a quantity, each part of it at its tier's price; what is free lies inside the first tiers."""
    if price.get("mode", "graduated") != "graduated":
        raise NotCovered(f"tiers by {price['mode']}")
    amount, below = 0.0, 0.0
    for tier in price.get("tiers", [price]):
        bound = float(tier.get("up_to", math.inf))
        part = np.maximum(np.minimum(bound, quantity) - max(below, free), 0)
        if "amount" not in tier and np.any(part > 0):
            raise NotCovered("a tier without a price")
        amount += part * float(tier.get("amount", 0))
        below = bound
    return amount / float(price.get("per", 1))


def lasting_free(row):
    """Free units of a meter on which a forecast may count, and the pool that they are shared in, if any."""
    free = row.get("free", {"kind": "none"})
    counts = free["kind"] in ("always", "included")
    return (float(free["quantity"]), free.get("pool")) if counts else (0.0, None)


def bill_of_meters(quantities, plans):
    """Amount of all meters: `quantities` by book and meter; `plans`, by book, include some of them.

    What a plan includes comes off first. What is free in a pool comes off before the tiers, shared in
    proportion to use; without a pool it lies inside the first tier. A meter without a price is no amount.
    """
    pools, priced = {}, []
    for (book, name), quantity in quantities.items():
        row = book.meter(name)
        if "percent_of" in row or "chunk" in row and row["chunk"] != "512KiB":
            raise NotCovered(f"the price of {name}")
        for inclusion in plans.get(book, {}).get("includes", []):
            if inclusion["meter"] == name:
                quantity = np.maximum(quantity - float(inclusion["quantity"]), 0)
        if "price" in row:
            priced.append((book, row, quantity))
            add(pools, (book, lasting_free(row)[1]), quantity)
    total = 0.0
    for book, row, quantity in priced:
        free, pool = lasting_free(row)
        if pool:
            together = np.maximum(pools[book, pool], 1e-300)
            quantity, free = quantity - quantity / together * np.minimum(free, together), 0.0
        total += book.rate * graduated(quantity, row["price"], free)
    return total


# Load


class Load:
    """How a day's executions spread over its hours, and the burst of the busiest minute."""

    def __init__(self, customers):
        self.burst = customers["burst"]
        if "profile" in customers:
            hours = np.array(customers["profile"], float)
            self.peak_share = hours.max() / (hours.sum() / 7)
        else:
            self.peak_share = share(customers["peak_hour_share"])
            hours = assumed_day(self.peak_share)
        levels, counts = np.unique((hours / hours.max()).round(12), return_counts=True)
        self.levels = list(zip(levels, counts / counts.sum()))  # relative to the busiest, with shares of time

    def busiest(self, per_day):
        """What comes per second in the busiest minute."""
        return per_day * self.peak_share * self.burst / 3600


def assumed_day(peak_share):
    """Hours of a day whose busiest hour holds a share of it, by bisection."""
    hours = np.cos(2 * np.pi * (np.arange(24) - PEAK_HOUR) / 24) - 1
    low, high = 0.0, 1e4
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 / np.exp(middle * hours).sum() < peak_share else (low, middle)
    return np.exp(low * hours)


# Placements


class World:
    """What all configurations of a study share in all draws."""

    def __init__(self, study, draws):
        self.study, self.draws, self.books = study, draws, {}
        self.resources = {one["name"]: Resource(one, draws) for one in study.model["resources"]}
        self.requests = {one["name"]: one["requests"] for one in study.model["behaviours"]}
        self.light_s = {one["name"]: one["light_request_s"] for one in study.model["behaviours"]}
        self.load = Load(study.table["customers"])
        self.migration = draws.normal()  # what makes one migration dearer makes all dearer

    def book(self, name):
        """A price book, read once."""
        if name not in self.books:
            self.books[name] = Book(self.study, name)
        return self.books[name]


class Machines:
    """Virtual machines, or a managed database, that carry some behaviours of a tier."""

    plan = None

    def __init__(self, world, book, table, behaviours):
        self.world, self.book, self.behaviours = world, book, behaviours
        self.tier, self.is_database = table.get("tier", "app"), table["platform"] == "database"
        row = book.row("instance", "sku", table["sku"])
        if "baseline" in row or "commitments" in table:
            raise NotCovered("instances on credits, or commitments")
        self.cores, self.memory = float(row["vcpu"]), float(row["memory_gib"]) * GIB
        self.month = book.rate * book.instance_month(table["sku"])
        self.sustained = row["price"].get("sustained") or capped(row["price"], book.month_hours)
        self.included = {name: float(quantity) for name, quantity in row.get("included", {}).items()}
        self.least = table.get("min", 1)
        self.most = table.get("max", self.least if self.is_database else math.inf)
        self.target, self.spare = 1 - share(table.get("reserve", "30%")), table.get("spare", 0)
        if "headroom" in table:
            parts = table["headroom"]
            self.target = (1 - share(parts.get("queueing", 0))) * (1 - share(parts.get("forecast", 0)))
            self.spare = parts.get("failure", 0)
        self.levels = world.load.levels if table.get("scale") == "hourly" else [(1.0, 1.0)]
        self.speed = world.draws.speed((book.provider, table["sku"]), *table.get("speed", DEFAULT_SPEED))
        self.cpu = world.resources[f"{self.tier}/cpu"]

    def carried(self, utilisation, rates):
        """Customers that one instance carries at a utilisation."""
        busy = self.world.load.busiest(self.cpu.per_execution(rates, self.behaviours)) / self.speed
        return (utilisation * self.cores - self.cpu.idle) / self.cpu.factor(utilisation) / busy

    def running(self, customers, rates):
        """Instances that run, each number with the share of the month for which it does."""
        carried = self.carried(self.target, rates)
        for level, part in self.levels:
            yield np.maximum(np.ceil(customers * level / carried - 1e-9), self.least) + self.spare, part

    def cost(self, customers, rates):
        """Cost of a month's instances, and instance-months."""
        running = list(self.running(customers, rates))
        months = sum(units * part for units, part in running)
        return self.month * (self.discounted(running) if self.sustained else months), months

    def discounted(self, running):
        """Instance-months at list price: one that runs more of a month pays less for the later part of it."""
        total = 0.0
        for unit in range(1, int(max(np.max(units) for units, _ in running)) + 1):
            runs, below = sum(np.where(units >= unit, part, 0.0) for units, part in running), 0.0
            for step in self.sustained:
                total += np.maximum(np.minimum(runs, float(step["up_to"])) - below, 0) * float(step["factor"])
                below = float(step["up_to"])
        return total

    def limits(self, rates):
        """Customers at which each limit is reached."""
        nature = "hard" if self.is_database or self.most == math.inf else "choice"
        yield "over_reserve", self.cpu.name, "choice", self.most * self.carried(self.target, rates)
        yield "saturation", self.cpu.name, nature, self.most * self.carried(1.0, rates)
        yield from self.memory_limit(rates)

    def memory_limit(self, rates):
        """Memory: instances are added by their processors, so the first are full before that, or never.

        Where an instance is full before its processors ask for another, the least are full; otherwise the
        last one is, once no more may be added.
        """
        memory = self.world.resources.get(f"{self.tier}/memory")
        if memory is None:
            return
        each = self.world.load.busiest(memory.per_execution(rates, self.behaviours))
        held = (USABLE_MEMORY * self.memory - memory.idle) / np.maximum(each, 1e-30)
        early = held < self.carried(self.target, rates)
        nature = "hard" if early[0] or self.is_database or self.most == math.inf else "choice"
        yield "memory", memory.name, nature, np.where(early, self.least, self.most) * held

    def meters(self, customers, rates):
        """Nothing is counted beside the instances."""
        return {}


def capped(price, month_hours):
    """Steps of an hourly price of which a month costs at most its own price; nothing without one."""
    if "hourly" not in price:
        return None
    factor = float(price["hourly"]) * month_hours / float(price["on_demand"])
    return [{"up_to": min(1 / factor, 1.0), "factor": factor}, {"up_to": 1.0, "factor": 0.0}]


class Functions:
    """Behaviours of a tier on a function host."""

    def __init__(self, world, book, table, behaviours):
        self.world, self.book, self.behaviours = world, book, behaviours
        self.tier, self.host = table.get("tier", "app"), HOSTS[book.provider]
        self.memory_mb = table["memory_mb"]
        self.target = 1 - share(table.get("reserve", "30%"))
        self.label = " of " + ", ".join(table["behaviours"]) if "behaviours" in table else ""
        self.arch, self.plan = table.get("arch", "x86_64"), book.row("plan", "id", table.get("plan"))
        per_core = book.limit(f"{self.host}.memory_per_vcpu")
        self.processor = min(1.0, self.memory_mb / per_core) if per_core else 1.0
        if "cold_start" not in table and self.host != "webtask":
            raise NotCovered("cold starts that the study does not state")
        cold = table.get("cold_start", {"share": 0, "extra_ms": 0})
        self.cold_s = share(cold["share"]) * cold["extra_ms"] / 1000
        self.own_quota = table.get("concurrency")
        self.shared_quota = None if self.own_quota else book.limit(f"{self.host}.concurrency")
        self.most_added = book.limit(f"{self.host}.concurrency_scaling_rate")
        self.speed = world.draws.speed((self.host, self.arch), *table.get("speed", DEFAULT_SPEED))
        self.cpu = world.resources[f"{self.tier}/cpu"]

    def measured_s(self, name):
        """Processor time of one request on the measured machine."""
        return self.cpu.demand[name] / self.world.requests[name]

    def processor_s(self, name):
        """Processor time of one request on the host."""
        return self.measured_s(name) / self.speed / self.processor

    def duration_s(self, name):
        """Time of one request: processor time, what it waited for at light load, its share of cold starts."""
        waiting = np.maximum(self.world.light_s[name] - self.measured_s(name), 0)
        return self.processor_s(name) + waiting + self.cold_s

    def per_day(self, rates, name):
        """Requests per customer and day."""
        return rates[name] * self.world.requests[name]

    def cost(self, customers, rates):
        """Nothing is paid for instances."""
        return 0.0, 0.0

    def meters(self, customers, rates):
        """Requests, and what the host counts of their time."""
        found = {}
        for name in self.behaviours:
            requests = customers * self.per_day(rates, name) * DAYS_PER_MONTH
            add(found, (self.book, f"{self.host}.requests"), requests)
            for meter, quantity in self.time_meters(name):
                add(found, (self.book, meter), requests * quantity)
        return found

    def time_meters(self, name):
        """Meters of one request's time, with its quantity."""
        billed_ms = np.ceil(self.duration_s(name) * 1000 - 1e-9)
        match self.host:
            case "lambda":
                yield f"lambda.duration.{self.arch}", billed_ms / 1000 * self.memory_mb / 1024
            case "functions":
                gib = math.ceil(self.memory_mb / 128) * 128 / 1024
                yield "functions.duration", np.maximum(billed_ms, 100) / 1000 * gib
            case "workers":
                yield "workers.cpu", self.processor_s(name) * 1000

    def at_once(self, rates):
        """Functions that run at once for one customer in the busiest minute."""
        busiest = self.world.load.busiest
        return sum(busiest(self.per_day(rates, name)) * self.duration_s(name) for name in self.behaviours)

    def limits(self, rates):
        """Customers at which an own quota is reached: functions at once, and how many are added in ten seconds."""
        each = self.at_once(rates)
        if self.own_quota:
            cause = f"{self.own_quota:.0f} concurrent executions{self.label}"
            yield "quota", cause, "hard", self.own_quota / each
        if self.most_added:
            # Within a minute, from the mean of the hour to the busiest minute.
            added = np.maximum((1 - 1 / self.world.load.burst) * each / 6, 1e-30)
            cause = f"{self.most_added:.0f} more executions every 10 s{self.label}"
            yield "quota", cause, "hard", self.most_added / added


PLATFORMS = {"vm": Machines, "database": Machines, "function": Functions}


class Config:
    """One configuration of a study."""

    def __init__(self, world, table):
        self.world, self.table, self.book = world, table, world.book(table["book"])
        self.places = [self.place(one) for one in [table, *table.get("place", [])]]
        self.migration = self.drawn_migration()

    def place(self, table):
        """One placement, with its own behaviours or all that no other placement of its tier names."""
        tier = table.get("tier", "app")
        others = [one for one in [self.table, *self.table.get("place", [])] if one.get("tier", "app") == tier]
        named = {name for one in others for name in one.get("behaviours", [])}
        left = [name for name in self.world.resources[f"{tier}/cpu"].demand if name not in named]
        if table["platform"] not in PLATFORMS:
            raise NotCovered(f"the platform {table['platform']}")
        book = self.world.book(table.get("book", self.book.name))
        return PLATFORMS[table["platform"]](self.world, book, table, table.get("behaviours", left))

    def drawn_migration(self):
        """One-off cost of moving here."""
        table = self.table.get("migration", {"amount": "0"})
        value = float(table["amount"])
        low, high = map(float, table.get("range", [value, value]))
        return np.maximum(self.world.draws.spread(value, low, high, self.world.migration), 0)

    def limits(self, rates):
        """Customers at which each limit is reached, by kind, cause and nature."""
        for place in self.places:
            yield from place.limits(rates)
        yield from self.shared_quotas(rates)
        for resource in self.world.resources.values():
            placed = {one for place in self.places if place.tier == resource.tier for one in place.behaviours}
            left = [one for one in resource.demand if one not in placed]
            if resource.capacity and left:
                yield from self.staying(resource, left, rates)

    def shared_quotas(self, rates):
        """A book states how many functions may run at once in an account and region, whatever they are for."""
        books = {}
        for place in self.places:
            if getattr(place, "shared_quota", None):
                books.setdefault(place.book.name, []).append(place)
        for sharing in books.values():
            quota = sharing[0].shared_quota
            label = sharing[0].label if len(sharing) == 1 else ""
            each = sum(place.at_once(rates) for place in sharing)
            yield "quota", f"{quota:.0f} concurrent executions{label}", "hard", quota / each

    def staying(self, resource, behaviours, rates):
        """Limits of a tier, or of a part of it, that stays as it was measured."""
        each = np.maximum(self.world.load.busiest(resource.per_execution(rates, behaviours)), 1e-30)
        if resource.kind == "memory":
            yield "memory", resource.name, "hard", (resource.capacity - resource.idle) / each
            return
        target = self.places[0].target
        for kind, nature, utilisation in [("over_reserve", "choice", target), ("saturation", "hard", 1.0)]:
            room = (utilisation * resource.capacity - resource.idle) / resource.factor(utilisation)
            yield kind, f"{resource.name} as measured", nature, room / each

    def cost(self, customers, rates):
        """Cost of a month at a number of customers."""
        total, units, quantities, plans, included = 0.0, 0.0, {}, {}, {}
        for place in self.places:
            cost, months = place.cost(customers, rates)
            total, units = total + cost, units + months
            for name, each in getattr(place, "included", {}).items():
                add(included, (place.book, name), months * each)
            for key, quantity in place.meters(customers, rates).items():
                add(quantities, key, quantity)
            if place.plan:
                plans[place.book] = place.plan  # one subscription, however many placements use it
        for name, driver in self.table.get("meters", {}).items():
            driver = driver if isinstance(driver, dict) else {"driver": driver}
            add(quantities, (self.book, name), self.driven(name, driver, customers, rates, units))
        for key in quantities.keys() & included.keys():
            quantities[key] = np.maximum(quantities[key] - included[key], 0)
        people = self.table.get("people", {"hours": 0, "rate": 0})
        total = total + float(people["hours"]) * float(people["rate"])
        total = total + sum(book.rate * float(plan["amount"]) for book, plan in plans.items())
        return (
            total
            + bill_of_meters(quantities, plans)
            + sum(map(float, self.table.get("monthly", {}).values()))
        )

    def driven(self, name, driver, customers, rates, units):
        """Quantity of a meter that is paid besides the units."""
        names, meter = driver.get("behaviours", list(rates)), self.book.meter(name)
        match driver["driver"]:
            case "hours":
                counted = self.book.month_hours
            case "fixed":
                counted = 1.0
            case "customers":
                counted = customers
            case "executions":
                counted = customers * sum(rates[one] for one in names) * DAYS_PER_MONTH
            case "requests":
                counted = self.requests(customers, rates, names)
            case "bytes_sent":
                counted = self.bytes_sent(customers, rates, names) / BYTES_PER[meter["unit"]]
            case "instances":
                counted = units * (self.book.month_hours if meter["unit"] == "h" else 1)
            case "largest":
                counted = self.largest(meter, customers, rates, self.balanced(names))
            case other:
                raise NotCovered(f"a meter that counts {other}")
        return counted * driver.get("times", 1)

    def requests(self, customers, rates, names):
        """Requests of a month."""
        return customers * sum(rates[one] * self.world.requests[one] for one in names) * DAYS_PER_MONTH

    def bytes_sent(self, customers, rates, names):
        """Bytes sent in a month."""
        networks = [one for one in self.world.resources.values() if one.kind == "network"]
        return customers * sum(one.per_execution(rates, names) for one in networks) * DAYS_PER_MONTH

    def balanced(self, names):
        """Behaviours behind the load balancer: those that do not run as functions of their own."""
        own = {one for place in self.places if isinstance(place, Functions) and place.label for one in place.behaviours}
        return [name for name in names if name not in own]

    def largest(self, meter, customers, rates, names):
        """Unit-hours of a month of the largest dimension, which is the same in every hour."""
        hours = self.book.month_hours
        per_s = self.requests(customers, rates, names) / (hours * 3600)
        gb_per_hour = self.bytes_sent(customers, rates, names) / 1e9 / hours
        counted = {
            "connections.new": per_s,
            "connections.active": per_s * CONNECTION_S,
            "bytes.processed": gb_per_hour,
            "rules.evaluated": per_s * 0,
        }
        units = [counted[one["quantity"]] / float(one["per_unit"]) for one in meter["max_of"]]
        return hours * np.max(units, axis=0)


# The forecast


class Forecast:
    """One configuration over the months of growth, in all draws."""

    def __init__(self, config, trajectory, rates, budget):
        self.config, self.rates = config, rates
        self.monthly, self.per_1000 = (float(budget.get(key, "inf")) for key in ("monthly", "per_1000"))
        self.reached = {}  # by kind, cause and nature: draws in which it has been reached
        self.chances = {}  # the same: share of draws by the first day of each month, and by the end
        self.total, before, cost_before = config.migration, None, None
        for knot in trajectory.knots:
            cost = self.reach(knot, before)
            if before:
                # Two knots of one day have no time between them: what happens then is in neither part.
                self.total = self.total + (knot.time - before.time) * (cost_before + cost) / 2
            cost_before = cost
            if knot.is_month:
                for limit, reached in self.reached.items():
                    self.chances.setdefault(limit, []).append(float(reached[1:].mean()))
            before = knot

    def reach(self, knot, before):
        """Marks what is reached by a day, and says what a month costs there."""
        rates = self.rates.at(knot.time)
        for kind, cause, nature, customers in self.config.limits(rates):
            self.mark((kind, cause, nature), knot.customers >= customers)
        cost = self.config.cost(knot.customers, rates) + 0 * knot.customers
        if self.monthly < math.inf:
            self.mark(("budget", "a month", "choice"), cost > self.monthly)
        if self.per_1000 < math.inf:
            limit = "budget", "for 1,000 customers a month", "choice"
            self.mark(limit, cost / knot.customers * 1000 > self.per_1000)
            for customers, time in between(before, knot):
                dear = self.config.cost(customers, self.rates.at(time)) / customers * 1000 > self.per_1000
                self.mark(limit, dear)
        return cost

    def mark(self, limit, reached):
        """What has been reached stays reached."""
        self.reached[limit] = self.reached.get(limit, False) | reached

    def lasts(self, levers):
        """Draws in which nothing fails by the end of growth, with or without limits of the study's choice."""
        lasts = np.ones_like(self.total, bool)
        for (_, _, nature), reached in self.reached.items():
            if nature == "hard" or not levers:
                lasts &= ~reached
        return lasts


def between(before, knot):
    """Customers and times between two knots: the cost of 1,000 customers may rise and fall there."""
    for part in np.arange(1, STEPS) / STEPS if before else []:
        customers = before.customers * (knot.customers / before.customers) ** part
        yield customers, before.time + (knot.time - before.time) * part


def forecast(study, count, seed):
    """Days of the months of a study, and its configurations by name, in `count` draws."""
    draws = Draws(count, seed)
    world, rates = World(study, draws), Rates(study.table, draws)
    trajectory = Trajectory(study.growth(), study.folder, draws)
    budget = study.table.get("budget", {})
    configs = {name: Config(world, table) for name, table in study.table["configs"].items()}
    return trajectory.dates, {name: Forecast(one, trajectory, rates, budget) for name, one in configs.items()}


def cheapest(totals, counted):
    """Share of draws in which each is the cheapest of those that count; equal ones share a draw."""
    totals = np.where(counted, totals, np.inf)[:, 1:]
    least = np.isfinite(totals) & (totals <= totals.min(axis=0) * (1 + 1e-12))
    return (least / np.maximum(least.sum(axis=0), 1)).mean(axis=1)
