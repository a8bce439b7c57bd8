//! Measures full training steps of the yardstick networks.

use serde_json::{Value, json};

use super::super::networks::Spec;
use super::super::peer::{self, Trial};
use super::super::turns::{in_turn, median};
use super::super::workload::Workload;
use super::super::{Context, SEED, memory};
use crate::failure::Failure;

/// Maximum relative difference of the first losses of both sides.
const LOSS_TOLERANCE: f64 = 1e-3;

/// Returns the number of steps per turn, which takes about a second or less.
fn steps_a_turn(network: &str) -> usize {
    match network {
        "mlp" => 200,
        "cnn" => 5,
        _ => 3,
    }
}

/// Times the step of the network `name`, alternating with its fastest peer.
pub(super) fn measure(name: &'static str, context: &Context) -> Result<Value, Failure> {
    let spec = Spec::new(name).description();
    let steps = steps_a_turn(name);
    let mut workload = Workload::new(&spec, SEED)?;
    let losses = workload.first_losses();
    let check = peer::loss_check();
    let trial = Trial { check: (&check, "losses"), expected: &losses, tolerance: LOSS_TOLERANCE, timing: "steps" };
    let mut peer = peer::fastest(context, &spec, &trial)?;
    let theirs = peer.as_mut().map(|peer| || Ok(median(&peer.timed("steps", steps)?)));
    let turns = in_turn(context.turns, || median(&workload.timed_steps(steps)), theirs)?;

    let seconds = median(&turns.ours) / 1000.0;
    let mut row = json!({ "name": name, "losses": losses });
    turns.write(&mut row, peer.as_ref().map_or("", |peer| &peer.name));
    row["samples_per_second"] = json!(spec.batch as f64 / seconds);
    row["gigaflops"] = json!(2.0 * workload.multiply_adds() / seconds / 1e9);
    row["roofline"] = json!(workload.multiply_adds() / context.limits.multiply_adds / seconds);
    let bytes = memory::measured_aside(name)?;
    row["peak_bytes"] = bytes["peak_bytes"].clone();
    row["planned_bytes"] = bytes["planned_bytes"].clone();
    if let Some(peer) = &mut peer {
        let theirs = peer.peak_bytes()?;
        row["peer"]["peak_bytes"] = json!(theirs);
        row["memory_ratio"] = json!(bytes["peak_bytes"].as_f64().map(|ours| ours / theirs as f64));
    }
    Ok(row)
}
