//! Times of day that are one moment of a local day: midnights of a place, however its offset is written and
//! whatever it is in summer.

use std::collections::BTreeSet;

use super::{
    ENOUGH_DAYS, SECONDS_PER_DAY,
    days::{date, weekday},
};

const HOUR: i64 = 3_600; // s
/// A time that is written without its place, from which the local day is the next one: midnight as far east
/// as Moscow comes at 21:00 of the day before.
const EVENING: i64 = 21 * HOUR;

/// A moment: seconds since 1970, in universal time and by the clock of the place that wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub universal: i64,
    pub local: i64,
}

/// Days since 1970, one for each moment; `None` if they are not the same moment of different days.
pub(super) fn days(moments: &[Moment]) -> Option<Vec<i64>> {
    by_local_clock(moments).or_else(|| by_universal_clock(moments))
}

/// The clock of the place shows the same time in every row.
fn by_local_clock(moments: &[Moment]) -> Option<Vec<i64>> {
    let time = |moment: &Moment| moment.local.rem_euclid(SECONDS_PER_DAY);
    let (first, written) = (moments.first()?, |moment: &Moment| {
        moment.local != moment.universal
    });
    let same = moments.iter().all(|moment| time(moment) == time(first));
    // without offsets, it may be another place's midnight
    let told = time(first) == 0 || moments.iter().any(written);
    (same && told).then(|| {
        moments
            .iter()
            .map(|moment| moment.local.div_euclid(SECONDS_PER_DAY))
            .collect()
    })
}

/// Universal time shows one time, or two an hour apart where the place has summer time.
fn by_universal_clock(moments: &[Moment]) -> Option<Vec<i64>> {
    let times: BTreeSet<i64> = moments
        .iter()
        .map(|moment| moment.universal.rem_euclid(SECONDS_PER_DAY))
        .collect();
    let first = match times.into_iter().collect::<Vec<_>>()[..] {
        [only] => only,
        [early, late] if late - early == HOUR => early,
        [early, late] if late - early == SECONDS_PER_DAY - HOUR => late,
        _ => return None,
    };
    let before: Vec<i64> = moments
        .iter()
        .map(|moment| (moment.universal - first).div_euclid(SECONDS_PER_DAY))
        .collect();
    let different: BTreeSet<&i64> = before.iter().collect();
    let universal: BTreeSet<i64> = moments.iter().map(|moment| moment.universal).collect();
    if different.len() < universal.len() {
        return None; // two times of one day
    }
    let after: Vec<i64> = before.iter().map(|day| day + 1).collect();
    Some(if belongs_to_next_day(&before, &after, first) {
        after
    } else {
        before
    })
}

/// Whether the days after fit a calendar better than those before: weekends are free, or months begin. If
/// neither tells, an evening is the midnight of a place further east.
fn belongs_to_next_day(before: &[i64], after: &[i64], first: i64) -> bool {
    let working = |days: &[i64]| days.len() >= ENOUGH_DAYS && days.iter().all(|day| weekday(*day) < 5);
    let beginning = |days: &[i64]| days.iter().all(|day| date(*day).day() == 1);
    for fits in [&working as &dyn Fn(&[i64]) -> bool, &beginning] {
        if fits(before) != fits(after) {
            return fits(after);
        }
    }
    first >= EVENING
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(seconds: &[i64]) -> Vec<Moment> {
        let moment = |second: &i64| Moment {
            universal: *second,
            local: *second,
        };
        seconds.iter().map(moment).collect()
    }

    #[test]
    fn two_readings_of_a_day_are_no_midnights() {
        let (day, hour) = (SECONDS_PER_DAY, HOUR);
        assert_eq!(
            days(&moments(&[8 * hour, 9 * hour, day + 8 * hour, day + 9 * hour])),
            None
        );
        assert_eq!(days(&moments(&[0, 6 * hour, 12 * hour])), None);
    }

    #[test]
    fn an_evening_without_a_place_is_the_next_day_unless_weekends_tell_otherwise() {
        let evening = |day: i64| day * SECONDS_PER_DAY + 21 * HOUR;
        assert_eq!(
            days(&moments(&[evening(0), evening(1), evening(2)])),
            Some(vec![1, 2, 3])
        );
        // the close of an exchange from Monday to Friday: 1970-01-05 was a Monday
        let week: Vec<i64> = (0..14)
            .filter(|day| day % 7 < 5)
            .map(|day| evening(4 + day))
            .collect();
        assert_eq!(days(&moments(&week)).expect("days")[..5], [4, 5, 6, 7, 8]);
    }
}
