//! Charts as inline SVG, drawn from plain numbers.
//!
//! Colours come from the style sheet through classes (`series-0` … `series-7`), so that one drawing serves light, dark and
//! print. Charts are complete without a script; where scripts run, [`SCRIPT`] adds readouts under the pointer, zoom by
//! dragging, and legends that show and hide series.

mod axis;
mod cover;
mod description;
mod dots;
mod field;
mod frame;
mod gate;
mod heat_map;
mod histograms;
mod palette;
mod pictures;
mod plot;
mod png;
mod ridges;
mod series;
mod sheet;

pub use axis::Scale;
pub use dots::Dots;
pub use field::{Field, FieldCell};
pub use gate::Gate;
pub use heat_map::HeatMap;
pub use histograms::Histograms;
pub use palette::{Named, Palette};
pub use pictures::Pictures;
pub use plot::Plot;
pub use png::{base64, png};
pub use ridges::Ridges;
pub use series::{Marks, Region, Series};
pub use sheet::{Sheet, SheetCell, SheetRow};

use crate::language::Language;

/// Language and colours of the page a chart is drawn on.
pub struct Look<'a> {
    /// Language of its words.
    pub language: Language,
    /// Colours of its series.
    pub palette: &'a Palette,
}

/// The style sheet of the charts; colours are those of the page.
pub const STYLE: &str = concat!(include_str!("chart.css"), include_str!("sheet.css"));

/// Readouts, zoom and legends, for the end of the page.
pub const SCRIPT: &str = concat!("'use strict';\n{\n", include_str!("ticks.js"), include_str!("interaction.js"), "}\n");

/// Axes and their marks, a part of [`SCRIPT`] that declares `axisOf`, `valueAt`, `placeOf`, `number` and `ticks`.
pub const TICKS: &str = include_str!("ticks.js");

/// Formats a number with three or four significant digits; very large and very small numbers use a power of ten, and
/// non-numbers are a dash.
pub fn number(value: f64) -> String {
    let magnitude = value.abs();
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-3..1e5).contains(&magnitude) {
        return format!("{value:.2e}").replace('-', "\u{2212}");
    }
    let digits = (3 - magnitude.log10().floor() as i32).clamp(0, 6) as usize;
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.replace('-', "\u{2212}")
}

/// Formats a number with all digits, as in JSON files.
pub fn exact(value: f64) -> String {
    serde_json::Value::from(value).to_string()
}

/// A chart point: horizontal and vertical coordinate.
pub type Point = (f64, f64);

/// Collects two numbers of each list entry as points; entries without two finite numbers are left out.
pub fn points<T, N: Into<Option<f64>>>(list: &[T], x: impl Fn(&T) -> f64, y: impl Fn(&T) -> N) -> Vec<Point> {
    let point = |entry: &T| y(entry).into().map(|y| (x(entry), y));
    list.iter().filter_map(point).filter(|(x, y)| x.is_finite() && y.is_finite()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_lose_their_size() {
        let cases = [
            (0.0, "0"),
            (f64::NAN, "–"),
            (0.8256123, "0.8256"),
            (12.0, "12"),
            (4096.0, "4096"),
            (-0.05, "\u{2212}0.05"),
            (7.3e-16, "7.30e\u{2212}16"),
            (2.5e7, "2.50e7"),
        ];
        for (value, expected) in cases {
            assert_eq!(number(value), expected);
        }
        assert_eq!((exact(10.0).as_str(), exact(-1e-5).as_str()), ("10.0", "-0.00001"));
    }
}
