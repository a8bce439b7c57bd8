//! Maxout, dropout, flatten, sums, and the errors of every layer.

use keel_nn::layers::{Add, LayerSpec};
use keel_nn::{Backward, Forward, Layer, Mode, RandomKey, Shape};
use keel_testkit::{GradientCheck, Tolerance, deterministic_values};

use crate::single_layer::{SingleLayer, check_golden, shape};

#[test]
fn linear_convolution_and_maxout_equal_the_golden_files() {
    for family in ["linear", "maxout", "conv2d", "conv2d_groups", "conv2d_padding"] {
        check_golden(family, Tolerance::SUMS);
    }
}

#[test]
fn gradients_equal_differences() {
    let cases: [(&str, &[usize], usize); 11] = [
        (r#"{"type": "linear", "out_features": 3}"#, &[5], 4),
        (r#"{"type": "linear", "out_features": 6, "groups": 3}"#, &[9], 4),
        (r#"{"type": "linear", "out_features": 2, "groups": 2, "bias": false}"#, &[2], 1),
        (r#"{"type": "linear", "out_features": 35, "groups": 5}"#, &[65], 7),
        (r#"{"type": "members", "count": 3}"#, &[5], 4),
        (r#"{"type": "members", "count": 1}"#, &[1], 1),
        (r#"{"type": "maxout", "out_features": 3}"#, &[5], 4),
        (r#"{"type": "maxout", "out_features": 1, "pieces": 5}"#, &[7], 1),
        (r#"{"type": "maxout", "out_features": 4, "pieces": 1}"#, &[3], 2),
        (r#"{"type": "dropout"}"#, &[3, 5, 3], 2),
        (r#"{"type": "flatten"}"#, &[3, 2, 5], 3),
    ];
    for (config, dimensions, batch) in cases {
        let mut single = SingleLayer::new(config, shape(dimensions), batch);
        let input = deterministic_values(5, batch * dimensions.iter().product::<usize>(), -1.0, 1.0);
        single.check_gradients(&format!("{config} {dimensions:?}"), &input, GradientCheck::default());
    }
}

#[test]
fn groups_equal_linear_layers_side_by_side() {
    for (groups, in_features, out_features, batch) in [(2, 3, 5, 1), (3, 7, 1, 5), (8, 64, 33, 130)] {
        let (inputs, outputs) = (groups * in_features, groups * out_features);
        let text = format!(r#"{{"type": "linear", "out_features": {outputs}, "groups": {groups}}}"#);
        let mut whole = SingleLayer::new(&text, Shape::Features(inputs), batch);
        let input = deterministic_values(1, batch * inputs, -1.0, 1.0);
        let grad_output = deterministic_values(2, batch * outputs, -1.0, 1.0);
        let output = whole.forward(Mode::Train, &input);
        let grad_input = whole.backward(&input, &output, &grad_output);
        for group in 0..groups {
            let text = format!(r#"{{"type": "linear", "out_features": {out_features}}}"#);
            let mut part = SingleLayer::new(&text, Shape::Features(in_features), batch);
            let weights = in_features * out_features;
            part.parameters[..weights].copy_from_slice(&whole.parameters[group * weights..][..weights]);
            part.parameters[weights..]
                .copy_from_slice(&whole.parameters[groups * weights + group * out_features..][..out_features]);
            let columns = |rows: &[f32], width: usize| -> Vec<f32> {
                rows.chunks_exact(groups * width).flat_map(|row| row[group * width..][..width].to_vec()).collect()
            };
            let (input, grad_output) = (columns(&input, in_features), columns(&grad_output, out_features));
            let alone = part.forward(Mode::Train, &input);
            assert_eq!(alone, columns(&output, out_features), "group {group} of {groups}");
            assert_eq!(part.backward(&input, &alone, &grad_output), columns(&grad_input, in_features));
            assert_eq!(part.grad_parameters[..weights], whole.grad_parameters[group * weights..][..weights]);
        }
    }
}

#[test]
fn members_are_scaled_copies() {
    let mut single = SingleLayer::new(r#"{"type": "members", "count": 2}"#, Shape::Features(3), 2);
    single.parameters = vec![1.0, -1.0, 2.0, 0.5, 0.0, -3.0];
    let input = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let output = single.forward(Mode::Train, &input);
    assert_eq!(output, [1.0, -2.0, 6.0, 0.5, 0.0, -9.0, 4.0, -5.0, 12.0, 2.0, 0.0, -18.0]);
    let grad_input = single.backward(&input, &output, &[1.0; 12]);
    assert_eq!(grad_input, [1.5, -1.0, -1.0, 1.5, -1.0, -1.0]);
    assert_eq!(single.grad_parameters, [5.0, 7.0, 9.0, 5.0, 7.0, 9.0]);
}

#[test]
fn dropout_drops_its_share_and_keeps_the_mean() {
    let length = 200_001;
    let input = vec![10.0; length];
    for probability in [0.0, 0.3, 0.6, 0.75] {
        let config = format!(r#"{{"type": "dropout", "probability": {probability}}}"#);
        let mut single = SingleLayer::new(&config, Shape::Features(length), 1);
        let output = single.forward(Mode::Train, &input);
        let dropped = output.iter().filter(|&&value| value == 0.0).count() as f64 / length as f64;
        let mean = output.iter().map(|&value| f64::from(value)).sum::<f64>() / length as f64;
        assert!((dropped - probability).abs() < 0.005, "probability {probability}: {dropped} dropped");
        assert!((mean - 10.0).abs() < 0.1, "probability {probability}: mean {mean}");
        // Backward draws the same mask.
        let gradient = single.backward(&input, &output, &input);
        assert_eq!(gradient, output, "probability {probability}");
        assert_eq!(single.forward(Mode::Evaluate, &input), input);
        if probability > 0.0 {
            single.random = RandomKey::new(4);
            assert_ne!(single.forward(Mode::Train, &input), output, "another step has another mask");
        }
    }
}

#[test]
fn a_sum_adds_and_gives_its_gradient_to_both() {
    let layer = Add::new(Shape::Features(3));
    let (first, second) = ([1.0, 2.0, -3.0], [0.5, -2.0, 4.0]);
    let mut single = SingleLayer::of(layer.into(), Shape::Features(3), 1);
    assert_eq!(single.forward_two(Mode::Train, [&first, &second]), [1.5, 0.0, 1.0]);
    let (mut one, mut two) = ([0.0; 3], [0.0; 3]);
    let mut above = [7.0, 8.0, 9.0];
    layer.backward(Backward::new(1, &mut above).with_grad_input(&mut one).with_second_grad_input(&mut two));
    assert_eq!((one, two), ([7.0, 8.0, 9.0], [7.0, 8.0, 9.0]));
}

#[test]
fn flatten_is_a_view() {
    let single = SingleLayer::new(r#"{"type": "flatten"}"#, shape(&[2, 3, 5]), 1);
    assert!(single.layer.is_view());
    assert_eq!(single.layer.output_shape(), Shape::Features(30));
}

#[test]
fn a_smaller_batch_than_planned_uses_part_of_the_memory() {
    let configs = [
        r#"{"type": "batch_norm"}"#,
        r#"{"type": "layer_norm"}"#,
        r#"{"type": "max_pool"}"#,
        r#"{"type": "global_avg_pool"}"#,
        r#"{"type": "instance_norm"}"#,
    ];
    for config in configs {
        let mut planned = SingleLayer::new(config, shape(&[4, 6, 5]), 7);
        let mut exact = SingleLayer::new(config, shape(&[4, 6, 5]), 2);
        planned.batch = 2;
        let input = deterministic_values(1, 2 * 120, -1.0, 1.0);
        let (a, b) = (planned.forward(Mode::Train, &input), exact.forward(Mode::Train, &input));
        assert_eq!(a, b, "{config}");
        assert_eq!(planned.backward(&input, &a, &a), exact.backward(&input, &b, &b), "{config}");
    }
}

#[test]
fn layers_that_do_not_fit_are_refused_with_both_shapes() {
    let (image, vector) = (shape(&[3, 3, 2]), Shape::Features(8));
    let cases = [
        (r#"{"type": "max_pool", "kernel": 4}"#, image, "4x4 window of max_pool does not fit the input 3x3x2"),
        (r#"{"type": "avg_pool", "kernel": 0}"#, image, "kernel of avg_pool is 0"),
        (r#"{"type": "avg_pool", "stride": [1, 0]}"#, image, "stride of avg_pool is 0"),
        (r#"{"type": "max_pool", "padding": 2}"#, image, "more than half"),
        (r#"{"type": "max_pool"}"#, vector, "vector of 8 features"),
        (r#"{"type": "global_avg_pool"}"#, vector, "needs an image"),
        (r#"{"type": "maxout", "out_features": 3}"#, image, "image of 3x3x2"),
        (r#"{"type": "maxout", "out_features": 3, "pieces": 0}"#, vector, "pieces of maxout is 0"),
        (r#"{"type": "dropout", "probability": 1.0}"#, vector, "probability of dropout is 1"),
        (r#"{"type": "dropout", "probability": -0.1}"#, vector, "below 1"),
        (r#"{"type": "rescale", "factor": 0}"#, vector, "factor of rescale is 0; it must be finite and not 0"),
        (r#"{"type": "rescale", "factor": 2}"#, shape(&[0, 3, 2]), "empty input"),
        (r#"{"type": "flatten"}"#, shape(&[0, 3, 2]), "empty input"),
        (r#"{"type": "residual", "body": []}"#, image, "several layers"),
    ];
    for (config, input, expected) in cases {
        let spec: LayerSpec = serde_json::from_str(config).unwrap();
        let error = spec.build(input).unwrap_err().to_string();
        assert!(error.contains(expected), "{config}: {error}");
    }
}

#[test]
fn a_layer_can_be_driven_by_hand() {
    let LayerSpec::Dropout(spec) = serde_json::from_str(r#"{"type": "dropout", "probability": 0}"#).unwrap() else {
        panic!("no dropout")
    };
    let layer = spec.build(Shape::Features(2)).unwrap();
    let mut output = [0.0; 2];
    layer.forward(Forward::new(1, &[1.0, 2.0], &mut output));
    assert_eq!(output, [1.0, 2.0]);
}
