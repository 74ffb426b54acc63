//! What looks wrong in a book that reads well: doubts about prices, none of which stops anything.

mod family;

use std::{collections::BTreeMap, fmt};

use jiff::civil::Date;
use rust_decimal::Decimal;

pub use self::family::family;
use self::family::line_of_products;
use super::{Confidence, Instance, PriceBook, holds};

/// Share by which a price per virtual CPU may differ from its family's.
const FAMILY_BAND: Decimal = Decimal::from_parts(30, 0, 0, false, 2);
/// Share within which two sizes of a family agree on its price.
const AGREEMENT: Decimal = Decimal::from_parts(5, 0, 0, false, 2);
/// Rows that two books must share before it is odd that all of them are equal.
const FEWEST_SHARED: usize = 5;
/// Hours of a year of a term.
const YEAR_HOURS: Decimal = Decimal::from_parts(8_760, 0, 0, false, 0);

/// A doubt about a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LintFinding {
    /// A source is older than the book allows.
    Stale {
        /// The source.
        source: String,
        /// Days since it was seen.
        days: i32,
        /// Days that are allowed.
        allowed: u32,
    },
    /// A source is rounded, of an unknown day, or without an address or a certain region.
    Approximate {
        /// The source.
        source: String,
    },
    /// A price per virtual CPU is far from what the other sizes of the family cost.
    OffFamily {
        /// The instance type.
        sku: String,
        /// Its family.
        family: String,
        /// Its price per virtual CPU.
        price: Decimal,
        /// The family's.
        line: Decimal,
    },
    /// A commitment costs more than what it replaces.
    ReservedAbove {
        /// The commitment.
        commitment: String,
        /// Its price per hour, upfront included.
        effective: Decimal,
        /// The price per hour without it.
        on_demand: Decimal,
    },
    /// Capacity that may be taken away costs more than capacity that stays.
    SpotAbove {
        /// The instance type.
        sku: String,
        /// Its spot price.
        spot: Decimal,
        /// Its price on demand.
        on_demand: Decimal,
    },
    /// An ARM size costs more than the x86 sizes like it.
    ArmDearer {
        /// The instance type on ARM.
        sku: String,
        /// Its price.
        price: Decimal,
        /// The dearest x86 size like it.
        other: String,
        /// Its price.
        other_price: Decimal,
    },
    /// Every price is that of another region, to the last digit.
    SameAsRegion {
        /// The other region's book.
        other: String,
        /// Rows that both have.
        rows: usize,
    },
}

impl LintFinding {
    /// A short name of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Stale { .. } => "stale-source",
            Self::Approximate { .. } => "approximate-source",
            Self::OffFamily { .. } => "off-family",
            Self::ReservedAbove { .. } => "reserved-above-on-demand",
            Self::SpotAbove { .. } => "spot-above-on-demand",
            Self::ArmDearer { .. } => "arm-dearer",
            Self::SameAsRegion { .. } => "same-as-region",
        }
    }

    /// The row or source that it is about; none where it is about the book.
    #[must_use]
    pub fn row(&self) -> Option<&str> {
        match self {
            Self::Stale { source, .. } | Self::Approximate { source } => Some(source),
            Self::OffFamily { sku, .. } | Self::SpotAbove { sku, .. } | Self::ArmDearer { sku, .. } => {
                Some(sku)
            }
            Self::ReservedAbove { commitment, .. } => Some(commitment),
            Self::SameAsRegion { .. } => None,
        }
    }
}

impl fmt::Display for LintFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |price: &Decimal, of: &Decimal| {
            let share = price
                .checked_div(*of)
                .and_then(|share| (share - Decimal::ONE).checked_mul(Decimal::ONE_HUNDRED));
            share.map_or_else(|| "far".to_owned(), |percent| format!("{:+} %", percent.round()))
        };
        match self {
            Self::Stale {
                source,
                days,
                allowed,
            } => write!(
                f,
                "source `{source}` was seen {days} days ago, more than {allowed}"
            ),
            Self::Approximate { source } => {
                write!(
                    f,
                    "source `{source}` is approximate: check its prices with the vendor"
                )
            }
            Self::OffFamily {
                sku,
                family,
                price,
                line,
            } => {
                let (price, percent, line) = (
                    price.round_dp(5).normalize(),
                    percent(price, line),
                    line.round_dp(5).normalize(),
                );
                write!(
                    f,
                    "`{sku}` costs {price} per vCPU, {percent} off the {line} of its family `{family}`: \
                        another meter (a licence?) or a slip"
                )
            }
            Self::ReservedAbove {
                commitment,
                effective,
                on_demand,
            } => {
                write!(
                    f,
                    "commitment `{commitment}` costs {} an hour, more than the {on_demand} without it",
                    effective.round_dp(6).normalize()
                )
            }
            Self::SpotAbove { sku, spot, on_demand } => write!(
                f,
                "spot price {spot} of `{sku}` is above the {on_demand} on demand"
            ),
            Self::ArmDearer {
                sku,
                price,
                other,
                other_price,
            } => {
                write!(
                    f,
                    "`{sku}` on ARM costs {price}, more than {other_price} of `{other}` on x86"
                )
            }
            Self::SameAsRegion { other, rows } => write!(
                f,
                "all {rows} prices shared with {other} are equal to the last digit: copied?"
            ),
        }
    }
}

/// Every doubt about a book on a day. `others` are books to compare with; the book itself among them does no
/// harm.
#[must_use]
pub fn lint(book: &PriceBook, on: Date, others: &[PriceBook]) -> Vec<LintFinding> {
    let instances: Vec<&Instance> = book
        .instance
        .iter()
        .filter(|row| holds(row.effective_from, row.effective_to, on))
        .collect();
    let mut found = stale(book, on);
    found.extend(approximate(book));
    found.extend(off_family(&instances));
    found.extend(reserved_above(book, &instances));
    found.extend(spot_above(&instances));
    found.extend(arm_dearer(&instances));
    found.extend(same_as_region(book, others));
    found
}

fn stale(book: &PriceBook, on: Date) -> Vec<LintFinding> {
    let old = |(name, source): (&String, &super::PriceSource)| {
        let days = on
            .since(source.observed_on.earliest())
            .map_or(0, |span| span.get_days());
        (i64::from(days) > i64::from(book.stale_after_days)).then(|| LintFinding::Stale {
            source: name.clone(),
            days,
            allowed: book.stale_after_days,
        })
    };
    book.source.iter().filter_map(old).collect()
}

fn approximate(book: &PriceBook) -> impl Iterator<Item = LintFinding> {
    let weak = book
        .source
        .iter()
        .filter(|(_, source)| source.confidence == Confidence::Approximate);
    weak.map(|(name, _)| LintFinding::Approximate { source: name.clone() })
}

/// Sizes whose price per virtual CPU is far from the family's line, and per GiB as well: sizes that run on
/// credits differ in memory per virtual CPU, and their price follows the memory.
fn off_family(instances: &[&Instance]) -> Vec<LintFinding> {
    let mut families: BTreeMap<String, Vec<(&Instance, Decimal)>> = BTreeMap::new();
    for instance in instances {
        let Some(price) = instance.price.on_demand.filter(|price| !price.0.is_zero()) else {
            continue;
        };
        families
            .entry(family(&instance.sku))
            .or_default()
            .push((instance, price.0));
    }
    let off = |price: Decimal, line: Decimal| {
        price
            .checked_div(line)
            .is_none_or(|share| (share - Decimal::ONE).abs() > FAMILY_BAND)
    };
    let mut found = Vec::new();
    for (family, sizes) in families {
        let per = |of: fn(&Instance) -> Decimal| -> Option<Vec<Decimal>> {
            sizes
                .iter()
                .map(|(size, price)| price.checked_div(of(size)))
                .collect()
        };
        let (Some(per_cpu), Some(per_gib)) = (per(|size| size.vcpu.0), per(|size| size.memory_gib.0)) else {
            continue;
        };
        let (Some(line), Some(line_gib)) = (line(&per_cpu), line(&per_gib)) else {
            continue;
        };
        for (index, (size, _)) in sizes.iter().enumerate() {
            if off(per_cpu[index], line) && off(per_gib[index], line_gib) {
                found.push(LintFinding::OffFamily {
                    sku: size.sku.clone(),
                    family: family.clone(),
                    price: per_cpu[index],
                    line,
                });
            }
        }
    }
    found
}

/// The lowest price that two sizes agree on, else the median of three or more.
///
/// Not the median from the start: in one region 7 of 9 sizes of a family carried the price with a Windows
/// licence and a median would have called the right ones wrong. What is added by mistake makes prices higher.
fn line(prices: &[Decimal]) -> Option<Decimal> {
    let mut sorted = prices.to_vec();
    sorted.sort();
    let agreed = sorted
        .windows(2)
        .find(|pair| {
            pair[0]
                .checked_mul(Decimal::ONE + AGREEMENT)
                .is_some_and(|most| pair[1] <= most)
        })
        .map(|pair| pair[0]);
    agreed.or_else(|| (sorted.len() >= 3).then(|| sorted[sorted.len() / 2]))
}

fn reserved_above(book: &PriceBook, instances: &[&Instance]) -> Vec<LintFinding> {
    let mut found = Vec::new();
    for commitment in &book.commitment {
        let instance = commitment
            .covers
            .sku
            .as_ref()
            .and_then(|sku| instances.iter().find(|instance| instance.sku == *sku));
        let Some(on_demand) = instance.and_then(|instance| hourly(instance, book)) else {
            continue;
        };
        let hours = YEAR_HOURS * Decimal::from(commitment.term_months) / Decimal::from(12);
        let recurring = match commitment.unit {
            super::InstanceUnit::H => commitment.recurring.0,
            super::InstanceUnit::Month => commitment.recurring.0 / book.month_hours.0,
        };
        let Some(effective) = (commitment.upfront.0 / hours).checked_add(recurring) else {
            continue;
        };
        if effective > on_demand {
            found.push(LintFinding::ReservedAbove {
                commitment: commitment.id.clone(),
                effective,
                on_demand,
            });
        }
    }
    found
}

/// Price per hour on demand.
fn hourly(instance: &Instance, book: &PriceBook) -> Option<Decimal> {
    let price = instance.price.on_demand?.0;
    Some(if instance.price.unit == super::InstanceUnit::H {
        price
    } else {
        price / book.month_hours.0
    })
}

fn spot_above(instances: &[&Instance]) -> Vec<LintFinding> {
    let above = |instance: &&Instance| {
        let (spot, on_demand) = (instance.price.spot?.0, instance.price.on_demand?.0);
        (spot > on_demand).then(|| LintFinding::SpotAbove {
            sku: instance.sku.clone(),
            spot,
            on_demand,
        })
    };
    instances.iter().filter_map(above).collect()
}

fn arm_dearer(instances: &[&Instance]) -> Vec<LintFinding> {
    let mut found = Vec::new();
    let is_arm = |instance: &Instance| instance.arch.starts_with("arm") || instance.arch == "aarch64";
    for arm in instances.iter().filter(|instance| is_arm(instance)) {
        let Some(price) = arm.price.on_demand else {
            continue;
        };
        let like = instances.iter().filter(|other| {
            !is_arm(other)
                && (other.vcpu, other.memory_gib, other.price.unit)
                    == (arm.vcpu, arm.memory_gib, arm.price.unit)
                && line_of_products(&other.sku) == line_of_products(&arm.sku)
        });
        let dearest = like
            .filter_map(|other| other.price.on_demand.map(|price| (price.0, other)))
            .max_by_key(|(price, _)| *price);
        if let Some((other_price, other)) = dearest
            && price.0 > other_price
        {
            found.push(LintFinding::ArmDearer {
                sku: arm.sku.clone(),
                price: price.0,
                other: other.sku.clone(),
                other_price,
            });
        }
    }
    found
}

/// Books of other regions with the same prices in every row that both have. Where the vendor's own keys of
/// two rows differ, the vendor lists them apart, so that neither was copied.
fn same_as_region(book: &PriceBook, others: &[PriceBook]) -> Vec<LintFinding> {
    type Price<'a> = (String, Option<&'a String>);
    fn prices(book: &PriceBook) -> BTreeMap<String, Price<'_>> {
        let instances = book.instance.iter().filter_map(|row| {
            let price = row.price.on_demand?.to_string();
            Some((
                format!("{} {:?}", row.sku, row.effective_from),
                (price, row.vendor_code.as_ref()),
            ))
        });
        let meters = book.meter.iter().filter_map(|row| {
            let price = format!("{:?}", row.price.as_ref()?);
            Some((
                format!("{} {:?}", row.id, row.effective_from),
                (price, row.vendor_code.as_ref()),
            ))
        });
        instances.chain(meters).collect()
    }
    let copied = |(price, code): &Price<'_>, (other, other_code): &Price<'_>| {
        price == other && code.zip(*other_code).is_none_or(|(code, other)| code == other)
    };
    let own = prices(book);
    let mut found = Vec::new();
    for other in others
        .iter()
        .filter(|other| other.provider == book.provider && other.region != book.region)
    {
        let theirs = prices(other);
        let shared: Vec<bool> = own
            .iter()
            .filter_map(|(row, price)| theirs.get(row).map(|their| copied(price, their)))
            .collect();
        if shared.len() >= FEWEST_SHARED && shared.iter().all(|equal| *equal) {
            found.push(LintFinding::SameAsRegion {
                other: other.name(),
                rows: shared.len(),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::diagnostic::Source;

    fn book(region: &str, rows: &str) -> PriceBook {
        let head = format!(
            "schema = 1\nprovider = \"p\"\nregion = \"{region}\"\ncurrency = \"USD\"\nmonth_hours = \
                \"730\"\ntax = \"excluded\"\nstale_after_days = 180\n[source.s]\ntitle = \
                \"list\"\nobserved_on = \"2026-05-01\"\nconfidence = \"list\"\n"
        );
        PriceBook::read(&Source::new("b", head + rows)).unwrap_or_else(|found| panic!("{found:?}"))
    }

    fn instance(sku: &str, arch: &str, vcpu: &str, memory: &str, price: &str) -> String {
        format!(
            "[[instance]]\nsku = \"{sku}\"\narch = \"{arch}\"\nvcpu = \"{vcpu}\"\nmemory_gib = \
                \"{memory}\"\nprice = {{ {price}, unit = \"h\" }}\nsource = \"s\"\n"
        )
    }

    fn found(rows: &str) -> Vec<(&'static str, String)> {
        let findings = lint(&book("r", rows), date(2026, 6, 1), &[]);
        findings
            .iter()
            .map(|finding| (finding.code(), finding.row().unwrap_or_default().to_owned()))
            .collect()
    }

    #[test]
    fn a_wrong_price_is_found_where_most_of_the_family_is_wrong() {
        // Easv5 of westeurope in azure-vm.csv: 4 and 20 vCPU are right at 0.0685 per vCPU, the others carry a
        // Windows licence.
        let price = |sku, vcpu: &str, memory: &str, price: &str| {
            instance(sku, "x86_64", vcpu, memory, &format!("on_demand = \"{price}\""))
        };
        let rows = price("Standard_E4as_v5", "4", "32", "0.274")
            + &price("Standard_E20as_v5", "20", "160", "1.37")
            + &price("Standard_E2as_v5", "2", "16", "0.229")
            + &price("Standard_E8as_v5", "8", "64", "0.916")
            + &price("Standard_E16as_v5", "16", "128", "1.832");
        let wrong = ["Standard_E2as_v5", "Standard_E8as_v5", "Standard_E16as_v5"]
            .map(|sku| ("off-family", sku.to_owned()));
        assert_eq!(found(&rows), wrong);
    }

    #[test]
    fn sizes_on_credits_whose_price_follows_the_memory_are_not_wrong() {
        let price = |sku, memory, price: &str| {
            instance(sku, "x86_64", "2", memory, &format!("on_demand = \"{price}\""))
        };
        assert_eq!(
            found(
                &(price("t3.nano", "0.5", "0.0052")
                    + &price("t3.micro", "1", "0.0104")
                    + &price("t3.medium", "4", "0.0416"))
            ),
            []
        );
    }

    #[test]
    fn prices_above_what_they_should_undercut_are_found() {
        let rows = instance(
            "m7i.large",
            "x86_64",
            "2",
            "8",
            "on_demand = \"0.10\", spot = \"0.11\"",
        ) + &instance("m7g.large", "arm64", "2", "8", "on_demand = \"0.12\"")
            + "[[commitment]]\nid = \"ri\"\nkind = \"reserved\"\nterm_months = 12\npayment = \
                \"partial\"\ncovers = { sku = \"m7i.large\" }\nupfront = \"500\"\nrecurring = \"0.05\"\nunit \
                = \"h\"\nsource = \"s\"\n";
        // 500 / 8760 + 0.05 = 0.107 an hour, above 0.10.
        let expected = [
            ("reserved-above-on-demand", "ri"),
            ("spot-above-on-demand", "m7i.large"),
            ("arm-dearer", "m7g.large"),
        ];
        assert_eq!(found(&rows), expected.map(|(code, row)| (code, row.to_owned())));
    }

    #[test]
    fn numbers_at_the_ends_of_their_range_do_no_harm() {
        let tiny = "0.0000000000000000000000000001";
        let rows = instance(
            "m7i.large",
            "x86_64",
            "0.001",
            "0.001",
            "on_demand = \"100000000\", spot = \"0\"",
        ) + &instance(
            "m7i.xlarge",
            "x86_64",
            "10000",
            "1000000",
            &format!("on_demand = \"{tiny}\""),
        ) + &instance("m7i.2xlarge", "x86_64", "8", "8", "on_demand = \"100000000\"")
            + "[[commitment]]\nid = \"ri\"\nkind = \"reserved\"\nterm_months = 12\npayment = \
                \"all\"\ncovers = { sku = \"m7i.large\" }\nupfront = \"1\"\nrecurring = \
                \"1\"\nunit = \"h\"\nsource = \"s\"\n";
        let mut book = book("r", &rows);
        // No reader accepts these; a lint does no harm even so.
        book.instance[0].vcpu = tiny.parse().expect("a decimal");
        book.instance[0].memory_gib = book.instance[0].vcpu;
        book.commitment[0].upfront.0 = Decimal::MAX;
        book.commitment[0].recurring.0 = Decimal::MAX;
        for finding in lint(&book, date(2026, 6, 1), &[]) {
            assert!(!finding.to_string().is_empty());
        }
        assert!(crate::price_book::changes(&book, &book).is_empty());
    }

    #[test]
    fn old_sources_and_copied_regions_are_found() {
        let sizes: String = ["2", "4", "8", "16", "32"]
            .map(|vcpu| {
                instance(
                    &format!("m-{vcpu}"),
                    "x86_64",
                    vcpu,
                    vcpu,
                    &format!("on_demand = \"{vcpu}\""),
                )
            })
            .concat();
        let findings = lint(
            &book("r", &sizes),
            date(2026, 12, 1),
            &[book("q", &sizes), book("r", &sizes)],
        );
        assert_eq!(
            findings[0],
            LintFinding::Stale {
                source: "s".to_owned(),
                days: 214,
                allowed: 180
            }
        );
        assert_eq!(
            findings[1],
            LintFinding::SameAsRegion {
                other: "p/q".to_owned(),
                rows: 5
            }
        );
        assert_eq!(findings.len(), 2);
        let coded = |code: &str| {
            let line = format!("vendor_code = \"{code}\"\nsource = \"s\"\n");
            sizes.replace("source = \"s\"\n", &line)
        };
        let listed = lint(
            &book("r", &coded("A")),
            date(2026, 6, 1),
            &[book("q", &coded("B"))],
        );
        assert_eq!(listed, [], "the vendor lists both");
    }
}
