//! `evenkeel._native`, the compiled module of the Python package. The public Python interface is in `python/evenkeel`;
//! this crate passes arrays and texts to the libraries and returns their results.
//!
//! Arrays are accessed through the checked borrows of the `numpy` crate, without `unsafe`.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod command;
mod errors;
mod knowledge;
mod learner;
mod predictions;
mod progress;
mod run;
mod samples;
mod settings;
mod training;
mod watching;

use pyo3::prelude::*;

/// The functions and classes of the module.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::command::run_command;
    #[pymodule_export]
    use super::knowledge::{are_classes, catalog_sections, explain, rules};
    #[pymodule_export]
    use super::learner::Learner;
    #[pymodule_export]
    use super::run::{Run, load};
    #[pymodule_export]
    use super::samples::Samples;
    #[pymodule_export]
    use super::training::{check_training, train};
    #[pymodule_export]
    use super::watching::{
        Monitor, fired_units, gradient_squares, identical_rows, sign_agreement, signal_moments, unit_counts,
        update_squares,
    };

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
