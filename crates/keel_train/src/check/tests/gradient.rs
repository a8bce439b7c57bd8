//! Correct gradients of every kind of layer pass, wrong ones are named.

use std::time::Instant;

use keel_health::Level;
use keel_nn::layers::{CustomLayer, LayerSpec};
use keel_nn::{Backward, Forward, Layer, Memory, MemoryRequest, Shape, SimdLevel};

use super::*;

/// Compares the gradient of a session, with a fault injected, with finite differences.
fn with_fault(settings: &[&str], fault: impl Fn(&Session, &mut Vec<f32>)) -> GradientComparison {
    let config = config("mlp", settings);
    let mut session = Session::new(&config, crate::load_data(&config).unwrap()).unwrap();
    let chosen = samples::distinct_samples(&session, FEW_SAMPLES);
    let batch = samples::batch_of(&session, &chosen).unwrap();
    let mut objective = session.objective().clone();
    let input = BatchInput { input: &batch.inputs, random: session.step_key(CHECKED_STEP) };
    let reference = ReferenceLoss::new(session.network(), input, objective.targets(&batch).unwrap());
    let values = session.network().parameters.to_vec();
    let mut gradient = |parameters: &[f32]| {
        session.network_mut().parameters.copy_from_slice(parameters);
        session.gradient(&batch, CHECKED_STEP, &mut ());
        let mut gradient = session.gradients().to_vec();
        fault(&session, &mut gradient);
        gradient
    };
    let deadline = Instant::now() + BUDGET;
    GradientTest { values, gradient: &mut gradient, reference, deadline }.run().unwrap()
}

const SMALL: [&str; 4] = ["data.source=digits", "model.width=12", "model.depth=2", "train.threads=1"];

#[test]
fn right_gradients_pass_and_wrong_ones_are_named() {
    let range = |session: &Session, name: &str| {
        let parameters = session.network().graph.parameters();
        parameters.iter().find(|parameter| parameter.name == name).map(|parameter| parameter.range.clone()).unwrap()
    };
    let clean = with_fault(&SMALL, |_, _| {});
    assert!(clean.worst().unwrap().relative_error < 2e-3, "{clean:?}");
    assert!(clean.complete && clean.compared() >= 40, "{clean:?}");
    type Fault = (&'static str, &'static str, fn(&mut [f32]));
    let faults: [Fault; 6] = [
        ("5 % too large", "linear_2.weight", |part| part.iter_mut().for_each(|value| *value *= 1.05)),
        ("half of it missing", "linear_1.weight", |part| {
            let half = part.len() / 2;
            part[half..].fill(0.0);
        }),
        ("forgotten", "linear_3.bias", |part| part.fill(0.0)),
        ("entries turned round", "linear_2.weight", |part| part.reverse()),
        ("wrong sign", "batch_norm_1.scale", |part| part.iter_mut().for_each(|value| *value = -*value)),
        ("not a number", "batch_norm_2.shift", |part| part[0] = f32::NAN),
    ];
    for (what, name, fault) in faults {
        let outcome = with_fault(&SMALL, |session, gradient| fault(&mut gradient[range(session, name)]));
        let worst = outcome.worst().unwrap();
        assert!(worst.name == name && worst.relative_error > 1e-2, "{what}: {outcome:?}");
        let others = outcome.parameters.iter().filter(|parameter| parameter.name != name);
        assert!(others.map(|parameter| parameter.relative_error).fold(0.0, f64::max) < 2e-3, "{what}: {outcome:?}");
    }
}

#[test]
fn gradients_of_every_kind_of_layer_pass() {
    let layers = |body: &str| format!("model.layers=[{body}, {{ type = \"linear\" }}]");
    let activation = |name: &str| format!("{{ type = \"activation\", function = \"{name}\" }}");
    let convolution = "{ type = \"conv2d\", out_channels = 6, kernel = 3 }";
    let mut bodies: Vec<String> =
        ["sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "softplus", "mish"]
            .iter()
            .map(|name| format!("{{ type = \"linear\", out_features = 12 }}, {}", activation(name)))
            .collect();
    for after in [
        "{ type = \"batch_norm\" }, { type = \"activation\", function = \"relu\" }, { type = \"max_pool\", kernel = 2 }",
        "{ type = \"layer_norm\" }, { type = \"activation\", function = \"relu\" }, { type = \"avg_pool\", kernel = 2 }",
        "{ type = \"group_norm\", groups = 2 }, { type = \"global_avg_pool\" }",
        "{ type = \"instance_norm\" }, { type = \"dropout\" }",
        "{ type = \"residual\", body = [{ type = \"conv2d\", out_channels = 6, kernel = 3 }, { type = \"batch_norm\" }] }",
    ] {
        bodies.push(format!("{convolution}, {after}"));
    }
    bodies.push("{ type = \"flatten\" }, { type = \"maxout\", out_features = 8, pieces = 3 }".to_owned());
    for body in bodies {
        let config = config("digits", &[&layers(&body), "train.threads=1"]);
        let mut session = Session::new(&config, crate::load_data(&config).unwrap()).unwrap();
        let (mut start, mut notes) = (StartMeasurement::default(), Vec::new());
        let began = Instant::now();
        let outcome = check_gradient(&mut session, &mut start, began + BUDGET, &mut notes).unwrap().unwrap();
        let error = start.gradient_check.unwrap().largest_relative_error;
        assert!(error < 1e-3 && outcome.compared() >= 15, "{body}: {notes:?} {outcome:?}");
    }
}

/// Layers of networks for rows: one with each activation, and some others.
fn dense_networks() -> Vec<String> {
    let layer = |function: &str| {
        format!("{{ type = \"linear\", out_features = 16 }}, {{ type = \"activation\", function = \"{function}\" }}")
    };
    let each = keel_nn::activations::all().map(|function| [layer(function.name()), layer(function.name())].join(", "));
    let maxout = "{ type = \"maxout\", out_features = 8, pieces = 3 }, { type = \"batch_norm\" }";
    each.chain([maxout.to_owned(), format!("{}, {{ type = \"dropout\" }}", layer("relu"))]).collect()
}

/// Layers of networks for images: a plain one with max pooling, one with dropout, and a residual one with batch norm.
fn image_networks() -> Vec<String> {
    let (relu, pool) = ("{ type = \"activation\", function = \"relu\" }", "{ type = \"max_pool\", kernel = 2 }");
    let (convolution, norm) = ("{ type = \"conv2d\", out_channels = 6, kernel = 3 }", "{ type = \"batch_norm\" }");
    let residual = format!("{{ type = \"residual\", body = [{convolution}, {norm}, {relu}, {convolution}, {norm}] }}");
    vec![
        format!("{convolution}, {relu}, {pool}, {convolution}, {relu}, {pool}"),
        format!("{convolution}, {pool}, {relu}, {{ type = \"dropout\" }}"),
        format!("{convolution}, {norm}, {relu}, {residual}"),
    ]
}

/// Checks the correct gradients of networks with these layers, with 25 seeds each.
fn accuse_nobody(networks: &[String]) {
    let data = crate::load_data(&config("digits", &["train.threads=1"])).unwrap();
    let (mut compared, mut at_kinks, mut undecided) = (0, 0, 0);
    for layers in networks {
        for seed in 0..25 {
            let layers = format!("model.layers=[{layers}, {{ type = \"linear\" }}]");
            let loss = if seed % 5 == 4 { "train.loss=hinge" } else { "train.loss=auto" };
            let config = config("digits", &[&layers, &format!("train.seed={seed}"), loss, "train.threads=1"]);
            let mut session = Session::new(&config, data.clone()).unwrap();
            let (mut start, mut notes) = (StartMeasurement::default(), Vec::new());
            let outcome =
                check_gradient(&mut session, &mut start, Instant::now() + BUDGET, &mut notes).unwrap().unwrap();
            let worst = outcome.worst().unwrap();
            assert!(worst.relative_error <= 1e-3, "{layers}, seed {seed}: {outcome:?}");
            assert!(outcome.complete, "{layers}, seed {seed}");
            compared += outcome.compared();
            at_kinks += outcome.at_kinks();
            undecided += outcome.parameters.iter().map(|parameter| parameter.undecided).sum::<u64>();
        }
    }
    println!("{compared} directions compared, {undecided} lost in rounding, {at_kinks} left out at kinks");
    assert!(undecided + at_kinks < compared / 4, "{compared} {undecided} {at_kinks}");
}

#[test]
fn right_gradients_of_dense_networks_are_not_accused() {
    accuse_nobody(&dense_networks());
}

#[test]
fn right_gradients_of_image_networks_are_not_accused() {
    accuse_nobody(&image_networks());
}

/// sin(x), with a gradient that is `factor` times the right one.
#[derive(Debug)]
struct Sine {
    factor: f32,
    shape: Shape,
}

impl Layer for Sine {
    fn kind(&self) -> &'static str {
        "sine"
    }

    fn output_shape(&self) -> Shape {
        self.shape
    }

    fn memory(&self, _request: MemoryRequest, _simd: SimdLevel) -> Memory {
        Memory { backward_reads_input: true, ..Memory::default() }
    }

    fn forward(&self, context: Forward<'_>) {
        context.output.iter_mut().zip(context.inputs[0]).for_each(|(output, input)| *output = input.sin());
    }

    fn backward(&self, context: Backward<'_>) {
        let [grad_input, _] = context.grad_inputs;
        for ((gradient, input), above) in grad_input.iter_mut().zip(context.inputs[0]).zip(context.grad_output.iter()) {
            *gradient = above * self.factor * input.cos();
        }
    }
}

/// Returns networks with a sine between two layers.
fn with_sine(factor: f32, network: &str, seed: u64) -> Check {
    let mut config = config("digits", &[network, &format!("train.seed={seed}"), "train.threads=1"]);
    let sine = move |shape: Shape| Ok(Box::new(Sine { factor, shape }) as Box<dyn Layer>);
    config.model.layers.insert(1, LayerSpec::Custom(CustomLayer::new("sine", sine)));
    let data = crate::load_data(&config).unwrap();
    check(&config, data, BUDGET).unwrap()
}

#[test]
fn a_layer_of_the_programs_own_with_a_wrong_gradient_is_named() {
    let networks = [
        "model.layers=[{ type = \"linear\", out_features = 12 }, { type = \"linear\", out_features = 12 }, \
         { type = \"activation\", function = \"relu\" }, { type = \"linear\" }]",
        "model.layers=[{ type = \"conv2d\", out_channels = 4 }, { type = \"max_pool\" }, \
         { type = \"conv2d\", out_channels = 4 }, { type = \"activation\", function = \"relu\" }, { type = \"linear\" }]",
    ];
    for network in networks {
        for seed in 0..5 {
            let right = with_sine(1.0, network, seed).start.gradient_check.unwrap();
            assert!(right.largest_relative_error <= 1e-3 && right.layer.is_none(), "{network} {seed}: {right:?}");
            for factor in [1.01, 0.99, -1.0] {
                let wrong = with_sine(factor, network, seed);
                let named = wrong.findings.iter().find(|finding| finding.code == "K007");
                let named = named.unwrap_or_else(|| panic!("{factor} {network} {seed}: {:?}", wrong.gradient));
                assert!(named.level == Level::Error && named.message.contains("sine_1"), "{named:?}");
            }
        }
    }
}
