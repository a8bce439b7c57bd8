//! Traversal from the input to the output: sequences of layers, and blocks whose two branches meet in a sum.

use keel_nn::Shape;
use keel_nn::activations::Activation;
use keel_nn::layers::{BatchNormSpec, LayerSpec};

use super::flow::{Flow, refused};
use super::layers::step;
use super::parts::{Layout, Part, PartLayer, Projection, Values};
use super::windows::vector;
use super::{activations, patterns};
use crate::OnnxError;

/// Maximum nesting depth of blocks.
const DEEPEST: usize = 32;

/// A sequence of layers and its end.
struct Row {
    parts: Vec<Part>,
    values: Values,
    /// Name of the value at the end.
    end: String,
}

/// Returns the layers between input and output, and the values at the end.
///
/// # Errors
/// Fails if a node has no equivalent layer.
pub(super) fn walk(flow: &Flow<'_>, input: Values) -> Result<(Vec<Part>, Values), OnnxError> {
    let start = Row { parts: Vec::new(), values: input, end: flow.input.clone() };
    let row = follow(flow, start, 0)?;
    if row.end == flow.output {
        return Ok((row.parts, row.values));
    }
    match flow.readers(&row.end).first() {
        Some(&place) => Err(flow.error(place, "it joins paths that do not start at one value")),
        None => Err(refused(&flow.file, "its output is not reached from its input", "export the model again")),
    }
}

/// Continues to the output, or to a sum of two branches.
fn follow(flow: &Flow<'_>, mut row: Row, depth: usize) -> Result<Row, OnnxError> {
    while row.end != flow.output {
        let readers = flow.readers(&row.end);
        if let Some((activation, end, place)) = activations::of_nodes(flow, &row.end) {
            row.parts.push(Part::plain(place, LayerSpec::Activation(activation)));
            row.end = end;
            continue;
        }
        match *readers {
            [place] if is_sum(flow, place) => return Ok(row),
            [place] => advance(flow, &mut row, place)?,
            [first, second] => block(flow, &mut row, [first, second], depth)?,
            [] => break,
            [place, ..] => return Err(flow.error(place, "its input is read by more than two nodes")),
        }
    }
    Ok(row)
}

/// Returns true if node `place` adds two values that both depend on the input.
fn is_sum(flow: &Flow<'_>, place: usize) -> bool {
    let node = &flow.nodes[place];
    node.op_type == "Add" && node.input.iter().all(|name| flow.constant(name).is_none())
}

/// Adds the layer that starts at node `place`.
fn advance(flow: &Flow<'_>, row: &mut Row, place: usize) -> Result<(), OnnxError> {
    let node = &flow.nodes[place];
    if node.op_type == "Add" {
        return add_bias(flow, row, place);
    }
    let (found, last) = match patterns::find(flow, place, row.values, row.parts.last()) {
        Some(found) => {
            if found.replaces {
                row.parts.pop();
            }
            (found.step, found.last)
        }
        None => (step(flow, place, row.values)?, place),
    };
    row.parts.extend(found.part);
    row.values = found.values;
    row.end = output_of(flow, last)?;
    Ok(())
}

fn output_of(flow: &Flow<'_>, place: usize) -> Result<String, OnnxError> {
    flow.nodes[place].output.first().cloned().ok_or_else(|| flow.error(place, "it has no output"))
}

/// Imports a constant added after a layer without a bias as its bias.
fn add_bias(flow: &Flow<'_>, row: &mut Row, place: usize) -> Result<(), OnnxError> {
    let node = &flow.nodes[place];
    let channels = row.values.shape.channels();
    let constant = node.input.iter().find_map(|name| flow.constant(name));
    let bias = vector(constant, channels).ok_or_else(|| flow.error(place, "it adds something other than a bias"))?;
    if let Some(Part { layer: PartLayer::Single(spec, numbers), .. }) = row.parts.last_mut() {
        let has_bias = match spec {
            LayerSpec::Linear(linear) => Some(&mut linear.bias),
            LayerSpec::Conv2d(convolution) => Some(&mut convolution.bias),
            _ => None,
        };
        if let Some(has_bias) = has_bias.filter(|has_bias| !**has_bias) {
            *has_bias = true;
            numbers.push(("bias", bias));
            row.end = output_of(flow, place)?;
            return Ok(());
        }
    }
    Err(flow.error(place, "it adds a constant after a layer without a bias"))
}

/// Imports a block: two branches from the end of `row` to one sum.
fn block(flow: &Flow<'_>, row: &mut Row, places: [usize; 2], depth: usize) -> Result<(), OnnxError> {
    if depth == DEEPEST {
        return Err(flow.error(places[0], format!("blocks inside blocks are more than {DEEPEST} deep")));
    }
    let way = |place: usize| -> Result<Row, OnnxError> {
        let mut way = Row { parts: Vec::new(), values: row.values, end: row.end.clone() };
        if !is_sum(flow, place) {
            advance(flow, &mut way, place)?;
            way = follow(flow, way, depth + 1)?;
        }
        Ok(way)
    };
    let (first, second) = (way(places[0])?, way(places[1])?);
    let sum = [&first, &second].map(|way| flow.readers(&way.end).iter().copied().find(|&place| is_sum(flow, place)));
    let place = match sum {
        [Some(a), Some(b)] if a == b => a,
        _ => return Err(flow.error(places[1], "two paths start before it and do not meet in one sum")),
    };
    let inputs = &flow.nodes[place].input;
    if !inputs.contains(&first.end) || !inputs.contains(&second.end) || first.end == second.end {
        return Err(flow.error(place, "it adds something other than two paths from one value"));
    }
    let (body, shortcut) = if is_shortcut(&second) && !(is_shortcut(&first) && first.parts.len() < second.parts.len()) {
        (first, second)
    } else {
        (second, first)
    };
    if body.values != shortcut.values {
        return Err(flow.error(place, "it adds values of different shapes"));
    }
    let projection = match shortcut.parts.as_slice() {
        [] => None,
        _ => Some(projection(flow, place, row.values.shape, &shortcut, body.values.shape)?),
    };
    row.values = body.values;
    row.end = output_of(flow, place)?;
    let after = after(flow, row)?;
    row.parts.push(Part { place, layer: PartLayer::Residual { body: body.parts, projection, after } });
    Ok(())
}

/// Returns true if a branch can be the shortcut of a block: empty, or weights with at most a batch norm.
fn is_shortcut(row: &Row) -> bool {
    let specs: Vec<LayerSpec> = row.parts.iter().map(Part::spec).collect();
    matches!(
        specs.as_slice(),
        [] | [LayerSpec::Conv2d(_) | LayerSpec::Linear(_)]
            | [LayerSpec::Conv2d(_) | LayerSpec::Linear(_), LayerSpec::BatchNorm(_)]
    )
}

/// Returns the activation after the sum, if there is one.
fn after(flow: &Flow<'_>, row: &mut Row) -> Result<Activation, OnnxError> {
    let Some((place, node)) = flow.reader(&row.end) else { return Ok(Activation::Identity) };
    match activations::of_node(&node.op_type, flow.attributes(place)) {
        Some(activation) => {
            row.end = output_of(flow, place)?;
            activation.map_err(|reason| flow.error(place, reason))
        }
        None => Ok(Activation::Identity),
    }
}

/// Converts the shortcut to Evenkeel's form: a 1x1 convolution or linear layer without a bias, and a batch norm.
fn projection(
    flow: &Flow<'_>,
    place: usize,
    input: Shape,
    shortcut: &Row,
    output: Shape,
) -> Result<Projection, OnnxError> {
    let error =
        || flow.error(place, "its shortcut is not a 1x1 convolution, or linear layer, with at most a batch norm");
    let (Some(Part { layer: PartLayer::Single(spec, weights), .. }), norm) =
        (shortcut.parts.first(), shortcut.parts.get(1))
    else {
        return Err(error());
    };
    let is_projection = match (spec, input, output) {
        (
            LayerSpec::Conv2d(conv),
            Shape::Image { height, width, .. },
            Shape::Image { height: to_h, width: to_w, .. },
        ) => {
            let stride = [height.div_ceil(to_h), width.div_ceil(to_w)];
            conv.kernel.area() == 1 && conv.groups == 1 && conv.stride == stride.into()
        }
        (LayerSpec::Linear(linear), Shape::Features(_), Shape::Features(_)) => linear.groups == 1,
        _ => false,
    };
    if !is_projection {
        return Err(error());
    }
    let find = |numbers: &[(&'static str, Vec<f32>)], name: &str| {
        numbers.iter().find(|(own, _)| *own == name).map(|(_, values)| values.clone())
    };
    let weight = find(weights, "weight").ok_or_else(error)?;
    let channels = output.channels();
    let bias = find(weights, "bias").unwrap_or_else(|| vec![0.0; channels]);
    let epsilon = BatchNormSpec::default().epsilon;
    let [scale, shift, mean, variance] = match norm.map(|part| &part.layer) {
        None => [vec![1.0; channels], bias, vec![0.0; channels], vec![1.0 - epsilon; channels]],
        Some(PartLayer::Single(LayerSpec::BatchNorm(spec), numbers)) => {
            let table = |name: &str| find(numbers, name).ok_or_else(error);
            // The norm of the block has the default epsilon; any difference is added to the variance.
            let variance = table("running_variance")?.iter().map(|value| value + (spec.epsilon - epsilon)).collect();
            let mean = table("running_mean")?.iter().zip(&bias).map(|(mean, bias)| mean - bias).collect();
            [table("scale")?, table("shift")?, mean, variance]
        }
        _ => return Err(error()),
    };
    let norm = vec![("scale", scale), ("shift", shift), ("running_mean", mean), ("running_variance", variance)];
    Ok(Projection { weight, norm })
}

/// Returns the values at the input of a network of `shape`.
pub(super) fn input_values(shape: Shape) -> Values {
    let layout = match shape {
        Shape::Image { .. } => Layout::ChannelsFirst,
        Shape::Features(_) => Layout::Features,
    };
    Values { shape, layout }
}
