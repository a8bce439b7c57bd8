//! Text from files made safe to display: control characters would affect a terminal, and bidirectional marks would
//! mislead a reader.

mod shell_word;

pub use shell_word::{shell_path, shell_word};

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

/// Returns `text` with control and invisible characters escaped: control characters as `\x1b`, `\n`, `\r` or `\t`, and
/// characters that reorder or hide text as `\u{202e}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            // Writing to a string cannot fail.
            c if is_obeyed(c) && u32::from(c) < 0x100 => _ = write!(shown, "\\x{:02x}", u32::from(c)),
            c if is_obeyed(c) => _ = write!(shown, "\\u{{{:x}}}", u32::from(c)),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Returns `path` as text that is safe to display; bytes that are not UTF-8 become replacement characters.
pub fn printable_path(path: &Path) -> String {
    printable(&path.to_string_lossy()).into_owned()
}

/// Returns true for control characters (C0 and C1), line separators, directional marks and invisible characters.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown_as_an_escape() {
        let cases = [
            ("cat", "cat"),
            ("größe, 名称 😀", "größe, 名称 😀"),
            ("\u{1b}[31mred\u{1b}[0m", "\\x1b[31mred\\x1b[0m"),
            ("\u{1b}]0;title\u{7}", "\\x1b]0;title\\x07"),
            ("a\nb\r\tc\0\u{7f}\u{9b}", "a\\nb\\r\\tc\\x00\\x7f\\x9b"),
            ("gpj\u{202e}.exe\u{2066}\u{200f}\u{feff}\u{2028}", "gpj\\u{202e}.exe\\u{2066}\\u{200f}\\u{feff}\\u{2028}"),
        ];
        for (text, expected) in cases {
            assert_eq!(printable(text), expected);
        }
        assert!(matches!(printable("plain"), Cow::Borrowed("plain")));
        assert_eq!(printable_path(Path::new("a/\u{1b}c")), "a/\\x1bc");
    }
}
