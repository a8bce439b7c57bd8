//! Formats predictions as a table.

use keel_train::Prediction;

use super::columns::Columns;
use super::rows::Row;
use crate::terminal::{Align, percent, table};

/// Formats one line per sample; for classes, with the two most probable ones.
pub(super) fn text(columns: &Columns, rows: &[Row]) -> String {
    let own = if columns.input { &columns.identifiers } else { &columns.kept };
    let mut header: Vec<(&str, Align)> = Vec::new();
    if columns.input {
        header.push(("input", Align::Left));
    }
    header.extend(own.iter().map(|name| (name.as_str(), Align::Left)));
    if columns.classifies {
        let class = columns.results.class.as_str();
        header.extend([(class, Align::Left), ("probability", Align::Right), ("next best", Align::Left)]);
    } else {
        header.extend(columns.results.targets.iter().map(|name| (name.as_str(), Align::Right)));
    }
    let cells = |row: &Row| {
        let mut cells = Vec::new();
        if columns.input {
            cells.push(row.input.clone());
        }
        cells.extend(row.own_texts());
        match &row.prediction {
            Prediction::Class { index, name, probabilities } => {
                let share = percent(f64::from(probabilities[*index]));
                cells.extend([name.clone(), share, next_best(*index, probabilities, &columns.targets)]);
            }
            Prediction::Values(values) => cells.extend(values.iter().map(|value| format!("{value:.4}"))),
            Prediction::Undefined { .. } => cells.resize(header.len(), "undefined".to_owned()),
        }
        cells
    };
    table(&header, &rows.iter().map(cells).collect::<Vec<_>>())
}

/// Returns the second most probable class; empty if there is only one.
fn next_best(best: usize, probabilities: &[f32], names: &[String]) -> String {
    let others = (0..probabilities.len()).filter(|&class| class != best);
    let second = others.max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]).then(b.cmp(&a)));
    second.map(|class| format!("{} {}", names[class], percent(f64::from(probabilities[class])))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_best_class_is_the_second() {
        let names = ["a", "b", "c"].map(String::from);
        assert_eq!(next_best(1, &[0.25, 0.5, 0.25], &names), "a 25.00 %");
        assert_eq!(next_best(0, &[1.0], &names[..1]), "");
    }
}
