//! Rules and the monitor, on simulated runs.

mod causes;
mod data_rules;
mod diagnose;
mod documents;
mod ending;
mod faults;
mod findings;
mod levels;
mod ranks;
mod regularization;
mod silence;
#[path = "../simulated/mod.rs"]
mod simulated;
mod training_loop;
mod update_ratio;
