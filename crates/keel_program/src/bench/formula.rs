//! Weights, inputs and labels from a formula that the peer uses too (`bench/peers/workloads.py`).

use keel_nn::graph::Graph;
use keel_nn::{NodeId, Op, ParameterRole, Value};

/// Number of classes of every workload.
pub(super) const CLASSES: usize = 10;

/// Bound of the uniformly distributed inputs, for which their variance is 1.
const INPUT_LIMIT: f32 = 1.732_050_8;

/// Returns `length` input values.
pub(super) fn inputs(seed: u64, length: usize) -> Vec<f32> {
    uniform(seed * 1000 + 900, length, INPUT_LIMIT)
}

/// Returns `length` classes.
pub(super) fn labels(seed: u64, length: usize) -> Vec<u32> {
    let seed = seed * 1000 + 901;
    (0..length).map(|index| ((top_bits(seed, index) * CLASSES as u64) >> 24) as u32).collect()
}

/// Returns all parameters of a graph, in buffer order.
pub(super) fn parameters(graph: &Graph, seed: u64) -> Vec<f32> {
    let mut values = vec![0.0; graph.parameter_length()];
    let last_weight = graph.parameters().iter().rposition(|parameter| parameter.spec.role == ParameterRole::Weight);
    for (number, parameter) in graph.parameters().iter().enumerate() {
        let target = &mut values[parameter.range.clone()];
        match parameter.spec.role {
            ParameterRole::Weight => {
                let limit = (6.0 / parameter.spec.fan_in as f64).sqrt() as f32;
                let limit = if Some(number) == last_weight { limit / 8.0 } else { limit };
                target.copy_from_slice(&uniform(seed * 1000 + number as u64, target.len(), limit));
            }
            ParameterRole::Scale => target.fill(if ends_a_body(graph, parameter.node) { 0.25 } else { 1.0 }),
            ParameterRole::Slope => target.fill(0.25),
            ParameterRole::Bias | ParameterRole::Shift => {}
        }
    }
    values
}

/// Returns true if the node's output is added to the shortcut of a residual block.
fn ends_a_body(graph: &Graph, node: NodeId) -> bool {
    let own = Value::Node(node);
    graph.readers(node).any(|reader| matches!(reader.op, Op::Add(_)) && reader.inputs.first() == Some(&own))
}

/// Returns values uniformly distributed between -`limit` and `limit`: outputs of splitmix64 (Steele, Lea & Flood 2014) from
/// `seed`.
fn uniform(seed: u64, length: usize, limit: f32) -> Vec<f32> {
    let (low, width) = (f64::from(-limit), 2.0 * f64::from(limit));
    (0..length).map(|index| (low + width * top_bits(seed, index) as f64 / f64::from(1 << 24)) as f32).collect()
}

fn top_bits(seed: u64, index: usize) -> u64 {
    let mut bits = seed.wrapping_add(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(index as u64 + 1));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (bits ^ (bits >> 31)) >> 40
}
