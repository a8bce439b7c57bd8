//! Sentences in both languages of the pages.

/// One sentence in English and in Chinese.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bilingual {
    pub(crate) english: String,
    pub(crate) chinese: String,
}

impl Bilingual {
    /// Creates a sentence from both versions.
    pub(crate) fn of(english: impl Into<String>, chinese: impl Into<String>) -> Self {
        Bilingual { english: english.into(), chinese: chinese.into() }
    }
}

/// Checks that the sentences are complete in both languages, and that no two of them are the same in either.
#[cfg(test)]
pub(crate) fn check_distinct(sentences: impl IntoIterator<Item = Bilingual>) {
    let mut seen: Vec<Bilingual> = Vec::new();
    for sentence in sentences {
        let chinese = |letter: char| ('\u{4e00}'..='\u{9fff}').contains(&letter);
        assert!(sentence.chinese.chars().filter(|&letter| chinese(letter)).count() >= 2, "{sentence:?}");
        assert!(!sentence.english.is_empty() && !sentence.english.chars().any(chinese), "{sentence:?}");
        let clash = seen.iter().find(|one| one.english == sentence.english || one.chinese == sentence.chinese);
        assert_eq!(clash, None, "{sentence:?}");
        seen.push(sentence);
    }
}
