//! The shop's end of the line to the second tier.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::{ShopBehaviour, TargetError};

/// How long the second tier may take; longer than any queue of a full pool.
const PATIENCE: Duration = Duration::from_secs(60);

/// A worker's connection to the second tier; opened again after a failure.
#[derive(Debug)]
pub(crate) struct TierClient {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl TierClient {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self, TargetError> {
        let stream = open(address).map_err(|source| TargetError::Tier { address, source })?;
        Ok(Self {
            address,
            stream: Some(stream),
        })
    }

    /// Lets the second tier spend `cpu_s` seconds of CPU, and waits for it.
    pub(crate) fn burn(&mut self, behaviour: ShopBehaviour, cpu_s: f64) -> io::Result<()> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => open(self.address)?,
        };
        stream
            .get_mut()
            .write_all(format!("{} {cpu_s}\n", behaviour.name()).as_bytes())?;
        let mut answer = String::new();
        stream.read_line(&mut answer)?;
        if answer != "ok\n" {
            return Err(io::Error::other(format!("answered {answer:?}")));
        }
        self.stream = Some(stream);
        Ok(())
    }
}

fn open(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(BufReader::new(stream))
}
