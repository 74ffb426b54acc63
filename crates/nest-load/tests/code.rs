//! A behaviour in code meets the same troubles as one of a file, and is measured the same way: small servers
//! on 127.0.0.1 that fail on purpose.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use nest_data::{customers::Times, study::read::CodeBehaviour};
use nest_load::{
    Interrupt, Trust,
    code::{Behaviour, ExecutionContext, Failure, Registry},
    quick::{self, QuickLoad, QuickResult},
};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// One request by code.
struct Send {
    method: &'static str,
    answer: &'static str,
}

impl Behaviour for Send {
    type State = ();

    async fn begin(&self, _: &mut ExecutionContext<'_>) -> Result<(), Failure> {
        Ok(())
    }

    async fn execute(&self, (): &mut (), context: &mut ExecutionContext<'_>) -> Result<(), Failure> {
        let response = context.send("item", self.method, "/item", &[], b"").await?;
        if response.body == self.answer.as_bytes() {
            Ok(())
        } else {
            Err(Failure::check(String::from_utf8_lossy(&response.body)))
        }
    }
}

fn behaviour(method: &'static str, answer: &'static str) -> Registry {
    Registry::new().with("send", Send { method, answer })
}

/// A load by one customer, that ends after some executions.
fn load(base_url: String, registry: Registry, executions: u64) -> QuickLoad {
    let spec = CodeBehaviour::default().spec();
    QuickLoad {
        base_url,
        behaviour: ("send".to_owned(), spec),
        registry,
        customers: 1,
        rate: None,
        max_rate: None,
        think: Times::Constant(0.0),
        span: Duration::from_secs(10),
        warm_up: Duration::ZERO,
        executions: Some(executions),
        timeout: Duration::from_millis(500),
        longest_body: 1 << 20,
        workers: 1,
        http2: false,
        trust: Trust::Anybody,
        allow_hosts: Vec::new(),
        secrets: BTreeMap::new(),
        seed: 1,
    }
}

fn run(load: &QuickLoad) -> QuickResult {
    quick::load(load, &Interrupt::default()).expect("a target that listens")
}

fn errors(result: &QuickResult) -> Vec<(&str, u64)> {
    result
        .errors
        .iter()
        .map(|error| (error.kind.as_str(), error.count))
        .collect()
}

/// A server that treats each connection in a thread, by its number. The first one is the look whether
/// anything listens.
fn serve(treat: impl Fn(usize, TcpStream) + Clone + std::marker::Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let treat = treat.clone();
            thread::spawn(move || treat(number, stream));
        }
    });
    address
}

/// Reads up to the end of a request's head; `false` if the peer has closed.
fn read_head(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    true
}

/// Waits until the peer closes.
fn hold(mut stream: TcpStream) {
    let mut nothing = [0; 1024];
    while stream.read(&mut nothing).is_ok_and(|count| count > 0) {}
}

#[test]
fn what_code_sends_is_answered_and_counted() {
    let address = serve(|_, mut stream| {
        while read_head(&mut stream) {
            stream.write_all(OK).expect("the peer reads");
        }
    });
    let result = run(&load(format!("http://{address}"), behaviour("GET", "ok"), 20));
    assert_eq!((result.executions.completed, errors(&result)), (20, Vec::new()));
    assert_eq!(result.statuses.get(&200), Some(&20));
    assert!(result.bytes >= 20 * OK.len() as u64, "{} bytes", result.bytes);
}

/// Adds to one count, and names another.
struct Count {
    adds_to: &'static str,
}

impl Behaviour for Count {
    type State = ();

    fn counts(&self) -> &[&str] {
        &["mail"]
    }

    async fn begin(&self, _: &mut ExecutionContext<'_>) -> Result<(), Failure> {
        Ok(())
    }

    async fn execute(&self, (): &mut (), context: &mut ExecutionContext<'_>) -> Result<(), Failure> {
        context.send("item", "GET", "/item", &[], b"").await?;
        context.count(self.adds_to, 2.0)
    }
}

#[test]
fn code_adds_only_to_counts_that_it_names() {
    let address = serve(|_, mut stream| {
        while read_head(&mut stream) {
            stream.write_all(OK).expect("the peer reads");
        }
    });
    let counting = |adds_to| {
        let registry = Registry::new().with("send", Count { adds_to });
        let spec = registry.names()["send"].spec();
        let mut load = load(format!("http://{address}"), registry, 5);
        load.behaviour.1 = spec;
        run(&load)
    };
    assert_eq!(counting("mail").executions.completed, 5);
    assert_eq!(errors(&counting("mails")), [("count", 5)]);
}

#[test]
fn a_handshake_that_fails_means_that_the_target_cannot_be_reached() {
    // The second connection is the handshake that is tried before the load: only silence lets the load begin.
    let address = serve(|number, mut stream| match number {
        0 | 1 => hold(stream),
        _ => stream.write_all(b"this is not TLS\r\n").expect("the peer reads"),
    });
    let load = QuickLoad {
        span: Duration::from_secs(1),
        executions: None,
        ..load(format!("https://{address}"), behaviour("GET", "ok"), 1)
    };
    let result = run(&load);
    assert_eq!(result.executions.completed, 0);
    assert!(
        matches!(errors(&result)[..], [("tls", count)] if count == result.executions.failed),
        "{:?}",
        result.errors
    );
    let population = result.population.expect("customers decide when to act");
    assert_eq!((population.planned, population.reached), (1, 0));
    // Whoever cannot reach the target waits before the next attempt.
    assert!(result.executions.due <= 15, "{} attempts", result.executions.due);
}

#[test]
fn a_connection_that_does_not_open_in_time_fails_as_connect() {
    let address = serve(|_, stream| hold(stream));
    let result = run(&load(format!("https://{address}"), behaviour("GET", "ok"), 1));
    assert_eq!(errors(&result), [("connect", 1)]);
}

#[test]
fn an_answer_that_does_not_come_in_time_fails_as_timeout() {
    let address = serve(|_, stream| hold(stream));
    let result = run(&load(format!("http://{address}"), behaviour("GET", "ok"), 1));
    assert_eq!(errors(&result), [("timeout", 1)]);
}

#[test]
fn connections_that_are_lost_in_the_middle_are_counted() {
    let address = serve(|_, mut stream| {
        read_head(&mut stream);
    });
    let result = run(&load(format!("http://{address}"), behaviour("GET", "ok"), 3));
    assert_eq!(errors(&result), [("lost", 3)]);
    assert_eq!(result.generator.lost_connections, 3);
}

/// A server that answers once on each connection, and takes the next request and closes.
fn one_answer_a_connection() -> SocketAddr {
    serve(|_, mut stream| {
        if read_head(&mut stream) {
            stream.write_all(OK).expect("the peer reads");
            read_head(&mut stream);
        }
    })
}

#[test]
fn a_get_that_the_target_took_is_lost_and_not_sent_again() {
    let address = one_answer_a_connection();
    let result = run(&load(format!("http://{address}"), behaviour("GET", "ok"), 5));
    assert_eq!(
        (result.executions.completed, errors(&result)),
        (3, vec![("lost", 2)])
    );
    assert_eq!(
        (result.generator.repeated, result.generator.lost_connections),
        (0, 2)
    );
}

#[test]
fn connections_that_close_while_the_customer_thinks_lose_nothing() {
    // It answers once on each connection, and closes without a word.
    let address = serve(|_, mut stream| {
        if read_head(&mut stream) {
            stream.write_all(OK).expect("the peer reads");
        }
    });
    for method in ["GET", "POST"] {
        let load = QuickLoad {
            think: Times::Constant(0.1),
            ..load(format!("http://{address}"), behaviour(method, "ok"), 5)
        };
        let result = run(&load);
        assert_eq!((result.executions.completed, errors(&result)), (5, Vec::new()));
        assert_eq!(result.resends.total(), 0, "nothing was sent in vain");
    }
}

/// Logs in by code, and follows where it leads.
struct Login;

impl Behaviour for Login {
    type State = ();

    async fn begin(&self, _: &mut ExecutionContext<'_>) -> Result<(), Failure> {
        Ok(())
    }

    async fn execute(&self, (): &mut (), context: &mut ExecutionContext<'_>) -> Result<(), Failure> {
        let headers = [("content-type", "text/plain")];
        let home = context
            .send_following("login", "POST", "/login", &headers, b"me", 2)
            .await?;
        assert_eq!(home.body, b"ok");
        Ok(())
    }
}

#[test]
fn redirects_that_code_follows_are_requests_of_their_own() {
    let redirect = "HTTP/1.1 302 Found\r\nlocation: /next\r\ncontent-length: 5\r\n\r\nmoved";
    let address = serve(move |_, mut stream| {
        for answer in [redirect.as_bytes(), redirect.as_bytes(), OK].into_iter().cycle() {
            // The body of the first request follows its head; it is read with the next one.
            if !read_head(&mut stream) || stream.write_all(answer).is_err() {
                return;
            }
        }
    });
    let registry = Registry::new().with("send", Login);
    let result = run(&load(format!("http://{address}"), registry, 4));
    assert_eq!((result.executions.completed, errors(&result)), (4, Vec::new()));
    assert_eq!((result.requests.completed, result.redirected), (12, 8));
    assert_eq!(result.bytes as usize, 4 * (2 * redirect.len() + OK.len()));
}

#[test]
fn a_post_that_the_target_took_is_lost() {
    let address = one_answer_a_connection();
    let result = run(&load(format!("http://{address}"), behaviour("POST", "ok"), 4));
    assert_eq!(
        (result.executions.completed, errors(&result)),
        (2, vec![("lost", 2)])
    );
    assert_eq!(
        (result.generator.repeated, result.generator.lost_connections),
        (0, 2)
    );
}

#[test]
fn code_speaks_http2_if_the_target_does() {
    let address = serve(|_, stream| {
        stream.set_nonblocking(true).expect("a socket");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::from_std(stream).expect("a socket");
            // The look whether anything listens closes its connection without a word.
            let Ok(mut connection) = h2::server::handshake(stream).await else {
                return;
            };
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                let mut body = respond
                    .send_response(http::Response::new(()), false)
                    .expect("the peer waits");
                body.send_data(bytes::Bytes::from_static(b"by HTTP/2"), true)
                    .expect("the peer waits");
            }
        });
    });
    let load = QuickLoad {
        http2: true,
        ..load(format!("http://{address}"), behaviour("GET", "by HTTP/2"), 5)
    };
    let result = run(&load);
    assert_eq!((result.executions.completed, errors(&result)), (5, Vec::new()));
}

/// A request in a protocol of its own, which is a connection, and one over HTTP.
struct Both(SocketAddr);

impl Behaviour for Both {
    type State = ();

    async fn begin(&self, _: &mut ExecutionContext<'_>) -> Result<(), Failure> {
        Ok(())
    }

    async fn execute(&self, (): &mut (), context: &mut ExecutionContext<'_>) -> Result<(), Failure> {
        let connecting = tokio::net::TcpStream::connect(self.0);
        context.request("own", connecting).await?;
        context.send("item", "GET", "/item", &[], b"").await.map(drop)
    }
}

#[test]
fn code_keeps_the_bound_whatever_it_speaks() {
    let came: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let note = {
        let came = Arc::clone(&came);
        move || {
            came.lock()
                .expect("no thread panics with it")
                .push(Instant::now())
        }
    };
    let noted = note.clone();
    let own = serve(move |_, _| noted());
    let address = serve(move |_, mut stream| {
        while read_head(&mut stream) {
            note();
            let _ = stream.write_all(OK);
        }
    });
    let load = QuickLoad {
        max_rate: Some(50.0),
        customers: 16,
        workers: 4,
        span: Duration::from_millis(1_500),
        executions: None,
        ..load(
            format!("http://{address}"),
            Registry::new().with("send", Both(own)),
            1,
        )
    };
    let result = run(&load);
    let came = came.lock().expect("no thread panics with it");
    for (index, time) in came.iter().enumerate() {
        let most = 50.0 * (time.duration_since(came[0]).as_secs_f64() + 1.0);
        assert!((index + 1) as f64 <= most, "{} by then: {most:.1}", index + 1);
    }
    assert!(came.len() >= 60, "{}", came.len());
    assert!(
        result
            .verdict
            .reasons
            .iter()
            .any(|reason| reason.contains("raise --max-rate")),
        "{:?}",
        result.verdict
    );
    assert!(result.executions.balance() && result.requests.balance());
}
