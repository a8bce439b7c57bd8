//! Readers of files and folders, one a file, and the recognition of a path's format.

use crate::catalog::CatalogEntry;
use crate::config::DataConfig;
use crate::dataset::{Dataset, Schema};
use crate::error::DataError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

mod class_names;

/// Format of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Recognised by the names of the files.
    #[default]
    Auto,
    /// Folder of class folders with images.
    ImageFolder,
    /// IDX pair, as MNIST.
    Idx,
    /// CIFAR-10 or CIFAR-100 binary.
    Cifar,
    /// Table of comma-separated values.
    Csv,
    /// NumPy arrays, .npy or .npz.
    Npy,
}

/// Every reader, in the order of the listings.
pub const READERS: &[CatalogEntry] = &[];

/// What a reader is asked for.
pub(crate) struct Request<'a> {
    /// The file or folder.
    pub(crate) path: &'a Path,
    /// The `[data]` section.
    pub(crate) config: &'a DataConfig,
    /// What the data has to look like, when it is for a trained model.
    pub(crate) schema: Option<&'a Schema>,
}

/// Reads `request.path` in its format.
pub(crate) fn read(request: &Request) -> Result<Dataset, DataError> {
    Err(unrecognised(request.path))
}

fn unrecognised(path: &Path) -> DataError {
    DataError::format(
        path,
        "the format is not recognised",
        "Set data.format to image_folder, idx, cifar, csv or npy; a folder of images needs one folder per class",
    )
}

/// Entries of a folder without hidden ones, sorted by name so that the order never depends on the file system.
pub(crate) fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| DataError::io(folder, error))? {
        let path = entry.map_err(|error| DataError::io(folder, error))?.path();
        if !file_name(&path).starts_with('.') {
            entries.push(path);
        }
    }
    entries.sort();
    Ok(entries)
}

/// The last part of a path, lossily as text.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Reads a whole file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    std::fs::read(path).map_err(|error| DataError::io(path, error))
}
