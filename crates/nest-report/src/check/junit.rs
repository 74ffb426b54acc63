//! The result as JUnit XML: one test case for each comparison.

use std::io;

use nest_data::{
    GateReport,
    gate_report::{ComparedDemand, DemandComparison, GateVerdict},
};
use quick_xml::{
    Writer,
    events::{BytesEnd, BytesStart, BytesText, Event},
};

use super::{change_in_words, one_line, sentence_with_remedy, subject};
use crate::error::ReportError;

/// The result as JUnit XML.
///
/// # Errors
/// [`ReportError::Xml`] if it cannot be written.
pub fn junit(report: &GateReport) -> Result<String, ReportError> {
    write(report).map_err(|source| ReportError::Xml { source })
}

fn write(report: &GateReport) -> io::Result<String> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 1);
    let judged: Vec<&DemandComparison> = report
        .comparisons
        .iter()
        .filter(|one| one.verdict.is_some())
        .collect();
    let count = |verdict| judged.iter().filter(|one| one.verdict == Some(verdict)).count();
    let fails_when_unclear = report.verdict == GateVerdict::Unclear && report.exit != 0;
    // Cost or room may decide, or that nothing was measured: then no demand shows the verdict.
    let is_shown = judged.iter().any(|one| one.verdict == Some(report.verdict));
    let own = (report.verdict != GateVerdict::Pass && !is_shown).then_some(report.verdict);
    let count = |verdict| count(verdict) + usize::from(own == Some(verdict));
    let (failed, unclear) = (count(GateVerdict::Fail), count(GateVerdict::Unclear));
    let mut suite = BytesStart::new("testsuite");
    let failures = failed + if fails_when_unclear { unclear } else { 0 };
    let skipped = if fails_when_unclear { 0 } else { unclear };
    for (key, value) in [
        ("name", format!("locust-nest check {}", one_line(&report.study))),
        ("tests", (judged.len() + usize::from(own.is_some())).to_string()),
        ("failures", failures.to_string()),
        ("skipped", skipped.to_string()),
        ("errors", count(GateVerdict::Void).to_string()),
        ("time", format!("{:.3}", report.seconds)),
    ] {
        suite.push_attribute((key, value.as_str()));
    }
    xml.write_event(Event::Start(suite))?;
    if own.is_some() {
        case_of_all(&mut xml, report, fails_when_unclear)?;
    }
    for one in &judged {
        case(&mut xml, report, one, fails_when_unclear)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuite")))?;
    Ok(String::from_utf8_lossy(&xml.into_inner()).into_owned() + "\n")
}

/// The case of a check whose verdict no demand shows.
fn case_of_all(xml: &mut Writer<Vec<u8>>, report: &GateReport, fails_when_unclear: bool) -> io::Result<()> {
    let mut case = BytesStart::new("testcase");
    case.push_attribute(("classname", one_line(&report.study).as_str()));
    case.push_attribute(("name", "comparison"));
    xml.write_event(Event::Start(case))?;
    let text = sentence_with_remedy(report);
    match report.verdict {
        GateVerdict::Unclear if fails_when_unclear => said(xml, "failure", "unclear", &text)?,
        GateVerdict::Unclear => skipped(xml, &text)?,
        GateVerdict::Fail => said(xml, "failure", "verdict", &text)?,
        _ => said(xml, "error", "void", &text)?,
    }
    xml.write_event(Event::End(BytesEnd::new("testcase")))
}

fn case(
    xml: &mut Writer<Vec<u8>>,
    report: &GateReport,
    one: &DemandComparison,
    fails_when_unclear: bool,
) -> io::Result<()> {
    let growth = match one.kind {
        ComparedDemand::Demand => "",
        ComparedDemand::Growth => " growth",
    };
    let mut case = BytesStart::new("testcase");
    let class = format!("{}.{}", one_line(&report.study), one_line(&one.resource));
    case.push_attribute(("classname", class.as_str()));
    case.push_attribute(("name", format!("{}{growth}", one_line(&subject(one))).as_str()));
    case.push_attribute(("time", format!("{:.3}", report.seconds).as_str()));
    xml.write_event(Event::Start(case))?;
    properties(xml, one)?;
    match one.verdict {
        Some(GateVerdict::Fail) => said(xml, "failure", "demand", &change_in_words(one))?,
        Some(GateVerdict::Unclear) if fails_when_unclear => {
            said(xml, "failure", "unclear", &change_in_words(one))?;
        }
        Some(GateVerdict::Unclear) => skipped(xml, &format!("unclear: {}", change_in_words(one)))?,
        _ => {}
    }
    xml.write_event(Event::End(BytesEnd::new("testcase")))
}

fn properties(xml: &mut Writer<Vec<u8>>, one: &DemandComparison) -> io::Result<()> {
    xml.write_event(Event::Start(BytesStart::new("properties")))?;
    for (name, value) in [
        ("base", one.base),
        ("head", one.head),
        ("change", one.change),
        ("low", one.low),
        ("high", one.high),
        ("limit", one.limit),
    ] {
        let mut property = BytesStart::new("property");
        property.push_attribute(("name", name));
        property.push_attribute(("value", value.to_string().as_str()));
        xml.write_event(Event::Empty(property))?;
    }
    xml.write_event(Event::End(BytesEnd::new("properties")))
}

fn skipped(xml: &mut Writer<Vec<u8>>, message: &str) -> io::Result<()> {
    let mut skipped = BytesStart::new("skipped");
    skipped.push_attribute(("message", one_line(message).as_str()));
    xml.write_event(Event::Empty(skipped))
}

fn said(xml: &mut Writer<Vec<u8>>, element: &str, kind: &str, text: &str) -> io::Result<()> {
    let text = one_line(text);
    let mut start = BytesStart::new(element);
    start.push_attribute(("type", kind));
    start.push_attribute(("message", text.as_str()));
    xml.write_event(Event::Start(start))?;
    xml.write_event(Event::Text(BytesText::new(&text)))?;
    xml.write_event(Event::End(BytesEnd::new(element)))
}
