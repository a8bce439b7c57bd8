//! Columns with a role other than feature: named by the config, or recognised as the part of each row.

mod split_column;
mod split_keys;

pub(super) use split_column::holds_parts;

use super::missing::Missing;
use super::names;
use super::raw::RawTable;
use super::tally::Tally;
use crate::config::DataConfig;
use crate::dataset::{Became, ColumnKind, ColumnReason, ColumnReport, ColumnUse, SplitKeys};
use crate::error::DataError;
use split_keys::{KeyColumns, read_keys};

/// Columns with a role other than feature.
pub(super) struct Roles {
    target: usize,
    /// Ascending indices of ignored columns.
    ignored: Vec<usize>,
    group: Option<usize>,
    pub(super) time: Option<usize>,
    /// Column with the part of each row, recognised by its name and cells.
    split: Option<usize>,
}

impl Roles {
    /// Finds the columns with a role in a table whose target is the column `target`.
    ///
    /// # Errors
    /// Fails if the config names a column that the table lacks.
    pub(super) fn find(table: &RawTable, config: &DataConfig, target: usize) -> Result<Self, DataError> {
        let named = |name: &str, field: &str| match name {
            "" => Ok(None),
            name => names::find(table, name, field).map(Some),
        };
        let ignored = config.ignore_columns.iter().map(|name| names::find(table, name, "data.ignore_columns"));
        let mut ignored: Vec<usize> = ignored.collect::<Result<_, _>>()?;
        ignored.sort_unstable();
        let mut roles = Self {
            target,
            ignored,
            group: named(&config.group, "data.group")?,
            time: named(&config.time, "data.time")?,
            split: None,
        };
        let is_free = |column: &usize| roles.is_feature(*column) && roles.time != Some(*column);
        roles.split = (0..table.columns.len()).filter(is_free).find(|&column| split_column::holds_parts(table, column));
        Ok(roles)
    }

    /// Divides the rows as the column with their parts states, if there is one.
    ///
    /// Returns a note about this column.
    pub(super) fn divide(&self, table: &mut RawTable) -> Option<String> {
        self.split.map(|column| split_column::divide(table, column))
    }

    /// Returns true if a column may become features.
    pub(super) fn is_feature(&self, column: usize) -> bool {
        column != self.target
            && self.ignored.binary_search(&column).is_err()
            && self.group != Some(column)
            && self.split != Some(column)
    }

    /// Returns the report on a column that is neither a feature nor the target.
    pub(super) fn report(&self, table: &RawTable, column: usize) -> ColumnReport {
        let (kind, reason) = match column {
            _ if self.group == Some(column) => (ColumnKind::Group, ColumnReason::Group),
            _ if self.split == Some(column) => (ColumnKind::Ignored, ColumnReason::Split),
            _ => (ColumnKind::Ignored, ColumnReason::Ignored),
        };
        let rows: Vec<usize> = (0..table.rows()).collect();
        let tally = Tally::new(&table.columns[column].cells, &rows, Missing { added: &[] });
        let usage = ColumnUse { kind, became: Became::LEFT_OUT, reason };
        ColumnReport::new(table.columns[column].name.clone(), tally.missing(), tally.distinct(), usage)
    }

    /// Reads the keys that keep rows together or in order in a split.
    ///
    /// # Errors
    /// Fails if a cell of `data.time` has no place in time.
    pub(super) fn keys(&self, table: &RawTable, rows: &[usize], missing: Missing) -> Result<SplitKeys, DataError> {
        read_keys(table, rows, KeyColumns { group: self.group, time: self.time }, missing)
    }
}
