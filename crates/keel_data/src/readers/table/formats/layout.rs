//! Layout of a table in a text file: the lines above it, and the delimiter between its cells.

/// Number of lines examined to find the delimiter.
const LINES: usize = 50;
/// Share of the lines that must agree on the number of cells.
const AGREEING: f64 = 0.8;

/// Start of a table in its text, and the delimiter between its cells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Number of bytes above the table.
    pub(super) start: usize,
    /// Number of lines above the table.
    pub(super) lines: u64,
    /// Delimiter between the cells.
    pub(super) delimiter: Delimiter,
    /// Number of comment lines left out.
    pub(super) comments: usize,
}

/// Delimiter between cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delimiter {
    /// One character.
    Byte(u8),
    /// One or more blanks.
    Blanks,
}

/// Detects the layout from the beginning of `text`.
pub(super) fn layout(text: &str) -> Layout {
    let (mut start, mut lines, mut comments, mut said) = (0, 0, 0, None);
    loop {
        let rest = text.get(start..).unwrap_or_default();
        let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let line = rest.get(..end).unwrap_or_default().trim();
        let delimiter = if lines == 0 { said_by(line) } else { None };
        let is_comment = line.starts_with('#') && !is_header_with_hash(rest);
        if rest.is_empty() || !(line.is_empty() || delimiter.is_some() || is_comment) {
            break;
        }
        said = said.or(delimiter);
        comments += usize::from(is_comment);
        (start, lines) = (start + end, lines + 1);
    }
    let rest = text.get(start..).unwrap_or_default();
    if rest.starts_with('#') {
        start += 1;
    }
    let delimiter = said.map_or_else(|| find_delimiter(rest), Delimiter::Byte);
    Layout { start, lines, delimiter, comments }
}

/// Parses `sep=;`, which declares the delimiter to Excel.
fn said_by(line: &str) -> Option<u8> {
    let rest = line.trim_matches('"').strip_prefix("sep=").or_else(|| line.trim_matches('"').strip_prefix("SEP="))?;
    match rest.as_bytes() {
        [byte] => Some(*byte),
        [] => Some(b'\t'),
        _ => None,
    }
}

/// Returns true if a line that begins with `#` is the header: the line below has as many cells.
fn is_header_with_hash(text: &str) -> bool {
    let mut lines = text.lines();
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else { return false };
    let two = format!("{first}\n{second}");
    match find_delimiter(&two) {
        Delimiter::Byte(byte) if !second.starts_with('#') => {
            let counts = counts(&two, byte);
            matches!(counts[..], [one, other] if one == other && one > 0)
        }
        _ => false,
    }
}

/// Returns the character with the same count outside quotes on most lines; on a tie, the more frequent one.
fn find_delimiter(text: &str) -> Delimiter {
    let judged = |byte: u8| {
        let counts = counts(text, byte);
        let most = counts
            .iter()
            .copied()
            .filter(|&count| count > 0)
            .max_by_key(|&count| (counts.iter().filter(|&&other| other == count).count(), count));
        let agreeing = most.map_or(0, |most| counts.iter().filter(|&&count| count == most).count());
        (agreeing, most.unwrap_or(0), counts.len())
    };
    let found: Vec<(u8, (usize, usize, usize))> = [b'\t', b';', b'|', b','].map(|byte| (byte, judged(byte))).to_vec();
    let best = found.iter().rev().max_by_key(|(_, (agreeing, count, _))| (*agreeing, *count));
    match best {
        Some((byte, (agreeing, 1.., lines))) if *agreeing as f64 >= AGREEING * *lines as f64 => Delimiter::Byte(*byte),
        _ if has_blank_columns(text) => Delimiter::Blanks,
        Some((byte, (1.., 1.., _))) => Delimiter::Byte(*byte),
        _ => Delimiter::Byte(b','),
    }
}

/// Counts `delimiter` outside quotes in each of the first rows.
fn counts(text: &str, delimiter: u8) -> Vec<usize> {
    let (mut counts, mut count, mut quoted, mut is_empty) = (Vec::new(), 0, false, true);
    for &byte in text.as_bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => {
                if !is_empty {
                    counts.push(count);
                }
                (count, is_empty) = (0, true);
                if counts.len() == LINES {
                    return counts;
                }
                continue;
            }
            _ if byte == delimiter && !quoted => count += 1,
            _ => {}
        }
        is_empty &= byte.is_ascii_whitespace() && byte != delimiter;
    }
    if !is_empty {
        counts.push(count);
    }
    counts
}

/// Returns true if the lines, separated at blanks, have the same number of cells, at least two; the first may have one
/// less, as in a header without a name for the row names.
fn has_blank_columns(text: &str) -> bool {
    let lines = text.lines().filter(|line| !line.trim().is_empty()).take(LINES);
    let counts: Vec<usize> = lines.map(count_between_blanks).collect();
    let [first, cells, rest @ ..] = &counts[..] else { return false };
    *cells >= 2 && (first == cells || first + 1 == *cells) && rest.iter().all(|count| count == cells)
}

/// Returns true if the first row ends with `\r\n`: a break within quotes may be another one.
pub(super) fn has_crlf(text: &str) -> bool {
    let mut quoted = false;
    let end = text.find(|c| {
        quoted ^= c == '"';
        c == '\n' && !quoted
    });
    // A single quote, as in `5" pipe`, is not closed.
    let end = end.or_else(|| text.find('\n'));
    end.and_then(|end| text.get(..end)).is_some_and(|row| row.ends_with('\r'))
}

/// Counts the cells of a line separated by blanks.
pub(super) fn count_between_blanks(line: &str) -> usize {
    let (mut cells, mut quoted, mut any) = (0, false, false);
    for c in line.chars() {
        match c {
            '"' => (quoted, any) = (!quoted, true),
            _ if c.is_whitespace() && !quoted => {
                cells += usize::from(any);
                any = false;
            }
            _ => any = true,
        }
    }
    cells + usize::from(any)
}

/// Splits a line at blanks; quoted cells keep theirs.
pub(super) fn between_blanks(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '"' => (quoted, any) = (!quoted, true),
            _ if c.is_whitespace() && !quoted => {
                if any {
                    cells.push(std::mem::take(&mut cell));
                }
                any = false;
            }
            _ => {
                cell.push(c);
                any = true;
            }
        }
    }
    if any {
        cells.push(cell);
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_counted_outside_quotes_over_several_lines() {
        let cases = [
            ("a,b\n1,2\n", Delimiter::Byte(b',')),
            ("a;b\n1,5;2,5\n3,5;4,5\n", Delimiter::Byte(b';')),
            ("\"city, region, country, planet\";b;label\n\"x, y\";1;p\n", Delimiter::Byte(b';')),
            ("a\tb, c\n1\t2\n", Delimiter::Byte(b'\t')),
            ("a|b|c\n1|2|3\n", Delimiter::Byte(b'|')),
            ("a,b\n\"x;y;z\",1\n\"p;q\nr\",2\n", Delimiter::Byte(b',')),
            ("1.5  2.5   3\n 4 5 6\n", Delimiter::Blanks),
            ("18.0 8 \"a b\"\n19 4 \"c d e\"\n", Delimiter::Blanks),
            ("target\nx\ny\n", Delimiter::Byte(b',')),
            ("", Delimiter::Byte(b',')),
        ];
        for (text, expected) in cases {
            assert_eq!(layout(text).delimiter, expected, "{text:?}");
        }
    }

    #[test]
    fn what_stands_above_the_table_is_left_out() {
        let cases = [
            ("a,b\n1,2\n", 0, 0),
            ("\n\na,b\n", 2, 0),
            ("# made by hand\n# in 2024\na,b\n1,2\n", 2, 2),
            ("sep=;\na,b;c\n", 1, 0),
            ("#a,b\n1,2\n", 0, 0),
        ];
        for (text, lines, comments) in cases {
            let found = layout(text);
            assert_eq!((found.lines, found.comments), (lines, comments), "{text:?}");
            assert!(text[found.start..].starts_with('a'));
        }
        assert_eq!(layout("sep=;\na,b;c\n").delimiter, Delimiter::Byte(b';'));
    }

    #[test]
    fn line_ends_are_those_of_the_first_row() {
        let cases = [
            ("a,b\r\n1,2", true),
            ("a,b\n1,2\r\n", false),
            ("\"price\n(EUR)\",b\r\n1,2\r\n", true),
            ("\"price\r\n(EUR)\",b\n1,2\n", false),
            ("5\" pipe,b\r\n1,2\r\n", true),
            ("a,b", false),
            ("", false),
        ];
        for (text, expected) in cases {
            assert_eq!(has_crlf(text), expected, "{text:?}");
        }
    }

    #[test]
    fn quoted_cells_keep_their_blanks() {
        assert_eq!(between_blanks("  1 \"a  b\" \"\" x"), ["1", "a  b", "", "x"]);
        for line in ["  1 \"a  b\" \"\" x", "", "  ", "a", "\"open  b"] {
            assert_eq!(count_between_blanks(line), between_blanks(line).len(), "{line}");
        }
    }
}
