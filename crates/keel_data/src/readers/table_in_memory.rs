//! Tables that do not come from a file: text of standard input, and columns a program has.

use super::csv;
use super::csv_columns::Table;
use crate::config::DataConfig;
use crate::error::DataError;
use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// A column of a table in memory.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Text; `None` where the cell is missing.
    Text(Vec<Option<String>>),
    /// Numbers; NaN where the cell is missing.
    Numbers(Vec<f64>),
}

impl Column {
    /// Number of cells.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.len(),
            Self::Numbers(cells) => cells.len(),
        }
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn text(&self, row: usize) -> String {
        match self {
            Self::Text(cells) => cells[row].clone().unwrap_or_default(),
            Self::Numbers(cells) if cells[row].is_nan() => String::new(),
            Self::Numbers(cells) => cells[row].to_string(),
        }
    }
}

impl Table {
    /// Reads the table in the file `path`.
    ///
    /// # Errors
    /// A file that cannot be read or is not a table.
    pub fn read(path: &Path, _config: &DataConfig) -> Result<Self, DataError> {
        csv::parse(path, super::read_bytes(path)?)
    }

    /// Reads delimited text with a header, which messages call `name`.
    ///
    /// # Errors
    /// Text that is not a table.
    pub fn parse(text: Vec<u8>, name: &str, _config: &DataConfig) -> Result<Self, DataError> {
        csv::parse(Path::new(name), text)
    }

    /// A table of `columns` with their names, which messages call `name`.
    ///
    /// # Errors
    /// No rows, or columns of different lengths.
    pub fn from_columns(name: &str, columns: impl IntoIterator<Item = (String, Column)>) -> Result<Self, DataError> {
        let columns: Vec<(String, Column)> = columns.into_iter().collect();
        let rows = columns.first().map_or(0, |(_, column)| column.len());
        if rows == 0 {
            return Err(DataError::format(Path::new(name), "the table has no rows", "Give at least one row"));
        }
        if let Some((other, column)) = columns.iter().find(|(_, column)| column.len() != rows) {
            let found = format!("{} in column \"{other}\"", column.len());
            return Err(DataError::shape("cells of each column", rows, found));
        }
        let cells = |row: usize| columns.iter().map(|(_, column)| column.text(row)).collect::<Vec<String>>();
        Ok(Table {
            path: PathBuf::from(name),
            rows: (0..rows).map(|row| ::csv::StringRecord::from(cells(row))).collect(),
            lines: (1..=rows as u64).collect(),
            header: columns.into_iter().map(|(name, _)| name).collect(),
            notes: Vec::new(),
        })
    }

    /// Sets the place of each row, counted from 1.
    ///
    /// # Errors
    /// Another number of places than of rows.
    pub fn with_lines(mut self, lines: Vec<u64>) -> Result<Self, DataError> {
        if lines.len() != self.rows.len() {
            return Err(DataError::shape("places of rows", self.rows.len(), lines.len()));
        }
        self.lines = lines;
        Ok(self)
    }

    /// What messages call the table.
    pub(crate) fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// Names of the columns, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.header.iter().map(String::as_str)
    }

    /// Place of the column `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|known| known == name)
    }

    /// A cell as text; empty where it is missing.
    pub fn text(&self, row: usize, column: usize) -> Cow<'_, str> {
        Cow::Borrowed(self.cell(row, column))
    }
}
