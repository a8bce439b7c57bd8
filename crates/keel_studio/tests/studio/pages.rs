//! The pages and their parts.

use std::collections::BTreeSet;
use std::path::Path;

use keel_testkit::browser::{Browser, View};

use crate::client::Server;

/// Returns the scripts and style sheets of the crate.
fn assets() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn every_page_and_everything_it_loads_is_served_and_nothing_comes_from_elsewhere() {
    let place = tempfile::tempdir().unwrap();
    let server = Server::of(place.path());
    for page in ["/", "/runs/any", "/compare", "/new", "/actions", "/lab", "/lab/zigzag"] {
        let answer = server.get(page);
        assert!(answer.status == 200 && answer.body.starts_with("<!DOCTYPE html>"), "{page}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    }
    for (name, text) in assets() {
        assert!(!text.replace("http://www.w3.org/", "").contains("http"), "{name} refers to the outside");
        let imported = text.split("from './").skip(1).map(|rest| rest.split('\'').next().unwrap());
        let linked = text.split("\"/assets/").skip(1).map(|rest| rest.split('"').next().unwrap());
        for file in imported.chain(linked) {
            let answer = server.get(&format!("/assets/{file}"));
            assert_eq!(answer.status, 200, "{name} loads {file}");
            let kind =
                if file.ends_with(".css") { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
            assert_eq!(answer.header("content-type"), Some(kind), "{file}");
        }
    }
    assert_eq!(server.get("/assets/absent.js").status, 404);
}

#[test]
fn every_word_of_the_pages_is_there_in_both_languages_and_used() {
    let files = assets();
    let words = &files.iter().find(|(name, _)| name == "words.js").unwrap().1;
    let mut known = BTreeSet::new();
    for line in words.lines().filter_map(|line| line.strip_prefix("  '")) {
        let (key, rest) = line.split_once("': [").unwrap();
        assert!(known.insert(key.to_owned()), "{key} twice");
        // A note needed in one language only.
        if key == "form.english" {
            continue;
        }
        let places = |text: &str| (0..10).filter(|place| text.contains(&format!("{{{place}}}"))).count();
        let separator = if rest.contains("', '") { "', '" } else { "\", '" };
        let (english, chinese) = rest.split_once(separator).unwrap_or_else(|| panic!("{key}: two texts"));
        assert!(english.len() > 1 && chinese.len() > 3, "{key}");
        assert_eq!(places(english), places(chinese), "{key}");
    }
    let scripts: String = files.iter().filter(|(name, _)| name != "words.js").map(|(_, text)| text.as_str()).collect();
    let asked: BTreeSet<String> =
        scripts.split("t('").skip(1).map(|rest| rest.split('\'').next().unwrap().to_owned()).collect();
    let missing: Vec<&String> =
        asked.iter().filter(|key| key.contains('.') && !key.starts_with("./") && !known.contains(*key)).collect();
    assert_eq!(missing, Vec::<&String>::new());
    // Keys composed from a name.
    let families = [
        "state.",
        "about.",
        "metric.",
        "part.",
        "sort.",
        "column.",
        "level.",
        "measure.",
        "job.",
        "action.",
        "section.",
        "findings.",
        "predict.",
    ];
    let unused: Vec<&String> = known
        .iter()
        .filter(|key| !scripts.contains(&format!("'{key}'")) && !families.iter().any(|family| key.starts_with(family)))
        .collect();
    assert_eq!(unused, Vec::<&String>::new());
}

#[test]
fn the_form_has_the_schema_and_the_lab_its_experiments_in_both_languages() {
    let place = tempfile::tempdir().unwrap();
    let server = Server::of(place.path());
    let form = server.json("/api/form");
    assert_eq!(
        form["schema"]["properties"]["train"]["properties"]["epochs"]["description"],
        "Number of passes over the training split."
    );
    for (language, chapter) in [("en", "Activation functions"), ("zh", "激活函数")] {
        let lab = server.json(&format!("/api/lab?lang={language}"));
        assert_eq!(lab[0]["title"], chapter);
    }
    let page = server.get("/experiment/zigzag?lang=zh&set=steps%3D5");
    assert!(page.status == 200 && page.body.contains("</html>"), "{}", &page.body[..page.body.len().min(300)]);
    for (query, expected) in [("set=widht%3D5", "widht"), ("seed=x", "is not a seed")] {
        let refused = server.get(&format!("/experiment/zigzag?{query}"));
        assert!(refused.status == 400 && refused.body.contains(expected), "{refused:?}");
    }
    assert_eq!(server.get("/experiment/absent").status, 400);
}

/// Script that moves every control of an exhibit and records each request with its numbers.
const MOVE: &str = include_str!("../../../keel_lab/tests/cheap/move_exhibit.js");

#[test]
fn exhibits_move_by_the_engine_of_the_studio() {
    let place = tempfile::tempdir().unwrap();
    let server = Server::of(place.path());
    assert_eq!(server.get("/exhibits/absent").status, 404);
    let page = server.get("/exhibits/gate?lang=zh");
    assert!(page.status == 200 && page.body.contains("<html lang=\"zh\">") && page.body.contains("?lang=en"));
    let Some(browser) = Browser::or_skip("exhibits_move_by_the_engine_of_the_studio") else { return };
    for state in browser.visit(&[format!("http://{}/exhibits/gate?lang=en", server.address)], &[View::WIDE_DARK], MOVE)
    {
        assert_eq!(state.problems(), Vec::<String>::new(), "{state}");
        let seen = state.result.as_array().unwrap_or_else(|| panic!("{state}: {}", state.result));
        let drag = seen.iter().find(|one| one["kind"] == "drag").expect("the point was dragged");
        assert!(drag["address"].as_str().unwrap().starts_with("#x="), "{drag}");
        assert!(seen.iter().all(|one| one["failed"] == ""), "{seen:?}");
    }
}
