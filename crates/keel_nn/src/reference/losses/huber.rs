//! Huber (1964): squared error near the target, absolute error beyond. With `d = y - t`, each term times the weight of its sample:
//!
//! ```text
//! value    = mean of d^2 / 2 where |d| <= delta, delta * (|d| - delta / 2) beyond
//! gradient = d / count, cut off at delta / count on both sides
//! ```

use super::{LossCall, LossGradient};

pub(super) fn evaluate(call: LossCall<'_>, delta: f64) -> LossGradient {
    let count = call.outputs.len() as f64;
    let (mut value, mut gradient) = (0.0, vec![0.0; call.outputs.len()]);
    for (k, (y, t)) in call.outputs.iter().zip(call.targets.values()).enumerate() {
        let d = y - f64::from(*t);
        let loss = if d.abs() <= delta { d * d / 2.0 } else { delta * (d.abs() - delta / 2.0) };
        let share = call.own_weight(k / call.width) / count;
        value += share * loss;
        gradient[k] = share * d.clamp(-delta, delta);
    }
    LossGradient { value, gradient }
}
