//! Formats of tables: text, spreadsheets, Parquet, and folders of them. Each yields a raw table.

// Parsers of untrusted bytes: positions and sizes from the file are never trusted.
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::cast_possible_truncation))]
pub(in crate::readers) mod csv;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::cast_possible_truncation))]
pub(in crate::readers) mod excel;
mod folder;
mod header;
#[cfg(test)]
mod joined_tests;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::cast_possible_truncation))]
mod layout;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::cast_possible_truncation))]
pub(in crate::readers) mod parquet;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::cast_possible_truncation))]
mod sheet;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::cast_possible_truncation))]
mod spreadsheet_cells;
mod spreadsheet_size;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::cast_possible_truncation))]
mod text;

use super::{missing, moment, names, number, raw, target};
use crate::config::DataConfig;
use crate::error::DataError;
use crate::format::Format;
use crate::readers::{data_file, file_name};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Returns true if a file's name is that of a table.
pub(in crate::readers) fn is_table_name(name: &str) -> bool {
    let name = name.to_lowercase();
    let is_text = [".csv", ".tsv", ".txt", ".data", ".csv.gz", ".tsv.gz", ".txt.gz", ".data.gz"].iter();
    is_text.clone().any(|ending| name.ends_with(ending)) || name.ends_with(".parquet") || excel::is_name(&name)
}

/// Returns true if the entries of a folder are tables that belong together.
pub(in crate::readers) fn is_folder_of_tables(entries: &[PathBuf]) -> bool {
    folder::holds_tables(entries)
}

/// Reads the tables of a folder as one.
///
/// # Errors
/// Fails if a file cannot be read or the tables do not belong together.
pub(super) fn read_folder(path: &Path, config: &DataConfig) -> Result<raw::RawTable, DataError> {
    folder::read(path, config)
}

/// Reads the raw table of a file. The format follows from its first bytes, else from the config, else from its
/// extension; text is often saved with the extension .xls.
pub(super) fn read_file(path: &Path, config: &DataConfig) -> Result<raw::RawTable, DataError> {
    let name = file_name(path).to_lowercase();
    let mut begin = [0; 4];
    let (file, _) = data_file::open(path)?;
    let length = file.take(4).read(&mut begin).map_err(|error| DataError::io(path, error))?;
    match (begin.get(..length).unwrap_or_default(), config.format) {
        (b"PK\x03\x04" | b"\xd0\xcf\x11\xe0", _) => excel::read(path, config),
        (b"PAR1", _) => parquet::read(path, config),
        (_, Format::Csv) => csv::read(path, config),
        (_, Format::Excel) => excel::read(path, config),
        (_, Format::Parquet) => parquet::read(path, config),
        _ if name.ends_with(".parquet") => parquet::read(path, config),
        _ if excel::is_name(&name) && !name.ends_with(".xls") => excel::read(path, config),
        _ => csv::read(path, config),
    }
}
