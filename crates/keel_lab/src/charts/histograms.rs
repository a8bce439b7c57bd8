//! A row of small histograms with the same axes, one for each layer.

use std::fmt::Write;

use super::{escape, number};
use crate::language::{Language, Text};
use crate::statistics::Histogram;

const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 150.0;
const MARGIN: f64 = 10.0;
const BASE: f64 = 122.0;

/// Histograms side by side; every one is scaled to its own tallest bin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histograms {
    panels: Vec<(Text, Histogram)>,
}

impl Histograms {
    /// No panel yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub(crate) fn with(mut self, title: impl Into<Text>, histogram: Histogram) -> Self {
        self.panels.push((title.into(), histogram));
        self
    }

    /// All panels as SVG.
    pub(crate) fn html(&self, language: Language) -> String {
        let panels: String =
            self.panels.iter().map(|(title, histogram)| panel(title.get(language), histogram)).collect();
        format!("<div class=\"panels\">{panels}</div>")
    }

    /// All panels in one SVG document that needs no page around it: six in a row, in the reader's light or dark setting.
    pub(crate) fn picture(&self, title: &str, language: Language) -> String {
        let columns = self.panels.len().clamp(1, 6);
        let rows = self.panels.len().div_ceil(columns);
        let cell = (WIDTH, HEIGHT + 24.0);
        let (width, height) = (cell.0 * columns as f64, cell.1 * rows as f64 + 40.0);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\">\
             <style>{PICTURE_STYLE}</style><title>{0}</title><text class=\"title\" x=\"{MARGIN}\" y=\"24\">{0}</text>",
            escape(title)
        );
        for (index, (title, histogram)) in self.panels.iter().enumerate() {
            let (left, top) = ((index % columns) as f64 * cell.0, 40.0 + (index / columns) as f64 * cell.1);
            let _ = write!(
                svg,
                "<g transform=\"translate({left} {top})\"><text class=\"panel\" x=\"{MARGIN}\" y=\"16\">{}</text>\
                 <g transform=\"translate(0 20)\">{}</g></g>",
                escape(title.get(language)),
                marks(histogram)
            );
        }
        svg + "</svg>\n"
    }
}

/// Colours and type of a picture outside a page.
const PICTURE_STYLE: &str = "text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'PingFang SC','Microsoft YaHei',sans-serif;fill:#57606a}\
.title{font-size:16px;font-weight:600;fill:#1b1f24}.panel{fill:#1b1f24}.bar{fill:#0969da}.base{stroke:#57606a}\
@media (prefers-color-scheme:dark){text{fill:#9ba6b2}.title,.panel{fill:#e6edf3}.bar{fill:#58a6ff}.base{stroke:#9ba6b2}}";

fn panel(title: &str, histogram: &Histogram) -> String {
    let title = escape(title);
    format!(
        "<figure class=\"panel\"><figcaption>{title}</figcaption><svg class=\"panel\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         role=\"img\" aria-label=\"{title}\">{}</svg></figure>",
        marks(histogram)
    )
}

/// Bars, the line they stand on, and the ends of the axis.
fn marks(histogram: &Histogram) -> String {
    let bins = histogram.counts.len() as f64;
    let width = (WIDTH - 2.0 * MARGIN) / bins;
    let tallest = histogram.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let total: usize = histogram.counts.iter().sum();
    let mut svg = String::new();
    for (bin, &count) in histogram.counts.iter().enumerate() {
        let height = count as f64 / tallest * (BASE - MARGIN);
        let (left, top) = (MARGIN + bin as f64 * width, BASE - height);
        let edges = (number(histogram.edges[bin]), number(histogram.edges[bin + 1]));
        let share = 100.0 * count as f64 / total.max(1) as f64;
        let _ = write!(
            svg,
            "<rect class=\"bar series-0\" x=\"{left:.2}\" y=\"{top:.2}\" width=\"{:.2}\" height=\"{height:.2}\"><title>{} … {}: {share:.1} %</title></rect>",
            width * 0.96,
            edges.0,
            edges.1
        );
    }
    let right = WIDTH - MARGIN;
    let _ = write!(svg, "<line class=\"base\" x1=\"{MARGIN}\" x2=\"{right}\" y1=\"{BASE}\" y2=\"{BASE}\"/>");
    let ends = [histogram.edges.first(), histogram.edges.last()].map(|edge| edge.copied().unwrap_or(0.0));
    let label = BASE + 16.0;
    let _ = write!(svg, "<text class=\"tick\" x=\"{MARGIN}\" y=\"{label}\">{}</text>", number(ends[0]));
    let _ =
        write!(svg, "<text class=\"tick\" text-anchor=\"end\" x=\"{right}\" y=\"{label}\">{}</text>", number(ends[1]));
    svg
}
