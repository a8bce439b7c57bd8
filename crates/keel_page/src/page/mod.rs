//! Pages: text, charts, tables and formulas, as self-contained HTML documents.
//!
//! In a text, `[[zigzag]]` links to the page of that name by its title, and `[[zigzag|words]]` by `words`; [`Links`]
//! resolves them.

mod figure;
mod formula;
mod html_document;
mod links;
mod style;
mod table;

pub use figure::Figure;
pub use formula::mathml;
pub use html_document::HtmlDocument;
pub use links::{Linked, Links, Neighbour};
pub use style::STYLE;
pub use table::{Table, cell};

use maud::{Markup, PreEscaped, html};

use crate::charts::{Dots, Histograms, Look, Palette, Pictures, Plot, Sheet};
use crate::language::{Language, Text};

/// Content of a page, from top to bottom. Texts are HTML written in a crate of the workspace; names from outside in them
/// are [`escaped`](crate::escaped).
#[derive(Clone, Debug, Default)]
pub struct Page {
    blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
enum Block {
    Heading(Text),
    Paragraph(Text),
    Formula(Markup),
    Figure(Text, Figure),
    Row(Text, Vec<Part>),
    Table(Table),
}

/// One of several figures side by side.
#[derive(Clone, Debug)]
pub struct Part {
    title: Text,
    figure: Figure,
}

impl Part {
    /// Creates a figure with a title.
    pub fn new(title: impl Into<Text>, figure: impl Into<Figure>) -> Self {
        Part { title: title.into(), figure: figure.into() }
    }
}

impl Page {
    /// Creates an empty page.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a section.
    pub fn heading(mut self, english: &str, chinese: &str) -> Self {
        self.blocks.push(Block::Heading(Text::new(english, chinese)));
        self
    }

    /// Adds a paragraph.
    pub fn paragraph(mut self, english: impl Into<String>, chinese: impl Into<String>) -> Self {
        self.blocks.push(Block::Paragraph(Text::new(english, chinese)));
        self
    }

    /// Adds a formula as the content of a MathML element.
    pub fn formula(mut self, mathml: Markup) -> Self {
        self.blocks.push(Block::Formula(mathml));
        self
    }

    /// Adds a chart.
    pub fn plot(self, caption: Text, plot: Plot) -> Self {
        self.figure(caption, plot)
    }

    /// Adds a row of histograms.
    pub fn histograms(self, caption: Text, histograms: Histograms) -> Self {
        self.figure(caption, histograms)
    }

    /// Adds rows of dots.
    pub fn dots(self, caption: Text, dots: Dots) -> Self {
        self.figure(caption, dots)
    }

    /// Adds a row of images.
    pub fn pictures(self, caption: Text, pictures: Pictures) -> Self {
        self.figure(caption, pictures)
    }

    /// Adds a figure of any kind.
    pub fn figure(mut self, caption: Text, figure: impl Into<Figure>) -> Self {
        self.blocks.push(Block::Figure(caption, figure.into()));
        self
    }

    /// Adds figures side by side under one caption; on a narrow screen they are stacked.
    pub fn side_by_side(mut self, caption: Text, parts: Vec<Part>) -> Self {
        self.blocks.push(Block::Row(caption, parts));
        self
    }

    /// Adds rows of histograms.
    pub fn sheet(self, caption: Text, sheet: Sheet) -> Self {
        self.figure(caption, sheet)
    }

    /// Adds a table.
    pub fn table(mut self, table: Table) -> Self {
        self.blocks.push(Block::Table(table));
        self
    }

    /// Renders the blocks in order, in one language.
    pub fn body(&self, language: Language) -> Markup {
        let look = Look { language, palette: &self.palette() };
        let mut figures = 0;
        let mut drawn = |block: &Block| {
            figures += usize::from(block.caption().is_some());
            block.html(&look, figures)
        };
        html! { @for block in &self.blocks { (drawn(block)) } }
    }

    /// Returns the number of the figure whose English caption contains these words: its element is `figure-N`.
    pub fn figure_number(&self, words: &str) -> Option<usize> {
        let mut captions = self.blocks.iter().filter_map(Block::caption);
        captions.position(|caption| caption.get(Language::English).contains(words)).map(|index| index + 1)
    }

    /// Renders the first chart, row of charts or row of images, without its caption.
    pub fn first_figure(&self, language: Language) -> Markup {
        let look = Look { language, palette: &self.palette() };
        let figure = |block: &Block| match block {
            Block::Figure(_, figure) => Some(figure.drawn(&look)),
            Block::Row(_, parts) => Some(row(parts, &look)),
            Block::Heading(_) | Block::Paragraph(_) | Block::Formula(_) | Block::Table(_) => None,
        };
        self.blocks.iter().find_map(figure).unwrap_or_default()
    }

    /// Returns the first row of histograms, for a standalone picture.
    pub fn first_histograms(&self) -> Option<(&Text, &Histograms)> {
        self.blocks.iter().find_map(|block| match block {
            Block::Figure(caption, Figure::Histograms(histograms)) => Some((caption, histograms)),
            _ => None,
        })
    }

    /// Assigns one colour to each name, over all charts.
    fn palette(&self) -> Palette {
        let mut charts = Vec::new();
        for block in &self.blocks {
            match block {
                Block::Figure(_, figure) => charts.push(figure.named()),
                Block::Row(_, parts) => charts.extend(parts.iter().map(|part| part.figure.named())),
                Block::Heading(_) | Block::Paragraph(_) | Block::Formula(_) | Block::Table(_) => {}
            }
        }
        Palette::of(&charts)
    }
}

impl Block {
    /// Returns the caption of a figure.
    fn caption(&self) -> Option<&Text> {
        match self {
            Block::Figure(caption, _) | Block::Row(caption, _) => Some(caption),
            Block::Heading(_) | Block::Paragraph(_) | Block::Formula(_) | Block::Table(_) => None,
        }
    }

    /// Renders the block; `number` applies if it is a figure.
    fn html(&self, look: &Look<'_>, number: usize) -> Markup {
        let shown = |text: &Text| PreEscaped(text.get(look.language).to_owned());
        match self {
            Block::Heading(text) => html! { h2 { (shown(text)) } },
            Block::Paragraph(text) => html! { p { (shown(text)) } },
            Block::Formula(mathml) => html! { div class="formula" { math display="block" { (mathml) } } },
            Block::Figure(caption, figure) => captioned(number, &shown(caption), &figure.drawn(look)),
            Block::Row(caption, parts) => captioned(number, &shown(caption), &row(parts, look)),
            Block::Table(table) => table.html(look.language),
        }
    }
}

fn captioned(number: usize, caption: &Markup, inside: &Markup) -> Markup {
    html! { figure id={ "figure-" (number) } { (inside) figcaption { (caption) } } }
}

fn row(parts: &[Part], look: &Look<'_>) -> Markup {
    html! {
        div class="row" {
            @for Part { title, figure } in parts {
                figure class="part" {
                    figcaption { (PreEscaped(title.get(look.language))) }
                    (figure.drawn(look))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::{Marks, Series};

    #[test]
    fn a_series_has_one_colour_on_all_charts_of_a_page() {
        let line = |name: &str| Series::new(name, vec![(0.0, 0.0), (1.0, 1.0)], Marks::Line);
        let page = Page::new()
            .plot(Text::same("first"), Plot::new("x", "y").with(line("relu")).with(line("tanh")))
            .side_by_side(Text::same("row"), vec![Part::new("second", Plot::new("x", "y").with(line("tanh")))])
            .dots(Text::same("third"), Dots::new("accuracy").with("tanh", vec![0.5]));
        let html = page.body(Language::English).into_string();
        assert_eq!(html.matches("series-1\"").count() + html.matches("series-1 \"").count(), 4, "{html}");
        assert!(html.contains("<figure class=\"part\"><figcaption>second</figcaption>"));
        assert!(page.first_figure(Language::English).into_string().starts_with("<div class=\"plot"));
        assert_eq!([page.figure_number("third"), page.figure_number("fourth")], [Some(3), None]);
        assert!(html.contains("<figure id=\"figure-2\"><div class=\"row\">"), "{html}");
    }
}
