//! `catalog`: everything a config can name, with one line each.

use clap::Args;
use keel_health::Rule;
use keel_nn::Preset;
use serde_json::{Map, Value, json};

use crate::failure::{Failure, Stop};
use crate::terminal::{Output, Status, wrapped};

/// Arguments of `catalog`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evenkeel catalog                  everything
  evenkeel catalog layers           one section
  evenkeel catalog optimizers --json")]
pub(crate) struct Arguments {
    /// One section, such as layers, initializers or rules
    section: Option<String>,
}

/// One section of the listing.
struct Section {
    title: &'static str,
    entries: Vec<Entry>,
}

/// One line of the listing.
struct Entry {
    name: String,
    summary: String,
    /// Config keys with their values.
    keys: Vec<(String, String)>,
}

impl Entry {
    fn new(name: &str, summary: &str) -> Self {
        Entry { name: name.to_owned(), summary: summary.to_owned(), keys: Vec::new() }
    }
}

/// Prints all sections, or the requested one.
pub(crate) fn run(arguments: &Arguments, output: &mut Output) -> Result<Status, Stop> {
    let mut sections = sections();
    if let Some(title) = &arguments.section {
        let titles: Vec<&str> = sections.iter().map(|section| section.title).collect();
        let unknown = format!("the catalog has no section '{title}'");
        let next_step = format!("Ask for one of {}", titles.join(", "));
        sections.retain(|section| section.title == title.to_lowercase());
        if sections.is_empty() {
            return Err(Failure::new(unknown).next_step(next_step).into());
        }
    }
    output.result(&document(&sections), || text(&sections))?;
    Ok(Status::Done)
}

fn sections() -> Vec<Section> {
    let named = |entry: keel_data::CatalogEntry| Entry::new(entry.name, entry.summary);
    let data = |entries: &[keel_data::CatalogEntry]| entries.iter().copied().map(named).collect();
    let entries =
        |entries: &[keel_nn::CatalogEntry]| entries.iter().map(|entry| Entry::new(entry.name, entry.summary)).collect();
    let activations = keel_nn::activations::CATALOG.iter();
    let losses = keel_nn::losses::catalog();
    let models = Preset::ALL.iter().map(|(_, name, summary)| Entry::new(name, summary));
    let presets = keel_train::config::PRESETS.iter().map(|preset| Entry::new(preset.name, preset.summary));
    let rules = keel_health::catalog().iter();
    let rule = |rule: &Rule| Entry::new(&format!("{} {}", rule.code, rule.name), rule.summary);
    vec![
        Section { title: "layers", entries: keel_nn::layers::CATALOG.iter().map(layer).collect() },
        Section {
            title: "activations",
            entries: activations.map(|facts| Entry::new(facts.name, facts.summary)).collect(),
        },
        Section { title: "initializers", entries: entries(keel_nn::init::CATALOG) },
        Section { title: "losses", entries: losses.iter().map(|loss| Entry::new(loss.name, loss.summary)).collect() },
        Section { title: "models", entries: models.collect() },
        Section { title: "presets", entries: presets.collect() },
        Section { title: "optimizers", entries: entries(keel_train::optimizers::CATALOG) },
        Section { title: "schedules", entries: entries(keel_train::schedules::CATALOG) },
        Section { title: "readers", entries: keel_data::readers().map(named).collect() },
        Section { title: "synthetic", entries: keel_data::synthetic_sets().map(named).collect() },
        Section { title: "preprocessing", entries: data(keel_data::PREPROCESSING) },
        Section { title: "augmentations", entries: data(keel_data::AUGMENTATIONS) },
        Section { title: "rules", entries: rules.map(rule).collect() },
    ]
}

fn layer(entry: &keel_nn::layers::LayerEntry) -> Entry {
    let keys = entry.keys.iter().map(|(key, takes)| ((*key).to_owned(), (*takes).to_owned())).collect();
    Entry { keys, ..Entry::new(entry.name, entry.summary) }
}

fn text(sections: &[Section]) -> String {
    let mut text = String::new();
    for section in sections {
        text.push_str(&format!("{}\n", section.title.to_uppercase()));
        let width = section.entries.iter().map(|entry| entry.name.chars().count()).max().unwrap_or(0);
        for entry in &section.entries {
            text.push_str(&wrapped(&format!("  {:width$}  ", entry.name), &entry.summary));
            for (key, takes) in &entry.keys {
                text.push_str(&wrapped(&format!("  {:width$}    {key}: ", ""), takes));
            }
        }
        text.push('\n');
    }
    text
}

/// Returns the titles of the sections with an entry of this name.
pub(super) fn sections_with(name: &str) -> Vec<&'static str> {
    let name = name.to_lowercase().replace('-', "_");
    let has = |section: &Section| section.entries.iter().any(|entry| entry.name.to_lowercase() == name);
    sections().iter().filter(|section| has(section)).map(|section| section.title).collect()
}

/// Returns all sections as one document.
pub(crate) fn whole() -> Value {
    document(&sections())
}

fn document(sections: &[Section]) -> Value {
    let mut document = Map::new();
    for section in sections {
        document.insert(section.title.to_owned(), section.entries.iter().map(entry_json).collect());
    }
    Value::Object(document)
}

fn entry_json(entry: &Entry) -> Value {
    let mut document = json!({ "name": entry.name, "summary": entry.summary });
    if !entry.keys.is_empty() {
        let keys: Map<String, Value> =
            entry.keys.iter().map(|(key, takes)| (key.clone(), takes.as_str().into())).collect();
        document["keys"] = Value::Object(keys);
    }
    document
}
