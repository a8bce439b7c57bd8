//! Origin of each sample, for messages and reports.

use std::path::PathBuf;

/// Origins of the samples of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Provenance {
    /// Samples have only an index.
    #[default]
    Numbered,
    /// Each sample is one file, relative to a folder.
    Files {
        /// The folder.
        directory: PathBuf,
        /// One path per sample, relative to the folder.
        names: Vec<String>,
    },
    /// Each sample is a row of a table; the files follow one another.
    Rows {
        /// Files in the order of the samples.
        files: Vec<RowsOfFile>,
    },
    /// Samples are records of binary files; the files follow one another.
    Records {
        /// Files, each with its number of records.
        files: Vec<(PathBuf, usize)>,
    },
}

/// Rows of one file of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsOfFile {
    /// The file, or the name of a table in memory.
    pub file: PathBuf,
    /// "line" for a text file, "row" for any other table.
    pub unit: String,
    /// Line or row number of each sample in the file, counted from 1.
    pub places: Vec<u64>,
}

impl Provenance {
    /// Describes the origin of sample `index`: its file, its line, or its number.
    pub fn describe(&self, index: usize) -> String {
        match self {
            Self::Numbered => format!("sample {index}"),
            Self::Files { directory, names } => match names.get(index) {
                Some(name) => directory.join(name).display().to_string(),
                None => format!("sample {index}"),
            },
            Self::Rows { files } => {
                let mut first = 0;
                for RowsOfFile { file, unit, places } in files {
                    if let Some(place) = places.get(index - first) {
                        return format!("{}, {unit} {place}", file.display());
                    }
                    first += places.len();
                }
                format!("sample {index}")
            }
            Self::Records { files } => {
                let mut first = 0;
                for (file, count) in files {
                    if index < first + count {
                        return format!("{}, record {}", file.display(), index - first);
                    }
                    first += count;
                }
                format!("sample {index}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_names_its_sample() {
        let files = Provenance::Files { directory: PathBuf::from("pets"), names: vec!["cat/1.jpg".into()] };
        let part = |file: &str, unit: &str, places| RowsOfFile { file: file.into(), unit: unit.into(), places };
        let lines = Provenance::Rows { files: vec![part("a.csv", "line", vec![2, 5]), part("b.xlsx", "row", vec![3])] };
        let records = Provenance::Records { files: vec![(PathBuf::from("a"), 2), (PathBuf::from("b"), 3)] };
        let cases = [
            (Provenance::Numbered.describe(7), "sample 7"),
            (files.describe(0), "pets/cat/1.jpg"),
            (files.describe(1), "sample 1"),
            (lines.describe(1), "a.csv, line 5"),
            (lines.describe(2), "b.xlsx, row 3"),
            (lines.describe(3), "sample 3"),
            (records.describe(1), "a, record 1"),
            (records.describe(2), "b, record 0"),
            (records.describe(5), "sample 5"),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
        }
    }
}
