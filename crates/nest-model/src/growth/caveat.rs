//! Caveats of a forecast from a history, and reasons to refuse one.

use std::fmt;

use jiff::civil::Date;

/// A doubt about a forecast that is usable.
#[derive(Debug, Clone, PartialEq)]
pub enum HistoryCaveat {
    /// So few values that the interval rests on other histories more than on this one.
    FewValues {
        /// Values known.
        known: usize,
    },
    /// All values are the same: no change was ever seen, so the interval has no width.
    Constant,
    /// Steps lie further ahead than any that could be tried.
    BeyondTested {
        /// Steps ahead that were tried.
        tested: usize,
        /// Steps ahead that are forecast.
        horizon: usize,
    },
    /// The last period is not over yet, or its value lies far from what those before it say: it may be a
    /// part of its period.
    LastPeriod {
        /// Its value, in the unit of the history.
        last: f64,
        /// What the values before it say.
        expected: f64,
        /// Whether dates show that it is not over.
        open: bool,
    },
    /// The level changed once, and the history is too short to tell that from a season by its length alone:
    /// it was taken for one change.
    LevelShift {
        /// Periods from the first one on the new level to the last one, both counted.
        ago: usize,
        /// New level over the old one, where values are positive.
        ratio: Option<f64>,
        /// Length of the season that it was not taken for, in steps.
        period: usize,
    },
    /// Periods without a value were filled from their neighbours.
    Gaps {
        /// Periods filled.
        filled: usize,
        /// Periods from the first to the last.
        periods: usize,
    },
    /// Rows without a usable value were left out.
    NotRecorded {
        /// Such rows.
        rows: usize,
    },
    /// Rows of periods that had not begun when the history was read were left out.
    NotBegun {
        /// Such rows.
        rows: usize,
        /// The first of these periods.
        first: String,
        /// The last of them.
        last: String,
        /// The day.
        on: Date,
    },
    /// Several values of one period were averaged.
    Repeated {
        /// Periods with several values.
        periods: usize,
    },
    /// Periods are spaced unevenly; their order alone was used.
    Uneven,
    /// There are no weekends: a step is a working day.
    WorkingDays,
    /// The season was found in the values, not in the periods.
    SeasonFound {
        /// Its length, in steps.
        period: usize,
    },
    /// A season that was asked for has no two full cycles and is not used.
    SeasonTooLong {
        /// Its length, in steps.
        period: usize,
        /// Values known.
        known: usize,
    },
}

impl HistoryCaveat {
    /// A word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::FewValues { .. } => "few_values",
            Self::Constant => "constant",
            Self::BeyondTested { .. } => "beyond_tested",
            Self::LastPeriod { .. } => "last_period",
            Self::LevelShift { .. } => "level_shift",
            Self::Gaps { .. } => "gaps",
            Self::NotRecorded { .. } => "not_recorded",
            Self::NotBegun { .. } => "not_begun",
            Self::Repeated { .. } => "repeated",
            Self::Uneven => "uneven",
            Self::WorkingDays => "working_days",
            Self::SeasonFound { .. } => "season_found",
            Self::SeasonTooLong { .. } => "season_too_long",
        }
    }
}

impl fmt::Display for HistoryCaveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewValues { known } => write!(
                f,
                "{known} values are too few to show how far the series may go, so the interval's width comes \
                 from other histories. Add older periods"
            ),
            Self::Constant => write!(
                f,
                "the series never changed, so the interval has no width: nothing shows how far it may go"
            ),
            Self::BeyondTested { tested, horizon } => {
                let steps = if *tested == 1 { "step" } else { "steps" };
                write!(
                    f,
                    "past values tried the interval only {tested} {steps} ahead; from there to {horizon} its \
                     width is extrapolated"
                )
            }
            Self::LastPeriod { last, expected, open } => {
                if *open {
                    write!(f, "the last period is not over yet")?;
                } else {
                    write!(f, "is the last period complete?")?;
                }
                if *expected > 0.0 {
                    let so_far = if *open { " and has" } else { " It has" };
                    let percent = 100.0 * last / expected;
                    write!(f, "{so_far} {percent:.0} % of what the periods before it say")?;
                }
                if *open {
                    write!(
                        f,
                        ". The interval allows for what it may still lack; leave it out to forecast from \
                         whole periods alone"
                    )
                } else {
                    write!(
                        f,
                        ". The 90 % interval allows for both, a complete and an incomplete one. Leave it out \
                         if it is incomplete"
                    )
                }
            }
            Self::LevelShift { ago, ratio, period } => {
                write!(f, "the level changed once")?;
                if let Some(ratio) = ratio {
                    write!(f, ", by {:+.0} %,", 100.0 * (ratio - 1.0))?;
                }
                write!(
                    f,
                    " {ago} periods before the end. That is taken for one change that stays, not for a \
                     season of {period} periods: two or three cycles cannot tell. If it comes back every \
                     {period} periods, add older periods"
                )
            }
            Self::Gaps { filled, periods } => write!(
                f,
                "{filled} of {periods} periods had no value and were filled from their neighbours"
            ),
            Self::NotRecorded { rows } => write!(
                f,
                "{rows} rows without a finite value were left out; steps count from the last one with a value"
            ),
            Self::NotBegun {
                rows,
                first,
                last,
                on,
            } => write!(
                f,
                "{rows} rows of periods that had not begun on {on} were left out: {first} to {last}"
            ),
            Self::Repeated { periods } => {
                write!(f, "{periods} periods had several values, which were averaged")
            }
            Self::Uneven => write!(
                f,
                "periods are spaced unevenly: only their order was used, and a step is from one row to the \
                 next"
            ),
            Self::WorkingDays => write!(f, "there are no weekends: a step is a working day"),
            Self::SeasonFound { period } => write!(
                f,
                "a season of {period} steps was found in the values; --season 1 leaves it out"
            ),
            Self::SeasonTooLong { period, known } => {
                write!(
                    f,
                    "the season of {period} steps was left out: it needs {} values, and there are {known}",
                    2 * period
                )
            }
        }
    }
}

/// Why a history has no forecast.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryRefusal {
    /// Too few values.
    #[error("{known} usable value{}; a forecast needs at least 2", if *known == 1 { "" } else { "s" })]
    TooFewValues {
        /// Values that can be used.
        known: usize,
    },
    /// Too few periods had begun when the history was read.
    #[error("{known} of its periods had begun on {on}; a forecast needs at least 2")]
    NotBegun {
        /// Periods that had begun.
        known: usize,
        /// The day.
        on: Date,
    },
    /// A period is of no known form.
    #[error(
        "the period `{period}` is neither an integer nor a date such as 2026, 2026-11, 2026-Q4, 2026-W48, \
         2026-11-24 or 2026-11-24T10:00"
    )]
    UnreadablePeriod {
        /// The period.
        period: String,
    },
    /// Periods of different kinds stand in one series.
    #[error("the periods `{one}` and `{other}` are of different kinds; write all of them alike")]
    MixedPeriods {
        /// A period.
        one: String,
        /// One of another kind.
        other: String,
    },
}
