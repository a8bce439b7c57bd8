//! Every page of the lab in a browser: no script errors, every chart drawn and described, nothing cut off, legible in
//! light and dark mode, no broken links; and in print.

mod cheap;

use keel_lab::{Language, catalog};
use keel_testkit::browser::{Browser, View};

/// Pages with a derivation.
const DERIVATIONS: [&str; 7] = [
    "xavier",
    "kaiming_gain",
    "initialisation.",
    "batch_norm_inference",
    "batch_norm_backward",
    "batch_norm_folding",
    "why_preprocess",
];

#[test]
fn every_page_is_drawn_and_legible_in_both_languages() {
    let Some(browser) = Browser::or_skip("every_page_is_drawn_and_legible_in_both_languages") else { return };
    let outcomes: Vec<_> = catalog().iter().map(|entry| entry.run(&cheap::cheap(entry), 0).unwrap()).collect();
    let folder = tempfile::tempdir().unwrap();
    cheap::write_site(&outcomes, folder.path(), Language::English);
    let mut pages: Vec<_> =
        ["index.html", "index.zh.html", "notes.html", "notes.zh.html"].map(|name| folder.path().join(name)).into();
    for outcome in &outcomes {
        let name = outcome.experiment.name;
        pages.extend([folder.path().join(format!("{name}.html")), folder.path().join(format!("{name}.zh.html"))]);
    }
    let script = "const quiet = [...document.querySelectorAll('img, svg')].filter(one => !one.closest('[inert]'))\
                  .filter(one => (one.getAttribute('alt') ?? one.getAttribute('aria-label') ?? '').length < 7);\
                  const areas = [...document.querySelectorAll('[tabindex]')].filter(one => !one.closest('[inert]'));\
                  const wide = [...document.querySelectorAll('.table')].map(one => one.getBoundingClientRect());\
                  const main = document.querySelector('main').getBoundingClientRect();\
                  const seen = {quiet: quiet.map(one => one.outerHTML.slice(0, 120)),\
                  nameless: areas.filter(one => !one.getAttribute('role')).map(one => one.className),\
                  outside: wide.filter(box => box.left < main.left || box.right > main.right + 1).length,\
                  loose: document.body.innerText.match(/\\[\\[|\\]\\]/g) ?? [],\
                  formulas: document.querySelectorAll('math').length,\
                  flat: [...document.querySelectorAll('math')].filter(m => m.getBoundingClientRect().height < 8).length,\
                  links: [...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))}; return seen";
    for state in browser.open(&pages, &[View::NARROW_LIGHT, View::WIDE_DARK], script) {
        assert_eq!(state.problems(), Vec::<String>::new(), "{state}");
        let begins = |word: &str| state.page.file_name().is_some_and(|name| name.to_string_lossy().starts_with(word));
        let (least, found) = match (begins("index"), begins("notes")) {
            (true, _) => (outcomes.len(), state.charts.len()),
            (_, true) => (0, state.charts.len()),
            _ => (1, state.charts.len()),
        };
        assert!(found >= least || state.page.to_string_lossy().contains("image_recipes"), "{state}: {found} charts");
        let derived = DERIVATIONS.iter().any(|name| state.page.to_string_lossy().contains(name));
        assert!(!derived || state.result["formulas"].as_u64() > Some(0), "{state} has no formula");
        assert_eq!(state.result["flat"], 0, "{state}: a formula is not rendered");
        for (fault, what) in [
            ("quiet", "pictures without words"),
            ("nameless", "places of the keyboard without a role"),
            ("loose", "cross-references that are not links"),
        ] {
            assert_eq!(state.result[fault], serde_json::json!([]), "{state}: {what}");
        }
        assert_eq!(state.result["outside"], 0, "{state}: a table is wider than the text");
        for link in state.result["links"].as_array().unwrap() {
            let (file, place) = link.as_str().unwrap().split_once('#').unwrap_or((link.as_str().unwrap(), ""));
            let path = if file.is_empty() { state.page.clone() } else { folder.path().join(file) };
            assert!(path.exists(), "{state} leads to {link}, which is missing");
            let named = |html: String| place.is_empty() || html.contains(&format!("id=\"{place}\""));
            assert!(
                std::fs::read_to_string(&path).is_ok_and(named),
                "{state} leads to {link}, which does not exist there"
            );
        }
    }
}

/// Pages with many figures.
const LONG: [&str; 3] = ["activations", "dead_relu", "batch_norm_inference"];
/// Maximum number of printed sheets per page.
const SHEETS: usize = 4;

#[test]
fn long_pages_are_printed_on_few_sheets() {
    let Some(browser) = Browser::or_skip("long_pages_are_printed_on_few_sheets") else { return };
    let folder = tempfile::tempdir().unwrap();
    for name in LONG {
        let entry = keel_lab::find(name).unwrap();
        let outcome = entry.run(&cheap::cheap(entry), 0).unwrap();
        for language in Language::ALL {
            let page = folder.path().join(format!("{name}.{language}.html"));
            std::fs::write(&page, outcome.html(language)).unwrap();
            let sheets = browser.sheets(&page);
            assert!((1..=SHEETS).contains(&sheets), "{name} in {language}: {sheets} sheets");
        }
    }
}
