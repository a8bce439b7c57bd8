//! Tables. A format yields a raw table of cells; everything after that is the same for all of them.
//!
//! The way of a table: a format (`csv`, `excel`, `parquet`) makes a [`raw::RawTable`]; `target` finds what is to be predicted; `column`
//! decides for each other column whether it is a number, a category, a date and so on, with a reason; `encode` turns
//! cells into features. What was decided is stored with the model, and other tables are read by it.

mod build;
mod category;
mod column;
pub(super) mod csv;
mod encode;
pub(super) mod excel;
mod folder;
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
pub(super) mod parquet;
mod raw;
mod sheet;
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

use super::{Format, Request, file_name};
use crate::config::DataConfig;
use crate::dataset::Dataset;
use crate::error::DataError;
use build::{Asked, dataset};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Whether a file's name is that of a table.
pub(super) fn is_table_name(name: &str) -> bool {
    let name = name.to_lowercase();
    let is_text = [".csv", ".tsv", ".txt", ".data", ".csv.gz", ".tsv.gz", ".txt.gz", ".data.gz"].iter();
    is_text.clone().any(|ending| name.ends_with(ending)) || name.ends_with(".parquet") || excel::is_name(&name)
}

/// Whether the entries of a folder are tables that belong together.
pub(super) fn is_folder_of_tables(entries: &[PathBuf]) -> bool {
    folder::holds_tables(entries)
}

/// Reads a table from a file, or the tables of a folder.
pub(super) fn read(request: &Request) -> Result<Dataset, DataError> {
    let (config, schema) = (request.config, request.schema);
    let table = raw_of(request.path, config)?;
    let name = file_name(request.path);
    dataset(table, &Asked { config, schema, wants_targets: request.wants_targets, name })
}

/// The raw table of a file, or of the tables of a folder.
fn raw_of(path: &Path, config: &DataConfig) -> Result<raw::RawTable, DataError> {
    if path.is_dir() { folder::read(path, config) } else { read_file(path, config) }
}

/// The raw table of a file: in the format that its first bytes say, else that the config names, else that its ending
/// stands for. Text is often saved with the ending .xls.
fn read_file(path: &Path, config: &DataConfig) -> Result<raw::RawTable, DataError> {
    let name = file_name(path).to_lowercase();
    let mut begin = [0; 4];
    let file = std::fs::File::open(path).map_err(|error| DataError::io(path, error))?;
    let length = file.take(4).read(&mut begin).map_err(|error| DataError::io(path, error))?;
    match (&begin[..length], config.format) {
        (b"PK\x03\x04" | b"\xd0\xcf\x11\xe0", _) => excel::read(path, config.header),
        (b"PAR1", _) => parquet::read(path),
        (_, Format::Csv) => csv::read(path, config.header),
        (_, Format::Excel) => excel::read(path, config.header),
        (_, Format::Parquet) => parquet::read(path),
        _ if name.ends_with(".parquet") => parquet::read(path),
        _ if excel::is_name(&name) && !name.ends_with(".xls") => excel::read(path, config.header),
        _ => csv::read(path, config.header),
    }
}
