//! Fixtures that are made by editing a text: an edit that finds nothing is a mistake of the test.

/// Edits of a text.
pub trait Edit {
    /// The text with every `from` replaced.
    ///
    /// # Panics
    /// If the text does not hold `from`: the fixture would silently be another than the test says.
    fn edit(&self, from: &str, to: &str) -> String;
}

impl Edit for str {
    fn edit(&self, from: &str, to: &str) -> String {
        assert!(self.contains(from), "there is no `{from}` to replace in:\n{self}");
        self.replace(from, to)
    }
}
