//! The second tier: a process that does nothing but burn CPU for the shop, one line at a time.
//!
//! ```text
//! > browse 0.001        burn 1 ms of CPU for a browse      < ok
//! > ledger              what was burnt so far              < {"behaviours": ..}
//! > anything else                                          < error: ..
//! ```

pub(crate) mod client;

use std::future::Future;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::serve::{listen, local_address, network_runtime};
use crate::{Ledger, ShopBehaviour, TargetError, TierOptions, clock, cores};

/// Most connections at a time, each with a thread; a further one is closed immediately. A shop has one per
/// worker.
const MOST_CONNECTIONS: usize = 1_024;

/// Longest line that is read.
const MOST_LINE_BYTES: u64 = 256;

/// Longest burn that is accepted.
const LONGEST_BURN_S: f64 = 60.0;

/// Pause after a connection that could not be accepted, so that a machine without free file descriptors does
/// not spin.
const REST: Duration = Duration::from_millis(50);

/// One connection: its thread, and a handle to hang up.
struct TierConnection {
    stream: Arc<TcpStream>,
    thread: JoinHandle<()>,
}

/// Runs a second tier, accepting on the calling thread, until `stop` is ready.
///
/// `ready` is called with the real address. A burn is the total CPU that the tier spends on it, reading and
/// answering included. If cores are given, the calling thread stays pinned to them.
///
/// # Errors
/// An address or core that cannot be used.
pub fn serve_tier(
    options: &TierOptions,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> Result<(), TargetError> {
    cores::pin(&options.cores)?;
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let mut connections = Vec::new();
    let served = network_runtime()?.block_on(async {
        let listener = listen(options.listen).await?;
        ready(local_address(&listener, options.listen)?);
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => return Ok(()),
                accepted = listener.accept() => accepted,
            };
            connections.retain(|connection: &TierConnection| !connection.thread.is_finished());
            if connections.len() >= MOST_CONNECTIONS {
                continue;
            }
            match accepted.and_then(|(stream, _)| start(stream.into_std()?, Arc::clone(&ledger))) {
                Ok(connection) => connections.push(connection),
                // It is closed, which the shop sees and reports.
                Err(_) => tokio::time::sleep(REST).await,
            }
        }
    });
    connections.into_iter().for_each(hang_up);
    served
}

fn start(stream: TcpStream, ledger: Arc<Mutex<Ledger>>) -> io::Result<TierConnection> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    let stream = Arc::new(stream);
    let ours = Arc::clone(&stream);
    // The shop notices a connection that breaks; the tier continues with the others.
    let thread = thread::Builder::new()
        .name("connection".to_owned())
        .spawn(move || drop(converse(&ours, &ledger)))?;
    Ok(TierConnection { stream, thread })
}

fn hang_up(connection: TierConnection) {
    // Both fail only if the connection has already ended.
    let _ = connection.stream.shutdown(std::net::Shutdown::Both);
    let _ = connection.thread.join();
}

/// Answers line by line. CPU is counted from one line to the next, so that nothing is left out: reading a
/// line counts for that line, and sending its answer counts for the next.
fn converse(stream: &TcpStream, ledger: &Mutex<Ledger>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut counted_s = clock::spent_s();
    let mut line = String::new();
    loop {
        line.clear();
        if (&mut reader).take(MOST_LINE_BYTES).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let answer = match line.trim_end() {
            "ledger" => serde_json::to_string(&*ledger.lock().expect("no holder of the ledger panics"))
                .expect("plain data serialises"),
            burn => match parse_burn(burn) {
                Some((behaviour, set_s)) => {
                    clock::burn_until(counted_s + set_s);
                    let now_s = clock::spent_s();
                    ledger.lock().expect("no holder of the ledger panics").record(
                        behaviour,
                        now_s - counted_s,
                        set_s,
                    );
                    counted_s = now_s;
                    "ok".to_owned()
                }
                None => format!(
                    "error: {burn:?} is neither `ledger` nor a behaviour and its seconds, 0 to \
                     {LONGEST_BURN_S}"
                ),
            },
        };
        let mut writer = stream;
        writer.write_all((answer + "\n").as_bytes())?;
    }
}

/// The behaviour and the seconds of a line such as `browse 0.001`.
fn parse_burn(line: &str) -> Option<(ShopBehaviour, f64)> {
    let (name, seconds) = line.split_once(' ')?;
    let seconds: f64 = seconds.parse().ok()?;
    let behaviour = ShopBehaviour::from_name(name)?;
    (0.0..=LONGEST_BURN_S)
        .contains(&seconds)
        .then_some((behaviour, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_behaviours_and_sensible_seconds_burn() {
        assert_eq!(parse_burn("browse 0.002"), Some((ShopBehaviour::Browse, 0.002)));
        for wrong in [
            "",
            "browse",
            "browse x",
            "browse -1",
            "browse NaN",
            "browse 61",
            "steal 0.1",
        ] {
            assert_eq!(parse_burn(wrong), None, "{wrong:?}");
        }
    }
}
