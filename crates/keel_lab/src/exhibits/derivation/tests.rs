use keel_page::Language;

use super::*;

fn compute(state: &State, seed: u64) -> Numbers {
    Derivation::compute(state, seed, &mut Draws::default()).unwrap()
}

#[test]
fn each_choice_leads_where_the_product_says() {
    // log10 of the last layer over the first at 30 layers, and the outcome named by the status.
    let cases = [
        (Rule::Unrectified, -4.36, "vanishes"),
        (Rule::SecondMoment, 0.0, "is kept"),
        (Rule::Variance, 2.41, "explodes"),
    ];
    for (rule, expected, fate) in cases {
        for seed in 0..3 {
            let state = State { factor: rule.factor(), ..State::default() };
            let numbers = compute(&state, seed);
            assert_eq!(numbers.rule, Some(rule));
            assert!((numbers.predicted_log10_ratio - expected).abs() < 0.01, "{rule:?}");
            let found = numbers.log10_ratio.unwrap();
            assert!((found - expected).abs() < 0.28, "{rule:?}, seed {seed}: {found}");
            let status = Derivation::view(&state, &numbers).status;
            assert!(status.get(Language::English).contains(fate), "{}", status.get(Language::English));
        }
    }
    assert_eq!(Rule::of(2.4), None);
}

#[test]
fn every_line_of_the_derivation_holds_in_the_stack() {
    let numbers = compute(&State { factor: KAIMING, depth: 6, width: 1024, ..State::default() }, 1);
    let measured = &numbers.measured;
    for (name, found, expected) in [
        ("second moment", measured.second_moment_over_variance, 0.5),
        ("variance", measured.variance_over_variance, 0.3408),
        ("positive", measured.positive_fraction, 0.5),
        ("next layer", measured.next_variance_over_prediction, 1.0),
    ] {
        assert!((found / expected - 1.0).abs() < 0.05, "{name}: {found}");
    }
    for layer in &numbers.layers {
        assert!((layer.predicted_std - 0.8256).abs() < 1e-3 && (layer.std / 0.8256 - 1.0).abs() < 0.15, "{layer:?}");
        assert!((layer.predicted_gradient - 1.0).abs() < 1e-3 && (layer.gradient - 1.0).abs() < 0.2, "{layer:?}");
    }
}

#[test]
fn the_first_layer_shifts_the_curve_by_one_factor() {
    let state = State { factor: KAIMING, width: 128, ..State::default() };
    let shifted = compute(&State { first_layer: true, ..state.clone() }, 4);
    for (layer, other) in compute(&state, 4).layers.iter().zip(shifted.layers) {
        assert!((layer.std / other.std / 2.0_f64.sqrt() - 1.0).abs() < 1e-4, "layer {}", layer.layer);
        assert!((layer.predicted_std / other.predicted_std / 2.0_f64.sqrt() - 1.0).abs() < 1e-9);
    }
}

#[test]
fn kept_draws_change_no_bit_and_a_draft_keeps_the_prediction() {
    let mut memory = Draws::default();
    for factor in [1.0, 2.0, 3.0, 1.0] {
        let state = State { factor, width: 64, depth: 12, ..State::default() };
        assert_eq!(Derivation::compute(&state, 2, &mut memory).unwrap(), compute(&state, 2));
    }
    let draft = Derivation::draft(&State::default()).unwrap();
    assert!(draft.width < 300 && draft.depth == 30, "{draft:?}");
    assert!(Derivation::draft(&draft).is_none());
}

#[test]
fn every_step_is_shown_without_nan_at_the_ends_of_the_knobs() {
    for step in 1..=STEPS {
        let state = State { step, factor: SMALLEST, depth: 60, width: 16, first_layer: true };
        let numbers = compute(&state, 3);
        for language in Language::ALL {
            let html = Derivation::view(&state, &numbers).page.body(language).into_string();
            assert!(!html.contains("NaN") && html.matches("<math").count() == step, "step {step}");
        }
    }
    let steep = State { factor: LARGEST, depth: 60, ..State::default() };
    assert!(compute(&State { width: 32, ..steep }, 0).layers.iter().all(|layer| layer.gradient.is_finite()));
}
