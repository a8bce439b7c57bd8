//! Memory required by the cells of a spreadsheet, determined before its reader allocates it: a few bytes of an .ods
//! file can repeat a cell a million times, and two cells of an .xls file in opposite corners make an array of
//! everything between.

use crate::config::DataConfig;
use crate::error::DataError;
use crate::readers::data_file::{ByteLimit, megabytes};
use calamine::Data;
use quick_xml::events::{BytesStart, Event};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use zip::ZipArchive;

/// Size of a cell and of its formula text, which the reader keeps for every element of the array.
const CELL_BYTES: u64 = (size_of::<Data>() + size_of::<String>()) as u64;
/// Maximum number of columns of an .ods sheet; the reader drops cells beyond it.
const ODS_COLUMNS: u64 = 16_384;
/// Number of columns of an .xls sheet.
const XLS_COLUMNS: u16 = 256;
/// Number of rows of an .xls sheet.
const XLS_ROWS: u32 = 65_536;

/// Rejects a spreadsheet whose cells take more memory than the config allows.
///
/// # Errors
/// Fails if the cells exceed the limit or an .xls file has cells outside of any sheet.
pub(super) fn check(path: &Path, config: &DataConfig) -> Result<(), DataError> {
    let file = File::open(path).map_err(|error| DataError::io(path, error))?;
    let length = file.metadata().map_err(|error| DataError::io(path, error))?.len();
    let cells = match ZipArchive::new(BufReader::new(file)) {
        Ok(mut archive) => match archive.by_name("content.xml") {
            // Malformed content is rejected by the reader of the cells, which gives the reason.
            Ok(content) => ods_cells(BufReader::new(content)).map_or(0, OdsCells::bytes),
            Err(_) => return Ok(()),
        },
        Err(_) => xls_bytes(path)?,
    };
    ByteLimit::of_packed(config, length).check(path, cells, || format!("its cells take {}", megabytes(cells)))
}

/// Counts the cells of all sheets of an .ods file, from its `content.xml`.
fn ods_cells(content: impl BufRead) -> Result<OdsCells, quick_xml::Error> {
    let mut reader = quick_xml::Reader::from_reader(content);
    let (mut buffer, mut total) = (Vec::new(), OdsCells::default());
    let (mut sheet, mut row, mut cell) = (OdsSheet::default(), OdsRow::default(), OdsCell::default());
    loop {
        let event = reader.read_event_into(&mut buffer)?;
        match &event {
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                "table:table" => sheet = OdsSheet::default(),
                "table:table-row" => {
                    row = OdsRow { repeats: repeats(tag, "table:number-rows-repeated"), ..OdsRow::default() }
                }
                "table:table-cell" | "table:covered-table-cell" => {
                    row.end_cell(&std::mem::take(&mut cell));
                    cell = OdsCell::new(tag);
                }
                _ => {}
            },
            Event::Text(text) => cell.text += text.len() as u64,
            Event::End(tag) => match tag.name().as_ref() {
                "table:table-row" => {
                    row.end_cell(&std::mem::take(&mut cell));
                    sheet.end_row(&std::mem::take(&mut row));
                }
                "table:table" => total.add(&std::mem::take(&mut sheet)),
                _ => {}
            },
            Event::Eof => return Ok(total),
            _ => {}
        }
        buffer.clear();
    }
}

/// A cell element of an .ods file.
#[derive(Default)]
struct OdsCell {
    repeats: u64,
    filled: bool,
    /// Size of its text in bytes.
    text: u64,
}

impl OdsCell {
    fn new(tag: &BytesStart<'_>) -> Self {
        let filled = |name: &str| tag.try_get_attribute(name).is_ok_and(|value| value.is_some());
        OdsCell {
            repeats: repeats(tag, "table:number-columns-repeated").min(ODS_COLUMNS),
            filled: filled("office:value-type") || filled("table:formula") || filled("calcext:value-type"),
            text: tag.len() as u64,
        }
    }
}

/// A row element of an .ods file.
#[derive(Default)]
struct OdsRow {
    repeats: u64,
    columns: u64,
    /// Number of columns up to the last non-empty cell.
    width: u64,
    text: u64,
}

impl OdsRow {
    fn end_cell(&mut self, cell: &OdsCell) {
        self.columns = self.columns.saturating_add(cell.repeats).min(ODS_COLUMNS);
        if cell.filled {
            self.width = self.columns;
            self.text = self.text.saturating_add(cell.text.saturating_mul(cell.repeats));
        }
    }
}

/// A sheet of an .ods file.
#[derive(Default)]
struct OdsSheet {
    rows: u64,
    /// Number of rows up to the last one with a non-empty cell.
    height: u64,
    width: u64,
    /// Number of cells of the row elements, each row counted once.
    written: u64,
    text: u64,
}

impl OdsSheet {
    fn end_row(&mut self, row: &OdsRow) {
        self.rows = self.rows.saturating_add(row.repeats);
        if row.width > 0 {
            self.height = self.rows;
            self.width = self.width.max(row.width);
            self.written = self.written.saturating_add(row.width);
            self.text = self.text.saturating_add(row.text.saturating_mul(row.repeats));
        }
    }
}

/// Cells and texts of sheets of an .ods file, repeats included.
#[derive(Default)]
struct OdsCells {
    cells: u64,
    /// Size of their texts in bytes.
    text: u64,
}

impl OdsCells {
    fn add(&mut self, sheet: &OdsSheet) {
        // The reader holds the row elements first and the array afterwards.
        let cells = sheet.height.saturating_mul(sheet.width).max(sheet.written);
        self.cells = self.cells.saturating_add(cells);
        self.text = self.text.saturating_add(sheet.text);
    }

    fn bytes(self) -> u64 {
        self.cells.saturating_mul(CELL_BYTES).saturating_add(self.text)
    }
}

/// Returns the number in a repeat attribute, at least 1.
fn repeats(tag: &BytesStart<'_>, name: &str) -> u64 {
    let value = tag.try_get_attribute(name).ok().flatten();
    let number = value.and_then(|value| value.value.trim().parse::<u64>().ok());
    number.unwrap_or(1).max(1)
}

/// Returns the error for a spreadsheet that cannot be read.
pub(super) fn damaged(path: &Path, error: &dyn std::fmt::Display) -> DataError {
    let next = "Save the file again, or export the sheet as CSV";
    DataError::format(path, format!("the spreadsheet cannot be read: {error}"), next)
}

/// Returns the memory of the sheets of an .xls file, from the records of its stream `Workbook`.
fn xls_bytes(path: &Path) -> Result<u64, DataError> {
    let unreadable = |error: io::Error| damaged(path, &error);
    let mut file = cfb::open(path).map_err(unreadable)?;
    let name = ["Workbook", "Book", "WORKBOOK", "BOOK"].into_iter().find(|name| file.is_stream(name));
    let Some(name) = name else { return Ok(0) };
    let mut records = BufReader::new(file.open_stream(name).map_err(unreadable)?);
    let (mut total, mut sheet, mut data) = (0u64, XlsSheet::default(), Vec::new());
    while let Some(kind) = next_record(&mut records, &mut data).map_err(unreadable)? {
        if kind == BEGIN_OF_FILE {
            total = total.saturating_add(std::mem::take(&mut sheet).bytes());
        }
        if !sheet.add(kind, &data) {
            let outside = format!("a cell or a size beyond {XLS_ROWS} rows and {XLS_COLUMNS} columns");
            return Err(damaged(path, &outside));
        }
    }
    Ok(total.saturating_add(sheet.bytes()))
}

const BEGIN_OF_FILE: u16 = 0x0809;
const DIMENSIONS: u16 = 0x0200;
const MULTIPLE_NUMBERS: u16 = 0x00BD;
/// Records of one cell, whose data begin with its row and column: formula, number, label, shared and rich text, boolean
/// or error, and packed number.
const CELLS: [u16; 7] = [0x0006, 0x0203, 0x0204, 0x00FD, 0x00D6, 0x0205, 0x027E];

/// Reads the data of the next record and returns its kind, or `None` at the end.
fn next_record(records: &mut impl Read, data: &mut Vec<u8>) -> io::Result<Option<u16>> {
    let mut head = [0; 4];
    match records.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let [kind_low, kind_high, length_low, length_high] = head;
    data.clear();
    let length = u16::from_le_bytes([length_low, length_high]);
    records.take(u64::from(length)).read_to_end(data)?;
    Ok(Some(u16::from_le_bytes([kind_low, kind_high])))
}

/// Extent of the cells of an .xls sheet.
#[derive(Default)]
struct XlsSheet {
    rows: Option<(u16, u16)>,
    columns: Option<(u16, u16)>,
}

impl XlsSheet {
    /// Records the place of a cell record; returns false if it is outside any sheet.
    fn add(&mut self, kind: u16, data: &[u8]) -> bool {
        let word = |at: usize| {
            let bytes = data.get(at..).and_then(|rest| rest.first_chunk());
            bytes.map_or(0, |bytes| u16::from_le_bytes(*bytes))
        };
        if kind == DIMENSIONS {
            // Row numbers take four bytes in files of 1997 and later, two in earlier ones.
            let (last_row, last_column) = match data.len() {
                ..14 => (u32::from(word(2)), word(6)),
                _ => (u32::from(word(4)) | u32::from(word(6)) << 16, word(10)),
            };
            return last_row <= XLS_ROWS && last_column <= XLS_COLUMNS;
        }
        if kind != MULTIPLE_NUMBERS && !CELLS.contains(&kind) {
            return true;
        }
        let last = if kind == MULTIPLE_NUMBERS { word(data.len().saturating_sub(2)) } else { word(2) };
        widen(&mut self.rows, word(0));
        widen(&mut self.columns, word(2));
        widen(&mut self.columns, last);
        word(2) < XLS_COLUMNS && last < XLS_COLUMNS
    }

    fn bytes(&self) -> u64 {
        let length = |span: Option<(u16, u16)>| span.map_or(0, |(low, high)| u64::from(high - low) + 1);
        length(self.rows) * length(self.columns) * size_of::<Data>() as u64
    }
}

/// Extends a range to include `place`.
fn widen(range: &mut Option<(u16, u16)>, place: u16) {
    let (low, high) = range.unwrap_or((place, place));
    *range = Some((low.min(place), high.max(place)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_cells_of_an_ods_file_are_counted() {
        let cell = r#"<table:table-cell office:value-type="float" office:value="1""#;
        let sheet = |rows: &str| format!("<table:table>{rows}</table:table>");
        let cases = [
            ("one cell", sheet(&format!("<table:table-row>{cell}/></table:table-row>")), 1),
            (
                "a row a million times",
                sheet(&format!(
                    r#"<table:table-row table:number-rows-repeated="1000000">{cell} table:number-columns-repeated="9"/></table:table-row>"#
                )),
                9_000_000,
            ),
            (
                "empty cells to the right and below are left out",
                sheet(&format!(
                    r#"<table:table-row>{cell}/><table:table-cell table:number-columns-repeated="16383"/></table:table-row><table:table-row table:number-rows-repeated="1048575"><table:table-cell/></table:table-row>"#
                )),
                1,
            ),
            (
                "empty cells before filled ones are not",
                sheet(&format!(
                    r#"<table:table-row table:number-rows-repeated="999"><table:table-cell/></table:table-row><table:table-row><table:table-cell table:number-columns-repeated="99"/>{cell}/></table:table-row>"#
                )),
                100_000,
            ),
            (
                "columns beyond the widest sheet are left out",
                sheet(&format!(
                    r#"<table:table-row>{cell} table:number-columns-repeated="99999999999999999999999"/>{cell} table:number-columns-repeated="999999999"/></table:table-row>"#
                )),
                16_384,
            ),
        ];
        for (what, text, expected) in cases {
            assert_eq!(ods_cells(text.as_bytes()).unwrap().cells, expected, "{what}");
        }
    }

    #[test]
    fn texts_of_repeated_cells_are_counted() {
        let text = format!(
            r#"<table:table><table:table-row table:number-rows-repeated="10"><table:table-cell office:value-type="string" table:number-columns-repeated="100"><text:p>{}</text:p></table:table-cell></table:table-row></table:table>"#,
            "x".repeat(5_000)
        );
        let counted = ods_cells(text.as_bytes()).unwrap();
        assert_eq!(counted.cells, 1_000);
        assert!((5_000_000..5_200_000).contains(&counted.text), "{}", counted.text);
    }

    #[test]
    fn cells_of_an_xls_file_span_an_array_or_are_refused() {
        let record = |row: u16, column: u16| [row.to_le_bytes(), column.to_le_bytes(), [0, 0]].concat();
        let mut sheet = XlsSheet::default();
        assert!(sheet.add(0x0203, &record(0, 0)) && sheet.add(0x00FD, &record(65_535, 255)));
        assert_eq!(sheet.bytes(), 65_536 * 256 * size_of::<Data>() as u64);
        for (what, kind, data) in [
            ("a column beyond the last", 0x0203, record(0, 256)),
            ("the last of several", MULTIPLE_NUMBERS, [record(0, 0), vec![0, 1]].concat()),
            (
                "rows of a sheet",
                DIMENSIONS,
                [0u32.to_le_bytes(), 65_537u32.to_le_bytes(), [0, 0, 9, 0], [0; 4]].concat(),
            ),
            ("columns of a sheet", DIMENSIONS, [0u32.to_le_bytes(), 9u32.to_le_bytes(), [0, 0, 1, 1], [0; 4]].concat()),
        ] {
            assert!(!XlsSheet::default().add(kind, &data), "{what}");
        }
        assert!(XlsSheet::default().add(0x0031, &record(0, 999)), "a font is not a cell");
    }
}
