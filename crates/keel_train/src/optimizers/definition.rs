//! The trait that the file of every optimiser implements.

use super::OptimizerConfig;
use super::parameter_pass::ParameterPass;

/// Settings that every optimiser has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CommonSettings {
    /// Size of a step; schedules scale it.
    pub(super) learning_rate: f64,
    /// Share of each weight that is taken off it, in one way or another.
    pub(super) weight_decay: f64,
    /// Norm the gradient is clipped to; 0 is off.
    pub(super) clip_norm: f64,
}

/// The learning rate and the number of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StepSettings {
    /// Learning rate of this step.
    pub(super) learning_rate: f64,
    /// Number of the step, from 1.
    pub(super) step: u64,
}

/// An optimiser: its settings, its slots and its formula. Implemented by the settings of each.
pub(super) trait OptimizerDefinition {
    /// Returns the settings that every optimiser has.
    fn common(&self) -> CommonSettings;

    /// Returns the same optimiser with other common settings.
    fn with_common(&self, common: CommonSettings) -> OptimizerConfig;

    /// Returns the names of the numbers kept for every parameter between steps, at most two, as a checkpoint stores them.
    fn slot_names(&self) -> &'static [&'static str];

    /// Returns true if weight decay is taken off the weights directly instead of being added to the gradient.
    fn decouples_weight_decay(&self) -> bool {
        false
    }

    /// Updates all parameters: makes the rule of this step and hands it to [`ParameterPass::run`].
    fn update(&self, step: StepSettings, pass: ParameterPass<'_>);
}
