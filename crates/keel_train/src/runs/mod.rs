//! Files and rows that a training leaves, on disk or in memory.

mod atomic_file;
mod checkpoint;
mod folder;
mod histogram;
mod memory_database;
pub(crate) mod model_file;
mod network_tensors;
mod reader;
mod store;
mod summary;

pub(crate) use atomic_file::remove_leftovers;
pub use atomic_file::write_atomically;
pub use checkpoint::{Checkpoint, FORMAT_VERSION, NamedTensor, TrainingState};
pub use folder::RunFolder;
pub use histogram::HistogramRecord;
pub use memory_database::MemoryDatabase;
pub(crate) use network_tensors::{network_tensors, restore_network};
pub use reader::{LayerSeries, MetricReader};
pub use store::{EpochRecord, FindingRecord, LayerRecord, MetricStore, StepRecord};
pub use summary::{LayerSummary, Machine, PartMetrics, Status, Summary};

pub use crate::error::CheckpointError;
