//! Document around the page of a run: title, knobs, the command that repeats it, links.

use keel_page::Language;
use keel_page::charts::escape;
use keel_page::page::{HtmlDocument, Links};
use serde_json::Value;

use super::Outcome;

/// Renders the whole document, in one language and with links to others.
pub(super) fn html(outcome: &Outcome, language: Language, links: &Links, tried: &str) -> String {
    let entry = outcome.experiment;
    let repeat = match language {
        Language::English => "Every number of this page as JSON:",
        Language::Chinese => "本页全部数字的 JSON：",
    };
    let body = format!(
        "<article class=\"lesson\">{}<header><p class=\"chapter\">{}</p><h1>{}</h1><p class=\"summary\">{}</p>{}</header>{}{}\
         <footer><p>{repeat} <code>{}</code></p>{}</footer></article>",
        links.top(language),
        entry.chapter.title().get(language),
        escape(entry.title(language)),
        escape(entry.summary(language)),
        tried,
        links.resolve(&outcome.page.body(language), language),
        knobs(outcome, language),
        escape(&command_line(outcome)),
        links.bottom(language)
    );
    HtmlDocument { title: entry.title(language), style: "", body: &body }.html(language)
}

/// Renders the knobs of the run with the values used.
fn knobs(outcome: &Outcome, language: Language) -> String {
    let (title, heads, seed) = match language {
        Language::English => ("Knobs of this run", ["Knob", "Value", "What it does"], "Seed of all random numbers."),
        Language::Chinese => ("本次运行的设置", ["设置项", "取值", "作用"], "所有随机数的种子。"),
    };
    let head: String = heads.iter().map(|head| format!("<th scope=\"col\">{head}</th>")).collect();
    let row = |name: &str, value: String, text: &str| {
        let (name, value, text) = (escape(name), escape(&value), escape(text));
        format!("<tr><th scope=\"row\"><code>{name}</code></th><td>{value}</td><td>{text}</td></tr>")
    };
    let mut rows: String = outcome
        .experiment
        .knobs()
        .iter()
        .map(|knob| row(&knob.name, shown(&outcome.settings, &knob.name), knob.text(language)))
        .collect();
    rows.push_str(&row("seed", outcome.seed().to_string(), seed));
    format!(
        "<h2>{title}</h2><div class=\"table\"><table class=\"numbers knobs\"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

/// Returns the value of the knob `name`.
fn value<'a>(settings: &'a Value, name: &str) -> &'a Value {
    name.split('.').fold(settings, |value, key| &value[key])
}

fn shown(settings: &Value, name: &str) -> String {
    match value(settings, name) {
        Value::String(text) => text.clone(),
        Value::Null => "auto".to_owned(),
        other => other.to_string(),
    }
}

/// Returns the command that reproduces this run's document.
fn command_line(outcome: &Outcome) -> String {
    let mut command = format!("evenkeel lab run {} --json --seed {}", outcome.experiment.name, outcome.seed());
    for knob in outcome.experiment.knobs() {
        if *value(&outcome.settings, &knob.name) != knob.default {
            command.push_str(&format!(" --set '{}={}'", knob.name, shown(&outcome.settings, &knob.name)));
        }
    }
    command
}
