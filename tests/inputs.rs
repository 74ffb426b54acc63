//! Wrong input: each with a message that names the place and the remedy, and its exit code.

use std::{fs, net::TcpListener, path::Path};

use crate::support::{Outcome, ShopStudy, change, confirmed, free_address, nest, replaced, repository};

struct Folder {
    study: ShopStudy,
    folder: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self {
            study: ShopStudy::new(folder.path()),
            folder,
        }
    }

    /// Changes a text file of the study.
    fn change(self, file: &str, from: &str, to: &str) -> Self {
        change(&self.study.path.join(file), from, to);
        self
    }

    fn run(&self, verb: &[&str]) -> Outcome {
        let path = self.study.path.to_str().expect("UTF-8");
        nest(self.folder.path(), &[&confirmed(verb)[..], &[path]].concat())
    }
}

/// The committed model of the demo shop, for verbs that need one.
fn with_model(folder: &Folder) -> &Folder {
    fs::copy(
        repository().join("models/shop/scaling.json"),
        folder.study.path.join("scaling.json"),
    )
    .expect("the model is committed");
    folder
}

#[test]
fn broken_toml_names_file_line_and_column() {
    let outcome = Folder::new()
        .change("nest.toml", "burst = 1.5", "burst = ")
        .run(&["measure"])
        .expect(3);
    outcome.says("not valid TOML").says("nest.toml:").says("help: ");
}

#[test]
fn all_errors_of_all_files_come_at_once() {
    let folder = Folder::new()
        .change("nest.toml", "[customers]", "[custmers]")
        .change("nest.toml", "monthly = \"7%\"", "monthly = 7")
        .change("behaviours/pay.toml", "expect", "expct");
    let outcome = folder.run(&["measure"]).expect(3);
    outcome
        .says("unknown key `custmers`")
        .says("did you mean `customers`?")
        .says("`growth.expected.monthly`")
        .says("`growth.without-partner.monthly`")
        .says("unknown key `steps.0.expct`")
        .says("5 errors");
}

#[test]
fn a_rate_for_a_behaviour_that_does_not_exist_names_both() {
    let outcome = Folder::new()
        .change("nest.toml", "browse = \"20 / day\"", "brows = \"20 / day\"")
        .run(&["measure"])
        .expect(3);
    outcome
        .says("`brows` has a rate but there is no behaviour")
        .says("did you mean `browse`?")
        .says("behaviour `browse` has no rate");
}

#[test]
fn a_rate_without_time_is_no_rate() {
    Folder::new()
        .change("nest.toml", "\"20 / day\"", "\"20\"")
        .run(&["measure"])
        .expect(3)
        .says("is not a rate")
        .says("\"0.3 / day\"");
}

#[test]
fn a_host_that_is_not_allowed_is_never_put_under_load() {
    let outcome = Folder::new()
        .change("nest.toml", "127.0.0.1:7878\"\n#", "192.0.2.1:80\"\n#")
        .run(&["measure"])
        .expect(3);
    outcome
        .says("host `192.0.2.1` is not allowed")
        .says("allow_hosts = [\"192.0.2.1\"]");
}

#[test]
fn a_target_that_is_down_is_code_six() {
    let folder = Folder::new();
    folder.study.without_start();
    let base = format!("target.base_url=http://{}", free_address());
    folder
        .run(&["measure", "--set", &base])
        .expect(6)
        .says("is down")
        .says("[target] start");
}

#[test]
fn a_target_that_ends_at_once_says_so() {
    let folder = Folder::new();
    let base = format!("target.base_url=http://{}", folder.study.address);
    folder
        .run(&["measure", "--set", &base, "--set", "target.start='exit 4'"])
        .expect(6)
        .says("its start command ended with exit status: 4");
}

#[test]
fn a_port_that_somebody_else_has_is_not_measured_by_mistake() {
    let folder = Folder::new();
    let other = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("target.base_url=http://{}", other.local_addr().expect("bound"));
    folder
        .run(&["measure", "--set", &base])
        .expect(6)
        .says("something already listens");
}

#[test]
fn a_behaviour_that_never_works_shows_its_first_failure() {
    let folder = Folder::new().change("behaviours/browse.toml", "/items", "/nothing-here");
    let outcome = nest(
        folder.folder.path(),
        &folder
            .study
            .arguments(&["measure"], "--items 10", &["measure.pilot=200ms"]),
    )
    .expect(6);
    outcome
        .says("behaviour `browse` completed nothing")
        .says("status 404")
        .says("GET /nothing-here");
}

#[test]
fn a_plan_that_takes_too_long_is_refused_before_it_starts() {
    let folder = Folder::new();
    let outcome = nest(
        folder.folder.path(),
        &folder.study.arguments(
            &["measure"],
            "--items 10",
            &["measure.max_duration=10s", "measure.pilot=200ms"],
        ),
    )
    .expect(3);
    outcome.says("more than the 10 s").says("max_duration");
}

#[test]
fn a_price_book_without_a_date_does_not_load() {
    let folder = Folder::new();
    let book =
        fs::read_to_string(repository().join("pricing/aws/us-east-1.toml")).expect("the book is there");
    let dated = book
        .lines()
        .position(|line| line.starts_with("observed_on"))
        .expect("it is dated");
    let without: Vec<&str> = book
        .lines()
        .enumerate()
        .filter(|(index, _)| *index != dated)
        .map(|(_, line)| line)
        .collect();
    let place = folder.study.path.join("pricing/aws");
    fs::create_dir_all(&place).expect("a temporary folder");
    fs::write(place.join("us-east-1.toml"), without.join("\n")).expect("written");
    with_model(&folder)
        .run(&["project"])
        .expect(3)
        .says("`observed_on` is missing")
        .says("us-east-1.toml:");
}

#[test]
fn an_unknown_instance_type_offers_the_nearest() {
    let folder = Folder::new().change("nest.toml", "\"m7i.large\"", "\"m7i.lrge\"");
    with_model(&folder)
        .run(&["project"])
        .expect(3)
        .says("instance type m7i.lrge")
        .says("nest.toml:")
        .says("did you mean `m7i.large`?");
}

#[test]
fn an_unknown_meter_and_an_unknown_book_are_never_priced_as_zero() {
    let folder = Folder::new().change("nest.toml", "\"alb.hour\"", "\"alb.hours\"");
    with_model(&folder)
        .run(&["project"])
        .expect(3)
        .says("pays for alb.hours, which aws/us-east-1 does not have")
        .says("nest.toml:")
        .says("did you mean `alb.hour`?");
    let folder = Folder::new().change("nest.toml", "book = \"aws/us-east-1\"", "book = \"aws/atlantis\"");
    with_model(&folder)
        .run(&["project"])
        .expect(3)
        .says("price book aws/atlantis")
        .says("nest.toml:")
        .says("use one of: aws/eu-central-1");
}

#[test]
fn an_own_price_book_that_nobody_would_read_is_refused() {
    for (path, says) in [
        ("own.toml", "lies beside the folders of providers"),
        ("aws/useast1.toml", "contains the book aws/us-east-1"),
    ] {
        let folder = Folder::new();
        let file = folder.study.path.join("pricing").join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a temporary folder");
        fs::write(
            file,
            "schema = 1\nprovider = \"aws\"\nregion = \"us-east-1\"\ncurrency = \"USD\"\nmonth_hours = \
             \"730\"\ntax = \"excluded\"\nstale_after_days = 180\n",
        )
        .expect("written");
        with_model(&folder).run(&["project"]).expect(3).says(says);
    }
}

#[test]
fn an_override_reaches_money_and_names_with_dots() {
    let folder = Folder::new();
    let set = |override_: &str| with_model(&folder).run(&["project", "--set", override_]);
    set("budget.monthly=300").expect(0);
    set("configs.today.meters.\"alb.hour\"=instances").expect(0);
    set("configs.today.meters.\"alb.hour\"=requests")
        .expect(3)
        .says("counts alb.hour by `requests`");
    set("configs.today.price=3").expect(3).says("docs/prices.md");
    set("configs.todya.max=5")
        .expect(3)
        .says("nest.toml has no `configs.todya`")
        .says("did you mean `today`?");
}

#[test]
fn an_override_that_is_refused_shows_what_a_shell_takes() {
    let folder = Folder::new();
    let set = |override_: &str| {
        with_model(&folder)
            .run(&["project", "--set", override_])
            .expect(3)
    };
    set("growth.expected.monthly=9").says("write it as --set growth.expected.monthly=9%");
    set("rates.pay=0.3").says("write it as --set 'rates.pay=0.3 / day'");
    set("configs.today.commitments.m7i.large-1y-none=3")
        .says("--set 'configs.today.commitments.\"m7i.large-1y-none\"=3'");
}

#[test]
fn a_ready_path_that_is_none_is_refused() {
    for path in [
        "health",
        "/a b",
        "/r HTTP/1.1\\r\\nhost: a\\r\\n\\r\\nDELETE /all",
        "/größe",
    ] {
        let folder = Folder::new();
        let ready = format!("target.ready=\"{path}\"");
        folder
            .run(&["measure", "--plan", "--dry", "--set", &ready])
            .expect(3)
            .says("is not a path")
            .says("such as \"/health\"");
    }
}

#[test]
fn an_override_makes_no_parameter_that_nothing_uses() {
    let folder = Folder::new();
    let set = |override_: &str| folder.run(&["measure", "--plan", "--dry", "--set", override_]);
    set("parameters.min_payment=20").expect(0);
    set("parameters.min_paymnet=20")
        .expect(3)
        .says("nest.toml has no `parameters.min_paymnet`")
        .says("did you mean `min_payment`?");
    set("parameters.zebra=20")
        .expect(3)
        .says("write the parameter into nest.toml first");
}

#[test]
fn a_figure_that_there_is_not_offers_the_nearest() {
    let folder = Folder::new();
    let explain = |figure: &str| with_model(&folder).run(&["explain", figure]).expect(2);
    explain("per1000").says("there is no figure `per1000`; did you mean `per-1000`?");
    explain("zebra")
        .says("there is no figure `zebra`")
        .says("name one of per-1000, cost");
}

#[test]
fn stages_without_the_stage_before_are_code_seven() {
    let folder = Folder::new();
    folder
        .run(&["fit"])
        .expect(7)
        .says("measurements.json does not exist")
        .says("locust-nest measure");
    folder.run(&["project"]).expect(7).says("locust-nest fit");
    folder.run(&["report"]).expect(7).says("locust-nest project");
    folder
        .run(&["measure", "--resume"])
        .expect(7)
        .says("no interrupted run");
}

#[test]
fn a_behaviour_that_changed_since_it_was_measured_is_code_seven() {
    let folder = Folder::new().change("behaviours/browse.toml", "int(1, 40)", "int(1, 41)");
    with_model(&folder)
        .run(&["project"])
        .expect(7)
        .says("have changed since it was measured");
}

#[test]
fn a_newer_or_damaged_document_is_code_three() {
    let folder = Folder::new();
    let path = folder.study.path.join("scaling.json");
    let text =
        fs::read_to_string(repository().join("models/shop/scaling.json")).expect("the model is committed");
    let format = |number: u32| {
        let other = replaced(&text, "\"format\": 3", &format!("\"format\": {number}"));
        fs::write(&path, other).expect("written");
    };
    format(99);
    folder
        .run(&["project"])
        .expect(3)
        .says("format 99 is newer than 3");
    format(2);
    folder
        .run(&["project"])
        .expect(3)
        .says("format 2 is older than 3, the oldest this version reads; run `locust-nest fit` again");
    fs::write(&path, &text[..text.len() / 2]).expect("written");
    folder
        .run(&["project"])
        .expect(3)
        .says("not a nest.scaling document")
        .says("make the file again: run `locust-nest fit");
}

#[test]
fn a_folder_without_a_study_and_wrong_usage_say_what_to_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    nest(folder.path(), &["measure"])
        .expect(3)
        .says("it has no nest.toml")
        .says("locust-nest init");
    nest(folder.path(), &["mesure"]).expect(2).says("measure");
    nest(folder.path(), &["measure", "--set", "nonsense"])
        .expect(2)
        .says("PATH=VALUE");
    assert!(
        Path::new(folder.path())
            .read_dir()
            .expect("readable")
            .next()
            .is_none(),
        "nothing is written"
    );
}

#[test]
fn an_override_of_a_key_that_does_not_exist_is_an_error() {
    Folder::new()
        .run(&["measure", "--set", "customers.brust=2"])
        .expect(3)
        .says("unknown key `customers.brust`")
        .says("did you mean `burst`?");
}
