//! Data errors: what is wrong, where, and what to do next.

use crate::printable::{printable, printable_path};
use std::path::{Path, PathBuf};

/// Errors that occur between reading a `[data]` section and filling a batch.
///
/// Fields keep the text of files unchanged; messages escape it with [`printable`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The operating system refused to read a file or folder.
    #[error("cannot read {}: {error}. Check that the path exists and may be read", printable_path(path))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Message of the operating system.
        error: std::io::Error,
    },
    /// A source is neither a known name nor an existing path.
    #[error(
        "unknown data source \"{}\": no such path ({}) and no built-in set with that name. {}",
        printable(source_name),
        printable_path(path),
        printable(next)
    )]
    UnknownSource {
        /// The text of the `source` key.
        source_name: String,
        /// The path it was interpreted as.
        path: PathBuf,
        /// The nearest valid name or the list of names.
        next: String,
    },
    /// A file or folder does not have the required format (truncated, wrong magic number, empty class ...).
    #[error("{}: {}. {}", printable_path(path), printable(what), printable(next))]
    Format {
        /// The file or folder.
        path: PathBuf,
        /// Violated requirement.
        what: String,
        /// The next step.
        next: String,
    },
    /// One cell of a table cannot be used.
    #[error(
        "{}, {place}, column \"{}\": {}. {}",
        printable_path(path),
        printable(column),
        printable(what),
        printable(next)
    )]
    Cell {
        /// The table.
        path: PathBuf,
        /// "line 7", counted from 1 and including the header, or "row 7" for tables without lines.
        place: String,
        /// Name of the column.
        column: String,
        /// Fault of the cell.
        what: String,
        /// The next step.
        next: String,
    },
    /// An image cannot be decoded.
    #[error(
        "cannot decode image {}: {}. {}, or give --skip-unreadable (data.skip_unreadable = true) to leave such images out and count them",
        printable_path(path),
        printable(what),
        printable(next)
    )]
    Image {
        /// The image file.
        path: PathBuf,
        /// Fault of the file.
        what: String,
        /// The next step, other than leaving the image out.
        next: String,
    },
    /// A key of the configuration, or an argument, has an invalid value.
    #[error("{}: {}. {}", printable(field), printable(what), printable(next))]
    Setting {
        /// Dotted key, such as `data.validation`.
        field: String,
        /// Reason why the value is invalid.
        what: String,
        /// The next step.
        next: String,
    },
    /// Arrays with mismatched lengths or shapes.
    #[error("{}: expected {}, found {}", printable(what), printable(expected), printable(found))]
    Shape {
        /// The arrays.
        what: String,
        /// The required shape or length.
        expected: String,
        /// The actual one.
        found: String,
    },
    /// Another process that holds a part of the data has failed or is unreachable.
    #[error("{}", printable(what))]
    Peers {
        /// The process and its failure.
        what: String,
    },
    /// A value that is NaN or infinite.
    #[error("{}, {}: the value is {value}. Correct it or remove the sample", printable(sample), printable(feature))]
    NotFinite {
        /// Source of the sample.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_passes_on_what_a_terminal_obeys() {
        let (name, path) = ("a\u{1b}[2J\nb\u{202e}".to_string(), PathBuf::from("c\u{1b}]0;x\u{7}.csv"));
        let text = || name.clone();
        let errors = [
            DataError::io(&path, std::io::Error::other("no")),
            DataError::UnknownSource { source_name: text(), path: path.clone(), next: text() },
            DataError::format(&path, text(), text()),
            DataError::Cell { path: path.clone(), place: "line 2".into(), column: text(), what: text(), next: text() },
            DataError::Image { path: path.clone(), what: text(), next: text() },
            DataError::setting(&text(), text(), text()),
            DataError::shape(&text(), text(), text()),
            DataError::NotFinite { sample: text(), feature: text(), value: "NaN".into() },
        ];
        for error in errors {
            let message = error.to_string();
            assert_eq!(printable(&message), message, "{error:?}");
            assert!(message.contains("\\x1b"), "{message}");
        }
    }
}
