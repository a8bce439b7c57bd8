//! Text from outside within sentences of HTML.

use maud::html;

/// Escapes `text` for a sentence that is itself HTML, such as a [`Text`](crate::Text) with `<code>`; templates of
/// `html!` escape by themselves.
pub fn escaped(text: &str) -> String {
    html! { (text) }.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_html_are_escaped() {
        assert_eq!(escaped("a<b & \"c\""), "a&lt;b &amp; &quot;c&quot;");
    }
}
