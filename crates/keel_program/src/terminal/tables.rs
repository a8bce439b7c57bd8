//! Tables without frames: a header, a line below it, and columns separated by two spaces.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width};

use super::text::{TABLE_WIDTH, shortened, terminal_width};

/// A line between the header and the rows, and no others.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('-'));

/// Number of spaces between two columns.
const PADDING: usize = 2;

/// Maximum number of characters of a word that is not broken if the table fits the terminal.
const WHOLE_WORD: usize = 20;

/// Maximum number of characters of a word that is never broken.
const SHORT_WORD: usize = 8;

/// Maximum number of characters of a cell, in the first column and the others, for which [`fitting_tables`] makes space.
const SHORTENED: [usize; 2] = [24, 12];

/// Alignment of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Left-aligned, for text.
    Left,
    /// Right-aligned, for numbers.
    Right,
}

/// Formats a table with the given columns. On a terminal that is too narrow for it, text is broken into several lines; numbers
/// stay whole, and so do words where there is enough space.
pub(crate) fn table(columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    if terminal_width().is_none() {
        table.force_no_tty();
    }
    text_of(table, columns, rows)
}

/// Formats a table like [`table`], at most `width` columns wide.
pub(crate) fn table_within(width: usize, columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    text_of(table, columns, rows)
}

/// Formats a table that fits the terminal, or [`TABLE_WIDTH`] without one. Long cells are shortened in the middle; columns that
/// would be too narrow follow in further tables, which begin with the first column again.
pub(crate) fn fitting_tables(columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    fitting_within(terminal_width().unwrap_or(TABLE_WIDTH), columns, rows)
}

fn fitting_within(width: usize, columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let cells = |index: usize| rows.iter().map(move |row| row[index].as_str()).chain([columns[index].0]);
    let wide = |index: usize| cells(index).map(textwrap::core::display_width).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(wide).collect();
    let formatted = |part: &Vec<usize>| {
        let limits = limits(width, &widths, part);
        let fitted = |text: &str, place: usize| shortened(text, limits[place]);
        let titles: Vec<String> =
            part.iter().enumerate().map(|(place, &index)| fitted(columns[index].0, place)).collect();
        let columns: Vec<(&str, Align)> =
            titles.iter().zip(part).map(|(title, &index)| (title.as_str(), columns[index].1)).collect();
        let row =
            |row: &Vec<String>| part.iter().enumerate().map(|(place, &index)| fitted(&row[index], place)).collect();
        table_within(width, &columns, &rows.iter().map(row).collect::<Vec<_>>())
    };
    parts(width, &widths).iter().map(formatted).collect::<Vec<_>>().join("\n\n")
}

/// Returns the columns of each table: the first one, and others as long as all have the space of [`SHORTENED`].
fn parts(width: usize, widths: &[usize]) -> Vec<Vec<usize>> {
    let [first, other] = SHORTENED;
    let mut parts: Vec<Vec<usize>> = Vec::new();
    let mut used = 0;
    for (index, wide) in widths.iter().enumerate().skip(1) {
        let needed = wide.min(&other) + PADDING;
        match parts.last_mut().filter(|_| used + needed <= width) {
            Some(part) => part.push(index),
            None => {
                parts.push(vec![0, index]);
                used = widths[0].min(first) + PADDING;
            }
        }
        used += needed;
    }
    parts
}

/// Returns the width of each column of `part`: the same maximum for all, but at least that of [`SHORTENED`] for the first one.
fn limits(width: usize, widths: &[usize], part: &[usize]) -> Vec<usize> {
    let most = |limit: usize| {
        let limit_of = move |index: usize| if index == 0 { limit.max(SHORTENED[0]) } else { limit };
        part.iter().map(|&index| widths[index].min(limit_of(index))).collect::<Vec<_>>()
    };
    let fits = |widths: &Vec<usize>| widths.iter().map(|wide| wide + PADDING).sum::<usize>() <= width;
    (1..=width).rev().map(most).find(fits).unwrap_or_else(|| most(1))
}

/// Returns the minimum width at which no word or number of the table is broken.
pub(crate) fn least_width(columns: &[(&str, Align)], rows: &[Vec<String>]) -> usize {
    (0..columns.len()).map(|index| longest(index, columns, rows) + PADDING).sum()
}

/// Returns the number of characters of the longest word of a column of text, or cell of a column of numbers.
fn longest(index: usize, columns: &[(&str, Align)], rows: &[Vec<String>]) -> usize {
    let Some(&(name, align)) = columns.get(index) else { return 0 };
    let length = |cell: &str| match align {
        Align::Left => cell.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0),
        Align::Right => cell.chars().count(),
    };
    let cells = rows.iter().filter_map(|row| row.get(index)).map(String::as_str);
    cells.chain([name]).map(length).max().unwrap_or(0)
}

/// Returns the width at which no number is broken and no word of up to [`WHOLE_WORD`] characters.
fn wanted_width(columns: &[(&str, Align)], rows: &[Vec<String>]) -> usize {
    let width = |(index, (_, align)): (usize, &(&str, Align))| match align {
        Align::Left => longest(index, columns, rows).min(WHOLE_WORD) + PADDING,
        Align::Right => longest(index, columns, rows) + PADDING,
    };
    columns.iter().enumerate().map(width).sum()
}

fn text_of(mut table: Table, columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns.iter().map(|(name, _)| *name));
    table.add_rows(rows);
    let width = table.width().map_or(usize::MAX, usize::from);
    let mut excess = wanted_width(columns, rows).saturating_sub(width);
    for (index, (_, align)) in columns.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, PADDING as u16));
            if *align == Align::Right {
                column.set_cell_alignment(CellAlignment::Right);
                column.set_constraint(ColumnConstraint::ContentWidth);
            } else {
                let whole = longest(index, columns, rows).min(WHOLE_WORD);
                let missing = excess.min(whole.saturating_sub(SHORT_WORD));
                excess -= missing;
                let least = (whole - missing + PADDING) as u16;
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
            }
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_gives_way_on_a_narrow_terminal_and_numbers_do_not() {
        let columns = [("layer", Align::Left), ("parameters", Align::Right)];
        let rows = [vec!["conv2d_1 + batch_norm_1 + activation_1".to_owned(), "1,234,567,890".to_owned()]];
        let narrow = |width: u16| {
            let mut table = Table::new();
            table.set_width(width);
            text_of(table, &columns, &rows)
        };
        assert_eq!(narrow(80).lines().count(), 3, "{}", narrow(80));
        let text = narrow(40);
        assert!(text.lines().count() > 3 && text.lines().all(|line| line.chars().count() <= 40), "{text}");
        assert!(text.contains("1,234,567,890"), "{text}");
    }

    #[test]
    fn long_cells_are_shortened_and_columns_without_space_follow_below() {
        let names = [
            "first",
            "a-run-with-a-name-of-more-than-thirty-letters-1",
            "a-run-with-a-name-of-more-than-thirty-letters-2",
        ];
        let tables = |names: &[&str], key: &str| {
            let columns: Vec<(&str, Align)> =
                [("", Align::Left)].into_iter().chain(names.iter().map(|name| (*name, Align::Right))).collect();
            let row =
                |title: &str| [title].into_iter().chain(names.iter().map(|_| "12,345.67")).map(str::to_owned).collect();
            let text = fitting_within(80, &columns, &[row(key), row("test accuracy")]);
            assert!(text.lines().all(|line| textwrap::core::display_width(line) <= 80), "{text}");
            assert_eq!(text.matches("12,345.67").count(), 2 * names.len(), "{text}");
            text
        };
        assert_eq!(tables(&names[..1], "seed").lines().count(), 4);
        let text = tables(&names, "model.layers.12.layers.3.initializer.distribution");
        for expected in ["first", "…letters-1", "…letters-2", "model.layer", "stribution"] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert_eq!(text.matches("test accuracy").count(), 1, "{text}");
        let many = tables(&[names[1]; 9], "seed");
        assert_eq!(many.matches("test accuracy").count(), 3, "{many}");
    }

    #[test]
    fn words_stay_whole_beside_numbers_that_leave_no_space() {
        let columns = [("measure", Align::Left), ("of the first run", Align::Right), ("outcome", Align::Left)];
        let rows = [vec!["training loss".to_owned(), "1,234,567,890".to_owned(), "did not help".to_owned()]];
        for width in [20, 30, 40] {
            let text = table_within(width, &columns, &rows);
            let words: Vec<&str> = text.split_whitespace().collect();
            assert!(["measure", "training", "outcome", "help"].iter().all(|word| words.contains(word)), "{text}");
        }
    }
}
