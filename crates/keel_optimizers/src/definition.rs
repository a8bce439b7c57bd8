//! The trait that the file of every optimizer implements.

use super::OptimizerConfig;
use super::parameter_pass::ParameterPass;

/// Settings that every optimizer has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CommonSettings {
    /// Learning rate; scaled by the schedule.
    pub(super) learning_rate: f64,
    /// Weight decay, applied in the way of the optimizer.
    pub(super) weight_decay: f64,
    /// Maximum norm of the gradient; 0 = off.
    pub(super) clip_norm: f64,
}

/// Learning rate and number of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StepSettings {
    /// Learning rate of this step.
    pub(super) learning_rate: f64,
    /// Number of the step, counted from 1.
    pub(super) step: u64,
}

/// An optimizer: its settings, its slots and its formula. Implemented by the settings of each optimizer.
pub(super) trait OptimizerDefinition {
    /// Returns the settings that every optimizer has.
    fn common(&self) -> CommonSettings;

    /// Returns the optimizer with different common settings.
    fn with_common(&self, common: CommonSettings) -> OptimizerConfig;

    /// Returns the names of the slots kept for every parameter between steps, at most two, as stored in a checkpoint.
    fn slot_names(&self) -> &'static [&'static str];

    /// Returns true if weight decay is subtracted from the weights directly instead of being added to the gradient.
    fn decouples_weight_decay(&self) -> bool {
        false
    }

    /// Updates all parameters: creates the rule of this step and passes it to [`ParameterPass::run`].
    fn update(&self, step: StepSettings, pass: ParameterPass<'_>);
}
