//! One population, however many threads offer it: equal checksums of the schedule, and equal requests in the
//! shop's own ledger.

use std::{collections::BTreeMap, fs, net::SocketAddr, process::Command, thread};

use nest_data::measurement::Step;
use nest_target::Ledger;

use crate::support::{
    BINARY, Children, SmallStudy, free_address, load, ramp, start_silent, wait_for_listener,
};

/// Numbers of generator threads that are compared. They may share a core.
const THREADS: [usize; 3] = [1, 2, 4];
/// Runs of which one must settle as fast as it can: on a busy machine the coordinator wakes up late.
const MOST_ATTEMPTS: usize = 5;

/// A shop that keeps every request and answers at once.
struct Shop {
    address: SocketAddr,
    _process: Children,
}

impl Shop {
    fn start() -> Self {
        let address = free_address();
        let listen = address.to_string();
        let mut command = Command::new(BINARY);
        command.args(["shop", "--keep-requests", "--items", "100", "--listen", &listen]);
        for behaviour in ["--browse", "--search", "--login"] {
            command.args([behaviour, "100us"]);
        }
        let process = Children(vec![start_silent(command)]);
        wait_for_listener(address, true);
        Self {
            address,
            _process: process,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn requests(&self) -> Vec<String> {
        Ledger::read_from(self.address).expect("a ledger").requests
    }
}

/// What one run sent in its ramp step, and what its document says of that step.
struct Sent {
    step: Step,
    lines: Vec<String>, // in the order in which they came
}

/// Three behaviours, each with all that can be filled in: numbers, choices, rows of a feed drawn at random,
/// and the customer.
fn behaviours(who: &str) -> [(&'static str, f64, String); 3] {
    let drawn = format!("n={{{{ int(1, 1000000000) }}}}&row={{{{ rows.name }}}}&c={who};");
    [
        (
            "look",
            20.0,
            format!("steps = [{{ get = \"/items?page={{{{ int(1, 5) }}}}&{drawn}\" }}]"),
        ),
        (
            "find",
            10.0,
            format!("steps = [{{ get = '/search?q={{{{ pick(\"oak\", \"linen\") }}}}&{drawn}' }}]"),
        ),
        (
            "sign",
            5.0,
            format!(
                "steps = [{{ get = \"/items?first&{drawn}\" }}, {{ post = \"/login?{drawn}\", json = {{ \
                 customer = \"{{{{ int(1, 1000000000) }}}}\" }} }}]"
            ),
        ),
    ]
}

/// A study of the shop. Before each step it writes the shop's ledger to a file.
fn study(shop: &Shop, customers: &str, count: u32, who: &str) -> SmallStudy {
    let snapshot = format!(
        "bash -c 'exec 3<>/dev/tcp/{}/{} && printf \"GET /ledger HTTP/1.1\\r\\nhost: shop\\r\\nconnection: \
         close\\r\\n\\r\\n\" >&3 && (tail -n 1 <&3; echo) >> ledgers'",
        shop.address.ip(),
        shop.address.port()
    );
    let more = format!(
        "reset = '''{snapshot}'''\n[feeds.rows]\nfile = \"rows.csv\"\norder = \"random\"\n{customers}\n\
         [measure]\npilot = \"100ms\"\nsettle = \"300ms\"\nsettle_most = \"300ms\"\n\
         window = \"400ms\"\nwindows = 2\nmax_rate = 600\nbase = 0.001\nboost = 0.002\n\
         customers = [{count}]\n"
    );
    let behaviours = behaviours(who);
    let behaviours = behaviours
        .each_ref()
        .map(|(name, rate, text)| (*name, *rate, text.as_str()));
    let study = SmallStudy::new(&shop.url(""), &behaviours, &more);
    let rows: String = (0..97).map(|row| format!("row{row}\n")).collect();
    study.write("rows.csv", &format!("name\n{rows}"));
    study
}

/// Measures with so many threads, all on one core.
fn measured(shop: &Shop, customers: &str, count: u32, who: &str, threads: usize) -> Sent {
    for _ in 0..MOST_ATTEMPTS {
        let study = study(shop, customers, count, who);
        let cores = format!("measure.generator_core={:?}", vec![0; threads]);
        study.run(&["measure", "--set", &cores]).expect(0);
        let measured = crate::support::measurements(&study.path);
        crate::support::assert_balanced(&measured);
        let ledgers = fs::read_to_string(study.path.join("ledgers")).expect("the study wrote it");
        let ledgers: Vec<Ledger> = ledgers
            .lines()
            .map(|line| serde_json::from_str(line).expect("a ledger"))
            .collect();
        // Written after the pilot and after each step.
        let [.., before, after] = ledgers.as_slice() else {
            panic!("{} ledgers", ledgers.len())
        };
        let step = ramp(&measured)[0].clone();
        assert_eq!(
            step.total().failed + step.total().dropped,
            0,
            "{:?}",
            step.failures
        );
        // The windows begin at the first whole 50 ms after settling, if the machine lets them.
        if (step.settle_s - 0.35).abs() < 1e-6 {
            return Sent {
                step,
                lines: after.requests[before.requests.len()..].to_vec(),
            };
        }
        println!("settled after {} s; measured again", step.settle_s);
    }
    panic!("no run of {MOST_ATTEMPTS} settled in time");
}

/// What is sent with each number of threads; at the same time, as most of it is waiting.
fn with_all_threads(customers: &str, count: u32, who: &str) -> Vec<Sent> {
    let sent: Vec<Sent> = thread::scope(|scope| {
        let run = |threads| move || measured(&Shop::start(), customers, count, who, threads);
        let runs: Vec<_> = THREADS.map(|threads| scope.spawn(run(threads))).into();
        runs.into_iter().map(|run| run.join().expect("a run")).collect()
    });
    for (threads, one) in THREADS.iter().zip(&sent) {
        println!(
            "{threads} threads: schedule {}, {} requests: {:?}",
            one.step.schedule,
            one.lines.len(),
            one.lines.first()
        );
        assert_eq!(one.step.schedule.len(), 32, "128 bits in hexadecimal");
        assert_eq!(one.step.schedule, sent[0].step.schedule, "{threads} threads");
    }
    sent
}

fn sorted(lines: &[String]) -> Vec<String> {
    let mut lines = lines.to_vec();
    lines.sort();
    lines
}

/// The lines of each customer, in the order in which it sent them: it waits for each answer.
fn by_customer(lines: &[String]) -> BTreeMap<u32, Vec<&String>> {
    let mut customers: BTreeMap<u32, Vec<&String>> = BTreeMap::new();
    for line in lines {
        let (_, rest) = line.split_once("c=").expect("every line names its customer");
        let (number, _) = rest.split_once(';').expect("the end of the number");
        customers
            .entry(number.parse().expect("a number"))
            .or_default()
            .push(line);
    }
    customers
}

#[test]
fn open_arrivals_are_one_population_however_many_threads() {
    // Whoever is free executes an open arrival, so that its customer is none of the schedule's.
    let sent = with_all_threads("[customers]", 1_500, "7");
    let first = sorted(&sent[0].lines);
    assert!(first.len() > 200, "{}", first.len());
    for one in &sent {
        assert_eq!(sorted(&one.lines), first);
    }
}

#[test]
fn sessions_are_one_population_however_many_threads() {
    let customers = "[customers]\narrival = \"partly-open\"\nthink = \"5ms\"\nsession = { behaviours = 3 }";
    let sent = with_all_threads(customers, 1_500, "{{ customer }}");
    let first = by_customer(&sent[0].lines);
    // Where a session is when the step ends depends on how long its answers took. Those that began in the
    // first half had 0.5 s for some three behaviours.
    let complete = first.len() / 2;
    assert!(complete > 20, "{complete}");
    for one in &sent {
        let customers = by_customer(&one.lines);
        assert_eq!(
            customers.keys().next_back(),
            first.keys().next_back(),
            "the last session"
        );
        for (number, lines) in &customers {
            let same = first[number].len().min(lines.len());
            assert_eq!(lines[..same], first[number][..same], "session {number}");
            if (*number as usize) < complete {
                assert_eq!(lines, &first[number], "session {number}");
            }
        }
    }
}

#[test]
fn closed_customers_are_one_population_however_many_threads() {
    // 70 executions per second, each customer one in 95 ms: 6.65, and so 7 customers, however fast the
    // answers.
    let customers = "[customers]\narrival = \"closed\"\npacing = { dist = \"uniform\", from = \"70ms\", to = \
         \"120ms\" }";
    let sent = with_all_threads(customers, 400, "{{ customer }}");
    let first = by_customer(&sent[0].lines);
    for one in &sent {
        // How far a customer gets depends on its answers; what it does, and in which order, does not.
        let customers = by_customer(&one.lines);
        assert!(customers.keys().eq(first.keys()), "{customers:?}");
        for (number, lines) in &customers {
            let same = first[number].len().min(lines.len());
            assert!(same >= 4, "customer {number}: {lines:?}");
            assert_eq!(lines[..same], first[number][..same], "customer {number}");
        }
    }
}

#[test]
fn a_counted_load_sends_the_same_requests_however_many_threads() {
    let shop = Shop::start();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = shop.url("/items?page={{ int(1, 5) }}&n={{ int(1, 1000000000) }}");
    let closed: &[&str] = &["--customers", "8"];
    let open: &[&str] = &["--customers", "64", "--rate", "600", "--poisson"];
    for how in [closed, open] {
        let sent = THREADS.map(|threads| {
            let before = shop.requests().len();
            let count = threads.to_string();
            let arguments = [&[&url, "--requests", "300", "--threads", &count], how].concat();
            let found = load(folder.path(), &arguments, 0);
            (found["schedule"].clone(), sorted(&shop.requests()[before..]))
        });
        println!(
            "{how:?}: schedules {:?}",
            sent.each_ref().map(|(schedule, _)| schedule)
        );
        assert!(sent[0].0.is_string() && sent[0].1.len() == 300, "{:?}", sent[0]);
        assert!(sent.iter().all(|one| *one == sent[0]), "{how:?}");
    }
}
