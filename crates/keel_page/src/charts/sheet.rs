//! Grid of histograms with numbers below each: one row per setting, one column per layer.

use std::fmt::Write;

use maud::{Markup, html};

use super::frame::series_class;
use super::palette::Named;
use crate::histogram::Histogram;
use crate::language::{Language, Text};

/// Size in drawing units; the drawing is stretched to the width of its cell.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 100.0;

/// Grid of histograms, each scaled to its own tallest bin.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    rows: Vec<SheetRow>,
}

/// Histograms of one setting.
#[derive(Clone, Debug)]
pub struct SheetRow {
    /// Name of the setting.
    pub name: Text,
    /// Remark next to the name.
    pub note: Text,
    /// Index of the series whose colour the setting has.
    pub colour: usize,
    /// One cell per layer.
    pub cells: Vec<SheetCell>,
}

/// One histogram with its numbers.
#[derive(Clone, Debug)]
pub struct SheetCell {
    /// Title.
    pub title: Text,
    /// Text description of the drawing.
    pub description: Text,
    /// The drawing.
    pub histogram: Histogram,
    /// Names and values below the drawing.
    pub lines: Vec<(Text, String)>,
}

impl Sheet {
    /// Creates a sheet of these rows.
    pub fn new(rows: Vec<SheetRow>) -> Self {
        Sheet { rows }
    }

    /// Returns the rows as palette entries.
    pub fn named(&self) -> Vec<Named<'_>> {
        self.rows.iter().map(|row| Named { name: row.name.get(Language::English), given: Some(row.colour) }).collect()
    }

    /// Renders all rows as HTML.
    pub fn html(&self, language: Language) -> Markup {
        html! { div class="sheet" { @for row in &self.rows { (row.html(language)) } } }
    }
}

impl SheetRow {
    fn html(&self, language: Language) -> Markup {
        let class = series_class(self.colour);
        html! {
            div class="sheet-row" {
                p class="sheet-name" {
                    i class=(class) {}
                    b { (self.name.get(language)) }
                    " "
                    span { (self.note.get(language)) }
                }
                div class="sheet-cells" { @for cell in &self.cells { (cell.html(&class, language)) } }
            }
        }
    }
}

impl SheetCell {
    fn html(&self, class: &str, language: Language) -> Markup {
        html! {
            div class="sheet-cell" {
                p { (self.title.get(language)) }
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                    aria-label=(self.description.get(language)) {
                    path class=(class) d=(outline(&self.histogram)) {}
                }
                dl { @for (name, value) in &self.lines { dt { (name.get(language)) } dd { (value) } } }
            }
        }
    }
}

/// Returns the outline of all bars, from the left end of the base to its right end.
fn outline(histogram: &Histogram) -> String {
    let width = WIDTH / histogram.counts.len().max(1) as f64;
    let tallest = histogram.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let mut path = format!("M0 {HEIGHT}");
    for (bin, &count) in histogram.counts.iter().enumerate() {
        let top = HEIGHT * (1.0 - count as f64 / tallest);
        let _ = write!(path, "V{top:.1}H{:.1}", (bin + 1) as f64 * width);
    }
    let _ = write!(path, "V{HEIGHT}Z");
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_histogram_is_an_outline_with_its_numbers() {
        let histogram = Histogram { edges: vec![0.0, 1.0, 2.0], counts: vec![1, 4] };
        let cell = SheetCell {
            title: "Layer 1".into(),
            description: "from 0 to 2".into(),
            histogram,
            lines: vec![("a < b".into(), "0.5".to_owned())],
        };
        let row = SheetRow { name: "first".into(), note: "n".into(), colour: 2, cells: vec![cell] };
        let html = Sheet::new(vec![row]).html(Language::English).into_string();
        for expected in
            ["series-2", "aria-label=\"from 0 to 2\"", "M0 100V75.0H120.0V0.0H240.0V100Z", "<dt>a &lt; b</dt>"]
        {
            assert!(html.contains(expected), "{expected}\n{html}");
        }
        assert!(!Sheet::default().html(Language::Chinese).into_string().contains("svg"));
    }
}
