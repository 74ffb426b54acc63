//! Gates drawn from a bank of visits: how often equal versions fail, and how often a change is caught.
//!
//! ```text
//! gates COUNT KIND FILE...      FILE: what `check --format json` printed
//! ```
//!
//! A gate is blocks of the files, drawn at random without repetition. For the kind `equal` a coin exchanges
//! the labels base and head of a block, as both are of one version. `bench/check/shop` calls this.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example prints what it finds"
)]

use std::{collections::BTreeMap, env, fs, process::ExitCode};

use nest_data::{Document, GateReport};
use nest_model::{
    comparison::{GateRules, Judgement, Outcome, Subject, VisitBlock, judge},
    draws::{RandomStream, StreamPurpose},
};

/// Quantile of the normal distribution for an interval of 95 %.
const Z95: f64 = 1.96;

/// Blocks of one kind, with what their demands are of.
struct Bank {
    subjects: Vec<Subject>,
    /// Blocks by their size of stored data, in items; 0 if none is stated.
    blocks: BTreeMap<u64, Vec<VisitBlock>>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [count, kind, files @ ..] = arguments.as_slice() else {
        eprintln!("usage: gates COUNT KIND FILE...");
        return ExitCode::FAILURE;
    };
    let Ok(count) = count.parse::<u32>() else {
        eprintln!("{count} is no number of gates");
        return ExitCode::FAILURE;
    };
    match bank(files) {
        Ok(bank) => {
            report(&bank, kind, count);
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// The blocks of all files; they must compare the same demands.
fn bank(files: &[String]) -> Result<Bank, String> {
    let mut bank: Option<Bank> = None;
    for file in files {
        let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let found: GateReport = Document::from_json(&text).map_err(|error| format!("{file}: {error}"))?;
        let subjects: Vec<Subject> = found.subjects.iter().map(Subject::from).collect();
        let names = |subjects: &[Subject]| -> Vec<(Option<String>, String)> {
            subjects
                .iter()
                .map(|one| (one.behaviour.clone(), one.resource.clone()))
                .collect()
        };
        let bank = bank.get_or_insert_with(|| Bank {
            subjects: subjects.clone(),
            blocks: BTreeMap::new(),
        });
        if names(&bank.subjects) != names(&subjects) {
            return Err(format!("{file} compares other demands than the files before it"));
        }
        for block in &found.visits {
            let size = block.size.unwrap_or(0.0) as u64;
            bank.blocks.entry(size).or_default().push(VisitBlock::from(block));
        }
    }
    bank.ok_or_else(|| "no file was named".to_owned())
}

/// Draws gates and prints a row of the table in bench/README.md.
fn report(bank: &Bank, kind: &str, count: u32) {
    let rules = GateRules::default();
    let (mut fails, mut passes, mut blocks) = (0, 0, 0);
    let mut named: BTreeMap<String, u32> = BTreeMap::new();
    for index in 0..count {
        let drawn = drawn(bank, kind, index, rules.most_blocks);
        let (judgement, seen) = run(&drawn, &bank.subjects, &rules);
        blocks += seen;
        fails += u32::from(judgement.outcome == Outcome::Fail);
        passes += u32::from(judgement.outcome == Outcome::Pass);
        if let Some(worst) = worst(&judgement, &bank.subjects) {
            *named.entry(worst).or_default() += 1;
        }
    }
    let of_all: usize = bank.blocks.values().map(Vec::len).sum();
    let named: Vec<String> = named
        .iter()
        .map(|(name, times)| format!("{name} {}", share(*times, count)))
        .collect();
    println!(
        "| {kind} | {of_all} | {count} | {} | {} | {:.1} | {} |",
        share(fails, count),
        share(passes, count),
        blocks as f64 / f64::from(count.max(1)),
        named.join(", ")
    );
}

/// Blocks of a gate, sizes in turn; fewer than asked for if the bank has fewer.
fn drawn(bank: &Bank, kind: &str, index: u32, most: usize) -> Vec<VisitBlock> {
    let mut random = RandomStream::new(20_261_130, StreamPurpose::Fit, index);
    let mut left: Vec<Vec<&VisitBlock>> = bank
        .blocks
        .values()
        .map(|blocks| blocks.iter().collect())
        .collect();
    let sizes = left.len().max(1);
    let mut drawn = Vec::new();
    for place in 0..most {
        let Some(blocks) = left.get_mut(place % sizes).filter(|blocks| !blocks.is_empty()) else {
            break;
        };
        let chosen = (random.uniform() * blocks.len() as f64) as usize;
        let mut block = blocks.swap_remove(chosen.min(blocks.len() - 1)).clone();
        if kind == "equal" && random.uniform() < 0.5 {
            std::mem::swap(&mut block.base, &mut block.head);
        }
        drawn.push(block);
    }
    drawn
}

fn run(blocks: &[VisitBlock], subjects: &[Subject], rules: &GateRules) -> (Judgement, usize) {
    let last = blocks.len().min(rules.most_blocks);
    let first = rules.fewest_blocks.min(last);
    for seen in first..last {
        let judgement = judge(&blocks[..seen], subjects, rules);
        if judgement.outcome != Outcome::Unclear {
            return (judgement, seen);
        }
    }
    (judge(&blocks[..last], subjects, rules), last)
}

/// The behaviour and resource that failed with the largest change.
fn worst(judgement: &Judgement, subjects: &[Subject]) -> Option<String> {
    let failed = judgement
        .comparisons
        .iter()
        .filter(|one| one.outcome == Some(Outcome::Fail));
    let worst = failed.max_by(|one, other| one.value.total_cmp(&other.value))?;
    let subject = &subjects[worst.subject];
    let behaviour = subject.behaviour.as_deref().unwrap_or("the whole mix");
    Some(format!("{behaviour} {}", subject.resource))
}

/// A share with its 95 % interval: Wilson, "Probable inference, the law of succession, and statistical
/// inference", Journal of the American Statistical Association 22(158), 1927. The gates share their blocks,
/// so the interval is that of the drawing alone.
fn share(times: u32, of: u32) -> String {
    let (n, p) = (f64::from(of.max(1)), f64::from(times) / f64::from(of.max(1)));
    let middle = (p + Z95 * Z95 / (2.0 * n)) / (1.0 + Z95 * Z95 / n);
    let half = Z95 * (p * (1.0 - p) / n + Z95 * Z95 / (4.0 * n * n)).sqrt() / (1.0 + Z95 * Z95 / n);
    format!("{p:.3} [{:.3} … {:.3}]", (middle - half).max(0.0), middle + half)
}
