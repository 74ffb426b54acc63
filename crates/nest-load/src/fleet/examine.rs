//! Checks that a worker on this machine could be part of a fleet.

use std::time::{Duration, Instant};

use super::{broker::BrokerAccess, driver::Driver};
use crate::{
    doctor::{DoctorFact, DoctorFinding},
    error::LoadError,
    observe::cgroup::Cgroup,
};

/// Round trips to the broker.
const TRIPS: usize = 20;
/// Round trip above which clocks are known too badly for a valid step: a message to a worker takes the way
/// twice, and its clock is known to half of that.
const SLOW: Duration = Duration::from_millis(5);

/// Checks the way to the broker and this process's CPU quota.
///
/// # Errors
/// [`LoadError::Broker`], in the server's own words.
pub fn examine(access: &BrokerAccess) -> Result<Vec<DoctorFinding>, LoadError> {
    access.check()?;
    let driver = Driver::start().map_err(|source| LoadError::System {
        what: "a runtime",
        source,
    })?;
    Ok(vec![driver.block_on(way(access))?, quota()])
}

/// How long it takes to the broker and back.
async fn way(access: &BrokerAccess) -> Result<DoctorFinding, LoadError> {
    let connection = access.connect("_INBOX.worker", "doctor").await?;
    let mut least = Duration::MAX;
    for _ in 0..TRIPS {
        let begun = Instant::now();
        let flushed = connection.client.flush().await;
        flushed.map_err(|error| LoadError::Broker {
            url: access.url.clone(),
            reason: error.to_string(),
        })?;
        least = least.min(begun.elapsed());
    }
    let advice = (least > SLOW).then(|| {
        "clocks of workers behind this way are known too badly: use a NATS server that is nearer".to_owned()
    });
    Ok(DoctorFinding {
        what: "way to the NATS server",
        found: format!("{:.2} ms there and back", least.as_secs_f64() * 1e3),
        facts: vec![("round_trip_s", DoctorFact::Number(least.as_secs_f64()))],
        advice,
    })
}

/// Whether a CPU quota could hold a worker back.
fn quota() -> DoctorFinding {
    let quota = Cgroup::of(std::process::id()).and_then(|group| group.cpu_quota());
    let (found, facts) = match quota {
        Some(cores) => (
            format!("{cores} cores"),
            vec![("cores", DoctorFact::Number(cores))],
        ),
        None => ("none".to_owned(), Vec::new()),
    };
    let advice = quota.filter(|cores| cores.fract() > 0.0).map(|cores| {
        format!(
            "a quota of {cores} cores stops threads in the middle of their work: use whole cores, and as \
             many --slots"
        )
    });
    DoctorFinding {
        what: "CPU quota",
        found,
        facts,
        advice,
    }
}
