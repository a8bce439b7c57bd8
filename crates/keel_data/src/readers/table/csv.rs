//! Tables as text: values separated by commas, semicolons, tabs, bars or blanks, plain or .gz.

use super::header::{ROWS, is_header};
use super::layout::{Delimiter, Layout, between_blanks, layout};
use super::raw::{Cells, RawColumn, RawTable, SourceFile, TextCells, tell_apart};
use super::text::decode;
use crate::catalog::CatalogEntry;
use crate::error::DataError;
use crate::readers::read_bytes;
use std::path::Path;

pub(in crate::readers) const ENTRY: CatalogEntry = CatalogEntry {
    name: "csv",
    summary: "table as text; delimiter, header, encoding and kinds of columns are found, missing cells filled from the training split",
};

/// Lines of title that may stand above a table.
const TITLES: usize = 10;

/// Reads the table of a text file; `header` says whether the first row names the columns, `None` to find out.
///
/// # Errors
/// Text that is damaged, or a row with another number of cells.
pub(super) fn read(path: &Path, header: Option<bool>) -> Result<RawTable, DataError> {
    parse(path, read_bytes(path)?, header)
}

/// Reads the table in `bytes`, the content of a file or of what messages call `path`.
pub(super) fn parse(path: &Path, bytes: Vec<u8>, header: Option<bool>) -> Result<RawTable, DataError> {
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
    let mut sheet = Sheet { path, layout: &layout, rows: Rows::new(body, delimiter), notes };
    let (names, first) = sheet.names(header)?;
    sheet.table(names, first, matches!(layout.delimiter, Delimiter::Byte(b';' | b'\t')))
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
}

impl<'a> Rows<'a> {
    fn new(text: &'a str, delimiter: u8) -> Self {
        let mut builder = csv::ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(delimiter);
        Self { reader: builder.from_reader(text.as_bytes()), record: csv::StringRecord::new() }
    }
}

/// A table being read.
struct Sheet<'a> {
    path: &'a Path,
    layout: &'a Layout,
    rows: Rows<'a>,
    notes: Vec<String>,
}

/// A row with its line.
type Row = (u64, Vec<String>);

impl Sheet<'_> {
    /// Reads the next row into the record; `None` at the end, else its line.
    fn next(&mut self) -> Result<Option<u64>, DataError> {
        let (path, above) = (self.path, self.layout.lines);
        let Rows { reader, record } = &mut self.rows;
        let more = reader.read_record(record).map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line) + above;
            DataError::format(path, format!("line {line} cannot be read: {error}"), "Save the table as UTF-8 text")
        })?;
        Ok(more.then(|| record.position().map_or(0, csv::Position::line) + above))
    }

    fn next_row(&mut self) -> Result<Option<Row>, DataError> {
        let Some(line) = self.next()? else { return Ok(None) };
        Ok(Some((line, self.rows.record.iter().map(|cell| cell.trim().to_string()).collect())))
    }

    /// The names of the columns and the rows read so far that are data.
    fn names(&mut self, header: Option<bool>) -> Result<(Vec<String>, Vec<Row>), DataError> {
        let mut rows: Vec<Row> = Vec::new();
        while rows.len() <= ROWS
            && let Some(row) = self.next_row()?
        {
            rows.push(row);
        }
        self.leave_titles_out(&mut rows);
        let Some((_, first)) = rows.first().cloned() else {
            return Err(DataError::format(self.path, "the table has no rows", "Give a header and at least one row"));
        };
        let below: Vec<Vec<String>> = rows[1..].iter().map(|(_, cells)| cells.clone()).collect();
        if !header.unwrap_or_else(|| is_header(&first, &below)) {
            self.notes.push(
                "no header found: columns are named column_1, column_2, ... (data.header = true changes this)"
                    .to_string(),
            );
            return Ok(((1..=first.len()).map(|column| format!("column_{column}")).collect(), rows));
        }
        rows.remove(0);
        let mut names = first;
        // R writes names of rows without a name for their column.
        if !rows.is_empty()
            && rows.iter().all(|(_, cells)| cells.len() == names.len() + 1 && !cells[names.len()].is_empty())
        {
            names.insert(0, String::new());
        }
        Ok((names, rows))
    }

    /// Leaves lines above the table out that fill one cell where the table has several.
    fn leave_titles_out(&mut self, rows: &mut Vec<Row>) {
        let filled = |row: &Row| row.1.iter().filter(|cell| !cell.is_empty()).count();
        let widest = rows.iter().skip(1).map(|row| row.1.len()).max().unwrap_or(0);
        let titles = rows.iter().take_while(|row| filled(row) <= 1).count();
        let has_table_below = rows.get(titles).is_some_and(|row| filled(row) >= 2 && row.1.len() == widest);
        if (1..=TITLES).contains(&titles) && has_table_below {
            rows.drain(..titles);
            self.notes.push(format!("lines of title above the table left out: {titles}"));
        }
    }

    fn table(mut self, names: Vec<String>, first: Vec<Row>, decimal_comma_likely: bool) -> Result<RawTable, DataError> {
        let mut columns = Columns::new(self.path, names.len());
        for (line, cells) in &first {
            columns.add(*line, cells.iter().map(String::as_str))?;
        }
        drop(first);
        while let Some(line) = self.next()? {
            columns.add(line, self.rows.record.iter())?;
        }
        if columns.empty_rows > 0 && !columns.lines.is_empty() {
            self.notes.push(format!("empty rows left out: {}", columns.empty_rows));
        }
        // A delimiter at the end of every line makes a column without name and cells.
        let named = names.into_iter().zip(columns.cells).filter(|(name, cells)| !name.is_empty() || !cells.are_empty());
        let (mut names, cells): (Vec<String>, Vec<TextCells>) = named.unzip();
        let unnamed = tell_apart(&mut names, &mut self.notes);
        let columns_of = names.into_iter().zip(unnamed).zip(cells);
        Ok(RawTable {
            columns: columns_of
                .map(|((name, is_unnamed), cells)| RawColumn { name, is_unnamed, cells: Cells::Text(cells) })
                .collect(),
            files: vec![SourceFile { path: self.path.to_path_buf(), lines: columns.lines, has_rows: false }],
            parts: None,
            decimal_comma_likely,
            notes: self.notes,
        })
    }
}

/// The cells read so far, column by column.
struct Columns<'a> {
    path: &'a Path,
    cells: Vec<TextCells>,
    lines: Vec<u64>,
    empty_rows: usize,
}

impl<'a> Columns<'a> {
    fn new(path: &'a Path, count: usize) -> Self {
        let cells = std::iter::repeat_with(TextCells::default).take(count).collect();
        Self { path, cells, lines: Vec::new(), empty_rows: 0 }
    }

    /// Adds a row; cells beyond the last column have to be empty.
    fn add<'c>(&mut self, line: u64, cells: impl Iterator<Item = &'c str> + Clone) -> Result<(), DataError> {
        if cells.clone().all(|cell| cell.trim().is_empty()) {
            self.empty_rows += 1;
            return Ok(());
        }
        let (count, expected) = (cells.clone().count(), self.cells.len());
        if count < expected || cells.clone().skip(expected).any(|cell| !cell.trim().is_empty()) {
            return Err(DataError::format(
                self.path,
                format!("line {line} has {count} cells, the header has {expected}"),
                "Correct the line (the file may be cut off there, or a delimiter may stand in a cell without quotes)",
            ));
        }
        self.cells.iter_mut().zip(cells).for_each(|(column, cell)| column.push(cell));
        self.lines.push(line);
        Ok(())
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
