//! Multiclass hinge (Weston & Watkins 1999), with scores `s` of one sample:
//!
//! ```text
//! loss               = own weight * weight[label] * sum over c != label of max(0, s[c] - s[label] + 1)
//! value              = sum of the losses / sum of weight[label]       over the batch
//! gradient of s[c]     = own weight * weight[label] / sum of weight[label]         for every c whose term is positive
//! gradient of s[label] = minus the sum of the other gradients
//! ```

use super::{LossCall, LossGradient};

pub(super) fn evaluate(call: LossCall<'_>) -> LossGradient {
    let (classes, total) = (call.width, call.total_weight());
    let (mut value, mut gradient) = (0.0, vec![0.0; call.outputs.len()]);
    for n in 0..call.batch() {
        let (first, label) = (n * classes, call.targets.labels()[n] as usize);
        let share = call.sample_weight(n) / total;
        for c in (0..classes).filter(|&c| c != label) {
            let excess = excess(call, n, c);
            if excess > 0.0 {
                value += share * excess;
                gradient[first + c] += share;
                gradient[first + label] -= share;
            }
        }
    }
    LossGradient { value, gradient }
}

/// Returns 1 for each score that adds a term to the loss of its sample, `[batch, classes]`.
pub(super) fn branches(call: LossCall<'_>) -> Vec<u32> {
    let scores = 0..call.outputs.len();
    scores.map(|k| u32::from(excess(call, k / call.width, k % call.width) > 0.0)).collect()
}

/// Returns by how much score `c` of sample `n` violates the margin of the right class.
fn excess(call: LossCall<'_>, n: usize, c: usize) -> f64 {
    let (first, label) = (n * call.width, call.targets.labels()[n] as usize);
    call.outputs[first + c] - call.outputs[first + label] + 1.0
}
