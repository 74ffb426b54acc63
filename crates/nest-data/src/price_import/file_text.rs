//! The text of a price file out of its bytes: packed with gzip, with a byte order mark, in UTF-16, or as
//! Excel saves it.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::diagnostic::{Diagnostic, Source};

/// Largest text that comes out of a packed file: 4 GiB. The largest list of a vendor for one region has some
/// hundred MiB.
const MOST_BYTES: u64 = 4 << 30;
/// How many times its packed bytes a file may hold. Price lists of the vendors come to about 30.
const MOST_TIMES: u64 = 100;
/// Bytes that a small packed file may hold in any case.
const UNPACKED_BYTES: u64 = 64 << 20;

/// First bytes of files that hold no plain text, with what they are and what to do.
const OTHER_FORMATS: [(&[u8], &str, &str); 8] = [
    (
        b"PK\x03\x04",
        "a ZIP archive or an Excel workbook",
        "unpack the archive, or save the workbook as CSV UTF-8",
    ),
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel workbook",
        "save it as CSV UTF-8",
    ),
    (
        b"%PDF",
        "a PDF document",
        "download the price list as JSON or CSV",
    ),
    (
        b"\x28\xb5\x2f\xfd",
        "packed with zstd",
        "unpack it with `zstd -d`",
    ),
    (b"\xfd7zXZ", "packed with xz", "unpack it with `xz -d`"),
    (b"BZh", "packed with bzip2", "unpack it with `bzip2 -d`"),
    (
        b"PAR1",
        "a Parquet table",
        "export it as CSV, or download the price list as JSON or CSV",
    ),
    (
        b"SQLite format 3",
        "a database",
        "download the price list as JSON or CSV",
    ),
];

/// The text of a price file. A byte order mark is not part of it.
///
/// Reads UTF-8, UTF-16 (with a byte order mark, or recognised by its zero bytes), CSV in the Western code
/// page (ISO 8859-1) that Excel may save, and all of these packed with gzip.
///
/// # Errors
/// The file is empty, holds no text, or is cut off; the diagnostic says which.
pub fn file_text(name: &str, bytes: Vec<u8>) -> Result<Source, Diagnostic> {
    let refused = |message: &str, help: &str| Diagnostic::at(name, 0..0, message, help);
    let bytes = unpacked(bytes).map_err(|what| refused(what, "download it again"))?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(refused("the file is empty", "download it again"));
    }
    if let Some((_, what, help)) = OTHER_FORMATS
        .iter()
        .find(|(first, _, _)| bytes.starts_with(first))
    {
        return Err(refused(&format!("the file is {what}, not a text"), help));
    }
    let text = decoded(bytes).map_err(|what| refused(&what, "save the file as UTF-8"))?;
    // Old spreadsheets end lines with a carriage return only.
    let text = if text.contains('\n') {
        text
    } else {
        text.replace('\r', "\n")
    };
    let first: String = text
        .trim_start()
        .chars()
        .take(40)
        .collect::<String>()
        .to_lowercase();
    if first.starts_with("<!doctype html") || first.starts_with("<html") {
        return Err(refused(
            "the file is a web page, not a price list",
            "download the price list itself; the page may be the message of a proxy or a log-in",
        ));
    }
    if first.starts_with("<?xml") || first.starts_with("<error") {
        return Err(refused(
            "the file is XML, not a price list; AWS answers so if there is no file at an address",
            "check the address of the download",
        ));
    }
    Ok(Source::new(name, text))
}

/// A name without case, blanks, dashes and underscores, as fields are looked up by: `skuid` of `sku_id`.
pub fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// The bytes out of a gzip file; others as they are.
fn unpacked(bytes: Vec<u8>) -> Result<Vec<u8>, &'static str> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    let most = (bytes.len() as u64 * MOST_TIMES).clamp(UNPACKED_BYTES, MOST_BYTES);
    let read = MultiGzDecoder::new(&bytes[..])
        .take(most + 1)
        .read_to_end(&mut unpacked);
    match read {
        Err(_) => Err("the file is packed with gzip, and cut off or damaged"),
        Ok(_) if u64::try_from(unpacked.len()).is_ok_and(|length| length > most) => {
            Err("the file unpacks to far more bytes than any price list does")
        }
        Ok(_) => Ok(unpacked),
    }
}

/// How a text is written in bytes.
enum Encoding {
    Utf8,
    Utf16([usize; 2]),
}

/// Text out of bytes, or why they are none.
fn decoded(bytes: Vec<u8>) -> Result<String, String> {
    let (encoding, mark) = match bytes[..] {
        [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, 3),
        [0xff, 0xfe, ..] => (Encoding::Utf16([0, 1]), 2),
        [0xfe, 0xff, ..] => (Encoding::Utf16([1, 0]), 2),
        // Without a mark: the first character of a price list is ASCII.
        [_, 0, _, 0, ..] => (Encoding::Utf16([0, 1]), 0),
        [0, _, 0, _, ..] => (Encoding::Utf16([1, 0]), 0),
        _ => (Encoding::Utf8, 0),
    };
    match encoding {
        Encoding::Utf16([low, high]) => {
            let pairs = bytes[mark..].chunks_exact(2);
            if !pairs.remainder().is_empty() {
                return Err("the file is UTF-16 and ends in half a character: it is cut off".to_owned());
            }
            let units = pairs.map(|pair| u16::from_le_bytes([pair[low], pair[high]]));
            char::decode_utf16(units)
                .collect::<Result<String, _>>()
                .map_err(|_| "the file begins as UTF-16, but is not".to_owned())
        }
        Encoding::Utf8 => {
            let rest = if mark == 0 { bytes } else { bytes[mark..].to_vec() };
            match String::from_utf8(rest) {
                Ok(text) if text.contains('\0') => Err(format!(
                    "line {} has a zero byte",
                    line_of(&text, text.find('\0'))
                )),
                Ok(text) => Ok(text),
                Err(error) => western(error.as_bytes(), error.utf8_error().valid_up_to()),
            }
        }
    }
}

/// Text of a CSV file in ISO 8859-1, which Excel writes where it is not told otherwise. JSON is always
/// Unicode.
fn western(bytes: &[u8], valid: usize) -> Result<String, String> {
    let before = String::from_utf8_lossy(&bytes[..valid]);
    let is_json = before.trim_start().starts_with(['{', '[']);
    let is_control = |byte: &u8| matches!(byte, 0..=8 | 14..=31 | 0x7f..=0x9f);
    if is_json || bytes.iter().any(is_control) {
        let byte = bytes.get(valid).copied().unwrap_or_default();
        let line = line_of(&before, None);
        return Err(format!(
            "line {line} has the byte 0x{byte:02X}, which is not UTF-8"
        ));
    }
    Ok(bytes.iter().map(|byte| char::from(*byte)).collect())
}

/// The line of a place, from 1; the last line where no place is given.
fn line_of(text: &str, place: Option<usize>) -> usize {
    text[..place.unwrap_or(text.len())].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const TEXT: &str = "SKU;Location\nA;South America (São Paulo)\n";

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("in memory");
        encoder.finish().expect("in memory")
    }

    fn utf16(text: &str, mark: &[u8], bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let units = text.encode_utf16().flat_map(bytes);
        mark.iter().copied().chain(units).collect()
    }

    #[test]
    fn one_text_is_read_from_every_way_to_write_it() {
        let western: Vec<u8> = TEXT
            .chars()
            .map(|c| u8::try_from(u32::from(c)).expect("ISO 8859-1"))
            .collect();
        for bytes in [
            TEXT.as_bytes().to_vec(),
            format!("\u{feff}{TEXT}").into_bytes(),
            utf16(TEXT, &[0xff, 0xfe], u16::to_le_bytes),
            utf16(TEXT, &[0xfe, 0xff], u16::to_be_bytes),
            utf16(TEXT, &[], u16::to_le_bytes),
            western,
            packed(TEXT.as_bytes()),
            packed(&utf16(TEXT, &[0xff, 0xfe], u16::to_le_bytes)),
        ] {
            assert_eq!(
                file_text("a.csv", bytes).map(|source| source.text),
                Ok(TEXT.to_owned())
            );
        }
    }

    #[test]
    fn what_is_no_text_is_named_with_what_to_do() {
        let cut = packed(TEXT.as_bytes());
        let half = utf16(TEXT, &[0xff, 0xfe], u16::to_le_bytes);
        for (bytes, what) in [
            (Vec::new(), "is empty"),
            (b" \r\n".to_vec(), "is empty"),
            (b"PK\x03\x04rest".to_vec(), "Excel workbook"),
            (cut[..cut.len() - 9].to_vec(), "cut off"),
            (half[..half.len() - 1].to_vec(), "half a character"),
            (b"<!DOCTYPE html><html>".to_vec(), "web page"),
            (b"<?xml version=\"1.0\"?><Error>".to_vec(), "XML"),
            (b"{\n\"a\": \"\xe3\"}".to_vec(), "line 2 has the byte 0xE3"),
            (b"a,b\n1,\x00\n".to_vec(), "line 2 has a zero byte"),
        ] {
            let found = file_text("a", bytes).expect_err("refused");
            assert!(
                found.message.contains(what) && !found.help.is_empty(),
                "{}",
                found.message
            );
        }
    }
}
