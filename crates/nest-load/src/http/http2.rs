//! One customer's HTTP/2 connection, by `h2`, which is what hyper's client speaks HTTP/2 with: one request at
//! a time, as the customer waits for each answer.
//!
//! hyper's own connection spawns a task for each request and another for the connection, which doubles the
//! cost of a small request. Here the customer's task drives its connection while it waits for an answer, and
//! at no other time; what the target sends in between is read with the next request.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use h2::{
    RecvStream,
    client::{Builder, ResponseFuture, SendRequest},
};
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::{
    NoAnswer, Receiver,
    loss::{Evidence, Failed, NOTHING_LEFT, lost},
    origin::Origin,
    socket::{SharedSocket, WatchedSocket},
    tls::handshake_failed,
};
use crate::clock::MonotonicTime;

/// What a stream, and a connection, may hold that was not read yet: as browsers allow, so that an answer is
/// not cut into pieces.
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 5 << 20;
/// Time without a request after which a look is worth its cost whether the target has ended the connection.
const IDLE: Duration = Duration::from_millis(500);

/// A connection that is opened with its first request and again whenever it was lost.
#[derive(Default)]
pub struct Http2Connection {
    open: Option<OpenConnection>,
}

struct OpenConnection {
    sender: SendRequest<Bytes>,
    driver: ConnectionDriver,
    socket: SharedSocket,
    used: Option<MonotonicTime>, // when its last answer was complete
}

impl Http2Connection {
    /// Whether a connection is open, as far as is known.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Opens a connection if there is none, or if the target has ended it meanwhile.
    pub async fn ready(&mut self, origin: &Origin, last_good: &Cell<usize>) -> Result<(), NoAnswer> {
        if self.open.as_mut().is_some_and(OpenConnection::is_alive) {
            return Ok(());
        }
        self.open = None;
        let socket = SharedSocket::new(WatchedSocket::new(origin.connect(last_good).await?));
        self.open = Some(match &origin.tls {
            None => OpenConnection::shake_hands(socket.clone(), socket).await?,
            Some(tls) => {
                let connector = TlsConnector::from(std::sync::Arc::clone(&tls.http2));
                let secured = connector
                    .connect(tls.name.clone(), socket.clone())
                    .await
                    .map_err(|error| handshake_failed(&error))?;
                if secured.get_ref().1.alpn_protocol() != Some(b"h2") {
                    return Err(NoAnswer::new(NoAnswer::TLS, "the target does not speak HTTP/2"));
                }
                OpenConnection::shake_hands(secured, socket).await?
            }
        });
        Ok(())
    }

    /// Sends a request and reads its answer.
    pub async fn exchange(
        &mut self,
        request: Request<()>,
        body: Option<Bytes>,
        receiver: &mut Receiver<'_>,
    ) -> Result<(), Failed> {
        let Some(open) = &mut self.open else {
            return Err(NoAnswer::new(NoAnswer::LOST, "there is no connection").into());
        };
        let outcome = open.exchange(request, body, receiver).await;
        if outcome.is_err() {
            self.open = None;
        }
        outcome
    }
}

impl OpenConnection {
    async fn shake_hands<T: AsyncRead + AsyncWrite + Unpin + 'static>(
        io: T,
        socket: SharedSocket,
    ) -> Result<Self, NoAnswer> {
        let mut builder = Builder::new();
        builder
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        let (sender, connection) = builder
            .handshake(io)
            .await
            .map_err(|error| NoAnswer::new("malformed", error))?;
        Ok(Self {
            sender,
            driver: Box::pin(connection),
            socket,
            used: None,
        })
    }

    fn is_alive(&mut self) -> bool {
        let idle = self
            .used
            .is_none_or(|used| MonotonicTime::now().since(used) > IDLE);
        !idle
            || self
                .driver
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
    }

    async fn exchange(
        &mut self,
        request: Request<()>,
        body: Option<Bytes>,
        receiver: &mut Receiver<'_>,
    ) -> Result<(), Failed> {
        let used = self.used.is_some();
        let not_begun = |error: h2::Error| not_begun(&error, used);
        poll_fn(|context| {
            drive(&mut self.driver, context, |context| {
                self.sender.poll_ready(context)
            })
        })
        .await
        .map_err(not_begun)?;
        let before = self.socket.sent();
        let (mut answer, mut sending) = self
            .sender
            .send_request(request, body.is_none())
            .map_err(not_begun)?;
        if let Some(body) = body {
            // Sent as far as the target's window allows, and on as it opens.
            sending.send_data(body, true).map_err(not_begun)?;
        }
        let response = poll_fn(|context| {
            drive(&mut self.driver, context, |context| {
                poll_head(&mut answer, context)
            })
        })
        .await
        .map_err(|error| self.loss(&error, before, used))?;
        let (head, mut stream) = response.into_parts();
        take_head(&head, receiver)?;
        if !stream.is_end_stream() {
            self.take_body(&mut stream, receiver).await?;
        }
        self.used = Some(MonotonicTime::now());
        Ok(())
    }

    /// What an error means that came instead of the head of an answer.
    fn loss(&self, error: &h2::Error, before: u64, used: bool) -> Failed {
        if let Some(why) = refused(error) {
            return if self.socket.sent() > before {
                Failed::Unprocessed(why)
            } else {
                Failed::Unsent(why)
            };
        }
        if error.is_library() {
            return malformed(error, used);
        }
        if !error.is_io() && error.reason() != Some(h2::Reason::NO_ERROR) {
            return lost(told(error));
        }
        let reset = error
            .get_io()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset);
        let evidence = Evidence {
            used,
            reset,
            fate: self.socket.fate(before),
            // A target that ends a connection in order says so with GOAWAY.
            lingers: false,
        };
        evidence.loss()
    }

    async fn take_body(
        &mut self,
        stream: &mut RecvStream,
        receiver: &mut Receiver<'_>,
    ) -> Result<(), Failed> {
        while let Some(data) = poll_fn(|context| drive_body(&mut self.driver, context, stream)).await {
            let data = data.map_err(|error| in_answer(&error))?;
            receiver.set_bytes(receiver.answer.bytes + data.len() as u64);
            receiver.data(&data)?;
            // A connection that takes no more back is at its end, which the next poll tells.
            let _ = stream.flow_control().release_capacity(data.len());
            if stream.is_end_stream() {
                break;
            }
        }
        Ok(())
    }
}

type ConnectionDriver = Pin<Box<dyn Future<Output = Result<(), h2::Error>>>>;

/// Drives the connection, and then asks `wanted`. It is driven first, so that whoever waits needs no waker of
/// its own. How the connection ended is told as an error without a frame: what a frame says of a stream comes
/// from the stream itself.
fn drive<T>(
    driver: &mut ConnectionDriver,
    context: &mut Context<'_>,
    mut wanted: impl FnMut(&mut Context<'_>) -> Poll<Result<T, h2::Error>>,
) -> Poll<Result<T, h2::Error>> {
    let driven = driver.as_mut().poll(context);
    match (wanted(&mut Context::from_waker(Waker::noop())), driven) {
        (Poll::Pending, Poll::Ready(ended)) => Poll::Ready(Err(ended
            .err()
            .filter(|error| !(error.is_go_away() && error.is_remote()))
            .unwrap_or_else(|| h2::Error::from(h2::Reason::NO_ERROR)))),
        (asked, _) => asked,
    }
}

fn drive_body(
    driver: &mut ConnectionDriver,
    context: &mut Context<'_>,
    stream: &mut RecvStream,
) -> Poll<Option<Result<Bytes, h2::Error>>> {
    let mut nobody = Context::from_waker(Waker::noop());
    // What came with the head needs no driving.
    if let Poll::Ready(data) = stream.poll_data(&mut nobody) {
        return Poll::Ready(data);
    }
    let driven = driver.as_mut().poll(context);
    match (stream.poll_data(&mut nobody), driven) {
        (Poll::Pending, Poll::Ready(ended)) => {
            let ended = ended
                .err()
                .unwrap_or_else(|| h2::Error::from(h2::Reason::NO_ERROR));
            Poll::Ready(Some(Err(ended)))
        }
        (asked, _) => asked,
    }
}

fn poll_head(
    answer: &mut ResponseFuture,
    context: &mut Context<'_>,
) -> Poll<Result<Response<RecvStream>, h2::Error>> {
    Pin::new(answer).poll(context)
}

/// Takes status and fields. Fields are compressed on the wire; what they say is counted as HTTP/1.1 would
/// spell it.
fn take_head(head: &http::response::Parts, receiver: &mut Receiver<'_>) -> Result<(), NoAnswer> {
    let length = head
        .headers
        .get("content-length")
        .and_then(|length| length.to_str().ok()?.parse().ok());
    receiver.start(head.status.as_u16(), length)?;
    let mut bytes = 0;
    for (name, value) in &head.headers {
        receiver.field(name.as_str(), value.as_bytes());
        bytes += (name.as_str().len() + value.len() + 4) as u64;
    }
    receiver.set_bytes(bytes);
    Ok(())
}

/// What the target says that it has not begun with, if the error is such a frame: a stream above the last one
/// that it takes (RFC 9113, section 6.8), or one that it refused (section 8.7).
fn refused(error: &h2::Error) -> Option<&'static str> {
    match () {
        () if error.is_go_away() && error.is_remote() => {
            Some("the target had announced the end of the connection (GOAWAY) before it took the request")
        }
        () if error.is_reset() && error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM) => {
            Some("the target refused the request before it began with it (REFUSED_STREAM)")
        }
        () => None,
    }
}

/// An error that came before anything of the request was sent.
fn not_begun(error: &h2::Error, used: bool) -> Failed {
    match refused(error) {
        Some(why) => Failed::Unsent(why),
        None if error.is_library() => malformed(error, used),
        None if used => Failed::Unsent(NOTHING_LEFT),
        None => lost(told(error)),
    }
}

/// An error after the answer had begun.
fn in_answer(error: &h2::Error) -> Failed {
    if error.is_library() {
        malformed(error, true)
    } else {
        lost(told(error))
    }
}

/// What an error says, without what a target adds to the end of a connection, which may be anything.
fn told(error: &h2::Error) -> String {
    match error.reason().filter(|_| error.is_go_away()) {
        Some(reason) => format!("the connection was ended (GOAWAY): {reason}"),
        None => error.to_string(),
    }
}

fn malformed(error: &h2::Error, used: bool) -> Failed {
    let question = if used {
        ""
    } else {
        "; does the target speak HTTP/2?"
    };
    Failed::For(NoAnswer::new("malformed", format!("{}{question}", told(error))))
}
