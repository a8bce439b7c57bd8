//! Dispatch of the requests of exhibits, used by browser pages and by the studio.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::find_exhibit;
use crate::error::LabError;
use crate::exhibit::{Computed, Memories, Request};
use keel_page::Language;

/// Answer to a [`Request`].
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// Name of the exhibit.
    pub exhibit: &'static str,
    /// All knobs with the values used.
    pub settings: Value,
    /// Seed.
    pub seed: u64,
    /// All numbers of the figures.
    pub numbers: Value,
    /// Main result in one sentence.
    pub status: String,
    /// Figures and texts as HTML.
    pub html: String,
    /// True if the answer is for a smaller state than requested.
    pub draft: bool,
}

/// Answers requests and keeps work that the next one can continue from.
#[derive(Default)]
pub struct Desk {
    memories: Memories,
}

impl Desk {
    /// Answers one request. The answer depends only on the request.
    ///
    /// # Errors
    /// Fails for an unknown exhibit or knob, a value out of range, or a result that is not finite.
    pub fn answer(&mut self, request: &Request) -> Result<Answer, LabError> {
        let entry = find_exhibit(&request.exhibit)?;
        let language = Language::with_code(&request.language).unwrap_or_default();
        let Computed { settings, numbers, view, is_draft } = (entry.compute)(&mut self.memories, request)?;
        Ok(Answer {
            exhibit: entry.name,
            settings,
            seed: request.seed,
            numbers,
            status: view.status.get(language).to_owned(),
            html: view.page.body(language).into_string(),
            draft: is_draft,
        })
    }

    /// Answers one request as JSON: the answer, or an object whose field `error` states the reason.
    pub fn answer_json(&mut self, request: &str) -> String {
        let answer = match serde_json::from_str::<Request>(request) {
            Ok(request) => self.answer(&request).map_err(|error| error.to_string()),
            Err(error) => Err(format!("the request is not understood: {error}")),
        };
        let text = match &answer {
            Ok(answer) => serde_json::to_string(answer),
            Err(error) => serde_json::to_string(&BTreeMap::from([("error", error)])),
        };
        text.expect("answers are plain data")
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Desk").field("memories", &self.memories.names().collect::<Vec<_>>()).finish()
    }
}
