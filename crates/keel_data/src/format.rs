//! Format of a file or folder, as named in the config.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Format of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Recognised by the names of the files.
    #[default]
    Auto,
    /// Folder of class folders with images.
    ImageFolder,
    /// IDX pair, as used by MNIST.
    Idx,
    /// CIFAR-10 or CIFAR-100 binary.
    Cifar,
    /// Table as text: values separated by commas, semicolons, tabs, bars or blanks.
    Csv,
    /// Spreadsheet, .xlsx, .xls, .xlsb or .ods.
    Excel,
    /// Parquet table.
    Parquet,
    /// NumPy arrays, .npy or .npz.
    Npy,
}
