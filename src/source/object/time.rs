//! Times of objects: RFC 3339 in UTC or with an offset.

/// Milliseconds since the Unix epoch; `None` when `text` is no RFC 3339 time.
pub fn parse_millis(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = text.get(range)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let separators = [(4, "-"), (7, "-"), (10, "Tt "), (13, ":"), (16, ":")];
    if separators.iter().any(|&(at, set)| !text.get(at..=at).is_some_and(|c| set.contains(c))) {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (millis, zone) = fraction(text.get(19..)?)?;
    let seconds = days_since_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset(zone)?;
    Some(seconds * 1_000 + millis)
}

/// Milliseconds of a fraction such as `.25`, and what stands behind it.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(rest) = text.strip_prefix('.') else { return Some((0, text)) };
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    let millis = rest[..end].bytes().chain([b'0'; 3]).take(3).fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    (end > 0).then_some((millis, &rest[end..]))
}

/// Seconds east of UTC of `Z` or `+01:00`.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    Some(sign * (i64::from(hours) * 3_600 + i64::from(minutes) * 60))
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, counted in years that start in March.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let months_since_march = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * months_since_march + 2) / 5 + day - 1 - 719_468
}

/// RFC 3339 in UTC with milliseconds, as [`parse_millis`] reads it; `None` outside the years 0 to 9999.
pub fn format_millis(millis: i64) -> Option<String> {
    let (seconds, fraction) = (millis.div_euclid(1_000), millis.rem_euclid(1_000));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    (0..=9_999)
        .contains(&year)
        .then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z"))
}

/// Year, month and day of a day since the Unix epoch, proleptic Gregorian: the inverse of `days_since_epoch`.
fn date(days: i64) -> (i64, i64, i64) {
    // Days since 1 March of the year 0, in eras of 400 years.
    let days = days.saturating_add(719_468);
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let month = if months_since_march < 10 { months_since_march + 3 } else { months_since_march - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rfc_3339_times() {
        let cases = [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T12:00:00Z", Some(951_825_600_000)),
            ("2024-03-01T00:00:00Z", Some(1_709_251_200_000)),
            ("2024-03-01T01:00:00.25+01:00", Some(1_709_251_200_250)),
            ("2024-03-01", None),
            ("2024-13-01T00:00:00Z", None),
            ("2024-03-01T00:00:00", None),
            ("yesterday at noon...", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_millis(text), expected, "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for millis in [0, -1, 951_825_600_000, 1_709_251_200_250, -62_167_219_200_000, 253_402_300_799_999] {
            assert_eq!(format_millis(millis).as_deref().and_then(parse_millis), Some(millis));
        }
        for day in -200_000..200_000 {
            let (year, month, day_of_month) = date(day);
            assert_eq!(days_since_epoch(year, month, day_of_month), day);
        }
        assert_eq!(format_millis(0).as_deref(), Some("1970-01-01T00:00:00.000Z"));
        assert_eq!((format_millis(253_402_300_800_000), format_millis(i64::MAX)), (None, None));
    }
}
