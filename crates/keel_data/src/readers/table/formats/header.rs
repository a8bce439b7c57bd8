//! Detection of a header row.

use super::missing::Missing;
use super::moment::parse as moment;
use super::number::parse as number;
use crate::dataset::Grouping;
use crate::dataset::{DateOrder, NumberFormat};

/// Maximum number of rows compared with the first one.
pub(super) const ROWS: usize = 200;
/// Share of numbers above which a column is numeric.
const NUMERIC_SHARE: f64 = 0.8;

/// Decides from the first row and the rows below it.
///
/// Text above numbers is a name. Numbers above numbers are data, except for an evenly increasing run of whole numbers,
/// such as years, next to names. If all cells are text, a first row whose cells occur again below is data.
pub(super) fn is_header(first: &[String], below: &[Vec<String>]) -> bool {
    let missing = Missing { added: &[] };
    let filled: Vec<usize> = (0..first.len()).filter(|&column| !first[column].is_empty()).collect();
    let cells = |column: usize| below.iter().filter_map(move |row| row.get(column)).filter(|cell| !missing.holds(cell));
    let is_numeric = |column: usize| {
        let (numbers, all) = cells(column)
            .fold((0usize, 0usize), |(numbers, all), cell| (numbers + usize::from(is_value(cell)), all + 1));
        all > 0 && numbers as f64 >= NUMERIC_SHARE * all as f64
    };
    let numeric: Vec<usize> = filled.iter().copied().filter(|&column| is_numeric(column)).collect();
    let is_marker = |column: usize| missing.holds(&first[column]);
    let names = numeric.iter().filter(|&&column| !is_value(&first[column]) && !is_marker(column)).count();
    if below.is_empty() {
        return filled.iter().filter(|&&column| is_value(&first[column])).count() * 2 <= filled.len();
    }
    if names > 0 {
        return true;
    }
    let recurs = |column: usize| cells(column).any(|cell| *cell == first[column]);
    if !numeric.is_empty() {
        let texts: Vec<usize> =
            filled.iter().copied().filter(|column| numeric.binary_search(column).is_err()).collect();
        let are_names = !texts.is_empty() && !texts.iter().any(|&column| recurs(column));
        return numeric.len() >= 2 && counts_evenly(first, &numeric) && (are_names || filled.len() < first.len());
    }
    // Text above text: names do not occur again below, but cells of categories do.
    let recurring = filled.iter().filter(|&&column| recurs(column)).count();
    recurring == 0 && filled.iter().all(|&column| !is_value(&first[column]))
}

fn is_value(cell: &str) -> bool {
    let comma = NumberFormat { decimal_comma: true, grouping: Grouping::Point };
    number(cell, NumberFormat::PLAIN).is_some()
        || number(cell, comma).is_some()
        || moment(cell, DateOrder::DayFirst).is_some()
        || moment(cell, DateOrder::MonthFirst).is_some()
}

fn counts_evenly(first: &[String], columns: &[usize]) -> bool {
    let numbers: Option<Vec<i64>> = columns.iter().map(|&column| first[column].parse().ok()).collect();
    numbers.is_some_and(|numbers| {
        let steps: Option<Vec<i64>> = numbers.windows(2).map(|pair| pair[1].checked_sub(pair[0])).collect();
        steps.is_some_and(|steps| steps.iter().all(|step| *step != 0 && Some(step) == steps.first()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_data() {
        let cases = [
            ("a,b\n1,2", true),
            ("5.1,3.5,x\n4.9,3.0,y", false),
            ("country,2019,2020,2021\nDE,1,2,3\nFR,4,5,6", true),
            ("DE,2019,2020,2021\nDE,1,2,3\nFR,4,5,6", false),
            (",2019,2020\nDE,1,2", true),
            ("1,2,3\n4,5,6\n7,8,9", false),
            ("color,shape\nred,round\nblue,flat", true),
            ("red,round\nblue,round\nred,flat", false),
            (",a,kind\n0,1.5,x\n1,2.5,y", true),
            ("temp;wind\n1,5;2,5", true),
            ("x,y", true),
            ("1,2", false),
            ("when,n\n2024-01-01,x\n2024-01-02,y", true),
            ("?,1.5,x\n2,2.5,y", false),
            ("x,1.5,2.5\ny,1.0,2.0\nx,1.5,2.0", false),
            ("a,-9223372036854775808,9223372036854775807\nDE,1,2", false),
        ];
        for (text, expected) in cases {
            let sign = if text.contains(';') { ';' } else { ',' };
            let rows: Vec<Vec<String>> =
                text.lines().map(|line| line.split(sign).map(String::from).collect()).collect();
            assert_eq!(is_header(&rows[0], &rows[1..]), expected, "{text}");
        }
    }
}
