//! Norms: values from another implementation, numerical gradients, identities, course numbers, thread counts.

use keel_nn::layers::{BatchNormSpec, LayerSpec, PopulationStatistics, RunningStatistics};
use keel_nn::{Mode, Shape};
use keel_testkit::course::channels_last;
use keel_testkit::golden::Tensor;
use keel_testkit::{
    CourseConformance, GradientCheck, Tolerance, assert_close, deterministic_values, shared_data_or_skip,
};

use crate::single_layer::{SingleLayer, check_golden, shape};

const BATCH_NORM: &str = r#"{"type": "batch_norm"}"#;

#[test]
fn values_gradients_and_running_statistics_equal_the_golden_files() {
    for family in ["batch_norm", "layer_norm", "group_norm", "instance_norm"] {
        check_golden(family, Tolerance::new(3e-5, 3e-6));
    }
}

#[test]
fn gradients_equal_differences() {
    let cases: [(&str, &[usize], usize); 14] = [
        (BATCH_NORM, &[1], 3),
        (BATCH_NORM, &[5], 4),
        (BATCH_NORM, &[37], 7),
        (BATCH_NORM, &[3, 5, 3], 2),
        (BATCH_NORM, &[2, 2, 33], 3),
        (r#"{"type": "batch_norm", "affine": false, "epsilon": 0.1}"#, &[3, 3, 2], 2),
        (r#"{"type": "layer_norm"}"#, &[7], 1),
        (r#"{"type": "layer_norm"}"#, &[67], 3),
        (r#"{"type": "layer_norm"}"#, &[3, 5, 3], 2),
        (r#"{"type": "group_norm", "groups": 3}"#, &[2, 3, 6], 2),
        (r#"{"type": "group_norm", "groups": 2}"#, &[10], 3),
        (r#"{"type": "group_norm", "groups": 1}"#, &[3, 3, 5], 1),
        (r#"{"type": "instance_norm"}"#, &[3, 5, 1], 2),
        (r#"{"type": "instance_norm"}"#, &[4, 2, 17], 2),
    ];
    for (config, dimensions, batch) in cases {
        let mut single = SingleLayer::new(config, shape(dimensions), batch);
        let input = deterministic_values(5, batch * dimensions.iter().product::<usize>(), -2.0, 3.0);
        single.check_gradients(&format!("{config} {dimensions:?}"), &input, GradientCheck::with_tolerance(5e-3));
    }
}

/// Computes output and input gradient of batch norm in double precision, from the definition.
fn plain_batch_norm(x: &[f32], dy: &[f32], channels: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    for channel in 0..channels {
        let indices: Vec<usize> = (channel..x.len()).step_by(channels).collect();
        let count = indices.len() as f64;
        let sum = |term: &dyn Fn(usize) -> f64| indices.iter().map(|&index| term(index)).sum::<f64>();
        let mean = sum(&|i| f64::from(x[i])) / count;
        let deviation = (sum(&|i| (f64::from(x[i]) - mean).powi(2)) / count + 1e-5).sqrt();
        let normalized = |i: usize| (f64::from(x[i]) - mean) / deviation;
        let gradient = sum(&|i| f64::from(dy[i])) / count;
        let along = sum(&|i| f64::from(dy[i]) * normalized(i)) / count;
        for &i in &indices {
            y[i] = normalized(i) as f32;
            dx[i] = ((f64::from(dy[i]) - gradient - normalized(i) * along) / deviation) as f32;
        }
    }
    (y, dx)
}

#[test]
fn batch_norm_is_right_far_from_zero_and_over_many_chunks() {
    let config = r#"{"type": "batch_norm", "affine": false}"#;
    // (dimensions, batch): one channel over several chunks, odd channels, many channels.
    let cases: [(&[usize], usize); 5] =
        [(&[67, 61, 1], 13), (&[31, 29, 3], 11), (&[9, 7, 512], 3), (&[1000], 37), (&[4], 2)];
    for (dimensions, batch) in cases {
        for offset in [0.0, 1e4] {
            let mut single = SingleLayer::new(config, shape(dimensions), batch);
            let length = batch * dimensions.iter().product::<usize>();
            let x: Vec<f32> = deterministic_values(6, length, -1.7, 1.7).iter().map(|value| value + offset).collect();
            let dy = deterministic_values(7, length, -1.0, 1.0);
            let (expected_y, expected_dx) = plain_batch_norm(&x, &dy, single.input.channels());
            let y = single.forward(Mode::Train, &x);
            let dx = single.backward(&x, &y, &dy);
            let what = format!("{dimensions:?} + {offset}");
            assert_close(&y, &expected_y, Tolerance::new(1e-5, 2e-6), &format!("{what}: output"));
            assert_close(&dx, &expected_dx, Tolerance::new(2e-5, 5e-6), &format!("{what}: gradient"));
        }
    }
}

#[test]
fn input_gradients_of_batch_norm_sum_to_zero() {
    let mut single = SingleLayer::new(BATCH_NORM, shape(&[3, 3, 7]), 5);
    let length = single.output_length();
    let (x, dy) = (deterministic_values(1, length, -1.0, 4.0), deterministic_values(2, length, -1.0, 1.0));
    let y = single.forward(Mode::Train, &x);
    let dx = single.backward(&x, &y, &dy);
    for channel in 0..7 {
        let column = || (channel..length).step_by(7);
        let sum: f64 = column().map(|index| f64::from(dx[index])).sum();
        let along: f64 = column().map(|index| f64::from(dx[index]) * f64::from(x[index])).sum();
        assert!(sum.abs() < 1e-5 && along.abs() < 1e-3, "channel {channel}: {sum:e}, along the input {along:e}");
    }
}

#[test]
fn batch_norm_forgets_the_scale_of_the_weights_before_it() {
    let config = r#"{"type": "linear", "out_features": 6}"#;
    let mut linear = SingleLayer::new(config, Shape::Features(5), 9);
    let mut norm = SingleLayer::new(r#"{"type": "batch_norm", "epsilon": 1e-12}"#, Shape::Features(6), 9);
    let input = deterministic_values(3, 45, -1.0, 1.0);
    let before = linear.forward(Mode::Train, &input);
    let plain = norm.forward(Mode::Train, &before);
    for factor in [1e-2, 0.5, 3.0, 100.0] {
        let mut scaled = SingleLayer::new(config, Shape::Features(5), 9);
        scaled.parameters.iter_mut().for_each(|weight| *weight *= factor);
        let between = scaled.forward(Mode::Train, &input);
        let output = norm.forward(Mode::Train, &between);
        assert_close(&output, &plain, Tolerance::SUMS, &format!("weights times {factor}"));
    }
}

#[test]
fn evaluation_uses_and_keeps_the_running_statistics_and_a_batch_of_one_is_told() {
    let mut single = SingleLayer::new(BATCH_NORM, Shape::Features(2), 1);
    assert!(single.layer.needs_batch());
    assert!(!SingleLayer::new(BATCH_NORM, shape(&[2, 1, 3]), 1).layer.needs_batch());
    single.parameters.copy_from_slice(&[1.0, 2.0, 0.0, 1.0]);
    single.state.copy_from_slice(&[1.0, -1.0, 4.0, 0.25, 3.0]);
    let output = single.forward(Mode::Evaluate, &[3.0, 0.0]);
    assert_close(&output, &[1.0, 5.0], Tolerance::SUMS, "two running standard deviations");
    assert_eq!(single.state, [1.0, -1.0, 4.0, 0.25, 3.0]);
}

#[test]
fn not_a_number_reaches_output_state_and_gradient() {
    let mut single = SingleLayer::new(BATCH_NORM, Shape::Features(2), 3);
    let x = [1.0, 1.0, f32::NAN, 2.0, 3.0, 3.0];
    let y = single.forward(Mode::Train, &x);
    assert!(y.iter().step_by(2).all(|value| value.is_nan()) && y.iter().skip(1).step_by(2).all(|v| v.is_finite()));
    assert!(single.state[0].is_nan() && single.state[2].is_nan() && single.state[1].is_finite());
    let dx = single.backward(&x, &y, &[1.0, 0.5, 0.0, 0.0, 0.0, 0.0]);
    assert!(dx.iter().step_by(2).all(|value| value.is_nan()) && dx.iter().skip(1).step_by(2).all(|v| v.is_finite()));
}

#[test]
fn population_statistics_are_the_averages_over_batches() {
    for running in [RunningStatistics::Ema, RunningStatistics::Cumulative] {
        let layer = BatchNormSpec { running, ..BatchNormSpec::default() }.build(Shape::Features(1)).unwrap();
        let mut population = PopulationStatistics::new(&layer);
        let mut single = SingleLayer::of(layer.into(), Shape::Features(1), 2);
        single.state.copy_from_slice(&[8.0, 9.0, 7.0]);
        for batch in [[1.0, 3.0], [10.0, 14.0], [-1.0, -1.0]] {
            population.prepare(&mut single.state);
            single.forward(Mode::Train, &batch);
            population.collect(&single.state);
        }
        population.finish(&mut single.state);
        // Means 2, 12, -1; unbiased variances 2, 8, 0.
        assert_close(&single.state, &[13.0 / 3.0, 10.0 / 3.0, 3.0], Tolerance::TIGHT, &format!("{running:?}"));
    }
}

#[test]
fn impossible_norms_are_refused_with_facts() {
    let image = shape(&[4, 4, 6]);
    let cases = [
        (r#"{"type": "batch_norm", "momentum": 0}"#, image, "momentum of batch_norm is 0"),
        (r#"{"type": "batch_norm", "momentum": 1.5}"#, image, "above 0 and at most 1"),
        (r#"{"type": "batch_norm", "epsilon": -1e-5}"#, image, "epsilon of batch_norm"),
        (r#"{"type": "layer_norm", "epsilon": 0}"#, image, "epsilon of layer_norm"),
        (r#"{"type": "group_norm", "groups": 4}"#, image, "split 6 channels into 4"),
        (r#"{"type": "group_norm", "groups": 0}"#, image, "groups of group_norm is 0"),
        (r#"{"type": "group_norm", "groups": 6}"#, Shape::Features(6), "outputs would be zero"),
        (r#"{"type": "layer_norm"}"#, Shape::Features(1), "outputs would be zero"),
        (r#"{"type": "instance_norm"}"#, shape(&[1, 1, 6]), "1x1x6"),
        (r#"{"type": "instance_norm"}"#, Shape::Features(6), "vector of 6 features"),
        (BATCH_NORM, Shape::Features(0), "empty input"),
    ];
    for (config, input, expected) in cases {
        let spec: LayerSpec = serde_json::from_str(config).unwrap();
        let error = spec.build(input).unwrap_err().to_string();
        assert!(error.contains(expected), "{config}: {error}");
    }
}

#[test]
fn one_to_five_threads_give_the_same_bits() {
    let configs = [BATCH_NORM, r#"{"type": "layer_norm"}"#, r#"{"type": "group_norm", "groups": 3}"#];
    for config in configs {
        let input = deterministic_values(1, 32 * 17 * 16 * 9, -1.0, 2.0);
        let weights = deterministic_values(2, input.len(), -1.0, 1.0);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut single = SingleLayer::new(config, shape(&[17, 16, 9]), 32);
                let output = single.forward(Mode::Train, &input);
                let grad_input = single.backward(&input, &output, &weights);
                let parts = [output, grad_input, single.grad_parameters, single.state];
                parts.map(|part| part.iter().map(|value| value.to_bits()).collect::<Vec<_>>())
            })
        };
        let one = run(1);
        for threads in [2, 3, 5] {
            assert!(run(threads) == one, "{config}: {threads} threads give different bits than one");
        }
    }
}

/// Runs the course's case `name` through `config`: gradients with respect to input, scale and shift.
fn check_course_gradient(course: &CourseConformance, name: &str, config: &str) {
    let get = |field: &str| {
        let tensor = course.tensor(name, field).unwrap();
        if tensor.shape.len() == 4 { channels_last(&tensor) } else { tensor }
    };
    let (input, grad_output): (Tensor, Tensor) = (get("x"), get("dout"));
    let mut single = SingleLayer::new(config, shape(&input.shape[1..]), input.shape[0]);
    single.parameters = [get("gamma").values, get("beta").values].concat();
    let output = single.forward(Mode::Train, &input.values);
    let grad_input = single.backward(&input.values, &output, &grad_output.values);
    let tolerance = Tolerance::new(1e-5, 1e-6);
    assert_close(&grad_input, &get("dx").values, tolerance, &format!("{name}: dx"));
    let expected = [get("dgamma").values, get("dbeta").values].concat();
    assert_close(&single.grad_parameters, &expected, tolerance, &format!("{name}: dgamma, dbeta"));
}

#[test]
fn norms_give_the_course_numbers() {
    let Some(path) = shared_data_or_skip("course_conformance.json", "norms_give_the_course_numbers") else { return };
    let course = CourseConformance::read(path).unwrap();
    let forward = [
        ("bn_train_forward", "a", BATCH_NORM),
        ("ln_forward", "a", r#"{"type": "layer_norm"}"#),
        ("spatial_bn_train", "x", BATCH_NORM),
        ("group_norm_forward", "x", r#"{"type": "group_norm", "groups": 2}"#),
    ];
    for (name, field, config) in forward {
        let [input, expected] = [field, "out"].map(|field| {
            let tensor = course.tensor(name, field).unwrap();
            if tensor.shape.len() == 4 { channels_last(&tensor) } else { tensor }
        });
        let mut single = SingleLayer::new(config, shape(&input.shape[1..]), input.shape[0]);
        for (parameter, value) in [("scale", 1.0), ("shift", 0.0)] {
            let range = single.parameter_range(parameter).unwrap();
            single.parameters[range].fill(value);
        }
        let output = single.forward(Mode::Train, &input.values);
        assert_close(&output, &expected.values, Tolerance::new(1e-5, 2e-6), name);
    }
    check_course_gradient(&course, "bn_backward", BATCH_NORM);
    check_course_gradient(&course, "spatial_bn_backward", BATCH_NORM);
    check_course_gradient(&course, "ln_backward", r#"{"type": "layer_norm"}"#);
}
