//! The page of an experiment: text, charts, tables and formulas, as one self-contained HTML document.

mod style;

use crate::charts::{Dots, Histograms, Pictures, Plot, escape, number};
use crate::experiment::Outcome;
use crate::language::{Language, Text};
use crate::site::translation_link;

pub(crate) use style::STYLE;

/// What a page is made of, from top to bottom. Texts are HTML written in this crate; names from outside are escaped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
enum Block {
    Heading(Text),
    Paragraph(Text),
    Formula(String),
    Plot(Text, Plot),
    Histograms(Text, Histograms),
    Dots(Text, Dots),
    Pictures(Text, Pictures),
    Table(Table),
}

/// Columns beyond which a table takes more than the width of the text, where there is room.
const WIDE_TABLE: usize = 7;

/// A table: titles of the columns, then rows of cells.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    caption: Text,
    columns: Vec<Text>,
    rows: Vec<Vec<Text>>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(caption: Text, columns: Vec<Text>) -> Self {
        Table { caption, columns, rows: Vec::new() }
    }

    /// Adds a row: its name, then numbers.
    pub(crate) fn row(&mut self, name: impl Into<Text>, numbers: &[f64]) {
        let cells = numbers.iter().map(|&value| Text::same(number(value)));
        self.rows.push(std::iter::once(name.into()).chain(cells).collect());
    }

    /// Adds a row of texts.
    pub(crate) fn text_row(&mut self, cells: Vec<Text>) {
        self.rows.push(cells);
    }
}

impl Page {
    /// An empty page.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Starts a section.
    pub(crate) fn heading(mut self, english: &str, chinese: &str) -> Self {
        self.blocks.push(Block::Heading(Text::new(english, chinese)));
        self
    }

    /// Adds a paragraph.
    pub(crate) fn paragraph(mut self, english: impl Into<String>, chinese: impl Into<String>) -> Self {
        self.blocks.push(Block::Paragraph(Text::new(english, chinese)));
        self
    }

    /// Adds a formula: the inside of a MathML element.
    pub(crate) fn formula(mut self, mathml: &str) -> Self {
        self.blocks.push(Block::Formula(mathml.to_owned()));
        self
    }

    /// Adds a chart.
    pub(crate) fn plot(mut self, caption: Text, plot: Plot) -> Self {
        self.blocks.push(Block::Plot(caption, plot));
        self
    }

    /// Adds a row of histograms.
    pub(crate) fn histograms(mut self, caption: Text, histograms: Histograms) -> Self {
        self.blocks.push(Block::Histograms(caption, histograms));
        self
    }

    /// Adds rows of dots.
    pub(crate) fn dots(mut self, caption: Text, dots: Dots) -> Self {
        self.blocks.push(Block::Dots(caption, dots));
        self
    }

    /// Adds a row of images.
    pub(crate) fn pictures(mut self, caption: Text, pictures: Pictures) -> Self {
        self.blocks.push(Block::Pictures(caption, pictures));
        self
    }

    /// Adds a table.
    pub(crate) fn table(mut self, table: Table) -> Self {
        self.blocks.push(Block::Table(table));
        self
    }

    /// The whole document, in one language and with links to others.
    pub(crate) fn html(&self, outcome: &Outcome, (language, links): (Language, &Links)) -> String {
        let entry = outcome.experiment;
        let blocks: String = self.blocks.iter().map(|block| block.html(language)).collect();
        let repeat = match language {
            Language::English => "Every number of this page as JSON:",
            Language::Chinese => "本页全部数字的 JSON：",
        };
        let command = command_line(outcome);
        let body = format!(
            "{}<header><p class=\"chapter\">{}</p><h1>{}</h1><p class=\"summary\">{}</p></header>{blocks}{}<footer>\
             <p>{repeat} <code>{}</code></p>{}</footer>",
            links.top(language),
            entry.chapter.title().get(language),
            escape(entry.title(language)),
            escape(entry.summary(language)),
            knobs(outcome, language),
            escape(&command),
            links.bottom()
        );
        document(entry.title(language), &body, language)
    }

    /// The first chart or row of images, without its caption.
    pub(crate) fn first_figure(&self, language: Language) -> String {
        let figure = |block: &Block| match block {
            Block::Plot(_, plot) => Some(plot.html(language)),
            Block::Histograms(_, histograms) => Some(histograms.html(language)),
            Block::Dots(_, dots) => Some(dots.html(language)),
            Block::Pictures(_, pictures) => Some(pictures.html(language)),
            Block::Heading(_) | Block::Paragraph(_) | Block::Formula(_) | Block::Table(_) => None,
        };
        self.blocks.iter().find_map(figure).unwrap_or_default()
    }

    /// The first row of histograms, for a picture of its own.
    pub(crate) fn first_histograms(&self) -> Option<(&Text, &Histograms)> {
        self.blocks.iter().find_map(|block| match block {
            Block::Histograms(caption, histograms) => Some((caption, histograms)),
            _ => None,
        })
    }
}

/// Where a page leads; a page on its own leads nowhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    /// The index.
    pub(crate) index: Option<String>,
    /// File and title of the page before.
    pub(crate) previous: Option<(String, String)>,
    /// File and title of the page after.
    pub(crate) next: Option<(String, String)>,
    /// The same page in the other language.
    pub(crate) translation: Option<String>,
}

impl Links {
    fn top(&self, language: Language) -> String {
        let lab = match language {
            Language::English => "The lab",
            Language::Chinese => "实验室",
        };
        let index = self.index.as_ref().map(|file| format!("<a href=\"{file}\">{lab}</a>"));
        let translation = self.translation.as_ref().map(|file| translation_link(file, language));
        if index.is_none() && translation.is_none() {
            return String::new();
        }
        format!("<nav>{}{}</nav>", index.unwrap_or_default(), translation.unwrap_or_default())
    }

    fn bottom(&self) -> String {
        let link = |page: &Option<(String, String)>, arrow: [&str; 2]| {
            let link = |(file, title): &(String, String)| {
                format!("<a href=\"{file}\">{}{}{}</a>", arrow[0], escape(title), arrow[1])
            };
            page.as_ref().map_or("<span></span>".to_owned(), link)
        };
        if self.previous.is_none() && self.next.is_none() {
            return String::new();
        }
        format!("<nav>{}{}</nav>", link(&self.previous, ["← ", ""]), link(&self.next, ["", " →"]))
    }
}

impl Block {
    fn html(&self, language: Language) -> String {
        match self {
            Block::Heading(text) => format!("<h2>{}</h2>", text.get(language)),
            Block::Paragraph(text) => format!("<p>{}</p>", text.get(language)),
            Block::Formula(mathml) => format!("<div class=\"formula\"><math display=\"block\">{mathml}</math></div>"),
            Block::Plot(caption, plot) => figure(caption.get(language), &plot.html(language)),
            Block::Histograms(caption, histograms) => figure(caption.get(language), &histograms.html(language)),
            Block::Dots(caption, dots) => figure(caption.get(language), &dots.html(language)),
            Block::Pictures(caption, pictures) => figure(caption.get(language), &pictures.html(language)),
            Block::Table(table) => table_html(table, language),
        }
    }
}

/// A complete document without any reference to the outside.
pub(crate) fn document(title: &str, body: &str, language: Language) -> String {
    styled_document(title, ("", body), language)
}

/// A complete document with a style sheet of its own after that of all pages.
pub(crate) fn styled_document(title: &str, (style, body): (&str, &str), language: Language) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><link rel=\"icon\" href=\"data:,\">\
         <title>{} · Evenkeel</title><style>{STYLE}{}{style}</style></head><body><main>{body}</main>\
         <script>{}</script></body></html>\n",
        escape(title),
        crate::charts::STYLE,
        crate::charts::SCRIPT
    )
}

fn figure(caption: &str, inside: &str) -> String {
    format!("<figure>{inside}<figcaption>{caption}</figcaption></figure>")
}

fn table_html(table: &Table, language: Language) -> String {
    let cells = |tag: &str, texts: &[Text]| -> String {
        texts.iter().map(|text| format!("<{tag}>{}</{tag}>", text.get(language))).collect()
    };
    let rows: String = table.rows.iter().map(|row| format!("<tr>{}</tr>", cells("td", row))).collect();
    let class = if table.columns.len() > WIDE_TABLE { " wide" } else { "" };
    format!(
        "<div class=\"table{class}\"><table><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{rows}</tbody></table></div>",
        table.caption.get(language),
        cells("th", &table.columns)
    )
}

/// The knobs of the run with the values it used.
fn knobs(outcome: &Outcome, language: Language) -> String {
    let (title, heads, seed) = match language {
        Language::English => ("Knobs of this run", ["Knob", "Value", "What it does"], "Seed of all random numbers."),
        Language::Chinese => ("本次运行的参数", ["参数", "取值", "作用"], "所有随机数的种子。"),
    };
    let head: String = heads.iter().map(|head| format!("<th>{head}</th>")).collect();
    let row = |name: &str, value: String, text: &str| {
        format!("<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>", escape(name), escape(&value), escape(text))
    };
    let mut rows: String = outcome
        .experiment
        .knobs()
        .iter()
        .map(|knob| row(&knob.name, shown(&outcome.settings, &knob.name), knob.text(language)))
        .collect();
    rows.push_str(&row("seed", outcome.seed().to_string(), seed));
    format!(
        "<h2>{title}</h2><div class=\"table\"><table class=\"knobs\"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

fn shown(settings: &serde_json::Value, name: &str) -> String {
    let value = name.split('.').fold(settings, |value, key| &value[key]);
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => "auto".to_owned(),
        other => other.to_string(),
    }
}

/// The command that gives this run's document again.
fn command_line(outcome: &Outcome) -> String {
    let mut command = format!("evenkeel lab run {} --json --seed {}", outcome.experiment.name, outcome.seed());
    for knob in outcome.experiment.knobs() {
        let value = knob.name.split('.').fold(&outcome.settings, |value, key| &value[key]);
        if *value != knob.default {
            command.push_str(&format!(" --set '{}={}'", knob.name, shown(&outcome.settings, &knob.name)));
        }
    }
    command
}
