//! The end of a run: findings that its last window may report alone, and those that have to be confirmed.

use keel_health::measurement::{ActivationFunction::Relu, ParameterRole};
use keel_health::{Level, Monitor, SHORT_RUN_WINDOWS};

use crate::simulated::{healthy_step, mlp, parameter};

const WINDOW: u64 = keel_health::history::WINDOW_STEPS;

fn too_large_steps(monitor: &Monitor) -> Option<Level> {
    monitor.findings().iter().find(|finding| finding.code == "K013").map(|finding| finding.level)
}

/// A run of `steps` steps without progress whose updates are far too large from step `from` on: what its end says of them.
fn ended(steps: u64, from: u64) -> Option<Level> {
    let model = mlp(Relu, 2);
    let mut monitor = Monitor::new(model.clone());
    for number in 0..steps {
        let mut step = healthy_step(&model, number);
        step.loss = 2.3;
        if number >= from {
            step.layers[0].parameters[0] = parameter(ParameterRole::Weight, 0.3);
        }
        monitor.step(&step);
    }
    assert_eq!(too_large_steps(&monitor), None, "{steps} steps, before the end");
    monitor.end();
    too_large_steps(&monitor)
}

#[test]
fn a_short_run_is_taken_at_its_word() {
    for windows in 1..=SHORT_RUN_WINDOWS {
        let last = (windows - 1) * WINDOW;
        assert_eq!(ended(last + WINDOW / 2, last), Some(Level::Error), "{windows} windows");
    }
}

#[test]
fn a_longer_run_needs_two_observations_at_its_end_too() {
    for windows in [SHORT_RUN_WINDOWS + 1, SHORT_RUN_WINDOWS + 3] {
        let last = (windows - 1) * WINDOW;
        assert_eq!(ended(last + WINDOW / 2, last), None, "{windows} windows, the last one alone");
        assert_eq!(ended(last + WINDOW / 2, last - WINDOW), Some(Level::Error), "{windows} windows, the last two");
    }
}
