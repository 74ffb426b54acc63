//! A server of HTTP/2 that keeps a ledger.

use std::{
    net::{SocketAddr, TcpListener},
    thread,
};

use bytes::Bytes;
use h2::{Reason, RecvStream, server::SendResponse};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::ledger::{Asked, Fate, Ledger, Reply, fields, length};

/// What a connection is told by the answer to a request.
enum End {
    /// Announce the end, and end when all is answered.
    Announced,
    /// Close.
    AtOnce,
}

/// Starts a server on a free port, with a thread for each connection; it ends with the test.
pub fn start(ledger: &Ledger) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let ledger = ledger.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let ledger = ledger.clone();
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime");
                runtime.block_on(serve(stream, ledger));
            });
        }
    });
    address
}

async fn serve(stream: std::net::TcpStream, ledger: Ledger) {
    stream.set_nonblocking(true).expect("a socket");
    let stream = tokio::net::TcpStream::from_std(stream).expect("a socket");
    stream.set_nodelay(true).expect("a socket");
    // The look whether anything listens closes its connection without a word.
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    let (ends, mut told) = unbounded_channel();
    loop {
        tokio::select! {
            next = connection.accept() => {
                let Some(Ok((request, respond))) = next else { return };
                tokio::spawn(answer(request, respond, ledger.clone(), ends.clone()));
            }
            end = told.recv() => match end {
                Some(End::Announced) => connection.graceful_shutdown(),
                Some(End::AtOnce) | None => return,
            },
        }
    }
}

async fn answer(
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    ledger: Ledger,
    ends: UnboundedSender<End>,
) {
    let (head, mut body) = request.into_parts();
    let mut length = 0;
    while let Some(Ok(data)) = body.data().await {
        length += data.len();
        let _ = body.flow_control().release_capacity(data.len());
    }
    let asked = Asked {
        method: head.method.to_string(),
        target: head
            .uri
            .path_and_query()
            .expect("a request has a path")
            .to_string(),
        body: length > 0,
        typed: head.headers.contains_key("content-type"),
    };
    let without_body = asked.method == "HEAD";
    let reply = ledger.enter(asked, |reply| self::length(&fields(reply)));
    let Reply {
        status, length, fate, ..
    } = reply;
    match fate {
        Fate::Refused => respond.send_reset(Reason::REFUSED_STREAM),
        Fate::Reset => respond.send_reset(Reason::INTERNAL_ERROR),
        // A connection that has ended has nobody to tell.
        Fate::Dropped => drop(ends.send(End::AtOnce)),
        Fate::Answered | Fate::LastAnswer | Fate::HalfAnswered => {
            let mut response = http::Response::builder().status(status);
            for (name, value) in fields(&reply) {
                response = response.header(name, value);
            }
            let response = response.body(()).expect("a valid answer");
            let ended = without_body || length == 0;
            let half = fate == Fate::HalfAnswered;
            let Ok(mut stream) = respond.send_response(response, ended && !half) else {
                return;
            };
            if half {
                let _ = ends.send(End::AtOnce);
            } else if !ended {
                let _ = stream.send_data(Bytes::from(vec![b'x'; length]), true);
            }
            if fate == Fate::LastAnswer {
                let _ = ends.send(End::Announced);
            }
        }
    }
}
