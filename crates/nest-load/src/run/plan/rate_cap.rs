//! The highest rate that a study allows: a plan that goes beyond it is scaled down and keeps its shape.

use nest_data::{Caveat, measurement::Purpose};

use super::step_draft::StepDraft;

/// Share of the highest allowed rate at which the highest step lies once a ladder or a boosted step was
/// scaled down. The rest is left to steps that check the forecast, which may go up to the allowed rate
/// itself, so that they still look beyond the ramp. Chosen by hand.
const TOP: f64 = 0.9;
/// Relative excess over the allowed rate that is rounding.
const ROUNDING: f64 = 1e-9;

/// Lowers the loaded steps so that none goes beyond the allowed rate. Returns a doubt about each boosted
/// step that was lowered, and one about the ladder.
///
/// # Formula
/// Base and ramp are one ladder on one mix. If its highest step asks for more than `max_rate`, all its steps
/// are multiplied by `0.9 max_rate / highest`: their ratios stay, and none of them coincide. Each boosted
/// step has a mix of its own, so that one beyond `max_rate` is lowered alone, to `0.9 max_rate`.
pub fn lower_loaded(loaded: &mut [StepDraft], max_rate: f64) -> Vec<Caveat> {
    let (boosted, mut ladder): (Vec<_>, Vec<_>) = loaded
        .iter_mut()
        .partition(|draft| draft.purpose == Purpose::Boosted);
    let mut caveats: Vec<Caveat> = lower(&mut ladder, max_rate, TOP).into_iter().collect();
    for draft in boosted {
        caveats.extend(lower(&mut [draft], max_rate, TOP));
    }
    caveats
}

/// Lowers the steps that check the forecast by one factor, so that the highest offers no more than the
/// allowed rate.
pub fn lower_confirming(confirming: &mut [StepDraft], max_rate: f64) -> Option<Caveat> {
    lower(&mut confirming.iter_mut().collect::<Vec<_>>(), max_rate, 1.0)
}

/// Multiplies steps by one factor if the highest goes beyond the allowed rate, so that it then lies at `top`
/// of it.
fn lower(drafts: &mut [&mut StepDraft], max_rate: f64, top: f64) -> Option<Caveat> {
    let highest = drafts
        .iter()
        .enumerate()
        .max_by(|(_, a), (_, b)| a.total_per_s().total_cmp(&b.total_per_s()))
        .map(|(index, _)| index)?;
    let wanted_per_s = drafts[highest].total_per_s();
    if wanted_per_s <= max_rate * (1.0 + ROUNDING) {
        return None;
    }
    let factor = top * max_rate / wanted_per_s;
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

#[cfg(test)]
mod tests {
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
        let caveats = lower_loaded(&mut loaded, 100.0);
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
    }

    #[test]
    fn a_boosted_step_is_lowered_alone_and_keeps_its_mix() {
        let mut loaded = vec![
            draft(Purpose::Base, None, &[("a", 10.0), ("b", 5.0)]),
            draft(Purpose::Boosted, Some("a"), &[("a", 145.0), ("b", 5.0)]),
            draft(Purpose::Boosted, Some("b"), &[("a", 10.0), ("b", 50.0)]),
            draft(Purpose::Ramp, None, &[("a", 60.0), ("b", 30.0)]),
        ];
        let caveats = lower_loaded(&mut loaded, 100.0);
        // 150 becomes 90, three fifths: 87 a and 3 b. What is at 100 or below stays as it is.
        assert_eq!(totals(&loaded), [15.0, 90.0, 60.0, 90.0]);
        assert!((loaded[1].offered_per_s["a"] - 87.0).abs() < 1e-9);
        let [Caveat::RateCapped { step, others: 0, .. }] = &caveats[..] else {
            panic!("{caveats:?}");
        };
        assert_eq!(step, "boosted a");
    }

    #[test]
    fn a_step_at_the_allowed_rate_stays() {
        let mut loaded = vec![draft(Purpose::Ramp, None, &[("a", 0.1), ("b", 0.2)])];
        assert!(loaded[0].total_per_s() > 0.3, "0.1 and 0.2 are rounded up");
        assert_eq!(lower_loaded(&mut loaded, 0.3), []);
    }

    #[test]
    fn steps_that_check_the_forecast_stay_beyond_a_lowered_ramp() {
        let mut confirming = vec![
            draft(Purpose::Confirm, None, &[("a", 108.0)]),
            draft(Purpose::Confirm, None, &[("a", 135.0)]),
        ];
        let caveat = lower_confirming(&mut confirming, 100.0).expect("135 is above 100");
        assert_eq!(totals(&confirming), [80.0, 100.0]);
        assert!(
            caveat
                .to_string()
                .starts_with("confirm at 10000: 135 executions/s were planned")
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
            let caveats = lower_loaded(&mut loaded, max_rate);
            let after: Vec<f64> = loaded.iter().map(StepDraft::total_per_s).collect();
            let ramp = steps.len();
            let is_lowered = before[..ramp].iter().any(|rate| *rate > max_rate);
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
                let expected = if *before > max_rate { 0.9 * max_rate } else { *before };
                prop_assert!((after / expected - 1.0).abs() < 1e-9);
            }
            let over = before[ramp..].iter().filter(|rate| **rate > max_rate).count();
            prop_assert_eq!(caveats.len(), over + usize::from(is_lowered));
        }
    }
}
