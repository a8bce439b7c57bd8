//! The comparison of a network's programs with the reference, which the fuzz targets in `fuzz/` use too.

use std::sync::Arc;

use keel_nn::graph::Place;
use keel_nn::losses::{LossSpec, TargetKind, Targets};
use keel_nn::reference::{Numbers, Pass, Reference};
use keel_nn::{
    BatchInput, Cpu, Executor, Graph, MemoryRequest, Mode, Network, NodeId, Op, RandomKey, Shape, SimdLevel, lower,
};
use keel_testkit::{Tolerance, deterministic_values};

/// Number of values that every network returns for a sample.
pub(crate) const OUTPUTS: usize = 3;

/// One step and one evaluation of a network to compare.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// True if the loss is that of three members, false if it is that of one prediction of three classes.
    pub(crate) ensemble: bool,
    /// Number of samples of the batch.
    pub(crate) samples: usize,
    /// Seed of parameters, inputs and gradients.
    pub(crate) seed: u64,
}

/// Returns the targets for CPUs at every SIMD level, with and without fusion.
pub(crate) fn every_level() -> Vec<Cpu> {
    let levels = SimdLevel::available().into_iter();
    levels.flat_map(|simd| [Cpu::unfused().with_simd(simd), Cpu::fused().with_simd(simd)]).collect()
}

/// Compares programs with the reference; returns false if single precision cannot be expected to be close to it.
///
/// # Panics
/// If they differ; the message names the part, `what` and the program.
pub(crate) fn agrees_with_reference(graph: Graph, case: Case, targets: &[Cpu], what: &str) -> bool {
    let Case { ensemble, samples, seed } = case;
    let features = graph.input_shape().len();
    let network = Network::new(with_loss(graph, ensemble), RandomKey::new(seed));
    let answers = Answers::of(ensemble, samples, seed);
    let input = deterministic_values(seed, samples * features, -1.0, 2.0);
    let grad_outputs = deterministic_values(seed + 1, samples * OUTPUTS, -1.0, 1.0);
    let expected = by_reference(&network, &input, &grad_outputs, &answers);
    // Batch norm over a handful of values can amplify rounding errors without limit.
    let is_tame = largest(&expected.gradients) < 1e4 && largest(&expected.evaluated) < 1e4;
    if !is_tame || !is_well_conditioned(&network, &input, &grad_outputs, &expected) {
        return false;
    }
    for &target in targets {
        let actual = on_cpu(&network, target, &input, &grad_outputs, &answers);
        let what = |part: &str| format!("{part} of {what}, {target:?}");
        let tolerance = |expected: &[f64]| Tolerance::new(2e-3, 2e-4 * largest(expected).max(1e-2));
        assert_close(&what("outputs"), &actual.outputs, &expected.outputs, tolerance(&expected.outputs));
        assert_close(&what("loss"), &actual.loss, &expected.loss, tolerance(&expected.loss));
        assert_close(&what("state"), &actual.state, &expected.state, tolerance(&expected.state));
        assert_close(&what("evaluation"), &actual.evaluated, &expected.evaluated, tolerance(&expected.evaluated));
        assert_close(&what("gradients"), &actual.gradients, &expected.gradients, tolerance(&expected.gradients));
    }
    true
}

/// Returns the graph with a loss: of one prediction of three classes, or of three members with one value each.
pub(crate) fn with_loss(graph: Graph, ensemble: bool) -> Graph {
    let (spec, kind, members) = match ensemble {
        true => (LossSpec::Huber { delta: 0.5 }, TargetKind::Values(1), OUTPUTS),
        false => (LossSpec::CrossEntropy { label_smoothing: 0.1 }, TargetKind::Classes(OUTPUTS), 1),
    };
    let loss = spec.build(Shape::Features(OUTPUTS / members), kind).unwrap();
    graph.with_loss(loss, members, Place { path: "train.loss".to_owned(), is_written: true }).unwrap()
}

/// Targets for one of the two losses.
pub(crate) struct Answers {
    ensemble: bool,
    labels: Vec<u32>,
    values: Vec<f32>,
}

impl Answers {
    pub(crate) fn of(ensemble: bool, samples: usize, seed: u64) -> Self {
        let labels = (0..samples).map(|sample| ((sample as u64 + seed) % OUTPUTS as u64) as u32).collect();
        Answers { ensemble, labels, values: deterministic_values(seed + 2, samples * OUTPUTS, -2.0, 2.0) }
    }

    fn targets(&self) -> Targets<'_> {
        if self.ensemble { Targets::Values(&self.values) } else { Targets::Classes(&self.labels) }
    }
}

/// Results of a step and an evaluation.
pub(crate) struct Results {
    outputs: Vec<f64>,
    /// Loss, and the gradient with respect to the outputs.
    loss: Vec<f64>,
    gradients: Vec<f64>,
    state: Vec<f64>,
    evaluated: Vec<f64>,
}

fn on_cpu(network: &Network, target: Cpu, input: &[f32], grad_outputs: &[f32], answers: &Answers) -> Results {
    let samples = grad_outputs.len() / OUTPUTS;
    let mut network = network.clone();
    let request = MemoryRequest { batch: samples, mode: Mode::Train, workers: rayon::current_num_threads() };
    let program = lower(&network.graph, &target);
    let mut executor = Executor::new(Arc::clone(&program), request);
    let batch = BatchInput { input, random: RandomKey::new(5) };
    let outputs = widened(executor.forward(&mut network, batch, &mut ()));
    let value = executor.loss(answers.targets());
    let last_gradient = executor.outputs_and_gradient().1;
    let loss: Vec<f64> = [value.mean()].into_iter().chain(widened(last_gradient)).collect();
    last_gradient.copy_from_slice(grad_outputs);
    let mut gradients = vec![f32::NAN; network.parameters.len()];
    executor.backward(&network, batch, &mut gradients, &mut ());
    let mut evaluator = Executor::new(program, MemoryRequest { mode: Mode::Evaluate, ..request });
    let evaluated = widened(evaluator.evaluate(&network, batch));
    Results { outputs, loss, gradients: widened(&gradients), state: widened(&network.state), evaluated }
}

pub(crate) fn by_reference(network: &Network, input: &[f32], grad_outputs: &[f32], answers: &Answers) -> Results {
    let program = lower(&network.graph, &Reference);
    let mut numbers = Numbers::of(network);
    let mut pass = Pass::new(Mode::Train, input, RandomKey::new(5));
    let outputs = program.forward(&mut numbers, &mut pass).to_vec();
    let loss = program.loss(&pass, answers.targets()).unwrap();
    let loss = [loss.value].into_iter().chain(loss.gradient).collect();
    let gradients = program.backward(&numbers, &pass, &widened(grad_outputs));
    let state = numbers.state.clone();
    let mut pass = Pass::new(Mode::Evaluate, input, RandomKey::new(5));
    let evaluated = program.forward(&mut numbers, &mut pass).to_vec();
    Results { outputs, loss, gradients, state, evaluated }
}

/// The reference with all parameters slightly increased or decreased.
struct Moved {
    branches: Vec<Vec<u32>>,
    gradients: Vec<f64>,
}

impl Moved {
    fn by(step: f64, network: &Network, input: &[f32], grad_outputs: &[f32]) -> Self {
        let program = lower(&network.graph, &Reference);
        let mut numbers = Numbers::of(network);
        numbers.parameters.iter_mut().for_each(|parameter| *parameter += step * (1.0 + parameter.abs()));
        let mut pass = Pass::new(Mode::Train, input, RandomKey::new(5));
        program.forward(&mut numbers, &mut pass);
        let branches = program.branches_from(NodeId::new(0), &numbers, &pass);
        Moved { branches, gradients: program.backward(&numbers, &pass, &widened(grad_outputs)) }
    }
}

/// Returns true if single precision can be expected to be close to the reference: every branch of the pass, such as the side of a
/// relu, and the gradients are nearly the same when all parameters are slightly increased or decreased, and no batch norm amplifies
/// values that are equal except for rounding.
pub(crate) fn is_well_conditioned(network: &Network, input: &[f32], grad_outputs: &[f32], expected: &Results) -> bool {
    const STEP: f64 = 3e-6;
    const SENSITIVITY: f64 = 5e-4;
    const LEAST_VARIANCE: f64 = 1e-3;
    let flat = network.graph.nodes().iter().any(|node| match &node.op {
        Op::BatchNorm(norm) => {
            let momentum = f64::from(norm.spec().momentum);
            let running = &expected.state[norm.running_places(node.state.start).variance];
            running.iter().any(|&variance| variance < 1.0 - momentum + momentum * LEAST_VARIANCE)
        }
        _ => false,
    });
    let [above, below] = [STEP, -STEP].map(|step| Moved::by(step, network, input, grad_outputs));
    let differences: Vec<f64> =
        above.gradients.iter().zip(&below.gradients).map(|(above, below)| above - below).collect();
    !flat
        && above.branches == below.branches
        && largest(&differences) <= SENSITIVITY * largest(&expected.gradients).max(1e-2)
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| value.abs().max(largest))
}

/// Panics with `what` and the worst element unless all values are within `tolerance` of the expected ones.
pub(crate) fn assert_close(what: &str, actual: &[f64], expected: &[f64], tolerance: Tolerance) {
    assert_eq!(actual.len(), expected.len(), "{what}: length");
    let difference = |k: usize| (actual[k] - expected[k]).abs();
    let wrong: Vec<usize> = (0..actual.len()).filter(|&k| !tolerance.accepts(actual[k], expected[k])).collect();
    if let Some(&worst) = wrong.iter().max_by(|&&a, &&b| difference(a).total_cmp(&difference(b))) {
        panic!(
            "{what}: {} of {} values differ; worst at index {worst}: {:e} instead of {:e} ({tolerance:?})",
            wrong.len(),
            actual.len(),
            actual[worst],
            expected[worst]
        );
    }
}

/// Converts every value to f64.
pub(crate) fn widened(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}
