"""What a configuration costs in a month, line by line and in decimals, for tests/bills."""

import datetime
from collections import defaultdict
from decimal import Decimal
from typing import NamedTuple

from bills_prices import BYTES_PER, UNKNOWN, Book, Metered, bill_of_meters, lasting_free
from bills_prices import month_steps, months_at_list, price_of_month
from bills_study import DAYS_PER_MONTH, ONE, NotCovered, add_months, share, whole_down, whole_up

CONNECTION_S = ONE  # a request opens one connection, which stays for a second
HOSTS = {"aws": "lambda", "cloudflare": "workers", "gcp": "cloudrun"}
# Middle of the dated public figures, where a study states no cold starts: share of requests and seconds.
COLD_STARTS = {"lambda": (Decimal("0.005"), (Decimal("0.0138") * Decimal("2.502")).sqrt())}
NOTHING = Decimal(0)
COVERED = "what savings plans may cover"  # lines that are compared as one


class State(NamedTuple):
    """A point of time at which a month is priced."""

    customers: Decimal
    rates: dict  # executions per customer and day, by behaviour
    day: datetime.date  # whose prices hold
    start: datetime.date  # of growth, and of the terms of commitments


class Bill:
    """Amounts of a month by line, in the study's currency; a line that is not known is None."""

    def __init__(self):
        self.lines = defaultdict(Decimal)
        self.caused = defaultdict(Decimal)  # list amounts of meters that a behaviour causes

    def add(self, name, amount):
        """Adds an amount to a line; what is not known stays so."""
        if amount is UNKNOWN or self.lines[name] is UNKNOWN:
            self.lines[name] = UNKNOWN
        else:
            self.lines[name] += amount

    def total(self):
        """The sum of what is known."""
        return sum((one for one in self.lines.values() if one is not UNKNOWN), NOTHING)


def month_of(commitment, book):
    """Cost of one unit of a commitment in a month of its term: what is paid at once is spread evenly."""
    at_once = Decimal(commitment["upfront"]) / commitment["term_months"]
    return at_once + Decimal(commitment["recurring"]) * book.month_hours


# Placements


class Placement:
    """Some behaviours of a tier on a platform."""

    def __init__(self, config, table, behaviours):
        self.config, self.study, self.table, self.behaviours = config, config.study, table, behaviours
        self.book = config.book_of(table.get("book"))
        self.tier = table.get("tier", "app")
        self.is_named = "behaviours" in table
        self.cpu = self.study.resources[f"{self.tier}/cpu"]
        low, high = table.get("speed", ["0.85", "1.15"])
        self.speed = (Decimal(low) + Decimal(high)) / 2
        self.target, self.spare = 1 - share(table.get("reserve", "30%")), Decimal(table.get("spare", 0))
        if "headroom" in table:
            parts = table["headroom"]
            self.target = (1 - share(parts.get("queueing", 0))) * (1 - share(parts.get("forecast", 0)))
            self.spare = Decimal(parts.get("failure", 0))
        self.least = Decimal(table.get("min", 1))
        self.is_hourly = table.get("scale") == "hourly"

    def split(self, state):
        """List amounts by what instances are there for; nothing without instances."""
        return {}

    def is_in_force(self, row, state):
        """Whether a commitment is paid on the day."""
        if self.table.get("after_term", "renew") == "renew":
            return True
        return state.day < add_months(state.start, row["term_months"])

    def carrying(self, cores, state):
        """Units of some cores that carry the load, each number with its share of the month."""
        busy = self.study.load.busiest(
            sum(state.rates[one] * self.cpu.demand[one] for one in self.behaviours)
        )
        busy *= state.customers / self.speed * self.cpu.factor(self.target)
        each = self.target * cores - self.cpu.idle
        return [(whole_up(busy * level / each), part) for level, part in self.levels()]

    def levels(self):
        """Loads that are sized for, relative to the busiest hour, each with its share of the month."""
        return [(level if self.is_hourly else ONE, part) for level, part in self.study.load.levels]


class Machines(Placement):
    """Virtual machines, a managed database, or containers on nodes."""

    def __init__(self, config, table, behaviours):
        super().__init__(config, table, behaviours)
        self.sku = table["sku"]
        self.commitments = table.get("commitments", {})
        self.spot = table.get("spot", {"share": 0})

    def size(self, row):
        """Processors of what is sized for, and how many of it a unit holds: 1, or containers on a node."""
        cores, memory = Decimal(row["vcpu"]) * Decimal(row.get("baseline", "1")), Decimal(row["memory_gib"])
        if self.table["platform"] != "container":
            return cores, ONE
        # As many of a stated size as fit beside the node's system.
        left = 1 - share(self.table.get("overhead", 0))
        each = Decimal(self.table["vcpu"]), Decimal(self.table["memory_gib"])
        return each[0], min(whole_down(cores * left / each[0]), whole_down(memory * left / each[1]))

    def running(self, row, state):
        """Units that run, spare ones among them."""
        cores, fit = self.size(row)
        carrying = [(whole_up(units / fit), part) for units, part in self.carrying(cores, state)]
        return [(max(units, self.least) + self.spare, part) for units, part in carrying]

    def split(self, state):
        """List amounts of a month by what the units are there for, and by behaviour."""
        row = self.book.row("instance", self.sku, state.day)
        cores, fit = self.size(row)
        found, factor = defaultdict(Decimal), self.cpu.factor(self.target) / self.speed
        parts = self.table.get("headroom")
        queueing = share(parts.get("queueing", 0)) if parts else NOTHING
        for (level, part), (units, _) in zip(self.levels(), self.running(row, state)):
            used = {}
            for name in self.behaviours:
                busy = self.study.load.busiest(state.rates[name] * self.cpu.demand[name]) * state.customers
                used["behaviour", name] = busy * level * factor / cores / fit
            needed = sum(used.values()) / (self.target - self.cpu.idle / cores)
            used["idle", None] = needed * self.cpu.idle / cores
            free = needed * (1 - self.target)
            used["queueing", None] = needed * queueing
            used["forecast" if parts else "reserve", None] = free - needed * queueing
            used["spare", None] = self.spare
            used["rounding", None] = units - self.spare - needed
            for key, one in used.items():
                found[key] += one * part
        month = price_of_month(row, self.book.month_hours) * self.book.rate
        return {key: one * month for key, one in found.items()}

    def pay(self, state, paid):
        """Adds what a month costs."""
        row = self.book.row("instance", self.sku, state.day)
        running = self.running(row, state)
        hours, rate = self.book.month_hours, self.book.rate
        listed = price_of_month(row, hours)
        paid.units += sum(units * part for units, part in running)
        contract = self.book.contract(self.sku)
        spot_units = [(whole_down(share(self.spot["share"]) * units), part) for units, part in running]
        kept = [(whole_up(share(self.spot.get("reserve", 0)) * units), part) for units, part in spot_units]
        spot_months = sum((one + other) * part for (one, part), (other, _) in zip(spot_units, kept))
        if spot_months:
            price = self.spot.get("price") or row["price"].get("spot")
            month = hours if "price" in self.spot or row["price"]["unit"] == "h" else ONE
            paid.bill.add(self.sku, rate * Decimal(price) * month * spot_months * contract)
            paid.units += sum(other * part for other, part in kept)
        others = [(units - spot, part) for (units, part), (spot, _) in zip(running, spot_units)]
        bought, of_month = self.committed(state)
        paid.bill.add(self.sku, rate * of_month)
        open_units = [(max(units - bought, NOTHING), part) for units, part in others]
        paid.instances.append((self, row, open_units, listed))
        months = sum(units * part for units, part in running)
        all_months = months + sum(other * part for other, part in kept)
        paid.listed += rate * listed * all_months if listed is not UNKNOWN else 0
        for name, quantity in row.get("included", {}).items():
            paid.included[self.book, name] += all_months * Decimal(quantity)

    def pay_list(self, paid, row, open_units, listed):
        """Adds what is paid at the list price."""
        if listed is UNKNOWN:
            paid.bill.add(self.sku, UNKNOWN)
            return
        months = months_at_list(open_units, month_steps(row, self.book.month_hours))
        paid.bill.add(self.sku, self.book.rate * listed * months * self.book.contract(self.sku))

    def committed(self, state):
        """Units that commitments pay for, and what all of them cost in a month, used or not."""
        bought, cost = NOTHING, NOTHING
        for name, units in self.commitments.items():
            row = self.book.rows["commitment"][name][0]
            if row["kind"] == "block" or row.get("covers", {}).get("sku") != self.sku:
                raise NotCovered(f"the commitment {name}")
            if not self.is_in_force(row, state):
                continue
            bought += Decimal(units)
            cost += Decimal(units) * month_of(row, self.book) * self.book.contract(self.sku)
        return bought, cost


class Tasks(Placement):
    """Tasks of a stated size, paid by virtual CPU and memory."""

    def meter_names(self):
        """Meters of their processors and memory."""
        arch = self.table.get("arch", "x86_64")
        return f"fargate.vcpu.{arch}", f"fargate.memory.{arch}"

    def pay(self, state, paid):
        """Adds what a month costs."""
        sizes = Decimal(self.table["vcpu"]), Decimal(self.table["memory_gib"])
        running = [
            (max(units, self.least) + self.spare, part) for units, part in self.carrying(sizes[0], state)
        ]
        months = sum(units * part for units, part in running)
        paid.units += months
        for name, size in zip(self.meter_names(), sizes):
            one = paid.metered(self.book, name, state.day)
            one.quantity += months * self.book.month_hours * size
            usage = Usage(
                self.book, name, Decimal(one.row["price"]["amount"]), [units * size for units, _ in running]
            )
            paid.by_meter.append((one, usage))


class Functions(Placement):
    """Behaviours of a tier on a function host."""

    def __init__(self, config, table, behaviours):
        super().__init__(config, table, behaviours)
        self.host = table.get("host") or HOSTS.get(self.book.provider, "functions")
        self.memory_mb = Decimal(table["memory_mb"])
        per_core = self.book.limit(f"{self.host}.memory_per_vcpu")
        self.processor = min(ONE, self.memory_mb / per_core) if per_core else ONE
        if "cold_start" in table:
            stated = table["cold_start"]
            self.cold = (share(stated["share"]), Decimal(stated["extra_ms"]) / 1000)
        else:
            self.cold = COLD_STARTS.get(self.host, (NOTHING, NOTHING))

    def processor_s(self, name):
        """Processor time of one request on the host."""
        return self.measured_s(name) / self.speed / self.processor

    def measured_s(self, name):
        """Processor time of one request on the measured machine."""
        return self.cpu.demand[name] / self.study.requests[name]

    def warm_s(self, name):
        """Time of one request without a cold start: processor time, and what it waited for at light load."""
        waiting = max(self.study.light_s[name] - self.measured_s(name), NOTHING)
        return self.processor_s(name) + waiting

    def billed_ms(self, name, least_ms=NOTHING):
        """Mean billed time of one request: those with a cold start and those without are rounded up apart."""
        often, extra_s = self.cold
        warm_s = self.warm_s(name)
        warm, cold = (max(whole_up(time * 1000), least_ms) for time in (warm_s, warm_s + extra_s))
        return (1 - often) * warm + often * cold

    def of_time(self, name):
        """Meters of one request's time, each with its quantity."""
        match self.host:
            case "lambda":
                yield (
                    f"lambda.duration.{self.table.get('arch', 'x86_64')}",
                    self.billed_ms(name) / 1000 * self.memory_mb / 1024,
                )
            case "functions":
                gib = whole_up(self.memory_mb / 128) * 128 / 1024
                yield "functions.duration", self.billed_ms(name, Decimal(100)) / 1000 * gib
            case "workers":
                yield "workers.cpu", self.processor_s(name) * 1000
            case other:
                raise NotCovered(f"functions of {other}")

    def pay(self, state, paid):
        """Adds what a month uses."""
        if "plan" in self.table:
            paid.plans[self.book] = self.book.rows["plan"][self.table["plan"]][0]
        for name in self.behaviours:
            requests = state.customers * state.rates[name] * self.study.requests[name] * DAYS_PER_MONTH
            if self.book.row("meter", f"{self.host}.requests", state.day):
                paid.use(self.book, f"{self.host}.requests", state.day, {name: requests})
            for meter, each in self.of_time(name):
                paid.use(self.book, meter, state.day, {name: requests * each})


PLATFORMS = {
    "vm": Machines,
    "database": Machines,
    "container": Machines,
    "task": Tasks,
    "function": Functions,
}


class Usage:
    """What savings plans may cover of an instance type or a meter: units in each kind of hour."""

    def __init__(self, book, name, price, units):
        self.book, self.name, self.price, self.units = book, name, price, units


class Plan:
    """A savings plan that is bought."""

    def __init__(self, row, spent):
        self.row, self.spent = row, Decimal(spent)
        covers = row.get("covers", {})
        self.is_narrow = bool(covers.get("family") or covers.get("sku"))

    def rate(self, name):
        """The plan's rate for an instance type or meter, or nothing."""
        covers = self.row.get("covers", {})
        is_covered = name.startswith(covers.get("family", "")) and covers.get("sku", name) == name
        return Decimal(self.row["rates"][name]) if is_covered and name in self.row.get("rates", {}) else None

    def cover(self, usages):
        """Takes from usages, hour by hour, what the plan covers: the highest discount first."""
        rated = [(self.rate(one.name), one) for one in usages if self.rate(one.name) is not None]
        rated.sort(key=lambda pair: (pair[0] / pair[1].price, pair[0]))
        for hour in range(len(usages[0].units) if usages else 0):
            left = self.spent
            for rate, one in rated:
                taken = min(one.units[hour], left / rate)
                one.units[hour] -= taken
                left -= taken * rate


class Paid:
    """What a month uses, while it is added up."""

    def __init__(self):
        self.bill, self.units, self.listed = Bill(), NOTHING, NOTHING
        self.instances, self.plans = [], {}
        self.by_meter = []  # what tasks use hour by hour
        self.meters, self.included = {}, defaultdict(Decimal)

    def metered(self, book, name, day):
        """The quantity of a meter."""
        if (book, name) not in self.meters:
            self.meters[book, name] = Metered(book.row("meter", name, day))
        return self.meters[book, name]

    def use(self, book, name, day, quantities):
        """Adds to the quantity of a meter what behaviours cause of it; what none causes has the name None."""
        one = self.metered(book, name, day)
        one.quantity += sum(quantities.values())
        for behaviour, quantity in quantities.items():
            one.by_behaviour[behaviour] += quantity


# Configurations


class Config:
    """One configuration of a study."""

    def __init__(self, study, name, shipped, books):
        self.study, self.name, self.table = study, name, study.table["configs"][name]
        self.shipped, self.books = shipped, books
        self.book = self.book_of(self.table["book"])
        self.places = [self.place(one) for one in [self.table, *self.table.get("place", [])]]
        self.driven_by = list(self.drivers())
        self.migration = Decimal(self.table.get("migration", {}).get("amount", 0))

    def book_of(self, name):
        """A price book by name; without one the configuration's own."""
        if name is None:
            return self.book
        if name not in self.books:
            self.books[name] = Book(self.study, name, self.shipped)
        return self.books[name]

    def place(self, table):
        """One placement, with its own behaviours or all that no other placement of its tier names."""
        tier = table.get("tier", "app")
        others = [one for one in [self.table, *self.table.get("place", [])] if one.get("tier", "app") == tier]
        named = {name for one in others for name in one.get("behaviours", [])}
        left = [name for name in self.study.resources[f"{tier}/cpu"].demand if name not in named]
        return PLATFORMS[table["platform"]](self, table, table.get("behaviours", left))

    def drivers(self):
        """Meters that are paid besides the units: book, name in the book, and what drives it."""
        for key, driver in self.table.get("meters", {}).items():
            driver = {"driver": driver} if isinstance(driver, str) else driver
            yield self.book_of(driver.get("book")), driver.get("meter", key), driver

    def days_of_change(self):
        """Days on which the price of something that it pays changes."""
        for place in self.places:
            if hasattr(place, "sku"):
                yield from place.book.days_of_change("instance", place.sku)
            elif hasattr(place, "host"):
                for name in place.book.rows["meter"]:
                    if name.startswith(place.host + "."):
                        yield from place.book.days_of_change("meter", name)
        for book, name, _ in self.driven_by:
            yield from book.days_of_change("meter", name)

    def paid_ahead(self):
        """Commitments with their units, by placement, and the name by which a contract selects their price."""
        for place in self.places:
            for name, units in getattr(place, "commitments", {}).items():
                yield place, place.book.rows["commitment"][name][0], Decimal(units), place.sku
        for plan in self.savings_plans():
            yield self.places[0], plan.row, plan.spent, plan.row["id"]

    def compared_as(self, name):
        """The name of the line as which a line is compared: one for all that savings plans may cover."""
        rated = {one for plan in self.savings_plans() for one in [plan.row["id"], *plan.row.get("rates", {})]}
        return COVERED if name in rated else name

    def bill(self, state):
        """The bill of a month, line by line."""
        paid = Paid()
        for place in self.places:
            place.pay(state, paid)
        self.pay_plans(state, paid)
        for place, row, open_units, listed in paid.instances:
            place.pay_list(paid, row, open_units, listed)
        for book, name, driver in self.driven_by:
            one = paid.metered(book, name, state.day)
            times = Decimal(driver.get("times", 1))
            driven = self.driven(book, one.row, driver, state, paid)
            paid.use(book, name, state.day, {who: counted * times for who, counted in driven.items()})
            self.include(book, one, driver, paid)
        for (book, name), quantity in paid.included.items():
            if (book, name) in paid.meters:
                paid.meters[book, name].included += quantity
        for (book, name), amount in bill_of_meters(paid.meters, paid.plans, paid.listed).items():
            one = paid.meters[book, name]
            for who, quantity in one.by_behaviour.items():
                if who and amount:
                    paid.bill.caused[who] += amount * book.rate * quantity / sum(one.by_behaviour.values())
            paid.bill.add(name, UNKNOWN if amount is UNKNOWN else amount * book.rate * book.contract(name))
        for book, plan in paid.plans.items():
            paid.bill.add(plan["id"], book.rate * Decimal(plan["amount"]) * book.contract(plan["id"]))
        for name, amount in self.table.get("monthly", {}).items():
            paid.bill.add(name, Decimal(amount))
        if "people" in self.table:
            paid.bill.add(
                "people", Decimal(self.table["people"]["hours"]) * Decimal(self.table["people"]["rate"])
            )
        return paid.bill

    def savings_plans(self):
        """The savings plans that are bought, those for one family or type first."""
        rows = self.book.rows["commitment"]
        plans = [Plan(rows[name][0], spent) for name, spent in self.table.get("savings_plans", {}).items()]
        return sorted(plans, key=lambda plan: not plan.is_narrow)

    def pay_plans(self, state, paid):
        """Adds what savings plans cost, and takes what they cover from what is paid at list price."""
        parts = [part for _, part in self.study.load.levels]
        usages = []
        for place, _, open_units, listed in paid.instances:
            usages.append(Usage(place.book, place.sku, None, [units for units, _ in open_units]))
            usages[-1].price = listed / self.book.month_hours if listed is not UNKNOWN else NOTHING
        paid.by_meter += self.used_by_functions(paid)
        own = [
            one
            for one in [*usages, *(one for _, one in paid.by_meter)]
            if one.book is self.book and one.price
        ]
        before = [list(one.units) for _, one in paid.by_meter]
        for plan in self.savings_plans():
            if not self.places[0].is_in_force(plan.row, state):
                continue
            cost = plan.spent * month_of(plan.row, self.book) * self.book.rate
            paid.bill.add(plan.row["id"], cost * self.book.contract(plan.row["id"]))
            plan.cover(own)
        paid.instances = [
            (place, row, list(zip(usage.units, parts)), listed)
            for (place, row, _, listed), usage in zip(paid.instances, usages)
        ]
        for (one, usage), units in zip(paid.by_meter, before):
            covered = sum((had - left) * part for had, left, part in zip(units, usage.units, parts))
            one.quantity -= covered * self.book.month_hours

    def used_by_functions(self, paid):
        """What functions use hour by hour beyond what is free, as load spreads over the hours."""
        found, levels = [], self.study.load.levels
        mean = sum(level * part for level, part in levels)
        for (book, name), one in paid.meters.items():
            if book is self.book and "price" in one.row and not name.startswith("fargate."):
                free, pool = lasting_free(one.row)
                others = [other for (of, _), other in paid.meters.items() if of is book]
                sharing = [other for other in others if pool and lasting_free(other.row)[1] == pool] or [one]
                together = sum(other.quantity for other in sharing)
                billed = one.quantity - min(free, together) * one.quantity / together if together else NOTHING
                price = one.row["price"].get("tiers", [one.row["price"]])[0]
                price = Decimal(price["amount"]) / Decimal(one.row["price"].get("per", 1))
                each = billed / mean / self.book.month_hours
                found.append((one, Usage(book, name, price, [each * level for level, _ in levels])))
        return found

    def include(self, book, one, driver, paid):
        """What a book includes for each resource."""
        one.resources = paid.units if driver["driver"] == "instances" else Decimal(driver.get("resources", 1))
        if "included" in one.row:
            times = book.month_hours if one.row["unit"].split("*")[-1] == "h" else ONE
            one.included += Decimal(one.row["included"]["quantity"]) * times * one.resources

    def driven(self, book, row, driver, state, paid):
        """What is counted for a meter, by the behaviour that causes it, or by None."""
        names, customers = driver.get("behaviours", list(state.rates)), state.customers
        executions = {name: customers * state.rates[name] * DAYS_PER_MONTH for name in names}
        hours = book.month_hours
        match driver["driver"]:
            case "hours":
                return {None: hours}
            case "fixed":
                return {None: ONE}
            case "customers":
                return {None: customers}
            case "stored":
                data = self.study.table["data"]
                counted = Decimal(data.get("fixed", 0)) + Decimal(data.get("per_customer", 0)) * customers
                if "added_by" in data:
                    per_day = customers * state.rates[data["added_by"]]
                    counted += per_day * Decimal(data.get("kept_days", 0))
                return {None: counted}
            case "executions":
                return executions
            case "requests":
                return {
                    one: executions[one] * self.study.requests[one] * self.chunks(row, one) for one in names
                }
            case "bytes_sent":
                return {
                    one: executions[one] * self.study.bytes_sent(one) / BYTES_PER[row["unit"]]
                    for one in names
                }
            case "counts":
                return {one: executions[one] * self.counted(driver, one) for one in names}
            case "instances":
                is_by_hour = row["unit"].split("*")[-1] == "h"
                return {None: paid.units * (hours if is_by_hour else 1)}
            case "largest":
                return {None: self.largest(row, driver, executions, hours)}

    def counted(self, driver, behaviour):
        """What one execution adds to a count, without what another meter pays."""
        less = self.study.count(driver["without"], behaviour) if "without" in driver else NOTHING
        return max(self.study.count(driver["count"], behaviour) - less, NOTHING)

    def chunks(self, row, behaviour):
        """How often one request is billed that begins several chunks."""
        if "chunk" not in row:
            return ONE
        number, unit = row["chunk"][:-3], row["chunk"][-3:]
        sent = self.study.bytes_sent(behaviour) / self.study.requests[behaviour]
        return max(ONE, whole_up(sent / (Decimal(number) * BYTES_PER[unit])))

    def largest(self, row, driver, executions, hours):
        """Unit-hours of a month of the largest dimension, which is the same in every hour."""
        own = {
            one
            for place in self.places
            if isinstance(place, Functions) and place.is_named
            for one in place.behaviours
        }
        names = [one for one in executions if one not in own]
        requests = sum(executions[one] * self.study.requests[one] for one in names)
        connections = requests / (hours * 3600) / Decimal(driver.get("requests_per_connection", 1))
        sent = sum(executions[one] * self.study.bytes_sent(one) for one in names)
        counted = {
            "connections.new": connections,
            "connections.active": connections * CONNECTION_S,
            "bytes.processed": sent / 10**9 / hours,
            "rules.evaluated": NOTHING,
        }
        return hours * max(counted[one["quantity"]] / Decimal(one["per_unit"]) for one in row["max_of"])


def fees(study, state):
    """What third parties charge in a month, by fee."""
    found = {}
    for name, fee in study.table.get("fees", {}).items():
        each = Decimal(fee.get("amount", 0))
        if "percent" in fee:
            each += Decimal(fee["percent"]) / 100 * study.formula().value(fee["of"])
        found[name] = state.customers * state.rates[fee["behaviour"]] * DAYS_PER_MONTH * each
    return found
