//! Several tiers in one run: the shop by its process, a database by a metrics page that stops answering.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener},
    time::Instant,
};

use nest_data::measurement::Window;

use crate::support::{SHORT, ShopStudy, assert_balanced, measurements, nest};

/// Busy-seconds per second that the page reports.
const BUSY: f64 = 0.25;

/// Serves a counter of processor time for a number of requests, then an error; the thread ends with the test.
fn serve_metrics(pages: usize) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("bound");
    let start = Instant::now();
    std::thread::spawn(move || {
        for (number, connection) in socket.incoming().flatten().enumerate() {
            BufReader::new(&connection)
                .lines()
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .for_each(drop);
            let page = format!(
                "process_cpu_seconds_total {}\nprocess_resident_memory_bytes 1e6\n",
                BUSY * start.elapsed().as_secs_f64()
            );
            let status = if number < pages {
                "200 OK"
            } else {
                "503 Service Unavailable"
            };
            // A client that has gone away is its own business.
            let _ = write!(
                &connection,
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
                page.len()
            );
        }
    });
    address
}

#[test]
fn load_a_tier_by_metrics_is_measured_beside_the_shop_and_its_gaps_are_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = ShopStudy::new(folder.path());
    // Enough for the pilot and a few steps, not for all.
    let scrape = format!("probes.db.scrape=http://{}/metrics", serve_metrics(24));
    let mut overrides = SHORT.to_vec();
    overrides.extend([
        "probes.shop.tier=app",
        "probes.db.tier=db",
        "probes.db.kind=prometheus",
        "probes.db.preset=process",
        "probes.db.cores=1",
        &scrape,
    ]);
    nest(
        folder.path(),
        &study.arguments(&["measure"], "--items 100", &overrides),
    )
    .expect(0);
    let measured = measurements(&study.path);
    assert_balanced(&measured);
    assert!(
        ["app/cpu", "db/cpu", "db/memory"]
            .iter()
            .all(|name| measured.resources.iter().any(|resource| resource.name == *name))
    );
    let windows: Vec<&Window> = measured.steps.iter().flat_map(|step| &step.windows).collect();
    let (known, unknown): (Vec<&Window>, Vec<&Window>) = windows
        .iter()
        .copied()
        .partition(|window| window.used.contains_key("db/cpu"));
    assert!(
        !known.is_empty() && !unknown.is_empty(),
        "{} known, {} not",
        known.len(),
        unknown.len()
    );
    for window in &known {
        // The counter rises evenly, and readings that cover the window badly are left out: a quarter is the
        // worst.
        let busy = window.used["db/cpu"] / window.duration_s;
        assert!((busy - BUSY).abs() <= 0.25 * BUSY, "{busy}");
    }
    for window in &unknown {
        assert!(
            window.gaps.iter().any(|gap| gap.starts_with("db")),
            "{:?}",
            window.gaps
        );
    }
    assert!(
        unknown
            .last()
            .expect("some")
            .gaps
            .iter()
            .any(|gap| gap.contains("answered with status 503")),
        "{:?}",
        unknown.last()
    );
    assert!(
        windows
            .iter()
            .all(|window| window.used.contains_key("app/cpu") && window.waiting.contains_key("app"))
    );
}
