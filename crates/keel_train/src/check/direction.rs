//! Directions in which a gradient is compared: along the gradient of a parameter, along that of random halves of its entries,
//! along random signs, and along single entries, some with the largest gradient and some at random.

use keel_nn::graph::Parameter;
use keel_nn::{NodeId, RandomKey};

/// Number of random directions that are drawn to find one without kinks.
const DRAWS: u64 = 3;

/// A direction within one parameter.
#[derive(Debug)]
pub(super) struct Direction {
    /// Node of the parameter.
    pub(super) node: NodeId,
    /// Index of the first moved entry in the parameter buffer.
    pub(super) start: usize,
    /// Displacement of each entry, `[length]`.
    pub(super) values: Vec<f32>,
}

/// Kind of direction.
#[derive(Debug, Clone, Copy)]
pub(super) enum Probe {
    /// The gradient itself.
    Gradient,
    /// The gradient of a random half of the entries.
    Half(u64),
    /// Plus or minus one everywhere.
    Signs,
    /// The entry with the gradient of this rank by size.
    Large(usize),
    /// A random entry.
    Entry(u64),
}

/// Directions of one parameter, in the order in which they are tried.
pub(super) const PROBES: [Probe; 10] = [
    Probe::Gradient,
    Probe::Half(0),
    Probe::Signs,
    Probe::Half(1),
    Probe::Large(0),
    Probe::Entry(0),
    Probe::Large(1),
    Probe::Entry(1),
    Probe::Entry(2),
    Probe::Entry(3),
];

impl Probe {
    /// Returns the number of directions that can be drawn.
    pub(super) fn draws(self) -> u64 {
        match self {
            Probe::Half(_) | Probe::Signs | Probe::Entry(_) => DRAWS,
            Probe::Gradient | Probe::Large(_) => 1,
        }
    }

    /// Returns the direction for `parameter`, based on its part of `gradient`; `None` if no entry would move.
    pub(super) fn direction(self, gradient: &[f32], parameter: &Parameter, key: RandomKey) -> Option<Direction> {
        let (node, start, part) = (parameter.node, parameter.range.start, &gradient[parameter.range.clone()]);
        let entry = |index: usize| Some(Direction { node, start: start + index, values: vec![1.0] });
        let whole = |values: Vec<f32>| normalised(values).map(|values| Direction { node, start, values });
        match self {
            _ if part.is_empty() => None,
            Probe::Gradient => whole(part.to_vec()),
            Probe::Half(draw) => {
                let keep = |index: usize| key.named("half").child(draw).bits(index as u64) & 1 == 1;
                whole(part.iter().enumerate().map(|(i, &value)| if keep(i) { value } else { 0.0 }).collect())
            }
            Probe::Signs => {
                let sign = |index: usize| if key.named("side").bits(index as u64) & 1 == 1 { 1.0 } else { -1.0 };
                whole((0..part.len()).map(sign).collect())
            }
            Probe::Large(rank) => {
                let mut order: Vec<usize> = (0..part.len()).collect();
                order.sort_by(|&a, &b| part[b].abs().total_cmp(&part[a].abs()).then(a.cmp(&b)));
                order.get(rank).and_then(|&index| entry(index))
            }
            Probe::Entry(draw) => entry((key.named("entry").bits(draw) % part.len() as u64) as usize),
        }
    }
}

/// Returns `values` scaled to norm 1; `None` if the norm is zero.
fn normalised(mut values: Vec<f32>) -> Option<Vec<f32>> {
    let length = product(&values, &values).sqrt();
    if !(length > 0.0) {
        return None;
    }
    values.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    Some(values)
}

/// Returns the inner product in double precision, over the length of the shorter slice.
pub(super) fn product(left: &[f32], right: &[f32]) -> f64 {
    left.iter().zip(right).map(|(left, right)| f64::from(*left) * f64::from(*right)).sum()
}
