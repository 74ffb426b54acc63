//! How large a file may be, and what may be one: no file that is read keeps the program busy for ever or
//! fills
//! the memory.

use std::{
    fs::File,
    io::{self, Read},
};

const MIB: u64 = 1 << 20;

/// Most bytes of a file that a person wrote: a study, a behaviour, a price book.
pub const TEXT_BYTES: u64 = 16 * MIB;
/// Most bytes of a table that is read: feeds, histories, curves, counters.
pub const TABLE_BYTES: u64 = 256 * MIB;
/// Most bytes of a document that the program wrote.
pub const DOCUMENT_BYTES: u64 = 256 * MIB;
/// Most bytes of a vendor's price file: those of all prices of a provider have several hundred MiB.
pub const PRICE_FILE_BYTES: u64 = 4096 * MIB;

/// Refuses folders, pipes and devices, and files that are too large.
pub fn check_regular(file: &File, most_bytes: u64) -> io::Result<()> {
    let facts = file.metadata()?;
    if facts.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    if !facts.is_file() {
        return Err(not_regular());
    }
    if facts.len() > most_bytes {
        return Err(too_large(most_bytes));
    }
    Ok(())
}

/// The error of what is no regular file.
pub fn not_regular() -> io::Error {
    let what = "it is a pipe or a device, not a regular file";
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

/// All bytes of what a user named: a file, a pipe or standard input.
pub fn read_all(mut source: impl Read, most_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.by_ref().take(most_bytes).read_to_end(&mut bytes)?;
    // One byte more says that there was more.
    if bytes.len() as u64 == most_bytes && source.read(&mut [0])? > 0 {
        return Err(too_large(most_bytes));
    }
    Ok(bytes)
}

/// The bytes as text.
pub fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

fn too_large(most_bytes: u64) -> io::Error {
    let what = format!("it has more than {} MiB, the most that is read", most_bytes / MIB);
    io::Error::new(io::ErrorKind::FileTooLarge, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_refused() {
        let zero = File::open("/dev/zero").expect("the device");
        assert!(check_regular(&zero, MIB).is_err());
        let error = read_all(zero, MIB).expect_err("endless");
        assert!(error.to_string().contains("more than 1 MiB"), "{error}");
        assert_eq!(read_all(&b"abc"[..], 3).expect("all of it"), b"abc");
    }
}
