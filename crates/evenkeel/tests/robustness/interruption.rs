//! A training run that is stopped or killed ends, once resumed, in the same bits as one that never was.
#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::Program;

/// Starts a training run in the background.
fn start(program: &Program, name: &str, epochs: u32) -> Child {
    program
        .process()
        .args(["train", "--set", &format!("run.name={name}"), "--set", &format!("train.epochs={epochs}")])
        .args(["--set", "run.checkpoint_seconds=0.0", "--set", "model.width=8"])
        .current_dir(program.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn wait_for(path: &Path) {
    wait_until(&format!("{} never appeared", path.display()), || path.exists());
}

fn wait_until(never: &str, there: impl Fn() -> bool) {
    let began = Instant::now();
    while !there() {
        assert!(began.elapsed() < Duration::from_secs(60), "{never}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The numbers of a safetensors file: everything after its header, which holds names and settings.
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

/// A small training with a checkpoint after every step, started in the background.
fn start_small(program: &Program, name: &str) -> Child {
    program
        .process()
        .args(["train", "mlp", "--set", "data.source=spiral", "--set", "model.width=8", "--set", "train.epochs=8"])
        .args(["--set", "run.checkpoint_seconds=0.0", "--set", "health.level=off", "--set", "train.threads=1"])
        .args(["--set", &format!("run.name={name}")])
        .current_dir(program.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills a training run after `delay`, resumes it and returns its result.
fn killed_after(program: &Program, name: &str, delay: Duration) -> [Vec<u8>; 2] {
    let mut child = start_small(program, name);
    wait_for(&program.path("runs").join(name).join("summary.json"));
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
    program.run(&["train", "--resume", &format!("runs/{name}"), "--json"]).succeeded();
    final_weights(program, name)
}

#[test]
fn a_training_killed_at_twenty_instants_ends_in_the_same_bits() {
    let program = Program::new();
    let mut child = start_small(&program, "whole");
    wait_for(&program.path("runs/whole/summary.json"));
    let began = Instant::now();
    assert!(child.wait().unwrap().success());
    let duration = began.elapsed();
    let whole = final_weights(&program, "whole");
    // Instants spread over the whole training by the golden ratio: no two close together, none on a rhythm.
    let instants: Vec<f64> = (0..20).map(|number| (0.618_034 * f64::from(number)).fract()).collect();
    std::thread::scope(|scope| {
        for (worker, instants) in instants.chunks(5).enumerate() {
            let (program, whole) = (&program, &whole);
            scope.spawn(move || {
                for (number, &instant) in instants.iter().enumerate() {
                    let name = format!("killed-{worker}-{number}");
                    let ended = killed_after(program, &name, duration.mul_f64(instant));
                    assert!(ended == *whole, "killed at {instant:.2} of its duration");
                    let checkpoints = std::fs::read_dir(program.path("runs").join(&name).join("checkpoints")).unwrap();
                    let leftovers = checkpoints
                        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
                    assert_eq!(leftovers.count(), 0, "{name} holds half-written files");
                }
            });
        }
    });
}

#[test]
fn an_interrupted_training_stops_with_a_checkpoint_and_says_how_to_resume() {
    let program = Program::new();
    let child = start(&program, "interrupted", 100_000);
    wait_for(&program.path("runs/interrupted/checkpoints/last.safetensors"));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.starts_with("stopped") && text.contains("evenkeel train --resume runs/interrupted"), "{text}");
    let limited = program.run(&["train", "--resume", "runs/interrupted", "--time-limit", "0.2s", "--json"]);
    limited.succeeded();
    assert_eq!(limited.json()["status"], "stopped");
}

/// Sends Ctrl-C.
fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn an_interrupted_proof_leaves_nothing_behind() {
    let program = Program::new();
    let settings = ["train.epochs=1", "model.width=8", "run.name=r", "preprocess.steps=[]", "train.threads=1"];
    let mut arguments = vec!["train"];
    settings.iter().for_each(|setting| arguments.extend(["--set", setting]));
    program.run(&arguments).succeeded();
    let summary = std::fs::read(program.path("runs/r/summary.json")).unwrap();
    let scratch = program.path("scratch");
    std::fs::create_dir(&scratch).unwrap();
    for presses in [1, 2] {
        let child = program
            .process()
            .args(["prove", "runs/r", "K002", "--steps", "1000000", "--seeds", "1"])
            .current_dir(program.path(""))
            .env("TMPDIR", &scratch)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until("no metrics of a proof appeared", || {
            let mut folders = std::fs::read_dir(&scratch).unwrap().flatten();
            folders.any(|folder| folder.path().join("arm/metrics.sqlite").exists())
        });
        (0..presses).for_each(|_| interrupt(&child));
        let output = child.wait_with_output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains("nothing was recorded") || message.contains("stopped at once"), "{message}");
        assert!(output.stdout.is_empty());
        assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0, "{presses}: the temporary folder is left over");
        assert_eq!(std::fs::read(program.path("runs/r/summary.json")).unwrap(), summary);
    }
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
