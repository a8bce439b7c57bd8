//! Readers of files and folders, one per file, and detection of a path's format.

use crate::catalog::CatalogEntry;
use crate::config::DataConfig;
use crate::dataset::{Dataset, Peers, Schema};
use crate::error::DataError;
use crate::format::Format;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use table::{csv, excel, parquet};

pub use data_file::check_is_file;
pub use table::{Cell, ColumnCells, Table, TableSource, TextForm, missing_texts, truth_texts};

// Parsers of untrusted bytes: positions and sizes from the file are never trusted.
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::cast_possible_truncation))]
mod cifar;
mod class_names;
mod composed;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::cast_possible_truncation))]
mod data_file;
mod foreign_data;
#[cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::cast_possible_truncation))]
mod idx;
mod image_ending;
mod image_folder;
mod junk;
mod lfs_pointer;
mod nearest_path;
#[cfg_attr(not(test), warn(clippy::indexing_slicing))]
mod npy;
mod run_folder;
mod table;
mod target_rule;

pub use image_folder::{
    ImageFiles, ImageSizeChoice, ImageSurvey, PIXEL_BUDGET, choose_image_size, image_files_below, is_image,
    why_unlabelled,
};
pub use nearest_path::nearest_path;
pub use run_folder::{is_folder_of_runs, is_run_folder};

/// A reader, as its file defines it.
struct Reader {
    /// Name in config files and summary.
    entry: CatalogEntry,
    /// Format handled by the reader.
    format: Format,
    /// Reads a file or folder.
    read: fn(&Request) -> Result<Dataset, DataError>,
}

/// All readers, in the order they are listed.
const READERS: [&Reader; 7] =
    [&image_folder::READER, &idx::READER, &cifar::READER, &csv::READER, &excel::READER, &parquet::READER, &npy::READER];

/// Returns name and summary of every reader, in the order they are listed.
pub fn readers() -> impl Iterator<Item = CatalogEntry> {
    READERS.iter().map(|reader| reader.entry)
}

/// Request to a reader.
pub(crate) struct Request<'a> {
    /// The file or folder.
    pub(crate) path: &'a Path,
    /// The `[data]` section.
    pub(crate) config: &'a DataConfig,
    /// Schema the data must match, if it is for a trained model.
    pub(crate) schema: Option<&'a Schema>,
    /// Processes that read the source together; `None` if this process reads all of it.
    pub(crate) peers: Option<&'a Arc<dyn Peers>>,
    /// True if the data is to be compared with the predictions of a trained model; otherwise tables keep all rows, unlabelled.
    pub(crate) wants_targets: bool,
}

/// Reads `request.path` in its format.
pub(crate) fn read(request: &Request) -> Result<Dataset, DataError> {
    if !request.path.is_dir() {
        data_file::check_is_file(request.path)?;
    }
    let format = match request.config.format {
        // A folder of tables may have tables of several formats; its reader selects them by extension.
        Format::Auto => recognise(request.path)?,
        format => format,
    };
    match READERS.iter().find(|reader| reader.format == format) {
        Some(reader) => (reader.read)(request),
        None => Err(unrecognised(request.path)),
    }
}

/// Reads image files for a trained model, from any folder.
pub(crate) fn read_image_files(request: &Request, files: &[PathBuf]) -> Result<Dataset, DataError> {
    image_folder::read_files(request, files)
}

/// Detects the format of a path from the names of its files.
fn recognise(path: &Path) -> Result<Format, DataError> {
    if path.is_dir() {
        let mut entries = sorted_entries(path)?;
        entries.retain(|entry| !entry.is_dir() || !is_folder_of_runs(entry));
        let any = |test: &dyn Fn(&str) -> bool| entries.iter().any(|entry| test(&file_name(entry)));
        if any(&idx::is_images_name) {
            return Ok(Format::Idx);
        }
        if any(&cifar::is_batch_name) {
            return Ok(Format::Cifar);
        }
        if any(&npy::is_name) {
            return Ok(Format::Npy);
        }
        if entries.is_empty() {
            let is_empty = sorted_entries(path)?.is_empty();
            let what = if is_empty { "the folder is empty" } else { "the folder holds nothing but training runs" };
            return Err(DataError::format(path, what, "Give a folder with images, tables or arrays"));
        }
        let is_readable = |path: &Path| image_folder::kind::of_file(path) == image_folder::kind::FileKind::Image;
        let has_images = entries.iter().any(|entry| entry.is_dir() || is_readable(entry));
        if !has_images && table::is_folder_of_tables(&entries) {
            return Ok(Format::Csv);
        }
        // Images that cannot be decoded are counted by the reader of images.
        if has_images || entries.iter().any(|entry| is_image(entry)) {
            return Ok(Format::ImageFolder);
        }
        return Err(unrecognised(path));
    }
    file_format(path).ok_or_else(|| unrecognised(path))
}

/// Returns true if a file is meant as data: one of a format that is read, or that has to be unpacked or converted first. The
/// file need not exist.
pub fn is_data_file(path: &Path) -> bool {
    is_text_name(&file_name(path).to_lowercase()) || file_format(path).is_some() || foreign_data::is_foreign(path)
}

/// Returns true if a file of this name, in lower case, is a table if it is text. Programs write anything with these
/// extensions.
fn is_text_name(name: &str) -> bool {
    name.ends_with(".dat") || name.ends_with(".tab")
}

/// Returns true if a file begins with text in an encoding without zero bytes, or cannot be opened.
fn begins_with_text(path: &Path) -> bool {
    let mut start = Vec::new();
    let Ok((file, _)) = data_file::open(path) else { return true };
    file.take(4_096).read_to_end(&mut start).is_ok() && !start.is_empty() && !start.contains(&0)
}

/// Returns the format of a file, by its name.
fn file_format(path: &Path) -> Option<Format> {
    let name = file_name(path).to_lowercase();
    match () {
        () if table::is_table_name(&name) => Some(Format::Csv),
        () if npy::is_name(&name) => Some(Format::Npy),
        () if idx::is_name(&name) => Some(Format::Idx),
        () if cifar::is_name(&name) => Some(Format::Cifar),
        () if is_image(path) => Some(Format::ImageFolder),
        () if is_text_name(&name) && begins_with_text(path) => Some(Format::Csv),
        () => None,
    }
}

/// Surveys the headers of an image folder; returns `None` for every other source.
pub(crate) fn survey_images(request: &Request) -> Result<Option<ImageSurvey>, DataError> {
    let format = match request.config.format {
        Format::Auto => recognise(request.path)?,
        format => format,
    };
    (format == Format::ImageFolder).then(|| image_folder::survey(request)).transpose()
}

fn unrecognised(path: &Path) -> DataError {
    if !path.is_dir()
        && let Err(error) = data_file::open(path)
    {
        return error;
    }
    let inside = if path.is_dir() { sorted_entries(path).unwrap_or_default() } else { Vec::new() };
    if let Some(refusal) =
        std::iter::once(path).chain(inside.iter().map(PathBuf::as_path)).find_map(foreign_data::refusal)
    {
        return refusal;
    }
    let names: Vec<&str> = readers().map(|entry| entry.name).collect();
    let next = format!("Give {READ}, or set data.format to one of {}", names.join(", "));
    DataError::format(path, "the format is not recognised", next)
}

/// Data that is read, as a phrase for errors.
pub(crate) const READ: &str = "a folder with one folder of images for each class, a table (.csv, .tsv, .xlsx, .parquet) or \
                               arrays (.npz, .npy, IDX, CIFAR)";

/// Returns the entries of a folder without hidden and system files, sorted by name so that the order does not depend on
/// the file system.
pub(crate) fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| DataError::io(folder, error))? {
        let path = entry.map_err(|error| DataError::io(folder, error))?.path();
        if !junk::is_junk(&file_name(&path)) {
            entries.push(path);
        }
    }
    entries.sort();
    Ok(entries)
}

/// Returns the last part of a path, lossily as text.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
