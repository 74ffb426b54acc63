//! What the load engine makes of bytes that come from a target, without a socket: for checks from outside,
//! as [`codec`](crate::codec) is for HTTP/1.1.

use crate::{
    http::{
        cookies::{Jar, Visit},
        encoding,
    },
    script::capture::{Captor, JsonPath},
};

/// The body behind the codings that `Content-Encoding` names, of `most` bytes at most.
///
/// # Errors
/// A coding that is not known, a body that is not what it says, or one that is longer.
pub fn decoded(codings: &str, body: &[u8], most: u64) -> Result<Vec<u8>, String> {
    encoding::decoded(codings, body, most).map_err(|unread| unread.to_string())
}

/// What `save` takes out of a JSON body at a path such as `$.items[0].id`; `None` if that is no path.
///
/// # Errors
/// Nothing is there, or the body is no JSON.
#[must_use]
pub fn saved(path: &str, body: &[u8]) -> Option<Result<String, String>> {
    let captor = Captor::Json(JsonPath::parse(path)?);
    Some(captor.take(body, &[]))
}

/// The `Cookie` field of a request for `path` on `host` after an answer from there with these `Set-Cookie`
/// fields.
#[must_use]
pub fn cookies<'a>(fields: impl IntoIterator<Item = &'a [u8]>, host: &str, path: &str) -> Vec<u8> {
    let (mut jar, mut sent) = (Jar::default(), Vec::new());
    for field in fields {
        jar.store(field, host, path);
    }
    let visit = Visit {
        host,
        path,
        secure: true,
    };
    jar.write(visit, "", &mut sent);
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gives_what_the_engine_gets() {
        assert_eq!(decoded("", b"plain", 5), Ok(b"plain".to_vec()));
        assert!(decoded("gzip", b"plain", 5).is_err());
        assert_eq!(
            saved("$.a[1]", br#"{"a": [1, "two"]}"#),
            Some(Ok("two".to_owned()))
        );
        assert_eq!(saved("a", b"{}"), None);
        let fields: [&[u8]; 2] = [b"a=1; Path=/", b"b=2; Max-Age=0"];
        assert_eq!(cookies(fields, "127.0.0.1", "/"), b"a=1");
    }
}
