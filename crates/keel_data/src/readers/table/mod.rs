//! Tables. A format yields a raw table of cells; everything after that is the same for all of them.
//!
//! The way of a table: a format (`csv`) makes a [`raw::RawTable`]; `target` finds what is to be predicted; `column`
//! decides for each other column whether it is a number, a category, a date and so on, with a reason; `encode` turns
//! cells into features. What was decided is stored with the model, and other tables are read by it.

mod build;
mod category;
mod column;
pub(super) mod csv;
mod encode;
mod header;
mod in_memory;
mod labels;
mod layout;
mod magnitude;
mod missing;
mod moment;
mod names;
mod number;
mod number_format;
mod numbers;
mod raw;
mod source;
mod split_keys;
mod tally;
mod target;
mod text;
mod time_column;
mod truth;
mod words;

pub use in_memory::Table;
pub use source::{ColumnCells, TableSource};

use super::{Request, file_name};
use crate::config::DataConfig;
use crate::dataset::Dataset;
use crate::error::DataError;
use build::{Asked, dataset};
use raw::RawTable;
use std::path::Path;

/// Reads a table from a file.
pub(super) fn read(request: &Request) -> Result<Dataset, DataError> {
    let table = raw_of(request.path, request.config)?;
    let (config, schema) = (request.config, request.schema);
    let name = file_name(request.path);
    dataset(table, &Asked { config, schema, wants_targets: request.wants_targets, name })
}

/// The cells of the table in a file.
fn raw_of(path: &Path, config: &DataConfig) -> Result<RawTable, DataError> {
    csv::read(path, config.header)
}
