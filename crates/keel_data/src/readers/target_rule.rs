//! Classes or values: the rule for the targets of every format, and the canonical form of labels.
//!
//! Text is classes. Numbers are classes if they are 0 and 1, at most 20 whole numbers that occur twice on average, or
//! whole numbers that count from 0 or 1 without a gap, five rows each. Other numbers are values.

use super::composed::composed;
use crate::config::Task;
use crate::dataset::TargetBasis;
use std::borrow::Cow;

/// Maximum number of distinct integers that are classes regardless of their values.
const NUMBERED_CLASSES: usize = 20;
/// Minimum number of rows per integer for more of them to be classes, if they count from 0 or 1 without a gap.
const ROWS_OF_EACH: usize = 5;

/// Decides between classes and values for numeric targets, given the distinct numbers with their counts in ascending
/// order. Text is always classes.
///
/// Returns the task and the reason.
pub(super) fn task_of_numbers(distinct: &[(f64, usize)]) -> (Task, TargetBasis) {
    let rows: usize = distinct.iter().map(|(_, count)| count).sum();
    let different = distinct.len();
    if distinct.iter().any(|(value, _)| value.fract() != 0.0) {
        return (Task::Regression, TargetBasis::Decimals);
    }
    if distinct.iter().map(|(value, _)| *value).eq([0.0, 1.0]) {
        return (Task::Classification, TargetBasis::ZeroAndOne);
    }
    let whole_numbers = TargetBasis::WholeNumbers { distinct: different, rows };
    if different <= NUMBERED_CLASSES && different * 2 <= rows {
        return (Task::Classification, whole_numbers);
    }
    let counts_up = distinct.iter().zip(distinct.iter().skip(1)).all(|((value, _), (next, _))| value + 1.0 == *next);
    let begins = distinct.first().is_some_and(|(first, _)| *first == 0.0 || *first == 1.0);
    if counts_up && begins && distinct.iter().all(|(_, count)| *count >= ROWS_OF_EACH) {
        let (first, last) = (distinct[0].0 as usize, distinct[different - 1].0 as usize);
        return (Task::Classification, TargetBasis::Consecutive { first, last });
    }
    (Task::Regression, whole_numbers)
}

/// Returns the setting that selects the other task.
pub(super) fn other_task(task: Task) -> &'static str {
    match task {
        Task::Regression => "data.task = \"classification\" changes this",
        _ => "data.task = \"regression\" changes this",
    }
}

/// Returns the canonical form of a label: numbers are compared as numbers and True as true, other texts letter by letter,
/// whether or not accents are part of their letters.
/// All digits of a number count, also those that a 64-bit number does not keep.
pub(super) fn label_key(text: &str) -> Cow<'_, str> {
    if let Some(number) = plain_number(text) {
        return Cow::Owned(number);
    }
    let is_number = text.bytes().next().is_some_and(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
    if is_number
        && let Ok(value) = text.parse::<f64>()
        && value.is_finite()
    {
        return Cow::Owned(if value == 0.0 { "0".to_string() } else { value.to_string() });
    }
    let is_truth = ["true", "false"].iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_truth { Cow::Owned(text.to_ascii_lowercase()) } else { composed(text) }
}

/// Returns a number without an exponent in its shortest spelling: "7" for "+007.0", "-0.5" for "-.50".
fn plain_number(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let are_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + decimals.len() == 0 || !are_digits(whole) || !are_digits(decimals) {
        return None;
    }
    let (whole, decimals) = (whole.trim_start_matches('0'), decimals.trim_end_matches('0'));
    let sign = if text.starts_with('-') && whole.len() + decimals.len() > 0 { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if decimals.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{decimals}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_classes_or_values() {
        let each = |values: &[f64], count| values.iter().map(|&value| (value, count)).collect::<Vec<_>>();
        let counted =
            |range: std::ops::Range<i32>, count| range.map(|value| (f64::from(value), count)).collect::<Vec<_>>();
        let cases = [
            (each(&[0.0, 1.0], 1), Task::Classification),
            (each(&[-1.0, 1.0], 2), Task::Classification),
            (each(&[-1.0, 0.0], 1), Task::Regression),
            (each(&[0.5, 1.0], 50), Task::Regression),
            (each(&[3.0, 5.0, 8.0], 4), Task::Classification),
            (counted(0..100, 5), Task::Classification),
            (counted(1..27, 5), Task::Classification),
            (counted(0..100, 4), Task::Regression),
            (counted(17..91, 50), Task::Regression),
            (counted(0..100, 1), Task::Regression),
        ];
        for (distinct, expected) in cases {
            assert_eq!(task_of_numbers(&distinct).0, expected, "{distinct:?}");
        }
    }

    #[test]
    fn spellings_of_one_label_agree() {
        let cases = [
            ("0", "0.0"),
            ("1", "1.0"),
            ("1", "+1"),
            ("-0.0", "0"),
            ("True", "true"),
            ("10", "1e1"),
            ("007", "7"),
            ("-.50", "-0.5"),
            ("Zürich", "Zu\u{308}rich"),
            ("9007199254740993", "9007199254740993.0"),
            ("10000000000000000000000", "1e22"),
        ];
        for (one, other) in cases {
            assert_eq!(label_key(one), label_key(other), "{one} {other}");
        }
        assert_ne!(label_key("9007199254740992"), label_key("9007199254740993"), "whole numbers beyond 2^53");
        for (one, other) in [("a", "A"), ("1", "1a"), ("yes", "Yes"), ("1", "-1"), ("inf", "Inf"), (".", "0")] {
            assert_ne!(label_key(one), label_key(other), "{one} {other}");
        }
    }
}
