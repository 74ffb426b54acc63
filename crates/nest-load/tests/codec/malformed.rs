//! Answers that are not HTTP, over real sockets: each is an error of its own request, and the load goes on.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use nest_data::{behaviour::Request, customers::Times, measurement::Counts};
use nest_load::{
    Interrupt, Trust,
    code::Registry,
    codec::read_answer,
    quick::{QuickLoad, QuickResult, load},
};

use crate::{answers::Answers, cuts::Pieces};

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
/// Executions of a load whose every second answer is bad.
const EXECUTIONS: u64 = 12;
/// Longest body of an answer in these loads, in bytes.
const LONGEST_BODY: u64 = 100_000;
/// Answers of the grammar that are served over sockets.
const SERVED: usize = 600;

/// Longest of them, in bytes.
const LONGEST_SERVED: usize = 4_096;

/// What a server writes until the client has had enough.
type Script = Arc<dyn Fn(&mut TcpStream, usize) -> io::Result<()> + Send + Sync>;

/// Answers the first request of each connection, numbering them, on a free port; ends with the test. Returns
/// its URL.
fn serve(script: Script) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound port"));
    thread::spawn(move || {
        let next = Arc::new(AtomicUsize::new(0));
        for stream in listener.incoming() {
            let (script, next) = (Arc::clone(&script), Arc::clone(&next));
            thread::spawn(move || stream.and_then(|stream| answer(stream, &script, &next)));
        }
    });
    url
}

fn answer(mut stream: TcpStream, script: &Script, next: &AtomicUsize) -> io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?).lines();
    while !request.next().ok_or(io::ErrorKind::UnexpectedEof)??.is_empty() {}
    script(&mut stream, next.fetch_add(1, Ordering::Relaxed))?;
    stream.shutdown(Shutdown::Write)?;
    // Bytes that nobody has read would make the end a reset, which may overtake the answer.
    stream.read_to_end(&mut Vec::new()).map(drop)
}

fn run(url: String, executions: u64, timeout: Duration) -> QuickResult {
    let request = Request {
        get: Some("/shelf".to_owned()),
        timeout: None,
        ..Request::default()
    };
    let (_, behaviour) = QuickLoad::single(request);
    let quick = QuickLoad {
        base_url: url,
        behaviour: ("browse".to_owned(), behaviour),
        registry: Registry::default(),
        customers: 3,
        rate: None,
        max_rate: None,
        think: Times::Constant(0.0),
        span: Duration::from_secs(60),
        warm_up: Duration::ZERO,
        executions: Some(executions),
        timeout,
        longest_body: LONGEST_BODY,
        workers: 2,
        http2: false,
        trust: Trust::Machine,
        allow_hosts: Vec::new(),
        secrets: BTreeMap::new(),
        seed: 1,
    };
    load(&quick, &Interrupt::default()).expect("the load itself does not fail")
}

/// Puts a server under load of which every second answer is bad, and checks that those fail, as this kind,
/// and no others.
fn every_second_fails(
    kind: &str,
    reason: &str,
    timeout: Duration,
    bad: impl Fn(&mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
) {
    let script = move |stream: &mut TcpStream, number: usize| {
        if number.is_multiple_of(2) {
            bad(stream)
        } else {
            stream.write_all(GOOD)
        }
    };
    let result = run(serve(Arc::new(script)), EXECUTIONS, timeout);
    let half = EXECUTIONS / 2;
    let counts = Counts {
        due: EXECUTIONS,
        completed: half,
        failed: half,
        dropped: 0,
    };
    assert_eq!(
        (result.requests, result.executions),
        (counts, counts),
        "{kind}, {reason}: {:?}",
        result.errors
    );
    let errors: Vec<_> = result
        .errors
        .iter()
        .map(|error| (error.behaviour.as_str(), error.kind.as_str(), error.count))
        .collect();
    assert_eq!(errors, [("browse", kind, half)], "{reason}");
    let failure = result.failures.first().expect("a failure is kept");
    assert_eq!(
        (failure.behaviour.as_str(), failure.kind.as_str()),
        ("browse", kind)
    );
    assert!(
        failure.request == "GET /shelf" && failure.reason.contains(reason),
        "{reason:?} is not in {:?}",
        failure.reason
    );
}

/// Bytes that are written once.
fn once(bytes: &'static [u8]) -> impl Fn(&mut TcpStream) -> io::Result<()> + Send + Sync {
    move |stream| stream.write_all(bytes)
}

/// Bytes that are written again and again, for as long as the client takes them.
fn endless(
    start: &'static [u8],
    again: &'static [u8],
) -> impl Fn(&mut TcpStream) -> io::Result<()> + Send + Sync {
    move |stream| {
        stream.write_all(start)?;
        let block = again.repeat(1 + 4_096 / again.len());
        loop {
            stream.write_all(&block)?;
        }
    }
}

/// Long enough for any answer that comes at all.
const PATIENT: Duration = Duration::from_secs(60);

#[test]
fn what_is_not_http_fails_its_request_and_no_other() {
    every_second_fails(
        "malformed",
        "the head is not HTTP",
        PATIENT,
        once(b"SSH-2.0-OpenSSH_9.2\r\n"),
    );
    every_second_fails(
        "malformed",
        "the head is not HTTP",
        PATIENT,
        once(&[0, 255, 13, 10, 0]),
    );
    every_second_fails(
        "malformed",
        "content length",
        PATIENT,
        once(b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello"),
    );
    every_second_fails(
        "malformed",
        "a chunk has no valid size",
        PATIENT,
        once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n"),
    );
    every_second_fails(
        "malformed",
        "does not end where",
        PATIENT,
        once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n"),
    );
    every_second_fails(
        "malformed",
        "trailers",
        PATIENT,
        once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno field\r\n\r\n"),
    );
}

#[test]
fn an_answer_that_never_ends_is_given_up() {
    every_second_fails(
        "malformed",
        "longer than 65536 bytes",
        PATIENT,
        endless(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a"),
    );
    every_second_fails(
        "malformed",
        "more than 100 fields, which is the limit",
        PATIENT,
        endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    );
    every_second_fails(
        "malformed",
        "32 informational answers",
        PATIENT,
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    );
    every_second_fails(
        "malformed",
        "extensions of more than 16383 bytes, which is the limit",
        PATIENT,
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", b"a"),
    );
    every_second_fails(
        "malformed",
        "trailers are longer than 65535 bytes, which is the limit",
        PATIENT,
        endless(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            b"X: y\r\n",
        ),
    );
    every_second_fails(
        "answer too long",
        "longer than 100000 bytes",
        PATIENT,
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b"a"),
    );
    every_second_fails(
        "answer too long",
        "longer than 100000 bytes",
        PATIENT,
        endless(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"5\r\nhello\r\n",
        ),
    );
    every_second_fails(
        "answer too long",
        "longer than 100000 bytes",
        PATIENT,
        once(b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nhello"),
    );
}

#[test]
fn an_answer_that_stops_in_the_middle_is_lost_or_late() {
    every_second_fails("lost", "before anything of the answer came", PATIENT, once(b""));
    every_second_fails(
        "lost",
        "ended inside the answer",
        PATIENT,
        once(b"HTTP/1.1 200 OK\r\nContent-Le"),
    );
    every_second_fails(
        "lost",
        "ended inside the answer",
        PATIENT,
        once(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello"),
    );
    every_second_fails(
        "lost",
        "ended inside the answer",
        PATIENT,
        once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"),
    );
    every_second_fails(
        "lost",
        "ended inside the answer",
        PATIENT,
        once(b"HTTP/1.1 100 Continue\r\n\r\n"),
    );
    let silent = |stream: &mut TcpStream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello")?;
        stream.read_to_end(&mut Vec::new()).map(drop)
    };
    every_second_fails("timeout", "no answer within 1 s", Duration::from_secs(1), silent);
}

/// The kind of failure that a load should count for these bytes on a connection that then ends; `None` for a
/// right answer.
fn expected(bytes: &[u8]) -> Option<String> {
    match read_answer([bytes], false) {
        Ok(Some(answer)) if u64::try_from(answer.body.len()).is_ok_and(|length| length > LONGEST_BODY) => {
            Some("answer too long".to_owned())
        }
        Ok(Some(answer)) => (answer.status >= 400).then(|| format!("status {}", answer.status)),
        Ok(None) => Some("lost".to_owned()),
        Err(reason) if reason == "the connection ended inside the answer" => Some("lost".to_owned()),
        Err(_) => Some("malformed".to_owned()),
    }
}

#[test]
fn a_load_counts_what_the_codec_makes_of_answers_over_sockets() {
    let mut grammar = Answers::new(4);
    let clear = |bytes: &Vec<u8>| bytes.len() < LONGEST_SERVED && !claims_much(bytes) && !ends_early(bytes);
    let all: Vec<Vec<u8>> = std::iter::repeat_with(|| grammar.answer())
        .filter(clear)
        .take(SERVED)
        .collect();
    let mut kinds = BTreeMap::new();
    all.iter()
        .filter_map(|bytes| expected(bytes))
        .for_each(|kind| *kinds.entry(kind).or_insert(0) += 1);
    let script = move |stream: &mut TcpStream, number: usize| {
        stream.set_nodelay(true)?;
        let bytes = all.get(number).map_or(GOOD, Vec::as_slice);
        for piece in (Pieces {
            rest: bytes,
            seed: number as u64,
            most: 16.max(bytes.len() / 8),
        }) {
            stream.write_all(piece)?;
            thread::yield_now();
        }
        Ok(())
    };
    let result = run(serve(Arc::new(script)), SERVED as u64, PATIENT);
    let failed = kinds.values().sum();
    let counts = Counts {
        due: SERVED as u64,
        completed: SERVED as u64 - failed,
        failed,
        dropped: 0,
    };
    let counted: BTreeMap<String, u64> = result
        .errors
        .into_iter()
        .map(|error| (error.kind, error.count))
        .collect();
    assert_eq!((counted, result.requests), (kinds.clone(), counts));
    assert!(
        counts.completed > 100 && kinds.contains_key("malformed") && kinds.contains_key("lost"),
        "{counts:?} {kinds:?}"
    );
}

/// Whether more bytes follow an answer that leaves its connection usable: it is chance whether they come
/// before the next request, whose answer they would be.
fn ends_early(bytes: &[u8]) -> bool {
    let mut fed = 0;
    let answer = read_answer(bytes.chunks(1).inspect(|_| fed += 1), false);
    let without_last = || read_answer([&bytes[..fed - 1]], false);
    matches!(answer, Ok(Some(answer)) if !answer.reusable)
        && matches!(without_last(), Ok(Some(answer)) if answer.reusable)
}

/// Whether bytes may state a body that is longer than the load allows.
fn claims_much(bytes: &[u8]) -> bool {
    bytes
        .split(|byte| !byte.is_ascii_digit())
        .any(|digits| digits.len() > 5)
}
