//! The trait that the file of every schedule implements.

use super::plateau_state::PlateauState;

/// Length of a training run, over which schedules extend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// Number of steps of the whole training run.
    pub total_steps: u64,
    /// Number of steps of one epoch.
    pub steps_per_epoch: u64,
}

/// A schedule: the factor of the optimizer's learning rate at every step. Implemented by the settings of each schedule.
pub(super) trait ScheduleDefinition {
    /// Returns the number of steps over which the learning rate first rises from near zero.
    fn warmup_steps(&self) -> u64;

    /// Returns the factor of the learning rate at `step`, counted from the end of the warm-up, of a training run whose length
    /// after it is `horizon`.
    fn factor_at(&self, step: u64, horizon: Horizon, plateau: &PlateauState) -> f64;

    /// Updates `plateau` at the end of an epoch; does nothing unless the schedule reacts to the validation loss.
    fn epoch_ended(&self, _plateau: &mut PlateauState, _validation_loss: f64) {}
}
