//! The query API of a Prometheus server: what is asked, and what its JSON says.

use nest_data::{
    study::probe::selector::Selection,
    study::probe::{Expression, Figure},
};
use serde_json::Value;

use crate::{
    http::fetch::Page,
    observe::{exposition::MetricSeries, trouble::Trouble},
};

/// How far back a counter's last sample may lie.
const LOOK_BACK: &str = "2m";

/// The requests that give one expression.
///
/// A counter that is plainly selected is asked for as a range, because its samples then come with the times
/// at which the server scraped them; an instant value comes with the time of the question, and hides that
/// nothing new was scraped.
#[must_use]
pub fn requests(server: &str, expression: &Expression, selection: Option<&Selection>) -> Vec<String> {
    match selection {
        Some(selection) if expression.figure != Figure::Memory && selection.minus.is_empty() => selection
            .plus
            .iter()
            .map(|selector| request(server, &format!("{selector}[{LOOK_BACK}]")))
            .collect(),
        _ => vec![request(server, &expression.text)],
    }
}

/// The request for the names of all metrics.
#[must_use]
pub fn names_request(server: &str) -> String {
    format!("{}/api/v1/label/__name__/values", server.trim_end_matches('/'))
}

fn request(server: &str, expression: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("query", expression)
        .finish();
    format!("{}/api/v1/query?{query}", server.trim_end_matches('/'))
}

/// Reads an answer: instant values, the last sample of each range, or a single number.
///
/// # Errors
/// [`Trouble`] if it is an error, only part of the answer, or no answer of such a server at all.
pub fn parse(page: &Page) -> Result<Vec<MetricSeries>, Trouble> {
    let odd = |what: &str| Trouble::Unreadable(format!("its answer {what}"));
    let answer: Value = match serde_json::from_str(&page.text) {
        Ok(answer) => answer,
        Err(_) if page.status != 200 => return Err(Trouble::Status(page.status)),
        Err(_) => return Err(odd("is no JSON")),
    };
    if answer["status"] != "success" {
        return Err(answer["error"]
            .as_str()
            .map_or(Trouble::Status(page.status), |error| {
                Trouble::Refused(error.to_owned())
            }));
    }
    if let Some(warning) = answer["warnings"].get(0).and_then(Value::as_str) {
        return Err(Trouble::Refused(format!("it warns that {warning}")));
    }
    let result = &answer["data"]["result"];
    match answer["data"]["resultType"].as_str() {
        Some("scalar") => {
            let (at_s, value) = number_at(result).ok_or_else(|| odd("holds no number"))?;
            Ok(vec![MetricSeries {
                name: String::new(),
                labels: Vec::new(),
                value,
                at_s: Some(at_s),
            }])
        }
        Some("vector" | "matrix") => result
            .as_array()
            .into_iter()
            .flatten()
            .map(series)
            .collect::<Option<_>>()
            .ok_or_else(|| odd("holds something else than numbers")),
        _ => Err(odd("holds no numbers")),
    }
}

/// One element of a vector or a matrix, with the last of its samples.
fn series(one: &Value) -> Option<MetricSeries> {
    let sample = if one["values"].is_array() {
        one["values"].as_array()?.last()?
    } else {
        &one["value"]
    };
    let (at_s, value) = number_at(sample)?;
    let mut labels: Vec<(String, String)> = one["metric"]
        .as_object()?
        .iter()
        .filter_map(|(label, value)| Some((label.clone(), value.as_str()?.to_owned())))
        .collect();
    labels.sort();
    let name = labels
        .iter()
        .position(|(label, _)| label == "__name__")
        .map(|index| labels.remove(index).1);
    Some(MetricSeries {
        name: name.unwrap_or_default(),
        labels,
        value,
        at_s: Some(at_s),
    })
}

/// A sample: its time in seconds since 1970, and its value.
fn number_at(sample: &Value) -> Option<(f64, f64)> {
    Some((sample[0].as_f64()?, sample[1].as_str()?.parse::<f64>().ok()?))
}

/// The names of all metrics, of an answer to [`names_request`]; none if it is no such answer.
#[must_use]
pub fn parse_names(text: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(text).unwrap_or_default();
    answer["data"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn read(status: u16, text: &str) -> Result<Vec<MetricSeries>, Trouble> {
        parse(&Page {
            status,
            text: text.to_owned(),
            at: Instant::now(),
        })
    }

    /// The answers are those of "HTTP API" in the documentation of Prometheus ("Expression queries"),
    /// shortened.
    #[test]
    fn documented_answers_are_read() {
        let vector = r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"__name__":"up","job":"prometheus","instance":"localhost:9090"},
             "value":[1435781451.781,"1"]},
            {"metric":{"__name__":"up","job":"node","instance":"localhost:9100"},
             "value":[1435781451.781,"0"]}]}}"#;
        let series = read(200, vector).expect("numbers");
        assert_eq!(
            (series[0].id().as_str(), series[0].value),
            ("up{instance=\"localhost:9090\",job=\"prometheus\"}", 1.0)
        );
        let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"__name__":"up","job":"node"},
             "values":[[1435781430.781,"3"],[1435781445.781,"4.5"]]}]}}"#;
        assert_eq!(
            read(200, matrix).map(|series| (series[0].value, series[0].at_s)),
            Ok((4.5, Some(1_435_781_445.781)))
        );
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1435781451.781,"NaN"]}}"#;
        assert!(read(200, scalar).expect("a number")[0].value.is_nan());
        assert_eq!(
            read(
                200,
                r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#
            ),
            Ok(Vec::new())
        );
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        let refused = r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\""}"#;
        assert_eq!(
            read(400, refused),
            Err(Trouble::Refused("invalid parameter \"query\"".into()))
        );
        assert_eq!(read(503, "Service Unavailable"), Err(Trouble::Status(503)));
        assert!(matches!(read(200, "<html>"), Err(Trouble::Unreadable(_))));
        let partial = r#"{"status":"success","warnings":["a store did not answer"],
            "data":{"resultType":"vector","result":[]}}"#;
        assert_eq!(
            read(200, partial),
            Err(Trouble::Refused("it warns that a store did not answer".into()))
        );
        let text = r#"{"status":"success","data":{"resultType":"string","result":[1,"x"]}}"#;
        assert!(matches!(read(200, text), Err(Trouble::Unreadable(_))));
    }

    #[test]
    fn counters_are_asked_for_with_the_times_of_their_samples() {
        let of = |figure, text: &str| {
            let expression = Expression {
                figure,
                text: text.to_owned(),
                needed: true,
            };
            requests("http://127.0.0.1:9090/", &expression, text.parse().ok().as_ref())
        };
        let base = "http://127.0.0.1:9090/api/v1/query?query=";
        assert_eq!(
            of(Figure::Cpu, "a{b=\"c\"} + d"),
            [
                format!("{base}a%7Bb%3D%22c%22%7D%5B2m%5D"),
                format!("{base}d%5B2m%5D")
            ]
        );
        assert_eq!(of(Figure::Memory, "a - b"), [format!("{base}a+-+b")]);
        assert_eq!(of(Figure::Cpu, "sum(a)"), [format!("{base}sum%28a%29")]);
        assert_eq!(
            parse_names(r#"{"status":"success","data":["a","b"]}"#),
            ["a", "b"]
        );
    }
}
