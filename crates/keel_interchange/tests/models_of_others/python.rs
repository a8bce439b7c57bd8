//! Tests against Python packages: onnxruntime evaluates the exported models, and the evaluator runs the node tests of
//! the onnx package.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use keel_interchange::onnx::export::{ExportOptions, PictureValues, export, least_opset};
use keel_interchange::onnx::schema::TensorProto;
use keel_interchange::onnx::verify::Samples;
use keel_interchange::onnx::{Data, Evaluator, Tensor, read, write};
use keel_train::Prediction;
use prost::Message;
use serde_json::{Value, json};

use crate::models;

/// Returns `EVENKEEL_PYTHON`, or `python3`, if it can import `modules`; otherwise reports that `test` is skipped.
fn python(test: &str, modules: &str) -> Option<PathBuf> {
    let python = std::env::var_os("EVENKEEL_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let import = format!("import {modules}");
    let imported = Command::new(&python).args(["-c", &import]).output().is_ok_and(|output| output.status.success());
    if !imported {
        let reason = format!("{} cannot import {modules}; EVENKEEL_PYTHON names another Python", python.display());
        keel_testkit::skipped(test, &reason);
    }
    imported.then_some(python)
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(name)
}

fn tensor_json(tensor: &Tensor) -> Value {
    let (kind, values) = match &tensor.data {
        Data::Float(values) => ("float", json!(values)),
        Data::Double(values) => ("double", json!(values)),
        Data::Int(values) => ("int64", json!(values)),
        Data::Byte(values) => ("uint8", json!(values)),
        Data::Bool(values) => ("bool", json!(values)),
        Data::Text(values) => ("text", json!(values)),
    };
    json!({ "type": kind, "shape": tensor.shape, "values": values })
}

/// Writes NAME.onnx, and NAME.json with inputs and the model's predictions, for random samples and, if available, for
/// training samples. Returns the number of files.
fn write_case(folder: &Path, case: &models::Case, opset: i64, float16: bool) -> usize {
    let predictor = models::train(case, folder);
    let is_float = case.data == models::Data::FloatImages;
    let pictures = if is_float { PictureValues::Floats } else { PictureValues::Bytes };
    let opset = opset.max(least_opset(&predictor));
    let (run, version) = (case.name.to_owned(), "test".to_owned());
    let options = ExportOptions { opset, keeps_batch_norm: opset % 2 == 0, float16, pictures, run, version };
    let exported = export(&predictor, &options).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    let random = Samples::random(&predictor, pictures, 7).unwrap();
    let real =
        models::memory(case.data).and_then(|data| Samples::real(&predictor, pictures, &data.dataset, 20).unwrap());
    let kinds = [("random", Some(random)), ("real", real)];
    let mut written = 0;
    for (kind, samples) in kinds.into_iter().filter_map(|(kind, samples)| samples.map(|samples| (kind, samples))) {
        let predictions = predictor.predict_samples(&samples.dataset, &samples.indices).unwrap();
        let name = format!("{}_{opset}{}_{kind}", case.name, if float16 { "_half" } else { "" });
        write(&folder.join(format!("{name}.onnx")), &exported.model).unwrap();
        let document = json!({
            "inputs": samples.inputs.iter().map(|(name, tensor)| (name, tensor_json(tensor))).collect::<BTreeMap<_, _>>(),
            "numbers": exported.numbers,
            "label": exported.label,
            "labels": predictions.iter().map(label_json).collect::<Vec<_>>(),
            "rows": predictions.iter().map(row_json).collect::<Vec<_>>(),
            "factor": if float16 { 2000.0 } else { 1.0 },
        });
        std::fs::write(folder.join(format!("{name}.json")), document.to_string()).unwrap();
        written += 1;
    }
    written
}

fn row_json(prediction: &Prediction) -> Value {
    match prediction {
        Prediction::Class { probabilities, .. } => json!(probabilities),
        Prediction::Values(values) => json!(values),
        Prediction::Undefined { sample } => panic!("{sample}"),
    }
}

fn label_json(prediction: &Prediction) -> Value {
    match prediction {
        Prediction::Class { name, .. } => json!(name),
        _ => Value::Null,
    }
}

#[test]
fn onnxruntime_computes_what_the_models_predict() {
    let Some(python) = python("onnxruntime_computes_what_the_models_predict", "onnx, onnxruntime, numpy") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let opsets = [17, 18, 19, 20, 21].into_iter().cycle();
    let written = models::CASES.iter().zip(opsets).map(|(case, opset)| write_case(folder.path(), case, opset, false));
    let written = written.sum::<usize>() + write_case(folder.path(), &models::CASES[0], 17, true);
    let checked = Command::new(python).arg(script("onnxruntime_outputs.py")).arg(folder.path()).output().unwrap();
    let lines = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{lines}{}", String::from_utf8_lossy(&checked.stderr));
    assert_eq!(lines.lines().count(), written, "{lines}");
}

/// Operations used by Evenkeel's networks or around them in files of other programs.
const OPERATIONS: [&str; 57] = [
    "Abs",
    "Add",
    "ArgMax",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "Conv",
    "Cos",
    "Div",
    "Dropout",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Flatten",
    "Floor",
    "Gather",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Greater",
    "GreaterOrEqual",
    "GroupNormalization",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "IsNaN",
    "LabelEncoder",
    "LayerNormalization",
    "LeakyRelu",
    "Less",
    "Log",
    "LogSoftmax",
    "MatMul",
    "Max",
    "MaxPool",
    "Min",
    "Mish",
    "Mul",
    "PRelu",
    "ReduceMax",
    "ReduceMean",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Selu",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Sqrt",
    "Sub",
    "Tanh",
    "Transpose",
];

/// Minimum number of node tests that pass; the others use types, dimensions or results that no network of Evenkeel has.
const PASSED_AT_LEAST: usize = 200;

#[test]
fn node_tests_of_the_onnx_package_give_the_right_results() {
    let Some(python) = python("node_tests_of_the_onnx_package_give_the_right_results", "onnx, numpy") else { return };
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(python).arg(script("node_tests.py")).arg(folder.path()).args(OPERATIONS).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (mut passed, mut unread, mut wrong) = (0, Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let place = entry.unwrap().path();
        let name = place.file_name().unwrap().to_string_lossy().into_owned();
        match node_test(&place) {
            Ok(true) => passed += 1,
            Ok(false) => wrong.push(name),
            Err(reason) => unread.push(format!("{name}: {reason}")),
        }
    }
    unread.sort();
    let all = String::from_utf8_lossy(&made.stdout);
    let summary = format!("{passed} passed, {} not read, of {} node tests", unread.len(), all.trim());
    assert!(wrong.is_empty(), "wrong: {wrong:?}; {summary}");
    assert!(passed >= PASSED_AT_LEAST, "{summary}\n{}", unread.join("\n"));
    println!("{summary}\n{}", unread.join("\n"));
}

/// Returns true if the results of a test are right, or an error if it cannot be read.
fn node_test(folder: &Path) -> Result<bool, String> {
    let model = read(&folder.join("model.onnx")).map_err(|error| error.to_string())?;
    let graph = model.graph.as_ref().unwrap();
    let tensor = |path: PathBuf| -> Result<Tensor, String> {
        Tensor::of_proto(&TensorProto::decode(std::fs::read(path).unwrap().as_slice()).unwrap())
    };
    let mut inputs = BTreeMap::new();
    for (number, input) in graph.input.iter().enumerate() {
        inputs.insert(input.name.clone(), tensor(folder.join(format!("input_{number}.pb")))?);
    }
    let evaluator = Evaluator::new(&model, "node test").map_err(|error| error.to_string())?;
    let outputs = evaluator.run(inputs).map_err(|error| error.to_string())?;
    for (number, output) in graph.output.iter().enumerate() {
        let expected = tensor(folder.join(format!("output_{number}.pb")))?;
        let found = &outputs[&output.name];
        if found.shape != expected.shape || !is_close(&found.data, &expected.data) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_close(found: &Data, expected: &Data) -> bool {
    let numbers = |data: &Data| -> Option<Vec<f64>> {
        match data {
            Data::Float(values) => Some(values.iter().map(|&value| f64::from(value)).collect()),
            Data::Double(values) => Some(values.clone()),
            _ => None,
        }
    };
    match (numbers(found), numbers(expected)) {
        (Some(found), Some(expected)) => found.iter().zip(&expected).all(|(found, expected)| {
            found == expected
                || found.is_nan() && expected.is_nan()
                || (found - expected).abs() <= 1e-6 + 1e-3 * expected.abs()
        }),
        _ => found == expected,
    }
}

#[test]
fn tensorboard_reads_what_a_training_writes() {
    let modules = "tensorboard.backend.event_processing.event_accumulator";
    let Some(python) = python("tensorboard_reads_what_a_training_writes", modules) else { return };
    let folder = tempfile::tempdir().unwrap();
    let text = "[data]\nsource = \"moons\"\n[model]\npreset = \"mlp\"\n[train]\nepochs = 3\nthreads = 1\n[health]\nlevel = \"full\"\n[optimizer]\ntype = \"sgd\"\nlearning_rate = 40.0\n[run]\nname = \"r\"\n";
    let overrides = [format!("run.directory={}", folder.path().display())];
    let config = keel_train::config::parse(Path::new("case.toml"), text, &overrides).unwrap();
    let mut log = keel_interchange::tensorboard::TensorBoard::new(&serde_json::to_value(&config).unwrap());
    let trained = keel_train::Training::new(config).run(&mut log);
    assert!(log.path().is_some_and(Path::exists), "{:?}", trained.as_ref().err());
    log.finish(trained.is_ok()).unwrap();
    let run = folder.path().join("r");
    let read = Command::new(python).arg(script("read_events.py")).arg(&run).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let found: Value = serde_json::from_slice(&read.stdout).unwrap();
    let reader = keel_train::runs::MetricReader::open(&run.join("metrics.sqlite")).unwrap();
    let losses = found["scalars"]["step/loss"].as_array().unwrap();
    let steps = reader.steps().unwrap();
    assert_eq!(losses.len(), steps.len());
    for (point, step) in losses.iter().zip(&steps) {
        let (at, loss) = (point[0].as_u64().unwrap(), point[1].as_f64());
        assert!(
            at == step.step && loss.is_none_or(|loss| (loss - step.loss).abs() <= 1e-5 * loss.abs().max(1.0)),
            "{point} {step:?}"
        );
    }
    assert_eq!(found["scalars"]["validation/loss"].as_array().map(Vec::len), Some(3), "{found}");
    let histograms = found["histograms"].as_object().unwrap();
    assert!(!histograms.is_empty(), "no histograms");
    let findings = reader.findings().unwrap();
    for finding in &findings {
        let texts = found["texts"][format!("findings/{}", finding.code)].to_string();
        assert!(texts.contains(&finding.code), "{}: {texts}", finding.code);
    }
    assert!(!findings.is_empty(), "a rate of 40 is found");
    assert_eq!((&found["settings"]["train.epochs"], &found["status"]), (&json!(3.0), &json!(1)));
}

#[test]
fn tensorboard_shows_the_samples_and_the_filters_of_each_epoch() {
    let modules = "tensorboard.backend.event_processing.event_accumulator";
    let Some(python) = python("tensorboard_shows_the_samples_and_the_filters_of_each_epoch", modules) else { return };
    let folder = tempfile::tempdir().unwrap();
    let text = "[data]\nsource = \"digits\"\n[train]\nepochs = 2\nthreads = 1\n[health]\nlevel = \"off\"\n[run]\nname = \"r\"\n\
        [[model.layers]]\ntype = \"conv2d\"\nout_channels = 5\n[[model.layers]]\ntype = \"flatten\"\n\
        [[model.layers]]\ntype = \"linear\"\n";
    let overrides = [format!("run.directory={}", folder.path().display())];
    let config = keel_train::config::parse(Path::new("case.toml"), text, &overrides).unwrap();
    let mut log = keel_interchange::tensorboard::TensorBoard::new(&serde_json::to_value(&config).unwrap());
    keel_train::Training::new(config).run(&mut log).unwrap();
    log.finish(true).unwrap();
    let read = Command::new(python).arg(script("read_events.py")).arg(folder.path().join("r")).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let found: Value = serde_json::from_slice(&read.stdout).unwrap();
    // Five filters of 3x3 in three columns and two rows, each enlarged sixteen times, two pixels apart.
    assert_eq!(found["images"]["filters/conv2d_1"], json!([[152, 102], [152, 102]]), "{}", found["images"]);
    assert_eq!(found["images"]["samples"].as_array().map(Vec::len), Some(1), "{}", found["images"]);
}
