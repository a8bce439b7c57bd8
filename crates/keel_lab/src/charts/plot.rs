//! Lines and points over two axes.

use super::axis::{Axis, Scale};
use super::frame::{Frame, series_class};
use super::{escape, number};
use crate::language::{Language, Text};

/// How the points of a series are drawn.
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
}

/// One named series of points.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    name: Text,
    points: Vec<(f64, f64)>,
    marks: Marks,
    colour: Option<usize>,
}

impl Series {
    /// A series drawn as `marks` says.
    pub(crate) fn new(name: impl Into<Text>, points: Vec<(f64, f64)>, marks: Marks) -> Self {
        Series { name: name.into(), points, marks, colour: None }
    }

    /// With the colour of the series `index` instead of its own.
    pub(crate) fn coloured(mut self, index: usize) -> Self {
        self.colour = Some(index);
        self
    }
}

/// A chart of series over two axes.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    x_title: Text,
    y_title: Text,
    series: Vec<Series>,
    scales: (Scale, Scale),
    ranges: (Option<(f64, f64)>, Option<(f64, f64)>),
    height: f64,
}

impl Plot {
    /// An empty chart with the titles of its axes.
    pub(crate) fn new(x_title: impl Into<Text>, y_title: impl Into<Text>) -> Self {
        Plot {
            x_title: x_title.into(),
            y_title: y_title.into(),
            series: Vec::new(),
            scales: (Scale::Linear, Scale::Linear),
            ranges: (None, None),
            height: 320.0,
        }
    }

    /// Adds a series.
    pub(crate) fn with(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// How the axes are spread.
    pub(crate) fn scales(mut self, x: Scale, y: Scale) -> Self {
        self.scales = (x, y);
        self
    }

    /// Fixes the range of the vertical axis.
    pub(crate) fn y_range(mut self, low: f64, high: f64) -> Self {
        self.ranges.1 = Some((low, high));
        self
    }

    /// Fixes the range of the horizontal axis.
    pub(crate) fn x_range(mut self, low: f64, high: f64) -> Self {
        self.ranges.0 = Some((low, high));
        self
    }

    /// As tall as wide: for paths and clouds.
    pub(crate) fn square(mut self) -> Self {
        self.height = 560.0;
        self
    }

    /// The chart as SVG with its legend.
    pub(crate) fn html(&self, language: Language) -> String {
        let all = || self.series.iter().flat_map(|series| &series.points);
        let x = Axis::new(self.scales.0, all().map(|point| point.0), self.ranges.0);
        let y = Axis::new(self.scales.1, all().map(|point| point.1), self.ranges.1);
        let titles = (self.x_title.get(language), self.y_title.get(language));
        let mut frame = Frame::new((x, y), titles, self.height);
        for (index, series) in self.series.iter().enumerate() {
            draw(&mut frame, series, index, language);
        }
        let names: Vec<&str> = self.series.iter().map(|series| series.name.get(language)).collect();
        let legend: Vec<(&str, usize)> = names
            .iter()
            .zip(&self.series)
            .enumerate()
            .map(|(i, (name, series))| (*name, series.colour.unwrap_or(i)))
            .collect();
        frame.finish(&format!("{} / {}", titles.1, titles.0), &legend)
    }
}

fn draw(frame: &mut Frame, series: &Series, index: usize, language: Language) {
    let class = series_class(series.colour.unwrap_or(index));
    let places: Vec<Option<(f64, f64)>> =
        series.points.iter().map(|&(x, y)| Some((frame.left(x)?, frame.top(y)?))).collect();
    if series.marks != Marks::Points {
        let dashes = if series.marks == Marks::Dashed { " dashed" } else { "" };
        // A point without a place interrupts the line.
        for run in places.split(Option::is_none).filter(|run| run.len() > 1) {
            let path: Vec<String> = run.iter().flatten().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            frame.push(format_args!("<polyline class=\"line {class}{dashes}\" points=\"{}\"/>", path.join(" ")));
        }
    }
    if matches!(series.marks, Marks::Points | Marks::LineAndPoints) {
        let name = escape(series.name.get(language));
        let radius = if series.points.len() > 100 { 2.0 } else { 3.5 };
        for (place, (x, y)) in places.iter().zip(&series.points) {
            let Some((left, top)) = place else { continue };
            let title = format!("{name}: {}, {}", number(*x), number(*y));
            frame.push(format_args!(
                "<circle class=\"point {class}\" cx=\"{left:.1}\" cy=\"{top:.1}\" r=\"{radius}\"><title>{title}</title></circle>"
            ));
        }
    }
}
