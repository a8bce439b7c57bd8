//! Sentences in both languages of the pages.

/// One sentence in English and in Chinese.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bilingual {
    /// The sentence in English.
    pub english: String,
    /// The sentence in Chinese.
    pub chinese: String,
}

impl Bilingual {
    /// Creates a sentence from both versions.
    pub fn of(english: impl Into<String>, chinese: impl Into<String>) -> Self {
        Bilingual { english: english.into(), chinese: chinese.into() }
    }

    /// Joins sentences with the separators of English and Chinese.
    pub(crate) fn joined(parts: impl IntoIterator<Item = Self>, [english, chinese]: [&str; 2]) -> Self {
        let (all_english, all_chinese): (Vec<String>, Vec<String>) = parts.into_iter().map(Self::into).unzip();
        Bilingual { english: all_english.join(english), chinese: all_chinese.join(chinese) }
    }
}

impl From<Bilingual> for (String, String) {
    fn from(sentence: Bilingual) -> Self {
        (sentence.english, sentence.chinese)
    }
}
