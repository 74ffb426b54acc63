//! What a check found, in every form: what it could not compare, verdicts that no demand shows, names that
//! bite.

use nest_data::{
    Document, GateReport,
    gate_report::{ComparedDemand, DemandComparison, GateVerdict, LeftOut},
    measurement::Machine,
};
use nest_report::check::{annotations, junit, markdown, sentence};

/// Most bytes of a summary.
const BYTES: usize = 60_000;

fn report(verdict: GateVerdict, exit: u8) -> GateReport {
    GateReport {
        header: GateReport::header(),
        study: "Demo shop".to_owned(),
        verdict,
        exit,
        reasons: Vec::new(),
        remedy: None,
        base: "v1".to_owned(),
        head: "v2".to_owned(),
        machine: Machine {
            cpu: "a processor".to_owned(),
            cores: 2,
            memory_bytes: 1 << 30,
            kernel: "6.1.0".to_owned(),
        },
        blocks: 2,
        void_visits: Vec::new(),
        seconds: 61.0,
        noise: Some(0.01),
        comparisons: Vec::new(),
        subjects: Vec::new(),
        visits: Vec::new(),
        money: None,
        room: None,
        head_alone: None,
        exact: Vec::new(),
        left_out: Vec::new(),
        caveats: Vec::new(),
    }
}

fn comparison(behaviour: &str, verdict: GateVerdict) -> DemandComparison {
    DemandComparison {
        behaviour: Some(behaviour.to_owned()),
        resource: "app/cpu".to_owned(),
        unit: "s".to_owned(),
        kind: ComparedDemand::Demand,
        base: 0.012,
        head: 0.0134,
        change: 0.112,
        low: 0.084,
        high: 0.141,
        limit: 0.05,
        share: 0.4,
        verdict: Some(verdict),
        blocks_needed: None,
        passing_limit: 0.15,
    }
}

fn in_study(behaviour: Option<&str>) -> String {
    match behaviour {
        Some(name) => format!("models/shop/behaviours/{name}.toml"),
        None => "models/shop/nest.toml".to_owned(),
    }
}

#[test]
fn a_check_that_compared_nothing_says_why_and_what_to_do() {
    let report = GateReport {
        reasons: vec!["head cannot be measured: it ended with exit status 3".to_owned()],
        remedy: Some("see what the start command of head said last".to_owned()),
        ..report(GateVerdict::Void, 6)
    };
    let summary = markdown(&report);
    assert!(
        summary.starts_with(
            "<!-- locust-nest:check:Demoshop -->\n### ? void: nothing could be compared, because head \
             cannot be measured"
        ),
        "{summary}"
    );
    assert!(
        summary.contains("\n\nWhat to do: see what the start command")
            && summary.contains("Base is v1, head is v2."),
        "{summary}"
    );
    assert!(!summary.contains("0 blocks"), "{summary}");
    assert_eq!(
        summary.matches("exit status 3").count(),
        1,
        "the reason stands once: {summary}"
    );
    let xml = junit(&report).expect("it is written");
    assert!(
        xml.contains("errors=\"1\"")
            && xml.contains("<error type=\"void\"")
            && xml.contains("What to do: see"),
        "{xml}"
    );
    let lines = annotations(&report, &in_study);
    assert!(
        lines.starts_with("::error file=models/shop/nest.toml,line=1,title=locust-nest check::void: nothing")
            && lines.contains("What to do: see"),
        "{lines}"
    );
    assert_eq!(lines.lines().count(), 1, "{lines}");
}

#[test]
fn annotations_stand_at_the_file_of_the_behaviour() {
    let report = GateReport {
        comparisons: vec![comparison("pay", GateVerdict::Fail)],
        ..report(GateVerdict::Fail, 4)
    };
    let lines = annotations(&report, &in_study);
    assert!(
        lines.starts_with(
            "::error file=models/shop/behaviours/pay.toml,line=1,title=pay uses more::pay uses 11.2 %25"
        ),
        "{lines}"
    );
}

/// Cost alone may fail a check, and its demands be all within their limits.
#[test]
fn a_verdict_that_no_demand_shows_is_in_every_form() {
    let comparisons = vec![comparison("pay", GateVerdict::Pass)];
    let failed = GateReport {
        comparisons: comparisons.clone(),
        ..report(GateVerdict::Fail, 4)
    };
    let xml = junit(&failed).expect("it is written");
    assert!(
        xml.contains("tests=\"2\" failures=\"1\"") && xml.contains("cost or room changes"),
        "{xml}"
    );
    // Beside a demand that is unclear, too.
    let beside = GateReport {
        comparisons: vec![comparison("pay", GateVerdict::Unclear)],
        ..failed
    };
    let lines = annotations(&beside, &in_study);
    assert!(
        lines.starts_with("::error file=models/shop/nest.toml") && lines.contains("behaviours/pay.toml"),
        "{lines}"
    );
    let unclear = |exit| GateReport {
        comparisons: comparisons.clone(),
        reasons: vec!["a visit of head was disturbed 3 times in a row".to_owned()],
        ..report(GateVerdict::Unclear, exit)
    };
    let xml = junit(&unclear(0)).expect("it is written");
    assert!(
        xml.contains("failures=\"0\" skipped=\"1\" errors=\"0\"")
            && xml.contains("<skipped message=\"unclear: a visit"),
        "{xml}"
    );
    let xml = junit(&unclear(5)).expect("it is written");
    assert!(
        xml.contains("failures=\"1\" skipped=\"0\" errors=\"0\"")
            && xml.contains("<failure type=\"unclear\""),
        "{xml}"
    );
}

#[test]
fn a_pass_says_how_many_behaviours_were_not_compared() {
    let changed = LeftOut {
        behaviour: "search".to_owned(),
        reason: "changed: it is not the same work in both".to_owned(),
    };
    let passed = GateReport {
        comparisons: vec![comparison("pay", GateVerdict::Pass)],
        left_out: vec![changed],
        ..report(GateVerdict::Pass, 0)
    };
    let said = sentence(&passed);
    assert!(said.ends_with("; 1 behaviour was not compared"), "{said}");
}

#[test]
fn names_that_bite_are_inert_in_every_form() {
    let name = "a|b\n::error::x]]><script>&\u{202e}\u{1b}[31m`*@team,x:y%0A";
    let report = GateReport {
        study: name.to_owned(),
        base: name.to_owned(),
        reasons: vec![name.to_owned()],
        exact: vec![name.to_owned()],
        comparisons: vec![comparison(name, GateVerdict::Fail)],
        ..report(GateVerdict::Fail, 4)
    };
    let summary = markdown(&report);
    for bad in ["<script>", "\u{1b}", "\u{202e}", " @team", "\n::error"] {
        assert!(!summary.contains(bad), "{bad:?} in {summary}");
    }
    let xml = junit(&report).expect("it is written");
    for bad in ["<script>", "\u{1b}", "]]>"] {
        assert!(!xml.contains(bad), "{bad:?} in {xml}");
    }
    let lines = annotations(&report, &in_study);
    assert_eq!(lines.lines().count(), 1, "{lines}");
    let (properties, message) = lines
        .trim_end()
        .split_once("::a|b")
        .expect("properties and a message");
    assert_eq!(
        properties.matches(',').count(),
        2,
        "file, line, title: {properties}"
    );
    assert!(message.contains("%250A"), "{message}");
}

#[test]
fn a_summary_keeps_to_what_a_comment_may_hold() {
    let of = |count: usize| {
        let behaviours = (0..count).map(|number| comparison(&format!("größe{number}"), GateVerdict::Fail));
        markdown(&GateReport {
            comparisons: behaviours.collect(),
            ..report(GateVerdict::Fail, 4)
        })
    };
    assert!(!of(20).contains("Cut here"));
    let long = of(5_000);
    assert!(
        long.len() <= BYTES && long.ends_with("`--format json`.*\n"),
        "{} bytes",
        long.len()
    );
}
