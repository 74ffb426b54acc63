//! Reads seeded inputs of every target: no panic, no hang, bounded memory. `bench/run fuzz` reads more.

use std::sync::{Mutex, PoisonError};

use nest_fuzz::{
    corpus::{self, MOST_BYTES},
    judge,
    target::{Language, TARGETS, Target, find},
};

/// The seed of the inputs that are read here; `bench/run fuzz` has another.
const SEED: u64 = 0;
/// Memory and processor time are those of the process, so one target is read at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn read(name: &str) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let target = find(name).expect("a target");
    let seeds = corpus::seeds(target).expect("a corpus");
    let first = judge::run(target, &seeds, SEED, 0..seeds.texts.len() as u64);
    assert!(
        first.understood > 0,
        "nothing of the corpus is understood: {first:?}"
    );
    let tally = judge::run(target, &seeds, SEED, 0..target.in_tests);
    let told: Vec<String> = tally
        .found
        .iter()
        .map(|found| {
            let input = String::from_utf8_lossy(&found.input);
            format!("seed {SEED}, input {}: {}\n{input}", found.index, found.fault)
        })
        .collect();
    assert_eq!(tally.faults, 0, "{}", told.join("\n\n"));
}

/// A test for each target, so that they run side by side.
macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                read(stringify!($name));
            }
        )*
        const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

targets! {
    study study_projected behaviour feed_csv feed_jsonl growth_plan growth_history formula price_book
    curve growth demand
    aws_offer_csv aws_offer_json aws_products aws_savings aws_savings_csv azure gcp price_tables price_file
    run_manifest run_plan run_step measurements scaling projection histogram histogram_counts
    answer encoded saved cookies metrics metrics_answer selector
    fleet_message
}

#[test]
fn every_target_is_read_here_and_by_cargo_fuzz() {
    let manifest = include_str!("../../../fuzz/Cargo.toml");
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names, TESTED);
    for name in names {
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{name} in fuzz/Cargo.toml"
        );
    }
}

#[test]
fn corpora_are_small_and_well_formed() {
    let is_plain = |target: &&Target| target.name != "answer"; // found by libFuzzer, of any form
    for target in TARGETS.iter().filter(is_plain) {
        let seeds = corpus::seeds(target).expect("a corpus");
        for text in &seeds.texts {
            assert!(text.len() <= MOST_BYTES, "{}: {} bytes", target.name, text.len());
        }
        let has_trees = matches!(target.language, Language::Toml | Language::Json);
        assert_eq!(
            has_trees,
            seeds.trees.iter().any(Option::is_some),
            "{}: trees to change",
            target.name
        );
    }
}
