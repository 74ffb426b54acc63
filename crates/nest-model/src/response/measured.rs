//! Response times as they were measured: read from the histograms of a step.

use std::{collections::BTreeMap, io::Read};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::ZlibDecoder;
use hdrhistogram::serialization::Deserializer;
use nest_data::{
    measurement::{Outcome, ResponseClock, Step},
    scaling::QuantilePoint,
};

use crate::error::ModelError;

/// Quantiles that are fitted and shown.
pub const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// Bytes before the counts of an unpacked histogram.
const HDR_HEADER_BYTES: usize = 40;
/// Most bytes of counts: three digits over all microseconds of a day take less than a tenth of it.
const MOST_HDR_BYTES: u32 = 4 << 20;
/// Most significant digits.
const MOST_HDR_DIGITS: u32 = 3;
/// Upper half of the highest value: with it, values reach 200 years in microseconds.
const MOST_HDR_TOP: u32 = 1 << 21;

/// Histogram of one behaviour in one step; `None` if nothing was completed.
///
/// # Errors
/// [`ModelError::Histogram`] if the document's text is damaged.
pub fn histogram(step: &Step, behaviour: &str, clock: ResponseClock) -> Result<Option<Hdr>, ModelError> {
    let stored = step
        .histograms
        .iter()
        .find(|one| one.behaviour == behaviour && one.clock == clock && one.outcome == Outcome::Ok);
    let damaged = || ModelError::Histogram {
        behaviour: behaviour.to_owned(),
        step: step.plan.index,
    };
    let Some(stored) = stored else { return Ok(None) };
    let bytes = STANDARD.decode(&stored.hdr).map_err(|_| damaged())?;
    if !has_bounded_size(&bytes) {
        return Err(damaged());
    }
    let hdr = Deserializer::new()
        .deserialize::<u64, _>(&mut bytes.as_slice())
        .map_err(|_| damaged())?;
    Ok((!hdr.is_empty()).then_some(Hdr(hdr)))
}

/// Whether a histogram, once it is unpacked, has a size that ours can have. Its header says how much memory
/// is
/// taken for it; the layout is that of "V2 encoding" in HdrHistogram's `HistogramLogProcessor`.
fn has_bounded_size(bytes: &[u8]) -> bool {
    let mut header = [0; HDR_HEADER_BYTES];
    let Some(packed) = bytes.get(8..) else {
        return false;
    };
    if ZlibDecoder::new(packed).read_exact(&mut header).is_err() {
        return false;
    }
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let (counts_bytes, digits, highest_top) = (number(4), number(12), number(24));
    counts_bytes <= MOST_HDR_BYTES && digits <= MOST_HDR_DIGITS && highest_top <= MOST_HDR_TOP
}

/// All response times of one behaviour in one step. It keeps the type of the library out of public
/// signatures.
#[derive(Debug, Clone)]
pub struct Hdr(hdrhistogram::Histogram<u64>);

impl Hdr {
    /// A quantile (0-1) in seconds.
    #[must_use]
    pub fn quantile_s(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1e6
    }

    /// The mean in seconds.
    #[must_use]
    pub fn mean_s(&self) -> f64 {
        self.0.mean() / 1e6
    }

    /// The standard deviation in seconds.
    #[must_use]
    pub fn deviation_s(&self) -> f64 {
        self.0.stdev() / 1e6
    }

    /// How many response times there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }
}

/// Response times of one behaviour in one step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepResponse {
    /// Requests they are taken from, 1 or more.
    pub count: u64,
    /// Mean in seconds.
    pub mean_s: f64,
    /// Standard deviation in seconds.
    pub deviation_s: f64,
    /// [`QUANTILES`] in seconds.
    pub quantiles_s: [f64; 3],
}

/// Measured response times of every behaviour that completed something in a step, from the due time.
///
/// # Errors
/// [`ModelError::Histogram`] if the document's text is damaged.
pub fn responses(step: &Step, behaviours: &[String]) -> Result<BTreeMap<String, StepResponse>, ModelError> {
    let mut responses = BTreeMap::new();
    for behaviour in behaviours {
        let Some(hdr) = histogram(step, behaviour, ResponseClock::Due)? else {
            continue;
        };
        let quantiles_s = QUANTILES.map(|quantile| hdr.quantile_s(quantile));
        responses.insert(
            behaviour.clone(),
            StepResponse {
                count: hdr.count(),
                mean_s: hdr.mean_s(),
                deviation_s: hdr.deviation_s(),
                quantiles_s,
            },
        );
    }
    Ok(responses)
}

/// Measured response times as the quantiles that a model keeps.
#[must_use]
pub fn points(responses: &BTreeMap<String, StepResponse>) -> Vec<QuantilePoint> {
    let quantiles = |(behaviour, response): (&String, &StepResponse)| {
        let (behaviour, count) = (behaviour.clone(), response.count);
        std::iter::zip(QUANTILES, response.quantiles_s).map(move |(quantile, seconds)| QuantilePoint {
            behaviour: behaviour.clone(),
            quantile,
            seconds,
            count,
        })
    };
    responses.iter().flat_map(quantiles).collect()
}
