//! One document as an HTML page that works without scripts.

use std::collections::BTreeMap;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use pulldown_cmark::html::push_html;
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A document of the repository.
pub(super) struct Document {
    /// Path relative to the root of the repository.
    pub(super) source: String,
    /// Path in the site.
    pub(super) address: String,
    text: String,
    headings: Vec<Heading>,
}

struct Heading {
    level: HeadingLevel,
    text: String,
    anchor: String,
}

/// A section of the table of contents.
pub(super) struct Contents<'a> {
    pub(super) title: &'a str,
    pub(super) pages: Vec<&'a Document>,
}

/// The pages before and after a page, and the lab.
pub(super) struct Neighbours<'a> {
    /// Address of the lab relative to the start of the documents.
    pub(super) lab: Option<&'a str>,
    pub(super) before: Option<&'a Document>,
    pub(super) after: Option<&'a Document>,
}

/// Destination of a link.
pub(super) enum Link {
    /// Another site.
    Outside,
    /// A page of this site, relative to its root, with its anchor.
    Page(String),
    /// A file of this site, relative to its root.
    Asset(String),
    /// A file of the repository outside the site.
    Elsewhere,
}

impl Document {
    /// Creates the document with `text`, whose page is at `address`.
    pub(super) fn new(source: &str, address: String, text: String) -> Self {
        let headings = headings(&text);
        Document { source: source.to_owned(), address, text, headings }
    }

    /// Returns true if a heading can be reached by `#anchor`.
    pub(super) fn has_anchor(&self, anchor: &str) -> bool {
        self.headings.iter().any(|heading| heading.anchor == anchor)
    }

    /// Returns the first heading.
    fn title(&self) -> &str {
        self.headings.first().map_or(&self.source, |heading| &heading.text)
    }

    fn language(&self) -> &'static str {
        if self.source.ends_with(".zh-CN.md") || self.source.contains("/zh-CN/") { "zh-CN" } else { "en" }
    }

    /// Returns the path from this page to the root of the site: empty, or `../` for each folder.
    fn up(&self) -> String {
        "../".repeat(self.address.matches('/').count())
    }
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH
}

/// Returns all headings with their anchors, formed as on common forges; repeated ones are numbered.
fn headings(text: &str) -> Vec<Heading> {
    let mut headings: Vec<Heading> = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut current: Option<(HeadingLevel, String)> = None;
    for event in Parser::new_ext(text, options()) {
        match (event, &mut current) {
            (Event::Start(Tag::Heading { level, .. }), _) => current = Some((level, String::new())),
            (Event::Text(part) | Event::Code(part), Some((_, heading))) => heading.push_str(&part),
            (Event::End(TagEnd::Heading(_)), Some(_)) => {
                let (level, text) = current.take().unwrap_or((HeadingLevel::H1, String::new()));
                let slug = slug(&text);
                let count = seen.entry(slug.clone()).or_default();
                let anchor = if *count == 0 { slug } else { format!("{slug}-{count}") };
                *count += 1;
                headings.push(Heading { level, text, anchor });
            }
            _ => {}
        }
    }
    headings
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.flat_map(char::to_lowercase).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

/// Renders the whole page. `follow` resolves each link.
pub(super) fn render(
    document: &Document,
    contents: &[Contents<'_>],
    neighbours: &Neighbours<'_>,
    follow: &mut dyn FnMut(&str) -> Link,
) -> String {
    let up = document.up();
    let page = html! {
        (DOCTYPE) "\n"
        html lang=(document.language()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (document.title()) " · Evenkeel" }
                link rel="stylesheet" href={ (up) "style.css" };
            }
            body {
                header {
                    a class="name" href={ (up) "index.html" } { "Evenkeel" }
                    @if let Some(lab) = neighbours.lab { a href={ (up) (lab) } { "The lab" } }
                    a href="#contents" { "Contents" }
                }
                div class="columns" {
                    main { (body(document, follow)) (ends(document, neighbours)) }
                    (own_sections(document))
                    nav id="contents" aria-label="Pages" { (list(document, contents)) }
                }
            }
        }
        "\n"
    };
    page.into_string()
}

fn body(document: &Document, follow: &mut dyn FnMut(&str) -> Link) -> Markup {
    let up = document.up();
    let mut anchors = document.headings.iter();
    // A link that leaves the site is rendered as plain text.
    let mut plain = false;
    let events = joined(Parser::new_ext(&document.text, options()).collect()).into_iter().map(|event| match event {
        Event::Start(Tag::Heading { level, classes, attrs, .. }) => {
            let id = anchors.next().map(|heading| CowStr::from(heading.anchor.clone()));
            Event::Start(Tag::Heading { level, id, classes, attrs })
        }
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let dest_url = match follow(&dest_url) {
                Link::Outside => dest_url,
                Link::Page(path) | Link::Asset(path) => format!("{up}{path}").into(),
                Link::Elsewhere => {
                    plain = true;
                    // The start of an element alone, which the end of the link closes.
                    let start = html! { span class="file" title=(&*dest_url); };
                    return Event::InlineHtml(start.into_string().into());
                }
            };
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        Event::End(TagEnd::Link) if plain => {
            plain = false;
            Event::InlineHtml("</span>".into())
        }
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            let dest_url = match follow(&dest_url) {
                Link::Page(path) | Link::Asset(path) => format!("{up}{path}").into(),
                Link::Outside | Link::Elsewhere => dest_url,
            };
            Event::Start(Tag::Image { link_type, dest_url, title, id })
        }
        other => other,
    });
    let mut page = String::new();
    push_html(&mut page, events);
    // Wide tables get their own scroll box.
    PreEscaped(page.replace("<table>", "<div class=\"table\"><table>").replace("</table>", "</table></div>"))
}

/// Removes line breaks between two Chinese characters, which a browser would show as spaces.
fn joined(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let letter = |event: Option<&Event<'_>>, first: bool| match event {
        Some(Event::Text(text)) if first => text.chars().next(),
        Some(Event::Text(text)) => text.chars().next_back(),
        _ => None,
    };
    // CJK symbols, ideographs and full-width forms.
    let is_chinese = |letter: Option<char>| {
        letter.is_some_and(|letter| matches!(letter, '\u{3000}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}'))
    };
    let needless = |index: usize| {
        let before = index.checked_sub(1).and_then(|index| events.get(index));
        is_chinese(letter(before, false)) && is_chinese(letter(events.get(index + 1), true))
    };
    let kept: Vec<bool> =
        (0..events.len()).map(|index| events[index] != Event::SoftBreak || !needless(index)).collect();
    events.into_iter().zip(kept).filter_map(|(event, kept)| kept.then_some(event)).collect()
}

/// Renders the list of all pages, with the current one marked.
fn list(document: &Document, contents: &[Contents<'_>]) -> Markup {
    let up = document.up();
    let current = |page: &Document| (page.address == document.address).then_some("page");
    html! {
        @for section in contents {
            h2 { (section.title) }
            ul {
                @for page in &section.pages {
                    li { a href={ (up) (page.address) } aria-current=[current(page)] { (page.title()) } }
                }
            }
        }
    }
}

/// Renders the sections of the page, or nothing for a short one.
fn own_sections(document: &Document) -> Markup {
    let sections = document.headings.iter().filter(|heading| heading.level == HeadingLevel::H2);
    let sections: Vec<&Heading> = sections.collect();
    html! {
        @if sections.len() >= 2 {
            aside aria-label="On this page" {
                ul { @for Heading { text, anchor, .. } in sections { li { a href={ "#" (anchor) } { (text) } } } }
            }
        }
    }
}

/// Renders links to the previous and the next page.
fn ends(document: &Document, neighbours: &Neighbours<'_>) -> Markup {
    let up = document.up();
    html! {
        footer {
            @if let Some(page) = neighbours.before {
                a rel="prev" href={ (up) (page.address) } { "← " (page.title()) }
            }
            @if let Some(page) = neighbours.after {
                a rel="next" href={ (up) (page.address) } { (page.title()) " →" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_those_of_forges() {
        let text = "# A `b` c\n\n## K010 dead-relu\n\n## Same\n\n### Same\n\n## 你的数据\n\n## What, why?\n";
        let document = Document::new("docs/a.md", "a.html".to_owned(), text.to_owned());
        let anchors: Vec<&str> = document.headings.iter().map(|heading| heading.anchor.as_str()).collect();
        assert_eq!(anchors, ["a-b-c", "k010-dead-relu", "same", "same-1", "你的数据", "what-why"]);
        assert_eq!(document.title(), "A b c");
    }

    #[test]
    fn chinese_lines_are_joined_without_spaces() {
        let text = "# 标题\n\n第一行，\n第二行 word\n第三行。\n";
        let document = Document::new("docs/a.zh-CN.md", "a.html".to_owned(), text.to_owned());
        let page = render(&document, &[], &Neighbours { lab: None, before: None, after: None }, &mut |_| Link::Outside);
        assert!(page.contains("第一行，第二行 word\n第三行。"), "{page}");
    }

    #[test]
    fn links_lead_to_pages_and_files_of_the_repository_become_text() {
        let text = "# T\n\n[p](p.md) [s](../crates/x.rs) ![i](i.png) <b> & [o](https://example.org)\n\n|a|\n|-|\n|b|\n";
        let document = Document::new("docs/f/a.md", "f/a.html".to_owned(), text.to_owned());
        let mut follow = |target: &str| match target {
            "p.md" => Link::Page("p.html#x".to_owned()),
            "i.png" => Link::Asset("i.png".to_owned()),
            "../crates/x.rs" => Link::Elsewhere,
            _ => Link::Outside,
        };
        let page = render(&document, &[], &Neighbours { lab: None, before: None, after: None }, &mut follow);
        for part in [
            "<a href=\"../p.html#x\">p</a>",
            "<span class=\"file\" title=\"../crates/x.rs\">s</span>",
            "<img src=\"../i.png\" alt=\"i\"",
            "<a href=\"https://example.org\">o</a>",
            "<div class=\"table\"><table>",
            "href=\"../style.css\"",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
    }
}
