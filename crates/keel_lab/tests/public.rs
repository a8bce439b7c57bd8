//! The lab as used by the command line.

use keel_lab::{Language, Settings, SiteOptions, catalog, exhibits, find, run, site_files};

mod cheap;

use cheap::{cheap, write_site};

#[test]
fn every_experiment_runs_repeats_itself_and_explains_itself_in_both_languages() {
    for entry in catalog() {
        let settings = cheap(entry);
        let outcome = entry.run(&settings, 3).unwrap();
        assert_eq!(outcome.document["experiment"], entry.name);
        assert_eq!(outcome.document, entry.run(&settings, 3).unwrap().document, "{}", entry.name);
        for language in Language::ALL {
            let html = outcome.html(language);
            assert!(html.contains("<svg") && html.contains("</html>"), "{}", entry.name);
            assert!(!html.contains("NaN"), "{} in {language} shows NaN", entry.name);
            assert!(!html.contains("http"), "{} refers to the outside", entry.name);
            assert_eq!(html.matches("<figure").count(), html.matches("</figure>").count(), "{}", entry.name);
            let chinese = html.chars().filter(|character| ('\u{4e00}'..'\u{9fff}').contains(character)).count();
            assert_eq!(chinese > 100, language == Language::Chinese, "{} in {language}: {chinese}", entry.name);
        }
    }
}

#[test]
fn knobs_are_documented_and_their_defaults_are_accepted() {
    for entry in catalog() {
        for knob in entry.knobs() {
            assert!(!knob.documentation.is_empty(), "{} {}", entry.name, knob.name);
            assert!(!knob.text(Language::Chinese).is_empty(), "{} {} in Chinese", entry.name, knob.name);
            let mut settings = Settings::new();
            settings.set(&knob.name, knob.default.clone());
            assert_eq!(settings.known_to(&entry.knobs()), settings);
        }
    }
    let knobs = find("initialisation").unwrap().knobs();
    let names: Vec<&str> = knobs.iter().map(|knob| knob.name.as_str()).collect();
    assert_eq!(names, ["activation", "width", "depth", "batch", "init.type", "init.std", "gain"]);
}

#[test]
fn wrong_names_and_values_are_refused_with_the_nearest_or_the_range() {
    let message =
        |name: &str, setting: &str| match Settings::parse([setting]).and_then(|settings| run(name, &settings, 0)) {
            Ok(_) => panic!("{name} {setting} was accepted"),
            Err(error) => error.to_string(),
        };
    let cases = [
        ("initialization", "width=8", "did you mean \"initialisation\"?"),
        ("initialisation", "widht=8", "did you mean \"width\"?"),
        ("initialisation", "width=0", "a whole number from 1 to 8192"),
        ("initialisation", "width=2.5", "a whole number"),
        ("initialisation", "width=many", "a whole number"),
        ("initialisation", "activation=rleu", "relu, or another one of identity"),
        ("initialisation", "init.type=kaiming", "kaiming_normal"),
        ("initialisation", "init.std=nan", "a number from 0"),
        ("initialisation", "init=3", "has no knob \"init\""),
        ("initialisation", "width", "key=value"),
        ("initialisation", "=3", "key=value"),
        ("zigzag", "batches=[]", "a list"),
        ("zigzag", "batches=[0]", "from 1 to 4096"),
    ];
    for (name, setting, expected) in cases {
        let message = message(name, setting);
        assert!(message.contains(expected), "{name} {setting}: {message}");
    }
}

#[test]
fn a_site_has_an_index_and_two_files_for_each_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::parse(["width=8"]).unwrap();
    let outcomes = [run("initialisation", &settings, 0).unwrap(), run("gradient_depth", &settings, 0).unwrap()];
    for language in Language::ALL {
        let site = folder.path().join(language.code());
        let index = std::fs::read_to_string(write_site(&outcomes, &site, language)).unwrap();
        assert!(index.contains(&format!("<html lang=\"{language}\">")));
        let other = Language::ALL.into_iter().find(|other| *other != language).unwrap();
        assert!(index.contains(&format!("href=\"index.{other}.html\"")));
        for outcome in &outcomes {
            let name = outcome.experiment.name;
            assert!(index.contains(&format!("href=\"{name}.html\"")));
            let page = std::fs::read_to_string(site.join(format!("{name}.{other}.html"))).unwrap();
            assert!(
                page.contains(&format!("<html lang=\"{other}\">")) && page.contains(&format!("href=\"{name}.html\""))
            );
            let json = std::fs::read_to_string(site.join(format!("{name}.json"))).unwrap();
            assert!(json.contains(&format!("\"experiment\": \"{name}\"")));
        }
    }
    let again = folder.path().join("en");
    let index = write_site(&outcomes[1..], &again, Language::English);
    let index = std::fs::read_to_string(index).unwrap();
    assert!(index.contains("href=\"initialisation.html\""), "pages of earlier runs stay in the index");
}

#[test]
fn every_page_links_to_the_documentation_if_its_address_is_given() {
    let outcomes: Vec<_> = catalog().iter().map(|entry| entry.run(&cheap(entry), 0).unwrap()).collect();
    let folder = tempfile::tempdir().unwrap();
    let options = SiteOptions { documentation: Some("docs/index.html"), ..SiteOptions::default() };
    let site = site_files(&outcomes, folder.path(), options).unwrap();
    let pages: Vec<_> = site.files.iter().filter(|file| file.name.ends_with(".html")).collect();
    let notes_and_index = 2;
    assert_eq!(pages.len(), 2 * (catalog().len() + exhibits().len() + notes_and_index));
    for page in pages {
        let words = if page.name.ends_with(".zh.html") { "文档" } else { "Documentation" };
        let link = format!("<a href=\"docs/index.html\">{words}</a>");
        assert_eq!(page.text.matches(&link).count(), 1, "{}", page.name);
    }
    let site = site_files(&outcomes[..1], folder.path(), SiteOptions::default()).unwrap();
    assert!(site.files.iter().all(|file| !file.text.contains("docs/index.html")));
}

#[test]
fn pictures_stand_alone_and_are_refused_where_there_is_none() {
    let outcome = run("initialisation", &Settings::parse(["width=8"]).unwrap(), 0).unwrap();
    let svg = outcome.picture(Language::English).unwrap();
    assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n") && svg.contains("Layer 6"));
    let error = run("zigzag", &cheap(find("zigzag").unwrap()), 0).unwrap().picture(Language::English).unwrap_err();
    assert!(error.to_string().contains("initialisation"), "{error}");
}

#[test]
fn a_knob_of_no_experiment_is_refused_with_the_nearest() {
    let entries = [find("zigzag").unwrap(), find("xavier").unwrap()];
    let knobs: Vec<_> = entries.iter().flat_map(|entry| entry.knobs()).collect();
    let error = Settings::parse(["widht=8"]).unwrap().check(&knobs).unwrap_err().to_string();
    assert!(error.contains("did you mean \"width\"?"), "{error}");
    Settings::parse(["width=8", "paths=2"]).unwrap().check(&knobs).unwrap();
}

#[test]
fn no_document_holds_anything_but_finite_numbers() {
    // A document is a JSON value, which cannot hold NaN; a missing number is null, and its key indicates it.
    for entry in catalog() {
        let text = entry.run(&cheap(entry), 1).unwrap().document.to_string();
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["experiment"], entry.name);
    }
}
