//! Imports of all exports, and of files in the style of other programs.

use std::collections::BTreeMap;

use keel_data::{Dataset, Inputs, SampleShape, Targets};
use keel_interchange::onnx::export::{ExportOptions, PictureValues, export, least_opset};
use keel_interchange::onnx::import::{Ending, Outputs, import};
use keel_interchange::onnx::schema::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, attribute_kind, element,
};
use keel_interchange::onnx::verify::Samples;
use keel_interchange::onnx::{Data, Evaluator, Tensor, saved};
use keel_onnx::OnnxError;
use keel_train::{Prediction, Predictor};

use crate::models;

fn numbers(predictions: &[Prediction]) -> Vec<f64> {
    let row = |prediction: &Prediction| match prediction {
        Prediction::Class { probabilities, .. } => probabilities.iter().map(|&share| f64::from(share)).collect(),
        Prediction::Values(values) => values.clone(),
        Prediction::Undefined { sample } => panic!("{sample}"),
    };
    predictions.iter().flat_map(row).collect()
}

#[test]
fn every_export_is_imported_again_and_predicts_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for case in models::CASES {
        let predictor = models::train(case, folder.path());
        let pictures = match case.data {
            models::Data::FloatImages => PictureValues::Floats,
            _ => PictureValues::Bytes,
        };
        for (opset, keeps_batch_norm) in [(17, false), (18, true), (20, false)] {
            let opset = opset.max(least_opset(&predictor));
            let (run, version, float16) = (String::new(), "test".to_owned(), false);
            let options = ExportOptions { opset, keeps_batch_norm, float16, pictures, run, version };
            let model = export(&predictor, &options).unwrap().model;
            let imported = import(&model, case.name).unwrap_or_else(|error| panic!("{} {opset}: {error}", case.name));
            let place = folder.path().join(format!("{}-{opset}", case.name));
            let saved = saved::save(&imported, &place, case.name, imported.outputs()).unwrap();
            assert!(std::fs::read_to_string(&saved.config).unwrap().contains("weights = "), "{}", case.name);
            // Multiple views of an image concern evaluation, not the network.
            if case.keys.iter().any(|key| key.contains("evaluation")) {
                continue;
            }
            let again = Predictor::load(&saved.model).unwrap_or_else(|error| panic!("{}: {error}", case.name));
            let samples = Samples::random(&predictor, pictures, 5).unwrap();
            let expected = numbers(&predictor.predict_samples(&samples.dataset, &samples.indices).unwrap());
            let found = numbers(&again.predict_samples(&samples.dataset, &samples.indices).unwrap());
            for (found, expected) in found.iter().zip(&expected) {
                let close = (found - expected).abs() <= 2e-5 * expected.abs().max(1.0);
                assert!(close, "{} {opset}: {found} instead of {expected}", case.name);
            }
        }
    }
}

/// A file in the style of another program.
#[derive(Default)]
struct Foreign {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Foreign {
    fn constant(&mut self, shape: &[usize]) -> String {
        let name = format!("w{}", self.constants.len());
        let length: usize = shape.iter().product();
        let start = self.constants.len() as f32;
        let values = (0..length).map(|at| ((at as f32 + 3.0 * start) * 0.83).sin() * 0.4).collect();
        self.constants.push(Tensor::floats(shape, values).to_proto(&name));
        name
    }

    fn positive(&mut self, length: usize) -> String {
        let name = format!("w{}", self.constants.len());
        self.constants
            .push(Tensor::floats([length], (0..length).map(|at| 0.5 + at as f32 * 0.1).collect()).to_proto(&name));
        name
    }

    fn node(&mut self, operation: &str, inputs: &[&str], attributes: &[(&str, &[i64])]) -> String {
        let output = format!("v{}", self.nodes.len());
        let attribute = |(name, values): &(&str, &[i64])| match *values {
            [one] => AttributeProto {
                name: (*name).to_owned(),
                i: Some(*one),
                kind: Some(attribute_kind::INT),
                ..AttributeProto::default()
            },
            several => AttributeProto {
                name: (*name).to_owned(),
                ints: several.to_vec(),
                kind: Some(attribute_kind::INTS),
                ..AttributeProto::default()
            },
        };
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.clone()],
            name: format!("node {}", self.nodes.len()),
            op_type: operation.to_owned(),
            attribute: attributes.iter().map(attribute).collect(),
            domain: String::new(),
        });
        output
    }

    fn norm(&mut self, input: &str, channels: usize) -> String {
        let (scale, shift) = (self.positive(channels), self.constant(&[channels]));
        let (mean, variance) = (self.constant(&[channels]), self.positive(channels));
        self.node("BatchNormalization", &[input, &scale, &shift, &mean, &variance], &[])
    }

    fn model(self, shape: &[i64], output: &str) -> ModelProto {
        let dims = shape.iter().map(|&size| match size {
            -1 => DimensionProto { dim_param: Some("n".to_owned()), ..DimensionProto::default() },
            size => DimensionProto { dim_value: Some(size), ..DimensionProto::default() },
        });
        let info = |name: &str, dim: Vec<DimensionProto>| ValueInfoProto {
            name: name.to_owned(),
            r#type: Some(TypeProto {
                tensor_type: Some(TensorTypeProto {
                    elem_type: Some(element::FLOAT),
                    shape: Some(TensorShapeProto { dim }),
                }),
            }),
            doc_string: String::new(),
        };
        let graph = GraphProto {
            node: self.nodes,
            initializer: self.constants,
            input: vec![info("x", dims.collect())],
            output: vec![info(output, Vec::new())],
            ..GraphProto::default()
        };
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version: Some(17) }];
        ModelProto { ir_version: Some(8), graph: Some(graph), opset_import, ..ModelProto::default() }
    }
}

/// A residual network as exported by PyTorch.
fn residual_network() -> ModelProto {
    let mut file = Foreign::default();
    let (weight, bias) = (file.constant(&[4, 2, 3, 3]), file.constant(&[4]));
    let value = file.node("Conv", &["x", &weight, &bias], &[("pads", &[1, 1, 1, 1]), ("kernel_shape", &[3, 3])]);
    let value = file.node("Relu", &[&value], &[]);
    let (first, second) = (file.constant(&[6, 4, 3, 3]), file.constant(&[6, 4, 1, 1]));
    let body = file.node("Conv", &[&value, &first], &[("pads", &[1, 1, 1, 1]), ("strides", &[2, 2])]);
    let body = file.norm(&body, 6);
    let way = file.node("Conv", &[&value, &second], &[("strides", &[2, 2])]);
    let way = file.norm(&way, 6);
    let sum = file.node("Add", &[&body, &way], &[]);
    let value = file.node("Relu", &[&sum], &[]);
    let gate = file.node("Sigmoid", &[&value], &[]);
    let value = file.node("Mul", &[&value, &gate], &[]);
    let value = file.node("Flatten", &[&value], &[("axis", &[1])]);
    let (weight, bias) = (file.constant(&[5, 6 * 3 * 4]), file.constant(&[5]));
    let value = file.node("Gemm", &[&value, &weight, &bias], &[("transB", &[1])]);
    let (weight, bias) = (file.constant(&[5, 3]), file.constant(&[3]));
    let value = file.node("MatMul", &[&value, &weight], &[]);
    let value = file.node("Add", &[&value, &bias], &[]);
    let value = file.node("Softmax", &[&value], &[("axis", &[-1])]);
    file.model(&[-1, 2, 6, 8], &value)
}

#[test]
fn a_network_of_another_program_computes_what_its_file_says() {
    let model = residual_network();
    let imported = import(&model, "net.onnx").unwrap();
    assert_eq!((imported.ending, imported.outputs()), (Ending::Softmax, Outputs::Classes));
    let kinds: Vec<&str> = imported.layers.iter().map(|layer| layer.name()).collect();
    assert_eq!(kinds, ["conv2d", "activation", "residual", "activation", "flatten", "linear", "linear"]);
    let folder = tempfile::tempdir().unwrap();
    let saved = saved::save(&imported, &folder.path().join("net"), "net.onnx", Outputs::Classes).unwrap();
    let predictor = Predictor::load(&saved.model).unwrap();
    let (batch, channels, height, width) = (3, 2, 6, 8);
    let pixel = |n: usize, c: usize, place: usize| ((n * 97 + c * 41 + place * 13) as f32 * 0.37).cos();
    let first: Vec<f32> = (0..batch)
        .flat_map(|n| (0..channels).flat_map(move |c| (0..height * width).map(move |p| pixel(n, c, p))))
        .collect();
    let last =
        (0..batch).flat_map(|n| (0..height * width).flat_map(move |p| (0..channels).map(move |c| pixel(n, c, p))));
    let inputs = BTreeMap::from([("x".to_owned(), Tensor::floats([batch, channels, height, width], first))]);
    let output = &model.graph.as_ref().unwrap().output[0].name;
    let expected = Evaluator::new(&model, "net.onnx").unwrap().run(inputs).unwrap().remove(output).unwrap();
    let shape = SampleShape::Image { height, width, channels };
    let data = Dataset::from_memory("pixels", shape, Inputs::Floats(last.collect()), Targets::Unlabelled).unwrap();
    let found = numbers(&predictor.predict(&data).unwrap());
    let Data::Float(expected) = expected.data else { panic!("probabilities are floats") };
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - f64::from(*expected)).abs() < 1e-5, "{found} instead of {expected}");
    }
}

#[test]
fn what_is_not_supported_is_named_with_its_place() {
    let mut unknown = Foreign::default();
    let value = unknown.node("Relu", &["x"], &[]);
    let value = unknown.node("Einsum", &[&value], &[]);
    let mut three = Foreign::default();
    let value_of_three = three.node("Relu", &["x"], &[]);
    let ways: Vec<String> = ["Tanh", "Sigmoid", "Relu"].map(|name| three.node(name, &[&value_of_three], &[])).to_vec();
    let sum = three.node("Add", &[&ways[0], &ways[1]], &[]);
    let sum = three.node("Add", &[&sum, &ways[2]], &[]);
    let mut uneven = Foreign::default();
    let weight = uneven.constant(&[2, 2, 3, 3]);
    let padded = uneven.node("Conv", &["x", &weight], &[("pads", &[2, 0, 0, 2])]);
    let mut misfit = Foreign::default();
    let weight = misfit.constant(&[2, 7, 3, 3]);
    let wrong = misfit.node("Conv", &["x", &weight], &[]);
    let image = [-1, 2, 6, 8];
    let cases = [
        (unknown.model(&image, &value), "node 1 `node 1` (Einsum)"),
        (three.model(&image, &sum), "more than two nodes"),
        (uneven.model(&image, &padded), "padding"),
        (misfit.model(&image, &wrong), "do not fit"),
        (Foreign::default().model(&image, "nowhere"), "`nowhere`"),
        (Foreign::default().model(&[-1, 3, -1, -1], "x"), "[?, 3, ?, ?]"),
    ];
    for (model, words) in cases {
        let error = import(&model, "net.onnx").unwrap_err().to_string();
        assert!(error.contains(words) && error.starts_with("net.onnx"), "{words}: {error}");
    }
}

#[test]
fn hostile_numbers_are_refused_before_memory_is_taken() {
    let huge = TensorProto {
        dims: vec![1 << 40, 1 << 40],
        data_type: Some(element::FLOAT),
        name: "w".to_owned(),
        ..TensorProto::default()
    };
    let negative = TensorProto { dims: vec![-1], ..huge.clone() };
    let short = TensorProto { dims: vec![1 << 30], raw_data: Some(vec![0; 4]), ..huge.clone() };
    let elsewhere = TensorProto { dims: vec![1], data_location: Some(1), ..huge.clone() };
    for tensor in [huge, negative, short, elsewhere] {
        let mut model = residual_network();
        model.graph.as_mut().unwrap().initializer[0] = TensorProto { name: "w0".to_owned(), ..tensor };
        assert!(matches!(import(&model, "net.onnx"), Err(OnnxError::Damaged { .. })));
    }
    let mut large = residual_network();
    let dims = &mut large.graph.as_mut().unwrap().input[0]
        .r#type
        .as_mut()
        .unwrap()
        .tensor_type
        .as_mut()
        .unwrap()
        .shape
        .as_mut()
        .unwrap()
        .dim;
    dims[2].dim_value = Some(i64::MAX);
    assert!(import(&large, "net.onnx").is_err());
    let mut nan = residual_network();
    nan.graph.as_mut().unwrap().initializer[1] = Tensor::floats([4], vec![f32::NAN; 4]).to_proto("w1");
    assert!(import(&nan, "net.onnx").unwrap_err().to_string().contains("NaN"));
}

#[test]
fn changed_bytes_are_refused_or_read_and_never_a_panic() {
    let bytes = keel_interchange::onnx::encode(&residual_network());
    for place in 0..bytes.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[place] ^= change;
            let _ = keel_interchange::onnx::decode(&changed, "changed").and_then(|model| import(&model, "changed"));
        }
    }
}

#[test]
fn ways_that_lead_back_are_refused() {
    let mut file = Foreign::default();
    let value = file.node("Relu", &["x"], &[]);
    file.nodes[0].input[0] = value.clone();
    let error = import(&file.model(&[-1, 4], &value), "net.onnx").unwrap_err().to_string();
    assert!(error.contains("no earlier node produces"), "{error}");
}
