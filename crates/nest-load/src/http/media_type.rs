//! Media types of bodies, as far as they are kept.

/// Subtypes that are named.
const KNOWN: [&str; 24] = [
    "application/grpc",
    "application/javascript",
    "application/json",
    "application/octet-stream",
    "application/pdf",
    "application/problem+json",
    "application/x-ndjson",
    "application/x-www-form-urlencoded",
    "application/xhtml+xml",
    "application/xml",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/svg+xml",
    "image/webp",
    "multipart/form-data",
    "multipart/mixed",
    "text/css",
    "text/csv",
    "text/event-stream",
    "text/html",
    "text/javascript",
    "text/plain",
    "text/xml",
];
/// Types whose other subtypes are not named.
const TYPES: [&str; 9] = [
    "application/*",
    "audio/*",
    "font/*",
    "image/*",
    "message/*",
    "model/*",
    "multipart/*",
    "text/*",
    "video/*",
];

/// The media type of a `Content-Type` field without its parameters; `None` if it is no registered type. A
/// target may put anything into the field, so that what it makes up is not kept.
pub fn known(field: &[u8]) -> Option<&'static str> {
    let bare = field
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let is = |known: &&&str| known.as_bytes().eq_ignore_ascii_case(bare);
    let has = |kind: &&&str| {
        let slash = kind.len() - 1;
        bare.get(..slash)
            .is_some_and(|start| start.eq_ignore_ascii_case(&kind.as_bytes()[..slash]))
    };
    KNOWN.iter().find(is).or_else(|| TYPES.iter().find(has)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_kept_only_as_far_as_it_is_registered() {
        for (field, kept) in [
            ("text/html; charset=utf-8", Some("text/html")),
            ("Application/JSON", Some("application/json")),
            (" image/png ", Some("image/png")),
            ("application/token-4711", Some("application/*")),
            ("text/", Some("text/*")),
            ("token-4711", None),
            ("token/4711", None),
            ("", None),
        ] {
            assert_eq!(known(field.as_bytes()), kept, "{field}");
        }
    }
}
