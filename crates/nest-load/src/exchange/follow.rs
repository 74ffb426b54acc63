//! Follows redirects: each is an exchange of its own, over the customer's own connection as far as it leads
//! to the target.

use std::{borrow::Cow, sync::OnceLock};

use rand_xoshiro::Xoshiro256PlusPlus;
use url::Url;

use super::{
    PendingRequest,
    problem::Problem,
    redirect::{SentRequest, Territory, is_redirect},
    routes, send, turn,
};
use crate::{
    clock::MonotonicTime,
    execute::{context::StepContext, customer::Customer},
    http::{HttpAnswer, NoAnswer},
    recorder::RequestPlace,
    script::{
        feeds::FeedRows,
        settings::ExchangeSettings,
        step::{NO_ENDPOINT, Route, ScriptStep, head, named_host},
        text::Text,
    },
};

/// The kind of redirects that cannot be followed.
const REDIRECT: &str = "redirect";

/// Sends a request, and follows its answer as far as it is a redirect, at most as often as the step allows.
/// Returns the last answer, and where redirects led, if there were some.
pub async fn follow(
    customer: &mut Customer,
    context: &StepContext,
    request: &PendingRequest<'_>,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> Result<(HttpAnswer, Option<Url>), Box<Problem>> {
    let (step, settings) = (request.step, &context.settings);
    let territory = Territory {
        origin: &settings.origin,
        allow_hosts: &settings.compat.allow_hosts,
    };
    let before = random.clone();
    let (mut followed, mut last) = (0, None);
    let mut answer = send(customer, context, step, &request.place, random, rows).await?;
    while let Some(location) = location(step, &answer) {
        if followed == step.redirects {
            return Err(refused(&mut answer, format!("more than {followed} redirects")));
        }
        let sent: SentRequest = match last.take() {
            Some(sent) => sent,
            None => routes::as_sent(customer, settings, step, before.clone(), rows)?,
        };
        let next = sent
            .redirected(answer.status, &location, territory)
            .map_err(|reason| refused(&mut answer, reason))?;
        let hop = hop(step, &next, territory, settings);
        count(context, request.place, &answer);
        turn::take(customer, context, request.place.phase)
            .await
            .map_err(|held| after_redirect(followed + 1, held))?;
        answer = send(customer, context, &hop, &request.place, random, rows)
            .await
            .map_err(|no_answer| after_redirect(followed + 1, no_answer))?;
        (followed, last) = (followed + 1, Some(next));
    }
    let page = last.filter(|_| step.gives_links).map(|sent| {
        // The target has the base URL's name for links, whatever name it gave itself.
        let own = territory.is_own(&sent.url, &sent.headers);
        let own = own
            .then(|| settings.origin.url(sent.target()).parse().ok())
            .flatten();
        own.unwrap_or(sent.url)
    });
    Ok((answer, page))
}

/// The request that follows a step which was answered with a redirect.
fn hop(
    step: &ScriptStep,
    sent: &SentRequest,
    territory: Territory<'_>,
    settings: &ExchangeSettings,
) -> ScriptStep {
    let own = territory.is_own(&sent.url, &sent.headers);
    let path = Text::literal(sent.target());
    let headers: Vec<(String, Text)> = sent
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), Text::literal(value)))
        .collect();
    let cookie_host = named_host(&headers);
    ScriptStep {
        endpoint: NO_ENDPOINT,
        name: step.name.clone(),
        head: head(&sent.method, &path, &headers, &settings.origin),
        route: if own {
            Route::of(&sent.body, &settings.origin, &settings.compat)
        } else {
            Route::Compat("redirect")
        },
        method: Cow::Owned(sent.method.clone()),
        path,
        headers,
        body: sent.body.clone(),
        literal_path: Some(sent.target().to_owned()),
        own_cookies: (!sent.own_cookies.is_empty()).then(|| Text::of_bytes(&sent.own_cookies)),
        cookie_host,
        think: None,
        timeout: step.timeout,
        expect: step.expect.clone(),
        contains: None,
        excludes: None,
        save: Vec::new(),
        counts: Vec::new(),
        wanted_fields: step.wanted_fields.clone(),
        wants_body: step.wants_body,
        redirects: 0,
        location: step.location,
        gives_links: false,
        elsewhere: (!own).then(|| sent.url.clone()),
        prebuilt: OnceLock::new(),
    }
}

/// Where an answer sends the client, if it does.
fn location(step: &ScriptStep, answer: &HttpAnswer) -> Option<String> {
    let field = step.location.filter(|_| is_redirect(answer.status))?;
    answer.fields().get(field)?.clone()
}

fn count(context: &StepContext, place: RequestPlace, answer: &HttpAnswer) {
    context.recorder.borrow_mut().request_redirected(
        &context.control,
        place,
        MonotonicTime::now(),
        answer.status,
        answer.bytes,
    );
}

/// A redirect that is not followed: its answer came, and counts.
fn refused(answer: &mut HttpAnswer, reason: String) -> Box<Problem> {
    Problem::with_answer(REDIRECT, reason, answer)
}

/// A request that brought no answer, after so many redirects. Where they led is the target's word, and may be
/// a secret.
fn after_redirect(followed: usize, no_answer: NoAnswer) -> Box<Problem> {
    let reason = format!("{}, after redirect {followed}", no_answer.reason);
    Problem::without_answer(no_answer.kind, reason)
}
