//! Range of a column of numbers, and how they are written.

use serde::{Deserialize, Serialize};

use super::{COMMA, SEMICOLON};
use crate::dataset::Bilingual;

/// Description of the numbers of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct NumberReason {
    /// Smallest and largest number.
    pub(crate) range: NumberRange,
    /// Remarks on how the numbers are written; empty for plain numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) format: Vec<FormatRemark>,
    /// Offset that is subtracted first, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<f64>,
}

/// Smallest and largest of some numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct NumberRange {
    /// Smallest number.
    pub(crate) low: f64,
    /// Largest number.
    pub(crate) high: f64,
}

/// Remark on how the numbers of a column are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FormatRemark {
    /// Decimal commas.
    DecimalCommas,
    /// Thousands separators.
    GroupedThousands,
    /// Percent signs on every number.
    Percent,
    /// Percent signs on some numbers.
    SomePercent,
    /// Currency signs.
    Amounts {
        /// The currencies; at most four are named.
        currencies: Vec<String>,
    },
    /// The same unit behind every number.
    Unit {
        /// The unit.
        unit: String,
    },
    /// Numbers that can be read in several formats, read as the rest of the table.
    Ambiguous {
        /// True for a decimal comma, false for a decimal point.
        decimal_comma: bool,
    },
}

impl NumberReason {
    /// Returns the sentence.
    pub(super) fn sentence(&self) -> Bilingual {
        let from = |origin: f64| {
            let origin = shown(origin);
            Bilingual::of(format!("taken from {origin} on, in f64"), format!("以 {origin} 为起点，用 f64 计算"))
        };
        let parts = [Some(self.range.sentence()), FormatRemark::all(&self.format), self.origin.map(from)];
        Bilingual::joined(parts.into_iter().flatten(), SEMICOLON)
    }
}

impl NumberRange {
    /// Returns the sentence.
    pub(super) fn sentence(self) -> Bilingual {
        let (low, high) = (shown(self.low), shown(self.high));
        Bilingual::of(format!("{low} to {high}"), format!("取值从 {low} 到 {high}"))
    }
}

impl FormatRemark {
    /// Joins the sentences of remarks; `None` if there are none.
    pub(crate) fn all(remarks: &[Self]) -> Option<Bilingual> {
        (!remarks.is_empty()).then(|| Bilingual::joined(remarks.iter().map(Self::sentence), COMMA))
    }

    fn sentence(&self) -> Bilingual {
        use FormatRemark::*;
        let (english, chinese) = match self {
            DecimalCommas => ("decimal commas", "使用小数逗号"),
            GroupedThousands => ("thousands in groups", "带千位分隔符"),
            Percent => ("percent: 12 % is 0.12", "百分数：12 % 即 0.12"),
            SomePercent => ("some percent signs: 12 % is 0.12", "部分带百分号：12 % 即 0.12"),
            Amounts { currencies } => {
                let (english, chinese) =
                    if currencies.len() > 1 { (", not converted", "，未换算") } else { ("", "") };
                return Bilingual::of(
                    format!("amounts in {}{english}", currencies.join(", ")),
                    format!("金额单位 {}{chinese}", currencies.join("、")),
                );
            }
            Unit { unit } => return Bilingual::of(format!("in {unit}"), format!("单位为 {unit}")),
            Ambiguous { decimal_comma: true } => (
                "read with decimal commas, as the rest of the table: the column alone allows both",
                "仅凭该列无法确定写法，与表格其余部分一致，按小数逗号解读",
            ),
            Ambiguous { decimal_comma: false } => (
                "read with decimal points, as the rest of the table: the column alone allows both",
                "仅凭该列无法确定写法，与表格其余部分一致，按小数点解读",
            ),
        };
        Bilingual::of(english, chinese)
    }
}

/// Formats a number with few digits.
pub(crate) fn shown(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e12).contains(&size) {
        return format!("{value:e}");
    }
    let decimals =
        if value.fract() == 0.0 || size >= 1e6 { 0 } else { (3 - size.max(1.0).log10() as i32).max(1) as usize };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

/// Returns one remark of each kind.
#[cfg(test)]
pub(super) fn every_remark() -> Vec<FormatRemark> {
    use FormatRemark::*;
    let amounts = |names: &[&str]| Amounts { currencies: names.iter().map(|name| name.to_string()).collect() };
    vec![
        DecimalCommas,
        GroupedThousands,
        Percent,
        SomePercent,
        amounts(&["$"]),
        amounts(&["$", "€"]),
        Unit { unit: "kg".to_string() },
        Ambiguous { decimal_comma: true },
        Ambiguous { decimal_comma: false },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use keel_testkit::check_distinct;

    #[test]
    fn every_remark_has_its_own_sentence() {
        check_distinct(every_remark().iter().map(FormatRemark::sentence));
    }

    #[test]
    fn parts_are_joined_in_both_languages() {
        let range = NumberRange { low: 1.5, high: 20_000.0 };
        let format = vec![FormatRemark::DecimalCommas, FormatRemark::Percent];
        let all = NumberReason { range, format, origin: Some(1_700_000_000.0) };
        assert_eq!(
            all.sentence(),
            Bilingual::of(
                "1.5 to 20000; decimal commas, percent: 12 % is 0.12; taken from 1700000000 on, in f64",
                "取值从 1.5 到 20000；使用小数逗号，百分数：12 % 即 0.12；以 1700000000 为起点，用 f64 计算",
            )
        );
        let plain = NumberReason { range, format: Vec::new(), origin: None };
        assert_eq!(plain.sentence(), Bilingual::of("1.5 to 20000", "取值从 1.5 到 20000"));
    }
}
