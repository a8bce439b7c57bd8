//! `lab`: its listings, documents, pages and refusals.

use serde_json::Value;

use crate::program::Program;

/// Knobs with which the two experiments of these tests take no time; each takes those it has.
const CHEAP: [&str; 8] = ["--set", "width=8", "--set", "steps=3", "--set", "batches=[2,4]", "--set", "paths=2"];

#[test]
fn the_list_names_every_experiment_with_its_knobs() {
    let program = Program::new();
    let list = program.run(&["lab", "list", "--json"]).succeeded().json();
    let names: Vec<&str> = list.as_array().unwrap().iter().map(|one| one["experiment"].as_str().unwrap()).collect();
    assert!(names.len() >= 19 && names.contains(&"initialisation") && names.contains(&"recipe_ablation"), "{names:?}");
    for one in list.as_array().unwrap() {
        for key in ["chapter", "title", "summary"] {
            assert!(one[key].is_string(), "{one}");
        }
        let knobs = one["knobs"].as_array().unwrap();
        assert!(knobs.iter().all(|knob| knob["documentation"].is_string() && knob.get("default").is_some()), "{one}");
    }
    let text = program.run(&["lab", "list", "--lang", "zh"]).succeeded().stdout.clone();
    assert!(names.iter().all(|name| text.contains(name)) && text.contains("锯齿"), "{text}");
    assert!(text.starts_with("实验") && text.contains("可调参数") && !text.contains("knobs"), "{text}");
}

#[test]
fn the_initialisation_document_keeps_its_contract() {
    let program = Program::new();
    let arguments = ["lab", "run", "initialisation", "--json", "--seed", "7", "--set", "activation=relu"];
    let init = ["--set", "init.type=kaiming_normal", "--set", "width=64"];
    let finished = program.run(&[&arguments[..], &init[..]].concat());
    let document = finished.succeeded().json();
    assert_eq!(finished.stderr, "");
    for (key, expected) in [("width", 64), ("depth", 6), ("batch", 16), ("seed", 7)] {
        assert_eq!(document[key], expected);
    }
    assert_eq!((&document["experiment"], &document["activation"]), (&"initialisation".into(), &"relu".into()));
    assert_eq!(document["init"]["type"], "kaiming_normal");
    let layers = document["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 6);
    for (index, layer) in layers.iter().enumerate() {
        assert_eq!(layer["layer"], index + 1);
        let pointers = [
            "/pre_activation/mean",
            "/pre_activation/std",
            "/activation/mean",
            "/activation/std",
            "/activation/second_moment",
            "/activation/zero_fraction",
            "/activation/saturated_fraction",
            "/gradient/rms",
        ];
        assert!(pointers.iter().all(|pointer| layer.pointer(pointer).is_some_and(Value::is_f64)), "{layer}");
        let histogram = &layer["activation"]["histogram"];
        let length = |key: &str| histogram[key].as_array().unwrap().len();
        assert_eq!(length("edges"), length("counts") + 1);
    }
    assert!(!program.path("lab").exists(), "JSON alone writes no pages");
}

#[test]
fn a_run_writes_pages_in_both_languages_and_a_picture() {
    let program = Program::new();
    let arguments =
        ["lab", "run", "initialisation", "zigzag", "--out", "pages", "--lang", "zh", "--picture", "signal.svg"];
    let finished = program.run(&[&arguments[..], &CHEAP[..]].concat());
    let stdout = &finished.succeeded().stdout;
    assert!(stdout.contains("initialisation:") && stdout.contains("pages"), "{stdout}");
    let read = |name: &str| std::fs::read_to_string(program.path(name)).unwrap();
    assert!(read("pages/index.html").contains("<html lang=\"zh\">"));
    for (name, language) in [("zigzag.html", "zh"), ("zigzag.en.html", "en"), ("initialisation.en.html", "en")] {
        assert!(read(&format!("pages/{name}")).contains(&format!("<html lang=\"{language}\">")), "{name}");
    }
    let document: Value = serde_json::from_str(&read("pages/zigzag.json")).unwrap();
    assert_eq!(document["experiment"], "zigzag");
    assert!(read("signal.svg").starts_with("<svg"));
}

#[test]
fn several_experiments_print_a_list_in_the_order_they_were_named() {
    let arguments = ["lab", "run", "zigzag", "initialisation", "--json"];
    let documents = Program::new().run(&[&arguments[..], &CHEAP[..]].concat()).succeeded().json();
    let names: Vec<&Value> = documents.as_array().unwrap().iter().map(|document| &document["experiment"]).collect();
    assert_eq!(names, ["zigzag", "initialisation"]);
}

#[test]
fn all_experiments_make_one_site() {
    let program = Program::new();
    let mut arguments = vec!["lab", "all", "--out", "site", "--docs", "docs/index.html"];
    let knobs = [
        "width=8",
        "channels=4",
        "steps=2",
        "points=20",
        "paths=2",
        "seeds=1",
        "batches=[2,4]",
        "learning_rates=[0.05]",
        "biases=[0]",
        "offsets=[0]",
        "factors=[2]",
        "scales=[0.1]",
        "inputs=[4]",
        "draws=100",
        "depth=2",
        "samples=64",
        "batch=8",
    ];
    for knob in &knobs {
        arguments.extend(["--set", knob]);
    }
    program.run(&arguments).succeeded();
    let list = program.run(&["lab", "list", "--json"]).json();
    let index = std::fs::read_to_string(program.path("site/index.html")).unwrap();
    assert!(index.contains("<a href=\"docs/index.html\">Documentation</a>"), "{index}");
    for one in list.as_array().unwrap() {
        let name = one["experiment"].as_str().unwrap();
        assert!(index.contains(&format!("href=\"{name}.html\"")), "{name}");
        for file in [format!("site/{name}.html"), format!("site/{name}.zh.html"), format!("site/{name}.json")] {
            assert!(program.path(&file).exists(), "{file}");
        }
    }
}

#[test]
fn wrong_names_and_values_are_refused_with_what_would_be_right() {
    let program = Program::new();
    let cases: [(&[&str], &[&str]); 10] = [
        (&["run", "initialization"], &["did you mean \"initialisation\"?", "evenkeel lab list"]),
        (&["run", "initialisation", "--set", "widht=8"], &["did you mean \"width\"?"]),
        (&["run", "initialisation", "--set", "width=0"], &["a whole number from 1 to 8192"]),
        (&["run", "initialisation", "--set", "init.type=kaiming"], &["kaiming_normal"]),
        (&["run", "initialisation", "--set", "activation=rleu"], &["relu"]),
        (&["run", "initialisation", "--set", "width"], &["key=value"]),
        (&["run", "zigzag", "xavier", "--set", "widht=8"], &["none of these experiments", "did you mean \"width\"?"]),
        (&["run", "image_recipes", "--set", "data=nowhere"], &["nowhere"]),
        (&["run", "zigzag", "--set", "paths=1", "--set", "steps=0", "--picture", "x.svg"], &["no histograms"]),
        (&["run", "initialisation", "--set", "width=8", "--lang", "fr"], &["en or zh"]),
    ];
    for (arguments, expected) in cases {
        program.run(&[&["lab"], arguments].concat()).refused(expected);
    }
    let refused = program.run(&["lab", "run", "zigzag", "--json", "--set", "paths=0"]);
    assert!(refused.ended_with(2).json()["error"].to_string().contains("paths"), "{}", refused.stdout);
}
