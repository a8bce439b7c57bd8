//! Before a training and after its findings: the check of a config, the proof of a finding, its remedy applied.

mod program;

use program::Program;

#[test]
fn equal_weights_are_found_before_the_first_step() {
    let program = Program::new();
    let arguments = ["check", "--set", "model.init=zeros", "--set", "model.width=8", "--json"];
    let run = program.run(&arguments);
    let document = run.ended_with(1).json();
    assert_eq!(document["findings"][0]["code"], "K006", "{document:#}");
    program.run(&["check", "nofile.toml"]).refused(&["nofile.toml"]);
    program.run(&["check", "--budget", "x"]).refused(&["no unit of time"]);
}

#[test]
fn right_gradients_of_the_default_network_are_not_doubted() {
    let program = Program::new();
    for seed in ["train.seed=0", "train.seed=2", "train.seed=3"] {
        let run = program.run(&["check", "--set", seed, "--json"]);
        let document = run.succeeded().json();
        let codes = document["findings"].as_array().unwrap().iter().map(|finding| &finding["code"]);
        assert!(codes.clone().all(|code| code == "K004"), "{seed}: {document:#}");
    }
}

#[test]
fn a_fault_is_proved_and_fixed_and_what_is_unknown_is_refused() {
    let program = Program::new();
    let settings = ["train.epochs=1", "model.width=8", "run.name=r", "preprocess.steps=[]"];
    let mut arguments = vec!["train"];
    settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
    program.run(&arguments).ended_with(1);

    let proof = program.run(&["prove", "runs/r", "K002", "--seeds", "2", "--steps", "10", "--json"]);
    let proof = proof.succeeded().json();
    assert_eq!(proof["verdict"], "confirmed", "{proof:#}");
    assert_eq!((proof["without"].as_array().unwrap().len(), proof["with"].as_array().unwrap().len()), (2, 2));
    let summary = std::fs::read_to_string(program.path("runs/r/summary.json")).unwrap();
    assert!(summary.contains("\"verdict\": \"confirmed\""), "{summary}");

    let fixed = program.run(&["fix", "runs/r", "K002", "--json"]).succeeded().json();
    assert_eq!(fixed["action"], "config_written", "{fixed:#}");
    let config = std::fs::read_to_string(program.path("runs/r/fix-K002.toml")).unwrap();
    assert!(config.contains("steps = [\"standardize\"]"), "{config}");

    program.run(&["prove", "runs/none", "K002"]).refused(&["runs/none: no such folder", "the folder of a run"]);
    program.run(&["fix", "runs/r", "K999"]).refused(&["no finding K999", "K002"]);
}

/// A network whose relu units start nearly all dead, from a bias no initialiser changes.
const DEAD: &str = "model.layers=[{type=\"linear\",out_features=64,bias_init={type=\"constant\",value=-6.0}},\
     {type=\"activation\",function=\"relu\"},{type=\"linear\"}]";

#[test]
fn units_dead_before_and_during_training_are_one_finding_and_the_remedies_are_tried_in_turn() {
    let program = Program::new();
    let settings = ["data.source=digits", "train.epochs=4", "run.name=dead", "train.threads=1", DEAD];
    let mut arguments = vec!["train", "mlp", "--json"];
    settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
    let summary = program.run(&arguments).ended_with(1).json();
    let findings = summary["findings"].as_array().unwrap();
    assert_eq!(findings.iter().filter(|finding| finding["code"] == "K010").count(), 1, "{findings:#?}");
    let message = findings[0]["message"].as_str().unwrap();
    assert!(message.contains("before training begins; ") && message.contains("never fired"), "{message}");
    assert!(program.path("runs/dead/report.html").exists());

    let proof = program.run(&["prove", "runs/dead", "dead-relu", "--seeds", "1", "--steps", "60"]);
    proof.succeeded();
    assert!(proof.stderr.contains("K010 remedy "), "{}", proof.stderr);
    let text = proof.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("Confirmed") && text.contains("evenkeel fix runs/dead K010"), "{text}");
    let none = program.run(&["prove", "runs/dead", "K010", "--remedy", "99"]);
    none.refused(&["K010 has", "remedies", "Give 1 to"]);
}

#[test]
fn a_run_that_meets_nan_says_where_to_look() {
    let program = Program::new();
    let layers = "model.layers=[{type=\"linear\",out_features=64},{type=\"activation\",function=\"relu\"},\
                  {type=\"linear\",out_features=64},{type=\"activation\",function=\"relu\"},{type=\"linear\"}]";
    let settings =
        ["data.source=digits", "optimizer.type=sgd", "optimizer.learning_rate=500", "run.name=nan-run", layers];
    let mut arguments = vec!["train", "mlp"];
    settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
    let run = program.run(&arguments);
    run.refused(&["K001: the loss or its gradient became", "the first bad value is in the"]);
    for expected in ["runs/nan-run/flight_recorder.json", "runs/nan-run/report.html", "evenkeel fix runs/nan-run K"] {
        assert!(run.stdout.contains(expected), "{}\nlacks {expected}", run.stdout);
    }
    assert!(!run.stdout.contains("evenkeel eval"), "there is no model: {}", run.stdout);
    program.run(&["eval", "runs/nan-run"]).refused(&["the run failed before it had a model", "summary.json"]);
    let fixed = program.run(&["fix", "runs/nan-run", "K001", "--json"]).succeeded().json();
    assert_eq!(fixed["action"], "config_written", "{fixed:#}");
}
