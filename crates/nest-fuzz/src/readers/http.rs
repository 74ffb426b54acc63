//! What a target answers over HTTP.

use nest_load::readers;

#[path = "../../../nest-load/tests/codec/cuts.rs"]
mod cuts;

/// Content codings, of which the first byte of an input picks one.
const CODINGS: [&str; 6] = ["gzip", "deflate", "br", "zstd", "gzip, br", "zstd, deflate"];
/// Longest body that is decoded, in bytes.
const LONGEST_BODY: u64 = 4 << 20;
/// Places that are looked for in a body.
const PATHS: [&str; 4] = ["$", "$.items[0].id", "$.a[18446744073709551615]", "$.token"];

/// An HTTP/1.1 answer, whole and cut in pieces.
pub fn answer(bytes: &[u8]) -> bool {
    matches!(cuts::check(bytes), Ok(Some(_)))
}

/// A body with a content coding.
pub fn encoded(bytes: &[u8]) -> bool {
    let Some((first, body)) = bytes.split_first() else {
        return false;
    };
    let codings = CODINGS[usize::from(*first) % CODINGS.len()];
    match readers::decoded(codings, body, LONGEST_BODY) {
        Ok(decoded) => {
            assert!(
                decoded.len() as u64 <= LONGEST_BODY,
                "{} bytes of {codings}",
                decoded.len()
            );
            true
        }
        Err(_) => false,
    }
}

/// A JSON body from which values are saved.
pub fn saved(bytes: &[u8]) -> bool {
    let found = PATHS.map(|path| readers::saved(path, bytes));
    found.iter().flatten().any(Result::is_ok)
}

/// `Set-Cookie` fields, one a line.
pub fn cookies(bytes: &[u8]) -> bool {
    let fields = bytes.split(|byte| *byte == b'\n');
    !readers::cookies(fields, "shop.example.com", "/a/b").is_empty()
}
