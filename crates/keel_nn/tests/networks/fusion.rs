//! Every fusion pass against the unfused graph: outputs, gradients, running statistics, evaluation, thread counts.

use keel_nn::layers::LayerSpec;
use keel_nn::{
    BatchInput, Cpu, Executor, Fusion, FusionPasses, Graph, MemoryPlan, MemoryRequest, Mode, Network, RandomKey, Shape,
    lower, model,
};
use keel_testkit::{Tolerance, assert_close, deterministic_values};

/// Results of two training steps and an evaluation of a network.
#[derive(Debug, PartialEq)]
struct Results {
    outputs: Vec<f32>,
    gradients: Vec<f32>,
    state: Vec<f32>,
    evaluated: Vec<f32>,
}

fn layers(text: &str) -> Vec<LayerSpec> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn image(height: usize, width: usize, channels: usize) -> Shape {
    Shape::Image { height, width, channels }
}

fn run(shape: Shape, layers: &[LayerSpec], samples: usize, passes: FusionPasses) -> Results {
    let graph = Graph::build(shape, layers, 5).unwrap();
    let mut network = Network::new(graph, RandomKey::new(4));
    // Scales of both signs, so that the largest value before the norm is not always the largest after it.
    let own = deterministic_values(8, network.parameters.len(), -0.5, 0.5);
    network.parameters.iter_mut().zip(own).for_each(|(parameter, own)| *parameter = 0.4 * *parameter + own);
    let workers = rayon::current_num_threads();
    // The plan is for more samples than there are.
    let request = MemoryRequest { batch: samples + 1, mode: Mode::Train, workers };
    let program = lower(&network.graph, &Cpu::fused().with_passes(passes));
    let mut executor = Executor::new(program.clone(), request);
    let input = deterministic_values(5, samples * shape.len(), -2.0, 3.0);
    let weights = deterministic_values(6, samples * 5, -1.0, 1.0);
    let mut gradients = vec![f32::NAN; network.parameters.len()];
    let mut outputs = Vec::new();
    for step in 0..2 {
        let batch = BatchInput { input: &input, random: RandomKey::new(step) };
        outputs = executor.forward(&mut network, batch, &mut ()).to_vec();
        executor.outputs_and_gradient().1.copy_from_slice(&weights);
        executor.backward(&network, batch, &mut gradients, &mut ());
    }
    let mut evaluator = Executor::new(program, MemoryRequest { mode: Mode::Evaluate, ..request });
    let batch = BatchInput { input: &input, random: RandomKey::new(0) };
    let evaluated = evaluator.forward(&mut network, batch, &mut ()).to_vec();
    Results { outputs, gradients, state: network.state.to_vec(), evaluated }
}

const BLOCK: &str = r#"{"type": "residual", "body": [{"type": "conv2d", "out_channels": 6, "stride": 2, "bias": false},
    {"type": "batch_norm"}, {"type": "activation", "function": "relu"},
    {"type": "conv2d", "out_channels": 6, "bias": true}, {"type": "batch_norm"}], "after": "AFTER"}"#;

/// Networks of odd sizes with all the patterns that the passes look for.
fn cases() -> Vec<(String, Shape, Vec<LayerSpec>, usize)> {
    let mut cases = Vec::new();
    let sizes = [(5, 7, 3, 1), (8, 8, 16, 4), (9, 6, 21, 3), (33, 31, 2, 2)];
    for (index, function) in ["relu", "tanh", "gelu", "leaky_relu"].into_iter().enumerate() {
        let (height, width, channels, samples) = sizes[index];
        for pool in ["", r#"{"type": "max_pool"},"#, r#"{"type": "max_pool", "kernel": 3, "stride": 2},"#] {
            let bias = index % 2 == 0;
            let text = format!(
                r#"[{{"type": "conv2d", "out_channels": {channels}, "bias": {bias}}},
                {{"type": "batch_norm", "scale": {bias}}},
                {{"type": "activation", "function": "{function}"}}, {pool}
                {{"type": "conv2d", "out_channels": 19, "kernel": 1}}, {{"type": "batch_norm", "affine": false}},
                {{"type": "linear"}}]"#
            );
            cases.push((format!("{function} {pool}"), image(height, width, 3), layers(&text), samples));
        }
        let block = BLOCK.replace("AFTER", if function == "gelu" { "identity" } else { function });
        let identity = block.replace(r#""stride": 2"#, r#""stride": 1"#);
        let text = format!(
            r#"[{{"type": "conv2d", "out_channels": 6}}, {identity}, {block}, {identity}, {identity},
            {{"type": "global_avg_pool"}}, {{"type": "linear"}}]"#
        );
        cases.push((format!("residual {function}"), image(height, width, 2), layers(&text), samples + 1));
    }
    let text = r#"[{"type": "linear", "out_features": 17}, {"type": "batch_norm"}, {"type": "activation",
        "function": "silu"}, {"type": "linear"}]"#;
    cases.push(("vectors".to_owned(), Shape::Features(7), layers(text), 9));
    for (function, width, samples) in [("relu", 33, 17), ("tanh", 5, 1), ("sigmoid", 700, 50), ("elu", 64, 12)] {
        let hidden = format!(
            r#"{{"type": "linear", "out_features": {width}}}, {{"type": "activation", "function": "{function}"}}"#
        );
        let text = format!(r#"[{hidden}, {hidden}, {{"type": "linear", "bias": false}}]"#);
        cases.push((format!("linear {function}"), Shape::Features(13), layers(&text), samples));
    }
    cases
}

#[test]
fn every_pass_alone_and_all_together_compute_what_the_unfused_graph_does() {
    let mut sets: Vec<FusionPasses> = Fusion::ALL.iter().map(|(pass, ..)| FusionPasses::none().with(*pass)).collect();
    sets.extend(Fusion::ALL.iter().map(|(pass, ..)| FusionPasses::all().without(*pass)));
    sets.push(FusionPasses::all());
    for (name, shape, layers, samples) in cases() {
        let expected = run(shape, &layers, samples, FusionPasses::none());
        for &passes in &sets {
            let what = format!("{name} on {shape}, passes {:?}", passes.iter().map(Fusion::name).collect::<Vec<_>>());
            let actual = run(shape, &layers, samples, passes);
            let tolerance = Tolerance::new(2e-4, 2e-4);
            assert_close(&actual.outputs, &expected.outputs, tolerance, &format!("{what}: outputs"));
            assert_close(&actual.state, &expected.state, Tolerance::new(1e-5, 1e-5), &format!("{what}: state"));
            let largest = expected.gradients.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
            let gradients = Tolerance::new(1e-3, 5e-5 * f64::from(largest));
            assert_close(&actual.gradients, &expected.gradients, gradients, &format!("{what}: gradients"));
            assert_close(&actual.evaluated, &expected.evaluated, tolerance, &format!("{what}: evaluation"));
        }
    }
}

#[test]
fn fused_networks_give_the_same_bits_with_any_number_of_threads() {
    for (name, shape, layers, samples) in cases() {
        let run_on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run(shape, &layers, samples, FusionPasses::all()))
        };
        let one = run_on(1);
        for threads in [2, 3] {
            assert_eq!(run_on(threads), one, "{name} on {shape}, {threads} threads");
        }
    }
}

#[test]
fn the_presets_fuse_into_the_expected_nodes() {
    let names = |layers: &[LayerSpec], passes: FusionPasses| -> Vec<String> {
        let graph = Graph::build(image(32, 32, 3), layers, 10).unwrap().into();
        let program = lower(&graph, &Cpu::fused().with_passes(passes));
        program.instructions().iter().map(|instruction| instruction.name(&graph)).collect()
    };
    let cnn = names(&model::cnn(32, 2), FusionPasses::all());
    assert_eq!(
        cnn,
        [
            "conv2d_1 + batch_norm_1 + activation_1 + max_pool_1",
            "conv2d_2 + batch_norm_2 + activation_2 + max_pool_2",
            "flatten_1",
            "linear_1",
        ]
    );
    let resnet = names(&model::resnet(16, 1), FusionPasses::all());
    assert_eq!(
        resnet[1..3],
        ["conv2d_2 + batch_norm_2 + activation_2", "conv2d_3 + batch_norm_3 + add_1 + activation_3"]
    );
    let without = names(&model::cnn(32, 1), FusionPasses::all().without(Fusion::ConvolutionNorm));
    assert_eq!(without[..2], ["conv2d_1", "batch_norm_1 + activation_1 + max_pool_1"]);
    assert_eq!(names(&model::cnn(32, 1), FusionPasses::none()).len(), 6);
    let hidden = |function: &str| {
        format!(r#"{{"type": "linear", "out_features": 4}}, {{"type": "activation", "function": "{function}"}}"#)
    };
    let text = format!(r#"[{{"type": "flatten"}}, {}, {}, {{"type": "linear"}}]"#, hidden("relu"), hidden("gelu"));
    let dense = names(&layers(&text), FusionPasses::all());
    assert_eq!(dense, ["flatten_1", "linear_1 + activation_1", "linear_2", "activation_2", "linear_3"]);
}

#[test]
fn a_training_step_of_the_cnn_fits_its_memory() {
    let bytes = |passes: FusionPasses| {
        let graph = Graph::build(image(32, 32, 3), &model::cnn(32, 2), 10).unwrap().into();
        let plan = MemoryPlan::new(
            &lower(&graph, &Cpu::fused().with_passes(passes)),
            MemoryRequest { batch: 128, mode: Mode::Train, workers: 2 },
        );
        plan.arena_length() * size_of::<f32>()
    };
    let (fused, unfused) = (bytes(FusionPasses::all()), bytes(FusionPasses::none()));
    assert!(fused < 44_000_000, "{fused} bytes");
    assert!(3 * fused < 2 * unfused, "{fused} fused, {unfused} unfused");
}
