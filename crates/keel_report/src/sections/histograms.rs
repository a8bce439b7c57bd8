//! Histograms of every layer over the steps, as ridges: the oldest at the back.

use std::collections::BTreeMap;

use keel_page::Interval;
use keel_page::charts::{Ridges, escape};
use keel_train::runs::HistogramRecord;

use super::Contents;

/// Maximum number of ridges over all charts of the section.
const ALL_RIDGES: usize = 1_500;

pub(super) fn section(contents: &Contents<'_>) -> String {
    let Contents { record, language, .. } = *contents;
    if record.histograms.is_empty() {
        return String::new();
    }
    let mut kinds: Vec<&str> = Vec::new();
    for histogram in &record.histograms {
        if !kinds.contains(&histogram.name.as_str()) {
            kinds.push(&histogram.name);
        }
    }
    let names = record.layer_names();
    let place = |layer: &str| names.iter().position(|name| name == layer).unwrap_or(names.len());
    let mut html = format!(
        "<p class=\"lead\">{}</p>",
        language.choose("Each ridge is one moment; the last is in front.", "每条曲线为一个时刻，最近的在前。")
    );
    for kind in kinds {
        let mut layers: BTreeMap<(usize, &str), Vec<&HistogramRecord>> = BTreeMap::new();
        for histogram in record.histograms.iter().filter(|histogram| histogram.name == kind) {
            layers.entry((place(&histogram.layer), &histogram.layer)).or_default().push(histogram);
        }
        let ridges = (ALL_RIDGES / layers.len().max(1)).clamp(4, 14);
        let panels: String = layers.iter().map(|((_, layer), rows)| panel(layer, rows, ridges)).collect();
        let title = escape(&kind.replace('_', " "));
        html.push_str(&format!("<h3 class=\"kind\">{title}</h3><div class=\"panels\">{panels}</div>"));
    }
    html
}

/// Returns at most `most` histograms of one layer, evenly spaced, including the last one.
fn panel(layer: &str, rows: &[&HistogramRecord], most: usize) -> String {
    let count = rows.len().min(most);
    let mut ridges = Ridges::new(layer);
    for index in 0..count {
        let row = rows[(index + 1) * rows.len() / count - 1];
        ridges = ridges.with(row.step, Interval { low: row.low, high: row.high }, &row.counts);
    }
    ridges.html()
}
