//! The site of several runs: an index and one page per run, in both languages.

mod exhibit_page;
mod notes;

use std::path::Path;

use keel_page::page::{HtmlDocument, Linked, Links, Neighbour};
use keel_page::{Language, Text};
use maud::{Markup, html};
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

/// Choices for a site.
#[derive(Debug, Clone, Copy, Default)]
pub struct SiteOptions<'a> {
    /// Language of pages without a language in their name; the others are `NAME.zh.html` or `NAME.en.html`.
    pub language: Language,
    /// Compiled engine that answers the exhibits in a browser.
    pub module: Option<&'a [u8]>,
    /// Address of the documentation, for a link on every page.
    pub documentation: Option<&'a str>,
}

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

/// Returns the files of the site in `directory`: `index.html`, and `NAME.html` and `NAME.json` for every outcome. Pages of
/// experiments from earlier runs in the folder stay in the index. If there is a document for every experiment, the page
/// of the notes and those of the exhibits are included. Nothing is written.
///
/// # Errors
/// Fails if an exhibit has no answer for its initial state.
pub fn site_files(outcomes: &[Outcome], directory: &Path, options: SiteOptions<'_>) -> Result<SiteFiles, LabError> {
    let documents = Documents::of(outcomes, directory);
    let engine = options.module.map(|_| Engine::Script(ENGINE_FILE.to_owned()));
    let site = Site { outcomes, directory, options, documents, engine };
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
        if let Some(module) = options.module {
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
    Ok(SiteFiles { index: site.file("index", options.language), files })
}

/// Formats a document as stored in its file.
fn pretty(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).expect("documents have string keys")
}

struct Site<'a> {
    outcomes: &'a [Outcome],
    directory: &'a Path,
    options: SiteOptions<'a>,
    /// Documents of all experiments, from these outcomes or earlier runs.
    documents: Documents,
    /// Engine that answers the pages of exhibits.
    engine: Option<Engine>,
}

impl Site<'_> {
    /// Returns the file of the page `name` in one language.
    fn file(&self, name: &str, language: Language) -> String {
        if language == self.options.language { format!("{name}.html") } else { format!("{name}.{language}.html") }
    }

    /// Returns the links at the top of the page `name`: the documentation, the index, and itself in the other language.
    fn top_links(&self, name: &str, language: Language) -> Links {
        Links {
            documentation: self.options.documentation.map(str::to_owned),
            index: Some(self.file("index", language)),
            translation: Some(self.file(name, other(language))),
            ..Links::default()
        }
    }

    /// Returns the links of the page of an outcome.
    fn links(&self, index: usize, language: Language) -> Links {
        let to = |outcome: &Outcome| {
            let entry = outcome.experiment;
            Neighbour { file: self.file(entry.name, language), title: entry.title(language).to_owned() }
        };
        Links {
            previous: index.checked_sub(1).map(|before| to(&self.outcomes[before])),
            next: self.outcomes.get(index + 1).map(to),
            pages: self.pages(language),
            ..self.top_links(self.outcomes[index].experiment.name, language)
        }
    }

    /// Returns the links of the page of an exhibit.
    fn exhibit_links(&self, index: usize, language: Language) -> Links {
        let to = |entry: &ExhibitEntry| Neighbour {
            file: self.file(entry.name, language),
            title: entry.title(language).to_owned(),
        };
        Links {
            previous: index.checked_sub(1).map(|before| to(&exhibits()[before])),
            next: exhibits().get(index + 1).map(to),
            pages: self.pages(language),
            ..self.top_links(exhibits()[index].name, language)
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
        let body = html! {
            (Links { index: None, ..self.top_links("index", language) }.top(language))
            header { h1 { (title.get(language)) } p class="summary" { (summary.get(language)) } }
            @if self.documents.is_complete() {
                p class="start" {
                    a href=(self.file(notes::NAME, language)) { b { (notes::title().get(language)) } }
                    " "
                    (notes::summary().get(language))
                }
            }
            (self.chapters(language))
        };
        HtmlDocument { title: title.get(language), style: INDEX_STYLE, body: &body }.html(language)
    }

    /// Renders the experiments that have a page, numbered, by chapter.
    fn chapters(&self, language: Language) -> Markup {
        let mut place = 0;
        let mut items = |chapter: Chapter| -> Vec<Markup> {
            let entries = catalog().iter().filter(|entry| entry.chapter == chapter);
            let item = |entry| {
                let item = self.item(entry, place + 1, language)?;
                place += 1;
                Some(item)
            };
            entries.filter_map(item).collect()
        };
        html! {
            @for (chapter, items) in Chapter::ALL.map(|chapter| (chapter, items(chapter))) {
                @if !items.is_empty() {
                    h2 { (chapter.title().get(language)) }
                    p class="question" { (chapter.guide().get(language)) }
                    (self.tried(|exhibit| exhibit.chapter == chapter, language))
                    div class="cards" { @for item in &items { (item) } }
                }
            }
        }
    }

    /// Returns the link to an exhibit.
    fn exhibit(&self, entry: &ExhibitEntry, language: Language) -> Markup {
        html! { a href=(self.file(entry.name, language)) { (entry.title(language)) } }
    }

    /// Returns links to the exhibits that `belong`, if there are pages of exhibits.
    fn tried(&self, belong: impl Fn(&ExhibitEntry) -> bool, language: Language) -> Markup {
        let own = exhibits().iter().filter(|exhibit| self.documents.is_complete() && belong(exhibit));
        let links: Vec<Markup> = own.map(|exhibit| self.exhibit(exhibit, language)).collect();
        html! {
            @if !links.is_empty() {
                p class="try" {
                    (language.choose("Try it yourself:", "亲手试一试："))
                    " "
                    (joined(&links, language.choose(" · ", "　")))
                }
            }
        }
    }

    /// Renders the page of the notes.
    fn notes(&self, language: Language) -> String {
        let (title, summary) = (notes::title(), notes::summary());
        let exhibit = |entry: &ExhibitEntry| self.exhibit(entry, language);
        let links = LinksTo { figure: &|figure| self.figure(figure, language), exhibit: &exhibit };
        let content = notes::body(&self.documents, language, links);
        let body = html! {
            (self.top_links(notes::NAME, language).top(language))
            header { h1 { (title.get(language)) } p class="summary" { (summary.get(language)) } }
            (content)
            footer {
                p { (language.choose("The same as data:", "数据：")) " " a href={ (notes::NAME) ".json" } { "JSON" } }
            }
        };
        HtmlDocument { title: title.get(language), style: notes::STYLE, body: &body }.html(language)
    }

    /// Returns the link to a figure, or to its page if only that is known.
    fn figure(&self, figure: &FigureOf, language: Language) -> Option<Markup> {
        let entry = catalog().iter().find(|entry| entry.name == figure.experiment)?;
        let file = self.written(entry, language)?;
        let outcome = self.outcomes.iter().find(|outcome| outcome.experiment.name == entry.name);
        let number = outcome.filter(|_| !figure.caption.is_empty()).and_then(|one| one.figure_number(figure.caption));
        let title = entry.title(language);
        Some(match number {
            Some(number) => html! {
                a href={ (file) "#figure-" (number) } { (title) (language.choose(", figure", "，图")) " " (number) }
            },
            None => html! { a href=(file) { (title) } },
        })
    }

    /// Renders a picture and a sentence, without a picture for a page of an earlier run.
    fn item(&self, entry: &'static ExperimentEntry, place: usize, language: Language) -> Option<Markup> {
        let file = self.written(entry, language)?;
        let outcome = self.outcomes.iter().find(|outcome| outcome.experiment.name == entry.name);
        let figure = outcome.map(|outcome| outcome.first_figure(language)).unwrap_or_default();
        Some(html! {
            article class="card-link" {
                div class="thumbnail" aria-hidden="true" inert { (figure) }
                h3 {
                    span class="place" { (place) }
                    " "
                    a href=(file) { (entry.title(language)) }
                }
                p { (entry.summary(language)) " " a href={ (entry.name) ".json" } { "JSON" } }
            }
        })
    }
}

impl Outcome {
    /// Renders the page as a self-contained HTML document.
    pub fn html(&self, language: Language) -> String {
        let pages = catalog().iter().map(|entry| entry.linked(None)).collect();
        self.linked_html(language, &Links { pages, ..Links::default() }, &Markup::default())
    }
}

fn other(language: Language) -> Language {
    match language {
        Language::English => Language::Chinese,
        Language::Chinese => Language::English,
    }
}

/// Renders links one after another, with `gap` between them.
fn joined(links: &[Markup], gap: &str) -> Markup {
    html! {
        @for (index, link) in links.iter().enumerate() {
            @if index > 0 { (gap) }
            (link)
        }
    }
}
