//! Weights of torchvision's residual networks: their outputs, and the conversion back.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use keel_interchange::torch;
use keel_nn::model::ModelConfig;
use keel_nn::{BatchInput, Cpu, Executor, Graph, MemoryRequest, Mode, Network, RandomKey, Shape, lower};
use keel_testkit::deterministic_values;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::Deserialize;

/// Content of the files written by `tools/golden/torchvision_cases.py`.
#[derive(Deserialize)]
struct Golden {
    batch: usize,
    side: usize,
    classes: usize,
    input_seed: u64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    preset: String,
    tensors: Vec<Tensor>,
    logits: Vec<f32>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Tensor {
    Counter { name: String, counter: i64 },
    Floats { name: String, shape: Vec<usize>, seed: u64, low: f32, high: f32 },
}

fn golden() -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/torchvision.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Writes the state dict of a case as PyTorch would.
fn write_state_dict(case: &Case, path: &Path) {
    let tensors = case.tensors.iter().map(|tensor| match tensor {
        Tensor::Counter { name, counter } => (name.clone(), Dtype::I64, Vec::new(), counter.to_le_bytes().to_vec()),
        Tensor::Floats { name, shape, seed, low, high } => {
            let values = deterministic_values(*seed, shape.iter().product(), *low, *high);
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
            (name.clone(), Dtype::F32, shape.clone(), bytes)
        }
    });
    let tensors: Vec<_> = tensors.collect();
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// Returns the logits of the network of `preset` with the weights of a converted file.
fn logits(preset: keel_nn::Preset, weights: &Path, golden: &Golden) -> Vec<f32> {
    let model = ModelConfig { preset, ..ModelConfig::default() };
    let input = Shape::Image { height: golden.side, width: golden.side, channels: 3 };
    let graph = Graph::build(input, &model.layers(), golden.classes).unwrap();
    let mut network = Network::new(graph, RandomKey::new(0));
    let bytes = std::fs::read(weights).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: &str| {
        let (words, _) = file.tensor(name).unwrap().data().as_chunks::<4>();
        words.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<f32>>()
    };
    let graph = Arc::clone(&network.graph);
    for parameter in graph.parameters() {
        network.parameters[parameter.range.clone()].copy_from_slice(&floats(&parameter.name));
    }
    for entry in graph.state() {
        network.state[entry.range.clone()].copy_from_slice(&floats(&entry.name));
    }
    let request = MemoryRequest { batch: golden.batch, mode: Mode::Evaluate, workers: 2 };
    let mut executor = Executor::new(lower(&graph, &Cpu::fused()), request);
    let images = deterministic_values(golden.input_seed, golden.batch * input.len(), -1.0, 1.0);
    executor.evaluate(&network, BatchInput { input: &images, random: RandomKey::new(0) }).to_vec()
}

#[test]
fn converted_weights_give_torchvisions_outputs_and_come_back_to_the_bit() {
    let (golden, folder) = (golden(), tempfile::tempdir().unwrap());
    let path = |name: &str| folder.path().join(name);
    assert_eq!(golden.cases.len(), torch::presets().len());
    for case in &golden.cases {
        let (_, preset) = torch::presets().into_iter().find(|(name, _)| *name == case.preset).unwrap();
        write_state_dict(case, &path("theirs"));
        let converted = torch::import(&path("theirs"), preset, &path("ours")).unwrap();
        assert_eq!((converted.tensors, &converted.unused, &converted.missing), (case.tensors.len(), &vec![], &vec![]));
        let logits = logits(preset, &path("ours"), &golden);
        for (logit, expected) in logits.iter().zip(&case.logits) {
            assert!((logit - expected).abs() < 1e-4, "{}: {logits:?} {:?}", case.preset, case.logits);
        }
        assert_eq!(logits.len(), case.logits.len());
        torch::export(&path("ours"), preset, &path("back")).unwrap();
        let [there, back] = ["theirs", "back"].map(|name| tensors(&path(name)));
        assert!(there == back, "{}", case.preset);
    }
}

/// Reads all tensors of a file.
fn tensors(path: &Path) -> BTreeMap<String, (Vec<usize>, Vec<u8>)> {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensors = file.tensors().into_iter();
    tensors.map(|(name, tensor)| (name, (tensor.shape().to_vec(), tensor.data().to_vec()))).collect()
}

#[test]
fn files_that_are_none_of_these_networks_are_refused_in_words() {
    let (golden, folder) = (golden(), tempfile::tempdir().unwrap());
    let path = |name: &str| folder.path().join(name);
    let preset = torch::presets()[0].1;
    let refused = |name: &str, expected: &str| {
        let message = torch::import(&path(name), preset, &path("out")).unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains(name), "{message}");
        assert!(!path("out").exists());
    };
    std::fs::write(path("pickle.pth"), b"PK\x03\x04....").unwrap();
    refused("pickle.pth", "save_file(torch.load(");
    std::fs::write(path("text"), b"hello").unwrap();
    refused("text", "text: ");
    refused("absent", "absent: ");
    let resnet50 = golden.cases.iter().find(|case| case.preset == "resnet50").unwrap();
    write_state_dict(resnet50, &path("resnet50"));
    refused("resnet50", "tensor `layer1.0.conv1.weight` has the shape [64, 64, 1, 1], expected [64, 64, 3, 3]");
    let other = [("a.weight", TensorView::new(Dtype::F32, vec![1], &[0; 4]).unwrap())];
    std::fs::write(path("other"), safetensors::serialize(other, None).unwrap()).unwrap();
    refused("other", "no tensor has a name of torchvision's networks");
    let nan = f32::NAN.to_le_bytes();
    let bytes: Vec<u8> = nan.iter().copied().cycle().take(4 * 64).collect();
    let bad = [("bn1.weight", TensorView::new(Dtype::F32, vec![64], &bytes).unwrap())];
    std::fs::write(path("nan"), safetensors::serialize(bad, None).unwrap()).unwrap();
    refused("nan", "tensor `bn1.weight` holds NaN at index 0");
    assert!(torch::export(&path("other"), preset, &path("out")).unwrap_err().to_string().contains("are missing"));
}
