use keel_page::Language;

use super::*;
use crate::signal::verdict::Verdict;

pub(super) fn compute(state: &State, seed: u64) -> Numbers {
    InitialisationBench::compute(state, seed, &mut Memory::default()).unwrap()
}

fn setting(activation: Activation, scheme: Scheme, std: f64) -> State {
    State { activation: ActivationName(activation), scheme, std, ..State::default() }
}

/// Returns the lecture's five settings with its n·Var(w) at a smaller width, hence with larger weights.
fn lecture() -> [State; 5] {
    let narrow = |std: f64| std * (SLIDE_WIDTH as f64 / State::default().width as f64).sqrt();
    [
        setting(Activation::Tanh, Scheme::Std, narrow(0.01)),
        setting(Activation::Tanh, Scheme::Std, narrow(0.05)),
        setting(Activation::Tanh, Scheme::Xavier, 0.01),
        setting(Activation::Relu, Scheme::Xavier, 0.01),
        setting(Activation::Relu, Scheme::Kaiming, 0.01),
    ]
}

#[test]
fn the_five_settings_have_the_numbers_of_the_lecture() {
    let deviations = [
        [0.4922, 0.2892, 0.1792, 0.1132, 0.0721, 0.0460],
        [0.8717, 0.8530, 0.8498, 0.8493, 0.8492, 0.8492],
        [0.6279, 0.4863, 0.4082, 0.3576, 0.3216, 0.2944],
        [0.5838, 0.4128, 0.2919, 0.2064, 0.1460, 0.1032],
        [0.8256; 6],
    ];
    use Verdict::{InRange, Saturated, Shrinking, TooSmall};
    let ends =
        [(TooSmall, Shrinking), (Saturated, InRange), (InRange, InRange), (Shrinking, Shrinking), (InRange, InRange)];
    for ((state, expected), (last, _)) in lecture().iter().zip(deviations).zip(ends) {
        let numbers = compute(&State { batch: 64, ..state.clone() }, 3);
        for (layer, expected) in numbers.layers.iter().zip(expected) {
            let theory = layer.theory.unwrap().std;
            assert!((theory - expected).abs() < 3e-4, "{state:?} layer {}: {theory}", layer.layer);
            let found = layer.activation.std;
            assert!((found / expected - 1.0).abs() < 0.16, "{state:?} layer {}: {found}", layer.layer);
        }
        assert_eq!(numbers.layers[5].verdict, last, "{state:?}");
        let slide = numbers.slide_std.unwrap();
        assert!((slide[0] - expected[0]).abs() < 0.01);
        // The gradients measured in the lecture follow the theory of infinitely wide layers.
        for (layer, theory) in numbers.layers.iter().zip(numbers.gradient_theory.unwrap()) {
            let pairs = [
                (layer.gradient.activation_rms, theory.activation_rms),
                (layer.gradient.weight_rms, theory.weight_rms),
            ];
            assert!(pairs.iter().all(|(a, b)| (a / b).ln().abs() < 0.4), "{state:?} layer {}: {pairs:?}", layer.layer);
        }
    }
}

#[test]
fn kept_draws_change_no_bit() {
    let mut memory = Memory::default();
    let states = lecture().map(|state| State { width: 64, ..state });
    for state in states.iter().chain(&states) {
        let warm = InitialisationBench::compute(state, 5, &mut memory).unwrap();
        assert_eq!(warm, compute(state, 5), "{state:?}");
    }
}

#[test]
fn a_draft_has_the_same_theory_and_less_work() {
    assert!(InitialisationBench::draft(&State::default()).is_none());
    let slide = State { width: 4096, std: 0.01, scheme: Scheme::Std, batch: 64, ..State::default() };
    let draft = InitialisationBench::draft(&slide).unwrap();
    assert!(draft.width < 600 && draft.batch == 32, "{draft:?}");
    assert!(InitialisationBench::draft(&draft).is_none());
    let numbers = compute(&draft, 0);
    assert!((numbers.scaled_variance - 0.4096).abs() < 1e-9, "{}", numbers.scaled_variance);
    assert_eq!(numbers.slide_std.map(|slide| slide[5]), Some(0.05));
}

#[test]
fn presets_and_corners_of_the_knobs_are_drawn_without_nan() {
    let knobs = crate::knob::knobs_of::<State>();
    for preset in presets() {
        for (name, value) in preset.settings {
            let knob = knobs.iter().find(|knob| knob.name == name).unwrap();
            assert!(knob.accepts(&value), "{name}: {value}");
        }
    }
    for facts in keel_nn::activations::CATALOG {
        let activation = Activation::named(facts.name).unwrap();
        for (std, gain) in [(0.001, 0.25), (1.0, 4.0)] {
            let state = State { gain, width: 32, depth: 30, ..setting(activation, Scheme::Std, std) };
            match InitialisationBench::compute(&state, 0, &mut Memory::default()) {
                Ok(numbers) => {
                    let view = InitialisationBench::view(&state, &numbers);
                    assert!(!view.page.body(Language::English).into_string().contains("NaN"), "{state:?}");
                    assert!(
                        !view.status.get(Language::Chinese).contains('–'),
                        "{}",
                        view.status.get(Language::Chinese)
                    );
                }
                Err(error) => assert!(error.to_string().contains("not finite"), "{error}"),
            }
        }
    }
}
