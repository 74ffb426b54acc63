//! Forty simulated systems, half of them with a limit that no probe reads, measured up to 60 % of what binds:
//! does the interval of saturation hold, and is the limit found where there is one and nowhere else?

mod one_processor;
mod simulator;
mod synthetic;

use nest_data::scaling::{BottleneckEvidence, ThroughputLaw};
use nest_model::draws::{RandomStream, StreamPurpose};
use simulator::{Discipline, Service, Span, Station, System, simulate};
use synthetic::{Truth, measured};

/// Share of the load that binds up to which systems are measured.
const TESTED: f64 = 0.6;
const WINDOWS: usize = 10;
const WINDOW_S: f64 = 10.0;
const SPAN: Span = Span {
    warm_up_s: 3.0,
    windows: WINDOWS,
    window_s: WINDOW_S,
};
/// Systems of either half, where $NEST_SYSTEMS does not say otherwise.
const SYSTEMS: u32 = 40;
const SEED: u64 = 20_261_124;

/// A system and the executions per second of its plain mix at which it is full.
struct Case {
    truth: Truth,
    boosted: Vec<f64>, // executions per second of each behaviour in its own step
    system: System,
    most_per_s: f64,
}

fn case(index: u32, hidden: bool) -> Case {
    let mut random = RandomStream::new(SEED + u64::from(hidden), StreamPurpose::Fit, index);
    let between = |random: &mut RandomStream, low: f64, high: f64| low * (high / low).powf(random.uniform());
    let count = 2 + (random.uniform() * 4.0) as usize;
    let cores = [1, 1, 2, 4][(random.uniform() * 4.0) as usize];
    let demand: Vec<f64> = (0..count).map(|_| between(&mut random, 0.003, 0.040)).collect();
    let weight: Vec<f64> = (0..count).map(|_| between(&mut random, 0.1, 1.0)).collect();
    let total: f64 = weight.iter().sum();
    let share: Vec<f64> = weight.iter().map(|weight| weight / total).collect();
    let mean: f64 = share
        .iter()
        .zip(&demand)
        .map(|(share, demand)| share * demand)
        .sum();
    let cv2 = [0.25, 1.0][(random.uniform() * 2.0) as usize];
    let discipline = if random.uniform() < 0.6 {
        Discipline::Sharing
    } else {
        Discipline::FirstCome
    };
    let processors = Station::new(
        cores,
        discipline,
        demand
            .iter()
            .map(|mean_s| Service { mean_s: *mean_s, cv2 })
            .collect(),
    );
    let truth = Truth {
        demand: demand.clone(),
        share: share.clone(),
        cores: cores as f64,
        idle: 0.02,
    };
    let capacity = truth.capacity_per_s();
    // A remote service that has no limit: time that is no demand and does not grow.
    let delay = Service {
        mean_s: random.uniform() * mean,
        cv2: 0.0,
    };
    let far = Station::new(100_000, Discipline::FirstCome, vec![delay; count]);
    let mut stations = vec![far];
    let mut most_per_s = capacity;
    let mut alone: Vec<f64> = demand.iter().map(|demand| truth.cores / demand).collect();
    if hidden {
        let permits = [1, 1, 1, 2, 4][(random.uniform() * 5.0) as usize];
        most_per_s = capacity * (0.4 + 0.5 * random.uniform());
        let one = random.uniform() < 0.3;
        let passing = if one { share[0] } else { 1.0 };
        let hold = permits as f64 / (most_per_s * passing);
        alone
            .iter_mut()
            .take(if one { 1 } else { count })
            .for_each(|most| *most = most.min(permits as f64 / hold));
        let cv2 = [0.0, 1.0][(random.uniform() * 2.0) as usize];
        let service = (0..count)
            .map(|behaviour| {
                if one && behaviour > 0 {
                    Service::NONE
                } else {
                    Service { mean_s: hold, cv2 }
                }
            })
            .collect();
        stations.push(Station::new(permits, Discipline::FirstCome, service));
    }
    stations.push(processors);
    let boosted = alone.iter().map(|most| most * 0.55).collect();
    Case {
        truth,
        boosted,
        system: System { stations },
        most_per_s,
    }
}

fn law(index: u32, hidden: bool) -> (Case, ThroughputLaw) {
    let case = case(index, hidden);
    let mut seed = SEED * 1_000 + u64::from(index) * 50;
    let processors = case.system.stations.len() - 1;
    let run = |rates: &[f64]| {
        seed += 1;
        simulate(&case.system, rates, SPAN, seed)
    };
    let measurements = measured(
        &case.truth,
        case.most_per_s * TESTED,
        &case.boosted,
        processors,
        SPAN,
        run,
    );
    let model = nest_model::fit(&measurements).expect("enough steps");
    (case, model.throughput.expect("a throughput law"))
}

#[test]
fn saturation_holds_with_and_without_a_limit_that_no_probe_reads() {
    let systems = std::env::var("NEST_SYSTEMS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(SYSTEMS);
    for hidden in [false, true] {
        let (mut covered, mut reported, mut near) = (0, 0, 0);
        let (mut errors, mut half_widths) = (Vec::new(), Vec::new());
        for index in 0..systems {
            let (case, law) = law(index, hidden);
            let (truth, ceiling) = (case.most_per_s, law.ceiling_per_s);
            covered += u32::from(ceiling.covers(truth));
            reported += u32::from(
                law.hidden_bottleneck
                    .is_some_and(|limit| limit.probability >= 0.5),
            );
            near += u32::from((ceiling.value / truth - 1.0).abs() <= 0.2);
            errors.push((ceiling.value / truth - 1.0).abs());
            half_widths.push((ceiling.high - ceiling.low) / 2.0 / truth);
        }
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let (error, half_width) = (median(errors), median(half_widths));
        println!(
            "limit that no probe reads: {hidden}; {covered} of {systems} intervals hold, it is reported in \
             {reported}, {near} forecasts within 20 %, median error {:.1} %, median half-width {:.1} %",
            error * 100.0,
            half_width * 100.0
        );
        let coverage = f64::from(covered) / f64::from(systems);
        assert!((0.83..=0.95).contains(&coverage), "{coverage} with {hidden}");
        if hidden {
            assert!(
                reported >= systems * 9 / 10 && near >= systems * 9 / 10,
                "{reported} reported, {near} near"
            );
        } else {
            assert!(
                reported <= systems / 20 && half_width <= 0.08,
                "{reported} reported, {half_width}"
            );
        }
    }
}

/// A lock of 50 ms before one processor that could do 100 executions a second; boosted steps ask for twice
/// what the lock lets pass.
fn locked(passing: [bool; 2]) -> ThroughputLaw {
    let lock = |passes: bool| {
        if passes {
            Service {
                mean_s: 0.050,
                cv2: 0.0,
            }
        } else {
            Service::NONE
        }
    };
    let truth = Truth {
        demand: vec![0.008, 0.012],
        share: vec![0.5, 0.5],
        cores: 1.0,
        idle: 0.02,
    };
    let stations = vec![
        Station::new(1, Discipline::FirstCome, passing.map(lock).to_vec()),
        Station::new(
            1,
            Discipline::Sharing,
            truth
                .demand
                .iter()
                .map(|mean_s| Service {
                    mean_s: *mean_s,
                    cv2: 1.0,
                })
                .collect(),
        ),
    ];
    let system = System { stations };
    let mut seed = 1;
    let run = |rates: &[f64]| {
        seed += 1;
        simulate(&system, rates, SPAN, seed)
    };
    let measurements = measured(&truth, 10.0, &[40.0, 40.0], 1, SPAN, run);
    nest_model::fit(&measurements)
        .expect("enough steps")
        .throughput
        .expect("a throughput law")
}

#[test]
fn a_boosted_step_that_meets_a_lock_tells_how_much_it_lets_pass_and_whom() {
    let all = locked([true, true]).hidden_bottleneck.expect("a limit");
    assert_eq!(
        (all.evidence, all.behaviour.as_deref()),
        (BottleneckEvidence::Plateau, None)
    );
    assert!(
        (all.most_per_s.value / 20.0 - 1.0).abs() < 0.05,
        "{:?}",
        all.most_per_s
    );

    let law = locked([true, false]);
    let one = law.hidden_bottleneck.expect("a limit");
    assert_eq!(one.behaviour.as_deref(), Some("b0"));
    // Half of the executions pass, so that the plain mix may have twice as many in all.
    assert!(
        (law.ceiling_per_s.value / 40.0 - 1.0).abs() < 0.05,
        "{:?}",
        law.ceiling_per_s
    );
}

/// Demands of the demo shop's behaviours in seconds, as they are measured, and executions of each by a
/// customer and day.
const SHOP: [(f64, f64); 5] = [
    (0.0052, 20.0),
    (0.0083, 2.0),
    (0.0125, 0.29),
    (0.0255, 0.5),
    (0.0083, 6.0),
];
/// What waking the next costs the shop's lock on one processor: at its plateau, 15.3 ms are between two for
/// one of 14 ms.
const HAND_OVER_S: f64 = 0.001_3;

/// The demo shop with a lock that binds at a share of what its processor can do, or none, as `bench/shop`
/// measures it in ten windows of a second; and the executions per second that bind.
fn shop(lock_share: Option<f64>, number: u64) -> (ThroughputLaw, f64) {
    let total: f64 = SHOP.iter().map(|(_, rate)| rate).sum();
    let truth = Truth {
        demand: SHOP.map(|(demand, _)| demand).to_vec(),
        share: SHOP.map(|(_, rate)| rate / total).to_vec(),
        cores: 1.0,
        idle: 0.002,
    };
    let constant = |mean_s: f64| Service { mean_s, cv2: 0.0 };
    let hold = lock_share.map(|share| 1.0 / (truth.capacity_per_s() * share));
    let lock = hold.map(|hold| Station {
        hand_over_s: HAND_OVER_S,
        ..Station::new(1, Discipline::FirstCome, vec![constant(hold); SHOP.len()])
    });
    let processor = Station::new(
        1,
        Discipline::Sharing,
        truth.demand.iter().map(|demand| constant(*demand)).collect(),
    );
    let system = System {
        stations: lock.into_iter().chain([processor]).collect(),
    };
    let (tested, boost) = if hold.is_some() { (TESTED, 0.2) } else { (0.5, 0.4) };
    let boosted: Vec<f64> = truth.demand.iter().map(|demand| boost / demand).collect();
    let span = Span {
        warm_up_s: 1.0,
        windows: 10,
        window_s: 1.0,
    };
    let mut seed = SEED + number * 100;
    let run = |rates: &[f64]| {
        seed += 1;
        simulate(&system, rates, span, seed)
    };
    let highest = tested * hold.map_or(truth.capacity_per_s(), f64::recip);
    let measurements = measured(&truth, highest, &boosted, system.stations.len() - 1, span, run);
    let law = nest_model::fit(&measurements)
        .expect("enough steps")
        .throughput
        .expect("a throughput law");
    let most = hold.map_or(truth.capacity_per_s(), |hold| 1.0 / (hold + HAND_OVER_S));
    (law, most)
}

#[test]
fn a_lock_of_constant_holding_times_is_found_in_a_shop_of_constant_demands_and_nowhere_else() {
    for share in [0.5, 0.8] {
        let errors: Vec<f64> = (0..20)
            .map(|number| {
                let (law, most_per_s) = shop(Some(share), number);
                law.hidden_bottleneck
                    .filter(|limit| limit.probability >= 0.5)
                    .map_or(1.0, |limit| limit.most_per_s.value / most_per_s - 1.0)
            })
            .collect();
        let near = errors.iter().filter(|error| error.abs() <= 0.2).count();
        println!("lock at {share} of the processor: {near} of 20 within 20 %; errors {errors:.2?}");
        assert!(near >= 18, "{errors:.2?}");
    }
    let reported = (0..20)
        .filter(|number| {
            shop(None, *number)
                .0
                .hidden_bottleneck
                .is_some_and(|limit| limit.probability >= 0.5)
        })
        .count();
    assert!(reported <= 1, "{reported} false alarms");
}
