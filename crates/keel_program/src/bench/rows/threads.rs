//! Measures the gain of a step from a second thread.

use keel_train::threads;
use serde_json::{Value, json};

use super::super::networks::Spec;
use super::super::turns::{in_turn, median};
use super::super::workload::Workload;
use super::super::{Context, SEED};
use crate::failure::Failure;

const STEPS: usize = 3;

/// Times the cnn step on one thread and on two, alternating, and checks that both compute the same bits.
pub(super) fn measure(name: &'static str, context: &Context) -> Result<Value, Failure> {
    let pools = [pool(1)?, pool(2)?];
    let cnn = Spec::new("cnn").description();
    let workload = |pool: &rayon::ThreadPool| pool.install(|| Workload::new(&cnn, SEED));
    let (mut one, mut two) = (workload(&pools[0])?, workload(&pools[1])?);
    let losses = [pools[0].install(|| one.step()), pools[1].install(|| two.step())];
    if losses[0].to_bits() != losses[1].to_bits() {
        return Err(Failure::new(format!("the first loss depends on the number of threads: {losses:?}")));
    }
    let alone = || Ok(pools[0].install(|| median(&one.timed_steps(STEPS))));
    let turns = in_turn(context.turns, || pools[1].install(|| median(&two.timed_steps(STEPS))), Some(alone))?;
    let mut row = json!({ "name": name });
    turns.write(&mut row, "one thread");
    row["speedup"] = json!(1.0 / row["ratio"].as_f64().unwrap_or(f64::NAN));
    Ok(row)
}

fn pool(count: usize) -> Result<rayon::ThreadPool, Failure> {
    threads::pool(count).map_err(|error| Failure::new(format!("cannot start {count} threads: {error}")))
}
