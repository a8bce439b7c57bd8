//! Activation functions: single nodes by name, groups of nodes by the function they compute.

use std::collections::BTreeMap;

use keel_nn::activations::{Activation, EluSpec, LeakyReluSpec};

use super::flow::Flow;
use crate::Tensor;
use crate::evaluate::{Attributes, compute};

/// Factor and limit of selu; other values are rejected.
const SELU: [f32; 2] = [1.673_263_2, 1.050_701];

/// Returns the function of a single node: `None` for another operation, an error for unsupported attributes.
pub(super) fn of_node(operation: &str, attributes: Attributes<'_>) -> Option<Result<Activation, String>> {
    let alpha = |default| attributes.float("alpha", default);
    Some(Ok(match operation {
        "Relu" => Activation::Relu,
        "LeakyRelu" => Activation::LeakyRelu(LeakyReluSpec { slope: alpha(0.01) }),
        "Elu" => Activation::Elu(EluSpec { alpha: alpha(1.0) }),
        "Selu" => {
            let found = [alpha(SELU[0]), attributes.float("gamma", SELU[1])];
            if found.iter().zip(SELU).any(|(found, own)| (found - own).abs() > 1e-4) {
                return Some(Err("its alpha and gamma are not those of selu".to_owned()));
            }
            Activation::Selu
        }
        "Sigmoid" => Activation::Sigmoid,
        "Tanh" => Activation::Tanh,
        "Softplus" => Activation::Softplus,
        "HardSwish" => Activation::HardSwish,
        "Mish" => Activation::Mish,
        "Gelu" if attributes.string("approximate").as_deref() != Some(Activation::Tanh.name()) => Activation::Gelu,
        "Swish" if alpha(1.0) == 1.0 => Activation::Silu,
        _ => return None,
    }))
}

/// Operations that activation functions are composed of.
const SIMPLE: [&str; 15] = [
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Erf",
    "Exp",
    "Log",
    "Sigmoid",
    "Tanh",
    "Softplus",
    "Relu",
    "Neg",
    "Clip",
    "HardSigmoid",
    "Identity",
];
/// Maximum number of nodes searched for a function.
const MOST_LOOKED_AT: usize = 64;
/// Maximum number of nodes of a function.
const MOST_NODES: usize = 12;

/// Finds several nodes that compute a function of every value of `value`; returns the function and the name of its result.
pub(super) fn of_nodes(flow: &Flow<'_>, value: &str) -> Option<(Activation, String, usize)> {
    let mut region: Vec<usize> = Vec::new();
    let mut inside = vec![value.to_owned()];
    let first = *flow.readers(value).first()?;
    for place in (first..flow.nodes.len()).take(MOST_LOOKED_AT) {
        let node = &flow.nodes[place];
        if region.len() == MOST_NODES {
            break;
        }
        let reads = |name: &String| inside.contains(name) || flow.constant(name).is_some_and(|c| c.data.len() == 1);
        if !SIMPLE.contains(&node.op_type.as_str())
            || !node.input.iter().all(|name| name.is_empty() || reads(name))
            || !node.input.iter().any(|name| inside.contains(name))
        {
            continue;
        }
        region.push(place);
        let result = node.output.first()?.clone();
        inside.push(result.clone());
        let is_closed = inside
            .iter()
            .filter(|name| **name != result)
            .all(|name| *name != flow.output && flow.readers(name).iter().all(|reader| region.contains(reader)));
        if is_closed
            && region.len() > 1
            && let Some(activation) = recognised(flow, value, &region)
        {
            return Some((activation, result, place));
        }
    }
    None
}

/// Returns the function that the nodes compute on a series of test values.
fn recognised(flow: &Flow<'_>, value: &str, region: &[usize]) -> Option<Activation> {
    let row: Vec<f32> = (-40..=40).map(|step| step as f32 * 0.17).collect();
    let mut values = BTreeMap::from([(value.to_owned(), Tensor::floats([row.len()], row.clone()))]);
    let mut last = Vec::new();
    for &place in region {
        let node = &flow.nodes[place];
        let inputs = node.input.iter().map(|name| values.get(name).or_else(|| flow.constant(name))).collect();
        let result = compute(node, inputs, flow.opset).ok()?.pop()?;
        last = result.as_floats()?.to_vec();
        values.insert(node.output.first()?.clone(), result);
    }
    let functions = [Activation::Gelu, Activation::Silu, Activation::Mish, Activation::HardSwish, Activation::Softplus];
    functions.into_iter().find(|function| {
        last.len() == row.len()
            && row.iter().zip(&last).all(|(&x, &y)| {
                (value_of(*function, f64::from(x)) - f64::from(y)).abs() < 2e-6 * (1.0 + f64::from(x.abs()))
            })
    })
}

/// Evaluates a function that exporters write as several nodes.
fn value_of(function: Activation, x: f64) -> f64 {
    let softplus = x.max(0.0) + (-x.abs()).exp().ln_1p();
    match function {
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Mish => x * softplus.tanh(),
        Activation::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::Softplus => softplus,
        _ => 0.5 * x * (1.0 + crate::evaluate::erf(x * std::f64::consts::FRAC_1_SQRT_2)),
    }
}
