//! Lines and points over two axes.

use super::axis::{Axis, Scale};
use super::frame::{Colour, Frame, Labels};
use super::{Point, escape};
use crate::interval::Interval;
use crate::language::{Language, Text};

/// Drawing of the points of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marks {
    /// Joined by lines.
    Line,
    /// Joined by lines, with a dot on each.
    LineAndPoints,
    /// Dots alone.
    Points,
    /// Joined by a dashed line: theory, or something to compare with.
    Dashed,
    /// Joined by a pale line: single values behind their trend.
    Faint,
}

impl Marks {
    /// Class of what is drawn so, and of its entry in the legend.
    fn class(self) -> &'static str {
        match self {
            Marks::Dashed => "dashed",
            Marks::Faint => "faint",
            Marks::Line | Marks::LineAndPoints | Marks::Points => "",
        }
    }
}

/// One named series of points.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    name: Text,
    points: Vec<Point>,
    marks: Marks,
    colour: Option<Colour>,
}

impl Series {
    /// A series drawn as `marks` says.
    pub(crate) fn new(name: impl Into<Text>, points: Vec<Point>, marks: Marks) -> Self {
        Series { name: name.into(), points, marks, colour: None }
    }

    /// Takes the colour of the series `index` instead of its own.
    pub(crate) fn coloured(mut self, index: usize) -> Self {
        self.colour = Some(Colour::Series(index));
        self
    }

    /// Takes the colour of a layer at `depth`, 0 for the first and 1 for the last.
    pub(crate) fn at_depth(mut self, depth: f64) -> Self {
        self.colour = Some(Colour::Depth(depth));
        self
    }
}

/// A chart of series over two axes.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    x_title: Text,
    y_title: Text,
    series: Vec<Series>,
    x_scale: Scale,
    y_scale: Scale,
    x_range: Option<Interval>,
    y_range: Option<Interval>,
    shape: &'static str,
}

impl Plot {
    /// An empty chart with the titles of its axes.
    pub(crate) fn new(x_title: impl Into<Text>, y_title: impl Into<Text>) -> Self {
        Plot {
            x_title: x_title.into(),
            y_title: y_title.into(),
            series: Vec::new(),
            x_scale: Scale::Linear,
            y_scale: Scale::Linear,
            x_range: None,
            y_range: None,
            shape: "",
        }
    }

    /// Adds a series.
    pub(crate) fn with(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Sets the scales of the axes.
    pub(crate) fn scales(mut self, x: Scale, y: Scale) -> Self {
        self.x_scale = x;
        self.y_scale = y;
        self
    }

    /// Fixes the range of the vertical axis.
    pub(crate) fn y_range(mut self, low: f64, high: f64) -> Self {
        self.y_range = Some(Interval { low, high });
        self
    }

    /// Fixes the range of the horizontal axis.
    pub(crate) fn x_range(mut self, low: f64, high: f64) -> Self {
        self.x_range = Some(Interval { low, high });
        self
    }

    /// As tall as wide: for paths and clouds.
    pub(crate) fn square(mut self) -> Self {
        self.shape = "square";
        self
    }

    /// Lower than others, to stand among many.
    pub(crate) fn small(mut self) -> Self {
        self.shape = "small";
        self
    }

    /// The chart with its legend.
    pub(crate) fn html(&self, language: Language) -> String {
        let all = || self.series.iter().flat_map(|series| &series.points);
        let x = Axis::new(self.x_scale, all().map(|point| point.0), self.x_range);
        let y = Axis::new(self.y_scale, all().map(|point| point.1), self.y_range);
        let mut frame = Frame::new(x, y);
        let mut names = Vec::with_capacity(self.series.len());
        for (index, series) in self.series.iter().enumerate() {
            let colour = series.colour.unwrap_or(Colour::Series(index));
            let name = series.name.get(language);
            draw(&mut frame, series, colour, name);
            names.push((name, colour.attributes(series.marks.class())));
        }
        let labels = Labels { x: self.x_title.get(language), y: self.y_title.get(language), series: &names };
        frame.finish(&labels, self.shape)
    }
}

fn draw(frame: &mut Frame, series: &Series, colour: Colour, name: &str) {
    let places: Vec<Option<Point>> = series.points.iter().map(|&point| frame.place(point)).collect();
    let class = format!("series {}", series.marks.class());
    frame.push(format_args!("<g {} data-name=\"{}\">", colour.attributes(&class), escape(name)));
    if series.marks != Marks::Points {
        // A point without a place interrupts the line.
        for run in places.split(Option::is_none).filter(|run| run.len() > 1) {
            let path: Vec<String> = run.iter().flatten().map(|(x, y)| format!("{x:.2},{y:.2}")).collect();
            frame.push(format_args!("<polyline points=\"{}\"/>", path.join(" ")));
        }
    }
    let alone = |index: usize| {
        let none = |at: Option<usize>| at.and_then(|at| places.get(at)).is_none_or(Option::is_none);
        none(index.checked_sub(1)) && none(Some(index + 1))
    };
    let dotted = |index: &usize| series.marks == Marks::Points || series.marks == Marks::LineAndPoints || alone(*index);
    let dots: Vec<String> = (0..places.len())
        .filter(dotted)
        .filter_map(|index| places[index].map(|(x, y)| format!("M{x:.2},{y:.2}h0")))
        .collect();
    if !dots.is_empty() {
        let class = if dots.len() > 100 { "points many" } else { "points" };
        frame.push(format_args!("<path class=\"{class}\" d=\"{}\"/>", dots.concat()));
    }
    frame.push(format_args!("</g>"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_lie_where_their_numbers_are_and_the_axes_say_how_to_read_them() {
        let plot = Plot::new("step", "loss")
            .with(Series::new("a<b", vec![(0.0, 1.0), (10.0, 0.0)], Marks::Line))
            .with(Series::new("single", vec![(5.0, f64::NAN), (5.0, 0.5)], Marks::Line))
            .x_range(0.0, 10.0)
            .y_range(0.0, 1.0);
        let html = plot.html(Language::English);
        for expected in [
            "data-x=\"linear 0 10\" data-y=\"linear 0 1\"",
            "<polyline points=\"0.00,0.00 1000.00,1000.00\"/>",
            "data-name=\"a&lt;b\"",
            "<path class=\"points\" d=\"M500.00,500.00h0\"/>",
            "aria-label=\"loss / step\"",
        ] {
            assert!(html.contains(expected), "{expected}\n{html}");
        }
        assert!(!html.contains("NaN"));
        let empty = Plot::new("x", "y").scales(Scale::Linear, Scale::Logarithmic).html(Language::English);
        assert!(!empty.contains("NaN") && !empty.contains("inf"), "{empty}");
    }
}
