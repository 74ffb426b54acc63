//! What requests are made of and what is taken from their answers: seeds, feeds, captures, redirects,
//! multipart bodies.

use nest_data::measurement::{FailedExchange, Measurements};

use crate::support::{
    SmallStudy, get_command, ramp, replaced,
    server::{Asked, Reply, Server},
};

/// One step of 60 executions per second after ones that hardly ask for anything.
const MEASURE: &str = "[measure]\npilot = \"100ms\"\nsettle = \"500ms\"\nwindow = \"1s\"\nwindows = 2\n\
    max_rate = 400\nbase = 0.0001\nboost = 0.0002\ncustomers = [600]\n";

/// What was asked in the last step: after the last but one time that the study reset the target.
fn last_step(server: &Server) -> Vec<Asked> {
    let asked = server.asked();
    let mut steps: Vec<_> = asked.split(|asked| asked.path == "/mark").collect();
    // After the last step it is reset once more.
    assert!(steps.pop().is_some_and(<[Asked]>::is_empty));
    steps.pop().expect("a step").to_vec()
}

/// Measures a study of this behaviour. The server gets a request for /mark at the end of every step.
#[track_caller]
fn measured(server: &Server, behaviour: &str, more: &str, files: &[(&str, &str)]) -> Measurements {
    study(server, behaviour, more, files).measure()
}

fn study(server: &Server, behaviour: &str, more: &str, files: &[(&str, &str)]) -> SmallStudy {
    let more = format!(
        "reset = '''{}'''\n{MEASURE}{more}",
        get_command(&server.url("/mark"))
    );
    let more = if more.contains("[customers]") {
        more
    } else {
        format!("{more}[customers]\n")
    };
    let study = SmallStudy::new(&server.url(""), &[("look", 20.0, behaviour)], &more);
    files.iter().for_each(|(name, text)| study.write(name, text));
    study
}

/// The lines from a certain one on, which is near the start; all of them if it is not.
fn from_line<'a>(lines: &'a [String], first: &String) -> &'a [String] {
    let place = lines.iter().take(10).position(|line| line == first);
    &lines[place.unwrap_or(0)..]
}

#[test]
fn equal_seeds_send_equal_requests_in_equal_order() {
    let behaviour = "steps = [\n{ get = '/a?x={{ int(1, 1000000) }}&c={{ pick(\"red\", \"green\", \
        \"blue\") }}&u={{ users.name }}' },\n\
                     { post = \"/b\", think = { dist = \"uniform\", from = \"0s\", to = \"2ms\" }, \
                     json = { n = \"{{ int(1, 1000000) }}\", u = \"{{ users.name }}\" } },\n]";
    let feed = "[feeds.users]\nfile = \"users.csv\"\norder = \"random\"\n";
    let users = format!(
        "name\n{}\n",
        (0..50)
            .map(|index| format!("user{index}"))
            .collect::<Vec<_>>()
            .join("\n")
    );
    // One customer, so that the order at the server is the order in which was sent; or sixty starts per
    // second.
    let closed = format!(
        "{feed}[customers]\narrival = \"closed\"\nthink = {{ dist = \"exponential\", mean = \"10ms\" }}\n"
    );
    for (name, more, customers) in [
        ("closed", closed.as_str(), "measure.customers=[5]"),
        ("open", feed, "measure.customers=[600]"),
    ] {
        let sequence = |seed: &str| {
            let server = Server::start(|_| Reply::text("hello"));
            let study = study(&server, behaviour, more, &[("users.csv", &users)]);
            study
                .run(&["measure", "--set", seed, "--set", customers])
                .expect(0);
            last_step(&server).iter().map(Asked::line).collect::<Vec<_>>()
        };
        let (first, second, other) = (
            sequence("study.seed=7"),
            sequence("study.seed=7"),
            sequence("study.seed=8"),
        );
        // How many there are depends on the moment at which the windows begin.
        let common = first.len().min(second.len());
        println!(
            "{name}: {} and {} requests, {common} compared: {:?}",
            first.len(),
            second.len(),
            first.first()
        );
        assert!(common > 60, "{name}: {common}");
        if name == "closed" {
            // On a busy machine one of them may begin with a later execution.
            let (first, second) = (from_line(&first, &second[0]), from_line(&second, &first[0]));
            let common = first.len().min(second.len());
            assert!(common > 60, "{common}");
            assert_eq!(first[..common], second[..common]);
        } else {
            // Customers who act at the same time overtake one another on their way; what they send is the
            // same, but for the last ones, whose others lie beyond the end.
            let missing: Vec<_> = first[..common - 20]
                .iter()
                .filter(|line| !second.contains(line))
                .collect();
            assert!(missing.is_empty(), "{missing:?}");
        }
        assert_ne!(
            first[..20],
            other[..20],
            "{name}: another seed sends something else"
        );
    }
}

#[test]
fn a_sequential_feed_is_read_in_order_and_from_the_start_again() {
    let server = Server::start(|_| Reply::text("hello"));
    let feed = "[feeds.users]\nfile = \"users.csv\"\n";
    let users = "name,city\nAda,\"Lon, don\"\nBob,Rome\nCy,\"a \"\"b\"\"\"\n";
    let behaviour = "steps = [{ post = \"/order\", json = { name = \"{{ users.name }}\", \
        city = \"{{ users.city }}\" } }]";
    let found = measured(&server, behaviour, feed, &[("users.csv", users)]);
    assert_eq!(ramp(&found)[0].total().failed, 0);
    let bodies: Vec<String> = last_step(&server).into_iter().map(|asked| asked.body).collect();
    let rows = [
        "{\"city\":\"Lon, don\",\"name\":\"Ada\"}",
        "{\"city\":\"Rome\",\"name\":\"Bob\"}",
        "{\"city\":\"a \\\"b\\\"\",\"name\":\"Cy\"}",
    ];
    let count = |row: &str| bodies.iter().filter(|body| *body == row).count();
    println!("{} requests over {} rows", bodies.len(), rows.len());
    assert_eq!(
        bodies.len(),
        rows.iter().map(|row| count(row)).sum::<usize>(),
        "{bodies:?}"
    );
    assert!(
        rows.iter().all(|row| count(row).abs_diff(bodies.len() / 3) <= 1),
        "every row as often as the others: {:?}",
        rows.map(count)
    );
}

#[test]
fn a_unique_feed_gives_each_row_once_and_then_fails_by_its_name() {
    let server = Server::start(|_| Reply::text("hello"));
    let feed = "[feeds.vouchers]\nfile = \"vouchers.jsonl\"\norder = \"unique\"\n";
    let vouchers: String = (0..130)
        .map(|index| format!("{{\"code\": \"v{index}\", \"worth\": {index}}}\n"))
        .collect();
    let behaviour = "steps = [{ get = \"/redeem?code={{ vouchers.code }}&worth={{ vouchers.worth }}\", \
        name = \"redeem\" }]";
    // The pilot must not take them all.
    let more = format!("{feed}[slo.any]\np95 = \"1s\"\n");
    let study = study(&server, behaviour, &more, &[("vouchers.jsonl", &vouchers)]);
    let found = {
        study.run(&["measure", "--set", "measure.pilot=2ms"]).expect(0);
        let found = crate::support::measurements(&study.path);
        crate::support::assert_balanced(&found);
        found
    };
    let mut codes: Vec<String> = server
        .asked()
        .into_iter()
        .filter(|asked| asked.path.starts_with("/redeem"))
        .map(|asked| asked.path)
        .collect();
    let sent = codes.len();
    codes.sort();
    codes.dedup();
    println!("{sent} of 130 rows were sent, {} of them different", codes.len());
    assert_eq!((sent, codes.len()), (130, 130), "each row once, whoever takes it");
    let step = ramp(&found)[0];
    assert!(step.total().failed > 0, "{:?}", step.total());
    assert_eq!(
        (step.errors[0].kind.as_str(), step.errors[0].count),
        ("feed", step.total().failed)
    );
    assert!(
        step.failures[0].reason.contains("feed `vouchers` has run dry"),
        "{:?}",
        step.failures
    );
    assert_eq!(step.failures[0].behaviour, "look");
}

#[test]
fn feeds_that_are_ragged_or_missing_are_refused_at_their_line() {
    let server = Server::start(|_| Reply::text("hello"));
    let feed = |file: &str| format!("[feeds.users]\nfile = \"{file}\"\n");
    let behaviour = "steps = [{ get = \"/{{ users.name }}\" }]";
    let run = |file: &str, text: &str| {
        study(&server, behaviour, &feed(file), &[(file, text)])
            .run(&["measure"])
            .expect(3)
    };
    run("users.csv", "name,city\nAda,London\nBob\n")
        .says("line 3 has 1 cells, the header has 2")
        .says("users.csv:3");
    run("users.jsonl", "{\"name\": \"Ada\"}\n{\"nom\": \"Bob\"}\n")
        .says("line 2 has no `name`")
        .says("users.jsonl:2");
    run("users.csv", "name\n").says("the feed has no row");
    run("users.csv", "nom\nAda\n").says("the feed has no column `name`");
    study(&server, behaviour, &feed("nowhere.csv"), &[])
        .run(&["measure"])
        .expect(3)
        .says("nowhere.csv");
    assert!(server.asked().is_empty(), "nothing was asked for");
}

#[test]
fn values_are_taken_from_headers_patterns_and_json_and_used_later() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/form" => Reply::text("<input name=csrf value=\"c-42\"> {\"not\": json}").with("X-Token", "tok-7"),
        "/items" => Reply::text("{\"items\": [{\"id\": 1}, {\"id\": \"second\", \"tags\": [\"x y\"]}]}"),
        _ => Reply::text("done"),
    });
    let behaviour = "steps = [\n{ get = \"/form\", save = { token = { header = \"x-token\" }, \
        csrf = { regex = 'value=\"([^\"]+)\"' } } },\n\
                     { get = \"/items\", save = { id = \"$.items[1].id\", tag = \"$.items[1].tags[0]\" } },\n\
                     { post = \"/buy/{{ id }}?tag={{ tag }}\", headers = { X-Token = \"{{ token }}\" }, \
                     form = { csrf = \"{{ csrf }}\", tag = \"{{ tag }}\" } },\n]";
    let found = measured(&server, behaviour, "", &[]);
    assert_eq!(
        ramp(&found)[0].total().failed,
        0,
        "{:?}",
        ramp(&found)[0].failures
    );
    let bought: Vec<Asked> = last_step(&server)
        .into_iter()
        .filter(|asked| asked.method == "POST")
        .collect();
    assert!(bought.len() > 60);
    for asked in bought {
        assert_eq!(
            (asked.path.as_str(), asked.header("x-token")),
            ("/buy/second?tag=x%20y", Some("tok-7"))
        );
        assert_eq!(asked.body, "csrf=c-42&tag=x+y");
    }
}

#[test]
fn a_capture_that_finds_nothing_names_behaviour_request_and_variable() {
    // One answer in two lacks what is wanted.
    let count = std::sync::atomic::AtomicU64::new(0);
    let server = Server::start(move |_| {
        let even = count
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            .is_multiple_of(2);
        Reply::text(if even {
            "{\"cart\": {\"id\": 5}}"
        } else {
            "{\"cart\": null}"
        })
    });
    let found = measured(
        &server,
        "steps = [{ get = \"/cart\", name = \"open the cart\", save = { cart = \"$.cart.id\" } }]",
        "",
        &[],
    );
    let step = ramp(&found)[0];
    let (failed, due) = (step.total().failed, step.total().due);
    println!("{failed} of {due} found nothing");
    assert!(failed.abs_diff(due / 2) <= 2);
    assert_eq!(
        (
            step.errors[0].kind.as_str(),
            step.errors[0].behaviour.as_str(),
            step.errors[0].count
        ),
        ("capture", "look", failed)
    );
    let FailedExchange {
        behaviour,
        request,
        reason,
        answer,
        ..
    } = &step.failures[0];
    assert_eq!(
        (behaviour.as_str(), request.as_str()),
        ("look", "GET open the cart")
    );
    assert!(
        reason.contains("`cart`") && reason.contains("$.cart.id"),
        "{reason}"
    );
    let answer = answer.as_ref().expect("it came");
    assert_eq!(answer.status, 200);
    assert!(answer.bytes > 0 && answer.digest.is_some(), "{answer:?}");
}

#[test]
fn a_kept_failure_shows_the_template_of_the_path_and_not_what_was_filled_in() {
    let count = std::sync::atomic::AtomicU64::new(0);
    let server = Server::start(move |_| {
        let even = count
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            .is_multiple_of(2);
        if even {
            Reply::text("fine")
        } else {
            Reply::status(500)
        }
    });
    let users = format!(
        "name\n{}",
        (0..50)
            .map(|index| format!("secretive{index}\n"))
            .collect::<String>()
    );
    let feed = "[feeds.users]\nfile = \"users.csv\"\n";
    let behaviour = "steps = [{ get = '/a?x={{ int(1, 1000000) }}&u={{ users.name }}' }]";
    let found = measured(&server, behaviour, feed, &[("users.csv", &users)]);
    assert!(
        last_step(&server)
            .iter()
            .any(|asked| asked.path.contains("u=secretive"))
    );
    let failures = &ramp(&found)[0].failures;
    assert!(!failures.is_empty());
    for failure in failures {
        assert_eq!(
            failure.to_string(),
            "GET /a?x={{ int(1, 1000000) }}&u={{ users.name }}: the step expects a status below \
             400 (status 500, 0 bytes)"
        );
    }
}

#[test]
fn redirects_are_followed_to_allowed_hosts_only_and_are_requests_of_their_own() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/old" => Reply::status(302).with("location", "/older"),
        "/older" => Reply::status(301).with("location", "/new"),
        "/away" => Reply::status(302).with("location", "http://192.0.2.1/elsewhere"),
        _ => Reply::text("here it is"),
    });
    let behaviour = "steps = [{ get = \"/old\", redirects = 2, expect = { body_contains = \"here\" } }, \
        { get = \"/plain\" }]";
    let found = measured(&server, behaviour, "", &[]);
    let step = ramp(&found)[0];
    assert_eq!(step.total().failed, 0, "{:?}", step.failures);
    let paths: Vec<_> = step
        .endpoints
        .iter()
        .map(|endpoint| (endpoint.name.as_str(), endpoint.path.as_deref()))
        .collect();
    assert_eq!(paths, [("GET /old", None), ("GET /plain", None)]);
    // Two redirects and their answer, and the plain request.
    let executions = step.total().completed;
    assert_eq!(step.requests["look"].completed, 4 * executions);
    assert_eq!(step.redirected["look"], 2 * executions);
    assert!(step.requests["look"].balance() && step.endpoints[0].requests.completed == 3 * executions);
    let last = last_step(&server);
    let count = |path: &str| last.iter().filter(|asked| asked.path == path).count();
    assert_eq!((count("/older"), count("/new")), (count("/old"), count("/old")));

    let too_many = study(
        &server,
        &replaced(behaviour, "redirects = 2", "redirects = 1"),
        "",
        &[],
    )
    .run(&["measure"])
    .expect(6);
    too_many
        .says("behaviour `look` completed nothing")
        .says("redirect")
        .says("more than 1 redirects");
    let away = study(&server, "steps = [{ get = \"/away\", redirects = 5 }]", "", &[])
        .run(&["measure"])
        .expect(6);
    away.says("redirect to host 192.0.2.1 was not followed");
}

#[test]
fn multipart_bodies_are_sent_with_their_files() {
    let server = Server::start(|_| Reply::status(201));
    let behaviour = "steps = [{ post = \"/upload\", multipart = { title = \"no {{ int(5, 5) }}\", \
        file = { content = \"a,b\\n1,2\\n\", file_name = \"t.csv\", content_type = \"text/csv\" } }, \
        expect = { status = 201 } }]";
    let found = measured(&server, behaviour, "", &[]);
    let step = ramp(&found)[0];
    assert_eq!(
        (step.total().failed, step.endpoints[0].path.as_deref()),
        (0, Some("reqwest (multipart)")),
        "{:?}",
        step.failures
    );
    for asked in last_step(&server) {
        assert!(
            asked
                .header("content-type")
                .is_some_and(|kind| kind.starts_with("multipart/form-data; boundary=")),
            "{asked:?}"
        );
        for part in [
            "name=\"title\"",
            "no 5",
            "name=\"file\"; filename=\"t.csv\"",
            "Content-Type: text/csv",
            "a,b\n1,2\n",
        ] {
            assert!(
                asked.body.to_lowercase().contains(&part.to_lowercase()),
                "{part:?} is not in {}",
                asked.body
            );
        }
    }
}
