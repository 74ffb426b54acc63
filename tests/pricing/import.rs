//! `pricing import` and `pricing fetch`: books made of files, and what of the user's they leave alone.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread,
};

use super::{CONTRACT, HEAD, fixture, folder, write};
use crate::support::{documented::rows, nest, replaced, repository};

#[test]
fn pricing_imports_a_folder_and_names_every_row_that_is_left_out() {
    let folder = folder();
    write(
        folder.path(),
        "lists/elb.json",
        &fixture("aws-elb-eu-west-1.json"),
    );
    write(folder.path(), "lists/ecs.csv", &fixture("aws-ecs-eu-west-1.csv"));
    write(
        folder.path(),
        "lists/fx.csv",
        "base,quote,rate,date,source\nEUR,USD,1.1637,2026-05-27,a note\n",
    );
    let outcome = nest(folder.path(), &["pricing", "import", "lists", "--format", "csv"]).expect(0);
    assert_eq!(
        rows(&outcome.stdout)[0][..8],
        ["aws/eu-west-1", "10", "5", "5", "0", "0", "0", "0"].map(str::to_owned)
    );
    outcome
        .says("fx.csv: skipped, because it contains exchange rates")
        .says("ALBOUTPOST0000003 EU-Outposts-LCUUsage: left out");
    let text = fs::read_to_string(folder.path().join("pricing/aws/eu-west-1.toml")).expect("written");
    assert!(
        text.contains("# elb.json: 7 rows read, 4 left out\n")
            && text.contains("# ecs.csv: 3 rows read, 1 left out\n"),
        "{text}"
    );
    nest(
        folder.path(),
        &["pricing", "validate", "pricing/aws/eu-west-1.toml"],
    )
    .expect(0);
    nest(
        folder.path(),
        &["pricing", "import", "lists", "--provider", "gcp"],
    )
    .expect(3)
    .says("the files contain no prices for a book");
    let elb = fixture("aws-elb-eu-west-1.json");
    write(folder.path(), "cut.json", &elb[..elb.len() / 2]);
    nest(folder.path(), &["pricing", "import", "cut.json"])
        .expect(3)
        .says("the file is cut off")
        .says("--> cut.json:");
}

#[test]
fn an_import_over_a_contract_leaves_it_intact_and_replaces_only_list_prices() {
    let folder = folder();
    let contract = "[[adjustment]]\norder = 1\nkind = \"percent\"\npercent = \"-12\"\nselector = \"*\"\n\
        label = \"EDP\"\n";
    let old = format!("{}{CONTRACT}{contract}", replaced(HEAD, "us-east-1", "eu-west-1"));
    write(folder.path(), "pricing/aws/eu-west-1.toml", &old);
    write(folder.path(), "elb.json", &fixture("aws-elb-eu-west-1.json"));
    let read = |name: &str| fs::read_to_string(folder.path().join("pricing/aws").join(name)).expect("there");
    nest(folder.path(), &["pricing", "import", "elb.json"])
        .expect(2)
        .says("pricing/aws/eu-west-1.toml (with 1 adjustment and your rows nat.bytes)")
        .says("--replace");
    assert_eq!(read("eu-west-1.toml"), old);

    nest(folder.path(), &["pricing", "import", "elb.json", "--replace"])
        .expect(0)
        .says("a copy of the old file is pricing/aws/eu-west-1.toml.old")
        .says("kept from the file that was here before: 1 adjustment and your rows nat.bytes");
    assert_eq!(read("eu-west-1.toml.old"), old);
    let new = read("eu-west-1.toml");
    for part in [
        "id = \"alb.hour\"",
        "id = \"nat.bytes\"",
        "percent = \"-12\"",
        "our contract",
    ] {
        assert!(new.contains(part), "{part} is not in\n{new}");
    }
    nest(folder.path(), &["pricing", "import", "elb.json", "--replace"])
        .expect(0)
        .says("eu-west-1.toml.old-2");
    assert_eq!(read("eu-west-1.toml"), new, "a second time changes nothing");
    assert_eq!(read("eu-west-1.toml.old"), old, "the first copy stays");

    write(folder.path(), "pricing/aws/eu-west-1.toml", "not a book");
    nest(folder.path(), &["pricing", "import", "elb.json", "--replace"])
        .expect(3)
        .says("could not be kept");
    assert_eq!(read("eu-west-1.toml"), "not a book");
}

#[test]
fn an_import_of_which_nothing_is_taken_writes_nothing() {
    let folder = folder();
    let zero = replaced(&fixture("aws-ecs-eu-west-1.csv"), "\"EU-", "\"XX-");
    write(folder.path(), "ecs.csv", &zero);
    nest(folder.path(), &["pricing", "import", "ecs.csv"])
        .expect(2)
        .says("left out: books have no row for what it is")
        .says("so no book is written");
    assert!(!folder.path().join("pricing").exists());
    fs::write(folder.path().join("book.xlsx"), b"PK\x03\x04").expect("written");
    nest(folder.path(), &["pricing", "import", "book.xlsx"])
        .expect(3)
        .says("an Excel workbook");
}

#[test]
fn importing_the_rows_of_a_shipped_book_again_gives_its_bytes() {
    let folder = folder();
    let csv = "provider,service,limit,value,unit,adjustable,source,source_date,note\n";
    let services = "provider,service,region,meter,unit,tier_from,tier_to,price,currency,tier_scope,\
        billing_increment,minimum_charge,included_quantity,included_unit,included_per,confidence,source,\
        source_date,note\n";
    let free = "auth0,webtask,global,free_tier,containers,0,2,0,USD,account,,,,,,weak,\"public lists of free \
        services of 2016-2018 (awesome-list style, no address recorded)\",2016-2018,no per-unit public price \
        found; service discontinued; code limited to 20 s per execution; rate limits settable per \
        second/minute/hour/day/week/month\n";
    write(folder.path(), "services.csv", &format!("{services}{free}"));
    write(
        folder.path(),
        "limits.csv",
        &format!(
            "{csv}auth0,webtask,execution_max,20,s,no,community.auth0.com \
             topic 104471,2023,error text of the hosted platform\n"
        ),
    );
    nest(
        folder.path(),
        &["pricing", "import", "limits.csv", "services.csv", "--to", "out"],
    )
    .expect(0);
    let (own, shipped) = (
        "out/webtask/global.toml",
        repository().join("pricing/webtask/global.toml"),
    );
    assert_eq!(
        fs::read_to_string(folder.path().join(own)).expect("written"),
        fs::read_to_string(shipped).expect("shipped")
    );
}

/// Answers so many requests: the text of the first path that the request's path begins with, else status 404.
fn server(answers: Vec<(&'static str, String)>, requests: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    let own = base.clone();
    thread::spawn(move || {
        for stream in listener.incoming().take(requests) {
            let mut stream = stream.expect("a connection");
            let mut lines = BufReader::new(stream.try_clone().expect("a socket")).lines();
            let first = lines.next().expect("a line").expect("readable");
            while lines
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
            let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
            let answer = answers.iter().find(|(beginning, _)| path.starts_with(beginning));
            let (status, body) = answer.map_or(("404 Not Found", String::new()), |(_, body)| {
                ("200 OK", body.replace("BASE", &own))
            });
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    base
}

#[test]
fn pricing_fetches_an_offer_from_where_it_is_told() {
    let folder = folder();
    let base = server(
        vec![(
            "/offers/v1.0/aws/AWSELB/current/eu-west-1/index.json",
            fixture("aws-elb-eu-west-1.json"),
        )],
        2,
    );
    let outcome = nest(
        folder.path(),
        &[
            "pricing",
            "fetch",
            "aws",
            "eu-west-1",
            "--url",
            &base,
            "--offer",
            "AWSELB",
        ],
    )
    .expect(0);
    outcome.says("/offers/v1.0/aws/AWSELB/current/eu-west-1/index.json");
    let text = fs::read_to_string(folder.path().join("pricing/aws/eu-west-1.toml")).expect("written");
    assert!(
        text.contains("published = \"2026-07-20\"") && text.contains("amount = \"0.0252\""),
        "{text}"
    );
    nest(
        folder.path(),
        &[
            "pricing",
            "fetch",
            "aws",
            "eu-west-1",
            "--url",
            &base,
            "--offer",
            "AWSNope",
        ],
    )
    .expect(1)
    .says("cannot be fetched: status 404");
}

#[test]
fn pricing_fetches_all_pages_and_follows_none_to_another_host() {
    let folder = folder();
    let functions = "{\"Items\": [], \"NextPageLink\": null}".to_owned();
    let whole: serde_json::Value = serde_json::from_str(&fixture("azure-eastus.json")).expect("JSON");
    let items: Vec<String> = whole["Items"]
        .as_array()
        .expect("items")
        .iter()
        .map(ToString::to_string)
        .collect();
    let page = |items: &[String], next: &str| {
        format!("{{\"Items\": [{}], \"NextPageLink\": {next}}}", items.join(","))
    };
    let (first, second) = items.split_at(2);
    let answers = vec![
        ("/page2", page(second, "null")),
        (
            "/api/retail/prices?%24filter=armRegionName+eq+%27eastus%27+and+serviceName+eq+%27Virtual",
            page(first, "\"BASE/page2\""),
        ),
        ("/api/retail/prices", functions),
    ];
    let base = server(answers, 3);
    nest(
        folder.path(),
        &["pricing", "fetch", "azure", "eastus", "--url", &base],
    )
    .expect(0);
    let text = fs::read_to_string(folder.path().join("pricing/azure/eastus.toml")).expect("written");
    assert!(
        text.contains("on_demand = \"0.086\", spot = \"0.0172\""),
        "{text}"
    );
    let elsewhere = server(vec![("/api", page(first, "\"http://127.0.0.2:1/page2\""))], 1);
    nest(
        folder.path(),
        &["pricing", "fetch", "azure", "eastus", "--url", &elsewhere],
    )
    .expect(3)
    .says("the next page is at another host");
    nest(
        folder.path(),
        &[
            "pricing",
            "fetch",
            "gcp",
            "us-central1",
            "--url",
            "http://127.0.0.1:1",
        ],
    )
    .expect(2)
    .says("needs a key");
    nest(folder.path(), &["pricing", "fetch", "aws", "../etc"])
        .expect(2)
        .says("is not the name of a region");
}
