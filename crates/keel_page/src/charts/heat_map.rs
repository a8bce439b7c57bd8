//! Heat maps of square matrices: covariances, correlations.

use maud::{Markup, html};

use super::{Look, number, png};
use crate::language::{Language, Text};

/// Maximum number of rows drawn as cells with numbers; larger maps are images with one pixel per entry.
const CELLS: usize = 12;
/// Strongest tint of a cell, in per cent, at which its number stays legible.
const STRONGEST: f64 = 55.0;
/// Colours of negative and positive entries in an image.
const NEGATIVE: [u8; 3] = [0xcf, 0x22, 0x2e];
const POSITIVE: [u8; 3] = [0x1f, 0x7a, 0xe0];

/// Heat map of a symmetric matrix: red is negative, blue positive, and zero has the background colour.
#[derive(Clone, Debug)]
pub struct HeatMap {
    names: Vec<Text>,
    /// `[rows, rows]`
    values: Vec<f64>,
    full: Option<f64>,
}

impl HeatMap {
    /// Creates a heat map of a matrix `[rows, rows]`, row by row; `names` of rows and columns may be empty.
    pub fn new(names: Vec<Text>, values: Vec<f64>) -> Self {
        HeatMap { names, values, full: None }
    }

    /// Sets the magnitude shown in full colour instead of the largest one, for maps that are compared.
    pub fn full_colour_at(mut self, magnitude: f64) -> Self {
        self.full = Some(magnitude);
        self
    }

    /// Renders the map in one language.
    pub fn drawn(&self, look: &Look<'_>) -> Markup {
        if self.rows() <= CELLS { self.cells(look.language) } else { self.picture(look.language) }
    }

    fn rows(&self) -> usize {
        self.values.len().isqrt()
    }

    /// Returns the tint of an entry, from -1 to 1.
    fn tint(&self, value: f64) -> f64 {
        let largest = || self.values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        (value / self.full.unwrap_or_else(largest).max(f64::MIN_POSITIVE)).clamp(-1.0, 1.0)
    }

    fn cells(&self, language: Language) -> Markup {
        let name = |index: usize| self.names.get(index).map_or("", |name| name.get(language));
        let rows = self.rows();
        html! {
            table class="heat" {
                thead { tr { td {} @for column in 0..rows { th scope="col" { (name(column)) } } } }
                tbody {
                    @for (row, entries) in self.values.chunks(rows.max(1)).enumerate() {
                        tr {
                            th scope="row" { (name(row)) }
                            @for &entry in entries { (self.cell(entry)) }
                        }
                    }
                }
            }
        }
    }

    fn cell(&self, entry: f64) -> Markup {
        let tint = self.tint(entry);
        let sign = if tint < 0.0 { "negative" } else { "positive" };
        let share = tint.abs() * STRONGEST;
        // Rounding errors should not show up as covariances.
        let shown = number((entry * 1e4).round() / 1e4 + 0.0);
        html! { td class=(sign) style=(format!("--share:{share:.0}%")) { (shown) } }
    }

    fn picture(&self, language: Language) -> Markup {
        let pixel = |&value: &f64| {
            let tint = self.tint(value);
            let [red, green, blue] = if tint < 0.0 { NEGATIVE } else { POSITIVE };
            // The square root makes small entries visible, too.
            [red, green, blue, (255.0 * tint.abs().sqrt()).round() as u8]
        };
        let pixels: Vec<u8> = self.values.iter().flat_map(pixel).collect();
        let rows = self.rows();
        let file = png(&pixels, rows, rows);
        html! {
            img class="heat" src={ "data:image/png;base64," (file) } width=(rows) height=(rows)
                alt=(self.description(language));
        }
    }

    fn description(&self, language: Language) -> String {
        let rows = self.rows();
        let (mut low, mut high, mut off) = (f64::MAX, f64::MIN, 0.0_f64);
        for (index, &value) in self.values.iter().enumerate() {
            if index / rows == index % rows {
                (low, high) = (low.min(value), high.max(value));
            } else {
                off = off.max(value.abs());
            }
        }
        let [low, high, off] = [low, high, off].map(number);
        match language {
            Language::English => format!(
                "Map of a matrix of {rows} by {rows}: {low} to {high} on the diagonal, magnitudes up to {off} elsewhere"
            ),
            Language::Chinese => {
                format!("{rows}×{rows} 矩阵的热图：对角线上 {low} 到 {high}，其余元素的绝对值不超过 {off}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::Palette;

    fn drawn(map: &HeatMap) -> String {
        map.drawn(&Look { language: Language::English, palette: &Palette::default() }).into_string()
    }

    #[test]
    fn small_maps_are_tables_and_large_ones_pictures_with_words() {
        let small = drawn(&HeatMap::new(vec!["a<b".into(), "c".into()], vec![4.0, -2.0, -2.0, 1e-9]));
        for expected in
            ["a&lt;b", "class=\"negative\" style=\"--share:28%\">\u{2212}2<", "--share:55%\">4<", "--share:0%\">0<"]
        {
            assert!(small.contains(expected), "{expected}\n{small}");
        }
        let mut identity = vec![0.0; 400];
        (0..20).for_each(|row| identity[row * 21] = 1.0);
        let large = drawn(&HeatMap::new(Vec::new(), identity).full_colour_at(2.0));
        assert!(large.contains("matrix of 20 by 20: 1 to 1 on the diagonal, magnitudes up to 0 elsewhere"), "{large}");
    }
}
