//! Rows of dots over a shared axis: every run of a comparison, and the mean of each row.

use std::fmt::Write;

use super::axis::{Axis, Scale};
use super::palette::{Named, Palette};
use super::{Look, description, escape, number};
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
    pub fn html(&self, language: Language) -> String {
        self.drawn(&Look { language, palette: &Palette::default() })
    }

    /// Returns the rows as palette entries.
    pub fn named(&self) -> Vec<Named<'_>> {
        self.rows.iter().map(|(name, _)| Named { name: name.get(Language::English), given: None }).collect()
    }

    /// Renders the chart in the colours of its page: names next to the drawing, ticks below.
    pub fn drawn(&self, look: &Look<'_>) -> String {
        let language = look.language;
        let values = || self.rows.iter().flat_map(|(_, values)| values.iter().copied());
        let axis = Axis::new(Scale::Linear, values(), None);
        let bottom = ROW * self.rows.len() as f64;
        let (mut grid, mut ticks, mut names, mut marks) = (String::new(), String::new(), String::new(), String::new());
        let mut words = Vec::with_capacity(self.rows.len());
        for (value, label) in axis.ticks(6) {
            let Some(at) = axis.position(value) else { continue };
            let _ = write!(grid, "M{:.1} 0V{bottom}", at * WIDTH);
            let _ = write!(ticks, "<span style=\"left:{:.2}%\">{label}</span>", at * 100.0);
        }
        for (index, (name, values)) in self.rows.iter().enumerate() {
            let colour = look.palette.colour(name.get(Language::English), index);
            words.push(description::values(language, name.get(language), values));
            let name = escape(name.get(language));
            let _ = write!(names, "<span>{name}</span>");
            let row = Row { name: &name, values, middle: ROW * (index as f64 + 0.5), colour };
            marks.push_str(&row.svg(&axis));
        }
        let (title, height) = (escape(self.title.get(language)), ROW_HEIGHT * self.rows.len() as f64);
        let (colon, gap) = (language.choose(": ", "："), language.choose("; ", "；"));
        let description = format!("{title}{colon}{}", escape(&words.join(gap)));
        format!(
            "<div class=\"strip\"><div class=\"names\">{names}</div><div class=\"rows\" style=\"height:{height:.1}rem\">\
             <svg class=\"chart\" viewBox=\"0 0 {WIDTH} {bottom}\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"{description}\"><path class=\"grid\" d=\"{grid}\"/>{marks}</svg></div>\
             <div class=\"x-ticks\">{ticks}</div><p class=\"x-title\">{title}</p></div>"
        )
    }
}

/// A row of dots.
struct Row<'a> {
    /// Escaped name.
    name: &'a str,
    values: &'a [f64],
    /// Height of its middle in the drawing.
    middle: f64,
    colour: usize,
}

impl Row<'_> {
    /// Renders the dots and the bar at their mean.
    fn svg(&self, axis: &Axis) -> String {
        let Row { name, values, middle, colour } = *self;
        let class = super::frame::series_class(colour % 8);
        let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        let mut svg = format!("<g class=\"series {class}\">");
        for value in &finite {
            let Some(at) = axis.position(*value) else { continue };
            let (x, number) = (at * WIDTH, number(*value));
            let _ =
                write!(svg, "<path class=\"points\" d=\"M{x:.1},{middle}h0\"><title>{name}: {number}</title></path>");
        }
        let mean = finite.iter().sum::<f64>() / finite.len() as f64;
        if let Some(at) = axis.position(mean) {
            let (x, top, bottom) = (at * WIDTH, middle - 0.32 * ROW, middle + 0.32 * ROW);
            let _ = write!(svg, "<polyline points=\"{x:.1},{top:.1} {x:.1},{bottom:.1}\"/>");
        }
        svg.push_str("</g>");
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_value_is_a_dot_and_every_row_has_its_mean() {
        let chart = Dots::new("accuracy").with("a & b", vec![0.5, 0.7, f64::NAN]).with("none", vec![]);
        let svg = chart.html(Language::English);
        assert_eq!(svg.matches("class=\"points\"").count(), 2);
        assert_eq!(svg.matches("<polyline").count(), 1);
        assert!(svg.contains("a &amp; b") && !svg.contains("NaN"));
        let words = "aria-label=\"accuracy: a &amp; b: mean 0.6, 0.5 to 0.7, 2 values; none: none\"";
        assert!(svg.contains(words), "{svg}");
    }
}
