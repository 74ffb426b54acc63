//! The most requests that a study allows per second: a plan that comes near it is scaled down and keeps its
//! shape.

use std::collections::BTreeMap;

use nest_data::{
    Caveat, Study,
    customers::Arrival,
    measurement::{Pilot, Purpose},
};

use super::step_draft::StepDraft;

/// Share of the allowed rate that no step of a plan goes beyond. The rest is left to chance: random arrivals
/// come in bursts, and customers who are new log in. A bucket of 0.9 s at 100 requests/s holds one in 10^8 of
/// Poisson arrivals at 90 % back, and all that come above 100 %.
const TOP: f64 = 0.9;
/// The same for ramp and base where steps that check the forecast follow, so that these still look beyond the
/// ramp. Chosen by hand.
const TOP_BELOW_CONFIRM: f64 = 0.8;
/// Relative excess over the allowed rate that is rounding.
const ROUNDING: f64 = 1e-9;

/// How many requests per second go over the wire for a mix of executions.
#[derive(Debug, Clone, Default)]
pub struct WireRates {
    /// Requests per execution, by behaviour; 1 for the others.
    requests: BTreeMap<String, f64>,
    /// Requests of the executions that others need first, for each session.
    of_session: f64,
    /// Behaviours of a session that are chosen by chance, if customers come for sessions.
    session: Option<f64>,
    /// Behaviours that begin or end sessions.
    ends: Vec<String>,
}

impl WireRates {
    /// As the pilot found them, for a study.
    pub fn new(study: &Study, pilots: &[Pilot]) -> Self {
        let requests: BTreeMap<String, f64> = pilots
            .iter()
            .map(|pilot| (pilot.behaviour.clone(), pilot.requests_per_execution()))
            .collect();
        let session = study
            .customers
            .session
            .as_ref()
            .filter(|_| study.customers.arrival != Arrival::Open);
        let mut needed: Vec<&String> = study
            .behaviours
            .values()
            .filter_map(|one| one.needs.as_ref())
            // What a session begins with is among the rates.
            .filter(|needed| session.is_none_or(|session| session.start.as_ref() != Some(*needed)))
            .collect();
        needed.sort();
        needed.dedup();
        let of_session = needed
            .iter()
            .map(|name| requests.get(*name).unwrap_or(&1.0))
            .sum();
        let ends = session.iter().flat_map(|session| [&session.start, &session.end]);
        Self {
            ends: ends.flatten().cloned().collect(),
            session: session.and_then(|session| session.behaviours),
            of_session,
            requests,
        }
    }

    /// Requests per second for executions per second. Customers who stay log in once, which is not counted.
    ///
    /// # Formula
    /// `sum_j rate_j * requests_j`, and for sessions the requests of what is needed first, times sessions per
    /// second.
    pub fn per_s(&self, offered_per_s: &BTreeMap<String, f64>) -> f64 {
        let each = |(name, rate): (&String, &f64)| rate * self.requests.get(name).unwrap_or(&1.0);
        let requests: f64 = offered_per_s.iter().map(each).sum();
        let chosen: f64 = offered_per_s
            .iter()
            .filter(|(name, _)| !self.ends.contains(name))
            .map(|(_, rate)| rate)
            .sum();
        let sessions = self
            .session
            .map_or(0.0, |behaviours| chosen / behaviours.max(1.0));
        requests + sessions * self.of_session
    }
}

/// The bound that plans keep, and what counts towards it.
#[derive(Debug, Clone, Copy)]
pub struct RateCap<'a> {
    /// Requests per second that may be sent.
    pub max_rate: f64,
    pub wire: &'a WireRates,
}

impl RateCap<'_> {
    /// Lowers the loaded steps so that none goes beyond the bound. Returns a doubt about each boosted
    /// step that was lowered, and one about the ladder.
    ///
    /// # Formula
    /// Base and ramp are one ladder on one mix. If its highest step asks for more than `0.9 max_rate`
    /// requests per second (0.8 where steps follow that check the forecast), all its steps are multiplied by
    /// `0.9 max_rate / highest`: their ratios stay, and none of them coincide. Each boosted step has a mix of
    /// its own, so that one beyond `0.9 max_rate` is lowered alone.
    pub fn lower_loaded(self, loaded: &mut [StepDraft], is_confirmed: bool) -> Vec<Caveat> {
        let (boosted, mut ladder): (Vec<_>, Vec<_>) = loaded
            .iter_mut()
            .partition(|draft| draft.purpose == Purpose::Boosted);
        let top = if is_confirmed { TOP_BELOW_CONFIRM } else { TOP };
        let mut caveats: Vec<Caveat> = self.lower(&mut ladder, top).into_iter().collect();
        for draft in boosted {
            caveats.extend(self.lower(&mut [draft], TOP));
        }
        caveats
    }

    /// Lowers the steps that check the forecast by one factor, so that the highest stays within the bound.
    pub fn lower_confirming(self, confirming: &mut [StepDraft]) -> Option<Caveat> {
        self.lower(&mut confirming.iter_mut().collect::<Vec<_>>(), TOP)
    }

    /// The factor on a mix with which a step of a plan offers the most that it may.
    pub fn most(self, offered_per_s: &BTreeMap<String, f64>) -> f64 {
        TOP * self.max_rate / self.wire.per_s(offered_per_s)
    }

    /// Whether a step asks for no more than may be sent, apart from rounding.
    pub fn allows(self, offered_per_s: &BTreeMap<String, f64>) -> bool {
        self.wire.per_s(offered_per_s) <= self.max_rate * (1.0 + ROUNDING)
    }

    /// Multiplies steps by one factor if the highest goes beyond `top` of the allowed rate, so that it then
    /// lies there.
    fn lower(self, drafts: &mut [&mut StepDraft], top: f64) -> Option<Caveat> {
        let per_s = |draft: &StepDraft| self.wire.per_s(&draft.offered_per_s);
        let highest = drafts
            .iter()
            .enumerate()
            .max_by(|(_, a), (_, b)| per_s(a).total_cmp(&per_s(b)))
            .map(|(index, _)| index)?;
        let factor = top * self.max_rate / per_s(drafts[highest]);
        if factor * (1.0 + ROUNDING) >= 1.0 || factor.is_nan() {
            return None;
        }
        let wanted_per_s = drafts[highest].total_per_s();
        for draft in drafts.iter_mut() {
            draft.offered_per_s.values_mut().for_each(|rate| *rate *= factor);
            draft.customers = draft.customers.map(|customers| customers * factor);
        }
        Some(Caveat::RateCapped {
            step: drafts[highest].label(),
            wanted_per_s,
            offered_per_s: drafts[highest].total_per_s(),
            others: drafts.len() - 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    fn draft(purpose: Purpose, boosted: Option<&str>, rates: &[(&str, f64)]) -> StepDraft {
        StepDraft {
            purpose,
            boosted: boosted.map(str::to_owned),
            customers: boosted
                .is_none()
                .then(|| rates.iter().map(|(_, rate)| rate * 100.0).sum()),
            offered_per_s: rates
                .iter()
                .map(|(name, rate)| ((*name).to_owned(), *rate))
                .collect(),
            stored: None,
        }
    }

    /// A bound for behaviours that make one request each.
    fn cap(max_rate: f64) -> RateCap<'static> {
        static PLAIN: LazyLock<WireRates> = LazyLock::new(WireRates::default);
        RateCap {
            max_rate,
            wire: &PLAIN,
        }
    }

    fn totals(drafts: &[StepDraft]) -> Vec<f64> {
        drafts
            .iter()
            .map(|draft| (draft.total_per_s() * 1e6).round() / 1e6)
            .collect()
    }

    #[test]
    fn a_ladder_keeps_its_proportions_below_the_allowed_rate() {
        let mut loaded = vec![
            draft(Purpose::Base, None, &[("a", 20.0)]),
            draft(Purpose::Ramp, None, &[("a", 40.0)]),
            draft(Purpose::Ramp, None, &[("a", 120.0)]),
            draft(Purpose::Ramp, None, &[("a", 180.0)]),
        ];
        let caveats = cap(100.0).lower_loaded(&mut loaded, false);
        // 180 becomes 90: every step is halved, where clipping would make 100 of both 120 and 180.
        assert_eq!(totals(&loaded), [10.0, 20.0, 60.0, 90.0]);
        assert_eq!(loaded[2].customers, Some(6_000.0));
        let expected = Caveat::RateCapped {
            step: "ramp at 9000".to_owned(),
            wanted_per_s: 180.0,
            offered_per_s: 90.0,
            others: 3,
        };
        assert_eq!(caveats, [expected]);
        // Where steps follow that check the forecast, the ladder leaves them room.
        cap(100.0).lower_loaded(&mut loaded, true);
        assert_eq!(totals(&loaded)[3], 80.0);
    }

    #[test]
    fn requests_count_and_not_executions() {
        let wire = WireRates {
            requests: [("a".to_owned(), 4.0)].into(),
            of_session: 2.0,
            session: Some(5.0),
            ends: vec!["end".to_owned()],
        };
        let rates = |rates: &[(&str, f64)]| draft(Purpose::Ramp, None, rates).offered_per_s;
        // 10 a of four requests, 5 b of one, one `end`; 15 chosen are 3 sessions, each with a login of two.
        let per_s = wire.per_s(&rates(&[("a", 10.0), ("b", 5.0), ("end", 1.0)]));
        assert!((per_s - (40.0 + 5.0 + 1.0 + 3.0 * 2.0)).abs() < 1e-9, "{per_s}");
        let wire = WireRates {
            session: None,
            ..wire
        };
        let cap = RateCap {
            max_rate: 100.0,
            wire: &wire,
        };
        let mut loaded = vec![draft(Purpose::Ramp, None, &[("a", 45.0), ("b", 20.0)])];
        let caveats = cap.lower_loaded(&mut loaded, false);
        // 200 requests become 90.
        assert_eq!((totals(&loaded), caveats.len()), (vec![29.25], 1));
        assert!((cap.most(&rates(&[("a", 1.0)])) - 22.5).abs() < 1e-9);
        assert!(cap.allows(&rates(&[("a", 25.0)])) && !cap.allows(&rates(&[("a", 25.1)])));
    }

    #[test]
    fn a_boosted_step_is_lowered_alone_and_keeps_its_mix() {
        let mut loaded = vec![
            draft(Purpose::Base, None, &[("a", 10.0), ("b", 5.0)]),
            draft(Purpose::Boosted, Some("a"), &[("a", 145.0), ("b", 5.0)]),
            draft(Purpose::Boosted, Some("b"), &[("a", 10.0), ("b", 50.0)]),
            draft(Purpose::Ramp, None, &[("a", 60.0), ("b", 30.0)]),
        ];
        let caveats = cap(100.0).lower_loaded(&mut loaded, false);
        // 150 becomes 90, three fifths: 87 a and 3 b. What is at 90 or below stays as it is.
        assert_eq!(totals(&loaded), [15.0, 90.0, 60.0, 90.0]);
        assert!((loaded[1].offered_per_s["a"] - 87.0).abs() < 1e-9);
        let [Caveat::RateCapped { step, others: 0, .. }] = &caveats[..] else {
            panic!("{caveats:?}");
        };
        assert_eq!(step, "boosted a");
    }

    #[test]
    fn a_step_at_nine_tenths_of_the_allowed_rate_stays() {
        let mut loaded = vec![draft(Purpose::Ramp, None, &[("a", 0.1), ("b", 0.2)])];
        assert!(loaded[0].total_per_s() > 0.3, "0.1 and 0.2 are rounded up");
        assert_eq!(cap(0.3 / 0.9).lower_loaded(&mut loaded, false), []);
        assert_eq!(cap(0.33).lower_loaded(&mut loaded, false).len(), 1);
    }

    #[test]
    fn steps_that_check_the_forecast_stay_beyond_a_lowered_ramp() {
        let mut confirming = vec![
            draft(Purpose::Confirm, None, &[("a", 108.0)]),
            draft(Purpose::Confirm, None, &[("a", 135.0)]),
        ];
        let caveat = cap(100.0).lower_confirming(&mut confirming);
        assert_eq!(totals(&confirming), [72.0, 90.0]);
        let caveat = caveat.expect("135 is above 90").to_string();
        assert!(
            caveat.starts_with("confirm at 9000: 135 executions/s were planned"),
            "{caveat}"
        );
    }

    proptest! {
        #[test]
        fn lowered_steps_stay_distinct_in_order_and_in_proportion(
            steps in proptest::collection::vec(0.1..10_000.0_f64, 1..12),
            boosted in proptest::collection::vec(0.1..10_000.0_f64, 0..5),
            max_rate in 1.0..5_000.0_f64,
        ) {
            let mut loaded: Vec<StepDraft> =
                steps.iter().map(|rate| draft(Purpose::Ramp, None, &[("a", *rate)])).collect();
            loaded.extend(boosted.iter().map(|rate| draft(Purpose::Boosted, Some("b"), &[("b", *rate)])));
            let before: Vec<f64> = loaded.iter().map(StepDraft::total_per_s).collect();
            let caveats = cap(max_rate).lower_loaded(&mut loaded, false);
            let after: Vec<f64> = loaded.iter().map(StepDraft::total_per_s).collect();
            let ramp = steps.len();
            let is_lowered = before[..ramp].iter().any(|rate| *rate > 0.9 * max_rate);
            if is_lowered {
                let highest = after[..ramp].iter().copied().fold(0.0, f64::max);
                prop_assert!((highest / (0.9 * max_rate) - 1.0).abs() < 1e-9);
            } else {
                prop_assert_eq!(&before[..ramp], &after[..ramp]);
            }
            for (one, other) in (0..ramp).flat_map(|one| (0..ramp).map(move |other| (one, other))) {
                prop_assert_eq!(before[one] < before[other], after[one] < after[other]);
                prop_assert!((after[one] * before[other] / (after[other] * before[one]) - 1.0).abs() < 1e-9);
            }
            for (before, after) in before[ramp..].iter().zip(&after[ramp..]) {
                let expected = before.min(0.9 * max_rate);
                prop_assert!((after / expected - 1.0).abs() < 1e-9);
            }
            let over = before[ramp..].iter().filter(|rate| **rate > 0.9 * max_rate).count();
            prop_assert_eq!(caveats.len(), over + usize::from(is_lowered));
        }
    }
}
