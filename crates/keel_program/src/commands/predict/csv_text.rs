//! Predictions as separated values (RFC 4180): with commas, or in the form of the table to which they are appended.

use keel_train::Prediction;

use super::columns::Columns;
use super::rows::Row;

/// Returns a header and one line per sample, each with its line end. The columns are, in this order: the input or the kept
/// columns, the identifiers, the class, and the probability of each class or the value of each target.
pub(super) fn text(columns: &Columns, rows: &[Row]) -> String {
    let mut header: Vec<&str> = Vec::new();
    if columns.input {
        header.push("input");
    }
    header.extend(columns.kept.iter().chain(&columns.identifiers).map(String::as_str));
    if columns.classifies {
        header.push(&columns.results.class);
    }
    header.extend(columns.results.targets.iter().map(String::as_str));
    let mut lines = vec![columns.dialect.line(header.into_iter())];
    lines.extend(rows.iter().map(|row| row_line(columns, row)));
    lines.concat()
}

fn row_line(columns: &Columns, row: &Row) -> String {
    let dialect = columns.dialect;
    let (class, numbers): (Option<&str>, Vec<String>) = match &row.prediction {
        Prediction::Class { name, probabilities, .. } => {
            (Some(name.as_str()), probabilities.iter().map(|share| dialect.number(share)).collect())
        }
        Prediction::Values(values) => (None, values.iter().map(|value| dialect.number(value)).collect()),
        Prediction::Undefined { .. } => {
            (columns.classifies.then_some(""), columns.results.targets.iter().map(|_| String::new()).collect())
        }
    };
    let input = columns.input.then_some(row.input.as_str());
    let own: Vec<String> = row.own_texts().collect();
    let own = own.iter().map(String::as_str);
    dialect.line(input.into_iter().chain(own).chain(class).chain(numbers.iter().map(String::as_str)))
}
