//! The main job: train, then evaluate, predict, compare and plan.

use crate::program::{Program, write};

/// One quick epoch of the digits in `runs/NAME`.
fn trained(program: &Program, name: &str) -> serde_json::Value {
    let name = format!("run.name={name}");
    let finished = program.run(&["train", "--set", "train.epochs=1", "--set", &name, "--json"]);
    finished.succeeded();
    finished.json()
}

#[test]
fn digits_train_and_the_run_answers_every_command() {
    let program = Program::new();
    let text = program.run(&["train", "--set", "train.epochs=2", "--set", "run.name=digits"]);
    text.succeeded();
    for expected in
        ["finished: 2 epochs, 42 steps", "test: accuracy", "conv2d_1", "Run: runs/digits", "evenkeel eval runs/digits"]
    {
        assert!(text.stdout.contains(expected), "{expected}\n{}", text.stdout);
    }
    for expected in ["1,294 train, 144 validation, 359 test samples", "machine     ", "epoch   2/2  train loss"] {
        assert!(text.stderr.contains(expected), "{expected}\n{}", text.stderr);
    }
    for file in ["config.toml", "summary.json", "metrics.sqlite", "model.safetensors", "checkpoints/last.safetensors"] {
        assert!(program.path("runs/digits").join(file).is_file(), "{file}");
    }

    let evaluation = program.run(&["eval", "runs/digits", "--json"]).json();
    let summary: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(program.path("runs/digits/summary.json")).unwrap()).unwrap();
    let accuracy = evaluation["metrics"]["accuracy"].as_f64().unwrap();
    assert_eq!(Some(accuracy), summary["metrics"]["test"]["accuracy"].as_f64());
    assert!(accuracy > 0.6, "{accuracy}");
    assert_eq!(evaluation["metrics"]["classes"].as_array().map(Vec::len), Some(10));
    let shown = program.run(&["eval", "runs/digits", "--part", "validation"]);
    assert!(shown.stdout.contains("precision") && shown.stdout.contains("true \\ predicted"), "{}", shown.stdout);

    let predictions = program.run(&["predict", "runs/digits", "digits", "--json"]).json();
    let first = &predictions[0];
    let sum: f64 = first["probabilities"].as_object().unwrap().values().filter_map(serde_json::Value::as_f64).sum();
    assert_eq!(predictions.as_array().map(Vec::len), Some(1797));
    assert!((sum - 1.0).abs() < 1e-5 && first["probability"].as_f64().unwrap() > 0.1, "{first}");
    let csv = program.run(&["predict", "runs/digits", "digits", "--csv"]).stdout;
    assert_eq!(csv.lines().next(), Some("input,class,0,1,2,3,4,5,6,7,8,9"));
    assert_eq!(csv.lines().count(), 1798);
}

#[test]
fn the_config_that_init_writes_and_every_built_in_set_can_be_used() {
    let program = Program::new();
    program.run(&["init", "my.toml"]).succeeded();
    let short = ["--set", "train.epochs=1"];
    for name in ["my.toml", "spiral", "moons", "blobs", "gaussian_mixture"] {
        for command in ["plan", "train"] {
            program.run(&[command, name, short[0], short[1]]).succeeded();
        }
        let checked = program.run(&["check", name, "--budget", "1s"]);
        assert!(checked.stdout.contains("layer at the start"), "{name}: {}", checked.stderr);
    }
    let automatic = ["plan", "moons", "--set", "model.preset=auto", "--set", "model.width=16"];
    program.run(&automatic).succeeded();
    // A file of the same name takes precedence.
    write(&program.path("moons"), "[train]\nepoch = 1\n");
    program.run(&["plan", "moons"]).refused(&["moons:2: `train.epoch`: unknown key"]);
}

#[test]
fn a_written_config_leaves_the_same_choices_open_as_its_data_alone() {
    let program = Program::new();
    let rows: String = (0..200).map(|row| format!("{},{},{}.5\n", row % 20, row / 20, row % 7)).collect();
    write(&program.path("plane.csv"), &format!("a,b,target\n{rows}"));
    program.run(&["init", "my.toml"]).succeeded();
    let text = std::fs::read_to_string(program.path("my.toml")).unwrap();
    write(&program.path("my.toml"), &text.replace("# source = \"digits\"", "source = \"plane.csv\""));
    // The number of epochs may depend on the measured time of a step.
    let choices = |name: &str| {
        let document = program.run(&["plan", name, "--json"]).json();
        let choices = document["choices"].as_array().unwrap().iter().filter(|choice| choice["key"] != "train.epochs");
        choices.cloned().collect::<Vec<_>>()
    };
    let found = choices("my.toml");
    let is_chosen = |choice: &serde_json::Value| choice["key"] == "model.preset" && choice["value"] == "\"tabular\"";
    assert!(found.iter().any(is_chosen), "{found:?}");
    assert_eq!(found, choices("plane.csv"));
}

#[test]
fn with_json_a_training_prints_its_summary_and_nothing_else() {
    let program = Program::new();
    let summary = trained(&program, "json");
    assert_eq!(summary["status"], "finished");
    assert_eq!(summary["epochs"], 1);
    assert!(summary["machine"]["threads"].as_u64().is_some_and(|threads| threads > 0));
}

#[test]
fn runs_are_compared_with_the_settings_that_differ() {
    let program = Program::new();
    trained(&program, "first");
    program.run(&["train", "--set", "train.epochs=1", "--set", "run.name=second", "--set", "train.seed=7"]).succeeded();
    let compared = program.run(&["compare", "runs/first", "runs/second"]);
    compared.succeeded();
    let seed = compared.stdout.lines().find(|line| line.starts_with("train.seed")).unwrap_or_default();
    assert_eq!(seed.split_whitespace().collect::<Vec<_>>(), ["train.seed", "0", "7"], "{}", compared.stdout);
    assert!(compared.stdout.contains("test accuracy"), "{}", compared.stdout);
    let document = program.run(&["compare", "runs/first", "runs/second", "--json"]).json();
    // The division of the data follows train.seed.
    assert_eq!(document["settings"].as_array().map(Vec::len), Some(2), "{document}");
    assert!(compared.stdout.contains("data.seed"), "{}", compared.stdout);
    // A summary that says `running` without a process that writes to the run.
    let summary = program.path("runs/second/summary.json");
    let text = std::fs::read_to_string(&summary).unwrap();
    write(&summary, &text.replace("\"status\": \"finished\"", "\"status\": \"running\""));
    let compared = program.run(&["compare", "runs/first", "runs/second"]);
    let status = compared.stdout.lines().find(|line| line.starts_with("status")).unwrap_or_default();
    assert_eq!(status.split_whitespace().collect::<Vec<_>>(), ["status", "finished", "killed"], "{}", compared.stdout);
    // Long names are shortened to tables of 80 columns, and complete in JSON.
    let long = format!("runs/{}-2", "a-long-name".repeat(9));
    std::fs::rename(program.path("runs/second"), program.path(&long)).unwrap();
    let compared = program.run(&["compare", "runs/first", &long, &long, "--all"]);
    assert!(compared.succeeded().stdout.lines().all(|line| line.chars().count() <= 80), "{}", compared.stdout);
    assert_eq!(
        compared.stdout.lines().next().map(|line| line.matches("name-2").count()),
        Some(2),
        "{}",
        compared.stdout
    );
    assert_eq!(program.run(&["compare", "runs/first", &long, "--json"]).json()["runs"][1]["run"], long.as_str());
}

#[test]
fn of_deep_networks_the_layers_that_differ_most_are_compared() {
    let program = Program::new();
    let layer = "{ type = \"linear\", out_features = 8 }, { type = \"activation\", function = \"relu\" }";
    let layers = format!("model.layers=[{}, {{ type = \"linear\" }}]", [layer; 12].join(", "));
    trained(&program, "first");
    program.run(&["train", "--set", "train.epochs=1", "--set", "run.name=deep", "--set", &layers]);
    let compare = ["compare", "runs/first", "runs/deep"];
    let document = program.run(&[&compare[..], &["--json"]].concat()).json();
    let keys = document["settings"].as_array().unwrap().iter().filter_map(|setting| setting["key"].as_str());
    let complete = keys.filter(|key| key.starts_with("model.layers.")).count();
    let listed = |text: &str| text.lines().filter(|line| line.starts_with("model.layers.")).count();
    assert_eq!(listed(&program.run(&[&compare[..], &["--all"]].concat()).stdout), complete, "{document}");
    let text = program.run(&compare).stdout;
    let shown = listed(&text);
    assert!(shown > 0 && shown < complete / 4, "{text}");
    let rest = format!("... and 22 more layers with {} settings: --all lists them", complete - shown);
    assert!(text.contains(&rest), "{rest}\n{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn a_table_of_values_is_learned_and_its_errors_reported() {
    let program = Program::new();
    let rows: String =
        (0..200).map(|row| format!("{},{},{}\n", row % 20, row / 20, 3 * (row % 20) - 2 * (row / 20))).collect();
    write(&program.path("plane.csv"), &format!("a,b,target\n{rows}"));
    let set = ["--set", "data.source=plane.csv", "--set", "data.task=regression", "--set", "run.name=plane"];
    program.run(&[&["train", "mlp"][..], &set].concat()).succeeded();
    let errors = program.run(&["eval", "runs/plane", "--json"]).json()["metrics"]["regression"].clone();
    assert!(errors["r2"].as_f64().is_some_and(|r2| r2 > 0.9), "{errors}");
    assert!(program.run(&["eval", "runs/plane"]).stdout.contains("RMSE"));
    write(&program.path("new.csv"), "a,b\n10,5\n");
    let predicted = program.run(&["predict", "runs/plane", "new.csv", "--json"]).json();
    let value = predicted[0]["values"]["target"].as_f64().unwrap_or_else(|| panic!("{predicted}"));
    assert!((value - 20.0).abs() < 6.0, "{value}");
}

#[test]
fn a_plan_lists_nodes_bytes_and_what_sharing_saves() {
    let program = Program::new();
    let document = program.run(&["plan", "--json"]).json();
    let (arena, unshared) = (document["arena_bytes"].as_u64().unwrap(), document["unshared_bytes"].as_u64().unwrap());
    assert!(0 < arena && arena < unshared, "{document}");
    let nodes = document["nodes"].as_array().unwrap();
    let parameters: u64 = nodes.iter().filter_map(|node| node["parameters"].as_u64()).sum();
    assert_eq!(Some(parameters), document["parameters"].as_u64());
    assert_eq!(nodes.last().unwrap()["output_shape"][0], 10);
    let text = program.run(&["plan"]).stdout;
    assert!(text.contains("One allocation of") && text.contains("total"), "{text}");
    assert!(text.contains("conv2d_1 + batch_norm_1") && text.contains("Bytes by kind: outputs"), "{text}");

    let unfused = program.run(&["plan", "--without", "all", "--json"]).json();
    assert!(unfused["nodes"].as_array().unwrap().len() > nodes.len(), "{unfused}");
    assert!(unfused["arena_bytes"].as_u64() > document["arena_bytes"].as_u64(), "{unfused}");
    program.run(&["plan", "--without", "norm_poolin"]).refused(&["no such fusion pass", "norm_pooling"]);
}

#[test]
fn a_plan_for_ranks_measures_short_trainings_too() {
    let program = Program::new();
    let short =
        ["plan", "mlp", "--set", "data.source=moons", "--set", "train.epochs=1", "--set", "train.batch_size=32"];
    let document = program.run(&[&short[..], &["--ranks", "6", "--network", "10gbit", "--json"]].concat()).json();
    let steps = document["ranks"]["strong"].as_array().unwrap();
    assert_eq!(steps.iter().map(|step| step["ranks"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 4, 6]);
    assert!(steps.iter().all(|step| step["step_seconds"].as_f64().unwrap() > 0.0), "{document}");
    let text = program.run(&[&short[..], &["--ranks", "2"]].concat()).stdout;
    for expected in ["assumed for the memory of one machine", "by ring", "A batch of 32 samples on each rank:"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(program.run(&short).stdout.find(", modelled").is_none());
    program.run(&[&short[..], &["--ranks", "33"]].concat()).refused(&["more ranks than the 32 samples of a batch"]);
    program.run(&[&short[..], &["--ranks", "0"]].concat()).refused(&["expected 1 to 1,024"]);
    program.run(&[&short[..], &["--ranks", "2", "--network", "fast"]].concat()).refused(&["unknown network", "25gbit"]);
}

#[test]
fn the_range_test_suggests_a_rate_and_writes_nothing() {
    let program = Program::new();
    let result = program.run(&["train", "mlp", "--set", "data.source=moons", "--find-lr"]);
    result.succeeded();
    assert!(
        result.stdout.contains("learning rate")
            && result
                .stdout
                .contains("Next:\n  evenkeel train mlp --set data.source=moons --set optimizer.learning_rate="),
        "{}",
        result.stdout
    );
    let document = program.run(&["train", "mlp", "--set", "data.source=moons", "--find-lr", "--json"]).json();
    assert!(document["suggestion"].as_f64().is_some_and(|rate| rate > 0.0), "{document}");
    assert!(!program.path("runs").exists());
}

#[test]
fn a_time_limit_stops_with_a_checkpoint() {
    let program = Program::new();
    // One epoch is the least there can be; a hundredth of its time is this limit.
    let arguments =
        ["train", "mlp", "--set", "data.source=moons", "--set", "data.samples=30000", "--set", "run.name=short"];
    let result = program.run(&[&arguments[..], &["--time-limit", "0.0001s"]].concat());
    result.succeeded();
    assert!(result.stdout.starts_with("stopped (the time limit was reached)"), "{}", result.stdout);
    assert!(!result.stdout.contains("\n\n\n"), "{}", result.stdout);
    assert!(result.stdout.contains("evenkeel train --resume runs/short"), "{}", result.stdout);
    assert!(program.path("runs/short/checkpoints/last.safetensors").is_file());
}
