//! The lab: the figures of the four chapters, computed by the training engine.
//!
//! An experiment is one file under `experiments`: a config whose documented fields are its knobs, a computation that is
//! a function of config and seed, a typed document with all numbers, which is also its JSON file, and a page that
//! presents the document and explains it in English and Chinese.
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod activation_name;
mod catalog;
mod error;
mod exhibit;
mod exhibits;
mod experiment;
mod experiments;
mod knob;
mod loss_curve;
mod recipe;
mod samples;
mod settings;
mod signal;
mod site;
mod spectrum;
mod statistics;
mod training;
mod watched;

pub use catalog::catalog;
pub use error::LabError;
pub use exhibit::{ExhibitEntry, Request};
pub use exhibits::{Answer, Desk, exhibits, find_exhibit};
pub use experiment::{Chapter, ExperimentEntry, Outcome};
pub use keel_page::{Language, Text};
pub use knob::Knob;
pub use settings::Settings;
pub use site::{
    Addresses, Engine, ExhibitDocument, SiteFile, SiteFiles, SiteOptions, engine_script, exhibit_script, exhibit_style,
    site_files,
};

/// Returns the experiment with this name.
///
/// # Errors
/// Fails if there is none; the error names the most similar one.
pub fn find(name: &str) -> Result<&'static ExperimentEntry, LabError> {
    catalog().iter().find(|entry| entry.name == name).ok_or_else(|| LabError::UnknownExperiment {
        name: name.to_owned(),
        nearest: error::nearest(name, catalog().iter().map(|entry| entry.name)),
    })
}

/// Runs the experiment `name`.
///
/// # Errors
/// Fails for an unknown name or knob, a value out of range, or a result that is not finite.
pub fn run(name: &str, settings: &Settings, seed: u64) -> Result<Outcome, LabError> {
    find(name)?.run(settings, seed)
}
