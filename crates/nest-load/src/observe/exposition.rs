//! The Prometheus text format, and OpenMetrics as far as the two agree: a page becomes series.

/// One series of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricSeries {
    /// Name of the metric.
    pub name: String,
    /// Its labels, sorted by name.
    pub labels: Vec<(String, String)>,
    /// Its value; it may be NaN or infinite.
    pub value: f64,
    /// When it was read, in seconds since 1970, if the page says so.
    pub at_s: Option<f64>,
}

/// A line that is neither a comment nor a series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no metric: {text:?}")]
pub struct BadLine {
    /// Its number, from 1.
    pub line: usize,
    /// How it starts.
    pub text: String,
}

/// Letters of a bad line that are shown.
const SHOWN: usize = 60;

impl MetricSeries {
    /// Name and labels in one text: `node_cpu_seconds_total{cpu="0",mode="user"}`.
    #[must_use]
    pub fn id(&self) -> String {
        let labels: Vec<String> = self
            .labels
            .iter()
            .map(|(label, value)| format!("{label}={value:?}"))
            .collect();
        if labels.is_empty() {
            self.name.clone()
        } else {
            format!("{}{{{}}}", self.name, labels.join(","))
        }
    }
}

/// Reads a page. Histograms and summaries come as the series they are written as (`x_bucket`, `x_sum`,
/// `x_count`).
///
/// # Errors
/// The first line that is not understood: half a page is not a page.
pub fn parse(page: &str) -> Result<Vec<MetricSeries>, BadLine> {
    // OpenMetrics ends with this line, and counts its times in seconds while the text format counts
    // milliseconds.
    let open_metrics = page.trim_end().ends_with("# EOF");
    let time_unit_s = if open_metrics { 1.0 } else { 1e-3 };
    let mut found = Vec::new();
    for (index, line) in page.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let bad = || BadLine {
            line: index + 1,
            text: line.chars().take(SHOWN).collect(),
        };
        found.push(parse_line(line, time_unit_s).ok_or_else(bad)?);
    }
    Ok(found)
}

fn parse_line(line: &str, time_unit_s: f64) -> Option<MetricSeries> {
    let (name, rest) = split_name(line);
    let (mut name, mut rest) = (name.to_owned(), rest.trim_start());
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        let (quoted_name, after) = parse_labels(inside, &mut labels)?;
        if let Some(quoted) = quoted_name {
            // A name with other letters than the old ones stands in quotes among the labels.
            name = name.is_empty().then_some(quoted)?;
        }
        rest = after;
    }
    if name.is_empty() || name.starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    labels.sort();
    // An exemplar may follow a bucket of OpenMetrics.
    let numbers = rest.split_once(" # ").map_or(rest, |(numbers, _)| numbers);
    let mut numbers = numbers.split_ascii_whitespace();
    let value = numbers.next()?.parse::<f64>().ok()?;
    let at_s = match numbers.next() {
        Some(time) => Some(time.parse::<f64>().ok().filter(|time| time.is_finite())? * time_unit_s),
        None => None,
    };
    numbers.next().is_none().then_some(MetricSeries {
        name,
        labels,
        value,
        at_s,
    })
}

/// Reads labels up to the closing brace; returns a name that stands among them, and what follows.
fn parse_labels<'a>(
    inside: &'a str,
    labels: &mut Vec<(String, String)>,
) -> Option<(Option<String>, &'a str)> {
    let (mut rest, mut name) = (inside.trim_start(), None);
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Some((name, after));
        }
        let (label, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let (label, after) = split_name(rest);
                (label.to_owned(), after)
            }
        };
        let after = after.trim_start();
        if let Some(value) = after.strip_prefix('=') {
            let (value, after) = unquote(value.trim_start().strip_prefix('"')?)?;
            if label.is_empty() || labels.iter().any(|(known, _)| *known == label) {
                return None;
            }
            labels.push((label, value));
            rest = after.trim_start();
        } else {
            if !rest.starts_with('"') || name.is_some() {
                return None;
            }
            name = Some(label);
            rest = after;
        }
        rest = match rest.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None => rest.starts_with('}').then_some(rest)?,
        };
    }
}

/// A text after its opening quote, and what follows the closing one.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next()? {
            '"' => return Some((value, letters.as_str())),
            '\\' => match letters.next()? {
                'n' => value.push('\n'),
                letter @ ('\\' | '"') => value.push(letter),
                // Others stand for themselves, as in the readers of Prometheus.
                letter => value.extend(['\\', letter]),
            },
            letter => value.push(letter),
        }
    }
}

fn split_name(text: &str) -> (&str, &str) {
    let end = text
        .find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_' || letter == ':'))
        .unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of "Text-based format" in the documentation of Prometheus ("Exposition formats"), with its
    /// own comments.
    const DOCUMENTED: &str = r#"# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9

# Minimalistic line:
metric_without_timestamp_and_labels 12.47

# A weird metric from before the epoch:
something_weird{problem="division by zero"} +Inf -3982045

# A histogram, which has a pretty complex representation in the text format:
# HELP http_request_duration_seconds A histogram of the request duration.
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{le="0.05"} 24054
http_request_duration_seconds_bucket{le="+Inf"} 144320
http_request_duration_seconds_sum 53423
http_request_duration_seconds_count 144320
"#;

    fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_documented_example_is_read() {
        let series = parse(DOCUMENTED).expect("a page");
        assert_eq!(series.len(), 9);
        assert_eq!(
            series[0],
            MetricSeries {
                name: "http_requests_total".into(),
                labels: labels(&[("code", "200"), ("method", "post")]),
                value: 1027.0,
                at_s: Some(1_395_066_363.0)
            }
        );
        assert_eq!(
            series[2].labels,
            labels(&[
                ("error", "Cannot find file:\n\"FILE.TXT\""),
                ("path", "C:\\DIR\\FILE.TXT")
            ])
        );
        assert_eq!((series[3].value, series[3].at_s), (12.47, None));
        assert_eq!(
            (series[4].value, series[4].at_s),
            (f64::INFINITY, Some(-3_982.045))
        );
        assert_eq!(
            (series[6].id().as_str(), series[6].value),
            ("http_request_duration_seconds_bucket{le=\"+Inf\"}", 144_320.0)
        );
    }

    #[test]
    fn open_metrics_counts_seconds_and_may_carry_exemplars() {
        let page = "# TYPE foo counter\nfoo_total{a=\"b\",} 17.0 1520879607.789 # {trace_id=\"x\"} 0.5\n\
         {\"my.metric\", a=\"b\"} NaN\n# EOF\n";
        let series = parse(page).expect("a page");
        assert_eq!((series[0].value, series[0].at_s), (17.0, Some(1_520_879_607.789)));
        assert!(
            series[1].name == "my.metric"
                && series[1].value.is_nan()
                && series[1].labels == labels(&[("a", "b")])
        );
    }

    #[test]
    fn what_is_no_metric_is_named_by_its_line() {
        assert_eq!(
            parse("a 1\n\n<html>\n"),
            Err(BadLine {
                line: 3,
                text: "<html>".into()
            })
        );
        for line in [
            "a",
            "a x",
            "a{",
            "a{b}",
            "a{b=c} 1",
            "a{b=\"c} 1",
            "a{b=\"c\"",
            "a 1 x",
            "a 1 2 3",
            "{a=\"b\"} 1",
            "a{b=\"1\" c=\"2\"} 1",
            "a{b=\"1\",b=\"2\"} 1",
            "9a 1",
            "a 1 NaN",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert_eq!(parse("# only a comment"), Ok(Vec::new()));
    }
}
