//! Prints the scoreboard as Markdown.

use nest_model::curve::Group;

use crate::{
    baselines::METHODS,
    learn::LeftOut,
    score::{
        Conformal, Score, cluster_bootstrap, error_quantile, mean, mean_of_medians, medians, methods,
        probability_worse, quantile,
    },
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

fn selected<'a>(scores: &[&'a Score], horizons: &[u32], group: Option<Group>) -> Vec<&'a Score> {
    scores
        .iter()
        .copied()
        .filter(|score| horizons.contains(&score.horizon) && group.is_none_or(|group| group == score.group))
        .collect()
}

fn percent(value: f64) -> String {
    format!("{:.1}", 100.0 * value)
}

/// Errors by source: medians of ours and of every method, in per cent.
pub fn by_source(scores: &[&Score]) {
    for horizon in [2, 4] {
        let of = selected(scores, &[horizon], None);
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
pub fn by_group(scores: &[&Score]) {
    for horizon in [2, 4] {
        for group in GROUPS {
            let of = selected(scores, &[horizon], group);
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
            for method in methods() {
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

/// Coverage of the 90 % interval with bootstrap intervals over sources, and interval scores beside conformal
/// intervals.
pub fn intervals<'a>(title: &str, scores: &[&'a Score], conformal: &Conformal<'a>) {
    println!("\n### 90 % intervals, {title}\n");
    println!(
        "| horizon | group | forecasts | sources | covered | 95 % of that | below | covered, by source \
         | 95 % of that | interval score | best conformal interval | its score |"
    );
    println!("|--:|---|--:|--:|--:|---|--:|--:|---|--:|---|--:|");
    for horizons in [&[2, 4][..], &[2], &[4], &[8]] {
        for group in GROUPS {
            let of = selected(scores, horizons, group);
            if !of.is_empty() {
                let names: Vec<String> = horizons.iter().map(|horizon| format!("{horizon}x")).collect();
                print_intervals(
                    &format!("{} | {}", names.join(", "), named(group)),
                    &of,
                    conformal,
                );
            }
        }
    }
}

fn print_intervals<'a>(name: &str, of: &[&'a Score], conformal: &Conformal<'a>) {
    let ours = |score: &Score| (score.ours.p05, score.ours.p95);
    let pooled =
        |figure: &dyn Fn(&Score) -> f64| of.iter().map(|score| figure(score)).sum::<f64>() / of.len() as f64;
    let covered = |score: &Score| score.covered(ours(score));
    let [(low, high), (low_by_source, high_by_source)] = cluster_bootstrap(of, covered);
    let conformal_score = |method: Option<usize>| {
        let weights = crate::score::weights(of);
        of.iter()
            .zip(weights)
            .map(|(score, weight)| weight * score.interval_score(conformal.interval(score, method)))
            .sum::<f64>()
    };
    let best = methods()
        .map(|method| {
            (
                conformal_score(method),
                method.map_or("curve's median", |method| METHODS[method].0),
            )
        })
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .unwrap_or((f64::NAN, ""));
    println!(
        "| {name} | {} | {} | {:.3} | {low:.3} … {high:.3} | {:.3} | {:.3} | {low_by_source:.3} … \
         {high_by_source:.3} | {:.3} | {} | {:.3} |",
        of.len(),
        medians(of, None).len(),
        pooled(&covered),
        pooled(&|score| score.below(score.ours.p05)),
        mean(of, covered),
        mean(of, |score| score.interval_score(ours(score))),
        best.1,
        best.0,
    );
}

/// Coverage of the 90 % interval by source.
pub fn intervals_by_source(scores: &[&Score]) {
    println!("\n### 90 % intervals by source\n");
    println!("| source | forecasts at 2x | covered | below | forecasts at 4x | covered | below |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for source in medians(scores, None).keys() {
        let at = |horizon: u32| {
            let of: Vec<&Score> = selected(scores, &[horizon], None)
                .into_iter()
                .filter(|score| &score.source == source)
                .collect();
            if of.is_empty() {
                return "0 | | ".to_owned();
            }
            let ours = |score: &Score| (score.ours.p05, score.ours.p95);
            format!(
                "{} | {:.3} | {:.3}",
                of.len(),
                mean(&of, |score| score.covered(ours(score))),
                mean(&of, |score| score.below(score.ours.p05)),
            )
        };
        println!("| {source} | {} | {} |", at(2), at(4));
    }
}

/// What was learnt of collapse without each family of sources.
pub fn collapse(priors: &LeftOut) {
    println!("\n### Collapse, learnt without a family of sources\n");
    println!(
        "| without | prone sources | hazard per octave | mean fall of log throughput |\n|---|--:|--:|--:|"
    );
    for (family, prior) in priors {
        let collapse = prior.collapse;
        println!(
            "| {family} | {:.2} | {:.2} | {:.2} |",
            collapse.prone, collapse.per_octave, collapse.depth
        );
    }
}

/// Corpus A of `docs/method/curve.md`, "Data": four steps, 8 to 64 connections; flat where the last doubling
/// grew by less than a tenth.
pub fn corpus_a(flat: &[Score], rising: &[Score]) {
    println!("\n### Corpus A, fitted on 8 to 64 connections\n");
    print_corpus_header();
    for (stratum, scores) in [("flat", flat), ("rising", rising)] {
        for horizon in [2, 4] {
            print_corpus(stratum, scores, horizon);
        }
    }
}

/// Corpus B: hash maps under 1 to 5 threads, forecast at 10.
pub fn corpus_b(scores: &[Score]) {
    println!("\n### Corpus B, fitted on 1 to 5 threads\n");
    print_corpus_header();
    print_corpus("all", scores, 2);
}

fn print_corpus_header() {
    println!(
        "| stratum | horizon | curves | median, % | p90, % | last value, median, % | drop rule, median, % | \
         covered |\n|---|--:|--:|--:|--:|--:|--:|--:|"
    );
}

fn print_corpus(stratum: &str, scores: &[Score], horizon: u32) {
    let scores: Vec<&Score> = scores.iter().collect();
    let of = selected(&scores, &[horizon], None);
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
