//! Rust source reduced to its code, for checks that must ignore comments and strings.

use std::ops::Range;

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};

/// Replaces comments and the contents of literals with spaces; lines and columns are unchanged.
pub(crate) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    for (place, kind) in tokens(text) {
        let token = &text[place];
        let contents = match kind {
            TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } => 0..token.len(),
            TokenKind::Literal { kind, .. } => contents(token, kind),
            _ => 0..0,
        };
        code.push_str(&token[..contents.start]);
        code.extend(token[contents.clone()].chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
        code.push_str(&token[contents.end..]);
    }
    code
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
    let (mut line, mut found) = (1, Vec::new());
    for (place, kind) in tokens(text) {
        let token = &text[place];
        if let TokenKind::Literal { kind, .. } = kind
            && is_string(kind)
        {
            found.push(Literal { line, text: token[contents(token, kind)].to_owned() });
        }
        line += token.matches('\n').count();
    }
    found
}

fn is_string(kind: LiteralKind) -> bool {
    use LiteralKind::{Byte, ByteStr, CStr, Char, Float, Int, RawByteStr, RawCStr, RawStr, Str};
    match kind {
        Str { .. } | ByteStr { .. } | CStr { .. } | RawStr { .. } | RawByteStr { .. } | RawCStr { .. } => true,
        Int { .. } | Float { .. } | Char { .. } | Byte { .. } => false,
    }
}

/// Returns place and kind of every token, comments and spaces included.
fn tokens(text: &str) -> impl Iterator<Item = (Range<usize>, TokenKind)> {
    let mut end = 0;
    tokenize(text, FrontmatterAllowed::No).map(move |token| {
        let start = end;
        end += token.len as usize;
        (start..end, token.kind)
    })
}

/// Returns the place of what lies between the quotation marks of a literal; empty for a number.
fn contents(token: &str, kind: LiteralKind) -> Range<usize> {
    let mark = match kind {
        LiteralKind::Char { .. } | LiteralKind::Byte { .. } => '\'',
        kind if is_string(kind) => '"',
        _ => return 0..0,
    };
    let first = token.find(mark).map_or(0, |first| first + 1);
    first..token.rfind(mark).filter(|&last| last >= first).unwrap_or(token.len())
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
