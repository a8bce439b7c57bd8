//! Formulas in a small language similar to TeX, converted to the content of a MathML element.
//!
//! A run of letters is one name (`Var`, `dx`), and adjacent names are separated by a space (`n Var(w)`). `_` and `^`
//! set subscript and superscript, `{…}` groups; `\frac{a}{b}`, `\sqrt{a}`, `\hat{a}` and `\text{words}` work as in TeX,
//! and `\quad` is a wide space. Sums, products and integrals are written as the signs themselves: `∑_{n=1}^N`.

use std::iter::Peekable;
use std::str::Chars;

use crate::charts::escape;

/// Converts one formula to MathML.
pub fn mathml(source: &str) -> String {
    Reader { characters: source.chars().peekable() }.row(None)
}

struct Reader<'a> {
    characters: Peekable<Chars<'a>>,
}

/// A piece of a formula.
struct Atom {
    html: String,
    /// True for names, numbers and fractions: two adjacent ones are a product, separated by a thin space.
    is_operand: bool,
    /// True for sums and products: their limits are above and below, not to the side.
    has_limits: bool,
}

impl Atom {
    fn operand(html: String) -> Self {
        Atom { html, is_operand: true, has_limits: false }
    }

    fn operator(html: String) -> Self {
        Atom { html, is_operand: false, has_limits: false }
    }
}

impl Reader<'_> {
    /// Parses everything up to `end`.
    fn row(&mut self, end: Option<char>) -> String {
        let mut row = String::new();
        let (mut spaced, mut after_operand) = (false, false);
        while let Some(&next) = self.characters.peek() {
            if Some(next) == end {
                self.characters.next();
                break;
            }
            if next == ' ' {
                self.characters.next();
                spaced = true;
                continue;
            }
            let atom = self.scripted();
            if spaced && after_operand && atom.is_operand {
                row.push_str("<mspace width=\"0.25em\"/>");
            }
            row.push_str(&atom.html);
            (spaced, after_operand) =
                (false, atom.is_operand || atom.html == "<mo>)</mo>" || atom.html == "<mo>]</mo>");
        }
        row
    }

    /// Parses an atom with its subscript and superscript.
    fn scripted(&mut self) -> Atom {
        let base = self.atom();
        let (mut below, mut above) = (None, None);
        while let Some(&next @ ('_' | '^')) = self.characters.peek() {
            self.characters.next();
            let script = self.atom().html;
            if next == '_' { below = Some(script) } else { above = Some(script) }
        }
        let tag = |plain: &'static str, limits: &'static str| if base.has_limits { limits } else { plain };
        let (tag, scripts) = match (below, above) {
            (None, None) => return base,
            (Some(below), None) => (tag("msub", "munder"), below),
            (None, Some(above)) => (tag("msup", "mover"), above),
            (Some(below), Some(above)) => (tag("msubsup", "munderover"), below + &above),
        };
        Atom { html: format!("<{tag}>{}{scripts}</{tag}>", base.html), ..base }
    }

    fn atom(&mut self) -> Atom {
        let Some(first) = self.characters.next() else { return Atom::operator("<mrow></mrow>".to_owned()) };
        match first {
            '{' => Atom::operand(format!("<mrow>{}</mrow>", self.row(Some('}')))),
            '\\' => self.command(),
            '0'..='9' => {
                let digits = self.run(first, |next| next.is_ascii_digit() || next == '.');
                Atom::operand(format!("<mn>{digits}</mn>"))
            }
            '∑' | '∏' => Atom { html: format!("<mo>{first}</mo>"), is_operand: true, has_limits: true },
            '∞' => Atom::operand("<mi>∞</mi>".to_owned()),
            letter if letter.is_ascii_alphabetic() => {
                let name = self.run(first, |next| next.is_ascii_alphabetic() || next == '′');
                Atom::operand(format!("<mi>{name}</mi>"))
            }
            letter if letter.is_alphabetic() => {
                let name = self.run(first, |next| next == '′');
                Atom::operand(format!("<mi>{name}</mi>"))
            }
            '-' => Atom::operator("<mo>\u{2212}</mo>".to_owned()),
            other => Atom::operator(format!("<mo>{}</mo>", escape(&other.to_string()))),
        }
    }

    fn command(&mut self) -> Atom {
        let Some(first) = self.characters.next() else { return Atom::operator(String::new()) };
        let name = self.run(first, |next| next.is_ascii_alphabetic());
        let html = match name.as_str() {
            "quad" => return Atom::operator("<mspace width=\"1em\"/>".to_owned()),
            "frac" => {
                let (above, below) = (self.atom().html, self.atom().html);
                format!("<mfrac>{above}{below}</mfrac>")
            }
            "sqrt" => format!("<msqrt>{}</msqrt>", self.atom().html),
            "hat" => format!("<mover accent=\"true\">{}<mo stretchy=\"false\">^</mo></mover>", self.atom().html),
            "text" => {
                self.characters.next();
                let words: String = self.characters.by_ref().take_while(|&next| next != '}').collect();
                return Atom::operator(format!("<mtext>{}</mtext>", escape(&words)));
            }
            other => format!("<mi>{other}</mi>"),
        };
        Atom::operand(html)
    }

    /// Reads `first` and all following characters accepted by `belongs`.
    fn run(&mut self, first: char, belongs: impl Fn(char) -> bool) -> String {
        let mut run = String::from(first);
        while let Some(next) = self.characters.next_if(|&next| belongs(next)) {
            run.push(next);
        }
        run
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_mathml() {
        let thin = "<mspace width=\"0.25em\"/>";
        let cases = [
            ("x", "<mi>x</mi>".to_owned()),
            ("n Var(w)", format!("<mi>n</mi>{thin}<mi>Var</mi><mo>(</mo><mi>w</mi><mo>)</mo>")),
            ("x_l^2 - 0.5", "<msubsup><mi>x</mi><mi>l</mi><mn>2</mn></msubsup><mo>\u{2212}</mo><mn>0.5</mn>".to_owned()),
            ("\\frac{1}{n}", "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>n</mn></mrow></mfrac>".replace("<mn>n</mn>", "<mi>n</mi>")),
            (
                "∑_{n=1}^N dy_n",
                "<munderover><mo>∑</mo><mrow><mi>n</mi><mo>=</mo><mn>1</mn></mrow><mi>N</mi></munderover>".to_owned()
                    + thin
                    + "<msub><mi>dy</mi><mi>n</mi></msub>",
            ),
            ("\\sqrt{σ^2 + ε}", "<msqrt><mrow><msup><mi>σ</mi><mn>2</mn></msup><mo>+</mo><mi>ε</mi></mrow></msqrt>".to_owned()),
            ("\\hat{x} < y", "<mover accent=\"true\"><mrow><mi>x</mi></mrow><mo stretchy=\"false\">^</mo></mover><mo>&lt;</mo><mi>y</mi>".to_owned()),
            ("f′(x) \\text{a & b}", "<mi>f′</mi><mo>(</mo><mi>x</mi><mo>)</mo><mtext>a &amp; b</mtext>".to_owned()),
        ];
        for (source, expected) in cases {
            assert_eq!(mathml(source), expected, "{source}");
        }
    }
}
