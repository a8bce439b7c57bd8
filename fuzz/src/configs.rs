//! Config texts and overrides: read, checked and planned, nothing of the network allocated.

use std::path::Path;
use std::sync::Arc;

use keel_data::DataConfig;
use keel_nn::{Cpu, Graph, MemoryPlan, MemoryRequest, Mode, Shape, lower};
use keel_train::Config;
use keel_train::config::parse;
use keel_train::planning::Outline;

use crate::bytes::Bytes;

/// Most overrides of one input.
const OVERRIDES: usize = 6;

/// Reads a config from its text.
pub fn config(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    checked(text, &[]);
}

/// Reads a config of a few lines with overrides, each a part of the input.
pub fn overrides(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let text = bytes.text();
    let mut overrides = Vec::new();
    while !bytes.is_empty() && overrides.len() < OVERRIDES {
        overrides.push(bytes.text());
    }
    checked(&text, &overrides);
}

/// Reads the config, writes it, reads that again and plans the training.
fn checked(text: &str, overrides: &[String]) {
    let config = match parse(Path::new("config.toml"), text, overrides) {
        Ok(config) => config,
        // The message shows the line and the place.
        Err(error) => return drop(error.to_string()),
    };
    let written = config.to_toml();
    let again = parse(Path::new("config.toml"), &written, &[]).unwrap_or_else(|error| panic!("{error}\n{written}"));
    assert_eq!(again.to_toml(), written, "a config that was written and read differs");
    plan(config);
}

/// Lays out the network for a small image and for a few features, and plans a training on a small set.
fn plan(mut config: Config) {
    for shape in [Shape::Image { height: 8, width: 9, channels: 3 }, Shape::Features(5)] {
        let Ok(graph) = Graph::build(shape, &config.model.layers(), 4) else { continue };
        let program = lower(&Arc::new(graph), &Cpu::fused());
        let request = MemoryRequest { batch: 2, mode: Mode::Train, workers: 2 };
        assert!(MemoryPlan::new(&program, request).arena_length() > 0, "a step takes memory");
    }
    // Whatever data the text names is left alone.
    config.data = DataConfig { source: "moons".to_owned(), samples: 20, ..DataConfig::default() };
    if let Ok(outline) = Outline::of(&config) {
        assert!(outline.estimate.total() > 0, "a training takes memory");
    }
}
