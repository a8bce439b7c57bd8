//! Report on each column of a table, with reasons; shown before a training run and stored in its summary.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Kind of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Numbers.
    Number,
    /// One of several text values.
    Category,
    /// True or false.
    Boolean,
    /// Dates, times of day, or both.
    Time,
    /// A name or number unique to each row.
    Identifier,
    /// Numbers that count the rows.
    RowNumber,
    /// The same value in every row, or missing in every row.
    Constant,
    /// Free text, as words.
    Text,
    /// The target.
    Target,
    /// Left out by the config.
    Ignored,
    /// Group key: rows with equal values stay in one split.
    Group,
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Number => "number",
            Self::Category => "category",
            Self::Boolean => "boolean",
            Self::Time => "time",
            Self::Identifier => "identifier",
            Self::RowNumber => "row number",
            Self::Constant => "constant",
            Self::Text => "text",
            Self::Target => "target",
            Self::Ignored => "ignored",
            Self::Group => "group",
        })
    }
}

/// Use of one column of a table, and the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnReport {
    /// Name in the header.
    pub name: String,
    /// Kind of the column.
    pub kind: ColumnKind,
    /// Number of rows with a missing value.
    pub missing: usize,
    /// Number of distinct cells, not counting missing ones.
    pub distinct: usize,
    /// Resulting features: "1 number + 1 missing flag", "12 categories + other", "left out".
    pub became: String,
    /// Reason, and how the column was read.
    pub reason: String,
}
