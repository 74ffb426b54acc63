//! Cold starts of function hosts: as a study states them, or within the range of public measurements.

use std::sync::LazyLock;

use nest_data::{Caveat, config::ColdStart as StatedColdStart};

use crate::draws::RandomStream;

/// Public measurements, each with its source and date; `docs/method/pricing.md` says how they are used.
const PUBLIC: &str = include_str!("cold_start/public.csv");

static MEASUREMENTS: LazyLock<Vec<Measurement>> = LazyLock::new(measurements);

/// How often requests of a function meet a cold start, and how long it takes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ColdStart {
    pub share: f64,   // of requests, 0-1
    pub extra_s: f64, // that a cold start adds to the response; it is billed too
}

impl ColdStart {
    /// What cold starts add to a request on average, in seconds.
    pub fn mean_s(&self) -> f64 {
        self.share * self.extra_s
    }
}

/// What is known of the cold starts of one placement.
#[derive(Debug, Clone, PartialEq)]
pub enum ColdStarts {
    /// By the study.
    Stated(ColdStart),
    /// ◇ Assumed, because the study says nothing: the range of public measurements of the host.
    Assumed(ColdStartRange),
    /// Neither the study nor a public range says it: none is counted, and a caveat says so.
    Unknown {
        share: bool,   // whether a range of the share is public
        extra_s: bool, // whether a range of the time is public
    },
}

/// Ranges of public measurements, each taken for 90 %.
#[derive(Debug, Clone, PartialEq)]
pub struct ColdStartRange {
    pub share: [f64; 2],
    pub extra_ms: [f64; 2],    // above 0
    pub observed: [String; 2], // the earliest and the latest date of a source
}

impl ColdStarts {
    /// Those of a host of a provider, by what a study states.
    pub fn of(stated: Option<&StatedColdStart>, provider: &str, host: &str) -> Self {
        if let Some(stated) = stated {
            return Self::Stated(ColdStart {
                share: stated.share.get(),
                extra_s: stated.extra_ms / 1e3,
            });
        }
        let (share, extra_ms) = (
            Published::of(provider, host, "share"),
            Published::of(provider, host, "extra_ms"),
        );
        match (share.range(), extra_ms.range()) {
            (Some(share_range), Some(extra_range)) => Self::Assumed(ColdStartRange {
                share: share_range,
                extra_ms: extra_range,
                observed: observed(share.0.iter().chain(&extra_ms.0)),
            }),
            (share, extra_ms) => Self::Unknown {
                share: share.is_some(),
                extra_s: extra_ms.is_some(),
            },
        }
    }

    /// In the point estimate: as stated, or the middle of the range.
    pub fn middle(&self) -> ColdStart {
        match self {
            Self::Stated(stated) => *stated,
            Self::Assumed(range) => range.middle(),
            Self::Unknown { .. } => ColdStart::default(),
        }
    }

    /// In one draw. What is stated or unknown takes no random number.
    pub fn draw(&self, stream: impl FnOnce() -> RandomStream) -> ColdStart {
        match self {
            Self::Assumed(range) => range.draw(&mut stream()),
            _ => self.middle(),
        }
    }

    /// The doubt about cold starts that a study does not state; `None` if it states them.
    pub fn caveat(&self, config: &str, host: &str) -> Option<Caveat> {
        let (config, host) = (config.to_owned(), host.to_owned());
        match self {
            Self::Stated(_) => None,
            Self::Assumed(range) => Some(Caveat::ColdStartAssumed {
                config,
                host,
                share: range.share,
                extra_ms: range.extra_ms,
                observed: range.observed.clone(),
            }),
            Self::Unknown { share, extra_s } => Some(Caveat::ColdStartUnknown {
                config,
                host,
                share_is_public: *share,
                time_is_public: *extra_s,
            }),
        }
    }
}

impl ColdStartRange {
    /// The middle of both ranges. Times of cold starts lie two powers of ten apart, so theirs is the
    /// geometric one.
    fn middle(&self) -> ColdStart {
        let [low, high] = self.extra_ms;
        ColdStart {
            share: self.share.iter().sum::<f64>() / 2.0,
            extra_s: (low * high).sqrt() / 1e3,
        }
    }

    /// A draw whose 5 % and 95 % quantiles are the ends of the ranges: the share normal around its middle and
    /// cut off at 0, the time log-normal.
    fn draw(&self, stream: &mut RandomStream) -> ColdStart {
        let ([low, high], middle) = (self.share, self.middle());
        let [short, long] = self.extra_ms.map(|ms| (ms / 1e3).ln());
        ColdStart {
            share: stream.within(low, middle.share, high).clamp(0.0, 1.0),
            extra_s: stream.within(short, middle.extra_s.ln(), long).exp(),
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq)]
struct Measurement {
    provider: String,
    host: String,
    quantity: String,
    low: f64,
    high: f64,
    observed_on: String,
}

/// Every row of the table, whose form a test holds.
fn measurements() -> Vec<Measurement> {
    let mut reader = csv::Reader::from_reader(PUBLIC.as_bytes());
    let rows = reader.deserialize::<[String; 10]>().map(|row| {
        let [provider, host, quantity, low, high, _, _, _, observed_on, _] =
            row.expect("every row of the table has ten columns");
        let number = |text: &str| text.parse().expect("the ends of a range are numbers");
        Measurement {
            low: number(&low),
            high: number(&high),
            provider,
            host,
            quantity,
            observed_on,
        }
    });
    rows.collect()
}

/// What is public about one quantity of a host.
struct Published(Vec<&'static Measurement>);

impl Published {
    fn of(provider: &str, host: &str, quantity: &str) -> Self {
        let rows = MEASUREMENTS
            .iter()
            .filter(|row| row.provider == provider && row.host == host && row.quantity == quantity);
        Self(rows.collect())
    }

    /// From the smallest to the largest; `None` if there are not two figures that differ.
    fn range(&self) -> Option<[f64; 2]> {
        let low = self.0.iter().map(|row| row.low).reduce(f64::min)?;
        let high = self.0.iter().map(|row| row.high).reduce(f64::max)?;
        (low < high).then_some([low, high])
    }
}

/// The earliest and the latest date; dates are written so that their texts sort.
fn observed<'a>(rows: impl Iterator<Item = &'a &'static Measurement> + Clone) -> [String; 2] {
    let dates = rows.map(|row| row.observed_on.as_str());
    [dates.clone().min(), dates.max()].map(|date| date.unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::StreamPurpose;

    fn range_of(provider: &str, host: &str) -> ColdStartRange {
        match ColdStarts::of(None, provider, host) {
            ColdStarts::Assumed(range) => range,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_range_of_lambda_goes_from_rust_to_python_with_packages() {
        let range = range_of("aws", "lambda");
        // 1 % is the operator guide's bound; 13.8 ms Rust on Arm, 2,502 ms Python with three packages
        assert_eq!((range.share, range.extra_ms), ([0.0, 0.01], [13.8, 2_502.0]));
        assert_eq!(range.observed, ["2021", "2026-08-22"]);
        let middle = range.middle();
        // sqrt(13.8 x 2502) = 185.816
        assert!(
            (middle.extra_s - 0.185_816).abs() < 1e-6 && middle.share == 0.005,
            "{middle:?}"
        );
    }

    #[test]
    fn a_host_without_two_figures_of_both_has_no_range() {
        let unknown = |provider, host| ColdStarts::of(None, provider, host);
        let parts = |share, extra_s| ColdStarts::Unknown { share, extra_s };
        assert_eq!(unknown("azure", "functions"), parts(false, true));
        assert_eq!(unknown("cloudflare", "workers"), parts(true, false));
        assert_eq!(unknown("gcp", "cloudrun"), parts(false, false));
        assert_eq!(unknown("webtask", "webtask"), parts(false, false));
        assert_eq!(unknown("webtask", "webtask").middle().mean_s(), 0.0);
    }

    #[test]
    fn what_a_study_states_is_no_draw() {
        let stated = StatedColdStart {
            share: nest_data::units::Share::new(0.02).expect("a share"),
            extra_ms: 400.0,
        };
        let known = ColdStarts::of(Some(&stated), "aws", "lambda");
        let drawn = known.draw(|| panic!("no number is drawn"));
        assert_eq!(
            (drawn.share, drawn.extra_s, known.caveat("a", "lambda")),
            (0.02, 0.4, None)
        );
        assert!((drawn.mean_s() - 0.008).abs() < 1e-15);
    }

    #[test]
    fn draws_have_the_published_range_as_their_central_nine_tenths() {
        let range = range_of("aws", "lambda");
        let draws: Vec<ColdStart> = (0..8_000)
            .map(|index| range.draw(&mut RandomStream::new(1, StreamPurpose::ColdStart, index)))
            .collect();
        let below = |is_below: &dyn Fn(&ColdStart) -> bool| {
            draws.iter().filter(|draw| is_below(draw)).count() as f64 / 8_000.0
        };
        // 5 % on either side, with a standard deviation of 0.24 %: four of them
        for (share, expected) in [
            (below(&|draw| draw.share <= 0.0), 0.05),
            (below(&|draw| draw.share < 0.005), 0.5),
            (below(&|draw| draw.share < 0.01), 0.95),
            (below(&|draw| draw.extra_s < 0.0138), 0.05),
            (below(&|draw| draw.extra_s < 0.185_816), 0.5),
            (below(&|draw| draw.extra_s < 2.502), 0.95),
        ] {
            let deviation = (expected * (1.0 - expected) / 8_000.0_f64).sqrt();
            assert!(
                (share - expected).abs() < 4.0 * deviation,
                "{share} for {expected}"
            );
        }
    }

    #[test]
    fn every_row_of_the_table_names_a_source_an_address_and_a_date() {
        let mut reader = csv::Reader::from_reader(PUBLIC.as_bytes());
        for row in reader.deserialize::<[String; 10]>() {
            let row = row.expect("ten columns");
            let [_, _, quantity, _, _, what, source, url, observed_on, confidence] = &row;
            assert!(["share", "extra_ms"].contains(&quantity.as_str()), "{row:?}");
            assert!(
                url.starts_with("https://") && observed_on.starts_with("20"),
                "{row:?}"
            );
            assert!(
                [what, source, confidence].iter().all(|text| !text.is_empty()),
                "{row:?}"
            );
        }
        for row in MEASUREMENTS.iter() {
            let most = if row.quantity == "share" { 1.0 } else { 900_000.0 };
            assert!(
                0.0 <= row.low && row.low <= row.high && row.high <= most,
                "{row:?}"
            );
        }
    }
}
