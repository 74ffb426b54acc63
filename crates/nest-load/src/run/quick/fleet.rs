//! A quick load from workers. They run studies, so that one is made of it.

use std::{collections::BTreeMap, sync::Arc};

use nest_data::{
    Source, Study,
    study::read::{StudyTexts, read_study},
    units::Seconds,
};

use super::{QuickLoad, QuickResult, ready, run};
use crate::{
    engine::{Engine, interrupt::Interrupt},
    error::LoadError,
    fleet::{Fleet, FleetOptions},
    http::tls::Trust,
    script::secret_names,
};

/// The least that a study holds. What workers read of it is replaced.
const STUDY: &str = "nest = 1\n[study]\nname = \"load\"\ncustomer = \"a customer\"\n[target]\n\
                     base_url = \"http://127.0.0.1:8080\"\n[customers]\nburst = 2\npeak_hour_share = \"12%\"\n\
                     [rates]\nrequest = \"1 / day\"\n";
const BEHAVIOUR: &str = "[[steps]]\nget = \"/\"\n";
/// Most requests per second where the load has no bound: what `--max-rate` takes at most.
const UNBOUNDED: f64 = 1e7;

/// Puts a URL under load from workers.
///
/// # Errors
/// As [`super::load`], and what keeps a fleet from being gathered: [`LoadError::Broker`],
/// [`LoadError::WorkersMissing`], [`LoadError::WorkerRefuses`]. [`LoadError::Plan`] if the load is to end
/// after a number of executions, which workers would have to count together.
pub fn load_by_fleet(
    quick: &QuickLoad,
    options: FleetOptions,
    interrupt: &Interrupt,
) -> Result<QuickResult, LoadError> {
    if quick.executions.is_some() {
        return Err(LoadError::Plan {
            reason: "workers do not count executions together".to_owned(),
        });
    }
    let program = Arc::new(ready(quick, &unused_secrets(quick), interrupt)?);
    let study = study_of(quick)?;
    let fleet = Fleet::gather(&study, &BTreeMap::new(), &program, options, interrupt)?;
    run(quick, &Engine::with_crew(program, Box::new(fleet)), interrupt)
}

/// What stands for the secrets here: only workers send requests, each with its own.
fn unused_secrets(quick: &QuickLoad) -> BTreeMap<String, String> {
    let names = secret_names([&quick.behaviour.1], &quick.base_url);
    names.into_iter().map(|name| (name, String::new())).collect()
}

/// A study of the load, as far as workers need one.
fn study_of(quick: &QuickLoad) -> Result<Study, LoadError> {
    let texts = StudyTexts {
        nest: Source::new("nest.toml", STUDY),
        behaviours: [(
            "request".to_owned(),
            Source::new("behaviours/request.toml", BEHAVIOUR),
        )]
        .into(),
        code: BTreeMap::new(),
    };
    let mut study = read_study(&texts, &[]).expect("the text is valid");
    study.target.base_url.clone_from(&quick.base_url);
    study.target.allow_hosts.clone_from(&quick.allow_hosts);
    study.target.http2 = quick.http2;
    study.target.insecure = matches!(quick.trust, Trust::Anybody);
    study.measure.longest_body = quick.longest_body;
    study.measure.timeout = Seconds::new(quick.timeout.as_secs_f64()).ok_or_else(|| LoadError::Plan {
        reason: "the time to wait for an answer is too long".to_owned(),
    })?;
    study.measure.max_rate = quick.max_rate.unwrap_or(UNBOUNDED);
    study.behaviours = [quick.behaviour.clone()].into();
    Ok(study)
}
