//! Report on each column of a table, with reasons: shown before a training run and kept in its summary.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Kind of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Numbers.
    Number,
    /// One of several texts.
    Category,
    /// True or false.
    Boolean,
    /// Dates, times of day, or both.
    Time,
    /// A name or number of each row.
    Identifier,
    /// Numbers that count the rows.
    RowNumber,
    /// The same in every row, or missing in every row.
    Constant,
    /// Words.
    Text,
    /// To be predicted.
    Target,
    /// Left out by the config.
    Ignored,
    /// Decides which rows stay together in a split.
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
    /// Number of rows in which it is missing.
    pub missing: usize,
    /// Number of different cells, without missing ones.
    pub distinct: usize,
    /// Result: "1 number + 1 missing flag", "12 categories + other", "left out".
    pub became: String,
    /// Why, and how it was read.
    pub reason: String,
}
