//! Recorded English texts on pages in both languages.

use keel_page::Language;

/// Returns the text in the language of the page; the `english` one, as recorded, if there is no other.
pub(crate) fn translated(english: &str, chinese: Option<String>, language: Language) -> String {
    chinese.filter(|_| language == Language::Chinese).unwrap_or_else(|| english.to_owned())
}
