//! A layer of the user's own in the list of layers.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BuildError;
use super::catalog::{LayerDefinition, LayerEntry};
use crate::graph::Op;
use crate::{Layer, Shape};

type Build = dyn Fn(Shape) -> Result<Box<dyn Layer>, BuildError> + Send + Sync;

/// A layer that a program brings along: a name, and the function that builds it for one input shape. Files keep the name
/// alone, so whoever reads a config or a model back gives the function again, with [`crate::ModelConfig::provide`].
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomLayer {
    /// What files call it; settings the layer was built with belong in here, as in `sine(3)`.
    name: String,
    #[serde(skip)]
    build: Option<Arc<Build>>,
}

impl CustomLayer {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry = LayerEntry {
        name: "custom",
        summary: "a layer of a program that uses the library; only that program can build it",
        keys: &[("name", "what the program calls it; required")],
    };
}

impl LayerDefinition for CustomLayer {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::Custom(self.build(input)?.into()))
    }
}

impl CustomLayer {
    /// The layer that `build` makes, under `name`.
    pub fn new(
        name: impl Into<String>,
        build: impl Fn(Shape) -> Result<Box<dyn Layer>, BuildError> + Send + Sync + 'static,
    ) -> Self {
        CustomLayer { name: name.into(), build: Some(Arc::new(build)) }
    }

    /// Its name in files.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The layer for one input shape.
    ///
    /// # Errors
    /// What the function refuses; or [`BuildError::CustomLayerMissing`] for a layer that was read from a file and whose
    /// function nobody gave.
    pub fn build(&self, input: Shape) -> Result<Box<dyn Layer>, BuildError> {
        match &self.build {
            Some(build) => build(input),
            None => Err(BuildError::CustomLayerMissing { name: self.name.clone() }),
        }
    }

    /// Takes the function of the layer of the same name in `layers`, if this one has none.
    pub(crate) fn provide(&mut self, layers: &[CustomLayer]) {
        if self.build.is_none() {
            self.build = layers.iter().find(|layer| layer.name == self.name).and_then(|layer| layer.build.clone());
        }
    }
}

impl fmt::Debug for CustomLayer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CustomLayer({})", self.name)
    }
}

/// Equal names are the same layer, as in a file.
impl PartialEq for CustomLayer {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
