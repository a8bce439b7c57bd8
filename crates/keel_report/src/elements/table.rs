//! Tables with titles of columns.

use maud::{Markup, Render, html};

/// Renders a table that scrolls sideways on a narrow screen; `titles` are the cells of its first row, and `rows` are
/// complete rows.
pub(crate) fn table(class: Option<&str>, titles: &Markup, rows: impl IntoIterator<Item = Markup>) -> Markup {
    html! {
        div.table {
            table class=[class] {
                thead { tr { (titles) } }
                tbody { @for row in rows { (row) } }
            }
        }
    }
}

/// Renders the titles of columns.
pub(crate) fn titles(titles: impl IntoIterator<Item = impl Render>) -> Markup {
    html! {
        @for title in titles { th { (title) } }
    }
}

/// Renders the titles of columns whose rows have titles, too.
pub(crate) fn scoped_titles(titles: impl IntoIterator<Item = impl Render>) -> Markup {
    html! {
        @for title in titles { th scope="col" { (title) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_escaped_and_rows_stay_as_they_are() {
        let rows = [html! { tr { td { "1 < 2" } } }, html! { tr { td { "3" } } }];
        let html = table(Some("numbers"), &scoped_titles(["a & b"]), rows).into_string();
        let expected = "<div class=\"table\"><table class=\"numbers\"><thead><tr>\
            <th scope=\"col\">a &amp; b</th></tr></thead><tbody><tr><td>1 &lt; 2</td></tr><tr><td>3</td></tr></tbody></table></div>";
        assert_eq!(html, expected);
        let plain = table(None, &titles([String::from("a")]), []).into_string();
        assert!(plain.starts_with("<div class=\"table\"><table><thead><tr><th>a</th></tr>"), "{plain}");
    }
}
