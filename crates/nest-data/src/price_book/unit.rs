//! What a meter's unit measures, so that nothing is counted in a unit that it is not.

use super::Meter;

/// What one unit of a meter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitFamily {
    /// A span of time: `h`, `month`.
    Time,
    /// Something that is had for a span of time: `GB*month`, `vCPU*h`, `IOPS*month`.
    OverTime,
    /// Bytes: `GB`, `GiB`.
    Bytes,
    /// The largest of several quantities, hour by hour: a load balancer's capacity unit.
    Capacity,
    /// Something that is counted: `request`, `message`, `token`.
    Count,
}

impl UnitFamily {
    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::OverTime => "something had over time",
            Self::Bytes => "bytes",
            Self::Capacity => "capacity units",
            Self::Count => "a count",
        }
    }
}

/// Hours of a unit of time by its name in a book, whose months have so many; `None` if it is no unit of time.
fn hours_of(unit: &str, month_hours: f64) -> Option<f64> {
    Some(match unit {
        "h" => 1.0,
        "min" => 1.0 / 60.0,
        "s" => 1.0 / 3_600.0,
        "ms" => 1.0 / 3_600_000.0,
        "day" => 24.0,
        "month" => month_hours,
        "year" => 12.0 * month_hours,
        _ => return None,
    })
}

/// Whether it is a unit of time by its name in a book.
fn is_time(unit: &str) -> bool {
    hours_of(unit, 1.0).is_some()
}

/// A unit of bytes by its name in a book: `GB`, `GiB`.
fn is_bytes(unit: &str) -> bool {
    let prefixed = unit.strip_suffix("iB").or_else(|| unit.strip_suffix('B'));
    prefixed.is_some_and(|prefix| matches!(prefix, "" | "k" | "K" | "M" | "G" | "T" | "P"))
}

impl Meter {
    /// What one unit of it is.
    #[must_use]
    pub fn unit_family(&self) -> UnitFamily {
        let of_time = self.unit.rsplit_once('*').is_some_and(|(_, time)| is_time(time));
        if !self.max_of.is_empty() {
            UnitFamily::Capacity
        } else if of_time {
            UnitFamily::OverTime
        } else if is_time(&self.unit) {
            UnitFamily::Time
        } else if is_bytes(&self.unit) {
            UnitFamily::Bytes
        } else {
            UnitFamily::Count
        }
    }

    /// Hours for which one unit of it is had, in a book whose months have so many: 1 for `h` and `vCPU*h`,
    /// all of them for `month` and `GB*month`; `None` if time is no part of its unit.
    #[must_use]
    pub fn hours_per_unit(&self, month_hours: f64) -> Option<f64> {
        let time = self
            .unit
            .rsplit_once('*')
            .map_or(self.unit.as_str(), |(_, time)| time);
        hours_of(time, month_hours)
    }

    /// Bytes of one unit of a meter of bytes; of any other, those of a GB.
    #[must_use]
    pub fn bytes_per_unit(&self) -> f64 {
        let unit = self.unit.split('*').next().unwrap_or_default();
        let step: f64 = if unit.ends_with("iB") { 1_024.0 } else { 1_000.0 };
        let power = match unit.chars().next() {
            Some('k' | 'K') => 1,
            Some('M') => 2,
            Some('T') => 4,
            Some('P') => 5,
            Some('B') => 0,
            _ => 3,
        };
        step.powi(power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnostic::Source, price_book::PriceBook};

    fn meter(unit: &str) -> Meter {
        let text = format!(
            "schema = 1\nprovider = \"p\"\nregion = \"r\"\ncurrency = \"USD\"\nmonth_hours = \"730\"\ntax = \
             \"excluded\"\nstale_after_days = 1\n[source.s]\ntitle = \"t\"\nobserved_on = \
             \"2026\"\nconfidence = \"page\"\n[[meter]]\nid = \"m\"\nunit = \"{unit}\"\nprice = {{ amount = \
             \"1\" }}\nsource = \"s\"\n"
        );
        let mut book = PriceBook::read(&Source::new("book.toml", text)).expect("a valid book");
        book.meter.remove(0)
    }

    #[test]
    fn a_unit_tells_what_it_measures() {
        for (unit, family) in [
            ("h", UnitFamily::Time),
            ("month", UnitFamily::Time),
            ("ms", UnitFamily::Time),
            ("GB*month", UnitFamily::OverTime),
            ("vCPU*h", UnitFamily::OverTime),
            ("GiB*s", UnitFamily::OverTime),
            ("GB", UnitFamily::Bytes),
            ("TiB", UnitFamily::Bytes),
            ("request", UnitFamily::Count),
            ("WRU", UnitFamily::Count),
            ("AB", UnitFamily::Count),
        ] {
            assert_eq!(meter(unit).unit_family(), family, "{unit}");
        }
    }

    #[test]
    fn time_in_a_unit_is_counted_in_hours() {
        for (unit, hours) in [
            ("h", Some(1.0)),
            ("vCPU*h", Some(1.0)),
            ("day", Some(24.0)),
            ("GB*month", Some(730.0)),
            ("year", Some(8_760.0)),
            ("request", None),
            ("GB", None),
        ] {
            assert_eq!(meter(unit).hours_per_unit(730.0), hours, "{unit}");
        }
    }

    #[test]
    fn bytes_of_a_unit_follow_its_prefix() {
        for (unit, bytes) in [
            ("GB", 1e9),
            ("GiB", 1_073_741_824.0),
            ("MB", 1e6),
            ("TiB", 1_099_511_627_776.0),
        ] {
            assert_eq!(meter(unit).bytes_per_unit(), bytes, "{unit}");
        }
    }
}
