//! Learning rate schedules: a factor of the optimizer's learning rate for every step. One file each; this one contains the
//! list.

mod constant;
mod cosine;
mod definition;
mod one_cycle;
mod plateau;
mod plateau_state;
mod schedule;
mod step;

use keel_nn::{CatalogEntry, catalog_enum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use definition::ScheduleDefinition;

pub use constant::ConstantConfig;
pub use cosine::CosineConfig;
pub use definition::Horizon;
pub use one_cycle::{CycleShape, OneCycleConfig};
pub use plateau::PlateauConfig;
pub use plateau_state::PlateauState;
pub use schedule::{Schedule, Shortened};
pub use step::StepConfig;

catalog_enum! {
    /// Course of the learning rate over the training run.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(tag = "type", rename_all = "snake_case")]
    pub enum ScheduleConfig: ScheduleDefinition, CatalogEntry {
        Constant(constant: ConstantConfig),
        Step(step: StepConfig),
        Cosine(cosine: CosineConfig),
        OneCycle(one_cycle: OneCycleConfig),
        ReduceOnPlateau(reduce_on_plateau: PlateauConfig),
    }
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        ScheduleConfig::OneCycle(OneCycleConfig::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_calls_every_schedule_by_the_name_of_its_entry() {
        for entry in CATALOG {
            let config: ScheduleConfig = serde_json::from_value(serde_json::json!({ "type": entry.name })).unwrap();
            assert_eq!(config.entry(), *entry);
        }
    }
}
