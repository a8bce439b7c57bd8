//! A training that is stopped or killed ends, once resumed, in the same bits as one that never was.
#![cfg(unix)]

mod program;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use program::Program;

/// Starts a training in the background.
fn start(program: &Program, name: &str, epochs: u32) -> Child {
    Command::new(program.command(&[]).get_program())
        .args(["train", "--set", &format!("run.name={name}"), "--set", &format!("train.epochs={epochs}")])
        .args(["--set", "run.checkpoint_seconds=0.0", "--set", "model.width=8"])
        .current_dir(program.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn wait_for(path: &Path) {
    let began = Instant::now();
    while !path.exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "{} never appeared", path.display());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The numbers of a safetensors file: everything behind its header, which holds names and settings.
fn tensors(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    assert!(bytes.len() > 8 + header, "no numbers in {}", path.display());
    bytes[8 + header..].to_vec()
}

fn final_weights(program: &Program, name: &str) -> [Vec<u8>; 2] {
    let folder = program.path("runs").join(name);
    ["model.safetensors", "checkpoints/last.safetensors"].map(|file| tensors(&folder.join(file)))
}

#[test]
fn a_killed_training_ends_in_the_same_bits() {
    let program = Program::new();
    assert!(start(&program, "whole", 3).wait_with_output().unwrap().status.success());
    let whole = final_weights(&program, "whole");
    for (number, milliseconds) in [0, 7, 31, 90, 170, 290].into_iter().enumerate() {
        let name = format!("killed-{number}");
        let folder = program.path("runs").join(&name);
        let mut child = start(&program, &name, 3);
        wait_for(&folder.join("summary.json"));
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        program.run(&["train", "--resume", &format!("runs/{name}"), "--json"]).succeeded();
        assert!(final_weights(&program, &name) == whole, "killed {milliseconds} ms after its start");
    }
}

#[test]
fn an_interrupted_training_stops_with_a_checkpoint_and_says_how_to_resume() {
    let program = Program::new();
    let child = start(&program, "interrupted", 100_000);
    wait_for(&program.path("runs/interrupted/checkpoints/last.safetensors"));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.starts_with("stopped") && text.contains("evenkeel train --resume runs/interrupted"), "{text}");
    let limited = program.run(&["train", "--resume", "runs/interrupted", "--time-limit", "0.2s", "--json"]);
    limited.succeeded();
    assert_eq!(limited.json()["status"], "stopped");
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let program = Program::new();
    let weights = |threads: usize| {
        let (name, threads) = (format!("run.name=threads-{threads}"), format!("train.threads={threads}"));
        program.run(&["train", "--set", "train.epochs=1", "--set", &name, "--set", &threads]).succeeded();
        final_weights(&program, &name["run.name=".len()..])
    };
    let one = weights(1);
    for threads in [2, 3, 5] {
        assert!(weights(threads) == one, "{threads} threads");
    }
}
