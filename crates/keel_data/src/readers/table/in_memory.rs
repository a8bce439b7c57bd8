//! A table that has been read and whose samples are still to be made, so that its own columns stay at hand.

use super::build::{Asked, dataset};
use super::raw::RawTable;
use super::source::TableSource;
use super::{csv, raw_of};
use crate::config::DataConfig;
use crate::dataset::{Dataset, Schema};
use crate::error::DataError;
use crate::readers::file_name;
use std::borrow::Cow;
use std::path::Path;

/// A table as it was read: named columns of cells.
#[derive(Debug, Clone)]
pub struct Table {
    raw: RawTable,
    name: String,
}

impl Table {
    /// Reads the table in the file `path`, as `config` says.
    ///
    /// # Errors
    /// A file that cannot be read or is not a table.
    pub fn read(path: &Path, config: &DataConfig) -> Result<Self, DataError> {
        Ok(Table { raw: raw_of(path, config)?, name: file_name(path) })
    }

    /// Reads delimited text, which messages call `name`.
    ///
    /// # Errors
    /// Text that is not a table.
    pub fn parse(text: Vec<u8>, name: &str, config: &DataConfig) -> Result<Self, DataError> {
        Ok(Table { raw: csv::parse(Path::new(name), text, config)?, name: name.to_string() })
    }

    /// The table of columns in memory; `lines` are the places of its rows in the text they come from, counted from 1.
    ///
    /// # Errors
    /// Columns, or places, of different lengths.
    pub fn from_source(source: TableSource, lines: Vec<u64>) -> Result<Self, DataError> {
        let name = source.name().to_string();
        let mut raw = source.raw()?;
        if lines.len() != raw.rows() {
            return Err(DataError::shape("places of rows", raw.rows(), lines.len()));
        }
        for file in &mut raw.files {
            (file.lines, file.has_rows) = (lines.clone(), false);
        }
        Ok(Table { raw, name })
    }

    /// The samples in the rows, for a trained model; without labels unless `wants_targets`.
    pub(crate) fn for_model(
        &self,
        config: &DataConfig,
        schema: &Schema,
        wants_targets: bool,
    ) -> Result<Dataset, DataError> {
        dataset(self.raw.clone(), &Asked { config, schema: Some(schema), wants_targets, name: self.name.clone() })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.raw.rows()
    }

    /// Names of the columns, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.raw.columns.iter().map(|column| column.name.as_str())
    }

    /// Place of the column `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.raw.position(name)
    }

    /// A cell as text; empty where it is missing.
    pub fn text(&self, row: usize, column: usize) -> Cow<'_, str> {
        self.raw.columns[column].cells.text(row)
    }
}
