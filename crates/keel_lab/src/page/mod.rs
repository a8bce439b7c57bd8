//! Pages: text, charts, tables and formulas, as self-contained HTML documents.

mod html_document;
mod links;
mod style;
mod table;

pub(crate) use html_document::HtmlDocument;
pub(crate) use links::{Links, Neighbour, translation_link};
pub(crate) use table::{Table, cell};

use crate::charts::{Dots, Histograms, Pictures, Plot};
use crate::language::{Language, Text};

/// Content of a page, from top to bottom. Texts are HTML written in this crate; names from outside are escaped.
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

    /// The blocks one after the other, in one language.
    pub(crate) fn body(&self, language: Language) -> String {
        self.blocks.iter().map(|block| block.html(language)).collect()
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
            Block::Table(table) => table.html(language),
        }
    }
}

fn figure(caption: &str, inside: &str) -> String {
    format!("<figure>{inside}<figcaption>{caption}</figcaption></figure>")
}
