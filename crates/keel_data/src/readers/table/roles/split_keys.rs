//! Keys that keep samples together (`data.group`) or in order (`data.time`) when the dataset is split.

use crate::dataset::{NumberFormat, SplitKeys};
use crate::error::DataError;
use crate::readers::table::missing::Missing;
use crate::readers::table::number::parse;
use crate::readers::table::raw::{Cells, RawTable};
use crate::readers::table::tally::Tally;
use crate::readers::table::time_column::{are_compact_dates, read, recognise};
use std::collections::HashMap;

/// Columns required by a split.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyColumns {
    /// Column of `data.group`.
    pub(super) group: Option<usize>,
    /// Column of `data.time`.
    pub(super) time: Option<usize>,
}

/// Reads the columns of `data.group` and `data.time` for `rows`.
///
/// # Errors
/// A cell of `data.time` that has no place in time.
pub(super) fn read_keys(
    table: &RawTable,
    rows: &[usize],
    columns: KeyColumns,
    missing: Missing,
) -> Result<SplitKeys, DataError> {
    Ok(SplitKeys {
        groups: columns.group.map(|column| groups(&table.columns[column].cells, rows, missing)),
        times: columns.time.map(|column| times(table, column, rows, missing)).transpose()?,
    })
}

/// Returns a number for each group; a row with a missing group is a group by itself.
fn groups(cells: &Cells, rows: &[usize], missing: Missing) -> Vec<u32> {
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut next = 0;
    let mut groups = Vec::with_capacity(rows.len());
    for &row in rows {
        let text = cells.text(row);
        let fresh = next;
        let group = match missing.holds(&text) {
            true => fresh,
            false => *numbers.entry(text.into_owned()).or_insert(fresh),
        };
        next += u32::from(group == fresh);
        groups.push(group);
    }
    groups
}

/// Returns seconds, or the numbers of a numeric column.
fn times(table: &RawTable, column: usize, rows: &[usize], missing: Missing) -> Result<Vec<f64>, DataError> {
    let cells = &table.columns[column].cells;
    let tally = Tally::new(cells, rows, missing);
    let order = match are_compact_dates(&tally) {
        true => None,
        false => recognise(&tally, table.decimal_comma_likely()).map(|times| times.order),
    };
    let place = |&row: &usize| {
        let text = cells.text(row);
        let value = match (cells, order) {
            (Cells::Times(values) | Cells::Numbers(values), _) => Some(values[row]).filter(|value| value.is_finite()),
            (_, Some(order)) => read(&text, order).map(|moment| moment.seconds()),
            (_, None) => parse(&text, NumberFormat::PLAIN).filter(|value| value.is_finite()),
        };
        value.ok_or_else(|| {
            let what = format!("\"{text}\" is not a time, which data.time requires in every row");
            table.cell_error(row, column, what, "Correct the cell or delete the row")
        })
    };
    rows.iter().map(place).collect()
}
