//! Reason for the choice of the target column, and for reading it as classes or values.

use serde::{Deserialize, Serialize};

use super::{COMMA, FormatRemark, NumberRange, SEMICOLON};
use crate::dataset::Bilingual;

/// Reason for the choice of the target column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TargetChoice {
    /// `data.target`.
    Given,
    /// Its name.
    Name,
    /// Its position.
    LastColumn,
}

impl TargetChoice {
    /// Returns the sentence.
    pub(crate) fn sentence(self) -> Bilingual {
        let (english, chinese) = match self {
            Self::Given => ("data.target", "由 data.target 指定"),
            Self::Name => ("by its name", "根据列名选定"),
            Self::LastColumn => ("the last column", "最后一列"),
        };
        Bilingual::of(english, chinese)
    }
}

/// Reason for classes or values, and how the numbers are written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TargetReading {
    /// Reason for classes or values.
    pub(crate) basis: TargetBasis,
    /// Smallest and largest value; `None` for classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) range: Option<NumberRange>,
    /// Remarks on how the numbers are written; empty for plain numbers and for texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) format: Vec<FormatRemark>,
}

impl TargetReading {
    /// Returns the sentence.
    pub(crate) fn sentence(&self) -> Bilingual {
        let basis = [Some(self.basis.sentence()), self.range.map(NumberRange::sentence)];
        let basis = Bilingual::joined(basis.into_iter().flatten(), COMMA);
        Bilingual::joined([Some(basis), FormatRemark::all(&self.format)].into_iter().flatten(), SEMICOLON)
    }
}

/// Reason for classes or values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TargetBasis {
    /// `data.task`.
    Given,
    /// Texts.
    Text,
    /// Numbers with decimals.
    Decimals,
    /// The numbers 0 and 1.
    ZeroAndOne,
    /// Whole numbers.
    WholeNumbers {
        /// Number of distinct numbers.
        distinct: usize,
        /// Number of rows.
        rows: usize,
    },
    /// Whole numbers that count up.
    Consecutive {
        /// Smallest number.
        first: usize,
        /// Largest number.
        last: usize,
    },
}

impl TargetBasis {
    /// Returns the sentence.
    pub(crate) fn sentence(self) -> Bilingual {
        use TargetBasis::*;
        let (english, chinese) = match self {
            Given => ("data.task", "任务由 data.task 指定"),
            Text => ("text", "文本"),
            Decimals => ("numbers with decimals", "带小数的数值"),
            ZeroAndOne => ("0 and 1", "取值为 0 和 1"),
            WholeNumbers { distinct, rows } => {
                return Bilingual::of(
                    format!("{distinct} different whole numbers in {rows} rows"),
                    format!("{rows} 行中有 {distinct} 个不同的整数"),
                );
            }
            Consecutive { first, last } => {
                return Bilingual::of(
                    format!("whole numbers from {first} to {last} without a gap"),
                    format!("从 {first} 到 {last} 的连续整数"),
                );
            }
        };
        Bilingual::of(english, chinese)
    }
}

/// Returns one reading of each kind.
#[cfg(test)]
pub(super) fn every_reading() -> Vec<TargetReading> {
    use TargetBasis::*;
    let bases = [
        Given,
        Text,
        Decimals,
        ZeroAndOne,
        WholeNumbers { distinct: 12, rows: 300 },
        Consecutive { first: 0, last: 99 },
    ];
    let plain = bases.map(|basis| TargetReading { basis, range: None, format: Vec::new() });
    let (range, format) = (Some(NumberRange { low: 1.5, high: 3.5 }), vec![FormatRemark::DecimalCommas]);
    let values = [
        TargetReading { basis: Decimals, range, format: Vec::new() },
        TargetReading { basis: ZeroAndOne, range: None, format: format.clone() },
        TargetReading { basis: Decimals, range, format },
    ];
    plain.into_iter().chain(values).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keel_testkit::check_distinct;

    #[test]
    fn every_choice_and_reading_has_its_own_sentence() {
        check_distinct([TargetChoice::Given, TargetChoice::Name, TargetChoice::LastColumn].map(TargetChoice::sentence));
        let readings = every_reading();
        check_distinct(readings.iter().map(TargetReading::sentence));
        assert_eq!(
            readings.last().unwrap().sentence(),
            Bilingual::of(
                "numbers with decimals, 1.5 to 3.5; decimal commas",
                "带小数的数值，取值从 1.5 到 3.5；使用小数逗号"
            )
        );
    }
}
