//! Experiments: from settings to a document of numbers, and from the document to a page.

mod chapter;
mod frame;

use keel_page::Language;
use keel_page::page::{Linked, Links, Page};
use maud::Markup;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use chapter::Chapter;

use crate::error::LabError;
use crate::knob::{Knob, knobs_of};
use crate::settings::Settings;

/// An experiment: its facts, settings, document and page, in one file.
pub(crate) trait Experiment {
    /// Name on the command line, `initialisation`.
    const NAME: &'static str;
    /// Title in English and Chinese.
    const TITLE: [&'static str; 2];
    /// One sentence in English and Chinese.
    const SUMMARY: [&'static str; 2];
    /// Chapter it belongs to.
    const CHAPTER: Chapter;

    /// Settings; every documented field is a knob, and the default value has the defaults.
    type Config: JsonSchema + Default + Serialize + DeserializeOwned;
    /// All numbers of its figures; the fields in order are the keys of the JSON file after `experiment`.
    type Document: Serialize;

    /// Computes the document. The same config and seed give the same numbers with any number of threads.
    ///
    /// # Errors
    /// Fails if data or a network cannot be created from the config, or if a result is not finite.
    fn compute(config: &Self::Config, seed: u64) -> Result<Self::Document, LabError>;

    /// Returns the page that shows and explains a document.
    fn page(document: &Self::Document) -> Page;
}

/// An experiment of the catalog, with its types erased.
pub struct ExperimentEntry {
    /// Name on the command line, `initialisation`.
    pub name: &'static str,
    /// Title in English and Chinese.
    pub title: [&'static str; 2],
    /// One sentence in English and Chinese.
    pub summary: [&'static str; 2],
    /// Chapter.
    pub chapter: Chapter,
    knobs: fn() -> Vec<Knob>,
    run: fn(&Settings, u64) -> Result<Findings, LabError>,
}

impl ExperimentEntry {
    /// Returns the entry of the experiment `E`.
    pub(crate) const fn of<E: Experiment>() -> Self {
        ExperimentEntry {
            name: E::NAME,
            title: E::TITLE,
            summary: E::SUMMARY,
            chapter: E::CHAPTER,
            knobs: knobs_of::<E::Config>,
            run: findings::<E>,
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

    /// Returns the page for cross-references, in `file` if it has been written.
    pub(crate) fn linked(&self, file: Option<String>) -> Linked {
        Linked { name: self.name, title: self.title, file }
    }

    /// Returns its knobs, with documentation, defaults and ranges.
    pub fn knobs(&self) -> Vec<Knob> {
        (self.knobs)()
    }

    /// Runs the experiment. The same settings and seed give the same numbers with any number of threads.
    ///
    /// # Errors
    /// Fails for unknown knobs, values out of range, or a result that is not finite.
    pub fn run(&'static self, settings: &Settings, seed: u64) -> Result<Outcome, LabError> {
        let Findings { document, settings, page } = (self.run)(settings, seed)?;
        Ok(Outcome { experiment: self, document, settings, page, seed })
    }
}

impl std::fmt::Debug for ExperimentEntry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ExperimentEntry").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Result of an experiment with a type-erased document.
struct Findings {
    document: Value,
    /// Config with all defaults filled in.
    settings: Value,
    page: Page,
}

/// A document as written to a file.
#[derive(Serialize)]
struct Named<'a, D> {
    experiment: &'static str,
    #[serde(flatten)]
    document: &'a D,
}

fn findings<E: Experiment>(settings: &Settings, seed: u64) -> Result<Findings, LabError> {
    let config: E::Config = settings.config(E::NAME)?;
    let document = E::compute(&config, seed)?;
    let page = E::page(&document);
    let named = Named { experiment: E::NAME, document: &document };
    Ok(Findings {
        document: serde_json::to_value(named).expect("documents are plain data"),
        settings: serde_json::to_value(config).expect("configs are plain data"),
        page,
    })
}

/// Result of one run.
pub struct Outcome {
    /// Experiment that was run.
    pub experiment: &'static ExperimentEntry,
    /// All numbers of its figures.
    pub document: Value,
    settings: Value,
    page: Page,
    seed: u64,
}

impl Outcome {
    /// Renders the page with links to others; `tried` are the links to its exhibits.
    pub(crate) fn linked_html(&self, language: Language, links: &Links, tried: &Markup) -> String {
        frame::html(self, language, links, tried)
    }

    /// Returns the first chart or row of images of the page, without its caption.
    pub(crate) fn first_figure(&self, language: Language) -> Markup {
        self.page.first_figure(language)
    }

    /// Returns the number of the figure of the page whose English caption contains these words.
    pub(crate) fn figure_number(&self, words: &str) -> Option<usize> {
        self.page.figure_number(words)
    }

    /// Returns the first row of histograms as a standalone SVG document, for a README or a slide.
    ///
    /// # Errors
    /// Fails if the page has no histograms.
    pub fn picture(&self, language: Language) -> Result<String, LabError> {
        let (caption, histograms) =
            self.page.first_histograms().ok_or(LabError::NoPicture { experiment: self.experiment.name })?;
        Ok(histograms.picture(caption.get(language), language))
    }

    /// Returns the seed of the run.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Outcome").field("experiment", &self.experiment.name).finish_non_exhaustive()
    }
}
