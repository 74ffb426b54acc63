//! Where price books are looked up: the study's own folder, the repository's, the ones in the binary.

use std::collections::BTreeSet;

use nest_data::{PriceBook, Source, Study};

use crate::{
    failure::Failure,
    files::{StudyFolder, source},
};

/// Books that the binary carries, by name.
const EMBEDDED: [(&str, &str); 2] =
    [("aws/us-east-1", include_str!("../../../pricing/aws/us-east-1.toml")), ("aws/eu-west-1", include_str!("../../../pricing/aws/eu-west-1.toml"))];

/// The books that the study's configurations name; one that is nowhere is left out, for the projection to say so.
pub fn for_study(folder: &StudyFolder, study: &Study) -> Result<Vec<PriceBook>, Failure> {
    let names: BTreeSet<&str> = study.configs.values().flat_map(|config| config.books()).collect();
    names.into_iter().filter_map(|name| find(folder, name).transpose()).map(|text| text.and_then(|text| read(&text))).collect()
}

fn find(folder: &StudyFolder, name: &str) -> Result<Option<Source>, Failure> {
    let file = format!("{name}.toml");
    if let Some(path) = folder.pricing().iter().map(|pricing| pricing.join(&file)).find(|path| path.is_file()) {
        return source(&path).map(Some);
    }
    let embedded = EMBEDDED.iter().find(|(book, _)| *book == name);
    Ok(embedded.map(|(book, text)| Source::new(format!("(built in) {book}.toml"), *text)))
}

fn read(text: &Source) -> Result<PriceBook, Failure> {
    PriceBook::read(text).map_err(|found| Failure::diagnostics(found, vec![text.clone()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_book_reads_and_is_called_what_it_is() {
        for (name, text) in EMBEDDED {
            let book = PriceBook::read(&Source::new(name, text)).unwrap_or_else(|found| panic!("{name}: {found:?}"));
            assert_eq!(book.name(), name);
            assert!(!book.instance.is_empty() && !book.meter.is_empty());
        }
    }
}
