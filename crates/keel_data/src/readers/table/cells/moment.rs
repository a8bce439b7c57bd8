//! Parsing of dates and times in common notations.

use crate::dataset::DateOrder;

/// A date, a time of day, or both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::readers::table) struct Moment {
    /// Days since 1970-01-01 by the calendar date in the cell; `None` for a time of day alone.
    pub(in crate::readers::table) day: Option<i64>,
    /// Seconds since midnight; `None` for a date alone. More than a day for durations.
    pub(in crate::readers::table) second: Option<f64>,
    /// Offset of the time zone from UTC in seconds.
    pub(in crate::readers::table) zone: f64,
}

/// Seconds per day.
pub(in crate::readers::table) const DAY: f64 = 86_400.0;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Moment {
    /// Returns the moment `seconds` after the start of 1970.
    pub(in crate::readers::table) fn of_seconds(seconds: f64) -> Self {
        let day = (seconds / DAY).floor();
        Self { day: Some(day as i64), second: Some(seconds - day * DAY), zone: 0.0 }
    }

    /// Returns seconds since 1970 in UTC, or since midnight for a time of day.
    pub(in crate::readers::table) fn seconds(self) -> f64 {
        self.day.unwrap_or(0) as f64 * DAY + self.second.unwrap_or(0.0) - self.zone
    }

    /// Returns the month, 1 to 12, and the day of the month.
    pub(in crate::readers::table) fn month_and_day(self) -> (u32, u32) {
        let (_, month, day) = civil(self.day.unwrap_or(0));
        (month, day)
    }

    /// Returns the day of the week, 0 for Monday.
    pub(in crate::readers::table) fn weekday(self) -> i64 {
        (self.day.unwrap_or(0) + 3).rem_euclid(7)
    }
}

/// Parses a date, a time of day, or both; returns `None` if the cell is neither.
pub(in crate::readers::table) fn parse(cell: &str, order: DateOrder) -> Option<Moment> {
    // Shorter texts are not dates; longer ones are prose.
    if !(4..=48).contains(&cell.len()) || !cell.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let cell = without_weekday(cell);
    if let Some((second, zone)) = time_of_day(cell) {
        return Some(Moment { day: None, second: Some(second), zone });
    }
    if let Some(day) = date(cell, order) {
        return Some(Moment { day: Some(day), second: None, zone: 0.0 });
    }
    let colon = cell.find(':')?;
    let before = cell[..colon].trim_end_matches(|c: char| c.is_ascii_digit());
    let (date_part, time_part) = (before.trim_end_matches(['T', 't', ' ', ',', '_']), &cell[before.len()..]);
    let (second, zone) = time_of_day(time_part).filter(|(second, _)| *second <= DAY)?;
    Some(Moment { day: Some(date(date_part, order)?), second: Some(second), zone })
}

/// Parses a date of eight digits without separators, from 1900 to 2100: 20240131.
pub(in crate::readers::table) fn compact_date(cell: &str) -> Option<i64> {
    if cell.len() != 8 || !cell.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| cell[range].parse::<i64>().ok();
    let year = number(0..4).filter(|year| (1900..=2100).contains(year))?;
    days(year, number(4..6)?, number(6..8)?)
}

fn without_weekday(cell: &str) -> &str {
    let letters = cell.len() - cell.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
    let is_weekday = letters >= 3 && WEEKDAYS.iter().any(|day| cell[..3].eq_ignore_ascii_case(day));
    if is_weekday { cell[letters..].trim_start_matches([',', '.', ' ']) } else { cell }
}

/// Parses seconds since midnight and the time zone: 13:45, 1:45:30.5 pm, 13:45Z, 13:45:00+01:00.
fn time_of_day(text: &str) -> Option<(f64, f64)> {
    let (text, zone) = without_zone(text.trim())?;
    let lower = text.to_ascii_lowercase();
    let (clock, afternoon) = match lower.strip_suffix('m').and_then(|rest| rest.strip_suffix(['a', 'p'])) {
        Some(rest) => (rest.trim_end(), Some(lower.ends_with("pm"))),
        None => (lower.as_str(), None),
    };
    let fields: Vec<&str> = clock.split(':').collect();
    let ([hours, minutes] | [hours, minutes, _]) = fields[..] else { return None };
    let seconds = fields.get(2).copied().unwrap_or("0");
    let is_number = |text: &str, longest: usize| {
        (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let whole_seconds = seconds.split(['.', ',']).next().unwrap_or_default();
    let fraction = &seconds[whole_seconds.len()..];
    if !is_number(hours, 3) || !is_number(minutes, 2) || minutes.len() != 2 || !is_number(whole_seconds, 2) {
        return None;
    }
    let fraction: f64 = match fraction.get(1..) {
        None | Some("") => 0.0,
        Some(digits) => is_number(digits, 9).then(|| format!("0.{digits}").parse().ok())??,
    };
    let (hours, minutes): (f64, f64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let whole: f64 = whole_seconds.parse().ok()?;
    if minutes >= 60.0 || whole > 60.0 || afternoon.is_some() && !(1.0..=12.0).contains(&hours) {
        return None;
    }
    let hours = match afternoon {
        Some(true) => hours % 12.0 + 12.0,
        Some(false) => hours % 12.0,
        None => hours,
    };
    Some((hours * 3_600.0 + minutes * 60.0 + whole + fraction, zone))
}

/// Splits off the time zone in seconds: Z, UTC, +01:00, -0530.
fn without_zone(text: &str) -> Option<(&str, f64)> {
    for name in ["Z", "z", "UTC", "GMT"] {
        if let Some(rest) = text.strip_suffix(name) {
            return Some((rest.trim_end(), 0.0));
        }
    }
    let Some(place) = text.rfind(['+', '-']).filter(|&place| text[..place].contains(':')) else {
        return Some((text, 0.0));
    };
    let digits: String = text[place + 1..].chars().filter(|c| *c != ':').collect();
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: f64 = digits[..2].parse().ok()?;
    let minutes: f64 = if digits.len() == 4 { digits[2..].parse().ok()? } else { 0.0 };
    let size = hours * 3_600.0 + minutes * 60.0;
    Some((text[..place].trim_end(), if text[place..].starts_with('-') { -size } else { size }))
}

/// Parses a date with three fields, or a month name and a year, to days since 1970.
fn date(text: &str, order: DateOrder) -> Option<i64> {
    let is_sign = |c: char| matches!(c, '-' | '/' | '.' | ' ' | ',' | '年' | '月' | '日');
    let mut fields = [""; 3];
    let mut count = 0;
    for field in text.split(is_sign).filter(|field| !field.is_empty()) {
        *fields.get_mut(count)? = field;
        count += 1;
    }
    let named = fields.iter().take(count).position(|field| month_of(field).is_some());
    if let Some(named) = named {
        let month = month_of(fields[named])?;
        let rest: Vec<&str> = (0..count).filter(|&field| field != named).map(|field| fields[field]).collect();
        let is_year = |field: &str| field.len() == 4 && number(field).is_some();
        return match rest[..] {
            [year] if is_year(year) => days(number(year)?, month, 1),
            [first, second] if is_year(first) => days(year(first)?, month, day_of(second)?),
            [first, second] => days(year(second)?, month, day_of(first)?),
            _ => None,
        };
    }
    if count == 2 {
        return year_and_month(text);
    }
    if count != 3 || !signs_agree(text) {
        return None;
    }
    let [first, second, third] = fields;
    match (first.len(), order) {
        (4, _) => days(number(first)?, number(second)?, number(third)?),
        (1 | 2, DateOrder::DayFirst) => days(year(third)?, number(second)?, number(first)?),
        (1 | 2, DateOrder::MonthFirst) => days(year(third)?, number(first)?, number(second)?),
        _ => None,
    }
}

/// Parses a year and a month, 2024-01 or 2024/01, from 1800 to 2199: the first day of the month.
fn year_and_month(text: &str) -> Option<i64> {
    let (first, second) = text.split_once(['-', '/'])?;
    let is_plain = first.len() == 4 && second.len() == 2;
    days(number(first).filter(|year| is_plain && (1800..2200).contains(year))?, number(second)?, 1)
}

/// Returns true if the same separator is used throughout; spaces alone do not make a date.
fn signs_agree(text: &str) -> bool {
    let signs: Vec<char> = text.chars().filter(|c| !c.is_ascii_digit() && !c.is_whitespace()).collect();
    match signs[..] {
        [first, second] => first == second && "-/.".contains(first),
        ['年', '月', '日'] => true,
        ['.', '.', '.'] => true,
        _ => false,
    }
}

fn number(field: &str) -> Option<i64> {
    let is_short = (1..=4).contains(&field.len()) && field.bytes().all(|byte| byte.is_ascii_digit());
    is_short.then(|| field.parse().ok())?
}

/// Parses a day of the month, with or without an ordinal suffix: 1, 1st.
fn day_of(field: &str) -> Option<i64> {
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|ending| field.strip_suffix(ending)).unwrap_or(field);
    number(digits)
}

/// Parses a year of four digits, or of two: up to 68 in this century, as in POSIX.
fn year(field: &str) -> Option<i64> {
    let value = number(field.strip_prefix('\'').unwrap_or(field))?;
    match (field.trim_start_matches('\'').len(), value) {
        (4, _) => Some(value),
        (2, 0..=68) => Some(2000 + value),
        (2, _) => Some(1900 + value),
        _ => None,
    }
}

fn month_of(field: &str) -> Option<i64> {
    if field.len() < 3 || !field.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let full = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let lower = field.to_ascii_lowercase();
    let place =
        (0..12).find(|&month| lower == MONTHS[month] || lower == full[month] || lower == "sept" && month == 8)?;
    Some(place as i64 + 1)
}

/// Returns days since 1970-01-01 in the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms").
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Returns year, month and day of a day since 1970 (same source).
fn civil(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-01-31 00:00 in seconds since 1970.
    const DATE: f64 = 1_706_659_200.0;

    #[test]
    fn moments_of_all_kinds_are_read() {
        let day_first = DateOrder::DayFirst;
        let cases = [
            ("2024-01-31", day_first, DATE),
            ("2024/01/31", DateOrder::MonthFirst, DATE),
            ("2024.1.31", day_first, DATE),
            ("31.01.2024", day_first, DATE),
            ("31/01/24", day_first, DATE),
            ("01/31/2024", DateOrder::MonthFirst, DATE),
            ("31-Jan-2024", day_first, DATE),
            ("31 January 2024", day_first, DATE),
            ("Jan 31st, 2024", day_first, DATE),
            ("Wed, 31 Jan 2024", day_first, DATE),
            ("2024年1月31日", day_first, DATE),
            ("Jan 2024", day_first, DATE - 30.0 * DAY),
            ("2024-01", day_first, DATE - 30.0 * DAY),
            ("2024/01", DateOrder::MonthFirst, DATE - 30.0 * DAY),
            ("2024-01-31T13:45:30", day_first, DATE + 49_530.0),
            ("2024-01-31 13:45:30.25", day_first, DATE + 49_530.25),
            ("2024-01-31T13:45Z", day_first, DATE + 49_500.0),
            ("2024-01-31T13:45:00+01:00", day_first, DATE + 45_900.0),
            ("2024-01-31 13:45:00 -0530", day_first, DATE + 69_300.0),
            ("1/31/2024 1:45 PM", DateOrder::MonthFirst, DATE + 49_500.0),
            ("Wed, 31 Jan 2024 12:00:00 GMT", day_first, DATE + 43_200.0),
            ("12:30", day_first, 45_000.0),
            ("12:30 am", day_first, 1_800.0),
            ("0:00:01", day_first, 1.0),
            ("36:15:00", day_first, 130_500.0),
            ("1969-12-31", day_first, -DAY),
            ("0001-01-01", day_first, -62_135_596_800.0),
        ];
        for (cell, order, expected) in cases {
            assert_eq!(parse(cell, order).map(Moment::seconds), Some(expected), "{cell}");
        }
    }

    #[test]
    fn other_texts_are_no_moments() {
        for cell in [
            "31.02.2024",
            "2023-02-29",
            "13/13/2024",
            "2024-13-01",
            "2024-13",
            "2024-1",
            "2024 01",
            "9024-01",
            "2024-01-",
            "1.2",
            "2024",
            "12-5",
            "555-12-1234",
            "10.0.0.1",
            "1 2 3",
            "25:61",
            "12:5",
            "a:30",
            "Jan",
            "may be 3",
            "10 20 2030",
            "1.2.3.4",
            "2024-01-31 25:70",
            "3-4/2024",
            "Room 12:30 x",
        ] {
            assert_eq!(parse(cell, DateOrder::DayFirst), None, "{cell}");
        }
        assert_eq!(parse("01/31/2024", DateOrder::DayFirst), None);
    }

    #[test]
    fn compact_dates_need_a_plausible_year() {
        assert_eq!(compact_date("20240131"), Some(19_753));
        for cell in ["20241301", "12345678", "2024013", "2024-1-1"] {
            assert_eq!(compact_date(cell), None, "{cell}");
        }
    }

    #[test]
    fn calendar_and_count_of_days_agree() {
        for day in (-800_000..800_000).step_by(997) {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, i64::from(month), i64::from(date)), Some(day));
        }
        let moment = parse("2024-01-31", DateOrder::DayFirst).unwrap();
        assert_eq!((moment.weekday(), moment.month_and_day()), (2, (1, 31)));
        assert_eq!(Moment::of_seconds(-1.0).seconds(), -1.0);
    }
}
