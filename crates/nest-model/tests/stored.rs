//! Demand that grows with stored data, found from blocks whose truth is known.

use nest_data::scaling::SizeShape;
use nest_model::{
    draws::{RandomStream, StreamPurpose},
    fit::service_demand::{Block, DemandFit, LoadSearch, WindowUse, fit_demand},
};

/// Demand of the behaviour that does not grow, in seconds.
const PAY: f64 = 0.012;
/// Demand of the one that does at 1,000 items, in seconds.
const SEARCH: f64 = 0.007;

/// A designed run on one processor at the first size, and two boosted steps of either behaviour at each of
/// the others; `more` is what a search takes beyond its demand at 1,000 items.
fn fitted(sizes: &[f64], more: &dyn Fn(f64) -> f64, seed: u32) -> DemandFit {
    let mut random = RandomStream::new(20_261_126, StreamPurpose::Fit, seed);
    let mut block = |stored: f64, pay: f64, search: f64, boosted: Option<usize>| {
        let deviation = 1.0 + 0.01 * random.normal();
        let windows = (0..10).map(|_| {
            let rates = [pay, search].map(|rate| rate * (1.0 + 0.02 * random.normal()));
            let used = 0.01 + rates[0] * PAY + rates[1] * (SEARCH + more(stored));
            WindowUse {
                rates: rates.to_vec(),
                used: used * deviation * (1.0 + 0.005 * random.normal()),
                seconds: 10.0,
                capacity: Some(1.0),
            }
        });
        Block {
            boosted,
            ..Block::of(windows.collect(), false, Some(stored)).expect("windows")
        }
    };
    let first = sizes[0];
    let mut blocks = vec![
        block(first, 0.0, 0.0, None),
        block(first, 42.0, 6.0, Some(0)),
        block(first, 4.0, 70.0, Some(1)),
    ];
    blocks
        .extend([0.1, 0.2, 0.35, 0.5, 0.65, 0.8].map(|share| block(first, 40.0 * share, 60.0 * share, None)));
    for size in &sizes[1..] {
        let share = (first / size).sqrt();
        for _ in 0..2 {
            blocks.extend([
                block(*size, 42.0 * share, 6.0 * share, Some(0)),
                block(*size, 4.0 * share, 70.0 * share, Some(1)),
            ]);
        }
    }
    fit_demand(&blocks, 2, LoadSearch::Wanted, 1.0).expect("a fit")
}

#[test]
fn growth_by_item_is_found_where_it_is_and_forecasts_five_times_the_size() {
    let (mut errors, mut false_alarms, mut covered) = (Vec::new(), 0, 0);
    for seed in 0..40 {
        let fit = fitted(&[1e3, 2e3], &|stored| 1e-6 * (stored - 1e3), seed);
        let size = fit.size.expect("a search grows");
        assert_eq!((size.shape, size.reference), (SizeShape::Linear, 1e3));
        false_alarms += usize::from(size.behaviours != [1]);
        let place = 3
            + usize::from(fit.law.is_some())
            + size
                .behaviours
                .iter()
                .position(|behaviour| *behaviour == 1)
                .expect("the search");
        let growth = fit.mixed.estimate(place);
        covered += usize::from(growth.covers(1e-6));
        errors.push(((fit.mixed.coefficients[2] + growth.value * 4e3) / 0.011 - 1.0).abs());
    }
    errors.sort_by(f64::total_cmp);
    println!(
        "five times the size: median error {:.1} %, worst of 40 {:.1} %; growth covered {covered}/40; pay \
         grew {false_alarms}/40",
        errors[20] * 100.0,
        errors[39] * 100.0
    );
    // An error of 1 % between blocks is one of 1.2 % in the difference of two sizes, and that is carried four
    // times as far.
    assert!(
        errors[20] <= 0.06 && errors[35] <= 0.13 && covered >= 33,
        "{errors:?}"
    );
    // Of 40 runs without growth of `pay` two may show some; five or more have a probability of 5 %.
    assert!(false_alarms <= 4, "{false_alarms}");
}

#[test]
fn without_growth_demand_stays_as_it_is() {
    let grown = (0..20)
        .filter(|seed| fitted(&[1e3, 4e3], &|_| 0.0, *seed).size.is_some())
        .count();
    // One may; four or more have a probability of 2 %.
    assert!(grown <= 3, "{grown} of 20");
}

#[test]
fn three_sizes_tell_a_tree_from_a_scan() {
    let right = (0..20).filter(|seed| {
        let tree = fitted(&[1e3, 4e3, 16e3], &|stored| 0.002 * (stored / 1e3).log2(), *seed).size;
        let scan = fitted(&[1e3, 4e3, 16e3], &|stored| 1e-6 * (stored - 1e3), *seed).size;
        tree.is_some_and(|size| size.shape == SizeShape::Doubling)
            && scan.is_some_and(|size| size.shape == SizeShape::Linear)
    });
    assert!(right.count() >= 18);
}
