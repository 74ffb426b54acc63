//! Answers in pieces, known heads, limits.

use super::*;

#[derive(Debug, Default, PartialEq)]
struct CollectedAnswer {
    status: u16,
    fields: usize,
    body: Vec<u8>,
}

impl Sink for CollectedAnswer {
    type Refusal = ();
    fn head(&mut self, status: u16, headers: &[httparse::Header<'_>], _: Option<u64>) -> Result<(), ()> {
        (self.status, self.fields) = (status, headers.len());
        Ok(())
    }
    fn body(&mut self, bytes: &[u8]) -> Result<(), ()> {
        self.body.extend_from_slice(bytes);
        Ok(())
    }
}

/// Feeds `bytes` in pieces of `piece`; what came out, how it ended, and bytes left over.
fn decode(
    bytes: &[u8],
    piece: usize,
    head_request: bool,
) -> Result<(CollectedAnswer, bool, usize), Malformed> {
    let (mut decoder, mut kept, mut pending) =
        (Decoder::new(head_request), CollectedAnswer::default(), Vec::new());
    for part in bytes.chunks(piece) {
        pending.extend_from_slice(part);
        match decoder.feed(&pending, &mut kept) {
            Ok(Fed::More { used }) => drop(pending.drain(..used)),
            Ok(Fed::Done { used, reusable }) => return Ok((kept, reusable, pending.len() - used)),
            Err(Stopped::Malformed(malformed)) => return Err(malformed),
            Err(Stopped::Refused(())) => unreachable!("this sink refuses nothing"),
        }
    }
    decoder
        .closed(!bytes.is_empty())
        .map(|_| (kept, false, pending.len()))
}

fn body_of(bytes: &str) -> Result<String, Malformed> {
    let whole = decode(bytes.as_bytes(), bytes.len().max(1), false);
    for piece in [1, 2, 3, 7] {
        assert_eq!(
            decode(bytes.as_bytes(), piece, false),
            whole,
            "in pieces of {piece}"
        );
    }
    whole.map(|(kept, ..)| String::from_utf8_lossy(&kept.body).into_owned())
}

#[test]
fn every_framing_gives_the_body_however_it_is_cut() {
    assert_eq!(
        body_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        Ok("hello".into())
    );
    assert_eq!(
        body_of("HTTP/1.1 200 OK\r\n\r\nuntil closed"),
        Ok("until closed".into())
    );
    assert_eq!(
        body_of(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nhello\r\nA \t\r\n, dear \
             all\r\n0\r\nX: y\r\n\r\n"
        ),
        Ok("hello, dear all".into())
    );
    assert_eq!(
        body_of("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        Ok("ok".into())
    );
    assert_eq!(body_of("HTTP/1.1 204 No Content\r\n\r\n"), Ok(String::new()));
}

#[test]
fn a_known_head_gives_the_same_answer_without_its_fields() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let (mut first, mut known, mut kept) = (
        Decoder::new(false),
        KnownHead::default(),
        CollectedAnswer::default(),
    );
    let fed = first.feed(answer, &mut kept);
    known.learn(&first, answer);
    let again = |input: &[u8]| {
        let mut kept = CollectedAnswer::default();
        let fed = Decoder::new(false)
            .feed_known(input, &known, &mut kept)
            .expect("valid");
        fed.map(|fed| {
            (
                fed,
                kept.status,
                kept.fields,
                String::from_utf8_lossy(&kept.body).into_owned(),
            )
        })
    };
    assert_eq!(
        again(answer),
        Some((fed.expect("valid"), 200, 0, "hello".to_owned()))
    );
    assert_eq!(
        again(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwor"),
        Some((Fed::More { used: 41 }, 200, 0, "wor".to_owned()))
    );
    assert_eq!(again(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!"), None);
    assert_eq!(again(b"HTTP/1.1 200 OK\r\nContent"), None);
    assert_eq!(
        Decoder::new(false).feed_known(answer, &KnownHead::default(), &mut CollectedAnswer::default()),
        Ok(None)
    );
}

#[test]
fn an_answer_to_head_has_no_body_and_bytes_after_an_answer_are_left() {
    let (kept, reusable, left) =
        decode(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP", 64, true).expect("valid");
    assert_eq!(
        (kept.status, kept.fields, kept.body.len(), reusable, left),
        (200, 1, 0, true, 4)
    );
}

/// Name and value of each field of a head.
#[derive(Default)]
struct Lines(Vec<(String, String)>);

impl Sink for Lines {
    type Refusal = ();
    fn head(&mut self, _: u16, headers: &[httparse::Header<'_>], _: Option<u64>) -> Result<(), ()> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.0.extend(
            headers
                .iter()
                .map(|header| (header.name.to_owned(), text(header.value))),
        );
        Ok(())
    }
    fn body(&mut self, _: &[u8]) -> Result<(), ()> {
        Ok(())
    }
}

#[test]
fn folded_lines_are_one_value_and_blanks_before_a_colon_are_no_part_of_a_name() {
    // RFC 9112, sections 5.1 and 5.2.
    let head = "HTTP/1.1 200 OK\r\nPolicy: default-src 'self';\r\n  img-src *\r\nServer : x\r\n\
                Empty:\r\n \r\nLate:\r\n\t a \t\r\n b\r\nContent-Length\t:\r\n 2\r\n\r\n";
    let mut lines = Lines::default();
    let fed = Decoder::new(false).feed(format!("{head}ok").as_bytes(), &mut lines);
    let used = head.len() + 2;
    assert_eq!(fed, Ok(Fed::Done { used, reusable: true }));
    let expected = [
        ("Policy", "default-src 'self'; img-src *"),
        ("Server", "x"),
        ("Empty", ""),
        ("Late", "a b"),
        ("Content-Length", "2"),
    ];
    assert_eq!(
        lines.0,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(
        body_of(&format!("{head}ok")),
        Ok("ok".into()),
        "however it is cut"
    );
}

#[test]
fn each_limit_names_itself_and_its_value() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let fields = |count| format!("HTTP/1.1 204 No Content\r\n{}\r\n", "X: y\r\n".repeat(count));
    assert!(decode(fields(100).as_bytes(), 64, false).is_ok());
    let trailers = |lines: &str| format!("{chunked}0\r\n{lines}\r\n");
    for (answer, limit) in [
        (fields(101), "100 fields"),
        (
            format!("HTTP/1.1 200 OK\r\nX: {}", "a".repeat(LONGEST_HEAD)),
            "65536 bytes",
        ),
        (
            "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(33),
            "32 informational answers",
        ),
        (format!("{chunked}1{}\r\n", "0".repeat(16)), "2^64 - 1 bytes"),
        (format!("{chunked}5;{}", "a".repeat(16_384)), "16383 bytes"),
        (
            trailers(&format!("X: {}\r\n", "a".repeat(LONGEST_HEAD))),
            "65535 bytes",
        ),
        (trailers(&"X: y\r\n".repeat(101)), "100 fields"),
    ] {
        let refused = decode(answer.as_bytes(), 4_096, false).expect_err("it is above a limit");
        let said = refused.to_string();
        assert!(
            said.contains(limit) && said.ends_with("which is the limit"),
            "{limit}: {said}"
        );
    }
}

#[test]
fn what_is_not_http_is_named() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert!(matches!(body_of("SSH-2.0-x\r\n\r\n"), Err(Malformed::Head(_))));
    assert!(matches!(
        body_of("HTTP/1.1 99 x\r\n\r\n"),
        Err(Malformed::Head(_))
    ));
    assert_eq!(
        body_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"),
        Err(Malformed::Truncated)
    );
    assert_eq!(body_of(&format!("{chunked}x\r\n")), Err(Malformed::ChunkSize));
    assert_eq!(
        body_of(&format!("{chunked}1\r\nab\r\n")),
        Err(Malformed::ChunkEnd)
    );
    assert_eq!(
        body_of(&format!("{chunked}11111111111111111\r\n")),
        Err(Malformed::LongChunk)
    );
    assert_eq!(
        body_of(&format!("{chunked}0\r\na b\r\n\r\n")),
        Err(Malformed::Trailers)
    );
    assert_eq!(
        body_of(&"HTTP/1.1 100 Continue\r\n\r\n".repeat(40)),
        Err(Malformed::Informational)
    );
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "a".repeat(LONGEST_HEAD));
    assert_eq!(decode(endless.as_bytes(), 4_096, false), Err(Malformed::LongHead));
}
