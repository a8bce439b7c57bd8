//! Histograms of every layer over the steps, as ridges: the oldest at the back.

use std::collections::BTreeMap;

use keel_page::Interval;
use keel_page::charts::Ridges;
use keel_train::runs::HistogramRecord;
use maud::{Markup, html};

use super::Contents;

/// Maximum number of ridges over all charts of the section.
const ALL_RIDGES: usize = 1_500;

pub(super) fn section(contents: &Contents<'_>) -> Markup {
    let Contents { record, language, .. } = *contents;
    if record.histograms.is_empty() {
        return Markup::default();
    }
    let mut kinds: Vec<&str> = Vec::new();
    for histogram in &record.histograms {
        if !kinds.contains(&histogram.name.as_str()) {
            kinds.push(&histogram.name);
        }
    }
    let names = record.layer_names();
    html! {
        p.lead {
            (language.choose("Each ridge is one moment; the last is in front.", "每条曲线为一个时刻，最近的在前。"))
        }
        @for kind in kinds {
            h3.kind { (kind.replace('_', " ")) }
            div.panels { (panels(&record.histograms, kind, &names)) }
        }
    }
}

/// Renders one panel per layer that has histograms of `kind`, in the order of `names`.
fn panels(histograms: &[HistogramRecord], kind: &str, names: &[String]) -> Markup {
    let place = |layer: &str| names.iter().position(|name| name == layer).unwrap_or(names.len());
    let mut layers: BTreeMap<(usize, &str), Vec<&HistogramRecord>> = BTreeMap::new();
    for histogram in histograms.iter().filter(|histogram| histogram.name == kind) {
        layers.entry((place(&histogram.layer), &histogram.layer)).or_default().push(histogram);
    }
    let ridges = (ALL_RIDGES / layers.len().max(1)).clamp(4, 14);
    html! {
        @for ((_, layer), rows) in &layers { (panel(layer, rows, ridges)) }
    }
}

/// Renders at most `most` histograms of one layer, evenly spaced, including the last one.
fn panel(layer: &str, rows: &[&HistogramRecord], most: usize) -> Markup {
    let count = rows.len().min(most);
    let mut ridges = Ridges::new(layer);
    for index in 0..count {
        let row = rows[(index + 1) * rows.len() / count - 1];
        ridges = ridges.with(row.step, Interval { low: row.low, high: row.high }, &row.counts);
    }
    ridges.html()
}
