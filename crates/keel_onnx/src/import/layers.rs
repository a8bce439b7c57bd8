//! Import of linear layers, norms and shape changes.

use keel_nn::Shape;
use keel_nn::activations::{Activation, PreluSpec};
use keel_nn::layers::{
    BatchNormSpec, DropoutSpec, FlattenSpec, GlobalAvgPoolSpec, GroupNormSpec, InstanceNormSpec, LayerNormSpec,
    LayerSpec, LinearSpec, RescaleSpec,
};

use super::flow::Flow;
use super::parts::{Layout, Part, Step, Values};
use super::windows::{self, vector};
use super::{activations, patterns};
use crate::OnnxError;
use crate::{Data, Tensor};

/// Applies node `place` to `values`.
///
/// # Errors
/// Fails if no layer has the operation or its attributes.
pub(super) fn step(flow: &Flow<'_>, place: usize, values: Values) -> Result<Step, OnnxError> {
    let node = &flow.nodes[place];
    let operation = node.op_type.as_str();
    if let Some(activation) = activations::of_node(operation, flow.attributes(place)) {
        let activation = activation.map_err(|reason| flow.error(place, reason))?;
        return Ok(Step::same(Part::plain(place, LayerSpec::Activation(activation)), values));
    }
    match operation {
        "Identity" | "Cast" => Ok(Step::silent(values)),
        "Dropout" => Ok(dropout(flow, place, values)),
        "Conv" | "MaxPool" | "AveragePool" => {
            require(flow, place, values, Layout::ChannelsFirst)?;
            let part = if operation == "Conv" { windows::convolution } else { windows::pool }(flow, place, values)?;
            let shape = built(flow, &part, values.shape)?;
            Ok(Step::new(part, shape, Layout::ChannelsFirst))
        }
        "GlobalAveragePool" => {
            require(flow, place, values, Layout::ChannelsFirst)?;
            Ok(global_average(place, values, true))
        }
        "ReduceMean" => reduce_mean(flow, place, values),
        "Gemm" | "MatMul" => linear(flow, place, values),
        "BatchNormalization" => batch_norm(flow, place, values),
        "InstanceNormalization" | "GroupNormalization" => channel_norm(flow, place, values),
        "LayerNormalization" => layer_norm(flow, place, values),
        "PRelu" => prelu(flow, place, values),
        "Mul" | "Div" => rescale(flow, place, values),
        "Flatten" | "Reshape" | "Squeeze" => flatten(flow, place, values),
        "Transpose" => transpose(flow, place, values),
        _ => Err(flow.error(place, "Evenkeel has no layer for this operation")),
    }
}

fn require(flow: &Flow<'_>, place: usize, values: Values, layout: Layout) -> Result<(), OnnxError> {
    if values.layout == layout {
        return Ok(());
    }
    Err(flow.error(place, format!("it reads {:?}, which is not an image with its channels first", values.shape)))
}

/// Returns the shape after the layer of `part`.
pub(super) fn built(flow: &Flow<'_>, part: &Part, input: Shape) -> Result<Shape, OnnxError> {
    let built = part.spec().build(input).map_err(|error| flow.error(part.place, error.to_string()))?;
    Ok(built.output_shape())
}

fn dropout(flow: &Flow<'_>, place: usize, values: Values) -> Step {
    let node = &flow.nodes[place];
    let given = flow.constant_of(node, 1).and_then(|tensor| tensor.data.numbers()?.first().copied());
    let probability = given.map_or_else(|| flow.attributes(place).float("ratio", 0.5), |ratio| ratio as f32);
    match probability > 0.0 && probability < 1.0 {
        true => Step::same(Part::plain(place, LayerSpec::Dropout(DropoutSpec { probability })), values),
        false => Step::silent(values),
    }
}

fn global_average(place: usize, values: Values, keeps: bool) -> Step {
    let shape = Shape::Features(values.shape.channels());
    let layout = if keeps { Layout::Pooled } else { Layout::Features };
    Step::new(Part::plain(place, LayerSpec::GlobalAvgPool(GlobalAvgPoolSpec::default())), shape, layout)
}

/// Imports the mean over rows and columns.
fn reduce_mean(flow: &Flow<'_>, place: usize, values: Values) -> Result<Step, OnnxError> {
    require(flow, place, values, Layout::ChannelsFirst)?;
    let (node, attributes) = (&flow.nodes[place], flow.attributes(place));
    let axes = match flow.constant_of(node, 1) {
        Some(Tensor { data: Data::Int(axes), .. }) => axes.clone(),
        _ => attributes.integers("axes").unwrap_or(&[]).to_vec(),
    };
    let mut axes: Vec<i64> = axes.iter().map(|&axis| if axis < 0 { axis + 4 } else { axis }).collect();
    axes.sort_unstable();
    if axes != [2, 3] {
        return Err(flow.error(place, "it averages over something other than rows and columns"));
    }
    Ok(global_average(place, values, attributes.integer("keepdims", 1) != 0))
}

/// Imports a product with a constant matrix; a constant added after a `MatMul` is its bias.
fn linear(flow: &Flow<'_>, place: usize, values: Values) -> Result<Step, OnnxError> {
    let (node, attributes) = (&flow.nodes[place], flow.attributes(place));
    let error = |reason: &str| flow.error(place, reason);
    let Shape::Features(in_features) = values.shape else {
        return Err(error("it reads an image; a flatten is missing"));
    };
    let weights = flow.constant_of(node, 1).ok_or_else(|| error("its second matrix is not a constant"))?;
    let is_gemm = node.op_type == "Gemm";
    let transposed = is_gemm && attributes.integer("transB", 0) != 0;
    let (Some(own), &[rows, columns]) = (weights.as_floats(), weights.shape.as_slice()) else {
        return Err(error("its weights are not a matrix of 32-bit floats"));
    };
    let (rows, columns) = if transposed { (columns, rows) } else { (rows, columns) };
    if rows != in_features || columns == 0 || is_gemm && attributes.integer("transA", 0) != 0 {
        return Err(flow.error(place, format!("its matrix of {rows} x {columns} does not fit {in_features} features")));
    }
    let (alpha, beta) =
        if is_gemm { (attributes.float("alpha", 1.0), attributes.float("beta", 1.0)) } else { (1.0, 1.0) };
    let value = |at: usize| alpha * if transposed { own[at % columns * rows + at / columns] } else { own[at] };
    let weight: Vec<f32> = (0..rows * columns).map(value).collect();
    let mut numbers = vec![("weight", values.reordered(&weight, columns))];
    if let Some(name) = node.input.get(2).filter(|name| !name.is_empty()) {
        let constant = flow.constant(name);
        let single = constant.and_then(|bias| vector(Some(bias), 1)).map(|bias| vec![bias[0]; columns]);
        let bias = vector(constant, columns).or(single).ok_or_else(|| error("its third input is not a bias"))?;
        numbers.push(("bias", bias.iter().map(|bias| beta * bias).collect()));
    }
    let mut spec = LinearSpec::new(columns);
    spec.bias = numbers.len() > 1;
    Ok(Step::new(Part::with(place, LayerSpec::Linear(spec), numbers), Shape::Features(columns), Layout::Features))
}

fn batch_norm(flow: &Flow<'_>, place: usize, values: Values) -> Result<Step, OnnxError> {
    if flow.attributes(place).integer("training_mode", 0) != 0 {
        return Err(flow.error(place, "it is in training mode"));
    }
    let channels = values.shape.channels();
    let spec = BatchNormSpec { epsilon: flow.attributes(place).float("epsilon", 1e-5), ..BatchNormSpec::default() };
    let mut numbers = Vec::new();
    for (at, name) in [(1, "scale"), (2, "shift"), (3, "running_mean"), (4, "running_variance")] {
        let table = vector(flow.constant_of(&flow.nodes[place], at), channels);
        let table =
            table.ok_or_else(|| flow.error(place, format!("its {name} is not one constant for each channel")))?;
        numbers.push((name, values.reordered(&table, 1)));
    }
    let part = Part::with(place, LayerSpec::BatchNorm(spec), numbers);
    built(flow, &part, values.shape)?;
    Ok(Step::same(part, values))
}

/// Imports instance norm, or group norm with one scale per channel, or before version 21 per group.
fn channel_norm(flow: &Flow<'_>, place: usize, values: Values) -> Result<Step, OnnxError> {
    require(flow, place, values, Layout::ChannelsFirst)?;
    let (node, attributes, channels) = (&flow.nodes[place], flow.attributes(place), values.shape.channels());
    let epsilon = attributes.float("epsilon", 1e-5);
    let groups = usize::try_from(attributes.integer("num_groups", 0)).unwrap_or(0);
    let spec = match node.op_type.as_str() {
        "InstanceNormalization" => LayerSpec::InstanceNorm(InstanceNormSpec { epsilon }),
        _ => LayerSpec::GroupNorm(GroupNormSpec { groups, epsilon }),
    };
    let mut numbers = Vec::new();
    for (at, name) in [(1, "scale"), (2, "shift")] {
        let constant = flow.constant_of(node, at);
        let of_groups = vector(constant, groups).filter(|_| groups > 0 && channels % groups == 0);
        let repeated = of_groups.map(|table| (0..channels).map(|c| table[c * groups / channels]).collect::<Vec<f32>>());
        let table = vector(constant, channels).or(repeated);
        numbers.push((
            name,
            table.ok_or_else(|| flow.error(place, format!("its {name} does not fit {channels} channels")))?,
        ));
    }
    let part = Part::with(place, spec, numbers);
    built(flow, &part, values.shape)?;
    Ok(Step::same(part, values))
}

fn layer_norm(flow: &Flow<'_>, place: usize, values: Values) -> Result<Step, OnnxError> {
    let (node, attributes) = (&flow.nodes[place], flow.attributes(place));
    let Shape::Features(features) = values.shape else {
        return Err(flow.error(
            place,
            "it normalises an image with a scale for each value, where Evenkeel has one for each channel",
        ));
    };
    if !matches!(attributes.integer("axis", -1), -1 | 1) {
        return Err(flow.error(place, "it normalises something other than each sample"));
    }
    let spec = LayerNormSpec { epsilon: attributes.float("epsilon", 1e-5) };
    let scale =
        vector(flow.constant_of(node, 1), features).ok_or_else(|| flow.error(place, "its scale does not fit"))?;
    let shift = match node.input.get(2).filter(|name| !name.is_empty()) {
        Some(name) => {
            vector(flow.constant(name), features).ok_or_else(|| flow.error(place, "its shift does not fit"))?
        }
        None => vec![0.0; features],
    };
    let numbers = vec![("scale", values.reordered(&scale, 1)), ("shift", values.reordered(&shift, 1))];
    Ok(Step::same(Part::with(place, LayerSpec::LayerNorm(spec), numbers), values))
}

fn prelu(flow: &Flow<'_>, place: usize, values: Values) -> Result<Step, OnnxError> {
    let channels = values.shape.channels();
    let constant = flow.constant_of(&flow.nodes[place], 1);
    let single = vector(constant, 1).map(|slope| vec![slope[0]; channels]);
    let slopes = vector(constant, channels).or(single);
    let slopes = slopes.ok_or_else(|| flow.error(place, "its slopes are not one constant for each channel"))?;
    let spec = LayerSpec::Activation(Activation::Prelu(PreluSpec::DEFAULT));
    Ok(Step::same(Part::with(place, spec, vec![("slope", values.reordered(&slopes, 1))]), values))
}

/// Imports a constant factor for all values.
fn rescale(flow: &Flow<'_>, place: usize, values: Values) -> Result<Step, OnnxError> {
    let node = &flow.nodes[place];
    let divides = node.op_type == "Div";
    let constant = node.input.iter().rev().find_map(|name| flow.constant(name));
    let factor = constant.and_then(|constant| vector(Some(constant), 1)).map(|factor| factor[0]);
    let factor = factor.filter(|_| !divides || flow.constant_of(node, 1).is_some());
    let factor = factor.map(|factor| if divides { 1.0 / factor } else { factor });
    let factor = factor.filter(|factor| factor.is_finite() && *factor != 0.0);
    let factor = factor.ok_or_else(|| flow.error(place, "it multiplies with something other than one constant"))?;
    Ok(Step::same(Part::plain(place, LayerSpec::Rescale(RescaleSpec { factor })), values))
}

/// Imports anything that turns an image into a vector, or leaves a vector unchanged.
fn flatten(flow: &Flow<'_>, place: usize, values: Values) -> Result<Step, OnnxError> {
    let length = values.shape.len();
    if !patterns::makes_rows(flow, place, length) {
        return Err(flow.error(place, format!("it does not make a row of {length} values of each sample")));
    }
    let flat = Part::plain(place, LayerSpec::Flatten(FlattenSpec::default()));
    Ok(match (values.layout, values.shape) {
        (Layout::Features | Layout::Flattened(_), _) => Step::silent(values),
        (Layout::Pooled, shape) => Step::silent(Values { shape, layout: Layout::Features }),
        (Layout::ChannelsFirst, Shape::Image { height, width, channels }) if height * width > 1 && channels > 1 => {
            Step::new(flat, Shape::Features(length), Layout::Flattened(values.shape))
        }
        _ => Step::new(flat, Shape::Features(length), Layout::Features),
    })
}

fn transpose(flow: &Flow<'_>, place: usize, values: Values) -> Result<Step, OnnxError> {
    let layout = match (flow.attributes(place).integers("perm"), values.layout) {
        (Some([0, 2, 3, 1]), Layout::ChannelsFirst) => Layout::ChannelsLast,
        (Some([0, 3, 1, 2]), Layout::ChannelsLast) => Layout::ChannelsFirst,
        _ => return Err(flow.error(place, "Evenkeel has no layer for this change of axes")),
    };
    Ok(Step::silent(Values { layout, ..values }))
}
