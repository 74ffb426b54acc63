"""Inputs of tests/oracle: values, formulas, draws, what customers do and how many there are.

Every uncertain number is an array with one entry per draw. Entry 0 is the point estimate: there every random
number is 0. What is not covered raises `NotCovered`: no study passes because a part of it was ignored.
"""

import ast
import calendar
import csv
import datetime
import json
import math
import tomllib
from typing import NamedTuple

import numpy as np

Z90 = 1.6448536269514722  # normal quantile at 95 %: a range holds the central 90 %
DAYS_PER_MONTH = 365 / 12
DAYS = {"second": 1 / 86400, "minute": 1 / 1440, "hour": 1 / 24, "day": 1, "week": 7, "month": DAYS_PER_MONTH}


class NotCovered(Exception):
    """A part of a study that this check does not compute."""


class Study:
    """A study's folder: `nest.toml`, `scaling.json`, and its price books in `pricing/`."""

    def __init__(self, folder, as_of):
        self.folder, self.as_of = folder, datetime.date.fromisoformat(as_of)
        self.table = tomllib.loads((folder / "nest.toml").read_text())
        self.model = json.loads((folder / "scaling.json").read_text())
        self.pricing = folder / "pricing"
        for key in ["data", "slo"]:
            if key in self.table:
                raise NotCovered(f"[{key}]")
        if self.model["throughput"].get("hidden_bottleneck") or self.model["error_onset"]["first_failing"]:
            raise NotCovered("a hidden bottleneck, or an onset of errors")

    def growth(self):
        """The growth scenario of the headline."""
        scenarios = self.table["growth"]
        return scenarios[self.table.get("report", {}).get("growth") or min(scenarios)]


# Values as a study writes them


def share(value):
    """A share: `"30%"` or `0.3`."""
    if isinstance(value, str) and value.endswith("%"):
        return float(value[:-1]) / 100
    return float(value)


def as_date(value):
    """A date, quoted or not."""
    return value if isinstance(value, datetime.date) else datetime.date.fromisoformat(value)


def add_months(date, months):
    """The same day some months later; the last day of the month where it has no such day."""
    month = date.month - 1 + months
    year, month = date.year + month // 12, month % 12 + 1
    return date.replace(year=year, month=month, day=min(date.day, calendar.monthrange(year, month)[1]))


def add_span(date, text):
    """A date after a calendar span: `"6 weeks"`."""
    number, unit = text.split()
    number, unit = int(number), unit.rstrip("s")
    if unit in ("day", "week"):
        return date + datetime.timedelta(days=number * {"day": 1, "week": 7}[unit])
    return add_months(date, number * {"month": 1, "year": 12}[unit])


class Formula:
    """Formulas of a study: Python's arithmetic on arrays, with times in days."""

    FUNCTIONS = {
        "min": np.minimum,
        "max": np.maximum,
        "ceil": np.ceil,
        "floor": np.floor,
        "elastic": lambda x, x0, e: (x / x0) ** -e,
    }
    OPERATORS = {ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide}

    def __init__(self, names):
        """`names` maps a name to its value, or to a table of values for `name.value`."""
        self.names = {**DAYS, **names}

    def value(self, text):
        """The value of a formula, or of a plain number."""
        return self.node(ast.parse(str(text), mode="eval").body)

    def node(self, node):
        """The value of one node of its tree."""
        match node:
            case ast.Constant(value=number) if isinstance(number, (int, float)):
                return number
            case ast.Name(id=name) if name in self.names:
                return self.names[name]
            case ast.Attribute(value=ast.Name(id=name), attr=part):
                return self.names[name][part]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.node(operand)
            case ast.BinOp(op=operator) if type(operator) in self.OPERATORS:
                return self.OPERATORS[type(operator)](self.node(node.left), self.node(node.right))
            case ast.Call(func=ast.Name(id=name)) if name in self.FUNCTIONS:
                return self.FUNCTIONS[name](*map(self.node, node.args))
        raise NotCovered(f"the formula {ast.unparse(node)}")


# Draws


class Draws:
    """Random numbers of one study: `count` draws behind the point estimate."""

    def __init__(self, count, seed):
        self.size = count + 1
        self.random = np.random.default_rng(seed)
        self.speeds = {}

    def normal(self):
        """A standard normal number per draw."""
        numbers = self.random.standard_normal(self.size)
        numbers[0] = 0
        return numbers

    def spread(self, value, low, high, normal=None):
        """A value with a central 90 % range: normal on either side, each with its own width."""
        normal = self.normal() if normal is None else normal
        return value + normal / Z90 * np.where(normal > 0, high - value, value - low)

    def student(self, centre, covariance, freedom):
        """Multivariate t around a centre, a row per coordinate."""
        eigen, vectors = np.linalg.eigh(np.array(covariance))
        root = vectors * np.sqrt(np.maximum(eigen, 0))
        normal = self.random.standard_normal((len(centre), self.size))
        shrink = np.sqrt(freedom / self.random.chisquare(freedom, self.size))
        deviation = root @ normal * shrink
        deviation[:, 0] = 0
        return np.array(centre)[:, None] + deviation

    def speed(self, kind, low, high):
        """Speed of a kind of hardware within a range: what is equal is equally fast in a draw."""
        if kind not in self.speeds:
            self.speeds[kind] = self.normal()
        return np.maximum(self.spread((low + high) / 2, low, high, self.speeds[kind]), low / 2)


class Resource:
    """Draws of the demand on one resource."""

    def __init__(self, model, draws):
        behaviours = sorted(model["demand"])
        dependence = model.get("load_dependence")
        if model.get("size_dependence") or model.get("leak"):
            raise NotCovered(f"stored data or a leak of {model['name']}")
        centre = [model["idle"]["value"], *(model["demand"][name]["value"] for name in behaviours)]
        centre += [dependence["slope"]["value"]] if dependence else []
        rows = np.maximum(draws.student(centre, model["covariance"], model["degrees_of_freedom"]), 0)
        self.name, self.tier, self.kind = model["name"], model["tier"], model["kind"]
        self.capacity = model["capacity"]
        self.idle = rows[0]
        self.demand = dict(zip(behaviours, rows[1:]))
        self.slope = np.minimum(rows[-1], 1) if dependence else np.zeros(draws.size)
        self.mean = dependence["mean_idleness"] if dependence else 0.0
        self.rising = bool(dependence and dependence.get("rising"))

    def factor(self, utilisation):
        """By how much demand differs at a utilisation from what is stated."""
        level = utilisation**2 if self.rising else (1 - utilisation) ** 2
        return 1 + self.slope * (level - self.mean)

    def per_execution(self, rates, behaviours=None):
        """Demand that all executions of some behaviours cause, in the unit of their rates."""
        names = self.demand if behaviours is None else behaviours
        return sum(rates[name] * self.demand[name] for name in names)


# Customers and what they do


class Rates:
    """Executions per customer and day, by behaviour, at a time in months from the start of growth."""

    def __init__(self, table, draws):
        names = {}
        for name, value in table.get("parameters", {}).items():
            names[name] = drawn_parameter(value, draws)
        for name, accrual in table.get("mechanisms", {}).items():
            names[name] = mechanism(Formula(names), accrual)
        self.segments = []
        for segment in table.get("segments", {"everybody": {"share": 1}}).values():
            rates = rate_table(names, table["rates"] | segment.get("rates", {}))
            self.segments.append((share(segment["share"]), share(segment.get("growth", 0)), rates))

    def at(self, months):
        """Mean rates over the customers of all segments, each of which grows relative to the others."""
        weights = [size * (1 + growth) ** months for size, growth, _ in self.segments]
        whole = sum(weights)
        return {
            name: sum(weight / whole * rates[name] for weight, (_, _, rates) in zip(weights, self.segments))
            for name in self.segments[0][2]
        }


def drawn_parameter(value, draws):
    """A parameter: a number, or a table with a range."""
    table = value if isinstance(value, dict) else {"value": value}
    low, high = table.get("range", [table["value"]] * 2)
    return draws.spread(table["value"], low, high)


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
            joined = np.maximum(1, np.ceil(ratio))
            items = (joined - 1) / 2
        case other:
            raise NotCovered(f"{other} lumps")
    return {"payments": lumps / joined, "lumps": lumps, "mean_payment": lump * joined, "open_items": items}


class Knot(NamedTuple):
    """Customers on a day of a trajectory; between two knots they change geometrically."""

    date: datetime.date
    time: float  # months from the start
    customers: np.ndarray
    is_month: bool  # whether a month begins or the last one ends there


class Trajectory:
    """Customers of a growth scenario: at each month, and where an event begins or ends."""

    def __init__(self, table, folder, draws):
        if "history" in table:
            raise NotCovered("a history")
        self.draws = draws
        plan = read_plan(folder / table["plan"]) if "plan" in table else None
        self.start = plan[0][0] if plan else as_date(table["start"]["date"])
        months = table.get("months") or (math.ceil(self.time(plan[-1][0])) if plan else 24)
        self.dates = [add_months(self.start, month) for month in range(months + 1)]
        self.base = self.planned(plan) if plan else self.compound(table)
        events = [self.event(event) for event in table.get("events", [])]
        self.events = sorted(
            events, key=lambda event: event[0]
        )  # an earlier one is there when a later one comes
        self.knots = list(self.between_events())

    def time(self, date):
        """Months from the start: civil months, and the share of the month that a day lies in."""
        whole = (date.year - self.start.year) * 12 + date.month - self.start.month
        while add_months(self.start, whole) > date:
            whole -= 1
        first, last = add_months(self.start, whole), add_months(self.start, whole + 1)
        return whole + (date - first).days / (last - first).days

    def compound(self, table):
        """Compound growth, or logistic growth below a ceiling."""
        first, change = float(table["start"]["customers"]), share(table["monthly"])
        growth = self.draws.spread(change, *map(share, table.get("range", [change] * 2)))
        growth = np.maximum(growth, -0.99)
        if "ceiling" not in table:
            return lambda time: first * (1 + growth) ** time
        low, middle, high = np.log(table["ceiling"])
        ceiling = np.maximum(np.exp(self.draws.spread(middle, low, high)), first)
        return lambda time: ceiling / (1 + (ceiling - first) / first * (1 + growth) ** -time)

    def planned(self, plan):
        """A plan: geometric between its rows, level after the last; all rows share one normal number."""
        normal = self.draws.normal()
        times = [self.time(date) for date, *_ in plan]
        logs = [self.draws.spread(*np.log(row), normal) for _, *row in plan]

        def customers(time):
            after = int(np.searchsorted(times, time))
            if after in (0, len(times)):
                return np.exp(logs[min(after, len(times) - 1)])
            part = (time - times[after - 1]) / (times[after] - times[after - 1])
            return np.exp(logs[after - 1] + part * (logs[after] - logs[after - 1]))

        return customers

    def event(self, table):
        """First and last day of an event, whether it is relative, and its size."""
        first = as_date(table["date"])
        last = add_span(first, table["ramp"]) if "ramp" in table else first
        relative = table["customers"].endswith("%")
        size = share if relative else float
        low, high = map(size, table.get("range", [table["customers"]] * 2))
        return first, last, relative, self.draws.spread(size(table["customers"]), low, high)

    def between_events(self):
        """All knots. What happens at once makes two of a day: customers just before it, and with it."""
        begins_or_ends = {date for event in self.events for date in event[:2]}
        inside = {date for date in begins_or_ends if self.dates[0] < date <= self.dates[-1]}
        for date in sorted({*self.dates, *inside}):
            time, is_month = self.time(date), date in self.dates
            if any(first == last == date for first, last, *_ in self.events) and date > self.start:
                yield Knot(date, time, self.with_events(date, sudden=False), False)
            yield Knot(date, time, self.with_events(date, sudden=True), is_month)

    def with_events(self, date, sudden):
        """Customers of a day, with or without what happens at once on that day."""
        customers = self.base(self.time(date))
        for first, last, is_relative, size in self.events:
            if date < first or (first == last == date and not sudden):
                continue
            part = 1.0 if date >= last else (date - first).days / (last - first).days
            customers = customers * (1 + size * part) if is_relative else customers + size * part
        return np.maximum(customers, 1)


def read_plan(path):
    """Rows of a plan: date, customers, low and high."""
    with open(path, newline="") as file:
        table = list(csv.DictReader(file))
    rows = []
    for row in table:
        day = datetime.date.fromisoformat(row.get("date") or row["month"] + "-01")
        rows.append((day, *(float(row.get(key) or row["customers"]) for key in ["customers", "low", "high"])))
    return rows
