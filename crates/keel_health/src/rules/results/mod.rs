//! Rules about the results of training: the course of its losses, and the fraction of the task that was learned.

pub mod loss_trend;
pub mod overfitting;
pub mod stopped_early;
pub mod too_small;
