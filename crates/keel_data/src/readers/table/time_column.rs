//! Date and time columns: detection, parsing and features.

use super::moment::{DAY, Moment, compact_date, parse};
use super::tally::Tally;
use crate::dataset::{DateOrder, DateOrderBasis, TimeEncoding, TimePart};
use std::collections::BTreeSet;
use std::f64::consts::TAU;

/// Share of dates among the present cells above which a column holds dates, and other cells are mistakes.
const TIME_SHARE: f64 = 0.9;
/// Minimum number of dates without separators for a column of eight-digit numbers to be read as dates.
const COMPACT_DATES: usize = 5;

/// A column that can be read as dates or times.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) order: DateOrder,
    pub(super) basis: DateOrderBasis,
}

/// Parses a cell of a date or time column.
pub(super) fn read(cell: &str, order: DateOrder) -> Option<Moment> {
    let compact = || compact_date(cell).map(|day| Moment { day: Some(day), second: None, zone: 0.0 });
    parse(cell, order).or_else(compact)
}

/// Detects a date or time column and its field order; `day_first_likely` decides if the column is ambiguous.
pub(super) fn recognise(tally: &Tally, day_first_likely: bool) -> Option<Times> {
    let total = tally.cells();
    let count = |order: DateOrder| -> usize {
        tally.present.iter().filter(|(text, _)| parse(text, order).is_some()).map(|(_, count)| count).sum()
    };
    // Trying a few cells first avoids parsing long columns of other texts.
    let trial = |(text, _): &&(_, usize)| {
        let text: &str = AsRef::<str>::as_ref(text);
        parse(text, DateOrder::DayFirst).is_some() || parse(text, DateOrder::MonthFirst).is_some()
    };
    if total == 0 || !tally.present.iter().take(100).any(|cell| trial(&cell)) {
        return None;
    }
    let (day_first, month_first) = (count(DateOrder::DayFirst), count(DateOrder::MonthFirst));
    if day_first.max(month_first) as f64 <= TIME_SHARE * total as f64 {
        return None;
    }
    let is_open = day_first == month_first
        && tally.present.iter().any(|(text, _)| parse(text, DateOrder::DayFirst) != parse(text, DateOrder::MonthFirst));
    let by_sign = || tally.present.iter().all(|(text, _)| !text.contains('/'));
    let is_day_first = if is_open { by_sign() || day_first_likely } else { day_first >= month_first };
    let order = if is_day_first { DateOrder::DayFirst } else { DateOrder::MonthFirst };
    let basis = match (is_open, day_first == month_first) {
        (true, _) => DateOrderBasis::Assumed,
        (false, false) => DateOrderBasis::Dates,
        (false, true) => DateOrderBasis::Irrelevant,
    };
    Some(Times { order, basis })
}

/// Returns true if all cells are dates without separators, such as 20240131.
pub(super) fn are_compact_dates(tally: &Tally) -> bool {
    tally.distinct() >= COMPACT_DATES && tally.present.iter().all(|(text, _)| compact_date(text).is_some())
}

/// Chooses the features of these moments: elapsed time, and every period in which they occur at more than one point.
pub(super) fn encoding(moments: &[Moment], order: DateOrder, with_elapsed: bool) -> TimeEncoding {
    let first = moments.iter().map(|moment| moment.seconds()).fold(f64::INFINITY, f64::min);
    let have_days = moments.iter().any(|moment| moment.day.is_some());
    let varies = |place: &dyn Fn(&Moment) -> i64| moments.iter().map(place).collect::<BTreeSet<_>>().len() > 1;
    let is_duration = moments.iter().any(|moment| moment.day.is_none() && moment.second.is_some_and(|s| s >= DAY));
    let mut parts = Vec::new();
    if with_elapsed {
        parts.push(TimePart::Days);
    }
    if have_days && varies(&|moment| i64::from(moment.month_and_day().0)) {
        parts.push(TimePart::Year);
    }
    if have_days && varies(&|moment| moment.weekday()) {
        parts.push(TimePart::Week);
    }
    if !is_duration && varies(&|moment| (moment.second.unwrap_or(0.0) / 3_600.0) as i64) {
        parts.push(TimePart::Day);
    }
    let origin = if first.is_finite() && have_days { (first / DAY).floor() * DAY } else { 0.0 };
    TimeEncoding { order, origin, parts }
}

/// Appends the features of one cell; NaN if it is missing.
pub(super) fn append_features(moment: Option<Moment>, encoding: &TimeEncoding, values: &mut Vec<f32>) {
    for part in &encoding.parts {
        let Some(moment) = moment else {
            values.extend(std::iter::repeat_n(f32::NAN, part.features()));
            continue;
        };
        let turn = match part {
            TimePart::Days => {
                values.push(((moment.seconds() - encoding.origin) / DAY) as f32);
                continue;
            }
            TimePart::Year => {
                let (month, day) = moment.month_and_day();
                (f64::from(month - 1) + f64::from(day - 1) / 31.0) / 12.0
            }
            TimePart::Week => moment.weekday() as f64 / 7.0,
            TimePart::Day => moment.second.unwrap_or(0.0) / DAY,
        };
        values.extend([(turn * TAU).sin() as f32, (turn * TAU).cos() as f32]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::missing::Missing;
    use super::super::raw::{Cells, TextCells};
    use super::*;

    fn times(cells: &[&str], day_first_likely: bool) -> Option<Times> {
        let mut text = TextCells::default();
        cells.iter().for_each(|cell| text.push(cell));
        let cells = Cells::Text(text);
        let rows: Vec<usize> = (0..cells.len()).collect();
        recognise(&Tally::new(&cells, &rows, Missing { added: &[] }), day_first_likely)
    }

    #[test]
    fn the_order_is_the_columns() {
        let cases: [(&[&str], bool, DateOrder, DateOrderBasis); 6] = [
            (&["31/01/2024", "01/02/2024"], false, DateOrder::DayFirst, DateOrderBasis::Dates),
            (&["01/31/2024", "01/02/2024"], true, DateOrder::MonthFirst, DateOrderBasis::Dates),
            (&["01/02/2024"], false, DateOrder::MonthFirst, DateOrderBasis::Assumed),
            (&["01/02/2024"], true, DateOrder::DayFirst, DateOrderBasis::Assumed),
            (&["01.02.2024"], false, DateOrder::DayFirst, DateOrderBasis::Assumed),
            (&["2024-01-02", "12:30"], false, DateOrder::DayFirst, DateOrderBasis::Irrelevant),
        ];
        for (cells, likely, order, basis) in cases {
            let found = times(cells, likely).unwrap();
            assert_eq!((found.order, found.basis), (order, basis), "{cells:?}");
        }
        assert!(times(&["2024-01-02", "soon"], false).is_none());
        assert!(times(&["soon"], false).is_none());
    }

    #[test]
    fn periods_become_features_where_they_vary() {
        let moments = |cells: &[&str]| -> Vec<Moment> {
            cells.iter().map(|cell| read(cell, DateOrder::DayFirst).unwrap()).collect()
        };
        let parts = |cells: &[&str]| encoding(&moments(cells), DateOrder::DayFirst, true).parts;
        assert_eq!(parts(&["2024-01-01", "2025-01-01"]), [TimePart::Days, TimePart::Week]);
        assert_eq!(parts(&["2024-01-01", "2024-02-05"]), [TimePart::Days, TimePart::Year]);
        assert_eq!(parts(&["12:00", "13:00"]), [TimePart::Days, TimePart::Day]);
        assert_eq!(parts(&["12:00:00", "36:00:00"]), [TimePart::Days]);
        let cells = moments(&["2024-01-01T06:00", "2024-01-02T12:00"]);
        let encoding = encoding(&cells, DateOrder::DayFirst, true);
        let mut values = Vec::new();
        append_features(Some(cells[1]), &encoding, &mut values);
        assert_eq!(values[0], 1.5);
        let turn = TAU / 7.0;
        assert!((f64::from(values[1]) - turn.sin()).abs() < 1e-6 && (f64::from(values[2]) - turn.cos()).abs() < 1e-6);
        assert!((values[4] + 1.0).abs() < 1e-6, "noon is half a turn: {values:?}");
        append_features(None, &encoding, &mut values);
        assert!(values[5..].iter().all(|value| value.is_nan()) && values.len() == 10);
    }
}
