//! Rules about what comes of a training: the course of its losses, and the part of the task that was learned.

pub mod loss_trend;
pub mod overfitting;
pub mod stopped_early;
pub mod too_small;
