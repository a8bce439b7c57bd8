//! The recorded English text below its Chinese counterpart.

use maud::{Markup, html};

/// Renders the recorded `text` in small print, for a page in Chinese.
pub(crate) fn original(text: &str) -> Markup {
    html! { p.more { "原文：" span lang="en" { (text) } } }
}
