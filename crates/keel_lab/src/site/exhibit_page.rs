//! Page of an exhibit: controls, figures of the initial state, and the script that requests others.

use keel_page::charts::{self, Scale};
use keel_page::page::{HtmlDocument, Links};
use keel_page::{Language, Text};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

use crate::catalog::catalog;
use crate::error::LabError;
use crate::exhibit::{Control, ExhibitEntry, Preset, Request};
use crate::exhibits::{Answer, Desk};
use crate::knob::Knob;

/// Style sheet of exhibits, after the common one.
const STYLE: &str = include_str!("exhibit.css");
/// Script that turns changes of the controls into requests and answers into figures.
const SCRIPT: &str = include_str!("exhibit.js");
/// Maximum number of choices shown as buttons; more are shown as a list.
const MOST_BUTTONS: usize = 6;

/// Location of the engine that answers a page.
#[derive(Clone, Debug)]
pub enum Engine {
    /// A script next to the page that contains the compiled engine.
    Script(String),
    /// A server that answers requests at this address. The page also loads its style sheets and scripts from that server.
    Server {
        /// Address of answers.
        answers: String,
        /// Addresses of style sheets.
        styles: Vec<String>,
        /// Addresses of scripts, run in this order.
        scripts: Vec<String>,
    },
}

/// Addresses that the page of an exhibit links to.
pub struct Addresses<'a> {
    /// Address of the list of all pages.
    pub index: &'a str,
    /// Address of the same page in the other language.
    pub translation: &'a str,
    /// Returns the address of an experiment's page, by name.
    pub experiment: &'a dyn Fn(&str) -> String,
}

/// Page of an exhibit.
#[derive(Clone, Copy, Debug)]
pub struct ExhibitDocument<'a> {
    /// The exhibit.
    pub exhibit: &'static ExhibitEntry,
    /// Engine for its answers; without one the page shows the initial state and explains how to enable it.
    pub engine: Option<&'a Engine>,
}

/// Returns the script with the compiled engine, for [`Engine::Script`]; `module` is the WebAssembly module of the crate
/// `keel_browser`.
pub fn engine_script(module: &[u8]) -> String {
    format!("globalThis.evenkeelEngine = '{}';\n", charts::base64(module))
}

/// Returns the style sheet of exhibits, for a server.
pub fn exhibit_style() -> &'static str {
    STYLE
}

/// Returns the script of exhibits, for a server.
pub fn exhibit_script() -> &'static str {
    SCRIPT
}

impl ExhibitDocument<'_> {
    /// Renders the page in one language, with links to others.
    ///
    /// # Errors
    /// Fails if the initial state has no answer.
    pub(crate) fn linked_html(&self, language: Language, links: &Links) -> Result<String, LabError> {
        let entry = self.exhibit;
        let code = language.code().to_owned();
        let request = Request { exhibit: entry.name.to_owned(), language: code, ..Request::default() };
        let answer = Desk::default().answer(&request)?;
        let body = self.body(language, links, &answer);
        let title = entry.title(language);
        Ok(match self.engine {
            Some(Engine::Server { styles, scripts, .. }) => served(language, title, &body, styles, scripts),
            engine => {
                let body = html! {
                    (body)
                    @if let Some(Engine::Script(file)) = engine { script src=(file) {} }
                };
                HtmlDocument { title, style: STYLE, body: &body }.html_with(language, SCRIPT)
            }
        })
    }

    /// Renders the page in one language, with links to the list of all pages and to itself in the other language.
    ///
    /// # Errors
    /// Fails if the initial state has no answer.
    pub fn html_within(&self, language: Language, addresses: &Addresses<'_>) -> Result<String, LabError> {
        let experiments = catalog().iter().map(|entry| entry.linked(Some((addresses.experiment)(entry.name))));
        let links = Links {
            index: Some(addresses.index.to_owned()),
            translation: Some(addresses.translation.to_owned()),
            pages: experiments.collect(),
            ..Links::default()
        };
        self.linked_html(language, &links)
    }

    fn body(&self, language: Language, links: &Links, answer: &Answer) -> Markup {
        let entry = self.exhibit;
        let explained = links.resolve(&format!("[[{}]]", entry.experiment), language);
        let description = self.description(language).to_string().replace('<', "\\u003c");
        html! {
            article class="exhibit" {
                (links.top(language))
                header {
                    p class="chapter" { (entry.chapter.title().get(language)) }
                    h1 { (entry.title(language)) }
                    p class="summary" { (entry.summary(language)) }
                }
                div class="bench" {
                    form class="controls" id="controls" aria-label=(language.choose("Controls", "控件")) {
                        (self.controls(language))
                    }
                    div class="shown" {
                        p id="status" role="status" { (answer.status) }
                        div id="figures" { (PreEscaped(&answer.html)) }
                    }
                }
                footer {
                    p { (language.choose("Explained on the page", "讲解见")) " " (PreEscaped(explained)) }
                    details {
                        summary { (language.choose("Every number of the figures as JSON", "图中全部数字（JSON）")) }
                        pre id="numbers" tabindex="0" { (answer.numbers) }
                    }
                    (links.bottom(language))
                }
                script type="application/json" id="exhibit" { (PreEscaped(description)) }
            }
        }
    }

    fn controls(&self, language: Language) -> Markup {
        let knobs = self.exhibit.knobs();
        let knob = |name: &str| knobs.iter().find(|knob| knob.name == name);
        let controls = (self.exhibit.controls)();
        // Play buttons include a slider.
        let played: Vec<&str> = controls.iter().filter_map(Control::played).collect();
        let shown =
            controls.iter().filter(|control| !matches!(control, Control::Slider { knob, .. } if played.contains(knob)));
        html! {
            @for control in shown { (one(control, &knob, language)) }
            div class="buttons" {
                @if self.exhibit.is_random {
                    button type="button" id="draw" { (language.choose("Draw other random numbers", "换一组随机数")) }
                }
                button type="button" id="reset" { (language.choose("Reset", "恢复初始状态")) }
                button type="button" id="link" {
                    (language.choose("Copy the link to this state", "复制当前状态的链接"))
                }
            }
        }
    }

    /// Returns the data required by the script.
    fn description(&self, language: Language) -> Value {
        let words = |english: &str, chinese: &str| language.choose(english, chinese).to_owned();
        let knobs: Vec<Value> = self
            .exhibit
            .knobs()
            .iter()
            .map(|knob| {
                json!({ "name": knob.name, "default": knob.default, "low": knob.minimum, "high": knob.maximum, "whole": knob.is_whole(), "choices": knob.choices })
            })
            .collect();
        let drags: Vec<Value> = (self.exhibit.controls)()
            .iter()
            .filter_map(|control| match control {
                Control::Drag { figure, x, y } => Some(json!({ "figure": figure, "x": x, "y": y })),
                Control::Turn { figure, knob, centre } => {
                    Some(json!({ "figure": figure, "turned": knob, "centre": centre }))
                }
                _ => None,
            })
            .collect();
        let (engine, server) = match self.engine {
            Some(Engine::Script(_)) => ("script", None),
            Some(Engine::Server { answers, .. }) => ("server", Some(answers)),
            None => ("none", None),
        };
        json!({
            "exhibit": self.exhibit.name,
            "language": language.code(),
            "knobs": knobs,
            "drags": drags,
            "engine": engine,
            "server": server,
            "words": {
                "missing": words(
                    "These figures show the initial state. To move them, open the lab in `evenkeel studio`, or build the site with its engine: `cargo xtask site`.",
                    "这里只显示初始状态。若要操作，请在 `evenkeel studio` 中打开实验室，或用 `cargo xtask site` 生成带引擎的网站。",
                ),
                "computing": words("Computing …", "计算中……"),
                "copied": words("The link is copied.", "链接已复制。"),
                "copy": words("Copy this address:", "请复制此地址："),
                "play": words("Play", "播放"),
                "pause": words("Pause", "暂停"),
                "failed": words("This state has no answer:", "该状态没有结果："),
            },
        })
    }
}

/// Renders one control as HTML.
fn one<'a>(control: &Control, knob: &impl Fn(&str) -> Option<&'a Knob>, language: Language) -> Markup {
    match control {
        Control::Slider { knob: name, label, scale } => {
            html! { @if let Some(knob) = knob(name) { (slider(knob, label, *scale, language)) } }
        }
        Control::Choice { knob: name, label, words } => {
            html! { @if let Some(knob) = knob(name) { (choice(knob, label, words, language)) } }
        }
        Control::Switch { knob: name, label } => html! {
            @if let Some(knob) = knob(name) {
                label class="switch" title=(knob.text(language)) {
                    input type="checkbox" data-knob=(name) checked[knob.default == true];
                    " " (label.get(language))
                }
            }
        },
        Control::Presets { label, presets } => html! {
            fieldset class="presets" {
                legend { (label.get(language)) }
                @for preset in presets { (button(preset, language)) }
            }
        },
        Control::Play { knob: name, label, step } => html! {
            @if let Some(knob) = knob(name) {
                div class="play" data-play=(name) data-step=(step) {
                    (slider(knob, label, Scale::Linear, language))
                    div class="buttons" {
                        button type="button" class="run" aria-pressed="false" { (language.choose("Play", "播放")) }
                        button type="button" class="step" { "+" (step) }
                        button type="button" class="begin" { (language.choose("From step 0", "从第 0 步开始")) }
                    }
                }
            }
        },
        Control::Drag { .. } | Control::Turn { .. } => Markup::default(),
    }
}

/// Renders the button of prepared settings.
fn button(Preset { label, settings }: &Preset, language: Language) -> Markup {
    let settings: serde_json::Map<String, Value> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    html! { button type="button" data-settings=(Value::Object(settings)) { (label.get(language)) } }
}

/// Renders a slider with a field for the exact number.
fn slider(knob: &Knob, label: &Text, scale: Scale, language: Language) -> Markup {
    let (name, label) = (&knob.name, label.get(language));
    let (low, high) = (knob.minimum.unwrap_or(0.0), knob.maximum.unwrap_or(1.0));
    let value = knob.default.as_f64().unwrap_or(low);
    let (spread, from, to, at) = match (scale, scale.map(low), scale.map(high), scale.map(value)) {
        (Scale::Logarithmic, Some(from), Some(to), Some(at)) => ("log", from, to, at),
        _ => ("linear", low, high, value),
    };
    let step = match (spread, knob.is_whole()) {
        ("linear", true) => 1.0,
        _ => (to - from) / 500.0,
    };
    html! {
        div class="slider" title=(knob.text(language)) {
            label for={ "range-" (name) } { (label) }
            input type="text" inputmode="decimal" class="exact" aria-label=(label) data-exact=(name) value=(value)
                autocomplete="off";
            input type="range" id={ "range-" (name) } data-knob=(name) data-scale=(spread) min=(from) max=(to)
                step=(step) value=(at);
        }
    }
}

fn choice(knob: &Knob, label: &Text, words: &[(&str, Text)], language: Language) -> Markup {
    let (name, help, label) = (&knob.name, knob.text(language), label.get(language));
    let shown = |choice: &str| {
        let words = words.iter().find(|(name, _)| *name == choice);
        words.map_or_else(|| choice.to_owned(), |(_, words)| words.get(language).to_owned())
    };
    let is_default = |choice: &str| knob.default == choice;
    if knob.choices.len() > MOST_BUTTONS {
        return html! {
            div class="list" title=(help) {
                label for={ "list-" (name) } { (label) }
                select id={ "list-" (name) } data-knob=(name) {
                    @for choice in &knob.choices {
                        option value=(choice) selected[is_default(choice)] { (shown(choice)) }
                    }
                }
            }
        };
    }
    html! {
        fieldset class="choice" title=(help) {
            legend { (label) }
            @for choice in &knob.choices {
                label {
                    input type="radio" name=(name) data-knob=(name) value=(choice) checked[is_default(choice)];
                    span { (shown(choice)) }
                }
            }
        }
    }
}

/// Renders a page whose style sheets and scripts come from a server.
fn served(language: Language, title: &str, body: &Markup, styles: &[String], scripts: &[String]) -> String {
    let document = html! {
        (DOCTYPE) "\n"
        html lang=(language) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                link rel="icon" href="data:,";
                title { (title) " · Evenkeel" }
                @for style in styles { link rel="stylesheet" href=(style); }
                @for script in scripts { script src=(script) defer {} }
            }
            body { main { (body) } }
        }
        "\n"
    };
    document.into_string()
}
