//! Reason for the use of a column, in both languages.

use serde::{Deserialize, Serialize};

use super::{NumberReason, SEMICOLON, TargetChoice, TargetReading, TextReason, TimeReason};
use crate::dataset::Bilingual;

/// Reason for the use of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ColumnReason {
    /// `data.group`.
    Group,
    /// `data.ignore_columns`.
    Ignored,
    /// Parts of the dataset, by which the rows are divided.
    Split,
    /// The target.
    Target {
        /// Reason for the choice of the column.
        choice: TargetChoice,
        /// Reason for classes or values.
        reading: TargetReading,
    },
    /// No cell has a value.
    AllMissing,
    /// All cells have the same value.
    OneValue {
        /// Beginning of the value.
        value: String,
        /// True if other cells are missing.
        some_missing: bool,
    },
    /// Texts for true and false.
    Truth {
        /// First text.
        first: String,
        /// Last text.
        last: String,
    },
    /// Other texts.
    Texts(TextReason),
    /// Dates or times, or the column of `data.time`.
    Times(TimeReason),
    /// Numbers.
    Numbers(NumberReason),
    /// Distinct whole numbers with the name of an identifier.
    IdentifierName,
    /// Distinct whole numbers with the name of a row number.
    RowNumberName,
    /// Distinct whole numbers without a name.
    Unnamed,
    /// Numbers that count the rows.
    CountsRows {
        /// Number of the first row.
        first: usize,
        /// Number of the last row.
        last: usize,
    },
    /// No other column is left.
    NoOtherColumn {
        /// Reason for leaving the column out if there were others.
        otherwise: Box<ColumnReason>,
    },
}

impl ColumnReason {
    /// Returns the sentence.
    pub(super) fn sentence(&self) -> Bilingual {
        use ColumnReason::*;
        let (english, chinese) = match self {
            Group => {
                ("data.group: its rows stay together in the splits", "data.group：划分数据集时，同组的行始终在一起")
            }
            Split => ("names the split of each row", "标明每一行属于哪个数据划分"),
            Ignored => ("data.ignore_columns", "由 data.ignore_columns 指定忽略"),
            Target { choice, reading } => {
                return Bilingual::joined([choice.sentence(), reading.sentence()], SEMICOLON);
            }
            AllMissing => ("every cell is missing", "所有单元格均缺失"),
            OneValue { value, some_missing: false } => {
                return Bilingual::of(format!("\"{value}\" in every row"), format!("每一行都是“{value}”"));
            }
            OneValue { value, some_missing: true } => {
                return Bilingual::of(
                    format!("\"{value}\" in every cell that is not missing"),
                    format!("未缺失的单元格都是“{value}”"),
                );
            }
            Truth { first, last } => {
                return Bilingual::of(format!("{first} or {last}"), format!("取值为 {first} 或 {last}"));
            }
            Texts(reason) => return reason.sentence(),
            Times(reason) => return reason.sentence(),
            Numbers(reason) => return reason.sentence(),
            IdentifierName => ("named like an identifier, all different", "列名像标识符，且取值各不相同"),
            RowNumberName => ("named like a row number, all different", "列名像行号，且取值各不相同"),
            Unnamed => ("no name, a different whole number in every row", "没有列名，每行是不同的整数"),
            CountsRows { first, last } => {
                return Bilingual::of(
                    format!("numbers the rows, from {first} to {last}"),
                    format!("为各行依次编号，从 {first} 到 {last}"),
                );
            }
            NoOtherColumn { otherwise } => {
                let kept = Bilingual::of("kept because no other column is left", "因没有其他列而保留");
                return Bilingual::joined([otherwise.sentence(), kept], SEMICOLON);
            }
        };
        Bilingual::of(english, chinese)
    }
}

/// Returns one reason of each kind.
#[cfg(test)]
pub(super) fn every() -> Vec<ColumnReason> {
    use super::{NumberRange, number_reason, target_reason, text_reason, time_reason};
    use ColumnReason::*;
    let numbers =
        |format, origin| Numbers(NumberReason { range: NumberRange { low: -0.25, high: 1e15 }, format, origin });
    let value = |some_missing| OneValue { value: "same".to_string(), some_missing };
    let choices = [TargetChoice::Given, TargetChoice::Name, TargetChoice::LastColumn];
    let targets = choices
        .into_iter()
        .flat_map(|choice| target_reason::every_reading().into_iter().map(move |reading| Target { choice, reading }));
    [
        Group,
        Ignored,
        Split,
        AllMissing,
        value(false),
        value(true),
        numbers(Vec::new(), None),
        numbers(Vec::new(), Some(1e9)),
    ]
    .into_iter()
    .chain([Truth { first: "yes".to_string(), last: "No".to_string() }, CountsRows { first: 1, last: 40 }])
    .chain([IdentifierName, RowNumberName, Unnamed])
    .chain([NoOtherColumn { otherwise: Box::new(Unnamed) }, NoOtherColumn { otherwise: Box::new(IdentifierName) }])
    .chain(number_reason::every_remark().into_iter().map(|remark| numbers(vec![remark], None)))
    .chain(text_reason::every().into_iter().map(Texts))
    .chain(time_reason::every().into_iter().map(Times))
    .chain(targets)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keel_testkit::check_distinct;

    #[test]
    fn every_reason_has_its_own_sentence() {
        check_distinct(every().iter().map(ColumnReason::sentence));
    }
}
