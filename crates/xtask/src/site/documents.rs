//! Documents of the repository as pages of a site: order, addresses, and link checks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::page::{Contents, Document, Link, Neighbours, render};
use crate::tidy::path_from_root;

/// Groups of pages with their sources, in reading order. The first page is the start of the site.
const SECTIONS: [(&str, &[&str]); 6] = [
    ("Start", &["README.md", "docs/comparison.md"]),
    (
        "Tutorials",
        &[
            "docs/tutorials/your_data.md",
            "docs/tutorials/developers.md",
            "docs/tutorials/repair.md",
            "docs/tutorials/teaching.md",
        ],
    ),
    (
        "How to",
        &[
            "docs/howto/command_line.md",
            "docs/howto/data.md",
            "docs/howto/configuration.md",
            "docs/howto/python.md",
            "docs/howto/health.md",
            "docs/watch.md",
            "docs/interchange.md",
            "docs/scale_out.md",
            "docs/studio.md",
            "docs/lab.md",
        ],
    ),
    (
        "Reference",
        &[
            "docs/commands.md",
            "docs/config_keys.md",
            "docs/rules.md",
            "docs/files.md",
            "docs/measurements.md",
            "docs/reliability.md",
        ],
    ),
    (
        "Project",
        &[
            "ARCHITECTURE.md",
            "CONTRIBUTING.md",
            "docs/build.md",
            "bench/README.md",
            "bench/health/README.md",
            "python/README.md",
            "CHANGELOG.md",
        ],
    ),
    (
        "中文",
        &[
            "docs/README.zh-CN.md",
            "docs/guide.zh-CN.md",
            "docs/tutorials/zh-CN/your_data.md",
            "docs/tutorials/zh-CN/developers.md",
            "docs/tutorials/zh-CN/repair.md",
            "docs/tutorials/zh-CN/teaching.md",
        ],
    ),
];

/// A file of the site.
pub(super) struct SiteFile {
    /// Path in the site folder.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

/// Renders all pages from the sources below `root`, with a link to the address `lab` if there is one.
///
/// # Errors
/// Fails with every broken link, every missing source, and every document in `docs/` that is in no section.
pub(super) fn pages(root: &Path, lab: Option<&str>) -> Result<Vec<SiteFile>, Vec<String>> {
    let sources: Vec<&str> = SECTIONS.iter().flat_map(|(_, sources)| sources.iter().copied()).collect();
    let mut problems: Vec<String> = unlisted(root, &sources);
    let mut documents: Vec<Document> = Vec::new();
    for &source in &sources {
        match fs::read_to_string(root.join(source)) {
            Ok(text) => documents.push(Document::new(source, address(source), text)),
            Err(error) => problems.push(format!("{source}: {error}")),
        }
    }
    let by_source: BTreeMap<&str, &Document> =
        documents.iter().map(|document| (document.source.as_str(), document)).collect();
    let contents: Vec<Contents> = SECTIONS
        .iter()
        .map(|(title, sources)| Contents {
            title,
            pages: sources.iter().filter_map(|source| by_source.get(source).copied()).collect(),
        })
        .collect();
    let mut assets = BTreeSet::new();
    let mut files = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| documents.get(index));
        let neighbours = Neighbours { lab, before, after: documents.get(index + 1) };
        let mut follow = |target: &str| match follow(root, document, target, &by_source) {
            Ok(Link::Asset(path)) => {
                assets.insert(path.clone());
                Link::Asset(address(&path))
            }
            Ok(link) => link,
            Err(problem) => {
                problems.push(format!("{}: `{target}` {problem}", document.source));
                Link::Elsewhere
            }
        };
        let text = render(document, &contents, &neighbours, &mut follow);
        files.push(SiteFile { path: document.address.clone(), bytes: text.into_bytes() });
    }
    files.push(SiteFile { path: "style.css".to_owned(), bytes: include_bytes!("style.css").to_vec() });
    for asset in assets {
        match fs::read(root.join(&asset)) {
            Ok(bytes) => files.push(SiteFile { path: address(&asset), bytes }),
            Err(error) => problems.push(format!("{asset}: {error}")),
        }
    }
    if problems.is_empty() { Ok(files) } else { Err(problems) }
}

/// Returns the path of the page or file made from `source`.
fn address(source: &str) -> String {
    if source == SECTIONS[0].1[0] {
        return "index.html".to_owned();
    }
    let path = source.strip_prefix("docs/").unwrap_or(source);
    match path.strip_suffix(".md") {
        Some(name) => format!("{}.html", name.strip_suffix("/README").unwrap_or(name).to_lowercase()),
        None => path.to_owned(),
    }
}

/// Resolves a link of `document`.
fn follow(
    root: &Path,
    document: &Document,
    target: &str,
    pages: &BTreeMap<&str, &Document>,
) -> Result<Link, &'static str> {
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(Link::Outside);
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { document.source.clone() } else { path_from_root(&document.source, file) };
    match (pages.get(path.as_str()), anchor) {
        (Some(page), Some(anchor)) if !page.has_anchor(anchor) => Err("names no heading of that page"),
        (Some(page), anchor) => {
            let anchor = anchor.map(|anchor| format!("#{anchor}")).unwrap_or_default();
            Ok(Link::Page(format!("{}{anchor}", page.address)))
        }
        (None, _) if !root.join(&path).exists() => Err("does not exist"),
        (None, _) if path.starts_with("docs/") && root.join(&path).is_file() => Ok(Link::Asset(path)),
        (None, _) => Ok(Link::Elsewhere),
    }
}

/// Returns documents in `docs/` that no section contains.
fn unlisted(root: &Path, sources: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["docs", "docs/tutorials", "docs/tutorials/zh-CN", "docs/howto"] {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if path.ends_with(".md") && !sources.contains(&path.as_str()) {
                found.push(format!("{path} is in no section of crates/xtask/src/site/documents.rs"));
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_becomes_a_page_whose_links_lead_somewhere() {
        let files =
            pages(&crate::root(), Some("../index.html")).unwrap_or_else(|problems| panic!("{}", problems.join("\n")));
        let text = |path: &str| {
            let file = files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}"));
            String::from_utf8(file.bytes.clone()).unwrap()
        };
        let start = text("index.html");
        assert!(start.contains("<img src=\"pictures/report.png\"") && start.contains("href=\"rules.html\""), "{start}");
        assert!(text("howto/data.html").contains("<a href=\"../../index.html\">The lab</a>"));
        assert!(text("rules.html").contains("<h2 id=\"k010-dead-relu\">"));
        assert!(text("howto/command_line.html").contains("href=\"../config_keys.html\""));
        for (page, language) in
            [("readme.zh-cn.html", "zh-CN"), ("tutorials/zh-cn/repair.html", "zh-CN"), ("tutorials/repair.html", "en")]
        {
            assert!(text(page).contains(&format!("<html lang=\"{language}\">")), "{page}");
        }
        assert!(text("tutorials/zh-cn/your_data.html").contains("href=\"../../tutorials/customers.csv\""));
        assert!(text("tutorials/repair.html").contains("href=\"../tutorials/zh-cn/repair.html\""));
        for file in files.iter().filter(|file| file.path.ends_with(".html")) {
            let page = String::from_utf8(file.bytes.clone()).unwrap();
            let mut links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
            assert!(!page.contains("<script") && !links.any(|link| link.ends_with(".md")), "{}", file.path);
        }
    }

    #[test]
    fn addresses_follow_from_sources() {
        let cases = [
            ("README.md", "index.html"),
            ("docs/rules.md", "rules.html"),
            ("docs/howto/data.md", "howto/data.html"),
            ("bench/health/README.md", "bench/health.html"),
            ("docs/README.zh-CN.md", "readme.zh-cn.html"),
            ("docs/tutorials/zh-CN/repair.md", "tutorials/zh-cn/repair.html"),
            ("docs/pictures/report.png", "pictures/report.png"),
        ];
        for (source, expected) in cases {
            assert_eq!(address(source), expected);
        }
    }
}
