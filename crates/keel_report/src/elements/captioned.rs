//! A chart with its caption.

use keel_page::Language;
use keel_page::charts::Plot;
use maud::{Markup, html};

/// Renders `plot` as a figure with `caption` below it.
pub(crate) fn captioned(plot: &Plot, caption: &str, language: Language) -> Markup {
    html! {
        figure { (plot.html(language)) figcaption { (caption) } }
    }
}
