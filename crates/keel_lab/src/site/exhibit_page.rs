//! Page of an exhibit: controls, figures of the initial state, and the script that requests others.

use keel_page::charts::{self, Scale, escape};
use keel_page::page::{HtmlDocument, Links};
use keel_page::{Language, Text};
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
                let engine = match engine {
                    Some(Engine::Script(file)) => format!("<script src=\"{file}\"></script>"),
                    _ => String::new(),
                };
                let body = format!("{body}{engine}");
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

    fn body(&self, language: Language, links: &Links, answer: &Answer) -> String {
        let entry = self.exhibit;
        let explained = links.resolve(&format!("[[{}]]", entry.experiment), language);
        let words = |english, chinese| language.choose(english, chinese);
        format!(
            "<article class=\"exhibit\">{}<header><p class=\"chapter\">{}</p><h1>{}</h1><p class=\"summary\">{}</p></header>\
             <div class=\"bench\"><form class=\"controls\" id=\"controls\" aria-label=\"{}\">{}</form>\
             <div class=\"shown\"><p id=\"status\" role=\"status\">{}</p><div id=\"figures\">{}</div></div></div>\
             <footer><p>{} {explained}</p><details><summary>{}</summary><pre id=\"numbers\" tabindex=\"0\">{}</pre></details>{}</footer>\
             <script type=\"application/json\" id=\"exhibit\">{}</script></article>",
            links.top(language),
            entry.chapter.title().get(language),
            escape(entry.title(language)),
            escape(entry.summary(language)),
            words("Controls", "控件"),
            self.controls(language),
            escape(&answer.status),
            answer.html,
            words("Explained on the page", "讲解见"),
            words("Every number of the figures as JSON", "图中全部数字（JSON）"),
            escape(&answer.numbers.to_string()),
            links.bottom(language),
            self.description(language).to_string().replace('<', "\\u003c"),
        )
    }

    fn controls(&self, language: Language) -> String {
        let knobs = self.exhibit.knobs();
        let knob = |name: &str| knobs.iter().find(|knob| knob.name == name);
        let controls = (self.exhibit.controls)();
        // Play buttons include a slider.
        let played: Vec<&str> = controls.iter().filter_map(Control::played).collect();
        let shown =
            controls.iter().filter(|control| !matches!(control, Control::Slider { knob, .. } if played.contains(knob)));
        let mut html: String = shown.map(|control| one(control, &knob, language)).collect();
        let words = |english, chinese| language.choose(english, chinese);
        let draw = match self.exhibit.is_random {
            true => format!(
                "<button type=\"button\" id=\"draw\">{}</button>",
                words("Draw other random numbers", "换一组随机数")
            ),
            false => String::new(),
        };
        html.push_str(&format!(
            "<div class=\"buttons\">{draw}<button type=\"button\" id=\"reset\">{}</button>\
             <button type=\"button\" id=\"link\">{}</button></div>",
            words("Reset", "恢复初始状态"),
            words("Copy the link to this state", "复制当前状态的链接"),
        ));
        html
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
fn one<'a>(control: &Control, knob: &impl Fn(&str) -> Option<&'a Knob>, language: Language) -> String {
    let text = |label: &Text| escape(label.get(language));
    match control {
        Control::Slider { knob: name, label, scale } => {
            knob(name).map_or_else(String::new, |knob| slider(knob, &text(label), *scale, language))
        }
        Control::Choice { knob: name, label, words } => {
            knob(name).map_or_else(String::new, |knob| choice(knob, &text(label), words, language))
        }
        Control::Switch { knob: name, label } => knob(name).map_or_else(String::new, |knob| {
            format!(
                "<label class=\"switch\" title=\"{}\"><input type=\"checkbox\" data-knob=\"{name}\"{}> {}</label>",
                escape(knob.text(language)),
                if knob.default == true { " checked" } else { "" },
                text(label)
            )
        }),
        Control::Presets { label, presets } => {
            let button = |Preset { label, settings }: &Preset| {
                let settings: serde_json::Map<String, Value> =
                    settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
                let settings = escape(&Value::Object(settings).to_string());
                format!("<button type=\"button\" data-settings=\"{settings}\">{}</button>", text(label))
            };
            let buttons: String = presets.iter().map(button).collect();
            format!("<fieldset class=\"presets\"><legend>{}</legend>{buttons}</fieldset>", text(label))
        }
        Control::Play { knob: name, label, step } => knob(name).map_or_else(String::new, |knob| {
            let words = |english, chinese| language.choose(english, chinese);
            format!(
                "<div class=\"play\" data-play=\"{name}\" data-step=\"{step}\">{}<div class=\"buttons\">\
                 <button type=\"button\" class=\"run\" aria-pressed=\"false\">{}</button>\
                 <button type=\"button\" class=\"step\">+{step}</button><button type=\"button\" class=\"begin\">{}</button></div></div>",
                slider(knob, &text(label), Scale::Linear, language),
                words("Play", "播放"),
                words("From step 0", "从第 0 步开始")
            )
        }),
        Control::Drag { .. } | Control::Turn { .. } => String::new(),
    }
}

/// Renders a slider with a field for the exact number.
fn slider(knob: &Knob, label: &str, scale: Scale, language: Language) -> String {
    let name = &knob.name;
    let (low, high) = (knob.minimum.unwrap_or(0.0), knob.maximum.unwrap_or(1.0));
    let value = knob.default.as_f64().unwrap_or(low);
    let (spread, from, to, at) = match (scale, scale.map(low), scale.map(high), scale.map(value)) {
        (Scale::Logarithmic, Some(from), Some(to), Some(at)) => ("log", from, to, at),
        _ => ("linear", low, high, value),
    };
    let step = match (spread, knob.is_whole()) {
        ("linear", true) => "1".to_owned(),
        _ => ((to - from) / 500.0).to_string(),
    };
    format!(
        "<div class=\"slider\" title=\"{}\"><label for=\"range-{name}\">{label}</label><input type=\"text\" inputmode=\"decimal\" \
         class=\"exact\" aria-label=\"{label}\" data-exact=\"{name}\" value=\"{value}\" autocomplete=\"off\">\
         <input type=\"range\" id=\"range-{name}\" data-knob=\"{name}\" data-scale=\"{spread}\" min=\"{from}\" max=\"{to}\" \
         step=\"{step}\" value=\"{at}\"></div>",
        escape(knob.text(language))
    )
}

fn choice(knob: &Knob, label: &str, words: &[(&str, Text)], language: Language) -> String {
    let (name, help) = (&knob.name, escape(knob.text(language)));
    let shown = |choice: &str| {
        let words = words.iter().find(|(name, _)| *name == choice);
        words.map_or_else(|| escape(choice), |(_, words)| escape(words.get(language)))
    };
    if knob.choices.len() > MOST_BUTTONS {
        let option = |choice: &String| {
            let selected = if knob.default == choice.as_str() { " selected" } else { "" };
            format!("<option value=\"{0}\"{selected}>{1}</option>", escape(choice), shown(choice))
        };
        let options: String = knob.choices.iter().map(option).collect();
        return format!(
            "<div class=\"list\" title=\"{help}\"><label for=\"list-{name}\">{label}</label>\
             <select id=\"list-{name}\" data-knob=\"{name}\">{options}</select></div>"
        );
    }
    let button = |choice: &String| {
        let checked = if knob.default == choice.as_str() { " checked" } else { "" };
        format!(
            "<label><input type=\"radio\" name=\"{name}\" data-knob=\"{name}\" value=\"{0}\"{checked}><span>{1}</span></label>",
            escape(choice),
            shown(choice)
        )
    };
    let buttons: String = knob.choices.iter().map(button).collect();
    format!("<fieldset class=\"choice\" title=\"{help}\"><legend>{label}</legend>{buttons}</fieldset>")
}

/// Renders a page whose style sheets and scripts come from a server.
fn served(language: Language, title: &str, body: &str, styles: &[String], scripts: &[String]) -> String {
    let styles: String = styles.iter().map(|style| format!("<link rel=\"stylesheet\" href=\"{style}\">")).collect();
    let scripts: String = scripts.iter().map(|script| format!("<script src=\"{script}\" defer></script>")).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><link rel=\"icon\" href=\"data:,\">\
         <title>{} · Evenkeel</title>{styles}{scripts}</head><body><main>{body}</main></body></html>\n",
        charts::escape(title)
    )
}
