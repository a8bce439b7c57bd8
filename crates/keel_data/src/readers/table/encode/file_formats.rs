//! Number formats and date orders of single files, which may differ from those of the table that a model was trained on.

use crate::dataset::{ColumnEncoding, DateOrder, NumberEncoding, NumberFormat, TableColumn, shown};
use crate::readers::file_name;
use crate::readers::table::missing::Missing;
use crate::readers::table::number::{parse, without_unit};
use crate::readers::table::number_format::{Fitting, most_fitting};
use crate::readers::table::raw::{Cells, RawTable, SourceFile};
use crate::readers::table::tally::Tally;
use crate::readers::table::time_column::read;
use rayon::prelude::*;
use std::collections::HashMap;

/// Formats of the files of a table, where they differ from those of the training table.
#[derive(Debug, Default)]
pub(in crate::readers::table) struct FileFormats {
    /// For each file, the number format of columns by their place; other columns have that of their encoding.
    numbers: Vec<HashMap<usize, NumberFormat>>,
    /// For each file, the order of day and month in columns by their place.
    orders: Vec<HashMap<usize, DateOrder>>,
    /// A note for each file with another format, after the name of the file.
    pub(in crate::readers::table) notes: Vec<(String, String)>,
}

/// A column of numbers, and its format in the training table.
#[derive(Debug, Clone, Copy)]
pub(in crate::readers::table) struct NumberColumn<'a> {
    pub(in crate::readers::table) place: usize,
    pub(in crate::readers::table) encoding: &'a NumberEncoding,
}

/// A file of a table with its rows.
#[derive(Clone, Copy)]
struct FilePart<'a> {
    table: &'a RawTable,
    file: &'a SourceFile,
    rows: &'a [usize],
    missing: Missing<'a>,
}

impl FileFormats {
    /// Settles the formats of each file for `rows` and the numeric and date columns among `columns`, and for the numeric
    /// `target`.
    ///
    /// A column that is written as in the training table is read as there. Otherwise all numbers of the file decide
    /// together: whether it has decimal commas follows from its unambiguous columns, else from its delimiter, else from
    /// the training table.
    pub(in crate::readers::table) fn of(
        table: &RawTable,
        rows: &[usize],
        columns: &[(usize, TableColumn)],
        target: Option<NumberColumn>,
        missing: Missing,
    ) -> Self {
        let numbers = columns.iter().filter_map(|(place, column)| match &column.encoding {
            ColumnEncoding::Number(encoding) => Some(NumberColumn { place: *place, encoding }),
            _ => None,
        });
        let numbers: Vec<NumberColumn> = numbers.chain(target).collect();
        let times = columns.iter().filter_map(|(place, column)| match &column.encoding {
            ColumnEncoding::Time(encoding) => Some((*place, encoding.order)),
            _ => None,
        });
        let times: Vec<(usize, DateOrder)> = times.collect();
        let mut found = Self::default();
        for (file, rows) in table.files.iter().zip(table.rows_by_file(rows)) {
            let part = FilePart { table, file, rows, missing };
            let formats = part.number_formats(&numbers);
            let orders: HashMap<usize, DateOrder> =
                times.par_iter().filter_map(|&(place, order)| Some((place, part.other_order(place, order)?))).collect();
            found.notes.extend(part.note(&numbers, &formats, &orders));
            found.numbers.push(formats);
            found.orders.push(orders);
        }
        found
    }

    /// Returns the format of the numbers of a column in a file.
    pub(in crate::readers::table) fn number(&self, file: usize, column: NumberColumn) -> NumberFormat {
        let found = self.numbers.get(file).and_then(|formats| formats.get(&column.place));
        found.copied().unwrap_or(column.encoding.format)
    }

    /// Returns true if the first file of a table has decimal commas, as most of its columns with decimal signs do, or else the
    /// training table.
    pub(in crate::readers::table) fn has_decimal_commas(&self, table: &RawTable, columns: &[NumberColumn]) -> bool {
        let rows = table.files.first().map_or(0, |file| file.lines.len());
        let has_sign = |column: &&NumberColumn| match &table.columns[column.place].cells {
            Cells::Text(cells) => (0..rows).any(|row| cells.get(row).contains(['.', ','])),
            _ => false,
        };
        let signed: Vec<bool> =
            columns.iter().filter(has_sign).map(|column| self.number(0, *column).decimal_comma).collect();
        match signed.len() {
            0 => columns.iter().any(|column| column.encoding.format.decimal_comma),
            all => signed.iter().filter(|&&comma| comma).count() * 2 > all,
        }
    }

    /// Returns the order of day and month in a column of a file; `trained` is that of the training table.
    pub(super) fn order(&self, file: usize, place: usize, trained: DateOrder) -> DateOrder {
        self.orders.get(file).and_then(|orders| orders.get(&place)).copied().unwrap_or(trained)
    }
}

impl FilePart<'_> {
    fn cells(&self, place: usize) -> &Cells {
        &self.table.columns[place].cells
    }

    /// Returns the formats of the columns that are not written as in the training table.
    fn number_formats(&self, columns: &[NumberColumn]) -> HashMap<usize, NumberFormat> {
        let is_text = |column: &&NumberColumn| matches!(self.cells(column.place), Cells::Text(_));
        let columns: Vec<&NumberColumn> = columns.iter().filter(is_text).collect();
        if columns.par_iter().all(|column| self.is_as_trained(column)) {
            return HashMap::new();
        }
        let counted = |column: &&NumberColumn| {
            let tally = Tally::new(self.cells(column.place), self.rows, self.missing);
            let tally = tally.without_unit(&column.encoding.written_unit);
            let fitting = most_fitting(&tally);
            (tally, fitting)
        };
        let counted: Vec<(Tally, Option<Fitting>)> = columns.par_iter().map(counted).collect();
        let has_commas = |(tally, fitting): &(Tally, Option<Fitting>)| {
            fitting.as_ref().filter(|fitting| fitting.stray_cells * 2 <= tally.cells())?.decimal_comma(tally)
        };
        let votes: Vec<bool> = counted.iter().filter_map(has_commas).collect();
        let commas = votes.iter().filter(|&&comma| comma).count();
        let trained_commas = columns.iter().any(|column| column.encoding.format.decimal_comma);
        let file_has_commas = match (commas * 2).cmp(&votes.len()) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal if !votes.is_empty() => trained_commas,
            std::cmp::Ordering::Equal => match self.file.text.map(|text| text.delimiter) {
                Some(';' | '\t') => true,
                Some(',') | None => false,
                Some(_) => trained_commas,
            },
        };
        let format = |(column, (tally, fitting)): (&&NumberColumn, &(Tally, Option<Fitting>))| {
            let (fitting, trained) = (fitting.as_ref()?, column.encoding.format);
            let agrees = votes.is_empty() || trained.decimal_comma == file_has_commas;
            let is_as_trained = agrees && self.is_as_trained(column);
            let settled = fitting.settle(tally, file_has_commas).format;
            (!is_as_trained && settled != trained).then_some((column.place, settled))
        };
        columns.iter().zip(&counted).filter_map(format).collect()
    }

    /// Returns true if every cell of a column can be read in the format of the training table.
    fn is_as_trained(&self, column: &NumberColumn) -> bool {
        let cells = self.cells(column.place);
        let is_read = |&row: &usize| {
            let text = cells.text(row);
            let number = without_unit(&text, &column.encoding.written_unit);
            parse(number, column.encoding.format).is_some() || self.marks_missing(&text, column.encoding)
        };
        self.rows.iter().all(is_read)
    }

    fn marks_missing(&self, text: &str, encoding: &NumberEncoding) -> bool {
        self.missing.holds(text) || encoding.missing_texts.iter().any(|marker| marker == text)
    }

    /// Returns the order of day and month in which more cells are dates than in that of the training table.
    fn other_order(&self, place: usize, trained: DateOrder) -> Option<DateOrder> {
        let cells = self.cells(place);
        if !matches!(cells, Cells::Text(_)) {
            return None;
        }
        let other = match trained {
            DateOrder::DayFirst => DateOrder::MonthFirst,
            DateOrder::MonthFirst => DateOrder::DayFirst,
        };
        let unread = |order| self.rows.iter().filter(|&&row| read(&cells.text(row), order).is_none()).count();
        let unread_as_trained = unread(trained);
        (unread_as_trained > 0 && unread(other) < unread_as_trained).then_some(other)
    }

    /// Describes the first cell that is written in another way than in the training table.
    fn note(
        &self,
        columns: &[NumberColumn],
        formats: &HashMap<usize, NumberFormat>,
        orders: &HashMap<usize, DateOrder>,
    ) -> Option<(String, String)> {
        let number = columns.iter().find_map(|column| {
            let format = *formats.get(&column.place)?;
            let cells = self.cells(column.place);
            let value_in =
                |row: usize, format| parse(without_unit(&cells.text(row), &column.encoding.written_unit), format);
            let differs = |&row: &usize| {
                value_in(row, format).is_some_and(|value| value_in(row, column.encoding.format) != Some(value))
            };
            let row = self.rows.iter().copied().find(differs)?;
            let (text, value) = (cells.text(row), value_in(row, format)?);
            let name = &self.table.columns[column.place].name;
            Some(format!("\"{text}\" in column \"{name}\" is read as {}", shown(value)))
        });
        let date = orders.iter().min_by_key(|(place, _)| **place).map(|(&place, &order)| {
            let order = if order == DateOrder::DayFirst { "the day first" } else { "the month first" };
            format!("dates in column \"{}\" are read with {order}", self.table.columns[place].name)
        });
        let read: Vec<String> = number.into_iter().chain(date).collect();
        let note = format!("cells are written in another way than in the training table: {}", read.join("; "));
        (!read.is_empty()).then(|| (file_name(&self.file.path), note))
    }
}
