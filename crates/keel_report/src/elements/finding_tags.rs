//! The line above a finding: its level, its rule and its place.

use keel_health::{Level, find_rule};
use keel_page::Language;
use maud::{Markup, html};

/// Level, rule and place of a finding.
pub(crate) struct FindingTags<'a> {
    pub(crate) level: Level,
    /// Code of the rule.
    pub(crate) code: &'a str,
    /// Name of the rule; pages in Chinese show its Chinese name.
    pub(crate) rule: &'a str,
    /// Layer of the finding; `None` for the whole network.
    pub(crate) layer: Option<&'a str>,
}

impl FindingTags<'_> {
    /// Renders the line.
    pub(crate) fn html(&self, language: Language) -> Markup {
        let rule = match language {
            Language::English => self.rule,
            Language::Chinese => find_rule(self.code).map_or(self.rule, |rule| rule.chinese_name),
        };
        let level = match self.level {
            Level::Info => language.choose("note", "提示"),
            Level::Warn => language.choose("warning", "警告"),
            Level::Error => language.choose("error", "错误"),
        };
        html! {
            p.tags {
                span.pill.(self.level.name()) { (level) } " " b { (self.code) } " " (rule) " · "
                @match self.layer {
                    Some(layer) => code { (layer) },
                    None => (language.choose("whole network", "整个网络")),
                }
            }
        }
    }
}
