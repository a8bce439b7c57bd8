//! Binary cross-entropy of logits `y`, each an independent question with the answer `t` in 0..=1, `p = 1 / (1 + exp(-y))`:
//!
//! ```text
//! loss     = -t ln p - (1 - t) ln(1 - p) = max(y, 0) + ln(1 + exp(-|y|)) - t y
//! value    = sum of own weight * weight * loss / (sum of weights * width)       over the batch and the outputs
//! gradient = own weight * weight * (p - t) / (sum of weights * width)
//! ```
//!
//! If the targets are classes, one logit stands for class 1, and several logits each stand for one class.

use super::{LossCall, LossGradient};
use crate::losses::Targets;

pub(super) fn evaluate(call: LossCall<'_>) -> LossGradient {
    let (width, total) = (call.width, call.total_weight() * call.width as f64);
    let (mut value, mut gradient) = (0.0, vec![0.0; call.outputs.len()]);
    for n in 0..call.batch() {
        for output in 0..width {
            let k = n * width + output;
            let (y, t, weight) = (call.outputs[k], answer(call, n, output), call.sample_weight(n));
            value += weight * (y.max(0.0) + (-y.abs()).exp().ln_1p() - t * y) / total;
            gradient[k] = weight * (1.0 / (1.0 + (-y).exp()) - t) / total;
        }
    }
    LossGradient { value, gradient }
}

/// Returns the right answer to one question about sample `n`.
fn answer(call: LossCall<'_>, n: usize, output: usize) -> f64 {
    let asked = if call.width == 1 { 1 } else { output };
    match call.targets {
        Targets::Values(values) => f64::from(values[n * call.width + output]),
        Targets::Classes(labels) if labels[n] as usize == asked => 1.0,
        Targets::Classes(_) => 0.0,
    }
}
