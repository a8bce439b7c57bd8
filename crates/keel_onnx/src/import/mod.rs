//! Import of the networks of ONNX files as lists of layers with their weights.
//!
//! One or several nodes between the input and the output become one layer of Evenkeel; a node without an equivalent
//! layer is reported. In an export of Evenkeel, the parts around the network (preprocessing, labels) are restored from
//! its metadata, and only the network between them is imported. In a file of another program, a softmax or sigmoid at
//! the end becomes part of the loss.

mod activations;
mod flow;
mod layers;
mod parts;
mod patterns;
mod walk;
mod windows;

use keel_data::{Preprocessor, SampleShape, Schema, TargetKind};
use keel_nn::activations::Activation;
use keel_nn::graph::{Node, Place};
use keel_nn::layers::LayerSpec;
use keel_nn::{Graph, Network, Op, RandomKey, Shape};

use crate::metadata::{CLASSES, NETWORK, PREPROCESSOR, SCHEMA, TRAINING};
use crate::schema::{GraphProto, ModelProto, ValueInfoProto, element};
use crate::{OnnxError, check_subset};
use flow::{Flow, refused};
use parts::{Layout, Part, PartLayer, Values};

/// Maximum number of values of an input sample.
const LARGEST_SAMPLE: usize = 1 << 26;

/// Interpretation of a file's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Softmax probabilities.
    Softmax,
    /// Independent sigmoid probabilities.
    Sigmoid,
    /// Raw outputs of the last layer.
    Open,
}

/// Meaning of the outputs of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outputs {
    /// Classes.
    Classes,
    /// Values.
    Values,
}

/// A network from a file.
#[derive(Debug)]
pub struct Imported {
    /// Layers, as listed in a config.
    pub layers: Vec<LayerSpec>,
    /// Network with its weights.
    pub network: Network,
    /// Function after the last layer.
    pub ending: Ending,
    /// Names of the classes, if the file has them.
    pub class_names: Option<Vec<String>>,
    /// Schema and preprocessing of the model, if exported by Evenkeel.
    pub model: Option<(Schema, Preprocessor)>,
    /// Text of [`TRAINING`], if exported by Evenkeel.
    pub training: Option<String>,
    /// Remarks, one sentence each.
    pub notes: Vec<String>,
}

/// Imports the network in `model`; `file` identifies it in messages.
///
/// # Errors
/// Fails if a node has no equivalent layer, the input size is unknown, or weights do not fit.
pub fn import(model: &ModelProto, file: &str) -> Result<Imported, OnnxError> {
    let (graph, _) = check_subset(model, file)?;
    let origin = own_model(model);
    let (input, output, shape, layout, ending) = match (&origin, boundary(model)) {
        (Some((_, preprocessor)), Some((input, output))) => {
            let shape = shape_of(*preprocessor.output_shape());
            (input, output, shape, walk::input_values(shape).layout, Ending::Open)
        }
        _ => foreign_boundary(graph, file)?,
    };
    let flow = Flow::new(model, file, &input, &output)?;
    let (parts, end) = walk::walk(&flow, Values { shape, layout })?;
    if parts.is_empty() {
        return Err(refused(file, "it contains no layers", "give the file of a network"));
    }
    if end.places().is_some() {
        return Err(refused(
            file,
            "it ends in a flattened image, in another order than Evenkeel's",
            "end it in a linear layer",
        ));
    }
    let layers: Vec<LayerSpec> = parts.iter().map(Part::spec).collect();
    let built = Graph::build(shape, &layers, end.shape.len());
    let graph = built.map_err(|error| refused(file, error.to_string(), "change the network so that its layers fit"))?;
    let mut network = Network::new(graph, RandomKey::new(0));
    fill(&mut network, &parts, file)?;
    let mut notes = network.graph.inferred().to_vec();
    if ending != Ending::Open {
        notes.push(format!("the {} at its end is part of the loss in Evenkeel", ending.name()));
    }
    let class_names = labels(model).filter(|labels| labels.len() == end.shape.len());
    let training = text(model, TRAINING).filter(|_| origin.is_some()).map(str::to_owned);
    Ok(Imported { layers, network, ending, class_names, model: origin, training, notes })
}

impl Imported {
    /// Returns classes if the file names them, ends in probabilities, or has several outputs; values otherwise.
    pub fn outputs(&self) -> Outputs {
        let width = self.network.graph.output_shape().len();
        match &self.model {
            Some((schema, _)) if matches!(schema.target, TargetKind::Values(_)) => Outputs::Values,
            Some(_) => Outputs::Classes,
            None if self.class_names.is_some() || self.ending == Ending::Softmax => Outputs::Classes,
            None if width > 1 => Outputs::Classes,
            None => Outputs::Values,
        }
    }
}

impl Ending {
    /// Returns the name used in a sentence.
    fn name(self) -> &'static str {
        match self {
            Ending::Softmax => "softmax",
            Ending::Sigmoid => Activation::Sigmoid.name(),
            Ending::Open => "nothing",
        }
    }
}

/// Returns a metadata entry of the model.
fn text<'a>(model: &'a ModelProto, key: &str) -> Option<&'a str> {
    model.metadata_props.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
}

fn labels(model: &ModelProto) -> Option<Vec<String>> {
    serde_json::from_str(text(model, CLASSES)?).ok()
}

/// Returns the schema and preprocessing stored in an export of Evenkeel.
fn own_model(model: &ModelProto) -> Option<(Schema, Preprocessor)> {
    let schema = serde_json::from_str(text(model, SCHEMA)?).ok()?;
    Some((schema, serde_json::from_str(text(model, PREPROCESSOR)?).ok()?))
}

/// Returns the names of the first and last value of the network in an export.
fn boundary(model: &ModelProto) -> Option<(String, String)> {
    let boundary: serde_json::Value = serde_json::from_str(text(model, NETWORK)?).ok()?;
    Some((boundary["input"].as_str()?.to_owned(), boundary["output"].as_str()?.to_owned()))
}

fn shape_of(shape: SampleShape) -> Shape {
    match shape {
        SampleShape::Image { height, width, channels } => Shape::Image { height, width, channels },
        SampleShape::Features(features) => Shape::Features(features),
    }
}

/// Determines input, output, shape and layout of the network in a file of another program.
fn foreign_boundary(graph: &GraphProto, file: &str) -> Result<(String, String, Shape, Layout, Ending), OnnxError> {
    let is_constant = |name: &str| graph.initializer.iter().any(|constant| constant.name == name);
    let inputs: Vec<&ValueInfoProto> = graph.input.iter().filter(|input| !is_constant(&input.name)).collect();
    let [input] = inputs.as_slice() else {
        return Err(refused(file, format!("it has {} inputs", inputs.len()), "give a network with one input"));
    };
    let (shape, layout) = input_shape(graph, input, file)?;
    let is_float = |info: &&ValueInfoProto| {
        let kind = info.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref()?.elem_type);
        kind.is_none_or(|kind| kind == element::FLOAT)
    };
    let output = graph.output.iter().find(is_float);
    let output = output.ok_or_else(|| refused(file, "it has no output of 32-bit floats", "give a network with one"))?;
    let (output, ending) = without_ending(graph, &output.name);
    Ok((input.name.clone(), output, shape, layout, ending))
}

/// Returns the value before a softmax or sigmoid that ends the network.
fn without_ending(graph: &GraphProto, output: &str) -> (String, Ending) {
    let mut value = output;
    // Nodes that produce a value precede those that read it.
    for node in graph.node.iter().rev().filter(|node| node.output.len() == 1) {
        let Some(input) = node.input.first().filter(|_| node.output[0] == value) else { continue };
        match node.op_type.as_str() {
            "Identity" => value = input,
            "Softmax" | "LogSoftmax" => return (input.clone(), Ending::Softmax),
            "Sigmoid" => return (input.clone(), Ending::Sigmoid),
            _ => break,
        }
    }
    (value.to_owned(), Ending::Open)
}

/// Returns the shape of a sample; channels are last if the first operation moves them to the front.
fn input_shape(graph: &GraphProto, input: &ValueInfoProto, file: &str) -> Result<(Shape, Layout), OnnxError> {
    let shape = input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref()?.shape.as_ref());
    let dims: Vec<Option<usize>> = shape.map_or_else(Vec::new, |shape| {
        let size = |dim: &crate::schema::DimensionProto| dim.dim_value.and_then(|size| usize::try_from(size).ok());
        shape.dim.iter().map(|dim| size(dim).filter(|&size| size > 0)).collect()
    });
    let brings_channels_first = graph.node.iter().any(|node| {
        let order = node.attribute.iter().find(|attribute| attribute.name == "perm");
        node.op_type == "Transpose"
            && node.input.first() == Some(&input.name)
            && order.is_some_and(|order| order.ints == [0, 3, 1, 2])
    });
    let (shape, layout) = match *dims.as_slice() {
        [_, Some(features)] => (Shape::Features(features), Layout::Features),
        [_, Some(height), Some(width), Some(channels)] if brings_channels_first => {
            (Shape::Image { height, width, channels }, Layout::ChannelsLast)
        }
        [_, Some(channels), Some(height), Some(width)] => {
            (Shape::Image { height, width, channels }, Layout::ChannelsFirst)
        }
        _ => {
            let sizes: Vec<String> =
                dims.iter().map(|size| size.map_or("?".to_owned(), |size| size.to_string())).collect();
            let reason = format!("its input `{}` has the shape [{}]", input.name, sizes.join(", "));
            let next = "export it with a fixed size, [batch, channels, height, width] or [batch, features]";
            return Err(refused(file, reason, next));
        }
    };
    let length = shape.dimensions().iter().try_fold(1usize, |length, &size| length.checked_mul(size));
    if length.is_none_or(|length| length > LARGEST_SAMPLE) {
        return Err(refused(file, format!("a sample of {shape} is too large"), "give a network for smaller images"));
    }
    Ok((shape, layout))
}

/// Copies the weights of `parts` into the network built from them.
fn fill(network: &mut Network, parts: &[Part], file: &str) -> Result<(), OnnxError> {
    let graph = std::sync::Arc::clone(&network.graph);
    for node in graph.nodes() {
        let numbers = numbers_of(parts, node);
        for parameter in graph.parameters_of(node.id) {
            let values = numbers.iter().find(|(name, _)| *name == parameter.spec.name).map(|(_, values)| values);
            let values = values.filter(|values| values.len() == parameter.range.len());
            let missing = || refused(file, format!("it has no {} that fits", parameter.name), "export the model again");
            network.parameters[parameter.range.clone()].copy_from_slice(values.ok_or_else(missing)?);
        }
        if let Op::BatchNorm(norm) = &node.op {
            let places = norm.running_places(node.state.start);
            for (name, range) in [("running_mean", places.mean), ("running_variance", places.variance)] {
                if let Some((_, values)) =
                    numbers.iter().find(|(own, values)| *own == name && values.len() == range.len())
                {
                    network.state[range].copy_from_slice(values);
                }
            }
            network.state[places.updates] = 1.0;
        }
    }
    let finite = network.parameters.iter().chain(network.state.iter()).all(|value| value.is_finite());
    if !finite {
        return Err(refused(file, "some of its weights are NaN or infinite", "train the model again"));
    }
    Ok(())
}

/// Returns the weights of a node, by the position of its entry in the list of layers.
fn numbers_of(parts: &[Part], node: &Node) -> Vec<(&'static str, Vec<f32>)> {
    let Place { path, is_written } = &node.place;
    let mut parts = parts;
    let mut part = None;
    for step in path.split(".body.") {
        part = step.parse::<usize>().ok().and_then(|index| parts.get(index));
        if let Some(Part { layer: PartLayer::Residual { body, .. }, .. }) = part {
            parts = body;
        }
    }
    match part.map(|part| &part.layer) {
        Some(PartLayer::Single(_, numbers)) if *is_written => numbers.clone(),
        Some(PartLayer::Residual { projection: Some(projection), .. }) => match node.op {
            Op::BatchNorm(_) => projection.norm.clone(),
            _ => vec![("weight", projection.weight.clone())],
        },
        _ => Vec::new(),
    }
}
