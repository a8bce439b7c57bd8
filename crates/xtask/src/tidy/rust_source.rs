//! Rust source reduced to its code, for checks that must ignore comments and strings.

use std::ops::Range;

/// Replaces comments and the contents of literals with spaces; lines and columns are unchanged.
pub(crate) fn code_only(text: &str) -> String {
    Scanner::run_over(text).code
}

/// A string literal: its text between the quotation marks, with escapes as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Literal {
    /// Line where it begins, from 1.
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// Returns every string literal of `text`, in order.
pub(crate) fn literals(text: &str) -> Vec<Literal> {
    let scanner = Scanner::run_over(text);
    let (mut line, mut place) = (1, 0);
    let mut found = Vec::with_capacity(scanner.literals.len());
    for range in scanner.literals {
        line += scanner.characters[place..range.start].iter().filter(|c| **c == '\n').count();
        place = range.start;
        found.push(Literal { line, text: scanner.characters[range].iter().collect() });
    }
    found
}

/// Returns line and length in lines of every function with a body.
pub(crate) fn functions(text: &str) -> Vec<Function> {
    let code = code_only(text);
    let mut found = Vec::new();
    for (start, _) in words(&code, "fn") {
        let rest = &code[start + 2..];
        let name: String = rest.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if name.is_empty() {
            continue;
        }
        if let Some(end) = body_end(rest) {
            let (line, lines) = (line_of(&code, start), code[start..start + 2 + end].matches('\n').count() + 1);
            found.push(Function { name, line, lines });
        }
    }
    found
}

/// Returns byte offset and line (from 1) of every standalone occurrence of `word` in `code`.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).filter_map(move |(start, _)| {
        let before = code[..start].chars().next_back().is_some_and(inside);
        let after = code[start + word.len()..].chars().next().is_some_and(inside);
        (!before && !after).then(|| (start, line_of(code, start)))
    })
}

/// A function with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) lines: usize,
}

/// Returns the line (from 1) of a byte offset.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// Returns the end of the body that begins after a signature, or `None` for a declaration that ends with `;`.
fn body_end(signature: &str) -> Option<usize> {
    let (mut nesting, mut depth) = (0_i32, 0_i32);
    for (offset, character) in signature.char_indices() {
        match character {
            '(' | '[' => nesting += 1,
            ')' | ']' => nesting -= 1,
            ';' if nesting == 0 && depth == 0 => return None,
            '{' if nesting == 0 || depth > 0 => depth += 1,
            '}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return Some(offset);
                }
            }
            _ => {}
        }
    }
    None
}

struct Scanner {
    characters: Vec<char>,
    position: usize,
    code: String,
    /// Ranges of string literals in `characters`.
    literals: Vec<Range<usize>>,
}

impl Scanner {
    fn run_over(text: &str) -> Scanner {
        let characters = text.chars().collect();
        let mut scanner = Scanner { characters, position: 0, code: String::new(), literals: Vec::new() };
        scanner.run();
        scanner
    }

    fn run(&mut self) {
        while let Some(character) = self.peek(0) {
            match (character, self.peek(1)) {
                ('/', Some('/')) => self.blank_while(|c| c != '\n'),
                ('/', Some('*')) => self.block_comment(),
                ('"', _) => self.string(),
                ('r', Some('"' | '#')) if self.starts_raw_string() => self.raw_string(),
                ('\'', _) => self.quote(),
                _ => self.keep(),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.position + ahead).copied()
    }

    fn keep(&mut self) {
        self.code.extend(self.peek(0));
        self.position += 1;
    }

    fn blank(&mut self) {
        self.code.push(if self.peek(0) == Some('\n') { '\n' } else { ' ' });
        self.position += 1;
    }

    fn blank_while(&mut self, condition: impl Fn(char) -> bool) {
        while self.peek(0).is_some_and(&condition) {
            self.blank();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.peek(0).is_some() {
            let change = match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => 1,
                (Some('*'), Some('/')) => -1,
                _ => 0,
            };
            self.blank();
            if change != 0 {
                self.blank();
                depth += change;
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.keep();
        let start = self.position;
        while let Some(character) = self.peek(0) {
            match character {
                '"' => {
                    self.literals.push(start..self.position);
                    return self.keep();
                }
                '\\' => {
                    self.blank();
                    self.blank();
                }
                _ => self.blank(),
            }
        }
    }

    /// Returns true if this `r` begins `r"` or `r#"` rather than ending a word or a raw identifier.
    fn starts_raw_string(&self) -> bool {
        let mut before = self.characters[..self.position].iter().rev();
        let previous = before.next().copied();
        let in_word = |c: char| c.is_alphanumeric() || c == '_';
        let byte_prefix = previous == Some('b') && !before.next().copied().is_some_and(in_word);
        let hashes = self.characters[self.position + 1..].iter().take_while(|c| **c == '#').count();
        (byte_prefix || !previous.is_some_and(in_word)) && self.peek(1 + hashes) == Some('"')
    }

    fn raw_string(&mut self) {
        self.keep();
        let mut hashes = 0;
        while self.peek(0) == Some('#') {
            hashes += 1;
            self.keep();
        }
        self.keep();
        let start = self.position;
        while let Some(character) = self.peek(0) {
            if character == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == Some('#')) {
                self.literals.push(start..self.position);
                (0..=hashes).for_each(|_| self.keep());
                return;
            }
            self.blank();
        }
    }

    /// Blanks a character literal; keeps a lifetime.
    fn quote(&mut self) {
        let literal = matches!((self.peek(1), self.peek(2)), (Some('\\'), _) | (Some(_), Some('\'')));
        self.keep();
        if !literal {
            return;
        }
        if self.peek(0) == Some('\\') {
            self.blank();
        }
        self.blank();
        self.blank_while(|c| c != '\'');
        if self.peek(0).is_some() {
            self.keep();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_code_stays() {
        let cases = [
            ("let a = 1; // unsafe", "let a = 1;          "),
            ("a /* x /* y */ z */ b", "a                   b"),
            (r#"f("un\"safe", b)"#, r#"f("        ", b)"#),
            ("r#\"a\"b\"# + c", "r#\"   \"# + c"),
            ("br\"x\" bar\"y\"", "br\" \" bar\" \""),
            (r"['{', '\'', '\\', '\u{41}', 'a']", "[' ', '  ', '  ', '      ', ' ']"),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            ("\"a\nb\"", "\" \n \""),
        ];
        for (text, expected) in cases {
            assert_eq!(code_only(text), expected, "{text}");
        }
    }

    #[test]
    fn literals_are_found_with_their_lines() {
        let text = "// \"no\"\nf(\"a\", 'b', \"c\\\"d\n\");\nr#\"e\"#";
        let literal = |line, text: &str| Literal { line, text: text.to_owned() };
        assert_eq!(literals(text), [literal(2, "a"), literal(2, "c\\\"d\n"), literal(4, "e")]);
    }

    #[test]
    fn functions_are_measured_from_signature_to_closing_brace() {
        let text = "\
trait T {
    fn declared(&self, a: [u8; 2]);
}
fn short() {}
fn long(
    a: [f32; 4],
) -> fn(u8) -> u8 {
    let text = \"}\";
    { }
}
";
        let function = |name: &str, line, lines| Function { name: name.to_owned(), line, lines };
        assert_eq!(functions(text), [function("short", 4, 1), function("long", 5, 6)]);
    }

    #[test]
    fn words_stand_alone() {
        let lines: Vec<usize> =
            words("unsafe\nunsafe_code\nnot_unsafe unsafe{", "unsafe").map(|(_, line)| line).collect();
        assert_eq!(lines, [1, 3]);
    }
}
