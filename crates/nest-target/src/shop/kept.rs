//! Keeps the line of every request, for whoever wants to know what exactly customers sent.

/// Lines that are kept at most, so that a forgotten shop does not fill the memory.
const MOST_LINES: usize = 1_000_000;

/// The lines of requests, in the order in which they came: method, path with query, and body.
#[derive(Debug, Default)]
pub(crate) struct KeptLines(Vec<String>);

impl KeptLines {
    /// The lines so far.
    pub(crate) fn lines(&self) -> &[String] {
        &self.0
    }

    /// Keeps another one.
    pub(crate) fn keep(&mut self, line: String) {
        if self.0.len() < MOST_LINES {
            self.0.push(line);
        }
    }
}
