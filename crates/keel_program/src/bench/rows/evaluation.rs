//! Measures forward passes in evaluation mode.

use serde_json::{Value, json};

use super::super::networks::Spec;
use super::super::peer::{self, Trial};
use super::super::turns::{in_turn, median};
use super::super::workload::Evaluation;
use super::super::{Context, SEED};
use crate::failure::Failure;

/// Maximum relative difference of the sums of output magnitudes of both sides.
const TOLERANCE: f64 = 1e-3;

/// Number of passes per turn.
const PASSES: usize = 4;

/// Times a pass of ResNet-20, alternating with its fastest peer.
pub(super) fn measure(name: &'static str, context: &Context) -> Result<Value, Failure> {
    let description = Spec::new("resnet20").description();
    let mut evaluation = Evaluation::new(&description, SEED)?;
    let sum = evaluation.run();
    let check = json!({"output_check": {"seed": SEED}});
    let trial = Trial { check: (&check, "sum"), expected: &[sum], tolerance: TOLERANCE, timing: "evaluations" };
    let mut peer = peer::fastest(context, &description, &trial)?;
    let theirs = peer.as_mut().map(|peer| || Ok(median(&peer.timed("evaluations", PASSES)?)));
    let turns = in_turn(context.turns, || median(&evaluation.timed(PASSES)), theirs)?;

    let seconds = median(&turns.ours) / 1000.0;
    let mut row = json!({ "name": name });
    turns.write(&mut row, peer.as_ref().map_or("", |peer| &peer.name));
    row["samples_per_second"] = json!(description.batch as f64 / seconds);
    row["roofline"] = json!(evaluation.multiply_adds() / context.limits.multiply_adds / seconds);
    Ok(row)
}
