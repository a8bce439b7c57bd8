//! Tables as text: values separated by commas, semicolons, tabs, bars or blanks, plain or .gz.

use super::layout::{Delimiter, between_blanks, layout};
use super::raw::RawTable;
use super::sheet::{HEAD, Row, Sheet};
use super::text::decode;
use crate::catalog::CatalogEntry;
use crate::error::DataError;
use crate::format::Format;
use crate::readers::{Reader, read_bytes, table};
use std::path::Path;

/// The reader of this format.
pub(in crate::readers) const READER: Reader = Reader {
    entry: CatalogEntry {
        name: "csv",
        summary: "table as text; delimiter, header, encoding and kinds of columns are found, missing cells filled from the training split",
    },
    format: Format::Csv,
    read: table::read,
};

/// Reads the table of a text file; `header` says whether the first row names the columns, `None` to find out.
///
/// # Errors
/// Text that is damaged, or a row with another number of cells.
pub(super) fn read(path: &Path, header: Option<bool>) -> Result<RawTable, DataError> {
    parse(path, read_bytes(path)?, header)
}

/// Reads the table in `bytes`, the content of a file or of what messages call `path`.
pub(in crate::readers::table) fn parse(
    path: &Path,
    bytes: Vec<u8>,
    header: Option<bool>,
) -> Result<RawTable, DataError> {
    let (text, note) = decode(path, bytes)?;
    let layout = layout(&text);
    let mut notes: Vec<String> = note.into_iter().collect();
    if layout.comments > 0 {
        notes.push(format!("lines of comment above the table left out: {}", layout.comments));
    }
    let body = &text[layout.start..];
    let blanks;
    let (body, delimiter) = match layout.delimiter {
        Delimiter::Byte(byte) => (body, byte),
        Delimiter::Blanks => {
            blanks = with_tabs(body);
            (blanks.as_str(), b'\t')
        }
    };
    if let Some(line) = open_quote(body.as_bytes(), delimiter) {
        let what = format!("the quoted cell that begins in line {} never ends", line as u64 + layout.lines);
        return Err(DataError::format(path, what, "Close the quote (the file may be cut off there)"));
    }
    let mut rows =
        Rows { reader: reader(body, delimiter), record: csv::StringRecord::new(), path, above: layout.lines };
    let mut first = Vec::new();
    while first.len() <= HEAD
        && let Some(line) = rows.next()?
    {
        first.push(Row { place: line, cells: rows.record.iter().map(|cell| cell.trim().to_string()).collect() });
    }
    let mut sheet = Sheet::begin(path, first, header, notes)?;
    while let Some(line) = rows.next()? {
        sheet.add(line, rows.record.iter())?;
    }
    Ok(sheet.table(matches!(layout.delimiter, Delimiter::Byte(b';' | b'\t'))))
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter);
    builder.from_reader(text.as_bytes())
}

/// Blanks between cells turned into tabs.
fn with_tabs(text: &str) -> String {
    let lines =
        text.lines().map(|line| between_blanks(line).iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join("\t"));
    lines.collect::<Vec<_>>().join("\n")
}

fn quoted(cell: &str) -> String {
    if cell.is_empty() { "\"\"".to_string() } else { cell.to_string() }
}

/// The line, counted from 1, of a quote at the start of a cell that is never closed.
fn open_quote(text: &[u8], delimiter: u8) -> Option<usize> {
    let (mut line, mut opened, mut at_start) = (1, None, true);
    for &byte in text {
        line += usize::from(byte == b'\n');
        match (byte, opened) {
            // Two quotes within a quoted cell stand for one: the cell is closed and opened again.
            (b'"', Some(_)) => (opened, at_start) = (None, true),
            (b'"', None) if at_start => opened = Some(line),
            (_, Some(_)) => {}
            _ => at_start = byte == delimiter || byte == b'\n' || byte == b'\r',
        }
    }
    opened
}

/// The rows of a text, one after the other.
struct Rows<'a> {
    reader: csv::Reader<&'a [u8]>,
    record: csv::StringRecord,
    path: &'a Path,
    /// Lines above the text.
    above: u64,
}

impl Rows<'_> {
    /// Reads the next row into the record; `None` at the end, else its line.
    fn next(&mut self) -> Result<Option<u64>, DataError> {
        let more = self.reader.read_record(&mut self.record).map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line) + self.above;
            let what = format!("line {line} cannot be read: {error}");
            DataError::format(self.path, what, "Save the table as UTF-8 text")
        })?;
        Ok(more.then(|| self.record.position().map_or(0, csv::Position::line) + self.above))
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
