//! Explanation of the lines of a placement's units: units times price.

use nest_data::{
    explanation::{Basis, ExplanationNode},
    price_book::{Commitment, Instance, InstanceUnit},
    projection::{CostDriver, CostLine},
};
use rust_decimal::Decimal;

use super::{
    super::{meters::seen, placed::committed_factor},
    counts::{ExplainedUnits, one},
};

impl ExplainedUnits<'_, '_> {
    /// A line of the bill; `None` if it has no price, or is nothing that units cause.
    pub(super) fn line(&self, line: &CostLine) -> Option<ExplanationNode> {
        let (instance, amount) = (self.units.instance?, line.amount?);
        let (quantity, price) = if line.meter == instance.sku {
            (self.list_quantity(line), self.list_price(instance)?)
        } else {
            self.change(instance, line)?
        };
        let quantity = quantity.valued(line.quantity);
        let (name, detail) = match (&line.behaviour, line.driver) {
            (Some(behaviour), _) => (behaviour.clone(), "units x price".to_owned()),
            (None, CostDriver::Unused) => unused(line),
            (None, driver) if line.meter == instance.sku => {
                (driver.label().to_owned(), "units x price".to_owned())
            }
            _ => (line.meter.clone(), "units x price".to_owned()),
        };
        let currency = &self.config.study.study.currency;
        let node = ExplanationNode::computed(Basis::Product, name, currency, vec![quantity, price]);
        Some(node.valued(amount).detailed(detail))
    }

    /// Unit-months of a line at list price.
    fn list_quantity(&self, line: &CostLine) -> ExplanationNode {
        let (name, unit) = (
            format!(
                "{} for {}",
                line.unit,
                line.behaviour.as_deref().unwrap_or(line.driver.label())
            ),
            line.unit.as_str(),
        );
        let node = |basis: Basis, parts: Vec<ExplanationNode>| {
            ExplanationNode::computed(basis, name.clone(), unit, parts)
        };
        let with_load = |mut parts: Vec<ExplanationNode>| {
            parts.extend(self.mean_load());
            parts
        };
        let of_needed = |share: Vec<ExplanationNode>| {
            let mut parts = with_load(vec![self.needed()]);
            parts.extend(share);
            node(Basis::Product, parts)
        };
        match (&line.behaviour, line.driver) {
            (Some(behaviour), _) => {
                let work = with_load(vec![self.busy(behaviour)]);
                let mean = format!("processors that {behaviour} keeps busy in a mean hour");
                let work = ExplanationNode::computed(Basis::Product, mean, "cores", work);
                node(Basis::Quotient, vec![work, self.cores()])
            }
            (None, CostDriver::Idle) => {
                let work = with_load(vec![self.needed(), self.idle()]);
                let work =
                    ExplanationNode::computed(Basis::Product, "use without load of all units", "cores", work);
                node(Basis::Quotient, vec![work, self.cores()])
            }
            (None, CostDriver::Reserve) => of_needed(vec![self.reserve()]),
            (None, CostDriver::Queueing) => of_needed(vec![self.queueing()]),
            (None, CostDriver::Forecast) => of_needed(vec![self.without_queueing(), self.forecast()]),
            (None, CostDriver::Objective) => {
                let left = vec![one(), self.reserve(), self.target()];
                of_needed(vec![ExplanationNode::computed(
                    Basis::Difference,
                    "share kept for objectives",
                    "",
                    left,
                )])
            }
            (None, CostDriver::Spare) => self.spare(),
            _ => {
                let running =
                    self.by_hours("mean number of units that run", "units", &|load| self.whole(load));
                let bound = with_load(vec![self.needed()]);
                let bound = ExplanationNode::computed(
                    Basis::Product,
                    "units that the lines above account for",
                    "units",
                    bound,
                );
                node(Basis::Difference, vec![running, self.spare(), bound])
            }
        }
    }

    /// What changes the list price of some units: how many, and by how much.
    fn change(&self, instance: &Instance, line: &CostLine) -> Option<(ExplanationNode, ExplanationNode)> {
        let list = self.list_price(instance)?;
        let currency = self.config.study.study.currency.as_str();
        let instead = |price: ExplanationNode| {
            ExplanationNode::computed(
                Basis::Difference,
                "price instead of the list price",
                currency,
                vec![price, list.clone()],
            )
        };
        if let Some(spot) = self
            .units
            .spot
            .filter(|_| line.meter == format!("{} spot", instance.sku))
        {
            let price = self.month_price("spot price", spot.per_hour, &line.source);
            return Some(if line.driver == CostDriver::Spare {
                let kept = self.by_hours("mean number of units kept", "units", &|load| {
                    self.kept_for_spot(load, spot)
                });
                (kept, price)
            } else {
                let used = self.by_hours("mean number of units on spot capacity", "units", &|load| {
                    self.on_spot(load, spot)
                });
                (used, instead(price))
            });
        }
        if let Some(position) = self
            .units
            .commitments
            .iter()
            .position(|(one, _)| one.id == line.meter)
        {
            let price = self.commitment_price(self.units.commitments[position].0);
            let used = self.committed(position);
            return Some(if line.driver == CostDriver::Unused {
                let bought = bought(&line.meter, self.units.commitments[position].1);
                let unused = vec![bought, used];
                (
                    ExplanationNode::computed(
                        Basis::Difference,
                        "units that are committed and not used",
                        "units",
                        unused,
                    ),
                    price,
                )
            } else {
                (used, instead(price))
            });
        }
        if line.driver != CostDriver::Discount || line.unit == "%" {
            return None;
        }
        let nothing = || {
            ExplanationNode::leaf(
                "price instead",
                0,
                currency,
                Basis::Priced,
                "it is paid elsewhere, or not at all",
            )
        };
        if line.meter.ends_with("covered by savings plans") {
            let month = ExplanationNode::leaf(
                "hours of a month",
                self.placed.book.month_hours,
                "h",
                Basis::Priced,
                self.placed.book.name(),
            );
            let hours = line.quantity.0 * self.placed.book.month_hours.0;
            let hours = ExplanationNode::leaf(
                "hours of units that savings plans cover",
                hours.normalize(),
                "h",
                Basis::Fitted,
                "hour by hour, the highest discount first",
            );
            let covered = ExplanationNode::computed(
                Basis::Quotient,
                "units that savings plans cover",
                "units",
                vec![hours, month],
            );
            return Some((covered, instead(nothing())));
        }
        Some((self.saved_by_sustained_use(), instead(nothing())))
    }

    /// Unit-months that are not paid, because units run for most of a month.
    fn saved_by_sustained_use(&self) -> ExplanationNode {
        let committed: u32 = self.units.commitments.iter().map(|(_, count)| count).sum();
        let listed = self.by_hours(
            "mean number of units at list price or committed",
            "units",
            &|load| self.listed(load),
        );
        let mut paid = Vec::new();
        if committed > 0 {
            paid.push(self.within(committed, "units under commitments"));
        }
        let beyond = |load: f64| {
            if committed == 0 {
                return self.listed(load);
            }
            let left = vec![self.listed(load), bought("all commitments", committed)];
            let left =
                ExplanationNode::computed(Basis::Difference, "units less those committed", "units", left);
            let none = ExplanationNode::leaf("at least", 0, "units", Basis::Assumed, "");
            ExplanationNode::computed(
                Basis::Maximum,
                "units beyond commitments",
                "units",
                vec![left, none],
            )
        };
        // Units that run in the busiest hours only run for a share of the month.
        let bins: Vec<(f64, f64)> = match self.placed.placement.scale {
            nest_data::config::Scaling::Growth => vec![(1.0, 1.0)],
            nest_data::config::Scaling::Hourly => {
                self.config.bins.iter().map(|bin| (bin.share, bin.load)).collect()
            }
        };
        let mut share = 0.0;
        for (position, (part, load)) in bins.iter().enumerate() {
            share += part;
            let here = beyond(*load);
            let units = match bins.get(position + 1) {
                Some((_, next)) => ExplanationNode::computed(
                    Basis::Difference,
                    "units that run in these hours and no quieter ones",
                    "units",
                    vec![here, beyond(*next)],
                ),
                None => here,
            };
            if units.number() > 0.0 {
                let name = format!("units that run for {share} of the month, as paid");
                paid.push(ExplanationNode::computed(
                    Basis::Product,
                    name,
                    "units",
                    vec![units, self.paid_share(share)],
                ));
            }
        }
        let paid = ExplanationNode::computed(Basis::Sum, "units as paid", "units", paid);
        ExplanationNode::computed(
            Basis::Difference,
            self.named("units not paid"),
            "units",
            vec![listed, paid],
        )
    }

    /// What running for a share of a month is paid as.
    fn paid_share(&self, share: f64) -> ExplanationNode {
        let schedule = self
            .units
            .sustained
            .as_ref()
            .map_or(&[][..], |schedule| schedule.parts());
        let end = |end: f64| {
            ExplanationNode::leaf(
                "up to",
                end,
                "of the month",
                Basis::Priced,
                self.placed.book.name(),
            )
        };
        let (mut low, mut parts) = (0.0, Vec::new());
        let last = schedule.last().map_or(1.0, |(_, factor)| *factor);
        for (up_to, factor) in schedule.iter().copied().chain([(f64::INFINITY, last)]) {
            let high = up_to.min(share);
            if high > low {
                let length = ExplanationNode::computed(
                    Basis::Difference,
                    "part of the month",
                    "of the month",
                    vec![end(high), end(low)],
                );
                let factor = ExplanationNode::leaf(
                    "share of the list price",
                    factor,
                    "",
                    Basis::Priced,
                    self.placed.book.name(),
                );
                parts.push(ExplanationNode::computed(
                    Basis::Product,
                    format!("up to {high} of the month"),
                    "of the month",
                    vec![length, factor],
                ));
                low = high;
            }
        }
        ExplanationNode::computed(
            Basis::Sum,
            format!("{share} of a month as paid"),
            "of the month",
            parts,
        )
    }

    /// Mean number of units within so many.
    fn within(&self, count: u32, name: &str) -> ExplanationNode {
        self.by_hours(name, "units", &|load| {
            let parts = vec![self.listed(load), bought(name, count)];
            ExplanationNode::computed(Basis::Minimum, format!("{name} in use"), "units", parts)
        })
    }

    /// Mean number of units that a commitment covers; those before it take up units first.
    fn committed(&self, position: usize) -> ExplanationNode {
        let counts = self.units.commitments.iter().map(|(_, count)| *count);
        let before: u32 = counts.clone().take(position).sum();
        let up_to: u32 = counts.take(position + 1).sum();
        let id = &self.units.commitments[position].0.id;
        let all = self.within(up_to, &format!("units under commitments up to {id}"));
        if before == 0 {
            return all;
        }
        let others = self.within(before, &format!("units under commitments before {id}"));
        ExplanationNode::computed(
            Basis::Difference,
            format!("units under {id}"),
            "units",
            vec![all, others],
        )
    }

    /// Price of one unit for a month under a commitment, with what is paid at once spread over its term.
    fn commitment_price(&self, commitment: &Commitment) -> ExplanationNode {
        let book = self.placed.book;
        let source = seen(book, &commitment.source);
        let leaf = |name: &str, value: Decimal, unit: &str| {
            ExplanationNode::leaf(name, value.normalize(), unit, Basis::Priced, &source)
        };
        let node =
            |basis: Basis, name: String, parts| ExplanationNode::computed(basis, name, &book.currency, parts);
        let at_once = vec![
            leaf("paid at once", commitment.upfront.0, &book.currency),
            leaf(
                "months of the term",
                Decimal::from(commitment.term_months),
                "months",
            ),
        ];
        let at_once = node(
            Basis::Quotient,
            "paid at once, spread over the term".to_owned(),
            at_once,
        );
        let recurring = match commitment.unit {
            InstanceUnit::H => {
                let hour = leaf(
                    "paid by the hour",
                    commitment.recurring.0,
                    &format!("{}/h", book.currency),
                );
                let month = leaf("hours of a month", book.month_hours.0, "h");
                node(Basis::Product, "paid in a month".to_owned(), vec![hour, month])
            }
            InstanceUnit::Month => leaf("paid in a month", commitment.recurring.0, &book.currency),
        };
        let month = node(
            Basis::Sum,
            format!("price of {} for a month at list", commitment.id),
            vec![at_once, recurring],
        );
        let mut parts = vec![month];
        let sku = self.placed.placement.sku.as_deref();
        let left = committed_factor(book, commitment, sku);
        if left != Decimal::ONE {
            let detail = format!("{} (own contract)", book.name());
            parts.push(ExplanationNode::leaf(
                "share left by the contract",
                left,
                "",
                Basis::Agreed,
                detail,
            ));
        }
        let currency = &self.config.study.study.currency;
        parts.extend(super::exchange(&book.currency, self.placed.exchange, currency));
        ExplanationNode::computed(
            Basis::Product,
            format!("price of {} for a month", commitment.id),
            currency,
            parts,
        )
    }

    /// List price of one unit for a month; `None` if it is not known.
    fn list_price(&self, instance: &Instance) -> Option<ExplanationNode> {
        let source = seen(self.placed.book, &instance.source);
        Some(self.month_price(&instance.sku, self.units.per_hour?, &source))
    }

    fn month_price(&self, name: &str, per_hour: Decimal, source: &str) -> ExplanationNode {
        let unit = format!("{}/h", self.placed.book.currency);
        let hour = ExplanationNode::leaf(name, per_hour.normalize(), unit, Basis::Priced, source);
        let month = self.of_month(&format!("price of one {name} for a month"), hour);
        let per_month = per_hour * self.placed.book.month_hours.0 * self.placed.exchange;
        month.valued(per_month.normalize())
    }

    /// A price for an hour, for a month and in the study's currency.
    fn of_month(&self, name: &str, hour: ExplanationNode) -> ExplanationNode {
        let (book, currency) = (self.placed.book, &self.config.study.study.currency);
        let month = ExplanationNode::leaf(
            "hours of a month",
            book.month_hours,
            "h",
            Basis::Priced,
            book.name(),
        );
        let mut parts = vec![hour, month];
        parts.extend(super::exchange(&book.currency, self.placed.exchange, currency));
        ExplanationNode::computed(Basis::Product, name, currency, parts)
    }
}

/// Name of a line for what nobody uses of a commitment, and which commitment that is.
pub(super) fn unused(line: &CostLine) -> (String, String) {
    (line.driver.label().to_owned(), format!("of {}", line.meter))
}

/// Units that a study commits to.
fn bought(name: &str, count: u32) -> ExplanationNode {
    ExplanationNode::leaf(
        format!("units bought: {name}"),
        count,
        "units",
        Basis::Assumed,
        "of the study",
    )
}
