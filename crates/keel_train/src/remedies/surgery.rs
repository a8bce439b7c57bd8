//! Changes of a network's parameters and state that no setting can express.

use std::sync::Arc;

use keel_health::Remedy;
use keel_health::measurement::{LayerKind, ModelDescription};
use keel_nn::init::InitSpec;
use keel_nn::{ParameterRole, RandomKey};
use serde::Serialize;

use crate::config::Config;
use crate::error::TrainError;
use crate::health::describe_model;
use crate::session::Session;

/// One change of a network's parameters or state.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Surgery {
    /// Reinitialises the incoming weights of some units, and resets their bias, norm and optimizer state.
    ReinitialiseUnits {
        /// Activation layer of the units.
        layer: String,
        /// Indices of the units.
        units: Vec<usize>,
    },
    /// Recomputes exact statistics of every batch norm.
    ExactStatistics {
        /// Number of training batches they are averaged over.
        batches: usize,
    },
    /// Sets the bias of the last layer to the log of the class fractions.
    PriorBias {
        /// Name of the last layer.
        layer: String,
    },
}

impl Surgery {
    /// Returns the change that `remedy` requires, if it is one.
    pub fn of(remedy: &Remedy) -> Option<Self> {
        match remedy {
            Remedy::ReinitialiseUnits { layer, units } if !units.is_empty() => {
                Some(Surgery::ReinitialiseUnits { layer: layer.clone(), units: units.clone() })
            }
            Remedy::RecomputeBatchNormStatistics { batches } => {
                Some(Surgery::ExactStatistics { batches: usize::try_from(*batches).unwrap_or(1).max(1) })
            }
            Remedy::PriorBias { layer } => Some(Surgery::PriorBias { layer: layer.clone() }),
            _ => None,
        }
    }

    /// Returns true if it is only useful for weights that have been trained.
    pub fn needs_trained_weights(&self) -> bool {
        matches!(self, Surgery::ReinitialiseUnits { .. } | Surgery::ExactStatistics { .. })
    }

    /// Applies the change to `session`, made from `config`.
    ///
    /// # Errors
    /// If the network has no such layer, or a sample cannot be preprocessed.
    pub fn apply(&self, session: &mut Session, config: &Config) -> Result<(), TrainError> {
        match self {
            Surgery::ReinitialiseUnits { layer, units } => reinitialise(session, config, layer, units),
            Surgery::ExactStatistics { batches } => session.recompute_batch_norm(*batches),
            Surgery::PriorBias { layer } => prior_bias(session, layer),
        }
    }
}

fn missing(layer: &str) -> TrainError {
    TrainError::setting("model", format!("the network has no layer {layer} with weights; choose another remedy"))
}

/// Returns the layer with weights before activation `name` and the norms in between.
fn weights_and_norms(model: &ModelDescription, name: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut current = model.find(name)?;
    if model.layers[current].kind.has_weight_matrix() {
        return Some(vec![model.name(current)]);
    }
    loop {
        current = *model.layers[current].inputs.first()?;
        let kind = model.layers[current].kind;
        match kind {
            kind if kind.has_weight_matrix() => {
                names.push(model.name(current));
                return Some(names);
            }
            kind if kind.is_norm() => names.push(model.name(current)),
            LayerKind::MaxPool | LayerKind::AvgPool | LayerKind::Dropout => {}
            _ => return None,
        }
    }
}

fn reinitialise(session: &mut Session, config: &Config, layer: &str, units: &[usize]) -> Result<(), TrainError> {
    let model = describe_model(config, session);
    let names = weights_and_norms(&model, layer).ok_or_else(|| missing(layer))?;
    let graph = Arc::clone(&session.network().graph);
    let key = RandomKey::new(config.train.seed).named("units drawn anew").child(session.optimizer().steps());
    let mut changed = Vec::new();
    for parameter in graph.parameters() {
        if !names.contains(&graph.node(parameter.node).name) {
            continue;
        }
        let following = graph.node(parameter.node).followed_by;
        let mut fresh = vec![0.0; parameter.range.len()];
        InitSpec::of(&parameter.spec, following).fill(
            &mut fresh,
            &parameter.spec,
            following,
            key.named(&parameter.name),
        );
        let width = parameter.spec.shape.last().copied().unwrap_or(1);
        for (offset, value) in fresh.iter().enumerate().filter(|(offset, _)| units.contains(&(offset % width))) {
            session.network_mut().parameters[parameter.range.start + offset] = *value;
            changed.push(parameter.range.start + offset);
        }
    }
    forget(session, &changed);
    Ok(())
}

/// Resets the optimizer state of some parameters to zero.
fn forget(session: &mut Session, parameters: &[usize]) {
    let slots: Vec<(&'static str, Vec<f32>)> =
        session.optimizer().slots().map(|(name, values)| (name, values.to_vec())).collect();
    for (name, mut values) in slots {
        parameters.iter().for_each(|&index| values[index] = 0.0);
        session.optimizer_mut().restore_slot(name, &values);
    }
}

fn prior_bias(session: &mut Session, layer: &str) -> Result<(), TrainError> {
    let data = session.data();
    let counts = data.dataset.class_counts(&data.train);
    let total = counts.iter().sum::<usize>() as f64;
    let graph = &session.network().graph;
    let node = graph.find(layer).ok_or_else(|| missing(layer))?;
    let bias = graph.parameters_of(node.id).find(|parameter| parameter.spec.role == ParameterRole::Bias);
    let range = bias.map(|parameter| parameter.range.clone());
    let range = range.filter(|range| range.len() == counts.len()).ok_or_else(|| missing(layer))?;
    for (bias, count) in session.network_mut().parameters[range].iter_mut().zip(counts) {
        *bias = ((count as f64).max(0.5) / total).ln() as f32;
    }
    Ok(())
}
