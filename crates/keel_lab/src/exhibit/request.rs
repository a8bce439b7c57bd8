//! Requests to an exhibit, and the work kept between them.

use std::any::Any;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Exhibit;

/// A request: an exhibit, knob values, and a seed.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// Name of the exhibit.
    pub exhibit: String,
    /// Knobs with their values; others have their defaults.
    pub settings: Vec<(String, Value)>,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Language of figures and texts, `en` or `zh`.
    pub language: String,
    /// True to request a smaller answer if the full one takes long.
    pub draft: bool,
}

/// Work that the next answer of each exhibit can continue from.
#[derive(Default)]
pub(crate) struct Memories {
    by_name: BTreeMap<&'static str, Box<dyn Any + Send>>,
}

impl Memories {
    /// Returns the memory of the exhibit `E`.
    pub(super) fn of<E: Exhibit>(&mut self) -> &mut E::Memory {
        let memory = self.by_name.entry(E::NAME).or_insert_with(|| Box::new(E::Memory::default()));
        memory.downcast_mut().expect("one type for each name")
    }

    /// Returns the names of the exhibits with a memory.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.by_name.keys().copied()
    }
}
