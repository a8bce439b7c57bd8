//! Spreadsheets: .xlsx, .xls, .xlsb and .ods.

use super::raw::RawTable;
use super::sheet::{HEAD, Row, Sheet, check_columns};
use super::{spreadsheet_cells, spreadsheet_size};
use crate::catalog::CatalogEntry;
use crate::config::DataConfig;
use crate::error::DataError;
use crate::format::Format;
use crate::readers::data_file::{ByteLimit, megabytes};
use crate::readers::{self, table as tables};
use calamine::{Data, ExcelDateTime, Reader, Sheets, open_workbook_auto};
use std::path::Path;

/// The reader of this format.
pub(in crate::readers) const READER: readers::Reader = readers::Reader {
    entry: CatalogEntry { name: "excel", summary: "first sheet with a table of an .xlsx, .xls, .xlsb or .ods file" },
    format: Format::Excel,
    read: tables::read,
};

/// Returns true if a file's name, in lower case, is that of a spreadsheet.
pub(super) fn is_name(name: &str) -> bool {
    [".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"].iter().any(|ending| name.ends_with(ending))
}

/// Reads the first sheet that has a table.
///
/// # Errors
/// Fails if the file is damaged or larger than the config allows, or if no sheet has two rows.
pub(super) fn read(path: &Path, config: &DataConfig) -> Result<RawTable, DataError> {
    let damaged = |error: &dyn std::fmt::Display| spreadsheet_cells::damaged(path, error);
    spreadsheet_size::check(path, config)?;
    spreadsheet_cells::check(path, config)?;
    // A crafted file may cause the library to panic; no state it was using is used afterwards.
    let sheet = std::panic::catch_unwind(|| first_sheet(path, ByteLimit::of_plain(config)));
    let sheet = sheet.map_err(|_| damaged(&"its reader failed"))?.map_err(|error| damaged(&error))?;
    match sheet {
        Some((rows, notes)) => table(path, &rows, config, notes),
        None => Err(DataError::format(path, "no sheet has a table of two rows", "Give a header and at least one row")),
    }
}

/// Reads the rows of the first sheet that has two, with a note if there are other sheets.
fn first_sheet(path: &Path, limit: ByteLimit) -> Result<Option<(Vec<FilledRow>, Vec<String>)>, calamine::Error> {
    let mut book = open_workbook_auto(path)?;
    let names = book.sheet_names();
    for name in &names {
        let rows = rows(&mut book, name, limit)?;
        if rows.len() < 2 {
            continue;
        }
        let others: Vec<&str> = names.iter().map(String::as_str).filter(|other| *other != name).collect();
        let notes = match others.is_empty() {
            true => Vec::new(),
            false => vec![format!("sheet \"{name}\" is read; others are not: {}", others.join(", "))],
        };
        return Ok(Some((rows, notes)));
    }
    Ok(None)
}

/// The non-empty cells of a row with their columns, so that a single cell in a far corner does not allocate the whole sheet.
struct FilledRow {
    place: u64,
    cells: Vec<(usize, String)>,
}

fn table(path: &Path, rows: &[FilledRow], config: &DataConfig, notes: Vec<String>) -> Result<RawTable, DataError> {
    let columns = || rows.iter().flat_map(|row| &row.cells).map(|(column, _)| *column);
    let left = columns().min().unwrap_or(0);
    let width = columns().max().map_or(0, |right| right - left + 1);
    let widest = rows.iter().find(|row| row.cells.iter().any(|(column, _)| column - left + 1 == width));
    check_columns(path, config, ("row", widest.map_or(1, |row| row.place)), width)?;
    // All rows are extended to the longest one, and each cell is stored with its offset.
    let cells = (rows.len() as u64).saturating_mul(width as u64);
    let demanded = cells.saturating_mul(size_of::<usize>() as u64);
    let claim = || format!("its {} rows of {width} columns take {}", rows.len(), megabytes(demanded));
    ByteLimit::of_plain(config).check(path, demanded, claim)?;
    let mut texts: Vec<&str> = Vec::new();
    let (first, rest) = rows.split_at(rows.len().min(HEAD + 1));
    let dense = |row: &FilledRow| {
        let mut cells = vec![String::new(); width];
        row.cells.iter().for_each(|(column, text)| put(&mut cells, column - left, text.clone()));
        Row { place: row.place, cells }
    };
    let mut sheet = Sheet::begin_rows(path, first.iter().map(dense).collect(), config.header, notes)?;
    for row in rest {
        texts.clear();
        texts.resize(width, "");
        row.cells.iter().for_each(|(column, text)| put(&mut texts, column - left, text.as_str()));
        sheet.add(row.place, texts.iter().copied())?;
    }
    Ok(sheet.table(None))
}

/// Sets the cell in a column.
fn put<T>(cells: &mut [T], column: usize, text: T) {
    if let Some(cell) = cells.get_mut(column) {
        *cell = text;
    }
}

/// Returns the rows with a non-empty cell. Rows of .xlsx and .xlsb files arrive cell by cell. Many cells may share a
/// text stored once in the file, so memory is counted while reading.
fn rows(
    book: &mut Sheets<std::io::BufReader<std::fs::File>>,
    name: &str,
    limit: ByteLimit,
) -> Result<Vec<FilledRow>, calamine::Error> {
    let (mut rows, mut taken): (Vec<FilledRow>, u64) = (Vec::new(), 0);
    let mut add = |(row, column): (u32, u32), cell: &Data| {
        let text = text_of(cell);
        if text.is_empty() {
            return Ok(());
        }
        taken += (text.len() + size_of::<(usize, String)>()) as u64;
        if taken > limit.bytes() {
            return Err(calamine::Error::Msg("its cells take more memory than data.largest_file_megabytes allows"));
        }
        let (place, cell) = (u64::from(row) + 1, (column as usize, text));
        match rows.last_mut() {
            Some(last) if last.place == place => last.cells.push(cell),
            _ => rows.push(FilledRow { place, cells: vec![cell] }),
        }
        Ok(())
    };
    match book {
        Sheets::Xlsx(book) => {
            let mut cells = book.worksheet_cells_reader(name)?;
            while let Some(cell) = cells.next_cell()? {
                add(cell.get_position(), &Data::from(cell.get_value().clone()))?;
            }
        }
        Sheets::Xlsb(book) => {
            let mut cells = book.worksheet_cells_reader(name)?;
            while let Some(cell) = cells.next_cell()? {
                add(cell.get_position(), &Data::from(cell.get_value().clone()))?;
            }
        }
        book => {
            let range = book.worksheet_range(name)?;
            let (top, left) = range.start().unwrap_or_default();
            for (row, column, cell) in range.used_cells() {
                let place = |from: u32, steps: usize| from.saturating_add(u32::try_from(steps).unwrap_or(u32::MAX));
                add((place(top, row), place(left, column)), cell)?;
            }
        }
    }
    Ok(rows)
}

/// Formats a cell as a text file would contain it; errors such as #DIV/0! become empty.
fn text_of(cell: &Data) -> String {
    match cell {
        Data::Int(value) => value.to_string(),
        Data::Float(value) => value.to_string(),
        Data::String(text) => text.trim().to_string(),
        Data::Bool(truth) => truth.to_string(),
        Data::DateTime(moment) => moment_text(moment),
        Data::DateTimeIso(text) => text.clone(),
        Data::DurationIso(text) => text.clone(),
        Data::Error(_) | Data::Empty => String::new(),
    }
}

fn moment_text(moment: &ExcelDateTime) -> String {
    let serial = moment.as_f64();
    if moment.is_duration() || serial.abs() < 1.0 {
        let seconds = (serial.abs() * 86_400.0).round();
        let (hours, minutes) = ((seconds / 3_600.0).floor(), (seconds / 60.0).floor() % 60.0);
        return format!("{hours}:{minutes:02}:{:02}", seconds % 60.0);
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    match (hour, minute, second) {
        (0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::DataConfig;
    use crate::dataset::{Inputs, Targets};
    use crate::load::load;

    /// Written by `tools/fixtures/tables.py` with openpyxl: a title, an empty row, a header and four rows with a
    /// number, a date, a boolean, a text and a target; a second sheet of notes.
    const BOOK: &[u8] = include_bytes!("../../../../tests/fixtures/table.xlsx");

    #[test]
    fn the_first_sheet_is_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.xlsx"), BOOK).unwrap();
        let data = load(&DataConfig::of_source("t.xlsx"), folder.path()).unwrap();
        let kinds: Vec<String> =
            data.column_reports().iter().map(|report| format!("{} {}", report.name, report.kind)).collect();
        assert_eq!(kinds, ["size number", "sold time", "new boolean", "color category", "price target"]);
        let Inputs::Floats(values) = data.inputs() else { panic!("tables are floats") };
        assert_eq!(values[0], 1.5);
        assert!(matches!(data.targets(), Targets::Values { values, .. } if values == &[10.5, 20.25, 30.0, 41.0]));
        assert!(data.provenance().describe(0).ends_with("t.xlsx, row 4"));
        assert!(
            data.notes().join("\n").contains("sheet \"data\" is read; others are not: notes"),
            "{:?}",
            data.notes()
        );
    }

    #[test]
    fn damaged_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        for bytes in [&BOOK[..0], &BOOK[..100], &BOOK[..BOOK.len() / 2], b"a,b\n1,2\n"] {
            std::fs::write(folder.path().join("t.xlsx"), bytes).unwrap();
            let message = load(&DataConfig::of_source("t.xlsx"), folder.path()).unwrap_err().to_string();
            assert!(message.contains("t.xlsx: the spreadsheet cannot be read"), "{message}");
        }
    }
}
