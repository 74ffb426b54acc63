//! Fuzzes targets in resumable runs; `bench/run fuzz` calls it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its lines are for bench/fuzz and for who runs it"
)]

use std::{
    env, fs,
    io::{self, Write},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use nest_fuzz::{
    corpus::{self, Seeds},
    judge::{self, Tally},
    mutation,
    target::{self, TARGETS, Target},
};

/// Inputs after which a run says how far it is.
const PART: u64 = 5_000;
const USAGE: &str = "nest-fuzz --list\n\
    nest-fuzz TARGET --show INDEX [--seed SEED]\n\
    nest-fuzz TARGET [--from INDEX] [--to INDEX] [--seed SEED] [--for SECONDS] [--found FOLDER]";

/// What is asked for.
struct Order {
    target: &'static Target,
    from: u64,
    to: u64,
    seed: u64,
    time: Duration,
    found: String,
    show: Option<u64>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments == ["--list"] {
        for target in TARGETS {
            println!("{} {} {}", target.name, target.in_bench, target.in_tests);
        }
        return ExitCode::SUCCESS;
    }
    match order(&arguments).and_then(|order| fuzz(&order)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}\nusage: {USAGE}");
            ExitCode::from(2)
        }
    }
}

fn order(arguments: &[String]) -> Result<Order, String> {
    let (name, options) = arguments.split_first().ok_or("no target is named")?;
    let target = target::find(name).ok_or_else(|| format!("there is no target {name}"))?;
    let mut order = Order {
        target,
        from: 0,
        to: target.in_bench,
        seed: 1,
        time: Duration::MAX,
        found: "target/fuzz-found".to_owned(),
        show: None,
    };
    for pair in options.chunks(2) {
        let [option, value] = pair else {
            return Err(format!("{} has no value", pair[0]));
        };
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| format!("{option} {value}: not a number"))
        };
        match option.as_str() {
            "--from" => order.from = number()?,
            "--to" => order.to = number()?,
            "--seed" => order.seed = number()?,
            "--for" => order.time = Duration::from_secs(number()?),
            "--show" => order.show = Some(number()?),
            "--found" => order.found.clone_from(value),
            _ => return Err(format!("there is no option {option}")),
        }
    }
    Ok(order)
}

/// Reads the inputs in parts; after each of them a line says what came of all so far. Returns the number of
/// inputs that broke a bound. An input that is to be shown is written instead.
fn fuzz(order: &Order) -> Result<u64, String> {
    let seeds = corpus::seeds(order.target).map_err(|error| format!("{}: {error}", order.target.name))?;
    if let Some(index) = order.show {
        let input = mutation::input(&seeds, order.target.language, order.seed, index);
        return io::stdout()
            .write_all(&input)
            .map(|()| 0)
            .map_err(|error| error.to_string());
    }
    let (start, mut all, mut next) = (Instant::now(), Tally::default(), order.from);
    while next < order.to && start.elapsed() < order.time {
        let end = order.to.min(next + PART);
        let part = judge::run(order.target, &seeds, order.seed, next..end);
        keep(order, &part)?;
        all.merge(part);
        next = end;
        println!("{}", line(order, &seeds, next, &all));
    }
    Ok(all.faults)
}

/// Writes the inputs that broke a bound, and says what they did.
fn keep(order: &Order, part: &Tally) -> Result<(), String> {
    for found in &part.found {
        let path = Path::new(&order.found).join(format!("{}-{}", order.target.name, found.index));
        fs::create_dir_all(&order.found)
            .and_then(|()| fs::write(&path, &found.input))
            .map_err(|error| format!("{}: {error}", path.display()))?;
        eprintln!("{}: {}", path.display(), found.fault);
    }
    Ok(())
}

fn line(order: &Order, seeds: &Seeds, next: u64, all: &Tally) -> String {
    format!(
        "{} seed {} corpus {} inputs {}..{next} understood {} faults {} cpu_s {:.1} slowest {} \
         slowest_s {:.3} largest_mib {:.1}",
        order.target.name,
        order.seed,
        seeds.texts.len(),
        order.from,
        all.understood,
        all.faults,
        all.cpu_s,
        all.slowest,
        all.slowest_s,
        all.largest_bytes as f64 / f64::from(1 << 20),
    )
}
