//! The trait that the file of every initialiser implements.

use super::InitSpec;
use super::ParameterSpec;
use super::fan::Fan;
use crate::activations::Activation;
use crate::random::RandomKey;

/// Value of one key and its valid values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Check {
    /// Name of the key.
    pub(super) key: &'static str,
    /// Value of the key.
    pub(super) value: f64,
    /// True if the value is valid.
    pub(super) is_valid: bool,
    /// Description of the valid values.
    pub(super) allowed: &'static str,
}

impl Check {
    /// Returns the check of a key that may be any finite number.
    pub(super) fn finite(key: &'static str, value: f32) -> Self {
        Check { key, value: f64::from(value), is_valid: value.is_finite(), allowed: "a finite number" }
    }

    /// Returns the check of a key that must be 0 or positive.
    pub(super) fn not_negative(key: &'static str, value: f32) -> Self {
        let is_valid = value.is_finite() && value >= 0.0;
        Check { key, value: f64::from(value), is_valid, allowed: "0 or more" }
    }

    /// Returns the check of a key that must be positive.
    pub(super) fn positive(key: &'static str, value: f32) -> Self {
        let is_valid = value.is_finite() && value > 0.0;
        Check { key, value: f64::from(value), is_valid, allowed: "above 0" }
    }
}

/// An initialiser: its formula, its checks and its description. Implemented by the type of each initialiser.
pub(crate) trait InitDefinition {
    /// Returns the explicit form before an activation; `None` if it is explicit already.
    fn resolve(&self, _following: Option<Activation>) -> Option<InitSpec> {
        None
    }

    /// Overwrites `values`, laid out as described by `spec`, with numbers that depend only on `key`. Keys that depend on the
    /// activation are resolved beforehand.
    fn fill(&self, values: &mut [f32], spec: &ParameterSpec, key: RandomKey);

    /// Returns the checks of its keys.
    fn checks(&self) -> Vec<Check> {
        Vec::new()
    }

    /// Returns the fan that its variance is divided by.
    fn fan(&self) -> Option<Fan> {
        None
    }

    /// Returns its settings as the text in brackets after the name; `fan` is the text for its fan.
    fn settings(&self, _fan: &str) -> String {
        String::new()
    }

    /// Returns false if a config can give its name only.
    fn has_keys(&self) -> bool {
        true
    }
}

/// Formats a number with four significant digits, without trailing zeros.
pub(super) fn significant(value: f32) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = (3 - value.abs().log10().floor() as i32).max(0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
