//! Loss functions: their names in a config file, and value, gradient and probabilities of a batch.
//!
//! A [`LossSpec`] is the form in the config; [`LossSpec::build`] binds it to the network's output and the targets and returns a
//! [`Loss`]. Values are means over the batch; rows are shared among threads in fixed chunks whose sums are added in order, so that
//! the same batch gives the same bits with any number of threads. Nothing allocates after `build`.

mod bce;
mod class_weights;
mod cross_entropy;
mod custom;
mod error;
mod hinge;
mod huber;
mod loss;
mod loss_value;
mod mse;
mod rows;
mod softmax;
mod targets;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use custom::{CustomLoss, LossFunction, OutputTransform};
pub use error::LossError;
pub use loss::Loss;
pub use loss_value::LossValue;
pub use targets::{TargetKind, Targets, WeightedTargets};

use crate::Shape;
use crate::catalog::CatalogEntry;
use crate::name_or_table::{self, Named};

/// A loss function as written in a config file: its name, or a table with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(transform = name_or_table::allow_bare_names)]
pub enum LossSpec {
    /// Softmax and negative log-likelihood of the right class.
    CrossEntropy {
        /// Fraction of the target spread evenly over all classes: 0 or more, below 1.
        #[serde(default)]
        label_smoothing: f32,
    },
    /// Sum over the wrong classes of max(0, score - right score + 1).
    Hinge {},
    /// Mean squared error.
    Mse {},
    /// Squared error near the target, absolute error beyond.
    Huber {
        /// Distance from the target at which the loss changes from squared to absolute error.
        #[serde(default = "huber::delta")]
        delta: f32,
    },
    /// Binary cross-entropy of independent logits, one for each class or target.
    Bce {},
    /// A custom loss.
    Custom(CustomLoss),
}

/// Returns every loss that a config file can name.
pub fn catalog() -> [CatalogEntry; 6] {
    [cross_entropy::ENTRY, hinge::ENTRY, mse::ENTRY, huber::ENTRY, bce::ENTRY, custom::ENTRY]
}

impl LossSpec {
    /// Returns cross-entropy without label smoothing.
    pub fn cross_entropy() -> Self {
        LossSpec::CrossEntropy { label_smoothing: 0.0 }
    }

    /// Returns its name in config files.
    pub fn name(&self) -> &'static str {
        match self {
            LossSpec::CrossEntropy { .. } => cross_entropy::ENTRY.name,
            LossSpec::Hinge {} => hinge::ENTRY.name,
            LossSpec::Mse {} => mse::ENTRY.name,
            LossSpec::Huber { .. } => huber::ENTRY.name,
            LossSpec::Bce {} => bce::ENTRY.name,
            LossSpec::Custom(_) => custom::ENTRY.name,
        }
    }

    /// Builds the loss for a network with output shape `output`, on targets of this kind.
    ///
    /// # Errors
    /// If the loss does not fit the targets, the output width does not match them, or a setting is out of range.
    pub fn build(&self, output: Shape, targets: TargetKind) -> Result<Loss, LossError> {
        self.validate()?;
        let (loss, outputs) = (self.name(), output.len());
        let classes = matches!(targets, TargetKind::Classes(_));
        let wants = match self {
            LossSpec::CrossEntropy { .. } | LossSpec::Hinge {} => Some(true),
            LossSpec::Mse {} | LossSpec::Huber { .. } => Some(false),
            LossSpec::Bce {} | LossSpec::Custom(_) => None,
        };
        match wants {
            Some(true) if !classes => return Err(LossError::WantsClasses { loss }),
            Some(false) if classes => return Err(LossError::WantsValues { loss }),
            _ => {}
        }
        let (TargetKind::Classes(needed) | TargetKind::Values(needed)) = targets;
        if classes && needed < 2 {
            return Err(LossError::OneClass { loss, classes: needed });
        }
        let one_logit = matches!(self, LossSpec::Bce {}) && targets == TargetKind::Classes(2) && outputs == 1;
        if needed == 0 || (outputs != needed && !one_logit) {
            return Err(LossError::Outputs { loss, outputs, needed });
        }
        Ok(Loss::new(self.clone(), outputs, targets))
    }

    fn validate(&self) -> Result<(), LossError> {
        let loss = self.name();
        let refuse = |key, value: f32, allowed| Err(LossError::OutOfRange { loss, key, value, allowed });
        match self {
            LossSpec::CrossEntropy { label_smoothing } if !(0.0..1.0).contains(label_smoothing) => {
                refuse("label_smoothing", *label_smoothing, "0 or more and below 1")
            }
            LossSpec::Huber { delta } if !(delta.is_finite() && *delta > 0.0) => refuse("delta", *delta, "above 0"),
            _ => Ok(()),
        }
    }
}

impl Named for LossSpec {
    const EXPECTED: &'static str = "the name of a loss, or a table with its type and settings";

    fn from_table<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        LossSpec::deserialize(deserializer)
    }
}

impl<'de> Deserialize<'de> for LossSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        name_or_table::deserialize(deserializer)
    }
}

/// Serializes to a bare name if there are no settings, otherwise to a table.
impl Serialize for LossSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            LossSpec::Hinge {} | LossSpec::Mse {} | LossSpec::Bce {} => serializer.serialize_str(self.name()),
            _ => LossSpec::serialize(self, serializer),
        }
    }
}
