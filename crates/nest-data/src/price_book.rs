//! Price books: what a provider charges in one region, each price with its unit, currency, source and date.
//!
//! A book only states prices; nest-model computes what a quantity costs. See docs/method/pricing.md.

mod adjustment;
mod age;
mod baseline;
mod bounds;
mod changes;
mod check;
mod commitment;
mod layer;
pub mod lint;
mod own;
pub mod step;
pub mod unit;
mod write;

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    age::Ages,
    baseline::RUNS_ON_CREDITS,
    changes::{ChangeKind, ChangedPart, PriceChange, changes},
    commitment::{Commitment, CommitmentKind, Covers, Inclusion, Payment, Plan, PlanPeriod},
};
pub use crate::units::ObservedOn;
use crate::{
    diagnostic::{Diagnostic, Source as Text},
    toml_document,
    units::{DateText, QuotedDecimal},
};

/// What a share of the list price of the instances used is a share of.
pub const INSTANCE_PRICE: &str = "instance.on_demand";

/// The prices of one provider in one region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceBook {
    /// Format of this file; 1.
    #[schemars(range(min = 1, max = 1))]
    pub schema: u32,
    /// Provider that charges the prices: `aws`.
    pub provider: String,
    /// Region of the prices: `us-east-1`.
    pub region: String,
    /// ISO 4217 code of every amount in the book.
    pub currency: String,
    /// Hours of a billed month, 1 to 1,000: `"730"`.
    pub month_hours: QuotedDecimal,
    /// Whether the prices include tax; only `excluded` is accepted.
    pub tax: Tax,
    /// Age in days from which a price counts as old, 1 or more.
    #[schemars(range(min = 1))]
    pub stale_after_days: u32,
    /// Where prices were observed, by name. A book that only adjusts another needs no source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub source: BTreeMap<String, PriceSource>,
    /// Metered services, one row per meter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meter: Vec<Meter>,
    /// Instance types, of managed databases too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instance: Vec<Instance>,
    /// Commitments: lower prices in return for a promise to use or to spend.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commitment: Vec<Commitment>,
    /// Subscriptions, with the quantities that they include.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<Plan>,
    /// Quotas and sizing relations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limit: Vec<ProviderLimit>,
    /// Changes of list prices by your own contract; only in a book of your own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustment: Vec<Adjustment>,
}

/// Whether prices include tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tax {
    /// Prices are without tax.
    Excluded,
}

/// Where and when a price was observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceSource {
    /// What the source is, such as the name of a price list.
    pub title: String,
    /// Address of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When the price was observed. A month or year counts as its first day.
    pub observed_on: ObservedOn,
    /// Day of publication that the vendor's own file states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<ObservedOn>,
    /// How close the source is to the vendor.
    pub confidence: Confidence,
}

/// How close a source is to the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The vendor's price list.
    List,
    /// The vendor's page.
    Page,
    /// A copy by somebody else.
    Secondary,
    /// Calculated from other figures of the source, or rounded figures of it made exact.
    Derived,
    /// Rounded, observed at an unknown date within a span, or without an address or a certain region.
    Approximate,
    /// Your own contract.
    User,
}

/// A metered service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    /// Name: `lambda.requests`. Several rows may share a name if their dates do not overlap.
    pub id: String,
    /// What one unit is: `request`, `GiB*s`, `GB`, `h`, `GB*month`.
    pub unit: String,
    /// How billed quantities are rounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantum: Option<Quantum>,
    /// The price. [default: unknown, unless `percent_of` is given]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<MeterPrice>,
    /// Size of a chunk: a request is billed once for each chunk that it begins, `"512KiB"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk: Option<String>,
    /// Quantities of which the largest is billed, hour by hour.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub max_of: Vec<Dimension>,
    /// The price is a share of what another meter, or the instances, cost; instead of `price`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent_of: Option<PercentOf>,
    /// A quantity that is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<Free>,
    /// Units that are not charged for each volume, task, function or load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub included: Option<IncludedUnits>,
    /// First day on which the price holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateText>")]
    pub effective_from: Option<Date>,
    /// First day on which it no longer holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateText>")]
    pub effective_to: Option<Date>,
    /// The vendor's own key for the price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_code: Option<String>,
    /// What a reader of the price must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Name of its source.
    pub source: String,
}

/// How a billed quantity is rounded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantum {
    /// What is rounded one by one: `invocation`, `run`, `resource`.
    pub per: String,
    /// Quantities are rounded to multiples of this: `1ms`, `1s`, `1h`.
    pub step: String,
    /// Direction of rounding; always `up`.
    pub round: Round,
    /// Smallest quantity that is billed: `60s`. [default: one step]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<String>,
}

/// Direction of rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Round {
    /// To the next multiple.
    Up,
}

/// A flat price, or tiers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeterPrice {
    /// Price of `per` units, 0 to 100,000,000; instead of `tiers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<QuotedDecimal>,
    /// Units that `amount` (of the price or of each tier) buys, above 0. [default: 1]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<QuotedDecimal>,
    /// How tiers apply. [default: graduated]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<TierMode>,
    /// Whose quantities are added up for the tiers: `account`, `organisation+region`, `volume`, `resource`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Time over which quantities are added up: `month`, `day`, `hour`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// Tiers, their bounds ascending; the last tier has no bound. Instead of `amount`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
}

/// How tiers apply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TierMode {
    /// Each part of the quantity pays its own tier.
    #[default]
    Graduated,
    /// The whole quantity pays the price of the tier that it reaches, so that more may cost less.
    Volume,
    /// Whole packages of `per` units are bought.
    Package,
}

/// One tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Quantity up to which the tier applies, counted from zero, including what is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<QuotedDecimal>,
    /// Price in this tier. [default: unknown]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<QuotedDecimal>,
}

/// One of several quantities of which the largest is billed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// What is counted: `connections.new`, `connections.active`, `bytes.processed`, `rules.evaluated`.
    pub quantity: String,
    /// Its unit: `1/s`, `1`, `GB/h`.
    pub unit: String,
    /// How much of it makes one billed unit.
    pub per_unit: QuotedDecimal,
    /// How much of it is free, in words: `10 rules`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_factor: Option<String>,
}

/// A share of what something else costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PercentOf {
    /// The meter, or `instance.on_demand` for the list price of the instances used.
    pub meter: String,
    /// Percent of it.
    pub percent: QuotedDecimal,
}

impl PercentOf {
    /// The percent as a share: 0.09 for 9.
    #[must_use]
    pub fn share(&self) -> QuotedDecimal {
        QuotedDecimal((self.percent.0 / rust_decimal::Decimal::ONE_HUNDRED).normalize())
    }
}

/// A free quantity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Free {
    /// How long the quantity is given. Forecasts count only `always` and `included`.
    pub kind: FreeKind,
    /// Free units in each window of the price.
    pub quantity: QuotedDecimal,
    /// Meters that share it. What comes out of a pool comes off before the tiers begin; without one it lies
    /// inside the first tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
}

/// Units that are not charged for each of the things that cause them: the first 3,000 IOPS of a volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncludedUnits {
    /// How many units, in the unit of the meter without its time: 3,000 for `IOPS*month`, 20 for `GB*h`.
    /// Above 0.
    pub quantity: QuotedDecimal,
    /// What has that many each: `volume`, `task`, `function`, `load balancer`, `response`, `instance`, or
    /// `allocated GB` for a meter whose first units come with the storage that is paid for.
    pub per: String,
}

/// Kinds of free quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FreeKind {
    /// Every month, without end.
    Always,
    /// In the first twelve months of an account.
    FirstYear,
    /// Out of a credit that is given once.
    Credit,
    /// As part of a plan.
    Included,
}

impl FreeKind {
    /// Whether a forecast may count on it.
    #[must_use]
    pub fn lasts(self) -> bool {
        matches!(self, Self::Always | Self::Included)
    }
}

/// An instance type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Name: `m7i.large`. Several rows may share it where their dates do not overlap.
    pub sku: String,
    /// Processor architecture.
    pub arch: String,
    /// Virtual CPUs.
    pub vcpu: QuotedDecimal,
    /// Memory in GiB.
    pub memory_gib: QuotedDecimal,
    /// Share of each virtual CPU that is always available, for types that run on credits. [default: 1]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<QuotedDecimal>,
    /// Network in Gbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_gbps: Option<Network>,
    /// Whether its virtual CPUs are its own. [default: not known]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcpu_kind: Option<VcpuKind>,
    /// Quantity of a meter that a month of one instance includes, in the meter's unit, by the meter's name.
    /// Above 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub included: BTreeMap<String, QuotedDecimal>,
    /// Its price.
    pub price: InstancePrice,
    /// First day on which the price holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateText>")]
    pub effective_from: Option<Date>,
    /// First day on which it no longer holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DateText>")]
    pub effective_to: Option<Date>,
    /// The vendor's own key for the price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_code: Option<String>,
    /// What a reader of the price must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Name of its source.
    pub source: String,
}

/// Whose the virtual CPUs of an instance are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VcpuKind {
    /// Other customers use the same processors, so that the share of one instance varies.
    Shared,
    /// They are for this instance alone.
    Dedicated,
}

/// Network of an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Gbit/s that are always available.
    pub baseline: QuotedDecimal,
    /// Gbit/s that are available for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<QuotedDecimal>,
}

/// Price of an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstancePrice {
    /// Price per unit without a commitment. [default: unknown]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_demand: Option<QuotedDecimal>,
    /// Price per unit of spot capacity, which the provider may take away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<QuotedDecimal>,
    /// Unit of the price: `h`, or `month` if the provider charges by the month.
    pub unit: InstanceUnit,
    /// Price of an hour where `unit` is `month`; the monthly price is then the most that a month costs. From
    /// 0 to 100,000,000. [default: parts of a month are charged in proportion]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hourly: Option<QuotedDecimal>,
    /// Discounts for running most of a month, by share of the month: GCP's sustained use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sustained: Vec<Sustained>,
    /// How running time is rounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantum: Option<Quantum>,
}

impl InstancePrice {
    /// What an hourly price with a price of a month as its cap charges for parts of a month, relative to that
    /// price; `None` without one.
    ///
    /// # Formula
    /// `h M / p` of the price p of a month up to the share `p / (h M)` of it, nothing beyond, for a price h
    /// of an hour and a month of M hours.
    #[must_use]
    pub fn capped_by_month(&self, month_hours: rust_decimal::Decimal) -> Option<Vec<Sustained>> {
        let (hourly, monthly) = (self.hourly?.0, self.on_demand?.0);
        let factor = (hourly * month_hours).checked_div(monthly)?;
        let cap = rust_decimal::Decimal::ONE.checked_div(factor)?;
        let part = |up_to, factor| Sustained {
            up_to: QuotedDecimal(up_to),
            factor: QuotedDecimal(factor),
        };
        let whole = rust_decimal::Decimal::ONE;
        Some(if cap < whole {
            vec![part(cap, factor), part(whole, rust_decimal::Decimal::ZERO)]
        } else {
            vec![part(whole, factor)]
        })
    }
}

/// Price of a part of a month, relative to the list price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sustained {
    /// Share of the month up to which it applies, 0-1, counted from zero.
    pub up_to: QuotedDecimal,
    /// Share of the list price that is paid in it.
    pub factor: QuotedDecimal,
}

/// Unit of an instance's price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InstanceUnit {
    /// An hour.
    H,
    /// A month.
    Month,
}

/// A quota or sizing relation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderLimit {
    /// Name: `lambda.concurrency`.
    pub id: String,
    /// The limit.
    pub value: QuotedDecimal,
    /// What it counts.
    pub unit: String,
    /// Whether the provider raises it on request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjustable: Option<String>,
    /// What a reader of it must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Name of its source.
    pub source: String,
}

/// A change of list prices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// Position in the order in which adjustments apply, each to the result of the one before.
    pub order: u32,
    /// Kind of change.
    pub kind: AdjustmentKind,
    /// Percent by which prices change; below 0 for a discount, above -100.
    pub percent: QuotedDecimal,
    /// Names to which it applies: `*`, a meter, instance type, commitment or plan, or the beginning of a name
    /// followed by `*`.
    pub selector: String,
    /// Name of the line on the bill.
    pub label: String,
}

/// Kinds of adjustment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AdjustmentKind {
    /// Prices change by a share.
    Percent,
}

impl Adjustment {
    /// Whether it applies to a meter or instance type.
    #[must_use]
    pub fn applies_to(&self, name: &str) -> bool {
        match self.selector.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => self.selector == name,
        }
    }
}

impl PriceBook {
    /// Reads a book and checks that every price has a unit, a currency, a source and a date.
    ///
    /// # Errors
    /// Everything that is wrong, with its place.
    pub fn read(text: &Text) -> Result<Self, Vec<Diagnostic>> {
        let (book, spans) = toml_document::read::<Self>(text, &[])?;
        let found = check::check(&book, &spans);
        if found.is_empty() { Ok(book) } else { Err(found) }
    }

    /// Name as studies write it: `aws/us-east-1`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider, self.region)
    }

    /// The meter of that name whose price holds on a day.
    #[must_use]
    pub fn meter(&self, id: &str, on: Date) -> Option<&Meter> {
        self.meter
            .iter()
            .find(|meter| meter.id == id && holds(meter.effective_from, meter.effective_to, on))
    }

    /// The instance type of that name whose price holds on a day.
    #[must_use]
    pub fn instance(&self, sku: &str, on: Date) -> Option<&Instance> {
        self.instance
            .iter()
            .find(|instance| instance.sku == sku && holds(instance.effective_from, instance.effective_to, on))
    }

    /// Every day on which the price of a meter changes, in no order.
    pub fn meter_changes<'b>(&'b self, id: &'b str) -> impl Iterator<Item = Date> + 'b {
        let priced = |day: Date| {
            let row = self.meter(id, day)?;
            let made_of = (&row.percent_of, &row.max_of, &row.chunk, &row.unit);
            Some((&row.price, &row.free, &row.included, made_of))
        };
        let rows = self.meter.iter().filter(move |row| row.id == id);
        let days = rows
            .flat_map(|row| [row.effective_from, row.effective_to])
            .flatten();
        days.filter(move |day| day.yesterday().is_ok_and(|before| priced(before) != priced(*day)))
    }

    /// Every day on which the price of an instance type changes, in no order.
    pub fn instance_changes<'b>(&'b self, sku: &'b str) -> impl Iterator<Item = Date> + 'b {
        let priced = |day: Date| self.instance(sku, day).map(|row| (&row.price, &row.included));
        let rows = self.instance.iter().filter(move |row| row.sku == sku);
        let days = rows
            .flat_map(|row| [row.effective_from, row.effective_to])
            .flatten();
        days.filter(move |day| day.yesterday().is_ok_and(|before| priced(before) != priced(*day)))
    }

    /// The limit of that name.
    #[must_use]
    pub fn limit(&self, id: &str) -> Option<&ProviderLimit> {
        self.limit.iter().find(|limit| limit.id == id)
    }

    /// The commitment of that name.
    #[must_use]
    pub fn commitment(&self, id: &str) -> Option<&Commitment> {
        self.commitment.iter().find(|commitment| commitment.id == id)
    }

    /// The plan of that name.
    #[must_use]
    pub fn plan(&self, id: &str) -> Option<&Plan> {
        self.plan.iter().find(|plan| plan.id == id)
    }
}

/// Whether a day lies in the half-open interval in which a price holds.
fn holds(from: Option<Date>, to: Option<Date>, on: Date) -> bool {
    from.is_none_or(|from| from <= on) && to.is_none_or(|to| on < to)
}
