//! Initialisers: statistics, orthogonality, sparsity, the same bits for any number of threads, config forms.

use keel_nn::activations::{Activation, all};
use keel_nn::init::{CATALOG, Fan, InitSpec, KaimingNormalSpec, XavierNormalSpec};
use keel_nn::{ParameterRole, ParameterSpec, RandomKey};
use keel_testkit::{Tolerance, assert_close};
use serde_json::json;

/// Spec of a weight `[in_features, out_features]`, or of a convolution's `[kernel, kernel, in, out]`.
fn weight(shape: &[usize]) -> ParameterSpec {
    let (&last, rest) = shape.split_last().unwrap();
    let window: usize = rest[..rest.len() - 1].iter().product();
    let (fan_in, fan_out) = (rest.iter().product(), window * last);
    ParameterSpec { name: "weight", shape: shape.to_vec(), role: ParameterRole::Weight, fan_in, fan_out, init: None }
}

fn filled(config: serde_json::Value, spec: &ParameterSpec, following: Option<Activation>, seed: u64) -> Vec<f32> {
    let init: InitSpec = serde_json::from_value(config).unwrap();
    let mut values = vec![f32::NAN; spec.len()];
    init.fill(&mut values, spec, following, RandomKey::new(seed));
    values
}

fn mean_and_std(values: &[f32]) -> (f64, f64) {
    let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64;
    let square = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / values.len() as f64;
    (mean, square.sqrt())
}

#[test]
fn standard_deviations_are_those_of_the_formulas() {
    let linear = weight(&[200, 1000]);
    let convolution = weight(&[3, 3, 32, 64]);
    let relu = Some(Activation::Relu);
    let third = 3f64.sqrt();
    let cases = [
        (json!({"type": "normal", "std": 0.01}), &linear, None, 0.01),
        (json!({"type": "uniform", "limit": 0.3}), &linear, None, 0.3 / third),
        (json!("xavier_normal"), &linear, None, (2.0f64 / 1200.0).sqrt()),
        (json!("xavier_uniform"), &linear, None, (2.0f64 / 1200.0).sqrt()),
        (json!({"type": "xavier_normal", "fan": "in"}), &linear, None, (1.0f64 / 200.0).sqrt()),
        (json!({"type": "xavier_uniform", "fan": "out", "gain": 2.0}), &linear, None, 2.0 * (1.0f64 / 1000.0).sqrt()),
        (json!("kaiming_normal"), &convolution, relu, (2.0f64 / 288.0).sqrt()),
        (json!("kaiming_uniform"), &convolution, relu, (2.0f64 / 288.0).sqrt()),
        (json!({"type": "kaiming_normal", "fan": "out"}), &convolution, relu, (2.0f64 / 576.0).sqrt()),
        (json!({"type": "kaiming_normal", "gain": 1.0}), &convolution, relu, (1.0f64 / 288.0).sqrt()),
        (json!("lecun_normal"), &convolution, relu, (1.0f64 / 288.0).sqrt()),
        (json!("auto"), &linear, relu, (2.0f64 / 200.0).sqrt()),
        (json!("auto"), &linear, Some(Activation::Tanh), (2.0f64 / 1200.0).sqrt()),
    ];
    for (config, spec, following, expected) in cases {
        for seed in 0..3 {
            let values = filled(config.clone(), spec, following, seed);
            let (mean, std) = mean_and_std(&values);
            // Five standard errors; that of a normal sample's standard deviation is std / sqrt(2 n).
            let error = 5.0 * expected / (values.len() as f64).sqrt();
            assert!(mean.abs() < error && (std - expected).abs() < error, "{config}: {mean} {std}, not 0 {expected}");
        }
    }
}

#[test]
fn draws_have_the_right_shape() {
    let spec = weight(&[400, 500]);
    let normal = filled(json!({"type": "normal", "std": 2.0}), &spec, None, 7);
    for (limit, share) in [(1.0, 0.682_689), (2.0, 0.954_500), (3.0, 0.997_300)] {
        let inside = normal.iter().filter(|value| value.abs() < 2.0 * limit).count() as f64 / normal.len() as f64;
        assert!((inside - share).abs() < 0.006, "{inside} within {limit} standard deviations, not {share}");
    }
    let uniform = filled(json!({"type": "uniform", "limit": 0.5}), &spec, None, 7);
    let largest = uniform.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    assert!((0.499..=0.5).contains(&largest), "{largest}");
    for quarter in 0..4 {
        let low = -0.5 + 0.25 * quarter as f32;
        let share = uniform.iter().filter(|&&value| value >= low && value < low + 0.25).count() as f64 / 200_000.0;
        assert!((share - 0.25).abs() < 0.005, "{share}");
    }
}

#[test]
fn constants_and_zeros() {
    let spec = weight(&[3, 5]);
    assert_eq!(filled(json!("zeros"), &spec, None, 0), [0.0; 15]);
    assert_eq!(filled(json!({"type": "constant", "value": 0.01}), &spec, None, 0), [0.01; 15]);
}

#[test]
fn orthogonal_matrices_are_orthogonal() {
    for (shape, gain) in
        [(&[7, 7][..], 1.0), (&[31, 5], 1.5), (&[3, 17], 1.0), (&[3, 3, 4, 8], 1.0), (&[1, 1], 2.0), (&[200, 130], 1.0)]
    {
        let spec = weight(shape);
        let values = filled(json!({"type": "orthogonal", "gain": gain}), &spec, None, 5);
        let columns = *shape.last().unwrap();
        let rows = values.len() / columns;
        let element = |row: usize, column: usize| f64::from(values[row * columns + column]);
        let small = rows.min(columns);
        let mut products = Vec::new();
        for i in 0..small {
            for j in 0..small {
                let product: f64 = match rows >= columns {
                    true => (0..rows).map(|row| element(row, i) * element(row, j)).sum(),
                    false => (0..columns).map(|column| element(i, column) * element(j, column)).sum(),
                };
                products.push(product as f32);
            }
        }
        let identity: Vec<f32> =
            (0..small * small).map(|index| if index / small == index % small { gain * gain } else { 0.0 }).collect();
        assert_close(&products, &identity, Tolerance::new(1e-5, 2e-6), &format!("{shape:?}"));
    }
    // Uniform over the orthogonal matrices: a 1 x 1 one is 1 or -1, each with probability one half.
    let positive = (0..200).filter(|&seed| filled(json!("orthogonal"), &weight(&[1, 1]), None, seed)[0] > 0.0).count();
    assert!((60..140).contains(&positive), "{positive} of 200");
}

#[test]
fn dirac_hands_inputs_on() {
    let square = filled(json!("dirac"), &weight(&[4, 4]), None, 1);
    assert_eq!(square, [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    // Kernel [height, width, inputs / groups, outputs], groups; the position that is passed through.
    for ([height, width, inputs, outputs], groups, centre) in [
        ([3, 3, 4, 6], 1, (1, 1)),
        ([3, 3, 6, 4], 1, (1, 1)),
        ([2, 2, 3, 3], 1, (1, 1)),
        ([1, 5, 2, 8], 2, (0, 2)),
        ([3, 3, 1, 8], 8, (1, 1)),
    ] {
        let spec = weight(&[height, width, inputs, outputs]);
        let spec = ParameterSpec { fan_out: spec.fan_out / groups, ..spec };
        let values = filled(json!("dirac"), &spec, None, 2);
        for output in 0..outputs {
            let filter: Vec<f32> = values.iter().copied().skip(output).step_by(outputs).collect();
            let input = output % (outputs / groups);
            if input >= inputs {
                assert!(filter.iter().all(|&value| value != 0.0), "{:?}: filter {output} is drawn", spec.shape);
                continue;
            }
            let mut expected = vec![0.0; filter.len()];
            expected[(centre.0 * width + centre.1) * inputs + input] = 1.0;
            assert_eq!(filter, expected, "{:?}: filter {output}", spec.shape);
        }
    }
    let drawn = filled(json!("dirac"), &weight(&[3, 3, 2, 2002]), None, 3);
    let drawn: Vec<f32> = drawn.chunks(2002).flat_map(|row| row[2..].to_vec()).collect();
    let (mean, std) = mean_and_std(&drawn);
    assert!(mean.abs() < 0.01 && (std - (1.0f64 / 18.0).sqrt()).abs() < 0.01, "{mean} {std}");
}

#[test]
fn sparse_columns_have_exactly_n_connections() {
    for (rows, columns, n) in [(100, 40, 10), (5, 3, 10), (1, 7, 1), (50, 1, 49)] {
        let spec = weight(&[rows, columns]);
        let values = filled(json!({"type": "sparse", "n": n}), &spec, Some(Activation::Relu), 3);
        for column in 0..columns {
            let count = (0..rows).filter(|row| values[row * columns + column] != 0.0).count();
            assert_eq!(count, n.min(rows), "column {column} of {rows} x {columns}");
        }
    }
    let spec = weight(&[300, 3000]);
    let values = filled(json!("sparse"), &spec, Some(Activation::Relu), 3);
    let chosen: Vec<f32> = values.iter().copied().filter(|&value| value != 0.0).collect();
    let (mean, std) = mean_and_std(&chosen);
    assert!(mean.abs() < 0.013 && (std - (2.0f64 / 10.0).sqrt()).abs() < 0.01, "{mean} {std}");
    let (used, rows) =
        ((0..300).map(|row| values[row * 3000..(row + 1) * 3000].iter().filter(|&&v| v != 0.0).count()), 300);
    let (fewest, most) = (used.clone().min().unwrap(), used.max().unwrap());
    assert!(fewest > 50 && most < 150, "each of {rows} inputs should have about 100 connections: {fewest}..{most}");
}

#[test]
fn lsuv_starts_orthogonal_and_says_how_to_go_on() {
    let spec = weight(&[20, 20]);
    assert_eq!(filled(json!("lsuv"), &spec, None, 4), filled(json!("orthogonal"), &spec, None, 4));
    let init: InitSpec = serde_json::from_value(json!("lsuv")).unwrap();
    let lsuv = init.lsuv().unwrap();
    assert_eq!((lsuv.target, lsuv.tolerance, lsuv.iterations), (1.0, 0.02, 20));
    assert_eq!(lsuv.factor(4.0), Some(0.5));
    for variance in [1.0, 0.985, 1.015, 0.0, f64::NAN, f64::INFINITY] {
        assert_eq!(lsuv.factor(variance), None, "{variance}");
    }
    assert_eq!(InitSpec::Zeros.lsuv(), None);
}

#[test]
fn the_same_key_gives_the_same_bits_on_any_number_of_threads() {
    let spec = weight(&[257, 509]);
    for name in ["kaiming_normal", "xavier_uniform", "orthogonal", "sparse"] {
        let run = |threads: usize, seed: u64| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| filled(json!(name), &spec, Some(Activation::Relu), seed))
        };
        let alone = run(1, 1);
        for threads in [2, 3, 5] {
            assert!(run(threads, 1) == alone, "{name}, {threads} threads");
        }
        assert!(run(1, 2) != alone, "{name}: a different seed");
        let (first, second) = (&alone[..16_384], &alone[16_384..32_768]);
        assert!(name == "sparse" || first != second, "{name}: chunks repeat");
    }
}

#[test]
fn auto_follows_the_activation() {
    for activation in all() {
        let expected = match activation {
            Activation::Sigmoid | Activation::Tanh => {
                InitSpec::XavierNormal(XavierNormalSpec { gain: 1.0, fan: Fan::Average })
            }
            Activation::Identity | Activation::Selu => InitSpec::LecunNormal,
            _ => InitSpec::KaimingNormal(KaimingNormalSpec { gain: Some(activation.gain().value()), fan: Fan::In }),
        };
        assert_eq!(InitSpec::Auto.resolve(Some(activation)), expected, "{activation}");
        assert_eq!(expected.resolve(Some(Activation::Relu)), expected, "explicit choices stay");
    }
    assert_eq!(InitSpec::Auto.resolve(None), InitSpec::LecunNormal);
    let roles = [
        (ParameterRole::Weight, InitSpec::LecunNormal),
        (ParameterRole::Bias, InitSpec::Zeros),
        (ParameterRole::Scale, InitSpec::constant(1.0)),
        (ParameterRole::Shift, InitSpec::Zeros),
    ];
    for (role, expected) in roles {
        let spec = ParameterSpec { role, ..weight(&[2, 2]) };
        assert_eq!(InitSpec::of(&spec, Some(Activation::Selu)), expected, "{role:?}");
    }
}

#[test]
fn the_resolved_choice_reads_well() {
    let convolution = weight(&[3, 3, 32, 64]);
    let cases = [
        (json!("auto"), Some(Activation::Relu), "kaiming_normal(gain 1.414, fan_in 288)"),
        (json!("auto"), Some(Activation::Tanh), "xavier_normal(gain 1, fan_average 432)"),
        (json!("auto"), Some(Activation::Selu), "lecun_normal(fan_in 288)"),
        (json!({"type": "kaiming_uniform", "fan": "out"}), None, "kaiming_uniform(gain 1, fan_out 576)"),
        (json!({"type": "normal", "std": 0.0005}), None, "normal(std 0.0005)"),
        (json!({"type": "constant", "value": 0.1}), None, "constant(0.1)"),
        (json!("sparse"), Some(Activation::Relu), "sparse(n 10, std 0.4472)"),
        (json!("orthogonal"), None, "orthogonal(gain 1)"),
        (json!("lsuv"), None, "lsuv(target 1, tolerance 0.02, iterations 20)"),
        (json!("zeros"), None, "zeros"),
        (json!("dirac"), None, "dirac"),
    ];
    for (config, following, text) in cases {
        let init: InitSpec = serde_json::from_value(config).unwrap();
        assert_eq!(init.resolve(following).describe(&convolution), text);
    }
    assert_eq!(InitSpec::LecunNormal.to_string(), "lecun_normal(fan_in)");
}

#[test]
fn config_gives_a_name_or_a_table() {
    for entry in CATALOG {
        let setting = match entry.name {
            "constant" => Some("value"),
            "normal" => Some("std"),
            "uniform" => Some("limit"),
            _ => None,
        };
        let bare = serde_json::from_value::<InitSpec>(json!(entry.name));
        let init = match setting {
            None => bare.unwrap(),
            Some(key) => {
                let error = bare.unwrap_err().to_string();
                assert_eq!(error, format!("missing field `{key}`"), "{}", entry.name);
                serde_json::from_value(json!({"type": entry.name, key: 0.5})).unwrap()
            }
        };
        assert_eq!(init.name(), entry.name);
        assert_eq!(serde_json::from_value::<InitSpec>(serde_json::to_value(init).unwrap()).unwrap(), init);
        let unknown = json!({"type": entry.name, "value": 1, "std": 1, "limit": 1, "colour": 1});
        assert!(serde_json::from_value::<InitSpec>(unknown).is_err(), "{}: unknown keys are rejected", entry.name);
    }
    let wrong = [
        (json!("xavier"), "unknown variant `xavier`, expected one of `auto`, `zeros`"),
        (json!(0.1), "expected the name of an initialiser, or a table with its type and settings"),
        (json!({"std": 0.1}), "missing field `type`"),
        (
            json!({"type": "xavier_normal", "fan": "both"}),
            "unknown variant `both`, expected one of `in`, `out`, `average`",
        ),
    ];
    for (config, message) in wrong {
        let error = serde_json::from_value::<InitSpec>(config).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let schema = schemars::schema_for!(InitSpec).to_value();
    let names = schema["anyOf"][0]["enum"].as_array().unwrap();
    assert_eq!(names.len(), 13, "all but constant, normal and uniform: {names:?}");
    assert_eq!(schema["anyOf"][1]["oneOf"].as_array().unwrap().len(), 16);
}

#[test]
fn impossible_settings_are_refused() {
    let cases = [
        (json!({"type": "normal", "std": -1.0}), "std of the initialiser normal is -1; it must be 0 or more"),
        (json!({"type": "sparse", "n": 0}), "n of the initialiser sparse is 0; it must be 1 or more"),
        (json!({"type": "orthogonal", "gain": 0.0}), "gain of the initialiser orthogonal is 0; it must be above 0"),
        (
            json!({"type": "patch_whitening", "epsilon": 0.0}),
            "epsilon of the initialiser patch_whitening is 0; it must be above 0",
        ),
        (json!({"type": "lsuv", "target": -2.0}), "target of the initialiser lsuv is -2; it must be above 0"),
    ];
    for (config, message) in cases {
        let init: InitSpec = serde_json::from_value(config).unwrap();
        assert_eq!(init.validate().unwrap_err().to_string(), message);
    }
    assert!(InitSpec::constant(f32::NAN).validate().is_err());
    assert!(
        CATALOG
            .iter()
            .filter_map(|entry| serde_json::from_value::<InitSpec>(json!(entry.name)).ok())
            .all(|init| init.validate().is_ok())
    );
}
