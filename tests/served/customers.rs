//! The models of customers, as a whole study measures them.

use std::time::Duration;

use nest_data::{
    customers::Arrival,
    measurement::{Population, Step},
};

use crate::support::{
    SmallStudy, ramp, replaced,
    server::{Reply, Server},
};

/// Short windows, and so few executions per second that no machine is the limit.
const MEASURE: &str = "[measure]\npilot = \"200ms\"\nsettle = \"300ms\"\nwindow = \"1s\"\nwindows = 3\n\
    max_rate = 500\nbase = 0.001\nboost = 0.002\n";

/// A server that thinks for 4 ms about each answer.
fn slow_server() -> Server {
    Server::start(|_| {
        std::thread::sleep(Duration::from_millis(4));
        Reply::text("hello")
    })
}

fn throughput(step: &Step) -> f64 {
    let completed: u64 = step
        .windows
        .iter()
        .flat_map(|window| window.completed.values())
        .sum();
    completed as f64 / step.windows.iter().map(|window| window.duration_s).sum::<f64>()
}

/// Mean time that a customer was busy with an execution, from the document's own numbers: busy customers over
/// throughput.
fn mean_response_s(step: &Step) -> f64 {
    step.active / throughput(step)
}

#[test]
fn closed_customers_wait_for_answers_and_obey_the_response_time_law() {
    let server = slow_server();
    let more = format!(
        "[customers]\narrival = \"closed\"\nthink = {{ dist = \"exponential\", mean = \"100ms\" }}\n\
         {MEASURE}customers = [1000, 3000]\n"
    );
    let study = SmallStudy::new(
        &server.url(""),
        &[("look", 20.0, "steps = [{ get = \"/\" }]")],
        &more,
    );
    let measured = study.measure();
    let ramp = ramp(&measured);
    assert_eq!(ramp.len(), 2);
    for step in ramp {
        assert_eq!(step.plan.arrival, Arrival::Closed);
        let active = step.plan.active.expect("closed steps have active customers");
        assert_eq!(
            step.population,
            Some(Population {
                planned: active,
                reached: active
            })
        );
        // X = M / (R + Z). In three seconds some 300 to 900 exponential pauses end: four deviations of their
        // mean.
        let (found, response_s) = (throughput(step), mean_response_s(step));
        let law = f64::from(active) / (response_s + 0.100);
        println!(
            "{}: {active} active, {found:.1}/s, R {:.2} ms: {:+.1} % of the law",
            step.plan.label(),
            response_s * 1e3,
            (found / law - 1.0) * 100.0
        );
        let chance = 4.0 / (found * 3.0).sqrt();
        assert!(
            (found / law - 1.0).abs() < chance,
            "{found} against {law}: {:?}",
            step.verdict
        );
        // The plan was made so that the rate of the customers is met: N x 0.1 / s, while the server is as
        // fast as in the pilot.
        let planned = step.plan.total_per_s();
        assert!(
            (found / planned - 1.0).abs() < chance + 0.1,
            "{found} against {planned}"
        );
    }
}

#[test]
fn a_pace_is_kept_from_start_to_start() {
    let server = slow_server();
    let more = format!("[customers]\narrival = \"closed\"\npacing = \"50ms\"\n{MEASURE}customers = [2000]\n");
    let study = SmallStudy::new(
        &server.url(""),
        &[("look", 20.0, "steps = [{ get = \"/\" }]")],
        &more,
    );
    let measured = study.measure();
    let step = ramp(&measured)[0];
    let active = step.plan.active.expect("closed steps have active customers");
    // 200 / s at a pace of 50 ms are ten customers, whatever the server takes below that.
    println!("{active} customers: {:.2}/s", throughput(step));
    assert_eq!(active, 10);
    // A constant pace is exact but for the edges: one execution per customer.
    assert!(
        (throughput(step) * 3.0 - 600.0).abs() <= 10.0,
        "{}",
        throughput(step)
    );
}

#[test]
fn sessions_begin_with_their_start_and_end_with_their_end() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/login" => Reply::text("{}").with("set-cookie", "sid=1; Path=/"),
        _ if asked.header("cookie").is_none() => Reply::status(401),
        _ => Reply::text("hello"),
    });
    let behaviours = [
        ("login", 5.0, "steps = [{ post = \"/login\" }]"),
        (
            "look",
            20.0,
            "needs = \"login\"\nsteps = [{ get = \"/look\", name = \"look\" }]",
        ),
        (
            "leave",
            5.0,
            "needs = \"login\"\nsteps = [{ post = \"/leave\", save = { } }]",
        ),
    ];
    let more = format!(
        "[customers]\narrival = \"partly-open\"\nthink = \"20ms\"\nsession = {{ behaviours = 4, \
         start = \"login\", end = \"leave\" }}\n{}customers = [2500]\n",
        replaced(MEASURE, "windows = 3", "windows = 4")
    );
    let study = SmallStudy::new(&server.url(""), &behaviours, &more);
    let measured = study.measure();
    let step = ramp(&measured)[0];
    assert_eq!((step.plan.arrival, step.population), (Arrival::PartlyOpen, None));
    let due = |name: &str| step.executions.get(name).map_or(0, |counts| counts.due) as f64;
    println!(
        "{} logins, {} looks, {} leaves: {:.2} behaviours per session",
        due("login"),
        due("look"),
        due("leave"),
        due("look") / due("login")
    );
    assert_eq!(
        step.total().failed,
        0,
        "nobody looks before the login, and nobody is forgotten: {:?}",
        step.failures
    );
    // 2,500 customers are 62.5 sessions per second of 4 looks: 250 sessions in the windows. Their number is a
    // Poisson count and that of their looks geometric, so that four deviations of a mean of 4 are 4 x 3.5 /
    // sqrt(250).
    assert!(
        (due("login") - 250.0).abs() < 4.0 * 250.0_f64.sqrt(),
        "{}",
        due("login")
    );
    assert!((due("look") / due("login") - 4.0).abs() < 4.0 * 3.5 / 250.0_f64.sqrt());
    // A session that began in the windows may end after them, and the other way round: those in progress at
    // the edges.
    assert!(
        (due("leave") - due("login")).abs() < 60.0,
        "{} against {}",
        due("leave"),
        due("login")
    );
}

#[test]
fn uniform_spacing_offers_the_same_number_in_every_window() {
    let server = Server::start(|_| Reply::text("hello"));
    let more = format!("[customers]\nspacing = \"uniform\"\n{MEASURE}customers = [2000]\n");
    let study = SmallStudy::new(
        &server.url(""),
        &[("look", 20.0, "steps = [{ get = \"/\" }]")],
        &more,
    );
    let measured = study.measure();
    let step = ramp(&measured)[0];
    assert_eq!(
        step.total().due,
        600,
        "200 per second for three seconds: {:?}",
        step.verdict
    );
}

#[test]
fn a_target_that_warms_up_is_waited_for_and_left_out_of_the_windows() {
    let began = std::sync::Mutex::new(None);
    let server = Server::start(move |asked| {
        if asked.path == "/cold" {
            *began.lock().expect("no thread panics with it") = None;
            return Reply::text("cold again");
        }
        // Warms up: 50 ms at first, and nothing from three seconds after the first request since it was last
        // cooled down.
        let since = *began
            .lock()
            .expect("no thread panics with it")
            .get_or_insert_with(std::time::Instant::now);
        std::thread::sleep(
            Duration::from_millis(50).mul_f64((1.0 - since.elapsed().as_secs_f64() / 3.0).max(0.0)),
        );
        Reply::text("hello")
    });
    let cool_down = crate::support::get_command(&server.url("/cold"));
    let more = format!(
        "reset = '''{cool_down}'''\n[customers]\n[measure]\npilot = \"200ms\"\nsettle = \"1s\"\n\
         settle_most = \"12s\"\nwindow = \"1s\"\nwindows = 3\nmax_rate = 100\nbase = 0.01\nboost = 0.02\n\
         customers = [1000]\n"
    );
    let study = SmallStudy::new(
        &server.url(""),
        &[("look", 20.0, "steps = [{ get = \"/\" }]")],
        &more,
    );
    let measured = study.measure();
    let step = ramp(&measured)[0];
    println!(
        "settled after {:.2} s, p99 in the windows {:.1} ms",
        step.settle_s,
        step.endpoints[0].response_s[2] * 1e3
    );
    assert!(
        step.settle_s > 2.5,
        "the warm-up was taken for settled: {} s",
        step.settle_s
    );
    assert!(step.settle_s < 12.0, "it never settled: {:?}", step.verdict);
    // Of what is slow nothing is in the windows: half of the settling was above 15 ms.
    assert!(step.endpoints[0].response_s[1] < 0.015, "{:?}", step.endpoints);
    assert!(step.settling.due > 200, "{:?}", step.settling);
}

#[test]
fn a_session_that_cannot_start_drops_all_that_its_customer_came_for() {
    let server = Server::start(|_| Reply::text("fine"));
    let request = |path: &str| format!("steps = [{{ get = \"{path}\" }}]");
    let (login, look) = (request("/login"), request("/look"));
    let behaviours = [("login", 5.0, login.as_str()), ("look", 20.0, look.as_str())];
    let more = format!(
        "[customers]\narrival = \"partly-open\"\nthink = \"100ms\"\nsession = {{ behaviours = 4, \
         start = \"login\" }}\n{}max_in_flight = 2\ncustomers = [2500]\n",
        replaced(MEASURE, "windows = 3", "windows = 4")
    );
    let measured = SmallStudy::new(&server.url(""), &behaviours, &more).measure();
    let total = ramp(&measured)[0].total();
    println!("{total:?}");
    // 250 sessions of one login and 4 looks on average, a geometric number: five deviations are 5 sqrt(250
    // (25 + 12)).
    assert!(
        (total.due as f64 - 1_250.0).abs() < 5.0 * (250.0 * 37.0_f64).sqrt(),
        "{total:?}"
    );
    // Two at a time, each of half a second: 16 of 250 can start. Counted by first executions alone, half
    // would seem to be served.
    assert!(total.dropped as f64 > 0.8 * total.due as f64, "{total:?}");
}

#[test]
fn what_needs_a_behaviour_that_failed_is_not_made() {
    let logins = std::sync::atomic::AtomicUsize::new(0);
    // The pilot's logins succeed, and of a later one each second fails.
    let server = Server::start(move |asked| {
        let is_login = asked.path == "/login";
        let number = if is_login {
            logins.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
        } else {
            0
        };
        // Without processor time nothing can be planned.
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(1) {}
        if number > 4 && number % 2 == 1 {
            Reply::status(500)
        } else {
            Reply::text("hello")
        }
    });
    let more = "[customers]\narrival = \"partly-open\"\nsession = { behaviours = 2 }\nthink = \"10ms\"\n\
        [measure]\npilot = \"200ms\"\nsettle = \"300ms\"\nwindow = \"1s\"\nwindows = 2\nmax_rate = 100\n\
        base = 0.001\nboost = 0.002\ncustomers = [200]\n";
    let behaviours = [
        ("login", 1.0, "steps = [{ get = \"/login\" }]"),
        ("look", 20.0, "needs = \"login\"\nsteps = [{ get = \"/look\" }]"),
    ];
    let study = SmallStudy::new(&server.url(""), &behaviours, more);
    let measured = study.measure();
    let step = ramp(&measured)[0];
    let of = |kind: &str| {
        let errors = step
            .errors
            .iter()
            .filter(|error| error.kind == kind && error.behaviour == "look");
        errors.map(|error| error.count).sum::<u64>()
    };
    let (executions, requests) = (step.executions["look"], step.requests["look"]);
    println!(
        "{executions:?} {requests:?} {:?} {:?}",
        step.errors, step.failures
    );
    assert!(of("needs") > 0, "{:?}", step.errors);
    assert_eq!(executions.failed, of("needs"), "{:?}", step.errors);
    // Whoever was made was sent, and nobody else.
    assert_eq!(requests.due, executions.completed);
}
