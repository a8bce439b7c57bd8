//! The browser harness finds the problems of a page, and none on a correct page.

use std::path::PathBuf;

use keel_testkit::browser::{Browser, ColourScheme, View};

/// Writes pages with these bodies to a temporary folder.
fn pages(bodies: &[&str]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let write = |(index, body): (usize, &&str)| {
        let path = folder.path().join(format!("page-{index}.html"));
        let head =
            "<meta name=\"viewport\" content=\"width=device-width\"><style>:root{color-scheme:light dark}</style>";
        std::fs::write(&path, format!("<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>")).unwrap();
        path
    };
    let paths = bodies.iter().enumerate().map(write).collect();
    (folder, paths)
}

#[test]
fn a_page_without_faults_has_no_problems_in_any_view() {
    let Some(browser) = Browser::or_skip("a_page_without_faults_has_no_problems_in_any_view") else { return };
    let (_folder, paths) = pages(&["<p>Text</p><svg><path d=\"M0 0L1 1\"/></svg>"]);
    let script = "return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, 'a \"b\" <c> & d']";
    let seen = browser.open(&paths, &View::ALL, script);
    for (state, view) in seen.iter().zip(View::ALL) {
        assert_eq!((&state.page, state.view), (&paths[0], view));
        let dark = view.scheme == ColourScheme::Dark;
        assert_eq!(state.result, serde_json::json!([view.width, dark, "a \"b\" <c> & d"]));
        assert_eq!(state.problems(), Vec::<String>::new(), "{state}");
        assert_eq!(state.charts.len(), 1);
    }
    let picture = paths[0].with_extension("png");
    browser.screenshot(&paths[0], View::NARROW_LIGHT, &picture);
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn every_fault_is_named() {
    let Some(browser) = Browser::or_skip("every_fault_is_named") else { return };
    let cases = [
        ("<script>missing()</script>", "script error: Uncaught ReferenceError: missing is not defined"),
        ("<script>console.error('loss is', 3)</script>", "script error: loss is 3"),
        ("<img src=\"other.png\" alt=\"\">", "request to file:"),
        ("<div style=\"width:3000px\">wide</div>", "content is 3"),
        ("<p style=\"color:#eee;background:#fff\">pale</p>", "faint text: <p class=\"\"> pale"),
        ("<svg aria-label=\"loss\"></svg>", "chart \"loss\" is empty"),
        ("<svg aria-label=\"loss\"><text x=\"NaN\"/></svg>", "chart \"loss\": text x=\"NaN\""),
    ];
    let (_folder, paths) = pages(&cases.map(|(body, _)| body));
    for (state, (body, expected)) in browser.open(&paths, &[View::NARROW_DARK], "").iter().zip(cases) {
        let problems = state.problems();
        assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{body}: {problems:?}");
    }
}
