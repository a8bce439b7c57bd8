//! Ridgeline plot: histograms of one quantity over time, one behind another.

use std::fmt::Write;

use maud::{Markup, html};

use super::number;
use crate::interval::Interval;

const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 150.0;
const MARGIN: f64 = 8.0;
/// Height of the tallest ridge.
const TALLEST: f64 = 42.0;

/// Ridges of one layer, the oldest at the back.
#[derive(Clone, Debug)]
pub struct Ridges {
    title: String,
    rows: Vec<Ridge>,
}

#[derive(Clone, Debug)]
struct Ridge {
    step: u64,
    range: Interval,
    shares: Vec<f64>,
}

impl Ridges {
    /// Creates a plot without ridges.
    pub fn new(title: impl Into<String>) -> Self {
        Ridges { title: title.into(), rows: Vec::new() }
    }

    /// Adds the histogram taken at `step` in front, with bins of equal width over `range`. Empty histograms and those
    /// without width are left out.
    pub fn with(mut self, step: u64, range: Interval, counts: &[u64]) -> Self {
        let total: u64 = counts.iter().sum();
        let width = range.high - range.low;
        if total > 0 && range.high > range.low && width.is_finite() {
            // Use density rather than share, so that narrow and wide histograms are comparable.
            let scale = counts.len() as f64 / (total as f64 * width);
            let shares = counts.iter().map(|&count| count as f64 * scale).collect();
            self.rows.push(Ridge { step, range, shares });
        }
        self
    }

    /// Renders the drawing in its own figure, or nothing if there are no ridges.
    pub fn html(&self) -> Markup {
        let [Ridge { step: first, .. }, ..] = &self.rows[..] else { return Markup::default() };
        let last = self.rows.last().map_or(*first, |row| row.step);
        let low = self.rows.iter().map(|row| row.range.low).fold(f64::MAX, f64::min);
        let high = self.rows.iter().map(|row| row.range.high).fold(f64::MIN, f64::max);
        let whole = Interval { low, high };
        html! {
            figure class="panel" {
                figcaption { (self.title) }
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(self.title) {
                    @for (index, row) in self.rows.iter().enumerate() {
                        path class="ridge depth" style=(format!("--depth:{:.0}%", 100.0 * self.depth(index)))
                            d=(self.outline(index, whole)) { title { (row.step) } }
                    }
                }
                p class="ends" { span { (number(low)) } span { (first) "–" (last) } span { (number(high)) } }
            }
        }
    }

    /// Returns the place of a ridge among all, from 0 for the oldest to 1.
    fn depth(&self, index: usize) -> f64 {
        index as f64 / (self.rows.len().max(2) - 1) as f64
    }

    /// Returns the path of a ridge over the axis `whole`.
    fn outline(&self, index: usize, whole: Interval) -> String {
        let row = &self.rows[index];
        let highest = self.rows.iter().flat_map(|row| &row.shares).fold(0.0_f64, |highest, &share| highest.max(share));
        let gap = (HEIGHT - TALLEST - 2.0 * MARGIN) / (self.rows.len().max(2) - 1) as f64;
        let base = if self.rows.len() == 1 { HEIGHT - MARGIN } else { TALLEST + MARGIN + gap * index as f64 };
        let left = |value: f64| MARGIN + (value - whole.low) / (whole.high - whole.low) * (WIDTH - 2.0 * MARGIN);
        // Use the square root, so that a spike does not flatten all others.
        let top = |share: f64| base - TALLEST * (share / highest).sqrt();
        let width = (row.range.high - row.range.low) / row.shares.len() as f64;
        let mut path = format!("M{:.1} {base:.1}", left(row.range.low));
        for (bin, &share) in row.shares.iter().enumerate() {
            let middle = row.range.low + (bin as f64 + 0.5) * width;
            let _ = write!(path, "L{:.1} {:.1}", left(middle), top(share));
        }
        let _ = write!(path, "L{:.1} {base:.1}", left(row.range.high));
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_histogram_with_values_is_a_ridge() {
        let range = |reach: f64| Interval { low: -reach, high: reach };
        let html = Ridges::new("a<b")
            .with(1, range(1.0), &[0, 5, 5, 0])
            .with(2, range(0.0), &[3])
            .with(3, range(2.0), &[0, 0])
            .with(4, range(2.0), &[1, 2, 1])
            .html()
            .into_string();
        assert_eq!(html.matches("<path").count(), 2);
        assert!(html.contains("a&lt;b") && html.contains("1–4") && !html.contains("NaN"), "{html}");
        assert!(Ridges::new("none").html().into_string().is_empty());
    }
}
