"""Price books in layers, and what a quantity costs by them, in decimals, for tests/bills."""

import tomllib
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from bills_study import ONE, as_date, whole_up

BYTES_PER = {
    **{"GB": Decimal(10**9), "TB": Decimal(10**12)},
    **{"MiB": Decimal(2**20), "GiB": Decimal(2**30), "TiB": Decimal(2**40), "KiB": Decimal(2**10)},
}
INSTANCES = "instance.on_demand"  # what a meter may be a share of
UNKNOWN = None  # the amount of what has no price


class Book:
    """A price book with the study's own over it, and its rate of exchange into the study's currency."""

    def __init__(self, study, name, shipped):
        self.name, self.provider = name, name.split("/")[0]
        layers = [folder / f"{name}.toml" for folder in (Path(shipped), study.folder / "pricing")]
        tables = [tomllib.loads(path.read_text()) for path in layers if path.exists()]
        self.rows = {kind: {} for kind in ("meter", "instance", "commitment", "plan", "limit")}
        self.adjustments = []
        for table in tables:
            for kind, rows in self.rows.items():
                self.lay(kind, rows, table.get(kind, []))
            self.adjustments += table.get("adjustment", [])
        self.month_hours = Decimal(tables[-1]["month_hours"])
        currency = tables[-1]["currency"]
        self.rate = ONE if currency == study.currency else Decimal(study.table["exchange"][currency]["rate"])

    def lay(self, kind, rows, later):
        """Lays rows over those that are there: a later one takes its days, the others keep their own."""
        names = {"instance": "sku"}
        for row in reversed(later):
            name = row[names.get(kind, "id")]
            rows.setdefault(name, []).insert(0, row)

    def row(self, kind, name, day):
        """The row of that name that holds on a day, or nothing."""
        for row in self.rows[kind].get(name, []):
            since, until = row.get("effective_from"), row.get("effective_to")
            if (since is None or as_date(since) <= day) and (until is None or day < as_date(until)):
                return row
        return None

    def days_of_change(self, kind, name):
        """Days on which a price of that name changes."""
        def priced(day):
            row = self.row(kind, name, day) or {}
            return [row.get(key) for key in ("price", "free", "included")]

        for row in self.rows[kind].get(name, []):
            for key in ("effective_from", "effective_to"):
                if key in row:
                    day = as_date(row[key])
                    if priced(day) != priced(day - timedelta(days=1)):
                        yield day

    def limit(self, name):
        """The value of a limit, or nothing."""
        rows = self.rows["limit"].get(name)
        return Decimal(rows[0]["value"]) if rows else None

    def contract(self, name):
        """What adjustments of the contract leave of a price."""
        factor = ONE
        for one in sorted(self.adjustments, key=lambda one: one["order"]):
            selector = one["selector"]
            applies = name.startswith(selector[:-1]) if selector.endswith("*") else name == selector
            factor *= (100 + Decimal(one["percent"])) / 100 if applies else ONE
        return factor


# Tiers


def tiered(quantity, price, free):
    """Amount of a quantity, what is free inside the first tiers; None where a tier has no price."""
    mode, per = price.get("mode", "graduated"), Decimal(price.get("per", "1"))
    tiers = [
        (Decimal(tier.get("up_to", "Infinity")), tier.get("amount")) for tier in price.get("tiers", [price])
    ]
    if mode == "volume":
        amount = next(amount for bound, amount in tiers if quantity <= bound)
        if quantity <= free:
            return Decimal(0)
        return UNKNOWN if amount is None else (quantity - free) * Decimal(amount) / per
    if mode == "package":
        # Whole packages of what exceeds the free part.
        exceeding = max(quantity - free, Decimal(0))
        quantity = free + whole_up(exceeding / per) * per
    total, below = Decimal(0), Decimal(0)
    for bound, amount in tiers:
        part = max(min(bound, quantity) - max(below, free), Decimal(0))
        if part and amount is None:
            return UNKNOWN
        total += part * Decimal(amount) if part else 0
        below = bound
    return total / per


def lasting_free(row):
    """Free units of a meter on which a forecast may count, and the pool that they are shared in, if any."""
    free = row.get("free", {"kind": "none"})
    counts = free["kind"] in ("always", "included")
    return (Decimal(free["quantity"]), free.get("pool")) if counts else (Decimal(0), None)


class Metered:
    """The quantity of one meter in a month, and what comes off it."""

    def __init__(self, row):
        self.row, self.quantity = row, Decimal(0)
        self.by_behaviour = defaultdict(Decimal)  # the part of it that each behaviour causes
        self.included = Decimal(0)  # by instances, and by resources of the book
        self.resources = ONE

    def billed(self, plan):
        """What is left after what instances, resources and a plan include."""
        quantity = max(self.quantity - self.included, Decimal(0))
        for inclusion in plan.get("includes", []) if plan else []:
            if inclusion["meter"] == self.row["id"]:
                quantity = max(quantity - Decimal(inclusion["quantity"]), Decimal(0))
        return quantity


def bill_of_meters(metered, plans, listed):
    """List amount of each meter: `metered` by book and name, `plans` by book; `listed` of all instances.

    What is free in a pool comes off before the tiers, shared in proportion to use; without a pool it lies
    inside the first tier.
    """
    pools, found = {}, {}
    quantities = {key: one.billed(plans.get(key[0])) for key, one in metered.items()}
    for key, one in metered.items():
        pool = lasting_free(one.row)[1]
        pools[key[0], pool] = pools.get((key[0], pool), Decimal(0)) + quantities[key]
    for key, one in metered.items():
        quantity, (free, pool) = quantities[key], lasting_free(one.row)
        if "percent_of" in one.row:
            continue
        if "price" not in one.row:
            found[key] = UNKNOWN if quantity else Decimal(0)
            continue
        if pool:
            together = pools[key[0], pool]
            quantity -= quantity / together * min(free, together) if together else 0
            free = Decimal(0)
        price = one.row["price"]
        if price.get("scope") in ("volume", "resource"):
            each = tiered(quantity / one.resources, price, free)
            found[key] = UNKNOWN if each is UNKNOWN else each * one.resources
        else:
            found[key] = tiered(quantity, price, free)
    for key, one in metered.items():
        if "percent_of" in one.row:  # of what something else costs at list price
            of = one.row["percent_of"]
            whole = (
                listed / key[0].rate
                if of["meter"] == INSTANCES
                else found.get((key[0], of["meter"]), Decimal(0))
            )
            each = Decimal(of["percent"]) / 100 * quantities[key]
            found[key] = UNKNOWN if whole is UNKNOWN else whole * each
    return found


# Instances


def price_of_month(row, month_hours):
    """List price of an instance that runs all month, or None."""
    price = row["price"]
    if "on_demand" not in price:
        return UNKNOWN
    return Decimal(price["on_demand"]) * (month_hours if price["unit"] == "h" else 1)


def month_steps(row, month_hours):
    """Parts of a month and the share of the list price that is paid in each."""
    price = row["price"]
    if price.get("sustained"):
        return [(Decimal(one["up_to"]), Decimal(one["factor"])) for one in price["sustained"]]
    if "hourly" in price:
        factor = Decimal(price["hourly"]) * month_hours / Decimal(price["on_demand"])
        if factor > 1:
            return [(1 / factor, factor), (ONE, Decimal(0))]
        return [(ONE, factor)]
    return [(ONE, ONE)]


def months_at_list(running, steps):
    """Instance-months at list price, of units that run in shares of the month: `(units, share)`.

    One that runs more of a month pays less for the later part of it.
    """
    total, most = Decimal(0), max((units for units, _ in running), default=Decimal(0))
    for unit in range(int(whole_up(most))):
        # Savings plans may leave a part of a unit.
        runs, below = (
            sum(min(max(units - unit, Decimal(0)), ONE) * part for units, part in running),
            Decimal(0),
        )
        for bound, factor in steps:
            total += max(min(runs, bound) - below, Decimal(0)) * factor
            below = bound
    return total
