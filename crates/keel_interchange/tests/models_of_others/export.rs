//! Exports of every layer, preset, preprocessing step and loss, evaluated with the crate's own evaluator.

use keel_interchange::InterchangeError;
use keel_interchange::onnx::export::{ExportOptions, PictureValues, export, least_opset};
use keel_interchange::onnx::schema::{ModelProto, element};
use keel_interchange::onnx::verify::{ALLOWED, verify};
use keel_interchange::onnx::{Data, Evaluator, Tensor, decode, encode};
use keel_train::Predictor;

use crate::models;

fn options(case: &models::Case) -> ExportOptions {
    let is_float = case.data == models::Data::FloatImages;
    ExportOptions {
        opset: 17,
        keeps_batch_norm: false,
        float16: false,
        pictures: if is_float { PictureValues::Floats } else { PictureValues::Bytes },
        run: case.name.to_owned(),
        version: "test".to_owned(),
    }
}

fn case(name: &str) -> &'static models::Case {
    models::CASES.iter().find(|case| case.name == name).unwrap()
}

fn trained(name: &str) -> (Predictor, ExportOptions) {
    let folder = tempfile::tempdir().unwrap();
    let predictor = models::train(case(name), folder.path());
    let opset = least_opset(&predictor);
    (predictor, ExportOptions { opset, ..options(case(name)) })
}

#[test]
fn every_model_predicts_in_its_graph_as_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    for case in models::CASES {
        let predictor = models::train(case, folder.path());
        for (opset, keeps_batch_norm) in [(17, false), (18, true), (21, false)] {
            let opset = opset.max(least_opset(&predictor));
            let options = ExportOptions { opset, keeps_batch_norm, ..options(case) };
            let exported = export(&predictor, &options).unwrap_or_else(|error| panic!("{}: {error}", case.name));
            let real = match case.data {
                models::Data::Table | models::Data::TableOfValues => {
                    Some(predictor.load_inputs(&predictor.config().data.source).unwrap())
                }
                _ => None,
            };
            let verified = verify(&predictor, &exported, &options, real.as_ref());
            let verified = verified.unwrap_or_else(|error| panic!("{} opset {opset}: {error}", case.name));
            assert!(
                verified.random_samples > 0 && verified.largest_difference <= ALLOWED,
                "{}: {verified:?}",
                case.name
            );
            let again = decode(&encode(&exported.model), "bytes").unwrap();
            assert_eq!(encode(&again), encode(&exported.model), "{}", case.name);
        }
    }
}

#[test]
fn batch_norms_are_folded_or_kept() {
    let (predictor, options) = trained("folded_norms");
    let norms = |keeps_batch_norm| {
        let exported = export(&predictor, &ExportOptions { keeps_batch_norm, ..options.clone() }).unwrap();
        let graph = exported.model.graph.unwrap();
        graph.node.iter().filter(|node| node.op_type == "BatchNormalization").count()
    };
    // The norm after the pool has no weights to fold into.
    assert_eq!((norms(true), norms(false)), (4, 1));
}

#[test]
fn sixteen_bits_halve_the_file_and_are_told_apart_from_an_error() {
    let (predictor, options) = trained("values");
    let whole = export(&predictor, &options).unwrap();
    let half_options = ExportOptions { float16: true, ..options.clone() };
    let half = export(&predictor, &half_options).unwrap();
    let (whole_bytes, half_bytes) = (encode(&whole.model).len(), encode(&half.model).len());
    assert!(half_bytes * 10 < whole_bytes * 7, "{half_bytes} of {whole_bytes}");
    let verified = verify(&predictor, &half, &half_options, None).unwrap();
    assert!(verified.largest_difference > 1e-7, "{verified:?}");
    let types = half.model.graph.unwrap().initializer.iter().filter(|t| t.data_type == Some(element::FLOAT16)).count();
    assert!(types > 2, "{types}");
}

#[test]
fn a_graph_that_predicts_otherwise_is_refused() {
    let (predictor, options) = trained("preset_mlp");
    let mut exported = export(&predictor, &options).unwrap();
    let graph = exported.model.graph.as_mut().unwrap();
    let bias = graph.initializer.iter_mut().rev().find(|tensor| tensor.name.ends_with("/bias")).unwrap();
    let mut values = Tensor::of_proto(bias).unwrap().as_floats().unwrap().to_vec();
    values[0] += 0.01;
    *bias = Tensor::floats([2], values).to_proto(&bias.name.clone());
    let error = verify(&predictor, &exported, &options, None).unwrap_err();
    assert!(matches!(error, InterchangeError::Unequal { difference, .. } if difference > ALLOWED), "{error}");
}

#[test]
fn metadata_names_labels_columns_and_preprocessing() {
    let (predictor, options) = trained("table");
    let model = export(&predictor, &options).unwrap().model;
    let text = |key: &str| model.metadata_props.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
    assert_eq!(text("classes"), Some(r#"["3","label one","label two"]"#));
    assert!(text("columns").unwrap().contains(r#""name":"colour""#) && text("preprocessing").is_some());
    assert_eq!((text("evenkeel.run"), text("evenkeel.version")), (Some("table"), Some("test")));
    let kinds: Vec<(String, i32)> = model
        .graph
        .unwrap()
        .input
        .iter()
        .map(|input| (input.name.clone(), input.r#type.clone().unwrap().tensor_type.unwrap().elem_type.unwrap()))
        .collect();
    for (name, kind) in [
        ("size", element::FLOAT),
        ("stamp", element::DOUBLE),
        ("when", element::DOUBLE),
        ("wanted", element::STRING),
        ("colour", element::STRING),
    ] {
        assert!(kinds.contains(&(name.to_owned(), kind)), "{name}: {kinds:?}");
    }
}

#[test]
fn words_need_a_newer_operator_set() {
    let (predictor, options) = trained("table");
    assert_eq!(options.opset, 20);
    let error = export(&predictor, &ExportOptions { opset: 19, ..options }).unwrap_err().to_string();
    assert!(error.contains("words") && error.contains("--opset 20"), "{error}");
}

#[test]
fn versions_outside_the_range_are_refused() {
    let (predictor, options) = trained("preset_mlp");
    for opset in [16, 22] {
        let error = export(&predictor, &ExportOptions { opset, ..options.clone() }).unwrap_err().to_string();
        assert!(error.contains(&opset.to_string()) && error.contains("17 to 21"), "{error}");
    }
}

#[test]
fn damaged_files_are_refused_without_a_panic() {
    let (predictor, options) = trained("preset_mlp");
    let model = export(&predictor, &options).unwrap().model;
    let bytes = encode(&model);
    let run = |model: &ModelProto| -> Result<(), keel_onnx::OnnxError> {
        let inputs = [("input".to_owned(), Tensor::new([1, 6], Data::Float(vec![0.5; 6])))].into();
        Evaluator::new(model, "damaged")?.run(inputs).map(drop)
    };
    assert!(run(&model).is_ok());
    let mut refused = 0;
    for length in (0..bytes.len()).step_by(7) {
        refused += usize::from(decode(&bytes[..length], "cut").and_then(|model| run(&model)).is_err());
    }
    assert!(refused * 2 > bytes.len() / 7, "{refused} of {}", bytes.len() / 7);
    for place in 0..bytes.len().min(6_000) {
        let mut changed = bytes.clone();
        changed[place] ^= 0xff;
        let _ = decode(&changed, "changed").and_then(|model| run(&model));
    }
}
