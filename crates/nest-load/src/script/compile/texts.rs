//! Compiles templates: a value is written by the place where it stands.

use nest_data::{
    behaviour::Request,
    study::behaviour::template::{Template, TemplatePart},
};

use super::Compiler;
use crate::{
    error::LoadError,
    script::{
        body_place::BodyPlace,
        text::{Escape, Text},
    },
};

impl Compiler<'_> {
    /// Path and query of a request. A value within them is one part of a path or query. One that they begin
    /// with is a link that an answer or a feed gave. One that was saved and is all of the path but its
    /// first `/` may hold several parts.
    pub fn address(&self, template: &str) -> Result<Text, LoadError> {
        let origin = &self.sources.origin;
        let template = parsed(template);
        let (mut text, rest) = match template.segments() {
            [TemplatePart::Literal(slash), TemplatePart::Variable(name)] if slash == "/" => {
                let mut text = Text::literal(&format!("{}/", origin.prefix));
                text.push_variable(self.variable(name).unwrap_or(usize::MAX), Escape::Path);
                return Ok(text);
            }
            [first, rest @ ..] if !matches!(first, TemplatePart::Literal(_)) => {
                let base = format!("{}://{}{}/", origin.scheme, origin.authority, origin.prefix);
                // The prefix may hold a secret.
                let url = format!("{}://{}", origin.scheme, origin.authority);
                let base = base.parse().map_err(|_| LoadError::BaseUrl { url })?;
                let mut link = Text::default();
                self.push(first, Escape::None, &mut link)?;
                let mut text = Text::default();
                text.push_link(link, base);
                (text, rest)
            }
            segments => (Text::literal(&origin.prefix), segments),
        };
        for segment in rest {
            match segment {
                TemplatePart::Literal(literal) => text.push(&Escape::Path.apply(literal)),
                value => self.push(value, Escape::Component, &mut text)?,
            }
        }
        Ok(text)
    }

    /// A body that is stated as a text. Its `Content-Type` says how values stand in it.
    pub fn plain_body(&self, step: &Request, body: &str) -> Result<Text, LoadError> {
        let template = parsed(body);
        let mut place = BodyPlace::of(step);
        let mut text = Text::default();
        let is_whole = template.segments().len() == 1;
        for segment in template.segments() {
            match segment {
                TemplatePart::Literal(literal) => {
                    place.pass(literal);
                    text.push(literal.as_bytes());
                }
                value if is_whole => self.push(value, Escape::None, &mut text)?,
                value => self.push(value, place.escape(), &mut text)?,
            }
        }
        Ok(text)
    }

    pub fn text(&self, template: &str, escape: Escape) -> Result<Text, LoadError> {
        let mut text = Text::default();
        for segment in parsed(template).segments() {
            self.push(segment, escape, &mut text)?;
        }
        Ok(text)
    }

    /// Adds one piece of a template.
    fn push(&self, segment: &TemplatePart, escape: Escape, text: &mut Text) -> Result<(), LoadError> {
        match segment {
            TemplatePart::Literal(literal) => text.push(&escape.apply(literal)),
            TemplatePart::Variable(name) => {
                text.push_variable(self.variable(name).unwrap_or(usize::MAX), escape)
            }
            TemplatePart::Int(low, high) => text.push_int(*low, *high),
            TemplatePart::Pick(choices) => text.push_pick(choices, escape),
            TemplatePart::Customer => text.push_customer(),
            TemplatePart::Feed { feed, column } => {
                let feeds = &self.sources.feeds;
                let index = feeds.iter().position(|reader| reader.name() == feed);
                let reader = index.and_then(|index| feeds.get(index));
                let column = reader.and_then(|reader| reader.column(column));
                text.push_feed(index.unwrap_or(usize::MAX), column.unwrap_or(usize::MAX), escape);
            }
            TemplatePart::Env(variable) => text.push(&escape.apply(self.secret(variable, escape)?)),
        }
        Ok(())
    }

    fn secret(&self, variable: &str, escape: Escape) -> Result<&str, LoadError> {
        let (behaviour, variable) = (self.behaviour, variable.to_owned());
        match self.sources.secrets.get(&variable) {
            Some(secret)
                if escape == Escape::Header && secret.bytes().any(|byte| byte.is_ascii_control()) =>
            {
                let behaviour = behaviour.to_owned();
                Err(LoadError::SecretUnfit { behaviour, variable })
            }
            Some(secret) => Ok(secret),
            None => Err(LoadError::SecretMissing {
                reader: format!("behaviour `{behaviour}`"),
                variable,
            }),
        }
    }
}

/// The variable with which a path begins, if it begins with one.
pub fn link_of(path: &str) -> Option<String> {
    match parsed(path).segments() {
        [TemplatePart::Variable(name), ..] => Some(name.clone()),
        _ => None,
    }
}

fn parsed(template: &str) -> Template {
    template.parse().expect("read_study accepts only valid templates")
}
