//! Activation functions by their names in recordings of any framework, with the facts used by rules.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Function of an activation layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ActivationFunction {
    Identity,
    Sigmoid,
    Tanh,
    Relu,
    LeakyRelu,
    Prelu,
    Elu,
    Selu,
    Gelu,
    Silu,
    Softplus,
    Mish,
    HardSwish,
    Softmax,
    LogSoftmax,
    Maxout,
    Other,
}

/// Facts about a function.
struct Facts {
    function: ActivationFunction,
    /// Name in recordings and messages.
    name: &'static str,
    /// True if the function is flat on both sides.
    saturates: bool,
    /// Initialiser that preserves the scale of the signal through the function.
    matching_initializer: &'static str,
}

impl Facts {
    const fn new(function: ActivationFunction, name: &'static str, matching_initializer: &'static str) -> Self {
        Facts { function, name, saturates: false, matching_initializer }
    }

    const fn saturating(self) -> Self {
        Facts { saturates: true, ..self }
    }
}

const KAIMING: &str = "kaiming_normal";
const LECUN: &str = "lecun_normal";
const XAVIER: &str = "xavier_normal";

/// Facts about every function, in the order of the variants.
const FUNCTIONS: [Facts; 17] = [
    Facts::new(ActivationFunction::Identity, "identity", XAVIER),
    Facts::new(ActivationFunction::Sigmoid, "sigmoid", XAVIER).saturating(),
    Facts::new(ActivationFunction::Tanh, "tanh", XAVIER).saturating(),
    Facts::new(ActivationFunction::Relu, "relu", KAIMING),
    Facts::new(ActivationFunction::LeakyRelu, "leaky_relu", KAIMING),
    Facts::new(ActivationFunction::Prelu, "prelu", KAIMING),
    Facts::new(ActivationFunction::Elu, "elu", XAVIER),
    Facts::new(ActivationFunction::Selu, "selu", LECUN),
    Facts::new(ActivationFunction::Gelu, "gelu", KAIMING),
    Facts::new(ActivationFunction::Silu, "silu", KAIMING),
    Facts::new(ActivationFunction::Softplus, "softplus", XAVIER),
    Facts::new(ActivationFunction::Mish, "mish", KAIMING),
    Facts::new(ActivationFunction::HardSwish, "hard_swish", KAIMING),
    Facts::new(ActivationFunction::Softmax, "softmax", XAVIER),
    Facts::new(ActivationFunction::LogSoftmax, "log_softmax", XAVIER),
    Facts::new(ActivationFunction::Maxout, "maxout", XAVIER),
    Facts::new(ActivationFunction::Other, "other", XAVIER),
];

/// Names of all functions.
const NAMES: [&str; FUNCTIONS.len()] = {
    let mut names = [""; FUNCTIONS.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = FUNCTIONS[index].name;
        index += 1;
    }
    names
};

impl ActivationFunction {
    /// Returns the function with this name.
    pub fn named(name: &str) -> Option<Self> {
        FUNCTIONS.iter().find(|facts| facts.name == name).map(|facts| facts.function)
    }

    /// Returns the name in configs and messages.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Returns true if the function is flat on both sides, so that its gradient vanishes for large inputs.
    pub fn saturates(self) -> bool {
        self.facts().saturates
    }

    /// Returns the initialiser that preserves the scale of the signal through this function.
    pub fn matching_initializer(self) -> &'static str {
        self.facts().matching_initializer
    }

    fn facts(self) -> &'static Facts {
        &FUNCTIONS[self as usize]
    }
}

impl Serialize for ActivationFunction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for ActivationFunction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        ActivationFunction::named(&name).ok_or_else(|| D::Error::unknown_variant(&name, &NAMES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_stand_in_the_order_of_the_variants() {
        for (index, facts) in FUNCTIONS.iter().enumerate() {
            assert_eq!(facts.function as usize, index, "{}", facts.name);
            assert_eq!(ActivationFunction::named(facts.name), Some(facts.function));
        }
        let refusal = serde_json::from_str::<ActivationFunction>("\"rleu\"").unwrap_err().to_string();
        assert!(refusal.starts_with("unknown variant `rleu`, expected one of `identity`, `sigmoid`"), "{refusal}");
    }
}
