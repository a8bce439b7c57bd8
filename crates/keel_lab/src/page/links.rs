//! Links from a page to its neighbours.

use crate::charts::escape;
use crate::language::Language;

/// Links of a page; a page on its own has none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    /// The index.
    pub(crate) index: Option<String>,
    /// The page before.
    pub(crate) previous: Option<Neighbour>,
    /// The page after.
    pub(crate) next: Option<Neighbour>,
    /// The same page in the other language.
    pub(crate) translation: Option<String>,
}

/// The page before or after another.
#[derive(Clone, Debug)]
pub(crate) struct Neighbour {
    /// Its file.
    pub(crate) file: String,
    /// Its title.
    pub(crate) title: String,
}

impl Links {
    /// The links above a page: the index and the other language.
    pub(crate) fn top(&self, language: Language) -> String {
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

    /// The links below a page: those before and after it.
    pub(crate) fn bottom(&self) -> String {
        let link = |page: &Option<Neighbour>, arrow: [&str; 2]| {
            let link = |page: &Neighbour| {
                format!("<a href=\"{}\">{}{}{}</a>", page.file, arrow[0], escape(&page.title), arrow[1])
            };
            page.as_ref().map_or("<span></span>".to_owned(), link)
        };
        if self.previous.is_none() && self.next.is_none() {
            return String::new();
        }
        format!("<nav>{}{}</nav>", link(&self.previous, ["← ", ""]), link(&self.next, ["", " →"]))
    }
}

/// The link to the same page in the other language, in that language's own words.
pub(crate) fn translation_link(file: &str, language: Language) -> String {
    let (code, words) = match language {
        Language::English => ("zh", "中文"),
        Language::Chinese => ("en", "English"),
    };
    format!("<a href=\"{file}\" lang=\"{code}\" hreflang=\"{code}\">{words}</a>")
}
