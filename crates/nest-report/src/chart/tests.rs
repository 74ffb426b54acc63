//! What holds of every figure of the samples: words, labels, walls, inert names, equal bytes.

use std::{fs, path::Path};

use nest_data::Projection;

use super::{
    draw::{measure::TEXT, sheet::Sheet},
    figure::{Figure, FigureKind, WORDS},
    figures,
};
use crate::charts;

const SAMPLES: [&str; 4] = ["shop", "migration", "minimum-payment", "nginx"];

fn sample(name: &str) -> Projection {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../reports/{name}/projection.json"));
    let text = fs::read_to_string(&path).expect("a sample that is committed");
    serde_json::from_str(&text).expect("a projection")
}

/// A long name that would do harm in HTML, XML or a terminal.
fn evil() -> String {
    format!(
        "<script>alert('1')</script>\"&\u{1b}[31m\u{202e}\n{}",
        "x".repeat(200)
    )
}

/// The shop with hostile names everywhere.
fn hostile() -> Projection {
    let mut projection = sample("minimum-payment");
    let evil = evil();
    let renamed = projection.configs[0].name.clone();
    projection.study.name.clone_from(&evil);
    projection.header.made_by.clone_from(&evil);
    projection.configs[0].name.clone_from(&evil);
    projection.configs[0].shape.clone_from(&evil);
    for point in &mut projection.configs[0].break_points {
        point.cause.clone_from(&evil);
    }
    if let Some(headline) = projection
        .headline
        .as_mut()
        .filter(|headline| headline.config == renamed)
    {
        headline.config.clone_from(&evil);
    }
    projection
        .policies
        .iter_mut()
        .for_each(|policy| policy.name.clone_from(&evil));
    projection
        .segments
        .iter_mut()
        .for_each(|segment| segment.name.clone_from(&evil));
    projection
        .growths
        .iter_mut()
        .for_each(|growth| growth.name.clone_from(&evil));
    projection
        .demand
        .iter_mut()
        .for_each(|row| row.behaviour.clone_from(&evil));
    projection
        .prices
        .iter_mut()
        .for_each(|price| price.item.clone_from(&evil));
    projection
        .sensitivity
        .iter_mut()
        .for_each(|one| one.input.clone_from(&evil));
    for chart in &mut projection.charts {
        chart
            .curves
            .iter_mut()
            .for_each(|curve| curve.name.clone_from(&evil));
        chart
            .measured
            .iter_mut()
            .for_each(|scatter| scatter.name.clone_from(&evil));
    }
    projection
}

fn all_figures() -> Vec<(String, Figure)> {
    let named = |name: &str, projection: &Projection| -> Vec<(String, Figure)> {
        let figures = figures(projection).expect("figures");
        figures
            .into_iter()
            .map(|figure| (format!("{name}/{}", figure.slug), figure))
            .collect()
    };
    let samples = SAMPLES.iter().flat_map(|name| named(name, &sample(name)));
    samples.chain(named("hostile", &hostile())).collect()
}

/// Pairs of labels of which one covers a part of the other.
fn overlaps(sheet: &Sheet) -> Vec<String> {
    let labels = sheet.labels();
    let mut found = Vec::new();
    for (index, left) in labels.iter().enumerate() {
        for right in &labels[index + 1..] {
            let (one, other) = (left.edges(), right.edges());
            let apart = one.right <= other.left
                || other.right <= one.left
                || one.bottom <= other.top + 1.0
                || other.bottom <= one.top + 1.0;
            if !apart {
                found.push(format!("`{}` and `{}`", left.text, right.text));
            }
        }
    }
    found
}

#[test]
fn no_label_covers_another_or_leaves_the_picture() {
    for (name, figure) in all_figures() {
        for sheet in &figure.sheets {
            let width = sheet.width;
            assert_eq!(overlaps(sheet), Vec::<String>::new(), "{name} at {width}");
            for label in sheet.labels() {
                let edges = label.edges();
                let inside = edges.left >= -0.5
                    && edges.right <= width + 0.5
                    && edges.top >= 0.0
                    && edges.bottom <= sheet.height + 0.5;
                assert!(
                    inside,
                    "{name} at {width}: `{}` at {edges:?} of {}",
                    label.text, sheet.height
                );
                assert!(label.look.size >= TEXT, "{name}: `{}` is too small", label.text);
            }
        }
    }
}

#[test]
fn every_figure_has_a_short_title_and_a_description_with_numbers() {
    for (name, figure) in all_figures() {
        assert!(!figure.title.is_empty(), "{name} has no title");
        assert!(
            figure.title.split_whitespace().count() <= WORDS,
            "{name}: {}",
            figure.title
        );
        assert!(
            figure.description.chars().any(|one| one.is_ascii_digit()),
            "{name}: {}",
            figure.description
        );
        for svg in &figure.widths {
            assert!(
                svg.contains("role=\"img\"") && svg.contains("<title ") && svg.contains("<desc "),
                "{name}"
            );
            assert!(!svg.contains(" style="), "{name} has a style attribute");
        }
    }
}

#[test]
fn hostile_names_are_inert_and_kept_whole_in_the_description() {
    let projection = hostile();
    let figures = figures(&projection).expect("figures");
    let files = charts(&projection).expect("charts");
    let texts = figures
        .iter()
        .flat_map(|figure| figure.widths.iter())
        .chain(files.iter().map(|file| &file.1));
    for text in texts {
        assert!(!text.contains("<script"), "markup survives");
        let harmful = |one: char| (one.is_control() && one != '\n') || one == '\u{202e}';
        assert!(!text.contains(harmful), "a control character survives");
        assert_eq!(
            text.matches('<').count(),
            text.matches('>').count(),
            "a tag is left open"
        );
    }
    let setups = figures
        .iter()
        .find(|figure| figure.kind == FigureKind::Policies)
        .expect("policies");
    assert!(
        setups.description.contains(&"x".repeat(200)),
        "the description has the whole name"
    );
    let shown = setups.sheets[2]
        .labels()
        .iter()
        .any(|label| label.text.ends_with('…'));
    assert!(shown, "the picture has a shortened one");
}

#[test]
fn the_first_wall_is_in_the_frame() {
    for name in SAMPLES {
        let projection = sample(name);
        let figures = figures(&projection).expect("figures");
        let Some(bill) = figures.iter().find(|figure| figure.kind == FigureKind::Bill) else {
            continue;
        };
        let base = super::Subject::new(&projection).expect("a subject");
        if base.wall_date().is_some() {
            assert!(
                bill.sheets.iter().all(|sheet| sheet.has_line_inside("lw")),
                "{name} shows its wall"
            );
        }
        let cost = figures
            .iter()
            .find(|figure| figure.kind == FigureKind::CostPer1000)
            .expect("cost");
        if base.wall().is_some() {
            let noted = |sheet: &Sheet| {
                sheet.has_line_inside("lw")
                    || sheet
                        .labels()
                        .iter()
                        .any(|label| label.text.contains("off to the right"))
            };
            assert!(cost.sheets.iter().all(noted), "{name} shows or names its wall");
        }
    }
}

#[test]
fn equal_projections_give_equal_bytes() {
    let projection = sample("shop");
    assert_eq!(
        charts(&projection).expect("charts"),
        charts(&projection.clone()).expect("charts")
    );
}

#[test]
fn every_kind_of_figure_is_drawn_from_some_sample() {
    let drawn: Vec<FigureKind> = all_figures().iter().map(|(_, figure)| figure.kind).collect();
    for kind in [
        FigureKind::Bill,
        FigureKind::CostPer1000,
        FigureKind::Growth,
        FigureKind::DriversNow,
        FigureKind::DriversOverTime,
        FigureKind::Setups,
        FigureKind::PairedDifference,
        FigureKind::SmallMultiples,
        FigureKind::Policies,
        FigureKind::Segments,
        FigureKind::Demand,
        FigureKind::Tornado,
        FigureKind::Response,
        FigureKind::Fit,
        FigureKind::Prices,
    ] {
        assert!(drawn.contains(&kind), "{kind:?}");
    }
}

#[test]
fn a_projection_without_configurations_has_no_figures() {
    let mut projection = sample("shop");
    projection.configs.clear();
    projection.headline = None;
    assert!(figures(&projection).expect("figures").is_empty());
}
