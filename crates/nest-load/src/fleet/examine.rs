//! Checks that a worker on this machine could be part of a fleet.

use std::{
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    time::{Duration, Instant},
};

use nest_data::study::is_loopback;

use super::{broker::BrokerAccess, driver::Driver, message::WORKER_INBOX};
use crate::{
    doctor::{DoctorFact, DoctorFinding},
    error::LoadError,
    http::origin::bare,
    observe::cgroup::Cgroup,
    target::Address,
};

/// Round trips to the broker.
const TRIPS: usize = 20;
/// Connections to each address of a target.
const CONNECTS: usize = 3;
/// Longest wait for one of them.
const LONGEST_CONNECT: Duration = Duration::from_secs(2);
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

/// Checks the way from here to a target: whether load may go there, and whether it takes connections. Nothing
/// is sent to a host that was not allowed.
///
/// # Errors
/// [`LoadError::BaseUrl`].
pub fn examine_route(url: &str, allow_hosts: &[String]) -> Result<DoctorFinding, LoadError> {
    let Address { host, port } = Address::of(url)?;
    let finding = |found: String, facts, advice: Option<String>| {
        Ok(DoctorFinding {
            what: "route to the target",
            found,
            facts,
            advice,
        })
    };
    let is_named = allow_hosts.iter().any(|allowed| bare(allowed) == host);
    let allow = format!(
        "to put load there, list {host} under [target] allow_hosts of the study, and start worker and doctor \
         with --allow-host {host}"
    );
    if !is_named && !is_loopback(&host) {
        let facts = vec![("host", DoctorFact::Text(host.clone()))];
        return finding(
            format!("{host} was not allowed, and was not tried"),
            facts,
            Some(allow),
        );
    }
    let addresses: Vec<SocketAddr> = match (host.as_str(), port).to_socket_addrs() {
        Ok(found) => found.collect(),
        Err(error) => {
            let facts = vec![("host", DoctorFact::Text(host.clone()))];
            let advice = "check the spelling of the host, and the name servers of this machine".to_owned();
            return finding(format!("{host} cannot be found: {error}"), facts, Some(advice));
        }
    };
    if let Some(away) = addresses
        .iter()
        .find(|address| !is_named && !address.ip().is_loopback())
    {
        let facts = vec![("address", DoctorFact::Text(away.to_string()))];
        return finding(
            format!("{host} is at {away}, another machine, and was not tried"),
            facts,
            Some(allow),
        );
    }
    let (mut reached, mut failed) = (Vec::new(), Vec::new());
    for address in addresses {
        match least_connect(address) {
            Ok(least) => reached.push((address, least)),
            Err(error) => failed.push(format!("{address} takes no connection: {error}")),
        }
    }
    let connected = |(address, least): &(SocketAddr, Duration)| {
        format!("{address} connects in {:.2} ms", least.as_secs_f64() * 1e3)
    };
    let found: Vec<String> = reached
        .iter()
        .map(connected)
        .chain(failed.iter().cloned())
        .collect();
    let least = reached.iter().map(|(_, least)| least.as_secs_f64());
    let mut facts: Vec<(&str, DoctorFact)> = least
        .map(|least| ("connect_s", DoctorFact::Number(least)))
        .collect();
    facts.extend(
        failed
            .iter()
            .map(|said| ("failed", DoctorFact::Text(said.clone()))),
    );
    let advice = reached.is_empty().then(|| {
        "start the target, and let this machine reach it: check its address, routes and firewalls".to_owned()
    });
    finding(found.join("; "), facts, advice)
}

/// The shortest time in which an address takes a connection.
fn least_connect(address: SocketAddr) -> std::io::Result<Duration> {
    let mut least = Duration::MAX;
    for _ in 0..CONNECTS {
        let begun = Instant::now();
        TcpStream::connect_timeout(&address, LONGEST_CONNECT)?;
        least = least.min(begun.elapsed());
    }
    Ok(least)
}

/// How long it takes to the broker and back.
async fn way(access: &BrokerAccess) -> Result<DoctorFinding, LoadError> {
    let connection = access.connect(WORKER_INBOX, "doctor").await?;
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn only_hosts_that_were_allowed_are_tried() {
        let tried = |url: &str, hosts: &[&str]| {
            let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
            examine_route(url, &hosts).expect("a URL")
        };
        // Reserved for documentation: nothing is ever there.
        let away = tried("http://192.0.2.1:8080/", &["192.0.2.2"]);
        assert!(away.found.contains("was not tried"), "{}", away.found);
        let advice = away.advice.expect("what to do");
        assert!(advice.contains("--allow-host 192.0.2.1"), "{advice}");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let near = tried(&format!("http://{address}"), &[]);
        assert_eq!(near.advice, None);
        assert!(
            near.found.starts_with(&format!("{address} connects in ")),
            "{}",
            near.found
        );
        drop(listener);
        let gone = tried(&format!("http://{address}"), &[]);
        assert!(gone.found.contains("takes no connection"), "{}", gone.found);
        assert!(gone.advice.is_some());
        assert!(examine_route("shop", &[]).is_err());
    }
}
