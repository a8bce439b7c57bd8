//! The network, layer by layer.

use keel_page::Language;
use keel_page::charts::escape;
use keel_train::runs::LayerSummary;

use super::Contents;
use super::overview::grouped;

pub(super) fn section(contents: &Contents<'_>) -> String {
    let Contents { record, language, .. } = *contents;
    let Some(summary) = &record.summary else { return String::new() };
    if summary.layers.is_empty() {
        return String::new();
    }
    let total: usize = summary.layers.iter().map(|layer| layer.parameters).sum();
    let rows: String = summary.layers.iter().map(|layer| row(layer, total)).collect();
    let heads = match language {
        Language::English => ["layer", "what it does", "output", "parameters", "share", "initialiser"],
        Language::Chinese => ["层", "作用", "输出", "参数量", "占比", "初始化"],
    };
    let head: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    let sum = language.choose("all layers", "合计");
    let mut html = format!(
        "<div class=\"table\"><table class=\"model\"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody><tfoot><tr><td>{sum}</td>\
         <td></td><td></td><td>{}</td><td></td><td></td></tr></tfoot></table></div>",
        grouped(total as u64)
    );
    if !summary.inferred.is_empty() {
        let items: String = summary.inferred.iter().map(|sentence| format!("<li>{}</li>", escape(sentence))).collect();
        let title = language.choose("Inferred while building", "构建时推断");
        html.push_str(&format!("<h3>{title}</h3><ul>{items}</ul>"));
    }
    html
}

fn row(layer: &LayerSummary, total: usize) -> String {
    let shape = layer.output_shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ");
    let share = 100.0 * layer.parameters as f64 / total.max(1) as f64;
    let parameters = if layer.parameters == 0 { "–".to_owned() } else { grouped(layer.parameters as u64) };
    format!(
        "<tr><td><b>{}</b></td><td>{}</td><td>{shape}</td><td>{parameters}</td><td class=\"bar-cell\"><i style=\"width:{share:.1}%\"></i></td><td>{}</td></tr>",
        escape(&layer.name),
        escape(&layer.description),
        escape(layer.init.as_deref().unwrap_or(""))
    )
}
