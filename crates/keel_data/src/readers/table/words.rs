//! Words that recur in a column of short texts, such as titles in names.

use super::tally::Tally;
use std::collections::{BTreeSet, HashMap};

/// Maximum number of words that become features.
const WORDS: usize = 32;
/// Minimum share of the rows that contain a word.
const SHARE: f64 = 0.01;
/// Minimum number of rows that contain a word.
const ROWS: usize = 5;

/// Returns the distinct words of a text in lower case: runs of two or more letters.
pub(super) fn words(text: &str) -> BTreeSet<String> {
    let pieces = text.split(|c: char| !c.is_alphabetic());
    pieces.filter(|word| word.chars().nth(1).is_some()).map(str::to_lowercase).collect()
}

/// Returns the average number of whitespace-separated tokens per cell.
pub(super) fn words_per_cell(tally: &Tally) -> f64 {
    let pieces: usize = tally.present.iter().map(|(text, count)| text.split_whitespace().count() * count).sum();
    pieces as f64 / tally.cells().max(1) as f64
}

/// Returns the recurring words, sorted: the most frequent ones, except those in every cell.
pub(super) fn recurring(tally: &Tally) -> Vec<String> {
    let cells = tally.cells();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for (text, count) in &tally.present {
        for word in words(text) {
            *counts.entry(word).or_default() += count;
        }
    }
    let least = ROWS.max((SHARE * cells as f64).ceil() as usize);
    let mut frequent: Vec<(String, usize)> =
        counts.into_iter().filter(|(_, count)| (least..cells).contains(count)).collect();
    frequent.sort_unstable_by(|(a, in_a), (b, in_b)| in_b.cmp(in_a).then_with(|| a.cmp(b)));
    let mut chosen: Vec<String> = frequent.into_iter().take(WORDS).map(|(word, _)| word).collect();
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::super::missing::Missing;
    use super::super::raw::{Cells, TextCells};
    use super::*;

    #[test]
    fn words_that_recur_are_found() {
        let mut text = TextCells::default();
        for index in 0..40 {
            let title = if index % 2 == 0 { "Mr." } else { "Mrs." };
            text.push(&format!("Name{index}, {title} of House {}", "x".repeat(index + 2)));
        }
        let cells = Cells::Text(text);
        let rows: Vec<usize> = (0..40).collect();
        let tally = Tally::new(&cells, &rows, Missing { added: &[] });
        assert_eq!(recurring(&tally), ["mr", "mrs"], "words of every cell and of one cell say nothing");
        assert_eq!(words_per_cell(&tally), 5.0);
    }

    #[test]
    fn words_are_letters() {
        assert_eq!(words("O'Neill, Mr. J2 Ärzte").into_iter().collect::<Vec<_>>(), ["mr", "neill", "ärzte"]);
    }
}
