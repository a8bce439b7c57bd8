//! Lists of names with their values.

use maud::{Markup, Render, html};

/// Renders pairs of name and value; the class is `tiles` or `facts`.
pub(crate) fn definitions(class: &str, pairs: &[(impl Render, impl Render)]) -> Markup {
    html! {
        dl class=(class) {
            @for (name, value) in pairs {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}
