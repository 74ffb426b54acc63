"""What a study says, in decimals, for tests/bills: values, formulas, load, growth and customers."""

import ast
import calendar
import csv
import datetime
import json
import tomllib
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, getcontext
from functools import cache
from typing import NamedTuple

getcontext().prec = 50

ONE = Decimal(1)
DAYS_PER_MONTH = Decimal(365) / 12
DAYS = {
    **{"second": ONE / 86400, "minute": ONE / 1440, "hour": ONE / 24},
    **{"day": ONE, "week": Decimal(7), "month": DAYS_PER_MONTH},
}
PEAK_HOUR = 20  # of the assumed day


class NotCovered(Exception):
    """A part of a study that this check does not compute."""


# Values as a study writes them


def share(value):
    """A share: `"30%"` or `0.3`."""
    text = str(value)
    return Decimal(text[:-1]) / 100 if text.endswith("%") else Decimal(text)


def seconds(value):
    """A time: `"300ms"` or `"20us"`."""
    for unit, factor in [
        ("ms", "0.001"),
        ("us", "0.000001"),
        ("s", "1"),
        ("m", "60"),
        ("h", "3600"),
        ("d", "86400"),
    ]:
        if value.endswith(unit):
            return Decimal(value[: -len(unit)]) * Decimal(factor)
    raise NotCovered(f"the time {value}")


def as_date(value):
    """A date, quoted or not."""
    return value if isinstance(value, datetime.date) else datetime.date.fromisoformat(value)


def add_months(date, months):
    """The same day some months later; the last day of the month where it has no such day."""
    month = date.month - 1 + months
    year, month = date.year + month // 12, month % 12 + 1
    return date.replace(year=year, month=month, day=min(date.day, calendar.monthrange(year, month)[1]))


def whole_up(number):
    """The next whole number up."""
    return number.to_integral_value(ROUND_CEILING)


def whole_down(number):
    """The next whole number down."""
    return number.to_integral_value(ROUND_FLOOR)


class Formula:
    """Formulas of a study, in Python's arithmetic, with times in days."""

    FUNCTIONS = {
        "min": min,
        "max": max,
        "ceil": whole_up,
        "floor": whole_down,
        "round": lambda x: x.to_integral_value(ROUND_HALF_UP),
        "elastic": lambda x, x0, e: (x / x0) ** -e,
    }
    OPERATORS = {
        ast.Add: lambda a, b: a + b,
        ast.Sub: lambda a, b: a - b,
        ast.Mult: lambda a, b: a * b,
        ast.Div: lambda a, b: a / b,
    }

    def __init__(self, names):
        """`names` maps a name to its value, or to a table of values for `name.value`."""
        self.names = {**DAYS, **names}

    def value(self, text):
        """The value of a formula, or of a plain number."""
        if isinstance(text, (int, Decimal)):
            return Decimal(text)
        return self.node(ast.parse(text, mode="eval").body, text)

    def node(self, node, text):
        """The value of one node of its tree."""
        match node:
            case ast.Constant(value=number) if isinstance(number, (int, float)):
                return Decimal(ast.get_source_segment(text, node))
            case ast.Name(id=name) if name in self.names:
                return self.names[name]
            case ast.Attribute(value=ast.Name(id=name), attr=part):
                return self.names[name][part]
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=part)):
                return self.names[name][part]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.node(operand, text)
            case ast.BinOp(op=operator) if type(operator) in self.OPERATORS:
                return self.OPERATORS[type(operator)](self.node(node.left, text), self.node(node.right, text))
            case ast.Call(func=ast.Name(id=name)) if name in self.FUNCTIONS:
                return self.FUNCTIONS[name](*(self.node(one, text) for one in node.args))
        raise NotCovered(f"the formula {text}")


class Study:
    """A study's folder: `nest.toml` and `scaling.json`, every number in it a decimal."""

    def __init__(self, folder, as_of, changed=()):
        """`changed` has values of parameters that differ from those of the file."""
        self.folder, self.as_of = folder, datetime.date.fromisoformat(as_of)
        self.table = tomllib.loads((folder / "nest.toml").read_text(), parse_float=Decimal)
        for name in changed:
            self.table["parameters"][name]["value"] = changed[name]
        self.model = json.loads((folder / "scaling.json").read_text(), parse_float=Decimal, parse_int=Decimal)
        self.currency = self.table["study"].get("currency", "USD")
        if "slo" in self.table:
            raise NotCovered("[slo]")
        self.load = Load(self.table["customers"])
        self.rates = Rates(self.table)
        self.resources = {one["name"]: Resource(one) for one in self.model["resources"]}
        self.requests = {one["name"]: one["requests"] for one in self.model["behaviours"]}
        self.light_s = {one["name"]: one["light_request_s"] for one in self.model["behaviours"]}

    def growth(self):
        """The trajectory of the headline's growth scenario; nothing where the study has none."""
        scenarios = self.table.get("growth")
        if not scenarios:
            return None
        name = self.table.get("report", {}).get("growth") or min(scenarios)
        return Trajectory(scenarios[name], self.folder)

    def headline(self):
        """Customers of the headline."""
        stated = self.table.get("report", {}).get("customers")
        return Decimal(stated) if stated is not None else self.start_customers()

    def start_customers(self):
        """Customers when growth begins."""
        growth = self.growth()
        return growth.customers(growth.start)

    def formula(self):
        """Formulas over the study's parameters and mechanisms."""
        return Formula(self.rates.names)

    def bytes_sent(self, name):
        """Bytes that one execution of a behaviour sends to its customer."""
        networks = [one for one in self.resources.values() if one.kind == "network"]
        return sum((one.demand[name] for one in networks), Decimal(0))

    def count(self, name, behaviour):
        """What one execution adds to a count."""
        for one in self.model["behaviours"]:
            if one["name"] == behaviour:
                found = one.get("counts", {}).get(name)
                return Decimal(0) if found is None else found["value"] if isinstance(found, dict) else found
        raise NotCovered(f"the behaviour {behaviour}")


class Resource:
    """Demand on one resource, at the point estimate."""

    def __init__(self, model):
        if model.get("size_dependence") or model.get("leak"):
            raise NotCovered(f"stored data or a leak of {model['name']}")
        self.name, self.tier, self.kind = model["name"], model["tier"], model["kind"]
        self.idle = model["idle"]["value"]
        self.demand = {name: one["value"] for name, one in model["demand"].items()}
        dependence = model.get("load_dependence")
        self.slope = min(dependence["slope"]["value"], ONE) if dependence else Decimal(0)
        self.mean = dependence["mean_idleness"] if dependence else Decimal(0)
        self.is_rising = bool(dependence and dependence.get("rising"))

    def factor(self, utilisation):
        """By how much demand differs at a utilisation from what is stated."""
        level = utilisation**2 if self.is_rising else (1 - utilisation) ** 2
        return 1 + self.slope * (level - self.mean)


# How load spreads over time


@cache
def assumed_day(peak_share):
    """Load of the hours of an assumed day, of which the busiest hour holds a share, by bisection."""
    root = {number: Decimal(number).sqrt() for number in (2, 3, 6)}
    quarter = [
        ONE,
        (root[6] + root[2]) / 4,
        root[3] / 2,
        root[2] / 2,
        ONE / 2,
        (root[6] - root[2]) / 4,
        Decimal(0),
    ]

    def cosine(hours):
        hours = abs(hours) % 24
        hours = min(hours, 24 - hours)
        return quarter[hours] if hours <= 6 else -quarter[12 - hours]

    below = [cosine(hour - PEAK_HOUR) - 1 for hour in range(24)]
    low, high = Decimal(0), Decimal(10_000)
    for _ in range(140):
        middle = (low + high) / 2
        held = 1 / sum((middle * one).exp() for one in below)
        low, high = (middle, high) if held < peak_share else (low, middle)
    return [(low * one).exp() for one in below]


class Load:
    """How the executions of a day spread over its hours, and the burst of the busiest minute."""

    def __init__(self, customers):
        self.burst = Decimal(customers["burst"])
        if "profile" in customers:
            hours = [Decimal(one) for one in customers["profile"]]
            self.peak_share = max(hours) * 7 / sum(hours)
            self.is_week = True
        else:
            self.peak_share = share(customers["peak_hour_share"])
            hours = assumed_day(self.peak_share)
            self.is_week = False
        counted = {}
        for one in hours:
            level = (one / max(hours)).quantize(Decimal("1e-30"))
            counted[level] = counted.get(level, 0) + 1
        # Load of an hour relative to the busiest, with its share of all hours.
        self.levels = [(level, Decimal(count) / len(hours)) for level, count in sorted(counted.items())]

    def busiest(self, per_day):
        """What comes per second in the busiest minute."""
        return per_day * self.peak_share * self.burst / 3600


# Customers and what they do


class Rates:
    """Executions per customer and day, by behaviour, at a time in months from the start of growth."""

    def __init__(self, table):
        names = {}
        for name, value in table.get("parameters", {}).items():
            names[name] = Decimal(value["value"] if isinstance(value, dict) else value)
        for name, accrual in table.get("mechanisms", {}).items():
            names[name] = mechanism(Formula(names), accrual)
        self.names = names
        self.segments = []
        self.by_segment = {}
        for name, segment in table.get("segments", {"everybody": {"share": 1}}).items():
            rates = rate_table(names, table["rates"] | segment.get("rates", {}))
            self.segments.append((share(segment["share"]), share(segment.get("growth", 0)), rates))
            self.by_segment[name] = share(segment["share"]), rates

    def at(self, months):
        """Mean rates over the customers of all segments, each of which grows relative to the others."""
        weights = [size * (1 + growth) ** months for size, growth, _ in self.segments]
        return {
            name: sum(weight * rates[name] for weight, (_, _, rates) in zip(weights, self.segments))
            / sum(weights)
            for name in self.segments[0][2]
        }


def rate_table(names, texts):
    """Executions per day, by behaviour; a formula may name the rate of another."""
    found, pending = {}, dict(texts)
    while pending:
        ready = {name for name, text in pending.items() if not any(f"rates.{one}" in text for one in pending)}
        if not ready:
            raise NotCovered("rates that name one another")
        for name in sorted(ready):
            found[name] = Formula({**names, "rates": found}).value(pending.pop(name))
    return found


def mechanism(formula, table):
    """Rates per day and the state of an accumulate-and-pay mechanism, by renewal theory."""
    if table.get("per_open_item"):
        raise NotCovered("per_open_item")
    lump = formula.value(table["lump"])
    lumps = formula.value(table["accrues"]) / lump
    ratio = formula.value(table["pays_at"]) / lump
    match table.get("lumps", "exponential"):
        case "exponential":
            joined, items = 1 + ratio, (ratio**2 + 2 * ratio) / (2 * (ratio + 1))
        case "constant":
            joined = max(ONE, whole_up(ratio))
            items = (joined - 1) / 2
        case "uniform":
            joined, items = uniform_lumps(ratio / 2), ratio / 2
    return {"payments": lumps / joined, "lumps": lumps, "mean_payment": lump * joined, "open_items": items}


def uniform_lumps(x):
    """How many lumps, uniform from 0 to twice their mean, make one payment."""
    total, factorial = Decimal(0), ONE
    for j in range(int(x) + 1):
        factorial *= max(j, 1)
        power = (x - j) ** j if j else ONE
        total += (-1) ** j * power * (x - j).exp() / factorial
    return total


class Knot(NamedTuple):
    """Customers on a day of a trajectory; between two knots they change geometrically."""

    day: datetime.date
    time: Decimal  # months from the start
    customers: Decimal


class Event(NamedTuple):
    """A change of the number of customers, evenly from one time to another, in months from the start."""

    first: Decimal
    last: Decimal
    is_relative: bool
    size: Decimal

    def part(self, time, is_after):
        """How much of it has happened; what happens at once has, or has not, on its day."""
        if self.first == self.last == time:
            return ONE if is_after else Decimal(0)
        if time <= self.first:
            return Decimal(0)
        return ONE if time >= self.last else (time - self.first) / (self.last - self.first)


class Trajectory:
    """Customers of a growth scenario at each month, where events begin or end, and on given days."""

    def __init__(self, table, folder):
        if "history" in table:
            raise NotCovered("a history")
        plan = read_plan(folder / table["plan"]) if "plan" in table else None
        self.start = plan[0][0] if plan else as_date(table["start"]["date"])
        months = table.get("months") or (int(whole_up(self.time(plan[-1][0]))) if plan else 24)
        self.dates = [add_months(self.start, month) for month in range(months + 1)]
        self.base = self.planned(plan) if plan else self.compound(table)
        events = sorted(table.get("events", []), key=lambda one: as_date(one["date"]))
        self.days = set()  # on which an event begins or ends
        self.events = [self.event(one) for one in events]

    def time(self, date):
        """Months from the start: civil months, and the share of the month that a day lies in."""
        whole = (date.year - self.start.year) * 12 + date.month - self.start.month
        while add_months(self.start, whole) > date:
            whole -= 1
        first, last = add_months(self.start, whole), add_months(self.start, whole + 1)
        return whole + Decimal((date - first).days) / (last - first).days

    def compound(self, table):
        """Compound growth, or logistic growth below a ceiling."""
        first, growth = Decimal(table["start"]["customers"]), share(table["monthly"])
        if "ceiling" not in table:
            return lambda time: first * (1 + growth) ** time
        ceiling = max(Decimal(table["ceiling"][1]), first)
        return lambda time: ceiling / (1 + (ceiling - first) / first * (1 + growth) ** -time)

    def planned(self, plan):
        """A plan: geometric between its rows, level after the last."""
        rows = [(self.time(date), customers) for date, customers in plan]

        def customers(time):
            for (t0, n0), (t1, n1) in zip(rows, rows[1:]):
                if time <= t1:
                    return n0 * (n1 / n0) ** ((time - t0) / (t1 - t0))
            return rows[-1][1]

        return customers

    def event(self, table):
        """An event of the study."""
        first = as_date(table["date"])
        last = add_span(first, table["ramp"]) if "ramp" in table else first
        self.days |= {first, last}
        return Event(
            self.time(first), self.time(last), table["customers"].endswith("%"), share(table["customers"])
        )

    def customers(self, day, is_after=True):
        """Customers on a day, with or without what happens at once on it."""
        customers = self.base(self.time(day))
        for event in self.events:
            part = event.part(self.time(day), is_after)
            if event.is_relative:
                customers *= 1 + event.size * part
            else:
                customers += event.size * part
        return max(customers, ONE)

    def parts(self, month, days):
        """The parts of a month as pairs of knots: cut where events begin or end, and on some days."""
        first, last = self.dates[month], self.dates[month + 1]
        inside = sorted(day for day in {*days, *self.days} if first < day < last)
        for d0, d1 in zip([first, *inside], [*inside, last]):
            # At the beginning of a part what happens at once has happened; at its end it has not.
            before = Knot(d0, self.time(d0), self.customers(d0))
            yield before, Knot(d1, self.time(d1), self.customers(d1, is_after=False))


def add_span(date, text):
    """A date after a calendar span: `"6 weeks"`."""
    number, unit = text.split()
    number, unit = int(number), unit.rstrip("s")
    if unit in ("day", "week"):
        return date + datetime.timedelta(days=number * {"day": 1, "week": 7}[unit])
    return add_months(date, number * {"month": 1, "year": 12}[unit])


def read_plan(path):
    """Rows of a plan: date and customers."""
    with open(path, newline="") as file:
        table = list(csv.DictReader(file))
    return [
        (datetime.date.fromisoformat(row.get("date") or row["month"] + "-01"), Decimal(row["customers"]))
        for row in table
    ]
