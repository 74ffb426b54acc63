//! The cost of a request that does nothing: HTTP, queue, a worker's wake-up and the answer.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::clock::ThreadClock;
use crate::{TargetError, cores};

/// Number of batches. Their median is used, so that other processes on the machine disturb it little.
const BATCHES: usize = 7;

/// Requests in a batch.
const BATCH_REQUESTS: u32 = 60;

/// Pause after each request, so that threads fall asleep and are woken up as under light load.
const PAUSE: Duration = Duration::from_millis(1);

/// No empty request takes this long unless something is broken.
const PATIENCE: Duration = Duration::from_secs(10);

const EMPTY_REQUEST: &[u8] = b"GET /empty HTTP/1.1\r\nhost: calibration\r\n\r\n";

/// CPU seconds that one empty request costs the threads of `clocks`.
///
/// The router is served on a port of its own, which nobody else knows; the client runs on the cores of
/// `elsewhere`.
pub(crate) async fn empty_request_s(
    router: Router,
    clocks: Vec<ThreadClock>,
    elsewhere: Vec<usize>,
) -> Result<f64, TargetError> {
    let broken = |source| TargetError::Calibration { source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(broken)?;
    let address = listener.local_addr().map_err(broken)?;
    let (sender, measured) = oneshot::channel();
    let play = move || {
        let batches = cores::pin(&elsewhere).and_then(|()| batches_s(address, &clocks).map_err(broken));
        // The receiver is gone only if the shop itself has given up.
        let _ = sender.send(batches.map(median));
    };
    thread::Builder::new()
        .name("calibration".to_owned())
        .spawn(play)
        .map_err(broken)?;
    let server = axum::serve(listener.tap_io(|stream| drop(stream.set_nodelay(true))), router);
    tokio::select! {
        measured = measured => measured.expect("the client always sends what it measured"),
        ended = async { server.await } => {
            let ended = ended.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
            Err(broken(ended))
        }
    }
}

/// The client: mean CPU seconds per request, one per batch. A first batch warms up and is left out.
fn batches_s(address: SocketAddr, clocks: &[ThreadClock]) -> io::Result<Vec<f64>> {
    let mut stream = BufReader::new(TcpStream::connect(address)?);
    stream.get_ref().set_nodelay(true)?;
    stream.get_ref().set_read_timeout(Some(PATIENCE))?;
    batch_s(&mut stream, clocks)?;
    (0..BATCHES).map(|_| batch_s(&mut stream, clocks)).collect()
}

fn batch_s(stream: &mut BufReader<TcpStream>, clocks: &[ThreadClock]) -> io::Result<f64> {
    let before_s = spent_s(clocks)?;
    for _ in 0..BATCH_REQUESTS {
        exchange(stream)?;
        thread::sleep(PAUSE);
    }
    Ok((spent_s(clocks)? - before_s) / f64::from(BATCH_REQUESTS))
}

fn spent_s(clocks: &[ThreadClock]) -> io::Result<f64> {
    clocks.iter().map(|clock| clock.spent_s()).sum()
}

/// One request and its answer, on a connection that is kept alive.
fn exchange(stream: &mut BufReader<TcpStream>) -> io::Result<()> {
    stream.get_mut().write_all(EMPTY_REQUEST)?;
    let mut line = String::new();
    let mut length = 0;
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    stream.read_exact(&mut vec![0; length])
}

/// The middle of an odd number of values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_disturbed_batch_does_not_move_the_median() {
        assert_eq!(median(vec![3.0, 1.0, 900.0]), 3.0);
    }
}
