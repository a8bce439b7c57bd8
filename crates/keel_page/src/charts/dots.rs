//! Rows of dots over a shared axis: every run of a comparison, and the mean of each row.

use maud::{Markup, html};

use super::axis::{Axis, Scale};
use super::frame::series_class;
use super::palette::{Named, Palette};
use super::{Look, description, number};
use crate::language::{Language, Text};

/// Size in drawing units; the drawing is stretched to the width of the page, and each row to [`ROW_HEIGHT`].
const WIDTH: f64 = 1000.0;
const ROW: f64 = 100.0;
/// Height of a row in the style sheet's `rem`.
const ROW_HEIGHT: f64 = 1.7;

/// A chart of rows of dots.
#[derive(Clone, Debug)]
pub struct Dots {
    title: Text,
    rows: Vec<(Text, Vec<f64>)>,
}

impl Dots {
    /// Creates an empty chart with the title of its axis.
    pub fn new(title: impl Into<Text>) -> Self {
        Dots { title: title.into(), rows: Vec::new() }
    }

    /// Adds a row; values that are not finite are left out.
    pub fn with(mut self, name: impl Into<Text>, values: Vec<f64>) -> Self {
        self.rows.push((name.into(), values));
        self
    }

    /// Renders the chart on a page without other charts of the same rows.
    pub fn html(&self, language: Language) -> Markup {
        self.drawn(&Look { language, palette: &Palette::default() })
    }

    /// Returns the rows as palette entries.
    pub fn named(&self) -> Vec<Named<'_>> {
        self.rows.iter().map(|(name, _)| Named { name: name.get(Language::English), given: None }).collect()
    }

    /// Renders the chart in the colours of its page: names next to the drawing, ticks below.
    pub fn drawn(&self, look: &Look<'_>) -> Markup {
        let language = look.language;
        let values = || self.rows.iter().flat_map(|(_, values)| values.iter().copied());
        let axis = Axis::new(Scale::Linear, values(), None);
        let (bottom, height) = (ROW * self.rows.len() as f64, ROW_HEIGHT * self.rows.len() as f64);
        let ticks = axis.placed_ticks(6);
        let grid: String = ticks.iter().map(|(at, _)| format!("M{:.1} 0V{bottom}", at * WIDTH)).collect();
        let row = |(index, (name, values)): (usize, &(Text, Vec<f64>))| {
            let colour = look.palette.colour(name.get(Language::English), index);
            Row { name: name.get(language), values, middle: ROW * (index as f64 + 0.5), colour }.svg(&axis)
        };
        let title = self.title.get(language);
        html! {
            div class="strip" {
                div class="names" { @for (name, _) in &self.rows { span { (name.get(language)) } } }
                div class="rows" style=(format!("height:{height:.1}rem")) {
                    svg class="chart" viewBox={ "0 0 " (WIDTH) " " (bottom) } preserveAspectRatio="none" role="img"
                        aria-label=(self.description(language)) {
                        path class="grid" d=(grid) {}
                        @for marks in self.rows.iter().enumerate().map(row) { (marks) }
                    }
                }
                div class="x-ticks" {
                    @for (at, label) in &ticks { span style=(format!("left:{:.2}%", at * 100.0)) { (label) } }
                }
                p class="x-title" { (title) }
            }
        }
    }

    fn description(&self, language: Language) -> String {
        let row = |(name, values): &(Text, Vec<f64>)| description::values(language, name.get(language), values);
        let rows: Vec<String> = self.rows.iter().map(row).collect();
        let (colon, gap) = (language.choose(": ", "："), language.choose("; ", "；"));
        format!("{}{colon}{}", self.title.get(language), rows.join(gap))
    }
}

/// A row of dots.
struct Row<'a> {
    name: &'a str,
    values: &'a [f64],
    /// Height of its middle in the drawing.
    middle: f64,
    colour: usize,
}

impl Row<'_> {
    /// Renders the dots and the bar at their mean.
    fn svg(&self, axis: &Axis) -> Markup {
        let Row { name, values, middle, colour } = *self;
        let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        let mean = finite.iter().sum::<f64>() / finite.len() as f64;
        let dots = finite.iter().filter_map(|&value| Some((axis.position(value)? * WIDTH, number(value))));
        html! {
            g class={ "series " (series_class(colour % 8)) } {
                @for (x, number) in dots {
                    path class="points" d=(format!("M{x:.1},{middle}h0")) { title { (name) ": " (number) } }
                }
                @if let Some(at) = axis.position(mean) {
                    @let (x, top, bottom) = (at * WIDTH, middle - 0.32 * ROW, middle + 0.32 * ROW);
                    polyline points=(format!("{x:.1},{top:.1} {x:.1},{bottom:.1}")) {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_value_is_a_dot_and_every_row_has_its_mean() {
        let chart = Dots::new("accuracy").with("a & b", vec![0.5, 0.7, f64::NAN]).with("none", vec![]);
        let svg = chart.html(Language::English).into_string();
        assert_eq!(svg.matches("class=\"points\"").count(), 2);
        assert_eq!(svg.matches("<polyline").count(), 1);
        assert!(svg.contains("a &amp; b") && !svg.contains("NaN"));
        let words = "aria-label=\"accuracy: a &amp; b: mean 0.6, 0.5 to 0.7, 2 values; none: none\"";
        assert!(svg.contains(words), "{svg}");
    }
}
