//! Measurements of a made-up target with one processor resource, and the study that they belong to.

use nest_data::{
    Document, Measurements, Source, Study,
    measurement::{Machine, Resource, ResourceKind, Step},
    study::read::{StudyTexts, read_study},
};

/// The resource of every measurement made here.
pub const PROCESSOR: &str = "app/cpu";

/// A run of `steps` on a machine whose `cores` all belong to the target.
pub fn measurements(study: Study, cores: f64, steps: Vec<Step>) -> Measurements {
    Measurements {
        header: Measurements::header(),
        run: study.study.name.clone(),
        started_at: String::new(),
        study,
        study_hash: String::new(),
        machine: Machine {
            cpu: String::new(),
            cores: cores as usize,
            memory_bytes: 0,
            kernel: String::new(),
        },
        generators: Vec::new(),
        resources: vec![Resource {
            name: PROCESSOR.to_owned(),
            tier: "app".to_owned(),
            kind: ResourceKind::Cpu,
            capacity: Some(cores),
        }],
        pilot: Vec::new(),
        steps,
        search: None,
        caveats: Vec::new(),
    }
}

/// A study in which a customer executes each behaviour as often a day as is said beside its name.
pub fn study(name: &str, per_day: &[(String, f64)]) -> Study {
    let rates: String = per_day
        .iter()
        .map(|(behaviour, rate)| format!("{behaviour} = \"{rate} / day\"\n"))
        .collect();
    let nest = format!(
        "nest = 1\n[study]\nname = \"{name}\"\ncustomer = \"one\"\n[target]\nbase_url = \
         \"http://127.0.0.1:1\"\n[customers]\npeak_hour_share = 0.1\nburst = 1.0\n[rates]\n{rates}"
    );
    let behaviours = per_day
        .iter()
        .map(|(behaviour, _)| {
            let source = Source::new(behaviour.clone(), "steps = [{ get = \"/\" }]");
            (behaviour.clone(), source)
        })
        .collect();
    let texts = StudyTexts {
        nest: Source::new("nest.toml", nest),
        behaviours,
        code: Default::default(),
    };
    read_study(&texts, &[]).expect("a valid study")
}
