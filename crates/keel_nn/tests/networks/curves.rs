//! The first losses of whole networks against PyTorch, with the same weights, data and optimizer.

use keel_nn::layers::LayerSpec;
use keel_nn::{BatchInput, Cpu, Executor, Graph, MemoryRequest, Mode, Network, ParameterRole, RandomKey, Shape, lower};
use keel_testkit::golden::{CurveCase, CurveParameter, GoldenFile};

/// Returns the mean softmax cross-entropy in f64, and its gradient with respect to the logits.
fn cross_entropy(logits: &[f32], labels: &[usize], gradient: &mut [f32]) -> f64 {
    let classes = logits.len() / labels.len();
    let mut loss = 0.0;
    for (sample, &label) in labels.iter().enumerate() {
        let row = &logits[sample * classes..(sample + 1) * classes];
        let largest = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let sum: f64 = row.iter().map(|&logit| (f64::from(logit) - largest).exp()).sum();
        loss += sum.ln() + largest - f64::from(row[label]);
        for class in 0..classes {
            let probability = (f64::from(row[class]) - largest).exp() / sum;
            let target = if class == label { 1.0 } else { 0.0 };
            gradient[sample * classes + class] = ((probability - target) / labels.len() as f64) as f32;
        }
    }
    loss / labels.len() as f64
}

/// Orders the parameters as layers run: a block's shortcut before its body; the file has the opposite order.
fn in_graph_order(parameters: &[CurveParameter]) -> Vec<&CurveParameter> {
    let mut ordered: Vec<_> = parameters.iter().collect();
    let key = |parameter: &&CurveParameter| {
        let layer = parameter.name.trim_start_matches("layer").split('.').next().unwrap_or_default();
        (layer.parse::<usize>().unwrap(), parameter.name.contains(".body."))
    };
    ordered.sort_by_key(key);
    ordered
}

fn losses(case: &CurveCase, target: Cpu, threads: usize) -> Vec<f64> {
    let layers: Vec<LayerSpec> = serde_json::from_value(case.layers.clone()).unwrap();
    let &[height, width, channels] = case.input.shape.as_slice() else { panic!("images expected") };
    let graph = Graph::build(Shape::Image { height, width, channels }, &layers, case.input.classes).unwrap();
    let parameters = in_graph_order(&case.parameters);
    let mut network = Network::new(graph, RandomKey::new(0));
    assert_eq!(parameters.len(), network.graph.parameters().len());
    let ranges: Vec<_> = network.graph.parameters().iter().map(|own| (own.range.clone(), own.spec.clone())).collect();
    for ((range, spec), golden) in ranges.iter().zip(&parameters) {
        assert_eq!(spec.shape, golden.shape, "{}", golden.name);
        assert_eq!(spec.role == ParameterRole::Weight, golden.decayed, "{}", golden.name);
        network.parameters[range.clone()].copy_from_slice(&golden.initial_values());
    }
    let request = MemoryRequest { batch: case.input.batch, mode: Mode::Train, workers: threads };
    let mut executor = Executor::new(lower(&network.graph, &target), request);
    let mut gradients = vec![0.0f32; network.parameters.len()];
    let mut velocity = vec![0.0f32; network.parameters.len()];
    let setting = |name: &str| case.optimizer[name].as_f64().unwrap() as f32;
    let (learning_rate, momentum, decay) = (setting("learning_rate"), setting("momentum"), setting("weight_decay"));
    let mut losses = Vec::new();
    for step in 0..case.losses.len() {
        let (input, labels) = case.input.batch_of(step);
        let batch = BatchInput { input: &input, random: RandomKey::new(0) };
        executor.forward(&mut network, batch, &mut ());
        let (logits, gradient) = executor.outputs_and_gradient();
        losses.push(cross_entropy(logits, &labels, gradient));
        executor.backward(&network, batch, &mut gradients, &mut ());
        for (range, spec) in &ranges {
            let decay = if spec.role == ParameterRole::Weight { decay } else { 0.0 };
            for index in range.clone() {
                let gradient = gradients[index] + decay * network.parameters[index];
                velocity[index] = momentum * velocity[index] + gradient;
                network.parameters[index] -= learning_rate * velocity[index];
            }
        }
    }
    losses
}

fn cases() -> Vec<CurveCase> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/curves.json");
    GoldenFile::<CurveCase>::read(&path).unwrap().cases
}

#[test]
fn first_losses_match_pytorch() {
    for (case, target) in cases().iter().flat_map(|case| [(case, Cpu::unfused()), (case, Cpu::fused())]) {
        let actual = losses(case, target, 2);
        for (step, (actual, expected)) in actual.iter().zip(&case.losses).enumerate() {
            let relative = (actual - expected).abs() / expected;
            assert!(relative < 1e-4, "{} {target:?} step {step}: {actual} for {expected} ({relative:.1e})", case.name);
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let case = &cases()[0];
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| losses(case, Cpu::fused(), threads))
    };
    let one = run(1);
    for threads in [2, 3, 5] {
        assert_eq!(run(threads), one, "{threads} threads");
    }
}
