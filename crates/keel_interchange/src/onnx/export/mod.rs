//! Export of a trained model as one ONNX graph: raw samples in, labels and probabilities or values out.

mod activations;
mod builder;
mod columns;
mod inputs;
mod metadata;
mod network;
mod norms;
mod outputs;
mod pools;
mod preprocess;
mod products;
mod times;
mod views;
mod walk;

use keel_data::ColumnEncoding;
use keel_train::Predictor;

pub use inputs::PictureValues;
pub use metadata::KnownTraining;

use super::schema::{
    DimensionProto, GraphProto, ModelProto, OperatorSetIdProto, TensorShapeProto, TensorTypeProto, TypeProto,
    ValueInfoProto,
};
use crate::InterchangeError;
use builder::{Builder, MACHINE_LEARNING};
use views::Views;
use walk::ImageShape;

/// Supported operator set versions.
pub const OPSETS: std::ops::RangeInclusive<i64> = 17..=21;

/// Returns the lowest operator set version that supports the model.
pub fn least_opset(predictor: &Predictor) -> i64 {
    let finds_words =
        predictor.schema().columns.iter().any(|column| matches!(column.encoding, ColumnEncoding::Words { .. }));
    if finds_words { columns::FINDS_WORDS } else { *OPSETS.start() }
}

/// Settings of an export.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    /// Version of the operator set.
    pub opset: i64,
    /// True if batch norms remain separate nodes; otherwise they are folded into the preceding weights.
    pub keeps_batch_norm: bool,
    /// True if large weights are stored in 16 bits. Arithmetic remains in 32 bits.
    pub float16: bool,
    /// Element type of image inputs.
    pub pictures: PictureValues,
    /// Name of the run, for the metadata.
    pub run: String,
    /// Version of the program, for the metadata.
    pub version: String,
}

/// A graph and the facts about it to print.
#[derive(Debug)]
pub struct Exported {
    /// The model.
    pub model: ModelProto,
    /// Name of the output with the labels; `None` for values.
    pub label: Option<String>,
    /// Name of the output with probabilities, scores or values.
    pub numbers: String,
}

/// Exports `predictor` as a graph.
///
/// # Errors
/// Fails if a layer, loss or column has no equivalent in ONNX, or if the version is not supported.
pub fn export(predictor: &Predictor, options: &ExportOptions) -> Result<Exported, InterchangeError> {
    if !OPSETS.contains(&options.opset) {
        let (low, high) = (OPSETS.start(), OPSETS.end());
        return Err(InterchangeError::Export {
            part: "the model".to_owned(),
            reason: format!("operator set {} cannot be written", options.opset),
            next: format!("give a version from {low} to {high}"),
        });
    }
    let (schema, config) = (predictor.schema(), predictor.config());
    let mut builder = Builder::new(options.opset);
    let raw = inputs::export(&mut builder, schema, options.pictures, &config.data.missing_values)?;
    let mut value = preprocess::export(&mut builder, predictor.preprocessor(), &raw.value, raw.are_bytes);
    let network = predictor.network();
    let image = ImageShape::of(network.graph.input_shape());
    if image.is_some() {
        value = builder.transpose(&value, &[0, 3, 1, 2]);
    }
    let views = image.zip(Views::of(config));
    if let Some((shape, views)) = &views {
        value = views.expand(&mut builder, &value, *shape);
    }
    let network_input = value.clone();
    let network_output = network::export(&mut builder, network, &value, options.keeps_batch_norm)?;
    let combined = match &views {
        Some((_, views)) => views.combine(&mut builder, &network_output, network.graph.output_shape().len()),
        None => network_output.clone(),
    };
    let outputs = outputs::export(&mut builder, predictor.objective(), schema, &combined)?;
    let initializer = builder.initializers(options.float16);
    let graph = GraphProto {
        node: builder.nodes,
        name: if options.run.is_empty() { "evenkeel".to_owned() } else { options.run.clone() },
        initializer,
        input: raw.inputs,
        output: outputs.infos,
        ..GraphProto::default()
    };
    let boundary = metadata::Boundary { input: network_input, output: network_output };
    let model = ModelProto {
        ir_version: Some(ir_version(options.opset)),
        producer_name: "evenkeel".to_owned(),
        producer_version: options.version.clone(),
        metadata_props: metadata::properties(predictor, options, &boundary),
        opset_import: vec![operator_set("", options.opset), operator_set(MACHINE_LEARNING, 3)],
        graph: Some(graph),
        ..ModelProto::default()
    };
    Ok(Exported { model, label: outputs.label, numbers: outputs.numbers })
}

fn operator_set(domain: &str, version: i64) -> OperatorSetIdProto {
    OperatorSetIdProto { domain: domain.to_owned(), version: Some(version) }
}

/// Returns the format version released with an operator set.
fn ir_version(opset: i64) -> i64 {
    match opset {
        ..=18 => 8,
        19..=20 => 9,
        _ => 10,
    }
}

/// Declares a value `[batch, sample]`.
fn value_info(name: &str, kind: i32, sample: &[usize], words: &str) -> ValueInfoProto {
    let batch = DimensionProto { dim_param: Some("batch".to_owned()), ..DimensionProto::default() };
    let fixed = sample.iter().map(|&size| DimensionProto { dim_value: Some(size as i64), ..DimensionProto::default() });
    let shape = TensorShapeProto { dim: std::iter::once(batch).chain(fixed).collect() };
    let tensor_type = Some(TensorTypeProto { elem_type: Some(kind), shape: Some(shape) });
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type }), doc_string: words.to_owned() }
}
