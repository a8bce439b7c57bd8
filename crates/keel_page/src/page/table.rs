//! Tables on a page.

use crate::charts::number;
use crate::language::{Language, Text};

/// Minimum number of columns for a table to be set in a smaller font and across both columns of a printed page.
const WIDE_TABLE: usize = 7;

/// A table: column titles, then rows of cells.
#[derive(Clone, Debug)]
pub struct Table {
    caption: Text,
    columns: Vec<Text>,
    rows: Vec<Vec<Text>>,
}

impl Table {
    /// Creates an empty table.
    pub fn new(caption: Text, columns: Vec<Text>) -> Self {
        Table { caption, columns, rows: Vec::new() }
    }

    /// Adds a row: its name, then numbers.
    pub fn row(&mut self, name: impl Into<Text>, numbers: &[f64]) {
        let cells = numbers.iter().map(|&value| Text::same(number(value)));
        self.rows.push(std::iter::once(name.into()).chain(cells).collect());
    }

    /// Adds a row of texts.
    pub fn text_row(&mut self, cells: Vec<Text>) {
        self.rows.push(cells);
    }

    /// Renders the table as HTML, in one language.
    pub(super) fn html(&self, language: Language) -> String {
        let head: String =
            self.columns.iter().map(|title| format!("<th scope=\"col\">{}</th>", title.get(language))).collect();
        let row = |row: &Vec<Text>| -> String {
            let cell = |(index, text): (usize, &Text)| match (index, text.get(language)) {
                (0, name) => format!("<th scope=\"row\">{name}</th>"),
                (_, text) => format!("<td>{text}</td>"),
            };
            let cells: String = row.iter().enumerate().map(cell).collect();
            format!("<tr>{cells}</tr>")
        };
        let rows: String = self.rows.iter().map(row).collect();
        let class = if self.columns.len() >= WIDE_TABLE { " wide" } else { "" };
        format!(
            "<div class=\"table{class}\"><table class=\"numbers\"><caption>{}</caption><thead><tr>{head}</tr></thead>\
             <tbody>{rows}</tbody></table></div>",
            self.caption.get(language)
        )
    }
}

/// Formats a number as a table cell, or a dash if there is none.
pub fn cell(value: impl Into<Option<f64>>) -> Text {
    Text::same(number(value.into().unwrap_or(f64::NAN)))
}
