//! Martens (2010): each unit starts with few connections, so that its input does not grow with the width of the layer.

use rand_chacha::rand_core::Rng;
use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InitSpec;
use super::ParameterSpec;
use super::definition::{Check, InitDefinition, significant};
use super::gain_of;
use crate::activations::Activation;
use crate::catalog::CatalogEntry;
use crate::random::RandomKey;

/// Keys of the initialiser `sparse`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SparseSpec {
    /// Number of connections into each output.
    #[schemars(range(min = 1))]
    pub n: usize,
    /// Standard deviation; by default the gain of the activation that follows / sqrt(n).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub std: Option<f32>,
}

impl SparseSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry =
        CatalogEntry { name: "sparse", summary: "n normal connections into each output, the rest zero (n 10)" };
}

impl Default for SparseSpec {
    fn default() -> Self {
        SparseSpec { n: 10, std: None }
    }
}

impl InitDefinition for SparseSpec {
    fn resolve(&self, following: Option<Activation>) -> Option<InitSpec> {
        let std = self.std.unwrap_or_else(|| gain_of(following) / (self.n.max(1) as f32).sqrt());
        Some(InitSpec::Sparse(SparseSpec { std: Some(std), ..*self }))
    }

    /// Fills the matrix `[all other dimensions, last dimension]` with exactly min(n, rows) normal values in each column.
    fn fill(&self, values: &mut [f32], spec: &ParameterSpec, key: RandomKey) {
        let (n, std) = (self.n, self.std.unwrap_or(0.0));
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

    fn checks(&self) -> Vec<Check> {
        let n = Check { key: "n", value: self.n as f64, is_valid: self.n > 0, allowed: "1 or more" };
        vec![n, Check::not_negative("std", self.std.unwrap_or(0.0))]
    }

    fn settings(&self, _fan: &str) -> String {
        match self.std {
            Some(std) => format!("n {}, std {}", self.n, significant(std)),
            None => format!("n {}", self.n),
        }
    }
}
