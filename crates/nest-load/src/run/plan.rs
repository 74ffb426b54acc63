//! Which steps are run, at which rates: a pure function of the study and of what the pilot found.

use nest_data::{
    Caveat, Study,
    measurement::{Pilot, PlannedStep, Purpose, Resource},
};
use serde::{Deserialize, Serialize};

use crate::{error::LoadError, schedule::load::StepLoad};

mod capacity;
mod draft;
mod kept;
mod length;
mod outline;
mod processes;
mod rate_cap;
mod step_draft;

use capacity::capacity_customers;
use draft::{drafts, offered_per_s, plain, planned};
pub(crate) use kept::check_kept;
use length::{lengthen, step_s};
use rate_cap::{RateCap, WireRates};

pub use outline::{Outline, outline};
pub(crate) use processes::processes_needed;

/// A resolved plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The steps, in the order in which they are run.
    pub steps: Vec<PlannedStep>,
    /// Customers at which the pilot expects a processor to be full.
    pub capacity_customers: f64,
    /// How long it takes, in seconds, after the pilot.
    pub duration_s: f64,
    /// Executions that it offers.
    pub executions: f64,
    /// Highest rate, executions per second.
    pub peak_per_s: f64,
    /// Generator processes that its highest rate needs, if a locustfile is run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<usize>,
    /// Doubts about it.
    pub caveats: Vec<Caveat>,
}

/// Whether a plan has the steps of the ramp, or leaves them to a search that decides them one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RampSteps {
    /// The plan has them, and the steps that check the forecast.
    Planned,
    /// A search decides them.
    Searched,
}

/// Resolves the plan of a study.
///
/// # Formula
/// Customers at capacity: `min_k c_k / sum_j rate_j * peak_hour_share * burst / 3600 * D_jk`, with the
/// pilot's D. A boosted step offers the base mix and as much more of one behaviour as brings its busiest
/// processor to `boost`. Steps that would come near `max_rate` are lowered as `rate_cap` says. A step lasts
/// longer if a behaviour that carries much of its work comes too rarely, as `length` says.
///
/// If the study states sizes of stored data, all of that is run at the first one. At each of the others a
/// boosted step is run for every behaviour (or for those that the study names), at a load that leaves room
/// for demands that have grown.
///
/// # Errors
/// [`LoadError::Plan`] if the pilot saw no processor use, [`LoadError::TooLong`] if the plan exceeds the
/// study's bound, [`LoadError::TooManyArrivals`] if a step has more arrivals than can be scheduled.
pub fn resolve(
    study: &Study,
    pilots: &[Pilot],
    resources: &[Resource],
    ramp: RampSteps,
) -> Result<Plan, LoadError> {
    let measure = &study.measure;
    let per_customer = offered_per_s(study, &study.parameter_values(), 1.0)?;
    let capacity = capacity_customers(&per_customer, pilots, resources)?;
    let (drafts, mut caveats) = drafts(study, pilots, resources, capacity, ramp)?;
    let mut steps: Vec<PlannedStep> = drafts
        .into_iter()
        .enumerate()
        .map(|(index, (draft, repeat))| planned(study, pilots, index, repeat, draft))
        .collect();
    let names: Vec<String> = per_customer.keys().cloned().collect();
    for step in &steps {
        StepLoad::of(study, step, &names).check()?;
    }
    let duration_s = |steps: &[PlannedStep]| steps.iter().map(|step| step_s(measure, step)).sum::<f64>();
    if duration_s(&steps) > measure.max_duration.get() {
        return Err(LoadError::TooLong {
            planned_s: duration_s(&steps),
            allowed_s: measure.max_duration.get(),
        });
    }
    caveats.extend(lengthen(&mut steps, measure, pilots, resources));
    Ok(Plan {
        capacity_customers: capacity,
        duration_s: duration_s(&steps),
        executions: steps
            .iter()
            .map(|step| step.total_per_s() * step.load_s(measure))
            .sum(),
        peak_per_s: steps.iter().map(PlannedStep::total_per_s).fold(0.0, f64::max),
        processes: None,
        steps,
        caveats,
    })
}

/// A step on the plain mix at `customers`, for a search.
pub(crate) fn searched_step(
    study: &Study,
    pilots: &[Pilot],
    index: usize,
    purpose: Purpose,
    customers: f64,
) -> Result<PlannedStep, LoadError> {
    let draft = plain(study, purpose, customers)?;
    Ok(planned(study, pilots, index, 0, draft))
}

/// Most customers whose requests a step of a search may offer.
pub(crate) fn most_searched(study: &Study, pilots: &[Pilot]) -> Result<f64, LoadError> {
    let one = searched_step(study, pilots, 0, Purpose::Ramp, 1.0)?;
    let cap = RateCap {
        max_rate: study.measure.max_rate,
        wire: &WireRates::new(study, pilots),
    };
    Ok(cap.most(&one.offered_per_s).max(1.0))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use nest_data::{customers::Arrival, measurement::ResourceKind};

    use super::*;

    pub(super) fn study(measure: &str) -> Study {
        let text = format!(
            "nest = 1\n[study]\nname = \"s\"\ncustomer = \"c\"\n[target]\nbase_url = \
             \"http://127.0.0.1:1\"\n[customers]\npeak_hour_share = \"36%\"\nburst = 1.0\n[rates]\na = \"10 \
              / day\"\nb = \"5 / day\"\n{measure}"
        );
        let step = "steps = [{ get = \"/\" }]";
        let behaviours = ["a", "b"]
            .into_iter()
            .map(|name| (name.to_owned(), nest_data::Source::new(name, step)))
            .collect();
        nest_data::study::read::read_study(
            &nest_data::study::read::StudyTexts {
                nest: nest_data::Source::new("nest.toml", text),
                behaviours,
                code: BTreeMap::new(),
            },
            &[],
        )
        .expect("a valid study")
    }

    pub(super) fn pilots() -> Vec<Pilot> {
        let pilot = |name: &str, cpu_s: f64| Pilot {
            behaviour: name.to_owned(),
            executions: 100,
            cpu_s: [("app".to_owned(), cpu_s)].into_iter().collect(),
            mean_s: cpu_s,
            requests: 100,
        };
        vec![pilot("a", 0.010), pilot("b", 0.020)]
    }

    pub(super) fn resources() -> Vec<Resource> {
        vec![Resource {
            name: "app/cpu".into(),
            tier: "app".into(),
            kind: ResourceKind::Cpu,
            capacity: Some(2.0),
        }]
    }

    #[test]
    fn the_plan_puts_each_step_where_its_share_of_capacity_lies() {
        let plan = resolve(
            &study("[measure]\nconfirm = 1.2\n"),
            &pilots(),
            &resources(),
            RampSteps::Planned,
        )
        .expect("a plan");
        // per customer: (10 * 0.010 + 5 * 0.020) * 0.36 / 3600 = 2e-5 busy-seconds per second; 2 cores carry
        // 100,000
        assert!((plan.capacity_customers - 100_000.0).abs() < 1e-6);
        let busy = |step: &PlannedStep| {
            step.offered_per_s.get("a").unwrap_or(&0.0) * 0.010
                + step.offered_per_s.get("b").unwrap_or(&0.0) * 0.020
        };
        let shares: Vec<f64> = plan
            .steps
            .iter()
            .map(|step| (busy(step) / 2.0 * 1e6).round() / 1e6)
            .collect();
        assert_eq!(
            shares,
            [0.0, 0.1, 0.55, 0.55, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.14]
        );
        assert_eq!(plan.steps[3].label(), "boosted b");
        assert_eq!(
            plan.steps.last().map(PlannedStep::label).as_deref(),
            Some("confirm at 114000")
        );
    }

    #[test]
    fn customers_that_a_study_asks_for_by_number_are_not_lowered_with_a_base_above_them() {
        let customers = |measure: &str, ramp| {
            let plan = resolve(&study(measure), &pilots(), &resources(), ramp).expect("a plan");
            let plain = plan.steps.iter().filter_map(|step| step.customers);
            plain.collect::<Vec<_>>()
        };
        // The base alone would be 10,000 customers with 15 executions/s, and 1,000 have 1.5 a second.
        let asked = "[measure]\ncustomers = [1000, 2000]\nmax_rate = 10\n";
        assert_eq!(customers(asked, RampSteps::Planned), [1_000.0, 1_000.0, 2_000.0]);
        assert_eq!(customers(asked, RampSteps::Searched), [1_000.0]);
        let higher = "[measure]\ncustomers = [30000, 20000]\n";
        assert_eq!(
            customers(higher, RampSteps::Planned),
            [10_000.0, 30_000.0, 20_000.0]
        );
    }

    #[test]
    fn a_forecast_is_confirmed_on_the_mix_of_a_policy() {
        let mut study = study(
            "[measure]\nramp = [0.4]\nconfirm = [1.5, 3]\nconfirm_policy = \"more\"\n[policies.more]\nset = \
             {}\n",
        );
        study
            .rates
            .insert("b".to_owned(), "b_per_day / day".parse().expect("a rate"));
        study
            .parameters
            .insert("b_per_day".to_owned(), nest_data::study::Parameter::Value(5.0));
        study
            .policies
            .get_mut("more")
            .expect("it is there")
            .set
            .insert("b_per_day".to_owned(), 20.0);
        let plan = resolve(&study, &pilots(), &resources(), RampSteps::Planned).expect("a plan");
        let confirm: Vec<_> = plan
            .steps
            .iter()
            .filter(|step| step.purpose == Purpose::Confirm)
            .collect();
        // 1.5 x 40,000 customers, each with 10 a and 20 b a day, 0.36 / 3600 of them a second: 60 and 120
        assert_eq!(
            confirm[0]
                .offered_per_s
                .values()
                .map(|rate| rate.round())
                .collect::<Vec<_>>(),
            [60.0, 120.0]
        );
        assert_eq!(
            (confirm[0].label().as_str(), confirm[0].customers),
            ("confirm more at 180.00/s", None)
        );
        assert_eq!(confirm[1].label(), "confirm more at 360.00/s");
        let ramp = plan
            .steps
            .iter()
            .find(|step| step.purpose == Purpose::Ramp)
            .expect("a ramp");
        assert_eq!(ramp.offered_per_s["b"].round(), 20.0);
    }

    #[test]
    fn repeats_come_in_rounds_or_shuffled_the_same_way_each_time() {
        let labels = |measure: &str| {
            let plan = resolve(&study(measure), &pilots(), &resources(), RampSteps::Planned).expect("a plan");
            plan.steps
                .iter()
                .map(|step| format!("{} {}", step.label(), step.repeat))
                .collect::<Vec<_>>()
        };
        let planned = labels("[measure]\nramp = [0.3]\nrepeats = 2\n");
        assert_eq!(
            planned,
            [
                "idle 0",
                "base 0",
                "boosted a 0",
                "boosted b 0",
                "ramp at 30000 0",
                "base 1",
                "boosted a 1",
                "boosted b 1",
                "ramp at 30000 1"
            ]
        );
        let mut shuffled = labels("[measure]\nramp = [0.3]\nrepeats = 2\norder = \"shuffled\"\n");
        assert_eq!(
            shuffled,
            labels("[measure]\nramp = [0.3]\nrepeats = 2\norder = \"shuffled\"\n")
        );
        assert!(shuffled != planned && shuffled[0] == "idle 0");
        let mut sorted = planned;
        sorted.sort();
        shuffled.sort();
        assert_eq!(shuffled, sorted);
    }

    #[test]
    fn further_sizes_have_boosted_steps_of_their_own_at_the_end() {
        let mut sized = study("[measure]\nramp = [0.3]\n");
        let data = |behaviours| nest_data::stored_data::StoredData {
            count: None,
            item: "payment".into(),
            sizes: vec![1e3, 4e3],
            behaviours,
            fixed: 0.0,
            per_customer: 0.0,
            added_by: None,
            kept_days: 0.0,
        };
        let planned = |study: &Study| {
            let plan = resolve(study, &pilots(), &resources(), RampSteps::Planned).expect("a plan");
            plan.steps
                .iter()
                .map(|step| (step.label(), step.stored, step.offered_per_s.get("b").copied()))
                .collect::<Vec<_>>()
        };
        sized.data = Some(data(None));
        let steps = planned(&sized);
        assert!(steps[..5].iter().all(|(_, stored, _)| *stored == Some(1e3)));
        // half of the rate at four times the size
        assert_eq!(
            steps[5..].iter().map(|step| step.0.as_str()).collect::<Vec<_>>(),
            [
                "boosted a with 4000",
                "boosted b with 4000",
                "boosted a with 4000",
                "boosted b with 4000"
            ]
        );
        assert!(
            (steps[6].2.expect("a rate") / steps[3].2.expect("a rate") - 0.5).abs() < 1e-12
                && steps[6].1 == Some(4e3)
        );
        sized.data = Some(data(Some(vec!["b".to_owned()])));
        assert_eq!(planned(&sized).len(), 7);
    }

    #[test]
    fn closed_steps_have_the_customers_of_littles_law() {
        let mut closed = study("");
        closed.customers.arrival = Arrival::Closed;
        closed.customers.think = Some(nest_data::customers::Think::Constant(
            nest_data::units::Seconds::new(8.0).expect("valid"),
        ));
        let plan = resolve(&closed, &pilots(), &resources(), RampSteps::Planned).expect("a plan");
        let base = &plan.steps[1];
        // 10,000 customers: 10 a and 5 b a second, each followed by 8 s: 10 * 8.010 + 5 * 8.020 = 120.2
        assert_eq!(
            (base.label().as_str(), base.arrival, base.active),
            ("base", Arrival::Closed, Some(121))
        );
        assert_eq!(
            plan.steps[0].arrival,
            Arrival::Open,
            "an idle step has no customers"
        );
    }

    #[test]
    fn a_plan_above_the_highest_allowed_rate_is_scaled_down_and_keeps_its_shape() {
        let plan = resolve(
            &study("[measure]\nmax_rate = 100.0\nconfirm = 1.5\nrepeats = 2\n"),
            &pilots(),
            &resources(),
            RampSteps::Planned,
        )
        .expect("a plan");
        let offered: Vec<(String, f64)> = plan
            .steps
            .iter()
            .filter(|step| step.repeat == 0)
            .map(|step| (step.label(), (step.total_per_s() * 1e3).round() / 1e3))
            .collect();
        // Each of 100,000 customers offers 0.0015 a second: the ramp would end at 0.95 x 150 = 142.5. That
        // becomes 80, and every step of the plain mix as much less: 0.2 x 150 x 80 / 142.5 = 16.842.
        // `boosted a`: 0.1 x 150, and 0.45 of the 200 that fill two cores, are 105; `boosted b` stays at 60.
        // The confirm step is at 1.5 x 80 = 120, of which 90 are allowed.
        let expected = [
            ("idle", 0.0),
            ("base", 8.421),
            ("boosted a", 90.0),
            ("boosted b", 60.0),
            ("ramp at 11228", 16.842),
            ("ramp at 19649", 29.474),
            ("ramp at 28070", 42.105),
            ("ramp at 36491", 54.737),
            ("ramp at 44912", 67.368),
            ("ramp at 53333", 80.0),
            ("confirm at 60000", 90.0),
        ];
        assert_eq!(
            offered,
            expected.map(|(label, rate)| (label.to_owned(), rate)).to_vec()
        );
        let capped: Vec<String> = plan.caveats.iter().map(ToString::to_string).collect();
        assert_eq!(
            capped.len(),
            3,
            "each once, however often a step is repeated: {capped:?}"
        );
        assert!(capped[0].contains("80 offered, and 6 lower steps are scaled down with it"));
    }

    /// A study like one that was measured: 20, 3 and 5 a day of 6, 415 and 2 ms on one core.
    fn rare_and_heavy(measure: &str) -> Plan {
        let mut study = study(measure);
        let rate = |per_day: &str| per_day.parse().expect("a rate");
        study.rates = [
            ("a".to_owned(), rate("23 / day")),
            ("b".to_owned(), rate("3 / day")),
        ]
        .into();
        let pilots = [("a", 0.006), ("b", 0.415)].map(|(name, cpu_s)| Pilot {
            behaviour: name.to_owned(),
            executions: 100,
            cpu_s: [("app".to_owned(), cpu_s)].into(),
            mean_s: cpu_s,
            requests: 100,
        });
        let mut resources = resources();
        resources[0].capacity = Some(1.0);
        resolve(&study, &pilots, &resources, RampSteps::Planned).expect("a plan")
    }

    const BRIEF: &str = "[measure]\nwindow = \"4s\"\nwindows = 5\nsettle = \"2s\"\nramp = [0.15, 0.45]\n";

    #[test]
    fn a_rare_behaviour_that_carries_much_of_the_work_comes_often_enough() {
        let plan = rare_and_heavy(BRIEF);
        assert_eq!(plan.caveats, []);
        for step in &plan.steps[1..] {
            let seconds = 4.0 * f64::from(step.windows.unwrap_or(5));
            let busy = step.offered_per_s["b"] * 0.415;
            let share = busy / (busy + step.offered_per_s["a"] * 0.006);
            let executions = step.offered_per_s["b"] * seconds;
            assert!(
                share < 0.1 || executions >= 30.0,
                "{}: {executions} of {share}",
                step.label()
            );
            // No longer than that needs, to a window.
            assert!(step.windows.is_none() || executions - 4.0 * step.offered_per_s["b"] < 30.0);
        }
        assert_eq!(plan.steps[0].windows, None, "an idle step executes nothing");
        // (23 * 0.006 + 3 * 0.415) / 26 = 53.2 ms an execution, so that a core does 18.8 a second, 2.17 of
        // them b. At a tenth of that 30 take 138 s, and windows are 4 s long.
        assert_eq!(plan.steps[1].windows, Some(35));
        let seconds: f64 = plan
            .steps
            .iter()
            .map(|step| 2.5 + 4.0 * f64::from(step.windows.unwrap_or(5)))
            .sum();
        assert!((plan.duration_s - seconds).abs() < 1e-9);
    }

    #[test]
    fn a_plan_without_time_for_enough_executions_says_which_are_too_few() {
        let plan = rare_and_heavy(&format!("{BRIEF}max_duration = \"4m\"\n"));
        assert!((140.0..=192.0).contains(&plan.duration_s), "{}", plan.duration_s);
        let [
            Caveat::FewExecutions {
                behaviour,
                executions,
                ..
            },
        ] = &plan.caveats[..]
        else {
            panic!("{:?}", plan.caveats);
        };
        assert!(behaviour == "b" && *executions < 30.0, "{executions}");
    }

    #[test]
    fn steps_of_behaviours_alike_are_as_long_as_the_study_says() {
        let plan = resolve(&study(""), &pilots(), &resources(), RampSteps::Planned).expect("a plan");
        assert!(plan.steps.iter().all(|step| step.windows.is_none()) && plan.caveats.is_empty());
    }

    #[test]
    fn a_plan_that_takes_too_long_is_refused() {
        let error = resolve(
            &study("[measure]\nmax_duration = \"1m\"\n"),
            &pilots(),
            &resources(),
            RampSteps::Planned,
        )
        .expect_err("too long");
        assert!(matches!(error, LoadError::TooLong { .. }));
    }

    #[test]
    fn without_processor_use_there_is_no_plan() {
        let mut idle = pilots();
        idle.iter_mut().for_each(|pilot| pilot.cpu_s.clear());
        assert!(matches!(
            resolve(&study(""), &idle, &resources(), RampSteps::Planned),
            Err(LoadError::Plan { .. })
        ));
    }
}
