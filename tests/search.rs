//! `measure --search`: the largest number of customers that meets the objectives.

use nest_data::measurement::Purpose;

use crate::support::{
    ShopStudy, SmallStudy, assert_balanced, hogs, measurements, nest,
    server::{Reply, Server},
};

#[test]
fn load_a_search_finds_and_confirms_what_the_shop_can_serve() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = ShopStudy::new(folder.path());
    let short = [
        "measure.window=1s",
        "measure.windows=5",
        "measure.settle=1s",
        "measure.pilot=1s",
        "measure.boost=0.2",
    ];
    let outcome = nest(
        folder.path(),
        &study.arguments(&["measure", "--search"], "--items 1000", &short),
    )
    .expect(0);
    let measured = measurements(&study.path);
    assert_balanced(&measured);
    let search = measured.search.as_ref().expect("it was searched for");
    let largest = search.largest.expect("some number is served");
    // The set demands (login 8, browse 5, search 6 + 1, pay 12, receipt 25 ms) at the rates of the study, per day: 2 x 8 +
    // 20 x 5 + 6 x 7 + 0.2857 x 12 + 0.5 x 25 = 173.9 ms on one core, times 0.12 x 1.5 / 3,600 per second.
    let saturation = 1.0 / (0.1739 * 0.12 * 1.5 / 3_600.0);
    println!(
        "{}",
        outcome
            .stderr
            .lines()
            .filter(|line| line.contains("largest"))
            .collect::<Vec<_>>()
            .join("\n")
    );
    println!(
        "largest {largest:.0} of {saturation:.0} at saturation, failed at {:?}: {:?}",
        search.smallest_failed, search.missed
    );
    // An M/G/1 queue with these demands meets p95 of 250 ms well above half of its capacity, and never beyond all of it; Poisson
    // counts over five seconds let a slightly higher load pass.
    assert!(
        largest > 0.5 * saturation && largest < 1.1 * saturation,
        "{largest}"
    );
    assert!(search.confirmed && search.generator_limit.is_none(), "{search:?}");
    assert!(
        search.smallest_failed.is_some_and(|failed| failed > largest) && !search.missed.is_empty(),
        "{search:?}"
    );
    let confirmed: Vec<_> = measured
        .steps
        .iter()
        .filter(|step| step.plan.purpose == Purpose::Confirm)
        .collect();
    assert!(
        confirmed
            .last()
            .is_some_and(|step| step.plan.customers == Some(largest)),
        "{search:?}"
    );
    outcome.says("largest");
}

#[test]
fn load_a_search_for_what_is_never_met_says_that_nothing_is() {
    let server = Server::start(|_| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        Reply::text("hello")
    });
    let more = "[customers]\n[measure]\npilot = \"200ms\"\nsettle = \"200ms\"\nwindow = \"300ms\"\nwindows = 2\nmax_rate = 200\nbase = 0.001\nboost = 0.002\n[slo.fast]\np50 = \"1ms\"\n";
    let study = SmallStudy::new(
        &server.url(""),
        &[("look", 20_000.0, "steps = [{ get = \"/\" }]")],
        more,
    );
    let outcome = study.run(&["measure", "--search"]).expect(0);
    let measured = measurements(&study.path);
    assert_balanced(&measured);
    let search = measured.search.expect("it was searched for");
    println!("{search:?}\n{}", outcome.stderr);
    assert_eq!((search.largest, search.confirmed), (None, false));
    assert!(
        search.missed.iter().any(|missed| missed.contains("look: p50 is")),
        "{search:?}"
    );
}

#[test]
fn load_a_search_that_the_generator_ends_says_so() {
    let server = Server::start(|_| Reply::text("hello"));
    let more = "[customers]\n[measure]\npilot = \"300ms\"\nsettle = \"300ms\"\nwindow = \"1s\"\nwindows = 2\nmax_rate = 500\nbase = 0.001\nboost = 0.002\n[slo.any]\np50 = \"9s\"\n";
    let study = SmallStudy::new(
        &server.url(""),
        &[("look", 20.0, "steps = [{ get = \"/\" }]")],
        more,
    );
    let mut run = study.start(&["measure", "--search"]);
    run.wait_for("step 3 of 3");
    let _hogs = hogs(
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get) - 1,
        6,
    );
    let outcome = run.finish().expect(0);
    let measured = measurements(&study.path);
    assert_balanced(&measured);
    let search = measured.search.expect("it was searched for");
    println!("{search:?}\n{}", outcome.stderr);
    assert!(!search.confirmed, "{search:?}");
    assert!(
        search
            .generator_limit
            .is_some_and(|limit| limit.contains("the generator")),
        "the target is not blamed"
    );
    outcome
        .says("meets the objectives is not known")
        .says("because the generator, not the target, was the limit");
}
