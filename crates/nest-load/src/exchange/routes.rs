//! How a request goes to the target: over the customer's own HTTP/1.1 or HTTP/2 connection, or by reqwest.

use std::borrow::Cow;

use bytes::Bytes;
use rand_xoshiro::Xoshiro256PlusPlus;
use url::Url;

use super::redirect::SentRequest;
use crate::{
    execute::{context::StepContext, customer::Customer},
    http::{
        HttpAnswer, NoAnswer, Receiver, USER_AGENT, WantedAnswer,
        compat::{FilledBody, FilledField, Outgoing},
        cookies::Visit,
        loss::Failed,
        origin::Origin,
    },
    script::{
        feeds::FeedRows,
        settings::ExchangeSettings,
        step::{MultipartField, RequestBody, ScriptStep},
        text::{TemplateValues, Text, write_number},
    },
};

/// Over the customer's own HTTP/1.1 connection. `before` is `random` as it is.
pub async fn over_http1(
    customer: &mut Customer,
    context: &StepContext,
    step: &ScriptStep,
    before: &Xoshiro256PlusPlus,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> Result<HttpAnswer, Failed> {
    let settings = &context.settings;
    if !customer.http1.is_ready() {
        customer
            .http1
            .open(&settings.origin, &context.state.last_good)
            .await?;
    }
    let path = {
        let mut out = context.state.buffers.outgoing.borrow_mut();
        out.clear();
        let mut values = TemplateValues {
            variables: &customer.variables,
            pages: &customer.pages,
            customer: customer.number,
            random,
            feeds: &settings.feeds,
            rows,
        };
        step.head.fill(&mut values, &mut out)?;
        let mut path = step.literal_path.as_deref().map(Cow::Borrowed);
        if step.own_cookies.is_some() || !customer.cookies.is_empty() {
            let path = path.get_or_insert_with(|| Cow::Owned(path_of(&out)));
            let (own, end) = (own_cookies(step, &mut values)?, out.len());
            let visit = visit(step, &settings.origin, path);
            customer.cookies.write_with(&own, visit, "cookie: ", &mut out);
            if out.len() > end {
                out.extend_from_slice(b"\r\n");
            }
        }
        write_body(step, &mut values, context, &mut out)?;
        path
    };
    let (wanted, host) = (wanted(step, settings), visit(step, &settings.origin, "").host);
    let receiver = match &path {
        Some(path) => Receiver::new(wanted, &mut customer.cookies, host, path),
        None => Receiver::without_path(wanted, &mut customer.cookies, host),
    };
    let mut receiver = receiver.telling(&customer.arrived);
    let known = context.state.known_head(step);
    let outcome = customer
        .http1
        .exchange(
            &context.state.buffers,
            step.method == "HEAD",
            known,
            &mut receiver,
        )
        .await;
    if receiver.asks_for_path() {
        let mut values = TemplateValues {
            variables: &customer.variables,
            pages: &customer.pages,
            customer: customer.number,
            random: &mut before.clone(),
            feeds: &settings.feeds,
            rows,
        };
        // The same comes out, as the path is what is drawn first.
        let mut path = Vec::new();
        step.path.fill(&mut values, &mut path)?;
        receiver.place(&String::from_utf8_lossy(&path));
    }
    outcome.map(|_| receiver.answer)
}

fn wanted<'a>(step: &'a ScriptStep, settings: &'a ExchangeSettings) -> WantedAnswer<'a> {
    WantedAnswer {
        body: step.wants_body,
        longest_body: settings.longest_body,
        fields: &step.wanted_fields,
        expect: &step.expect,
        bodies: Some(&settings.bodies),
    }
}

/// What the behaviour itself sends as cookies.
fn own_cookies(step: &ScriptStep, values: &mut TemplateValues<'_>) -> Result<Vec<u8>, NoAnswer> {
    let mut own = Vec::new();
    if let Some(cookies) = &step.own_cookies {
        cookies.fill(values, &mut own)?;
    }
    Ok(own)
}

/// Where a request goes, as far as cookies ask.
fn visit<'a>(step: &'a ScriptStep, origin: &'a Origin, path: &'a str) -> Visit<'a> {
    Visit {
        host: step.cookie_host.as_ref().unwrap_or(&origin.host),
        path,
        secure: origin.tls.is_some(),
    }
}

/// The request target in a head: what stands between the first two spaces.
fn path_of(head: &[u8]) -> String {
    let path = head.split(|byte| *byte == b' ').nth(1).unwrap_or(b"/");
    String::from_utf8_lossy(path).into_owned()
}

/// Ends the head, and writes the body with its length.
fn write_body(
    step: &ScriptStep,
    values: &mut TemplateValues<'_>,
    context: &StepContext,
    out: &mut Vec<u8>,
) -> Result<(), NoAnswer> {
    match &step.body {
        RequestBody::Text(text) => {
            let mut body = context.state.body.borrow_mut();
            body.clear();
            text.fill(values, &mut body)?;
            out.extend_from_slice(b"content-length: ");
            write_number(body.len() as i64, out);
            out.extend_from_slice(b"\r\n\r\n");
            out.extend_from_slice(&body);
        }
        // A method that usually has a body states that there is none: RFC 9110, section 8.6.
        RequestBody::None | RequestBody::Multipart(_)
            if step.method.starts_with('P') && matches!(step.method.as_ref(), "POST" | "PUT" | "PATCH") =>
        {
            out.extend_from_slice(b"content-length: 0\r\n\r\n")
        }
        RequestBody::None | RequestBody::Multipart(_) => out.extend_from_slice(b"\r\n"),
    }
    Ok(())
}

/// Path, headers and body filled in, for clients that take them apart.
struct Parts {
    path: String,
    own_cookies: Vec<u8>,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

fn parts(
    customer: &Customer,
    settings: &ExchangeSettings,
    step: &ScriptStep,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> Result<Parts, NoAnswer> {
    let mut values = TemplateValues {
        variables: &customer.variables,
        pages: &customer.pages,
        customer: customer.number,
        random,
        feeds: &settings.feeds,
        rows,
    };
    let mut text = |text: &Text| {
        let mut out = Vec::new();
        text.fill(&mut values, &mut out)?;
        Ok::<_, NoAnswer>(out)
    };
    let utf8 = |bytes: Vec<u8>| {
        String::from_utf8(bytes).map_err(|_| NoAnswer::new("request", "a header or the path is not UTF-8"))
    };
    let path = utf8(text(&step.path)?)?;
    let headers = step
        .headers
        .iter()
        .map(|(name, value)| Ok((name.clone(), utf8(text(value)?)?)))
        .collect::<Result<_, NoAnswer>>()?;
    let own_cookies = step.own_cookies.as_ref().map_or(Ok(Vec::new()), &mut text)?;
    let body = match &step.body {
        RequestBody::Text(body) => Some(text(body)?),
        RequestBody::None | RequestBody::Multipart(_) => None,
    };
    Ok(Parts {
        path,
        own_cookies,
        headers,
        body,
    })
}

pub async fn over_http2(
    customer: &mut Customer,
    context: &StepContext,
    step: &ScriptStep,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> Result<HttpAnswer, Failed> {
    let settings = &context.settings;
    customer
        .http2
        .get_or_insert_default()
        .ready(&settings.origin, &context.state.last_good)
        .await?;
    let Http2Request { head, path, body } = http2_request(customer, settings, step, random, rows)?;
    let mut receiver = Receiver::new(
        wanted(step, settings),
        &mut customer.cookies,
        visit(step, &settings.origin, &path).host,
        &path,
    )
    .telling(&customer.arrived);
    let connection = customer.http2.get_or_insert_default();
    connection.exchange(head, body, &mut receiver).await?;
    Ok(receiver.answer)
}

/// A request as HTTP/2 sends it.
struct Http2Request<'a> {
    head: http::Request<()>,
    path: Cow<'a, str>,
    body: Option<Bytes>,
}

/// A request as HTTP/2 sends it, with its path. One without anything to fill in is put together once and
/// copied.
fn http2_request<'a>(
    customer: &Customer,
    settings: &ExchangeSettings,
    step: &'a ScriptStep,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> Result<Http2Request<'a>, NoAnswer> {
    let (mut head, path, own, body) = match (step.prebuilt.get(), &step.literal_path) {
        (Some(prebuilt), Some(path)) => (prebuilt.clone(), Cow::Borrowed(path.as_str()), Vec::new(), None),
        _ => {
            let parts = parts(customer, settings, step, random, rows)?;
            let request = put_together(settings, step, &parts)?;
            if step.is_literal() {
                // Another worker may have been faster; its copy is the same.
                let _ = step.prebuilt.set(request.clone());
            }
            let body = parts.body.map(Bytes::from);
            (request, Cow::Owned(parts.path), parts.own_cookies, body)
        }
    };
    let mut line = Vec::new();
    let visit = visit(step, &settings.origin, &path);
    customer.cookies.write_with(&own, visit, "", &mut line);
    if !line.is_empty() {
        let value =
            http::header::HeaderValue::from_bytes(&line).map_err(|error| NoAnswer::new("request", error))?;
        head.headers_mut().insert(http::header::COOKIE, value);
    }
    Ok(Http2Request { head, path, body })
}

fn put_together(
    settings: &ExchangeSettings,
    step: &ScriptStep,
    parts: &Parts,
) -> Result<http::Request<()>, NoAnswer> {
    // HTTP/2 says in `:authority` what HTTP/1.1 says in `Host`: RFC 9113, section 8.3.1.
    let host = parts
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("host"));
    let authority = host.map_or(&settings.origin.authority, |(_, value)| value);
    let uri = format!("{}://{authority}{}", settings.origin.scheme, parts.path);
    let mut request = http::Request::builder()
        .method(step.method.as_ref())
        .version(http::Version::HTTP_2)
        .uri(uri);
    let given = |name: &str| {
        parts
            .headers
            .iter()
            .any(|(header, _)| header.eq_ignore_ascii_case(name))
    };
    for (name, value) in [("user-agent", USER_AGENT), ("accept", "*/*")]
        .into_iter()
        .filter(|(name, _)| !given(name))
    {
        request = request.header(name, value);
    }
    // What belongs to one connection of HTTP/1.1 has no place in HTTP/2: RFC 9113, section 8.2.2.
    for (name, value) in parts
        .headers
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("host") && !name.eq_ignore_ascii_case("connection"))
    {
        request = request.header(name, value);
    }
    request.body(()).map_err(|error| NoAnswer::new("request", error))
}

pub async fn over_compat(
    customer: &mut Customer,
    context: &StepContext,
    step: &ScriptStep,
    random: &mut Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> Result<HttpAnswer, Failed> {
    let settings = &context.settings;
    let parts = parts(customer, settings, step, random, rows)?;
    let body = match (&step.body, parts.body) {
        (RequestBody::Multipart(fields), _) => {
            FilledBody::Multipart(fill_fields(customer, settings, fields, random, rows)?)
        }
        (_, Some(bytes)) => FilledBody::Bytes(bytes),
        (_, None) => FilledBody::None,
    };
    let path = parts.path.clone();
    let outgoing = Outgoing {
        method: step.method.clone(),
        url: step
            .elsewhere
            .as_ref()
            .map_or_else(|| settings.origin.url(&parts.path), |url| url.to_string()),
        headers: parts.headers,
        own_cookies: parts.own_cookies,
        cookie_host: step.cookie_host.clone(),
        body,
    };
    let mut client = customer.compat.take().unwrap_or_default();
    let shared = customer.cookies.shared();
    let mut receiver = Receiver::new(
        wanted(step, settings),
        &mut customer.cookies,
        visit(step, &settings.origin, &path).host,
        &path,
    )
    .telling(&customer.arrived);
    let outcome = client
        .exchange(
            &settings.origin,
            &settings.compat,
            &shared,
            outgoing,
            &mut receiver,
        )
        .await;
    let answer = receiver.answer;
    customer.compat = Some(client);
    outcome.map(|()| answer)
}

/// A request as its step sends it, with everything filled in. `random` is as it was when it was filled in for
/// sending, so that the same comes out.
pub fn as_sent(
    customer: &Customer,
    settings: &ExchangeSettings,
    step: &ScriptStep,
    mut random: Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> Result<SentRequest, NoAnswer> {
    let parts = parts(customer, settings, step, &mut random, rows)?;
    let body = match (&step.body, parts.body) {
        (RequestBody::Multipart(fields), _) => {
            let filled = fill_fields(customer, settings, fields, &mut random, rows)?;
            RequestBody::Multipart(filled.into_iter().map(MultipartField::from).collect())
        }
        (_, Some(bytes)) => RequestBody::Text(Text::of_bytes(&bytes)),
        (_, None) => RequestBody::None,
    };
    let url = settings.origin.url(&parts.path).parse();
    Ok(SentRequest {
        method: step.method.clone().into_owned(),
        url: url.map_err(|error| NoAnswer::new("request", error))?,
        headers: parts.headers,
        own_cookies: parts.own_cookies,
        body,
    })
}

/// Where a request of a step goes, for links in its answer.
pub fn page(
    customer: &Customer,
    settings: &ExchangeSettings,
    step: &ScriptStep,
    mut random: Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> Option<Url> {
    // It could be filled in for sending, with the same values.
    let parts = parts(customer, settings, step, &mut random, rows).ok()?;
    settings.origin.url(&parts.path).parse().ok()
}

impl From<FilledField> for MultipartField {
    fn from(field: FilledField) -> Self {
        Self {
            name: field.name,
            value: Text::of_bytes(&field.value),
            file_name: field.file_name,
            content_type: field.content_type,
        }
    }
}

fn fill_fields(
    customer: &Customer,
    settings: &ExchangeSettings,
    fields: &[MultipartField],
    random: &mut Xoshiro256PlusPlus,
    rows: &mut FeedRows,
) -> Result<Vec<FilledField>, NoAnswer> {
    let mut values = TemplateValues {
        variables: &customer.variables,
        pages: &customer.pages,
        customer: customer.number,
        random,
        feeds: &settings.feeds,
        rows,
    };
    fields
        .iter()
        .map(|field| fill_field(field, &mut values))
        .collect()
}

fn fill_field(field: &MultipartField, values: &mut TemplateValues<'_>) -> Result<FilledField, NoAnswer> {
    let mut value = Vec::new();
    field.value.fill(values, &mut value)?;
    Ok(FilledField {
        name: field.name.clone(),
        value,
        file_name: field.file_name.clone(),
        content_type: field.content_type.clone(),
    })
}
