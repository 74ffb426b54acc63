//! One customer's HTTP/1.1 connection over TCP or TLS: the fast path.
//!
//! What an idle customer owns is the socket and three empty vectors: requests are built and answers are read
//! in buffers of the worker, which are borrowed only inside one poll.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    NoAnswer, Receiver,
    decoder::{Decoder, Fed, KnownHead, Stopped},
    loss::{Evidence, Failed, lost},
    origin::Origin,
    socket::WatchedSocket,
    tls::handshake_failed,
};

/// Bytes that are read at once.
const READ_AT_ONCE: usize = 64 << 10;

/// Buffers of one worker, for requests and answers that are in hand.
pub struct Buffers {
    /// The request that is about to be sent.
    pub outgoing: RefCell<Vec<u8>>,
    incoming: RefCell<Box<[u8]>>,
}

impl Default for Buffers {
    fn default() -> Self {
        Self {
            outgoing: RefCell::default(),
            incoming: RefCell::new(vec![0; READ_AT_ONCE].into()),
        }
    }
}

/// A connection that is opened with its first request and again whenever it was lost.
#[derive(Default)]
pub struct Http1Connection {
    stream: Option<Transport>,
    used: bool,       // it has carried an answer
    unsent: Vec<u8>,  // of a request that the socket did not take at once
    partial: Vec<u8>, // of an answer that came in pieces
}

enum Transport {
    Plain(WatchedSocket),
    Tls(Box<TlsStream<WatchedSocket>>),
}

/// How an exchange ended that brought no answer.
enum Cut {
    /// The connection ended before anything of the answer came.
    Ended { reset: bool },
    /// Anything else.
    For(NoAnswer),
}

impl Cut {
    fn lost(reason: impl ToString) -> Self {
        Self::For(NoAnswer::new(NoAnswer::LOST, reason))
    }
}

impl Http1Connection {
    /// Whether a connection is open, as far as is known.
    pub fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Lets the connection go.
    pub fn close(&mut self) {
        self.stream = None;
    }

    /// Whether a connection is open that the peer has not ended meanwhile.
    pub fn is_ready(&self) -> bool {
        self.stream
            .as_ref()
            .is_some_and(|stream| !self.used || stream.is_quiet())
    }

    /// Opens a connection, in the place of the one that there was.
    pub async fn open(
        &mut self,
        origin: &Origin,
        last_good: &std::cell::Cell<usize>,
    ) -> Result<(), NoAnswer> {
        self.stream = None;
        self.used = false;
        let socket = WatchedSocket::new(origin.connect(last_good).await?);
        self.stream = Some(match &origin.tls {
            None => Transport::Plain(socket),
            Some(tls) => {
                let connector = TlsConnector::from(std::sync::Arc::clone(&tls.http1));
                // On the heap, or every customer would have room for a handshake.
                let secured = Box::pin(connector.connect(tls.name.clone(), socket))
                    .await
                    .map_err(|error| handshake_failed(&error))?;
                Transport::Tls(Box::new(secured))
            }
        });
        Ok(())
    }

    /// Sends the request in `buffers.outgoing` and reads the answer. The first poll takes the request, so
    /// that nothing may be awaited between filling the buffer and this.
    ///
    /// `known` is the head of earlier answers to the same request, and learns that of this one.
    pub async fn exchange(
        &mut self,
        buffers: &Buffers,
        head_request: bool,
        known: &RefCell<KnownHead>,
        receiver: &mut Receiver<'_>,
    ) -> Result<(), Failed> {
        let mut exchange = RunningExchange {
            decoder: Decoder::new(head_request),
            known,
            phase: ExchangePhase::Start,
            received: 0,
        };
        self.partial.clear();
        let before = self.stream.as_ref().map_or(0, Transport::sent);
        let outcome = poll_fn(|context| self.poll(context, buffers, &mut exchange, receiver)).await;
        // Room for a long answer is not kept by an idle customer.
        self.partial = Vec::new();
        let cut = match outcome {
            Ok(true) => {
                self.used = true;
                return Ok(());
            }
            Ok(false) => {
                self.stream = None;
                return Ok(());
            }
            Err(cut) => cut,
        };
        let failed = match cut {
            // On the heap, or every customer would have room for it.
            Cut::Ended { reset } => Box::pin(self.loss(before, reset)).await,
            Cut::For(no_answer) => no_answer.into(),
        };
        self.stream = None;
        Err(failed)
    }

    /// What it means that the connection ended, over which the request is what came after the first `before`
    /// bytes.
    async fn loss(&mut self, before: u64, reset: bool) -> Failed {
        let Some(stream) = &mut self.stream else {
            return lost("there is no connection");
        };
        let fate = stream.socket().fate(before);
        // Asked only where the answer decides.
        let lingers = self.used && !reset && fate.acked > 0 && stream.socket_mut().lingers().await;
        let evidence = Evidence {
            used: self.used,
            reset,
            fate,
            lingers,
        };
        evidence.loss()
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
        buffers: &Buffers,
        exchange: &mut RunningExchange<'_>,
        receiver: &mut Receiver<'_>,
    ) -> Poll<Result<bool, Cut>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Err(Cut::lost("there is no connection")));
        };
        if exchange.phase == ExchangePhase::Start {
            self.unsent.clear();
            let outgoing = buffers.outgoing.borrow();
            let taken = match stream.poll_write(context, &outgoing) {
                Poll::Ready(Ok(taken)) => taken,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(broken(&error))),
                Poll::Pending => 0,
            };
            self.unsent.extend_from_slice(&outgoing[taken..]);
            exchange.phase = ExchangePhase::Sending;
        }
        if exchange.phase == ExchangePhase::Sending {
            match stream.poll_send(context, &mut self.unsent) {
                // A peer that answers before it has read everything may also end the connection; its answer
                // counts.
                Poll::Ready(_) => exchange.phase = ExchangePhase::Receiving,
                Poll::Pending => {}
            }
        }
        exchange.poll_receive(context, stream, buffers, &mut self.partial, receiver)
    }
}

/// A request and its answer under way.
struct RunningExchange<'a> {
    decoder: Decoder,
    known: &'a RefCell<KnownHead>,
    phase: ExchangePhase,
    received: u64,
}

#[derive(PartialEq)]
enum ExchangePhase {
    Start,
    Sending,
    Receiving,
}

impl RunningExchange<'_> {
    /// Reads on; `true` if the connection may carry another request.
    fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut Transport,
        buffers: &Buffers,
        partial: &mut Vec<u8>,
        receiver: &mut Receiver<'_>,
    ) -> Poll<Result<bool, Cut>> {
        let mut incoming = buffers.incoming.borrow_mut();
        loop {
            let mut buffer = ReadBuf::new(&mut incoming);
            if let Err(error) = ready!(stream.poll_read(context, &mut buffer)) {
                return Poll::Ready(Err(if self.received == 0 {
                    broken(&error)
                } else {
                    Cut::lost(&error)
                }));
            }
            let new = buffer.filled();
            if new.is_empty() {
                return Poll::Ready(match self.decoder.closed(self.received > 0) {
                    Ok(true) => Ok(false),
                    Ok(false) => Err(Cut::Ended { reset: false }),
                    Err(_) => Err(Cut::lost("the connection ended inside the answer")),
                });
            }
            self.received += new.len() as u64;
            let fed = self.feed(new, partial, receiver);
            receiver.set_bytes(self.received);
            match fed {
                Ok(Fed::More { .. }) => {}
                Ok(Fed::Done { reusable, .. }) => return Poll::Ready(Ok(reusable)),
                Err(Stopped::Refused(no_answer)) => return Poll::Ready(Err(Cut::For(no_answer))),
                Err(Stopped::Malformed(malformed)) => {
                    return Poll::Ready(Err(Cut::For(NoAnswer::new("malformed", malformed))));
                }
            }
        }
    }

    /// Decodes new bytes, after what was left of earlier ones. Bytes beyond an answer end the connection:
    /// nothing was asked for that they could belong to.
    fn feed(
        &mut self,
        new: &[u8],
        partial: &mut Vec<u8>,
        receiver: &mut Receiver<'_>,
    ) -> Result<Fed, Stopped<NoAnswer>> {
        if !partial.is_empty() {
            partial.extend_from_slice(new);
        }
        let input = if partial.is_empty() {
            new
        } else {
            partial.as_slice()
        };
        let length = input.len();
        // Only the first read can begin with a head that is known.
        let fresh = length as u64 == self.received;
        let known = if fresh {
            self.decoder.feed_known(input, &self.known.borrow(), receiver)?
        } else {
            None
        };
        let fed = match known {
            Some(fed) => {
                receiver.answer.set_media_type(self.known.borrow().media_type);
                fed
            }
            None => {
                let fed = self.decoder.feed(input, receiver)?;
                if fresh && !receiver.used_fields {
                    let mut known = self.known.borrow_mut();
                    known.learn(&self.decoder, input);
                    known.media_type = receiver.answer.media_type();
                }
                fed
            }
        };
        match fed {
            Fed::More { used } if partial.is_empty() => partial.extend_from_slice(&new[used..]),
            Fed::More { used } => drop(partial.drain(..used)),
            Fed::Done { used, reusable } => {
                return Ok(Fed::Done {
                    used,
                    reusable: reusable && used == length,
                });
            }
        }
        Ok(Fed::More { used: length })
    }
}

impl Transport {
    fn socket(&self) -> &WatchedSocket {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(secured) => secured.get_ref().0,
        }
    }

    fn socket_mut(&mut self) -> &mut WatchedSocket {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(secured) => secured.get_mut().0,
        }
    }

    /// Bytes that were sent over it, those of handshakes among them.
    fn sent(&self) -> u64 {
        self.socket().sent()
    }

    /// Whether nothing has come since the last answer: neither bytes nor the peer's end. Costs no system call
    /// where that is so. Over TLS the peer's end is bytes too.
    fn is_quiet(&self) -> bool {
        let mut one = [0];
        match self {
            // What is read here belongs to no answer, so that it may be lost.
            Self::Plain(watched) => {
                let read = watched.socket().try_read(&mut one);
                matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
            }
            Self::Tls(secured) => {
                let mut nobody = Context::from_waker(Waker::noop());
                secured
                    .get_ref()
                    .0
                    .socket()
                    .poll_peek(&mut nobody, &mut ReadBuf::new(&mut one))
                    .is_pending()
            }
        }
    }

    #[inline]
    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => Pin::new(socket).poll_write(context, bytes),
            Self::Tls(secured) => Pin::new(secured.as_mut()).poll_write(context, bytes),
        }
    }

    /// Sends what is unsent, and what TLS still holds.
    fn poll_send(&mut self, context: &mut Context<'_>, unsent: &mut Vec<u8>) -> Poll<io::Result<()>> {
        while !unsent.is_empty() {
            let taken = ready!(self.poll_write(context, unsent))?;
            unsent.drain(..taken);
        }
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(secured) => Pin::new(secured.as_mut()).poll_flush(context),
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => Pin::new(socket).poll_read(context, buffer),
            Self::Tls(secured) => Pin::new(secured.as_mut()).poll_read(context, buffer),
        }
    }
}

/// A connection that broke before anything of the answer came. Over TLS a peer that closes without a word of
/// farewell is an error too.
fn broken(error: &io::Error) -> Cut {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
            Cut::Ended { reset: true }
        }
        io::ErrorKind::UnexpectedEof => Cut::Ended { reset: false },
        _ => Cut::lost(error),
    }
}

#[cfg(test)]
mod tests;
