//! Exhibits: their answers, their rendered pages, and the browser engine compared with the native one.

mod cheap;

use std::path::{Path, PathBuf};

use keel_lab::{Desk, ExhibitEntry, Language, Request, SiteOptions, catalog, exhibits, find_exhibit, site_files};
use keel_testkit::browser::{Browser, PageState, View};
use keel_testkit::skipping::skipped;
use serde_json::{Value, json};

fn request(exhibit: &ExhibitEntry) -> Request {
    Request { exhibit: exhibit.name.to_owned(), language: "en".to_owned(), ..Request::default() }
}

#[test]
fn every_exhibit_answers_repeats_itself_and_explains_itself_in_both_languages() {
    let mut desk = Desk::default();
    for entry in exhibits() {
        let experiments = catalog().iter().map(|experiment| experiment.name);
        assert!(experiments.clone().any(|name| name == entry.experiment), "{} is explained nowhere", entry.name);
        assert!(experiments.clone().all(|name| name != entry.name), "{} is an experiment as well", entry.name);
        for language in Language::ALL {
            let request = Request { language: language.code().to_owned(), seed: 3, ..request(entry) };
            let answer = desk.answer(&request).unwrap();
            let fresh = Desk::default().answer(&request).unwrap();
            assert_eq!((&answer.numbers, &answer.html), (&fresh.numbers, &fresh.html), "{}", entry.name);
            let whole = format!("{} {}", answer.status, answer.html);
            assert!(answer.html.contains("<figure") && !answer.draft, "{}", entry.name);
            assert!(!whole.contains("NaN") && !whole.contains("[[") && !whole.contains(">inf"), "{}", entry.name);
            let chinese = whole.chars().filter(|one| ('\u{4e00}'..'\u{9fff}').contains(one)).count();
            assert_eq!(chinese > 30, language == Language::Chinese, "{} in {language}: {chinese}", entry.name);
        }
        for knob in entry.knobs() {
            assert!(
                !knob.documentation.is_empty() && !knob.text(Language::Chinese).is_empty(),
                "{} {}",
                entry.name,
                knob.name
            );
        }
    }
}

#[test]
fn questions_that_cannot_be_answered_are_refused_in_words() {
    let mut desk = Desk::default();
    let mut refused = |text: &str| {
        let answer: Value = serde_json::from_str(&desk.answer_json(text)).unwrap();
        answer["error"].as_str().unwrap_or_default().to_owned()
    };
    for (text, expected) in [
        ("{", "not understood"),
        (r#"{"exhibit":"gat"}"#, "did you mean \"gate\"?"),
        (r#"{"exhibit":"gate","settings":[["z",1]]}"#, "has no knob \"z\""),
        (r#"{"exhibit":"gate","settings":[["x",1e9]]}"#, "from -10 to 10"),
        (r#"{"exhibit":"gate","settings":[["x","far"]]}"#, "x of gate cannot be far"),
        (r#"{"exhibit":"gate","more":1}"#, "not understood"),
    ] {
        let message = refused(text);
        assert!(message.contains(expected), "{text}: {message}");
    }
    assert!(find_exhibit("gate").is_ok());
}

/// Writes the pages of all exhibits, with a page for every experiment, to `folder`.
fn written(folder: &Path, module: Option<&[u8]>) -> Vec<PathBuf> {
    let outcomes: Vec<_> = catalog().iter().map(|entry| entry.run(&cheap::cheap(entry), 0).unwrap()).collect();
    let options = SiteOptions { module, ..SiteOptions::default() };
    for file in site_files(&outcomes, folder, options).unwrap().files {
        std::fs::write(folder.join(file.name), file.text).unwrap();
    }
    let pages = exhibits().iter().flat_map(|entry| [format!("{}.html", entry.name), format!("{}.zh.html", entry.name)]);
    pages.map(|name| folder.join(name)).collect()
}

#[test]
fn a_page_without_an_engine_shows_its_start_and_says_how_to_move_it() {
    let Some(browser) = Browser::or_skip("a_page_without_an_engine_shows_its_start_and_says_how_to_move_it") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let pages = written(folder.path(), None);
    let script = "return { enabled: document.querySelectorAll('#controls :is(input, select, button):enabled').length, said: document.getElementById('status').textContent }";
    for state in browser.open(&pages, &[View::NARROW_DARK, View::WIDE_LIGHT], script) {
        assert_eq!(state.problems(), Vec::<String>::new(), "{state}");
        assert!(state.result["said"].as_str().unwrap().contains("evenkeel studio"), "{state}: {}", state.result);
        assert_eq!(state.result["enabled"], 0, "{state}");
    }
}

/// Script that moves every control of an exhibit and records each request with its numbers.
const MOVE: &str = include_str!("cheap/move_exhibit.js");

#[test]
fn the_engine_in_a_browser_gives_the_numbers_of_the_native_one() {
    const TEST: &str = "the_engine_in_a_browser_gives_the_numbers_of_the_native_one";
    let Some(browser) = Browser::or_skip(TEST) else { return };
    let Some(module) = std::env::var_os("EVENKEEL_BROWSER_MODULE") else {
        return skipped(TEST, "`cargo xtask site --check` compiles the engine for a browser and runs it");
    };
    let module = std::fs::read(module).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pages = written(folder.path(), Some(&module));
    let addresses: Vec<String> = pages.iter().map(|page| format!("file://{}", page.display())).collect();
    let moved: Vec<String> = addresses.iter().step_by(2).cloned().collect();
    let compared = browser.visit(&moved, &[View::WIDE_LIGHT], MOVE).iter().map(compare).collect::<Vec<_>>();
    let differing: Vec<&String> = compared.iter().filter_map(|one| one.as_ref().err()).collect();
    assert_eq!(differing, Vec::<&String>::new());
    let settled = "const start = Date.now(); while (document.documentElement.dataset.settled !== 'yes' && Date.now() - start < 60000) await new Promise(done => setTimeout(done, 30));\
                   return document.getElementById('status').className";
    for state in browser.visit(&addresses, &[View::NARROW_DARK, View::WIDE_LIGHT], settled) {
        assert_eq!(state.problems(), Vec::<String>::new(), "{state}");
        assert_eq!(state.result, "", "{state}");
    }
}

/// Compares the answers of one exhibit in the browser with native ones; returns the location that differs too much.
#[allow(clippy::print_stdout, reason = "the differences, for whoever runs the test by hand")]
fn compare(state: &PageState) -> Result<(), String> {
    assert_eq!(state.problems(), Vec::<String>::new(), "{state}");
    let seen = state.result.as_array().unwrap_or_else(|| panic!("{state}: {}", state.result));
    assert!(seen.len() >= 4, "{state}: {} answers", seen.len());
    let mut desk = Desk::default();
    let (mut compared, mut equal, mut worst) = (0, 0, Difference::default());
    for one in seen {
        assert_eq!(one["failed"], "", "{state}: {}", one["what"]);
        let request: Request = serde_json::from_value(one["question"].clone()).unwrap();
        if !is_comparable(&request) {
            continue;
        }
        compared += 1;
        let native = json!(desk.answer(&request).unwrap().numbers);
        let difference = largest_difference(&native, &one["numbers"], &format!("{state} {}", one["what"]));
        equal += usize::from(difference.share == 0.0);
        worst = worst.or(difference);
    }
    let kinds: std::collections::BTreeSet<&str> = seen.iter().filter_map(|one| one["kind"].as_str()).collect();
    assert!(kinds.contains("slider"), "{state}: {kinds:?}");
    let Difference { share, place } = worst;
    println!(
        "{state}: {} answers, {compared} compared, {equal} with the same bits, largest difference {share:.1e} at {place}",
        seen.len()
    );
    assert!(compared > 0, "{state}");
    if share <= LARGEST_DIFFERENCE { Ok(()) } else { Err(format!("{share:.1e} at {place}")) }
}

/// Exhibits that train a network for the number of steps in their knob `steps`.
const TRAINED: [&str; 2] = ["playground", "break_and_repair"];
/// Number of steps over which training runs are compared: each step multiplies the difference in the last bits.
const COMPARED_STEPS: u64 = 40;

/// Returns true if the answers of two engines to this request have to agree.
fn is_comparable(request: &Request) -> bool {
    let steps = request.settings.iter().rev().find(|(knob, _)| knob == "steps").and_then(|(_, steps)| steps.as_u64());
    !TRAINED.contains(&request.exhibit.as_str()) || steps.is_some_and(|steps| steps <= COMPARED_STEPS)
}

/// Difference always allowed: the last bit of a number of magnitude 1 in 32 bits.
const LAST_BIT: f64 = f32::EPSILON as f64;
/// Difference allowed relative to the largest of a number's neighbours: vectors of other widths sum in another order.
const LARGEST_DIFFERENCE: f64 = 1e-5;

/// Largest difference of two documents, and its location.
#[derive(Debug, Default)]
struct Difference {
    share: f64,
    place: String,
}

impl Difference {
    fn or(self, other: Difference) -> Self {
        if other.share > self.share { other } else { self }
    }
}

/// Compares two documents of one shape. A difference is relative to the largest fraction in the same list or object:
/// the mean of a signal is only as exact as its deviation allows.
fn largest_difference(native: &Value, other: &Value, place: &str) -> Difference {
    let pairs: Vec<(String, &Value, &Value)> = match (native, other) {
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                let place = format!("{place}: {} and {} entries: {native} and {other}", a.len(), b.len());
                return Difference { share: f64::INFINITY, place };
            }
            a.iter().zip(b).enumerate().map(|(index, (a, b))| (format!("{place}/{index}"), a, b)).collect()
        }
        (Value::Object(a), Value::Object(b)) => {
            assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "{place}");
            a.iter().map(|(key, value)| (format!("{place}/{key}"), value, &b[key])).collect()
        }
        _ => vec![(place.to_owned(), native, other)],
    };
    let fractions = pairs.iter().filter_map(|(_, a, _)| a.as_f64()).filter(|value| value.fract() != 0.0);
    let size = fractions.fold(0.0_f64, |size, value| size.max(value.abs()));
    let difference = |(place, a, b): &(String, &Value, &Value)| match (a.as_f64(), b.as_f64()) {
        // A value at the edge of a histogram bin may be counted on either side.
        (Some(a), Some(b)) if (a - b).abs() <= if place.contains("/counts/") { 1.0 } else { LAST_BIT } && a != b => {
            Difference { share: f64::MIN_POSITIVE, place: format!("{place}: {a} and {b}") }
        }
        (Some(a), Some(b)) if a == b => Difference::default(),
        (Some(a), Some(b)) => {
            Difference { share: (a - b).abs() / size.max(a.abs()).max(b.abs()), place: format!("{place}: {a} and {b}") }
        }
        _ if a.is_array() || a.is_object() => largest_difference(a, b, place),
        _ if a == b => Difference::default(),
        _ => Difference { share: f64::INFINITY, place: format!("{place}: {a} and {b}") },
    };
    pairs.iter().map(difference).fold(Difference::default(), Difference::or)
}
