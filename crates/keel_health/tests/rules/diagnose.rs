//! Measurement files from end to end: lines as another program writes them, and the findings they lead to.

use keel_health::{Finding, diagnose};
use serde_json::{Value, json};

/// Samples of a batch.
const BATCH: u64 = 64;

/// Model record of two linear layers and `between` them, for ten classes; the fields of `more` replace its own.
fn model(between: &Value, more: &Value) -> Value {
    let first = json!({"name": "fc1", "kind": "linear", "units": 100, "bias": true});
    let last = json!({"name": "fc2", "kind": "linear", "units": 10, "bias": true});
    let layers = [vec![first], between.as_array().unwrap().clone(), vec![last]].concat();
    let record = json!({"type": "model", "version": 2, "loss": "cross_entropy", "classes": 10, "learning_rate": 0.05, "layers": layers});
    with(record, more)
}

/// Record of step `number`: both layers are healthy, the loss falls.
fn step(number: u64) -> Value {
    let parameter = json!({"role": "weight", "weight_norm": 10.0, "gradient_norm": 1.0, "update_norm": 0.01});
    let layer = |name: &str| json!({"layer": name, "output": {"count": 6400, "mean": 0.0, "std": 1.0}, "parameters": [parameter]});
    json!({
        "type": "step", "step": number, "epoch": 0, "samples": BATCH, "learning_rate": 0.05,
        "loss": 0.2 + 2.1 * (-(number as f64) / 150.0).exp(), "layers": [layer("fc1"), layer("fc2")],
        "gradient_before_norm": 0.0, "updated": true, "training_mode": true,
        "class_counts": [7, 7, 6, 6, 6, 6, 6, 6, 7, 7],
        "predictions": {"lowest": -3.0, "highest": 4.0, "lowest_row_sum": -5.0, "highest_row_sum": 6.0},
    })
}

/// Returns the record with the fields of `more` replaced; null fields are removed.
fn with(mut record: Value, more: &Value) -> Value {
    let fields = record.as_object_mut().unwrap();
    for (key, value) in more.as_object().unwrap() {
        if value.is_null() {
            fields.remove(key);
        } else {
            fields.insert(key.clone(), value.clone());
        }
    }
    record
}

/// One line for each record.
fn findings(records: &[Value]) -> Vec<Finding> {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    diagnose(lines.join("\n").as_bytes()).unwrap()
}

/// `CODE level layer` of the findings of 300 steps that `change` changes.
fn run(model: Value, change: impl Fn(u64) -> Value) -> Vec<String> {
    let steps = (0..300).map(|number| with(step(number), &change(number)));
    let found = findings(&std::iter::once(model).chain(steps).collect::<Vec<_>>());
    found
        .iter()
        .map(|finding| format!("{} {} {}", finding.code, finding.level.name(), finding.layer.as_deref().unwrap_or("-")))
        .collect()
}

/// An activation and dropout.
fn layers() -> Value {
    json!([{"name": "relu1", "kind": "activation", "function": "relu"}, {"name": "drop1", "kind": "dropout", "probability": 0.5}])
}

/// The layer entries of a step in which the update of `still` is zero.
fn without_update(still: &str) -> Value {
    let mut layers = step(0)["layers"].clone();
    for layer in layers.as_array_mut().unwrap().iter_mut().filter(|layer| layer["layer"] == still) {
        layer["parameters"][0]["update_norm"] = json!(0.0);
    }
    layers
}

#[test]
fn faults_of_loops() {
    let plain = || model(&layers(), &json!({}));
    let one_class = |number: u64| {
        let mut counts = [0; 10];
        counts[(number / 40) as usize % 10] = BATCH;
        json!({"class_counts": counts})
    };
    let softmax =
        json!({"predictions": {"lowest": 0.01, "highest": 0.7, "lowest_row_sum": 1.0, "highest_row_sum": 1.0}});
    let cases: [(&str, Vec<String>, &[&str]); 7] = [
        ("healthy", run(plain(), |_| json!({})), &[]),
        ("old gradients", run(plain(), |_| json!({"gradient_before_norm": 2.0})), &["K028 warn -"]),
        (
            "old gradients and a loss that stays",
            run(plain(), |_| json!({"gradient_before_norm": 2.0, "loss": 2.2})),
            &["K028 error -"],
        ),
        ("no update", run(plain(), |_| json!({"layers": without_update("fc2")})), &["K029 warn fc2"]),
        ("evaluation mode", run(plain(), |number| json!({"training_mode": number < 100})), &["K030 warn -"]),
        ("samples in order", run(plain(), one_class), &["K031 error -"]),
        ("softmax", run(plain(), |_| softmax.clone()), &["K008 error -"]),
    ];
    for (name, found, expected) in cases {
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn healthy_loops_that_look_alike() {
    let frozen = |more: Value| {
        let mut record = model(&layers(), &more);
        record["layers"][0]["frozen"] = json!(true);
        record
    };
    let accumulating = |number: u64| {
        let last = number % 4 == 3;
        json!({"updated": last, "gradient_before_norm": number % 4, "layers": if last { step(0)["layers"].clone() } else { json!([]) }})
    };
    let no_dropout = json!([{"name": "relu1", "kind": "activation", "function": "relu"}]);
    let nll = json!({"loss": "nll", "unlisted_functions": true});
    let log_softmax =
        json!({"predictions": {"lowest": -9.0, "highest": -0.01, "lowest_row_sum": -50.0, "highest_row_sum": -20.0}});
    let cases = [
        ("accumulated gradients", run(model(&layers(), &json!({})), accumulating)),
        ("a frozen backbone", run(frozen(json!({})), |_| json!({"layers": without_update("fc1")}))),
        ("no layer with modes", run(model(&no_dropout, &json!({})), |_| json!({"training_mode": false}))),
        ("relu in forward", run(model(&json!([]), &json!({"unlisted_functions": true})), |_| json!({}))),
        ("log_softmax in forward", run(model(&layers(), &nll), |_| log_softmax.clone())),
    ];
    for (name, found) in cases {
        assert_eq!(found, [""; 0], "{name}");
    }
}

#[test]
fn files_of_version_1_stay_valid() {
    let old = json!({"gradient_before_norm": null, "updated": null, "training_mode": null, "class_counts": null, "predictions": null});
    for version in [json!(null), json!(1)] {
        let found = run(model(&layers(), &json!({"version": version})), |_| old.clone());
        assert_eq!(found, [""; 0], "{version}");
    }
}

#[test]
fn a_later_version_is_refused_with_the_next_step() {
    let text = model(&layers(), &json!({"version": 4})).to_string();
    let refusal = diagnose(text.as_bytes()).unwrap_err().to_string();
    assert!(refusal.contains("version 4") && refusal.contains("update the program"), "{refusal}");
}

#[test]
fn epochs_tell_the_mode_of_their_evaluation() {
    let norm = json!([{"name": "norm1", "kind": "batch_norm", "momentum": 0.1}]);
    let epoch = |number: u64, training: bool, mean: f64| {
        let statistics = json!({"layer": "norm1", "running_mean": [mean], "running_variance": [1.0], "momentum": 0.1, "updates": 100});
        json!({
            "type": "epoch", "epoch": number, "step": 100 * number + 99, "validation_loss": 0.5, "training_mode": training,
            "norms": [statistics],
        })
    };
    let run = |training: bool, step_mode: Value, means: [f64; 2]| {
        let mut records = vec![model(&norm, &json!({}))];
        for (number, mean) in means.into_iter().enumerate() {
            let number = number as u64;
            let steps = 100 * number..100 * (number + 1);
            records.extend(steps.map(|place| with(step(place), &json!({"training_mode": step_mode}))));
            records.push(epoch(number, training, mean));
        }
        let found = findings(&records);
        let loops = found.iter().filter(|finding| finding.code == "K030");
        loops.map(|finding| finding.remedy.clone()).collect::<Vec<_>>()
    };
    assert_eq!(run(false, json!(true), [0.1, 0.2]), [""; 0]);
    assert!(run(true, json!(true), [0.1, 0.2])[0].contains("`model.eval()`"));
    assert!(run(false, json!(null), [0.1, 0.1])[0].contains("`model.train()`"), "statistics that stay");
    assert_eq!(run(false, json!(null), [0.1, 0.2]), [""; 0]);
}

#[test]
fn findings_of_epochs_without_steps_name_the_epoch_or_its_last_step() {
    let overfitting = |steps_per_epoch: u64| {
        let losses = [0.8, 0.7, 0.75, 0.9, 1.1, 1.2];
        let epochs = losses.iter().enumerate().map(|(number, loss)| {
            json!({
                "type": "epoch", "epoch": number, "step": steps_per_epoch * (number as u64 + 1),
                "train_loss": 0.9 / (1.0 + number as f64), "validation_loss": loss,
            })
        });
        let records = std::iter::once(model(&layers(), &json!({}))).chain(epochs).collect::<Vec<_>>();
        let found = findings(&records).into_iter().find(|finding| finding.code == "K018").unwrap();
        (found.first_step, found.epoch)
    };
    assert_eq!(overfitting(0), (0, Some(6)));
    assert_eq!(overfitting(100), (600, None));
}
