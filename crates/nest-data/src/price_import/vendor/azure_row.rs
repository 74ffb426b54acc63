//! Rows of the Azure Retail Prices API: what each is the price of, and on which days.

use jiff::{ToSpan, civil::Date};
use rust_decimal::Decimal;

use super::{Buying, PLACEHOLDER, day, decimal, json::JsonRow, years};

/// Meters of books, by service, product (any where empty) and meter.
const METERS: [(&str, &str, &str, &str); 3] = [
    ("Functions", "", "Standard Total Executions", "functions.requests"),
    ("Functions", "", "Standard Execution Time", "functions.duration"),
    (
        "Bandwidth",
        "Rtn Preference: MGN",
        "Standard Data Transfer Out",
        "egress.internet",
    ),
];

/// Words in the names of what is no virtual machine on Linux at its usual price.
const OTHER_MACHINES: [&str; 6] = [
    "Windows",
    "Low Priority",
    "CloudServices",
    "Cloud Services",
    "Expired",
    "Dedicated Host",
];

/// A price of the list.
#[derive(Debug)]
pub struct AzurePrice<'a> {
    pub row: &'a JsonRow<'a>,
    pub currency: String,
    /// Where the tier begins, in units of measure.
    pub begin: Decimal,
    pub amount: Decimal,
    pub region: String,
    /// First day on which it holds.
    pub from: Option<Date>,
    /// First day on which it no longer holds.
    pub to: Option<Date>,
    pub meter_id: String,
    pub product: String,
    pub meter: String,
    pub unit: String,
    pub size: String,
    service: String,
    sku: String,
    kind: String,
    reservation: String,
    primary: bool,
}

/// What a price is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AzureUse {
    /// A meter of a book, by its name there.
    Meter(&'static str),
    /// A virtual machine on Linux, bought in one way.
    Machine(Buying),
}

impl<'a> AzurePrice<'a> {
    /// Reads a row; or says what it lacks.
    pub fn read(row: &'a JsonRow<'a>) -> Result<Self, String> {
        let fields = &row.fields;
        let text = |name: &str| {
            fields
                .text(&name.to_lowercase())
                .ok_or_else(|| format!("it has no `{name}`"))
        };
        let optional = |name: &str| fields.text(name).unwrap_or_default();
        let number = |name: &str| match fields.raw(&name.to_lowercase()) {
            Some(raw) => fields
                .decimal(&name.to_lowercase())
                .filter(|value| !value.is_sign_negative())
                .ok_or_else(|| format!("its `{name}` is `{}`, not a number of 0 or more", raw.get())),
            None => Err(format!("it has no `{name}`")),
        };
        Ok(Self {
            row,
            currency: text("currencyCode")?,
            begin: match fields.raw("tierminimumunits") {
                Some(_) => number("tierMinimumUnits")?,
                None => Decimal::ZERO,
            },
            amount: number("retailPrice")?,
            region: optional("armregionname"),
            from: day(&optional("effectivestartdate")),
            to: ended(&optional("effectiveenddate")),
            meter_id: optional("meterid"),
            product: text("productName")?,
            meter: text("meterName")?,
            unit: text("unitOfMeasure")?,
            size: optional("armskuname"),
            service: text("serviceName")?,
            sku: optional("skuname"),
            kind: text("type")?,
            reservation: optional("reservationterm"),
            primary: optional("isprimarymeterregion") != "false",
        })
    }

    /// Why the price is not one of today; `None` if it may be.
    pub fn outdated(&self, today: Option<Date>) -> Option<String> {
        if !self.primary {
            return Some("it is a secondary meter: the region is billed under another one".to_owned());
        }
        if self.from.zip(self.to).is_some_and(|(from, to)| to <= from) {
            return Some("the price ends before it begins".to_owned());
        }
        let to = self.to.filter(|to| today.is_some_and(|today| *to <= today))?;
        Some(format!("the price ended before {to}"))
    }

    /// What it is the price of; `None` where books have no row for it.
    pub fn use_of(&self) -> Option<AzureUse> {
        let meter = METERS.iter().find(|(service, product, meter, _)| {
            self.service == *service
                && self.meter == *meter
                && (product.is_empty() || self.product == *product)
        });
        if let Some((_, _, _, id)) = meter.filter(|_| self.kind == "Consumption") {
            return Some(AzureUse::Meter(id));
        }
        self.machine().map(AzureUse::Machine)
    }

    fn machine(&self) -> Option<Buying> {
        let named = |word: &str| {
            [&self.product, &self.meter, &self.sku]
                .iter()
                .any(|name| name.contains(word))
        };
        let virtual_machine = self.service == "Virtual Machines"
            && self.product.starts_with("Virtual Machines ")
            && !self.size.is_empty();
        if !virtual_machine || OTHER_MACHINES.iter().any(|word| named(word)) {
            return None;
        }
        match (self.kind.as_str(), years(&self.reservation)) {
            ("Consumption", _) if named("Spot") => Some(Buying::Spot),
            ("Consumption", _) => Some(Buying::OnDemand),
            ("Reservation", Some(1)) => Some(Buying::OneYear),
            ("Reservation", Some(3)) => Some(Buying::ThreeYears),
            _ => None,
        }
    }

    /// The price of an hour, or of a whole term if it is a reservation; or why there is none.
    pub fn of_machine(&self, buying: Buying) -> Result<Decimal, String> {
        if self.amount.is_zero() {
            return Err(PLACEHOLDER.to_owned());
        }
        if matches!(buying, Buying::OneYear | Buying::ThreeYears) {
            return Ok(self.amount);
        }
        let hours = [" Hours", " Hour", "/Hour"]
            .iter()
            .find_map(|unit| self.unit.strip_suffix(unit))
            .and_then(decimal)
            .filter(|hours| *hours > Decimal::ZERO)
            .ok_or_else(|| format!("it is priced per `{}`, not per hour", self.unit))?;
        Ok((self.amount / hours).normalize())
    }

    /// Hourly rates under a savings plan, by its years.
    pub fn savings(&self) -> Vec<(u32, Decimal)> {
        let plans = self.row.fields.objects("savingsplan");
        plans
            .iter()
            .filter_map(|plan| Some((years(&plan.text("term")?)?, plan.decimal("retailprice")?)))
            .filter(|(_, rate)| *rate > Decimal::ZERO)
            .collect()
    }

    /// How many units one unit of measure is: `10`, `1M`, `1 GB Second`.
    pub fn counted(&self) -> Option<Decimal> {
        let number = self.unit.split([' ', '/']).next()?;
        let (digits, factor) = match number.chars().last()? {
            'M' => (&number[..number.len() - 1], Decimal::from(1_000_000)),
            'K' => (&number[..number.len() - 1], Decimal::ONE_THOUSAND),
            _ => (number, Decimal::ONE),
        };
        decimal(digits)
            .map(|count| count * factor)
            .filter(|count| *count > Decimal::ZERO)
    }
}

/// The first day on which a price no longer holds, from its last moment: `2023-10-31T23:59:59Z` is all of
/// that day.
fn ended(text: &str) -> Option<Date> {
    let last = day(text)?;
    if text.contains("T00:00:00") {
        Some(last)
    } else {
        last.checked_add(1.day()).ok()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_price_that_ends_in_the_evening_holds_on_its_last_day() {
        assert_eq!(ended("2023-10-31T23:59:59Z"), Some(date(2023, 11, 1)));
        assert_eq!(ended("2023-11-01T00:00:00Z"), Some(date(2023, 11, 1)));
        assert_eq!(ended(""), None);
    }
}
