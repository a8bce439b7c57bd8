//! A disk that fills up while a checkpoint is written: the error says so, and the checkpoint before it survives.
#![cfg(unix)]

use std::process::Command;

use crate::program::{ENVIRONMENT, Program};

#[test]
fn the_previous_checkpoint_survives_a_full_disk() {
    let program = Program::new();
    let arguments = [
        "train",
        "--set",
        "model.preset=mlp",
        "--set",
        "run.name=full",
        "--set",
        "model.width=700",
        "--set",
        "data.source=spiral",
        "--set",
        "data.samples=4000",
    ];
    program.run(&[&arguments[..], &["--time-limit", "0.1s", "--json"]].concat()).succeeded();
    let checkpoints = program.path("runs/full/checkpoints");
    let last = checkpoints.join("last.safetensors");
    let before = std::fs::read(&last).unwrap();
    assert!(before.len() > 2 << 20, "{} bytes", before.len());
    // No file may grow beyond 1 MiB (in blocks of 512 bytes), and writing beyond it is an error, not a signal.
    let script = "trap '' XFSZ; ulimit -f 2048; exec \"$@\"";
    let binary = program.command(&[]).get_program().to_owned();
    let output = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(binary)
        .args(["train", "--resume", "runs/full"])
        .current_dir(program.path(""))
        .envs(ENVIRONMENT)
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr).replace(['│', '\n'], " ");
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(2), "{message}");
    for part in ["cannot write runs/full/checkpoints/", "the previous checkpoint is unchanged", "Free disk space"] {
        assert!(message.contains(part), "{message}\nlacks: {part}");
    }
    assert!(std::fs::read(&last).unwrap() == before, "the checkpoint changed");
    let names: Vec<_> = std::fs::read_dir(&checkpoints).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{names:?}");
    let summary = std::fs::read_to_string(program.path("runs/full/summary.json")).unwrap();
    assert!(summary.contains("\"failed\""), "{summary}");
    program.run(&["train", "--resume", "runs/full", "--time-limit", "0.2s", "--json"]).succeeded();
}
