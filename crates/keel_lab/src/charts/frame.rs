//! The frame of a chart: plotting area, grid, tick labels, titles, legend.

use std::fmt::Write;

use super::axis::Axis;
use super::escape;

const WIDTH: f64 = 640.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 46.0;

/// Maps values to positions in the drawing and collects its marks.
pub(super) struct Frame {
    pub(super) x: Axis,
    pub(super) y: Axis,
    height: f64,
    svg: String,
}

impl Frame {
    /// An empty frame with grid and axis titles.
    pub(super) fn new((x, y): (Axis, Axis), (x_title, y_title): (&str, &str), height: f64) -> Self {
        let mut frame = Frame { x, y, height, svg: String::new() };
        for (value, label) in frame.x.ticks(7) {
            if let Some(left) = frame.left(value) {
                let bottom = height - BOTTOM;
                frame.push(format_args!(
                    "<line class=\"grid\" x1=\"{left:.1}\" x2=\"{left:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>"
                ));
                let below = bottom + 16.0;
                frame.push(format_args!(
                    "<text class=\"tick\" text-anchor=\"middle\" x=\"{left:.1}\" y=\"{below}\">{label}</text>"
                ));
            }
        }
        for (value, label) in frame.y.ticks(5) {
            if let Some(top) = frame.top(value) {
                let right = WIDTH - RIGHT;
                frame.push(format_args!(
                    "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{top:.1}\" y2=\"{top:.1}\"/>"
                ));
                let (left, middle) = (LEFT - 8.0, top + 4.0);
                frame.push(format_args!(
                    "<text class=\"tick\" text-anchor=\"end\" x=\"{left}\" y=\"{middle:.1}\">{label}</text>"
                ));
            }
        }
        let (middle, bottom) = (0.5 * (LEFT + WIDTH - RIGHT), height - 8.0);
        frame.push(format_args!(
            "<text class=\"axis\" text-anchor=\"middle\" x=\"{middle}\" y=\"{bottom}\">{}</text>",
            escape(x_title)
        ));
        let middle = 0.5 * (TOP + height - BOTTOM);
        let turn = format!("rotate(-90 14 {middle})");
        frame.push(format_args!(
            "<text class=\"axis\" text-anchor=\"middle\" x=\"14\" y=\"{middle}\" transform=\"{turn}\">{}</text>",
            escape(y_title)
        ));
        frame
    }

    /// Horizontal position of a value.
    pub(super) fn left(&self, value: f64) -> Option<f64> {
        Some(LEFT + self.x.position(value)? * (WIDTH - LEFT - RIGHT))
    }

    /// Vertical position of a value.
    pub(super) fn top(&self, value: f64) -> Option<f64> {
        Some(self.height - BOTTOM - self.y.position(value)? * (self.height - TOP - BOTTOM))
    }

    /// Adds a mark.
    pub(super) fn push(&mut self, mark: std::fmt::Arguments<'_>) {
        self.svg.write_fmt(mark).expect("writing to a string cannot fail");
    }

    /// The drawing, `label` being what it says to those who cannot see it; the names of its series in a legend below.
    pub(super) fn finish(self, label: &str, names: &[(&str, usize)]) -> String {
        let mut html = format!(
            "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">{}</svg>",
            self.height,
            escape(label),
            self.svg
        );
        if names.len() > 1 {
            html.push_str("<p class=\"legend\">");
            for (name, colour) in names {
                let class = series_class(*colour);
                let _ = write!(html, "<span><i class=\"{class}\"></i>{}</span> ", escape(name));
            }
            html.push_str("</p>");
        }
        html
    }
}

/// Class of a series; after eight, colours repeat with dashes.
pub(super) fn series_class(index: usize) -> String {
    let dashes = if index >= 8 { " dashed" } else { "" };
    format!("series-{}{dashes}", index % 8)
}
