//! The role a symptom plays among causes and consequences.

use crate::rule::symptom::Symptom;

/// A symptom, its stage, and the symptoms it explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// The symptom.
    pub symptom: Symptom,
    /// Stage at which it arises.
    pub stage: Stage,
    /// Symptoms it explains.
    pub explains: &'static [Explanation],
}

/// Stages of a training run, from causes to symptoms: a finding is explained by findings of earlier stages, and within a
/// stage by findings of rules that come earlier in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The last layer and the loss.
    Output,
    /// Work of the training loop: batches, mode, gradients, updates.
    Loop,
    /// Inputs and labels.
    Data,
    /// Units that start identical.
    Symmetry,
    /// Weight decay and dropout.
    Penalty,
    /// Scale of the signal before the first step.
    Signal,
    /// Number of samples whose statistics normalise.
    BatchSize,
    /// Number of units.
    Capacity,
    /// Steps too large for the weights.
    LargeSteps,
    /// Gradients that grow.
    GradientGrowth,
    /// Values a layer passes on: saturated, zero, not centred.
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

/// Symptoms explained by findings whose layers have a certain place relative to theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// Symptoms that are explained.
    pub consequences: &'static [Symptom],
    /// Place of the cause.
    pub lies: Lies,
}

/// Place of the layer of a cause, seen from the layer of its consequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lies {
    /// Any place.
    Anywhere,
    /// In front of it, in the forward direction, or the same layer.
    Upstream,
    /// Behind it, in the forward direction, or the same layer: gradients come from there.
    Downstream,
}
