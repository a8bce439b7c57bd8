//! Right gradients pass for every kind of layer, wrong ones are caught; healthy and faulty configs are told apart.

use std::time::{Duration, Instant};

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

/// The gradient of a session with a fault in it, compared with differences.
fn with_fault(settings: &[&str], fault: impl Fn(&Session, &mut Vec<f32>)) -> GradientComparison {
    let config = config("mlp", settings);
    let mut session = Session::new(&config, crate::load_data(&config).unwrap()).unwrap();
    let chosen = samples::distinct_samples(&session, FEW_SAMPLES);
    let batch = samples::batch_of(&session, &chosen).unwrap();
    let mut objective = session.objective().clone();
    let input = BatchInput { input: &batch.inputs, random: session.step_key(CHECKED_STEP) };
    let reference = ReferenceLoss::new(session.network(), input, objective.targets(&batch.targets).unwrap());
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
        println!("{error:.1e} {} {body}", outcome.compared());
        assert!(error < 5e-3 && outcome.compared() >= 15, "{body}: {notes:?} {outcome:?}");
    }
}

#[test]
fn a_healthy_config_is_ready_to_train() {
    let check = checked("digits", &["model.width=8"]);
    assert_eq!(codes(&check), [""; 0], "{:#?}", check.findings);
    let tiny = check.start.tiny_batch.unwrap();
    assert!(tiny.training_error == Some(0.0) && tiny.steps < 200 && tiny.samples == 20, "{tiny:?}");
    assert!(check.start.batch_mixing.unwrap() < 1e-5, "{:?}", check.notes);
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

#[test]
fn a_learning_rate_at_fault_is_told_from_a_network_that_cannot_learn() {
    let config = config("mlp", &["data.source=digits", "model.width=16", "optimizer.learning_rate=1e-7"]);
    let data = crate::load_data(&config).unwrap();
    let tiny_batch::Outcome::Judged(tiny) = tiny_batch::memorise(&config, &data, BUDGET).unwrap() else {
        panic!("out of time")
    };
    assert!(tiny.training_error.unwrap() > 0.05 && tiny.learned_at == Some(1e-3), "{tiny:?}");
    let none = tiny_batch::memorise(&config, &data, Duration::ZERO).unwrap();
    assert!(matches!(none, tiny_batch::Outcome::OutOfTime { steps: 1, .. }), "{none:?}");
}
