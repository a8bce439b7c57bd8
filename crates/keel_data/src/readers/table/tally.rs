//! Distinct cells of a column with their frequencies.

use super::missing::{Missing, kept_as_category};
use super::number::without_unit;
use super::raw::Cells;
use std::borrow::Cow;
use std::collections::HashMap;

/// Distinct cells of a column, as texts, with their frequencies.
#[derive(Debug)]
pub(super) struct Tally<'a> {
    /// Present cells with their counts, sorted by text.
    pub(super) present: Vec<(Cow<'a, str>, usize)>,
    /// Markers of missing cells with their counts, sorted by text.
    pub(super) markers: Vec<(Cow<'a, str>, usize)>,
}

impl<'a> Tally<'a> {
    /// Counts the cells of `rows`.
    pub(super) fn new(cells: &'a Cells, rows: &[usize], missing: Missing) -> Self {
        let mut counts: HashMap<Cow<'a, str>, usize> = HashMap::new();
        for &row in rows {
            *counts.entry(cells.text(row)).or_default() += 1;
        }
        let mut all: Vec<_> = counts.into_iter().collect();
        all.sort_unstable();
        let (markers, present) = all.into_iter().partition(|(text, _)| missing.holds(text));
        Self { present, markers }
    }

    /// Returns the same cells without the unit behind their numbers.
    pub(super) fn without_unit(&self, unit: &str) -> Self {
        let mut counts: HashMap<Cow<'a, str>, usize> = HashMap::new();
        for (text, count) in &self.present {
            let number = match text {
                Cow::Borrowed(text) => Cow::Borrowed(without_unit(text, unit)),
                Cow::Owned(text) => Cow::Owned(without_unit(text, unit).to_string()),
            };
            *counts.entry(number).or_default() += count;
        }
        let mut present: Vec<_> = counts.into_iter().collect();
        present.sort_unstable();
        Self { present, markers: self.markers.clone() }
    }

    /// Returns the number of present cells.
    pub(super) fn cells(&self) -> usize {
        self.present.iter().map(|(_, count)| count).sum()
    }

    /// Returns the number of missing cells.
    pub(super) fn missing(&self) -> usize {
        self.markers.iter().map(|(_, count)| count).sum()
    }

    /// Returns the number of distinct present cells.
    pub(super) fn distinct(&self) -> usize {
        self.present.len()
    }

    /// Moves markers that are categories among these texts to the present cells.
    pub(super) fn with_marker_categories(mut self) -> Self {
        let present: Vec<(&str, usize)> = self.present.iter().map(|(text, count)| (text.as_ref(), *count)).collect();
        let is_kept = |marker: &(Cow<str>, usize)| kept_as_category(&marker.0, marker.1, &present);
        let kept: Vec<usize> = (0..self.markers.len()).filter(|&index| is_kept(&self.markers[index])).collect();
        for index in kept.into_iter().rev() {
            let marker = self.markers.remove(index);
            self.present.push(marker);
        }
        self.present.sort_unstable();
        self
    }
}
