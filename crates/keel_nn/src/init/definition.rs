//! The trait that the file of every initialiser implements.

use super::InitSpec;
use super::ParameterSpec;
use super::fan::Fan;
use crate::activations::Activation;
use crate::random::RandomKey;

/// The value of one key and the values an initialiser can work with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Check {
    /// Name of the key.
    pub(super) key: &'static str,
    /// Value of the key.
    pub(super) value: f64,
    /// True if the initialiser can work with it.
    pub(super) is_valid: bool,
    /// Values it can work with, in words.
    pub(super) allowed: &'static str,
}

impl Check {
    /// Returns the check for a key that takes any finite number.
    pub(super) fn finite(key: &'static str, value: f32) -> Self {
        Check { key, value: f64::from(value), is_valid: value.is_finite(), allowed: "a finite number" }
    }

    /// Returns the check for a key that takes 0 and positive numbers.
    pub(super) fn not_negative(key: &'static str, value: f32) -> Self {
        let is_valid = value.is_finite() && value >= 0.0;
        Check { key, value: f64::from(value), is_valid, allowed: "0 or more" }
    }

    /// Returns the check for a key that takes positive numbers.
    pub(super) fn positive(key: &'static str, value: f32) -> Self {
        let is_valid = value.is_finite() && value > 0.0;
        Check { key, value: f64::from(value), is_valid, allowed: "above 0" }
    }
}

/// An initialiser: its formula, its checks and its description. Implemented by the type of each.
pub(crate) trait InitDefinition {
    /// Returns the explicit form in front of an activation; `None` if it is explicit already.
    fn resolve(&self, _following: Option<Activation>) -> Option<InitSpec> {
        None
    }

    /// Overwrites `values`, laid out as `spec` says, with numbers that depend on `key` alone. Keys that the activation decides
    /// are resolved before.
    fn fill(&self, values: &mut [f32], spec: &ParameterSpec, key: RandomKey);

    /// Returns the checks of its keys.
    fn checks(&self) -> Vec<Check> {
        Vec::new()
    }

    /// Returns the connections its variance is divided by.
    fn fan(&self) -> Option<Fan> {
        None
    }

    /// Returns its settings in words, as they stand in brackets after the name; `fan` is the text for its connections.
    fn settings(&self, _fan: &str) -> String {
        String::new()
    }

    /// Returns false if a config can only give its name.
    fn has_keys(&self) -> bool {
        true
    }
}

/// Returns a number with four significant digits, without trailing zeros.
pub(super) fn significant(value: f32) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = (3 - value.abs().log10().floor() as i32).max(0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
