//! Paths and settings in the commands that messages suggest.

use std::path::Path;

/// Characters, besides letters and digits, that no shell reads as anything else.
const PLAIN: &str = "-_./=,:+%@\\";

/// Returns `text` as one word of a command, in single quotes if it contains blanks or characters that a shell interprets.
pub fn shell_word(text: &str) -> String {
    // A backslash separates folders on Windows only, where it needs no quotes.
    let is_plain =
        |letter: char| letter.is_alphanumeric() || PLAIN.contains(letter) && (cfg!(windows) || letter != '\\');
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Like [`shell_word`], for a path.
pub fn shell_path(path: &Path) -> String {
    shell_word(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_a_shell_would_change_are_quoted() {
        let cases = [
            ("runs/digits-cnn", "runs/digits-cnn"),
            ("läufe/一.csv", "läufe/一.csv"),
            ("my runs/a", "'my runs/a'"),
            ("train.epochs=3", "train.epochs=3"),
            ("a'b", r"'a'\''b'"),
            ("$HOME", "'$HOME'"),
            ("rows*.csv", "'rows*.csv'"),
            ("(1)", "'(1)'"),
            ("", "''"),
        ];
        for (text, expected) in cases {
            assert_eq!(shell_word(text), expected);
        }
    }
}
