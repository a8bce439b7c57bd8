//! Everything a training run needs, in one `use`.

pub use crate::{AdamW, FittedRun, Model, ResumedTrainer, Session, Sgd, Trainer};
pub use keel_data::{
    AugmentConfig as Augment, Batch, Batches, Cell, ColumnCells, CropBorder, DataConfig, Dataset, Imputation, Inputs,
    PreprocessStep as Preprocess, SampleShape, Split, SplitDataset, Targets,
};
pub use keel_health::Finding;
pub use keel_nn::activations::Activation;
pub use keel_nn::init::InitSpec as Init;
pub use keel_nn::layers::{BuildError, CustomLayer, LayerSpec};
pub use keel_nn::losses::{CustomLoss, LossFunction, LossSpec as Loss, OutputTransform, Targets as LossTargets};
pub use keel_nn::{
    Backward, Forward, Layer, Memory, MemoryRequest, Mode, ParameterRole, ParameterSpec, Preset, RandomKey, Shape,
    SimdLevel, StateSpec,
};
pub use keel_train::config::{ClassWeights, WeightRule};
pub use keel_train::metrics::{MetricName, Metrics};
pub use keel_train::optimizers::OptimizerConfig;
pub use keel_train::runs::{MetricReader, Summary};
pub use keel_train::schedules::ScheduleConfig;
pub use keel_train::{Config, Event, Prediction, Predictor, StepResult, TrainError, TrainingObserver};
