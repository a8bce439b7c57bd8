//! Rows of finished networks in a file, from which an interrupted measurement continues.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::failure::Failure;

/// Finished rows, and the file that they are added to. The first line of the file contains the settings, each other one a row.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    rows: Vec<Value>,
    file: Option<(PathBuf, File)>,
}

impl Finished {
    /// Opens or creates the file. An incomplete last line, which an interrupted program leaves, is removed.
    ///
    /// # Errors
    /// If the file cannot be read or written, is not such a file, or was measured with other settings.
    pub(crate) fn open(path: &Path, settings: &Value) -> Result<Self, Failure> {
        let unusable = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(unusable)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(unusable)?;
        let complete = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = Vec::new();
        for (index, line) in text[..complete].lines().enumerate() {
            let value: Value = serde_json::from_str(line).map_err(|error| {
                Failure::new(format!("{}:{}: not a row of this benchmark: {error}", path.display(), index + 1))
                    .next_step("name a new file")
            })?;
            lines.push(value);
        }
        let rows = match lines.split_first() {
            // An interrupted program may have left a part of the first line.
            None if !settings.to_string().starts_with(&text) => {
                let message = format!("{}: not a file of this benchmark", path.display());
                return Err(Failure::new(message).next_step("name a new file"));
            }
            Some((known, _)) if known != settings => {
                let message = format!("{}: measured with {known}, not with {settings}", path.display());
                return Err(Failure::new(message).next_step("name a new file, or use the same options"));
            }
            Some((_, rows)) => rows.to_vec(),
            None => Vec::new(),
        };
        file.set_len(complete as u64).map_err(unusable)?;
        let mut finished = Finished { rows, file: Some((path.to_owned(), file)) };
        if lines.is_empty() {
            finished.add(settings)?;
        }
        Ok(finished)
    }

    /// Returns the row of a network, if it is finished.
    pub(super) fn row(&self, network: &str) -> Option<&Value> {
        self.rows.iter().find(|row| row["name"] == network)
    }

    /// Adds a line, the row of a network, to the file, if there is one.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn add(&mut self, row: &Value) -> Result<(), Failure> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        let written = file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(format!("{row}\n").as_bytes()));
        written.map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_interrupted_measurement_continues_after_its_last_whole_row() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        let settings = json!({ "turns": 3 });
        let mut finished = Finished::open(&path, &settings).unwrap();
        finished.add(&json!({ "name": "a", "step": 1 })).unwrap();
        finished.add(&json!({ "name": "b", "step": 2 })).unwrap();
        drop(finished);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 4]).unwrap();
        let mut finished = Finished::open(&path, &settings).unwrap();
        assert_eq!(finished.row("a").unwrap()["step"], 1);
        assert!(finished.row("b").is_none());
        finished.add(&json!({ "name": "b", "step": 2 })).unwrap();
        drop(finished);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
    }

    #[test]
    fn files_of_other_settings_and_other_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        let _ = Finished::open(&path, &json!({ "turns": 3 })).unwrap();
        for text in
            [&std::fs::read_to_string(&path).unwrap(), "notes", "notes\nmore\n", "{\"a\": 1}", "{}\n{\"name\":\n"]
        {
            std::fs::write(&path, text).unwrap();
            let refused = Finished::open(&path, &json!({ "turns": 5 })).unwrap_err().to_string();
            assert!(refused.contains("rows.jsonl"), "{refused}");
            assert_eq!(&std::fs::read_to_string(&path).unwrap(), text);
        }
        assert!(Finished::open(folder.path(), &json!({})).is_err());
    }
}
