//! Detection of a header row.

use super::missing::Missing;
use super::moment::parse as moment;
use super::number::parse as number;
use crate::dataset::Grouping;
use crate::dataset::{DateOrder, NumberFormat};

/// Maximum number of rows compared with the first one.
pub(super) const ROWS: usize = 200;
/// Minimum number of rows below for rules that a few rows may satisfy by chance.
const ROWS_TO_JUDGE: usize = 10;
/// Minimum number of columns for a row 0, 1, 2, ... to be names whatever is below.
const COLUMNS_TO_COUNT: usize = 5;
/// Share of numbers above which a column is numeric.
const NUMERIC_SHARE: f64 = 0.8;

/// Decides from the first row and the rows below it.
///
/// Text above numbers is a name. Numbers above numbers are data, except for an evenly increasing run of whole numbers,
/// such as years, next to names, and for the numbers of the columns, as pandas writes them. If all cells are text, a first
/// row whose cells occur again below is data, unless whole copies of the row do: a header that was repeated.
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
    // A date above numbers is a name as well: one column for each month.
    let is_name = |column: usize| {
        let is_above_numbers = || {
            let (all, numbers) = (cells(column).count(), cells(column).filter(|cell| is_number(cell)).count());
            numbers as f64 >= NUMERIC_SHARE * all as f64
        };
        !is_number(&first[column]) && !is_marker(column) && (!is_moment(&first[column]) || is_above_numbers())
    };
    let names = numeric.iter().filter(|&&column| is_name(column)).count();
    if below.is_empty() {
        return filled.iter().filter(|&&column| is_value(&first[column])).count() * 2 <= filled.len();
    }
    if names > 0 || numbers_columns(first, below) {
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
    (recurring == 0 || is_repeated(first, below)) && filled.iter().all(|&column| !is_value(&first[column]))
}

/// Returns true if a row below the header has the units of its columns, such as "[m/s]", where all other rows have numbers.
pub(super) fn holds_units(row: &[String], below: &[&[String]]) -> bool {
    let missing = Missing { added: &[] };
    let in_brackets = |cell: &str| {
        [('[', ']'), ('(', ')')].iter().any(|&(open, close)| cell.starts_with(open) && cell.ends_with(close))
    };
    let (mut units, mut bracketed) = (0, 0);
    for (column, cell) in row.iter().enumerate() {
        if missing.holds(cell) {
            continue;
        }
        let cells = || below.iter().filter_map(|row| row.get(column)).filter(|cell| !missing.holds(cell));
        if is_value(cell) || cells().any(|other| other == cell) {
            return false;
        }
        let (all, numbers) = (cells().count(), cells().filter(|cell| is_number(cell)).count());
        let is_numeric = all > 0 && numbers as f64 >= NUMERIC_SHARE * all as f64;
        units += usize::from(is_numeric);
        bracketed += usize::from(is_numeric && in_brackets(cell));
    }
    bracketed > 0 && bracketed == units || units >= 2 && below.len() >= ROWS_TO_JUDGE
}

/// Returns true for the numbers of the columns, 0, 1, 2, ..., as pandas names columns without names. Few of them can also be
/// data, unless a column has no whole numbers below, or texts.
fn numbers_columns(first: &[String], below: &[Vec<String>]) -> bool {
    let are_numbered = first.iter().enumerate().all(|(column, cell)| *cell == column.to_string());
    let continues = below.iter().zip(1..).take(2).all(|(row, next): (_, usize)| row.first() == Some(&next.to_string()));
    if first.len() < 2 || !are_numbered || continues {
        return false;
    }
    let differs = |column: usize| {
        let missing = Missing { added: &[] };
        let mut cells = below.iter().filter_map(|row| row.get(column)).filter(|cell| !missing.holds(cell)).peekable();
        below.len() >= ROWS_TO_JUDGE && cells.peek().is_some() && cells.all(|cell| cell.parse::<i64>().is_err())
    };
    first.len() >= COLUMNS_TO_COUNT || (0..first.len()).any(differs)
}

/// Returns true if the first row occurs again below as a whole, but rarely, and none of its cells occurs elsewhere.
fn is_repeated(first: &[String], below: &[Vec<String>]) -> bool {
    let copies = below.iter().filter(|row| *row == first).count();
    let count = |column: usize| below.iter().filter(|row| row.get(column) == Some(&first[column])).count();
    first.len() >= 2 && copies * ROWS_TO_JUDGE <= below.len() && (0..first.len()).all(|column| count(column) == copies)
}

fn is_value(cell: &str) -> bool {
    is_number(cell) || is_moment(cell)
}

fn is_number(cell: &str) -> bool {
    let comma = NumberFormat { decimal_comma: true, grouping: Grouping::Point };
    number(cell, NumberFormat::PLAIN).is_some() || number(cell, comma).is_some()
}

fn is_moment(cell: &str) -> bool {
    moment(cell, DateOrder::DayFirst).is_some() || moment(cell, DateOrder::MonthFirst).is_some()
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

    fn rows(text: &str) -> Vec<Vec<String>> {
        let sign = if text.contains(';') { ';' } else { ',' };
        text.lines().map(|line| line.split(sign).map(String::from).collect()).collect()
    }

    #[test]
    fn names_are_told_from_data() {
        let decimals = format!("0,1,2{}", "\n0.5,1.25,1".repeat(12));
        let wholes = format!("0,1,2{}", "\n5,7,1".repeat(12));
        let counted: String = (0..12).map(|row| format!("{row},1.5,0.25,7.5,2\n")).collect();
        let cosine = format!("0,1\n0.5,0.8776\n1,0.5403{}", "\n1.5,0.0707".repeat(12));
        let repeated = |copies: usize| {
            format!("color,shape\n{}{}", "red,round\nblue,flat\n".repeat(10), "color,shape\n".repeat(copies))
        };
        let cases = [
            (decimals.as_str(), true),
            (wholes.as_str(), false),
            (counted.as_str(), false),
            (&format!("0,1,2,3,4\n{counted}"), true),
            ("0,1,2,3,4\n1,5,5,5,5\n2,6,6,6,6", false),
            (cosine.as_str(), true),
            ("0,1\n0.5,0.25", false),
            ("0,1,2\n0.5,1.5,yes\n0.25,2.5,no", true),
            (&repeated(1), true),
            (&repeated(9), false),
            (&format!("{}red,flat", "red,round\nblue,flat\n".repeat(10)), false),
            ("a,b\n1,2", true),
            ("5.1,3.5,x\n4.9,3.0,y", false),
            ("region,2000-01,2000-02\nDE,1.5,2\nFR,4,5", true),
            ("2000-01,1.5\n2000-02,2.5", false),
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
            let rows = rows(text);
            assert_eq!(is_header(&rows[0], &rows[1..]), expected, "{text}");
        }
    }
    #[test]
    fn rows_of_units_are_found() {
        let ten = "1.5,2,red\n".repeat(10);
        let cases = [
            ("[degC],[m/s],[-]\n1.5,2,red", true),
            ("(cm),,\n1.5,2,red", true),
            (&format!("kg,cm,\n{ten}"), true),
            ("kg,cm,\n1.5,2,red", false),
            (&format!("kg,2,\n{ten}"), false),
            (&format!("unknown,,\n{ten}"), false),
            (&format!("n.d.,n.d.,blue\nn.d.,1,red\n{ten}"), false),
            (&format!("(3),(4),red\n{ten}"), false),
            (&format!("NA,NA,blue\n{ten}"), false),
        ];
        for (text, expected) in cases {
            let rows = rows(text);
            let below: Vec<&[String]> = rows[1..].iter().map(Vec::as_slice).collect();
            assert_eq!(holds_units(&rows[0], &below), expected, "{text}");
        }
    }
}
