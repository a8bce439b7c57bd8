//! The page "the notes, sentence by sentence": for every statement of the notes the lab is based on, the figures that
//! show it, whether it holds, and any correction. The notes are a reader's, on lecture 7 of CS231n (2020).
//!
//! Every number comes from the documents of the experiments on the same site.

mod activations;
mod batch_norm;
mod documents;
mod initialisation;
mod preprocessing;
mod questions;
mod statement;

pub(crate) use documents::Documents;
pub(crate) use statement::FigureOf;

use std::collections::BTreeSet;

use keel_page::{Language, Text};
use maud::{Markup, PreEscaped, html};
use serde::Serialize;

use super::joined;
use crate::exhibit::ExhibitEntry;
use crate::exhibits::exhibits;
use crate::experiment::Chapter;
use questions::{QUESTIONS, Question};
use statement::{Evidence, Standing, Statement};

/// Name of the files of the page.
pub(crate) const NAME: &str = "notes";

/// Returns the title of the page.
pub(crate) fn title() -> Text {
    Text::new("The notes, sentence by sentence", "笔记逐句对照")
}

/// Returns one sentence about the page.
pub(crate) fn summary() -> Text {
    Text::new(
        "Every statement of a reader's notes on the lecture: where the lab shows it, the numbers measured, whether it holds, and \
         what is to be corrected. The three questions they leave open are answered.",
        "一份课程笔记的每一句话：实验室在哪里展示、实测数值、是否成立、哪里需要更正；并回答笔记留下的三个问题。",
    )
}

/// Additional style rules of the page.
pub(crate) const STYLE: &str = include_str!("notes.css");

/// Links in the language of the page, with their texts.
#[derive(Clone, Copy)]
pub(crate) struct LinksTo<'a> {
    /// Link to a figure.
    pub(crate) figure: &'a dyn Fn(&FigureOf) -> Option<Markup>,
    /// Link to an exhibit.
    pub(crate) exhibit: &'a dyn Fn(&ExhibitEntry) -> Markup,
}

/// Renders the content of the page in one language.
pub(crate) fn body(documents: &Documents, language: Language, links: LinksTo<'_>) -> Markup {
    let intro = Text::new(
        "The notes follow one lecture: activation functions, data preprocessing, weight initialisation, batch \
         normalisation. Each sentence is listed with the number of its row in the lab's checklist. Under it is what \
         the experiments of this site measured, read from their documents, and a link to the figure.",
        "笔记依照一节课的顺序：激活函数、数据预处理、权重初始化、批量归一化。这里逐句列出，并标上检查表中的行号；下面是本站各实验的实测数值（取自实验的数据文件），以及通往相应图表的链接。",
    );
    html! {
        p { (intro.get(language)) }
        (tally(documents, language))
        @for (chapter, statements) in CHAPTERS {
            h2 { (chapter.title().get(language)) }
            @for statement in statements { (article(statement, documents, language, links)) }
        }
        h2 id="questions" { (language.choose("The three open questions", "三个未解的问题")) }
        @for question in QUESTIONS { (answered(question, documents, language, links)) }
    }
}

/// Returns the content of the page by statement, for other programs.
pub(crate) fn document(documents: &Documents) -> Vec<Row> {
    let row = |statement: &Statement| {
        let evidence = (statement.evidence)(documents);
        Row {
            row: statement.row,
            says: statement.says[0],
            standing: Verdict::of(statement, evidence.as_ref()).name(),
            measured: evidence.map(|evidence| evidence.words.get(Language::English).to_owned()),
            correction: Some(statement.correction[0]).filter(|words| !words.is_empty()),
            experiments: statement.figures.iter().map(|figure| figure.experiment).collect(),
            exhibits: tried(statement.figures).map(|exhibit| exhibit.name).collect(),
        }
    };
    CHAPTERS.iter().flat_map(|(_, statements)| statements.iter()).map(row).collect()
}

/// A row of [`document`].
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    row: &'static str,
    says: &'static str,
    standing: &'static str,
    measured: Option<String>,
    correction: Option<&'static str>,
    experiments: BTreeSet<&'static str>,
    exhibits: Vec<&'static str>,
}

/// Returns every figure that a statement or an answer refers to.
#[cfg(test)]
pub(crate) fn figures() -> impl Iterator<Item = &'static FigureOf> {
    let statements = CHAPTERS.iter().flat_map(|(_, statements)| statements.iter()).flat_map(|one| one.figures);
    statements.chain(QUESTIONS.iter().flat_map(|question| question.figures))
}

const CHAPTERS: [(Chapter, &[Statement]); 4] = [
    (Chapter::Activations, activations::STATEMENTS),
    (Chapter::Preprocessing, preprocessing::STATEMENTS),
    (Chapter::Initialisation, initialisation::STATEMENTS),
    (Chapter::BatchNormalisation, batch_norm::STATEMENTS),
];

/// Verdict on a sentence based on its evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Holds,
    HoldsCorrected,
    TooStrong,
    NotSeen,
    NotMeasured,
}

impl Verdict {
    const ALL: [Verdict; 5] =
        [Verdict::Holds, Verdict::HoldsCorrected, Verdict::TooStrong, Verdict::NotSeen, Verdict::NotMeasured];

    fn of(statement: &Statement, evidence: Option<&Evidence>) -> Self {
        match evidence {
            None => Verdict::NotMeasured,
            Some(evidence) if !evidence.holds => Verdict::NotSeen,
            Some(_) if statement.standing == Standing::TooStrong => Verdict::TooStrong,
            Some(_) if statement.correction[0].is_empty() => Verdict::Holds,
            Some(_) => Verdict::HoldsCorrected,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::HoldsCorrected => "holds_with_addition",
            Verdict::TooStrong => "corrected",
            Verdict::NotSeen => "not_seen",
            Verdict::NotMeasured => "not_measured",
        }
    }

    fn title(self) -> Text {
        match self {
            Verdict::Holds => Text::new("holds", "成立"),
            Verdict::HoldsCorrected => Text::new("holds, with an addition", "成立，有补充"),
            Verdict::TooStrong => Text::new("not as written", "原话需更正"),
            Verdict::NotSeen => Text::new("not seen in this run", "本次运行未见"),
            Verdict::NotMeasured => Text::new("not measured", "未测量"),
        }
    }
}

/// Counts the sentences by verdict.
fn tally(documents: &Documents, language: Language) -> Markup {
    let verdicts: Vec<Verdict> = CHAPTERS
        .iter()
        .flat_map(|(_, statements)| statements.iter())
        .map(|statement| Verdict::of(statement, (statement.evidence)(documents).as_ref()))
        .collect();
    let count = |verdict: Verdict| verdicts.iter().filter(|one| **one == verdict).count();
    let found = Verdict::ALL.into_iter().map(|verdict| (verdict, count(verdict))).filter(|(_, count)| *count > 0);
    html! {
        ul class="tally" { @for (verdict, count) in found { li { (badge(verdict, language)) " " (count) } } }
    }
}

fn badge(verdict: Verdict, language: Language) -> Markup {
    html! { span class={ "standing " (verdict.name()) } { (verdict.title().get(language)) } }
}

fn article(statement: &Statement, documents: &Documents, language: Language, links: LinksTo<'_>) -> Markup {
    let evidence = (statement.evidence)(documents);
    let (row, verdict) = (statement.row, Verdict::of(statement, evidence.as_ref()));
    let correction = pick(statement.correction, language);
    let label = match statement.standing {
        Standing::Holds => language.choose("To add", "补充"),
        Standing::TooStrong => language.choose("Correction", "更正"),
    };
    html! {
        article class="statement" id=(row) {
            p class="row" { a href={ "#" (row) } { (row) } (badge(verdict, language)) }
            blockquote { (pick(statement.says, language)) }
            (measured(evidence.as_ref(), language))
            @if !correction.is_empty() { (labelled(label, html! { (correction) })) }
            (shown(statement.figures, language, links))
        }
    }
}

fn answered(question: &Question, documents: &Documents, language: Language, links: LinksTo<'_>) -> Markup {
    let evidence = (question.evidence)(documents);
    html! {
        article class="statement" {
            h3 { (pick(question.asks, language)) }
            p { (PreEscaped(pick(question.answer, language))) }
            (measured(evidence.as_ref(), language))
            (shown(question.figures, language, links))
        }
    }
}

fn measured(evidence: Option<&Evidence>, language: Language) -> Markup {
    html! {
        @if let Some(Evidence { words, .. }) = evidence {
            (labelled(language.choose("Measured", "实测"), html! { (words.get(language)) }))
        }
    }
}

fn shown(figures: &[FigureOf], language: Language, links: LinksTo<'_>) -> Markup {
    let gap = language.choose("; ", "；");
    let shown: Vec<Markup> = figures.iter().filter_map(links.figure).collect();
    let tried: Vec<Markup> = tried(figures).map(links.exhibit).collect();
    html! {
        @if !shown.is_empty() { (labelled(language.choose("Shown in", "见"), joined(&shown, gap))) }
        @if !tried.is_empty() { (labelled(language.choose("Try it", "试一试"), joined(&tried, gap))) }
    }
}

/// Returns the exhibits of the experiments that these figures belong to.
fn tried(figures: &[FigureOf]) -> impl Iterator<Item = &'static ExhibitEntry> {
    exhibits().iter().filter(|exhibit| figures.iter().any(|figure| figure.experiment == exhibit.experiment))
}

fn labelled(label: &str, content: Markup) -> Markup {
    html! { p { b class="label" { (label) } " " (content) } }
}

fn pick(texts: [&'static str; 2], language: Language) -> &'static str {
    texts[language as usize]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Rows of the checklist, in order.
    const ROWS: [&str; 44] = [
        "N1", "A1", "A2", "A2b", "A3", "A4", "A5", "A5b", "A6", "A7", "A8", "A9", "A10", "A10b", "A11", "P1", "P2",
        "P3", "P4", "P5", "P6", "W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "W8b", "W9", "W10", "W11", "W12",
        "W13", "B1", "B1b", "B2", "B3", "B4", "B5", "B6", "B7", "Z",
    ];

    #[test]
    fn every_row_of_the_checklist_has_its_statement_in_both_languages() {
        let statements: Vec<&Statement> = CHAPTERS.iter().flat_map(|(_, statements)| statements.iter()).collect();
        let rows: Vec<&str> = statements.iter().map(|statement| statement.row).collect();
        assert_eq!(rows, ROWS);
        let is_chinese = |text: &str| text.chars().any(|letter| ('\u{4e00}'..'\u{9fff}').contains(&letter));
        for statement in statements {
            let row = statement.row;
            for [english, chinese] in [statement.says, statement.correction] {
                assert_eq!(english.is_empty(), chinese.is_empty(), "{row}");
                assert!(english.is_empty() || (is_chinese(chinese) && !is_chinese(english)), "{row}: {english}");
            }
            assert!(!statement.figures.is_empty(), "{row} is shown somewhere");
            let corrected = statement.standing == Standing::TooStrong;
            assert!(!corrected || !statement.correction[0].is_empty(), "{row} says what is wrong");
        }
    }

    #[test]
    fn figures_that_the_notes_refer_to_exist_and_every_number_comes_from_a_document() {
        let experiments: BTreeSet<&str> = figures().map(|figure| figure.experiment).collect();
        let cheap =
            ["width=8", "depth=3", "steps=2", "points=20", "paths=2", "seeds=1", "samples=64", "batch=8", "draws=100"];
        let cheap = crate::Settings::parse(cheap).unwrap();
        let outcomes: Vec<_> =
            crate::catalog().iter().map(|entry| entry.run(&cheap.known_to(&entry.knobs()), 0).unwrap()).collect();
        for figure in figures().filter(|figure| !figure.caption.is_empty()) {
            let outcome = outcomes.iter().find(|outcome| outcome.experiment.name == figure.experiment).unwrap();
            assert!(outcome.figure_number(figure.caption).is_some(), "{figure:?}");
        }
        assert!(experiments.len() >= 15, "{experiments:?}");
        let documents = Documents::of(&outcomes, Path::new("."));
        assert!(documents.is_complete());
        for (_, statements) in CHAPTERS {
            for statement in statements {
                let found =
                    (statement.evidence)(&documents).unwrap_or_else(|| panic!("{} has no numbers", statement.row));
                for language in Language::ALL {
                    assert!(
                        found.words.get(language).contains(|letter: char| letter.is_ascii_digit())
                            || statement.row == "W6"
                    );
                }
            }
        }
        for question in QUESTIONS {
            assert!((question.evidence)(&documents).is_some(), "{}", question.asks[0]);
        }
        for language in Language::ALL {
            let links = LinksTo {
                figure: &|figure| Some(html! { (figure.experiment) }),
                exhibit: &|exhibit| html! { (exhibit.name) },
            };
            let html = body(&documents, language, links).into_string();
            assert_eq!(html.matches("<article").count(), html.matches("</article>").count());
            assert!(!html.contains("NaN"));
        }
        let none = Documents::default();
        assert!(document(&none).iter().all(|row| row.standing == "not_measured"), "no document, no number");
    }
}
