//! Settings that make every experiment take a fraction of a second.

#![allow(dead_code)] // not every test binary needs all of it

use std::path::{Path, PathBuf};

use keel_lab::{ExperimentEntry, Language, Outcome, Settings, SiteFile, SiteOptions, site_files};

const CHEAP: [&str; 21] = [
    "width=16",
    "channels=4",
    "steps=4",
    "points=40",
    "paths=2",
    "seeds=1",
    "cost=false",
    "batches=[2,4]",
    "learning_rates=[0.05,0.1]",
    "learning_rate=0.05",
    "biases=[-1,0]",
    "offsets=[0,10]",
    "factors=[1,2]",
    "scales=[0.01,0.1]",
    "inputs=[1,16]",
    "draws=200",
    "depth=3",
    "samples=64",
    "batch=16",
    "fixed_learning_rate=0.05",
    "degrees=[0,5]",
];

/// Returns the settings supported by the experiment.
pub(crate) fn cheap(entry: &ExperimentEntry) -> Settings {
    Settings::parse(CHEAP).unwrap().known_to(&entry.knobs())
}

/// Writes the site of `outcomes` to `directory`, which is created if missing; returns the path of its index.
pub(crate) fn write_site(outcomes: &[Outcome], directory: &Path, language: Language) -> PathBuf {
    std::fs::create_dir_all(directory).unwrap();
    let options = SiteOptions { language, ..SiteOptions::default() };
    let site = site_files(outcomes, directory, options).unwrap();
    for SiteFile { name, text } in &site.files {
        std::fs::write(directory.join(name), text).unwrap();
    }
    directory.join(site.index)
}
