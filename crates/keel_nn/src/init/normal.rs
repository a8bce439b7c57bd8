//! Normal distribution with mean 0.

use keel_kernels::parallel::for_each_chunk_mut;
use rand_distr::{Distribution, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ParameterSpec;
use super::definition::{Check, InitDefinition, significant};
use crate::catalog::CatalogEntry;
use crate::random::RandomKey;

/// Keys of the initialiser `normal`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NormalSpec {
    /// Standard deviation.
    #[schemars(range(min = 0.0))]
    pub std: f32,
}

impl NormalSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry { name: "normal", summary: "normal with mean 0 (std)" };
}

impl InitDefinition for NormalSpec {
    fn fill(&self, values: &mut [f32], _spec: &ParameterSpec, key: RandomKey) {
        fill(values, self.std, key);
    }

    fn checks(&self) -> Vec<Check> {
        vec![Check::not_negative("std", self.std)]
    }

    fn settings(&self, _fan: &str) -> String {
        format!("std {}", significant(self.std))
    }
}

/// Number of values drawn from one stream; each chunk has its own stream.
const CHUNK: usize = 16 * 1024;

/// Draws every value from N(0, std^2).
pub(super) fn fill(values: &mut [f32], std: f32, key: RandomKey) {
    for_each_chunk_mut(values, CHUNK, |index, values| {
        let mut generator = key.child(index as u64).generator();
        for value in values {
            let draw: f32 = StandardNormal.sample(&mut generator);
            *value = std * draw;
        }
    });
}
