//! A table that was read but not yet converted to samples, so that its own columns remain available.

use super::build::{Asked, dataset};
use super::encode::{FileFormats, NumberColumn};
use super::missing::Missing;
use super::raw::{RawTable, TextForm};
use super::source::TableSource;
use super::{csv, model_columns, raw_of};
use crate::config::DataConfig;
use crate::dataset::{ColumnEncoding, Dataset, Schema};
use crate::error::DataError;
use crate::readers::file_name;
use std::borrow::Cow;
use std::path::Path;

/// A table as read: named columns of cells.
#[derive(Debug, Clone)]
pub struct Table {
    raw: RawTable,
    name: String,
}

impl Table {
    /// Reads the table in the file `path`, according to `config`.
    ///
    /// # Errors
    /// Fails if the file cannot be read or is not a table.
    pub fn read(path: &Path, config: &DataConfig) -> Result<Self, DataError> {
        Ok(Table { raw: raw_of(path, config)?, name: file_name(path) })
    }

    /// Parses delimited text; `name` identifies it in messages.
    ///
    /// # Errors
    /// Fails if the text is not a table.
    pub fn parse(text: Vec<u8>, name: &str, config: &DataConfig) -> Result<Self, DataError> {
        Ok(Table { raw: csv::parse(Path::new(name), text, config)?, name: name.to_string() })
    }

    /// Returns the table with its first row as header if it was read without one and this row has the columns of `schema`.
    pub fn with_header_of(mut self, schema: &Schema) -> Self {
        self.raw.take_header(&schema.column_names());
        self
    }

    /// Creates a table from columns in memory; `lines` are the line numbers of its rows in the original text, counted from 1.
    ///
    /// # Errors
    /// Fails if columns or `lines` have different lengths.
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

    /// Converts the rows to samples for a trained model, without labels unless `wants_targets`.
    pub(crate) fn for_model(
        &self,
        config: &DataConfig,
        schema: &Schema,
        wants_targets: bool,
    ) -> Result<Dataset, DataError> {
        dataset(self.raw.clone(), &Asked { config, schema: Some(schema), wants_targets, name: self.name.clone() })
    }

    /// Returns true if the numbers of the table have decimal commas. A table without decimal signs is taken to be like the one
    /// that the model of `schema` was trained on.
    pub fn has_decimal_commas(&self, config: &DataConfig, schema: &Schema) -> bool {
        let rows: Vec<usize> = (0..self.rows()).collect();
        let missing = Missing { added: &config.missing_values };
        let Ok(found) = model_columns::find(&self.raw, config, schema, false) else { return false };
        let formats = FileFormats::of(&self.raw, &rows, &found.columns, None, missing);
        let columns = found.columns.iter().filter_map(|(place, column)| match &column.encoding {
            ColumnEncoding::Number(encoding) => Some(NumberColumn { place: *place, encoding }),
            _ => None,
        });
        formats.has_decimal_commas(&self.raw, &columns.collect::<Vec<_>>())
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.raw.rows()
    }

    /// Returns the names of the columns, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.raw.columns.iter().map(|column| column.name.as_str())
    }

    /// Returns the index of the column `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.raw.position(name)
    }

    /// Returns the form of the text from which the table was read; `None` for other formats.
    pub fn text_form(&self) -> Option<TextForm> {
        self.raw.text()
    }

    /// Returns a cell as text; empty if it is missing.
    pub fn text(&self, row: usize, column: usize) -> Cow<'_, str> {
        self.raw.columns[column].cells.text(row)
    }
}
