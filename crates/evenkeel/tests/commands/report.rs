//! `report`, and the report `train` leaves.

use crate::program::Program;

#[test]
fn training_leaves_a_report_and_the_command_writes_it_again() {
    let program = Program::new();
    let settings = ["train.epochs=1", "run.name=digits", "model.preset=mlp"];
    let arguments: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
    let trained = program.run(&[&["train"], arguments.as_slice()].concat());
    trained.succeeded();
    assert!(trained.stdout.contains("runs/digits/report.html"), "{}", trained.stdout);
    let page = std::fs::read_to_string(program.path("runs/digits/report.html")).unwrap();
    for expected in ["<title>digits", "Training curves", "Worst predictions", "First-layer filters", "test accuracy"] {
        assert!(page.contains(expected), "{expected}");
    }

    let again = program.run(&["report", "runs/digits", "--out", "digits.html", "--lang", "zh"]);
    again.succeeded();
    assert!(again.stdout.starts_with("digits.html ("), "{}", again.stdout);
    assert!(std::fs::read_to_string(program.path("digits.html")).unwrap().contains("训练曲线"));
    let document = program.run(&["report", "runs/digits", "--json"]).json();
    assert_eq!(document["report"], "runs/digits/report.html");
    assert_eq!(document["notes"], serde_json::json!([]));
    assert!(document["sections"].as_array().unwrap().contains(&"Worst predictions".into()));
    assert!(document["bytes"].as_u64().unwrap() > 20_000);
}

#[test]
fn a_training_that_fails_leaves_a_report_that_says_so() {
    let program = Program::new();
    let failed = program.run(&[
        "train",
        "--set",
        "optimizer.learning_rate=1e30",
        "--set",
        "run.name=wild",
        "--set",
        "model.preset=mlp",
        "--set",
        "schedule.type=constant",
    ]);
    failed.refused(&["K001"]);
    let page = std::fs::read_to_string(program.path("runs/wild/report.html")).unwrap();
    assert!(page.contains("Training ended with an error.") && !page.contains(">finished<"));
}

#[test]
fn folders_without_a_run_and_wrong_languages_are_refused() {
    let program = Program::new();
    program.run(&["report", "runs/none"]).refused(&["runs/none: no such folder", "Use the folder of a run"]);
    program.run(&["report", "runs/none", "--lang", "fr"]).refused(&["write en or zh"]);
}
