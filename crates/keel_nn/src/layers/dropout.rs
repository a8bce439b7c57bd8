//! Dropout: random values are set to zero during training, the others are scaled up (Srivastava et al. 2014).

use keel_kernels::dropout::Dropout as Mask;
use keel_kernels::elementwise;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BuildError;
use super::catalog::{LayerDefinition, LayerEntry};
use crate::graph::Op;
use crate::{Backward, Division, Forward, Layer, Mode, RandomKey, Shape};

/// Keys of a `dropout` layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropoutSpec {
    /// Fraction of the values set to zero: 0 or more, below 1.
    #[serde(default = "half")]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub probability: f32,
}

impl DropoutSpec {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry = LayerEntry {
        name: "dropout",
        summary: "random values set to zero during training, the others scaled up",
        keys: &[("probability", "fraction of the values set to zero, 0 or more and below 1; 0.5")],
    };
}

impl LayerDefinition for DropoutSpec {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::Dropout(self.build(input)?))
    }
}

fn half() -> f32 {
    0.5
}

impl Default for DropoutSpec {
    fn default() -> Self {
        DropoutSpec { probability: half() }
    }
}

impl DropoutSpec {
    /// Builds the layer for one input shape.
    ///
    /// # Errors
    /// If the input is empty or the probability is outside `[0, 1)`.
    pub fn build(&self, input: Shape) -> Result<Dropout, BuildError> {
        let (kind, value) = (Self::ENTRY.name, self.probability);
        if input.is_empty() {
            return Err(BuildError::EmptyInput { kind, input });
        }
        if !(0.0..1.0).contains(&value) {
            let (key, allowed) = ("probability", "0 or more and below 1");
            return Err(BuildError::OutOfRange { kind, key, value, allowed });
        }
        Ok(Dropout { shape: input, probability: value, mask: Mask::new(value) })
    }
}

/// Inverted dropout: in training, each value is set to zero with `probability`, otherwise divided by `1 - probability`; in
/// evaluation, values are unchanged. The mask is a function of the step's random key and is drawn again in backward.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    shape: Shape,
    probability: f32,
    mask: Mask,
}

impl Dropout {
    /// Returns the fraction of the values set to zero.
    pub fn probability(&self) -> f32 {
        self.probability
    }

    /// Returns the random bits of a pair of values, counted from the start of the whole batch. Parts of a batch begin at even
    /// samples, so pairs are the same in any division.
    fn bits(self, random: RandomKey, division: Option<&Division<'_>>) -> impl Fn(u64) -> u64 + Sync + use<> {
        let first_sample = division.map_or(0, |division| division.part.first_sample);
        let before = (first_sample * self.shape.len() / 2) as u64;
        move |pair| random.bits(before + pair)
    }
}

impl Layer for Dropout {
    fn kind(&self) -> &'static str {
        DropoutSpec::ENTRY.name
    }

    fn output_shape(&self) -> Shape {
        self.shape
    }

    fn forward(&self, context: Forward<'_>) {
        let bits = self.bits(context.random, context.division.as_ref());
        match context.mode {
            Mode::Train => self.mask.apply(context.simd, context.inputs[0], bits, context.output),
            Mode::Evaluate => elementwise::copy(context.inputs[0], context.output),
        }
    }

    fn backward(&self, context: Backward<'_>) {
        let [grad_input, _] = context.grad_inputs;
        if !grad_input.is_empty() {
            let bits = self.bits(context.random, context.division.as_ref());
            self.mask.apply(context.simd, context.grad_output, bits, grad_input);
        }
    }

    fn describe(&self) -> String {
        format!("probability {}", self.probability)
    }
}
