//! How long a projection takes: 10,000 draws, 60 months and four or twelve configurations of the demo shop,
//! on all processors.
//!
//!     cargo run -p nest-model --example projection_speed

use std::time::Instant;

use nest_data::{Document, PriceBook, ScalingModel, Source};
use nest_model::{ProjectOptions, project_quickly};

#[allow(clippy::print_stdout, reason = "an example prints what it finds")]
fn main() {
    let text = include_str!("../../../models/shop/scaling.json")
        .replace("\"months\": 24", "\"months\": 60")
        .replace("\"count\": 2000", "\"count\": 10000");
    let model = ScalingModel::from_json(&text).expect("the model is committed");
    let mut study = model.study.clone();
    let two = study.configs.clone();
    let books = [PriceBook::read(&Source::new(
        "book",
        include_str!("../../../pricing/aws/us-east-1.toml"),
    ))
    .expect("the book is committed")];
    let options = ProjectOptions {
        as_of: jiff::civil::date(2026, 11, 23),
        beyond: false,
    };
    for (configs, policies) in [(4, false), (4, true), (12, false)] {
        study.configs = (0..configs / two.len())
            .flat_map(|copy| {
                two.iter()
                    .map(move |(name, config)| (format!("{name}-{copy}"), config.clone()))
            })
            .collect();
        study.report.config = study.configs.keys().next().cloned();
        study.policies = if policies {
            model.study.policies.clone()
        } else {
            Default::default()
        };
        let mut times: Vec<f64> = (0..5)
            .map(|_| {
                let start = Instant::now();
                let projection = project_quickly(&model, &study, &books, &options).expect("a projection");
                assert_eq!(projection.configs.len(), configs);
                start.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!(
            "{} draws, 60 months, {configs} configurations, {} policies: median {:.3} s of 5",
            model.draws.count,
            study.policies.len(),
            times[2]
        );
    }
}
