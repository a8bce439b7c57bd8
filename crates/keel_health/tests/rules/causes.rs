//! One root cause with its consequences, not thirty alarms.

use keel_health::measurement::ActivationFunction::{Relu, Tanh};
use keel_health::{Finding, Level, Monitor, order_by_cause};

use crate::simulated;
use crate::simulated::{all, data, mlp, parameter, run, start_with_stds, units};

fn finding(code: &str, layer: Option<&str>, level: Level, first_step: u64) -> Finding {
    Finding {
        code: code.to_string(),
        rule: String::new(),
        kind: String::new(),
        level,
        layer: layer.map(str::to_string),
        measured: 2.0,
        latest: None,
        window: None,
        threshold: 1.0,
        first_step,
        last_step: first_step + 200,
        epoch: None,
        message: String::new(),
        cause: String::new(),
        lowered: None,
        remedy: String::new(),
        remedies: Vec::new(),
        evidence: None,
        samples: Vec::new(),
        explained_by: None,
        consequences: Vec::new(),
    }
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

#[test]
fn raw_inputs_lead_everything_they_cause() {
    let found = vec![
        finding("K017", None, Level::Warn, 400),
        finding("K011", Some("fc1"), Level::Error, 100),
        finding("K010", Some("act1"), Level::Error, 100),
        finding("K002", None, Level::Error, 0),
        finding("K005", Some("fc1"), Level::Error, 0),
    ];
    let ordered = order_by_cause(&mlp(Relu, 2), found);
    assert_eq!(codes(&ordered)[0], "K002");
    assert_eq!(ordered[0].consequences.len(), 4);
    assert!(ordered[0].is_root() && ordered[1..].iter().all(|finding| !finding.is_root()));
}

#[test]
fn the_first_layer_leads_the_others_of_the_same_rule() {
    let layers = ["act3", "act1", "act2"];
    let found = layers.map(|layer| finding("K010", Some(layer), Level::Error, 100)).to_vec();
    let ordered = order_by_cause(&mlp(Relu, 3), found);
    assert_eq!(ordered[0].layer.as_deref(), Some("act1"));
    assert_eq!(ordered[0].consequences.len(), 2);
}

#[test]
fn a_dead_layer_does_not_explain_gradients_behind_it() {
    let model = mlp(Relu, 3);
    let pair = |dead: &str, frozen: &str| {
        let dead = finding("K010", Some(dead), Level::Error, 100);
        let low = Finding { measured: 1e-6, ..finding("K013", Some(frozen), Level::Warn, 100) };
        order_by_cause(&model, vec![low, dead]).iter().filter(|finding| finding.is_root()).count()
    };
    assert_eq!(pair("act2", "fc1"), 1, "no gradient passes act2 on its way to fc1");
    assert_eq!(pair("act1", "fc3"), 2, "fc3 lies behind act1 and gets its gradient without it");
}

#[test]
fn what_came_later_explains_nothing() {
    let found = vec![finding("K017", None, Level::Warn, 400), finding("K012", None, Level::Error, 5000)];
    assert!(order_by_cause(&mlp(Relu, 2), found).iter().all(Finding::is_root));
}

#[test]
fn a_milder_cause_leads_and_becomes_as_serious() {
    let found = |cause: &str, level: Level| {
        let effects = [finding("K005", Some("fc1"), Level::Error, 0), finding("K017", None, Level::Error, 400)];
        let ordered = order_by_cause(&mlp(Relu, 2), [vec![finding(cause, None, level, 0)], effects.to_vec()].concat());
        all(&ordered)
    };
    for cause in ["K002", "K019", "K027"] {
        assert_eq!(found(cause, Level::Warn), [&format!("{cause} error"), "K005 error", "K017 error"]);
    }
    assert_eq!(found("K002", Level::Info), ["K005 error", "K017 error", "K002 info"], "a note explains nothing");
}

#[test]
fn a_cause_as_serious_is_preferred_to_a_milder_one() {
    let few = finding("K032", Some("fc1"), Level::Warn, 400);
    let slow = Finding { measured: 1e-6, ..finding("K013", Some("fc2"), Level::Error, 400) };
    let ordered = order_by_cause(&mlp(Relu, 2), vec![few, slow, finding("K017", None, Level::Error, 400)]);
    assert_eq!(all(&ordered), ["K013 error", "K017 error", "K032 warn"]);
}

#[test]
fn large_steps_that_may_be_a_symptom_explain_nothing_more_serious() {
    let large = Finding { kind: "too-high".to_string(), ..finding("K013", Some("fc2"), Level::Warn, 100) };
    let ordered = order_by_cause(&mlp(Relu, 2), vec![large.clone(), finding("K017", None, Level::Error, 400)]);
    assert_eq!(all(&ordered), ["K017 error", "K013 warn"]);
    let ordered = order_by_cause(&mlp(Relu, 2), vec![large, finding("K017", None, Level::Warn, 400)]);
    assert_eq!(all(&ordered), ["K013 warn", "K017 warn"]);
}

#[test]
fn notes_explain_nothing_and_come_last() {
    let found = vec![finding("K016", Some("fc1"), Level::Info, 0), finding("K017", None, Level::Warn, 400)];
    let ordered = order_by_cause(&mlp(Relu, 2), found);
    assert_eq!(codes(&ordered), ["K017", "K016"]);
    assert!(ordered.iter().all(Finding::is_root));
}

#[test]
fn too_large_steps_lead_dead_units_and_a_stuck_loss() {
    let monitor = run(&mlp(Relu, 2), 1500, |number, step| {
        step.loss = if number == 0 { 2.3 } else { 2.35 };
        step.layers[2].parameters[0] = parameter(Default::default(), 0.4);
        if number > 50 {
            step.layers[1].units = Some(units(90));
        }
    });
    let findings = monitor.findings();
    assert_eq!(codes(&findings)[0], "K013", "{:?}", all(&findings));
    assert!(codes(&findings).contains(&"K010") && codes(&findings).contains(&"K017"));
    assert_eq!(findings[0].consequences.len(), findings.len() - 1);
}

#[test]
fn a_wrong_initialiser_leads_saturation() {
    let model = mlp(Tanh, 3);
    let mut monitor = Monitor::new(model.clone());
    monitor.data(&data(&[(0.0, 1.0)]));
    monitor.start(&start_with_stds(&model, &[32.0, 31.0, 31.0, 1.0]));
    for number in 0..300 {
        let mut step = simulated::healthy_step(&model, number);
        step.loss = simulated::stalled_loss(number);
        for layer in [1, 3, 5] {
            step.layers[layer].output.as_mut().unwrap().saturated_fraction = Some(0.9);
        }
        monitor.step(&step);
    }
    let findings = monitor.findings();
    assert_eq!(codes(&findings), ["K005", "K009", "K009", "K009"]);
    assert_eq!(findings[0].consequences.len(), 3);
}
