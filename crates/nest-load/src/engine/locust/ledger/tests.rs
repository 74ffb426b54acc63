//! What one process tells, and what becomes of it.

use super::*;
use crate::recorder::{Recorder, StepOutline};

const START: u64 = 1_000_000_000_000;

/// A moment so many milliseconds after the start of the step.
fn at(ms: u64) -> u64 {
    START + ms * 1_000_000
}

/// A step of two windows of a second from 1 s on, and a ledger of it with two tasks.
fn step() -> (Arc<StepControl>, SlotLedger) {
    let control = StepControl::new(
        MonotonicTime::from_nanoseconds(START),
        Duration::from_secs(1),
        2,
        1,
        None,
    );
    control.measure_from(MonotonicTime::from_nanoseconds(at(1_000)));
    let control = Arc::new(control);
    let mut ledger = SlotLedger::new(0, ["Shop.browse", "Shop.pay"].map(str::to_owned));
    let outline = StepOutline {
        single: vec![false; 2],
        counts: vec![0; 2],
        endpoints: Vec::new(),
    };
    ledger.begin(Arc::clone(&control), Recorder::new(outline, 2), 7);
    (control, ledger)
}

fn report(at_ms: u64, events: Vec<TaskEvent>) -> Report {
    Report {
        t: at(at_ms),
        cpu: 0,
        wait: 0,
        users: BTreeMap::from([("Shop".to_owned(), 3)]),
        late: vec![2],
        gaps: Vec::new(),
        ev: events,
    }
}

fn begun(execution: u64, task: &str, due_ms: u64, number: Option<u64>) -> TaskEvent {
    TaskEvent::Begun {
        execution,
        task: task.to_owned(),
        due: at(due_ms),
        at: at(due_ms) + 400_000,
        number,
        waited: false,
    }
}

fn ended(execution: u64, at_ms: u64, reason: &str) -> TaskEvent {
    TaskEvent::Ended {
        execution,
        at: at(at_ms),
        reason: reason.to_owned(),
    }
}

fn request(execution: u64, sent_ms: u64, ended_ms: u64, kind: &str) -> TaskEvent {
    TaskEvent::Request {
        execution: Some(execution),
        name: "GET /items".to_owned(),
        sent: at(sent_ms),
        ended: at(ended_ms),
        status: if kind.is_empty() { 200 } else { 500 },
        bytes: 10,
        kind: kind.to_owned(),
        redirects: 0,
    }
}

#[test]
fn what_is_due_in_the_windows_counts_and_the_first_request_is_timed_from_due() {
    let (control, mut ledger) = step();
    ledger.take(report(
        900,
        vec![
            begun(1, "Shop.browse", 800, Some(0)),
            request(1, 810, 880, ""),
            ended(1, 880, ""),
        ],
    ));
    ledger.take(report(
        2_000,
        vec![
            begun(2, "Shop.pay", 1_100, Some(1)),
            request(2, 1_150, 1_300, ""),
            request(2, 1_300, 1_400, ""),
            ended(2, 1_450, ""),
            begun(3, "Shop.browse", 1_500, Some(2)),
            request(3, 1_500, 1_600, "status 500"),
            ended(3, 1_600, ""),
            begun(4, "Shop.browse", 1_700, Some(3)),
            ended(4, 1_800, "ValueError at shop.py:3"),
        ],
    ));
    assert_eq!(control.progress[0].present.load(Relaxed), 3);
    let closed = ledger
        .close(MonotonicTime::from_nanoseconds(at(3_000)), None)
        .expect("a step");
    let recorder = closed.recorder;
    let (all, several) = (closed.requests.all, closed.requests.several);
    assert_eq!((recorder.settling.completed, all), (1, 4));
    assert_eq!(
        several.into_iter().collect::<Vec<_>>(),
        [1],
        "pay alone makes two"
    );
    let pay = &recorder.behaviours[1];
    assert_eq!((pay.executions.completed, pay.requests.completed), (1, 2));
    let browse = &recorder.behaviours[0];
    assert_eq!((browse.executions.due, browse.executions.failed), (2, 2));
    assert_eq!(
        (recorder.errors_of("status 500"), recorder.errors_of(CODE)),
        (1, 1)
    );
    // 200 ms from due, and 100 ms of the second request from sending; within the three digits kept.
    let longest = recorder.quantile_s(1, 1.0).expect("answers");
    let shortest = recorder.quantile_s(1, 0.5).expect("answers");
    assert!(
        (longest - 0.2).abs() < 1e-3 && (shortest - 0.1).abs() < 1e-3,
        "{longest} {shortest}"
    );
    let windows: Vec<u64> = recorder.windows.iter().map(|window| window.requests).collect();
    assert_eq!(windows, [3, 0]);
}

#[test]
fn requests_are_recorded_in_order_of_time_although_each_is_told_when_it_ends() {
    let (control, mut ledger) = step();
    ledger.take(report(
        1_500,
        vec![
            begun(1, "Shop.browse", 1_100, None),
            begun(2, "Shop.browse", 1_200, None),
            request(2, 1_200, 1_300, ""),
            ended(2, 1_300, ""),
            request(1, 1_100, 1_400, ""),
            ended(1, 1_400, ""),
        ],
    ));
    let recorder = ledger
        .close(MonotonicTime::from_nanoseconds(at(3_000)), None)
        .expect("a step")
        .recorder;
    // 0.3 s and 0.1 s in flight, over windows of 2 s.
    let span_s = control.end().since(control.from()).as_secs_f64();
    assert!((recorder.in_flight.mean(span_s) - 0.2).abs() < 1e-9);
    // The longest time without an answer is the 200 ms from the first request to the first answer.
    assert_eq!(
        recorder.silence.longest().map(|silence| silence.us),
        Some(200_000)
    );
}

#[test]
fn a_process_that_is_lost_leaves_nothing_unaccounted_for() {
    let (_, mut ledger) = step();
    let start = |number, due_s, behaviour| ScheduledStart {
        number,
        due_s,
        behaviour,
    };
    for (number, due_ms) in [(0, 1_100), (1, 1_200), (2, 1_900), (3, 1_960), (4, 2_500)] {
        let due = MonotonicTime::from_nanoseconds(at(due_ms));
        ledger.hand_over(&start(number, due_ms as f64 / 1e3, 0), due);
    }
    ledger.take(report(
        1_250,
        vec![
            begun(1, "Shop.browse", 1_100, Some(0)),
            ended(1, 1_150, ""),
            begun(2, "Shop.browse", 1_200, Some(1)),
        ],
    ));
    let moment = |ms| MonotonicTime::from_nanoseconds(at(ms));
    let closed = ledger.close(moment(2_000), Some(moment(1_950))).expect("a step");
    let (recorder, lost) = (closed.recorder, closed.lost.expect("it is gone"));
    let counts = recorder.behaviours[0].executions;
    assert_eq!(
        (counts.due, counts.completed, counts.failed),
        (3, 1, 2),
        "what would have come due once it was gone never did"
    );
    assert!(counts.balance());
    assert_eq!(recorder.errors_of(WORKER), 2);
    assert_eq!((lost.open, lost.untold), (1, 1));
    assert_eq!(
        lost.reason("it is gone", Some(40)),
        "it is gone. 1 of its executions were under way, and 1 more were due that it may have begun: all of \
         them count as failed; 40 more would have come due there"
    );
    assert!(
        recorder.gaps.longest() > Duration::from_millis(700),
        "it stood still from its last word on"
    );
}

#[test]
fn a_login_that_fails_is_named_where_nobody_takes_what_is_due() {
    let (_, mut ledger) = step();
    let dropped = |number| TaskEvent::Dropped {
        number,
        task: "Shop.browse".to_owned(),
    };
    ledger.hand_over(
        &ScheduledStart {
            number: 3,
            due_s: 1.1,
            behaviour: 0,
        },
        MonotonicTime::from_nanoseconds(at(1_100)),
    );
    ledger.take(report(
        1_300,
        vec![
            begun(5, "Shop.on_start", 1_150, None),
            request(5, 1_150, 1_160, "status 401"),
            ended(5, 1_160, "KeyError at shop.py:7"),
            dropped(3),
        ],
    ));
    let closed = ledger
        .close(MonotonicTime::from_nanoseconds(at(3_000)), None)
        .expect("a step");
    let names = ["browse", "pay"].map(str::to_owned);
    let kept = closed.recorder.kept_failures(&names);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].behaviour, "browse");
    assert_eq!(
        kept[0].to_string(),
        "Shop.on_start: no user can begin: KeyError at shop.py:7, after a request failed: status 401"
    );
}

#[test]
fn an_arrival_without_a_user_is_dropped_and_what_is_outside_of_tasks_is_noted() {
    let (_, mut ledger) = step();
    let due = MonotonicTime::from_nanoseconds(at(1_100));
    let start = ScheduledStart {
        number: 9,
        due_s: 1.1,
        behaviour: 1,
    };
    ledger.hand_over(&start, due);
    let dropped = TaskEvent::Dropped {
        number: 9,
        task: "Shop.pay".to_owned(),
    };
    ledger.take(report(
        1_200,
        vec![
            dropped,
            request(77, 1_100, 1_150, ""),
            begun(5, "Shop.on_start", 1_150, None),
            request(5, 1_150, 1_160, ""),
            ended(5, 1_160, ""),
        ],
    ));
    let closed = ledger
        .close(MonotonicTime::from_nanoseconds(at(3_000)), None)
        .expect("a step");
    let counts = closed.recorder.behaviours[1].executions;
    assert_eq!((counts.due, counts.dropped), (1, 1));
    let outside: Vec<(&str, u64)> = closed
        .requests
        .outside
        .iter()
        .map(|(source, count)| (source.as_str(), *count))
        .collect();
    assert_eq!(outside, [("GET /items", 1), ("Shop.on_start", 1)]);
}
