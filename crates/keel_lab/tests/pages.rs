//! Every page of the lab in a browser: no script error, every chart drawn, nothing cut off, legible in light and dark.

mod cheap;

use keel_lab::{Language, catalog, write_site};
use keel_testkit::browser::{Browser, View};

/// Pages that derive something.
const DERIVATIONS: [&str; 5] = ["xavier", "kaiming_gain", "initialisation.", "batch_norm_inference", "why_preprocess"];

#[test]
fn every_page_is_drawn_and_legible_in_both_languages() {
    let Some(browser) = Browser::or_skip("every_page_is_drawn_and_legible_in_both_languages") else { return };
    let outcomes: Vec<_> = catalog().iter().map(|entry| entry.run(&cheap::cheap(entry), 0).unwrap()).collect();
    let folder = tempfile::tempdir().unwrap();
    write_site(&outcomes, folder.path(), Language::English).unwrap();
    let mut pages = vec![folder.path().join("index.html"), folder.path().join("index.zh.html")];
    for outcome in &outcomes {
        let name = outcome.experiment.name;
        pages.extend([folder.path().join(format!("{name}.html")), folder.path().join(format!("{name}.zh.html"))]);
    }
    let script = "const seen = {formulas: document.querySelectorAll('math').length,\
                  flat: [...document.querySelectorAll('math')].filter(m => m.getBoundingClientRect().height < 8).length,\
                  links: [...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))}; return seen";
    for state in browser.open(&pages, &[View::NARROW_LIGHT, View::WIDE_DARK], script) {
        assert_eq!(state.problems(), Vec::<String>::new(), "{state}");
        let is_index = state.page.file_name().is_some_and(|name| name.to_string_lossy().starts_with("index"));
        let (least, found) = if is_index { (outcomes.len(), state.charts.len()) } else { (1, state.charts.len()) };
        assert!(found >= least || state.page.to_string_lossy().contains("image_recipes"), "{state}: {found} charts");
        let derived = DERIVATIONS.iter().any(|name| state.page.to_string_lossy().contains(name));
        assert!(!derived || state.result["formulas"].as_u64() > Some(0), "{state} has no formula");
        assert_eq!(state.result["flat"], 0, "{state}: a formula is not rendered");
        for link in state.result["links"].as_array().unwrap() {
            let link = link.as_str().unwrap();
            assert!(folder.path().join(link).exists(), "{state} leads to {link}, which is missing");
        }
    }
}
