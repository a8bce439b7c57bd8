//! Tests of the exhibit.

use super::*;

fn at(state: &State) -> Numbers {
    BatchNormBench::compute(state, 0, &mut Data::default()).unwrap()
}

fn json(numbers: &Numbers) -> String {
    serde_json::to_string(numbers).unwrap()
}

#[test]
fn training_normalises_any_mean_and_deviation_and_scale_and_shift_set_them() {
    for source in [Source::Normal, Source::Digits] {
        for (mean, std) in [(0.0, 0.1), (15.0, 30.0), (-3.0, 1.0)] {
            // Scale and shift from the course's second assignment.
            for (gamma, beta) in [(1.0, 11.0), (2.0, 12.0), (3.0, 13.0)] {
                let numbers = at(&State { source, mean, std, gamma, beta, batch: 256, ..State::default() });
                assert!((numbers.before.std / std - 1.0).abs() < 0.15, "{:?}", numbers.before);
                assert!(numbers.normalised.mean.abs() < 1e-4, "{:?}", numbers.normalised);
                assert!((numbers.normalised.std - 1.0).abs() < 1e-3, "{:?}", numbers.normalised);
                assert!((numbers.after.mean - beta).abs() < 1e-3, "{:?}", numbers.after);
                assert!((numbers.after.std - gamma).abs() < 3e-3, "{:?}", numbers.after);
            }
        }
    }
}

#[test]
fn a_deviation_below_the_root_of_epsilon_is_not_restored() {
    for (std, epsilon, expected) in [(1e-3, 1e-5, 0.3015), (1e-3, 1e-10, 1.0), (1e-4, 1e-5, 0.0316)] {
        let numbers = at(&State { mean: 0.0, std, epsilon, ..State::default() });
        let found = numbers.normalised.std;
        assert!((found / expected - 1.0).abs() < 0.1, "{std} {epsilon}: {found}");
        for unit in &numbers.units {
            assert!((unit.normalised.std / unit.theory - 1.0).abs() < 1e-3, "{unit:?}");
        }
    }
}

#[test]
fn running_statistics_forget_their_start_as_the_formula_says() {
    let state = State { mean: 15.0, std: 30.0, batches: 50, batch: 256, ..State::default() };
    let numbers = at(&state);
    assert_eq!(numbers.warm_up.len(), 51);
    assert!((numbers.warm_up[50].start - 0.005).abs() < 0.0003, "0.9^50");
    let [mean, variance] = numbers.whole;
    for row in &numbers.warm_up {
        let expected = (1.0 - row.start) * mean;
        assert!((row.mean - expected).abs() < 0.05 * mean, "{row:?}, not {expected}");
        let expected = row.start + (1.0 - row.start) * variance;
        assert!((row.variance / expected - 1.0).abs() < 0.05, "{row:?}, not {expected}");
    }
    let early = at(&State { mode: BenchMode::Evaluate, batches: 2, ..state.clone() });
    let late = at(&State { mode: BenchMode::Evaluate, batches: 100, ..state });
    assert!(early.normalised.std > 1.5 && (late.normalised.std - 1.0).abs() < 0.1);
    for unit in &early.units {
        assert!((unit.normalised.std / unit.theory - 1.0).abs() < 1e-3, "{unit:?}");
    }
}

#[test]
fn the_start_of_the_running_variance_outlasts_small_weights() {
    let state = State { mean: 0.0, std: 1e-3, mode: BenchMode::Evaluate, batches: 100, ..State::default() };
    let numbers = at(&state);
    assert!(numbers.normalised.std < 0.2, "{:?}", numbers.normalised);
    let share = numbers.warm_up.last().unwrap().share_of_start();
    assert!((0.9..1.0).contains(&share), "{share}");
    let words = page::view(&state, &numbers).status;
    assert!(words.get(keel_page::Language::English).contains("of the running variance is still its start"));
}

#[test]
fn scale_and_shift_can_recover_the_identity_and_batch_norm_folds_away() {
    for mode in [BenchMode::Train, BenchMode::Evaluate] {
        let numbers = at(&State { mean: 3.0, std: 2.0, recover: true, mode, batch: 256, ..State::default() });
        assert!(numbers.identity_difference.unwrap() < 1e-5, "{:?}", numbers.identity_difference);
    }
    for (mean, std) in [(3.0, 2.0), (0.0, 1e-3), (-15.0, 50.0)] {
        let state = State { mean, std, gamma: 1.5, beta: -2.0, batches: 100, fold: true, ..State::default() };
        let folded = at(&state).folded.unwrap();
        assert!(folded.relative < 1e-5, "{folded:?}");
        assert!(folded.engine < 1e-4 && folded.from_training > 1e3 * folded.largest, "{folded:?}");
        for channel in &folded.channels {
            assert!((channel.factor * channel.deviation - channel.gamma).abs() < 1e-5, "{channel:?}");
        }
    }
}

#[test]
fn an_answer_does_not_depend_on_the_one_before() {
    let mut data = Data::default();
    let mut warm = |state: &State, seed: u64| json(&BatchNormBench::compute(state, seed, &mut data).unwrap());
    let digits = State { source: Source::Digits, ..State::default() };
    warm(&State::default(), 0);
    warm(&digits, 1);
    assert_eq!(warm(&digits, 0), json(&at(&digits)));
    assert_eq!(warm(&State::default(), 0), json(&at(&State::default())));
    assert_eq!(warm(&State::default(), 0), json(&at(&State::default())));
}

#[test]
fn ends_of_all_knobs_and_drafts_are_drawn() {
    assert!(BatchNormBench::draft(&State::default()).is_none());
    let large = State { batch: 256, batches: 100, fold: true, mode: BenchMode::Evaluate, ..State::default() };
    let draft = BatchNormBench::draft(&large).unwrap();
    assert_eq!((draft.batch, draft.batches), (256, 32));
    assert!(BatchNormBench::draft(&draft).is_none());
    let small =
        State { std: 1e-6, mean: 20.0, epsilon: 1e-12, batch: 2, batches: 0, momentum: 1.0, ..State::default() };
    let wide =
        State { std: 100.0, mode: BenchMode::Evaluate, batches: 0, epsilon: 0.1, gamma: -5.0, ..State::default() };
    for state in [draft, small, wide] {
        let View { status, page } = page::view(&state, &at(&state));
        for language in keel_page::Language::ALL {
            let html = page.body(language).into_string();
            assert!(html.contains("figure-5") && !html.contains("NaN") && !status.get(language).contains('–'));
        }
    }
}

#[test]
fn presets_set_knobs_that_exist_once_each() {
    let knobs = crate::knob::knobs_of::<State>();
    for preset in presets() {
        for (index, (name, value)) in preset.settings.iter().enumerate() {
            let knob = knobs.iter().find(|knob| knob.name == *name).unwrap();
            assert!(knob.accepts(value), "{name} {value}");
            assert!(preset.settings[index + 1..].iter().all(|(other, _)| other != name), "{name}");
        }
    }
}
