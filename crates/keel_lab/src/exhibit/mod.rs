//! Exhibits: figures that a reader manipulates, computed at every change by the training engine.
//!
//! An exhibit is a function from a state (its knobs) to numbers, and from numbers to a page with figures, like an
//! experiment; it adds the controls that set the knobs. The same function runs natively and, compiled to WebAssembly,
//! in a browser.

mod control;
mod request;

use keel_page::Text;
use keel_page::page::{Linked, Page};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use control::{Control, Preset};
pub use request::Request;

pub(crate) use request::Memories;

use crate::error::LabError;
use crate::experiment::Chapter;
use crate::knob::{Knob, knobs_of};
use crate::settings::Settings;
use keel_page::Language;

/// An exhibit: its facts, state, numbers and page, in one file.
pub(crate) trait Exhibit {
    /// Name in addresses and on the command line, `gate`.
    const NAME: &'static str;
    /// Title in English and Chinese.
    const TITLE: [&'static str; 2];
    /// One sentence in English and Chinese.
    const SUMMARY: [&'static str; 2];
    /// Chapter it belongs to.
    const CHAPTER: Chapter;
    /// Name of the experiment whose page explains it.
    const EXPERIMENT: &'static str;
    /// True if the exhibit draws random numbers, so that another seed shows something else.
    const IS_RANDOM: bool = true;

    /// State; every documented field is a knob, and the exhibit starts at the default value.
    type State: JsonSchema + Default + Serialize + DeserializeOwned;
    /// All numbers of its figures.
    type Numbers: Serialize;
    /// Work kept from one answer to the next, such as a network in training. Answers never depend on it: with an empty
    /// memory they are bit-identical.
    type Memory: Default + Send + 'static;

    /// Computes the numbers. The same state and seed give the same numbers with any number of threads.
    ///
    /// # Errors
    /// Fails if a network cannot be built from the state, or if a result is not finite.
    fn compute(state: &Self::State, seed: u64, memory: &mut Self::Memory) -> Result<Self::Numbers, LabError>;

    /// Returns the figures and texts for some numbers. Texts have no cross-references: a link would need the list of
    /// all experiments, and with it all of them in the module for browsers.
    fn view(state: &Self::State, numbers: &Self::Numbers) -> View;

    /// Returns the controls of its knobs, in display order.
    fn controls() -> Vec<Control>;

    /// Returns a smaller state to show while the reader drags, if the full state takes longer than a redraw.
    fn draft(_state: &Self::State) -> Option<Self::State> {
        None
    }
}

/// Figures and texts of an exhibit.
pub(crate) struct View {
    /// Main result in one sentence; announced by screen readers when it changes.
    pub(crate) status: Text,
    /// Figures and the texts below them.
    pub(crate) page: Page,
}

/// An exhibit in the list, with its types erased.
pub struct ExhibitEntry {
    /// Name in addresses and on the command line, `gate`.
    pub name: &'static str,
    /// Title in English and Chinese.
    pub title: [&'static str; 2],
    /// One sentence in English and Chinese.
    pub summary: [&'static str; 2],
    /// Chapter.
    pub chapter: Chapter,
    /// Name of the experiment whose page explains it.
    pub experiment: &'static str,
    pub(crate) knobs: fn() -> Vec<Knob>,
    pub(crate) controls: fn() -> Vec<Control>,
    pub(crate) is_random: bool,
    pub(crate) compute: fn(&mut Memories, &Request) -> Result<Computed, LabError>,
}

impl ExhibitEntry {
    /// Returns the entry of the exhibit `E`.
    pub(crate) const fn of<E: Exhibit>() -> Self {
        ExhibitEntry {
            name: E::NAME,
            title: E::TITLE,
            summary: E::SUMMARY,
            chapter: E::CHAPTER,
            experiment: E::EXPERIMENT,
            knobs: knobs_of::<E::State>,
            controls: E::controls,
            is_random: E::IS_RANDOM,
            compute: computed::<E>,
        }
    }

    /// Returns the title in one language.
    pub fn title(&self, language: Language) -> &'static str {
        self.title[language as usize]
    }

    /// Returns the summary in one language.
    pub fn summary(&self, language: Language) -> &'static str {
        self.summary[language as usize]
    }

    /// Returns its knobs, with documentation, defaults and ranges.
    pub fn knobs(&self) -> Vec<Knob> {
        (self.knobs)()
    }

    /// Returns its page for cross-references, in `file` if it has been written.
    pub(crate) fn linked(&self, file: Option<String>) -> Linked {
        Linked { name: self.name, title: self.title, file }
    }
}

impl std::fmt::Debug for ExhibitEntry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ExhibitEntry").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An answer with type-erased state and numbers.
pub(crate) struct Computed {
    /// All knobs with their values.
    pub(crate) settings: Value,
    /// All numbers of the figures.
    pub(crate) numbers: Value,
    /// Figures and texts.
    pub(crate) view: View,
    /// True if the answer is for a smaller state.
    pub(crate) is_draft: bool,
}

fn computed<E: Exhibit>(memories: &mut Memories, request: &Request) -> Result<Computed, LabError> {
    let settings = Settings::from_pairs(request.settings.clone());
    let full: E::State = settings.config(E::NAME)?;
    let draft = if request.draft { E::draft(&full) } else { None };
    let (state, is_draft) = draft.map_or((full, false), |smaller| (smaller, true));
    let numbers = E::compute(&state, request.seed, memories.of::<E>())?;
    let view = E::view(&state, &numbers);
    Ok(Computed {
        settings: serde_json::to_value(state).expect("states are plain data"),
        numbers: serde_json::to_value(numbers).expect("numbers are plain data"),
        view,
        is_draft,
    })
}
