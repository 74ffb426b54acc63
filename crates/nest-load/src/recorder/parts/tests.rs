use std::time::Duration;

use nest_data::measurement::Outcome;
use proptest::prelude::*;

use super::*;
use crate::{
    clock::MonotonicTime,
    recorder::{
        RequestPlace, RequestRecord,
        counted::{Amount, ExecutionCounts},
        tally::BehaviourTally,
        windows::{StepControl, StepPhase},
    },
};

const WINDOWS: usize = 2;

fn outline() -> StepOutline {
    let endpoint = |behaviour, name: &str| EndpointOutline {
        behaviour,
        name: name.to_owned(),
        path: None,
    };
    StepOutline {
        single: vec![true, false],
        counts: vec![0, 1],
        endpoints: vec![endpoint(0, "GET /a"), endpoint(1, "GET /b"), endpoint(1, "GET /c")],
    }
}

/// One execution with one request: what it is of, when it begins and how long it takes, how it ends.
#[derive(Debug, Clone)]
struct Act {
    slot: usize,
    behaviour: usize,
    at_us: u64,
    took_us: u64,
    end: u8,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = (0..4_usize, 0..2_usize, 0..12_000_000_u64, 1..900_000_u64, 0..6_u8);
    let of = |(slot, behaviour, at_us, took_us, end)| Act {
        slot,
        behaviour,
        at_us,
        took_us,
        end,
    };
    proptest::collection::vec(act.prop_map(of), 0..60)
}

fn control() -> StepControl {
    let start = MonotonicTime::from_nanoseconds(1_000_000_000);
    let control = StepControl::new(start, Duration::from_secs(5), WINDOWS, 4, None);
    control.measure_from(start.after(Duration::from_secs(2)));
    control
}

fn recorded(slot: usize, acts: &[Act]) -> Recorder {
    let control = control();
    let mut recorder = Recorder::new(outline(), WINDOWS);
    for (number, act) in acts.iter().enumerate().filter(|(_, act)| act.slot == slot) {
        let due = control.start.after(Duration::from_micros(act.at_us));
        let phase = control.phase(due);
        recorder.schedule.add(number as u64, act.at_us, act.behaviour, 7);
        recorder.execution_due(act.behaviour, phase);
        if act.end == 5 {
            recorder.execution_dropped(act.behaviour, phase);
            continue;
        }
        recorder.started_late(act.took_us % 3);
        recorder.execution_begins(&control, due);
        let endpoint = if act.took_us % 7 == 0 {
            recorder.endpoint(act.behaviour, &format!("named {}", act.took_us % 4))
        } else {
            act.behaviour
        };
        let place = RequestPlace {
            behaviour: act.behaviour,
            endpoint,
            phase,
        };
        recorder.request_begins(&control, place, due);
        if act.end == 4 {
            continue; // cut by the end
        }
        let ended = due.after(Duration::from_micros(act.took_us));
        let outcome = if act.end == 3 { Outcome::Failed } else { Outcome::Ok };
        let record = RequestRecord {
            due,
            sent: due,
            ended,
            outcome,
            status: if act.end == 3 { 503 } else { 200 },
            bytes: act.took_us,
        };
        recorder.request_ended(&control, place, &record);
        if outcome == Outcome::Failed {
            if phase == StepPhase::Measured {
                recorder.failed(act.behaviour, "status 503");
            }
        } else if act.behaviour == 1 {
            let mut counts = ExecutionCounts::new(1);
            counts.add(0, Amount::of(act.took_us as f64));
            recorder.execution_counted(1, phase, &counts);
        }
        recorder.execution_ended(&control, act.behaviour, phase, outcome, due..ended);
    }
    recorder.close(&control);
    recorder
}

/// As it comes out at the other end.
fn sent_over(recorder: Recorder) -> Recorder {
    let text = serde_json::to_string(&recorder.into_parts()).expect("it is text");
    let parts = serde_json::from_str(&text).expect("it is read");
    Recorder::of_parts(parts, outline(), WINDOWS).expect("they are those of this step")
}

/// Everything in a recorder, as text. Tallies are sums of numbers with fractions, whose order matters in the
/// last digit, and are compared apart.
fn everything(recorder: Recorder) -> (String, Vec<CountTally>) {
    let mut parts = recorder.into_parts();
    let tallies: Vec<CountTally> = parts
        .behaviours
        .iter_mut()
        .flat_map(|behaviour| std::mem::take(&mut behaviour.counted))
        .collect();
    (serde_json::to_string(&parts).expect("it is text"), tallies)
}

proptest! {
    #[test]
    fn recorders_that_went_over_merge_as_those_that_stayed(acts in acts()) {
        let merged = |of: &dyn Fn(usize) -> Recorder| {
            let mut whole = of(0);
            (1..4).for_each(|slot| whole.merge(of(slot)));
            everything(whole)
        };
        let stayed = merged(&|slot| recorded(slot, &acts));
        let went = merged(&|slot| sent_over(recorded(slot, &acts)));
        prop_assert_eq!(stayed, went);
    }

    #[test]
    fn what_a_lost_worker_had_open_has_failed(
        due in 0..1_000_u64, completed in 0..300_u64, failed in 0..300_u64, dropped in 0..300_u64,
    ) {
        let ended = completed + failed + dropped;
        let known = Counts { due: due.max(ended), completed, failed, dropped };
        let behaviour = BehaviourTally { executions: known, requests: known };
        let tally = RunningTally { settling: known, behaviours: vec![behaviour; 2] };
        prop_assert_eq!(tally.open(), 3 * (known.due - ended));
        let recorder = Recorder::of_counts(outline(), WINDOWS, &tally, "worker");
        for record in &recorder.behaviours {
            prop_assert!(record.executions.balance() && record.requests.balance());
            prop_assert_eq!(record.executions.failed, failed + known.due - ended);
        }
        prop_assert!(recorder.settling.balance());
        prop_assert_eq!(recorder.errors_of("worker"), 2 * (failed + known.due - ended));
        prop_assert_eq!(recorder.errors_of("dropped"), 2 * dropped);
    }
}

#[test]
fn parts_of_another_step_and_damaged_ones_are_refused() {
    let parts = || serde_json::to_value(recorded(0, &[]).into_parts()).expect("it is JSON");
    let read = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = parts();
        change(&mut value);
        let parts = serde_json::from_value(value).map_err(|error| error.to_string())?;
        Recorder::of_parts(parts, outline(), WINDOWS)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    assert_eq!(read(&|_| ()), Ok(()));
    let wide = Hdr::<u64>::new_with_bounds(1, 1 << 60, 5).expect("bounds");
    for (change, said) in [
        (
            &(|value: &mut serde_json::Value| value["windows"] = serde_json::json!([]))
                as &dyn Fn(&mut serde_json::Value),
            "its windows are not",
        ),
        (&|value| value["behaviours"] = serde_json::json!([]), "its behaviours are not"),
        (&|value| value["endpoints"] = serde_json::json!([]), "its requests are not"),
        (
            &|value| value["errors"] = serde_json::json!([{"behaviour": 9, "kind": "x", "count": 1}]),
            "its errors are not",
        ),
        (&|value| value["lateness"] = "AAAA".into(), "a histogram cannot"),
        (&|value| value["lateness"] = encode(&wide).into(), "a histogram cannot"),
        (&|value| value["settling"]["due"] = 7.into(), "7 were due"),
        (&|value| value["schedule"] = "xyz".into(), "invalid digit"),
    ] {
        let refused = read(change).expect_err(said);
        assert!(refused.contains(said), "{refused}");
    }
}
