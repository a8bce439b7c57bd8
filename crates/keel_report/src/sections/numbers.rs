//! Formats of numbers for people.

use keel_page::charts::number;
use keel_train::metrics::MetricName;

/// Formats a share as percent with two decimals.
pub(super) fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.2} %", share * 100.0) } else { "–".to_owned() }
}

/// Formats a whole number with thousands separators.
pub(super) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let first = digits.len() % 3;
    let mut groups: Vec<&str> = if first > 0 { vec![&digits[..first]] } else { Vec::new() };
    groups.extend((first..digits.len()).step_by(3).map(|at| &digits[at..at + 3]));
    groups.join(",")
}

/// Formats seconds in human-readable units.
pub(super) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "–".to_owned();
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Formats the value of a metric for the report.
pub(super) fn value_text(metric: MetricName, value: f64) -> String {
    if metric.is_share() { percent(value) } else { number(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")];
        for (value, expected) in cases {
            assert_eq!(grouped(value), expected);
        }
        let cases = [(0.04, "0.0 s"), (59.4, "59.4 s"), (59.9, "1 min 00 s"), (3_725.0, "1 h 02 min")];
        for (seconds, expected) in cases {
            assert_eq!(duration(seconds), expected);
        }
        assert_eq!((percent(0.98765), percent(f64::NAN)), ("98.77 %".to_owned(), "–".to_owned()));
    }
}
