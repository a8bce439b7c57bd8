//! Pre-flight check: tests of a training run before its first step.
//!
//! The cheap part, which measures the model, the data, the labels and the signal at the start, is done by
//! [`crate::health::Watch::begin`] in every training run; [`check`] adds the tests that need some seconds: memorising a few
//! samples, comparing the gradient with finite differences, and comparing a sample alone with the same sample in a batch. It
//! works on its own sessions and writes nothing.

mod batch_mixing;
mod direction;
mod finite_difference;
mod gradient;
mod reference_loss;
mod samples;
mod tiny_batch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use keel_data::{Batch, SplitDataset};
use keel_health::measurement::{DataMeasurement, GradientCheck, ModelDescription, StartMeasurement};
use keel_health::{Finding, Monitor};
use keel_nn::graph::{Op, Parameter};
use keel_nn::{BatchInput, Graph, NodeId};
use serde::Serialize;

use gradient::GradientTest;
pub use gradient::{GradientComparison, ParameterComparison};
use reference_loss::ReferenceLoss;

use crate::auto::{self, Resolved};
use crate::config::Config;
use crate::error::TrainError;
use crate::health::{describe_model, measure_data, measure_start};
use crate::predictor::executor_for_evaluation;
use crate::session::Session;
use crate::threads;

/// Number of samples of the gradient check and of the test of batch mixing.
const FEW_SAMPLES: usize = 8;

/// Maximum number of multiply-adds of a pass by the definitions.
const PASS_MULTIPLY_ADDS: u64 = 50_000_000;

/// Step number of the gradient check, so that its random numbers differ from those of every training step.
const CHECKED_STEP: u64 = u64::MAX / 2;

/// Result of a pre-flight check.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// Findings, causes first.
    pub findings: Vec<Finding>,
    /// One row per layer.
    pub layers: Vec<CheckedLayer>,
    /// Measurement of the training split as the network sees it.
    pub data: DataMeasurement,
    /// Measurement of the state before the first update, with the result of every test that finished.
    pub start: StartMeasurement,
    /// Gradient check of each parameter; `None` if the loss at the start is not finite.
    pub gradient: Option<GradientComparison>,
    /// One sentence per test: its scope, and anything left undecided.
    pub notes: Vec<String>,
    /// Duration in seconds.
    pub seconds: f64,
}

/// One layer before the first update.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CheckedLayer {
    /// Unique name: `conv2d_1`.
    pub name: String,
    /// Shape of one output sample.
    pub output_shape: Vec<usize>,
    /// Standard deviation of its output.
    pub output_std: Option<f32>,
    /// Root mean square of the gradient of the loss with respect to its output.
    pub gradient_rms: Option<f32>,
    /// Fraction of units that were active for no sample.
    pub dead_fraction: Option<f32>,
    /// Fraction of saturated values.
    pub saturated_fraction: Option<f32>,
}

/// Checks the training run of `config` on `data` without executing a step. The two slow tests take at most `budget` each.
///
/// # Errors
/// If settings, layers and data do not fit each other.
pub fn check(config: &Config, data: SplitDataset, budget: Duration) -> Result<Check, TrainError> {
    let pool = threads::pool(config.train.threads)
        .map_err(|error| TrainError::setting("train.threads", format!("cannot start threads: {error}; use fewer")))?;
    pool.install(|| run(&config.clone().settled(), data, budget))
}

fn run(config: &Config, data: SplitDataset, budget: Duration) -> Result<Check, TrainError> {
    let began = Instant::now();
    let Resolved { config, data, .. } = auto::resolve(config, data)?;
    let config = &config;
    let mut session = Session::new(config, data.clone())?;
    let model = describe_model(config, &session);
    let measured = measure_data(&session)?;
    let mut start = measure_start(&mut session, &model)?;
    let mut notes = vec![note_on_loss(&start)];
    let gradient = check_gradient(&mut session, &mut start, Instant::now() + budget, &mut notes)?;
    check_mixing(&mut session, &mut start, &mut notes)?;
    let graph = Arc::clone(&session.network().graph);
    drop(session);
    check_tiny_batch(config, &data, budget, &mut start, &mut notes)?;
    let mut monitor = Monitor::new(model);
    monitor.data(&measured);
    monitor.start(&start);
    let layers = checked_layers(&graph, monitor.model(), &start);
    let seconds = began.elapsed().as_secs_f64();
    Ok(Check { findings: monitor.findings(), layers, data: measured, start, gradient, notes, seconds })
}

fn note_on_loss(start: &StartMeasurement) -> String {
    let loss = start.loss.map_or_else(|| "unknown".to_owned(), |loss| format!("{loss:.4}"));
    format!("loss at the start: {loss}, over {} training samples", start.samples)
}

/// Compares the gradient of a training step on `batch` with finite differences until `deadline`; leaves parameters and state
/// unchanged. `None` if the loss is not finite.
fn compare_gradient(session: &mut Session, batch: &Batch, deadline: Instant) -> Option<GradientComparison> {
    let (values, state) = (session.network().parameters.to_vec(), session.network().state.to_vec());
    let mut objective = session.objective().clone();
    let targets = objective.targets(batch)?;
    let input = BatchInput { input: &batch.inputs, random: session.step_key(CHECKED_STEP) };
    let reference = ReferenceLoss::new(session.network(), input, targets);
    let mut gradient = |parameters: &[f32]| {
        session.network_mut().parameters.copy_from_slice(parameters);
        session.network_mut().state.copy_from_slice(&state);
        session.gradient(batch, CHECKED_STEP, &mut ());
        session.gradients().to_vec()
    };
    let outcome = GradientTest { values: values.clone(), gradient: &mut gradient, reference, deadline }.run();
    session.network_mut().parameters.copy_from_slice(&values);
    session.network_mut().state.copy_from_slice(&state);
    outcome
}

/// Compares the gradient with finite differences on a few samples until `deadline`.
fn check_gradient(
    session: &mut Session,
    start: &mut StartMeasurement,
    deadline: Instant,
    notes: &mut Vec<String>,
) -> Result<Option<GradientComparison>, TrainError> {
    let chosen = samples::distinct_samples(session, samples_of_gradient(session));
    let batch = samples::batch_of(session, &chosen)?;
    let outcome = compare_gradient(session, &batch, deadline);
    let Some(outcome) = outcome else {
        notes.push("gradient check: skipped, because the loss at the start is not finite".to_owned());
        return Ok(None);
    };
    if let Some(worst) = outcome.worst() {
        let layer = suspected(&session.network().graph, &outcome).map(NodeId::index);
        let (largest_relative_error, entries) = (worst.relative_error as f32, outcome.compared());
        start.gradient_check = Some(GradientCheck { largest_relative_error, layer, entries });
    }
    notes.extend(notes_on_gradient(&outcome));
    Ok(Some(outcome))
}

/// Returns the samples of the gradient check: fewer if a pass by the definitions is slow, but at least two for batch norm.
fn samples_of_gradient(session: &Session) -> usize {
    let of_sample = session.network().graph.multiply_adds().max(1);
    let affordable = (PASS_MULTIPLY_ADDS / of_sample).clamp(2, FEW_SAMPLES as u64) as usize;
    affordable.min(session.training_batches().largest_batch())
}

/// Returns the node whose backward pass is probably wrong. A wrong one affects its own parameters and those of all nodes before
/// it, so it lies between the last affected parameter and the next correct one; a custom layer among those nodes is suspected
/// first.
fn suspected(graph: &Graph, outcome: &GradientComparison) -> Option<NodeId> {
    let wrong = |parameter: &&Parameter| {
        let spoilt = |result: &ParameterComparison| result.name == parameter.name && result.is_doubtful();
        outcome.parameters.iter().any(spoilt)
    };
    let last = graph.parameters().iter().rev().find(wrong)?.node;
    let next = graph.parameters().iter().map(|parameter| parameter.node).find(|&node| node > last);
    let end = next.map_or(graph.nodes().len(), NodeId::index);
    let own = graph.nodes()[last.index()..end].iter().find(|node| matches!(node.op, Op::Custom(_)));
    Some(own.map_or(last, |node| node.id))
}

fn notes_on_gradient(outcome: &GradientComparison) -> Vec<String> {
    let undecided = outcome.undecided();
    let compared = format!(
        "{} in {}",
        counted(outcome.compared(), "direction"),
        counted((outcome.parameters.len() - undecided.len()) as u64, "parameter")
    );
    let mut notes = vec![match outcome.worst() {
        Some(worst) if worst.relative_error == 0.0 => {
            let agree = if outcome.compared() == 1 { "agrees" } else { "agree" };
            format!("gradient check: {compared} {agree} with finite differences of the loss within rounding")
        }
        Some(worst) => format!(
            "gradient check: {compared}, largest relative error beyond rounding {:.1e} in {}",
            worst.relative_error, worst.name
        ),
        None => "gradient check: rounding or kinks hide every slope; inconclusive".to_owned(),
    }];
    if !undecided.is_empty() && outcome.compared() > 0 {
        notes.push(format!("gradient check: rounding or kinks hide every slope in {}", undecided.join(", ")));
    }
    if outcome.at_kinks() > 0 {
        let kinks = counted(outcome.at_kinks(), "direction");
        notes.push(format!("gradient check: {kinks} skipped, because kinks of the loss are too close"));
    }
    if !outcome.complete {
        notes.push("gradient check: stopped by its time budget before all directions were tried".to_owned());
    }
    notes
}

/// Formats a number with its noun, in the plural unless the number is 1.
fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn check_mixing(
    session: &mut Session,
    start: &mut StartMeasurement,
    notes: &mut Vec<String>,
) -> Result<(), TrainError> {
    let chosen = samples::distinct_samples(session, FEW_SAMPLES);
    let batch = samples::batch_of(session, &chosen)?;
    let mut executor = executor_for_evaluation(session.program(), batch.samples());
    let random = session.step_key(CHECKED_STEP);
    let difference = batch_mixing::batch_mixing(&batch.inputs, batch.samples(), |input| {
        executor.forward(session.network_mut(), keel_nn::BatchInput { input, random }, &mut ()).to_vec()
    });
    start.batch_mixing = Some(difference);
    let seen = if difference == 0.0 { "are the same".to_owned() } else { format!("differ by {difference:.1e}") };
    notes.push(format!("batch mixing: the outputs of a sample alone and in a batch of {} {seen}", chosen.len()));
    Ok(())
}

fn check_tiny_batch(
    config: &Config,
    data: &SplitDataset,
    budget: Duration,
    start: &mut StartMeasurement,
    notes: &mut Vec<String>,
) -> Result<(), TrainError> {
    match tiny_batch::memorise(config, data, budget)? {
        tiny_batch::Outcome::Judged(measured) => {
            let left = tiny_batch::left_of(&measured);
            notes.push(format!(
                "tiny batch: after {} on the same {}, {:.0} % of {}",
                counted(measured.steps, "step"),
                counted(measured.samples, "sample"),
                100.0 * left,
                if measured.training_error.is_some() { "them are classified wrongly" } else { "the loss are left" }
            ));
            start.tiny_batch = Some(measured);
        }
        tiny_batch::Outcome::OutOfTime { steps, left } => notes.push(format!(
            "tiny batch: inconclusive; the time budget of {:.0} s ended it after {steps} steps with {:.0} % left",
            budget.as_secs_f64(),
            100.0 * left
        )),
        tiny_batch::Outcome::StillFalling { steps, left } => notes.push(format!(
            "tiny batch: inconclusive; the loss is still falling after {steps} steps with {:.0} % left",
            100.0 * left
        )),
    }
    Ok(())
}

/// Returns the rows of the table: the layers that the rules see, with their output shapes.
fn checked_layers(graph: &Graph, model: &ModelDescription, start: &StartMeasurement) -> Vec<CheckedLayer> {
    let shape = |name: &str| graph.find(name).map(|node| node.op.output_shape());
    let row = |(index, layer): (usize, &keel_health::measurement::LayerDescription)| {
        let measured = start.layer(index);
        CheckedLayer {
            name: layer.name.clone(),
            output_shape: shape(&layer.name).map(|shape| shape.dimensions()).unwrap_or_default(),
            output_std: measured.and_then(|measured| measured.output_std),
            gradient_rms: measured.and_then(|measured| measured.gradient_rms),
            dead_fraction: measured.and_then(|measured| measured.dead_fraction),
            saturated_fraction: measured.and_then(|measured| measured.saturated_fraction),
        }
    };
    model.layers.iter().enumerate().map(row).collect()
}

#[cfg(test)]
mod tests;
