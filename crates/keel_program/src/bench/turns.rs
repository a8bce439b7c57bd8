//! Measures two sides alternately, and statistics of repeated measurements.

use serde_json::{Value, json};

use crate::failure::Failure;

/// Milliseconds of each turn.
#[derive(Debug, Default)]
pub(super) struct Turns {
    pub(super) ours: Vec<f64>,
    pub(super) theirs: Vec<f64>,
    /// Ratios of the own time to that of the other side, pair by pair.
    ratios: Vec<f64>,
}

/// Runs `count` turns (at least one) of each side alternately, the own side first.
///
/// # Errors
/// The error of the other side.
pub(super) fn in_turn<O, T>(count: usize, mut ours: O, mut theirs: Option<T>) -> Result<Turns, Failure>
where
    O: FnMut() -> f64,
    T: FnMut() -> Result<f64, Failure>,
{
    let mut turns = Turns::default();
    for _ in 0..count.max(1) {
        let here = ours();
        match &mut theirs {
            Some(theirs) => turns.push(here, theirs()?),
            None => turns.ours.push(here),
        }
    }
    Ok(turns)
}

impl Turns {
    /// Adds a turn of both sides.
    pub(super) fn push(&mut self, ours: f64, theirs: f64) {
        self.ours.push(ours);
        self.theirs.push(theirs);
        self.ratios.push(ours / theirs);
    }

    /// Writes `milliseconds`, `minimum`, `maximum` and `spread` into `row`; with a peer, also the same into `peer`, and the
    /// `ratio` with its own minimum and maximum.
    pub(super) fn write(&self, row: &mut Value, peer: &str) {
        write_timing(row, &self.ours);
        if self.ratios.is_empty() {
            return;
        }
        let mut other = json!({ "name": peer });
        write_timing(&mut other, &self.theirs);
        row["peer"] = other;
        row["ratio"] = json!(median(&self.ratios));
        let (least, most) = extremes(&self.ratios);
        row["ratio_minimum"] = json!(least);
        row["ratio_maximum"] = json!(most);
    }
}

fn write_timing(target: &mut Value, milliseconds: &[f64]) {
    let (least, most) = extremes(milliseconds);
    target["milliseconds"] = json!(median(milliseconds));
    target["minimum"] = json!(least);
    target["maximum"] = json!(most);
    target["spread"] = json!(spread(milliseconds));
}

/// Returns the number of repetitions, 2 to 300, for which work of `milliseconds` takes about `whole`.
pub(super) fn repetitions(milliseconds: f64, whole: f64) -> usize {
    (whole / milliseconds).clamp(2.0, 300.0) as usize
}

/// Returns minimum and maximum; NaN if there are no values.
fn extremes(values: &[f64]) -> (f64, f64) {
    (values.iter().copied().fold(f64::NAN, f64::min), values.iter().copied().fold(f64::NAN, f64::max))
}

/// Returns the median of `values`; NaN if there are none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[count / 2],
        count => (sorted[count / 2 - 1] + sorted[count / 2]) / 2.0,
    }
}

/// Returns half the interquartile range relative to the median.
fn spread(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count => (sorted[count * 3 / 4] - sorted[count / 4]) / 2.0 / median(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_extremes_and_spreads() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
        assert_eq!(extremes(&[3.0, 1.0, 2.0]), (1.0, 3.0));
        assert_eq!(spread(&[10.0, 10.0, 10.0, 10.0]), 0.0);
        assert_eq!(spread(&[8.0, 9.0, 10.0, 11.0, 12.0]), 0.1);
    }

    #[test]
    fn sides_alternate_and_ratios_are_taken_pair_by_pair() {
        let order = std::cell::RefCell::new(String::new());
        let mut ours = [2.0, 4.0, 9.0].into_iter();
        let here = || {
            order.borrow_mut().push('a');
            ours.next().unwrap()
        };
        let mut theirs = [4.0, 4.0, 3.0].into_iter();
        let there = || {
            order.borrow_mut().push('b');
            Ok(theirs.next().unwrap())
        };
        let turns = in_turn(3, here, Some(there)).unwrap();
        assert_eq!(*order.borrow(), "ababab");
        let mut row = json!({});
        turns.write(&mut row, "other");
        assert_eq!((row["ratio"].as_f64(), row["ratio_maximum"].as_f64()), (Some(1.0), Some(3.0)));
        assert_eq!((row["milliseconds"].as_f64(), row["peer"]["milliseconds"].as_f64()), (Some(4.0), Some(4.0)));
    }
}
