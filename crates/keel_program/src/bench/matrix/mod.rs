//! The matrix of networks: a step in memory and a whole training run of each, alternating with PyTorch's step.

mod end_to_end;
mod finished;
mod networks;
mod summary;

use keel_kernels::parallel::workers;
use keel_kernels::simd;
use keel_nn::layers::LayerSpec;
use keel_train::config::HealthLevel;
use serde_json::{Value, json};

use super::networks::Description;
use super::peer::{self, Peer, Trial};
use super::turns::{in_turn, median, repetitions};
use super::workload::{Evaluation, Workload};
use super::{Context, SEED, health_cost};
use crate::failure::Failure;
pub(crate) use finished::Finished;
use networks::Family;

/// Maximum relative difference of the numbers that both sides compute.
const TOLERANCE: f64 = 1e-3;

/// Duration of the steps of a turn.
const TURN_MILLISECONDS: f64 = 300.0;

/// Number of turns of whole training runs, each of two epochs.
const TRAININGS: usize = 2;

/// Returns the settings that rows depend on, for [`Finished::open`].
pub(crate) fn settings(context: &Context) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"), "simd": simd::level().name(), "threads": workers(), "turns": context.turns,
        "variants": context.peer.as_ref().map(|_| &context.variants),
    })
}

/// Measures every network with one of `words` in its name, or all if there are no words, and adds each to those that are
/// `finished`, which are not measured again. A network that fails gives the reason in its `error`.
///
/// # Errors
/// If no network has any of the words in its name, or a row cannot be written.
pub(crate) fn measure(context: &Context, words: &[String], mut finished: Finished) -> Result<Value, Failure> {
    let wanted =
        |network: &Description| words.is_empty() || words.iter().any(|word| network.name.contains(word.as_str()));
    let chosen: Vec<(Family, Description)> =
        networks::all().into_iter().filter(|(_, network)| wanted(network)).collect();
    if chosen.is_empty() {
        let names: Vec<String> = networks::all().into_iter().map(|(_, network)| network.name).collect();
        let message = format!("--only {}: no network has that in its name", words.join(","));
        return Err(Failure::new(message).next_step(format!("the networks are: {}", names.join("; "))));
    }
    let mut rows = Vec::new();
    for (index, (family, network)) in chosen.iter().enumerate() {
        (context.progress)(&format!("{} of {}: {}", index + 1, chosen.len(), network.name));
        if let Some(row) = finished.row(&network.name) {
            (context.progress)(&format!("  measured before: {}", in_short(row)));
            rows.push(row.clone());
            continue;
        }
        match row(context, *family, network) {
            Ok(row) => {
                (context.progress)(&format!("  {}", in_short(&row)));
                finished.add(&row)?;
                rows.push(row);
            }
            Err(failure) => {
                (context.progress)(&format!("  failed: {failure}"));
                rows.push(json!({ "name": network.name, "family": family.name(), "error": failure.to_string() }));
            }
        }
    }
    Ok(json!({ "summary": summary::of(&rows), "networks": rows }))
}

/// Formats a row in one line.
fn in_short(row: &Value) -> String {
    let ratio =
        |part: &str| row[part]["ratio"].as_f64().map_or_else(String::new, |ratio| format!(", {ratio:.2} of PyTorch's"));
    let part = |part: &str| format!("{:.3} ms{}", row[part]["milliseconds"].as_f64().unwrap_or(f64::NAN), ratio(part));
    let health = |level: &str| row["health"][level]["ratio"].as_f64().unwrap_or(f64::NAN);
    format!(
        "step {}; end to end {}; health {:.3} and {:.3}",
        part("step"),
        part("end_to_end"),
        health("standard"),
        health("full"),
    )
}

fn row(context: &Context, family: Family, network: &Description) -> Result<Value, Failure> {
    let mut workload = Workload::new(network, SEED)?;
    let mut peer = checked_peer(context, network, &mut workload)?;
    let name = peer.as_ref().map_or_else(String::new, |peer| peer.name.clone());
    let first = median(&workload.timed_steps(1));
    let ours = repetitions(first, TURN_MILLISECONDS);
    let theirs = match &mut peer {
        Some(peer) => repetitions(median(&peer.timed("steps", 1)?), TURN_MILLISECONDS),
        None => 0,
    };
    let mut step = json!({});
    let other = peer.as_mut().map(|peer| || Ok(median(&peer.timed("steps", theirs)?)));
    let turns = in_turn(context.turns, || median(&workload.timed_steps(ours)), other)?;
    turns.write(&mut step, &name);
    let seconds = median(&turns.ours) / 1000.0;
    let share = workload.multiply_adds() / context.limits.multiply_adds / seconds;
    drop(workload);

    let mut whole = json!({});
    let mut failure = None;
    let training = || {
        end_to_end::milliseconds_a_step(network, first).unwrap_or_else(|error| {
            failure = Some(error);
            f64::NAN
        })
    };
    let other = peer.as_mut().map(|peer| || Ok(median(&peer.timed("steps", theirs)?)));
    let turns = in_turn(TRAININGS.min(context.turns), training, other)?;
    if let Some(failure) = failure {
        return Err(failure);
    }
    turns.write(&mut whole, &name);
    let mut health = json!({});
    for (level, key) in [(HealthLevel::Standard, "standard"), (HealthLevel::Full, "full")] {
        let turns = health_cost::in_turn(network, level, context.turns)?;
        health[key] = json!({});
        turns.write(&mut health[key], "level off");
    }
    Ok(json!({
        "name": network.name, "family": family.name(), "roofline": share, "step": step, "end_to_end": whole,
        "health": health,
    }))
}

/// Returns the fastest peer that computes the same numbers: the losses of three steps, or, if dropout draws differ, the outputs
/// in evaluation mode.
fn checked_peer(context: &Context, network: &Description, workload: &mut Workload) -> Result<Option<Peer>, Failure> {
    let draws = network.layers.iter().any(|layer| matches!(layer, LayerSpec::Dropout(_)));
    let (check, key, expected) = match draws {
        true => {
            let sum = Evaluation::new(network, SEED)?.run();
            (json!({"output_check": {"seed": SEED}}), "sum", vec![sum])
        }
        false => (peer::loss_check(), "losses", workload.first_losses()),
    };
    let trial = Trial { check: (&check, key), expected: &expected, tolerance: TOLERANCE, timing: "steps" };
    peer::fastest(context, network, &trial)
}
