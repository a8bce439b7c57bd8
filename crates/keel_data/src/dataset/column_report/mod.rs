//! Report on each column of a table, with reasons; shown before a training run and stored in its summary.

mod became;
mod number_reason;
mod reason;
mod target_reason;
mod text_reason;
mod time_reason;

pub(crate) use became::{Became, Conversion, plural};
pub(crate) use number_reason::{FormatRemark, NumberRange, NumberReason, shown};
pub(crate) use reason::ColumnReason;
pub(crate) use target_reason::{TargetBasis, TargetChoice, TargetReading};
pub(crate) use text_reason::{TextReason, TextUse};
pub(crate) use time_reason::{DateOrderBasis, TimeReason};

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Separators of clauses, in English and in Chinese.
const COMMA: [&str; 2] = [", ", "，"];
const SEMICOLON: [&str; 2] = ["; ", "；"];

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnReport {
    /// Name in the header.
    pub name: String,
    /// Kind of the column.
    pub kind: ColumnKind,
    /// Number of rows with a missing value.
    pub missing: usize,
    /// Number of distinct cells, not counting missing ones.
    pub distinct: usize,
    /// Resulting features, in English: "1 number + 1 missing flag", "12 categories + other", "left out".
    pub became: String,
    /// Reason, and how the column was read, in English.
    pub reason: String,
    /// The same features as a value; absent in runs of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read")]
    became_kind: Option<Became>,
    /// The same reason as a value; absent in runs of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "read")]
    reason_kind: Option<ColumnReason>,
}

/// Use of a column: its kind, its features and the reason.
#[derive(Debug)]
pub(crate) struct ColumnUse {
    pub(crate) kind: ColumnKind,
    pub(crate) became: Became,
    pub(crate) reason: ColumnReason,
}

impl ColumnReport {
    /// Creates the report on the column `name` with these numbers of missing and of distinct cells.
    pub(crate) fn new(name: String, missing: usize, distinct: usize, usage: ColumnUse) -> Self {
        let ColumnUse { kind, became, reason } = usage;
        Self {
            name,
            kind,
            missing,
            distinct,
            became: became.sentence().english,
            reason: reason.sentence().english,
            became_kind: Some(became),
            reason_kind: Some(reason),
        }
    }

    /// Returns the report on the same column, kept as a number because no other column is left.
    pub(crate) fn kept_as_number(self) -> Self {
        let Some(otherwise) = self.reason_kind else { return self };
        let reason = ColumnReason::NoOtherColumn { otherwise: Box::new(otherwise) };
        let usage = ColumnUse { kind: ColumnKind::Number, became: Became::ONE_NUMBER, reason };
        Self::new(self.name, self.missing, self.distinct, usage)
    }

    /// Returns the resulting features in Chinese; `None` in runs of older versions.
    pub fn chinese_became(&self) -> Option<String> {
        self.became_kind.as_ref().map(|became| became.sentence().chinese)
    }

    /// Returns the reason in Chinese; `None` in runs of older versions.
    pub fn chinese_reason(&self) -> Option<String> {
        self.reason_kind.as_ref().map(|reason| reason.sentence().chinese)
    }
}

/// Reads a recorded value; `None` for one that only a later version knows.
fn read<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Recorded<T> {
        Known(T),
        Later(IgnoredAny),
    }
    Ok(match Recorded::deserialize(deserializer)? {
        Recorded::Known(value) => Some(value),
        Recorded::Later(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(became: Became, reason: ColumnReason) -> ColumnReport {
        ColumnReport::new("a".to_string(), 12, 34, ColumnUse { kind: ColumnKind::Number, became, reason })
    }

    #[test]
    fn every_report_is_read_as_it_was_written() {
        for became in became::every() {
            for reason in reason::every() {
                let written = report(became.clone(), reason);
                let text = serde_json::to_string(&written).unwrap();
                assert_eq!(serde_json::from_str::<ColumnReport>(&text).unwrap(), written, "{text}");
            }
        }
    }

    #[test]
    fn the_english_texts_are_recorded_next_to_the_values() {
        let texts = TextReason { distinct: 3, usage: TextUse::TooDifferent { cells: 20 } };
        let written = report(Became::ONE_NUMBER, ColumnReason::Texts(texts));
        assert_eq!(
            serde_json::to_string(&written).unwrap(),
            r#"{"name":"a","kind":"number","missing":12,"distinct":34,"became":"1 number","reason":"3 different texts in 20 cells","became_kind":{"conversion":{"numbers":{"count":1}},"missing_flag":false},"reason_kind":{"texts":{"distinct":3,"usage":{"too_different":{"cells":20}}}}}"#
        );
        assert_eq!(written.chinese_became().unwrap(), "1 个数值");
        assert_eq!(written.chinese_reason().unwrap(), "20 个单元格中有 3 种不同的文本");
    }

    #[test]
    fn reports_of_earlier_and_later_versions_keep_their_english() {
        let recorded = r#"{"name":"a","kind":"number","missing":0,"distinct":2,"became":"1 tensor","reason":"sorted""#;
        for rest in ["", r#","became_kind":"tensor","reason_kind":{"sorted":{"by":["x",1,null]}}"#] {
            let read: ColumnReport = serde_json::from_str(&format!("{recorded}{rest}}}")).unwrap();
            assert_eq!((read.became.as_str(), read.reason.as_str()), ("1 tensor", "sorted"));
            assert_eq!((read.chinese_became(), read.chinese_reason()), (None, None));
            assert_eq!(serde_json::to_string(&read).unwrap(), format!("{recorded}}}"));
        }
    }

    #[test]
    fn the_only_column_keeps_its_first_reason() {
        let kept = report(Became::LEFT_OUT, ColumnReason::IdentifierName).kept_as_number();
        assert_eq!((kept.kind, kept.became.as_str()), (ColumnKind::Number, "1 number"));
        assert_eq!(kept.reason, "named like an identifier, all different; kept because no other column is left");
        assert_eq!(kept.chinese_reason().unwrap(), "列名像标识符，且取值各不相同；因没有其他列而保留");
    }
}
