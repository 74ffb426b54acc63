//! Tables of what was scored: means over sources of means over series of means over cases.

use std::collections::BTreeMap;

use nest_model::draws::{RandomStream, StreamPurpose};

use super::{
    baselines,
    cases::Variant,
    peers,
    score::{Scored, mean},
};

/// Resamplings for an interval of coverage.
const RESAMPLINGS: u32 = 2_000;
/// Sources below which a kind is reported and not judged.
const FEWEST_SOURCES: usize = 5;
const KINDS: [&str; 5] = ["daily", "weekly", "monthly", "quarterly", "yearly"];

/// Coverage by kind and variant, sources weighing alike.
pub fn by_kind(all: &[Scored]) {
    println!("## By kind of period; each source is left out of the learning and weighs alike\n");
    println!(
        "| kind | series are | sources | series | cases | MASE | 80 % covers | 90 % covers | score 80 % |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|");
    for kind in KINDS {
        let of_kind: Vec<&Scored> = all.iter().filter(|scored| scored.kind == kind).collect();
        let variants = [Variant::Recorded, Variant::Shifts, Variant::Incomplete];
        for variant in variants {
            let some: Vec<&Scored> = of_kind
                .iter()
                .copied()
                .filter(|one| one.variant == variant)
                .collect();
            kind_row(kind, variant.name(), &some);
        }
        kind_row(kind, "**all of them**", &of_kind);
    }
    println!();
}

fn kind_row(kind: &str, variant: &str, some: &[&Scored]) {
    let sources = over_sources(some, &|one| one.coverage[0]).len();
    if sources == 0 {
        return;
    }
    let judged = if sources < FEWEST_SOURCES {
        " (not judged)"
    } else {
        ""
    };
    println!(
        "| {kind} | {variant}{judged} | {sources} | {} | {} | {:.3} | {} | {} | {:.2} |",
        series(some),
        some.len(),
        average(some, &|one| one.mase[0]),
        share(some, 0),
        share(some, 1),
        average(some, &|one| one.interval_score[0]),
    );
}

/// Ours beside statsforecast's on the cases that both have.
pub fn against_peers(all: &[Scored]) {
    let both: Vec<&Scored> = all
        .iter()
        .filter(|one| one.peers.iter().all(Option::is_some))
        .collect();
    if both.is_empty() {
        return;
    }
    let names = peers::NAMES;
    println!("## Beside statsforecast, on the same cases\n");
    println!(
        "| kind | series are | sources | cases | MASE ours | {} | 80 % covers: ours | {} | score 80 %: ours \
         | {} |",
        names.join(" | "),
        names.join(" | "),
        names.join(" | ")
    );
    println!("|---|---|--:|--:|--:|{}", "--:|".repeat(2 + 3 * names.len()));
    let row = |kind: &str, variant: &str, some: &[&Scored]| {
        if some.is_empty() {
            return;
        }
        let ours = |index: usize| {
            average(some, &|one| {
                [one.mase[0], one.coverage[0], one.interval_score[0]][index]
            })
        };
        let cells: Vec<String> = (0..3)
            .flat_map(|index| {
                let peer = move |method: usize| {
                    average(some, &|one| {
                        one.peers[method].map_or(f64::NAN, |peer| peer[index])
                    })
                };
                std::iter::once(ours(index)).chain((0..names.len()).map(peer))
            })
            .map(|number| format!("{number:.3}"))
            .collect();
        let sources = over_sources(some, &|one| one.coverage[0]).len();
        println!(
            "| {kind} | {variant} | {sources} | {} | {} |",
            some.len(),
            cells.join(" | ")
        );
    };
    let variants = [Variant::Recorded, Variant::Shifts, Variant::Incomplete];
    for kind in KINDS {
        for variant in variants {
            let chosen = |one: &&Scored| one.kind == kind && one.variant == variant;
            let some: Vec<&Scored> = both.iter().copied().filter(chosen).collect();
            row(kind, variant.name(), &some);
        }
    }
    let recorded = |one: &&Scored| one.variant == Variant::Recorded;
    let some: Vec<&Scored> = both.iter().copied().filter(recorded).collect();
    row("**all**", "as recorded", &some);
    let open: Vec<&Scored> = some.into_iter().filter(|one| one.open && !one.summed).collect();
    let by_series: Vec<f64> = over_series(&open, &|one| one.mase[0]);
    let peer = |method: usize| {
        let errors = over_series(&open, &|one| one.peers[method].map_or(f64::NAN, |peer| peer[0]));
        format!("{} {:.3}", names[method], mean(errors.into_iter()))
    };
    println!(
        "\nThe {} open series as recorded, means over series: MASE ours {:.3}, {}, {}\n",
        by_series.len(),
        mean(by_series.into_iter()),
        peer(0),
        peer(1)
    );
}

/// Coverage of each source, as recorded.
pub fn by_source(all: &[Scored]) {
    let mut groups: BTreeMap<(usize, &str), Vec<&Scored>> = BTreeMap::new();
    for one in all {
        let kind = KINDS
            .iter()
            .position(|kind| *kind == one.kind)
            .unwrap_or(KINDS.len());
        groups.entry((kind, &one.source)).or_default().push(one);
    }
    println!("## By source\n\n| kind | source | series | MASE | 80 %: recorded | shifts | incomplete |");
    println!("|---|---|--:|--:|--:|--:|--:|");
    for ((kind, source), some) in groups {
        let variant = |variant: Variant| {
            let some: Vec<&Scored> = some
                .iter()
                .copied()
                .filter(|one| one.variant == variant)
                .collect();
            average(&some, &|one| one.coverage[0])
        };
        let recorded: Vec<&Scored> = some
            .iter()
            .copied()
            .filter(|one| one.variant == Variant::Recorded)
            .collect();
        println!(
            "| {} | {source} | {} | {:.3} | {:.3} | {:.3} | {:.3} |",
            KINDS[kind],
            series(&recorded),
            average(&recorded, &|one| one.mase[0]),
            variant(Variant::Recorded),
            variant(Variant::Shifts),
            variant(Variant::Incomplete)
        );
    }
    println!();
}

/// The open series as recorded, beside the baselines.
pub fn open(all: &[Scored]) {
    let recorded = || {
        all.iter()
            .filter(|one| one.open && one.variant == Variant::Recorded)
    };
    header("Open series by source and kind");
    let mut groups: BTreeMap<String, Vec<&Scored>> = BTreeMap::new();
    for one in recorded() {
        groups
            .entry(format!("{} {}", one.source, one.kind))
            .or_default()
            .push(one);
    }
    groups.iter().for_each(|(group, some)| row(group, some));
    row(
        "all as recorded",
        &recorded().filter(|one| !one.summed).collect::<Vec<_>>(),
    );
    row(
        "all sums over longer periods",
        &recorded().filter(|one| one.summed).collect::<Vec<_>>(),
    );
    println!();
}

/// One row a group, means over series.
pub fn plain(title: &str, all: &[Scored]) {
    header(title);
    let mut groups: BTreeMap<&str, Vec<&Scored>> = BTreeMap::new();
    all.iter()
        .for_each(|one| groups.entry(&one.group).or_default().push(one));
    groups.iter().for_each(|(group, some)| row(group, some));
    println!();
}

fn header(title: &str) {
    println!(
        "## {title}\n\n| group | series | cases | ours | {} | 80 % covers | 90 % | interval score 80 %, 90 \
         % |",
        baselines::NAMES.join(" | ")
    );
    println!(
        "|---|--:|--:|--:|{}--:|--:|--:|",
        "--:|".repeat(baselines::NAMES.len())
    );
}

fn row(group: &str, some: &[&Scored]) {
    let average = |of: &dyn Fn(&Scored) -> f64| mean(over_series(some, of).into_iter());
    let errors: Vec<String> = (0..=baselines::NAMES.len())
        .map(|method| format!("{:.3}", average(&|one| one.mase[method])))
        .collect();
    let interval = |of: usize| {
        let shares = over_series(some, &|one| one.coverage[of]);
        let [low, high] = bootstrap(&shares);
        format!("{:.3} ({low:.3} … {high:.3})", mean(shares.into_iter()))
    };
    let scores = [0, 1].map(|of| format!("{:.2}", average(&|one| one.interval_score[of])));
    println!(
        "| {group} | {} | {} | {} | {} | {} | {} |",
        series(some),
        some.len(),
        errors.join(" | "),
        interval(0),
        interval(1),
        scores.join(", ")
    );
}

/// Coverage with its bootstrap interval by source.
fn share(some: &[&Scored], of: usize) -> String {
    let shares = over_sources(some, &|one| one.coverage[of]);
    let [low, high] = bootstrap(&shares);
    format!("{:.3} ({low:.3} … {high:.3})", mean(shares.into_iter()))
}

fn series(some: &[&Scored]) -> usize {
    over_series(some, &|_| 0.0).len()
}

fn average(some: &[&Scored], of: &dyn Fn(&Scored) -> f64) -> f64 {
    mean(over_sources(some, of).into_iter())
}

/// Mean of each source over its series.
fn over_sources(some: &[&Scored], of: &dyn Fn(&Scored) -> f64) -> Vec<f64> {
    let mut sources: BTreeMap<&str, Vec<&Scored>> = BTreeMap::new();
    some.iter()
        .for_each(|one| sources.entry(&one.source).or_default().push(one));
    sources
        .values()
        .map(|some| mean(over_series(some, of).into_iter()))
        .collect()
}

/// Mean of each series over its cases.
fn over_series(some: &[&Scored], of: &dyn Fn(&Scored) -> f64) -> Vec<f64> {
    let mut series: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    some.iter()
        .for_each(|one| series.entry(&one.series).or_default().push(of(one)));
    series.values().map(|cases| mean(cases.iter().copied())).collect()
}

/// 95 % interval of the mean by resampling.
fn bootstrap(shares: &[f64]) -> [f64; 2] {
    let resample = |index| {
        let mut stream = RandomStream::new(1, StreamPurpose::Growth, index);
        mean((0..shares.len()).map(|_| shares[(stream.uniform() * shares.len() as f64) as usize]))
    };
    let mut means: Vec<f64> = (0..RESAMPLINGS).map(resample).collect();
    means.sort_by(f64::total_cmp);
    [0.025, 0.975].map(|share| means[(share * f64::from(RESAMPLINGS)) as usize])
}
