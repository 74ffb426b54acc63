//! A closed recorder as it goes from one machine to another, and back. Nothing is lost on the way: recorders
//! that went over merge as those that stayed, count by count.

use std::{collections::BTreeMap, io::Read, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::ZlibDecoder;
use hdrhistogram::{Histogram as Hdr, serialization::Deserializer};
use nest_data::measurement::{CountTally, Counts, Resends};
use serde::{Deserialize, Serialize};

use super::{
    BehaviourRecord, EndpointOutline, EndpointRecord, LONGEST_US, MOST_NAMES, Recorder, StepOutline,
    WindowRecord, documents::encode, failures::KeptFailure, gaps::GapMeter, held::HeldRequests,
    level::LevelMeter, new_histogram, silence::Silence, tally::RunningTally,
};
use crate::schedule::checksum::ScheduleChecksum;

/// Most bytes of the counts of a histogram, before they are compressed: of our bounds there are 23,552
/// counts of 9 bytes at most.
const MOST_HDR_BYTES: u32 = 256 << 10;
/// Bytes that stand before the counts of a histogram.
///
/// Source: HdrHistogram, `AbstractHistogram.java`, encoding V2.
const HDR_HEADER: usize = 40;
/// Significant digits of our histograms.
const HDR_DIGITS: u32 = 3;

/// A closed recorder as it goes from one machine to another.
#[derive(Debug, Serialize, Deserialize)]
pub struct RecorderParts {
    behaviours: Vec<BehaviourParts>,
    windows: Vec<WindowRecord>,
    settling: Counts,
    schedule: ScheduleChecksum,
    lateness: HdrText,
    clock: HdrText,
    gaps: GapMeter,
    held: HeldRequests,
    active: LevelMeter,
    in_flight: LevelMeter,
    lost_connections: u64,
    unanswered_connects: u64,
    panics: u64,
    queued: u64,
    statuses: BTreeMap<u16, u64>,
    silence: Option<Silence>,
    endpoints: Vec<EndpointParts>,
    errors: Vec<ErrorParts>,
    failures: Vec<KeptFailure>,
}

#[derive(Debug, Serialize, Deserialize)]
struct BehaviourParts {
    executions: Counts,
    requests: Counts,
    redirected: u64,
    resends: Resends,
    counted: Vec<CountTally>,
    histograms: [Option<HdrText>; 4],
}

#[derive(Debug, Serialize, Deserialize)]
struct EndpointParts {
    behaviour: usize,
    name: String,
    path: Option<String>,
    requests: Counts,
    histogram: Option<HdrText>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ErrorParts {
    behaviour: usize,
    kind: String,
    count: u64,
}

/// A histogram: HdrHistogram V2 with DEFLATE, base64.
#[derive(Debug, Serialize, Deserialize)]
struct HdrText(String);

/// Why parts are not those of a recorder of the same behaviours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartsError {
    /// A histogram cannot be read, or has other bounds.
    #[error("a histogram cannot be read")]
    Histogram,
    /// There are more or fewer of something, or one that is not known.
    #[error("its {0} are not those of this step")]
    Shape(&'static str),
}

impl HdrText {
    fn of(hdr: &Hdr<u64>) -> Self {
        Self(encode(hdr))
    }

    fn read(&self) -> Result<Hdr<u64>, PartsError> {
        let bytes = STANDARD.decode(&self.0).map_err(|_| PartsError::Histogram)?;
        if !is_ours(&bytes) {
            return Err(PartsError::Histogram);
        }
        let read: Hdr<u64> = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|_| PartsError::Histogram)?;
        let mut hdr = new_histogram();
        hdr.add(read).map_err(|_| PartsError::Histogram)?;
        Ok(hdr)
    }
}

/// Whether a histogram has our bounds, so that reading it takes no more memory than one of ours.
fn is_ours(bytes: &[u8]) -> bool {
    let mut header = [0; HDR_HEADER];
    let inflated = bytes.get(8..).map(|rest| ZlibDecoder::new(rest).read_exact(&mut header));
    if !matches!(inflated, Some(Ok(()))) {
        return false;
    }
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let highest = u64::from(number(24)) << 32 | u64::from(number(28));
    number(4) <= MOST_HDR_BYTES && number(12) == HDR_DIGITS && highest == LONGEST_US
}

fn read_optional(text: Option<&HdrText>) -> Result<Option<Hdr<u64>>, PartsError> {
    text.map(HdrText::read).transpose()
}

impl Recorder {
    /// The parts of a recorder that was closed.
    pub fn into_parts(self) -> RecorderParts {
        let behaviour = |record: BehaviourRecord| BehaviourParts {
            executions: record.executions,
            requests: record.requests,
            redirected: record.redirected,
            resends: record.resends,
            counted: record.counted,
            histograms: record.histograms.map(|hdr| hdr.as_ref().map(HdrText::of)),
        };
        let endpoint = |record: EndpointRecord| EndpointParts {
            behaviour: record.behaviour,
            name: record.name,
            path: record.path,
            requests: record.requests,
            histogram: record.histogram.as_ref().map(HdrText::of),
        };
        let error = |((behaviour, kind), count)| ErrorParts {
            behaviour,
            kind,
            count,
        };
        RecorderParts {
            behaviours: self.behaviours.into_iter().map(behaviour).collect(),
            windows: self.windows,
            settling: self.settling,
            schedule: self.schedule,
            lateness: HdrText::of(&self.lateness),
            clock: HdrText::of(&self.clock),
            gaps: self.gaps,
            held: self.held,
            active: self.active,
            in_flight: self.in_flight,
            lost_connections: self.lost_connections,
            unanswered_connects: self.unanswered_connects,
            panics: self.panics,
            queued: self.queued,
            statuses: self.statuses,
            silence: self.silence.longest().cloned(),
            endpoints: self.endpoints.into_iter().map(endpoint).collect(),
            errors: self.errors.into_iter().map(error).collect(),
            failures: self.failures.into_kept(),
        }
    }

    /// The recorder that had these parts, of a step with this outline and so many windows.
    ///
    /// # Errors
    /// [`PartsError`] if they are those of other behaviours, or damaged.
    pub fn of_parts(parts: RecorderParts, outline: StepOutline, windows: usize) -> Result<Self, PartsError> {
        let mut recorder = Self::new(outline, windows);
        recorder.take_windows(parts.windows)?;
        recorder.take_behaviours(parts.behaviours)?;
        recorder.take_endpoints(parts.endpoints)?;
        let behaviours = recorder.behaviours.len();
        let is_known = |behaviour: usize| behaviour < behaviours;
        if !parts.errors.iter().all(|error| is_known(error.behaviour)) {
            return Err(PartsError::Shape("errors"));
        }
        if !parts.failures.iter().all(|failure| is_known(failure.behaviour)) {
            return Err(PartsError::Shape("failures"));
        }
        if parts.silence.as_ref().is_some_and(|silence| silence.open.len() != behaviours) {
            return Err(PartsError::Shape("silences"));
        }
        recorder.errors = parts
            .errors
            .into_iter()
            .map(|error| ((error.behaviour, error.kind), error.count))
            .collect();
        parts
            .failures
            .into_iter()
            .for_each(|failure| recorder.failures.keep(failure));
        recorder.silence.set_longest(parts.silence);
        recorder.settling = parts.settling;
        recorder.schedule = parts.schedule;
        recorder.lateness = parts.lateness.read()?;
        recorder.clock = parts.clock.read()?;
        recorder.gaps = parts.gaps;
        recorder.held = parts.held;
        recorder.active = parts.active;
        recorder.in_flight = parts.in_flight;
        recorder.lost_connections = parts.lost_connections;
        recorder.unanswered_connects = parts.unanswered_connects;
        recorder.panics = parts.panics;
        recorder.queued = parts.queued;
        recorder.statuses = parts.statuses;
        Ok(recorder)
    }

    /// A recorder of which only counts are known: what became of a worker that was lost. What was due and
    /// had not ended has failed with kind `kind`, as have those failures whose own kinds went with it.
    pub fn of_counts(
        outline: StepOutline,
        windows: usize,
        tally: &RunningTally,
        kind: &str,
    ) -> Self {
        let mut recorder = Self::new(outline, windows);
        recorder.settling = tally.settling;
        recorder.settling.cut();
        let records = recorder.behaviours.iter_mut().zip(&tally.behaviours);
        for (index, (record, tally)) in records.enumerate() {
            (record.executions, record.requests) = (tally.executions, tally.requests);
            record.executions.cut();
            record.requests.cut();
            for (kind, count) in [(kind, record.executions.failed), ("dropped", record.executions.dropped)] {
                if count > 0 {
                    recorder.errors.insert((index, kind.to_owned()), count);
                }
            }
        }
        recorder
    }

    fn take_windows(&mut self, windows: Vec<WindowRecord>) -> Result<(), PartsError> {
        let behaviours = self.behaviours.len();
        let fits = |window: &WindowRecord| {
            window.completed.len() == behaviours && window.begun.len() == behaviours
        };
        if windows.len() != self.windows.len() || !windows.iter().all(fits) {
            return Err(PartsError::Shape("windows"));
        }
        self.windows = windows;
        Ok(())
    }

    fn take_behaviours(&mut self, behaviours: Vec<BehaviourParts>) -> Result<(), PartsError> {
        if behaviours.len() != self.behaviours.len() {
            return Err(PartsError::Shape("behaviours"));
        }
        for (record, parts) in self.behaviours.iter_mut().zip(behaviours) {
            if parts.counted.len() != record.counted.len() {
                return Err(PartsError::Shape("counts"));
            }
            record.executions = parts.executions;
            record.requests = parts.requests;
            record.redirected = parts.redirected;
            record.resends = parts.resends;
            record.counted = parts.counted;
            for (hdr, text) in record.histograms.iter_mut().zip(&parts.histograms) {
                *hdr = read_optional(text.as_ref())?;
            }
        }
        Ok(())
    }

    fn take_endpoints(&mut self, endpoints: Vec<EndpointParts>) -> Result<(), PartsError> {
        let behaviours = self.behaviours.len();
        let of_files = endpoints.iter().zip(&self.endpoints);
        let is_same = of_files
            .clone()
            .all(|(theirs, mine)| theirs.behaviour == mine.behaviour && theirs.name == mine.name);
        let most = self.of_files + behaviours * (MOST_NAMES + 1);
        let are_known = endpoints.iter().all(|endpoint| endpoint.behaviour < behaviours);
        if of_files.count() < self.of_files || !is_same || endpoints.len() > most || !are_known {
            return Err(PartsError::Shape("requests"));
        }
        self.endpoints = endpoints
            .into_iter()
            .map(|parts| {
                let histogram = read_optional(parts.histogram.as_ref())?;
                let mut endpoint = EndpointRecord::new(EndpointOutline {
                    behaviour: parts.behaviour,
                    name: parts.name,
                    path: parts.path,
                });
                (endpoint.requests, endpoint.histogram) = (parts.requests, histogram);
                Ok(endpoint)
            })
            .collect::<Result<_, _>>()?;
        Ok(())
    }
}

impl Serialize for GapMeter {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.lost().as_nanos() as u64, self.longest().as_nanos() as u64).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for GapMeter {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (lost, longest) = Deserialize::deserialize(deserializer)?;
        Ok(Self::of(Duration::from_nanos(lost), Duration::from_nanos(longest)))
    }
}

#[cfg(test)]
mod tests;
