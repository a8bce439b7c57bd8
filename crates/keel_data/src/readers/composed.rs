//! Letters with accents in one form: a letter and an accent behind it become the letter with the accent, as in NFC. File names
//! of macOS, and texts copied from them, have the two apart.

use std::borrow::Cow;

/// Accents, the letters they stand on, and these letters with the accent, in the same order.
const LETTERS: &[(char, &str, &str)] = &[
    ('\u{300}', "AEIOUaeiou", "ÀÈÌÒÙàèìòù"),
    ('\u{301}', "AEIOUYCNSZLRaeiouycnszlr", "ÁÉÍÓÚÝĆŃŚŹĹŔáéíóúýćńśźĺŕ"),
    ('\u{302}', "AEIOUCGHJSWYaeioucghjswy", "ÂÊÎÔÛĈĜĤĴŜŴŶâêîôûĉĝĥĵŝŵŷ"),
    ('\u{303}', "AINOUainou", "ÃĨÑÕŨãĩñõũ"),
    ('\u{304}', "AEIOUaeiou", "ĀĒĪŌŪāēīōū"),
    ('\u{306}', "AGUaguИи", "ĂĞŬăğŭЙй"),
    ('\u{307}', "CEGIZcegz", "ĊĖĠİŻċėġż"),
    ('\u{308}', "AEIOUYaeiouyЕе", "ÄËÏÖÜŸäëïöüÿЁё"),
    ('\u{30a}', "AUau", "ÅŮåů"),
    ('\u{30b}', "OUou", "ŐŰőű"),
    ('\u{30c}', "CDENRSTZcdenrstz", "ČĎĚŇŘŠŤŽčďěňřšťž"),
    ('\u{327}', "CGKLNRSTcklnrst", "ÇĢĶĻŅŖŞŢçķļņŗşţ"),
    ('\u{328}', "AEIUaeiu", "ĄĘĮŲąęįų"),
];

/// Returns a text with its accents in the letters that carry them; accents that no European letter carries stay apart.
pub(super) fn composed(text: &str) -> Cow<'_, str> {
    let is_accent = |c: char| LETTERS.iter().any(|(accent, ..)| *accent == c);
    if text.is_ascii() || !text.contains(is_accent) {
        return Cow::Borrowed(text);
    }
    let mut letters: Vec<char> = Vec::with_capacity(text.len());
    for c in text.chars() {
        match letters.last().and_then(|&letter| with_accent(letter, c)) {
            Some(letter) => {
                letters.pop();
                letters.push(letter);
            }
            None => letters.push(c),
        }
    }
    Cow::Owned(letters.into_iter().collect())
}

fn with_accent(letter: char, accent: char) -> Option<char> {
    let (_, plain, accented) = LETTERS.iter().find(|(known, ..)| *known == accent)?;
    plain.chars().position(|known| known == letter).and_then(|place| accented.chars().nth(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_join_their_letters() {
        let cases = [
            ("Zu\u{308}rich", "Zürich"),
            ("e\u{301}te\u{301}", "été"),
            ("Иогурт и\u{306}", "Иогурт й"),
            ("Zürich", "Zürich"),
            ("plain", "plain"),
            ("\u{301}x\u{301}", "\u{301}x\u{301}"),
        ];
        for (text, expected) in cases {
            assert_eq!(composed(text), expected);
        }
        for (_, plain, accented) in LETTERS {
            assert_eq!(plain.chars().count(), accented.chars().count(), "{plain}");
        }
    }
}
