//! Decision regions behind the series of a plot: the class a network assigns to each point of the plane, and its confidence.

use std::fmt::Write;

use maud::html;

use super::frame::{Frame, SIDE, series_class};

/// A grid over the whole plot with a colour for each cell; more confident cells are darker.
#[derive(Clone, Debug)]
pub struct Field {
    columns: usize,
    /// Row after row, the lowest first.
    cells: Vec<FieldCell>,
}

/// One cell of a [`Field`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldCell {
    /// Index of the series whose colour it has.
    pub colour: usize,
    /// Darkness, from 0 for none to [`Field::STRENGTHS`].
    pub strength: u8,
}

impl Field {
    /// Number of darkness steps.
    pub const STRENGTHS: u8 = 3;

    /// Creates a grid with `columns` columns; `cells` are row by row, the lowest row first.
    pub fn new(columns: usize, cells: Vec<FieldCell>) -> Self {
        Field { columns: columns.max(1), cells }
    }

    /// Draws one path for each colour and strength: overlapping tints make confident areas darker.
    pub(super) fn draw(&self, frame: &mut Frame) {
        let colours = self.cells.iter().map(|cell| cell.colour + 1).max().unwrap_or(0);
        for colour in 0..colours {
            for strength in 1..=Self::STRENGTHS {
                let path = self.path(|cell| cell.colour == colour && cell.strength >= strength);
                if !path.is_empty() {
                    frame.push(html! {
                        path class={ "region " (series_class(colour)) } shape-rendering="crispEdges" d=(path) {}
                    });
                }
            }
        }
    }

    /// Draws a rectangle for each run of cells in a row for which `holds` is true.
    fn path(&self, holds: impl Fn(&FieldCell) -> bool) -> String {
        let rows = self.cells.len().div_ceil(self.columns);
        let (width, height) = (SIDE / self.columns as f64, SIDE / rows.max(1) as f64);
        let mut path = String::new();
        for (row, cells) in self.cells.chunks(self.columns).enumerate() {
            let top = SIDE - (row + 1) as f64 * height;
            let mut column = 0;
            for run in cells.chunk_by(|first, second| holds(first) == holds(second)) {
                if run.first().is_some_and(&holds) {
                    let (left, long) = (column as f64 * width, run.len() as f64 * width);
                    let _ = write!(path, "M{left:.1} {top:.1}h{long:.1}v{height:.1}h-{long:.1}z");
                }
                column += run.len();
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::Plot;
    use crate::language::Language;

    #[test]
    fn runs_of_a_row_are_rectangles_and_strong_cells_are_drawn_again() {
        let cell = |colour, strength| FieldCell { colour, strength };
        let cells = vec![cell(0, 1), cell(0, 2), cell(1, 1), cell(1, 0)];
        let html = Plot::new("x", "y").field(Field::new(2, cells)).html(Language::English).into_string();
        for expected in [
            "class=\"region series-0\" shape-rendering=\"crispEdges\" d=\"M0.0 500.0h1000.0v500.0h-1000.0z\"",
            "d=\"M500.0 500.0h500.0v500.0h-500.0z\"",
            "class=\"region series-1\" shape-rendering=\"crispEdges\" d=\"M0.0 0.0h500.0v500.0h-500.0z\"",
        ] {
            assert!(html.contains(expected), "{expected}\n{html}");
        }
        assert_eq!(html.matches("crispEdges").count(), 3);
    }
}
