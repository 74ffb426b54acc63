//! One customer's HTTP/2 connection, by hyper: one request at a time, as the customer waits for each answer.

use std::cell::Cell;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    client::conn::http2::{Builder, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{io::AsyncRead, io::AsyncWrite, task::AbortHandle};
use tokio_rustls::TlsConnector;

use super::{NoAnswer, Receiver, connection::Failed, origin::Origin, tls::handshake_failed};

/// What hyper's connection does in the background runs on the worker itself.
#[derive(Clone)]
struct OnThisThread;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for OnThisThread {
    fn execute(&self, work: F) {
        tokio::task::spawn_local(work);
    }
}

/// A connection that is opened with its first request and again whenever it was lost.
#[derive(Default)]
pub struct Connection {
    open: Option<Open>,
}

struct Open {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    /// Whether a connection is open, as far as is known.
    fn is_open(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.sender.is_closed())
    }

    /// Opens a connection where there is none.
    pub async fn ready(&mut self, origin: &Origin, last_good: &Cell<usize>) -> Result<(), NoAnswer> {
        if self.is_open() {
            return Ok(());
        }
        let socket = origin.connect(last_good).await?;
        self.open = Some(match &origin.tls {
            None => shake_hands(socket).await?,
            Some(tls) => {
                let connector = TlsConnector::from(std::sync::Arc::clone(&tls.config));
                let secured = connector.connect(tls.name.clone(), socket).await.map_err(|error| handshake_failed(&error))?;
                if secured.get_ref().1.alpn_protocol() != Some(b"h2") {
                    return Err(NoAnswer::new("tls", "the target does not speak HTTP/2"));
                }
                shake_hands(secured).await?
            }
        });
        Ok(())
    }

    /// Sends a request and reads its answer.
    pub async fn exchange(&mut self, request: Request<Full<Bytes>>, receiver: &mut Receiver<'_>) -> Result<(), Failed> {
        let Some(open) = &mut self.open else { return Err(NoAnswer::new(NoAnswer::LOST, "there is no connection").into()) };
        let outcome = answer(&mut open.sender, request, receiver).await;
        if outcome.is_err() {
            self.open = None;
        }
        outcome
    }
}

async fn shake_hands<T: AsyncRead + AsyncWrite + Unpin + 'static>(io: T) -> Result<Open, NoAnswer> {
    let (sender, connection) =
        Builder::new(OnThisThread).handshake(TokioIo::new(io)).await.map_err(|error| NoAnswer::new("malformed", said(&error)))?;
    // Its error is told to whoever waits for an answer.
    let driver = tokio::task::spawn_local(async { drop(connection.await) }).abort_handle();
    Ok(Open { sender, driver })
}

async fn answer(sender: &mut SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>, receiver: &mut Receiver<'_>) -> Result<(), Failed> {
    sender.ready().await.map_err(|error| broken(&error))?;
    let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
    let length = response.headers().get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
    receiver.start(response.status().as_u16(), length)?;
    // Fields are compressed on the wire; what they say is counted as HTTP/1.1 would spell it.
    let mut bytes = 0;
    for (name, value) in response.headers() {
        receiver.field(name.as_str(), value.as_bytes());
        bytes += name.as_str().len() + value.len() + 4;
    }
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() {
            bytes += data.len();
            receiver.data(&data)?;
        }
    }
    receiver.answer.bytes = bytes as u64;
    Ok(())
}

fn broken(error: &hyper::Error) -> Failed {
    let kind = if error.is_closed() || error.is_canceled() || error.is_incomplete_message() { NoAnswer::LOST } else { "transport" };
    Failed::For(NoAnswer::new(kind, said(error)))
}

/// The innermost cause, which says what happened.
fn said(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}
