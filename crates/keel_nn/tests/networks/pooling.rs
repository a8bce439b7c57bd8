//! Pooling layers: values from another implementation, numerical gradients, course numbers.

use keel_nn::Mode;
use keel_testkit::course::channels_last;
use keel_testkit::{
    CourseConformance, GradientCheck, Tolerance, assert_close, deterministic_values, shared_data_or_skip,
};

use crate::single_layer::{SingleLayer, check_golden, shape};

#[test]
fn values_and_gradients_equal_the_golden_files() {
    for family in ["max_pool", "avg_pool", "global_avg_pool"] {
        check_golden(family, Tolerance::TIGHT);
    }
}

#[test]
fn gradients_equal_differences() {
    let cases = [
        (r#"{"type": "max_pool"}"#, [5, 7, 1], 1),
        (r#"{"type": "max_pool", "padding": "same"}"#, [5, 7, 18], 2),
        (r#"{"type": "max_pool", "kernel": 3, "stride": 2, "padding": 1}"#, [7, 6, 3], 2),
        (r#"{"type": "max_pool", "kernel": 3, "stride": 2, "padding": "same"}"#, [4, 6, 5], 1),
        (r#"{"type": "max_pool", "kernel": [1, 3], "stride": [2, 1]}"#, [3, 5, 17], 3),
        (r#"{"type": "avg_pool", "kernel": 3, "stride": 2, "padding": 1}"#, [7, 6, 3], 2),
        (r#"{"type": "avg_pool", "kernel": 2, "padding": "same"}"#, [3, 3, 2], 2),
        (r#"{"type": "global_avg_pool"}"#, [3, 5, 37], 2),
        (r#"{"type": "global_avg_pool"}"#, [1, 1, 1], 1),
    ];
    for (config, dimensions, batch) in cases {
        let mut single = SingleLayer::new(config, shape(&dimensions), batch);
        let length = batch * dimensions.iter().product::<usize>();
        // A shuffled grid over [-1, 1): no maximum moves to another value within a step of a fifth of the grid.
        let grid = 2.0 / length as f32;
        let mut input: Vec<f32> = (0..length).map(|index| index as f32 * grid - 1.0).collect();
        let order = deterministic_values(4, length, 0.0, 1.0);
        for index in 0..length {
            input.swap(index, (order[index] * length as f32) as usize % length);
        }
        let mut check = GradientCheck::with_tolerance(5e-3);
        if config.contains("max_pool") {
            check.step = 0.2 * grid;
        }
        single.check_gradients(config, &input, check);
    }
}

#[test]
fn max_pool_evaluates_without_keeping_places() {
    let mut single = SingleLayer::new(r#"{"type": "max_pool"}"#, shape(&[4, 4, 3]), 2);
    let input = deterministic_values(8, 96, -1.0, 1.0);
    let trained = single.forward(Mode::Train, &input);
    single.saved.clear();
    assert_eq!(single.forward(Mode::Evaluate, &input), trained);
}

#[test]
fn max_pool_gives_the_course_numbers() {
    let Some(path) = shared_data_or_skip("course_conformance.json", "max_pool_gives_the_course_numbers") else {
        return;
    };
    let course = CourseConformance::read(path).unwrap();
    let linspace: Vec<f32> = (0..96).map(|index| -0.3 + 0.7 * index as f32 / 95.0).collect();
    let planes = keel_testkit::golden::Tensor { shape: vec![2, 3, 4, 4], values: linspace };
    let mut single = SingleLayer::new(r#"{"type": "max_pool"}"#, shape(&[4, 4, 3]), 2);
    let output = single.forward(Mode::Train, &channels_last(&planes).values);
    let expected = channels_last(&course.tensor("maxpool_forward", "out").unwrap());
    assert_close(&output, &expected.values, Tolerance::TIGHT, "forward");

    let input = channels_last(&course.tensor("maxpool_backward", "x").unwrap());
    let grad_output = channels_last(&course.tensor("maxpool_backward", "dout").unwrap());
    let expected = channels_last(&course.tensor("maxpool_backward", "dx").unwrap());
    let mut single = SingleLayer::new(r#"{"type": "max_pool"}"#, shape(&input.shape[1..]), input.shape[0]);
    let output = single.forward(Mode::Train, &input.values);
    let grad_input = single.backward(&input.values, &output, &grad_output.values);
    assert_close(&grad_input, &expected.values, Tolerance::TIGHT, "backward");
}
