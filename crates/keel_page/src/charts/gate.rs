//! A function drawn as a gate: values pass through it forward, gradients backward.

use maud::{Markup, html};

use super::number;
use crate::language::{Language, Text};

/// One gate with the numbers of one input.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Name of the function.
    pub function: Text,
    /// Input.
    pub input: f64,
    /// Output.
    pub output: f64,
    /// Derivative at the input: the local gradient.
    pub local: f64,
    /// Gradient of the loss with respect to the output.
    pub upstream: f64,
}

impl Gate {
    /// Returns the gradient of the loss with respect to the input.
    pub fn downstream(&self) -> f64 {
        self.local * self.upstream
    }

    /// Renders the drawing: forward pass above, backward pass below.
    pub fn html(&self, language: Language) -> Markup {
        let function = self.function.get(language);
        let numbers = [self.input, self.output, self.local, self.upstream, self.downstream()].map(precise);
        let [input, output, local, upstream, downstream] = &numbers;
        let words = match language {
            Language::English => format!(
                "{function}: input {input}, output {output}; the gradient {upstream} that arrives, times the local gradient \
                 {local}, leaves {downstream}"
            ),
            Language::Chinese => format!(
                "{function}：输入 {input}，输出 {output}；传来的梯度 {upstream} 乘以局部梯度 {local}，传出 {downstream}"
            ),
        };
        let times = language.choose("local", "局部");
        html! {
            div class="gate" {
                svg viewBox="0 0 300 124" role="img" aria-label=(words) {
                    g class="forward" {
                        path d="M8 52H112m-8-6 8 6-8 6M188 52H292m-8-6 8 6-8 6" {}
                        text x="56" y="40" { "x = " (input) }
                        text x="242" y="40" { "y = " (output) }
                    }
                    g class="backward" {
                        path d="M292 72H188m8-6-8 6 8 6M112 72H8m8-6-8 6 8 6" {}
                        text class="right" x="296" y="96" { "∂L/∂y = " (upstream) }
                        text class="left" x="4" y="96" { "∂L/∂x = " (downstream) }
                        text x="150" y="118" { (times) " ∂y/∂x = " (local) }
                    }
                    rect class="body" x="112" y="34" width="76" height="56" rx="28" {}
                    text class="name" x="150" y="67" { (function) }
                }
            }
        }
    }
}

/// Formats a number, with one more digit if rounding would make it 1.
fn precise(value: f64) -> String {
    let text = number(value);
    if value != 1.0 && text == "1" { format!("{value:.5}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_that_leaves_is_the_product() {
        let gate = Gate { function: "σ".into(), input: 0.0, output: 0.5, local: 0.25, upstream: 2.0 };
        let html = gate.html(Language::English).into_string();
        assert_eq!((precise(0.999_954_6).as_str(), precise(1.0).as_str()), ("0.99995", "1"));
        assert!(html.contains("∂L/∂x = 0.5<") && html.contains("times the local gradient 0.25, leaves 0.5"), "{html}");
    }
}
