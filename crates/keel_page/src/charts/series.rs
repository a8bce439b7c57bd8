//! Series of points over two axes, and the areas behind them.

use super::Point;
use super::frame::Colour;
use crate::language::Text;

/// Drawing style of the points of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// Joined by lines.
    Line,
    /// Joined by lines, with a dot on each.
    LineAndPoints,
    /// Dots alone.
    Points,
    /// Joined by a dashed line: theory or a reference.
    Dashed,
    /// Joined by a pale line: individual values behind their trend.
    Faint,
    /// A large dot that a reader can drag.
    Handle,
    /// Joined by a line that ends in an arrow head; for square charts.
    Arrow,
}

impl Marks {
    /// Returns the class of the drawn element and of its legend entry.
    pub(super) fn class(self) -> &'static str {
        match self {
            Marks::Dashed => "dashed",
            Marks::Faint => "faint",
            Marks::Line | Marks::LineAndPoints | Marks::Points | Marks::Handle | Marks::Arrow => "",
        }
    }

    /// Returns true if a line joins the points.
    pub(super) fn joined(self) -> bool {
        !matches!(self, Marks::Points | Marks::Handle)
    }
}

/// One named series of points.
#[derive(Clone, Debug)]
pub struct Series {
    pub(super) name: Text,
    pub(super) points: Vec<Point>,
    pub(super) marks: Marks,
    pub(super) colour: Option<Colour>,
    pub(super) extends: bool,
}

impl Series {
    /// Creates a series drawn with `marks`.
    pub fn new(name: impl Into<Text>, points: Vec<Point>, marks: Marks) -> Self {
        Series { name: name.into(), points, marks, colour: None, extends: false }
    }

    /// Uses the colour of series `index`.
    pub fn coloured(mut self, index: usize) -> Self {
        self.colour = Some(Colour::Series(index));
        self
    }

    /// Uses the colour of a layer at `depth`, 0 for the first and 1 for the last.
    pub fn at_depth(mut self, depth: f64) -> Self {
        self.colour = Some(Colour::Depth(depth));
        self
    }

    /// Continues the line beyond the axes, clipped at the edge of the chart; otherwise points outside interrupt the line.
    pub fn extended(mut self) -> Self {
        self.extends = true;
        self
    }

    /// Returns the assigned colour, if it is that of a series.
    pub(super) fn given_colour(&self) -> Option<usize> {
        match self.colour {
            Some(Colour::Series(index)) => Some(index),
            _ => None,
        }
    }

    /// Returns true if its colour represents a depth.
    pub(super) fn has_depth(&self) -> bool {
        matches!(self.colour, Some(Colour::Depth(_)))
    }
}

/// A tinted area behind the series of a chart.
#[derive(Clone, Debug)]
pub struct Region {
    pub(super) corners: Vec<Point>,
    pub(super) colour: usize,
}

impl Region {
    /// Creates a polygon with these corners, tinted with the colour of series `colour` and clipped at the edge of the chart.
    pub fn new(corners: Vec<Point>, colour: usize) -> Self {
        Region { corners, colour }
    }

    /// Creates the half of a square chart of this `reach` where `normal · x + bias` is positive.
    pub fn positive_side(normal: [f64; 2], bias: f64, reach: f64, colour: usize) -> Self {
        let length = normal[0].hypot(normal[1]).max(f64::MIN_POSITIVE);
        let [a, b] = normal.map(|entry| entry / length);
        let (x, y) = (-a * bias / length, -b * bias / length);
        let far = 4.0 * reach + 2.0 * x.hypot(y);
        let corner = |along: f64, up: f64| (x - b * along + a * up, y + a * along + b * up);
        Region::new(vec![corner(-far, 0.0), corner(far, 0.0), corner(far, far), corner(-far, far)], colour)
    }
}
