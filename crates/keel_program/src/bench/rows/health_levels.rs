//! Measures the cost of the health rules in the cnn step.

use keel_train::config::HealthLevel;
use serde_json::{Value, json};

use super::super::networks::Spec;
use super::super::{Context, health_cost};
use crate::failure::Failure;

/// Factor of the number of turns of other rows: the difference is about one percent, far less than the variation between turns.
const TURNS: usize = 4;

/// Measures level standard against off.
pub(super) fn standard(name: &'static str, context: &Context) -> Result<Value, Failure> {
    measure(name, HealthLevel::Standard, context)
}

/// Measures level full against off.
pub(super) fn full(name: &'static str, context: &Context) -> Result<Value, Failure> {
    measure(name, HealthLevel::Full, context)
}

fn measure(name: &str, level: HealthLevel, context: &Context) -> Result<Value, Failure> {
    let turns = health_cost::in_turn(&Spec::new("cnn").description(), level, TURNS * context.turns)?;
    let mut row = json!({ "name": name });
    turns.write(&mut row, "level off");
    Ok(row)
}
