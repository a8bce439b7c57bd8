//! Target of a table: its column, its kind (classes or values), and the rows that have one.

use super::column::{Known, count};
use super::encode::{FileFormats, NumberColumn, RowsToEncode, number};
use super::labels::{class_names, labels};
use super::magnitude::Magnitude;
use super::missing::Missing;
use super::names;
use super::number::without_unit;
use super::raw::{Cells, RawTable};
use super::roles::holds_parts;
use super::tally::Tally;
use crate::config::{DataConfig, Task};
use crate::dataset::{
    Became, ColumnKind, ColumnReason, ColumnReport, ColumnUse, Conversion, FormatRemark, NumberEncoding, NumberRange,
    Schema, TableTarget, TargetBasis, TargetChoice, TargetKind, TargetReading, Targets, shown,
};
use crate::error::DataError;
use crate::readers::class_names::EXACT;
use crate::readers::target_rule::{label_key, other_task, task_of_numbers};
use std::borrow::Cow;
use std::collections::HashMap;

/// Minimum number of rows for a text target to be rejected for too many distinct texts.
const ROWS_TO_JUDGE: usize = 20;

/// The target column and the reason for its choice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen {
    pub(super) column: usize,
    pub(super) why: TargetChoice,
}

/// Targets of the labelled rows.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) targets: Targets,
    /// Rule for reading the column in other tables.
    pub(super) reading: TableTarget,
    pub(super) report: ColumnReport,
    pub(super) note: String,
}

/// Chooses the target column of a table to train on.
///
/// # Errors
/// Fails if `data.target` names no column.
pub(super) fn choose(table: &RawTable, config: &DataConfig) -> Result<Chosen, DataError> {
    if !config.target.is_empty() {
        return Ok(Chosen { column: names::find(table, &config.target, "data.target")?, why: TargetChoice::Given });
    }
    Ok(match names::target(table) {
        Some(column) => Chosen { column, why: TargetChoice::Name },
        None => {
            let last = table.columns.len() - 1;
            let column = (0..=last).rev().find(|&column| !holds_parts(table, column)).unwrap_or(last);
            Chosen { column, why: TargetChoice::LastColumn }
        }
    })
}

/// Returns the target column of a table for a trained model, or `None` if it has none.
pub(super) fn choose_for_model(table: &RawTable, config: &DataConfig, schema: &Schema) -> Option<usize> {
    let known = match (&schema.table_target, &schema.target) {
        (Some(target), _) => Some(target.column.clone()),
        (None, TargetKind::Values(names)) => names.first().cloned(),
        _ => None,
    };
    let wanted =
        if config.target.is_empty() { known.unwrap_or_else(|| "target".to_string()) } else { config.target.clone() };
    table.position(&wanted).or_else(|| {
        // Models of earlier versions do not store the name: use the last column, unless it is one of their features.
        let last = table.columns.len() - 1;
        let is_feature = schema.columns.iter().any(|column| column.name == table.columns[last].name);
        let is_candidate =
            schema.table_target.is_none() && !is_feature && table.columns.len() == schema.columns.len() + 1;
        is_candidate.then_some(last)
    })
}

/// Returns the rows of `rows` in which the target is present.
pub(super) fn labelled(table: &RawTable, column: usize, rows: &[usize], missing: Missing) -> Vec<usize> {
    let cells = &table.columns[column].cells;
    let tally = Tally::new(cells, rows, missing).with_marker_categories();
    rows.iter().copied().filter(|&row| tally.markers.iter().all(|(marker, _)| *marker != cells.text(row))).collect()
}

impl Found {
    /// Returns the column of a numeric target; `place` is its position in the table.
    pub(super) fn number_column(&self, place: usize) -> Option<NumberColumn<'_>> {
        let is_numeric = matches!(self.targets, Targets::Values { .. });
        is_numeric.then_some(NumberColumn { place, encoding: &self.reading.encoding })
    }
}

/// Reads the target of `rows`, all of which have one; its format is that of `known.rows`, the training rows.
///
/// # Errors
/// Fails if the target does not fit `data.task` or nothing can be learned from it.
pub(super) fn read(chosen: Chosen, config: &DataConfig, known: Known, rows: &[usize]) -> Result<Found, DataError> {
    let (table, column) = (known.table, chosen.column);
    let cells = &table.columns[column].cells;
    let tally = Tally::new(cells, rows, Missing { added: &[] }).with_marker_categories();
    let counted = count(cells, known.rows, Missing { added: &[] });
    let (numeric, strays) = match counted.fitting {
        Some(fitting) if fitting.stray_cells > 0 => (None, fitting.strays),
        numeric => (numeric, Vec::new()),
    };
    let known = Known { rows, ..known };
    let name = table.columns[column].name.clone();
    let mut encoding = NumberEncoding::default();
    let mut remarks = Vec::new();
    if let Some(fitting) = &numeric {
        let settled = fitting.settle(&counted.tally, known.has_decimal_commas);
        (encoding.format, remarks) = (settled.format, settled.remarks);
        if !counted.unit.is_empty() {
            remarks.push(FormatRemark::Unit { unit: counted.unit.clone() });
        }
        encoding.written_unit = counted.unit;
    }
    let values: Vec<f64> = match &numeric {
        Some(_) => {
            let target = NumberColumn { place: column, encoding: &encoding };
            let formats = match table.files.len() {
                0 | 1 => FileFormats::default(),
                _ => FileFormats::of(table, rows, &[], Some(target), known.missing),
            };
            numbers(table, target, RowsToEncode { rows, formats: &formats })?
        }
        None => Vec::new(),
    };
    let (task, basis) = match (config.task, &numeric) {
        (Task::Auto, Some(_)) => task_of_numbers(&distinct(&values, |place| cells.text(rows[place]))),
        (Task::Auto, None) => (Task::Classification, TargetBasis::Text),
        (given, _) => (given, TargetBasis::Given),
    };
    let targets = match task {
        Task::Regression if numeric.is_none() => return Err(text_as_values(known, column, &strays)),
        Task::Regression => {
            let magnitude = Magnitude::of(&values);
            if magnitude.unit != 1.0 {
                return Err(out_of_range(known, column, &values));
            }
            encoding.origin = magnitude.origin;
            let values = values.iter().map(|&value| encoding.feature(value)).collect();
            Targets::Values { values, target_names: vec![name.clone()] }
        }
        _ => {
            let class_names = class_names(&tally);
            refuse_names(&class_names, known, chosen, &strays)?;
            refuse_inexact(cells, known, column)?;
            Targets::Classes { labels: labels(table, column, known.rows, &class_names)?, class_names }
        }
    };
    let became = Became::target(match &targets {
        Targets::Classes { class_names, .. } => Conversion::Classes { count: class_names.len() },
        _ => Conversion::Values,
    });
    let (low, high) =
        values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
    let range = (matches!(targets, Targets::Values { .. }) && low < high).then_some(NumberRange { low, high });
    let reading = TargetReading { basis, range, format: remarks };
    let note = format!(
        "the target is \"{name}\" ({}), {} ({}): data.target names another column, {}",
        chosen.why.sentence().english,
        became.sentence().english,
        reading.sentence().english,
        other_task(task)
    );
    let reason = ColumnReason::Target { choice: chosen.why, reading };
    let usage = ColumnUse { kind: ColumnKind::Target, became, reason };
    let report = ColumnReport::new(name.clone(), 0, tally.distinct(), usage);
    Ok(Found { targets, reading: TableTarget { column: name, encoding }, report, note })
}

/// Reads the targets of `rows` for a trained model.
///
/// # Errors
/// Fails if a class or a text is unknown to the model.
pub(super) fn read_for_model(
    table: &RawTable,
    target: NumberColumn,
    wanted: RowsToEncode,
    schema: &Schema,
) -> Result<Targets, DataError> {
    match &schema.target {
        TargetKind::Classes(names) => {
            let labels = labels(table, target.place, wanted.rows, names)?;
            Ok(Targets::Classes { labels, class_names: names.clone() })
        }
        TargetKind::Values(names) => {
            let values = numbers(table, target, wanted)?;
            let values: Vec<f32> = values.into_iter().map(|value| target.encoding.feature(value)).collect();
            if let Some(place) = values.iter().position(|value| value.is_infinite()) {
                let text = table.columns[target.place].cells.text(wanted.rows[place]);
                let what = format!("\"{text}\" is beyond the range of 32-bit numbers");
                let next = "Correct the cell, or leave it empty to leave the row out";
                return Err(table.cell_error(wanted.rows[place], target.place, what, next));
            }
            Ok(Targets::Values { values, target_names: names.clone() })
        }
        TargetKind::Unlabelled => Ok(Targets::Unlabelled),
    }
}

fn numbers(table: &RawTable, target: NumberColumn, wanted: RowsToEncode) -> Result<Vec<f64>, DataError> {
    let cells = &table.columns[target.place].cells;
    let mut values = Vec::with_capacity(wanted.rows.len());
    for (file, rows) in table.rows_by_file(wanted.rows).into_iter().enumerate() {
        let format = wanted.formats.number(file, target);
        for &row in rows {
            let text = cells.text(row);
            let what = match number(cells, row, without_unit(&text, &target.encoding.written_unit), format) {
                Some(value) if value.is_finite() => {
                    values.push(value);
                    continue;
                }
                Some(_) => format!("\"{text}\" is not a finite number"),
                None => format!("\"{text}\" is not a number"),
            };
            let next = "Correct the cell, or leave it empty to leave the row out";
            return Err(table.cell_error(row, target.place, what, next));
        }
    }
    Ok(values)
}

/// Returns the distinct numbers with their counts, ascending; `text` returns the cell of a number, which distinguishes whole
/// numbers that are equal in f64.
fn distinct<'t>(values: &[f64], text: impl Fn(usize) -> Cow<'t, str>) -> Vec<(f64, usize)> {
    let mut counts: HashMap<String, (f64, usize)> = HashMap::new();
    for (place, &value) in values.iter().enumerate() {
        let key = match value.abs() < EXACT {
            true => label_key(&value.to_string()).into_owned(),
            false => label_key(&text(place)).into_owned(),
        };
        counts.entry(key).or_insert((value + 0.0, 0)).1 += 1;
    }
    let mut distinct: Vec<(f64, usize)> = counts.into_values().collect();
    distinct.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    distinct
}

/// Returns the row of the first cell that is one of `strays`.
fn stray_row(known: Known, column: usize, strays: &[String]) -> Option<usize> {
    let cells = &known.table.columns[column].cells;
    known.rows.iter().copied().find(|&row| strays.iter().any(|stray| *stray == cells.text(row)))
}

/// Returns the error for a cell of a target of numbers that is not a number.
fn stray_target(known: Known, column: usize, row: usize) -> DataError {
    let text = known.table.columns[column].cells.text(row);
    let what = format!("\"{text}\" is not a number, as the rest of the target is");
    let next = format!(
        "Correct the cell, leave it empty to leave the row out, or set data.missing_values = [\"{text}\"] if it stands for \
         a missing number"
    );
    known.table.cell_error(row, column, what, &next)
}

fn text_as_values(known: Known, column: usize, strays: &[String]) -> DataError {
    if let Some(row) = stray_row(known, column, strays) {
        return stray_target(known, column, row);
    }
    let cells = &known.table.columns[column].cells;
    let is_text = |row: &usize| number(cells, *row, &cells.text(*row), crate::dataset::NumberFormat::PLAIN).is_none();
    let row = known.rows.iter().copied().find(is_text).unwrap_or(0);
    let what = format!("data.task = \"regression\" requires numbers, found \"{}\"", cells.text(row));
    known.table.cell_error(
        row,
        column,
        what,
        "Correct the cell, set data.task = \"classification\", or name another data.target",
    )
}

fn out_of_range(known: Known, column: usize, values: &[f64]) -> DataError {
    let largest = (0..values.len()).max_by(|&a, &b| values[a].abs().total_cmp(&values[b].abs())).unwrap_or(0);
    let what = format!("targets as large as {} cannot be learned", shown(values[largest]));
    known.table.cell_error(known.rows[largest], column, what, "Give the target in another unit, or correct the cell")
}

/// Rejects classes of a table in memory that are whole numbers beyond 2^53: several of them may have become one f64.
fn refuse_inexact(cells: &Cells, known: Known, column: usize) -> Result<(), DataError> {
    let Cells::Numbers(numbers) = cells else { return Ok(()) };
    match known.rows.iter().find(|&&row| numbers[row].abs() >= EXACT) {
        None => Ok(()),
        Some(&row) => {
            let what = format!("the class {} is too large to be kept exactly as a number", numbers[row]);
            Err(known.table.cell_error(row, column, what, "Give the classes as texts"))
        }
    }
}

/// Rejects classes most of which occur once: names or free text, or numbers next to `strays`, which are not.
fn refuse_names(class_names: &[String], known: Known, chosen: Chosen, strays: &[String]) -> Result<(), DataError> {
    let rows = known.rows.len();
    if rows < ROWS_TO_JUDGE || class_names.len() * 2 <= rows {
        return Ok(());
    }
    if let Some(row) = stray_row(known, chosen.column, strays) {
        return Err(stray_target(known, chosen.column, row));
    }
    let name = &known.table.columns[chosen.column].name;
    Err(DataError::format(
        &known.table.path(),
        format!(
            "the target \"{name}\" ({}) has {} different texts in {rows} rows: too many for classes",
            chosen.why.sentence().english,
            class_names.len()
        ),
        "Name the column to predict with data.target",
    ))
}
