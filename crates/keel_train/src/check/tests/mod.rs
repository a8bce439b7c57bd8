//! Healthy and faulty configs are distinguished before the first step.

mod gradient;
mod tiny_batch;

use std::time::Duration;

use keel_health::Level;

use super::*;

const BUDGET: Duration = Duration::from_secs(60);

fn config(preset: &str, settings: &[&str]) -> Config {
    let settings: Vec<String> = settings.iter().map(|text| (*text).to_owned()).collect();
    crate::config::load(Some(preset), &settings).unwrap_or_else(|error| panic!("{error}"))
}

fn checked(preset: &str, settings: &[&str]) -> Check {
    let config = config(preset, settings);
    check(&config, crate::load_data(&config).unwrap(), BUDGET).unwrap_or_else(|error| panic!("{error}"))
}

fn codes(check: &Check) -> Vec<&str> {
    check.findings.iter().filter(|finding| finding.level >= Level::Warn).map(|finding| finding.code.as_str()).collect()
}

#[test]
fn a_healthy_config_is_ready_to_train() {
    let check = checked("digits", &["model.width=8"]);
    assert_eq!(codes(&check), [""; 0], "{:#?}", check.findings);
    let tiny = check.start.tiny_batch.unwrap();
    assert!(tiny.training_error == Some(0.0) && tiny.steps < 200 && tiny.samples == 20, "{tiny:?}");
    assert!(check.start.batch_mixing.unwrap() < 1e-5, "{:?}", check.notes);
    let notes = check.notes.join("\n");
    assert!(notes.contains("on the same 20 samples, 0 % of them are classified wrongly"), "{notes}");
    let first = &check.layers[0];
    assert_eq!((first.name.as_str(), first.output_shape.as_slice()), ("conv2d_1", [8, 8, 8].as_slice()));
    assert!(first.output_std.is_some_and(|std| std > 0.1) && first.gradient_rms.is_some(), "{first:?}");
}

#[test]
fn faults_are_found_before_the_first_step() {
    let plain = "model.layers=[{ type = \"linear\", out_features = 32 }, { type = \"activation\", function = \"relu\" }, \
                 { type = \"linear\", out_features = 32 }, { type = \"activation\", function = \"relu\" }, { type = \"linear\" }]";
    let cases: [(&[&str], &str); 4] = [
        (&["preprocess.steps=[]"], "K002"),
        (&[plain, "model.init={ type = \"constant\", value = 0.1 }"], "K006"),
        (&[plain, "model.init={ type = \"normal\", std = 0.001 }"], "K005"),
        (&["optimizer.learning_rate=1e-7"], "K007"),
    ];
    for (settings, expected) in cases {
        let check = checked("mlp", &[&["data.source=digits"], settings].concat());
        assert!(codes(&check).contains(&expected), "{settings:?}: {:?} {:?}", codes(&check), check.notes);
    }
}
