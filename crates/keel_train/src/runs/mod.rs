//! Files and rows that a training run produces, on disk or in memory.

// Before the modules that use its macro.
#[macro_use]
pub mod files;

mod checkpoint;
#[cfg_attr(not(feature = "sqlite"), path = "no_database.rs")]
mod database;
mod folder;
mod lock;
mod measurements;
mod memory_metrics;
pub(crate) mod model_file;
mod network_tensors;
mod progress;
mod reader;
mod records;
mod state;
mod storage;
mod store;
mod summary;

pub(crate) use checkpoint::is_own_file;
pub use checkpoint::{Checkpoint, FORMAT_VERSION, NamedTensor, TrainingState};
pub(crate) use files::remove_leftovers;
pub use files::write_atomically;
pub use folder::RunFolder;
pub use lock::{RunLock, Writer};
pub(crate) use measurements::Measurements;
pub use memory_metrics::MemoryMetrics;
pub(crate) use network_tensors::{network_tensors, restore_network};
pub use reader::MetricReader;
pub use records::{
    EpochRecord, FindingRecord, HistogramRecord, LayerRecord, LayerSeries, Rows, StepRecord, TensorName,
};
pub use state::RunState;
pub use store::MetricStore;
pub use summary::{
    FORMAT as SUMMARY_FORMAT, LayerSummary, Machine, PartMetrics, RankSummary, Status, Summary, VERSION,
};

pub use crate::error::CheckpointError;
