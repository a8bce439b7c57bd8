//! Raw table: named columns of cells before interpretation.

use crate::dataset::PartSizes;
use crate::dataset::{Provenance, RowsOfFile};
use crate::error::DataError;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// Beginning of the note about a table without a header.
pub(super) const NO_HEADER: &str = "no header found";

/// A table as produced by a format.
#[derive(Debug, Clone)]
pub(super) struct RawTable {
    /// The columns, each with one cell per row. Names are unique.
    pub(super) columns: Vec<RawColumn>,
    /// Source of the rows, part by part: training, validation and test.
    pub(super) files: Vec<SourceFile>,
    /// Sizes of the parts, if the source has parts.
    pub(super) parts: Option<PartSizes>,
    /// Decisions and omissions so far.
    pub(super) notes: Vec<String>,
}

/// Form of a text of delimited cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextForm {
    /// Character between two cells; a blank for any number of blanks.
    pub delimiter: char,
    /// True for UTF-8 without a byte order mark.
    pub is_plain_utf8: bool,
    /// True if the first line ends with `\r\n`.
    pub has_crlf: bool,
}

/// The rows of one file.
#[derive(Debug, Clone)]
pub(super) struct SourceFile {
    /// The file, or the name of a table in memory.
    pub(super) path: PathBuf,
    /// Line or row number of each row in it, counted from 1.
    pub(super) lines: Vec<u64>,
    /// True if `lines` are row numbers, as for a table in memory or a sheet.
    pub(super) has_rows: bool,
    /// Form of the text; `None` for other formats.
    pub(super) text: Option<TextForm>,
}

/// A column with its name.
#[derive(Debug, Clone)]
pub(super) struct RawColumn {
    pub(super) name: String,
    /// True if the header has no name for it, as for an index written by pandas.
    pub(super) is_unnamed: bool,
    pub(super) cells: Cells,
}

/// The cells of one column.
#[derive(Debug, Clone)]
pub(super) enum Cells {
    /// Text from a file, trimmed.
    Text(TextCells),
    /// Numbers; NaN for an empty cell.
    Numbers(Vec<f64>),
    /// Seconds since 1970, for formats with time stamps; NaN for an empty cell.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))]
    Times(Vec<f64>),
}

impl Cells {
    /// Returns the number of cells.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.ends.len(),
            Self::Numbers(cells) | Self::Times(cells) => cells.len(),
        }
    }

    /// Returns a cell as text; empty if the cell is empty.
    pub(super) fn text(&self, row: usize) -> Cow<'_, str> {
        match self {
            Self::Text(cells) => Cow::Borrowed(cells.get(row)),
            Self::Numbers(cells) | Self::Times(cells) if cells[row].is_nan() => Cow::Borrowed(""),
            Self::Numbers(cells) | Self::Times(cells) => Cow::Owned(cells[row].to_string()),
        }
    }
}

/// Texts in one contiguous buffer.
#[derive(Debug, Clone, Default)]
pub(super) struct TextCells {
    text: String,
    ends: Vec<usize>,
}

impl TextCells {
    /// Adds a cell, trimmed.
    pub(super) fn push(&mut self, cell: &str) {
        self.text.push_str(cell.trim());
        self.ends.push(self.text.len());
    }

    /// Returns true if every cell is empty.
    pub(super) fn are_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Returns the cell in a row.
    pub(super) fn get(&self, row: usize) -> &str {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[row]]
    }
}

impl RawTable {
    /// Returns the number of rows.
    pub(super) fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.cells.len())
    }

    /// Takes the first row of a text without a header as names of the columns if it has all `names`: names that are numbers look
    /// like data.
    pub(super) fn take_header(&mut self, names: &[&str]) {
        let is_numbered = |(place, column): (usize, &RawColumn)| column.name == format!("column_{}", place + 1);
        let is_text = self.text().is_some() && self.rows() > 0 && self.files.len() == 1;
        if !is_text || names.is_empty() || !self.columns.iter().enumerate().all(is_numbered) {
            return;
        }
        let first: Vec<String> = self.columns.iter().map(|column| column.cells.text(0).into_owned()).collect();
        if !names.iter().all(|name| first.iter().any(|cell| cell == name)) {
            return;
        }
        let rest: Vec<usize> = (1..self.rows()).collect();
        self.reorder(&rest);
        let mut header = first;
        let unnamed = tell_apart(&mut header, &mut self.notes);
        for ((column, name), is_unnamed) in self.columns.iter_mut().zip(header).zip(unnamed) {
            (column.name, column.is_unnamed) = (name, is_unnamed);
        }
        self.notes.retain(|note| !note.starts_with(NO_HEADER));
    }

    /// Puts the rows of a table with one file in another order; rows outside `order` are removed.
    pub(super) fn reorder(&mut self, order: &[usize]) {
        for column in &mut self.columns {
            column.cells = match &column.cells {
                Cells::Text(cells) => {
                    let mut text = TextCells::default();
                    order.iter().for_each(|&row| text.push(cells.get(row)));
                    Cells::Text(text)
                }
                Cells::Numbers(cells) => Cells::Numbers(order.iter().map(|&row| cells[row]).collect()),
                Cells::Times(cells) => Cells::Times(order.iter().map(|&row| cells[row]).collect()),
            };
        }
        for file in &mut self.files {
            file.lines = order.iter().map(|&row| file.lines[row]).collect();
        }
    }

    /// Returns true if the format makes a decimal comma likely, as semicolons between the cells do.
    pub(super) fn decimal_comma_likely(&self) -> bool {
        self.text().is_some_and(|text| matches!(text.delimiter, ';' | '\t'))
    }

    /// Returns the form of the text from which the table, or its first file, was read; `None` for other formats.
    pub(super) fn text(&self) -> Option<TextForm> {
        self.files.first().and_then(|file| file.text)
    }

    /// Divides ascending `rows` among the files.
    pub(super) fn rows_by_file<'r>(&self, rows: &'r [usize]) -> Vec<&'r [usize]> {
        let (mut rest, mut end) = (rows, 0);
        let part = |file: &SourceFile| {
            end += file.lines.len();
            let (part, after) = rest.split_at(rest.partition_point(|&row| row < end));
            rest = after;
            part
        };
        self.files.iter().map(part).collect()
    }

    /// Returns the file of a row and its line or row number.
    fn place(&self, row: usize) -> Option<(&SourceFile, u64)> {
        let mut before = 0;
        for file in &self.files {
            if let Some(&line) = file.lines.get(row - before) {
                return Some((file, line));
            }
            before += file.lines.len();
        }
        None
    }

    /// Formats the place of a row: "line 7" or "row 7".
    pub(super) fn place_text(&self, row: usize) -> String {
        self.place(row).map_or_else(|| format!("row {}", row + 1), |(file, line)| format!("{} {line}", file.unit()))
    }

    /// Returns the path that identifies the whole table in messages.
    pub(super) fn path(&self) -> PathBuf {
        self.files.first().map(|file| file.path.clone()).unwrap_or_default()
    }

    /// Returns the index of the column called `name`.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Returns the index of every column by its name.
    pub(super) fn positions(&self) -> HashMap<&str, usize> {
        self.columns.iter().enumerate().map(|(place, column)| (column.name.as_str(), place)).collect()
    }

    /// Returns the error for one cell.
    pub(super) fn cell_error(&self, row: usize, column: usize, what: String, next: &str) -> DataError {
        let path = self.place(row).map(|(file, _)| file.path.clone()).unwrap_or_default();
        let (place, column) = (self.place_text(row), self.columns[column].name.clone());
        DataError::Cell { path, place, column, what, next: next.to_string() }
    }

    /// Returns the origin of the samples of `rows`, ascending.
    pub(super) fn provenance(&self, rows: &[usize]) -> Provenance {
        let mut files: Vec<RowsOfFile> = Vec::new();
        let (mut rows, mut before) = (rows.iter().copied().peekable(), 0);
        for file in &self.files {
            let end = before + file.lines.len();
            let mut places = Vec::new();
            while let Some(row) = rows.next_if(|&row| row < end) {
                places.push(file.lines[row - before]);
            }
            files.push(RowsOfFile { file: file.path.clone(), unit: file.unit().to_string(), places });
            before = end;
        }
        Provenance::Rows { files }
    }
}

impl SourceFile {
    fn unit(&self) -> &'static str {
        if self.has_rows { "row" } else { "line" }
    }
}

/// Makes names unique: an empty name becomes `column_3`, the second `x` becomes `x_2`. Notes the renamed columns.
///
/// Returns true for each column without a name.
pub(super) fn tell_apart(names: &mut [String], notes: &mut Vec<String>) -> Vec<bool> {
    let original = names.to_vec();
    // Names that are taken: those of the columns before, and the original names of the columns after.
    let mut taken: HashMap<String, usize> = HashMap::new();
    original.iter().for_each(|name| *taken.entry(name.clone()).or_default() += 1);
    let mut given: HashSet<String> = HashSet::new();
    let mut next_number: HashMap<String, usize> = HashMap::new();
    let mut renamed = Vec::new();
    for (index, (name, original)) in names.iter_mut().zip(&original).enumerate() {
        if let Some(after) = taken.get_mut(original) {
            *after -= 1;
        }
        let is_taken = |name: &str| given.contains(name) || taken.get(name).is_some_and(|&after| after > 0);
        if original.is_empty() {
            // An index written by pandas has no name; it is named after its position.
            let plain = format!("column_{}", index + 1);
            *name = if is_taken(&plain) { format!("{plain}_unnamed") } else { plain };
        } else if given.contains(original) {
            let number = next_number.entry(original.clone()).or_insert(2);
            while is_taken(&format!("{original}_{number}")) {
                *number += 1;
            }
            *name = format!("{original}_{number}");
            renamed.push(name.clone());
        }
        given.insert(name.clone());
    }
    if !renamed.is_empty() {
        notes.push(format!("columns with the same name are renamed: {}", renamed.join(", ")));
    }
    let unnamed: Vec<String> = (0..names.len())
        .filter(|&index| original[index].is_empty())
        .map(|index| format!("number {} is \"{}\"", index + 1, names[index]))
        .collect();
    if !unnamed.is_empty() {
        notes.push(format!("columns without a name: {}", unnamed.join(", ")));
    }
    original.iter().map(String::is_empty).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let cases: [(&[&str], &[&str]); 4] = [
            (&["x", "x", "x"], &["x", "x_2", "x_3"]),
            (&["x", "x_2", "x"], &["x", "x_2", "x_3"]),
            (&["", "a", ""], &["column_1", "a", "column_3"]),
            (&["", "column_1"], &["column_1_unnamed", "column_1"]),
        ];
        for (given, expected) in cases {
            let mut names: Vec<String> = given.iter().map(|name| name.to_string()).collect();
            let mut notes = Vec::new();
            tell_apart(&mut names, &mut notes);
            assert_eq!(names, expected);
            assert_eq!(notes.len(), 1, "{notes:?}");
        }
    }

    #[test]
    fn cells_are_kept_in_one_piece() {
        let mut cells = TextCells::default();
        [" a", "", "bc "].iter().for_each(|cell| cells.push(cell));
        assert_eq!([cells.get(0), cells.get(1), cells.get(2)], ["a", "", "bc"]);
    }
}
