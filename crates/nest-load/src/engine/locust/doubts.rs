//! What the requests of a locustfile leave in doubt (pure).

use std::collections::{BTreeMap, BTreeSet};

use nest_data::Caveat;

/// Share of all requests from which those are named that belong to no behaviour. Our choice: what fewer cost
/// is within the error of every demand.
const WORTH_NAMING: f64 = 0.01;
/// Sources of such requests that are kept, and those of them that a caveat names.
const KEPT: usize = 100;
/// What all further sources count as.
const OTHERS: &str = "others";
const NAMED: usize = 3;

/// The requests that were told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToldRequests {
    /// All of them.
    pub all: u64,
    /// Those that belong to no behaviour: by task that the study does not name, or by name of a request that
    /// was made outside of any task.
    pub outside: BTreeMap<String, u64>,
    /// Indices of behaviours of which an execution made more than one request.
    pub several: BTreeSet<usize>,
}

impl ToldRequests {
    /// A request that belongs to no behaviour. What stands behind a `?` may be secret and is not kept.
    pub fn outside(&mut self, source: &str) {
        let source = source.split_once('?').map_or(source, |(path, _)| path);
        if self.outside.len() < KEPT || self.outside.contains_key(source) {
            *self.outside.entry(source.to_owned()).or_default() += 1;
        } else {
            *self.outside.entry(OTHERS.to_owned()).or_default() += 1;
        }
    }

    /// Adds what another process told.
    pub fn merge(&mut self, other: Self) {
        self.all += other.all;
        for (source, count) in other.outside {
            *self.outside.entry(source).or_default() += count;
        }
        self.several.extend(other.several);
    }

    /// The doubts that they raise; `names` are the behaviours in order.
    pub fn caveats(&self, names: &[String]) -> Vec<Caveat> {
        let mut caveats = Vec::new();
        let requests: u64 = self.outside.values().sum();
        let share = requests as f64 / self.all.max(1) as f64;
        if share >= WORTH_NAMING {
            let mut sources: Vec<(&String, &u64)> = self
                .outside
                .iter()
                .filter(|(source, _)| *source != OTHERS)
                .collect();
            sources.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let of = sources.into_iter().take(NAMED).map(|(source, _)| source.clone());
            caveats.push(Caveat::LocustOutside {
                requests,
                share,
                of: of.collect(),
            });
        }
        let behaviours: Vec<String> = self
            .several
            .iter()
            .filter_map(|index| names.get(*index).cloned())
            .collect();
        if !behaviours.is_empty() {
            caveats.push(Caveat::LocustInner { behaviours });
        }
        caveats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_no_behaviour_are_named_where_there_are_enough_of_them() {
        let mut told = ToldRequests {
            all: 200,
            ..ToldRequests::default()
        };
        told.outside("GET /bye");
        assert_eq!(told.caveats(&[]), [], "one of 200");
        let mut other = ToldRequests::default();
        for _ in 0..5 {
            other.outside("Shop.search");
        }
        told.merge(other);
        let expected = Caveat::LocustOutside {
            requests: 6,
            share: 0.03,
            of: vec!["Shop.search".to_owned(), "GET /bye".to_owned()],
        };
        assert_eq!(told.caveats(&[]), [expected]);
    }

    #[test]
    fn sources_are_bounded() {
        let mut told = ToldRequests::default();
        for number in 0..1_000 {
            told.outside(&format!("GET /{number}"));
        }
        assert_eq!(told.outside.values().sum::<u64>(), 1_000);
        assert_eq!(told.outside.len(), KEPT + 1);
    }

    #[test]
    fn behaviours_with_several_requests_are_named() {
        let told = ToldRequests {
            several: BTreeSet::from([1]),
            ..ToldRequests::default()
        };
        let names = ["browse", "pay"].map(str::to_owned);
        let expected = Caveat::LocustInner {
            behaviours: vec!["pay".to_owned()],
        };
        assert_eq!(told.caveats(&names), [expected]);
    }
}
