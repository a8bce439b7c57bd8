//! The frame of a chart: axis titles, tick labels, grid, plotting area and legend.
//!
//! Titles and labels are HTML around the drawing, so that they keep their size on any screen. The drawing itself is
//! stretched: its marks lie in a square of [`SIDE`] units whose ends are the ends of the axes, and its lines keep their
//! width. The axes are stored as attributes of the element, so that a script can convert positions back to values: the
//! numbers of a chart exist only in its drawing.

use maud::{Markup, html};

use super::Point;
use super::axis::{Axis, Scale};
use crate::language::Language;

/// Side of the square that marks are drawn in.
pub(super) const SIDE: f64 = 1000.0;

/// Maps values to positions in the drawing and collects its marks.
pub(super) struct Frame {
    x: Axis,
    y: Axis,
    marks: Vec<Markup>,
    notes: Vec<Markup>,
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
    /// Legend, in the order of the series.
    pub(super) series: &'a [Entry<'a>],
    /// Pairs of series of which the first is hidden by the second.
    pub(super) covered: &'a [Cover<'a>],
}

/// Entry of a legend.
pub(super) struct Entry<'a> {
    /// Name of the series.
    pub(super) name: &'a str,
    /// Class of its marks; may be empty.
    pub(super) class: &'static str,
    /// Colour of the series.
    pub(super) colour: Colour,
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
        Frame { x, y, marks: Vec::new(), notes: Vec::new() }
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
        self.notes.push(html! {
            span class={ "note" (side) } style=(format!("left:{left:.2}%;top:{top:.2}%")) { (words) }
        });
    }

    /// Adds a mark.
    pub(super) fn push(&mut self, mark: Markup) {
        self.marks.push(mark);
    }

    /// Renders the chart with the texts around it. `shape` is a class that sets its height.
    pub(super) fn finish(self, labels: &Labels<'_>, shape: &str) -> Markup {
        let (x_ticks, y_ticks) = (self.x.placed_ticks(6), self.y.placed_ticks(5));
        let upright = x_ticks.iter().map(|(at, _)| format!("M{:.1} 0V{SIDE}", at * SIDE));
        let level = y_ticks.iter().map(|(at, _)| format!("M0 {:.1}H{SIDE}", (1.0 - at) * SIDE));
        let grid: String = upright.chain(level).collect();
        html! {
            div class={ "plot " (shape) } data-x=(described(&self.x)) data-y=(described(&self.y)) {
                p class="y-title" { (labels.y) }
                div class="y-ticks" {
                    @for (at, label) in &y_ticks { span style=(format!("bottom:{:.2}%", at * 100.0)) { (label) } }
                }
                div class="area" {
                    svg class="chart" viewBox={ "0 0 " (SIDE) " " (SIDE) } preserveAspectRatio="none" role="img"
                        aria-label=(labels.description) {
                        path class="grid" d=(grid) {}
                        @for mark in &self.marks { (mark) }
                    }
                    @for note in &self.notes { (note) }
                }
                div class="x-ticks" {
                    @for (at, label) in &x_ticks { span style=(format!("left:{:.2}%", at * 100.0)) { (label) } }
                }
                p class="x-title" { (labels.x) }
            }
            (labels.legend())
            (labels.remark())
        }
    }
}

impl Labels<'_> {
    /// Renders the legend, or nothing for a single series.
    fn legend(&self) -> Markup {
        html! {
            @if self.series.len() > 1 {
                p class="legend" {
                    @for Entry { name, class, colour } in self.series {
                        span class=(colour.class(class)) style=[colour.style()] { i {} b { (name) } } " "
                    }
                }
            }
        }
    }

    /// Renders the remark on hidden series, or nothing.
    fn remark(&self) -> Markup {
        let sentences: Vec<String> = self.covered.iter().map(|cover| cover.words(self.language)).collect();
        html! {
            @if !sentences.is_empty() {
                p class="covered" { (sentences.join(self.language.choose(" ", ""))) }
            }
        }
    }
}

impl Cover<'_> {
    fn words(&self, language: Language) -> String {
        let Cover { below, above, share } = self;
        let percent = (share * 100.0).round();
        match (language, *share >= WHOLE) {
            (Language::English, true) => format!("The curve of {below} coincides with that of {above}."),
            (Language::English, false) => {
                format!("The curve of {below} coincides with that of {above} along {percent} % of its length.")
            }
            (Language::Chinese, true) => format!("“{below}”的曲线与“{above}”重合。"),
            (Language::Chinese, false) => format!("“{below}”的曲线有 {percent} % 与“{above}”重合。"),
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
    /// Returns the class attribute of an element with this colour and the class `class`.
    pub(super) fn class(self, class: &str) -> String {
        match self {
            Colour::Series(index) => format!("{class} {}", series_class(index)),
            Colour::Depth(_) => format!("{class} depth"),
        }
    }

    /// Returns the style attribute of an element with this colour, if it needs one.
    pub(super) fn style(self) -> Option<String> {
        match self {
            Colour::Series(_) => None,
            Colour::Depth(depth) => Some(format!("--depth:{:.0}%", depth * 100.0)),
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
