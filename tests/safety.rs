//! What a study, a target or a file that nobody has looked at cannot do: `SECURITY.md` promises it.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use nix::sys::signal::Signal;

use crate::support::{
    ShopStudy, SmallStudy, change, copy_study, free_address, load, nest,
    nginx::Nginx,
    repository,
    server::{Reply, Server},
    start, wait_for_listener,
};

const QUICK: &str = "[customers]\n[measure]\npilot = \"1s\"\nwindow = \"1s\"\nsettle = \"1s\"\nwindows = 2\n";

/// A server whose answers take processor time that a probe sees.
fn working_server() -> Server {
    Server::start(|_| {
        let sum = (0..1_000_000_u64).fold(1, |sum, n| std::hint::black_box(sum ^ (n << 1)));
        Reply::text(sum.to_string())
    })
}

/// A study of a server that answers, with a processor to read, which is this process.
fn study_of(server: &Server, target: &str) -> SmallStudy {
    let probe = format!("[probes.app]\npid = {}\n", std::process::id());
    let more = format!("{target}\n{QUICK}{probe}");
    SmallStudy::new(
        &server.url(""),
        &[("home", 20.0, "steps = [{ get = \"/\" }]")],
        &more,
    )
}

#[test]
fn init_replaces_nothing_and_adds_to_what_git_ignores() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at(".gitignore"), ".env").expect("written");
    let arguments = ["init", "--url", "http://127.0.0.1:1/", "."];
    fs::create_dir(at("behaviours")).expect("made");
    fs::write(at("behaviours/home.toml"), "mine").expect("written");
    nest(folder.path(), &arguments)
        .expect(1)
        .says("behaviours/home.toml");
    assert_eq!(
        fs::read_to_string(at("behaviours/home.toml")).expect("there"),
        "mine"
    );
    assert!(!at("nest.toml").exists());

    fs::remove_file(at("behaviours/home.toml")).expect("removed");
    nest(folder.path(), &arguments).expect(0);
    let ignored = fs::read_to_string(at(".gitignore")).expect("there");
    assert!(
        ignored.starts_with(".env\n") && ignored.ends_with("/runs/\n/.nest/\n"),
        "{ignored}"
    );
    nest(folder.path(), &arguments).expect(1).says("nest.toml");
}

#[test]
fn links_that_leave_the_study_are_not_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let outside = folder.path().join("outside");
    fs::create_dir_all(outside.join("sub/steps")).expect("made");
    fs::write(outside.join("report.html"), "mine").expect("written");
    fs::write(outside.join("sub/run.json"), "{}").expect("written");
    fs::write(outside.join("secret.csv"), "token-4711\n").expect("written");
    let study = copy_study("minimum-payment", folder.path());
    fs::copy(
        repository().join("models/minimum-payment/scaling.json"),
        study.join("scaling.json"),
    )
    .expect("copied");
    let run = |arguments: &[&str]| nest(folder.path(), arguments);

    symlink(&outside, study.join("reports")).expect("linked");
    run(&["project", "minimum-payment"])
        .expect(1)
        .says("is a link, through which nothing is written");
    assert_eq!(fs::read_dir(&outside).expect("there").count(), 3);

    symlink(&outside, study.join("runs")).expect("linked");
    run(&["runs", "rm", "sub", "minimum-payment"])
        .expect(1)
        .says("outside the folder of the study");
    run(&["runs", "list", "minimum-payment"]).expect(1);
    assert!(outside.join("sub/run.json").exists());

    // Neither a path nor a link shows lines of a file that is none of the study's.
    symlink(outside.join("secret.csv"), study.join("feed.csv")).expect("linked");
    for file in [
        "feed.csv",
        "../outside/secret.csv",
        &outside.join("secret.csv").display().to_string(),
    ] {
        let text = fs::read_to_string(repository().join("models/minimum-payment/nest.toml")).expect("there");
        let history = format!("{text}\n[growth.past]\nhistory = {file:?}\n");
        fs::write(study.join("nest.toml"), history).expect("written");
        let outcome = run(&["fit", "minimum-payment"]);
        assert!(!outcome.stderr.contains("4711"), "{}", outcome.stderr);
        let outcome = run(&["project", "minimum-payment"]);
        assert_ne!(outcome.code, 0);
        assert!(!outcome.stderr.contains("4711"), "{}", outcome.stderr);
        outcome.says("cannot read growth");
    }
}

#[test]
fn a_study_below_models_reads_nothing_above_that_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    for name in ["models", "pricing", "precious", "reports"] {
        fs::create_dir(root.join(name)).expect("made");
    }
    fs::write(root.join("secret.csv"), "token-4711\n").expect("written");
    let study = copy_study("minimum-payment", &root.join("models"));
    let text = fs::read_to_string(study.join("nest.toml")).expect("there");
    fs::copy(
        repository().join("models/minimum-payment/scaling.json"),
        study.join("scaling.json"),
    )
    .expect("copied");
    symlink("../../secret.csv", study.join("linked.csv")).expect("linked");
    for file in ["../../secret.csv", "linked.csv"] {
        let history = format!("{text}\n[growth.past]\nhistory = {file:?}\n");
        fs::write(study.join("nest.toml"), history).expect("written");
        let outcome = nest(root, &["project", "models/minimum-payment"]).expect(1);
        assert!(!outcome.stderr.contains("4711"), "{}", outcome.stderr);
        outcome.says("outside the folder of the study");
    }
    fs::write(study.join("nest.toml"), text).expect("written");
    // The report of a study goes into its own folder, and through no link into another one.
    fs::write(root.join("precious/report.html"), "mine").expect("written");
    symlink("../precious", root.join("reports/minimum-payment")).expect("linked");
    nest(root, &["project", "models/minimum-payment"])
        .expect(1)
        .says("is a link, through which nothing is written");
    assert_eq!(fs::read_dir(root.join("precious")).expect("there").count(), 1);
    // Price books beside `models` are read, and nothing through them.
    let book = root.join("pricing/own");
    fs::create_dir(&book).expect("made");
    symlink("../../secret.csv", book.join("home.toml")).expect("linked");
    let outcome = nest(
        root,
        &["pricing", "show", "own/home", "--study", "models/minimum-payment"],
    );
    outcome.says("outside the folder of the study");
    assert!(!outcome.stderr.contains("4711"), "{}", outcome.stderr);
}

#[test]
fn nothing_is_written_through_a_pipe_or_a_link() {
    let server = working_server();
    let study = study_of(&server, "");
    let nest_folder = study.path.join(".nest");
    fs::create_dir(&nest_folder).expect("made");
    nix::unistd::mkfifo(&nest_folder.join("lock"), nix::sys::stat::Mode::S_IRWXU).expect("made");
    study.run(&["measure"]).expect(1).says("a pipe or a device");
    fs::remove_dir_all(&nest_folder).expect("removed");
    symlink(".", &nest_folder).expect("linked");
    symlink("measurements.json", study.path.join("lock")).expect("linked");
    study.write("measurements.json", "mine");
    fs::create_dir_all(study.path.join("runs/x")).expect("made");
    study.write("runs/x/run.json", "{}");
    study.run(&["runs", "rm", "x"]).expect(1).says("is a link");
    let kept = fs::read_to_string(study.path.join("measurements.json")).expect("there");
    assert_eq!(kept, "mine");
    assert!(study.path.join("runs/x").exists());
    assert_eq!(server.asked().len(), 0);

    let place = tempfile::tempdir().expect("a folder");
    fs::create_dir(place.path().join("other")).expect("made");
    symlink("other", place.path().join("locust-nest-demo")).expect("linked");
    nest(place.path(), &["demo"]).expect(2).says("is a link");
    assert_eq!(
        fs::read_dir(place.path().join("other")).expect("there").count(),
        0
    );
}

#[test]
fn what_is_no_regular_file_of_a_study_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = copy_study("minimum-payment", folder.path());
    nix::unistd::mkfifo(&study.join("behaviours/pipe.toml"), nix::sys::stat::Mode::S_IRWXU).expect("made");
    nest(folder.path(), &["measure", "minimum-payment"])
        .expect(1)
        .says("a pipe or a device");
    fs::remove_file(study.join("behaviours/pipe.toml")).expect("removed");
    symlink("/dev/zero", study.join("scaling.json")).expect("linked");
    nest(folder.path(), &["project", "minimum-payment"])
        .expect(1)
        .says("scaling.json");
    nest(folder.path(), &["curve", "/dev/zero", "--at", "/dev/zero"])
        .expect(1)
        .says("MiB, the most that is read");
}

/// A histogram whose header asks for 4 GiB of counts: "V2 encoding" of HdrHistogram, made with Python's zlib.
const HUGE_HISTOGRAM: &str = "HISTFAAAAB94nJNpmSz8////DwwQwAylGUHEtclLGOyhMgDYYQh0";

#[test]
fn no_number_of_a_document_keeps_the_program_busy() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = copy_study("shop", folder.path());
    let models = repository().join("models/shop");
    let changed = |document: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let text = fs::read_to_string(models.join(document)).expect("committed");
        let mut json = serde_json::from_str(&text).expect("JSON");
        change(&mut json);
        fs::write(study.join(document), json.to_string()).expect("written");
    };
    changed("measurements.json", &|json| {
        json["resources"][0]["capacity"] = 1e9.into()
    });
    nest(folder.path(), &["fit", "shop"])
        .expect(3)
        .says("cannot have a capacity of 1000000000");
    changed("measurements.json", &|json| {
        for step in json["steps"].as_array_mut().expect("steps") {
            for one in step["histograms"].as_array_mut().expect("histograms") {
                one["hdr"] = HUGE_HISTOGRAM.into();
            }
        }
    });
    nest(folder.path(), &["fit", "shop"]).expect(3).says("histogram");
    changed("scaling.json", &|json| {
        json["quantiles"][0]["servers"] = 1e9.into()
    });
    nest(folder.path(), &["project", "shop"])
        .expect(3)
        .says("1000000000 servers");
}

#[test]
fn a_study_is_measured_by_one_process_at_a_time() {
    let server = working_server();
    let study = study_of(&server, "");
    let mut first = study.start(&["measure"]);
    first.wait_for("pilot:");
    let holder = format!("(process {})", first.pid());
    for verb in [&["measure"][..], &["measure", "--resume"], &["measure", "--plan"]] {
        study.run(verb).expect(1).says(&holder);
    }
    let runs = fs::read_dir(study.path.join("runs")).expect("there");
    let run = runs
        .map_while(Result::ok)
        .find(|entry| entry.path().is_dir())
        .expect("a run");
    let id = run.file_name().into_string().expect("UTF-8");
    study.run(&["runs", "rm", &id]).expect(1).says(&holder);
    first.signal(Signal::SIGHUP);
    assert_eq!(first.finish().code, 130);
    study.run(&["runs", "rm", &id]).expect(0);
}

#[test]
fn a_killed_run_leaves_no_target_behind_and_the_next_one_begins() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = ShopStudy::new(folder.path());
    let path = study.path.display().to_string();
    let mut killed = start(folder.path(), &["measure", "--yes", &path]);
    killed.wait_for("pilot:");
    killed.signal(Signal::SIGKILL);
    drop(killed);
    wait_for_listener(study.address, false);
    let mut next = start(folder.path(), &["measure", "--yes", "--resume", &path]);
    next.wait_for("pilot:");
    next.signal(Signal::SIGTERM);
    assert_eq!(next.finish().code, 130);
    wait_for_listener(study.address, false);
}

#[test]
fn commands_see_no_variable_that_the_study_does_not_name() {
    let server = working_server();
    let study = study_of(&server, "state = \"env > seen; exit 3\"\nenv = [\"SHOWN\"]");
    let outcome = Command::new(env!("CARGO_BIN_EXE_locust-nest"))
        .args(["measure", "--yes", "--plan"])
        .arg(&study.path)
        .envs([("SHOWN", "yes"), ("HIDDEN_TOKEN", "4711"), ("NEST_OWN", "yes")])
        .output()
        .expect("it runs");
    assert_eq!(outcome.status.code(), Some(6));
    let seen = fs::read_to_string(study.path.join("seen")).expect("the command ran");
    assert!(
        seen.contains("SHOWN=yes") && seen.contains("NEST_OWN=yes") && seen.contains("PATH="),
        "{seen}"
    );
    assert!(!seen.contains("4711"), "{seen}");
}

#[test]
fn a_commands_time_counts_towards_the_longest_run() {
    let server = working_server();
    let study = study_of(&server, "state = \"sleep 300\"");
    change(
        &study.path.join("nest.toml"),
        "[measure]",
        "[measure]\nmax_duration = \"2s\"",
    );
    study.run(&["measure"]).expect(6).says("took more than 2 s");
}

#[test]
fn a_target_that_floods_its_log_is_cut_and_not_held_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = free_address();
    let flood = "head -c 100000000 /dev/zero | tr '\\\\0' x >&2; touch flooded; exit 3";
    let study = SmallStudy::new(
        &format!("http://{address}"),
        &[("home", 20.0, "steps = [{ get = \"/\" }]")],
        &format!("start = \"{flood}\"\n{QUICK}"),
    );
    study.run(&["measure"]).expect(6);
    drop(folder);
    assert!(study.path.join("flooded").exists());
    let runs = fs::read_dir(study.path.join("runs")).expect("there");
    let logs = runs
        .map_while(Result::ok)
        .map(|run| run.path().join("target.log"));
    let log = logs
        .filter_map(|log| fs::metadata(log).ok())
        .next()
        .expect("a log");
    assert!((64 << 20..65 << 20).contains(&log.len()), "{}", log.len());
}

#[test]
fn a_damaged_part_of_a_run_is_left_out_and_named() {
    let server = working_server();
    let study = study_of(&server, "");
    let mut run = study.start(&["measure"]);
    run.wait_for("step 2 of");
    run.signal(Signal::SIGINT);
    run.finish();
    let run = only_run(&study.path);
    let step = run.join("steps/000.json");
    let text = fs::read_to_string(&step).expect("there");
    fs::write(run.join("steps/007.json"), &text).expect("written");
    fs::write(&step, &text[..text.len() / 2]).expect("written");
    let id = run
        .file_name()
        .expect("a name")
        .to_str()
        .expect("UTF-8")
        .to_owned();
    for verb in [&["runs", "list"][..], &["runs", "show", &id]] {
        let outcome = study.run(verb).expect(0);
        outcome
            .says("000.json is damaged")
            .says("007.json: it holds step 0");
    }
    fs::write(run.join("run.json"), "{").expect("written");
    let outcome = study.run(&["runs", "list"]).expect(0);
    assert!(outcome.stdout.contains("damaged"), "{}", outcome.stdout);
}

/// The folder of the only run of a study.
fn only_run(study: &Path) -> std::path::PathBuf {
    let entries = fs::read_dir(study.join("runs"))
        .expect("there")
        .map_while(Result::ok);
    let mut runs = entries.map(|entry| entry.path()).filter(|path| path.is_dir());
    let run = runs.next().expect("a run");
    assert!(runs.next().is_none());
    run
}

#[test]
fn what_a_target_sends_does_not_steer_the_terminal() {
    let server = Server::start(|_| Reply::Answer {
        status: 500,
        headers: vec![("x-note", "\u{9b}31m".to_owned())],
        body: "\x1b]0;title\x07\x1b[31mred\rover\u{202e}txt".to_owned(),
    });
    let folder = tempfile::tempdir().expect("a folder");
    let url = server.url("/");
    let outcome = nest(folder.path(), &["load", &url, "--duration", "1s", "--rate", "5"]);
    let printed = outcome.stdout + &outcome.stderr;
    let steers = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
    assert!(!printed.contains(steers), "{printed:?}");
}

#[test]
fn a_redirect_to_another_port_brings_no_key_no_cookie_and_no_body() {
    let other = Server::start(|_| Reply::text("hello"));
    let there = other.url("/there");
    let target = Server::start(move |asked| match asked.path.as_str() {
        "/login" => Reply::text("hello").with("set-cookie", "session=4711; Path=/"),
        "/own" => Reply::text("hello"),
        "/back" => Reply::status(302).with("location", "/own"),
        _ => Reply::status(307).with("location", there.as_str()),
    });
    let folder = tempfile::tempdir().expect("a folder");
    let keys = "headers = { X-Api-Key = \"4711\", Authorization = \"Bearer 4711\", Cookie = \"own=4711\" }";
    let behaviour = format!(
        "steps = [{{ get = \"/login\" }}, {{ get = \"/back\", redirects = 1, {keys} }}, \
         {{ get = \"/away\", redirects = 1, {keys} }}, \
         {{ post = \"/away\", body = \"card 4711\", redirects = 1, {keys} }}]"
    );
    fs::write(folder.path().join("walk.toml"), behaviour).expect("written");
    let url = target.url("");
    let arguments = [
        "--behaviour",
        "walk.toml",
        "--customers",
        "1",
        "--requests",
        "2",
        &url,
    ];
    let result = load(folder.path(), &arguments, 0);
    // The last request would have to bring its body.
    assert_eq!(result["executions"]["failed"], 2, "{result:#}");
    assert!(
        result["failures"].to_string().contains("to another origin"),
        "{result:#}"
    );
    let own = target.asked();
    let own = own
        .iter()
        .find(|asked| asked.path == "/own")
        .expect("it was followed");
    assert!(own.header("x-api-key") == Some("4711") && own.header("authorization").is_some());
    let cookies = own.header("cookie").expect("they are the target's");
    assert!(
        cookies.contains("session=4711") && cookies.contains("own=4711"),
        "{cookies}"
    );
    let asked = other.asked();
    assert_eq!(asked.len(), 2);
    for asked in asked {
        let told = format!("{:?} {:?}", asked.headers, asked.body);
        assert!(!told.contains("4711"), "{told}");
    }
}

#[test]
fn bodies_that_are_checked_share_a_bound_of_memory() {
    let (folder, address) = (tempfile::tempdir().expect("a folder"), free_address());
    let path = folder.path().display();
    fs::write(folder.path().join("big"), vec![b'x'; 48 << 20]).expect("written");
    // Slowly, so that all of them are on their way at a time.
    let served = format!("server {{ listen {address}; location / {{ root {path}; limit_rate 24m; }} }}");
    let _nginx = Nginx::start(folder.path(), address, &served);
    let behaviour = "steps = [{ get = \"/big\", expect = { body_contains = \"xxx\" } }]";
    fs::write(folder.path().join("big.toml"), behaviour).expect("written");
    let url = format!("http://{address}");
    let mut arguments = vec![
        "--behaviour",
        "big.toml",
        "--customers",
        "24",
        "--requests",
        "48",
        &url,
    ];
    arguments.extend(["--timeout", "60s", "--threads", "2"]);
    let found = load(folder.path(), &arguments, 0);
    // 24 bodies would take 1.1 GiB. Besides the 256 MiB, each worker may be checking one of 64 MiB.
    let peak = found["generator"]["peak_memory_bytes"]
        .as_f64()
        .expect("a number")
        / f64::from(1 << 20);
    println!("{peak:.0} MiB at the peak");
    assert!(peak < 500.0, "{peak} MiB");
    let refused = found["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .any(|error| error["kind"] == "memory");
    assert!(
        refused && found["verdict"].to_string().contains("no room for an answer"),
        "{found:#}"
    );
}
