//! The site of several runs: an index and a page each.

use std::path::{Path, PathBuf};

use crate::charts::escape;
use crate::error::LabError;
use crate::experiment::{Chapter, Outcome};
use crate::language::Language;
use crate::page::document;

/// Writes `index.html`, and `NAME.html` and `NAME.json` of every outcome, into `directory`, which is made where missing.
/// Returns the path of the index.
///
/// # Errors
/// If the folder or a file cannot be written.
pub fn write_site(outcomes: &[Outcome], directory: &Path, language: Language) -> Result<PathBuf, LabError> {
    std::fs::create_dir_all(directory).map_err(|source| LabError::Write { path: directory.to_owned(), source })?;
    for outcome in outcomes {
        let name = outcome.experiment.name;
        let document = serde_json::to_string_pretty(&outcome.document).expect("documents have string keys");
        write(&directory.join(format!("{name}.html")), &outcome.html(language))?;
        write(&directory.join(format!("{name}.json")), &document)?;
    }
    let index = directory.join("index.html");
    write(&index, &index_page(outcomes, language))?;
    Ok(index)
}

fn write(path: &Path, text: &str) -> Result<(), LabError> {
    std::fs::write(path, text).map_err(|source| LabError::Write { path: path.to_owned(), source })
}

fn index_page(outcomes: &[Outcome], language: Language) -> String {
    let (title, summary) = match language {
        Language::English => (
            "The lab",
            "Activation functions, preprocessing, initialisation and batch norm, every figure computed by the engine that trains.",
        ),
        Language::Chinese => {
            ("实验室", "激活函数、数据预处理、权重初始化与批归一化：每张图都由训练所用的同一引擎算出。")
        }
    };
    let mut body = format!("<header><h1>{title}</h1><p class=\"summary\">{summary}</p></header>");
    for chapter in Chapter::ALL {
        let items: String = outcomes
            .iter()
            .filter(|outcome| outcome.experiment.chapter == chapter)
            .map(|outcome| item(outcome, language))
            .collect();
        if !items.is_empty() {
            body.push_str(&format!("<h2>{}</h2><ul class=\"index\">{items}</ul>", chapter.title().get(language)));
        }
    }
    document(title, &body, language)
}

fn item(outcome: &Outcome, language: Language) -> String {
    let entry = outcome.experiment;
    format!(
        "<li><a href=\"{0}.html\">{1}</a><br>{2} (<a href=\"{0}.json\">JSON</a>)</li>",
        entry.name,
        escape(entry.title(language)),
        escape(entry.summary(language))
    )
}
