//! Processes that the studio has started, and how those it has not are stopped.

mod action;
mod job;
mod stop;

pub(crate) use action::Action;
pub(crate) use job::{JobView, Jobs};
pub(crate) use stop::stop_run;
