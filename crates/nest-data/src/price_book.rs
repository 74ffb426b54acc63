//! Price books: what a provider charges in one region, each price with its unit, currency, source and date.
//!
//! A book only states prices; nest-model computes what a quantity costs. See docs/method/pricing.md.

mod changes;
mod check;
mod layer;
pub mod lint;
pub mod step;
mod write;

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::changes::{ChangeKind, PriceChange, changes};
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
    /// Who charges: `aws`.
    pub provider: String,
    /// Where: `us-east-1`.
    pub region: String,
    /// ISO 4217 code of every amount in the book.
    pub currency: String,
    /// Hours of a billed month.
    pub month_hours: QuotedDecimal,
    /// Whether tax is in the prices; only `excluded` is read.
    pub tax: Tax,
    /// Days after which a price counts as old.
    #[schemars(range(min = 1))]
    pub stale_after_days: u32,
    /// Where prices were seen, by name. A book without rows, which only adjusts another, needs none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub source: BTreeMap<String, PriceSource>,
    /// Metered services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meter: Vec<Meter>,
    /// Instance types, of managed databases too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instance: Vec<Instance>,
    /// Discounts for a promise to use or to spend.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commitment: Vec<Commitment>,
    /// Subscriptions with what they include.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<Plan>,
    /// Quotas and sizing relations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limit: Vec<ProviderLimit>,
    /// Changes of list prices by the user's own contract; in the user's own book, not in a shipped one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustment: Vec<Adjustment>,
}

/// Whether tax is in the prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tax {
    /// Prices are without tax.
    Excluded,
}

/// Where a price was seen, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceSource {
    /// What it is.
    pub title: String,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was seen; a partial date counts as its earliest day.
    pub observed_on: ObservedOn,
    /// The day that the vendor's own file states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<ObservedOn>,
    /// How direct it is.
    pub confidence: Confidence,
}

/// How direct a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The vendor's price list.
    List,
    /// The vendor's page.
    Page,
    /// Somebody else's copy.
    Secondary,
    /// Rounded or undated within a span.
    Approximate,
    /// The user's own contract.
    User,
}

/// A metered service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    /// Name: `lambda.requests`. Several rows may share it where their dates do not overlap.
    pub id: String,
    /// What one unit is: `request`, `GiB*s`, `GB`, `h`, `GB*month`.
    pub unit: String,
    /// How billed quantities are rounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantum: Option<Quantum>,
    /// The price; none where it is not known, or where it is a share of another meter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<MeterPrice>,
    /// Size above which one request counts as two: `"512KiB"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk: Option<String>,
    /// The quantity is the largest of several, hour by hour.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub max_of: Vec<Dimension>,
    /// The price is a share of what another meter or instance costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent_of: Option<PercentOf>,
    /// What is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<Free>,
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
    /// What is rounded: `invocation`, `run`, `resource`.
    pub per: String,
    /// To multiples of this: `1ms`, `1s`, `1h`.
    pub step: String,
    /// Always `up`.
    pub round: Round,
    /// At least this much.
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
    /// Price of `per` units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<QuotedDecimal>,
    /// Units that `amount` (of the price or of each tier) buys; 1 where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<QuotedDecimal>,
    /// How tiers apply; `graduated` where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<TierMode>,
    /// Whose quantities are counted together: `account`, `organisation+region`, `volume`, `resource`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Over which time they are counted: `month`, `day`, `hour`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// Tiers with rising bounds; the last has none.
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
    /// The whole quantity pays the tier that it reaches, so that more may cost less.
    Volume,
    /// Whole packages of `per` units are bought.
    Package,
}

/// One tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Quantity up to which it applies, counted from zero, what is free included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<QuotedDecimal>,
    /// Price in this tier; none where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<QuotedDecimal>,
}

/// One of several quantities, the largest of which is billed.
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

/// A free quantity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Free {
    /// How long it is given. A forecast counts `always` and `included` only.
    pub kind: FreeKind,
    /// Units in each window of the price.
    pub quantity: QuotedDecimal,
    /// Meters that share it. What comes out of a pool comes off before the tiers begin; without one it lies inside the first tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
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
    /// Share of each virtual CPU that is there all the time, where the type runs on credits; 1 where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<QuotedDecimal>,
    /// Network in Gbit/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_gbps: Option<Network>,
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

/// Network of an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Gbit/s that are there all the time.
    pub baseline: QuotedDecimal,
    /// Gbit/s for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<QuotedDecimal>,
}

/// Price of an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstancePrice {
    /// Price per unit without commitment; none where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_demand: Option<QuotedDecimal>,
    /// Price per unit of capacity that may be taken away; a scenario, not a price to sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<QuotedDecimal>,
    /// `h`, or `month` where the provider states only that.
    pub unit: InstanceUnit,
    /// Discount for running all of a month, by share of it: GCP's sustained use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sustained: Vec<Sustained>,
    /// How running time is rounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantum: Option<Quantum>,
}

/// What part of a month costs, of the list price.
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

/// A promise to use or to spend, for less.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// Name, unique in the book: `m7i.large-1y-none`.
    pub id: String,
    /// What is promised.
    pub kind: CommitmentKind,
    /// Term in months.
    #[schemars(range(min = 1, max = 120))]
    pub term_months: u32,
    /// How much of it is paid at once.
    pub payment: Payment,
    /// What it covers: the instance type (reserved, cud), or any that has a rate (savings-plan).
    pub covers: Covers,
    /// Paid at once, per unit.
    pub upfront: QuotedDecimal,
    /// Paid each hour of the term, per unit.
    pub recurring: QuotedDecimal,
    /// Unit of `recurring`: `h`.
    pub unit: InstanceUnit,
    /// What one unit of what is covered costs under a savings plan, by instance type or meter.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rates: BTreeMap<String, QuotedDecimal>,
    /// The vendor's own key for the price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_code: Option<String>,
    /// What a reader of the price must know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Name of its source.
    pub source: String,
}

/// Kinds of commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommitmentKind {
    /// Instances of one type.
    Reserved,
    /// An amount each hour, at the plan's rates.
    SavingsPlan,
    /// GCP's committed use.
    Cud,
    /// A block of usage bought ahead.
    Block,
}

/// How much of a commitment is paid at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Payment {
    /// Nothing.
    None,
    /// A part.
    Partial,
    /// Everything.
    All,
}

/// What a commitment covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Covers {
    /// The instance type; any that has a rate where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Only types whose name begins so: a plan for one family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
}

/// A subscription with what it includes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Name: `workers-paid`.
    pub id: String,
    /// Its price.
    pub amount: QuotedDecimal,
    /// `month`.
    pub per: PlanPeriod,
    /// Quantities that it includes each period.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub includes: Vec<Inclusion>,
    /// Name of its source.
    pub source: String,
}

/// How often a plan is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PlanPeriod {
    /// Every month.
    Month,
}

/// A quantity that a plan includes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    /// The meter.
    pub meter: String,
    /// Units of it.
    pub quantity: QuotedDecimal,
    /// The meter's unit, for the reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
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
    /// Adjustments apply in this order, each to what the ones before left.
    pub order: u32,
    /// What it does.
    pub kind: AdjustmentKind,
    /// Percent by which prices change; below 0 for a discount, above -100.
    pub percent: QuotedDecimal,
    /// Names it applies to: `*`, a meter or instance type, or the beginning of one followed by `*`.
    pub selector: String,
    /// What it is called on the bill.
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
    /// Reads a book and checks that every price has unit, currency, source and date.
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
