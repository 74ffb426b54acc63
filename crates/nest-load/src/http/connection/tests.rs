//! What a connection that ends means for its request.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
    time::Duration,
};

use nest_data::behaviour::Expect;
use nix::{
    libc,
    sys::socket::{setsockopt, sockopt::Linger},
};

use super::*;
use crate::http::{WantedAnswer, cookies::Jar, tls::Trust};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

/// A customer's connection, and the target's end of it.
struct Pair {
    connection: Http1Connection,
    peer: std::net::TcpStream,
    buffers: Buffers,
}

impl Pair {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let origin = Origin::of(&url, &Trust::Anybody, false).expect("an address");
        let mut connection = Http1Connection::default();
        let last_good = std::cell::Cell::new(0);
        connection.open(&origin, &last_good).await.expect("it listens");
        let buffers = Buffers::default();
        buffers.outgoing.borrow_mut().extend_from_slice(REQUEST);
        Self {
            connection,
            peer: listener.accept().expect("a connection").0,
            buffers,
        }
    }

    /// A connection that has brought an answer, and is found in order before the next request.
    async fn used() -> Self {
        let mut pair = Self::open().await;
        let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
        pair.peer.write_all(answer).expect("the peer reads");
        exchange(&mut pair.connection, &pair.buffers)
            .await
            .expect("an answer");
        take(&mut pair.peer, REQUEST.len());
        assert!(pair.connection.is_ready());
        pair
    }
}

/// What a request meets.
async fn exchange(connection: &mut Http1Connection, buffers: &Buffers) -> Result<(), Failed> {
    let expect = Expect::default();
    let wanted = WantedAnswer {
        body: false,
        longest_body: 1_000,
        fields: &[],
        expect: &expect,
        bodies: None,
    };
    let (mut jar, known) = (Jar::default(), RefCell::default());
    let mut receiver = Receiver::new(wanted, &mut jar, "127.0.0.1", "/");
    connection.exchange(buffers, false, &known, &mut receiver).await
}

fn take(peer: &mut std::net::TcpStream, bytes: usize) {
    peer.read_exact(&mut vec![0; bytes]).expect("a request");
}

fn reset(peer: std::net::TcpStream) {
    let at_once = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    setsockopt(&peer, Linger, &at_once).expect("a socket");
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

fn is_lost(outcome: &Result<(), Failed>) -> bool {
    matches!(outcome, Err(Failed::For(no_answer)) if no_answer.kind == NoAnswer::LOST)
}

#[test]
fn a_request_that_meets_a_closed_idle_connection_is_told_from_a_lost_one() {
    run(async {
        let mut pair = Pair::used().await;
        drop(pair.peer);
        let outcome = exchange(&mut pair.connection, &pair.buffers).await;
        assert_eq!(outcome, Err(Failed::ClosedIdle));
        assert!(!pair.connection.is_open());
    });
}

#[test]
fn a_request_of_which_nothing_left_was_never_sent() {
    run(async {
        let mut pair = Pair::used().await;
        reset(pair.peer);
        let outcome = exchange(&mut pair.connection, &pair.buffers).await;
        assert!(matches!(outcome, Err(Failed::Unsent(_))), "{outcome:?}");
    });
}

#[test]
fn a_request_that_the_target_took_and_dropped_is_lost_however_it_ends() {
    let ends: [fn(std::net::TcpStream); 2] = [drop, reset];
    for end in ends {
        run(async {
            let mut pair = Pair::used().await;
            let mut peer = pair.peer;
            thread::spawn(move || {
                take(&mut peer, REQUEST.len());
                // It works for a while before it dies.
                thread::sleep(Duration::from_millis(100));
                end(peer);
            });
            let outcome = exchange(&mut pair.connection, &pair.buffers).await;
            assert!(is_lost(&outcome), "{outcome:?}");
        });
    }
}

#[test]
fn a_request_that_the_target_took_is_lost_even_if_it_closes_at_once() {
    run(async {
        let mut pair = Pair::used().await;
        let mut peer = pair.peer;
        thread::spawn(move || take(&mut peer, REQUEST.len()));
        let outcome = exchange(&mut pair.connection, &pair.buffers).await;
        assert!(is_lost(&outcome), "{outcome:?}");
    });
}

#[test]
fn a_program_that_ends_a_connection_in_order_takes_nothing_more() {
    run(async {
        let mut pair = Pair::used().await;
        let mut peer = pair.peer;
        // It lingers: what comes is read and thrown away.
        peer.shutdown(std::net::Shutdown::Write).expect("a socket");
        thread::spawn(move || peer.read_to_end(&mut Vec::new()));
        let outcome = exchange(&mut pair.connection, &pair.buffers).await;
        assert_eq!(outcome, Err(Failed::ClosedIdle));
    });
}

#[test]
fn a_request_of_which_the_target_took_the_first_part_is_lost() {
    run(async {
        let mut pair = Pair::used().await;
        // More than the buffers of both ends hold, so that it is still being sent as the target ends.
        pair.buffers.outgoing.borrow_mut().resize(64 << 20, b'x');
        let mut peer = pair.peer;
        thread::spawn(move || take(&mut peer, 4_096));
        let outcome = exchange(&mut pair.connection, &pair.buffers).await;
        assert!(is_lost(&outcome), "{outcome:?}");
    });
}

#[test]
fn a_new_connection_that_ends_without_an_answer_is_lost() {
    run(async {
        let mut pair = Pair::open().await;
        drop(pair.peer);
        let outcome = exchange(&mut pair.connection, &pair.buffers).await;
        assert!(is_lost(&outcome), "{outcome:?}");
    });
}
