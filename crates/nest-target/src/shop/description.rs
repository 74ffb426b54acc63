//! Texts about items, and the tokens that a language model would have used for them.

use crate::TokenUsage;

/// Tokens of the instructions that begin every prompt.
const INSTRUCTIONS: u64 = 1_200;
/// Tokens of the instructions that a model takes from its cache: models cache the beginning of a prompt in
/// blocks of 128 tokens, from 1,024 on.
const CACHED: u64 = 1_152;
/// One item in so many is asked for when the cache has forgotten the instructions.
const FORGOTTEN: u32 = 4;

/// A text of so many words that says what is known of an item, again and again.
pub(crate) fn write(item: &str, words: usize) -> String {
    let repeated = item.split_whitespace().cycle().take(words);
    repeated.collect::<Vec<_>>().join(" ")
}

/// Tokens for a text of `words` words about item `id`, of which `item` is known.
pub(crate) fn usage(id: u32, item: &str, words: usize) -> TokenUsage {
    TokenUsage {
        prompt: INSTRUCTIONS + tokens(item.split_whitespace().count()),
        cached: if id.is_multiple_of(FORGOTTEN) { 0 } else { CACHED },
        completion: tokens(words),
    }
}

/// Tokens of so many words: three words are about four tokens.
fn tokens(words: usize) -> u64 {
    (words * 4).div_ceil(3) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_follow_from_the_request_alone() {
        let item = "A plain chair of oak.";
        assert_eq!(write(item, 7), "A plain chair of oak. A plain");
        let used = usage(7, item, 60);
        assert_eq!((used.prompt, used.cached, used.completion), (1_207, 1_152, 80));
        assert_eq!(usage(8, item, 61).cached, 0);
        assert_eq!(usage(8, item, 61).completion, 82);
    }
}
