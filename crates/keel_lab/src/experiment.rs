//! What an experiment is and what a run of it gives.

use serde::Serialize;
use serde_json::Value;

use crate::error::LabError;
use crate::knob::Knob;
use crate::language::{Language, Text};
use crate::page::{Links, Page};
use crate::settings::Settings;

/// One experiment of the catalog.
pub struct ExperimentEntry {
    /// Name on the command line, `initialisation`.
    pub name: &'static str,
    /// Title in English and Chinese.
    pub title: [&'static str; 2],
    /// One sentence in English and Chinese.
    pub summary: [&'static str; 2],
    /// Its chapter.
    pub chapter: Chapter,
    pub(crate) knobs: fn() -> Vec<Knob>,
    pub(crate) run: fn(&Settings, u64) -> Result<Findings, LabError>,
}

/// The chapters of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Chapter {
    /// Does every unit still pass gradient?
    Activations,
    /// Are the inputs zero-mean and of unit scale?
    Preprocessing,
    /// Does the signal keep its scale through depth?
    Initialisation,
    /// Is each layer re-centred, and do training and inference agree?
    BatchNormalisation,
    /// What the four add up to.
    Summary,
}

impl Chapter {
    /// All chapters, in the order of the index page.
    pub const ALL: [Chapter; 5] = [
        Chapter::Activations,
        Chapter::Preprocessing,
        Chapter::Initialisation,
        Chapter::BatchNormalisation,
        Chapter::Summary,
    ];

    /// Its title.
    pub fn title(self) -> Text {
        match self {
            Chapter::Activations => Text::new("Activation functions", "激活函数"),
            Chapter::Preprocessing => Text::new("Data preprocessing", "数据预处理"),
            Chapter::Initialisation => Text::new("Weight initialisation", "权重初始化"),
            Chapter::BatchNormalisation => Text::new("Batch normalisation", "批归一化"),
            Chapter::Summary => Text::new("Summary", "总结"),
        }
    }
}

impl ExperimentEntry {
    /// Title in one language.
    pub fn title(&self, language: Language) -> &'static str {
        self.title[language as usize]
    }

    /// One sentence in one language.
    pub fn summary(&self, language: Language) -> &'static str {
        self.summary[language as usize]
    }

    /// Its knobs, with documentation, defaults and ranges.
    pub fn knobs(&self) -> Vec<Knob> {
        (self.knobs)()
    }

    /// Runs it. The same settings and seed give the same numbers with any number of threads.
    ///
    /// # Errors
    /// Unknown knobs, values out of range, or a result that is not finite.
    pub fn run(&'static self, settings: &Settings, seed: u64) -> Result<Outcome, LabError> {
        let Findings { document, settings, page } = (self.run)(settings, seed)?;
        Ok(Outcome { experiment: self, document, settings, page, seed })
    }
}

/// What the computation of an experiment returns.
pub(crate) struct Findings {
    pub(crate) document: Value,
    /// The config with every default filled in.
    pub(crate) settings: Value,
    pub(crate) page: Page,
}

/// The result of one run.
pub struct Outcome {
    /// What was run.
    pub experiment: &'static ExperimentEntry,
    /// Every number of its figures.
    pub document: Value,
    pub(crate) settings: Value,
    pub(crate) page: Page,
    seed: u64,
}

impl Outcome {
    /// The page: one self-contained HTML document.
    pub fn html(&self, language: Language) -> String {
        self.page.html(self, (language, &Links::default()))
    }

    /// The first row of histograms as an SVG document of its own, for a README or a slide.
    ///
    /// # Errors
    /// If the page has no histograms.
    pub fn picture(&self, language: Language) -> Result<String, LabError> {
        let (caption, histograms) =
            self.page.first_histograms().ok_or(LabError::NoPicture { experiment: self.experiment.name })?;
        Ok(histograms.picture(caption.get(language), language))
    }

    /// The seed of the run.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Outcome").field("experiment", &self.experiment.name).finish_non_exhaustive()
    }
}
