use serde_json::json;

use super::*;
use crate::knob::knobs_of;
use crate::settings::Settings;

fn compute(settings: &[&str], seed: u64) -> Result<Document, LabError> {
    Initialisation::compute(&Settings::parse(settings).unwrap().config(Initialisation::NAME).unwrap(), seed)
}

fn layers(settings: &[&str], seed: u64) -> Vec<Layer> {
    compute(settings, seed).unwrap().layers
}

/// Settings, standard deviations by layer, tolerances by layer.
type Case = (&'static [&'static str], [f64; 6], [f64; 6]);

#[test]
fn six_layers_of_4096_units_have_the_reference_deviations() {
    let tanh = [0.005; 6];
    let cases: [Case; 5] = [
        (&["init.std=0.01"], [0.4922, 0.2892, 0.1792, 0.1132, 0.0721, 0.0460], tanh),
        (&["init.std=0.05"], [0.8717, 0.8530, 0.8498, 0.8493, 0.8492, 0.8492], tanh),
        (&["init.type=xavier_normal"], [0.6279, 0.4863, 0.4082, 0.3576, 0.3216, 0.2944], tanh),
        (
            &["activation=relu", "init.type=xavier_normal"],
            [0.5838, 0.4128, 0.2919, 0.2064, 0.1460, 0.1032],
            [0.011, 0.016, 0.019, 0.016, 0.013, 0.009],
        ),
        (&["activation=relu", "init.type=kaiming_normal"], [0.8256; 6], [0.016, 0.032, 0.054, 0.061, 0.071, 0.071]),
    ];
    for (settings, expected, tolerance) in cases {
        for (index, layer) in layers(settings, 7).into_iter().enumerate() {
            let std = layer.activation.std;
            assert!((std - expected[index]).abs() <= tolerance[index], "{settings:?} layer {}: {std}", index + 1);
            let theory = layer.theory.unwrap().std;
            assert!((theory - expected[index]).abs() < 0.0003, "{settings:?}, theory of layer {}: {theory}", index + 1);
        }
    }
}

#[test]
fn weight_gradients_have_the_reference_size() {
    let cases: [(&[&str], [f64; 6]); 3] = [
        (&["init.std=0.01"], [0.298, 0.289, 0.287, 0.287, 0.288, 0.288]),
        (&["init.std=0.05"], [8.60, 5.78, 4.10, 2.92, 2.09, 1.49]),
        (&["activation=relu", "init.type=kaiming_normal"], [2.83; 6]),
    ];
    for (settings, expected) in cases {
        for (index, layer) in layers(settings, 3).into_iter().enumerate() {
            let rms = layer.gradient.rms;
            assert!((rms / expected[index] - 1.0).abs() < 0.12, "{settings:?} layer {}: {rms}", index + 1);
        }
    }
}

#[test]
fn saturated_and_dying_units_are_counted_as_the_lecture_counts_them() {
    let large = layers(&["init.std=0.05"], 0);
    assert!((large[0].activation.saturated_fraction - 0.41).abs() < 0.015);
    assert!((large[5].activation.saturated_fraction - 0.33).abs() < 0.015);
    assert!((large[5].activation.mean_derivative - 0.28).abs() < 0.01);
    let relu = layers(&["activation=relu", "init.type=kaiming_normal", "width=512", "batch=64"], 0);
    assert!((relu[0].activation.zero_fraction - 0.5).abs() < 0.02);
    assert_eq!(relu[0].activation.saturated_fraction, 0.0);
}

#[test]
fn the_document_keeps_its_contract() {
    let settings = ["width=32", "depth=2", "batch=5", "activation=relu", "init.type=kaiming_normal"];
    let written = |settings: &[&str], seed| ENTRY.run(&Settings::parse(settings).unwrap(), seed).unwrap().document;
    let document = written(&settings, 7);
    let keys: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["experiment", "width", "depth", "batch", "activation", "init", "seed", "layers"]);
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
