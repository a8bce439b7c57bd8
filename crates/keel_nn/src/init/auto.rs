//! The initialiser chosen by the activation that follows the weights.

use super::InitSpec;
use super::ParameterSpec;
use super::definition::InitDefinition;
use super::kaiming_normal::KaimingNormalSpec;
use super::xavier_normal::XavierNormalSpec;
use crate::activations::{Activation, WeightScheme};
use crate::catalog::CatalogEntry;
use crate::random::RandomKey;

/// The initialiser `auto`; it has no keys.
pub(super) struct AutoSpec;

impl AutoSpec {
    /// Name in config files and summary.
    pub(super) const ENTRY: CatalogEntry = CatalogEntry {
        name: "auto",
        summary: "by the activation that follows: tanh -> xavier_normal, relu -> kaiming_normal, selu -> lecun_normal, ...",
    };
}

impl InitDefinition for AutoSpec {
    /// Returns xavier_normal, lecun_normal or kaiming_normal, depending on the activation. Before the identity or no activation,
    /// where logits are computed, it is lecun_normal: it keeps the variance of the signal, whereas averaging with a small fan_out
    /// would nearly double it.
    fn resolve(&self, following: Option<Activation>) -> Option<InitSpec> {
        Some(match following.map_or(WeightScheme::Lecun, Activation::weight_scheme) {
            WeightScheme::Xavier => InitSpec::XavierNormal(XavierNormalSpec::default()),
            WeightScheme::Lecun => InitSpec::LecunNormal,
            WeightScheme::Kaiming => InitSpec::KaimingNormal(KaimingNormalSpec::default()).resolve(following),
        })
    }

    /// Fills `values` with the initialiser for no activation.
    fn fill(&self, values: &mut [f32], spec: &ParameterSpec, key: RandomKey) {
        InitSpec::Auto.fill(values, spec, None, key);
    }

    fn has_keys(&self) -> bool {
        false
    }
}
