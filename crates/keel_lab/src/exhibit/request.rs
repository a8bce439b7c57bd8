//! A question to an exhibit, and the work that is kept between questions.

use std::any::Any;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Exhibit;

/// A question: an exhibit, the knobs that are set, and a seed.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// Name of the exhibit.
    pub exhibit: String,
    /// Knobs with their values; others have their defaults.
    pub settings: Vec<(String, Value)>,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Language of figures and words, `en` or `zh`.
    pub language: String,
    /// Asks for a smaller answer where the whole one takes long.
    pub draft: bool,
}

/// Work that the next answer of each exhibit can continue from.
#[derive(Default)]
pub(crate) struct Memories {
    by_name: BTreeMap<&'static str, Box<dyn Any + Send>>,
}

impl Memories {
    /// The memory of the exhibit `E`.
    pub(super) fn of<E: Exhibit>(&mut self) -> &mut E::Memory {
        let memory = self.by_name.entry(E::NAME).or_insert_with(|| Box::new(E::Memory::default()));
        memory.downcast_mut().expect("one type for each name")
    }

    /// The exhibits that have one.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.by_name.keys().copied()
    }
}
