//! Uniform distribution around 0.

use keel_kernels::parallel::for_each_chunk_mut;
use rand_chacha::rand_core::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ParameterSpec;
use super::definition::{Check, InitDefinition, significant};
use crate::catalog::CatalogEntry;
use crate::random::RandomKey;

/// Keys of the initialiser `uniform`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UniformSpec {
    /// Maximum magnitude.
    #[schemars(range(min = 0.0))]
    pub limit: f32,
}

impl UniformSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry =
        CatalogEntry { name: "uniform", summary: "uniform between -limit and limit (limit)" };
}

impl InitDefinition for UniformSpec {
    fn fill(&self, values: &mut [f32], _spec: &ParameterSpec, key: RandomKey) {
        fill(values, self.limit, key);
    }

    fn checks(&self) -> Vec<Check> {
        vec![Check::not_negative("limit", self.limit)]
    }

    fn settings(&self, _fan: &str) -> String {
        format!("limit {}", significant(self.limit))
    }
}

/// Number of values drawn from one stream; each chunk has its own stream.
const CHUNK: usize = 16 * 1024;

/// Draws every value between -limit and limit: one of 2^24 evenly spaced numbers, symmetric around 0.
pub(super) fn fill(values: &mut [f32], limit: f32, key: RandomKey) {
    for_each_chunk_mut(values, CHUNK, |index, values| {
        let mut generator = key.child(index as u64).generator();
        for value in values {
            let level = (generator.next_u32() >> 8) as i32;
            let draw = (2 * level + 1 - (1 << 24)) as f32 / (1 << 24) as f32;
            *value = limit * draw;
        }
    });
}

/// Fills like [`fill`], with the limit that gives the standard deviation `std`.
pub(super) fn fill_std(values: &mut [f32], std: f32, key: RandomKey) {
    fill(values, std * 3.0f32.sqrt(), key);
}
