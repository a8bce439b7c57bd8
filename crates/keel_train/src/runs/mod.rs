//! What a training leaves on disk.

mod atomic_file;
mod checkpoint;
mod folder;
mod memory_database;
pub(crate) mod model_file;
mod reader;
mod store;
mod summary;

pub(crate) use atomic_file::remove_leftovers;
pub use atomic_file::write_atomically;
pub use checkpoint::{Checkpoint, CheckpointError, FORMAT_VERSION, TrainingState};
pub use folder::RunFolder;
pub use memory_database::MemoryDatabase;
pub use reader::{HistogramRecord, LayerSeries, MetricReader};
pub use store::{EpochRecord, FindingRecord, LayerRecord, MetricStore, StepRecord};
pub use summary::{LayerSummary, Machine, PartMetrics, Status, Summary};
