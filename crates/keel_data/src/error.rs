//! The errors of data: what happened, where, and what to do next.

use std::path::{Path, PathBuf};

/// Everything that can go wrong between a `[data]` section and a batch.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The operating system refused to read a file or folder.
    #[error("cannot read {}: {error}. Check that the path exists and may be read", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// A source is neither a known name nor an existing path.
    #[error("unknown data source \"{source_name}\": no such path ({}) and no built-in set of that name. {next}", path.display())]
    UnknownSource {
        /// The text of the `source` key.
        source_name: String,
        /// The path it was taken for.
        path: PathBuf,
        /// The nearest valid name or the list of names.
        next: String,
    },
    /// A file or folder is not what its format demands (truncated, wrong magic number, empty class ...).
    #[error("{}: {what}. {next}", path.display())]
    Format {
        /// The file or folder.
        path: PathBuf,
        /// The violated demand.
        what: String,
        /// The next step.
        next: String,
    },
    /// One cell of a table cannot be used.
    #[error("{}, {place}, column \"{column}\": {what}. {next}", path.display())]
    Cell {
        /// The table.
        path: PathBuf,
        /// "line 7", counted from 1 and including the header, or "row 7" where the table has no lines.
        place: String,
        /// Name of the column.
        column: String,
        /// What is wrong with the cell.
        what: String,
        /// The next step.
        next: String,
    },
    /// An image cannot be decoded.
    #[error(
        "cannot decode image {}: {what}. Replace or delete the file, or give --skip-unreadable (data.skip_unreadable = true) to leave such images out and count them",
        path.display()
    )]
    Image {
        /// The image file.
        path: PathBuf,
        /// What the decoder said.
        what: String,
    },
    /// A key of the configuration, or an argument, has an impossible value.
    #[error("{field}: {what}. {next}")]
    Setting {
        /// Dotted key, such as `data.validation`.
        field: String,
        /// Why the value is impossible.
        what: String,
        /// The next step.
        next: String,
    },
    /// Arrays whose lengths or shapes do not belong together.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// Which arrays.
        what: String,
        /// The demanded shape or length.
        expected: String,
        /// The actual one.
        found: String,
    },
    /// A value that is NaN or infinite.
    #[error("{sample}, {feature}: the value is {value}. Correct it or remove the sample")]
    NotFinite {
        /// Where the sample comes from.
        sample: String,
        /// Name of the feature, or the position in the image.
        feature: String,
        /// The value as text.
        value: String,
    },
}

impl DataError {
    /// An [`DataError::Io`] at `path`.
    pub(crate) fn io(path: &Path, error: std::io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), error }
    }

    /// A [`DataError::Format`] at `path`.
    pub(crate) fn format(path: &Path, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Format { path: path.to_path_buf(), what: what.into(), next: next.into() }
    }

    /// A [`DataError::Setting`] of `field`.
    pub(crate) fn setting(field: &str, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::Setting { field: field.to_string(), what: what.into(), next: next.into() }
    }

    /// A [`DataError::Shape`].
    pub(crate) fn shape(what: &str, expected: impl ToString, found: impl ToString) -> Self {
        Self::Shape { what: what.to_string(), expected: expected.to_string(), found: found.to_string() }
    }
}
