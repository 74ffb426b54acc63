//! What the studies of two versions have in common, and what differs by plan.

use std::path::Path;

use nest_data::{Study, behaviour::BehaviourSpec, gate_report::LeftOut};
use nest_load::visit::with_needed;

use crate::{book_set::BookSet, files::StudyFolder};

/// What the studies of two versions have in common, and what not.
#[derive(Debug)]
pub struct ComparedStudies {
    /// Behaviours that are the same work in both.
    pub compared: Vec<String>,
    /// The others, each with the reason.
    pub left_out: Vec<LeftOut>,
    /// What differs besides behaviours.
    pub differences: Vec<String>,
    /// Doubts about what the versions' difference is.
    pub doubts: Vec<String>,
    /// Base's study with its folder, if it can be read.
    pub base: Option<(StudyFolder, Study)>,
}

impl ComparedStudies {
    /// All of head's behaviours, as for versions that share one study.
    pub fn all_of(study: &Study) -> Self {
        Self {
            compared: study.behaviours.keys().cloned().collect(),
            left_out: Vec::new(),
            differences: Vec::new(),
            doubts: Vec::new(),
            base: None,
        }
    }
}

/// Compares head's study with base's. Behaviours that differ are left out: their demands are of different
/// work.
pub fn compare_studies(base_folder: &Path, folder: &StudyFolder, study: &Study) -> ComparedStudies {
    let mut found = ComparedStudies::all_of(study);
    let base = StudyFolder::with_code(base_folder, folder.registry());
    let Ok((base_folder, base)) = base.and_then(|folder| {
        let study = folder.study(&[])?;
        Ok((folder, study))
    }) else {
        found.doubts.push(
            "base has no study that can be read, so head's behaviours, rates and plans were taken for both"
                .to_owned(),
        );
        return found;
    };
    let left_out = |behaviour: &String, reason: String| LeftOut {
        behaviour: behaviour.clone(),
        reason,
    };
    let names = || study.behaviours.keys();
    let reason = |name: &String| reason(&base, study, name);
    found.left_out = names()
        .filter_map(|name| Some(left_out(name, reason(name)?)))
        .collect();
    let renamed: Vec<(&String, &String)> = names()
        .filter_map(|name| Some((old_name(&base, study, name)?, name)))
        .collect();
    let is_gone =
        |name: &&String| !study.behaviours.contains_key(*name) && renamed.iter().all(|(old, _)| old != name);
    let gone = base.behaviours.keys().filter(is_gone);
    found
        .left_out
        .extend(gone.map(|name| left_out(name, "removed: head does not have it".to_owned())));
    found.compared.retain(|name| reason(name).is_none());
    found.differences = renamed
        .iter()
        .map(|(old, new)| format!("behaviour `{old}` is called `{new}` in head"))
        .chain(differences(&base, study))
        .collect();
    if prices_differ(&base_folder, &base, folder, study) {
        found.differences.push("prices differ".to_owned());
    }
    found.base = Some((base_folder, base));
    found
}

/// Why a behaviour of head is not compared; `None` if it is the same work in both, whatever its name.
fn reason(base: &Study, head: &Study, name: &String) -> Option<String> {
    let Some(old) = base.behaviours.get(name) else {
        return old_name(base, head, name)
            .is_none()
            .then(|| "new: base does not have it".to_owned());
    };
    if !is_same(old, &head.behaviours[name]) {
        return Some("changed: it is not the same work in both".to_owned());
    }
    let needed = with_needed(head, std::slice::from_ref(name));
    let differs = |needed: &&String| match (base.behaviours.get(*needed), head.behaviours.get(*needed)) {
        (Some(old), Some(new)) => !is_same(old, new),
        (old, new) => old.is_some() || new.is_some(),
    };
    let changed = needed.iter().find(differs)?;
    Some(format!(
        "it needs `{changed}`, which is not the same work in both"
    ))
}

/// Whether two behaviours are the same work, whatever is said of them.
fn is_same(one: &BehaviourSpec, other: &BehaviourSpec) -> bool {
    let work = |behaviour: &BehaviourSpec| BehaviourSpec {
        description: None,
        ..behaviour.clone()
    };
    work(one) == work(other)
}

/// The name in base of a behaviour that base has under another name only. One that needs others counts as
/// new, as these might have changed; so does code, of which only the name is known.
fn old_name<'a>(base: &'a Study, head: &Study, name: &String) -> Option<&'a String> {
    let behaviour = head
        .behaviours
        .get(name)
        .filter(|_| !base.behaviours.contains_key(name))?;
    let gone = base
        .behaviours
        .iter()
        .filter(|(old, _)| !head.behaviours.contains_key(*old));
    let mut same =
        gone.filter(|(_, old)| is_same(old, behaviour) && behaviour.needs.is_none() && !behaviour.code);
    same.next().map(|(old, _)| old)
}

/// What differs between two studies besides behaviours, in words.
fn differences(base: &Study, head: &Study) -> Vec<String> {
    let mut found = Vec::new();
    for (name, rate) in &head.rates {
        match base.rates.get(name) {
            Some(old) if old != rate => found.push(format!("rate of `{name}`: {old} -> {rate}")),
            _ => {}
        }
    }
    let mut differs = |what: &str, same: bool| {
        if !same {
            found.push(format!("{what} differ"));
        }
    };
    differs("parameters", base.parameters == head.parameters);
    differs(
        "when and how customers come ([customers])",
        base.customers == head.customers,
    );
    differs("segments", base.segments == head.segments);
    differs("mechanisms", base.mechanisms == head.mechanisms);
    differs("plans for stored data ([data])", base.data == head.data);
    differs("objectives ([slo])", base.slo == head.slo);
    differs("policies", base.policies == head.policies);
    differs("configurations", base.configs == head.configs);
    differs("fees", base.fees == head.fees);
    differs("rates of exchange", base.exchange == head.exchange);
    differs("growth scenarios", base.growth == head.growth);
    differs("limits of the check ([check])", base.check == head.check);
    found
}

/// Whether base's own price books say something else; not if its configurations cannot be priced.
fn prices_differ(base_folder: &StudyFolder, base: &Study, folder: &StudyFolder, head: &Study) -> bool {
    if base.configs.is_empty() || head.configs.is_empty() {
        return false;
    }
    // Configurations that differ are said already, and may name other books.
    let of_base = BookSet::of_configs(base_folder, base);
    let of_head = BookSet::of_configs(folder, base);
    matches!((of_base, of_head), (Ok(of_base), Ok(of_head)) if of_base != of_head)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use nest_data::{
        Source,
        study::read::{StudyTexts, read_study},
    };

    use super::*;

    /// A study with behaviours by name and text.
    fn study(behaviours: &[(&str, &str)]) -> Study {
        let rates: String = behaviours
            .iter()
            .map(|(name, _)| format!("{name} = \"2 / day\"\n"))
            .collect();
        let text = format!(
            "nest = 1\n[study]\nname = \"s\"\ncustomer = \"c\"\n[target]\nbase_url = \"http://127.0.0.1:1\"\n\
             [customers]\npeak_hour_share = 0.1\nburst = 2\n[rates]\n{rates}"
        );
        let texts = StudyTexts {
            nest: Source::new("nest.toml", text),
            behaviours: behaviours
                .iter()
                .map(|(name, text)| ((*name).to_owned(), Source::new(*name, *text)))
                .collect::<BTreeMap<_, _>>(),
            code: BTreeMap::new(),
        };
        read_study(&texts, &[]).unwrap_or_else(|found| panic!("{found:?}"))
    }

    #[test]
    fn behaviours_are_compared_if_they_are_the_same_work() {
        let get = |path: &str| format!("steps = [{{ get = \"{path}\" }}]");
        let needs_login = format!("needs = \"login\"\n{}", get("/pay"));
        let (list, login, hello) = (get("/"), get("/login"), get("/hello"));
        let told = format!("description = \"greets\"\n{hello}");
        let base = study(&[
            ("list", &list),
            ("login", &login),
            ("pay", &needs_login),
            ("hello", &hello),
        ]);
        let other = get("/other");
        let head = study(&[
            ("posts", &list),
            ("login", &other),
            ("pay", &needs_login),
            ("hello", &told),
            ("new", &other),
        ]);
        let reason = |name: &str| reason(&base, &head, &name.to_owned());
        assert_eq!(reason("hello"), None);
        assert_eq!(reason("posts"), None, "it has another name only");
        assert_eq!(
            old_name(&base, &head, &"posts".to_owned()).map(String::as_str),
            Some("list")
        );
        assert!(reason("login").is_some_and(|reason| reason.starts_with("changed")));
        assert!(reason("pay").is_some_and(|reason| reason.contains("`login`, which is not the same")));
        assert!(reason("new").is_some_and(|reason| reason.starts_with("new")));
    }

    #[test]
    fn plans_that_differ_are_named() {
        let text = "steps = [{ get = \"/\" }]";
        let base = study(&[("list", text)]);
        let mut head = base.clone();
        assert!(differences(&base, &head).is_empty());
        head.customers.burst = 3.0;
        assert_eq!(
            differences(&base, &head),
            ["when and how customers come ([customers]) differ"]
        );
    }
}
