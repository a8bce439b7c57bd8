//! Class labels of a target column; different spellings of a label are one class.

use super::raw::{Cells, RawTable};
use super::tally::Tally;
use crate::error::DataError;
use crate::readers::target_rule::label_key;
use std::collections::{BTreeMap, HashMap};

/// Returns the names of the classes in a tally: the shortest spelling of each label; numbers in numeric order, then texts.
pub(super) fn class_names(tally: &Tally) -> Vec<String> {
    let mut spellings: BTreeMap<String, &str> = BTreeMap::new();
    for (text, _) in &tally.present {
        let shortest = spellings.entry(label_key(text).into_owned()).or_insert(text);
        if (text.len(), text.as_ref()) < (shortest.len(), *shortest) {
            *shortest = text;
        }
    }
    let mut names: Vec<(Option<f64>, String)> =
        spellings.into_iter().map(|(key, name)| (key.parse().ok(), name.to_string())).collect();
    names.sort_by(|(one, a), (other, b)| match (one, other) {
        // Whole numbers beyond 2^53 may be equal in f64.
        (Some(one), Some(other)) => one.total_cmp(other).then_with(|| a.cmp(b)),
        (None, None) => a.cmp(b),
        (one, _) => one.is_none().cmp(&true).reverse(),
    });
    names.into_iter().map(|(_, name)| name).collect()
}

/// Returns the class of each row of `rows`.
///
/// # Errors
/// Fails if a label is not one of `names`.
pub(super) fn labels(table: &RawTable, column: usize, rows: &[usize], names: &[String]) -> Result<Vec<u32>, DataError> {
    let cells: &Cells = &table.columns[column].cells;
    let by_key: HashMap<String, u32> =
        names.iter().enumerate().map(|(class, name)| (label_key(name).into_owned(), class as u32)).collect();
    let label = |&row: &usize| {
        let text = cells.text(row);
        by_key.get(label_key(&text).as_ref()).copied().ok_or_else(|| {
            let what = format!("\"{text}\" is outside the classes of the model ({})", names.join(", "));
            table.cell_error(row, column, what, "Give data with the classes the model was trained on")
        })
    };
    rows.iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::super::missing::Missing;
    use super::super::raw::TextCells;
    use super::*;

    #[test]
    fn one_class_for_every_spelling() {
        let cases: [(&[&str], &[&str]); 6] = [
            (&["9007199254740993", "9007199254740992", "7"], &["7", "9007199254740992", "9007199254740993"]),
            (&["0", "1.0", "0.0", "1"], &["0", "1"]),
            (&["10", "9", "-1"], &["-1", "9", "10"]),
            (&["True", "false", "true", "False"], &["False", "True"]),
            (&["b", "2", "a", "2.0"], &["2", "a", "b"]),
            (&["0.5", "1.50"], &["0.5", "1.50"]),
        ];
        for (cells, expected) in cases {
            let mut text = TextCells::default();
            cells.iter().for_each(|cell| text.push(cell));
            let column = Cells::Text(text);
            let rows: Vec<usize> = (0..cells.len()).collect();
            assert_eq!(class_names(&Tally::new(&column, &rows, Missing { added: &[] })), expected);
        }
    }
}
