//! The inputs to begin with: the files of `fuzz/corpus/TARGET`.

use std::{fs, io, path::PathBuf};

use serde_json::Value;

use crate::{mutation::tree, target::Target};

/// Most bytes of an input to begin with.
pub const MOST_BYTES: usize = 8 << 10;

/// The inputs to begin with of one target, in the order of their files' names.
#[derive(Debug, Clone, Default)]
pub struct Seeds {
    /// Their bytes.
    pub texts: Vec<Vec<u8>>,
    /// What those written in TOML or JSON hold.
    pub trees: Vec<Option<Value>>,
}

/// The folder with the inputs to begin with of a target.
#[must_use]
pub fn folder(target: &Target) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus")).join(target.name)
}

/// Reads the inputs to begin with of a target.
///
/// # Errors
/// The folder or a file in it cannot be read.
pub fn seeds(target: &Target) -> io::Result<Seeds> {
    let mut paths = fs::read_dir(folder(target))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    let texts = paths.iter().map(fs::read).collect::<io::Result<Vec<_>>>()?;
    let trees = texts
        .iter()
        .map(|text| tree::parse(target.language, text))
        .collect();
    Ok(Seeds { texts, trees })
}
