//! Softmax and cross-entropy. With scores `s` of one sample, classes `c` and the sample's label:
//!
//! ```text
//! p[c]     = exp(s[c]) / sum over k of exp(s[k])
//! t[c]     = (1 - smoothing) * (1 if c is the label, else 0) + smoothing / classes
//! loss     = own weight * sum over c of weight[c] * t[c] * -ln p[c]
//! value    = sum of the losses / sum of weight[label]       over the batch
//! gradient = own weight * (p[c] * sum over k of weight[k] * t[k] - weight[c] * t[c]) / sum of weight[label]
//! ```
//!
//! Without weights and smoothing, the gradient is `(p - one_hot) / batch`.

use super::{LossCall, LossGradient};

pub(super) fn evaluate(call: LossCall<'_>, smoothing: f64) -> LossGradient {
    let (classes, total) = (call.width, call.total_weight());
    let (mut value, mut gradient) = (0.0, vec![0.0; call.outputs.len()]);
    for n in 0..call.batch() {
        let scores = &call.outputs[n * classes..(n + 1) * classes];
        // Subtracting the largest score changes no probability and keeps the exponentials finite.
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scores.iter().map(|score| (score - largest).exp()).sum();
        let log_probability = |c: usize| scores[c] - largest - sum.ln();
        let weighted_target = |c: usize| {
            let one_hot = if c == call.targets.labels()[n] as usize { 1.0 } else { 0.0 };
            let weight = call.own_weight(n) * call.class_weight(c);
            weight * ((1.0 - smoothing) * one_hot + smoothing / classes as f64)
        };
        let target_sum: f64 = (0..classes).map(weighted_target).sum();
        for c in 0..classes {
            value -= weighted_target(c) * log_probability(c) / total;
            gradient[n * classes + c] = (log_probability(c).exp() * target_sum - weighted_target(c)) / total;
        }
    }
    LossGradient { value, gradient }
}
