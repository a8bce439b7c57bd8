//! Origin of each sample, for messages and reports.

use std::fmt;
use std::path::{Path, PathBuf};

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

/// Origin of one sample. It is displayed in English, such as `a.csv, line 5`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SampleOrigin<'a> {
    /// The sample with this index.
    Numbered(usize),
    /// A file.
    File(PathBuf),
    /// A row of a table.
    Row {
        /// The file, or the name of a table in memory.
        file: &'a Path,
        /// "line" for a text file, "row" for any other table.
        unit: &'a str,
        /// Line or row number in the file, counted from 1.
        place: u64,
    },
    /// A record of a binary file.
    Record {
        /// The file.
        file: &'a Path,
        /// Index of the record in the file.
        index: usize,
    },
}

impl fmt::Display for SampleOrigin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbered(index) => write!(f, "sample {index}"),
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Row { file, unit, place } => write!(f, "{}, {unit} {place}", file.display()),
            Self::Record { file, index } => write!(f, "{}, record {index}", file.display()),
        }
    }
}

impl Provenance {
    /// Describes the origin of sample `index` in English: its file, its line, or its number.
    pub fn describe(&self, index: usize) -> String {
        self.origin(index).to_string()
    }

    /// Returns the origin of sample `index`.
    pub fn origin(&self, index: usize) -> SampleOrigin<'_> {
        let known = match self {
            Self::Numbered => None,
            Self::Files { directory, names } => names.get(index).map(|name| SampleOrigin::File(directory.join(name))),
            Self::Rows { files } => row_of(files, index),
            Self::Records { files } => record_of(files, index),
        };
        known.unwrap_or(SampleOrigin::Numbered(index))
    }
}

fn row_of(files: &[RowsOfFile], index: usize) -> Option<SampleOrigin<'_>> {
    let mut index = index;
    for RowsOfFile { file, unit, places } in files {
        if let Some(&place) = places.get(index) {
            return Some(SampleOrigin::Row { file, unit, place });
        }
        index -= places.len();
    }
    None
}

fn record_of(files: &[(PathBuf, usize)], index: usize) -> Option<SampleOrigin<'_>> {
    let mut index = index;
    for (file, count) in files {
        if index < *count {
            return Some(SampleOrigin::Record { file, index });
        }
        index -= count;
    }
    None
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
