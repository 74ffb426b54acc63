//! How many users of each class a closed load has, and in which process they act.

use std::collections::BTreeMap;

use super::listing::ListedClass;

/// Users of each class in each of `slots` processes: `active` in all, by the weights of the classes. What
/// is left over goes to the classes with the largest remainders, and each class is dealt evenly.
///
/// Source: Hamilton's method (largest remainders), in Balinski and Young, "Fair Representation",
/// 2nd ed. 2001, section 2.
pub fn deal(classes: &[ListedClass], active: usize, slots: usize) -> Vec<BTreeMap<String, usize>> {
    let mut dealt = vec![BTreeMap::new(); slots.max(1)];
    let total: f64 = classes.iter().map(|class| class.weight).sum();
    let quotas: Vec<f64> = classes
        .iter()
        .map(|class| active as f64 * class.weight / total.max(f64::MIN_POSITIVE))
        .collect();
    let mut counts: Vec<usize> = quotas.iter().map(|quota| *quota as usize).collect();
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by(|a, b| quotas[*b].fract().total_cmp(&quotas[*a].fract()));
    let left = active.saturating_sub(counts.iter().sum());
    order.into_iter().take(left).for_each(|index| counts[index] += 1);
    let mut next = 0;
    for (class, count) in classes.iter().zip(counts) {
        for users in &mut dealt {
            users.insert(class.name.clone(), 0);
        }
        for _ in 0..count {
            let slot = next % dealt.len();
            *dealt[slot].entry(class.name.clone()).or_default() += 1;
            next += 1;
        }
    }
    dealt
}

/// How often each entry of a task is listed in a step whose rates differ from the plain ones: as often as
/// they ask for, relative to the task that is raised least.
pub fn boosts(plain: &[f64], rates: &[f64]) -> Vec<usize> {
    let ratio = |(plain, rate): (&f64, &f64)| if *plain > 0.0 { rate / plain } else { 0.0 };
    let ratios: Vec<f64> = plain.iter().zip(rates).map(ratio).collect();
    let least = ratios
        .iter()
        .copied()
        .filter(|ratio| *ratio > 0.0)
        .reduce(f64::min);
    let times = |ratio: &f64| least.map_or(1, |least| ((ratio / least).round() as usize).max(1));
    ratios.iter().map(times).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str, weight: f64) -> ListedClass {
        ListedClass {
            name: name.to_owned(),
            weight,
            host: None,
            fixed: 0,
            paced: false,
        }
    }

    #[test]
    fn users_follow_the_weights_of_their_classes_and_are_dealt_evenly() {
        let classes = [class("Shop", 3.0), class("Forum", 1.0)];
        for (active, slots, shop, forum) in [(8, 1, 6, 2), (9, 2, 7, 2), (1, 3, 1, 0), (0, 2, 0, 0)] {
            let dealt = deal(&classes, active, slots);
            let of = |name: &str| dealt.iter().map(|users| users[name]).sum::<usize>();
            assert_eq!((of("Shop"), of("Forum")), (shop, forum), "{active} users");
            let totals: Vec<usize> = dealt.iter().map(|users| users.values().sum()).collect();
            let spread = totals.iter().max().expect("a slot") - totals.iter().min().expect("a slot");
            assert!(spread <= 1, "{totals:?}");
        }
    }

    #[test]
    fn a_behaviour_with_a_higher_share_is_listed_more_often() {
        assert_eq!(boosts(&[20.0, 2.0, 0.0], &[10.0, 1.0, 0.0]), [1, 1, 1]);
        assert_eq!(boosts(&[20.0, 2.0, 6.0], &[10.0, 9.0, 3.0]), [1, 9, 1]);
    }
}
