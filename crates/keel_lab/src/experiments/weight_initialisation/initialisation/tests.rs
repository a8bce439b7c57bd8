use serde_json::json;

use super::*;
use crate::knob::knobs_of;
use crate::settings::Settings;
use crate::signal::verdict::Verdict;

fn compute(settings: &[&str], seed: u64) -> Result<Document, LabError> {
    Initialisation::compute(&Settings::parse(settings).unwrap().config(Initialisation::NAME).unwrap(), seed)
}

fn layers(settings: &[&str], seed: u64) -> Vec<Layer> {
    compute(settings, seed).unwrap().layers
}

/// Tolerances of the standard deviations by layer: four times their spread over seeds.
const TOLERANCES: [[f64; 6]; 5] = [
    [0.005; 6],
    [0.005; 6],
    [0.005; 6],
    [0.011, 0.016, 0.019, 0.016, 0.013, 0.009],
    [0.016, 0.032, 0.054, 0.061, 0.071, 0.071],
];

#[test]
fn the_five_settings_of_the_lecture_have_the_reference_numbers() {
    let deviations = [
        [0.4922, 0.2892, 0.1792, 0.1132, 0.0721, 0.0460],
        [0.8717, 0.8530, 0.8498, 0.8493, 0.8492, 0.8492],
        [0.6279, 0.4863, 0.4082, 0.3576, 0.3216, 0.2944],
        [0.5838, 0.4128, 0.2919, 0.2064, 0.1460, 0.1032],
        [0.8256; 6],
    ];
    let weight_gradients = [
        [0.298, 0.289, 0.287, 0.287, 0.288, 0.288],
        [8.60, 5.78, 4.10, 2.92, 2.09, 1.49],
        [1.36, 1.25, 1.22, 1.20, 1.19, 1.18],
        [0.5; 6],
        [2.83; 6],
    ];
    let lecture = compute(&[], 7).unwrap().lecture;
    assert_eq!(lecture.len(), 5);
    for (index, setting) in lecture.iter().enumerate() {
        let name = setting.setting;
        for (layer, found) in setting.layers.iter().enumerate() {
            let (std, expected, tolerance) = (found.activation.std, deviations[index][layer], TOLERANCES[index][layer]);
            assert!((std - expected).abs() <= tolerance, "{name:?} layer {}: {std}", layer + 1);
            let theory = found.theory.unwrap().std;
            assert!((theory - expected).abs() < 0.0003, "{name:?}, theory of layer {}: {theory}", layer + 1);
            // The slide rounds to two digits, and its own draw may be as far from theory as ours.
            let slide = setting.slide_std[layer];
            assert!((slide - theory).abs() <= tolerance + 0.005, "{name:?}, slide of layer {}: {slide}", layer + 1);
            let (rms, expected) = (found.gradient.rms, weight_gradients[index][layer]);
            assert!((rms / expected - 1.0).abs() < 0.12, "{name:?} dL/dW of layer {}: {rms}", layer + 1);
        }
    }
    for (index, factor) in [(0, 0.64), (1, 1.40), (3, 0.5_f64.sqrt()), (4, 1.0)] {
        let found = lecture[index].gradient_factor;
        assert!((found / factor - 1.0).abs() < 0.05, "{:?}: gradient ×{found} per layer", lecture[index].setting);
    }
    let [small, large, ..] = &lecture[..] else { panic!("five settings") };
    for (layer, fraction) in [0.06, 0.13, 0.21, 0.34, 0.51, 0.72].into_iter().enumerate() {
        let found = small.layers[layer].activation.near_zero_fraction;
        assert!((found - fraction).abs() < 0.02, "near zero in layer {}: {found}", layer + 1);
    }
    assert!((large.layers[0].activation.saturated_fraction - 0.41).abs() < 0.015);
    assert!((large.layers[5].activation.saturated_fraction - 0.33).abs() < 0.015);
    assert!((large.layers[5].activation.mean_derivative - 0.28).abs() < 0.01);
    let relu = &lecture[4].layers[0].activation;
    assert!((relu.zero_fraction - 0.5).abs() < 0.02 && relu.saturated_fraction == 0.0);
}

#[test]
fn the_setting_of_the_knobs_is_the_one_of_the_lecture_where_they_are_the_same() {
    let document = compute(&["width=256"], 2).unwrap();
    for (own, lecture) in document.layers.iter().zip(&document.lecture[0].layers) {
        assert!((own.activation.std / lecture.activation.std - 1.0).abs() < 1e-5, "layer {}", own.layer);
        assert!((own.gradient.rms / lecture.gradient.rms - 1.0).abs() < 1e-5, "layer {}", own.layer);
        assert_eq!((own.verdict, own.gradient.verdict), (lecture.verdict, lecture.gradient.verdict));
    }
}

#[test]
fn verdicts_follow_the_trend_of_the_signal_and_of_the_gradient() {
    use Verdict::{Growing, InRange, Saturated, Shrinking, TooLarge, TooSmall};
    let kaiming: &[&str] = &["activation=relu", "init.type=kaiming_normal"];
    let fading = [InRange, Shrinking, Shrinking, Shrinking, Shrinking, Shrinking];
    // Settings, verdicts on the signal from layer 1 on, verdicts on the gradient from the last layer back.
    let cases: [(&[&str], [Verdict; 6], [Verdict; 6]); 8] = [
        (kaiming, [InRange; 6], [InRange; 6]),
        (&["activation=leaky_relu", "init.type=kaiming_normal"], [InRange; 6], [InRange; 6]),
        (&["activation=relu", "init.type=xavier_normal"], fading, fading),
        (&["init.type=xavier_normal"], [InRange; 6], [InRange; 6]),
        (&["activation=selu", "init.type=lecun_normal"], [InRange; 6], [InRange; 6]),
        (&["init.std=0.1414"], [Saturated; 6], [InRange, Growing, Growing, Growing, Growing, Growing]),
        (
            &["activation=sigmoid", "init.type=xavier_normal"],
            [InRange; 6],
            [InRange, Shrinking, TooSmall, TooSmall, TooSmall, TooSmall],
        ),
        (
            &["activation=relu", "init.std=0.22"],
            [InRange, Growing, TooLarge, TooLarge, TooLarge, TooLarge],
            [InRange, Growing, TooLarge, TooLarge, TooLarge, TooLarge],
        ),
    ];
    for (settings, forward, backward) in cases {
        for seed in 0..4 {
            let settings = [settings, &["width=512", "batch=64"]].concat();
            let layers = layers(&settings, seed);
            let signal: Vec<Verdict> = layers.iter().map(|layer| layer.verdict).collect();
            assert_eq!(signal, forward, "{settings:?}, seed {seed}");
            let gradient: Vec<Verdict> = layers.iter().rev().map(|layer| layer.gradient.verdict).collect();
            assert_eq!(gradient, backward, "{settings:?}, seed {seed}");
        }
    }
}

#[test]
fn the_document_keeps_its_contract() {
    let settings = ["width=32", "depth=2", "batch=5", "activation=relu", "init.type=kaiming_normal"];
    let written = |settings: &[&str], seed| ENTRY.run(&Settings::parse(settings).unwrap(), seed).unwrap().document;
    let document = written(&settings, 7);
    let keys: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["experiment", "width", "depth", "batch", "activation", "init", "seed", "layers", "lecture"]);
    assert_eq!(document["init"]["type"], "kaiming_normal");
    assert_eq!(written(&["width=8"], 0)["init"], json!({ "type": "normal", "std": 0.01 }));
    let layers = document["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 2);
    for (index, layer) in layers.iter().enumerate() {
        assert_eq!(layer["layer"], index + 1);
        let histogram = &layer["activation"]["histogram"];
        let counts: Vec<u64> =
            histogram["counts"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).collect();
        assert_eq!(counts.iter().sum::<u64>(), 32 * 5);
        assert_eq!(histogram["edges"].as_array().unwrap().len(), counts.len() + 1);
    }
    assert_eq!(compute(&settings, 7).unwrap(), compute(&settings, 7).unwrap());
}

#[test]
fn every_initialiser_and_activation_runs_on_one_unit_and_extremes_are_refused() {
    for kind in knobs_of::<Config>().into_iter().find(|knob| knob.name == "init.type").unwrap().choices {
        for activation in keel_nn::activations::CATALOG {
            let (init, activation) = (format!("init.type={kind}"), format!("activation={}", activation.name));
            compute(&[&init, &activation, "width=1", "depth=1", "batch=1"], 0).unwrap();
        }
    }
    let error = compute(&["activation=relu", "width=64", "depth=60", "init.std=900"], 0).err().unwrap();
    assert!(error.to_string().contains("not finite"), "{error}");
}
