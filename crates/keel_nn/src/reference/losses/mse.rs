//! Mean squared error: `value = mean of weight (y - t)^2`, so that `gradient = 2 weight (y - t) / count`, with the weight of the
//! sample.

use super::{LossCall, LossGradient};

pub(super) fn evaluate(call: LossCall<'_>) -> LossGradient {
    let count = call.outputs.len() as f64;
    let (mut value, mut gradient) = (0.0, vec![0.0; call.outputs.len()]);
    for (k, (y, t)) in call.outputs.iter().zip(call.targets.values()).enumerate() {
        let d = y - f64::from(*t);
        let share = call.own_weight(k / call.width) / count;
        value += share * d * d;
        gradient[k] = share * 2.0 * d;
    }
    LossGradient { value, gradient }
}
