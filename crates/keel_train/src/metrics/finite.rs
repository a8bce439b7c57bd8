//! Numbers in JSON, which has no NaN and no infinity: a number that is not finite is written as `null`, and `null` or an
//! absent key is read as NaN. Every `f64` of a summary goes through here, so that no result can make it unreadable.

use serde::{Deserialize, Deserializer, Serializer};

/// Writes `value`, or `null` if it is not finite.
pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    match value.is_finite() {
        true => serializer.serialize_f64(*value),
        false => serializer.serialize_none(),
    }
}

/// Reads a number, `null` as NaN.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// The value of an absent key.
pub(crate) fn absent() -> f64 {
    f64::NAN
}
