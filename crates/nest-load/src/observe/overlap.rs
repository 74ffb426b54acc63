//! Finds series that contain one another, so that no processor time and no byte is added up twice: a pod and
//! its containers, a control group and those below it, a total and its parts.

use std::collections::{HashMap, HashSet};

use super::exposition::MetricSeries;

/// Labels that hold the path of a control group, as cAdvisor and systemd exporters name them. A group's
/// figures include those of the groups below it.
const GROUP_LABELS: [&str; 4] = ["id", "cgroup", "cgroup_path", "slice"];
/// Values by which exporters mark the sum of the other values of the label.
const TOTALS: [&str; 6] = ["total", "all", "sum", "_total", "cpu-total", "cpu_total"];
/// Labels of the parts of a distribution: a bucket of a histogram holds all that are smaller, and quantiles
/// of a summary are no amounts.
const PART_LABELS: [&str; 2] = ["le", "quantile"];
/// Most different sets of labels of one metric that are looked at.
const MOST_SHAPES: usize = 32;
/// Share of its parts that a whole reaches at least: both are read within moments of one another.
const LEAST_WHOLE: f64 = 0.9;

/// A pair of series of one selector that do not add up: the first contains the second, or both are quantiles.
///
/// A series contains another of its name if its control group lies above the other's, if it is the total of a
/// label that the other breaks down, if it is a larger bucket of the same histogram, or if the other has all
/// its labels and more, and the values of all such others do not exceed its own. Takes time in proportion to
/// the number of series, since a page may hold very many.
#[must_use]
pub fn first_overlap<'a>(series: &[&'a MetricSeries]) -> Option<(&'a MetricSeries, &'a MetricSeries)> {
    group_overlap(series)
        .or_else(|| total_overlap(series))
        .or_else(|| distribution_overlap(series))
        .or_else(|| whole_overlap(series))
}

/// A control group, and one below it.
fn group_overlap<'a>(series: &[&'a MetricSeries]) -> Option<(&'a MetricSeries, &'a MetricSeries)> {
    let mut groups = HashMap::new();
    for whole in series {
        for label in GROUP_LABELS {
            if let Some(path) = value_of(whole, label).filter(|path| path.starts_with('/')) {
                groups
                    .entry((whole.name.as_str(), label, path.trim_end_matches('/')))
                    .or_insert(*whole);
            }
        }
    }
    series.iter().find_map(|part| {
        GROUP_LABELS.iter().find_map(|label| {
            let path = value_of(part, label)?;
            let mut ends = path.match_indices('/').map(|(end, _)| end);
            let above = ends.find_map(|end| {
                let is_below = path.len() > end + 1;
                let whole = groups.get(&(part.name.as_str(), *label, &path[..end]));
                whole.filter(|_| is_below)
            })?;
            Some((*above, *part))
        })
    })
}

/// The total of a label, and a series that differs from it in that label alone.
fn total_overlap<'a>(series: &[&'a MetricSeries]) -> Option<(&'a MetricSeries, &'a MetricSeries)> {
    // By name, label and the others of its labels.
    let mut totals = HashMap::new();
    for whole in series {
        for (label, _) in labels(whole).filter(|(_, value)| is_total(value)) {
            totals
                .entry((whole.name.as_str(), label, others(whole, label)))
                .or_insert(*whole);
        }
    }
    if totals.is_empty() {
        return None;
    }
    let totalled: HashSet<&str> = totals.keys().map(|(_, label, _)| *label).collect();
    series.iter().find_map(|part| {
        labels(part)
            .filter(|(label, _)| totalled.contains(label))
            .find_map(|(label, value)| {
                let whole = totals.get(&(part.name.as_str(), label, others(part, label)))?;
                let differs = value_of(whole, label) != Some(value);
                differs.then_some((*whole, *part))
            })
    })
}

/// The largest bucket (or highest quantile) of a distribution, and another of the same one.
fn distribution_overlap<'a>(series: &[&'a MetricSeries]) -> Option<(&'a MetricSeries, &'a MetricSeries)> {
    let bound = |one: &MetricSeries, label: &str| value_of(one, label)?.parse::<f64>().ok();
    PART_LABELS.iter().find_map(|label| {
        let mut largest: HashMap<_, (f64, &MetricSeries)> = HashMap::new();
        let bounded = || series.iter().filter_map(|one| Some((bound(one, label)?, *one)));
        let key = |one: &'a MetricSeries| (one.name.as_str(), others(one, label));
        for (bound, one) in bounded() {
            let known = largest.entry(key(one)).or_insert((bound, one));
            if bound > known.0 {
                *known = (bound, one);
            }
        }
        bounded().find_map(|(bound, part)| {
            let (most, whole) = largest.get(&key(part))?;
            (bound < *most).then_some((*whole, part))
        })
    })
}

/// Labels of a series but one.
fn others<'a>(series: &'a MetricSeries, label: &str) -> Vec<(&'a str, &'a str)> {
    labels(series).filter(|(name, _)| *name != label).collect()
}

/// A series, and others that have all its labels and more, whose values do not exceed its own.
fn whole_overlap<'a>(series: &[&'a MetricSeries]) -> Option<(&'a MetricSeries, &'a MetricSeries)> {
    // The labels that series of a name have, for those which are not the most there are.
    let mut shapes: HashMap<&str, HashSet<Vec<&str>>> = HashMap::new();
    let mut wholes = HashMap::new();
    for whole in series {
        let of_name = shapes.entry(whole.name.as_str()).or_default();
        let shape: Vec<&str> = labels(whole).map(|(label, _)| label).collect();
        // What would take time without end is not looked for: nobody writes so many kinds of one metric.
        if of_name.len() < MOST_SHAPES {
            of_name.insert(shape);
        }
        wholes
            .entry((whole.name.as_str(), labels(whole).collect::<Vec<_>>()))
            .or_insert(*whole);
    }
    // The first part of each whole, and the sum of them all.
    let mut parts: HashMap<*const MetricSeries, (&MetricSeries, &MetricSeries, f64)> = HashMap::new();
    for part in series {
        let count = labels(part).count();
        let fewer = shapes[part.name.as_str()]
            .iter()
            .filter(|shape| shape.len() < count);
        for shape in fewer {
            let seen: Vec<(&str, &str)> = labels(part).filter(|(label, _)| shape.contains(label)).collect();
            if seen.len() == shape.len()
                && let Some(whole) = wholes.get(&(part.name.as_str(), seen))
            {
                let known = parts
                    .entry(std::ptr::from_ref(*whole))
                    .or_insert((whole, part, 0.0));
                known.2 += part.value;
            }
        }
    }
    series
        .iter()
        .filter_map(|whole| parts.get(&std::ptr::from_ref(*whole)))
        .find(|(whole, _, sum)| whole.value >= LEAST_WHOLE * sum)
        .map(|(whole, part, _)| (*whole, *part))
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

fn is_total(value: &str) -> bool {
    TOTALS.iter().any(|total| value.eq_ignore_ascii_case(total))
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
    fn a_bucket_contains_those_with_smaller_bounds_and_quantiles_are_not_added_up() {
        let page = "h_bucket{le=\"0.1\",path=\"/\"} 3\nh_bucket{le=\"1\",path=\"/\"} 3\n\
                    h_bucket{le=\"+Inf\",path=\"/\"} 4\n";
        let (whole, part) = overlap(page).expect("buckets");
        assert!(whole.contains("+Inf") && part.contains("0.1"), "{whole} {part}");
        assert!(overlap("s{quantile=\"0.5\"} 3\ns{quantile=\"0.99\"} 9\n").is_some());
        // one bucket of every histogram
        assert_eq!(
            overlap("h_bucket{le=\"+Inf\",path=\"/\"} 3\nh_bucket{le=\"+Inf\",path=\"/items\"} 2\n"),
            None
        );
        assert_eq!(overlap("c{le=\"left\"} 3\nc{le=\"right\"} 2\n"), None);
    }

    #[test]
    fn series_beside_one_another_are_added_up() {
        assert_eq!(overlap("c{cpu=\"0\"} 2\nc{cpu=\"1\"} 2\n"), None);
        assert_eq!(overlap("c{path=\"/\"} 9\nc{path=\"/items\"} 2\n"), None);
        assert_eq!(overlap("c 1\nd{worker=\"1\"} 1\n"), None);
        // A main thread beside its workers: they did more than it.
        assert_eq!(overlap("c 1\nc{worker=\"1\"} 4\nc{worker=\"2\"} 6\n"), None);
    }

    #[test]
    fn a_page_of_very_many_series_is_looked_through() {
        let pages = [
            |number: usize| format!("c{{id=\"/a{number}\",worker=\"{number}\"}} 1\n"),
            |number: usize| format!("c{{cpu=\"{number}\",mode=\"user\"}} 1\n"),
            |number: usize| match number % 2 {
                0 => format!("c{{worker=\"{number}\"}} 1\n"),
                _ => format!("c{{worker=\"{number}\",cpu=\"0\"}} 1\n"),
            },
        ];
        for page in pages {
            let text: String = (0..60_000).map(page).collect();
            assert_eq!(overlap(&text), None);
        }
        let many: String = (0..60_000).map(pages[0]).collect();
        assert!(overlap(&format!("{many}c{{id=\"/a59999/b\"}} 1\n")).is_some());
    }
}
