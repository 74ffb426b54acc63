//! The fuzzer's corpus, and as many inputs as fit in a few seconds.

use std::{fs, path::Path};

use crate::{answers::Answers, cuts::check};

/// Inputs of any kind: half of them from the grammar, half made of the corpus.
const INPUTS: usize = 200_000;

#[test]
fn any_bytes_are_read_or_refused_however_they_are_cut() {
    let corpus = corpus();
    assert!(corpus.len() > 100, "the corpus of the fuzzer is missing");
    corpus.iter().for_each(|bytes| drop(check(bytes)));
    let mut answers = Answers::new(2);
    for number in 0..INPUTS {
        let bytes = if number % 2 == 0 {
            answers.answer()
        } else {
            mutant(&corpus, &mut answers)
        };
        drop(check(&bytes));
    }
}

/// An input of the corpus with changes, perhaps with the end of another.
fn mutant(corpus: &[Vec<u8>], answers: &mut Answers) -> Vec<u8> {
    let some = |answers: &mut Answers| corpus[answers.number() as usize % corpus.len()].clone();
    let mut bytes = some(answers);
    if answers.happens(0.2) {
        bytes.truncate(answers.number() as usize % (bytes.len() + 1));
        bytes.extend_from_slice(&some(answers));
    }
    answers.change(&mut bytes);
    bytes
}

/// What the fuzzer has found worth keeping.
fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/answer");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the corpus is there")
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| fs::read(file).expect("readable"))
        .collect()
}
