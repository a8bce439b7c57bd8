//! The example that watches a PyTorch training, with the real PyTorch and the Python package where they are installed: the
//! measurements that it writes are diagnosed.

use std::path::Path;

use crate::program::Program;
use crate::python;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/pytorch");

/// Runs the example once for each line of standard input, in one process: importing PyTorch takes longer than a training run.
const TRAIN_EACH: &str =
    "import sys; sys.path.insert(0, sys.argv[1]); import train; [train.main(line.split()) for line in sys.stdin]";

/// A fault, the rule that names it, and the level it must have at least: that of a fact if the network learns nevertheless.
const FAULTS: [(&str, &str, &str); 15] = [
    ("raw_inputs", "K002", "error"),
    ("small_init", "K005", "error"),
    ("constant_init", "K006", "error"),
    ("softmax_twice", "K008", "warn"),
    ("saturated_tanh", "K009", "info"),
    ("dead_relu", "K010", "error"),
    ("sigmoid_stack", "K011", "error"),
    ("high_learning_rate", "K013", "error"),
    ("low_learning_rate", "K013", "warn"),
    ("hidden_softmax", "K008", "warn"),
    ("uncleared_gradients", "K028", "error"),
    ("unoptimised_layer", "K029", "info"),
    ("evaluation_mode", "K030", "warn"),
    ("training_evaluation", "K030", "warn"),
    ("unshuffled", "K031", "error"),
];

/// Trains once for each of `runs`, the words of its command line.
fn train(python: &Path, program: &Program, runs: &[String]) {
    let mut command = assert_cmd::Command::new(python);
    command.env("PYTHONDONTWRITEBYTECODE", "1").current_dir(program.path("")).args(["-c", TRAIN_EACH, EXAMPLE]);
    command.write_stdin(runs.join("\n")).assert().success();
}

/// Levels, least serious first.
const LEVELS: [&str; 3] = ["info", "warn", "error"];

/// Findings as (code, level).
fn findings(program: &Program, file: &str) -> Vec<(String, String)> {
    let document = program.run(&["diagnose", file, "--json"]).json();
    let findings = document["findings"].as_array().unwrap_or_else(|| panic!("{document}"));
    let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
    findings.iter().map(|finding| (text(finding, "code"), text(finding, "level"))).collect()
}

fn rank(level: &str) -> usize {
    LEVELS.iter().position(|known| *known == level).unwrap()
}

#[test]
fn every_fault_of_the_pytorch_example_is_named_and_the_healthy_run_is_not_accused() {
    let test = "every_fault_of_the_pytorch_example_is_named_and_the_healthy_run_is_not_accused";
    let Some(python) = python(test, "torch, evenkeel") else { return };
    let program = Program::new();
    // The last one updates after every fourth backward pass.
    let healthy = [(0, 1), (1, 1), (2, 4)]
        .map(|(seed, passes)| format!("--epochs 3 --output healthy-{seed}.jsonl --seed {seed} --accumulate {passes}"));
    let faulty = FAULTS.iter().map(|(fault, ..)| format!("--epochs 3 --output {fault}.jsonl --fault {fault}"));
    train(&python, &program, &healthy.into_iter().chain(faulty).collect::<Vec<_>>());
    for seed in 0..3 {
        let found = findings(&program, &format!("healthy-{seed}.jsonl"));
        assert!(found.iter().all(|(_, level)| level == "info"), "seed {seed}: {found:?}");
    }
    for (fault, code, level) in FAULTS {
        let found = findings(&program, &format!("{fault}.jsonl"));
        let named = found.iter().any(|(found, its)| found == code && rank(its) >= rank(level));
        assert!(named, "{fault}: {code} is not among {found:?}");
    }
}
