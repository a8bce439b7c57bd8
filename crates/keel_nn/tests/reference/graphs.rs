//! Whole graphs, drawn at random: programs of the CPU, joined and not, against the reference.

use std::sync::Arc;

use keel_nn::graph::Place;
use keel_nn::layers::LayerSpec;
use keel_nn::losses::{LossSpec, TargetKind, Targets};
use keel_nn::reference::{Numbers, Pass, Reference};
use keel_nn::{
    BatchInput, Cpu, Executor, Graph, MemoryRequest, Mode, Network, NodeId, Op, RandomKey, Shape, SimdLevel, lower,
};
use keel_testkit::{Tolerance, deterministic_values};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{assert_close, widened};

const OUTPUTS: usize = 3;

/// Layers that keep an image an image.
fn image_layer() -> impl Strategy<Value = Vec<Value>> {
    let function = prop::sample::select(vec!["relu", "tanh", "gelu", "leaky_relu", "prelu", "sigmoid", "identity"]);
    let convolution = (1..20_usize, prop::sample::select(vec![1, 3, 5]), 1..3_usize, any::<bool>(), any::<bool>())
        .prop_map(|(channels, kernel, stride, bias, frozen)| {
            json!({ "type": "conv2d", "out_channels": channels, "kernel": kernel, "stride": stride, "bias": bias,
                        "frozen": frozen })
        });
    let block = (convolution.clone(), function.clone(), any::<bool>(), any::<bool>()).prop_map(
        |(convolution, function, norm, pool)| {
            let mut layers = vec![convolution];
            layers.extend(norm.then(|| json!({ "type": "batch_norm" })));
            layers.push(json!({ "type": "activation", "function": function }));
            layers.extend(pool.then(|| json!({ "type": "max_pool", "padding": "same" })));
            layers
        },
    );
    let residual = (1..12_usize, 1..3_usize, function, any::<bool>()).prop_map(|(channels, stride, after, norm)| {
        let mut body = vec![
            json!({ "type": "conv2d", "out_channels": channels, "stride": stride }),
            json!({ "type": "batch_norm" }),
            json!({ "type": "activation", "function": "relu" }),
            json!({ "type": "conv2d", "out_channels": channels, "bias": false }),
        ];
        body.extend(norm.then(|| json!({ "type": "batch_norm" })));
        vec![json!({ "type": "residual", "body": body, "after": after })]
    });
    let other = prop::sample::select(vec![
        json!({ "type": "layer_norm" }),
        json!({ "type": "dropout", "probability": 0.3 }),
        json!({ "type": "avg_pool", "kernel": 3, "stride": 1, "padding": "same" }),
    ]);
    prop_oneof![4 => block, 2 => residual, 1 => other.prop_map(|layer| vec![layer])]
}

/// Layers of vectors.
fn feature_layer() -> impl Strategy<Value = Vec<Value>> {
    let linear = (1..30_usize, any::<bool>(), prop::sample::select(vec!["relu", "silu", "elu", "softplus"])).prop_map(
        |(features, norm, function)| {
            let mut layers = vec![json!({ "type": "linear", "out_features": features })];
            layers.extend(norm.then(|| json!({ "type": "batch_norm" })));
            layers.push(json!({ "type": "activation", "function": function }));
            layers
        },
    );
    let maxout = (1..9_usize, 1..4_usize)
        .prop_map(|(out, pieces)| vec![json!({ "type": "maxout", "out_features": out, "pieces": pieces })]);
    prop_oneof![3 => linear, 1 => maxout]
}

fn layers() -> impl Strategy<Value = Vec<LayerSpec>> {
    let images = prop::collection::vec(image_layer(), 0..4);
    let end = prop::sample::select(vec!["flatten", "global_avg_pool"]);
    let features = prop::collection::vec(feature_layer(), 0..3);
    (images, end, features).prop_map(|(images, end, features)| {
        let mut layers: Vec<Value> = images.concat();
        layers.push(json!({ "type": end }));
        layers.extend(features.concat());
        layers.push(json!({ "type": "linear" }));
        serde_json::from_value(Value::Array(layers)).expect("layers of the catalog")
    })
}

/// The graph with a loss: of one prediction of three classes, or of three members that give one value each.
fn with_loss(graph: Graph, ensemble: bool) -> Graph {
    let (spec, kind, members) = match ensemble {
        true => (LossSpec::Huber { delta: 0.5 }, TargetKind::Values(1), OUTPUTS),
        false => (LossSpec::CrossEntropy { label_smoothing: 0.1 }, TargetKind::Classes(OUTPUTS), 1),
    };
    let loss = spec.build(Shape::Features(OUTPUTS / members), kind).unwrap();
    graph.with_loss(loss, members, Place { path: "train.loss".to_owned(), is_written: true }).unwrap()
}

/// Targets for one or the other loss.
struct Answers {
    ensemble: bool,
    labels: Vec<u32>,
    values: Vec<f32>,
}

impl Answers {
    fn of(ensemble: bool, samples: usize, seed: u64) -> Self {
        let labels = (0..samples).map(|sample| ((sample as u64 + seed) % OUTPUTS as u64) as u32).collect();
        Answers { ensemble, labels, values: deterministic_values(seed + 2, samples * OUTPUTS, -2.0, 2.0) }
    }

    fn targets(&self) -> Targets<'_> {
        if self.ensemble { Targets::Values(&self.values) } else { Targets::Classes(&self.labels) }
    }
}

/// Results of a step and an evaluation.
struct Results {
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

fn by_reference(network: &Network, input: &[f32], grad_outputs: &[f32], answers: &Answers) -> Results {
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

/// The reference with all parameters a little larger or smaller.
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

/// Single precision can be expected to come near the reference: every branch of the pass, such as the side of a relu, and the
/// gradients are nearly the same when all parameters are a little larger as when they are a little smaller, and no batch norm
/// enlarges values that are all the same but for rounding.
fn is_well_conditioned(network: &Network, input: &[f32], grad_outputs: &[f32], expected: &Results) -> bool {
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn programs_of_random_graphs_compute_what_the_reference_does(
        layers in layers(), side in 5..13_usize, channels in 1..4_usize, samples in 2..6_usize, seed in 0..1000_u64,
        ensemble: bool,
    ) {
        let shape = Shape::Image { height: side, width: side + 1, channels };
        let Ok(graph) = Graph::build(shape, &layers, OUTPUTS) else { return Ok(()) };
        let network = Network::new(with_loss(graph, ensemble), RandomKey::new(seed));
        let answers = Answers::of(ensemble, samples, seed);
        let input = deterministic_values(seed, samples * shape.len(), -1.0, 2.0);
        let grad_outputs = deterministic_values(seed + 1, samples * OUTPUTS, -1.0, 1.0);
        let expected = by_reference(&network, &input, &grad_outputs, &answers);
        // Batch norm over a handful of values can blow rounding up without limit.
        prop_assume!(largest(&expected.gradients) < 1e4 && largest(&expected.evaluated) < 1e4);
        prop_assume!(is_well_conditioned(&network, &input, &grad_outputs, &expected));
        let levels = SimdLevel::available().into_iter();
        for target in levels.flat_map(|simd| [Cpu::unfused().with_simd(simd), Cpu::fused().with_simd(simd)]) {
            let actual = on_cpu(&network, target, &input, &grad_outputs, &answers);
            let what = |part: &str| format!("{part} of {layers:?} on {shape}, {target:?}");
            let tolerance = |expected: &[f64]| Tolerance::new(2e-3, 2e-4 * largest(expected).max(1e-2));
            assert_close(&what("outputs"), &actual.outputs, &expected.outputs, tolerance(&expected.outputs));
            assert_close(&what("loss"), &actual.loss, &expected.loss, tolerance(&expected.loss));
            assert_close(&what("state"), &actual.state, &expected.state, tolerance(&expected.state));
            assert_close(&what("evaluation"), &actual.evaluated, &expected.evaluated, tolerance(&expected.evaluated));
            assert_close(&what("gradients"), &actual.gradients, &expected.gradients, tolerance(&expected.gradients));
        }
    }
}

#[test]
fn rounding_alone_decides_about_a_centred_mean() {
    let judged = |layers: &[Value]| {
        let layers: Vec<LayerSpec> =
            layers.iter().map(|layer| serde_json::from_value(layer.clone()).unwrap()).collect();
        let graph = Graph::build(Shape::Image { height: 5, width: 6, channels: 1 }, &layers, OUTPUTS).unwrap();
        let network = Network::new(with_loss(graph, false), RandomKey::new(3));
        let input = deterministic_values(7, 4 * 30, -1.0, 2.0);
        let grad_outputs = deterministic_values(8, 4 * OUTPUTS, -1.0, 1.0);
        let expected = by_reference(&network, &input, &grad_outputs, &Answers::of(false, 4, 3));
        is_well_conditioned(&network, &input, &grad_outputs, &expected)
    };
    let [center, pool] = [json!({ "type": "layer_norm" }), json!({ "type": "global_avg_pool" })];
    let [linear, last] = [json!({ "type": "linear", "out_features": 1 }), json!({ "type": "linear" })];
    for next in [json!({ "type": "activation", "function": "relu" }), json!({ "type": "batch_norm" })] {
        assert!(!judged(&[center.clone(), pool.clone(), linear.clone(), next.clone(), last.clone()]), "{next}");
        assert!(judged(&[pool.clone(), linear.clone(), next.clone(), last.clone()]), "{next}");
    }
}
