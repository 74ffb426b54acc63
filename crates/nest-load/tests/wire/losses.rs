//! Connections that end at random, over HTTP/1.1, HTTP/2 and the compatibility path. The truth is the
//! server's own ledger: what it took and did not answer is lost, and nothing else.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use nest_data::measurement::Resends;
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::{
    client::{WAYS, Way, errors, execute},
    ledger::{Asked, Fate, Ledger, Reply},
};

/// Requests of each way and method.
const EXECUTIONS: u64 = 60;

/// What becomes of the requests of one load. A client that is refused again and again gives up, so that no
/// refusal follows another one.
fn fates(way: Way, seed: u64) -> Vec<Fate> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut all = Vec::new();
    while all.len() < 4 * EXECUTIONS as usize {
        let fate = if random.random_bool(0.4) {
            *[
                Fate::LastAnswer,
                Fate::Dropped,
                Fate::Reset,
                Fate::HalfAnswered,
                Fate::Refused,
            ]
            .choose(&mut random)
            .expect("not empty")
        } else {
            Fate::Answered
        };
        if fate == Fate::Refused && (way != Way::Http2 || all.last() == Some(&Fate::Refused)) {
            continue;
        }
        all.push(fate);
    }
    all
}

#[test]
fn what_the_target_took_and_did_not_answer_is_lost_and_nothing_else() {
    for (number, way) in WAYS.into_iter().enumerate() {
        for method in [way.methods()[0], "POST"] {
            let fates = fates(way, number as u64);
            let ledger = Ledger::new(move |number, _: &Asked| Reply {
                fate: fates[number],
                ..Reply::ok(10 + 37 * (number % 100))
            });
            let address = way.serve(&ledger);
            let result = execute(way, address, vec![way.request(method, "/item")], EXECUTIONS);
            let entries = ledger.take();
            let count =
                |kind: fn(Fate) -> bool| entries.iter().filter(|entry| kind(entry.fate)).count() as u64;
            let (answered, lost) = (count(Fate::is_answered), count(Fate::is_lost));
            let refused = count(|fate| fate == Fate::Refused);
            let what = format!("{way:?} {method}: {:?}", result.failures);
            assert_eq!(errors(&result), [("lost", lost)].into(), "{what}");
            let counts = result.requests;
            assert_eq!(
                (counts.due, counts.completed, counts.failed),
                (EXECUTIONS, answered, lost),
                "{what}"
            );
            assert_eq!(result.generator.lost_connections, lost, "{what}");
            // GOAWAY may overtake a request, which then never comes into the ledger.
            assert!(
                result.resends.unprocessed >= refused && result.resends.closed_idle == 0,
                "{what}"
            );
            assert_eq!(result.ended, EXECUTIONS + result.resends.total(), "{what}");
            let kinds = [Fate::LastAnswer, Fate::Dropped, Fate::Reset, Fate::HalfAnswered];
            assert!(
                kinds
                    .iter()
                    .all(|kind| entries.iter().any(|entry| entry.fate == *kind)),
                "{what}"
            );
            assert!(refused > 0 || way != Way::Http2, "{what}");
        }
    }
}

#[test]
fn a_target_that_refuses_every_request_is_asked_four_times() {
    let ledger = Ledger::new(|_, _| Reply {
        fate: Fate::Refused,
        ..Reply::ok(0)
    });
    let address = Way::Http2.serve(&ledger);
    let result = execute(Way::Http2, address, vec![Way::Http2.request("POST", "/item")], 5);
    assert_eq!(
        errors(&result),
        [("unprocessed", 5)].into(),
        "{:?}",
        result.failures
    );
    let resends = Resends {
        unprocessed: 15,
        closed_idle: 0,
    };
    assert_eq!((ledger.take().len(), result.resends), (20, resends));
}

#[test]
fn a_worker_that_dies_in_the_middle_of_its_work_is_no_idle_connection() {
    for way in WAYS {
        let number = AtomicUsize::new(0);
        let ledger = Ledger::new(move |_, _| {
            // It works for a while before it dies.
            let dies = number.fetch_add(1, Relaxed) % 3 == 2;
            std::thread::sleep(Duration::from_millis(20));
            Reply {
                fate: if dies { Fate::Dropped } else { Fate::Answered },
                ..Reply::ok(5)
            }
        });
        let address = way.serve(&ledger);
        let result = execute(way, address, vec![way.request(way.methods()[0], "/work")], 9);
        assert_eq!(
            errors(&result),
            [("lost", 3)].into(),
            "{way:?}: {:?}",
            result.failures
        );
        assert_eq!(
            (result.requests.completed, result.resends),
            (6, Resends::default()),
            "{way:?}"
        );
        assert!(
            result
                .failures
                .iter()
                .all(|failure| !failure.reason.contains("idle")),
            "{way:?}"
        );
        assert_eq!(ledger.take().len(), 9, "{way:?}");
    }
}

#[test]
fn connections_that_announce_their_end_lose_nothing() {
    for way in WAYS {
        for method in way.methods() {
            let ledger = Ledger::new(|number, _| Reply {
                fate: if number % 5 == 4 {
                    Fate::LastAnswer
                } else {
                    Fate::Answered
                },
                ..Reply::ok(3)
            });
            let address = way.serve(&ledger);
            let result = execute(way, address, vec![way.request(method, "/item")], 25);
            assert_eq!(
                (errors(&result), result.requests.completed),
                (BTreeMap::new(), 25),
                "{way:?} {method}"
            );
            assert_eq!(ledger.take().len(), 25, "{way:?} {method}");
            assert!(
                way == Way::Http2 || result.resends.total() == 0,
                "{way:?} {method}"
            );
        }
    }
}
