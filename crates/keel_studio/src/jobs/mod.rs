//! Processes started by the studio, and stopping of others.

mod action;
mod job;
mod stop;

pub(crate) use action::Action;
pub(crate) use job::{JobView, Jobs};
pub(crate) use stop::stop_run;
