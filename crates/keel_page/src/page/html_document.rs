//! A complete HTML document.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::style::STYLE;
use crate::charts;
use crate::language::Language;

/// A document without external references.
pub struct HtmlDocument<'a> {
    /// Title, as plain text.
    pub title: &'a str,
    /// Additional style sheet after the common one; may be empty.
    pub style: &'a str,
    /// Content of the page.
    pub body: &'a Markup,
}

impl HtmlDocument<'_> {
    /// Renders the document in one language.
    pub fn html(&self, language: Language) -> String {
        self.html_with(language, "")
    }

    /// Renders the document with an additional script after the common one.
    pub fn html_with(&self, language: Language, script: &str) -> String {
        let HtmlDocument { title, style, body } = self;
        let document = html! {
            (DOCTYPE) "\n"
            html lang=(language) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    link rel="icon" href="data:,";
                    title { (title) " · Evenkeel" }
                    style { (PreEscaped(STYLE)) (PreEscaped(charts::STYLE)) (PreEscaped(style)) }
                }
                body {
                    main { (body) }
                    script { (PreEscaped(charts::SCRIPT)) }
                    @if !script.is_empty() { script { (PreEscaped(script)) } }
                }
            }
            "\n"
        };
        document.into_string()
    }
}
