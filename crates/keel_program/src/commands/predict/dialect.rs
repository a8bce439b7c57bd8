//! Delimiter, decimal sign, line ends and encoding of predictions as text.

use keel_data::TextForm;

/// Byte order mark, by which spreadsheet programs recognise UTF-8.
const MARK: &str = "\u{feff}";

/// Form of a text with one sample a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Character between two cells.
    delimiter: char,
    /// True if numbers of the prediction have decimal commas.
    decimal_comma: bool,
    /// Characters at the end of each line.
    line_end: &'static str,
    /// True if a file begins with a byte order mark.
    has_mark: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect { delimiter: ',', decimal_comma: false, line_end: "\n", has_mark: false }
    }
}

impl Dialect {
    /// Returns the form of a table; its numbers may have decimal commas. A text in another encoding than plain UTF-8 becomes
    /// UTF-8 with a byte order mark, since the program that wrote it would otherwise misread the letters.
    pub(super) fn of(form: TextForm, decimal_comma: bool) -> Self {
        let line_end = if form.has_crlf { "\r\n" } else { "\n" };
        Dialect { delimiter: form.delimiter, decimal_comma, line_end, has_mark: !form.is_plain_utf8 }
    }

    /// Returns the text with which a file begins.
    pub(super) fn mark(self) -> &'static str {
        if self.has_mark { MARK } else { "" }
    }

    /// Returns the encoding of a file in words, if it may differ from that of the table; otherwise an empty text.
    pub(super) fn encoding(self) -> &'static str {
        if self.has_mark { ", in UTF-8 with a byte order mark" } else { "" }
    }

    /// Formats a number of the prediction.
    pub(super) fn number(self, number: impl ToString) -> String {
        let text = number.to_string();
        if self.decimal_comma { text.replace('.', ",") } else { text }
    }

    /// Joins cells into a line with its end; those with delimiters, quotes or line breaks are quoted, and quotes in them doubled.
    pub(super) fn line<'a>(self, cells: impl Iterator<Item = &'a str>) -> String {
        let is_quoted =
            |cell: &str| cell.contains([self.delimiter, '"', '\n', '\r']) || (self.delimiter == ' ' && cell.is_empty());
        let quoted = |cell: &str| match is_quoted(cell) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.to_owned(),
        };
        cells.map(quoted).collect::<Vec<_>>().join(self.delimiter.encode_utf8(&mut [0; 4])) + self.line_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let cells = ["plain", "a,b", "c;d", "say \"x\"", "e f", ""];
        for (delimiter, expected) in [
            (',', r#"plain,"a,b",c;d,"say ""x""",e f,"#),
            (';', r#"plain;a,b;"c;d";"say ""x""";e f;"#),
            (' ', r#"plain a,b c;d "say ""x""" "e f" """#),
        ] {
            let dialect = Dialect { delimiter, ..Dialect::default() };
            assert_eq!(dialect.line(cells.into_iter()), format!("{expected}\n"));
        }
        let windows = Dialect { line_end: "\r\n", ..Dialect::default() };
        assert_eq!(windows.line(["a", "b\nc"].into_iter()), "a,\"b\nc\"\r\n");
    }

    #[test]
    fn numbers_follow_the_convention_of_the_table() {
        let comma = Dialect { decimal_comma: true, ..Dialect::default() };
        assert_eq!((comma.number(0.5), comma.line(["0,5"].into_iter())), ("0,5".to_owned(), "\"0,5\"\n".to_owned()));
        assert_eq!(Dialect::default().number(-1.25), "-1.25");
    }
}
