//! A relay of TCP connections that delays what passes, each way by its own time.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Starts a relay to `target`; gives its address. It ends with the test.
pub fn delayed(target: SocketAddr, there: Duration, back: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let Ok(far) = TcpStream::connect(target) else {
                continue; // dropping the near end closes it
            };
            for stream in [&near, &far] {
                stream.set_nodelay(true).expect("a TCP connection");
            }
            let copy = |stream: &TcpStream| stream.try_clone().expect("a free descriptor");
            pass(copy(&near), copy(&far), there);
            pass(far, near, back);
        }
    });
    address
}

/// Passes bytes on, each so long after it came: reading goes on meanwhile.
fn pass(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (sender, queue) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = [0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if sender
                .send((Instant::now() + delay, buffer[..length].to_vec()))
                .is_err()
            {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Read); // the peer may have closed it
    });
    thread::spawn(move || {
        for (due, bytes) in queue {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write); // the peer may have closed it
    });
}
