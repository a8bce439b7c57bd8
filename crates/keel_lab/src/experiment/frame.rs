//! Document around the page of a run: title, knobs, the command that repeats it, links.

use keel_page::Language;
use keel_page::page::{HtmlDocument, Links};
use maud::{Markup, PreEscaped, html};
use serde_json::Value;

use super::Outcome;

/// Renders the whole document, in one language and with links to others.
pub(super) fn html(outcome: &Outcome, language: Language, links: &Links, tried: &Markup) -> String {
    let entry = outcome.experiment;
    let content = outcome.page.body(language).into_string();
    let body = html! {
        article class="lesson" {
            (links.top(language))
            header {
                p class="chapter" { (entry.chapter.title().get(language)) }
                h1 { (entry.title(language)) }
                p class="summary" { (entry.summary(language)) }
                (tried)
            }
            (PreEscaped(links.resolve(&content, language)))
            (knobs(outcome, language))
            footer {
                p {
                    (language.choose("Every number of this page as JSON:", "本页全部数字的 JSON："))
                    " "
                    code { (command_line(outcome)) }
                }
                (links.bottom(language))
            }
        }
    };
    HtmlDocument { title: entry.title(language), style: "", body: &body }.html(language)
}

/// Renders the knobs of the run with the values used.
fn knobs(outcome: &Outcome, language: Language) -> Markup {
    let (title, heads, seed) = match language {
        Language::English => ("Knobs of this run", ["Knob", "Value", "What it does"], "Seed of all random numbers."),
        Language::Chinese => ("本次运行的设置", ["设置项", "取值", "作用"], "所有随机数的种子。"),
    };
    let row = |name: &str, value: String, text: &str| {
        html! { tr { th scope="row" { code { (name) } } td { (value) } td { (text) } } }
    };
    html! {
        h2 { (title) }
        div class="table" {
            table class="numbers knobs" {
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody {
                    @for knob in outcome.experiment.knobs() {
                        (row(&knob.name, shown(&outcome.settings, &knob.name), knob.text(language)))
                    }
                    (row("seed", outcome.seed().to_string(), seed))
                }
            }
        }
    }
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
