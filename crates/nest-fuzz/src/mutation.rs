//! Makes inputs out of those to begin with.
//!
//! - `bytes`: bits, bytes and ranges; `lines`: whole lines; `tokens`: words and numbers, and what is put in
//!   their place; [`tree`]: values and keys of TOML and JSON

mod bytes;
mod lines;
mod tokens;
pub mod tree;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::{corpus::Seeds, target::Language};

/// Most bytes of an input.
pub const MOST_BYTES: usize = 64 << 10;
/// Odd number near 2^64 / golden ratio: neighbouring indices get streams that have nothing in common.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The random numbers that an input is made with.
pub type Random = Xoshiro256PlusPlus;

/// The input of an index: an input to begin with as it is for the first indices, a changed one for others.
///
/// # Panics
/// If there are no inputs to begin with.
#[must_use]
pub fn input(seeds: &Seeds, language: Language, seed: u64, index: u64) -> Vec<u8> {
    let whole = usize::try_from(index)
        .ok()
        .and_then(|index| seeds.texts.get(index));
    if let Some(text) = whole {
        return text.clone();
    }
    let mut random = Random::seed_from_u64(seed ^ index.wrapping_mul(GOLDEN));
    let number = random.random_range(0..seeds.texts.len());
    let grown = seeds.trees[number]
        .as_ref()
        .filter(|_| random.random_bool(0.8))
        .and_then(|tree| tree::mutated(tree, &seeds.trees, language, &mut random));
    // What is well formed goes deeper into a reader, so most of it is left alone.
    let rounds = match &grown {
        Some(_) if random.random_bool(0.8) => 0,
        _ => 1 + random.random_range(0..4) * random.random_range(0..3),
    };
    let mut text = grown.unwrap_or_else(|| seeds.texts[number].clone());
    for _ in 0..rounds {
        let other = &seeds.texts[random.random_range(0..seeds.texts.len())];
        change(&mut text, other, language, &mut random);
        text.truncate(MOST_BYTES);
    }
    text
}

/// Changes a text in one place or a few.
fn change(text: &mut Vec<u8>, other: &[u8], language: Language, random: &mut Random) {
    let kind = match language {
        Language::Bytes => random.random_range(0..4),
        _ => random.random_range(2..12),
    };
    match kind {
        0..=3 => bytes::change(text, other, random),
        4..=5 => lines::change(text, random),
        _ => tokens::change(text, other, random),
    }
}

/// A range of a text that is not empty; `None` if there is none.
fn range(length: usize, longest: usize, random: &mut Random) -> Option<std::ops::Range<usize>> {
    if length == 0 {
        return None;
    }
    let start = random.random_range(0..length);
    let most = (length - start).min(longest);
    Some(start..start + random.random_range(1..=most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(texts: &[&str], language: Language) -> Seeds {
        Seeds {
            texts: texts.iter().map(|text| text.as_bytes().to_vec()).collect(),
            trees: texts
                .iter()
                .map(|text| tree::parse(language, text.as_bytes()))
                .collect(),
        }
    }

    #[test]
    fn an_index_gives_the_same_input_each_time_and_others_give_others() {
        let seeds = seeds(&["a = 1\nb = \"x\"\n", "c = [1, 2]\n"], Language::Toml);
        let made = |seed: u64| -> Vec<Vec<u8>> {
            (0..500)
                .map(|index| input(&seeds, Language::Toml, seed, index))
                .collect()
        };
        let first = made(1);
        assert_eq!(first, made(1));
        assert_ne!(first, made(2));
        assert_eq!(first[1], b"c = [1, 2]\n");
        let different: std::collections::BTreeSet<_> = first.iter().collect();
        assert!(different.len() > 300, "{} of 500", different.len());
    }

    #[test]
    fn no_input_is_longer_than_the_bound() {
        let long = "k = 1\n".repeat(1_300);
        let seeds = seeds(&[&long], Language::Lines);
        for index in 0..300 {
            assert!(input(&seeds, Language::Lines, 7, index).len() <= MOST_BYTES);
        }
    }

    #[test]
    fn most_changed_trees_are_still_toml_or_json() {
        for (language, text) in [
            (
                Language::Toml,
                "day = 2026-01-01\n[a]\nb = [1.5, { c = \"2\" }]\n",
            ),
            (Language::Json, r#"{"a": [1, {"b": "2"}], "c": null}"#),
        ] {
            let seeds = seeds(&[text], language);
            let inputs = (1..1_000).map(|index| input(&seeds, language, 3, index));
            let whole = inputs
                .filter(|text| tree::parse(language, text).is_some())
                .count();
            assert!((400..999).contains(&whole), "{language:?}: {whole} of 999");
        }
    }
}
