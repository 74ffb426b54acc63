//! HTML, Markdown, CSV and SVG of one projection: complete, self-contained, escaped, and the same each time.

mod support;

use nest_data::{Caveat, Projection};
use nest_report::{charts, csv, html, markdown};
use rust_decimal::Decimal;
use support::projection;

/// Text of a page as a reader sees it, on one line.
fn visible(html: &str) -> String {
    let body = html.split_once("</style>").map_or(html, |(_, body)| body);
    let mut text = String::new();
    let mut inside = false;
    for character in body.chars() {
        match character {
            '<' => inside = true,
            '>' => inside = false,
            other if !inside => text.push(other),
            _ => {}
        }
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// Values of an attribute.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    html.split(&format!(" {name}=\""))
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

/// Records of a CSV text, by the grammar of RFC 4180.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (quoted, character) {
            (true, '"') if characters.peek() == Some(&'"') => field.extend(characters.next()),
            (_, '"') => quoted = !quoted,
            (false, ',') => record.push(std::mem::take(&mut field)),
            (false, '\r') => {}
            (false, '\n') => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            (_, other) => field.push(other),
        }
    }
    records
}

/// The same projection with every name hostile.
fn hostile() -> Projection {
    let evil = "=<script>alert('1')</script>\"&`|\n,x](http://evil.example) @all \u{1b}[31m \u{202e}+";
    let mut projection = projection();
    projection.study.name = evil.to_owned();
    projection.study.customer = evil.to_owned();
    projection.header.made_by = evil.to_owned();
    projection.model.run = evil.to_owned();
    projection.growth = Some(evil.to_owned());
    projection.configs[0].name = evil.to_owned();
    projection.headline.as_mut().expect("the fixture has one").config = evil.to_owned();
    projection.configs[0].currency = evil.to_owned();
    projection.configs[0].bill.lines[0].meter = evil.to_owned();
    projection.policies[0].name = evil.to_owned();
    projection.policies[0].description = Some(evil.to_owned());
    projection.policies[0].parameters[0].0 = evil.to_owned();
    projection.charts[0].id = evil.to_owned();
    projection.charts[1].title = evil.to_owned();
    projection.charts[1].answer = evil.to_owned();
    projection.charts[1].limits[0].0 = evil.to_owned();
    projection.charts[1].curves[0].name = evil.to_owned();
    projection.charts[1].measured[0].name = evil.to_owned();
    projection.points[0].label = evil.to_owned();
    projection.books[0].sources[0].title = evil.to_owned();
    projection.books[0].sources[0].url = Some("https://example.com/\" onmouseover=\"alert(1)".to_owned());
    projection.caveats.push(Caveat::ValueOffCentre {
        what: evil.to_owned(),
    });
    projection
}

/// A text on one line and without what Markdown and the page add to it.
fn plain(text: &str) -> String {
    let spaced = text
        .replace(['\u{202f}', '\n'], " ")
        .replace('\u{2060}', "")
        .replace(['\\', '`', '\u{200b}'], "");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_caveat_reaches_every_page() {
    let projection = projection();
    let (page, summary) = (
        plain(&visible(&html(&projection).expect("a page"))),
        plain(&markdown(&projection).expect("a summary")),
    );
    for caveat in &projection.caveats {
        let text = plain(&caveat.to_string());
        assert!(page.contains(&text), "HTML lacks: {text}");
        assert!(summary.contains(&text), "Markdown lacks: {text}");
    }
}

#[test]
fn printed_lines_of_each_bill_add_up_to_its_total() {
    let projection = projection();
    let page = html(&projection).expect("a page");
    for config in &projection.configs {
        // The caption comes after the summary that opens the table.
        let bill = page
            .split(&format!("Bill of <code>{}</code>", config.name))
            .nth(2)
            .and_then(|rest| rest.split("</table>").next())
            .expect("the bill");
        let mut amounts: Vec<Decimal> = Vec::new();
        for row in bill.split("<tr").skip(2) {
            let cells: Vec<String> = row
                .split("<td")
                .map(|cell| visible(&format!("<td{cell}")).trim().replace([',', '$'], ""))
                .collect();
            amounts.extend(cells[3].parse::<Decimal>());
        }
        let known = config
            .bill
            .lines
            .iter()
            .filter(|line| line.amount.is_some())
            .count();
        assert_eq!(
            amounts.len(),
            known + 1,
            "each known amount and the total is printed"
        );
        let total = amounts.pop().expect("the total comes last");
        assert_eq!(amounts.iter().sum::<Decimal>(), total);
        assert_eq!(total, config.bill.total.value.0.round_dp(2));
    }
    assert!(page.contains("total, at least") && page.contains(">unknown<"));
}

/// Words of a heading as a reader counts them.
fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

#[test]
fn every_section_begins_with_a_short_finding() {
    let page = html(&projection()).expect("a page");
    let headings: Vec<String> = page
        .split("<h2")
        .skip(1)
        .filter_map(|rest| rest.split("</h2>").next())
        .map(|heading| visible(&format!("<h2{heading}")))
        .collect();
    assert!(headings.len() >= 7, "{headings:?}");
    for (index, heading) in headings.iter().enumerate() {
        assert!(words(heading) <= 12 && !heading.trim().is_empty(), "{heading}");
        assert!(!headings[..index].contains(heading), "twice: {heading}");
    }
    assert_eq!(page.matches("<h1>").count(), 1);
}

/// Anchors of the sections, in their order.
fn sections(page: &str) -> Vec<&str> {
    let found = page.split("<section id=\"").skip(1);
    found.filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn sections_stand_in_the_order_of_what_they_move() {
    let usual = html(&projection()).expect("a page");
    let order = [
        "time",
        "size",
        "money",
        "policies",
        "engineers",
        "sure",
        "sources",
    ];
    assert_eq!(sections(&usual), order);
    let mut large = projection();
    large.policies[0].totals.change_with_fees = support::money("-6000", -6_500.0, -5_500.0);
    let first = html(&large).expect("a page");
    assert_eq!(sections(&first)[..3], ["time", "policies", "size"]);
}

#[test]
fn the_summary_leads_with_what_changes_next() {
    let mut projection = projection();
    projection.configs[0].unit_steps = vec![nest_data::projection::UnitStep {
        resource: "app/cpu".to_owned(),
        units: 5.0,
        customers: support::estimate(48_400.0, 45_000.0, 52_000.0),
        date: nest_data::projection::BreakDate {
            value: "2028-01-05".parse().ok(),
            low: "2027-12-02".parse().ok(),
            high: None,
        },
        reached: 0.9,
        allowed: true,
        unit_month: None,
    }];
    let summary = markdown(&projection).expect("a summary");
    let change = summary.lines().nth(2);
    assert_eq!(
        change,
        Some("**A larger bill from about January 2028 (1 chance in 20 by December 2027): one more server.**")
    );
}

#[test]
fn the_next_unit_of_each_part_is_named_with_its_price() {
    let mut projection = projection();
    let step = |resource: &str, date: &str, allowed| nest_data::projection::UnitStep {
        resource: resource.to_owned(),
        units: 3.0,
        customers: support::estimate(48_400.0, 45_000.0, 52_000.0),
        date: nest_data::projection::BreakDate {
            value: date.parse().ok(),
            low: None,
            high: None,
        },
        reached: 0.8,
        allowed,
        unit_month: Some(support::quoted("130.5")),
    };
    projection.configs[0].unit_steps = vec![
        step("app/cpu", "2027-09-05", true),
        step("app/cpu", "2028-01-05", true),
        step("db/cpu", "2028-03-05", false),
    ];
    let summary = markdown(&projection).expect("a summary");
    assert_eq!(
        summary.lines().nth(2),
        Some(
            "**+$131 a month from about September 2027: one more server; +$131 a month from about March \
             2028: one more database server, which you do not allow.**"
        )
    );
    let page = html(&projection).expect("a page");
    assert!(page.contains("the plan needs a database server that you do not allow"));
}

#[test]
fn caveats_share_lines_only_where_sixty_are_too_few() {
    let mut projection = projection();
    let caveat = |index: usize| Caveat::ValueOffCentre {
        what: format!("amount {index}"),
    };
    projection.caveats = (0..14).map(caveat).collect();
    let bullets = |projection: &Projection| -> Vec<usize> {
        let summary = markdown(projection).expect("a summary");
        assert!(summary.lines().count() <= 60);
        let lines = summary.lines().filter(|line| line.starts_with("- "));
        lines.map(|line| line.matches("amount").count()).collect()
    };
    assert_eq!(bullets(&projection), [1; 14]);
    projection.caveats = (0..100).map(caveat).collect();
    let many = bullets(&projection);
    assert_eq!(many.iter().sum::<usize>(), 100);
    // No line has more than its share.
    assert!(
        many.iter().all(|count| *count <= 100_usize.div_ceil(many.len())),
        "{many:?}"
    );
}

#[test]
fn a_strict_policy_can_serve_the_page_and_nothing_takes_focus_in_vain() {
    for page in [
        html(&projection()).expect("a page"),
        html(&hostile()).expect("a page"),
    ] {
        assert!(attributes(&page, "style").is_empty(), "a style attribute");
        assert_eq!(
            page.matches("<style").count(),
            1,
            "one element has all of the style"
        );
        // What the skip link leads to; nothing scrolls by itself.
        assert_eq!(attributes(&page, "tabindex"), ["-1"]);
        assert!(page.contains("<a class=\"skip\" href=\"#main\">"));
        assert_eq!(page.matches("<table>").count(), page.matches("<caption>").count());
    }
}

#[test]
fn the_page_carries_nothing_that_turns_text_or_steers_a_terminal() {
    let projection = hostile();
    for text in [
        html(&projection).expect("a page"),
        markdown(&projection).expect("a summary"),
        nest_report::verdict(&projection).text(),
    ] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']));
    }
}

#[test]
fn the_page_makes_no_request_and_runs_no_script() {
    for page in [
        html(&projection()).expect("a page"),
        html(&hostile()).expect("a page"),
    ] {
        let lower = page.to_lowercase();
        for forbidden in [
            "<script",
            " src=",
            "@import",
            "<iframe",
            "<object",
            "<embed",
            "url(http",
            "<base",
            "onload=",
            "http-equiv",
        ] {
            assert!(!lower.contains(forbidden), "{forbidden}");
        }
        for address in attributes(&page, "href") {
            assert!(
                address.starts_with('#')
                    || address.starts_with("data:")
                    || address.starts_with("https://example.com/"),
                "{address}"
            );
        }
        assert!(!page.contains("javascript:"));
    }
}

#[test]
fn hostile_names_stay_text() {
    let projection = hostile();
    let page = html(&projection).expect("a page");
    assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)"));
    assert!(!page.contains("<script") && !page.contains("\" onmouseover=\""));
    let summary = markdown(&projection).expect("a summary");
    assert!(!summary.contains("<script"));
    // Outside of code, no bracket opens a link and nobody is mentioned.
    let outside: String = summary.replace("\\`", "").split('`').step_by(2).collect();
    assert!(
        !outside.contains("](http://evil") && !outside.contains("@all"),
        "{outside}"
    );
    for (name, svg) in charts(&projection).expect("charts") {
        assert!(!svg.contains("<script"), "{name}");
        assert!(
            name.chars().all(|character| character.is_ascii_lowercase()
                || character.is_ascii_digit()
                || "-.".contains(character)),
            "{name}"
        );
    }
    let records = records(&csv(&projection));
    assert!(records.iter().all(|record| record.len() == 14));
    for field in records.iter().flatten() {
        // A spreadsheet would compute what begins like this.
        let computes = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
        assert!(!computes || field.parse::<f64>().is_ok(), "{field}");
    }
}

#[test]
fn anchors_are_unique_and_lead_somewhere() {
    let page = html(&projection()).expect("a page");
    let ids = attributes(&page, "id");
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len());
    for address in attributes(&page, "href")
        .into_iter()
        .filter_map(|address| address.strip_prefix('#'))
    {
        assert!(ids.contains(&address), "#{address}");
    }
    for reference in attributes(&page, "aria-labelledby")
        .into_iter()
        .flat_map(str::split_whitespace)
    {
        assert!(ids.contains(&reference), "{reference}");
    }
    assert!(page.contains("<html lang=\"en-GB\">"));
}

#[test]
fn tables_have_a_cell_for_each_column() {
    let page = html(&projection()).expect("a page");
    for table in page
        .split("<table>")
        .skip(1)
        .filter_map(|rest| rest.split("</table>").next())
    {
        let mut widths = table
            .split("<tr")
            .skip(1)
            .map(|row| row.matches("<td").count() + row.matches("<th ").count());
        let columns = widths.next().expect("a heading");
        assert!(columns > 0 && widths.all(|width| width == columns), "{table}");
    }
}

#[test]
fn the_table_is_tidy_and_complete() {
    let projection = projection();
    let records = records(&csv(&projection));
    assert_eq!(
        records[0].join(","),
        "study,run,config,growth,policy,month,customers,metric,component,value,low,high,unit,kind"
    );
    for record in &records[1..] {
        assert_eq!(record.len(), 14);
        for number in [6, 9, 10, 11]
            .map(|column| &record[column])
            .into_iter()
            .filter(|number| !number.is_empty())
        {
            assert!(number.parse::<f64>().is_ok(), "{record:?}");
        }
        assert!(
            ["measured", "fitted", "assumed", "extrapolated", "priced"].contains(&record[13].as_str()),
            "{record:?}"
        );
    }
    let of = |metric: &str| records.iter().filter(|record| record[7] == metric).count();
    assert_eq!(of("bill_line"), 15);
    assert_eq!(of("bill_total"), 2);
    assert_eq!(of("cost"), 24);
    assert_eq!(of("cost_per_1000"), 26);
    assert_eq!(of("instances"), 24);
    assert_eq!(of("break_point"), 5);
    assert_eq!(of("policy_cost_per_1000_change"), 1);
    assert_eq!(of("service_demand"), 6);
    assert_eq!(of("check_forecast"), 2);
    assert_eq!(of("in_flight"), 5);
    let lines: Decimal = records
        .iter()
        .filter(|record| record[7] == "bill_line" && record[2] == "today")
        .filter_map(|record| record[9].parse::<Decimal>().ok())
        .sum();
    assert_eq!(lines, projection.configs[0].bill.total.value.0);
}

#[test]
fn charts_are_files_that_stand_alone() {
    let charts = charts(&projection()).expect("charts");
    let names: Vec<&str> = charts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[0], "bill.svg");
    assert!(names.contains(&"drivers.svg") && names.contains(&"policies.svg"));
    for (name, svg) in &charts {
        let root = svg.split('>').next().expect("a root element");
        assert!(
            root.contains("viewBox=") && root.contains("role=\"img\""),
            "{name}"
        );
        assert!(svg.contains("<title") && svg.contains("<desc"), "{name}");
        assert!(
            svg.contains("Leaf shop · made for 22 Nov 2026"),
            "{name} names its source"
        );
        assert!(
            svg.contains("#0b67ac") && !svg.contains("var("),
            "{name} has literal colours"
        );
        assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{name}");
    }
}

#[test]
fn empty_and_broken_charts_still_draw() {
    let mut projection = projection();
    projection.charts[0].id = "cost-per-1000".to_owned();
    projection.charts[0].curves[1].points.clear();
    projection.charts[1].id = "utilisation".to_owned();
    projection.charts[1].curves[0].points.truncate(1);
    projection.charts[2].id = "response-p95".to_owned();
    for point in &mut projection.charts[2].curves[0].points {
        *point = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0];
    }
    for (name, svg) in charts(&projection).expect("charts") {
        assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{name}");
    }
}

#[test]
fn a_study_without_configurations_has_a_page() {
    let mut projection = projection();
    (projection.headline, projection.growth) = (None, None);
    projection.configs.clear();
    projection.policies.clear();
    projection.charts.clear();
    projection.books.clear();
    projection.caveats.clear();
    let page = html(&projection).expect("a page");
    assert!(page.contains("Tested with up to 30,000 customers") && !page.contains("class=\"kpis\""));
    assert!(
        markdown(&projection)
            .expect("a summary")
            .contains("No doubt was raised while measuring")
    );
    assert!(csv(&projection).lines().count() > 1);
}

#[test]
fn equal_projections_give_equal_bytes() {
    let (left, right) = (projection(), projection());
    assert_eq!(html(&left).expect("a page"), html(&right).expect("a page"));
    assert_eq!(
        markdown(&left).expect("a summary"),
        markdown(&right).expect("a summary")
    );
    assert_eq!(csv(&left), csv(&right));
    assert_eq!(charts(&left).expect("charts"), charts(&right).expect("charts"));
}
