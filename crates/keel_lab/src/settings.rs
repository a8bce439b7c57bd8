//! Settings of a run: `key=value` pairs that override the defaults of an experiment's config.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{LabError, nearest};
use crate::knob::{Knob, knobs_of};

/// Values for the knobs of an experiment, in the given order; a later value for the same knob overrides an earlier one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pairs: Vec<(String, Value)>,
}

impl Settings {
    /// Creates empty settings: every knob at its default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Parses `key=value` texts. A value is a number, `true`, `false`, a list such as `[1, 2]`, or a bare word.
    ///
    /// # Errors
    /// Fails if a text has no `=` or nothing before it.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, LabError> {
        let mut settings = Self::new();
        for text in texts {
            let text = text.as_ref();
            match text.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => {
                    settings.set(key.trim(), value_of(value.trim()));
                }
                _ => return Err(LabError::MalformedSetting { text: text.to_owned() }),
            }
        }
        Ok(settings)
    }

    /// Creates settings from pairs of a knob and its value.
    pub(crate) fn from_pairs(pairs: Vec<(String, Value)>) -> Self {
        Settings { pairs }
    }

    /// Adds one value.
    pub fn set(&mut self, knob: &str, value: impl Into<Value>) {
        self.pairs.push((knob.to_owned(), value.into()));
    }

    /// Checks that each set knob is one of `knobs`, the knobs of several experiments together.
    ///
    /// # Errors
    /// Fails for a knob that is not among them; the error names the most similar one.
    pub fn check(&self, knobs: &[Knob]) -> Result<(), LabError> {
        let known = |name: &str| knobs.iter().any(|knob| knob.name == name);
        match self.pairs.iter().find(|(name, _)| !known(name)) {
            None => Ok(()),
            Some((name, _)) => Err(LabError::KnobOfNone {
                knob: name.clone(),
                nearest: nearest(name, knobs.iter().map(|knob| knob.name.as_str())),
            }),
        }
    }

    /// Returns the settings of `knobs`, so that one list of settings can serve several experiments.
    pub fn known_to(&self, knobs: &[Knob]) -> Self {
        let known = |key: &String| knobs.iter().any(|knob| knob.name == *key);
        Settings { pairs: self.pairs.iter().filter(|(key, _)| known(key)).cloned().collect() }
    }

    /// Returns the config `C` of `experiment` with these settings.
    ///
    /// # Errors
    /// Fails for an unknown knob, or a value of the wrong kind or out of range.
    pub(crate) fn config<C>(&self, experiment: &'static str) -> Result<C, LabError>
    where
        C: JsonSchema + Default + Serialize + DeserializeOwned,
    {
        let knobs = knobs_of::<C>();
        let mut document = serde_json::to_value(C::default()).expect("configs are plain data");
        for (name, value) in &self.pairs {
            let Some(knob) = knobs.iter().find(|knob| knob.name == *name) else {
                let known: Vec<String> = knobs.into_iter().map(|knob| knob.name).collect();
                let nearest = nearest(name, known.iter().map(String::as_str));
                return Err(LabError::UnknownKnob { experiment, knob: name.clone(), nearest, known });
            };
            if !knob.accepts(value) {
                return Err(refused(experiment, knob, value, knob.expected()));
            }
            *place(&mut document, name) = value.clone();
        }
        serde_json::from_value(document).map_err(|error| LabError::KnobValue {
            experiment,
            knob: self.pairs.last().map_or(String::new(), |(name, _)| name.clone()),
            value: self.pairs.last().map_or(String::new(), |(_, value)| value.to_string()),
            expected: error.to_string(),
        })
    }
}

fn refused(experiment: &'static str, knob: &Knob, value: &Value, mut expected: String) -> LabError {
    let value = value.as_str().map_or(value.to_string(), str::to_owned);
    if let Some(nearest) = nearest(&value, knob.choices.iter().map(String::as_str)) {
        expected = format!("{nearest}, or another {expected}");
    }
    LabError::KnobValue { experiment, knob: knob.name.clone(), value, expected }
}

fn value_of(text: &str) -> Value {
    if let Ok(value) = serde_json::from_str(text) {
        return value;
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Value::from(number),
        _ => Value::from(text),
    }
}

fn place<'a>(document: &'a mut Value, name: &str) -> &'a mut Value {
    name.split('.').fold(document, |value, key| &mut value[key])
}
