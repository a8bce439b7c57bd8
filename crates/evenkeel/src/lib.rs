//! Train neural networks on the CPU you have, and see whether they are healthy.
//!
//! The command `evenkeel` comes with the feature `program`, which is on by default. A library user leaves it out, and with it the
//! command line, the reports, the lab and the studio:
//!
//! ```toml
//! [dependencies]
//! evenkeel = { version = "0.2", default-features = false }
//! ```
//!
//! Such a library is compiled without SQLite, and so without a C compiler. Its runs have no `metrics.sqlite` in their folder:
//! measurements are kept in memory, [`FittedRun::measurements`] reads them as long as the run exists in the program, and the
//! commands `report` and `metrics` and the studio have no curves, layers or histograms to show. Everything else is written,
//! and a run is resumed, as always. For the file without the program, enable the feature `sqlite` of the crate `keel_train`,
//! which Cargo compiles once for all crates that use it:
//!
//! ```toml
//! [dependencies]
//! evenkeel = { version = "0.2", default-features = false }
//! keel_train = { version = "0.2", features = ["sqlite"] }
//! ```
//!
//! ```no_run
//! use evenkeel::prelude::*;
//!
//! # fn main() -> Result<(), TrainError> {
//! let data = Dataset::digits()?.split(Split { validation: 0.1, test: 0.2, seed: 0 })?;
//! let model = Model::sequential()
//!     .conv2d(32, 3).batch_norm().relu().max_pool(2)
//!     .conv2d(64, 3).batch_norm().relu().max_pool(2)
//!     .flatten().linear(10);
//! let run = Trainer::new(model)
//!     .preprocess([Preprocess::Standardize])
//!     .optimizer(Sgd::new(0.05).momentum(0.9))
//!     .epochs(20)
//!     .fit(&data)?;
//! println!("{:?}", run.test_metrics().and_then(|metrics| metrics.accuracy));
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod data_section;
mod fitted_run;
mod model;
mod optimizer;
pub mod prelude;
mod resumed_trainer;
mod session;
mod trainer;

pub use fitted_run::FittedRun;
pub use model::Model;
pub use optimizer::{AdamW, Sgd};
pub use resumed_trainer::ResumedTrainer;
pub use session::Session;
pub use trainer::Trainer;

/// Datasets, readers, splits, preprocessing and batches.
pub use keel_data as data;
/// Measurements, rules and findings.
pub use keel_health as health;
/// Layers, losses, initialisers, graphs and executors.
pub use keel_nn as nn;
/// Config, training, metrics and files of runs.
pub use keel_train as train;

/// The Rust code of the tutorial for developers.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/tutorials/developers.md")]
struct DevelopersTutorial;
