//! Martens (2010): each unit starts with few connections, so that its input does not grow with the layer's width.

use rand_chacha::rand_core::Rng;
use rand_distr::{Distribution, StandardNormal};

use super::ParameterSpec;
use crate::random::RandomKey;

/// Fills the matrix `[all other dimensions, last dimension]` with exactly min(n, rows) normal values in each column.
pub(super) fn fill(values: &mut [f32], spec: &ParameterSpec, (n, std): (usize, f32), key: RandomKey) {
    values.fill(0.0);
    if values.is_empty() {
        return;
    }
    let columns = spec.shape.last().copied().unwrap_or(1);
    let rows = values.len() / columns;
    let mut generator = key.generator();
    let mut order: Vec<usize> = (0..rows).collect();
    for column in 0..columns {
        for chosen in 0..n.min(rows) {
            let remaining = (rows - chosen) as u64;
            let offset = ((u64::from(generator.next_u32()) * remaining) >> 32) as usize;
            order.swap(chosen, chosen + offset);
            let draw: f32 = StandardNormal.sample(&mut generator);
            values[order[chosen] * columns + column] = std * draw;
        }
    }
}
