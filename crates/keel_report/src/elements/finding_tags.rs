//! The line above a finding: its level, its rule and its place.

use keel_health::Level;
use keel_page::Language;
use maud::{Markup, html};

/// Level, rule and place of a finding.
pub(crate) struct FindingTags<'a> {
    pub(crate) level: Level,
    /// Displayed name of the level.
    pub(crate) level_name: &'a str,
    /// Code of the rule.
    pub(crate) code: &'a str,
    /// Name of the rule.
    pub(crate) rule: &'a str,
    /// Layer of the finding; `None` for the whole network.
    pub(crate) layer: Option<&'a str>,
}

impl FindingTags<'_> {
    /// Renders the line.
    pub(crate) fn html(&self, language: Language) -> Markup {
        html! {
            p.tags {
                span.pill.(self.level.name()) { (self.level_name) } " " b { (self.code) } " " (self.rule) " · "
                @match self.layer {
                    Some(layer) => code { (layer) },
                    None => (language.choose("whole network", "整个网络")),
                }
            }
        }
    }
}
