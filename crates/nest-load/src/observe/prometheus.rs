//! A tier by metrics: from a page in the text format, or by asking a Prometheus server.

use std::{collections::BTreeMap, time::Instant};

use nest_data::{
    study::Probe,
    study::probe::selector::Selection,
    study::probe::{Expression, Figure},
};

use crate::{
    error::LoadError,
    http::fetch::{Fetcher, Page},
    observe::{
        exposition::{self, MetricSeries},
        overlap::first_overlap,
        query,
        sample::{CounterPoint, ProbeReading},
        trouble::Trouble,
    },
};

/// Names that are suggested if a metric is not there.
const OFFERED: usize = 3;

/// Where and what one probe reads.
#[derive(Debug)]
pub struct MetricsEndpoint {
    probe: String,
    /// Tier it belongs to.
    pub tier: String,
    address: String,
    server: bool, // a Prometheus server, not a page
    asked: Vec<AskedFigure>,
    start: Instant,
}

/// One figure with the requests that give it.
#[derive(Debug)]
struct AskedFigure {
    expression: Expression,
    selection: Option<Selection>, // none for PromQL beyond selectors
    requests: Vec<String>,
}

/// A fetched page, or why there is none.
pub type PageAnswer = Result<Page, String>;

impl MetricsEndpoint {
    /// The endpoint of a checked probe; `start` is where its own times count from.
    #[must_use]
    pub fn new(name: &str, probe: &Probe, start: Instant) -> Self {
        let server = probe.query.is_some();
        let address = probe
            .query
            .clone()
            .or_else(|| probe.scrape.clone())
            .unwrap_or_default();
        let asked = |expression: Expression| {
            let selection = expression.text.parse::<Selection>().ok();
            let requests = if server {
                query::requests(&address, &expression, selection.as_ref())
            } else {
                vec![address.clone()]
            };
            AskedFigure {
                expression,
                selection,
                requests,
            }
        };
        let asked = probe.expressions().into_iter().map(asked).collect();
        Self {
            probe: name.to_owned(),
            tier: probe.tier.clone(),
            address,
            server,
            asked,
            start,
        }
    }

    /// The addresses that a sample fetches, each once.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let mut requests: Vec<String> = self
            .asked
            .iter()
            .flat_map(|asked| asked.requests.clone())
            .collect();
        requests.sort();
        requests.dedup();
        requests
    }

    /// The figures that are read.
    pub fn figures(&self) -> impl Iterator<Item = Figure> {
        self.asked.iter().map(|asked| asked.expression.figure.clone())
    }

    /// Reads everything once. Figures that are offered by a preset and not there are not asked for again.
    ///
    /// # Errors
    /// [`LoadError::Probe`] if nothing answers or a needed metric is absent, with what to do.
    pub fn check(&mut self, fetcher: &Fetcher) -> Result<(), LoadError> {
        let answers = self.answers(fetcher.fetch(&self.requests()));
        let mut present = Vec::new();
        for asked in std::mem::take(&mut self.asked) {
            match self.series(&asked, &answers) {
                Ok(_) => present.push(asked),
                Err(Absence::NoSeries) if !asked.expression.needed => {}
                Err(absence) => return Err(self.error(&asked, &absence, &answers, fetcher)),
            }
        }
        self.asked = present;
        Ok(())
    }

    /// What a sample's answers say: a reading for each figure, missing if it was not there.
    #[must_use]
    pub fn readings(&self, answers: Vec<PageAnswer>) -> Vec<(Figure, ProbeReading)> {
        let answers = self.answers(answers);
        let reading = |asked: &AskedFigure| match self.series(asked, &answers) {
            Ok(points) => ProbeReading::Known {
                points,
                breaks: (0, String::new()),
            },
            Err(absence) => ProbeReading::Missing(absence.note(self, asked)),
        };
        self.asked
            .iter()
            .map(|asked| (asked.expression.figure.clone(), reading(asked)))
            .collect()
    }

    /// Each answer, read as far as its kind allows.
    fn answers(&self, answers: Vec<PageAnswer>) -> BTreeMap<String, Result<Vec<MetricSeries>, Trouble>> {
        let read = |answer: PageAnswer| {
            let page = answer.map_err(Trouble::NoAnswer)?;
            let own_s = page.at.saturating_duration_since(self.start).as_secs_f64();
            if self.server {
                return query::parse(&page);
            }
            if page.status != 200 {
                return Err(Trouble::Status(page.status));
            }
            let mut series =
                exposition::parse(&page.text).map_err(|bad| Trouble::Unreadable(bad.to_string()))?;
            series
                .iter_mut()
                .for_each(|series| series.at_s = series.at_s.or(Some(own_s)));
            Ok(series)
        };
        self.requests()
            .into_iter()
            .zip(answers.into_iter().map(read))
            .collect()
    }

    /// The series of one figure, with what is taken away below zero.
    fn series(
        &self,
        asked: &AskedFigure,
        answers: &BTreeMap<String, Result<Vec<MetricSeries>, Trouble>>,
    ) -> Result<BTreeMap<String, CounterPoint>, Absence> {
        let mut points = BTreeMap::new();
        for request in &asked.requests {
            let series = match answers.get(request) {
                Some(Ok(series)) => series,
                Some(Err(trouble)) => return Err(Absence::Trouble(trouble.clone())),
                None => return Err(Absence::NoSeries),
            };
            self.refuse_overlap(asked, series)?;
            for one in series {
                let Some(sign) = self.sign(asked, one) else {
                    continue;
                };
                let id = one.id();
                if !one.value.is_finite() {
                    return Err(Absence::NoNumber { id, value: one.value });
                }
                let point = CounterPoint {
                    value: sign * one.value,
                    at_s: one.at_s.unwrap_or(0.0),
                };
                if points.insert(id.clone(), point).is_some() && !self.server {
                    return Err(Absence::Twice { id });
                }
            }
        }
        if points.is_empty() {
            Err(Absence::NoSeries)
        } else {
            Ok(points)
        }
    }

    /// Series that one selector picks are added up, so none may contain another. Whoever writes two selectors
    /// with a plus between them has looked.
    fn refuse_overlap(&self, asked: &AskedFigure, series: &[MetricSeries]) -> Result<(), Absence> {
        let Some(selection) = &asked.selection else {
            return Ok(());
        };
        for selector in selection.plus.iter().chain(&selection.minus) {
            let picked: Vec<&MetricSeries> = series
                .iter()
                .filter(|one| selector.picks(&one.name, &one.labels))
                .collect();
            if let Some((whole, part)) = first_overlap(&picked) {
                let (whole, part) = (whole.id(), part.id());
                return Err(Absence::Overlap { whole, part });
            }
        }
        Ok(())
    }

    /// Whether a series counts, is taken away, or is another one. What a server answers, it has picked
    /// itself.
    fn sign(&self, asked: &AskedFigure, series: &MetricSeries) -> Option<f64> {
        let selection = match &asked.selection {
            Some(selection) if !self.server => selection,
            _ => return Some(1.0),
        };
        let is_picked = |selectors: &[nest_data::study::probe::selector::Selector]| {
            selectors
                .iter()
                .any(|selector| selector.picks(&series.name, &series.labels))
        };
        if is_picked(&selection.plus) {
            return Some(1.0);
        }
        is_picked(&selection.minus).then_some(-1.0)
    }

    fn error(
        &self,
        asked: &AskedFigure,
        absence: &Absence,
        answers: &BTreeMap<String, Result<Vec<MetricSeries>, Trouble>>,
        fetcher: &Fetcher,
    ) -> LoadError {
        let (probe, key) = (&self.probe, if self.server { "query" } else { "scrape" });
        let remedy = match absence {
            Absence::Trouble(Trouble::Refused(_)) => format!("correct `collect` of [probes.{probe}]"),
            Absence::Trouble(_) => format!("start what serves it, or correct `{key}` of [probes.{probe}]"),
            Absence::NoSeries => match self.nearest(asked, answers, fetcher).join(", ") {
                near if near.is_empty() => format!("correct `collect` of [probes.{probe}]"),
                near => format!("correct `collect` of [probes.{probe}]: nearest there are {near}"),
            },
            Absence::NoNumber { .. } | Absence::Twice { .. } => {
                format!("pick other series in `collect` of [probes.{probe}]")
            }
            Absence::Overlap { .. } => format!(
                "pick one of them by its labels in `only` or `collect` of [probes.{probe}], or add them with \
                 `+` if the first really lies beside the second"
            ),
        };
        LoadError::Probe {
            reason: format!("probe `{probe}`: {}; {remedy}", absence.text(self, asked)),
        }
    }

    /// What is there and looks most like a metric that is not: other series of its name, or other names.
    fn nearest(
        &self,
        asked: &AskedFigure,
        answers: &BTreeMap<String, Result<Vec<MetricSeries>, Trouble>>,
        fetcher: &Fetcher,
    ) -> Vec<String> {
        let selectors = asked
            .selection
            .iter()
            .flat_map(|selection| selection.plus.iter().chain(&selection.minus));
        let Some(wanted) = selectors.filter_map(|selector| selector.name()).next() else {
            return Vec::new();
        };
        let here: Vec<&MetricSeries> = answers.values().flatten().flatten().collect();
        let same: Vec<String> = here
            .iter()
            .filter(|series| series.name == wanted)
            .map(|series| series.id())
            .take(OFFERED)
            .collect();
        if !same.is_empty() {
            return same;
        }
        let mut names: Vec<String> = if self.server {
            let listed = fetcher.fetch(&[query::names_request(&self.address)]).pop();
            listed
                .and_then(Result::ok)
                .map(|page| query::parse_names(&page.text))
                .unwrap_or_default()
        } else {
            here.iter().map(|series| series.name.clone()).collect()
        };
        names.sort();
        names.dedup();
        names.sort_by_key(|name| strsim::damerau_levenshtein(name, wanted));
        names.truncate(OFFERED);
        names
    }
}

/// Why a figure has no value.
#[derive(Debug, Clone, PartialEq)]
enum Absence {
    Trouble(Trouble),
    NoSeries,
    NoNumber { id: String, value: f64 },
    Twice { id: String },
    Overlap { whole: String, part: String },
}

impl Absence {
    /// What windows keep of it: nothing that the endpoint itself says, which may be anything.
    fn note(&self, endpoint: &MetricsEndpoint, asked: &AskedFigure) -> String {
        let (address, expression) = (&endpoint.address, &asked.expression.text);
        let text = match self {
            Self::Trouble(Trouble::Unreadable(_)) => format!("{address} gives no metrics"),
            Self::Trouble(Trouble::Refused(_)) => format!("{address} does not answer `{expression}`"),
            Self::NoNumber { .. } => format!("a series of `{expression}` is no number at {address}"),
            Self::Twice { .. } => format!("a series of `{expression}` is there twice at {address}"),
            Self::Overlap { .. } => {
                format!("`{expression}` picks series that do not add up at {address}")
            }
            Self::Trouble(_) | Self::NoSeries => self.text(endpoint, asked),
        };
        format!("{}: {text}", endpoint.tier)
    }

    fn text(&self, endpoint: &MetricsEndpoint, asked: &AskedFigure) -> String {
        let (address, expression) = (&endpoint.address, &asked.expression.text);
        match self {
            Self::Trouble(Trouble::NoAnswer(why)) => format!("no answer from {address}: {why}"),
            Self::Trouble(Trouble::Status(status)) => format!("{address} answered with status {status}"),
            Self::Trouble(Trouble::Unreadable(why)) => format!("{address} gives no metrics: {why}"),
            Self::Trouble(Trouble::Refused(why)) => {
                format!("{address} does not answer `{expression}`: {why}")
            }
            Self::NoSeries => format!("`{expression}` is not at {address}"),
            Self::NoNumber { id, value } => format!("{id} is {value} at {address}"),
            Self::Twice { id } => format!("{id} is there twice at {address}"),
            Self::Overlap { whole, part } => {
                format!("`{expression}` picks {whole} and also {part}, which do not add up, at {address}")
            }
        }
    }
}
