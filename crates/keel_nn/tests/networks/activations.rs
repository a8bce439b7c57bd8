//! Activation layers against PyTorch and differences; the catalog, gains and saturation zones.

use keel_nn::activations::{Activation, CATALOG, EluSpec, Gain, LeakyReluSpec, PreluSpec, all};
use keel_nn::layers::LayerSpec;
use keel_nn::{Layer, MemoryRequest, Mode, ParameterRole, RandomKey, Shape, SimdLevel};
use keel_testkit::{GradientCheck, Tolerance, deterministic_values};

use crate::single_layer::{SingleLayer, check_golden, shape};

#[test]
fn every_activation_equals_the_golden_file() {
    check_golden("activations", Tolerance::new(2e-6, 2e-6));
}

#[test]
fn gradients_equal_differences_on_awkward_shapes() {
    let shapes: [(&[usize], usize); 4] = [(&[1], 1), (&[7], 3), (&[3, 5, 2], 2), (&[1, 1, 13], 1)];
    for activation in all() {
        for (dimensions, batch) in shapes {
            let config = serde_json::to_string(&LayerSpec::Activation(activation)).unwrap();
            let mut single = SingleLayer::new(&config, shape(dimensions), batch);
            let input = deterministic_values(9, batch * dimensions.iter().product::<usize>(), -2.5, 2.5);
            single.check_gradients(&format!("{activation} {dimensions:?}"), &input, GradientCheck::default());
        }
    }
}

#[test]
fn backward_keeps_either_input_or_output() {
    let request = MemoryRequest { batch: 3, mode: Mode::Train, workers: 2 };
    for activation in all() {
        let memory = activation.build(Shape::Features(5)).unwrap().memory(request, SimdLevel::Scalar);
        assert!(memory.backward_reads_input != memory.backward_reads_output, "{activation}: {memory:?}");
        assert_eq!(memory.saved, 0, "{activation}");
    }
    let relu = Activation::Relu.build(Shape::Features(5)).unwrap();
    assert!(relu.memory(request, SimdLevel::Scalar).backward_reads_output, "relu does not keep its input");
}

#[test]
fn prelu_learns_one_slope_per_channel_that_starts_as_told() {
    let image = Shape::Image { height: 3, width: 2, channels: 5 };
    let layer = Activation::Prelu(PreluSpec { slope: 0.125 }).build(image).unwrap();
    let [slope] = layer.parameters().try_into().unwrap();
    assert_eq!((slope.shape.as_slice(), slope.role), (&[5][..], ParameterRole::Slope));
    let mut values = [f32::NAN; 5];
    slope.init.unwrap().fill(&mut values, &slope, None, RandomKey::new(0));
    assert_eq!(values, [0.125; 5]);
    assert!(Activation::Relu.build(image).unwrap().parameters().is_empty());
}

#[test]
fn impossible_parameters_are_refused() {
    let cases = [
        (Activation::LeakyRelu(LeakyReluSpec { slope: -0.1 }), "slope of activation is -0.1; it must be 0 or more"),
        (Activation::LeakyRelu(LeakyReluSpec { slope: f32::NAN }), "slope of activation is NaN; it must be 0 or more"),
        (
            Activation::Prelu(PreluSpec { slope: f32::INFINITY }),
            "slope of activation is inf; it must be a finite number",
        ),
        (Activation::Elu(EluSpec { alpha: 0.0 }), "alpha of activation is 0; it must be above 0"),
    ];
    for (activation, message) in cases {
        assert_eq!(activation.build(Shape::Features(3)).unwrap_err().to_string(), message);
    }
    assert!(Activation::Relu.build(Shape::Features(0)).is_err());
    assert!(Activation::Prelu(PreluSpec { slope: -0.5 }).build(Shape::Features(1)).is_ok());
}

#[test]
fn config_names_catalog_and_enum_agree() {
    assert_eq!(CATALOG.len(), all().count());
    for activation in all() {
        let facts = activation.entry();
        let read: Activation = serde_json::from_value(serde_json::json!({ "function": facts.name })).unwrap();
        assert_eq!(read, activation);
        let unknown = serde_json::json!({ "function": facts.name, "colour": 1 });
        assert!(serde_json::from_value::<Activation>(unknown).is_err(), "{}: unknown keys are rejected", facts.name);
        assert_eq!(Activation::named(facts.name), Some(activation));
        for text in [facts.summary, facts.formula, facts.derivative, facts.when_to_use, facts.source] {
            assert!(!text.is_empty() && !text.contains('\n'), "{}: {text:?}", facts.name);
        }
    }
    assert_eq!(Activation::named("rleu"), None);
    assert_eq!(Activation::Elu(EluSpec { alpha: 0.5 }).to_string(), "elu(alpha 0.5)");
}

/// Returns the mean of g over a standard normal z.
fn expectation(g: impl Fn(f32) -> f64) -> f64 {
    let weight = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    (-90_000..=90_000).map(|i| f64::from(i) * 1e-4).map(|z| g(z as f32) * weight(z) * 1e-4).sum()
}

#[test]
fn gains_are_the_customary_ones_or_keep_the_mean_square() {
    let fixed = [
        (Activation::Identity, 1.0),
        (Activation::Sigmoid, 1.0),
        (Activation::Tanh, 5.0 / 3.0),
        (Activation::Relu, std::f32::consts::SQRT_2),
        (Activation::LeakyRelu(LeakyReluSpec { slope: 0.1 }), (2.0f32 / 1.01).sqrt()),
        (Activation::Prelu(PreluSpec { slope: 0.25 }), (2.0f32 / 1.0625).sqrt()),
        (Activation::Selu, 0.75),
    ];
    for (activation, gain) in fixed {
        assert_eq!(activation.gain(), Gain::Fixed(gain), "{activation}");
    }
    for activation in all() {
        let Gain::Computed(gain) = activation.gain() else { continue };
        let function = activation.initial_function();
        let kept = f64::from(gain).powi(2) * expectation(|z| f64::from(function.value(z)).powi(2));
        assert!((kept - 1.0).abs() < 1e-4, "{activation}: gain {gain} makes it {kept}");
    }
    let computed = all().filter(|activation| matches!(activation.gain(), Gain::Computed(_))).count();
    assert_eq!(computed, 6);
}

#[test]
fn facts_about_shape_hold() {
    for activation in all() {
        let (function, facts) = (activation.initial_function(), activation.entry());
        let mean = expectation(|z| f64::from(function.value(z)));
        assert_eq!(facts.zero_centred, mean.abs() < 1e-3, "{activation}: mean {mean}");
        let slopes: std::collections::BTreeSet<u32> =
            (-500..500).map(|i| function.derivative(i as f32 * 0.01 + 0.005).to_bits()).collect();
        assert_eq!(facts.piecewise_linear, slopes.len() <= 2, "{activation}: {} slopes", slopes.len());
    }
}

#[test]
fn saturated_outputs_are_those_of_small_slopes() {
    for activation in all() {
        let Some(zone) = activation.saturation() else { continue };
        let function = activation.initial_function();
        let steepest = match activation {
            Activation::Selu => 1.7581,
            _ => (-500..500).map(|i| function.derivative(i as f32 * 0.01)).fold(0.0, f32::max),
        };
        let mut saturated = 0;
        for x in (-1000..1000).map(|i| i as f32 * 0.01) {
            let (inside, slope) = (zone.contains(function.value(x)), function.derivative(x) / steepest);
            saturated += usize::from(inside);
            assert!(
                (slope - 0.0591).abs() < 1e-3 || inside == (slope < 0.0591),
                "{activation} at {x}: slope {slope} of its maximum"
            );
        }
        assert!(saturated > 100, "{activation}");
    }
}
