//! Links from a page to related pages.

use maud::{Markup, PreEscaped, html};

use crate::language::Language;

/// Links of a page; a standalone page has none.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// Address of the documentation.
    pub documentation: Option<String>,
    /// Link to the index.
    pub index: Option<String>,
    /// Previous page.
    pub previous: Option<Neighbour>,
    /// Next page.
    pub next: Option<Neighbour>,
    /// The same page in the other language.
    pub translation: Option<String>,
    /// Pages that texts refer to by name.
    pub pages: Vec<Linked>,
}

/// A page that texts refer to.
#[derive(Clone, Debug)]
pub struct Linked {
    /// Name in cross-references.
    pub name: &'static str,
    /// Title in English and Chinese.
    pub title: [&'static str; 2],
    /// File, if the page has been written.
    pub file: Option<String>,
}

/// The page before or after another.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// File.
    pub file: String,
    /// Title.
    pub title: String,
}

impl Links {
    /// Replaces the cross-references of a text with links, or with plain titles or words if there is no such page.
    pub fn resolve(&self, html: &str, language: Language) -> String {
        let mut parts = html.split("[[");
        let mut resolved = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            match part.split_once("]]").and_then(|(inside, rest)| Some((self.reference(inside, language)?, rest))) {
                Some((reference, rest)) => resolved.extend([reference.0.as_str(), rest]),
                None => resolved.extend(["[[", part]),
            }
        }
        resolved
    }

    /// Returns the link for `name` or `name|words`, if a page has this name.
    fn reference(&self, inside: &str, language: Language) -> Option<Markup> {
        let (name, words) = inside.split_once('|').unwrap_or((inside, ""));
        let page = self.pages.iter().find(|page| page.name == name)?;
        let words = match words {
            "" => html! { (page.title[language as usize]) },
            words => PreEscaped(words.to_owned()),
        };
        Some(match &page.file {
            Some(file) => html! { a href=(file) { (words) } },
            None => words,
        })
    }

    /// Renders the links above a page: the documentation, the index and the other language.
    pub fn top(&self, language: Language) -> Markup {
        html! {
            @if self.documentation.is_some() || self.index.is_some() || self.translation.is_some() {
                nav aria-label=(language.choose("This site", "本站")) {
                    @if let Some(address) = &self.documentation {
                        a href=(address) { (language.choose("Documentation", "文档")) }
                    }
                    @if let Some(file) = &self.index { a href=(file) { (language.choose("The lab", "实验室")) } }
                    @if let Some(file) = &self.translation { (translation_link(file, language)) }
                }
            }
        }
    }

    /// Renders the links below a page: the previous and the next page.
    pub fn bottom(&self, language: Language) -> Markup {
        html! {
            @if self.previous.is_some() || self.next.is_some() {
                nav aria-label=(language.choose("Previous and next page", "上一页与下一页")) {
                    (Neighbour::link(&self.previous, ["← ", ""]))
                    (Neighbour::link(&self.next, ["", " →"]))
                }
            }
        }
    }
}

impl Neighbour {
    /// Renders the link between `arrows`, or an empty element, so that the other link keeps its side.
    fn link(neighbour: &Option<Self>, [before, after]: [&str; 2]) -> Markup {
        match neighbour {
            Some(Neighbour { file, title }) => html! { a href=(file) { (before) (title) (after) } },
            None => html! { span {} },
        }
    }
}

/// Renders the link to the same page in the other language, labelled in that language.
fn translation_link(file: &str, language: Language) -> Markup {
    let (code, words) = match language {
        Language::English => ("zh", "中文"),
        Language::Chinese => ("en", "English"),
    };
    html! { a href=(file) lang=(code) hreflang=(code) { (words) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_references_are_links_where_there_is_a_page_and_titles_elsewhere() {
        let page = |name, file: Option<&str>| Linked { name, title: ["A & B", "甲"], file: file.map(str::to_owned) };
        let links = Links { pages: vec![page("written", Some("w.html")), page("missing", None)], ..Links::default() };
        let text = "see [[written]] and [[written|this]], [[missing|that]], [[missing]], [[nowhere]]";
        assert_eq!(
            links.resolve(text, Language::English),
            "see <a href=\"w.html\">A &amp; B</a> and <a href=\"w.html\">this</a>, that, A &amp; B, [[nowhere]]"
        );
        assert!(links.resolve(text, Language::Chinese).contains("that, 甲, "));
    }
}
