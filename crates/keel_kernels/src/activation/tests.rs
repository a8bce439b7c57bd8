//! Every function against f64 references, at every SIMD level.

use super::*;
use crate::scratch::Scratch;
use crate::simd::SimdLevel;

/// Function and its value and derivative in f64.
type Case = (Function, fn(f64) -> f64, fn(f64) -> f64);

const SELU: (f64, f64) = (1.050_700_987_355_480_5, 1.673_263_242_354_377_2);

fn sigmoid(x: f64) -> f64 {
    if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Computes the cumulative distribution function by Simpson's rule from 0, far more accurately than the comparison needs.
fn cumulative(x: f64) -> f64 {
    if x < -8.0 {
        return density(x) / -x;
    }
    let end = x.abs().min(9.0);
    let steps = 600;
    let h = end / f64::from(steps);
    let weight = |i: i32| if i == 0 || i == steps { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
    let area: f64 = (0..=steps).map(|i| weight(i) * density(f64::from(i) * h)).sum::<f64>() * h / 3.0;
    0.5 + area.copysign(x)
}

fn cases() -> [Case; 14] {
    [
        (Function::Identity, |x| x, |_| 1.0),
        (Function::Sigmoid, sigmoid, |x| sigmoid(x) * sigmoid(-x)),
        (Function::Tanh, f64::tanh, |x| 1.0 / x.cosh().powi(2)),
        (Function::Relu, |x| x.max(0.0), |x| f64::from(x > 0.0)),
        (
            Function::LeakyRelu { slope: 0.125 },
            |x| if x > 0.0 { x } else { 0.125 * x },
            |x| if x > 0.0 { 1.0 } else { 0.125 },
        ),
        (Function::LeakyRelu { slope: 0.0 }, |x| x.max(0.0), |x| f64::from(x > 0.0)),
        (Function::Elu { alpha: 1.0 }, |x| if x > 0.0 { x } else { x.exp_m1() }, |x| x.min(0.0).exp()),
        (
            Function::Elu { alpha: 0.5 },
            |x| if x > 0.0 { x } else { 0.5 * x.exp_m1() },
            |x| if x > 0.0 { 1.0 } else { 0.5 * x.exp() },
        ),
        (
            Function::Selu,
            |x| SELU.0 * if x > 0.0 { x } else { SELU.1 * x.exp_m1() },
            |x| SELU.0 * if x > 0.0 { 1.0 } else { SELU.1 * x.exp() },
        ),
        (Function::Gelu, |x| x * cumulative(x), |x| cumulative(x) + x * density(x)),
        (Function::Silu, |x| x * sigmoid(x), |x| sigmoid(x) * (1.0 + x * sigmoid(-x))),
        (Function::Softplus, softplus, sigmoid),
        (
            Function::Mish,
            |x| x * softplus(x).tanh(),
            |x| softplus(x).tanh() + x * sigmoid(x) * (1.0 - softplus(x).tanh().powi(2)),
        ),
        (
            Function::HardSwish,
            |x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
            |x| {
                if x <= -3.0 {
                    0.0
                } else if x > 3.0 {
                    1.0
                } else {
                    (2.0 * x + 3.0) / 6.0
                }
            },
        ),
    ]
}

/// Returns every case at every level of this processor.
fn on_every_level<T: Copy, const N: usize>(cases: [T; N]) -> impl Iterator<Item = (SimdLevel, T)> {
    SimdLevel::available().into_iter().flat_map(move |level| cases.into_iter().map(move |case| (level, case)))
}

/// Returns inputs dense near zero, far out on both sides, and odd in number.
fn inputs() -> Vec<f32> {
    let mut values: Vec<f32> = (-4000..=4000).map(|i| i as f32 * 0.005).collect();
    values.extend(
        [1e-30f32, 1e-10, 1e-6, 1e-3, 25.0, 60.0, 80.0, 87.3, 88.5, 100.0, 1e4, 1e30].iter().flat_map(|&x| [x, -x]),
    );
    values
}

/// Returns true within a relative error of 2e-6, or an absolute one of 1e-6.
fn near(actual: f32, expected: f64) -> bool {
    (f64::from(actual) - expected).abs() <= 1e-6 + 2e-6 * expected.abs()
}

#[test]
fn values_agree_with_f64_on_every_level_and_all_levels_agree_bit_for_bit() {
    let inputs = inputs();
    for (function, value, _) in cases() {
        let mut outputs = vec![0.0; inputs.len()];
        forward(SimdLevel::Scalar, function, &inputs, &mut outputs);
        for (&x, &output) in inputs.iter().zip(&outputs) {
            assert!(near(output, value(f64::from(x))), "{function:?}({x}) = {output}, not {}", value(f64::from(x)));
        }
        for level in SimdLevel::available() {
            let mut others = vec![0.0; inputs.len()];
            forward(level, function, &inputs, &mut others);
            let differing = outputs.iter().zip(&others).position(|(a, b)| a.to_bits() != b.to_bits());
            assert_eq!(differing.map(|index| inputs[index]), None, "{function:?} on {}", level.name());
        }
    }
}

#[test]
fn derivatives_agree_with_f64_from_input_and_from_output() {
    let inputs: Vec<f32> = inputs().into_iter().filter(|x| x.abs() < 1e5).collect();
    let grad_output: Vec<f32> = (0..inputs.len()).map(|index| 0.5 + (index % 3) as f32).collect();
    for (level, (function, _, derivative)) in on_every_level(cases()) {
        let mut grads = vec![f32::NAN; inputs.len()];
        let given = ActivationGradient { saved: &inputs, grad_output: &grad_output };
        backward(level, function, given, &mut grads);
        for ((&x, &grad), &upstream) in inputs.iter().zip(&grads).zip(&grad_output) {
            let expected = derivative(f64::from(x)) * f64::from(upstream);
            assert!(near(grad, expected), "{function:?}'({x}) = {grad}, not {expected}, {level:?}");
        }
        if function.from_output() {
            let (mut outputs, mut from_output) = (vec![0.0; inputs.len()], vec![f32::NAN; inputs.len()]);
            forward(level, function, &inputs, &mut outputs);
            backward_from_output(level, function, ActivationGradient { saved: &outputs, ..given }, &mut from_output);
            for ((&x, &a), &b) in inputs.iter().zip(&grads).zip(&from_output) {
                assert!((a - b).abs() < 2e-6, "{function:?}'({x}): {a} from the input, {b} from the output, {level:?}");
            }
        }
    }
}

#[test]
fn the_exponentials_are_right_to_a_few_units_in_the_last_place() {
    let mut worst = (0.0f64, 0.0f64, 0.0f64);
    for i in -870_000..=887_000i32 {
        let x = i as f32 * 1e-4;
        let relative = |actual: f32, expected: f64| ((f64::from(actual) - expected) / expected).abs();
        worst.0 = worst.0.max(relative(exp(x), f64::from(x).exp()));
        if i != 0 {
            worst.1 = worst.1.max(relative(exp_m1(x), f64::from(x).exp_m1()));
        }
        let u = (i + 870_000) as f32 / 1_757_000.0;
        if u > 0.0 {
            worst.2 = worst.2.max(relative(ln_1p(u), f64::from(u).ln_1p()));
        }
    }
    assert!(worst.0 < 2e-7 && worst.1 < 3e-7 && worst.2 < 3e-7, "{worst:?}");
}

#[test]
fn extremes_saturate_and_not_a_number_stays() {
    assert_eq!((exp(f32::INFINITY), exp(89.0), exp(f32::NEG_INFINITY)), (f32::INFINITY, f32::INFINITY, 0.0));
    assert_eq!((exp(0.0), exp_m1(0.0), exp_m1(-200.0), exp_m1(200.0)), (1.0, 0.0, -1.0, f32::INFINITY));
    assert_eq!((exp_m1(88.9), exp(-110.0), exp(88.7) < f32::MAX), (f32::INFINITY, 0.0, true));
    assert!(exp(f32::NAN).is_nan() && exp_m1(f32::NAN).is_nan() && ln_1p(f32::NAN).is_nan());
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    assert_eq!((Sigmoid.value(-inf), Sigmoid.value(inf), Tanh.value(-inf), Tanh.value(inf)), (0.0, 1.0, -1.0, 1.0));
    assert_eq!((Softplus.value(-inf), Softplus.value(inf), Relu.value(inf)), (0.0, inf, inf));
    assert_eq!(Tanh.value(-0.0).to_bits(), (-0.0f32).to_bits());
    for (function, ..) in cases() {
        for level in SimdLevel::available() {
            let mut output = [0.0; 19];
            forward(level, function, &[nan; 19], &mut output);
            assert!(output.iter().all(|y| y.is_nan()), "{function:?} on {}: {output:?}", level.name());
        }
        for x in [3e38, -3e38] {
            assert!(function.value(x).is_finite() && function.derivative(x).is_finite(), "{function:?} of {x}");
        }
    }
}

#[test]
fn threads_change_nothing() {
    let inputs: Vec<f32> = (0..200_003).map(|i| (i % 977) as f32 * 0.02 - 9.0).collect();
    let run = |level: SimdLevel, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (slope, channels) = ([0.25f32, -0.5, 0.0, 1.5, 0.1, 0.2, 0.3], 7);
        let rows = &inputs[..inputs.len() / channels * channels];
        let mut outputs = vec![0.0; inputs.len()];
        let (mut grad_input, mut grad_slope) = (vec![0.0; rows.len()], vec![0.0; channels]);
        let mut scratch = vec![f32::NAN; prelu_scratch_length(channels)];
        pool.install(|| {
            forward(level, Function::Gelu, &inputs, &mut outputs);
            let given = ActivationGradient { saved: rows, grad_output: rows };
            let gradient = PreluGradient { input: &mut grad_input, slope: &mut grad_slope };
            Prelu { simd: level, slope: &slope }.backward(given, gradient, Scratch(&mut scratch));
        });
        (outputs, grad_input, grad_slope)
    };
    for level in SimdLevel::available() {
        let alone = run(level, 1);
        for threads in [2, 3, 5] {
            assert_eq!(run(level, threads), alone, "{threads} threads, {}", level.name());
        }
    }
}

#[test]
fn prelu_agrees_with_its_formula_for_few_and_many_rows() {
    for (level, (rows, channels)) in on_every_level([(1, 1), (3, 5), (1, 17), (101, 2), (4099, 3), (7, 33)]) {
        let input: Vec<f32> = (0..rows * channels).map(|i| ((i * 37) % 101) as f32 * 0.1 - 5.0).collect();
        let grad: Vec<f32> = (0..rows * channels).map(|i| ((i * 53) % 89) as f32 * 0.02 - 0.9).collect();
        let slope: Vec<f32> = (0..channels).map(|c| 0.25 - 0.2 * c as f32).collect();
        let (mut output, mut grad_input) = (vec![0.0; input.len()], vec![0.0; input.len()]);
        let (mut grad_slope, mut scratch) = (vec![f32::NAN; channels], vec![f32::NAN; prelu_scratch_length(channels)]);
        let prelu = Prelu { simd: level, slope: &slope };
        prelu.forward(&input, &mut output);
        let given = ActivationGradient { saved: &input, grad_output: &grad };
        let gradient = PreluGradient { input: &mut grad_input, slope: &mut grad_slope };
        prelu.backward(given, gradient, Scratch(&mut scratch));
        let mut sums = vec![0.0f64; channels];
        for i in 0..input.len() {
            let (x, slope) = (input[i], slope[i % channels]);
            let factor = if x > 0.0 { 1.0 } else { slope };
            assert_eq!(
                (output[i], grad_input[i]),
                (factor * x, factor * grad[i]),
                "{rows} x {channels}, {i}, {level:?}"
            );
            sums[i % channels] += if x > 0.0 { 0.0 } else { f64::from(x) * f64::from(grad[i]) };
        }
        for (actual, expected) in grad_slope.iter().zip(&sums) {
            assert!((f64::from(*actual) - expected).abs() < 1e-3 + 1e-5 * expected.abs(), "{actual} {expected}");
        }
        let without_input = grad_slope.clone();
        let gradient = PreluGradient { input: &mut [], slope: &mut grad_slope };
        prelu.backward(given, gradient, Scratch(&mut scratch));
        assert_eq!(grad_slope, without_input);
    }
}

#[test]
#[should_panic(expected = "3 floats in rows of 2")]
fn half_a_row_is_refused() {
    Prelu { simd: SimdLevel::Scalar, slope: &[0.1, 0.2] }.forward(&[1.0; 3], &mut [0.0; 3]);
}

#[test]
#[should_panic(expected = "0 floats in rows of 0")]
fn rows_without_channels_are_refused() {
    Prelu { simd: SimdLevel::Scalar, slope: &[] }.forward(&[], &mut []);
}

#[test]
fn functions_in_place_have_the_bits_of_those_between_two_slices() {
    let inputs: Vec<f32> = inputs().into_iter().cycle().take(40_001).collect();
    let gradients: Vec<f32> = (0..inputs.len()).map(|index| (index % 17) as f32 - 8.0).collect();
    for (level, (function, ..)) in on_every_level(cases()) {
        let mut outputs = vec![0.0; inputs.len()];
        forward(level, function, &inputs, &mut outputs);
        let mut in_place = inputs.clone();
        forward_in_place(level, function, &mut in_place);
        assert_eq!(in_place, outputs, "{level:?} {function:?}");
        if function.from_output() {
            let mut expected = vec![0.0; inputs.len()];
            let given = ActivationGradient { saved: &outputs, grad_output: &gradients };
            backward_from_output(level, function, given, &mut expected);
            let mut gradient = gradients.clone();
            backward_in_place(level, function, &outputs, &mut gradient);
            assert_eq!(gradient, expected, "{level:?} {function:?}");
        }
    }
}

#[test]
#[should_panic(expected = "cannot be computed from its output")]
fn a_derivative_that_needs_the_input_is_refused_in_place() {
    backward_in_place(SimdLevel::Scalar, Function::Gelu, &[1.0], &mut [1.0]);
}
