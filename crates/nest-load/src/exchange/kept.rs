//! What is kept of the first failed exchanges: which request it was, what was wrong, and facts about the
//! answer. Its body is kept only if the study says so, apart from everything else.

use super::{
    answer::{FailedAnswer, printed, readable},
    masking::{Masker, SHORTEST_SECRET, TextEnd},
    problem::Problem,
};
use crate::{
    execute::{context::StepContext, customer::Customer},
    http::KEPT_OF_REFUSED,
    recorder::{RequestPlace, failures::KeptFailure, windows::StepPhase},
    script::{feeds::FeedRows, settings::ExchangeSettings},
};

/// Longest reason that is kept, in characters.
const LONGEST_REASON: usize = 1_024;

/// Counts a failure, and keeps what may be kept of it if few of its kind are kept. `request` names the
/// request.
pub fn keep(
    customer: &Customer,
    context: &StepContext,
    place: RequestPlace,
    problem: &Problem,
    rows: &FeedRows,
    request: impl FnOnce() -> String,
) {
    if place.phase != StepPhase::Measured {
        return;
    }
    let mut recorder = context.recorder.borrow_mut();
    if !recorder.failed(place.behaviour, &problem.kind) {
        return;
    }
    let settings = &context.settings;
    let answer = problem.answer.as_ref();
    let kept = answer.filter(|_| settings.keep_bodies);
    recorder.keep_failure(KeptFailure {
        behaviour: place.behaviour,
        kind: problem.kind.clone(),
        request: request(),
        reason: masked_reason(&problem.reason, &values(customer, settings, rows)),
        answer: answer.map(|answer| answer.facts(&settings.digest_key)),
        body: kept.map(|answer| masked_body(answer, settings, &values(customer, settings, rows))),
    });
}

/// What may be a key or a password of this customer: what answers were saved from and set as cookies, and
/// what feeds gave. Of a long one no more is needed than texts are long in which it is looked for.
fn values(customer: &Customer, settings: &ExchangeSettings, rows: &FeedRows) -> Vec<Vec<u8>> {
    let saved = customer.variables.iter().flatten().map(|value| value.as_bytes());
    let cells = rows.cells(&settings.feeds).map(str::as_bytes);
    let secrets = settings.secrets.iter().map(String::as_bytes);
    let all = secrets
        .chain(saved)
        .chain(cells)
        .map(|value| start_of(value).to_vec());
    all.chain(customer.cookies.values())
        .filter(|value| value.len() >= SHORTEST_SECRET)
        .collect()
}

fn start_of(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(KEPT_OF_REFUSED)]
}

/// A reason is words of the study and of the program; whoever wrote a behaviour in code may have put more
/// into it.
fn masked_reason(reason: &str, values: &[Vec<u8>]) -> String {
    let start = start_of(reason.as_bytes());
    let is_whole = start.len() == reason.len();
    let masker = Masker::new(values.iter().map(Vec::as_slice));
    let masked = masker.masked(start, if is_whole { TextEnd::Whole } else { TextEnd::Cut });
    let text = printed(&String::from_utf8_lossy(&masked));
    text.chars().take(LONGEST_REASON).collect()
}

/// The start of a body. Secrets of the environment are masked however short they are.
fn masked_body(answer: &FailedAnswer, settings: &ExchangeSettings, values: &[Vec<u8>]) -> String {
    let (start, is_cut) = answer.start();
    let end = if is_cut { TextEnd::Cut } else { TextEnd::Whole };
    let secrets = settings.secrets.iter().map(String::as_bytes);
    let masker = Masker::new(secrets.chain(values.iter().map(Vec::as_slice)));
    match readable(&masker.masked(&start, end)) {
        Some(text) if !text.is_empty() || answer.is_empty() => text,
        _ => answer.outline(),
    }
}
