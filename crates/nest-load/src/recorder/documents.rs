//! What a recorder holds, as documents hold it.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Histogram as Hdr,
    serialization::{Serializer, V2DeflateSerializer},
};
use nest_data::measurement::{
    CountTally, Endpoint, ErrorCount, FailedExchange, Histogram, Outcome, ResponseClock,
};

use super::{Recorder, failures::FailedBody};

/// Quantiles that are given of each request.
const ENDPOINT_QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

impl Recorder {
    /// Errors by behaviour and kind.
    pub fn error_counts(&self, names: &[String]) -> Vec<ErrorCount> {
        self.errors
            .iter()
            .map(|((behaviour, kind), count)| ErrorCount {
                behaviour: names[*behaviour].clone(),
                kind: kind.clone(),
                count: *count,
            })
            .collect()
    }

    /// The kept failures.
    pub fn kept_failures(&self, names: &[String]) -> Vec<FailedExchange> {
        self.failures.documents(names)
    }

    /// The bodies of kept failures that the study says to keep.
    pub fn kept_bodies(&self, names: &[String]) -> Vec<FailedBody> {
        self.failures.bodies(names)
    }

    /// What executions added to counts, by behaviour and count; `counts` has the names of each behaviour's.
    /// Behaviours of which no execution completed are left out.
    pub fn counts(
        &self,
        names: &[String],
        counts: &[Vec<String>],
    ) -> BTreeMap<String, BTreeMap<String, CountTally>> {
        let mut documents = BTreeMap::new();
        for ((name, counts), record) in names.iter().zip(counts).zip(&self.behaviours) {
            let counted = counts.iter().cloned().zip(record.counted.iter().copied());
            let counted: BTreeMap<_, _> = counted.filter(|(_, tally)| tally.executions() > 0).collect();
            if !counted.is_empty() {
                documents.insert(name.clone(), counted);
            }
        }
        documents
    }

    /// The histograms as documents hold them.
    pub fn histograms(&self, names: &[String]) -> Vec<Histogram> {
        let kinds = [
            (ResponseClock::Due, Outcome::Ok),
            (ResponseClock::Due, Outcome::Failed),
            (ResponseClock::Sent, Outcome::Ok),
            (ResponseClock::Sent, Outcome::Failed),
        ];
        let mut documents = Vec::new();
        for (name, record) in names.iter().zip(&self.behaviours) {
            for ((clock, outcome), hdr) in kinds.into_iter().zip(&record.histograms) {
                if let Some(hdr) = hdr {
                    documents.push(Histogram {
                        behaviour: name.clone(),
                        clock,
                        outcome,
                        hdr: encode(hdr),
                    });
                }
            }
        }
        documents
    }

    /// The requests that were made, as documents hold them.
    pub fn endpoints(&self, names: &[String]) -> Vec<Endpoint> {
        let made = self.endpoints.iter().filter(|endpoint| endpoint.requests.due > 0);
        made.map(|endpoint| Endpoint {
            behaviour: names[endpoint.behaviour].clone(),
            name: endpoint.name.clone(),
            path: endpoint.path.clone(),
            requests: endpoint.requests,
            response_s: ENDPOINT_QUANTILES.map(|quantile| {
                let behaviour = &self.behaviours[endpoint.behaviour];
                let own = if behaviour.single {
                    behaviour.histograms[0].as_ref()
                } else {
                    endpoint.histogram.as_ref()
                };
                own.map_or(0.0, |hdr| hdr.value_at_quantile(quantile) as f64 / 1e6)
            }),
        })
        .collect()
    }
}

pub(super) fn encode(hdr: &Hdr<u64>) -> String {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(hdr, &mut bytes)
        .expect("writing to memory does not fail");
    STANDARD.encode(bytes)
}
