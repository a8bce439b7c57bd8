//! Lab pages, computed on request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use keel_lab::{
    Addresses, Chapter, Desk, Engine, ExhibitDocument, Language, Outcome, Request, Settings, catalog, exhibits,
    find_exhibit,
};
use serde_json::{Value, json};

use crate::error::Refusal;

/// Maximum number of cached results.
const MOST_OUTCOMES: usize = 32;

/// Results of experiments, by name, seed and settings.
#[derive(Debug, Default)]
pub(crate) struct Lab {
    outcomes: Mutex<HashMap<String, Arc<Outcome>>>,
    desk: Mutex<Desk>,
}

impl Lab {
    /// Returns the page of experiment `name`; `pairs` may contain `lang`, `seed` and any number of `set`.
    ///
    /// # Errors
    /// Fails if there is no such experiment or knob, or if a value is out of range.
    pub(crate) fn page(&self, name: &str, pairs: &[(String, String)]) -> Result<String, Refusal> {
        let of = |wanted: &str| pairs.iter().filter(|(key, _)| key == wanted).map(|(_, value)| value.clone()).collect();
        let (seeds, set): (Vec<String>, Vec<String>) = (of("seed"), of("set"));
        let seed = match seeds.first().filter(|text| !text.is_empty()) {
            Some(text) => {
                text.parse().map_err(|_| Refusal::wrong(format!("{text:?} is not a seed; give a whole number")))?
            }
            None => 0,
        };
        let outcome = self.outcome(name, &set, seed)?;
        Ok(outcome.html(language(pairs)))
    }

    /// Answers a request of an exhibit.
    ///
    /// # Errors
    /// Fails if there is no such exhibit or knob, or if a value is out of range.
    pub(crate) fn answer(&self, request: &Request) -> Result<keel_lab::Answer, Refusal> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner).answer(request).map_err(Refusal::wrong)
    }

    fn outcome(&self, name: &str, set: &[String], seed: u64) -> Result<Arc<Outcome>, Refusal> {
        let question = format!("{name} {seed} {set:?}");
        let known = || self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = known().get(&question) {
            return Ok(Arc::clone(outcome));
        }
        let settings = Settings::parse(set).map_err(Refusal::wrong)?;
        let outcome = Arc::new(keel_lab::run(name, &settings, seed).map_err(Refusal::wrong)?);
        let mut outcomes = known();
        if outcomes.len() >= MOST_OUTCOMES {
            outcomes.clear();
        }
        outcomes.insert(question, Arc::clone(&outcome));
        Ok(outcome)
    }
}

/// Returns the page of exhibit `name`, which the studio answers.
///
/// # Errors
/// Fails if there is no such exhibit.
pub(crate) fn exhibit_page(name: &str, language: Language) -> Result<String, Refusal> {
    let exhibit = find_exhibit(name).map_err(|error| Refusal::missing(error.to_string()))?;
    let engine = Engine::Server {
        answers: "/api/exhibit".to_owned(),
        styles: vec!["/assets/report.css".to_owned(), "/assets/exhibit.css".to_owned()],
        scripts: vec!["/assets/charts.js".to_owned(), "/assets/exhibit.js".to_owned()],
    };
    let translation = format!("?lang={}", other(language));
    let experiment = |name: &str| format!("/lab/{name}");
    let addresses = Addresses { index: "/lab", translation: &translation, experiment: &experiment };
    ExhibitDocument { exhibit, engine: Some(&engine) }.html_within(language, &addresses).map_err(Refusal::wrong)
}

fn other(language: Language) -> Language {
    match language {
        Language::English => Language::Chinese,
        Language::Chinese => Language::English,
    }
}

/// Returns the language given in `pairs`.
pub(crate) fn language(pairs: &[(String, String)]) -> Language {
    let code = pairs.iter().find(|(key, _)| key == "lang").map(|(_, code)| code.as_str());
    code.and_then(Language::with_code).unwrap_or_default()
}

/// Lists all experiments by chapter, with their knobs.
pub(crate) fn list(language: Language) -> Value {
    let chapter = |chapter: Chapter| {
        let experiments = catalog().iter().filter(|entry| entry.chapter == chapter);
        let experiments: Vec<Value> = experiments
            .map(|entry| {
                let knobs: Vec<Value> = entry
                    .knobs()
                    .iter()
                    .map(|knob| json!({ "name": knob.name, "default": knob.default, "help": knob.text(language) }))
                    .collect();
                json!({
                    "name": entry.name,
                    "title": entry.title(language),
                    "summary": entry.summary(language),
                    "knobs": knobs,
                })
            })
            .collect();
        let own = exhibits().iter().filter(|entry| entry.chapter == chapter);
        let exhibits: Vec<Value> =
            own.map(|entry| json!({ "name": entry.name, "title": entry.title(language) })).collect();
        json!({ "title": chapter.title().get(language), "experiments": experiments, "exhibits": exhibits })
    };
    Value::Array(Chapter::ALL.into_iter().map(chapter).collect())
}
