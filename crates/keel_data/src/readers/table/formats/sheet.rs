//! Assembly of a table row by row: title, header, rows.

use super::header::{ROWS, holds_units, is_header};
use super::raw::{Cells, NO_HEADER, RawColumn, RawTable, SourceFile, TextCells, TextForm, tell_apart};
use crate::config::DataConfig;
use crate::dataset::plural;
use crate::error::DataError;
use std::path::{Path, PathBuf};

/// Number of rows after the first that are read before header detection.
pub(super) const HEAD: usize = ROWS;
/// Maximum number of title rows above a table.
const TITLES: usize = 10;
/// Maximum number of units that a note shows.
const SHOWN: usize = 5;

/// Rejects a row with more cells than the config allows columns; `place` is its unit and number.
///
/// # Errors
/// Fails if there are more cells than `data.largest_columns`, plus one for the trailing delimiter that some programs write.
pub(super) fn check_columns(
    path: &Path,
    config: &DataConfig,
    place: (&str, u64),
    cells: usize,
) -> Result<(), DataError> {
    if cells <= config.largest_columns.saturating_add(1) {
        return Ok(());
    }
    let (unit, number) = place;
    let what = format!("{unit} {number} has {cells} cells; at most {} columns are read", config.largest_columns);
    let next =
        format!("Set data.largest_columns = {cells} to read it anyway (a delimiter or a line break may be misread)");
    Err(DataError::format(path, what, next))
}

/// A row and its place in the file, counted from 1.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) place: u64,
    pub(super) cells: Vec<String>,
}

/// A table being read.
#[derive(Debug)]
pub(super) struct Sheet {
    path: PathBuf,
    /// "line" for text, "row" for a spreadsheet.
    unit: &'static str,
    names: Vec<String>,
    cells: Vec<TextCells>,
    places: Vec<u64>,
    empty_rows: usize,
    /// Places of comment lines between the rows, and of rows that repeat the header.
    comments: Vec<u64>,
    repeated_headers: Vec<u64>,
    notes: Vec<String>,
}

impl Sheet {
    /// Starts a text table with its first rows; `header` is true if the first one names the columns.
    ///
    /// # Errors
    /// Fails if there are no rows or one has another number of cells than the header.
    pub(super) fn begin(
        path: &Path,
        first: Vec<Row>,
        header: Option<bool>,
        notes: Vec<String>,
    ) -> Result<Self, DataError> {
        Self::begin_with(path, "line", first, header, notes)
    }

    /// Starts the table of a spreadsheet, like [`Self::begin`].
    pub(super) fn begin_rows(
        path: &Path,
        first: Vec<Row>,
        header: Option<bool>,
        notes: Vec<String>,
    ) -> Result<Self, DataError> {
        Self::begin_with(path, "row", first, header, notes)
    }

    fn begin_with(
        path: &Path,
        unit: &'static str,
        mut rows: Vec<Row>,
        header: Option<bool>,
        mut notes: Vec<String>,
    ) -> Result<Self, DataError> {
        leave_titles_out(&mut rows, &mut notes);
        let names = take_names(&mut rows, header, &mut notes);
        leave_units_out(&mut rows, unit, &mut notes);
        let cells = std::iter::repeat_with(TextCells::default).take(names.len()).collect();
        let mut sheet = Self {
            path: path.to_path_buf(),
            unit,
            names,
            cells,
            places: Vec::new(),
            empty_rows: 0,
            comments: Vec::new(),
            repeated_headers: Vec::new(),
            notes,
        };
        for row in &rows {
            sheet.add(row.place, row.cells.iter().map(String::as_str))?;
        }
        Ok(sheet)
    }

    /// Adds a row; cells beyond the last column must be empty.
    ///
    /// # Errors
    /// Fails if the row has another number of cells.
    pub(super) fn add<'c>(
        &mut self,
        place: u64,
        cells: impl Iterator<Item = &'c str> + Clone,
    ) -> Result<(), DataError> {
        let (count, expected) = (cells.clone().count(), self.cells.len());
        // A line of delimiters is a row whose cells are all missing; an empty row of a spreadsheet is a gap.
        if cells.clone().all(|cell| cell.trim().is_empty()) && (self.unit == "row" || count < expected) {
            self.empty_rows += 1;
            return Ok(());
        }
        if count < expected || cells.clone().skip(expected).any(|cell| !cell.trim().is_empty()) {
            if cells.clone().next().is_some_and(|cell| cell.trim_start().starts_with('#')) {
                self.comments.push(place);
                return Ok(());
            }
            let found = plural(count, "cell", "cells");
            return Err(DataError::format(
                &self.path,
                format!("{} {place} has {found}, the header has {expected}", self.unit),
                "Correct the line (the file may be truncated there, or a cell without quotes may contain a delimiter)",
            ));
        }
        if expected >= 2 && self.names.iter().map(String::as_str).eq(cells.clone().take(expected).map(str::trim)) {
            self.repeated_headers.push(place);
            return Ok(());
        }
        self.cells.iter_mut().zip(cells).for_each(|(column, cell)| column.push(cell));
        self.places.push(place);
        Ok(())
    }

    /// Returns the finished table; `text` is the form of the text from which it was read, if it was one.
    pub(super) fn table(mut self, text: Option<TextForm>) -> RawTable {
        if self.empty_rows > 0 && !self.places.is_empty() {
            self.notes.push(format!("empty rows left out: {}", self.empty_rows));
        }
        for (what, places) in [
            ("comment lines between the rows left out", &self.comments),
            ("rows that repeat the header left out", &self.repeated_headers),
        ] {
            if let Some(first) = places.first() {
                let from = if places.len() == 1 { "in" } else { "the first in" };
                self.notes.push(format!("{what}: {}, {from} {} {first}", places.len(), self.unit));
            }
        }
        // A trailing delimiter on every line creates a column without name and cells.
        let named = self.names.into_iter().zip(self.cells);
        let named = named.filter(|(name, cells)| !name.is_empty() || !cells.are_empty());
        let (mut names, cells): (Vec<String>, Vec<TextCells>) = named.unzip();
        let unnamed = tell_apart(&mut names, &mut self.notes);
        let columns = names.into_iter().zip(unnamed).zip(cells);
        let columns = columns
            .map(|((name, is_unnamed), cells)| RawColumn { name, is_unnamed, cells: Cells::Text(cells) })
            .collect();
        let files = vec![SourceFile { path: self.path, lines: self.places, has_rows: self.unit == "row", text }];
        RawTable { columns, files, parts: None, notes: self.notes }
    }
}

/// Removes title rows: rows above the table that fill one cell where the table has several.
fn leave_titles_out(rows: &mut Vec<Row>, notes: &mut Vec<String>) {
    let filled = |row: &Row| row.cells.iter().filter(|cell| !cell.is_empty()).count();
    let widest = rows.iter().skip(1).map(|row| row.cells.len()).max().unwrap_or(0);
    let titles = rows.iter().take_while(|row| filled(row) <= 1).count();
    let has_table_below = rows.get(titles).is_some_and(|row| filled(row) >= 2 && row.cells.len() == widest);
    if (1..=TITLES).contains(&titles) && has_table_below {
        rows.drain(..titles);
        notes.push(format!("title rows above the table left out: {titles}"));
    }
}

/// Removes a row of units below the header.
fn leave_units_out(rows: &mut Vec<Row>, unit: &str, notes: &mut Vec<String>) {
    let Some((first, rest)) = rows.split_first() else { return };
    let below: Vec<&[String]> = rest.iter().map(|row| row.cells.as_slice()).collect();
    if holds_units(&first.cells, &below) {
        let shown = first.cells.get(..SHOWN).unwrap_or(&first.cells).join(", ");
        let more = if first.cells.len() > SHOWN { ", ..." } else { "" };
        notes.push(format!("{unit} {} has units, not values, and is left out: {shown}{more}", first.place));
        rows.remove(0);
    }
}

/// Removes the first row and returns it as column names, or returns `column_1`, `column_2`, ... if there is no header.
fn take_names(rows: &mut Vec<Row>, header: Option<bool>, notes: &mut Vec<String>) -> Vec<String> {
    let Some(first) = rows.first().map(|row| row.cells.clone()) else { return Vec::new() };
    let below: Vec<Vec<String>> = rows.iter().skip(1).map(|row| row.cells.clone()).collect();
    if !header.unwrap_or_else(|| is_header(&first, &below)) {
        let named = "columns are named column_1, column_2, ... (data.header = true changes this)";
        notes.push(format!("{NO_HEADER}: {named}"));
        return (1..=first.len()).map(|column| format!("column_{column}")).collect();
    }
    rows.remove(0);
    let mut names = first;
    // R writes row names without a name for their column.
    let has_one_more =
        |row: &Row| row.cells.len() == names.len() + 1 && row.cells.last().is_some_and(|cell| !cell.is_empty());
    if !rows.is_empty() && rows.iter().all(has_one_more) {
        names.insert(0, String::new());
    }
    names
}
