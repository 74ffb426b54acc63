//! How long a projection takes: 10,000 draws, 60 months and four configurations of the demo shop.
//!
//!     cargo run -p nest-model --example projection_speed

use std::time::Instant;

use nest_data::{Document, PriceBook, ScalingModel, Source};
use nest_model::{ProjectOptions, project};

#[allow(clippy::print_stdout, reason = "an example prints what it finds")]
fn main() {
    let text =
        include_str!("../../../models/shop/scaling.json").replace("\"months\": 24", "\"months\": 60").replace("\"count\": 2000", "\"count\": 10000");
    let model = ScalingModel::from_json(&text).expect("the model is committed");
    let mut study = model.study.clone();
    for (name, config) in study.configs.clone() {
        study.configs.insert(format!("{name}-again"), config);
    }
    let books = [PriceBook::read(&Source::new("book", include_str!("../../../pricing/aws/us-east-1.toml"))).expect("the book is committed")];
    let options = ProjectOptions { as_of: jiff::civil::date(2026, 11, 23), beyond: false };
    for policies in [false, true] {
        if !policies {
            study.policies.clear();
        } else {
            study.policies.clone_from(&model.study.policies);
        }
        let mut times: Vec<f64> = (0..5)
            .map(|_| {
                let start = Instant::now();
                let projection = project(&model, &study, &books, &options).expect("a projection");
                assert_eq!(projection.configs.len(), 4);
                start.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("{} draws, {} policies: median {:.3} s of 5 (one thread)", model.draws.count, study.policies.len(), times[2]);
    }
}
