//! Selection of the texts of a column that become categories.

use super::tally::Tally;

/// Maximum number of distinct texts that all become categories, and of categories besides "other".
pub(super) const CATEGORIES: usize = 256;
/// Minimum number of cells of a column before rare texts are grouped.
const CELLS_TO_JUDGE: usize = 20;
/// Minimum number of cells of the rare texts together, so that something can be learned about them.
const OTHER_CELLS: usize = 3;

/// Categories with a feature of their own, sorted, and a flag for a shared feature of all others.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Categories {
    pub(super) names: Vec<String>,
    pub(super) other: bool,
    /// Minimum number of cells of a category.
    pub(super) least: usize,
}

/// Returns true if most cells differ from all others.
pub(super) fn is_mostly_distinct(tally: &Tally) -> bool {
    tally.cells() >= CELLS_TO_JUDGE && tally.distinct() * 2 > tally.cells()
}

/// Chooses by frequency. Texts that occur once are grouped; if most texts are distinct, those that occur fewer than
/// five times are grouped; beyond 256 texts, the less frequent ones are grouped.
///
/// Frequencies are those of the inputs alone. The target is not used, so that counting rows that later become test rows
/// reveals nothing about their targets.
pub(super) fn choose(tally: &Tally) -> Categories {
    let cells = tally.cells();
    let least = match () {
        () if cells < CELLS_TO_JUDGE => 1,
        () if is_mostly_distinct(tally) => 5.max(cells / 200),
        () if tally.distinct() > CATEGORIES => 2.max(cells / 1_000),
        () => 2,
    };
    let rare: usize = tally.present.iter().map(|(_, count)| count).filter(|&&count| count < least).sum();
    let least = if rare < OTHER_CELLS && tally.distinct() <= CATEGORIES { 1 } else { least };
    let mut kept: Vec<(&str, usize)> = tally
        .present
        .iter()
        .filter(|(_, count)| *count >= least)
        .map(|(text, count)| (text.as_ref(), *count))
        .collect();
    kept.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    if kept.len() > CATEGORIES - usize::from(kept.len() < tally.distinct()) {
        kept.truncate(CATEGORIES - 1);
    }
    let mut names: Vec<String> = kept.into_iter().map(|(text, _)| text.to_string()).collect();
    names.sort_unstable();
    let other = names.len() < tally.distinct();
    Categories { names, other, least }
}

#[cfg(test)]
mod tests {
    use super::super::missing::Missing;
    use super::super::raw::{Cells, TextCells};
    use super::*;

    fn chosen(cells: impl Iterator<Item = String>) -> Categories {
        let mut text = TextCells::default();
        cells.for_each(|cell| text.push(&cell));
        let cells = Cells::Text(text);
        let rows: Vec<usize> = (0..cells.len()).collect();
        choose(&Tally::new(&cells, &rows, Missing { added: &[] }))
    }

    #[test]
    fn rare_texts_are_put_together() {
        let few = chosen(["b", "a", "b"].iter().map(|text| text.to_string()));
        assert_eq!(few, Categories { names: vec!["a".into(), "b".into()], other: false, least: 1 });
        let with_rare = (0..60).map(|row| if row < 56 { format!("k{}", row % 4) } else { format!("rare{row}") });
        let found = chosen(with_rare);
        assert_eq!((found.names.join(" "), found.other), ("k0 k1 k2 k3".to_string(), true));
        let one_rare = (0..60).map(|row| if row < 59 { format!("k{}", row % 2) } else { "rare".to_string() });
        assert_eq!(chosen(one_rare).names, ["k0", "k1", "rare"]);
    }

    #[test]
    fn many_texts_keep_the_most_frequent() {
        let many = (0..3_000).map(|row| if row < 900 { format!("{}", row % 300) } else { format!("f{}", row % 100) });
        let found = chosen(many);
        assert_eq!((found.names.len(), found.other), (255, true));
        assert!(found.names.iter().filter(|name| name.starts_with('f')).count() == 100);
        let all = chosen((0..1_024).map(|row| format!("{}", row % 256)));
        assert_eq!((all.names.len(), all.other), (256, false));
    }

    #[test]
    fn mostly_different_texts_keep_what_recurs() {
        let found = chosen((0..100).map(|row| if row < 10 { "same".to_string() } else { format!("t{row}") }));
        assert_eq!((found.names, found.other, found.least), (vec!["same".to_string()], true, 5));
    }
}
