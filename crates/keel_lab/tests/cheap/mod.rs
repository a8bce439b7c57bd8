//! Settings with which every experiment takes a fraction of a second.

use keel_lab::{ExperimentEntry, Settings};

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

/// Those of the settings that the experiment knows.
pub(crate) fn cheap(entry: &ExperimentEntry) -> Settings {
    Settings::parse(CHEAP).unwrap().known_to(&entry.knobs())
}
