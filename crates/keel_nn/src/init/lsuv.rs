//! Mishkin & Matas (2015), layer-sequential unit variance: orthogonal weights, rescaled on real data layer by layer.

/// The data-dependent part: whoever owns the network runs a batch through it and, in the order of the graph, multiplies
/// each layer's weight with [`Lsuv::factor`] of the variance of that layer's outputs until there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lsuv {
    /// Variance to reach.
    pub target: f32,
    /// Largest deviation from it.
    pub tolerance: f32,
    /// Most rescalings of one layer.
    pub iterations: usize,
}

impl Lsuv {
    /// What to multiply the weight with, given the variance of the layer's outputs; `None` when it is near enough, or
    /// when no factor can help because it is zero or not finite.
    pub fn factor(&self, variance: f64) -> Option<f32> {
        let target = f64::from(self.target);
        if !(variance > 0.0 && variance.is_finite()) || (variance - target).abs() <= f64::from(self.tolerance) {
            return None;
        }
        Some((target / variance).sqrt() as f32)
    }
}

pub(super) fn tolerance() -> f32 {
    0.02
}

pub(super) fn iterations() -> usize {
    20
}
