//! Tables on a page.

use maud::{Markup, PreEscaped, html};

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
    pub(super) fn html(&self, language: Language) -> Markup {
        let shown = |text: &Text| PreEscaped(text.get(language).to_owned());
        let wide = if self.columns.len() >= WIDE_TABLE { " wide" } else { "" };
        html! {
            div class={ "table" (wide) } {
                table class="numbers" {
                    caption { (shown(&self.caption)) }
                    thead { tr { @for title in &self.columns { th scope="col" { (shown(title)) } } } }
                    tbody {
                        @for row in &self.rows {
                            tr {
                                @if let [name, cells @ ..] = &row[..] {
                                    th scope="row" { (shown(name)) }
                                    @for text in cells { td { (shown(text)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Formats a number as a table cell, or a dash if there is none.
pub fn cell(value: impl Into<Option<f64>>) -> Text {
    Text::same(number(value.into().unwrap_or(f64::NAN)))
}
