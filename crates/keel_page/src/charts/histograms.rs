//! A row of small histograms with the same axes, one for each layer.

use maud::{Markup, PreEscaped, html};

use super::number;
use crate::histogram::Histogram;
use crate::language::{Language, Text};

const WIDTH: f64 = 200.0;
const HEIGHT: f64 = 150.0;
const MARGIN: f64 = 10.0;
const BASE: f64 = 122.0;

/// Histograms side by side, each scaled to its own tallest bin.
#[derive(Clone, Debug, Default)]
pub struct Histograms {
    panels: Vec<(Text, Histogram)>,
}

impl Histograms {
    /// Creates a row without panels.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a panel.
    pub fn with(mut self, title: impl Into<Text>, histogram: Histogram) -> Self {
        self.panels.push((title.into(), histogram));
        self
    }

    /// Renders all panels as SVG.
    pub fn html(&self, language: Language) -> Markup {
        html! {
            div class="panels" {
                @for (title, histogram) in &self.panels { (panel(title.get(language), histogram, language)) }
            }
        }
    }

    /// Renders all panels as a standalone SVG document: six per row, following the reader's light or dark setting.
    pub fn picture(&self, title: &str, language: Language) -> String {
        let columns = self.panels.len().clamp(1, 6);
        let rows = self.panels.len().div_ceil(columns);
        let cell = (WIDTH, HEIGHT + 24.0);
        let (width, height) = (cell.0 * columns as f64, cell.1 * rows as f64 + 40.0);
        let place = |index: usize| ((index % columns) as f64 * cell.0, 40.0 + (index / columns) as f64 * cell.1);
        let document = html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (width) " " (height) } role="img" {
                style { (PreEscaped(PICTURE_STYLE)) }
                title { (title) }
                text class="title" x=(MARGIN) y="24" { (title) }
                @for (index, (title, histogram)) in self.panels.iter().enumerate() {
                    @let (left, top) = place(index);
                    g transform={ "translate(" (left) " " (top) ")" } {
                        text class="panel" x=(MARGIN) y="16" { (title.get(language)) }
                        g transform="translate(0 20)" { (marks(histogram)) }
                    }
                }
            }
            "\n"
        };
        document.into_string()
    }
}

/// Colours and fonts of a standalone picture.
const PICTURE_STYLE: &str = "text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'PingFang SC','Microsoft YaHei',sans-serif;fill:#57606a}\
.title{font-size:16px;font-weight:600;fill:#1b1f24}.panel{fill:#1b1f24}.bar{fill:#0969da}.base{stroke:#57606a}\
@media (prefers-color-scheme:dark){text{fill:#9ba6b2}.title,.panel{fill:#e6edf3}.bar{fill:#58a6ff}.base{stroke:#9ba6b2}}";

fn panel(title: &str, histogram: &Histogram, language: Language) -> Markup {
    html! {
        figure class="panel" {
            figcaption { (title) }
            svg class="panel" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img"
                aria-label={ (title) (description(histogram, language)) } { (marks(histogram)) }
        }
    }
}

/// Describes extent, tallest bin and the shares at both ends.
fn description(histogram: &Histogram, language: Language) -> String {
    let total = histogram.counts.iter().sum::<usize>().max(1) as f64;
    let share = |bin: usize| format!("{:.1} %", 100.0 * histogram.counts[bin] as f64 / total);
    let Some((tallest, _)) = histogram.counts.iter().enumerate().max_by_key(|(bin, count)| (**count, usize::MAX - bin))
    else {
        return String::new();
    };
    let last = histogram.counts.len() - 1;
    let edge = |index: usize| number(histogram.edges[index]);
    let (low, high) = (edge(0), edge(last + 1));
    let (from, to, tallest) = (edge(tallest), edge(tallest + 1), share(tallest));
    let (first, last) = (share(0), share(last));
    match language {
        Language::English => format!(
            ": histogram from {low} to {high}; the tallest bin, {from} to {to}, holds {tallest}, the first {first}, the last {last}"
        ),
        Language::Chinese => format!(
            "：{low} 到 {high} 的直方图；最高的一格（{from} 到 {to}）占 {tallest}，第一格占 {first}，最后一格占 {last}"
        ),
    }
}

/// Draws bars, baseline, and the ends of the axis.
fn marks(histogram: &Histogram) -> Markup {
    let ends = [histogram.edges.first(), histogram.edges.last()].map(|edge| edge.copied().unwrap_or(0.0));
    let (right, label) = (WIDTH - MARGIN, BASE + 16.0);
    html! {
        @for bin in 0..histogram.counts.len() { (bar(histogram, bin)) }
        line class="base" x1=(MARGIN) x2=(right) y1=(BASE) y2=(BASE) {}
        text class="tick" x=(MARGIN) y=(label) { (number(ends[0])) }
        text class="tick" text-anchor="end" x=(right) y=(label) { (number(ends[1])) }
    }
}

fn bar(histogram: &Histogram, bin: usize) -> Markup {
    let width = (WIDTH - 2.0 * MARGIN) / histogram.counts.len() as f64;
    let tallest = histogram.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let total: usize = histogram.counts.iter().sum();
    let count = histogram.counts[bin] as f64;
    let height = count / tallest * (BASE - MARGIN);
    let [left, top, wide, high] =
        [MARGIN + bin as f64 * width, BASE - height, width * 0.96, height].map(|length| format!("{length:.2}"));
    let [from, to] = [bin, bin + 1].map(|edge| number(histogram.edges[edge]));
    let share = 100.0 * count / total.max(1) as f64;
    html! {
        rect class="bar series-0" x=(left) y=(top) width=(wide) height=(high) {
            title { (from) " … " (to) ": " (format!("{share:.1}")) " %" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_says_where_most_values_are() {
        let histogram = Histogram { edges: vec![-1.0, 0.0, 1.0, 2.0], counts: vec![1, 8, 1] };
        let html = Histograms::new().with("Layer 1", histogram).html(Language::English).into_string();
        let words = "Layer 1: histogram from \u{2212}1 to 2; the tallest bin, 0 to 1, holds 80.0 %, the first 10.0 %, the last 10.0 %";
        assert!(html.contains(words), "{html}");
    }
}
