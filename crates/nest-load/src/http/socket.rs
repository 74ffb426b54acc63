//! The TCP socket below a connection: how much was sent over it, and how much of that the target had taken
//! when the connection ended.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use nix::{getsockopt_impl, libc, sockopt_impl, sys::socket::getsockopt};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A byte that is acknowledged without having been written: the SYN that opened the connection.
const SYN: u64 = 1;

/// State of a connection that has ended on both sides, or was reset: `TCP_CLOSE` of net/tcp_states.h.
const CLOSED: u8 = 7;
/// Empty lines that are sent to learn whether the target still reads, and how long each is given besides a
/// round trip. A proxy between may take two of them before it learns that the target is gone.
const PROBES: usize = 4;
const PATIENCE: Duration = Duration::from_millis(5);

/// A TCP socket that counts the bytes that were handed to it.
#[derive(Debug)]
pub struct WatchedSocket {
    socket: TcpStream,
    sent: u64,
}

/// What Linux tells of a TCP connection, `struct tcp_info` of linux/tcp.h, up to the last number that is
/// used. Kernels since 4.1 fill it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct TcpInfo {
    state: u8,
    _before_sent: [u8; 43],
    last_data_sent: u32, // milliseconds ago, as exact as the kernel's tick
    _before_rtt: [u8; 20],
    rtt: u32, // smoothed, in microseconds
    _before_acked: [u8; 48],
    bytes_acked: u64, // RFC 4898 tcpEStatsAppHCThruOctetsAcked
}

/// What became of the bytes of a request on a connection that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// Bytes of it that were sent.
    pub sent: u64,
    /// Bytes of it that the target's system had acknowledged. The end itself (FIN) acknowledges what had come
    /// before it; a reset (RST) acknowledges nothing.
    pub acked: u64,
    /// Time since the last of them was sent.
    pub elapsed: Duration,
}

sockopt_impl!(
    /// The state of a TCP connection.
    TcpState,
    GetOnly,
    libc::IPPROTO_TCP,
    libc::TCP_INFO,
    TcpInfo
);

impl WatchedSocket {
    /// A socket over which nothing was sent yet.
    pub fn new(socket: TcpStream) -> Self {
        Self { socket, sent: 0 }
    }

    /// Bytes that the system took to send them.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// What became of the bytes that were sent after the first `before` ones.
    pub fn fate(&self, before: u64) -> Fate {
        let sent = self.sent - before;
        match self.state() {
            Ok(info) => Fate {
                sent,
                acked: info.bytes_acked.saturating_sub(before + SYN).min(sent),
                elapsed: Duration::from_millis(info.last_data_sent.into()),
            },
            // What is not known must not be sent a second time.
            Err(_) => Fate {
                sent,
                acked: sent,
                elapsed: Duration::MAX,
            },
        }
    }

    /// Whether the target, which has ended its side, still reads. A program that ends a connection in order
    /// lingers so (RFC 9112, section 9.6); one that has closed or died answers with a reset.
    pub async fn lingers(&mut self) -> bool {
        for _ in 0..PROBES {
            // An empty line means nothing to a server: RFC 9112, section 2.2.
            let (Ok(bytes), Ok(info)) = (self.socket.try_write(b"\r\n"), self.state()) else {
                return false;
            };
            self.sent += bytes as u64;
            tokio::time::sleep(PATIENCE + Duration::from_micros(info.rtt.into())).await;
            if !self.state().is_ok_and(|info| info.state != CLOSED) {
                return false;
            }
        }
        true
    }

    fn state(&self) -> nix::Result<TcpInfo> {
        getsockopt(&self.socket, TcpState)
    }

    /// The socket itself.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    fn note(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = written {
            self.sent += bytes as u64;
        }
        written
    }
}

impl AsyncRead for WatchedSocket {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for WatchedSocket {
    #[inline]
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Nearly always there is room, and then nobody needs to be woken.
        let written = match self.socket.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Pin::new(&mut self.socket).poll_write(context, bytes)
            }
            written => Poll::Ready(written),
        };
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, parts);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

/// A socket that a client of HTTP/2 owns while others look at it.
#[derive(Debug, Clone)]
pub struct SharedSocket(Rc<RefCell<WatchedSocket>>);

impl SharedSocket {
    /// Shares a socket.
    pub fn new(socket: WatchedSocket) -> Self {
        Self(Rc::new(RefCell::new(socket)))
    }

    /// As [`WatchedSocket::sent`].
    pub fn sent(&self) -> u64 {
        self.0.borrow().sent()
    }

    /// As [`WatchedSocket::fate`].
    pub fn fate(&self, before: u64) -> Fate {
        self.0.borrow().fate(before)
    }
}

impl AsyncRead for SharedSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_read(context, buffer)
    }
}

impl AsyncWrite for SharedSocket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.borrow().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_shutdown(context)
    }
}
