//! The site of several runs: an index and one page per run, in both languages.

mod exhibit_page;
mod notes;

use std::path::Path;

use keel_page::charts::escape;
use keel_page::page::{HtmlDocument, Linked, Links, Neighbour, translation_link};
use keel_page::{Language, Text};
use serde::Serialize;

use crate::catalog::catalog;
use crate::error::LabError;
use crate::exhibit::ExhibitEntry;
use crate::exhibits::exhibits;
use crate::experiment::{Chapter, ExperimentEntry, Outcome};
pub use exhibit_page::{Addresses, Engine, ExhibitDocument, engine_script, exhibit_script, exhibit_style};
use notes::{Documents, FigureOf, LinksTo};

/// Style rules of the index only.
const INDEX_STYLE: &str = ".start{background:var(--panel);border:1px solid var(--line);border-radius:12px;padding:.9rem 1.1rem}\
.question{color:var(--soft);margin:-.2rem 0 1rem}.place{color:var(--soft);font-variant-numeric:tabular-nums;margin-right:.2rem}";

/// File of the compiled engine.
const ENGINE_FILE: &str = "engine.js";

/// Files of a site.
#[derive(Debug)]
pub struct SiteFiles {
    /// Name of the index.
    pub index: String,
    /// Files, in the order they should be written: the index comes last.
    pub files: Vec<SiteFile>,
}

/// One file of a site.
#[derive(Debug)]
pub struct SiteFile {
    /// Name in the folder of the site.
    pub name: String,
    /// Content.
    pub text: String,
}

/// Returns the files of the site in `directory`: `index.html`, and `NAME.html` and `NAME.json` for every outcome. Pages
/// without a language in their name are in `language`, the others are `NAME.zh.html` or `NAME.en.html`. Pages of
/// experiments from earlier runs in the folder stay in the index. If there is a document for every experiment, the page
/// of the notes and those of the exhibits are included; `module` is the compiled engine that answers the exhibits in a
/// browser. Nothing is written.
///
/// # Errors
/// Fails if an exhibit has no answer for its initial state.
pub fn site_files(
    outcomes: &[Outcome],
    directory: &Path,
    language: Language,
    module: Option<&[u8]>,
) -> Result<SiteFiles, LabError> {
    let documents = Documents::of(outcomes, directory);
    let engine = module.map(|_| Engine::Script(ENGINE_FILE.to_owned()));
    let site = Site { outcomes, directory, main: language, documents, engine };
    let mut files = Vec::new();
    let mut add = |name: String, text: String| files.push(SiteFile { name, text });
    for (index, outcome) in outcomes.iter().enumerate() {
        let name = outcome.experiment.name;
        add(format!("{name}.json"), pretty(&outcome.document));
        for language in Language::ALL {
            let tried = site.tried(|exhibit| exhibit.experiment == name, language);
            let html = outcome.linked_html(language, &site.links(index, language), &tried);
            add(site.file(name, language), html);
        }
    }
    if site.documents.is_complete() {
        add(format!("{}.json", notes::NAME), pretty(&notes::document(&site.documents)));
        for language in Language::ALL {
            add(site.file(notes::NAME, language), site.notes(language));
        }
        if let Some(module) = module {
            add(ENGINE_FILE.to_owned(), engine_script(module));
        }
        for (index, exhibit) in exhibits().iter().enumerate() {
            let document = ExhibitDocument { exhibit, engine: site.engine.as_ref() };
            for language in Language::ALL {
                let html = document.linked_html(language, &site.exhibit_links(index, language))?;
                add(site.file(exhibit.name, language), html);
            }
        }
    }
    for language in Language::ALL {
        add(site.file("index", language), site.index(language));
    }
    Ok(SiteFiles { index: site.file("index", language), files })
}

/// Formats a document as stored in its file.
fn pretty(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).expect("documents have string keys")
}

struct Site<'a> {
    outcomes: &'a [Outcome],
    directory: &'a Path,
    /// Language of pages without a language in their name.
    main: Language,
    /// Documents of all experiments, from these outcomes or earlier runs.
    documents: Documents,
    /// Engine that answers the pages of exhibits.
    engine: Option<Engine>,
}

impl Site<'_> {
    /// Returns the file of the page `name` in one language.
    fn file(&self, name: &str, language: Language) -> String {
        if language == self.main { format!("{name}.html") } else { format!("{name}.{language}.html") }
    }

    /// Returns the links of a page: the index, the previous and next page, and itself in the other language.
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
            pages: self.pages(language),
        }
    }

    /// Returns the links of the page of an exhibit.
    fn exhibit_links(&self, index: usize, language: Language) -> Links {
        let to = |entry: &ExhibitEntry| Neighbour {
            file: self.file(entry.name, language),
            title: entry.title(language).to_owned(),
        };
        Links {
            index: Some(self.file("index", language)),
            previous: index.checked_sub(1).map(|before| to(&exhibits()[before])),
            next: exhibits().get(index + 1).map(to),
            translation: Some(self.file(exhibits()[index].name, other(language))),
            pages: self.pages(language),
        }
    }

    /// Returns every page that texts refer to, with its file if there is one.
    fn pages(&self, language: Language) -> Vec<Linked> {
        let experiments = catalog().iter().map(|entry| entry.linked(self.written(entry, language)));
        let file = |entry: &ExhibitEntry| self.documents.is_complete().then(|| self.file(entry.name, language));
        experiments.chain(exhibits().iter().map(|entry| entry.linked(file(entry)))).collect()
    }

    /// Returns the file of an experiment's page, from this run or an earlier one, if there is one.
    fn written(&self, entry: &'static ExperimentEntry, language: Language) -> Option<String> {
        let file = self.file(entry.name, language);
        let is_new = self.outcomes.iter().any(|outcome| outcome.experiment.name == entry.name);
        (is_new || self.directory.join(&file).exists()).then_some(file)
    }

    fn index(&self, language: Language) -> String {
        let title = Text::new("The lab", "实验室");
        let summary = Text::new(
            "Activation functions, data preprocessing, weight initialisation and batch norm. Every figure is computed by the \
             engine that trains, and all its numbers are in a JSON file next to its page.",
            "激活函数、数据预处理、权重初始化与批量归一化。每张图都由训练所用的同一引擎算出，图中每个数都在页面旁的 JSON 文件里。",
        );
        let switch = translation_link(&self.file("index", other(language)), language);
        let mut body = format!(
            "<nav aria-label=\"{}\">{switch}</nav><header><h1>{}</h1><p class=\"summary\">{}</p></header>",
            language.choose("This site", "本站"),
            title.get(language),
            summary.get(language)
        );
        if self.documents.is_complete() {
            let (file, title, summary) = (self.file(notes::NAME, language), notes::title(), notes::summary());
            body.push_str(&format!(
                "<p class=\"start\"><a href=\"{file}\"><b>{}</b></a> {}</p>",
                title.get(language),
                summary.get(language)
            ));
        }
        let mut place = 0;
        for chapter in Chapter::ALL {
            let entries = catalog().iter().filter(|entry| entry.chapter == chapter);
            let items: String = entries
                .filter_map(|entry| {
                    let item = self.item(entry, place + 1, language)?;
                    place += 1;
                    Some(item)
                })
                .collect();
            if !items.is_empty() {
                body.push_str(&format!(
                    "<h2>{}</h2><p class=\"question\">{}</p>{}<div class=\"cards\">{items}</div>",
                    chapter.title().get(language),
                    chapter.guide().get(language),
                    self.tried(|exhibit| exhibit.chapter == chapter, language)
                ));
            }
        }
        HtmlDocument { title: title.get(language), style: INDEX_STYLE, body: &body }.html(language)
    }

    /// Returns the link to an exhibit.
    fn exhibit(&self, entry: &ExhibitEntry, language: Language) -> String {
        format!("<a href=\"{}\">{}</a>", self.file(entry.name, language), escape(entry.title(language)))
    }

    /// Returns links to the exhibits that `belong`, if there are pages of exhibits.
    fn tried(&self, belong: impl Fn(&ExhibitEntry) -> bool, language: Language) -> String {
        let own = exhibits().iter().filter(|exhibit| self.documents.is_complete() && belong(exhibit));
        let links: Vec<String> = own.map(|exhibit| self.exhibit(exhibit, language)).collect();
        if links.is_empty() {
            return String::new();
        }
        let (words, gap) = (language.choose("Try it yourself:", "亲手试一试："), language.choose(" · ", "　"));
        format!("<p class=\"try\">{words} {}</p>", links.join(gap))
    }

    /// Renders the page of the notes.
    fn notes(&self, language: Language) -> String {
        let (title, summary) = (notes::title(), notes::summary());
        let pages = Links {
            index: Some(self.file("index", language)),
            translation: Some(self.file(notes::NAME, other(language))),
            ..Links::default()
        };
        let exhibit = |entry: &ExhibitEntry| self.exhibit(entry, language);
        let links = LinksTo { figure: &|figure| self.figure(figure, language), exhibit: &exhibit };
        let content = notes::body(&self.documents, language, links);
        let body = format!(
            "{}<header><h1>{}</h1><p class=\"summary\">{}</p></header>{content}<footer><p>{} <a href=\"{}.json\">JSON</a></p></footer>",
            pages.top(language),
            title.get(language),
            summary.get(language),
            language.choose("The same as data:", "数据："),
            notes::NAME
        );
        HtmlDocument { title: title.get(language), style: notes::STYLE, body: &body }.html(language)
    }

    /// Returns the link to a figure, or to its page if only that is known.
    fn figure(&self, figure: &FigureOf, language: Language) -> Option<String> {
        let entry = catalog().iter().find(|entry| entry.name == figure.experiment)?;
        let file = self.written(entry, language)?;
        let outcome = self.outcomes.iter().find(|outcome| outcome.experiment.name == entry.name);
        let number = outcome.filter(|_| !figure.caption.is_empty()).and_then(|one| one.figure_number(figure.caption));
        let title = escape(entry.title(language));
        Some(match number {
            Some(number) => {
                let words = language.choose(", figure", "，图");
                format!("<a href=\"{file}#figure-{number}\">{title}{words} {number}</a>")
            }
            None => format!("<a href=\"{file}\">{title}</a>"),
        })
    }

    /// Renders a picture and a sentence, without a picture for a page of an earlier run.
    fn item(&self, entry: &'static ExperimentEntry, place: usize, language: Language) -> Option<String> {
        let file = self.written(entry, language)?;
        let outcome = self.outcomes.iter().find(|outcome| outcome.experiment.name == entry.name);
        let figure = outcome.map(|outcome| outcome.first_figure(language)).unwrap_or_default();
        Some(format!(
            "<article class=\"card-link\"><div class=\"thumbnail\" aria-hidden=\"true\" inert>{figure}</div><h3><span class=\"place\">{place}</span> <a href=\"{file}\">{}</a></h3>\
             <p>{} <a href=\"{}.json\">JSON</a></p></article>",
            escape(entry.title(language)),
            escape(entry.summary(language)),
            entry.name
        ))
    }
}

impl Outcome {
    /// Renders the page as a self-contained HTML document.
    pub fn html(&self, language: Language) -> String {
        let pages = catalog().iter().map(|entry| entry.linked(None)).collect();
        self.linked_html(language, &Links { pages, ..Links::default() }, "")
    }
}

fn other(language: Language) -> Language {
    match language {
        Language::English => Language::Chinese,
        Language::Chinese => Language::English,
    }
}
