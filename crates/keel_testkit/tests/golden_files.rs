//! The committed golden files are well formed.

use std::path::PathBuf;

use keel_testkit::CourseConformance;
use keel_testkit::golden::{
    CurveCase, GoldenCase, GoldenError, GoldenFile, LossCase, Mode, NamedTensors, OptimizerCase, Pass, ScheduleCase,
    Targets, Tensor,
};

const LAYER_FAMILIES: [&str; 14] = [
    "activations",
    "avg_pool",
    "batch_norm",
    "conv2d",
    "conv2d_groups",
    "conv2d_padding",
    "global_avg_pool",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "linear",
    "max_pool",
    "maxout",
    "residual",
];

fn path(family: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../keel_nn/tests/golden")).join(format!("{family}.json"))
}

fn check_tensor(what: &str, tensor: &Tensor) {
    assert_eq!(tensor.len(), tensor.values.len(), "{what}: shape {:?}", tensor.shape);
    assert!(tensor.values.iter().all(|value| value.is_finite()), "{what}: not finite");
}

fn check_named(what: &str, tensors: &NamedTensors) {
    for (name, tensor) in tensors {
        check_tensor(&format!("{what} {name}"), tensor);
    }
}

fn with_batch(batch: usize, shape: &[usize]) -> Vec<usize> {
    [&[batch], shape].concat()
}

fn check_pass(what: &str, case: &GoldenCase, pass: &Pass) {
    let parameter_names: Vec<_> = case.parameters.keys().collect();
    assert_eq!(pass.input.shape, with_batch(case.batch, &case.input_shape), "{what}");
    assert_eq!(pass.output.shape, with_batch(case.batch, &case.output_shape), "{what}");
    check_tensor(what, &pass.input);
    check_tensor(what, &pass.output);
    check_named(what, &pass.grad_parameters);
    check_named(what, &pass.state);
    assert_eq!(pass.state.keys().collect::<Vec<_>>(), case.state.keys().collect::<Vec<_>>(), "{what}");
    if pass.mode == Mode::Train {
        let (Some(grad_output), Some(grad_input)) = (&pass.grad_output, &pass.grad_input) else {
            panic!("{what}: a training pass has gradients");
        };
        assert_eq!(grad_output.shape, pass.output.shape, "{what}");
        assert_eq!(grad_input.shape, pass.input.shape, "{what}");
        check_tensor(what, grad_output);
        check_tensor(what, grad_input);
        assert_eq!(pass.grad_parameters.keys().collect::<Vec<_>>(), parameter_names, "{what}");
        for (name, gradient) in &pass.grad_parameters {
            assert_eq!(gradient.shape, case.parameters[name].shape, "{what} {name}");
        }
    }
}

#[test]
fn layer_files_are_consistent() {
    for family in LAYER_FAMILIES {
        let file = GoldenFile::<GoldenCase>::read(path(family)).unwrap();
        assert_eq!(file.family, family);
        let mut names: Vec<_> = file.cases.iter().map(|case| &case.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), file.cases.len(), "{family}: names are unique");
        for case in &file.cases {
            let what = format!("{family}/{}", case.name);
            assert!(case.layer["type"].is_string(), "{what}");
            check_named(&what, &case.parameters);
            check_named(&what, &case.state);
            assert!(case.passes.iter().any(|pass| pass.mode == Mode::Train), "{what}");
            for pass in &case.passes {
                check_pass(&what, case, pass);
            }
        }
    }
}

#[test]
fn linear_outputs_follow_from_their_inputs() {
    let file = GoldenFile::<GoldenCase>::read(path("linear")).unwrap();
    for case in &file.cases {
        let (weight, pass) = (&case.parameters["weight"], &case.passes[0]);
        let (in_features, out_features) = (weight.shape[0], weight.shape[1]);
        for (row, output_row) in pass.output.values.chunks_exact(out_features).enumerate() {
            for (column, &output) in output_row.iter().enumerate() {
                let bias = case.parameters.get("bias").map_or(0.0, |bias| f64::from(bias.values[column]));
                let product = |index: usize| {
                    f64::from(pass.input.values[row * in_features + index])
                        * f64::from(weight.values[index * out_features + column])
                };
                let expected = bias + (0..in_features).map(product).sum::<f64>();
                assert!((expected - f64::from(output)).abs() < 1e-6, "{} [{row}, {column}]", case.name);
            }
        }
    }
}

#[test]
fn loss_files_are_consistent() {
    let file = GoldenFile::<LossCase>::read(path("losses")).unwrap();
    for case in &file.cases {
        check_tensor(&case.name, &case.predictions);
        check_tensor(&case.name, &case.grad_predictions);
        assert!(case.value.is_finite() && case.loss["type"].is_string(), "{}", case.name);
        match &case.targets {
            Targets::Labels(labels) => {
                assert_eq!(labels.len(), case.predictions.shape[0], "{}", case.name);
                assert!(labels.iter().all(|&label| label < case.predictions.shape[1]), "{}", case.name);
            }
            Targets::Values(values) => assert_eq!(values.shape, case.predictions.shape, "{}", case.name),
        }
    }
}

#[test]
fn optimizer_and_schedule_files_are_consistent() {
    for case in &GoldenFile::<OptimizerCase>::read(path("optimizers")).unwrap().cases {
        assert_eq!(case.gradients.len(), case.after.len(), "{}", case.name);
        let rows = case.gradients.iter().chain(&case.after);
        assert!(rows.clone().all(|row| row.len() == case.initial.len()), "{}", case.name);
        assert!(case.after.iter().all(|row| row != &case.initial), "{}", case.name);
    }
    for case in &GoldenFile::<ScheduleCase>::read(path("schedules")).unwrap().cases {
        assert_eq!(case.learning_rates.len(), case.total_steps, "{}", case.name);
        assert!(case.learning_rates.iter().all(|rate| *rate >= 0.0 && *rate <= case.learning_rate * (1.0 + 1e-12)));
    }
}

#[test]
fn curves_learn_and_their_formulas_hold() {
    for case in &GoldenFile::<CurveCase>::read(path("curves")).unwrap().cases {
        assert_eq!(case.losses.len(), 20, "{}", case.name);
        assert!(case.losses[19] < case.losses[0], "{}", case.name);
        assert!(case.float32_difference < 1e-5, "{}", case.name);
        let (inputs, labels) = case.input.batch_of(0);
        assert_eq!(inputs.len(), case.input.batch * case.input.shape.iter().product::<usize>());
        assert_eq!(labels.len(), case.input.batch);
        for parameter in &case.parameters {
            assert_eq!(parameter.seed.is_some(), parameter.limit.is_some(), "{}", parameter.name);
            assert_ne!(parameter.seed.is_some(), parameter.constant.is_some(), "{}", parameter.name);
            let values = parameter.initial_values();
            assert_eq!(values.len(), parameter.shape.iter().product::<usize>(), "{}", parameter.name);
        }
    }
}

#[test]
fn course_numbers_are_there() {
    let course = CourseConformance::read(path("course_conformance")).unwrap();
    for (case, field, shape) in [
        ("affine_backward", "dw", [6, 5].as_slice()),
        ("bn_backward", "dx", &[4, 5]),
        ("conv_backward", "x", &[4, 3, 5, 5]),
        ("maxpool_forward", "out", &[2, 3, 2, 2]),
        ("adam", "next_w", &[4, 5]),
    ] {
        let tensor = course.tensor(case, field).unwrap();
        assert_eq!(tensor.shape, shape, "{case}.{field}");
    }
}

#[test]
fn a_missing_file_says_how_to_make_it() {
    let error = GoldenFile::<GoldenCase>::read(path("no_such_family")).unwrap_err();
    assert!(matches!(error, GoldenError::Unreadable { .. }));
    assert!(error.to_string().contains("tools/golden/generate.py"), "{error}");
}
