//! Price books: what a provider charges in one region, each price with its unit, currency, source and date.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    DataError,
    diagnostic::{Diagnostic, Source as Text},
    toml_document::{self, Spans},
    units::{Quoted, text_type},
};

/// Highest price of anything, in any currency; beyond it is a slip of the pen.
const HIGHEST_PRICE: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

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
    pub month_hours: Quoted,
    /// Whether tax is in the prices; only `excluded` is read.
    pub tax: Tax,
    /// Days after which a price counts as old.
    #[schemars(range(min = 1))]
    pub stale_after_days: u32,
    /// Where prices were seen, by name.
    pub source: BTreeMap<String, PriceSource>,
    /// Metered services.
    #[serde(default)]
    pub meter: Vec<Meter>,
    /// Instance types.
    #[serde(default)]
    pub instance: Vec<Instance>,
    /// Quotas.
    #[serde(default)]
    pub limit: Vec<Limit>,
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

/// A day, month or year on which a price was seen. Prints as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedOn {
    text: String,
    earliest: Date,
}

impl ObservedOn {
    /// The earliest day it can mean.
    #[must_use]
    pub fn earliest(&self) -> Date {
        self.earliest
    }
}

impl FromStr for ObservedOn {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let padded = match text.len() {
            4 => format!("{text}-01-01"),
            7 => format!("{text}-01"),
            _ => text.to_owned(),
        };
        let unreadable = |_| DataError::Unreadable { value: text.to_owned(), expected: "a date such as 2026-07-20, \"2026-07\" or \"2026\"" };
        Ok(Self { text: text.to_owned(), earliest: padded.parse().map_err(unreadable)? })
    }
}

impl fmt::Display for ObservedOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

text_type!(ObservedOn, "ObservedOn", "nest-observed", "string");

/// A metered service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    /// Name, unique in the book: `lambda.requests`.
    pub id: String,
    /// What one unit is: `request`, `GiB*s`, `GB`, `h`.
    pub unit: String,
    /// How billed quantities are rounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantum: Option<Quantum>,
    /// The price.
    pub price: MeterPrice,
    /// What is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free: Option<Free>,
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

/// A flat price, or graduated tiers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeterPrice {
    /// Price of `per` units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Quoted>,
    /// Units that `amount` (of the price or of each tier) buys; 1 where missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Quoted>,
    /// Only `graduated`: each part of the quantity pays its own tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<TierMode>,
    /// Whose quantities are counted together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Over which time they are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// Tiers with rising bounds; the last has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
}

/// How tiers apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TierMode {
    /// Each part of the quantity pays its own tier.
    Graduated,
}

/// One tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Quantity up to which it applies, counted from zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Quoted>,
    /// Price in this tier.
    pub amount: Quoted,
}

/// A free quantity each month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Free {
    /// Only `always`: offers that end are not counted in a forecast.
    pub kind: FreeKind,
    /// Units.
    pub quantity: Quoted,
    /// Meters that share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
}

/// Kinds of free quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FreeKind {
    /// Every month, without end.
    Always,
}

/// An instance type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// Name: `m7i.large`.
    pub sku: String,
    /// Processor architecture.
    pub arch: String,
    /// Virtual CPUs.
    pub vcpu: Quoted,
    /// Memory in GiB.
    pub memory_gib: Quoted,
    /// Its price.
    pub price: InstancePrice,
    /// The vendor's own key for the price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_code: Option<String>,
    /// Name of its source.
    pub source: String,
}

/// Price of an instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstancePrice {
    /// Price per unit without commitment; none where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_demand: Option<Quoted>,
    /// Only `h`.
    pub unit: InstanceUnit,
    /// How running time is rounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantum: Option<Quantum>,
}

/// Unit of an instance's price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InstanceUnit {
    /// An hour.
    H,
}

/// A quota or sizing relation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Name: `lambda.concurrency`.
    pub id: String,
    /// The limit.
    pub value: Quoted,
    /// What it counts.
    pub unit: String,
    /// Name of its source.
    pub source: String,
}

impl PriceBook {
    /// Reads a book and checks that every price has unit, currency, source and date.
    ///
    /// # Errors
    /// Everything that is wrong, with its place.
    pub fn read(text: &Text) -> Result<Self, Vec<Diagnostic>> {
        let (book, spans) = toml_document::read::<Self>(text, &[])?;
        let mut found = Vec::new();
        book.check_sources(&spans, &mut found);
        book.check_names(&spans, &mut found);
        book.meter.iter().enumerate().for_each(|(index, meter)| check_price(meter, &index.to_string(), &spans, &mut found));
        book.instance.iter().enumerate().for_each(|(index, instance)| check_instance(instance, &index.to_string(), &spans, &mut found));
        if !(Decimal::ONE..=Decimal::ONE_THOUSAND).contains(&book.month_hours.0) {
            found.push(spans.at_value(&["month_hours"], "a month has from 1 to 1000 hours", "write month_hours = \"730\""));
        }
        if found.is_empty() { Ok(book) } else { Err(found) }
    }

    /// Name as studies write it: `aws/us-east-1`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider, self.region)
    }

    /// The meter of that name.
    #[must_use]
    pub fn meter(&self, id: &str) -> Option<&Meter> {
        self.meter.iter().find(|meter| meter.id == id)
    }

    /// The instance type of that name.
    #[must_use]
    pub fn instance(&self, sku: &str) -> Option<&Instance> {
        self.instance.iter().find(|instance| instance.sku == sku)
    }

    /// The limit of that name.
    #[must_use]
    pub fn limit(&self, id: &str) -> Option<&Limit> {
        self.limit.iter().find(|limit| limit.id == id)
    }

    fn check_sources(&self, spans: &Spans, found: &mut Vec<Diagnostic>) {
        let meters = self.meter.iter().map(|meter| (meter.id.as_str(), &meter.source)).enumerate().map(|(index, row)| ("meter", index, row));
        let instances =
            self.instance.iter().map(|instance| (instance.sku.as_str(), &instance.source)).enumerate().map(|(index, row)| ("instance", index, row));
        let limits = self.limit.iter().map(|limit| (limit.id.as_str(), &limit.source)).enumerate().map(|(index, row)| ("limit", index, row));
        for (table, index, (row, source)) in meters.chain(instances).chain(limits) {
            if !self.source.contains_key(source) {
                let message = format!("{table} `{row}` names the source `{source}`, which the book does not define");
                found.push(spans.at_value(
                    &[table, &index.to_string(), "source"],
                    message,
                    format!("add [source.{source}] with title, observed_on and confidence"),
                ));
            }
        }
    }

    fn check_names(&self, spans: &Spans, found: &mut Vec<Diagnostic>) {
        let meters: Vec<&str> = self.meter.iter().map(|meter| meter.id.as_str()).collect();
        let instances: Vec<&str> = self.instance.iter().map(|instance| instance.sku.as_str()).collect();
        for (table, key, names) in [("meter", "id", meters), ("instance", "sku", instances)] {
            for (index, name) in names.iter().enumerate().filter(|(index, name)| names[..*index].contains(name)) {
                found.push(spans.at_value(&[table, &index.to_string(), key], format!("{table} `{name}` is there twice"), "keep one of the two"));
            }
        }
    }
}

fn check_price(meter: &Meter, index: &str, spans: &Spans, found: &mut Vec<Diagnostic>) {
    let path = ["meter", index, "price"];
    let price = &meter.price;
    if price.amount.is_some() != price.tiers.is_empty() {
        let help = "give { amount = \"..\" }, or { mode = \"graduated\", tiers = [..] }";
        found.push(spans.at_value(&path, format!("meter `{}` needs either an amount or tiers", meter.id), help));
    }
    let bounds: Vec<Option<Decimal>> = price.tiers.iter().map(|tier| tier.up_to.map(|bound| bound.0)).collect();
    let last_open = bounds.last().is_none_or(Option::is_none);
    let rising = bounds.windows(2).all(|pair| match pair {
        [Some(_), None] => true,
        [Some(low), Some(high)] => low < high,
        _ => false,
    });
    if !last_open || !rising {
        found.push(spans.at_value(
            &path,
            format!("tier bounds of meter `{}` must rise, and the last tier has none", meter.id),
            "order the tiers by up_to and leave it out of the last",
        ));
    }
    let odd =
        price.amount.iter().chain(price.tiers.iter().map(|tier| &tier.amount)).any(|amount| !(Decimal::ZERO..=HIGHEST_PRICE).contains(&amount.0));
    if odd || price.per.is_some_and(|per| per.0 < Decimal::ONE) {
        let help = "amounts are from 0 to 1000000, `per` is 1 or more";
        found.push(spans.at_value(&path, format!("meter `{}` has a price out of range", meter.id), help));
    }
    if meter.free.as_ref().is_some_and(|free| free.quantity.0 < Decimal::ZERO) {
        found.push(spans.at_value(&["meter", index, "free"], format!("meter `{}` gives a negative quantity for free", meter.id), "write 0 or more"));
    }
    if meter.quantum.as_ref().is_some_and(|quantum| quantum.per == "invocation" && quantum.step != "1ms") {
        let message = format!("meter `{}`: invocations are rounded up to 1ms; another step is not available yet", meter.id);
        found.push(spans.at_value(&["meter", index, "quantum"], message, "write step = \"1ms\""));
    }
}

fn check_instance(instance: &Instance, index: &str, spans: &Spans, found: &mut Vec<Diagnostic>) {
    if instance.price.on_demand.is_some_and(|price| !(Decimal::ZERO..=HIGHEST_PRICE).contains(&price.0)) {
        let message = format!("instance `{}` has a price out of range", instance.sku);
        found.push(spans.at_value(&["instance", index, "price"], message, "from 0 to 1000000 an hour"));
    }
    if instance.vcpu.0 <= Decimal::ZERO || instance.memory_gib.0 <= Decimal::ZERO {
        let message = format!("instance `{}` has no processor or no memory", instance.sku);
        found.push(spans.at_value(&["instance", index, "sku"], message, "vcpu and memory_gib are above 0"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: &str = r#"
schema = 1
provider = "aws"
region = "us-east-1"
currency = "USD"
month_hours = "730"
tax = "excluded"
stale_after_days = 180
[source.page]
title = "a page"
observed_on = "2025-12"
confidence = "page"
[[meter]]
id = "lambda.requests"
unit = "request"
price = { amount = "0.20", per = "1000000" }
source = "page"
"#;

    fn errors(text: &str) -> String {
        PriceBook::read(&Text::new("book.toml", text))
            .expect_err("must be refused")
            .iter()
            .map(|one| format!("{} ({})\n", one.message, one.help))
            .collect()
    }

    #[test]
    fn a_partial_date_counts_as_its_earliest_day_and_stays_visible() {
        let book = PriceBook::read(&Text::new("book.toml", BOOK)).expect("valid");
        let observed = &book.source["page"].observed_on;
        assert_eq!((observed.to_string().as_str(), observed.earliest()), ("2025-12", jiff::civil::date(2025, 12, 1)));
    }

    #[test]
    fn a_price_without_unit_currency_source_or_date_does_not_load() {
        for (line, part) in [
            ("observed_on = \"2025-12\"\n", "`observed_on` is missing"),
            ("currency = \"USD\"\n", "`currency` is missing"),
            ("unit = \"request\"\n", "`unit` is missing"),
            ("source = \"page\"\n", "`source` is missing"),
        ] {
            let found = errors(&BOOK.replace(line, ""));
            assert!(found.contains(part), "{part} in {found}");
        }
        assert!(errors(&BOOK.replace("source = \"page\"", "source = \"pgae\"")).contains("does not define"));
        assert!(errors(&BOOK.replace("\"2025-12\"", "\"soon\"")).contains("not a date"));
    }

    #[test]
    fn floats_and_tiers_that_do_not_rise_are_refused() {
        assert!(errors(&BOOK.replace("\"0.20\"", "0.20")).contains("quoted decimals"));
        let tiers = |list: &str| BOOK.replace("{ amount = \"0.20\", per = \"1000000\" }", &format!("{{ mode = \"graduated\", tiers = [{list}] }}"));
        let good = "{ up_to = \"10\", amount = \"2\" }, { amount = \"1\" }";
        assert!(PriceBook::read(&Text::new("b", tiers(good))).is_ok());
        for bad in [
            "{ up_to = \"10\", amount = \"2\" }",
            "{ amount = \"2\" }, { amount = \"1\" }",
            "{ up_to = \"10\", amount = \"2\" }, { up_to = \"9\", amount = \"1\" }, { amount = \"1\" }",
        ] {
            assert!(errors(&tiers(bad)).contains("must rise"), "{bad}");
        }
    }
}
