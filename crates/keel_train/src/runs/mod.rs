//! Files and rows that a training run produces, on disk or in memory.

mod checkpoint;
pub mod files;
mod folder;
mod histogram;
mod lock;
mod memory_database;
pub(crate) mod model_file;
mod network_tensors;
mod progress;
mod reader;
mod store;
mod summary;

pub(crate) use checkpoint::is_own_file;
pub use checkpoint::{Checkpoint, FORMAT_VERSION, NamedTensor, TrainingState};
pub(crate) use files::remove_leftovers;
pub use files::write_atomically;
pub use folder::RunFolder;
pub use histogram::HistogramRecord;
pub use lock::{RunLock, Writer};
pub use memory_database::MemoryDatabase;
pub(crate) use network_tensors::{network_tensors, restore_network};
pub use reader::{LayerSeries, MetricReader, TensorName};
pub use store::{EpochRecord, FindingRecord, LayerRecord, MetricStore, Rows, StepRecord};
pub use summary::{
    FORMAT as SUMMARY_FORMAT, LayerSummary, Machine, PartMetrics, RankSummary, Status, Summary, VERSION,
};

pub use crate::error::CheckpointError;
