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
    /// Pages of experiments that can be linked to.
    pub(crate) pages: Vec<Linked>,
}

/// The page of an experiment.
#[derive(Clone, Debug)]
pub(crate) struct Linked {
    /// Name of the experiment.
    pub(crate) name: &'static str,
    /// Its file.
    pub(crate) file: String,
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
    /// Makes links of the cross-references of a text; plain titles or words where there is no such page.
    pub(crate) fn resolve(&self, html: &str, language: Language) -> String {
        let mut parts = html.split("[[");
        let mut resolved = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            match part.split_once("]]").and_then(|(inside, rest)| Some((self.reference(inside, language)?, rest))) {
                Some((reference, rest)) => resolved.extend([reference.as_str(), rest]),
                None => resolved.extend(["[[", part]),
            }
        }
        resolved
    }

    /// The link of `name` or `name|words`; none where no experiment has this name.
    fn reference(&self, inside: &str, language: Language) -> Option<String> {
        let (name, words) = inside.split_once('|').unwrap_or((inside, ""));
        let entry = crate::find(name).ok()?;
        let words = if words.is_empty() { escape(entry.title(language)) } else { words.to_owned() };
        let page = self.pages.iter().find(|page| page.name == name);
        Some(page.map_or_else(|| words.clone(), |page| format!("<a href=\"{}\">{words}</a>", page.file)))
    }

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
        let label = language.choose("This site", "本站");
        let (index, translation) = (index.unwrap_or_default(), translation.unwrap_or_default());
        format!("<nav aria-label=\"{label}\">{index}{translation}</nav>")
    }

    /// The links below a page: those before and after it.
    pub(crate) fn bottom(&self, language: Language) -> String {
        let link = |page: &Option<Neighbour>, arrow: [&str; 2]| {
            let link = |page: &Neighbour| {
                format!("<a href=\"{}\">{}{}{}</a>", page.file, arrow[0], escape(&page.title), arrow[1])
            };
            page.as_ref().map_or("<span></span>".to_owned(), link)
        };
        if self.previous.is_none() && self.next.is_none() {
            return String::new();
        }
        let label = language.choose("Previous and next page", "上一页与下一页");
        let (previous, next) = (link(&self.previous, ["← ", ""]), link(&self.next, ["", " →"]));
        format!("<nav aria-label=\"{label}\">{previous}{next}</nav>")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_references_are_links_where_there_is_a_page_and_titles_elsewhere() {
        let entry = crate::find("zigzag").unwrap();
        let links =
            Links { pages: vec![Linked { name: entry.name, file: "zigzag.zh.html".to_owned() }], ..Links::default() };
        let resolved =
            links.resolve("see [[zigzag]] and [[zigzag|this]], [[xavier|that]], [[nowhere]]", Language::Chinese);
        let expected = format!(
            "see <a href=\"zigzag.zh.html\">{}</a> and <a href=\"zigzag.zh.html\">this</a>, that, [[nowhere]]",
            entry.title(Language::Chinese)
        );
        assert_eq!(resolved, expected);
        assert_eq!(
            Links::default().resolve("a [[zigzag]]", Language::English),
            format!("a {}", entry.title(Language::English))
        );
    }
}
