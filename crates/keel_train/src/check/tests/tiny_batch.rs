//! Healthy networks memorise a tiny batch; faulty ones do not.

use std::ops::Range;

use keel_data::{Dataset, Inputs, SampleShape, Split, SplitDataset, Targets};
use keel_health::rules::tiny_batch::{ERROR_SHARE, LOSS_LEFT};

use super::super::tiny_batch::{Outcome, left_of, memorise};
use super::*;

/// Seeds for each kind of network; 100 to 119 for the figure in the rule's explanation. Limits were chosen on 0 to 19.
const SEEDS: Range<u64> = 100..105;

/// Maximum fraction of false positives among healthy networks.
const ACCUSED: f64 = 0.002;

/// A kind of healthy network: its name, and its settings over the preset `mlp` for rows.
struct Kind {
    name: &'static str,
    settings: Vec<String>,
}

fn kind(name: &'static str, layers: &str, settings: &[&str]) -> Kind {
    let layers = format!("model.layers=[{layers}{{ type = \"linear\" }}]");
    Kind { name, settings: settings.iter().map(|&setting| setting.to_owned()).chain([layers]).collect() }
}

/// Returns `depth` linear layers, each followed by an activation and `after`.
fn dense(depth: usize, function: &str, after: &str) -> String {
    let layer = format!(
        "{{ type = \"linear\", out_features = 32 }}, {{ type = \"activation\", function = \"{function}\" }}, {after}"
    );
    layer.repeat(depth)
}

const SGD: &str = "optimizer={ type = \"sgd\", learning_rate = 0.01, momentum = 0.9 }";

/// Kinds for classes and for values.
fn kinds() -> Vec<Kind> {
    vec![
        kind("relu", &dense(2, "relu", ""), &[]),
        kind("dropout", &dense(2, "relu", "{ type = \"dropout\" }, "), &[]),
        kind("small batch", &dense(2, "relu", ""), &["train.batch_size=4"]),
        kind("one sigmoid layer", &dense(1, "sigmoid", ""), &[]),
        kind("two sigmoid layers", &dense(2, "sigmoid", ""), &[]),
        kind("deep tanh", &dense(8, "tanh", ""), &["model.init=xavier_normal"]),
        kind("deep relu", &dense(8, "relu", ""), &[]),
        kind("batch norm", &dense(2, "relu", "{ type = \"batch_norm\" }, "), &[]),
        kind("layer norm", &dense(2, "gelu", "{ type = \"layer_norm\" }, "), &[]),
        kind("maxout", "{ type = \"maxout\", out_features = 16, pieces = 3 }, ", &[]),
        kind("linear", "", &[]),
        kind(
            "narrow",
            "{ type = \"linear\", out_features = 8 }, { type = \"activation\", function = \"relu\" }, ",
            &[],
        ),
        kind("prelu", &dense(2, "prelu", ""), &["optimizer.clip_norm=1.0"]),
        kind(
            "norm in front",
            "{ type = \"batch_norm\" }, { type = \"linear\", out_features = 32 }, { type = \"activation\", function = \"elu\" }, ",
            &[],
        ),
        kind("momentum", &dense(2, "relu", ""), &[SGD]),
        kind(
            "no momentum",
            &dense(2, "relu", ""),
            &["optimizer={ type = \"sgd\", learning_rate = 0.1, momentum = 0.0 }"],
        ),
        kind(
            "low rate",
            &dense(2, "relu", ""),
            &["optimizer={ type = \"sgd\", learning_rate = 0.01, momentum = 0.0 }"],
        ),
        kind("adam", &dense(2, "relu", ""), &["optimizer={ type = \"adam\", learning_rate = 1e-3 }"]),
        kind("slow adam", &dense(2, "relu", ""), &["optimizer={ type = \"adam\", learning_rate = 1e-4 }"]),
    ]
}

/// Kinds for values only.
fn kinds_for_values() -> Vec<Kind> {
    vec![
        kind("huber", &dense(2, "relu", ""), &["train.loss=huber"]),
        kind("huber, tanh", &dense(1, "tanh", ""), &["train.loss=huber", SGD]),
    ]
}

/// Kinds for classes only.
fn kinds_for_classes() -> Vec<Kind> {
    vec![
        kind("hinge", &dense(2, "relu", ""), &["train.loss=hinge"]),
        kind("bce", &dense(2, "relu", ""), &["train.loss=bce"]),
        kind(
            "smoothed labels",
            &dense(2, "relu", ""),
            &["train.loss={ type = \"cross_entropy\", label_smoothing = 0.1 }"],
        ),
    ]
}

fn kinds_for_images() -> Vec<Kind> {
    let relu = "{ type = \"activation\", function = \"relu\" }, ";
    let convolution = "{ type = \"conv2d\", out_channels = 8 }, ";
    let block =
        "{ type = \"residual\", body = [{ type = \"conv2d\", out_channels = 8 }, { type = \"batch_norm\" }] }, ";
    let plain = format!("{convolution}{relu}{{ type = \"max_pool\", kernel = 2 }}, {convolution}{relu}");
    vec![kind("convolutions", &plain, &[SGD]), kind("residual blocks", &format!("{convolution}{block}{block}"), &[SGD])]
}

/// Returns 300 rows of five numbers and a value that depends on them, with noise.
fn values(seed: u64) -> SplitDataset {
    let key = keel_nn::RandomKey::new(seed).named("rows");
    let number = |index: usize| (key.bits(index as u64) >> 11) as f32 / (1u64 << 52) as f32 - 1.0;
    let rows: Vec<f32> = (0..1500).map(number).collect();
    let target =
        |(index, row): (usize, &[f32])| (2.0 * row[0]).sin() + row[1] * row[2] - row[3] + 0.3 * number(2000 + index);
    let values: Vec<f32> = rows.chunks(5).enumerate().map(target).collect();
    let targets = Targets::Values { values, target_names: vec!["y".to_owned()] };
    let dataset = Dataset::from_memory("rows", SampleShape::Features(5), Inputs::Floats(rows), targets).unwrap();
    dataset.split(Split { validation: 0.2, test: 0.0, seed }).unwrap()
}

/// Returns true if the rule reports the network.
fn is_accused(config: &Config, data: &SplitDataset) -> bool {
    match memorise(config, data, BUDGET).unwrap() {
        Outcome::Judged(tiny) => {
            let limit = if tiny.training_error.is_some() { ERROR_SHARE } else { LOSS_LEFT };
            let accused = !(left_of(&tiny) as f32 <= limit as f32);
            if accused {
                println!("  {tiny:?}");
            }
            accused
        }
        Outcome::StillFalling { .. } => false,
        Outcome::OutOfTime { .. } => panic!("out of time"),
    }
}

#[test]
fn healthy_networks_are_not_accused() {
    let (mut accused, mut networks) = (Vec::new(), 0u32);
    for seed in SEEDS {
        for source in ["digits", "spiral", "moons", "blobs", "gaussian_mixture", "values"] {
            let mut candidates = kinds();
            candidates.extend(if source == "values" { kinds_for_values() } else { kinds_for_classes() });
            candidates.extend(if source == "digits" { kinds_for_images() } else { Vec::new() });
            for Kind { name, settings } in candidates {
                let own = [format!("train.seed={seed}"), "train.threads=1".to_owned(), format!("data.source={source}")];
                let own = if source == "values" { &own[..2] } else { &own[..] };
                let all: Vec<&str> = own.iter().chain(&settings).map(String::as_str).collect();
                let config = config("mlp", &all);
                let data = if source == "values" { values(seed) } else { crate::load_data(&config).unwrap() };
                networks += 1;
                if is_accused(&config, &data) {
                    accused.push(format!("{source}, {name}, seed {seed}"));
                }
            }
        }
    }
    println!("{} of {networks} healthy networks accused", accused.len());
    assert!(accused.len() as f64 <= ACCUSED * f64::from(networks), "{accused:#?}");
}

#[test]
fn a_learning_rate_at_fault_is_told_from_a_network_that_cannot_learn() {
    let config = config("mlp", &["data.source=digits", "model.width=16", "optimizer.learning_rate=1e-7"]);
    let data = crate::load_data(&config).unwrap();
    let Outcome::Judged(tiny) = memorise(&config, &data, BUDGET).unwrap() else { panic!("out of time") };
    assert!(tiny.training_error.unwrap() > 0.05 && tiny.learned_at == Some(1e-3), "{tiny:?}");
    let none = memorise(&config, &data, Duration::ZERO).unwrap();
    assert!(matches!(none, Outcome::OutOfTime { steps: 1, .. }), "{none:?}");
}
