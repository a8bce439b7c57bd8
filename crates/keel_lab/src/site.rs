//! The site of several runs: an index and a page each, in both languages.

use std::path::{Path, PathBuf};

use keel_train::runs::write_atomically;

use crate::catalog::catalog;
use crate::charts::escape;
use crate::error::LabError;
use crate::experiment::{Chapter, ExperimentEntry, Outcome};
use crate::language::{Language, Text};
use crate::page::{HtmlDocument, Links, Neighbour, translation_link};

/// Writes `index.html`, and `NAME.html` and `NAME.json` of every outcome, into `directory`, which is made where missing;
/// pages without a language in their name are in `language`, the others beside them, `NAME.zh.html` or `NAME.en.html`.
/// Pages of experiments that the folder holds from earlier runs stay in the index. Returns the path of the index.
///
/// # Errors
/// If the folder or a file cannot be written.
pub fn write_site(outcomes: &[Outcome], directory: &Path, language: Language) -> Result<PathBuf, LabError> {
    std::fs::create_dir_all(directory).map_err(|source| LabError::Write { path: directory.to_owned(), source })?;
    let site = Site { outcomes, directory, main: language };
    for (index, outcome) in outcomes.iter().enumerate() {
        let name = outcome.experiment.name;
        let document = serde_json::to_string_pretty(&outcome.document).expect("documents have string keys");
        write(&directory.join(format!("{name}.json")), &document)?;
        for language in Language::ALL {
            let html = outcome.linked_html(language, &site.links(index, language));
            write(&directory.join(site.file(name, language)), &html)?;
        }
    }
    for language in Language::ALL {
        write(&directory.join(site.file("index", language)), &site.index(language))?;
    }
    Ok(directory.join(site.file("index", language)))
}

fn write(path: &Path, text: &str) -> Result<(), LabError> {
    write_atomically(path, |file| file.write_all(text.as_bytes()))
        .map_err(|source| LabError::Write { path: path.to_owned(), source })
}

struct Site<'a> {
    outcomes: &'a [Outcome],
    directory: &'a Path,
    /// The language of pages without one in their name.
    main: Language,
}

impl Site<'_> {
    /// The file of the page `name` in one language.
    fn file(&self, name: &str, language: Language) -> String {
        if language == self.main { format!("{name}.html") } else { format!("{name}.{language}.html") }
    }

    /// Links of a page: the index, the pages before and after it, and itself in the other language.
    fn links(&self, index: usize, language: Language) -> Links {
        let to = |outcome: &Outcome| {
            let entry = outcome.experiment;
            Neighbour { file: self.file(entry.name, language), title: entry.title(language).to_owned() }
        };
        Links {
            index: Some(self.file("index", language)),
            previous: index.checked_sub(1).map(|before| to(&self.outcomes[before])),
            next: self.outcomes.get(index + 1).map(to),
            translation: Some(self.file(self.outcomes[index].experiment.name, other(language))),
        }
    }

    fn index(&self, language: Language) -> String {
        let title = Text::new("The lab", "实验室");
        let summary = Text::new(
            "Activation functions, data preprocessing, weight initialisation and batch norm. Every figure is computed by the \
             engine that trains, and every number behind it is in a JSON file next to its page.",
            "激活函数、数据预处理、权重初始化与批归一化。每张图都由训练所用的同一引擎算出，图中每个数都在页面旁的 JSON 文件里。",
        );
        let switch = translation_link(&self.file("index", other(language)), language);
        let mut body = format!(
            "<nav>{switch}</nav><header><h1>{}</h1><p class=\"summary\">{}</p></header>",
            title.get(language),
            summary.get(language)
        );
        for chapter in Chapter::ALL {
            let entries = catalog().iter().filter(|entry| entry.chapter == chapter);
            let items: String = entries.filter_map(|entry| self.item(entry, language)).collect();
            if !items.is_empty() {
                body.push_str(&format!("<h2>{}</h2><div class=\"cards\">{items}</div>", chapter.title().get(language)));
            }
        }
        HtmlDocument { title: title.get(language), style: "", body: &body }.html(language)
    }

    /// A picture and a sentence; no picture for a page of an earlier run.
    fn item(&self, entry: &ExperimentEntry, language: Language) -> Option<String> {
        let file = self.file(entry.name, language);
        let outcome = self.outcomes.iter().find(|outcome| outcome.experiment.name == entry.name);
        let figure = match outcome {
            Some(outcome) => outcome.first_figure(language),
            None if self.directory.join(&file).exists() => String::new(),
            None => return None,
        };
        Some(format!(
            "<article class=\"card-link\"><div class=\"thumbnail\" aria-hidden=\"true\" inert>{figure}</div><h3><a href=\"{file}\">{}</a></h3>\
             <p>{} <a href=\"{}.json\">JSON</a></p></article>",
            escape(entry.title(language)),
            escape(entry.summary(language)),
            entry.name
        ))
    }
}

fn other(language: Language) -> Language {
    match language {
        Language::English => Language::Chinese,
        Language::Chinese => Language::English,
    }
}
