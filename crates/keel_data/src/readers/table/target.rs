//! Target of a table: its column, its kind (classes or values), and the rows that have one.

use super::column::{Known, count};
use super::encode::number;
use super::labels::{class_names, labels};
use super::magnitude::Magnitude;
use super::missing::Missing;
use super::names;
use super::raw::RawTable;
use super::tally::Tally;
use crate::config::{DataConfig, Task};
use crate::dataset::{
    Became, ColumnKind, ColumnReason, ColumnReport, ColumnUse, Conversion, NumberEncoding, NumberRange, Schema,
    TableTarget, TargetBasis, TargetChoice, TargetKind, TargetReading, Targets, shown,
};
use crate::error::DataError;
use crate::readers::target_rule::{label_key, other_task, task_of_numbers};
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
        None => Chosen { column: table.columns.len() - 1, why: TargetChoice::LastColumn },
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

/// Reads the target of `known.rows`, all of which have one.
///
/// # Errors
/// Fails if the target does not fit `data.task` or nothing can be learned from it.
pub(super) fn read(chosen: Chosen, config: &DataConfig, known: Known) -> Result<Found, DataError> {
    let (table, column) = (known.table, chosen.column);
    let counted = count(&table.columns[column].cells, known.rows, Missing { added: &[] });
    let tally = counted.tally.with_marker_categories();
    let numeric = counted.fitting.filter(|fitting| fitting.stray_cells == 0);
    let name = table.columns[column].name.clone();
    let mut encoding = NumberEncoding::default();
    let mut remarks = Vec::new();
    if let Some(fitting) = &numeric {
        let settled = fitting.settle(&tally, known.has_decimal_commas);
        (encoding.format, remarks) = (settled.format, settled.remarks);
    }
    let values: Vec<f64> = match &numeric {
        Some(_) => numbers(known, column, &encoding)?,
        None => Vec::new(),
    };
    let (task, basis) = match (config.task, &numeric) {
        (Task::Auto, Some(_)) => task_of_numbers(&distinct(&values)),
        (Task::Auto, None) => (Task::Classification, TargetBasis::Text),
        (given, _) => (given, TargetBasis::Given),
    };
    let targets = match task {
        Task::Regression if numeric.is_none() => return Err(text_as_values(known, column)),
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
            refuse_names(&class_names, known, chosen)?;
            Targets::Classes { labels: labels(table, column, known.rows, &class_names)?, class_names }
        }
    };
    let became = Became::target(match &targets {
        Targets::Classes { class_names, .. } => Conversion::Classes { count: class_names.len() },
        _ => Conversion::Values,
    });
    let range = match (&targets, &distinct(&values)[..]) {
        (Targets::Values { .. }, &[(low, _), .., (high, _)]) => Some(NumberRange { low, high }),
        _ => None,
    };
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
    column: usize,
    rows: &[usize],
    schema: &Schema,
) -> Result<Targets, DataError> {
    match &schema.target {
        TargetKind::Classes(names) => {
            Ok(Targets::Classes { labels: labels(table, column, rows, names)?, class_names: names.clone() })
        }
        TargetKind::Values(names) => {
            let plain = NumberEncoding::default();
            let encoding = schema.table_target.as_ref().map_or(&plain, |target| &target.encoding);
            let known = Known { table, rows, missing: Missing { added: &[] }, has_decimal_commas: false, time: None };
            let values = numbers(known, column, encoding)?;
            let values = values.into_iter().map(|value| encoding.feature(value)).collect();
            Ok(Targets::Values { values, target_names: names.clone() })
        }
        TargetKind::Unlabelled => Ok(Targets::Unlabelled),
    }
}

fn numbers(known: Known, column: usize, encoding: &NumberEncoding) -> Result<Vec<f64>, DataError> {
    let cells = &known.table.columns[column].cells;
    let value = |&row: &usize| {
        let text = cells.text(row);
        let next = "Correct the cell, or leave it empty to leave the row out";
        match number(cells, row, &text, encoding.format) {
            Some(value) if value.is_finite() => Ok(value),
            Some(_) => Err(known.table.cell_error(row, column, format!("\"{text}\" is not a finite number"), next)),
            None => Err(known.table.cell_error(row, column, format!("\"{text}\" is not a number"), next)),
        }
    };
    known.rows.iter().map(value).collect()
}

/// Returns the distinct numbers with their counts, ascending.
fn distinct(values: &[f64]) -> Vec<(f64, usize)> {
    let mut counts: HashMap<String, (f64, usize)> = HashMap::new();
    for &value in values {
        let key = label_key(&value.to_string()).into_owned();
        counts.entry(key).or_insert((value + 0.0, 0)).1 += 1;
    }
    let mut distinct: Vec<(f64, usize)> = counts.into_values().collect();
    distinct.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    distinct
}

fn text_as_values(known: Known, column: usize) -> DataError {
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

/// Rejects classes most of which occur once: names or free text.
fn refuse_names(class_names: &[String], known: Known, chosen: Chosen) -> Result<(), DataError> {
    let rows = known.rows.len();
    if rows < ROWS_TO_JUDGE || class_names.len() * 2 <= rows {
        return Ok(());
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
