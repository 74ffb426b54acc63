//! Checks a book of the user's own against the one that it is laid over.

use rust_decimal::Decimal;

use super::{Adjustment, PriceBook};
use crate::{
    diagnostic::{Diagnostic, Source},
    toml_document,
};

/// Factor from which on an own price is taken for a slip of the decimal point.
const FAR: Decimal = Decimal::TEN;

impl PriceBook {
    /// Adjustments of an own book that change no price of the whole, each at its line. `text` is that of the
    /// own book, `whole` is what it was laid over, with it.
    #[must_use]
    pub fn idle_adjustments(text: &Source, whole: &Self) -> Vec<Diagnostic> {
        let Ok((own, spans)) = toml_document::read::<Self>(text, &[]) else {
            return Vec::new();
        };
        let idle = own
            .adjustment
            .iter()
            .enumerate()
            .filter(|(_, one)| !whole.is_adjusted_by(one));
        idle.map(|(index, adjustment)| {
            spans.at_value(
                &["adjustment", &index.to_string(), "selector"],
                format!(
                    "adjustment `{}` changes no price: no meter, instance type, commitment or plan of {} is \
                     called `{}`",
                    adjustment.label,
                    whole.name(),
                    adjustment.selector
                ),
                "write \"*\" for all prices, a name, or the beginning of names and *, such as \"m7i.*\"",
            )
        })
        .collect()
    }

    fn is_adjusted_by(&self, adjustment: &Adjustment) -> bool {
        let meters = self.meter.iter().map(|row| &row.id);
        let instances = self.instance.iter().map(|row| &row.sku);
        let commitments = self.commitment.iter().map(|row| &row.id);
        let plans = self.plan.iter().map(|row| &row.id);
        let mut names = meters.chain(instances).chain(commitments).chain(plans);
        names.any(|name| adjustment.applies_to(name))
    }

    /// Prices of this book that are ten times those of `below`, or a tenth of them: name, price here, price
    /// there.
    #[must_use]
    pub fn far_prices(&self, below: &Self) -> Vec<(String, Decimal, Decimal)> {
        let instance = |own: &super::Instance| {
            let listed = below
                .instance
                .iter()
                .find(|row| row.sku == own.sku && row.price.unit == own.price.unit)?;
            Some((own.sku.clone(), own.price.on_demand?.0, listed.price.on_demand?.0))
        };
        let meter = |own: &super::Meter| {
            let listed = below
                .meter
                .iter()
                .find(|row| row.id == own.id && row.unit == own.unit)?;
            Some((own.id.clone(), own.first_price()?, listed.first_price()?))
        };
        let pairs = self
            .instance
            .iter()
            .filter_map(instance)
            .chain(self.meter.iter().filter_map(meter));
        let far = |(_, own, listed): &(String, Decimal, Decimal)| {
            !listed.is_zero() && (*own >= *listed * FAR || *own * FAR <= *listed)
        };
        pairs.filter(far).collect()
    }

    /// Rows of this book that add to `below` although they look like changes of one of its rows: a name that
    /// differs from a known one by a slip, or the same instance type with another size, in sentences.
    #[must_use]
    pub fn odd_rows(&self, below: &Self) -> Vec<String> {
        let instances: Vec<&str> = below.instance.iter().map(|row| row.sku.as_str()).collect();
        let meters: Vec<&str> = below.meter.iter().map(|row| row.id.as_str()).collect();
        let slip = |name: &str, known: &[&str]| {
            let near = slip_of(name, known)?;
            Some(format!(
                "{name} is new in {}. If it shall replace {near}, write that name",
                below.name()
            ))
        };
        let resized = |own: &super::Instance| {
            let listed = below.instance.iter().find(|row| row.sku == own.sku)?;
            (listed.vcpu != own.vcpu || listed.memory_gib != own.memory_gib).then(|| {
                format!(
                    "{} has {} vCPU and {} GiB, but {} and {} in the book below it",
                    own.sku, own.vcpu, own.memory_gib, listed.vcpu, listed.memory_gib
                )
            })
        };
        let own_instances = self.instance.iter();
        let slips = own_instances.clone().filter_map(|row| slip(&row.sku, &instances));
        let sizes = own_instances.filter_map(resized);
        let of_meters = self.meter.iter().filter_map(|row| slip(&row.id, &meters));
        slips.chain(sizes).chain(of_meters).collect()
    }
}

/// The known name that an unknown one differs from by one letter that is missing, added, or exchanged with
/// its neighbour, and not by a digit: sizes and generations differ by those.
fn slip_of<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    if known.contains(&name) {
        return None;
    }
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let is_slip = |one: &&&str| {
        one.len() != name.len() && strsim::damerau_levenshtein(name, one) == 1 && digits(one) == digits(name)
            || one.len() == name.len() && {
                let (mut a, mut b): (Vec<char>, Vec<char>) = (name.chars().collect(), one.chars().collect());
                let is_close = strsim::damerau_levenshtein(name, one) == 1;
                a.sort_unstable();
                b.sort_unstable();
                is_close && a == b
            }
            || one.eq_ignore_ascii_case(name)
    };
    known.iter().find(is_slip).copied()
}

impl super::Meter {
    /// Price of one unit in the first tier; `None` if it is not known.
    #[must_use]
    pub fn first_price(&self) -> Option<Decimal> {
        let price = self.price.as_ref()?;
        let amount = price.amount.or_else(|| price.tiers.first()?.amount)?;
        Some(amount.0 / price.per.map_or(Decimal::ONE, |per| per.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = "schema = 1\nprovider = \"p\"\nregion = \"r\"\ncurrency = \"USD\"\nmonth_hours = \
        \"730\"\ntax = \"excluded\"\nstale_after_days = 1\n[source.s]\ntitle = \"t\"\nobserved_on = \
        \"2026\"\nconfidence = \"list\"\n[[meter]]\nid = \"a.b\"\nunit = \"GB\"\nprice = { amount = \"1\" \
        }\nsource = \"s\"\n";

    fn adjusted(selector: &str) -> Vec<Diagnostic> {
        let own = SHIPPED.split("[source.s]").next().unwrap_or_default().to_owned()
            + "[[adjustment]]\norder = 1\nkind = \"percent\"\npercent = \"-12\"\nselector = \""
            + selector
            + "\"\nlabel = \"EDP\"\n";
        let shipped = PriceBook::read(&Source::new("s", SHIPPED)).expect("valid");
        let text = Source::new("own.toml", own);
        let whole = shipped
            .overlaid(&PriceBook::read(&text).expect("valid"))
            .expect("of one book");
        PriceBook::idle_adjustments(&text, &whole)
    }

    #[test]
    fn a_selector_that_matches_nothing_is_named() {
        for selector in ["*", "a.b", "a.*"] {
            assert!(adjusted(selector).is_empty(), "{selector}");
        }
        for selector in ["aws:*", "provider:aws", "ec2*", "a"] {
            let found = adjusted(selector);
            assert_eq!(found.len(), 1, "{selector}");
            assert!(
                found[0].message.contains("changes no price"),
                "{}",
                found[0].message
            );
        }
    }

    #[test]
    fn a_slip_in_a_name_is_told_from_another_type() {
        let known = ["m7i.large", "m7i.xlarge", "m7g.large", "CX33"];
        for (name, meant) in [
            ("m7i.lrge", Some("m7i.large")),
            ("m7i.lareg", Some("m7i.large")),
            ("cx33", Some("CX33")),
            ("m7i.large", None),
            ("m7a.large", None),
            ("m8i.large", None),
            ("CX3", None),
        ] {
            assert_eq!(slip_of(name, &known), meant, "{name}");
        }
    }

    #[test]
    fn a_slip_of_the_decimal_point_is_named() {
        let shipped = PriceBook::read(&Source::new("s", SHIPPED)).expect("valid");
        for (amount, far) in [("9", false), ("10", true), ("0.2", false), ("0.1", true)] {
            let own = SHIPPED.replace("amount = \"1\"", &format!("amount = \"{amount}\""));
            let own = PriceBook::read(&Source::new("own", own)).expect("valid");
            assert_eq!(own.far_prices(&shipped).len(), usize::from(far), "{amount}");
        }
    }
}
