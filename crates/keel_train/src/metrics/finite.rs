//! Numbers in JSON, which has no NaN and no infinity: a number that is not finite is written as `null`, and `null` or a missing
//! key is read as NaN. Every `f64` of a summary uses this module, so that no result can make it unreadable.

use serde::{Deserialize, Deserializer, Serializer};

/// Writes `value`, or `null` if it is not finite.
pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match value.is_finite() {
        true => serializer.serialize_f64(*value),
        false => serializer.serialize_none(),
    }
}

/// Reads a number; `null` is NaN.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// Returns the value of a missing key.
pub(crate) fn absent() -> f64 {
    f64::NAN
}
