//! Text tables: values separated by commas, semicolons, tabs, bars or blanks, plain or .gz.

use super::layout::{Delimiter, between_blanks, count_between_blanks, has_crlf, layout};
use super::raw::{RawTable, TextForm};
use super::sheet::{HEAD, Row, Sheet, check_columns};
use super::text::{Decoded, decode};
use crate::catalog::CatalogEntry;
use crate::config::DataConfig;
use crate::error::DataError;
use crate::format::Format;
use crate::readers::data_file::{self, ByteLimit, megabytes};
use crate::readers::{Reader, table};
use std::path::Path;

/// The reader of this format.
pub(in crate::readers) const READER: Reader = Reader {
    entry: CatalogEntry {
        name: "csv",
        summary: "table as text; delimiter, header, encoding and kinds of columns are detected, missing cells filled from the training split",
    },
    format: Format::Csv,
    read: table::read,
};

/// Reads the table of a text file.
///
/// # Errors
/// Fails if the text is damaged or larger than the config allows, or if a row has another number of cells.
pub(super) fn read(path: &Path, config: &DataConfig) -> Result<RawTable, DataError> {
    parse(path, data_file::read(path, ByteLimit::of_plain(config))?, config)
}

/// Reads the table in `bytes`; `path` names it in messages.
pub(in crate::readers::table) fn parse(
    path: &Path,
    bytes: Vec<u8>,
    config: &DataConfig,
) -> Result<RawTable, DataError> {
    let Decoded { text, is_plain_utf8, note } = decode(path, bytes, config)?;
    let layout = layout(&text);
    let mut notes: Vec<String> = note.into_iter().collect();
    if layout.comments > 0 {
        notes.push(format!("comment lines above the table left out: {}", layout.comments));
    }
    let body = text.get(layout.start..).unwrap_or_default();
    let has_crlf = has_crlf(body);
    let blanks;
    let (body, delimiter) = match layout.delimiter {
        Delimiter::Byte(byte) => (body, byte),
        Delimiter::Blanks => {
            for (line, text) in (1..).zip(body.lines()) {
                check_columns(path, config, ("line", line + layout.lines), count_between_blanks(text))?;
            }
            blanks = with_tabs(body);
            (blanks.as_str(), b'\t')
        }
    };
    let extent = Extent::of(body.as_bytes(), delimiter);
    if let Some(line) = extent.open_quote {
        let what = format!("the quoted cell that begins in line {} is never closed", line + layout.lines);
        return Err(DataError::format(path, what, "Close the quote (the file may be truncated there)"));
    }
    check_columns(path, config, ("line", extent.widest_line + layout.lines), extent.columns)?;
    // Each cell is stored with its offset, which for short cells takes more memory than the text.
    let demanded = (body.len() as u64).saturating_add((extent.cells as u64).saturating_mul(size_of::<usize>() as u64));
    let claim = || format!("its {} cells take {}", extent.cells, megabytes(demanded));
    ByteLimit::of_plain(config).check(path, demanded, claim)?;
    let mut rows = Rows::new(path, body, delimiter, layout.lines);
    let mut first = Vec::new();
    while first.len() <= HEAD
        && let Some(line) = rows.next()?
    {
        first.push(Row { place: line, cells: rows.record.iter().map(|cell| cell.trim().to_string()).collect() });
    }
    let mut sheet = Sheet::begin(path, first, config.header, notes)?;
    while let Some(line) = rows.next()? {
        sheet.add(line, rows.record.iter())?;
    }
    let delimiter = match layout.delimiter {
        Delimiter::Byte(byte) => char::from(byte),
        Delimiter::Blanks => ' ',
    };
    Ok(sheet.table(Some(TextForm { delimiter, is_plain_utf8, has_crlf })))
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter);
    builder.from_reader(text.as_bytes())
}

/// Replaces blanks between cells with tabs.
fn with_tabs(text: &str) -> String {
    let lines =
        text.lines().map(|line| between_blanks(line).iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join("\t"));
    lines.collect::<Vec<_>>().join("\n")
}

fn quoted(cell: &str) -> String {
    if cell.is_empty() { "\"\"".to_string() } else { cell.to_string() }
}

/// Extent of a text, determined before memory is allocated for its cells.
#[derive(Debug, Default, PartialEq, Eq)]
struct Extent {
    /// Line, counted from 1, of a quote that opens a cell and is never closed.
    open_quote: Option<u64>,
    /// Number of cells in the widest row, and the line where that row ends.
    columns: usize,
    widest_line: u64,
    /// Number of cells in all rows.
    cells: usize,
}

impl Extent {
    fn of(text: &[u8], delimiter: u8) -> Self {
        let mut extent = Self { widest_line: 1, ..Self::default() };
        let (mut line, mut columns, mut at_start) = (1, 1, true);
        for &byte in text {
            match (byte, extent.open_quote) {
                // Two quotes within a quoted cell are an escaped quote: the cell is closed and opened again.
                (b'"', Some(_)) => (extent.open_quote, at_start) = (None, true),
                (b'"', None) if at_start => extent.open_quote = Some(line),
                (_, Some(_)) => {}
                _ => at_start = byte == delimiter || byte == b'\n' || byte == b'\r',
            }
            if byte == delimiter && extent.open_quote.is_none() {
                columns += 1;
            }
            if byte == b'\n' && extent.open_quote.is_none() {
                extent.add_row(columns, line);
                columns = 1;
            }
            line += u64::from(byte == b'\n');
        }
        extent.add_row(columns, line);
        extent
    }

    fn add_row(&mut self, columns: usize, line: u64) {
        if columns > self.columns {
            (self.columns, self.widest_line) = (columns, line);
        }
        self.cells += columns;
    }
}

/// Rows of a text, one after another.
struct Rows<'a> {
    reader: csv::Reader<&'a [u8]>,
    record: csv::StringRecord,
    path: &'a Path,
    text: &'a [u8],
    /// Position in the text up to which lines are counted.
    counted: usize,
    /// Line of this position in the file, counted from 1.
    line: u64,
}

impl<'a> Rows<'a> {
    /// Begins with the first row of `text`; `above` is the number of lines above it in the file.
    fn new(path: &'a Path, text: &'a str, delimiter: u8, above: u64) -> Self {
        let (reader, record) = (reader(text, delimiter), csv::StringRecord::new());
        Rows { reader, record, path, text: text.as_bytes(), counted: 0, line: above + 1 }
    }

    /// Reads the next row into the record and returns the line where it begins, or `None` at the end.
    fn next(&mut self) -> Result<Option<u64>, DataError> {
        match self.reader.read_record(&mut self.record) {
            Ok(false) => Ok(None),
            Ok(true) => Ok(Some(self.line_of(self.record.position().map_or(0, csv::Position::byte)))),
            Err(error) => {
                let line = self.line_of(error.position().map_or(0, csv::Position::byte));
                let what = format!("line {line} cannot be read: {error}");
                Err(DataError::format(self.path, what, "Save the table as UTF-8 text"))
            }
        }
    }

    /// Returns the line of the row that the reader began at `position`. The reader counts the second character of
    /// `\r\n` and blank lines to the row below them, so its own line numbers are too small.
    fn line_of(&mut self, position: u64) -> u64 {
        let is_break = |&&byte: &&u8| byte == b'\n' || byte == b'\r';
        let begun = usize::try_from(position).unwrap_or(usize::MAX);
        let blank = self.text.get(begun..).unwrap_or_default().iter().take_while(is_break).count();
        let start = begun.saturating_add(blank);
        let passed = self.text.get(self.counted..start).unwrap_or_default();
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.counted = self.counted.max(start);
        self.line
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
