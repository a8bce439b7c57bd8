//! The rule about ranks, on both sides of its limits.

use keel_health::measurement::{ActivationFunction::Relu, EpochMeasurement, RankMeasurement};
use keel_health::{Finding, Level, Monitor};

use crate::simulated::{healthy_step, mlp};

/// Findings after epochs with these ranks: checksum and milliseconds of a step.
fn after(epochs: &[&[(u32, f32)]]) -> Vec<Finding> {
    let model = mlp(Relu, 2);
    let mut monitor = Monitor::new(model.clone());
    for (number, ranks) in (0..).zip(epochs) {
        monitor.step(&healthy_step(&model, number));
        let rank =
            |&(checksum, milliseconds): &(u32, f32)| RankMeasurement { checksum, step_seconds: milliseconds / 1000.0 };
        let ranks = ranks.iter().map(rank).collect();
        monitor.epoch(&EpochMeasurement { epoch: number, step: number, ranks, ..EpochMeasurement::default() });
    }
    monitor.findings().into_iter().filter(|finding| finding.code == "K033").collect()
}

#[test]
fn a_rank_with_other_weights_is_an_error_at_once() {
    let found = after(&[&[(7, 1.0), (7, 1.0), (8, 1.0)]]);
    assert_eq!((found.len(), found[0].level), (1, Level::Error));
    assert!(
        found[0].message.starts_with("rank 2 has different weights from the other 2 of 3 ranks"),
        "{}",
        found[0].message
    );
    assert!(found[0].remedy.contains("rank 2"), "{}", found[0].remedy);
    let two = after(&[&[(7, 1.0), (9, 1.0), (8, 1.0), (7, 1.0)]]);
    assert!(two[0].message.starts_with("ranks 1, 2 have"), "{}", two[0].message);
    // Of two that differ, the first is taken for the right one: it writes the run.
    let pair = after(&[&[(7, 1.0), (8, 1.0)]]);
    assert!(pair[0].message.starts_with("rank 1 has"), "{}", pair[0].message);
}

#[test]
fn a_rank_that_is_slow_twice_is_a_warning() {
    let slow: &[(u32, f32)] = &[(7, 20.0), (7, 22.0), (7, 33.2)];
    let fair: &[(u32, f32)] = &[(7, 20.0), (7, 22.0), (7, 33.0)];
    assert!(after(&[slow]).is_empty(), "one epoch is chance");
    let found = after(&[slow, slow]);
    assert_eq!((found.len(), found[0].level), (1, Level::Warn));
    assert!(
        found[0].message.starts_with("rank 2 computes 33.2 ms in a step, 1.5 times the median"),
        "{}",
        found[0].message
    );
    assert!(after(&[fair, fair]).is_empty(), "exactly the limit");
    assert_eq!(after(&[&[(7, 30.0), (7, 10.0)], &[(7, 30.0), (7, 10.0)]]).len(), 1, "two ranks");
    let short: &[(u32, f32)] = &[(7, 1.0), (7, 1.0), (7, 10.9)];
    assert!(after(&[short, short]).is_empty(), "less than 10 ms more");
}

#[test]
fn a_single_rank_and_ranks_in_step_are_silent() {
    assert!(after(&[&[], &[], &[]]).is_empty());
    assert!(after(&[&[(7, 5.0)], &[(8, 50.0)]]).is_empty());
    assert!(after(&[&[(7, 5.0), (7, 5.2)], &[(9, 6.0), (9, 5.0)]]).is_empty());
}
