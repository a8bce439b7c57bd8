//! The command `bench`: the shape of its document, its output without a peer, folders of cases, the study, refusals.

use serde_json::Value;

use crate::program::Program;

const FAULTY: &str = "# expect: K013|K017\n# learning rate 1000 times too low\n";
const SILENT: &str = "# expect: silent\n# as it should be\n";
const NETWORK: &str = "[data]\nsource = \"data/rings.csv\"\n[model]\npreset = \"mlp\"\n[train]\nepochs = 8\n[optimizer]\ntype = \"adam\"\n";

#[test]
fn a_row_without_a_peer_says_so_and_has_every_field() {
    let program = Program::new();
    let arguments = ["bench", "--only", "mlp", "--turns", "2", "--json", "--python", "no-such-python"];
    let run = program.run(&arguments);
    run.succeeded();
    let document = run.json();
    assert!(document["peer_missing"].as_str().is_some_and(|reason| reason.contains("--peers")), "{document:#}");
    assert!(run.stderr.contains("no peer: "), "{}", run.stderr);
    let machine = &document["machine"];
    assert!(machine["peak_gigaflops"].as_f64() > Some(0.0) && machine["bandwidth_gigabytes"].as_f64() > Some(0.0));
    let [row] = document["rows"].as_array().unwrap().as_slice() else { panic!("one row: {document:#}") };
    assert_eq!(row["name"], "mlp");
    for field in ["milliseconds", "minimum", "maximum", "samples_per_second", "roofline", "planned_bytes"] {
        assert!(row[field].as_f64() > Some(0.0), "{field}: {row:#}");
    }
    assert!(row["peer"].is_null() && row["ratio"].is_null(), "{row:#}");
}

#[test]
fn unknown_rows_are_refused_and_the_help_lists_all() {
    let program = Program::new();
    program.run(&["bench", "--only", "cnn,resnet"]).refused(&["--only resnet: no such row", "image-folder"]);
    program.run(&["bench", "memory", "nothing"]).refused(&["unknown yardstick nothing"]);
    let help = program.run(&["bench", "--help"]);
    help.succeeded();
    for text in ["scaling", "Examples:\n  evenkeel bench", "image-folder"] {
        assert!(help.stdout.contains(text), "{}", help.stdout);
    }
}

fn write(program: &Program, name: &str, text: &str) {
    let path = program.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn a_folder_of_cases_is_trained_and_scored() {
    let program = Program::new();
    write(&program, "cases/faulty/rates/slow.toml", &format!("{FAULTY}{NETWORK}learning_rate = 1e-6\n"));
    write(&program, "cases/faulty/rates/slow_fixed.toml", &format!("{SILENT}{NETWORK}learning_rate = 0.005\n"));
    write(&program, "cases/healthy/plain.toml", &format!("{SILENT}{NETWORK}learning_rate = 0.005\n"));
    let run = program.run(&["bench", "health", "--cases", "cases", "--seeds", "2", "--json"]);
    let document = run.succeeded();
    assert!(document.stderr.contains("2 of 2 cases"), "{}", document.stderr);
    let document = run.json();
    let totals = &document["totals"];
    for (key, expected) in [("faulty", 1), ("repaired_runs", 2), ("healthy_runs", 2)] {
        assert_eq!(totals[key], expected, "{key}: {document:#}");
    }
    let slow = &document["faulty"][0];
    let (before, goal) = (slow["before"].as_f64().unwrap(), slow["goal"].as_f64().unwrap());
    assert!(before < 0.6 && goal > 0.9, "{slow:#}");
    assert!(slow["after"].as_f64() >= Some(before), "{slow:#}");
    let scores = document["healthy"][0]["runs"].as_array().unwrap().iter().map(|run| run["score"].as_f64());
    assert!(scores.clone().count() == 2 && scores.flatten().all(|score| score > 0.9), "{document:#}");
    let text = program.run(&["bench", "health", "--cases", "cases", "--seeds", "1", "--only", "plain"]);
    assert!(text.succeeded().stdout.contains("healthy programs    runs with a false alarm"), "{}", text.stdout);
}

#[test]
fn wrong_folders_and_options_are_refused() {
    let program = Program::new();
    write(&program, "unmarked/healthy/a.toml", "[data]\n");
    write(&program, "broken/healthy/a.toml", &format!("{SILENT}[train]\nepoch = 3\n"));
    write(&program, "homeless/healthy/a.toml", &format!("{SILENT}[data]\nsource = \"data/mine.csv\"\n"));
    let cases: [(&[&str], &[&str]); 6] = [
        (&["--cases", "nowhere"], &["nowhere: no cases"]),
        (&["--cases", "unmarked"], &["a.toml:1: the first line does not begin with `# expect:`"]),
        (&["--cases", "broken"], &["a.toml:4", "epoch"]),
        (&["--cases", "homeless"], &["a.toml", "there is no data/mine.csv", "--data"]),
        (&["--remedies", "--only", "K999"], &["K999"]),
        (&["--remedies", "--cases", "broken"], &["cannot be used with"]),
    ];
    for (options, expected) in cases {
        program.run(&[&["bench", "health"], options].concat()).refused(expected);
    }
}

#[test]
fn the_study_puts_a_rule_to_the_test() {
    let program = Program::new();
    let run = program.run(&["bench", "health", "--remedies", "--only", "K006", "--seeds", "1", "--json"]);
    run.succeeded();
    let document = run.json();
    let trials: Vec<&Value> = document["trials"].as_array().unwrap().iter().collect();
    assert!(!trials.is_empty() && trials.iter().all(|trial| trial["code"] == "K006"), "{document:#}");
    let verdict = &document["verdicts"][0];
    assert_eq!(verdict["cases"].as_u64().unwrap() as usize, trials.len(), "{verdict:#}");
    let gained = |trial: &&&Value| {
        let value = |key: &str| trial[key].as_f64().unwrap_or(0.0);
        value("with") > value("without") + 0.3
    };
    assert!(trials.iter().filter(gained).count() * 2 > trials.len(), "{document:#}");
}
