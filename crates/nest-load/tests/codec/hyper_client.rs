//! hyper's HTTP/1 client on a connection of the test's own: no socket, no runtime, no time.

use std::{
    cell::RefCell,
    future::Future,
    io,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use hyper::{
    Request,
    body::Body,
    client::conn::http1::{Builder, SendRequest},
    rt::{Read, ReadBufCursor, Write},
};

/// What is kept of an answer on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub status: u16,
    pub body: Vec<u8>,
    pub reusable: bool,
}

/// Polls without anything new after which nothing more is going to come.
const PATIENCE: usize = 4;

/// The answer that hyper reads from a connection that brings these pieces, one a read, and then ends where
/// hyper still waits.
pub fn read_answer(pieces: Vec<Vec<u8>>, head_request: bool, longest_head: usize) -> Result<Kept, String> {
    let wire = Rc::new(RefCell::new(Wire {
        pieces: pieces.into_iter().rev().collect(),
        asked: false,
        closed: false,
        reads: 0,
    }));
    let mut context = Context::from_waker(Waker::noop());
    let connected = pin!(
        Builder::new()
            .max_header_size(longest_head)
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .handshake(End(Rc::clone(&wire)))
    );
    let Poll::Ready(Ok((mut sender, connection))) = connected.poll(&mut context) else {
        return Err("no handshake".to_owned());
    };
    let mut connection = Connection {
        future: Some(Box::pin(connection)),
        wire,
    };
    let kept = connection.exchange(&mut sender, head_request)?;
    connection.settle(&mut context);
    let ready = connection.future.is_some() && matches!(sender.poll_ready(&mut context), Poll::Ready(Ok(())));
    Ok(Kept {
        reusable: ready && connection.wire.borrow().pieces.is_empty(),
        ..kept
    })
}

struct Connection<F> {
    future: Option<Pin<Box<F>>>, // until it has ended
    wire: Rc<RefCell<Wire>>,
}

impl<F: Future<Output = hyper::Result<()>>> Connection<F> {
    fn exchange(&mut self, sender: &mut SendRequest<String>, head_request: bool) -> Result<Kept, String> {
        let method = if head_request { "HEAD" } else { "GET" };
        let request = Request::builder()
            .method(method)
            .uri("/")
            .header("host", "test")
            .body(String::new())
            .map_err(|error| error.to_string())?;
        let mut response = pin!(sender.send_request(request));
        let response = self
            .until(|context| response.as_mut().poll(context))
            .map_err(|error| error.to_string())?;
        let (head, body) = response.into_parts();
        let (mut kept, mut body) = (Vec::new(), pin!(body));
        while let Some(frame) = self.until(|context| body.as_mut().poll_frame(context)) {
            let frame = frame.map_err(|error| error.to_string())?;
            kept.extend_from_slice(frame.data_ref().map_or(&[], |bytes| bytes));
        }
        Ok(Kept {
            status: head.status.as_u16(),
            body: kept,
            reusable: false,
        })
    }

    /// Drives the connection until something comes of it; its peer closes once everything was read in vain.
    fn until<T>(&mut self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let before = self.wire.borrow().reads;
            for _ in 0..PATIENCE {
                self.drive(&mut context);
                if let Poll::Ready(ready) = poll(&mut context) {
                    return ready;
                }
            }
            let mut wire = self.wire.borrow_mut();
            assert!(wire.reads > before || !wire.closed, "hyper hangs");
            wire.closed |= wire.pieces.is_empty() && wire.reads == before;
        }
    }

    /// Drives the connection until it has read what there is.
    fn settle(&mut self, context: &mut Context<'_>) {
        let mut quiet = 0;
        while quiet < PATIENCE {
            let before = self.wire.borrow().reads;
            self.drive(context);
            quiet = if self.wire.borrow().reads > before {
                0
            } else {
                quiet + 1
            };
        }
    }

    fn drive(&mut self, context: &mut Context<'_>) {
        if self
            .future
            .as_mut()
            .is_some_and(|future| future.as_mut().poll(context).is_ready())
        {
            self.future = None;
        }
    }
}

/// What comes from the peer.
struct Wire {
    pieces: Vec<Vec<u8>>, // the next one last
    asked: bool,          // a byte of the request was written
    closed: bool,
    reads: usize,
}

/// hyper's end of the wire.
struct End(Rc<RefCell<Wire>>);

impl Read for End {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut wire = self.0.borrow_mut();
        if !wire.asked {
            return Poll::Pending;
        }
        let Some(mut piece) = wire.pieces.pop() else {
            return if wire.closed {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            };
        };
        let rest = piece.split_off(buffer.remaining().min(piece.len()));
        buffer.put_slice(&piece);
        wire.reads += 1;
        if !rest.is_empty() {
            wire.pieces.push(rest);
        }
        Poll::Ready(Ok(()))
    }
}

impl Write for End {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().asked = true;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
