//! A person's own file to a model in one command.

use crate::program::{Program, write};

/// 300 rows of two numbers and a category; the class is decided by all three.
fn write_table(program: &Program, name: &str) {
    let rows: String = (0..300)
        .map(|row: usize| {
            let (a, b) = ((row as f32 * 0.7).sin(), (row as f32 * 1.3).cos());
            let color = ["red", "green", "blue"][row % 3];
            let churned = if a + b + f32::from(u8::from(color == "red")) > 0.3 { "yes" } else { "no" };
            format!("{churned},{a:.4},{color},{b:.4}\n")
        })
        .collect();
    write(&program.path(name), &format!("churned,a,color,b\n{rows}"));
}

#[test]
fn a_table_is_trained_on_with_every_choice_said_and_kept() {
    let program = Program::new();
    write_table(&program, "customers.csv");
    let run = program.run(&["train", "customers.csv", "--target", "churned", "--set", "run.name=r", "--json"]);
    let summary = run.succeeded().json();
    assert!(summary["metrics"]["test"]["accuracy"].as_f64().unwrap() > 0.85, "{}", summary["metrics"]);
    assert_eq!(summary["findings"].as_array().map(Vec::len), Some(0), "{}", summary["findings"]);
    // What is measured after the training is measured on the samples that it held out.
    let importance = std::fs::read_to_string(program.path("runs/r/importance.json")).unwrap();
    let importance: serde_json::Value = serde_json::from_str(&importance).unwrap();
    let (metric, test) = (importance["metric"].as_str().unwrap(), &summary["metrics"]["test"]);
    assert_eq!(importance["samples"], test["samples"], "{importance}");
    let (score, expected) = (importance["score"].as_f64().unwrap(), test[metric].as_f64().unwrap());
    assert!((score - expected).abs() < 1e-6, "{metric} {score} {expected}");
    let choices = summary["choices"].as_array().unwrap();
    let config = std::fs::read_to_string(program.path("runs/r/config.toml")).unwrap();
    for key in ["preprocess.steps", "model.preset", "train.epochs", "optimizer", "schedule"] {
        let choice = choices.iter().find(|choice| choice["key"] == key).unwrap_or_else(|| panic!("{key}: {choices:?}"));
        let line = format!(
            "auto        {key} = {}: {}",
            choice["value"].as_str().unwrap(),
            choice["reason"].as_str().unwrap()
        );
        assert!(run.stderr.contains(&line), "{line}\n{}", run.stderr);
    }
    assert!(config.contains("preset = \"tabular\"") && config.contains("target = \"churned\""), "{config}");
    let again = program.run(&["eval", "runs/r", "customers.csv", "--json"]);
    assert!(again.succeeded().json()["metrics"]["accuracy"].as_f64().unwrap() > 0.85);
}

#[test]
fn given_keys_win_and_plan_shows_the_choices_without_training() {
    let program = Program::new();
    write_table(&program, "customers.csv");
    let set = ["--target", "churned", "--set", "train.epochs=2", "--set", "train.batch_size=32"];
    let planned = program.run(&[&["plan", "customers.csv", "--json"][..], &set].concat());
    let document = planned.succeeded().json();
    let keys: Vec<&str> =
        document["choices"].as_array().unwrap().iter().filter_map(|choice| choice["key"].as_str()).collect();
    assert!(keys.contains(&"model.preset") && !keys.contains(&"train.epochs"), "{keys:?}");
    assert_eq!(document["batch"], 32);
    assert!(!program.path("runs").exists());
    let text = program.run(&[&["plan", "customers.csv"][..], &set].concat());
    assert!(text.succeeded().stdout.contains("model.preset = \"tabular\": rows of a table"), "{}", text.stdout);
}

#[test]
fn a_name_that_could_be_two_things_is_decided_and_said() {
    let program = Program::new();
    std::fs::create_dir(program.path("digits")).unwrap();
    let run = program.run(&["train", "digits", "--set", "train.epochs=1"]);
    let note =
        "`digits` is a shipped preset and also a file or folder here: using the preset; write ./digits for the other";
    assert!(run.succeeded().stderr.contains(note), "{}", run.stderr);
    program.run(&["train", "./digits"]).refused(&["digits"]);
    program.run(&["train", "nothing.here"]).refused(&["nothing.here", "Use data (a folder, a table, arrays)"]);
    program.run(&["train", "customers.csv"]).refused(&["customers.csv"]);
}

#[test]
fn files_other_than_configs_are_taken_for_data() {
    let program = Program::new();
    write_table(&program, "customers.csv");
    let text = std::fs::read_to_string(program.path("customers.csv")).unwrap();
    write(&program.path("rows"), &text);
    write(&program.path("rows.dat"), &text);
    write(&program.path("rows.jsonl"), "{\"a\": 1}\n");
    std::fs::write(program.path("photos.zip"), b"PK\x03\x04").unwrap();
    program.run(&["train", "rows.jsonl"]).refused(&["rows.jsonl: it is a table of JSON lines", "pandas.read_json("]);
    program.run(&["train", "photos.zip"]).refused(&["photos.zip: it is an archive", "Unpack it"]);
    program.run(&["train", "rows"]).refused(&["rows:1: not valid TOML", "--set data.format=csv"]);
    let set = ["--target", "churned", "--set", "train.epochs=1"];
    program.run(&[&["train", "rows.dat"][..], &set].concat()).succeeded();
    program.run(&[&["train", "rows", "--set", "data.format=csv"][..], &set].concat()).succeeded();
}

#[test]
fn a_time_limit_shortens_the_schedule_and_not_only_the_run() {
    let program = Program::new();
    let set = ["--set", "train.epochs=100000", "--set", "run.name=r"];
    let run = program.run(&[&["train", "digits", "--time-limit", "4s", "--json"][..], &set].concat());
    let summary = run.succeeded().json();
    assert_eq!(summary["status"], "finished", "the run was cut off: {}", summary["reason"]);
    let epochs = summary["epochs"].as_u64().unwrap();
    let config = std::fs::read_to_string(program.path("runs/r/config.toml")).unwrap();
    let planned = config.lines().find_map(|line| line.strip_prefix("epochs = ")).unwrap();
    // On a busy machine the training may have been shortened further on its way.
    assert!((1..=planned.parse().unwrap()).contains(&epochs) && planned != "100000", "{epochs} of {planned}");
}
