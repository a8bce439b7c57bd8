//! Detection of the decimal and thousands separators of a column as a whole.

use super::number::{amount, parse};
use super::tally::Tally;
use crate::dataset::{FormatRemark, Grouping, NumberFormat};
use std::collections::BTreeSet;

/// Share of numbers among the present cells above which a column is numeric, and other cells are mistakes.
const NUMERIC_SHARE: f64 = 0.9;
/// Minimum number of distinct numbers in a column for one or two repeated texts to mean missing numbers.
const NUMBERS_BESIDE_TEXTS: usize = 20;
/// Number of distinct cells after which a format that parses none of them is abandoned.
const TRIAL: usize = 1_000;
/// Maximum number of currencies that are named.
const CURRENCIES: usize = 4;

const FORMATS: [NumberFormat; 8] = {
    const fn format(decimal_comma: bool, grouping: Grouping) -> NumberFormat {
        NumberFormat { decimal_comma, grouping }
    }
    [
        NumberFormat::PLAIN,
        format(false, Grouping::Comma),
        format(false, Grouping::Space),
        format(false, Grouping::Apostrophe),
        format(true, Grouping::None),
        format(true, Grouping::Point),
        format(true, Grouping::Space),
        format(true, Grouping::Apostrophe),
    ]
};

/// The formats that parse the most cells of a column, in the order of [`FORMATS`].
#[derive(Debug)]
pub(super) struct Fitting {
    formats: Vec<NumberFormat>,
    /// Texts that are not numbers.
    pub(super) strays: Vec<String>,
    /// Number of cells that are not numbers.
    pub(super) stray_cells: usize,
}

/// A column's format, with remarks on how its numbers are written.
#[derive(Debug, PartialEq)]
pub(super) struct Settled {
    pub(super) format: NumberFormat,
    /// Remarks on the format; empty for plain numbers.
    pub(super) remarks: Vec<FormatRemark>,
}

/// Returns the formats a column can be parsed in, or `None` if it does not hold numbers.
pub(super) fn fitting(tally: &Tally) -> Option<Fitting> {
    let total = tally.cells();
    most_fitting(tally).filter(|found| {
        let (numbers, different_numbers) = (total - found.stray_cells, tally.distinct() - found.strays.len());
        let is_numeric = numbers as f64 > NUMERIC_SHARE * total as f64;
        let has_words = found.strays.len() <= 2 && numbers * 2 >= total && different_numbers > NUMBERS_BESIDE_TEXTS;
        is_numeric || has_words
    })
}

/// Returns the formats in which most cells of a column are numbers, or `None` if no cell is a number.
pub(super) fn most_fitting(tally: &Tally) -> Option<Fitting> {
    let total = tally.cells();
    let reads = |text: &str, format: NumberFormat| parse(text, format).is_some();
    let numbers = |format: NumberFormat| -> usize {
        if tally.present.len() > TRIAL && !tally.present.iter().take(TRIAL).any(|(text, _)| reads(text, format)) {
            return 0;
        }
        tally.present.iter().filter(|(text, _)| reads(text, format)).map(|(_, count)| count).sum()
    };
    let plain = numbers(NumberFormat::PLAIN);
    let reads_all = |format: NumberFormat| tally.present.iter().all(|(text, _)| reads(text, format));
    let has_points = tally.present.iter().any(|(text, _)| text.contains('.'));
    let count = |format: &NumberFormat| match (plain == total, has_points, format.grouping) {
        // Whole numbers without signs parse in every format; those without grouping stand for all.
        (true, false, Grouping::None) => plain,
        (true, false, _) => 0,
        // Another format matters only if it also parses all cells.
        (true, true, _) => {
            if reads_all(*format) {
                plain
            } else {
                0
            }
        }
        (false, ..) => numbers(*format),
    };
    let counts: Vec<usize> = FORMATS.iter().map(count).collect();
    let most = counts.iter().copied().max().filter(|&most| most > 0)?;
    let formats: Vec<NumberFormat> =
        FORMATS.iter().zip(&counts).filter(|(_, count)| **count == most).map(|(format, _)| *format).collect();
    let is_number = |text: &str| parse(text, formats[0]).is_some();
    let strays: Vec<String> =
        tally.present.iter().filter(|(text, _)| !is_number(text)).map(|(text, _)| text.to_string()).collect();
    Some(Fitting { formats, strays, stray_cells: total - most })
}

impl Fitting {
    /// Returns the decimal separator this column suggests for the table, if any: true for a comma, false for a point.
    pub(super) fn decimal_comma(&self, tally: &Tally) -> Option<bool> {
        let commas = self.formats.iter().filter(|format| format.decimal_comma).count();
        if commas == self.formats.len() {
            return Some(true);
        }
        let has_sign = || tally.present.iter().any(|(text, _)| text.contains(['.', ',']));
        (commas == 0 && has_sign()).then_some(false)
    }

    /// Chooses the format, using the decimal separator of the table if it is ambiguous.
    pub(super) fn settle(&self, tally: &Tally, table_has_commas: bool) -> Settled {
        let preferred = self.formats.iter().find(|format| format.decimal_comma == table_has_commas);
        let format = *preferred.unwrap_or(&self.formats[0]);
        let was_open = self.formats.iter().any(|other| self.differs(tally, format, *other));
        let mut remarks = Vec::new();
        if format.decimal_comma && tally.present.iter().any(|(text, _)| text.contains(',')) {
            remarks.push(FormatRemark::DecimalCommas);
        }
        // Numbers written by programs have no signs to report.
        let signed = tally.present.iter().filter(|(text, _)| text.parse::<f64>().is_err());
        let amounts: Vec<_> = signed.filter_map(|(text, _)| amount(text, format)).collect();
        if amounts.iter().any(|amount| amount.grouped) {
            remarks.push(FormatRemark::GroupedThousands);
        }
        let percent = amounts.iter().filter(|amount| amount.percent).count();
        match percent {
            0 => {}
            all if all + self.strays.len() == tally.distinct() => remarks.push(FormatRemark::Percent),
            _ => remarks.push(FormatRemark::SomePercent),
        }
        let currencies: BTreeSet<&str> = amounts.iter().filter_map(|amount| amount.currency).collect();
        if !currencies.is_empty() {
            let currencies = currencies.into_iter().take(CURRENCIES).map(str::to_string).collect();
            remarks.push(FormatRemark::Amounts { currencies });
        }
        if was_open {
            remarks.push(FormatRemark::Ambiguous { decimal_comma: table_has_commas });
        }
        Settled { format, remarks }
    }

    /// Returns true if two formats parse any cell to different numbers.
    fn differs(&self, tally: &Tally, one: NumberFormat, other: NumberFormat) -> bool {
        one != other && tally.present.iter().any(|(text, _)| parse(text, one) != parse(text, other))
    }
}

#[cfg(test)]
mod tests {
    use super::super::missing::Missing;
    use super::super::raw::{Cells, TextCells};
    use super::*;

    fn column(cells: &[&str]) -> Cells {
        let mut text = TextCells::default();
        cells.iter().for_each(|cell| text.push(cell));
        Cells::Text(text)
    }

    fn settled(cells: &[&str], table_has_commas: bool) -> Option<(Settled, Option<bool>)> {
        let column = column(cells);
        let rows: Vec<usize> = (0..cells.len()).collect();
        let tally = Tally::new(&column, &rows, Missing { added: &[] });
        let fitting = fitting(&tally)?;
        Some((fitting.settle(&tally, table_has_commas), fitting.decimal_comma(&tally)))
    }

    #[test]
    fn the_column_decides_and_the_table_where_it_cannot() {
        let comma = |grouping| NumberFormat { decimal_comma: true, grouping };
        let point = |grouping| NumberFormat { decimal_comma: false, grouping };
        let cases: [(&[&str], bool, NumberFormat, Option<bool>); 11] = [
            (&["1", "2"], true, comma(Grouping::None), None),
            (&["1.5", "2"], true, NumberFormat::PLAIN, Some(false)),
            (&["1,5", "2"], false, comma(Grouping::None), Some(true)),
            (&["1,234", "2,345"], false, point(Grouping::Comma), None),
            (&["1,234", "2,345"], true, comma(Grouping::None), None),
            (&["1,234", "0,345"], false, comma(Grouping::None), Some(true)),
            (&["1.234", "2.345"], false, NumberFormat::PLAIN, None),
            (&["1.234", "2.345"], true, comma(Grouping::Point), None),
            (&["1.234.567", "2.345"], false, comma(Grouping::Point), Some(true)),
            (&["1,234,567", "2.5"], true, point(Grouping::Comma), Some(false)),
            (&["1 234,5", "2,5"], false, comma(Grouping::Space), Some(true)),
        ];
        for (cells, table, expected, says) in cases {
            let (settled, found) = settled(cells, table).unwrap();
            assert_eq!((settled.format, found), (expected, says), "{cells:?} {settled:?}");
        }
        let remarks = |cells: &[&str], table_has_commas| settled(cells, table_has_commas).unwrap().0.remarks;
        assert_eq!(
            remarks(&["1,234", "2,345"], false),
            [FormatRemark::GroupedThousands, FormatRemark::Ambiguous { decimal_comma: false }]
        );
        assert_eq!(
            remarks(&["1,234", "2,345"], true),
            [FormatRemark::DecimalCommas, FormatRemark::Ambiguous { decimal_comma: true }]
        );
        assert_eq!(remarks(&["1,5"], true), [FormatRemark::DecimalCommas]);
    }

    #[test]
    fn columns_of_texts_are_none() {
        for cells in [&["a", "b"][..], &["1", "x"], &["2024-01-31", "2024-02-01"], &["31.01.2024"], &[]] {
            assert!(settled(cells, false).is_none(), "{cells:?}");
        }
        let mut cells: Vec<String> = (0..30).map(|number| format!("{number}.5")).collect();
        cells.extend(std::iter::repeat_n("unknown".to_string(), 20));
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let column = column(&cells);
        let rows: Vec<usize> = (0..cells.len()).collect();
        let found = fitting(&Tally::new(&column, &rows, Missing { added: &[] })).unwrap();
        assert_eq!((found.strays, found.stray_cells), (vec!["unknown".to_string()], 20));
    }

    #[test]
    fn signs_are_said() {
        let says = |cells: &[&str]| {
            let remarks = settled(cells, false).unwrap().0.remarks;
            FormatRemark::all(&remarks).map(|remarks| remarks.english).unwrap_or_default()
        };
        assert_eq!(says(&["12 %", "7%"]), "percent: 12 % is 0.12");
        assert_eq!(says(&["$1,200.50", "$3"]), "thousands in groups, amounts in $");
        assert_eq!(says(&["$12", "€3"]), "amounts in $, €, not converted");
        assert_eq!(says(&["1", "2"]), "");
    }
}
