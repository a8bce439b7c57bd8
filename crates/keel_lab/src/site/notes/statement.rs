//! A sentence of the notes, its evidence, and its verdict.

use keel_page::Text;
use keel_page::charts;

use super::documents::Documents;

/// A sentence of the notes.
pub(crate) struct Statement {
    /// Row of the checklist.
    pub(crate) row: &'static str,
    /// Sentence in English and Chinese.
    pub(crate) says: [&'static str; 2],
    /// Verdict on the sentence as written.
    pub(crate) standing: Standing,
    /// Addition or correction in English and Chinese; may be empty.
    pub(crate) correction: [&'static str; 2],
    /// Figures of the lab that show it.
    pub(crate) figures: &'static [FigureOf],
    /// Measured numbers, and whether they confirm the sentence or, if it is too strong, the correction; `None` if a
    /// document lacks them.
    pub(crate) evidence: fn(&Documents) -> Option<Evidence>,
}

/// A figure of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FigureOf {
    /// Experiment.
    pub(crate) experiment: &'static str,
    /// Words of its English caption; empty for the whole page.
    pub(crate) caption: &'static str,
}

/// Verdict on a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Holds as written, possibly with an addition.
    Holds,
    /// Does not hold as written.
    TooStrong,
}

/// Numbers for a sentence.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    /// True if the numbers confirm the claim.
    pub(crate) holds: bool,
    /// The numbers as text.
    pub(crate) words: Text,
}

/// Creates evidence with texts in both languages.
pub(super) fn evidence(holds: bool, english: String, chinese: String) -> Option<Evidence> {
    Some(Evidence { holds, words: Text::new(english, chinese) })
}

/// Refers to a figure on the page of `experiment`.
pub(super) const fn figure(experiment: &'static str, caption: &'static str) -> FigureOf {
    FigureOf { experiment, caption }
}

/// Formats a number as on pages.
pub(super) fn short(value: f64) -> String {
    charts::number(value)
}

/// Formats a share in per cent with at most one decimal.
pub(super) fn percent(share: f64) -> String {
    let text = format!("{:.1}", 100.0 * share);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// Lists numbers with two or three significant digits.
pub(super) fn series(values: &[f64]) -> String {
    let one = |value: &f64| if value.abs() < 0.01 { short(*value) } else { format!("{value:.2}") };
    values.iter().map(one).collect::<Vec<String>>().join(" ")
}
