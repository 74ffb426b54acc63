//! The Python files that a locustfile may be made of.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{Folder, bounded::TEXT_BYTES};

/// Most files, and deepest folder. Our choice: beyond that it is an environment, and no locustfile.
const MOST_FILES: usize = 500;
const DEEPEST: usize = 5;
/// Folders of tools, besides hidden ones and environments.
const TOOLS: [&str; 4] = ["__pycache__", "node_modules", "runs", "reports"];

/// SHA-256 of every Python file in the folder of a locustfile, or in a folder of models, hexadecimal, by its
/// path from the study's folder.
///
/// # Errors
/// What the system says.
pub fn hashes_of_python(study: &Folder, file: &str) -> io::Result<BTreeMap<String, String>> {
    let path = Path::new(file);
    let top = match path.parent() {
        Some(parent) if file.ends_with(".py") => parent.to_owned(),
        _ => path.to_owned(),
    };
    let mut found = BTreeMap::new();
    let mut next = vec![(top, 0)];
    while let Some((path, depth)) = next.pop() {
        let folder = if path.as_os_str().is_empty() {
            study.clone()
        } else {
            study.folder(&path)?
        };
        if folder.has("pyvenv.cfg") {
            continue;
        }
        for name in folder.names()? {
            let inner: PathBuf = path.join(&name);
            if name.ends_with(".py") && found.len() < MOST_FILES {
                let hash: String = Sha256::digest(folder.read(&name, TEXT_BYTES)?)
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                found.insert(inner.display().to_string(), hash);
            } else if depth < DEEPEST
                && !name.starts_with('.')
                && !TOOLS.contains(&name.as_str())
                && folder.folder(&name).is_ok()
            {
                next.push((inner, depth + 1));
            }
        }
    }
    Ok(found)
}
