//! Dates of cookies: RFC 6265, section 5.1.1, which reads every spelling that servers use.

/// Seconds since 1970 (UTC) of a date; `None` if it is none.
pub fn cookie_date_s(text: &[u8]) -> Option<i64> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text
        .split(|byte| is_delimiter(*byte))
        .filter(|token| !token.is_empty())
    {
        if time.is_none()
            && let Some(found) = time_of(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = number(token, 1, 2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = month_of(token)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = number(token, 2, 4)
        {
            year = Some(found);
        }
    }
    seconds(with_century(year?), month?, day?, time?)
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, 0x09 | 0x20..=0x2F | 0x3B..=0x40 | 0x5B..=0x60 | 0x7B..=0x7E)
}

/// A number of so many digits that a token begins with, before its end or something that is no digit.
fn number(token: &[u8], least: usize, most: usize) -> Option<i64> {
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = token
        .get(..digits)
        .filter(|digits| (least..=most).contains(&digits.len()))?;
    Some(
        digits
            .iter()
            .fold(0, |number, digit| number * 10 + i64::from(digit - b'0')),
    )
}

/// `hours:minutes:seconds`, each of one or two digits.
fn time_of(token: &[u8]) -> Option<[i64; 3]> {
    let mut parts = token.splitn(3, |byte| *byte == b':');
    let mut exact = || {
        let part = parts.next()?;
        number(part, 1, 2).filter(|_| part.iter().all(u8::is_ascii_digit))
    };
    let (hours, minutes) = (exact()?, exact()?);
    Some([hours, minutes, number(parts.next()?, 1, 2)?])
}

fn month_of(token: &[u8]) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let start = token.get(..3)?;
    let place = MONTHS
        .iter()
        .position(|month| start.eq_ignore_ascii_case(month.as_bytes()))?;
    Some(place as i64 + 1)
}

fn with_century(year: i64) -> i64 {
    match year {
        70..=99 => year + 1900,
        0..=69 => year + 2000,
        _ => year,
    }
}

/// Seconds since 1970 of a date that exists, from 1601 on.
fn seconds(year: i64, month: i64, day: i64, [hours, minutes, seconds]: [i64; 3]) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of_month = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let exists =
        year >= 1601 && (1..=days_of_month).contains(&day) && hours < 24 && minutes < 60 && seconds < 60;
    exists.then(|| days_since_1970(year, month, day) * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

/// Days from 1 January 1970 in the Gregorian calendar.
///
/// Source: Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`, 2021, for years above
/// 0.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year }; // which begins in March
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected by `date -u -d "2015-10-21 07:28:00" +%s` and the like.
    #[test]
    fn every_spelling_of_a_date_is_read() {
        for (text, expected) in [
            ("Wed, 21 Oct 2015 07:28:00 GMT", 1_445_412_480),
            ("Wednesday, 21-Oct-15 07:28:00 GMT", 1_445_412_480),
            ("Wed Oct 21 07:28:00 2015", 1_445_412_480),
            (
                "Wed Oct 21 2015 07:28:00 GMT+0200 (Central European Summer Time)",
                1_445_412_480,
            ),
            ("21 oct 2015 7:28:0", 1_445_412_480),
            ("2015 21 October 07:28:00.123", 1_445_412_480),
            ("07:28:00 21/OCT/15", 1_445_412_480),
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06-Nov-1994 08:49:37 GMT", 784_111_777),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
            ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
            ("1 Jan 1601 00:00:00", -11_644_473_600),
            ("1 Jan 69 00:00:00", 3_124_224_000),
            ("1 Jan 70 00:00:00", 0),
        ] {
            assert_eq!(cookie_date_s(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "0",
            "-1",
            "",
            "never",
            "Wed, 21 Oct 2015",
            "21 Oct 07:28:00",
            "30 Feb 2015 00:00:00",
            "29 Feb 1900 00:00:00",
            "1 Jan 1600 00:00:00",
            "1 Jan 2015 24:00:00",
            "1 Jan 2015 00:60:00",
            "1 Jan 2015 00:00:60",
            "1 Jan 2015 00:00",
            "32 Jan 2015 00:00:00",
            "1 Jan 20155 00:00:00",
            "2015-10-21T07:28:00Z",
        ] {
            assert_eq!(cookie_date_s(text.as_bytes()), None, "{text}");
        }
    }
}
