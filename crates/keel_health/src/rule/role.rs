//! Role of a symptom among causes and consequences.

use crate::rule::symptom::Symptom;

/// A symptom, its stage, and the symptoms it explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// Symptom.
    pub symptom: Symptom,
    /// Stage at which it arises.
    pub stage: Stage,
    /// Symptoms it explains.
    pub explains: &'static [Explanation],
}

/// Stages of a training run, from causes to symptoms. A finding is explained by findings of earlier stages, and within
/// a stage by findings of rules earlier in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The last layer and the loss.
    Output,
    /// The training loop: batches, mode, gradients, updates.
    Loop,
    /// Inputs and labels.
    Data,
    /// Units with identical initial values.
    Symmetry,
    /// Weight decay and dropout.
    Penalty,
    /// Scale of the signal before the first step.
    Signal,
    /// Number of samples used for normalisation statistics.
    BatchSize,
    /// Number of units.
    Capacity,
    /// Steps too large for the weights.
    LargeSteps,
    /// Gradients that grow.
    GradientGrowth,
    /// Outputs of a layer: saturated, zero, not centred.
    Activations,
    /// Gradients, running statistics and parameters of layers.
    Layers,
    /// Steps too small for the weights.
    SmallSteps,
    /// Losses that differ from the expected value.
    Results,
    /// Course of the training loss.
    LossCurve,
    /// Numbers that are no longer finite.
    Collapse,
}

/// Symptoms explained by findings whose layers have a certain position relative to theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// Symptoms explained.
    pub consequences: &'static [Symptom],
    /// Position of the cause.
    pub lies: Lies,
}

/// Position of the cause's layer relative to the consequence's layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lies {
    /// Any position.
    Anywhere,
    /// Before it in the forward direction, or the same layer.
    Upstream,
    /// After it in the forward direction, or the same layer; gradients come from there.
    Downstream,
}
