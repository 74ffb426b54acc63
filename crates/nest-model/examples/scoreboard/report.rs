//! Prints the scoreboard as Markdown.

use nest_model::curve::Group;
use statrs::distribution::{Beta, ContinuousCDF};

use crate::{
    baselines::METHODS,
    corpus::Curve,
    score::{
        Conformal, Score, error_quantile, mean, mean_of_medians, medians, probability_worse, quantile, scores,
    },
    task::{Target, Task},
};

const GROUPS: [Option<Group>; 5] = [
    None,
    Some(Group::Falling),
    Some(Group::Flat),
    Some(Group::Bending),
    Some(Group::Growing),
];

fn named(group: Option<Group>) -> String {
    group.map_or("all".to_owned(), |group| format!("{group:?}").to_lowercase())
}

fn selected(scores: &[Score], horizon: u32, group: Option<Group>) -> Vec<&Score> {
    scores
        .iter()
        .filter(|score| score.horizon == horizon && group.is_none_or(|group| group == score.group))
        .collect()
}

fn percent(value: f64) -> String {
    format!("{:.1}", 100.0 * value)
}

/// Errors by source: medians of ours and of every method, in per cent.
pub fn by_source(scores: &[Score]) {
    for horizon in [2, 4] {
        let of = selected(scores, horizon, None);
        println!("\n### Median error by source at {horizon}x, %\n");
        println!(
            "| source | forecasts | **curve** | {} |",
            METHODS.map(|method| method.0).join(" | ")
        );
        println!("|---|--:|--:|{}", "--:|".repeat(METHODS.len()));
        let theirs: Vec<_> = (0..METHODS.len())
            .map(|method| medians(&of, Some(method)))
            .collect();
        for (source, median) in medians(&of, None) {
            let count = of.iter().filter(|score| score.source == source).count();
            let row: Vec<String> = theirs.iter().map(|medians| percent(medians[&source])).collect();
            println!(
                "| {source} | {count} | **{}** | {} |",
                percent(median),
                row.join(" | ")
            );
        }
    }
}

/// Errors by group, sources weighing alike.
pub fn by_group(scores: &[Score]) {
    for horizon in [2, 4] {
        for group in GROUPS {
            let of = selected(scores, horizon, group);
            if of.is_empty() {
                continue;
            }
            println!(
                "\n### {horizon}x, {}: {} forecasts, {} sources\n",
                named(group),
                of.len(),
                medians(&of, None).len()
            );
            println!(
                "| method | mean of source medians, % | median, % | p90, % | over-promised by > 25 %, % | \
                 P(curve worse) |"
            );
            println!("|---|--:|--:|--:|--:|--:|");
            for method in std::iter::once(None).chain((0..METHODS.len()).map(Some)) {
                let over = mean(&of, |score| {
                    f64::from(u8::from(
                        score
                            .point(method)
                            .is_some_and(|point| point > 1.25 * score.truth()),
                    ))
                });
                println!(
                    "| {} | {} | {} | {} | {} | {} |",
                    method.map_or("**curve**", |method| METHODS[method].0),
                    percent(mean_of_medians(&of, method)),
                    percent(error_quantile(&of, method, 0.5)),
                    percent(error_quantile(&of, method, 0.9)),
                    percent(over),
                    method.map_or(String::new(), |method| format!(
                        "{:.2}",
                        probability_worse(&of, method)
                    )),
                );
            }
        }
    }
}

/// Coverage of the 90 % interval and interval scores, beside conformal intervals of the methods.
pub fn intervals(scores: &[Score], conformal: &Conformal) {
    println!("\n### 90 % intervals\n");
    println!(
        "| horizon | group | forecasts | covered | exact 95 % of that | covered, by source | interval score \
         | best method with a conformal interval | its score |"
    );
    println!("|--:|---|--:|--:|---|--:|--:|---|--:|");
    for horizon in [2, 4, 8] {
        for group in GROUPS {
            let of = selected(scores, horizon, group);
            if of.is_empty() {
                continue;
            }
            let ours = |score: &Score| (score.ours.p05, score.ours.p95);
            let inside = of.iter().map(|score| score.covered(ours(score))).sum::<f64>();
            let (low, high) = exact_interval(inside.round(), of.len() as f64);
            let theirs = (0..METHODS.len()).map(|method| {
                (
                    mean(&of, |score| {
                        score.interval_score(conformal.interval(score, method))
                    }),
                    METHODS[method].0,
                )
            });
            let best = theirs
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .unwrap_or((f64::NAN, ""));
            println!(
                "| {horizon}x | {} | {} | {:.3} | {low:.3} … {high:.3} | {:.3} | {:.3} | {} | {:.3} |",
                named(group),
                of.len(),
                inside / of.len() as f64,
                mean(&of, |score| score.covered(ours(score))),
                mean(&of, |score| score.interval_score(ours(score))),
                best.1,
                best.0,
            );
        }
    }
}

/// Clopper-Pearson: the 95 % interval of a share of `inside` in `count`.
fn exact_interval(inside: f64, count: f64) -> (f64, f64) {
    let quantile =
        |a: f64, b: f64, share: f64| Beta::new(a, b).map_or(f64::NAN, |beta| beta.inverse_cdf(share));
    let low = if inside > 0.0 {
        quantile(inside, count - inside + 1.0, 0.025)
    } else {
        0.0
    };
    let high = if inside < count {
        quantile(inside + 1.0, count - inside, 0.975)
    } else {
        1.0
    };
    (low, high)
}

/// Corpus A of `docs/method/curve.md`, "Data": four steps, 8 to 64 connections; flat where the last doubling
/// grew by less than a tenth.
pub fn corpus_a(curves: &[Curve]) {
    println!(
        "\n### Corpus A, fitted on 8 to 64 connections, {} curves\n",
        curves.len()
    );
    println!(
        "| stratum | horizon | curves | median, % | p90, % | last value, median, % | drop rule, median, % | \
         covered |\n|---|--:|--:|--:|--:|--:|--:|--:|"
    );
    let flat = |curve: &Curve| curve.points[3].1 < 1.1 * curve.points[2].1;
    for (stratum, wanted) in [("flat", true), ("rising", false)] {
        let of: Vec<Task> = curves
            .iter()
            .filter(|curve| flat(curve) == wanted)
            .map(beginning_a)
            .collect();
        for horizon in [2, 4] {
            print_corpus(stratum, &scores(&of), horizon);
        }
    }
}

/// The task of a curve of corpus A.
pub fn beginning_a(curve: &Curve) -> Task<'_> {
    beginning(curve, 64.0, &[2, 4])
}

/// Corpus B: hash maps under 1 to 5 threads, forecast at 10.
pub fn corpus_b(curves: &[Curve]) {
    println!(
        "\n### Corpus B, fitted on 1 to 5 threads, {} curves\n",
        curves.len()
    );
    println!(
        "| stratum | horizon | curves | median, % | p90, % | last value, median, % | drop rule, median, % | \
         covered |\n|---|--:|--:|--:|--:|--:|--:|--:|"
    );
    let of: Vec<Task> = curves.iter().map(|curve| beginning(curve, 5.0, &[2])).collect();
    print_corpus("all", &scores(&of), 2);
}

fn print_corpus(stratum: &str, scores: &[Score], horizon: u32) {
    let of = selected(scores, horizon, None);
    let covered = of
        .iter()
        .map(|score| score.covered((score.ours.p05, score.ours.p95)))
        .sum::<f64>()
        / of.len() as f64;
    let error = |method: Option<usize>, share: f64| {
        percent(quantile(of.iter().map(|score| (score.error(method), 1.0)), share))
    };
    let place = |name: &str| METHODS.iter().position(|method| method.0 == name);
    println!(
        "| {stratum} | {horizon}x | {} | {} | {} | {} | {} | {covered:.3} |",
        of.len(),
        error(None, 0.5),
        error(None, 0.9),
        error(place("last value"), 0.5),
        error(place("drop rule"), 0.5)
    );
}

fn beginning<'a>(curve: &'a Curve, last: f64, horizons: &[u32]) -> Task<'a> {
    let observed = |x: f64| {
        curve
            .points
            .iter()
            .filter(|point| point.0 == x)
            .map(|point| point.1)
            .collect()
    };
    let target = |horizon: &u32| Target {
        horizon: *horizon,
        x: last * f64::from(*horizon),
        observed: observed(last * f64::from(*horizon)),
    };
    Task {
        curve,
        prefix: curve
            .points
            .iter()
            .copied()
            .filter(|point| point.0 <= last)
            .collect(),
        targets: horizons
            .iter()
            .map(target)
            .filter(|target| !target.observed.is_empty())
            .collect(),
    }
}
