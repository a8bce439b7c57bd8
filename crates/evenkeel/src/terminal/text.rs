//! Numbers and paragraphs as text.

/// Columns a paragraph may take.
const WIDTH: usize = 100;

/// `text` broken into lines of at most [`WIDTH`] columns; the first line starts with `first`, the others with as many
/// spaces.
pub(crate) fn wrapped(first: &str, text: &str) -> String {
    let indent = first.chars().count();
    let mut result = first.to_owned();
    let mut column = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > indent && column + 1 + length > WIDTH {
            result.push('\n');
            result.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > indent {
            result.push(' ');
            column += 1;
        }
        result.push_str(word);
        column += length;
    }
    result.push('\n');
    result
}

/// A whole number with its thousands separated by commas.
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
    fn paragraphs_wrap_and_indent() {
        let long = "word ".repeat(40);
        let text = wrapped("cause: ", &long);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("cause: word") && lines[1].starts_with("       word"));
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
        assert_eq!(wrapped("a ", &"x".repeat(200)).lines().count(), 1, "a word is never broken");
        assert_eq!(wrapped("a ", ""), "a \n");
    }
}
