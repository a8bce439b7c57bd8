//! The file of `--out`.

use std::path::{Path, PathBuf};

use keel_train::runs::write_atomically;

use super::columns::Columns;
use super::rows::Row;
use super::{csv_text, json_text};
use crate::failure::{Failure, Stop, unwritable};

/// A file to which predictions are written completely or not at all.
#[derive(Debug)]
pub(super) struct OutFile {
    path: PathBuf,
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
    JsonLines,
}

impl OutFile {
    /// Selects the file `path`, in the format of its extension.
    ///
    /// # Errors
    /// If the extension is unknown, or the path is a folder or in a folder that does not exist.
    pub(super) fn new(path: &Path) -> Result<Self, Failure> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        let format = match ending.as_str() {
            "csv" => Format::Csv,
            "json" => Format::Json,
            "jsonl" | "ndjson" => Format::JsonLines,
            _ => {
                let failure = Failure::new(format!("--out {}: the extension names no format", path.display()));
                return Err(failure.next_step("Give a name that ends in .csv, .json or .jsonl"));
            }
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let absent = folder.filter(|folder| !folder.is_dir());
        if path.is_dir() || absent.is_some() {
            let what = match absent {
                Some(folder) => format!("the folder {} does not exist", folder.display()),
                None => "it is a folder".to_owned(),
            };
            let failure = Failure::new(format!("--out {}: {what}", path.display()));
            return Err(failure.next_step("Name a file in a folder that exists"));
        }
        Ok(OutFile { path: path.to_owned(), format })
    }

    /// Returns the path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the file in words, with its encoding if that may differ from the encoding of the input.
    pub(super) fn described(&self, columns: &Columns) -> String {
        let encoding = if self.format == Format::Csv { columns.dialect.encoding() } else { "" };
        format!("{}{encoding}", self.path.display())
    }

    /// Writes the predictions, or leaves an existing file unchanged.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn write(&self, columns: &Columns, rows: &[Row]) -> Result<(), Stop> {
        let unwritten = |error: &std::io::Error| Stop::from(unwritable(&self.path, error));
        let text = self.text(columns, rows).map_err(|error| unwritten(&error.into()))?;
        write_atomically(&self.path, |file| file.write_all(text.as_bytes())).map_err(|error| unwritten(&error))
    }

    fn text(&self, columns: &Columns, rows: &[Row]) -> serde_json::Result<String> {
        Ok(match self.format {
            Format::Csv => columns.dialect.mark().to_owned() + &csv_text::text(columns, rows),
            Format::Json => serde_json::to_string_pretty(&json_text::documents(columns, rows))? + "\n",
            Format::JsonLines => {
                let lines = json_text::documents(columns, rows);
                let lines = lines.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
                lines.join("\n") + "\n"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_decides_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| OutFile::new(&folder.path().join(name)).map(|file| file.format);
        assert_eq!(of("a.csv").unwrap(), Format::Csv);
        assert_eq!(of("a.JSON").unwrap(), Format::Json);
        assert_eq!(of("a.jsonl").unwrap(), Format::JsonLines);
        for (name, expected) in
            [("a.txt", "names no format"), ("a", "names no format"), ("no/a.csv", "no does not exist")]
        {
            let message = of(name).unwrap_err().to_string();
            assert!(message.contains(expected), "{name}: {message}");
        }
    }
}
