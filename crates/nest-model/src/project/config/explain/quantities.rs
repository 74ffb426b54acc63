//! Explanation of what a meter counts: by behaviour, and what no single behaviour causes.

use nest_data::{
    config::{Driver, MeterUse},
    explanation::{Basis, ExplanationNode},
    units::DAYS_PER_MONTH,
};
use rust_decimal::Decimal;

use super::{
    super::{inputs::is_counter, meters::Counted, placed::Host, quantities::times_billed},
    meters::ExplainedMeter,
    rates::explain_bytes,
};
use crate::error::ModelError;

pub(super) fn assumed(name: &str, value: f64, unit: &str, detail: &str) -> ExplanationNode {
    ExplanationNode::leaf(name, value, unit, Basis::Assumed, detail)
}

pub(super) fn product(name: impl Into<String>, unit: &str, parts: Vec<ExplanationNode>) -> ExplanationNode {
    ExplanationNode::computed(Basis::Product, name, unit, parts)
}

impl ExplainedMeter<'_, '_> {
    /// What the meter counts in a month.
    pub(super) fn quantity(&self) -> Result<ExplanationNode, ModelError> {
        let (meter, config) = (self.meter(), self.config);
        let quantity = config.quantity(self.metered(), self.inputs);
        let (by_behaviour, shared) = config.decimals(&quantity, self.customers, self.inputs)?;
        let mut parts = Vec::new();
        for (position, units) in by_behaviour
            .iter()
            .enumerate()
            .filter(|(_, units)| !units.is_zero())
        {
            let name = format!("{} for {}", meter.unit, config.behaviours[position]);
            parts.push(
                self.whole(name, self.of_behaviour(position))
                    .valued(units.normalize()),
            );
        }
        if !shared.is_zero() {
            let name = format!("{} that no single behaviour causes", meter.unit);
            parts.push(self.whole(name, self.shared()).valued(shared.normalize()));
        }
        let all = by_behaviour.iter().sum::<Decimal>() + shared;
        let node = self.whole(format!("quantity of {}", meter.id), parts);
        Ok(node.valued(all.normalize()))
    }

    /// The sum of parts.
    fn whole(&self, name: String, parts: Vec<ExplanationNode>) -> ExplanationNode {
        if parts.is_empty() {
            return ExplanationNode::leaf(
                name,
                0,
                &self.meter().unit,
                Basis::Assumed,
                "nothing counts on it",
            );
        }
        self.units(Basis::Sum, name, parts)
    }

    fn customers(&self) -> ExplanationNode {
        assumed("customers", self.customers, "customers", "asked for")
    }

    fn days(&self) -> ExplanationNode {
        assumed("days of a month", DAYS_PER_MONTH, "days", "365 / 12")
    }

    pub(super) fn requests(&self, position: usize) -> ExplanationNode {
        let requests = self.config.requests[position];
        ExplanationNode::leaf(
            "requests of an execution",
            requests,
            "requests",
            Basis::Measured,
            &self.model.run,
        )
    }

    /// What one behaviour adds to the meter, by what counts on it.
    fn of_behaviour(&self, position: usize) -> Vec<ExplanationNode> {
        let name = &self.config.behaviours[position];
        let executions = || {
            let rate = self
                .config
                .explain_rate(name, self.inputs.rates_per_day[position]);
            product(
                format!("executions of {name} in a month"),
                "executions",
                vec![self.customers(), rate, self.days()],
            )
        };
        let mut parts = Vec::new();
        for counted in &self.metered().uses {
            let each = match counted {
                Counted::Requests(placed) if self.config.placed[*placed].carries[position] => {
                    vec![self.requests(position)]
                }
                Counted::MemorySeconds(placed) | Counted::ProcessorMs(placed) | Counted::HeldMs(placed)
                    if self.config.placed[*placed].carries[position] =>
                {
                    vec![
                        self.requests(position),
                        self.of_function(*placed, position, counted),
                    ]
                }
                Counted::Stated(used) if used.counts(name) => self.of_stated(used, position),
                _ => continue,
            };
            if each.is_empty() {
                continue;
            }
            let mut factors = vec![executions()];
            factors.extend(each);
            parts.push(self.units(Basis::Product, self.described(counted), factors));
        }
        parts
    }

    /// What a use of the meter counts, in words.
    fn described(&self, counted: &Counted<'_>) -> String {
        let (unit, config) = (&self.meter().unit, self.config);
        match counted {
            Counted::Requests(placed)
            | Counted::MemorySeconds(placed)
            | Counted::ProcessorMs(placed)
            | Counted::HeldMs(placed)
            | Counted::UnitHours(placed, _) => format!("{unit} by {}", config.placed[*placed].label),
            Counted::Stated(used) => format!("{unit} by {}", used.driver().label()),
        }
    }

    /// Units for each of what a use counts, as the study and the book say.
    fn times(&self, used: &MeterUse) -> ExplanationNode {
        let meter = self.meter();
        let of = format!(
            "`times` of the study for each of {}; 1 where it says nothing",
            used.driver().label()
        );
        let times = assumed("units for each", used.times(), &meter.unit, &of);
        let billed = times_billed(meter, used);
        let Some(included) = meter.included.as_ref().filter(|_| billed != used.times()) else {
            return times;
        };
        let free = ExplanationNode::leaf(
            "included in each",
            included.quantity,
            &meter.unit,
            Basis::Priced,
            self.metered().book.name(),
        );
        let left = self.units(
            Basis::Difference,
            "units beyond those included in each",
            vec![times, free],
        );
        self.units(
            Basis::Maximum,
            "units billed for each",
            vec![left, assumed("at least", 0.0, &meter.unit, "")],
        )
    }

    /// Factors of what one execution adds by a use that the study states; none if behaviours do not drive it.
    fn of_stated(&self, used: &MeterUse, position: usize) -> Vec<ExplanationNode> {
        let name = &self.config.behaviours[position];
        let bytes = || explain_bytes(self.model, name, self.inputs.bytes[position], self.inputs);
        let mut factors = match used.driver() {
            Driver::Requests => {
                let mut factors = vec![self.requests(position)];
                if let Some(chunk) = self.meter().chunk_bytes() {
                    let of_request = vec![bytes(), self.requests(position)];
                    let of_request =
                        ExplanationNode::computed(Basis::Quotient, "bytes of a request", "bytes", of_request);
                    let chunk = ExplanationNode::leaf(
                        "bytes of a chunk",
                        chunk.normalize(),
                        "bytes",
                        Basis::Priced,
                        self.metered().book.name(),
                    );
                    let chunks = ExplanationNode::computed(
                        Basis::Quotient,
                        "chunks",
                        "chunks",
                        vec![of_request, chunk],
                    );
                    let chunks =
                        ExplanationNode::computed(Basis::Ceiling, "whole chunks", "chunks", vec![chunks]);
                    let least = vec![chunks, assumed("at least", 1.0, "chunks", "")];
                    factors.push(ExplanationNode::computed(
                        Basis::Maximum,
                        "chunks of a request",
                        "chunks",
                        least,
                    ));
                }
                factors
            }
            Driver::Executions => Vec::new(),
            Driver::Counts => vec![self.count(used, position)],
            Driver::BytesSent => {
                let unit = ExplanationNode::leaf(
                    "bytes of a unit",
                    self.meter().bytes_per_unit(),
                    "bytes",
                    Basis::Priced,
                    &self.meter().unit,
                );
                vec![ExplanationNode::computed(
                    Basis::Quotient,
                    format!("{} of {name}", self.meter().unit),
                    &self.meter().unit,
                    vec![bytes(), unit],
                )]
            }
            _ => return Vec::new(),
        };
        factors.push(self.times(used));
        factors
    }

    /// What an execution adds to a count, without what counts elsewhere.
    fn count(&self, used: &MeterUse, position: usize) -> ExplanationNode {
        let behaviour = &self.config.behaviours[position];
        let leaf = |count: &str| {
            let amount = self
                .inputs
                .counts
                .get(count)
                .map_or(0.0, |amounts| amounts[position]);
            let study = self.config.study;
            let is_stated = study
                .behaviours
                .get(behaviour)
                .is_some_and(|one| one.stated_amount(count).is_some());
            let counter = self
                .model
                .resources
                .iter()
                .find(|resource| is_counter(resource, count));
            let (basis, detail) = if let Some(counter) = counter {
                (
                    Basis::Fitted,
                    format!("{}, {}", counter.name, super::fitted(self.model)),
                )
            } else if is_stated {
                (Basis::Assumed, format!("behaviours/{behaviour}.toml"))
            } else {
                (
                    Basis::Measured,
                    format!("mean of an execution, {}", self.model.run),
                )
            };
            ExplanationNode::leaf(format!("{count} of an execution"), amount, count, basis, detail)
        };
        let (Some(count), without) = (used.count(), used.without()) else {
            return assumed("count of an execution", 0.0, "", "the study names none");
        };
        let Some(without) = without else {
            return leaf(count);
        };
        let left = vec![leaf(count), leaf(without)];
        let left = ExplanationNode::computed(
            Basis::Difference,
            format!("{count} without {without}"),
            count,
            left,
        );
        let least = vec![left, assumed("at least", 0.0, count, "")];
        ExplanationNode::computed(
            Basis::Maximum,
            format!("{count} of an execution that are paid here"),
            count,
            least,
        )
    }

    /// What counters that probes read count in a month without load; nothing for what behaviours count.
    fn idle_counts(&self, used: &MeterUse) -> Option<Vec<ExplanationNode>> {
        let config = self.config;
        let idle = |count: Option<&str>| self.inputs.count_idle.get(count?).copied();
        let all = config.behaviours.iter().all(|behaviour| used.counts(behaviour));
        let value = idle(used.count()).filter(|_| all)? - idle(used.without()).unwrap_or(0.0);
        let second = ExplanationNode::leaf(
            "counted in a second without load",
            value.max(0.0),
            "",
            Basis::Fitted,
            super::fitted(self.model),
        );
        let month = ExplanationNode::leaf(
            "hours of a month",
            config.month_hours,
            "h",
            Basis::Priced,
            config.book().name(),
        );
        Some(vec![
            second,
            assumed("seconds of an hour", 3_600.0, "s", ""),
            month,
        ])
    }

    /// What a meter counts that no single behaviour causes.
    fn shared(&self) -> Vec<ExplanationNode> {
        let (meter, config) = (self.meter(), self.config);
        let month = || {
            ExplanationNode::leaf(
                "hours of a month",
                config.month_hours,
                "h",
                Basis::Priced,
                config.book().name(),
            )
        };
        let month_of = |placed: usize| match &config.placed[placed].host {
            Host::Units(units) => ExplanationNode::leaf(
                "hours of a month",
                units.month_hours,
                "h",
                Basis::Priced,
                config.placed[placed].book.name(),
            ),
            Host::Function(_) => month(),
        };
        let hours = |placed: usize| {
            let units = config.explained_units(self.model, placed, self.customers, self.inputs);
            let units = units.map_or_else(
                || assumed("units that run", 0.0, "units", "functions"),
                |units| units.running(),
            );
            let name = format!("hours of the units of {}", config.placed[placed].label);
            product(name, "h", vec![units, month_of(placed)])
        };
        let had = || {
            let units = self.metered().units_of_month();
            let detail = format!("{} of a month of {}", meter.unit, self.metered().book.name());
            ExplanationNode::leaf("units in a month", units, &meter.unit, Basis::Priced, detail)
        };
        let mut parts = Vec::new();
        for counted in &self.metered().uses {
            match counted {
                Counted::UnitHours(placed, times) => {
                    let times = ExplanationNode::leaf(
                        "for each hour of a unit",
                        *times,
                        &meter.unit,
                        Basis::Assumed,
                        "size of a task, of the study",
                    );
                    parts.push(self.units(
                        Basis::Product,
                        self.described(counted),
                        vec![hours(*placed), times],
                    ));
                }
                Counted::Stated(used) => {
                    let factors: Vec<Vec<ExplanationNode>> = match used.driver() {
                        Driver::Hours => vec![vec![had()]],
                        Driver::Fixed => vec![Vec::new()],
                        Driver::Stored => vec![vec![assumed(
                            "stored items",
                            self.inputs.stored.unwrap_or(0.0),
                            "items",
                            "of the study, at these customers",
                        )]],
                        Driver::Customers => vec![vec![self.customers()]],
                        Driver::Counts => self.idle_counts(used).into_iter().collect(),
                        Driver::Largest => vec![vec![self.customers(), self.largest(used), month()]],
                        Driver::Instances => (0..config.placed.len())
                            .filter(|index| matches!(config.placed[*index].host, Host::Units(_)))
                            .map(|index| {
                                let mean = vec![hours(index), month_of(index)];
                                let mean = ExplanationNode::computed(
                                    Basis::Quotient,
                                    "units that run in a mean hour",
                                    "units",
                                    mean,
                                );
                                vec![mean, had()]
                            })
                            .collect(),
                        _ => Vec::new(),
                    };
                    for mut factors in factors {
                        factors.push(self.times(used));
                        parts.push(self.units(Basis::Product, self.described(counted), factors));
                    }
                }
                _ => {}
            }
        }
        parts
    }

    /// Capacity units of a load balancer for one customer in a mean hour: the largest of its quantities.
    fn largest(&self, used: &MeterUse) -> ExplanationNode {
        let config = self.config;
        let behind: Vec<usize> = (0..config.behaviours.len())
            .filter(|index| config.is_balanced(*index, used))
            .collect();
        let sum = |name: &str, unit: &str, each: &dyn Fn(usize) -> ExplanationNode| {
            let parts: Vec<ExplanationNode> = behind
                .iter()
                .map(|index| {
                    let behaviour = &config.behaviours[*index];
                    let rate = config.explain_rate(behaviour, self.inputs.rates_per_day[*index]);
                    product(format!("{name} of {behaviour}"), unit, vec![rate, each(*index)])
                })
                .collect();
            if parts.is_empty() {
                return assumed(name, 0.0, unit, "no behaviour is behind the load balancer");
            }
            ExplanationNode::computed(Basis::Sum, name, unit, parts)
        };
        let dimensions = config
            .capacity_units(self.meter(), used, self.inputs)
            .into_iter()
            .map(|(dimension, units)| {
                let by_bytes = dimension.quantity == "bytes.processed";
                let counted = if by_bytes {
                    sum("bytes of a customer in a day", "bytes", &|index| {
                        explain_bytes(
                            self.model,
                            &config.behaviours[index],
                            self.inputs.bytes[index],
                            self.inputs,
                        )
                    })
                } else {
                    sum("requests of a customer in a day", "requests", &|index| {
                        self.requests(index)
                    })
                };
                let per_unit = ExplanationNode::leaf(
                    "of which one unit takes",
                    dimension.per_unit,
                    &dimension.unit,
                    Basis::Priced,
                    self.metered().book.name(),
                );
                let mut divisor = vec![assumed("hours of a day", 24.0, "h", ""), per_unit];
                if by_bytes {
                    let bytes = if dimension.unit.starts_with("GiB") {
                        super::super::BYTES_PER_GIB
                    } else {
                        1e9
                    };
                    divisor.push(assumed("bytes of the unit", bytes, "bytes", &dimension.unit));
                } else {
                    divisor.push(assumed("seconds of an hour", 3_600.0, "s", ""));
                    divisor.push(assumed(
                        "requests of a connection",
                        used.requests_per_connection(),
                        "requests",
                        "of the study; 1 where it does not say; a connection stays for one second",
                    ));
                }
                let divisor = product("what a unit takes in a day", "", divisor);
                let name = format!("{} of a mean hour", dimension.quantity);
                let node = ExplanationNode::computed(
                    Basis::Quotient,
                    name,
                    "capacity units",
                    vec![counted, divisor],
                );
                // A quantity that the program does not know counts as none.
                if units == 0.0 {
                    assumed(&dimension.quantity, 0.0, "capacity units", "not counted")
                } else {
                    node
                }
            });
        let behind: Vec<&str> = behind
            .iter()
            .map(|index| config.behaviours[*index].as_str())
            .collect();
        ExplanationNode::computed(
            Basis::Maximum,
            "capacity units of a customer in a mean hour",
            "capacity units",
            dimensions.collect(),
        )
        .detailed(format!("behind the load balancer: {}", behind.join(", ")))
    }
}
