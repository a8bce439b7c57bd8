//! Formulas in a small language similar to TeX, converted to the content of a MathML element.
//!
//! A run of letters is one name (`Var`, `dx`), and adjacent names are separated by a space (`n Var(w)`). `_` and `^`
//! set subscript and superscript, `{…}` groups; `\frac{a}{b}`, `\sqrt{a}`, `\hat{a}` and `\text{words}` work as in TeX,
//! and `\quad` is a wide space. Sums, products and integrals are written as the signs themselves: `∑_{n=1}^N`.

use std::iter::Peekable;
use std::str::Chars;

use maud::{Markup, html};

/// Converts one formula to MathML.
pub fn mathml(source: &str) -> Markup {
    Reader { characters: source.chars().peekable() }.row(None)
}

struct Reader<'a> {
    characters: Peekable<Chars<'a>>,
}

/// A piece of a formula.
struct Atom {
    html: Markup,
    kind: Kind,
    /// True for sums and products: their limits are above and below, not to the side.
    has_limits: bool,
}

/// Kind of an atom, for the space between two of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A name, a number or a fraction: two adjacent ones are a product, separated by a thin space.
    Operand,
    /// A closing bracket, which an operand can follow as the second factor.
    Closing,
    /// Anything else.
    Operator,
}

impl Atom {
    fn operand(html: Markup) -> Self {
        Atom { html, kind: Kind::Operand, has_limits: false }
    }

    fn operator(html: Markup) -> Self {
        Atom { html, kind: Kind::Operator, has_limits: false }
    }
}

impl Reader<'_> {
    /// Parses everything up to `end`.
    fn row(&mut self, end: Option<char>) -> Markup {
        let mut row = Vec::new();
        let (mut spaced, mut before) = (false, Kind::Operator);
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
            if spaced && before != Kind::Operator && atom.kind == Kind::Operand {
                row.push(html! { mspace width="0.25em" {} });
            }
            row.push(atom.html);
            (spaced, before) = (false, atom.kind);
        }
        html! { @for part in &row { (part) } }
    }

    /// Parses an atom with its subscript and superscript.
    fn scripted(&mut self) -> Atom {
        let Atom { html: base, kind, has_limits } = self.atom();
        let (mut below, mut above) = (None, None);
        while let Some(&next @ ('_' | '^')) = self.characters.peek() {
            self.characters.next();
            let script = self.atom().html;
            if next == '_' { below = Some(script) } else { above = Some(script) }
        }
        let html = match (below, above) {
            (None, None) => return Atom { html: base, kind, has_limits },
            (Some(below), None) if has_limits => html! { munder { (base) (below) } },
            (Some(below), None) => html! { msub { (base) (below) } },
            (None, Some(above)) if has_limits => html! { mover { (base) (above) } },
            (None, Some(above)) => html! { msup { (base) (above) } },
            (Some(below), Some(above)) if has_limits => html! { munderover { (base) (below) (above) } },
            (Some(below), Some(above)) => html! { msubsup { (base) (below) (above) } },
        };
        let kind = if kind == Kind::Closing { Kind::Operator } else { kind };
        Atom { html, kind, has_limits }
    }

    fn atom(&mut self) -> Atom {
        let Some(first) = self.characters.next() else { return Atom::operator(html! { mrow {} }) };
        match first {
            '{' => Atom::operand(html! { mrow { (self.row(Some('}'))) } }),
            '\\' => self.command(),
            '0'..='9' => {
                let digits = self.run(first, |next| next.is_ascii_digit() || next == '.');
                Atom::operand(html! { mn { (digits) } })
            }
            '∑' | '∏' => Atom { html: html! { mo { (first) } }, kind: Kind::Operand, has_limits: true },
            '∞' => Atom::operand(html! { mi { "∞" } }),
            letter if letter.is_ascii_alphabetic() => {
                let name = self.run(first, |next| next.is_ascii_alphabetic() || next == '′');
                Atom::operand(html! { mi { (name) } })
            }
            letter if letter.is_alphabetic() => {
                let name = self.run(first, |next| next == '′');
                Atom::operand(html! { mi { (name) } })
            }
            '-' => Atom::operator(html! { mo { "\u{2212}" } }),
            ')' | ']' => Atom { html: html! { mo { (first) } }, kind: Kind::Closing, has_limits: false },
            other => Atom::operator(html! { mo { (other) } }),
        }
    }

    fn command(&mut self) -> Atom {
        let Some(first) = self.characters.next() else { return Atom::operator(Markup::default()) };
        let name = self.run(first, |next| next.is_ascii_alphabetic());
        let html = match name.as_str() {
            "quad" => return Atom::operator(html! { mspace width="1em" {} }),
            "frac" => {
                let (above, below) = (self.atom().html, self.atom().html);
                html! { mfrac { (above) (below) } }
            }
            "sqrt" => html! { msqrt { (self.atom().html) } },
            "hat" => html! { mover accent="true" { (self.atom().html) mo stretchy="false" { "^" } } },
            "text" => {
                self.characters.next();
                let words: String = self.characters.by_ref().take_while(|&next| next != '}').collect();
                return Atom::operator(html! { mtext { (words) } });
            }
            other => html! { mi { (other) } },
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
        let thin = "<mspace width=\"0.25em\"></mspace>";
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
            assert_eq!(mathml(source).into_string(), expected, "{source}");
        }
    }
}
