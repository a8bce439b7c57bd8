//! The frame of a chart: axis titles, tick labels, grid, plotting area and legend.
//!
//! Titles and labels are HTML around the drawing, so that they keep their size on any screen. The drawing itself is
//! stretched: its marks lie in a square of [`SIDE`] units whose ends are the ends of the axes, and its lines keep their
//! width. The axes are stored as attributes of the element, so that a script can convert positions back to values: the
//! numbers of a chart exist only in its drawing.

use std::fmt::Write;

use super::axis::{Axis, Scale};
use super::{Point, escape};
use crate::language::Language;

/// Side of the square that marks are drawn in.
pub(super) const SIDE: f64 = 1000.0;

/// Maps values to positions in the drawing and collects its marks.
pub(super) struct Frame {
    x: Axis,
    y: Axis,
    svg: String,
    notes: String,
}

/// Texts around the drawing.
pub(super) struct Labels<'a> {
    /// Language of the page.
    pub(super) language: Language,
    /// Text description of the drawing.
    pub(super) description: &'a str,
    /// Title of the horizontal axis.
    pub(super) x: &'a str,
    /// Title of the vertical axis.
    pub(super) y: &'a str,
    /// Name and attributes (class, style) of each series, in order.
    pub(super) series: &'a [(&'a str, String)],
    /// Pairs of series of which the first is hidden by the second.
    pub(super) covered: &'a [Cover<'a>],
}

/// A series hidden by another.
pub(super) struct Cover<'a> {
    /// Name of the hidden series.
    pub(super) below: &'a str,
    /// Name of the covering series.
    pub(super) above: &'a str,
    /// Hidden share of the series.
    pub(super) share: f64,
}

/// Share above which a series counts as completely hidden.
const WHOLE: f64 = 0.97;

impl Frame {
    /// Creates a frame without marks.
    pub(super) fn new(x: Axis, y: Axis) -> Self {
        Frame { x, y, svg: String::new(), notes: String::new() }
    }

    /// Returns the position of a point, or `None` if it lies outside.
    pub(super) fn place(&self, point: Point) -> Option<Point> {
        Some((self.x.position(point.0)? * SIDE, (1.0 - self.y.position(point.1)?) * SIDE))
    }

    /// Returns the position of a point even if it lies outside, for marks clipped at the edge of the drawing.
    pub(super) fn extended(&self, point: Point) -> Option<Point> {
        Some((self.x.extended(point.0)? * SIDE, (1.0 - self.y.extended(point.1)?) * SIDE))
    }

    /// Writes a label next to a point of the drawing.
    pub(super) fn note(&mut self, point: Point, words: &str) {
        let Some((x, y)) = self.place(point) else { return };
        let side = if x > 0.7 * SIDE { " left" } else { "" };
        let (left, top) = (x / SIDE * 100.0, y / SIDE * 100.0);
        let words = escape(words);
        let _ = write!(self.notes, "<span class=\"note{side}\" style=\"left:{left:.2}%;top:{top:.2}%\">{words}</span>");
    }

    /// Adds a mark.
    pub(super) fn push(&mut self, mark: std::fmt::Arguments<'_>) {
        self.svg.write_fmt(mark).expect("writing to a string cannot fail");
    }

    /// Renders the chart with the texts around it. `shape` is a class that sets its height.
    pub(super) fn finish(self, labels: &Labels<'_>, shape: &str) -> String {
        let (x_ticks, y_ticks) = (self.x.ticks(6), self.y.ticks(5));
        let mut grid = String::new();
        let (mut below, mut beside) = (String::new(), String::new());
        for (value, label) in x_ticks {
            let Some(at) = self.x.position(value) else { continue };
            let _ = write!(grid, "M{:.1} 0V{SIDE}", at * SIDE);
            let _ = write!(below, "<span style=\"left:{:.2}%\">{label}</span>", at * 100.0);
        }
        for (value, label) in y_ticks {
            let Some(at) = self.y.position(value) else { continue };
            let _ = write!(grid, "M0 {:.1}H{SIDE}", (1.0 - at) * SIDE);
            let _ = write!(beside, "<span style=\"bottom:{:.2}%\">{label}</span>", at * 100.0);
        }
        let (x_title, y_title) = (escape(labels.x), escape(labels.y));
        let description = escape(labels.description);
        let mut html = format!(
            "<div class=\"plot {shape}\" data-x=\"{}\" data-y=\"{}\"><p class=\"y-title\">{y_title}</p>\
             <div class=\"y-ticks\">{beside}</div><div class=\"area\"><svg class=\"chart\" viewBox=\"0 0 {SIDE} {SIDE}\" \
             preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{description}\">\
             <path class=\"grid\" d=\"{grid}\"/>{}</svg>{}</div>\
             <div class=\"x-ticks\">{below}</div><p class=\"x-title\">{x_title}</p></div>",
            described(&self.x),
            described(&self.y),
            self.svg,
            self.notes
        );
        if labels.series.len() > 1 {
            html.push_str("<p class=\"legend\">");
            for (name, attributes) in labels.series {
                let _ = write!(html, "<span {attributes}><i></i><b>{}</b></span> ", escape(name));
            }
            html.push_str("</p>");
        }
        if !labels.covered.is_empty() {
            let sentences: Vec<String> = labels.covered.iter().map(|cover| cover.words(labels.language)).collect();
            let gap = labels.language.choose(" ", "");
            let _ = write!(html, "<p class=\"covered\">{}</p>", escape(&sentences.join(gap)));
        }
        html
    }
}

impl Cover<'_> {
    fn words(&self, language: Language) -> String {
        let Cover { below, above, share } = self;
        let percent = (share * 100.0).round();
        match (language, *share >= WHOLE) {
            (Language::English, true) => format!("{below} lies under {above}."),
            (Language::English, false) => format!("{below} lies under {above} along {percent} % of its length."),
            (Language::Chinese, true) => format!("“{below}”被“{above}”遮住。"),
            (Language::Chinese, false) => format!("“{below}”有 {percent} % 的长度被“{above}”遮住。"),
        }
    }
}

/// Colour of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Colour {
    /// One of eight colours; beyond them, colours repeat with dashes.
    Series(usize),
    /// Interpolated between the colour of the first layer, 0, and that of the last, 1.
    Depth(f64),
}

impl Colour {
    /// Returns the class and style attributes of an element with this colour and the class `class`.
    pub(super) fn attributes(self, class: &str) -> String {
        match self {
            Colour::Series(index) => format!("class=\"{class} {}\"", series_class(index)),
            Colour::Depth(depth) => format!("class=\"{class} depth\" style=\"--depth:{:.0}%\"", depth * 100.0),
        }
    }
}

/// Returns the class of a series; after eight, colours repeat with dashes.
pub(super) fn series_class(index: usize) -> String {
    let dashes = if index >= 8 { " dashed" } else { "" };
    format!("series-{}{dashes}", index % 8)
}

/// Describes the axis for the script.
fn described(axis: &Axis) -> String {
    let (low, high) = axis.ends();
    let scale = match axis.scale {
        Scale::Linear => "linear",
        Scale::Logarithmic => "log",
    };
    format!("{scale} {low} {high}")
}
