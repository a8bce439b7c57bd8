//! A complete HTML document.

use super::style::STYLE;
use crate::charts::{self, escape};
use crate::language::Language;

/// A document without external references.
pub struct HtmlDocument<'a> {
    /// Title, not escaped.
    pub title: &'a str,
    /// Additional style sheet after the common one; may be empty.
    pub style: &'a str,
    /// HTML of the page.
    pub body: &'a str,
}

impl HtmlDocument<'_> {
    /// Renders the document in one language.
    pub fn html(&self, language: Language) -> String {
        self.html_with(language, "")
    }

    /// Renders the document with an additional script after the common one.
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
