//! Named rows of dots over one axis: every run of a comparison, and the mean of each row.

use super::axis::{Axis, Scale};
use super::{escape, number};
use crate::language::{Language, Text};

const WIDTH: f64 = 640.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 20.0;
const ROW: f64 = 30.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 46.0;

/// A chart of rows of dots.
#[derive(Clone, Debug)]
pub(crate) struct Dots {
    title: Text,
    rows: Vec<(Text, Vec<f64>)>,
}

impl Dots {
    /// An empty chart with the title of its axis.
    pub(crate) fn new(title: impl Into<Text>) -> Self {
        Dots { title: title.into(), rows: Vec::new() }
    }

    /// Adds a row; values that are not finite are left out.
    pub(crate) fn with(mut self, name: impl Into<Text>, values: Vec<f64>) -> Self {
        self.rows.push((name.into(), values));
        self
    }

    /// The chart as SVG.
    pub(crate) fn html(&self, language: Language) -> String {
        let values = || self.rows.iter().flat_map(|(_, values)| values.iter().copied());
        let axis = Axis::new(Scale::Linear, values(), None);
        let bottom = TOP + ROW * self.rows.len() as f64;
        let left = |value: f64| axis.position(value).map(|position| LEFT + position * (WIDTH - LEFT - RIGHT));
        let mut svg = String::new();
        for (value, label) in axis.ticks(6) {
            let Some(x) = left(value) else { continue };
            svg.push_str(&format!(
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
                 <text class=\"tick\" text-anchor=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">{label}</text>",
                bottom + 16.0
            ));
        }
        for (index, (name, values)) in self.rows.iter().enumerate() {
            let middle = TOP + ROW * (index as f64 + 0.5);
            svg.push_str(&row(name.get(language), values, (middle, index), left));
        }
        let (title, height) = (escape(self.title.get(language)), bottom + BOTTOM);
        let centre = 0.5 * (LEFT + WIDTH - RIGHT);
        format!(
            "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">{svg}\
             <text class=\"axis\" text-anchor=\"middle\" x=\"{centre}\" y=\"{:.1}\">{title}</text></svg>",
            height - 8.0
        )
    }
}

fn row(name: &str, values: &[f64], (middle, index): (f64, usize), left: impl Fn(f64) -> Option<f64>) -> String {
    let class = super::frame::series_class(index % 8);
    let name = escape(name);
    let mut svg = format!(
        "<text class=\"tick\" text-anchor=\"end\" x=\"{}\" y=\"{:.1}\">{name}</text>",
        LEFT - 10.0,
        middle + 4.0
    );
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    for value in &finite {
        let Some(x) = left(*value) else { continue };
        svg.push_str(&format!(
            "<circle class=\"point {class}\" cx=\"{x:.1}\" cy=\"{middle:.1}\" r=\"4\"><title>{name}: {}</title></circle>",
            number(*value)
        ));
    }
    let mean = finite.iter().sum::<f64>() / finite.len() as f64;
    if let Some(x) = left(mean) {
        let (top, bottom) = (middle - 9.0, middle + 9.0);
        svg.push_str(&format!(
            "<line class=\"line {class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top:.1}\" y2=\"{bottom:.1}\"/>"
        ));
    }
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_value_is_a_dot_and_every_row_has_its_mean() {
        let chart = Dots::new("accuracy").with("a & b", vec![0.5, 0.7, f64::NAN]).with("none", vec![]);
        let svg = chart.html(Language::English);
        assert_eq!(svg.matches("<circle").count(), 2);
        assert_eq!(svg.matches("class=\"line").count(), 1);
        assert!(svg.contains("a &amp; b") && !svg.contains("NaN"));
    }
}
