//! Layers that exporters write as several consecutive nodes.

use keel_nn::Shape;
use keel_nn::layers::{GroupNormSpec, LayerSpec, LinearSpec, MaxoutSpec, MembersSpec};

use super::flow::Flow;
use super::parts::{Layout, Part, PartLayer, Step, Values};
use super::windows::vector;
use crate::schema::NodeProto;
use crate::{Data, Tensor};

/// A layer made of several nodes, and the last of them.
pub(super) struct Found {
    pub(super) step: Step,
    pub(super) last: usize,
    /// True if it replaces the linear layer before it.
    pub(super) replaces: bool,
}

/// Finds a layer that starts at node `place` and consists of several consecutive nodes; `before` is the part before it.
pub(super) fn find(flow: &Flow<'_>, place: usize, values: Values, before: Option<&Part>) -> Option<Found> {
    if flow.nodes[place].op_type != "Reshape" {
        return None;
    }
    let row = row(flow, place);
    group_norm(flow, &row, values)
        .or_else(|| members(flow, &row, values))
        .or_else(|| grouped(flow, &row, values))
        .or_else(|| maxout(flow, &row, values, before))
}

/// Returns the nodes from `place` on, each the only reader of the one before.
fn row<'a>(flow: &Flow<'a>, place: usize) -> Vec<(usize, &'a NodeProto)> {
    let mut row = vec![(place, &flow.nodes[place])];
    while row.len() < 6
        && let Some(next) = row[row.len() - 1].1.output.first().and_then(|output| flow.reader(output))
    {
        row.push(next);
    }
    row
}

fn is(row: &[(usize, &NodeProto)], operations: &[&str]) -> bool {
    row.len() >= operations.len() && row.iter().zip(operations).all(|((_, node), operation)| node.op_type == *operation)
}

/// Returns the target shape of a `Reshape`.
fn wanted<'a>(flow: &'a Flow<'_>, node: &NodeProto) -> Option<&'a [i64]> {
    match flow.constant_of(node, 1)? {
        Tensor { data: Data::Int(shape), .. } => Some(shape),
        _ => None,
    }
}

/// Returns the constant among the inputs of a sum or product.
fn other<'a>(flow: &'a Flow<'_>, node: &NodeProto) -> Option<&'a Tensor> {
    node.input.iter().find_map(|name| flow.constant(name))
}

/// Returns true if node `place` flattens each sample to one row of `length` values.
pub(super) fn makes_rows(flow: &Flow<'_>, place: usize, length: usize) -> bool {
    let node = &flow.nodes[place];
    match node.op_type.as_str() {
        "Flatten" => flow.attributes(place).integer("axis", 1) == 1,
        "Reshape" => match wanted(flow, node) {
            Some(&[-1, columns]) => usize::try_from(columns) == Ok(length),
            Some(&[0 | 1, columns]) => columns == -1 || usize::try_from(columns) == Ok(length),
            _ => false,
        },
        // Rows and columns of a pooled image.
        _ => true,
    }
}

fn group_norm(flow: &Flow<'_>, row: &[(usize, &NodeProto)], values: Values) -> Option<Found> {
    if !is(row, &["Reshape", "InstanceNormalization", "Reshape", "Mul", "Add"]) {
        return None;
    }
    let groups = match wanted(flow, row[0].1)? {
        [0, groups, -1] => usize::try_from(*groups).ok()?,
        _ => return None,
    };
    let plain = |place: usize, value: f32| {
        vector(flow.constant_of(row[1].1, place), groups).is_some_and(|table| table.iter().all(|&x| x == value))
    };
    let channels = values.shape.channels();
    let known = matches!(values.layout, Layout::ChannelsFirst | Layout::Features);
    if !plain(1, 1.0) || !plain(2, 0.0) || !known {
        return None;
    }
    let scale = vector(other(flow, row[3].1), channels)?;
    let shift = vector(other(flow, row[4].1), channels)?;
    let epsilon = flow.attributes(row[1].0).float("epsilon", 1e-5);
    let spec = LayerSpec::GroupNorm(GroupNormSpec { groups, epsilon });
    let part = Part::with(row[0].0, spec, vec![("scale", scale), ("shift", shift)]);
    Some(Found { step: Step { part: Some(part), values }, last: row[4].0, replaces: false })
}

fn members(flow: &Flow<'_>, row: &[(usize, &NodeProto)], values: Values) -> Option<Found> {
    if !is(row, &["Reshape", "Mul"]) || values.layout != Layout::Features {
        return None;
    }
    let Shape::Features(features) = values.shape else { return None };
    let scales = other(flow, row[1].1)?;
    let &[1, rows, 1, count] = scales.shape.as_slice() else { return None };
    if rows != features || wanted(flow, row[0].1)? != [0, features as i64, 1, 1] {
        return None;
    }
    let own = scales.as_floats()?;
    let scale = (0..count).flat_map(|member| (0..features).map(move |feature| own[feature * count + member])).collect();
    let part = Part::with(row[0].0, LayerSpec::Members(MembersSpec { count }), vec![("scale", scale)]);
    let shape = Shape::Image { height: 1, width: count, channels: features };
    let values = Values { shape, layout: Layout::ChannelsFirst };
    Some(Found { step: Step { part: Some(part), values }, last: row[1].0, replaces: false })
}

fn grouped(flow: &Flow<'_>, row: &[(usize, &NodeProto)], values: Values) -> Option<Found> {
    if !is(row, &["Reshape", "Transpose", "MatMul", "Transpose", "Reshape"]) || values.layout != Layout::Features {
        return None;
    }
    let weights = flow.constant_of(row[2].1, 1)?;
    let &[groups, rows, columns] = weights.shape.as_slice() else { return None };
    let swaps = |at: usize| flow.attributes(row[at].0).integers("perm") == Some(&[1, 0, 2]);
    let fits = wanted(flow, row[0].1)? == [0, groups as i64, rows as i64]
        && wanted(flow, row[4].1)? == [0, (groups * columns) as i64]
        && values.shape == Shape::Features(groups * rows);
    if !fits || !swaps(1) || !swaps(3) {
        return None;
    }
    let mut numbers = vec![("weight", weights.as_floats()?.to_vec())];
    let bias = row
        .get(5)
        .filter(|(_, node)| node.op_type == "Add")
        .and_then(|(place, node)| vector(other(flow, node), groups * columns).map(|bias| (*place, bias)));
    let mut last = row[4].0;
    if let Some((place, bias)) = bias {
        last = place;
        numbers.push(("bias", bias));
    }
    let mut spec = LinearSpec::new(groups * columns);
    (spec.groups, spec.bias) = (groups, numbers.len() > 1);
    let part = Part::with(row[0].0, LayerSpec::Linear(spec), numbers);
    let values = Values { shape: Shape::Features(groups * columns), layout: Layout::Features };
    Some(Found { step: Step { part: Some(part), values }, last, replaces: false })
}

fn maxout(flow: &Flow<'_>, row: &[(usize, &NodeProto)], values: Values, before: Option<&Part>) -> Option<Found> {
    if !is(row, &["Reshape", "ReduceMax"]) || values.layout != Layout::Features {
        return None;
    }
    let PartLayer::Single(LayerSpec::Linear(linear), numbers) = &before?.layer else { return None };
    let &[0, pieces, out_features] = wanted(flow, row[0].1)? else { return None };
    let (pieces, out_features) = (usize::try_from(pieces).ok()?, usize::try_from(out_features).ok()?);
    let attributes = flow.attributes(row[1].0);
    let axes = match flow.constant_of(row[1].1, 1) {
        Some(Tensor { data: Data::Int(axes), .. }) => axes.clone(),
        _ => attributes.integers("axes")?.to_vec(),
    };
    let fits = linear.groups == 1 && Some(linear.out_features?) == pieces.checked_mul(out_features);
    if !fits || axes != [1] || attributes.integer("keepdims", 1) != 0 {
        return None;
    }
    let mut spec = MaxoutSpec::new(out_features);
    spec.pieces = pieces;
    let mut numbers = numbers.clone();
    if !linear.bias {
        numbers.push(("bias", vec![0.0; pieces * out_features]));
    }
    let part = Part::with(before?.place, LayerSpec::Maxout(spec), numbers);
    let values = Values { shape: Shape::Features(out_features), layout: Layout::Features };
    Some(Found { step: Step { part: Some(part), values }, last: row[1].0, replaces: true })
}
