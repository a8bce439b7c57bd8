//! A complete HTML document.

use super::style::STYLE;
use crate::charts::{self, escape};
use crate::language::Language;

/// A document without any reference to the outside.
pub struct HtmlDocument<'a> {
    /// Title, not escaped yet.
    pub title: &'a str,
    /// Style sheet of its own, after that of all pages; may be empty.
    pub style: &'a str,
    /// HTML of the page.
    pub body: &'a str,
}

impl HtmlDocument<'_> {
    /// The document, in one language.
    pub fn html(&self, language: Language) -> String {
        self.html_with(language, "")
    }

    /// The document with a script of its own after that of all pages.
    pub fn html_with(&self, language: Language, script: &str) -> String {
        let HtmlDocument { title, style, body } = self;
        format!(
            "<!DOCTYPE html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><link rel=\"icon\" href=\"data:,\">\
             <title>{} · Evenkeel</title><style>{STYLE}{}{style}</style></head><body><main>{body}</main>\
             <script>{}</script>{}</body></html>\n",
            escape(title),
            charts::STYLE,
            charts::SCRIPT,
            if script.is_empty() { String::new() } else { format!("<script>{script}</script>") }
        )
    }
}
