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
