//! The rows of a price book with their prices, as `pricing show` prints them.

use jiff::civil::Date;
use nest_data::{
    PriceBook,
    price_book::{
        Commitment, Instance, InstanceUnit, Meter, MeterPrice, Plan, ProviderLimit, Sustained, VcpuKind,
    },
    units::QuotedDecimal,
};

/// Bytes of a GiB.
const GIB: f64 = 1_073_741_824.0; // 2^30

/// A row of a book, with all its prices.
pub struct BookRow<'a> {
    pub table: &'static str,
    pub id: &'a str,
    pub parts: Vec<PricePart<'a>>,
    /// The instance type that the row is, if it is one.
    pub machine: Option<&'a Instance>,
    /// Months for which a commitment is made.
    pub term_months: Option<u32>,
    /// First day on which the row holds.
    pub from: Option<Date>,
    /// First day on which it no longer holds.
    pub to: Option<Date>,
    pub source: &'a str,
    pub note: String,
}

/// One price of a row, or another of its numbers.
pub struct PricePart<'a> {
    pub of: PartKind<'a>,
    /// None if it is not known.
    pub amount: Option<QuotedDecimal>,
    /// So many units have the price.
    pub per: Option<QuotedDecimal>,
    unit: &'a str,
}

/// What a number of a row is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PartKind<'a> {
    /// A price.
    Price,
    /// The price of a tier, which ends at a quantity.
    Tier(Option<QuotedDecimal>),
    /// A share of what another meter costs.
    ShareOf { meter: &'a str, share: QuotedDecimal },
    /// A free quantity.
    Free,
    /// A free quantity that does not last.
    FreeNotCounted,
    /// Units that are not charged for each of something.
    IncludedPer(&'a str),
    /// The price of an instance without a commitment.
    OnDemand,
    /// The price of an hour of an instance, of which a month costs at most its price.
    Hourly,
    /// The price of an instance that the provider may take away.
    Spot,
    /// The share of the list price that is paid up to a share of a month.
    Sustained(QuotedDecimal),
    /// What a commitment costs at once.
    Upfront,
    /// What a commitment costs in each hour.
    Recurring,
    /// The quantity of a meter that a plan, or a month of an instance, includes.
    Includes(&'a str),
    /// The value of a limit.
    Value,
}

impl BookRow<'_> {
    /// Memory of the instance type.
    pub fn memory_bytes(&self) -> Option<f64> {
        let gib = f64::try_from(self.machine?.memory_gib.0).ok()?;
        Some(gib * GIB)
    }

    /// The days on which it holds, in words; empty if it always holds.
    pub fn holds(&self) -> String {
        match (self.from, self.to) {
            (None, None) => String::new(),
            (Some(from), None) => format!("from {from}"),
            (None, Some(to)) => format!("before {to}"),
            (Some(from), Some(to)) => format!("{from} to before {to}"),
        }
    }
}

impl<'a> PricePart<'a> {
    /// A price of one unit.
    fn each(of: PartKind<'a>, amount: Option<QuotedDecimal>, unit: &'a str) -> Self {
        Self {
            of,
            amount,
            per: Some(QuotedDecimal(1.into())),
            unit,
        }
    }

    /// A quantity, or a number that is no price.
    fn plain(of: PartKind<'a>, amount: QuotedDecimal, unit: &'a str) -> Self {
        Self {
            of,
            amount: Some(amount),
            per: None,
            unit,
        }
    }

    /// The amount in base units: a percentage as a share.
    pub fn base_amount(&self) -> Option<QuotedDecimal> {
        match self.of {
            PartKind::ShareOf { share, .. } => Some(share),
            _ => self.amount,
        }
    }

    /// The unit for readers.
    pub fn shown_unit(&self) -> &'a str {
        match self.of {
            PartKind::Sustained(_) => "of the list price",
            _ => self.unit,
        }
    }

    /// The unit of [`Self::base_amount`].
    pub fn base_unit(&self) -> &'a str {
        match self.of {
            PartKind::ShareOf { .. } | PartKind::Sustained(_) => "share",
            _ => self.unit,
        }
    }
}

impl PartKind<'_> {
    /// What it is, for programs. `pricing diff` has the same names.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::Tier(_) => "tier",
            Self::ShareOf { .. } => "share",
            Self::Free => "free",
            Self::FreeNotCounted => "free_not_counted",
            Self::IncludedPer(_) => "included",
            Self::OnDemand => "on_demand",
            Self::Hourly => "hourly",
            Self::Spot => "spot",
            Self::Sustained(_) => "sustained",
            Self::Upfront => "upfront",
            Self::Recurring => "recurring",
            Self::Includes(_) => "includes",
            Self::Value => "value",
        }
    }

    /// The meter that it is of, if it is another one than that of the row.
    pub fn other(&self) -> &str {
        match self {
            Self::ShareOf { meter, .. } | Self::Includes(meter) => meter,
            _ => "",
        }
    }

    /// The quantity, or the share of a month, up to which it applies.
    pub fn up_to(&self) -> Option<QuotedDecimal> {
        match self {
            Self::Tier(bound) => *bound,
            Self::Sustained(bound) => Some(*bound),
            _ => None,
        }
    }

    /// Whether its amount is money.
    pub fn is_money(&self) -> bool {
        matches!(
            self,
            Self::Price
                | Self::Tier(_)
                | Self::OnDemand
                | Self::Hourly
                | Self::Spot
                | Self::Upfront
                | Self::Recurring
        )
    }

    /// What it is, for readers.
    pub fn shown(&self, row: &BookRow<'_>) -> String {
        match self {
            Self::Price => "price".to_owned(),
            Self::Tier(Some(bound)) => format!("up to {bound}"),
            Self::Tier(None) => "above".to_owned(),
            Self::ShareOf { meter, .. } => format!("percent of {meter}"),
            Self::Free => "free".to_owned(),
            Self::FreeNotCounted => "free, not counted".to_owned(),
            Self::IncludedPer(what) => format!("included, for each {what}"),
            Self::Hourly => "an hour, up to the price of a month".to_owned(),
            Self::OnDemand => row.machine.map_or_else(String::new, |machine| {
                let (vcpu, memory_gib, arch) = (machine.vcpu, machine.memory_gib, &machine.arch);
                let kind = machine.vcpu_kind.map_or("", |kind| match kind {
                    VcpuKind::Shared => "shared ",
                    VcpuKind::Dedicated => "dedicated ",
                });
                format!("on demand ({vcpu} {kind}vCPU, {memory_gib} GiB, {arch})")
            }),
            Self::Spot => "spot".to_owned(),
            Self::Sustained(bound) => format!("on demand, up to {bound} of a month"),
            Self::Upfront => format!("upfront, {} months", row.term_months.unwrap_or_default()),
            Self::Recurring => "recurring".to_owned(),
            Self::Includes(meter) => format!("includes {meter}"),
            Self::Value => "value".to_owned(),
        }
    }
}

/// All rows of a book.
pub fn all_rows(book: &PriceBook) -> Vec<BookRow<'_>> {
    let meters = book.meter.iter().map(meter_row);
    let instances = book.instance.iter().map(|instance| instance_row(instance, book));
    let commitments = book.commitment.iter().map(commitment_row);
    let plans = book.plan.iter().map(plan_row);
    let limits = book.limit.iter().map(limit_row);
    meters
        .chain(instances)
        .chain(commitments)
        .chain(plans)
        .chain(limits)
        .collect()
}

/// Word for the unit of an instance's price.
pub fn unit(unit: InstanceUnit) -> &'static str {
    match unit {
        InstanceUnit::H => "h",
        InstanceUnit::Month => "month",
    }
}

/// A row that always holds, without numbers.
fn row<'a>(table: &'static str, id: &'a str, source: &'a str, note: Option<&'a str>) -> BookRow<'a> {
    BookRow {
        table,
        id,
        parts: Vec::new(),
        machine: None,
        term_months: None,
        from: None,
        to: None,
        source,
        note: note.unwrap_or_default().to_owned(),
    }
}

fn meter_row(meter: &Meter) -> BookRow<'_> {
    BookRow {
        parts: meter_parts(meter),
        from: meter.effective_from,
        to: meter.effective_to,
        note: [meter.rounding(), meter.note.clone()]
            .into_iter()
            .flatten()
            .collect::<Vec<String>>()
            .join("; "),
        ..row("meter", &meter.id, &meter.source, None)
    }
}

fn meter_parts(meter: &Meter) -> Vec<PricePart<'_>> {
    let mut parts = match (&meter.price, &meter.percent_of) {
        (Some(price), _) => price_parts(price, &meter.unit),
        (None, Some(share)) => {
            let of = PartKind::ShareOf {
                meter: &share.meter,
                share: share.share(),
            };
            vec![PricePart::plain(of, share.percent, &meter.unit)]
        }
        (None, None) => vec![PricePart::each(PartKind::Price, None, &meter.unit)],
    };
    parts.extend(meter.free.as_ref().map(|free| {
        let of = if free.kind.lasts() {
            PartKind::Free
        } else {
            PartKind::FreeNotCounted
        };
        PricePart::plain(of, free.quantity, &meter.unit)
    }));
    parts.extend(meter.included.as_ref().map(|included| {
        PricePart::plain(
            PartKind::IncludedPer(&included.per),
            included.quantity,
            &meter.unit,
        )
    }));
    parts
}

/// The price of a meter, or each of its tiers.
fn price_parts<'a>(price: &MeterPrice, unit: &'a str) -> Vec<PricePart<'a>> {
    let part = |of: PartKind<'a>, amount: Option<QuotedDecimal>| PricePart {
        per: Some(price.per.unwrap_or(QuotedDecimal(1.into()))),
        ..PricePart::each(of, amount, unit)
    };
    if price.tiers.is_empty() {
        return vec![part(PartKind::Price, price.amount)];
    }
    let tiers = price.tiers.iter();
    tiers
        .map(|tier| part(PartKind::Tier(tier.up_to), tier.amount))
        .collect()
}

fn instance_row<'a>(instance: &'a Instance, book: &'a PriceBook) -> BookRow<'a> {
    let price = &instance.price;
    let unit = unit(price.unit);
    let mut parts = vec![PricePart::each(PartKind::OnDemand, price.on_demand, unit)];
    parts.extend(
        price
            .hourly
            .map(|hour| PricePart::each(PartKind::Hourly, Some(hour), "h")),
    );
    parts.extend(
        price
            .spot
            .map(|spot| PricePart::each(PartKind::Spot, Some(spot), unit)),
    );
    parts.extend(price.sustained.iter().map(sustained_part));
    let included = instance.included.iter();
    parts.extend(included.map(|(meter, quantity)| {
        let priced = book.meter.iter().find(|other| other.id == *meter);
        let unit = priced.map_or("", |priced| priced.unit.as_str());
        PricePart::plain(PartKind::Includes(meter), *quantity, unit)
    }));
    BookRow {
        parts,
        machine: Some(instance),
        from: instance.effective_from,
        to: instance.effective_to,
        ..row(
            "instance",
            &instance.sku,
            &instance.source,
            instance.note.as_deref(),
        )
    }
}

fn sustained_part(step: &Sustained) -> PricePart<'_> {
    PricePart::each(PartKind::Sustained(step.up_to), Some(step.factor), "")
}

fn commitment_row(commitment: &Commitment) -> BookRow<'_> {
    let recurring = Some(commitment.recurring);
    BookRow {
        parts: vec![
            PricePart::each(PartKind::Upfront, Some(commitment.upfront), "term"),
            PricePart::each(PartKind::Recurring, recurring, unit(commitment.unit)),
        ],
        term_months: Some(commitment.term_months),
        ..row(
            "commitment",
            &commitment.id,
            &commitment.source,
            commitment.note.as_deref(),
        )
    }
}

fn plan_row(plan: &Plan) -> BookRow<'_> {
    let mut parts = vec![PricePart::each(PartKind::Price, Some(plan.amount), "month")];
    parts.extend(plan.includes.iter().map(|included| {
        let unit = included.unit.as_deref().unwrap_or_default();
        PricePart::each(PartKind::Includes(&included.meter), Some(included.quantity), unit)
    }));
    BookRow {
        parts,
        ..row("plan", &plan.id, &plan.source, plan.note.as_deref())
    }
}

fn limit_row(limit: &ProviderLimit) -> BookRow<'_> {
    BookRow {
        parts: vec![PricePart::each(PartKind::Value, Some(limit.value), &limit.unit)],
        ..row("limit", &limit.id, &limit.source, limit.note.as_deref())
    }
}
