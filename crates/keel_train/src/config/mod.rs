//! The config file: sections, defaults, validation with places, overrides, presets.

mod class_weights;
mod commented;
mod differences;
mod given;
mod habits;
mod load;
mod located;
mod memory_limit;
mod metric_name;
mod named;
mod overrides;
mod place;
mod presets;
mod problem;
mod sections;
mod source;
mod text_file;
mod user_defaults;
mod validate;

use std::sync::OnceLock;

use keel_data::{AugmentConfig, DataConfig, PreprocessConfig};
use keel_nn::ModelConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::optimizers::OptimizerConfig;
use crate::schedules::ScheduleConfig;

pub use class_weights::{ClassWeights, WeightRule};
pub use commented::commented_default;
pub use differences::{Difference, differences};
pub use given::GivenKeys;
pub use load::{Sources, check_values, load, load_from, parse, string_override};
pub use located::Origin;
pub use memory_limit::MemoryLimit;
pub use metric_name::MetricName;
pub use named::{Named, named};
pub use place::{Place, place_of};
pub use presets::{PRESETS, PresetFile};
pub use problem::{ConfigError, Problem, line_of};
pub use sections::{AutoLoss, AveragingConfig, HealthConfig, HealthLevel, LossConfig, OnError, RunConfig, TrainConfig};
pub use source::open_last_linear;
pub(crate) use source::{KEY as SOURCE, is_onnx, read as read_onnx, take as take_source};
pub use user_defaults::UserDefaults;
pub use validate::nearest;

/// All settings of a training run. Every key has a default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Source of the data and its split into training, validation and test part.
    pub data: DataConfig,
    /// Preprocessing steps applied to every input, fitted on the training split.
    pub preprocess: PreprocessConfig,
    /// Random changes of training images.
    pub augment: AugmentConfig,
    /// The network.
    pub model: ModelConfig,
    /// Duration, batches and loss.
    pub train: TrainConfig,
    /// Optimizer, which computes updates from gradients.
    pub optimizer: OptimizerConfig,
    /// Course of the learning rate over the training run.
    pub schedule: ScheduleConfig,
    /// Measurements during training and the reaction to problems.
    pub health: HealthConfig,
    /// Folder of the run.
    pub run: RunConfig,
    /// Keys that were given explicitly; not part of any file.
    #[serde(skip)]
    pub given: GivenKeys,
}

impl Config {
    /// Returns the config as TOML, with all defaults.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a config holds only strings, numbers, booleans, arrays and tables")
    }

    /// Returns the config with keys that follow other keys resolved: `data.seed` is set to `train.seed` if it was not given.
    pub fn settled(mut self) -> Config {
        self.data.seed.get_or_insert(self.train.seed);
        self
    }

    /// Returns a short fingerprint of everything that determines the weights: the whole config except the run's folder, the
    /// number of threads, the duration of training and its limits. FNV-1a, 64 bits, hexadecimal.
    pub fn fingerprint(&self) -> String {
        let mut relevant = self.clone();
        relevant.run = RunConfig::default();
        relevant.train.threads = 0;
        relevant.train.time_limit = 0.0;
        relevant.train.memory_limit = MemoryLimit::default();
        let hash = relevant
            .to_toml()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        format!("{hash:016x}")
    }
}

/// Returns the schema that every config is checked against, created once.
fn stored_schema() -> &'static serde_json::Value {
    static SCHEMA: OnceLock<serde_json::Value> = OnceLock::new();
    SCHEMA.get_or_init(schema)
}

/// Returns the JSON schema of the config file.
pub fn schema() -> serde_json::Value {
    let settings =
        schemars::generate::SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
    shorten_numbers(&mut schema);
    schema
}

/// Shortens numbers that come from an f32 to the digits that f32 needs: 0.1 instead of 0.10000000149011612.
fn shorten_numbers(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(entries) => entries.values_mut().for_each(shorten_numbers),
        serde_json::Value::Array(values) => values.iter_mut().for_each(shorten_numbers),
        serde_json::Value::Number(number) if number.is_f64() => {
            let short = number.as_f64().filter(|number| f64::from(*number as f32) == *number);
            let short = short.and_then(|number| (number as f32).to_string().parse().ok());
            if let Some(short) = short.and_then(serde_json::Number::from_f64) {
                *number = short;
            }
        }
        _ => {}
    }
}

/// Returns the dotted key that `name`, a key without its section or a habitual name of one, most likely means.
pub fn key_named(name: &str) -> Option<String> {
    habits::key_elsewhere(name, "", stored_schema())
}
