//! Figures of a page, of every kind.

use maud::Markup;

use crate::charts::{Dots, Gate, HeatMap, Histograms, Look, Named, Pictures, Plot, Sheet};

/// A drawing of a page, without its caption.
#[derive(Clone, Debug)]
pub enum Figure {
    /// Lines, points and areas over two axes.
    Plot(Box<Plot>),
    /// A row of histograms.
    Histograms(Histograms),
    /// Rows of dots.
    Dots(Dots),
    /// A row of images.
    Pictures(Pictures),
    /// A matrix.
    HeatMap(HeatMap),
    /// A function as a gate.
    Gate(Gate),
    /// Rows of histograms with numbers.
    Sheet(Sheet),
}

impl Figure {
    /// Renders the drawing as HTML, in the language and colours of its page.
    pub(super) fn drawn(&self, look: &Look<'_>) -> Markup {
        match self {
            Figure::Plot(plot) => plot.drawn(look),
            Figure::Histograms(histograms) => histograms.html(look.language),
            Figure::Dots(dots) => dots.drawn(look),
            Figure::Pictures(pictures) => pictures.html(look.language),
            Figure::HeatMap(map) => map.drawn(look),
            Figure::Gate(gate) => gate.html(look.language),
            Figure::Sheet(sheet) => sheet.html(look.language),
        }
    }

    /// Returns its series as palette entries.
    pub(super) fn named(&self) -> Vec<Named<'_>> {
        match self {
            Figure::Plot(plot) => plot.named(),
            Figure::Dots(dots) => dots.named(),
            Figure::Sheet(sheet) => sheet.named(),
            Figure::Histograms(_) | Figure::Pictures(_) | Figure::HeatMap(_) | Figure::Gate(_) => Vec::new(),
        }
    }
}

impl From<Plot> for Figure {
    fn from(plot: Plot) -> Self {
        Figure::Plot(Box::new(plot))
    }
}

impl From<Histograms> for Figure {
    fn from(histograms: Histograms) -> Self {
        Figure::Histograms(histograms)
    }
}

impl From<Dots> for Figure {
    fn from(dots: Dots) -> Self {
        Figure::Dots(dots)
    }
}

impl From<Pictures> for Figure {
    fn from(pictures: Pictures) -> Self {
        Figure::Pictures(pictures)
    }
}

impl From<HeatMap> for Figure {
    fn from(map: HeatMap) -> Self {
        Figure::HeatMap(map)
    }
}

impl From<Gate> for Figure {
    fn from(gate: Gate) -> Self {
        Figure::Gate(gate)
    }
}

impl From<Sheet> for Figure {
    fn from(sheet: Sheet) -> Self {
        Figure::Sheet(sheet)
    }
}
