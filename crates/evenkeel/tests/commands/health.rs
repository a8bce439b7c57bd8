//! Health as a user sees it: quiet training runs, findings in the log, the table, the summary and the exit status; the suite.

use crate::program::Program;

const SHORT: [&str; 6] = ["--set", "train.epochs=3", "--set", "model.width=8", "--set", "run.name=r"];

fn train<'a>(settings: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["train"];
    arguments.extend(SHORT);
    for setting in settings {
        arguments.extend(["--set", setting]);
    }
    arguments
}

#[test]
fn a_healthy_training_is_quiet() {
    let program = Program::new();
    let run = program.run(&train(&[]));
    run.succeeded();
    for word in ["warn K", "error K"] {
        assert!(!run.stdout.contains(word) && !run.stderr.contains(word), "{}\n{}", run.stdout, run.stderr);
    }
    let off = program.run(&train(&["health.level=off", "run.name=off"]));
    assert!(off.succeeded().stdout.contains("Health: not watched"), "{}", off.stdout);
}

#[test]
fn a_fault_is_said_at_once_and_at_the_end_and_decides_the_exit_status() {
    let program = Program::new();
    let run = program.run(&train(&["model.init=zeros"]));
    run.ended_with(1);
    assert!(run.stderr.contains("error K006 symmetry"), "{}", run.stderr);
    for word in ["Findings: ", "error K006 symmetry", "  try      initialise with"] {
        assert!(run.stdout.contains(word), "{word}\n{}", run.stdout);
    }
    let text = std::fs::read_to_string(program.path("runs/r/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
    let first = &summary["findings"][0];
    assert_eq!((first["code"].as_str(), first["level"].as_str()), (Some("K006"), Some("error")), "{first}");
    for key in ["rule", "measured", "threshold", "first_step", "last_step", "message", "cause", "remedy"] {
        assert!(!first[key].is_null(), "{key}: {first}");
    }
}

#[test]
fn a_fault_without_harm_is_said_at_once_and_is_a_remark_at_the_end() {
    let program = Program::new();
    let run = program.run(&train(&["preprocess.steps=[]"]));
    run.succeeded();
    assert!(
        run.stderr.contains("error K002 inputs") && run.stdout.contains("info K002 (whole network)"),
        "{}",
        run.stdout
    );
}

#[test]
fn on_error_stop_ends_the_training_and_says_how_to_go_on() {
    let program = Program::new();
    let run = program.run(&train(&["preprocess.steps=[]", "health.on_error=stop"]));
    run.ended_with(1);
    assert!(run.stdout.contains("health.on_error is stop") && run.stdout.contains("--resume"), "{}", run.stdout);
}

#[test]
fn a_slice_of_the_suite_names_faults_and_leaves_healthy_runs_alone() {
    let program = Program::new();
    let only = "constant_init,uncentred_inputs,missing_class,squashed_logits,plain,no_decay,cosine";
    let run = program.run(&["bench", "health", "--seeds", "1", "--only", only, "--json"]);
    let document = run.succeeded().json();
    assert_eq!((&document["faulty_runs"], &document["healthy_runs"]), (&12.into(), &9.into()));
    assert_eq!(document["root_named"], 1.0, "{document:#}");
    assert_eq!(document["healthy_runs_with_alarm"], 0, "{document:#}");
    program.run(&["bench", "health", "--only", "constant"]).refused(&["no such fault or network", "constant_init"]);
}
