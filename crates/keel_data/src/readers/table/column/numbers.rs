//! Classification of numeric columns: features, identifiers or row numbers.

use super::{Decision, Judged};
use crate::dataset::{
    ColumnEncoding, ColumnKind, ColumnReason, FormatRemark, NumberEncoding, NumberFormat, NumberRange, NumberReason,
    TimeReason, shown,
};
use crate::error::DataError;
use crate::readers::table::magnitude::Magnitude;
use crate::readers::table::names;
use crate::readers::table::number::{parse, without_unit};
use crate::readers::table::number_format::Fitting;
use crate::readers::table::raw::Cells;

/// Minimum number of rows for a column to be called a row number.
const ROWS_TO_COUNT: usize = 10;
/// Minimum number of rows for a column's name to make it an identifier.
const ROWS_TO_NAME: usize = 20;

/// Classifies a column that can be parsed as numbers.
pub(super) fn decide(judged: Judged, fitting: &Fitting) -> Result<Decision, DataError> {
    let known = judged.known;
    let tally = &judged.counted.tally;
    let mut settled = fitting.settle(tally, known.has_decimal_commas);
    let written_unit = judged.counted.unit.clone();
    if !written_unit.is_empty() {
        settled.remarks.push(FormatRemark::Unit { unit: written_unit.clone() });
    }
    let mut encoding = NumberEncoding { format: settled.format, written_unit, ..NumberEncoding::default() };
    let mut notes = Vec::new();
    if fitting.stray_cells > 0 {
        if fitting.strays.len() > 2 || fitting.stray_cells < 2 {
            return Err(stray(&judged, settled.format));
        }
        encoding.missing_texts = fitting.strays.clone();
        notes.push(format!(
            "column \"{}\": {} among numbers is read as missing, {} times",
            judged.name(),
            quoted(&fitting.strays),
            fitting.stray_cells
        ));
    }
    let (values, rows) = present(&judged, settled.format)?;
    if let Some(reason) = counts_rows(&judged, &values) {
        return Ok(judged.left_out(ColumnKind::RowNumber, reason));
    }
    if names_rows(&judged, &values) {
        return Ok(judged.left_out(ColumnKind::Identifier, ColumnReason::IdentifierName));
    }
    let magnitude = Magnitude::of(&values);
    (encoding.origin, encoding.unit) = (magnitude.origin, magnitude.unit);
    encoding.no_data_from = magnitude.no_data_from;
    if let Some(nines) = magnitude.nines {
        let spelled = tally.present.iter().filter(|(text, _)| parse(text, settled.format) == Some(nines));
        encoding.missing_texts.extend(spelled.map(|(text, _)| text.to_string()));
    }
    notes.extend(remarks(&judged, &magnitude, &values, &rows));
    if known.time == Some(judged.column) {
        return Ok(judged.left_out(ColumnKind::Number, ColumnReason::Times(TimeReason::OrdersRows)));
    }
    let reason = ColumnReason::Numbers(reason(&values, &magnitude, settled.remarks));
    let mut decision = judged.kept(ColumnKind::Number, ColumnEncoding::Number(encoding), reason);
    decision.notes = notes;
    Ok(decision)
}

/// Returns the numbers of the present cells and their rows.
fn present(judged: &Judged, format: NumberFormat) -> Result<(Vec<f64>, Vec<usize>), DataError> {
    let known = judged.known;
    let cells = &known.table.columns[judged.column].cells;
    let (mut values, mut rows) = (Vec::with_capacity(known.rows.len()), Vec::with_capacity(known.rows.len()));
    for &row in known.rows {
        let value = match cells {
            Cells::Numbers(numbers) => Some(numbers[row]).filter(|value| !value.is_nan()),
            _ => parse(without_unit(&cells.text(row), &judged.counted.unit), format),
        };
        let Some(value) = value else { continue };
        let text = cells.text(row);
        if known.missing.added.iter().any(|marker| marker.trim() == text) {
            continue;
        }
        if !value.is_finite() {
            let what = format!("\"{text}\" is not a finite number");
            let next = "Leave the cell empty to mark it as missing";
            return Err(known.table.cell_error(row, judged.column, what, next));
        }
        values.push(value);
        rows.push(row);
    }
    Ok((values, rows))
}

/// Returns the error for the first cell that is not a number.
fn stray(judged: &Judged, format: NumberFormat) -> DataError {
    let known = judged.known;
    let cells = &known.table.columns[judged.column].cells;
    let is_stray = |row: &usize| {
        let text = cells.text(*row);
        !known.missing.holds(&text) && parse(&text, format).is_none()
    };
    let row = known.rows.iter().copied().find(is_stray).unwrap_or(0);
    let text = cells.text(row);
    let what = format!("\"{text}\" is not a number, as the rest of the column is");
    let next = format!(
        "Correct the cell, leave it empty, or set data.missing_values = [\"{text}\"] if it stands for a missing number"
    );
    known.table.cell_error(row, judged.column, what, &next)
}

/// Returns the reason why a column is a row number, if it is.
fn counts_rows(judged: &Judged, values: &[f64]) -> Option<ColumnReason> {
    let raw = &judged.known.table.columns[judged.column];
    let is_complete = values.len() == judged.known.rows.len() && judged.counted.tally.distinct() == values.len();
    if !is_complete || values.len() < 3 || values.iter().any(|value| value.fract() != 0.0) {
        return None;
    }
    let counts_up = values.iter().zip(&values[1..]).all(|(value, next)| value + 1.0 == *next);
    let begins = values[0] == 0.0 || values[0] == 1.0;
    if raw.is_unnamed || names::is_row_number(&raw.name) {
        return Some(match raw.is_unnamed {
            true => ColumnReason::Unnamed,
            false => ColumnReason::RowNumberName,
        });
    }
    let is_long = values.len() >= ROWS_TO_COUNT;
    let (first, last) = (values[0] as usize, values[values.len() - 1] as usize);
    (counts_up && begins && is_long && !names::is_time(&raw.name)).then_some(ColumnReason::CountsRows { first, last })
}

/// Returns true if a column of distinct whole numbers is named like an identifier.
fn names_rows(judged: &Judged, values: &[f64]) -> bool {
    values.len() >= ROWS_TO_NAME
        && judged.counted.tally.distinct() == values.len()
        && values.iter().all(|value| value.fract() == 0.0)
        && names::is_identifier(judged.name())
}

fn reason(values: &[f64], magnitude: &Magnitude, format: Vec<FormatRemark>) -> NumberReason {
    let is_data = |value: &&f64| {
        magnitude.no_data_from.is_none_or(|limit| value.abs() < limit) && Some(**value) != magnitude.nines
    };
    let (low, high) = values
        .iter()
        .filter(is_data)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
    let origin = Some(magnitude.origin).filter(|origin| *origin != 0.0);
    NumberReason { range: NumberRange { low, high }, format, origin }
}

/// Returns notes about unusual numbers.
fn remarks(judged: &Judged, magnitude: &Magnitude, values: &[f64], rows: &[usize]) -> Vec<String> {
    let name = judged.name();
    let place = |position: usize| judged.known.table.place_text(rows[position]);
    let mut notes = Vec::new();
    if let Some(limit) = magnitude.no_data_from {
        let huge: Vec<usize> = (0..values.len()).filter(|&index| values[index].abs() >= limit).collect();
        notes.push(format!(
            "column \"{name}\": {} in {} is an outlier that would decide the scale of the column; {} read as missing",
            shown(values[huge[0]]),
            place(huge[0]),
            if huge.len() == 1 { "it is".to_string() } else { format!("{} such cells are", huge.len()) },
        ));
    }
    if let Some(nines) = magnitude.nines {
        let count = values.iter().filter(|&&value| value == nines).count();
        notes.push(format!(
            "column \"{name}\": {nines} is far from all other numbers and stands for \"no data\"; {count} such cells are \
             read as missing"
        ));
    }
    if let Some(position) = magnitude.outlier {
        notes.push(format!(
            "column \"{name}\": one value, {} in {}, decides the scale of the column: outlier; correct or empty the \
             cell if it is a mistake",
            shown(values[position]),
            place(position)
        ));
    }
    notes
}

fn quoted(texts: &[String]) -> String {
    texts.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(" and ")
}
