//! Reason for the use of a column of dates or times, and of the column of `data.time`.

use serde::{Deserialize, Serialize};

use crate::dataset::{Bilingual, DateOrder, TimePart};

/// Dates or times of a column, and their use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TimeReason {
    /// Column of `data.time`, a number.
    OrdersRows,
    /// Column of `data.time` without features, because no period varies.
    OrdersRowsOnly,
    /// Column of `data.time` with features of its periods.
    OrdersRowsWithPeriods,
    /// Any other column.
    Features {
        /// Order of day and month.
        order: DateOrder,
        /// Basis of the order.
        basis: DateOrderBasis,
        /// The features.
        parts: Vec<TimePart>,
    },
}

/// Basis of the order of day and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DateOrderBasis {
    /// None, because both orders give the same dates.
    Irrelevant,
    /// Dates that allow only one order.
    Dates,
    /// Assumption, because the dates allow both orders.
    Assumed,
}

impl TimeReason {
    /// Returns the sentence.
    pub(super) fn sentence(&self) -> Bilingual {
        let (english, chinese) = match self {
            Self::OrdersRows => ("orders the rows (data.time)", "决定各行的先后顺序（data.time）"),
            Self::OrdersRowsOnly => (
                "orders the rows (data.time); nothing else in it varies",
                "决定各行的先后顺序（data.time）；除此之外没有变化",
            ),
            Self::OrdersRowsWithPeriods => {
                ("orders the rows (data.time): periods only", "决定各行的先后顺序（data.time）：只使用周期特征")
            }
            Self::Features { order, basis, parts } => {
                let parts = Bilingual::joined(parts.iter().map(|part| part_name(*part)), [", ", "、"]);
                return Bilingual::joined([basis.sentence(*order), parts], [": ", "："]);
            }
        };
        Bilingual::of(english, chinese)
    }
}

impl DateOrderBasis {
    fn sentence(self, order: DateOrder) -> Bilingual {
        let (english, chinese) = match order {
            DateOrder::DayFirst => ("read with the day first", "按“日/月”顺序解读"),
            DateOrder::MonthFirst => ("read with the month first", "按“月/日”顺序解读"),
        };
        match self {
            Self::Irrelevant => Bilingual::of("dates or times", "日期或时间"),
            Self::Dates => Bilingual::of(english, chinese),
            Self::Assumed => {
                Bilingual::of(format!("{english}: the dates allow both"), format!("{chinese}（两种顺序均符合）"))
            }
        }
    }
}

fn part_name(part: TimePart) -> Bilingual {
    let (english, chinese) = match part {
        TimePart::Days => ("elapsed days", "经过的天数"),
        TimePart::Year => ("month", "月份"),
        TimePart::Week => ("weekday", "星期"),
        TimePart::Day => ("hour", "小时"),
    };
    Bilingual::of(english, chinese)
}

/// Returns one reason of each kind.
#[cfg(test)]
pub(super) fn every() -> Vec<TimeReason> {
    use DateOrderBasis::*;
    let features = |order, basis, parts: &[TimePart]| TimeReason::Features { order, basis, parts: parts.to_vec() };
    let (day, month) = (DateOrder::DayFirst, DateOrder::MonthFirst);
    vec![
        TimeReason::OrdersRows,
        TimeReason::OrdersRowsOnly,
        TimeReason::OrdersRowsWithPeriods,
        features(day, Irrelevant, &[TimePart::Days]),
        features(day, Irrelevant, &[TimePart::Year]),
        features(day, Irrelevant, &[TimePart::Week]),
        features(day, Irrelevant, &[TimePart::Day]),
        features(day, Dates, &[TimePart::Days, TimePart::Year]),
        features(month, Dates, &[TimePart::Days, TimePart::Year]),
        features(day, Assumed, &[TimePart::Days, TimePart::Year]),
        features(month, Assumed, &[TimePart::Days, TimePart::Year]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_in_both_languages() {
        let reason = every().pop().unwrap().sentence();
        let expected = Bilingual::of(
            "read with the month first: the dates allow both: elapsed days, month",
            "按“月/日”顺序解读（两种顺序均符合）：经过的天数、月份",
        );
        assert_eq!(reason, expected);
    }
}
