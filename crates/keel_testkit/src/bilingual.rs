//! Check of sentences in English and in Chinese.

/// Checks that sentences, each in English and in Chinese, are complete in both languages, and that no two of them are the
/// same in either.
///
/// # Panics
/// If one of them is incomplete, or the same as another.
pub fn check_distinct(sentences: impl IntoIterator<Item: Into<(String, String)>>) {
    let mut seen: Vec<(String, String)> = Vec::new();
    for sentence in sentences {
        let (english, chinese) = sentence.into();
        let is_chinese = |letter: char| ('\u{4e00}'..='\u{9fff}').contains(&letter);
        assert!(chinese.chars().filter(|&letter| is_chinese(letter)).count() >= 2, "{english:?}: {chinese:?}");
        assert!(!english.is_empty() && !english.chars().any(is_chinese), "{english:?}: {chinese:?}");
        let clash = seen.iter().find(|one| one.0 == english || one.1 == chinese);
        assert_eq!(clash, None, "{english:?}: {chinese:?}");
        seen.push((english, chinese));
    }
}
