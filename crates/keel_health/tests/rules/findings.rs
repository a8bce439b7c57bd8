//! Findings as they are printed and stored.

use keel_health::measurement::{ActivationFunction::Relu, NormStatistics};
use keel_health::{Finding, Monitor, chinese_message};

use crate::simulated::{all, healthy_step, mlp, only, run, stalled_loss, units};

#[test]
fn statistics_of_a_norm_that_overflowed_survive_json() {
    let norm = NormStatistics { running_variance: vec![1.0, f32::INFINITY], ..NormStatistics::default() };
    let read: NormStatistics = serde_json::from_str(&serde_json::to_string(&norm).unwrap()).unwrap();
    assert_eq!(read.running_variance[0], 1.0);
    assert!(read.running_variance[1].is_nan(), "{read:?}");
}

#[test]
fn a_finding_is_said_once_and_extended() {
    let model = mlp(Relu, 2);
    let mut monitor = Monitor::new(model.clone());
    let mut said = 0;
    for number in 0..1000 {
        let mut step = healthy_step(&model, number);
        step.layers[1].units = Some(units(20));
        step.loss = stalled_loss(number);
        let news = monitor.step(&step).findings;
        assert!(news.iter().all(|finding| finding.code == "K010"), "{:?}", all(&news));
        said += news.len();
    }
    assert_eq!(said, 1);
    let finding = only(&monitor, "K010");
    assert!(finding.first_step < 200 && finding.last_step > 900, "{finding:?}");
    let evidence = finding.evidence.unwrap();
    assert_eq!(evidence.values.len(), evidence.steps.len());
    assert!(evidence.values.len() > 3 && evidence.values.iter().all(|&share| share == 0.2));
}

#[test]
fn a_finding_in_json() {
    let monitor = run(&mlp(Relu, 2), 30, |number, step| step.loss = if number < 20 { 2.3 } else { f32::NAN });
    let json = serde_json::to_value(only(&monitor, "K001")).unwrap();
    let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "code",
        "rule",
        "kind",
        "level",
        "layer",
        "measured",
        "threshold",
        "first_step",
        "last_step",
        "message",
        "cause",
        "remedy",
        "remedies",
        "evidence",
    ];
    assert_eq!(keys, expected);
    assert_eq!((json["level"].as_str(), json["first_step"].as_u64()), (Some("error"), Some(20)));
    assert_eq!(json["kind"].as_str(), Some("loss"));
    assert_eq!(serde_json::from_value::<Finding>(json.clone()).unwrap(), only(&monitor, "K001"));
    let mut older = json;
    older.as_object_mut().unwrap().remove("kind");
    let older: Finding = serde_json::from_value(older).unwrap();
    assert_eq!(older.known_kind(), None, "a finding of an older version");
    assert_eq!(chinese_message(&older.code, &older.kind), Some("网络中出现 NaN 或无穷大"));
    assert_eq!(chinese_message("K999", "loss"), None);
}

#[test]
fn an_infinite_statistic_survives_json() {
    let monitor = run(&mlp(Relu, 2), 600, |_, step| {
        step.loss = 2.0;
        step.layers[0].parameters[0].gradient_norm = Some(0.0);
    });
    let finding = only(&monitor, "K019");
    assert_eq!(finding.measured, f64::MAX);
    let text = serde_json::to_string(&finding).unwrap();
    assert_eq!(serde_json::from_str::<Finding>(&text).unwrap(), finding);
}
