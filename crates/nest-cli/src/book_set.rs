//! Price books in layers: the built-in ones, then the repository's, then the study's own. A later layer takes
//! precedence.

mod book_folder;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

use nest_data::{PriceBook, Source, Study, study::check::prices::misfits};

use self::book_folder::BookFolder;
use crate::{
    command_error::{CommandError, INVALID},
    files::{Folder, StudyFolder, cannot},
    printer::talk,
};

/// A book that the binary carries.
macro_rules! shipped {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../pricing/", $name, ".toml")))
    };
}

/// Books that the binary carries, by name.
pub const SHIPPED: [(&str, &str); 35] = [
    shipped!("aws/eu-central-1"),
    shipped!("aws/eu-west-1"),
    shipped!("aws/global"),
    shipped!("aws/us-east-1"),
    shipped!("aws/us-west-2"),
    shipped!("azure/eastus"),
    shipped!("azure/global"),
    shipped!("azure/westeurope"),
    shipped!("azure/westus"),
    shipped!("cloudflare/global"),
    shipped!("digitalocean/global"),
    shipped!("digitalocean/nyc1"),
    shipped!("fly/iad"),
    shipped!("gcp/europe-west1"),
    shipped!("gcp/europe-west2"),
    shipped!("gcp/us-central1"),
    shipped!("hetzner/eu"),
    shipped!("hetzner/sin"),
    shipped!("hetzner/us"),
    shipped!("llm/amazon-bedrock"),
    shipped!("llm/anthropic"),
    shipped!("llm/cohere"),
    shipped!("llm/deepseek"),
    shipped!("llm/google"),
    shipped!("llm/groq"),
    shipped!("llm/mistral"),
    shipped!("llm/moonshot"),
    shipped!("llm/openai"),
    shipped!("llm/xai"),
    shipped!("ovhcloud/eu"),
    shipped!("railway/global"),
    shipped!("render/global"),
    shipped!("scaleway/fr-par-1"),
    shipped!("vercel/global"),
    shipped!("webtask/global"),
];

/// Where price books are looked up.
#[derive(Debug)]
pub struct BookSet {
    /// Folders with books, each taking precedence over those before it and over the built-in books.
    folders: Vec<BookFolder>,
}

/// A price book, put together from its layers.
#[derive(Debug)]
pub struct LayeredBook {
    /// The book.
    pub book: PriceBook,
    /// What it was put together from, in ascending precedence: `shipped` for the built-in book, then files.
    pub layers: Vec<String>,
    /// What looks wrong in the user's own prices, in sentences.
    pub doubts: Vec<String>,
}

impl BookSet {
    /// The books of a study.
    pub fn of_study(folder: &StudyFolder) -> Result<Self, CommandError> {
        let shared = folder.shared_books()?.map(BookFolder::new);
        let own = BookFolder::below(folder.root_of_books());
        Ok(Self {
            folders: shared.into_iter().chain([own]).collect(),
        })
    }

    /// The books of a study's folder, or of any other folder with its `pricing`.
    pub fn of_folder(path: &Path) -> Result<Self, CommandError> {
        if path.is_file() || path.join("nest.toml").is_file() {
            return Self::of_study(&StudyFolder::new(path)?);
        }
        let root = match Folder::open(path) {
            Ok(root) => Some(root),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(cannot("open", path, error)),
        };
        Ok(Self {
            folders: root.into_iter().map(BookFolder::below).collect(),
        })
    }

    /// Only the built-in books.
    pub fn shipped() -> Self {
        Self { folders: Vec::new() }
    }

    /// The books that the configurations of a study name; whatever they ask of them and these do not sell is
    /// refused, and so is a price book that lies where none is looked for.
    pub fn of_configs(folder: &StudyFolder, study: &Study) -> Result<Vec<PriceBook>, CommandError> {
        let set = Self::of_study(folder)?;
        set.check_places()?;
        let layered = set.used_by(study)?;
        for doubt in layered.iter().flat_map(|layered| &layered.doubts) {
            talk(&format!("warning: {doubt}"));
        }
        let books: Vec<PriceBook> = layered.into_iter().map(|layered| layered.book).collect();
        let misfits = misfits(study, &books, &set.names()?);
        if misfits.is_empty() {
            Ok(books)
        } else {
            Err(CommandError::diagnostics(misfits, vec![folder.nest_text()?]))
        }
    }

    /// Refuses price books that lie where none is looked for: beside the folders of providers, or under
    /// another name than their own. Their prices would be ignored without a word.
    fn check_places(&self) -> Result<(), CommandError> {
        for folder in &self.folders {
            for (name, path) in folder.entries()? {
                if path.is_file() && name.ends_with(".toml") {
                    return Err(CommandError::new(
                        INVALID,
                        format!(
                            "{} lies beside the folders of providers, where no price book is looked for",
                            path.display()
                        ),
                    )
                    .hint(format!(
                        "move it to {}",
                        folder.path().join("PROVIDER").join("REGION.toml").display()
                    )));
                }
            }
        }
        for folder in &self.folders {
            for (provider, regions) in folder.regions()? {
                for region in regions {
                    let name = format!("{provider}/{region}");
                    let Some(text) = folder.text(&name)? else {
                        continue;
                    };
                    let own = book_of(&text.text);
                    if let Some(own) = own.filter(|own| *own != name) {
                        let message = format!("{} contains the book {own}", text.name);
                        return Err(
                            CommandError::new(INVALID, message).hint(format!("move it to {own}.toml"))
                        );
                    }
                }
            }
        }
        Ok(())
    }

    /// The books that the configurations of a study name, without a look at what they ask of them.
    pub fn books_of(&self, study: &Study) -> Result<Vec<PriceBook>, CommandError> {
        Ok(self
            .used_by(study)?
            .into_iter()
            .map(|layered| layered.book)
            .collect())
    }

    fn used_by(&self, study: &Study) -> Result<Vec<LayeredBook>, CommandError> {
        let names: BTreeSet<&str> = study.configs.values().flat_map(|config| config.books()).collect();
        names
            .into_iter()
            .filter_map(|name| self.find(name).transpose())
            .collect()
    }

    /// Names of all books, in alphabetical order.
    pub fn names(&self) -> Result<Vec<String>, CommandError> {
        let mut names: BTreeSet<String> = SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect();
        for folder in &self.folders {
            for (provider, regions) in folder.regions()? {
                names.extend(regions.into_iter().map(|region| format!("{provider}/{region}")));
            }
        }
        Ok(names.into_iter().collect())
    }

    /// A book by its name; `None` if no layer has it.
    pub fn find(&self, name: &str) -> Result<Option<LayeredBook>, CommandError> {
        let built_in = SHIPPED.iter().find(|(book, _)| *book == name);
        let mut found = built_in.map(|(_, text)| shipped_book(name, text)).transpose()?;
        for folder in &self.folders {
            let Some(text) = folder.text(name)? else {
                continue;
            };
            // In the repository, these files are the built-in books themselves.
            if built_in.is_some_and(|(_, shipped)| *shipped == text.text) {
                continue;
            }
            found = Some(layered(found, &text, name)?);
        }
        Ok(found)
    }

    /// All books by name.
    pub fn all(&self) -> Result<BTreeMap<String, LayeredBook>, CommandError> {
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

/// The book that a file says it is, from its first lines; `None` if they do not say.
fn book_of(text: &str) -> Option<String> {
    let value = |key: &str| {
        let mut head = text
            .lines()
            .take_while(|line| !line.trim_start().starts_with('['));
        let line = head.find_map(|line| {
            line.trim_start()
                .strip_prefix(key)?
                .trim_start()
                .strip_prefix('=')
        })?;
        Some(line.trim().trim_matches(['"', '\'']).to_owned())
    };
    Some(format!("{}/{}", value("provider")?, value("region")?))
}

fn shipped_book(name: &str, text: &str) -> Result<LayeredBook, CommandError> {
    Ok(LayeredBook {
        book: read(&Source::new(format!("(built in) {name}.toml"), text))?,
        layers: vec!["shipped".to_owned()],
        doubts: Vec::new(),
    })
}

/// The book called `name` in `text`, on top of what was found `below` it.
fn layered(below: Option<LayeredBook>, text: &Source, name: &str) -> Result<LayeredBook, CommandError> {
    let above = read(text)?;
    if above.name() != name {
        let message = format!("{} contains the book {}", text.name, above.name());
        return Err(CommandError::new(INVALID, message).hint(format!("move it to {}.toml", above.name())));
    }
    let Some(LayeredBook {
        book,
        mut layers,
        mut doubts,
    }) = below
    else {
        return Ok(LayeredBook {
            book: above,
            layers: vec![text.name.clone()],
            doubts: Vec::new(),
        });
    };
    layers.push(text.name.clone());
    doubts.extend(far_prices(&text.name, &above, &book));
    doubts.extend(
        above
            .odd_rows(&book)
            .into_iter()
            .map(|odd| format!("{}: {odd}", text.name)),
    );
    let book = book
        .overlaid(&above)
        .map_err(|error| CommandError::new(INVALID, format!("{}: {error}", text.name)))?;
    let idle = PriceBook::idle_adjustments(text, &book);
    if idle.is_empty() {
        Ok(LayeredBook { book, layers, doubts })
    } else {
        Err(CommandError::diagnostics(idle, vec![text.clone()]))
    }
}

/// Own prices that are far from those below them, in sentences.
pub fn far_prices<'b>(
    file: &'b str,
    own: &'b PriceBook,
    below: &'b PriceBook,
) -> impl Iterator<Item = String> + 'b {
    own.far_prices(below)
        .into_iter()
        .map(move |(name, price, listed)| {
            format!(
                "{file}: {name} costs {price} {}, but {listed} in the built-in book. Check the decimal point",
                own.currency
            )
        })
}

fn read(text: &Source) -> Result<PriceBook, CommandError> {
    PriceBook::read(text).map_err(|found| CommandError::diagnostics(found, vec![text.clone()]))
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
