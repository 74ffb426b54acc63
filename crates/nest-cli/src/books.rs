//! Price books in layers: the ones in the binary, over them the repository's, over them the study's own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use nest_data::{PriceBook, Source, Study};

use crate::{
    failure::{Failure, INVALID},
    files::{StudyFolder, source},
};

/// A book that the binary carries.
macro_rules! shipped {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../pricing/", $name, ".toml")))
    };
}

/// Books that the binary carries, by name.
pub const SHIPPED: [(&str, &str); 13] = [
    shipped!("aws/eu-west-1"),
    shipped!("aws/us-east-1"),
    shipped!("azure/eastus"),
    shipped!("azure/westeurope"),
    shipped!("cloudflare/global"),
    shipped!("digitalocean/global"),
    shipped!("digitalocean/nyc1"),
    shipped!("fly/iad"),
    shipped!("gcp/europe-west1"),
    shipped!("gcp/europe-west2"),
    shipped!("gcp/us-central1"),
    shipped!("hetzner/eu"),
    shipped!("webtask/global"),
];

/// The books that the study's configurations name; one that is nowhere is left out, for the projection to say so.
pub fn for_study(folder: &StudyFolder, study: &Study) -> Result<Vec<PriceBook>, Failure> {
    let names: BTreeSet<&str> = study.configs.values().flat_map(|config| config.books()).collect();
    let shelf = Shelf::of_study(folder);
    names
        .into_iter()
        .filter_map(|name| shelf.find(name).transpose())
        .map(|book| book.map(|book| book.book))
        .collect()
}

/// Where books are looked up.
#[derive(Debug)]
pub struct Shelf {
    /// Folders whose books lie over the shipped ones, each over those before it.
    folders: Vec<PathBuf>,
}

/// A book, put together from its layers.
#[derive(Debug)]
pub struct Layered {
    /// The book.
    pub book: PriceBook,
    /// What it was put together from: `shipped`, then files.
    pub layers: Vec<String>,
}

impl Shelf {
    /// The shelf of a study.
    pub fn of_study(folder: &StudyFolder) -> Self {
        Self {
            folders: folder.pricing().into_iter().rev().collect(),
        }
    }

    /// The shelf of a study's folder, or of any other folder with its `pricing`.
    pub fn of_folder(path: &Path) -> Result<Self, Failure> {
        if path.is_file() || path.join("nest.toml").is_file() {
            return Ok(Self::of_study(&StudyFolder::new(path)?));
        }
        Ok(Self {
            folders: vec![path.join("pricing")],
        })
    }

    /// Only what is shipped.
    pub fn shipped() -> Self {
        Self { folders: Vec::new() }
    }

    /// Names of all books, in their order.
    pub fn names(&self) -> Result<Vec<String>, Failure> {
        let mut names: BTreeSet<String> = SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect();
        for folder in &self.folders {
            for (provider, path) in entries(folder)?.into_iter().filter(|(_, path)| path.is_dir()) {
                let files = entries(&path)?.into_iter().filter(|(_, path)| path.is_file());
                names.extend(files.filter_map(|(file, _)| {
                    file.strip_suffix(".toml")
                        .map(|region| format!("{provider}/{region}"))
                }));
            }
        }
        Ok(names.into_iter().collect())
    }

    /// A book; none where no layer has it.
    pub fn find(&self, name: &str) -> Result<Option<Layered>, Failure> {
        let shipped = SHIPPED
            .iter()
            .find(|(book, _)| *book == name)
            .map(|(_, text)| *text);
        let mut found = match shipped {
            Some(text) => Some(Layered {
                book: read(&Source::new(format!("(built in) {name}.toml"), text))?,
                layers: vec!["shipped".to_owned()],
            }),
            None => None,
        };
        for path in self
            .folders
            .iter()
            .map(|folder| folder.join(format!("{name}.toml")))
            .filter(|path| path.is_file())
        {
            let text = source(&path)?;
            // In the repository the files are what is shipped.
            if shipped == Some(text.text.as_str()) {
                continue;
            }
            let later = read(&text)?;
            if later.name() != name {
                return Err(
                    Failure::new(INVALID, format!("{} is a book of {}", text.name, later.name()))
                        .hint(format!("move it to {}.toml", later.name())),
                );
            }
            found = Some(match found {
                None => Layered {
                    book: later,
                    layers: vec![text.name],
                },
                Some(Layered { book, mut layers }) => {
                    layers.push(text.name.clone());
                    let book = book
                        .overlaid(&later)
                        .map_err(|error| Failure::new(INVALID, format!("{}: {error}", text.name)))?;
                    Layered { book, layers }
                }
            });
        }
        Ok(found)
    }

    /// All books.
    pub fn all(&self) -> Result<BTreeMap<String, Layered>, Failure> {
        let names = self.names()?;
        names
            .into_iter()
            .filter_map(|name| {
                self.find(&name)
                    .transpose()
                    .map(|book| book.map(|book| (name, book)))
            })
            .collect()
    }
}

/// Files and folders in a folder, with their names; none where it is not there.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let paths = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(paths
        .into_iter()
        .map(|path| {
            (
                path.file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                path,
            )
        })
        .collect())
}

fn read(text: &Source) -> Result<PriceBook, Failure> {
    PriceBook::read(text).map_err(|found| Failure::diagnostics(found, vec![text.clone()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_book_reads_and_is_called_what_it_is() {
        for (name, text) in SHIPPED {
            let book =
                PriceBook::read(&Source::new(name, text)).unwrap_or_else(|found| panic!("{name}: {found:?}"));
            assert_eq!(book.name(), name);
            assert!(!book.instance.is_empty() || !book.meter.is_empty());
            assert!(
                book.adjustment.is_empty(),
                "{name}: a contract is nobody's list price"
            );
        }
    }
}
