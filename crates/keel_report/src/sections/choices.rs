//! Config keys that were chosen from the data, each with its reason.

use keel_page::Language;
use keel_train::auto::Choice;
use maud::{Markup, PreEscaped, html};

use super::Contents;
use crate::elements;

pub(super) fn section(contents: &Contents<'_>) -> Markup {
    let Contents { record, language, .. } = *contents;
    let choices = record.summary.as_ref().map(|summary| summary.choices.as_slice()).unwrap_or_default();
    if choices.is_empty() {
        return Markup::default();
    }
    let lead = language.choose(
        "Chosen from the data and the machine. A value given in a config file or with <code>--set</code> takes precedence.",
        "以下各项由程序根据数据与机器选定；配置文件或 <code>--set</code> 给出的值优先。",
    );
    let titles = match language {
        Language::English => ["key", "value", "reason"],
        Language::Chinese => ["键", "值", "原因"],
    };
    html! {
        p.lead { (PreEscaped(lead)) }
        (elements::table(Some("choices"), &elements::scoped_titles(titles), choices.iter().map(|choice| row(choice, language))))
    }
}

fn row(choice: &Choice, language: Language) -> Markup {
    let reason = elements::translated(&choice.reason, choice.chinese_reason(), language);
    html! {
        tr { th scope="row" { code { (choice.key) } } td { (choice.value) } td { (reason) } }
    }
}
