//! Tables. Each format yields a raw table of cells; all later stages are shared.
//!
//! A format (`formats`) creates a [`raw::RawTable`]; `target` finds the target; `column` decides for each other column
//! whether it is a number, a category, a date and so on, with a reason; `encode` converts cells to features. The
//! decisions are stored with the model and applied to other tables.

mod build;
mod category;
mod cells;
mod column;
mod encode;
mod formats;
mod in_memory;
mod labels;
mod model_columns;
mod names;
mod number_format;
mod raw;
mod roles;
mod rows;
mod source;
mod tally;
mod target;
mod time_column;
mod words;

pub use cells::missing::missing_texts;
pub use cells::truth::truth_texts;
pub(super) use formats::{csv, excel, is_folder_of_tables, is_table_name, parquet};
pub use in_memory::Table;
pub use raw::TextForm;
pub use rows::Cell;
pub use source::{ColumnCells, TableSource};

use super::{Request, file_name};
use crate::config::DataConfig;
use crate::dataset::{Dataset, Schema};
use crate::error::DataError;
use build::{Asked, dataset};
use cells::{magnitude, missing, moment, number, truth};
use std::path::Path;

/// Reads a table from a file, or the tables of a folder.
pub(super) fn read(request: &Request) -> Result<Dataset, DataError> {
    let (config, schema) = (request.config, request.schema);
    let mut table = raw_of(request.path, config)?;
    table.take_header(&schema.map(Schema::column_names).unwrap_or_default());
    let name = file_name(request.path);
    dataset(table, &Asked { config, schema, wants_targets: request.wants_targets, name })
}

/// Reads the raw table of a file, or of the tables of a folder.
fn raw_of(path: &Path, config: &DataConfig) -> Result<raw::RawTable, DataError> {
    if path.is_dir() { formats::read_folder(path, config) } else { formats::read_file(path, config) }
}
