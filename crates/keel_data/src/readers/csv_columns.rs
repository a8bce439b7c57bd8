//! Which columns of a table are numbers and which are categories.

use crate::dataset::TableColumn;
use crate::error::DataError;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Share of numbers above which a column counts as numeric, and a cell that is none as a mistake.
const NUMERIC_SHARE: f64 = 0.9;
/// Most categories of a column.
const MOST_CATEGORIES: usize = 256;
/// Texts that stand for a missing cell.
const MISSING: &[&str] = &["", "?", "NA", "N/A", "null", "NULL"];

/// The cells of a table with the place of each row.
#[derive(Debug, Clone)]
pub struct Table {
    pub(super) path: PathBuf,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<csv::StringRecord>,
    pub(super) lines: Vec<u64>,
    pub(super) notes: Vec<String>,
}

pub(super) fn is_missing(cell: &str) -> bool {
    MISSING.contains(&cell)
}

impl Table {
    pub(super) fn cell(&self, row: usize, column: usize) -> &str {
        self.rows[row].get(column).unwrap_or("").trim()
    }

    /// The error of one cell.
    pub(super) fn cell_error(&self, row: usize, column: usize, what: String, next: &str) -> DataError {
        DataError::Cell {
            path: self.path.clone(),
            line: self.lines[row],
            column: self.header[column].clone(),
            what,
            next: next.to_string(),
        }
    }

    /// The number in a cell; `None` if it is missing.
    pub(super) fn number(&self, row: usize, column: usize) -> Result<Option<f32>, DataError> {
        let cell = self.cell(row, column);
        if is_missing(cell) {
            return Ok(None);
        }
        match cell.parse::<f32>() {
            Ok(value) if value.is_finite() => Ok(Some(value)),
            Ok(_) => Err(self.cell_error(
                row,
                column,
                format!("\"{cell}\" is not a finite number"),
                "Leave the cell empty to mark it as missing",
            )),
            Err(_) => Err(self.cell_error(
                row,
                column,
                format!("\"{cell}\" is not a number, as the rest of the column is"),
                "Correct the cell, or leave it empty to mark it as missing",
            )),
        }
    }

    /// Whether a column holds numbers: more than nine in ten of its present cells do.
    pub(super) fn is_numeric(&self, column: usize) -> bool {
        let present = (0..self.rows.len()).map(|row| self.cell(row, column)).filter(|cell| !is_missing(cell));
        let (numbers, total) = present.fold((0usize, 0usize), |(numbers, total), cell| {
            (numbers + usize::from(cell.parse::<f32>().is_ok()), total + 1)
        });
        total == 0 || numbers as f64 > NUMERIC_SHARE * total as f64
    }

    /// The distinct texts of a column, sorted.
    pub(super) fn categories(&self, column: usize) -> BTreeSet<&str> {
        (0..self.rows.len()).map(|row| self.cell(row, column)).filter(|cell| !is_missing(cell)).collect()
    }

    /// How a column becomes features.
    pub(super) fn describe_column(&self, column: usize) -> Result<TableColumn, DataError> {
        let name = self.header[column].clone();
        if self.is_numeric(column) {
            return Ok(TableColumn { name, categories: None });
        }
        let categories: Vec<String> = self.categories(column).into_iter().map(String::from).collect();
        if categories.len() > MOST_CATEGORIES {
            return Err(DataError::format(
                &self.path,
                format!(
                    "column \"{name}\" has {} different texts; at most {MOST_CATEGORIES} become features",
                    categories.len()
                ),
                format!("Leave it out with data.ignore_columns = [\"{name}\"]"),
            ));
        }
        Ok(TableColumn { name, categories: Some(categories) })
    }

    /// Appends the features of one cell: its number (NaN if missing), or one feature a category (all 0 if missing).
    pub(super) fn append_features(
        &self,
        row: usize,
        column: usize,
        as_column: &TableColumn,
        values: &mut Vec<f32>,
    ) -> Result<(), DataError> {
        let Some(categories) = &as_column.categories else {
            values.push(self.number(row, column)?.unwrap_or(f32::NAN));
            return Ok(());
        };
        let cell = self.cell(row, column);
        if !is_missing(cell) && !categories.iter().any(|category| category == cell) {
            let what = format!("\"{cell}\" is a category the model was not trained on");
            return Err(self.cell_error(
                row,
                column,
                what,
                "Correct the cell, or leave it empty to mark it as missing",
            ));
        }
        values.extend(categories.iter().map(|category| f32::from(u8::from(category == cell))));
        Ok(())
    }
}
