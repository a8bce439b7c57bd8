//! Languages of the pages.

use std::fmt;

/// Language of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English, `en`.
    #[default]
    English,
    /// Chinese (simplified), `zh`.
    Chinese,
}

impl Language {
    /// Both languages.
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// Returns the language with this code, `en` or `zh`.
    pub fn with_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// Selects the text in this language.
    pub fn choose<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }

    /// Returns `en` or `zh`.
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

/// The same text in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    english: String,
    chinese: String,
}

impl Text {
    /// Creates a text from both versions.
    pub fn new(english: impl Into<String>, chinese: impl Into<String>) -> Self {
        Text { english: english.into(), chinese: chinese.into() }
    }

    /// Creates a text that is the same in both languages, such as a name or a number.
    pub fn same(words: impl Into<String>) -> Self {
        let words = words.into();
        Text { english: words.clone(), chinese: words }
    }

    /// Returns the version in one language.
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::English => &self.english,
            Language::Chinese => &self.chinese,
        }
    }
}

impl From<&str> for Text {
    fn from(words: &str) -> Self {
        Text::same(words)
    }
}
