//! Lines, points and areas over two axes.

use maud::{Markup, html};

use super::axis::{Axis, Scale};
use super::cover::{Curve, covered};
use super::description::{self, Described};
use super::field::Field;
use super::frame::{Colour, Entry, Frame, Labels, series_class};
use super::palette::{Named, Palette};
use super::series::{Marks, Region, Series};
use super::{Look, Point};
use crate::interval::Interval;
use crate::language::{Language, Text};

/// A chart of series over two axes.
#[derive(Clone, Debug)]
pub struct Plot {
    x_title: Text,
    y_title: Text,
    series: Vec<Series>,
    regions: Vec<Region>,
    field: Option<Field>,
    notes: Vec<(Point, Text)>,
    x_scale: Scale,
    y_scale: Scale,
    x_range: Option<Interval>,
    y_range: Option<Interval>,
    shape: &'static str,
}

impl Plot {
    /// Creates an empty chart with the titles of its axes.
    pub fn new(x_title: impl Into<Text>, y_title: impl Into<Text>) -> Self {
        Plot {
            x_title: x_title.into(),
            y_title: y_title.into(),
            series: Vec::new(),
            regions: Vec::new(),
            field: None,
            notes: Vec::new(),
            x_scale: Scale::Linear,
            y_scale: Scale::Linear,
            x_range: None,
            y_range: None,
            shape: "",
        }
    }

    /// Adds a series.
    pub fn with(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Adds a tinted area behind all series.
    pub fn tinted(mut self, region: Region) -> Self {
        self.regions.push(region);
        self
    }

    /// Tints the whole chart with the cells of `field`, behind everything else.
    pub fn field(mut self, field: Field) -> Self {
        self.field = Some(field);
        self
    }

    /// Writes a label next to a point.
    pub fn note(mut self, at: Point, words: impl Into<Text>) -> Self {
        self.notes.push((at, words.into()));
        self
    }

    /// Sets the scales of the axes.
    pub fn scales(mut self, x: Scale, y: Scale) -> Self {
        self.x_scale = x;
        self.y_scale = y;
        self
    }

    /// Fixes the range of the vertical axis.
    pub fn y_range(mut self, low: f64, high: f64) -> Self {
        self.y_range = Some(Interval { low, high });
        self
    }

    /// Fixes the range of the horizontal axis.
    pub fn x_range(mut self, low: f64, high: f64) -> Self {
        self.x_range = Some(Interval { low, high });
        self
    }

    /// Makes the chart square, for paths and clouds.
    pub fn square(mut self) -> Self {
        self.shape = "square";
        self
    }

    /// Makes the chart lower than others, for use among many.
    pub fn small(mut self) -> Self {
        self.shape = "small";
        self
    }

    /// Renders the chart with its legend, on a page without other charts of the same series.
    pub fn html(&self, language: Language) -> Markup {
        self.drawn(&Look { language, palette: &Palette::default() })
    }

    /// Renders the chart with its legend, in the colours of its page.
    pub fn drawn(&self, look: &Look<'_>) -> Markup {
        let language = look.language;
        let all = || self.series.iter().flat_map(|series| &series.points);
        let x = Axis::new(self.x_scale, all().map(|point| point.0), self.x_range);
        let y = Axis::new(self.y_scale, all().map(|point| point.1), self.y_range);
        let mut frame = Frame::new(x, y);
        self.field.iter().for_each(|field| field.draw(&mut frame));
        self.regions.iter().for_each(|region| tint(&mut frame, region));
        let mut names = Vec::with_capacity(self.series.len());
        for (index, series) in self.series.iter().enumerate() {
            let own = || Colour::Series(look.palette.colour(series.name.get(Language::English), index));
            let colour = series.colour.unwrap_or_else(own);
            let name = series.name.get(language);
            draw(&mut frame, series, colour, name);
            names.push(Entry { name, class: series.marks.class(), colour });
        }
        self.notes.iter().for_each(|(at, words)| frame.note(*at, words.get(language)));
        let titles = [self.x_title.get(language), self.y_title.get(language)];
        let curves = self.curves(&frame, language);
        let labels = Labels {
            language,
            description: &self.description(titles, language),
            x: titles[0],
            y: titles[1],
            series: &names,
            covered: &covered(&curves),
        };
        frame.finish(&labels, self.shape)
    }

    /// Returns the series as palette entries, except those coloured by depth.
    pub fn named(&self) -> Vec<Named<'_>> {
        let flat = self.series.iter().filter(|series| !series.has_depth());
        flat.map(|series| Named { name: series.name.get(Language::English), given: series.given_colour() }).collect()
    }

    fn description(&self, titles: [&str; 2], language: Language) -> String {
        let mut series = Vec::with_capacity(self.series.len());
        for Series { name, points, marks, .. } in &self.series {
            let finite = |point: &&Point| point.0.is_finite() && point.1.is_finite();
            let points = points.iter().filter(finite).copied().collect();
            series.push(Described { name: name.get(language), points, joined: marks.joined() });
        }
        description::chart(language, titles, &series)
    }

    /// Returns the series that are lines from left to right.
    fn curves<'a>(&'a self, frame: &Frame, language: Language) -> Vec<Curve<'a>> {
        let curve = |series: &'a Series| {
            let places: Vec<Point> = series.points.iter().filter_map(|&point| frame.place(point)).collect();
            let ascends = places.windows(2).all(|pair| pair[0].0 <= pair[1].0);
            (series.marks.joined() && ascends).then(|| Curve { name: series.name.get(language), places })
        };
        self.series.iter().filter_map(curve).collect()
    }
}

fn tint(frame: &mut Frame, region: &Region) {
    let corners: Vec<String> = region
        .corners
        .iter()
        .filter_map(|&corner| frame.extended(corner))
        .map(|(x, y)| format!("{x:.1} {y:.1}"))
        .collect();
    let path = format!("M{}Z", corners.join("L"));
    frame.push(html! { path class={ "region " (series_class(region.colour)) } d=(path) {} });
}

fn draw(frame: &mut Frame, series: &Series, colour: Colour, name: &str) {
    let place = |&point: &Point| if series.extends { frame.extended(point) } else { frame.place(point) };
    let places: Vec<Option<Point>> = series.points.iter().map(place).collect();
    let class = format!("series {}", series.marks.class());
    frame.push(html! {
        g class=(colour.class(&class)) style=[colour.style()] data-name=(name) {
            @if series.marks.joined() { (lines(&places)) }
            @if series.marks == Marks::Arrow { (arrow_head(&places)) }
            (dots(series.marks, &places))
        }
    });
}

/// Draws the lines between the points; a point without a position interrupts them.
fn lines(places: &[Option<Point>]) -> Markup {
    let path = |run: &[Option<Point>]| {
        let points: Vec<String> = run.iter().flatten().map(|(x, y)| format!("{x:.2},{y:.2}")).collect();
        points.join(" ")
    };
    html! {
        @for run in places.split(Option::is_none).filter(|run| run.len() > 1) { polyline points=(path(run)) {} }
    }
}

/// Draws the dots of a series, and points that no line reaches.
fn dots(marks: Marks, places: &[Option<Point>]) -> Markup {
    let alone = |index: usize| {
        let none = |at: Option<usize>| at.and_then(|at| places.get(at)).is_none_or(Option::is_none);
        none(index.checked_sub(1)) && none(Some(index + 1))
    };
    let dotted = |index: &usize| !marks.joined() || marks == Marks::LineAndPoints || alone(*index);
    let dots: Vec<String> = (0..places.len())
        .filter(dotted)
        .filter_map(|index| places[index].map(|(x, y)| format!("M{x:.2},{y:.2}h0")))
        .collect();
    let class = match marks {
        Marks::Handle => "points handle",
        _ if dots.len() > 100 => "points many",
        _ => "points",
    };
    html! { @if !dots.is_empty() { path class=(class) d=(dots.concat()) {} } }
}

/// Length of the two lines of an arrow head, and their angle to the shaft.
const HEAD: f64 = 34.0;
const HEAD_TURN: f64 = 0.45;

fn arrow_head(places: &[Option<Point>]) -> Markup {
    let [.., Some(before), Some(tip)] = places else { return Markup::default() };
    let back = (before.1 - tip.1).atan2(before.0 - tip.0);
    let wing = |turn: f64| (tip.0 + HEAD * (back + turn).cos(), tip.1 + HEAD * (back + turn).sin());
    let corners = [wing(HEAD_TURN), *tip, wing(-HEAD_TURN)].map(|(x, y)| format!("{x:.1} {y:.1}"));
    html! { path class="head" d={ "M" (corners.join("L")) } {} }
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
        let html = plot.html(Language::English).into_string();
        for expected in [
            "data-x=\"linear 0 10\" data-y=\"linear 0 1\"",
            "<polyline points=\"0.00,0.00 1000.00,1000.00\"></polyline>",
            "data-name=\"a&lt;b\"",
            "<path class=\"points\" d=\"M500.00,500.00h0\"></path>",
            "aria-label=\"loss over step. a&lt;b: 1 at 0, 0 at 10. single: 0.5 at 5.\"",
        ] {
            assert!(html.contains(expected), "{expected}\n{html}");
        }
        assert!(!html.contains("NaN"));
        let empty = Plot::new("x", "y").scales(Scale::Linear, Scale::Logarithmic).html(Language::English).into_string();
        assert!(!empty.contains("NaN") && !empty.contains("inf"), "{empty}");
    }

    #[test]
    fn areas_arrows_and_lines_that_leave_the_chart_are_drawn_and_hidden_curves_are_named() {
        let line = || vec![(0.0, 1.0), (10.0, 0.0)];
        let plot = Plot::new("x", "y")
            .square()
            .x_range(-1.0, 1.0)
            .y_range(-1.0, 1.0)
            .tinted(Region::positive_side([1.0, 0.0], 0.5, 1.0, 2))
            .with(Series::new("line", vec![(0.0, -3.0), (0.0, 3.0)], Marks::Line).extended())
            .with(Series::new("step", vec![(0.0, 0.0), (0.5, 0.5)], Marks::Arrow))
            .note((0.5, 0.5), "a step");
        let html = plot.html(Language::English).into_string();
        assert!(html.contains("<polyline points=\"500.00,2000.00 500.00,-1000.00\"></polyline>"), "{html}");
        // The border of the area is the line x = -0.5, a quarter of the way across.
        assert!(html.contains("class=\"region series-2\" d=\"M250.0 "), "{html}");
        assert_eq!(html.matches("class=\"head\"").count(), 1);
        assert!(html.contains(">a step</span>"));
        let twice = Plot::new("x", "y").with(Series::new("below", line(), Marks::Line)).with(Series::new(
            "above",
            line(),
            Marks::Line,
        ));
        assert!(
            twice.html(Language::English).into_string().contains("The curve of below coincides with that of above.")
        );
        assert!(twice.html(Language::Chinese).into_string().contains("“below”的曲线与“above”重合。"));
    }
}
