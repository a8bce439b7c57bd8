//! Spreadsheets: .xlsx, .xls, .xlsb and .ods.

use super::raw::RawTable;
use super::sheet::{HEAD, Row, Sheet};
use crate::catalog::CatalogEntry;
use crate::error::DataError;
use crate::format::Format;
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
/// A damaged file, or no sheet with two rows.
pub(super) fn read(path: &Path, header: Option<bool>) -> Result<RawTable, DataError> {
    let damaged = |error: &dyn std::fmt::Display| {
        let next = "Save the file again, or export the sheet as CSV";
        DataError::format(path, format!("the spreadsheet cannot be read: {error}"), next)
    };
    std::fs::File::open(path).map_err(|error| DataError::io(path, error))?;
    let mut book = open_workbook_auto(path).map_err(|error| damaged(&error))?;
    let names = book.sheet_names();
    for name in &names {
        let rows = rows(&mut book, name).map_err(|error| damaged(&error))?;
        if rows.len() < 2 {
            continue;
        }
        let others: Vec<&str> = names.iter().map(String::as_str).filter(|other| *other != name).collect();
        let notes = match others.is_empty() {
            true => Vec::new(),
            false => vec![format!("sheet \"{name}\" is read; others are not: {}", others.join(", "))],
        };
        return table(path, rows, header, notes);
    }
    Err(DataError::format(path, "no sheet has a table of two rows", "Give a header and at least one row"))
}

fn table(path: &Path, mut rows: Vec<Row>, header: Option<bool>, notes: Vec<String>) -> Result<RawTable, DataError> {
    // Cells are stored up to the last that is filled: all rows become as long as the longest.
    let width = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let rest = rows.split_off(rows.len().min(HEAD + 1));
    let padded = |mut row: Row| {
        row.cells.resize(width, String::new());
        row
    };
    let mut sheet = Sheet::begin_rows(path, rows.into_iter().map(padded).collect(), header, notes)?;
    for row in rest.into_iter().map(padded) {
        sheet.add(row.place, row.cells.iter().map(String::as_str))?;
    }
    Ok(sheet.table(false))
}

/// The rows with a filled cell. Those of .xlsx files come cell by cell, so that a single cell in a far corner does not
/// make an array of the whole sheet.
fn rows(book: &mut Sheets<std::io::BufReader<std::fs::File>>, name: &str) -> Result<Vec<Row>, calamine::Error> {
    let mut rows: Vec<Row> = Vec::new();
    let mut put = |(row, column): (u32, u32), cell: &Data| {
        let text = text_of(cell);
        if text.is_empty() {
            return;
        }
        let place = u64::from(row) + 1;
        if rows.last().is_none_or(|last| last.place != place) {
            rows.push(Row { place, cells: Vec::new() });
        }
        if let Some(last) = rows.last_mut() {
            last.cells.resize(last.cells.len().max(column as usize + 1), String::new());
            last.cells[column as usize] = text;
        }
    };
    if let Sheets::Xlsx(book) = book {
        let mut cells = book.worksheet_cells_reader(name)?;
        while let Some(cell) = cells.next_cell()? {
            put(cell.get_position(), &Data::from(cell.get_value().clone()));
        }
    } else {
        let range = book.worksheet_range(name)?;
        let (top, left) = range.start().unwrap_or_default();
        range.used_cells().for_each(|(row, column, cell)| put((top + row as u32, left + column as u32), cell));
    }
    let left = rows.iter().filter_map(|row| row.cells.iter().position(|cell| !cell.is_empty())).min().unwrap_or(0);
    rows.iter_mut().for_each(|row| drop(row.cells.drain(..left)));
    Ok(rows)
}

/// A cell as a text file would have it; errors such as #DIV/0! are empty.
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
        let seconds = (serial.abs() * 86_400.0).round() as u64;
        return format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
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

    /// Written by `tools/fixtures/tables.py` with openpyxl: a title, an empty row, a header and four rows with a number, a
    /// date, a truth, a text and a target; a second sheet of notes.
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
