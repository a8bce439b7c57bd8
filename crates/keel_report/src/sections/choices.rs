//! Config keys that were chosen from the data, each with its reason.

use keel_page::Language;
use keel_page::charts::escape;
use keel_train::auto::Choice;

use super::Contents;

pub(super) fn section(contents: &Contents<'_>) -> String {
    let Contents { record, language, .. } = *contents;
    let choices = record.summary.as_ref().map(|summary| summary.choices.as_slice()).unwrap_or_default();
    if choices.is_empty() {
        return String::new();
    }
    let lead = language.choose(
        "Chosen from the data and the machine. A value given in a config file or with <code>--set</code> takes precedence.",
        "以下各项由程序根据数据与机器选定；配置文件或 <code>--set</code> 给出的值优先。",
    );
    let heads = match language {
        Language::English => ["key", "value", "reason"],
        Language::Chinese => ["键", "值", "原因"],
    };
    let head: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    let rows: String = choices.iter().map(row).collect();
    format!(
        "<p class=\"lead\">{lead}</p><div class=\"table\"><table class=\"choices\"><thead><tr>{head}</tr></thead>\
         <tbody>{rows}</tbody></table></div>"
    )
}

fn row(choice: &Choice) -> String {
    format!(
        "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td></tr>",
        escape(&choice.key),
        escape(&choice.value),
        escape(&choice.reason)
    )
}
