//! Counts of a request made ready to run.

use super::capture::Captor;
use crate::{http::HttpAnswer, recorder::counted::Amount};

/// Something that a request adds to a count of its behaviour.
#[derive(Debug)]
pub struct RequestCount {
    /// Index among the counts of the behaviour.
    pub count: usize,
    pub source: AmountSource,
}

/// Where an amount comes from.
#[derive(Debug)]
pub enum AmountSource {
    Constant(f64),
    Read(Captor),
}

impl RequestCount {
    /// Whether it looks at the body.
    pub fn wants_body(&self) -> bool {
        matches!(&self.source, AmountSource::Read(captor) if captor.wants_body())
    }

    /// What an answer as expected adds.
    pub fn amount(&self, answer: &HttpAnswer) -> Amount {
        match &self.source {
            AmountSource::Constant(amount) => Amount::Known(*amount),
            AmountSource::Read(captor) => match captor.take(answer.body(), answer.fields()) {
                Ok(text) => text.trim().parse().map_or(Amount::NotANumber, Amount::of),
                Err(_) => Amount::Missing,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{http::KeptParts, script::capture::JsonPath};

    fn read(source: Captor, body: &str, fields: Vec<Option<String>>) -> Amount {
        let count = RequestCount {
            count: 0,
            source: AmountSource::Read(source),
        };
        let kept = KeptParts {
            body: body.into(),
            fields,
            ..KeptParts::default()
        };
        let answer = HttpAnswer {
            kept: Some(Box::new(kept)),
            ..HttpAnswer::default()
        };
        count.amount(&answer)
    }

    #[test]
    fn what_is_no_number_is_told_from_what_is_not_there() {
        let tokens = || Captor::Json(JsonPath::parse("$.usage.tokens").expect("a path"));
        for (body, amount) in [
            (r#"{"usage":{"tokens":12}}"#, Amount::Known(12.0)),
            (r#"{"usage":{"tokens":0}}"#, Amount::Known(0.0)),
            (r#"{"usage":{"tokens":"7.5"}}"#, Amount::Known(7.5)),
            (r#"{"usage":{"tokens":-1}}"#, Amount::NotANumber),
            (r#"{"usage":{"tokens":"many"}}"#, Amount::NotANumber),
            (r#"{"usage":{"tokens":true}}"#, Amount::NotANumber),
            (r#"{"usage":{"tokens":null}}"#, Amount::Missing),
            (r#"{"usage":{}}"#, Amount::Missing),
            ("<html>", Amount::Missing),
        ] {
            assert_eq!(read(tokens(), body, Vec::new()), amount, "{body}");
        }
        let field = |value: Option<&str>| read(Captor::Field(0), "", vec![value.map(str::to_owned)]);
        assert_eq!(field(Some(" 3 ")), Amount::Known(3.0));
        assert_eq!(field(Some("three")), Amount::NotANumber);
        assert_eq!(field(None), Amount::Missing);
    }
}
