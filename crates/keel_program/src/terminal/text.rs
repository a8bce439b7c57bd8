//! Formats numbers and paragraphs.

use std::time::Duration;

use comfy_table::Table;
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// Maximum width of a paragraph.
const WIDTH: usize = 100;

/// Width of a table if the output is not a terminal.
pub(crate) const TABLE_WIDTH: usize = 80;

/// Minimum width of a terminal; a smaller one counts as unknown.
const NARROWEST: usize = 20;

/// Indentation of a text that starts on the line after its title.
const NEXT_LINE_INDENT: usize = 6;

/// Returns the width of the terminal on standard error; `None` if it is not a terminal.
pub(crate) fn error_width() -> Option<usize> {
    Table::new().use_stderr().width().map(usize::from).filter(|&width| width >= NARROWEST)
}

/// Returns the width of the terminal; `None` if the output is not a terminal, or one that does not know its size, such as those
/// of `mpirun`.
pub(crate) fn terminal_width() -> Option<usize> {
    Table::new().width().map(usize::from).filter(|&width| width >= NARROWEST)
}

/// Breaks `text` into lines of at most 100 columns, or the width of the terminal; the first line starts with `first`, the
/// others with as many spaces. If `first` takes more than half of a line, `text` starts on the next one.
pub(crate) fn wrapped(first: &str, text: &str) -> String {
    wrapped_to(terminal_width().map_or(WIDTH, |width| width.min(WIDTH)), first, text)
}

fn wrapped_to(width: usize, first: &str, text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (title, indent) = match textwrap::core::display_width(first) {
        wide if 2 * wide > width && !words.is_empty() => (format!("{}\n", first.trim_end()), NEXT_LINE_INDENT),
        fitting => (first.to_owned(), fitting),
    };
    let indent = " ".repeat(indent);
    let lines = textwrap::fill(&words.join(" "), at_spaces(width).initial_indent(&indent).subsequent_indent(&indent));
    match title.ends_with('\n') {
        true => format!("{title}{lines}\n"),
        false => format!("{title}{}\n", lines.strip_prefix(&indent).unwrap_or_default()),
    }
}

/// Indents the paragraphs and lists of `text` by two columns, and breaks their lines again if one is wider than the terminal.
pub(crate) fn paragraphs(text: &str) -> String {
    paragraphs_within(terminal_width(), text)
}

fn paragraphs_within(width: Option<usize>, text: &str) -> String {
    let indented = |line: &str| format!("{}\n", format!("  {line}").trim_end());
    let too_wide = |width: usize| text.lines().any(|line| textwrap::core::display_width(line) + 2 > width);
    let Some(width) = width.filter(|&width| too_wide(width)) else {
        return text.lines().map(indented).collect();
    };
    let mut blocks: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim) {
        let continued = !line.is_empty() && !line.starts_with("- ");
        match blocks.last_mut().filter(|block| continued && !block.is_empty()) {
            Some(block) => block.push_str(&format!(" {line}")),
            None => blocks.push(line.to_owned()),
        }
    }
    let broken = |block: &String| {
        let hanging = if block.starts_with("- ") { "    " } else { "  " };
        let options = at_spaces(width).initial_indent("  ").subsequent_indent(hanging);
        format!("{}\n", textwrap::fill(block, options).trim_end())
    };
    blocks.iter().map(broken).collect()
}

/// Breaks `line` at spaces so that no part is longer than `width`; the parts after the first are indented by `indent`.
pub(crate) fn folded(line: &str, width: usize, indent: usize) -> String {
    textwrap::fill(line, at_spaces(width).subsequent_indent(&" ".repeat(indent)))
}

/// Shortens `text` in its middle to at most `width` columns.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    if textwrap::core::display_width(text) <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let tail: String = within(kept / 2, text.chars().rev()).chars().rev().collect();
    format!("{}…{tail}", within(kept.div_ceil(2), text.chars()))
}

/// Returns the first characters of `letters` that take at most `width` columns.
fn within(width: usize, letters: impl Iterator<Item = char>) -> String {
    let mut used = 0;
    let fits = |letter: &char| {
        used += textwrap::core::display_width(letter.encode_utf8(&mut [0; 4]));
        used <= width
    };
    letters.take_while(fits).collect()
}

/// Returns options to break lines at spaces only.
fn at_spaces<'a>(width: usize) -> Options<'a> {
    Options::new(width)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit)
        .break_words(false)
}

/// Formats a number with its noun: `1 epoch`, `1,294 samples`.
pub(crate) fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number as usize))
}

/// Formats a loss with four decimals, or as a power of ten if those would be meaningless.
pub(crate) fn loss_text(loss: f64) -> String {
    if loss.abs() < 1e5 { format!("{loss:.4}") } else { format!("{loss:.3e}") }
}

/// Formats seconds in at most two units; an unlimited time in words.
pub(crate) fn time_text(seconds: f64) -> String {
    if seconds.is_infinite() {
        return "any time".to_owned();
    }
    let seconds = seconds.round() as u64;
    let unit = match seconds {
        0..3600 => 1,
        3600..86400 => 60,
        _ => 3600,
    };
    humantime::format_duration(Duration::from_secs(seconds / unit * unit)).to_string()
}

/// Formats an integer with commas as thousands separators.
pub(crate) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut result = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            result.push(',');
        }
        result.push(digit);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_thousands() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (123_456, "123,456"), (1_234_567, "1,234,567")];
        for (number, text) in cases {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn numbers_have_their_nouns() {
        let cases = [(0, "0 epochs"), (1, "1 epoch"), (2, "2 epochs"), (1294, "1,294 epochs")];
        for (number, text) in cases {
            assert_eq!(plural(number, "epoch"), text);
        }
        let losses = [(0.25, "0.2500"), (99_999.0, "99999.0000"), (2.2432e16, "2.243e16"), (f64::NAN, "NaN")];
        for (loss, text) in losses {
            assert_eq!(loss_text(loss), text);
        }
    }

    #[test]
    fn lines_are_folded_at_spaces_and_keep_their_columns() {
        let line = "epoch   1/3  train loss 2.2759  accuracy 30.53 %";
        assert_eq!(folded(line, 80, 4), line);
        assert_eq!(folded(line, 34, 4), "epoch   1/3  train loss 2.2759\n    accuracy 30.53 %");
        assert_eq!(folded("ab cd ef", 5, 2), "ab cd\n  ef");
        assert_eq!(folded("abcdefgh ij", 5, 2), "abcdefgh\n  ij", "a word is never broken");
        assert_eq!(folded("a bbbbbbbbbb", 1, 2), "a\n  bbbbbbbbbb");
    }

    #[test]
    fn texts_are_shortened_in_the_middle() {
        let cases = [
            ("digits-cnn", 10, "digits-cnn"),
            ("digits-cnn-2", 10, "digit…nn-2"),
            ("digits-cnn-2", 9, "digi…nn-2"),
            ("digits", 1, "…"),
            ("数字识别数据", 8, "数字…据"),
        ];
        for (text, width, expected) in cases {
            assert_eq!(shortened(text, width), expected, "{text} {width}");
            assert!(textwrap::core::display_width(expected) <= width);
        }
    }

    #[test]
    fn paragraphs_and_lists_are_broken_again_on_a_narrow_terminal() {
        let text = "one two\nthree four\n\n- five six\n  seven\n- eight";
        let written = "  one two\n  three four\n\n  - five six\n    seven\n  - eight\n";
        assert_eq!(paragraphs_within(None, text), written);
        assert_eq!(paragraphs_within(Some(12), text), written, "it fits");
        let broken = "  one two\n  three\n  four\n\n  - five\n    six\n    seven\n  - eight\n";
        assert_eq!(paragraphs_within(Some(9), text), broken);
    }

    #[test]
    fn paragraphs_wrap_and_indent() {
        let long = "word ".repeat(40);
        let text = wrapped_to(WIDTH, "cause: ", &long);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("cause: word") && lines[1].starts_with("       word"));
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
        assert_eq!(wrapped_to(WIDTH, "a ", &"x".repeat(200)).lines().count(), 1, "a word is never broken");
        assert_eq!(wrapped_to(WIDTH, "a ", ""), "a \n");
        assert_eq!(
            wrapped_to(20, "  a command  ", "one two three four"),
            "  a command\n      one two three\n      four\n"
        );
    }

    #[test]
    fn durations_have_at_most_two_units() {
        let texts = [0.2, 59.4, 59.6, 3_599.0, 3_600.0, 7_395.0, 93_780.0, f64::INFINITY].map(time_text);
        assert_eq!(texts, ["0s", "59s", "1m", "59m 59s", "1h", "2h 3m", "1day 2h", "any time"]);
    }
}
