//! The TCP socket below a connection: how much was sent over it, and how much of that the target had taken
//! when the connection ended.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use nix::{getsockopt_impl, libc, sockopt_impl, sys::socket::getsockopt};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A byte that is acknowledged without having been written: the SYN that opened the connection.
const SYN: u64 = 1;

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
    _before: [u64; 15],
    bytes_acked: u64, // tcpi_bytes_acked, RFC 4898 tcpEStatsAppHCThruOctetsAcked
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

    /// Whether the target's system had taken a byte that was sent after the first `before` ones, when the
    /// connection ended. The end itself (FIN) acknowledges what had come before it, so that this is exact. A
    /// reset (RST) acknowledges nothing.
    pub fn was_taken(&self, before: u64) -> bool {
        match getsockopt(&self.socket, TcpState) {
            Ok(state) => state.bytes_acked > before + SYN,
            // What is not known must not be sent a second time.
            Err(_) => true,
        }
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
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for WatchedSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
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

    /// As [`WatchedSocket::was_taken`].
    pub fn was_taken(&self, before: u64) -> bool {
        self.0.borrow().was_taken(before)
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
