//! A custom layer in the list of layers.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BuildError;
use super::catalog::{LayerDefinition, LayerEntry};
use crate::graph::Op;
use crate::{Layer, Shape};

type Build = dyn Fn(Shape) -> Result<Box<dyn Layer>, BuildError> + Send + Sync;

/// A layer defined by a program: a name, and the function that builds it for one input shape. Files store only the name, so a
/// program that reads a config or a model has to supply the function again, with [`crate::ModelConfig::provide`].
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomLayer {
    /// Name in files; should include the settings that the layer was built with, as in `sine(3)`.
    name: String,
    #[serde(skip)]
    build: Option<Arc<Build>>,
}

impl CustomLayer {
    /// Name in config files, summary and keys.
    pub(crate) const ENTRY: LayerEntry = LayerEntry {
        name: "custom",
        summary: "a layer of a program that uses the library; only that program can build it",
        keys: &[("name", "name that the program gave the layer; required")],
    };
}

impl LayerDefinition for CustomLayer {
    fn operation(&self, input: Shape) -> Result<Op, BuildError> {
        Ok(Op::Custom(self.build(input)?.into()))
    }
}

impl CustomLayer {
    /// Creates the layer that `build` makes, under `name`.
    pub fn new(
        name: impl Into<String>,
        build: impl Fn(Shape) -> Result<Box<dyn Layer>, BuildError> + Send + Sync + 'static,
    ) -> Self {
        CustomLayer { name: name.into(), build: Some(Arc::new(build)) }
    }

    /// Returns its name in files.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Builds the layer for one input shape.
    ///
    /// # Errors
    /// The error of the function; [`BuildError::CustomLayerMissing`] for a layer that was read from a file and whose function was
    /// not supplied.
    pub fn build(&self, input: Shape) -> Result<Box<dyn Layer>, BuildError> {
        match &self.build {
            Some(build) => build(input),
            None => Err(BuildError::CustomLayerMissing { name: self.name.clone() }),
        }
    }

    /// Takes the function from the layer of the same name in `layers`, if this layer has none.
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

/// Layers with equal names are the same, as in a file.
impl PartialEq for CustomLayer {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
