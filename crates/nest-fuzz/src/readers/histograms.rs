//! Histograms in a step, as HdrHistogram's V2 encoding in base64.

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::ZlibEncoder};
use nest_data::measurement::{ResponseClock, Step};
use nest_model::response;

/// A step whose histogram is replaced.
const STEP: &str = include_str!("../../../../fuzz/corpus/run_step/whole.json");
/// What the compressed V2 encoding begins with.
const COMPRESSED_V2: u32 = 0x1c84_9314;

/// The text of a histogram.
pub fn text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| read(text.to_owned()))
}

/// Header and counts of a histogram before they are compressed: a changed byte then is no damage that the
/// checksum tells.
pub fn counts(bytes: &[u8]) -> bool {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    let _ = packed.write_all(bytes);
    let packed = packed.finish().unwrap_or_default();
    let length = u32::try_from(packed.len()).unwrap_or(u32::MAX);
    let head = [COMPRESSED_V2.to_be_bytes(), length.to_be_bytes()].concat();
    read(STANDARD.encode([head, packed].concat()))
}

fn read(hdr: String) -> bool {
    let mut step: Step = serde_json::from_str(STEP).expect("the committed step");
    let mut behaviours = Vec::new();
    for histogram in &mut step.histograms {
        histogram.hdr.clone_from(&hdr);
        behaviours.push(histogram.behaviour.clone());
    }
    let read = response::histogram(&step, &behaviours[0], ResponseClock::Due);
    let _ = response::responses(&step, &behaviours);
    matches!(read, Ok(Some(_)))
}
