//! The network, layer by layer.

use keel_page::Language;
use keel_train::runs::LayerSummary;
use maud::{Markup, html};

use super::Contents;
use super::numbers::grouped;
use crate::elements;

pub(super) fn section(contents: &Contents<'_>) -> Markup {
    let Contents { record, language, .. } = *contents;
    let Some(summary) = &record.summary else { return Markup::default() };
    if summary.layers.is_empty() {
        return Markup::default();
    }
    let total: usize = summary.layers.iter().map(|layer| layer.parameters).sum();
    let titles = match language {
        Language::English => ["layer", "what it does", "output", "parameters", "share", "initialiser"],
        Language::Chinese => ["层", "作用", "输出", "参数量", "占比", "初始化"],
    };
    html! {
        div.table {
            table.model {
                thead { tr { (elements::titles(titles)) } }
                tbody { @for layer in &summary.layers { (row(layer, total)) } }
                tfoot {
                    tr {
                        td { (language.choose("all layers", "合计")) }
                        td {} td {} td { (grouped(total as u64)) } td {} td {}
                    }
                }
            }
        }
        @if !summary.inferred.is_empty() {
            h3 { (language.choose("Remarks", "说明")) }
            ul { @for sentence in &summary.inferred { li { (sentence) } } }
        }
    }
}

fn row(layer: &LayerSummary, total: usize) -> Markup {
    let shape = layer.output_shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ");
    let share = 100.0 * layer.parameters as f64 / total.max(1) as f64;
    let parameters = if layer.parameters == 0 { "–".to_owned() } else { grouped(layer.parameters as u64) };
    html! {
        tr {
            td { b { (layer.name) } }
            td { (layer.description) }
            td { (shape) }
            td { (parameters) }
            td.bar-cell { i style={ "width:" (format!("{share:.1}")) "%" } {} }
            td { (layer.init.as_deref().unwrap_or_default()) }
        }
    }
}
