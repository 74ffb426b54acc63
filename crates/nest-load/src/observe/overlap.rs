//! Finds series that contain one another, so that no processor time and no byte is added up twice: a pod and
//! its containers, a control group and those below it, a total and its parts.

use super::exposition::MetricSeries;

/// Labels that hold the path of a control group, as cAdvisor and systemd exporters name them. A group's
/// figures
/// include those of the groups below it.
const GROUP_LABELS: [&str; 4] = ["id", "cgroup", "cgroup_path", "slice"];
/// Values by which exporters mark the sum of the other values of the label.
const TOTALS: [&str; 6] = ["total", "all", "sum", "_total", "cpu-total", "cpu_total"];
/// Share of its parts that a whole reaches at least: both are read within moments of one another.
const LEAST_WHOLE: f64 = 0.9;

/// The first pair of series of one selector of which the first contains the second.
///
/// A series contains another of its name if its control group lies above the other's, if it is the total of a
/// label that the other breaks down, or if the other has all its labels and more, and the values of all such
/// others do not exceed its own.
#[must_use]
pub fn first_overlap<'a>(series: &[&'a MetricSeries]) -> Option<(&'a MetricSeries, &'a MetricSeries)> {
    series.iter().find_map(|whole| {
        let parts = || series.iter().filter(|part| part.name == whole.name);
        let by_structure = parts().find(|part| is_group_above(whole, part) || is_total_of(whole, part));
        by_structure
            .or_else(|| {
                let parts: Vec<_> = parts().filter(|part| has_labels_of(part, whole)).collect();
                let sum: f64 = parts.iter().map(|part| part.value).sum();
                parts
                    .first()
                    .filter(|_| whole.value >= LEAST_WHOLE * sum)
                    .copied()
            })
            .map(|part| (*whole, *part))
    })
}

/// Labels with a value: an empty one counts as absent, as in PromQL.
fn labels(series: &MetricSeries) -> impl Iterator<Item = (&str, &str)> {
    let labels = series
        .labels
        .iter()
        .map(|(label, value)| (label.as_str(), value.as_str()));
    labels.filter(|(_, value)| !value.is_empty())
}

fn value_of<'a>(series: &'a MetricSeries, label: &str) -> Option<&'a str> {
    labels(series)
        .find(|(name, _)| *name == label)
        .map(|(_, value)| value)
}

fn is_group_above(whole: &MetricSeries, part: &MetricSeries) -> bool {
    GROUP_LABELS
        .iter()
        .any(|label| match (value_of(whole, label), value_of(part, label)) {
            (Some(above), Some(below)) => below
                .strip_prefix(above.trim_end_matches('/'))
                .is_some_and(|rest| above.starts_with('/') && rest.len() > 1 && rest.starts_with('/')),
            _ => false,
        })
}

/// Whether the two differ in one label alone, and the first's value of it means "all of them".
fn is_total_of(whole: &MetricSeries, part: &MetricSeries) -> bool {
    let mut differing = labels(whole).filter(|(label, value)| value_of(part, label) != Some(value));
    match (differing.next(), differing.next()) {
        (Some((label, value)), None) => {
            TOTALS.contains(&value.to_ascii_lowercase().as_str())
                && value_of(part, label).is_some()
                && labels(whole).count() == labels(part).count()
        }
        _ => false,
    }
}

/// Whether a series has all labels of another, and more. Control groups are compared by their paths.
fn has_labels_of(part: &MetricSeries, whole: &MetricSeries) -> bool {
    labels(whole).all(|(label, value)| value_of(part, label) == Some(value))
        && labels(part).count() > labels(whole).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::exposition::parse;

    fn overlap(page: &str) -> Option<(String, String)> {
        let series = parse(page).expect("a page of metrics");
        let found = first_overlap(&series.iter().collect::<Vec<_>>());
        found.map(|(whole, part)| (whole.id(), part.id()))
    }

    /// Labels as cAdvisor writes them for a pod of Kubernetes.
    #[test]
    fn a_pod_contains_its_containers() {
        let pod = r#"c{container="",id="/kubepods/podA",namespace="shop",pod="a"} 30"#;
        let app = r#"c{container="app",id="/kubepods/podA/1f",namespace="shop",pod="a"} 29"#;
        let pause = r#"c{container="POD",id="/kubepods/podA/2e",namespace="shop",pod="a"} 0.1"#;
        let other = r#"c{container="app",id="/kubepods/podAB/77",namespace="shop",pod="ab"} 12"#;
        assert!(overlap(&format!("{pod}\n{app}\n{pause}\n")).is_some());
        assert!(
            overlap(&format!("{app}\n{pod}\n"))
                .expect("both")
                .1
                .contains("container=\"app\"")
        );
        assert_eq!(overlap(&format!("{app}\n{pause}\n{other}\n")), None);
        // podAB is no child of podA.
        assert_eq!(overlap(&format!("{pod}\n{other}\n")), None);
    }

    #[test]
    fn the_root_group_contains_every_slice() {
        assert!(overlap("c{id=\"/\"} 9\nc{id=\"/system.slice\"} 3\n").is_some());
        assert!(overlap("c{id=\"/system.slice\"} 3\nc{id=\"/user.slice\"} 3\n").is_none());
        assert!(overlap("c{slice=\"/a\"} 1\nc{slice=\"/a/b\"} 7\n").is_some());
    }

    #[test]
    fn a_total_contains_its_parts() {
        assert!(overlap("c{cpu=\"total\"} 4\nc{cpu=\"0\"} 2\nc{cpu=\"1\"} 2\n").is_some());
        assert!(overlap("c{cpu=\"0\",mode=\"all\"} 4\nc{cpu=\"0\",mode=\"user\"} 2\n").is_some());
        assert!(overlap("c 10\nc{worker=\"1\"} 4\nc{worker=\"2\"} 6\n").is_some());
    }

    #[test]
    fn series_beside_one_another_are_added_up() {
        assert_eq!(overlap("c{cpu=\"0\"} 2\nc{cpu=\"1\"} 2\n"), None);
        assert_eq!(overlap("c{path=\"/\"} 9\nc{path=\"/items\"} 2\n"), None);
        assert_eq!(overlap("c 1\nd{worker=\"1\"} 1\n"), None);
        // A main thread beside its workers: they did more than it.
        assert_eq!(overlap("c 1\nc{worker=\"1\"} 4\nc{worker=\"2\"} 6\n"), None);
    }
}
