//! Mean squared error: `value = mean of (y - t)^2`, so that `gradient = 2 (y - t) / count`.

use super::{LossCall, LossGradient};

pub(super) fn evaluate(call: LossCall<'_>) -> LossGradient {
    let count = call.outputs.len() as f64;
    let (mut value, mut gradient) = (0.0, vec![0.0; call.outputs.len()]);
    for (k, (y, t)) in call.outputs.iter().zip(call.targets.values()).enumerate() {
        let d = y - f64::from(*t);
        value += d * d / count;
        gradient[k] = 2.0 * d / count;
    }
    LossGradient { value, gradient }
}
