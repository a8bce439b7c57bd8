//! Resuming: one process at a time, the data of the start, and a word where the machine is another one.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::program::{Program, unwrapped, write};

fn table(first: &str) -> String {
    let row = |number: u32| {
        format!("{}.5,{},{}\n", number * 37 % 50, number * 11 % 30, if number.is_multiple_of(3) { "yes" } else { "no" })
    };
    format!("a,b,label\n{first}\n{}", (0..80).map(row).collect::<String>())
}

/// A training that lasts a moment. How many steps that is depends on the machine, so no rule may judge them.
const SHORT: [&str; 14] = [
    "train",
    "rows.csv",
    "--target",
    "label",
    "--set",
    "run.name=run",
    "--set",
    "train.epochs=100000",
    "--set",
    "model.preset=mlp",
    "--set",
    "health.level=off",
    "--time-limit",
    "0.3s",
];

/// Arguments that continue the run for a moment.
const ON: [&str; 5] = ["train", "--resume", "runs/run", "--time-limit", "0.5s"];

#[test]
fn a_second_process_is_refused_and_the_lock_of_a_killed_one_is_free() {
    let program = Program::new();
    write(&program.path("rows.csv"), &table("1,2,yes"));
    let long = [&SHORT[..12], &["--set", "run.checkpoint_seconds=0.05"]].concat();
    let mut child = program
        .process()
        .args(&long)
        .current_dir(program.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while !program.path("runs/run/checkpoints/last.safetensors").exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "no checkpoint within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
    let holder = format!("process {}", child.id());
    for _ in 0..3 {
        program.run(&ON).refused(&["runs/run", &holder, "is writing to this run; wait until it has ended"]);
    }
    program.run(&["report", "runs/run"]).succeeded();
    assert!(child.try_wait().unwrap().is_none(), "the training goes on");
    child.kill().unwrap();
    child.wait().unwrap();
    program.run(&ON).succeeded();
}

#[test]
fn changed_data_is_refused_and_noted_where_it_is_allowed() {
    let program = Program::new();
    write(&program.path("rows.csv"), &table("1,2,yes"));
    program.run(&SHORT).succeeded();
    program.run(&ON).succeeded();
    write(&program.path("rows.csv"), &table("1,3,yes"));
    program.run(&ON).refused(&["data: runs/run was trained on other samples", "--allow-changed-data"]);
    let allowed = program.run(&[&ON[..], &["--allow-changed-data"]].concat());
    allowed.succeeded();
    assert!(unwrapped(&allowed.stderr).contains("note begun on other samples"), "{}", allowed.stderr);
    let summary = std::fs::read_to_string(program.path("runs/run/summary.json")).unwrap();
    assert!(summary.contains("begun on other samples"), "{summary}");
    program.run(&ON).succeeded();
    program.run(&["train", "rows.csv", "--allow-changed-data"]).ended_with(2);
}

#[test]
fn other_vector_instructions_are_said() {
    let program = Program::new();
    write(&program.path("rows.csv"), &table("1,2,yes"));
    let first = program.finish(program.command(&SHORT).env("KEEL_SIMD", "scalar"), &SHORT);
    first.succeeded();
    let same = program.finish(program.command(&ON).env("KEEL_SIMD", "scalar"), &ON);
    assert!(!same.succeeded().stderr.contains("begun on"), "{}", same.stderr);
    let other = program.finish(program.command(&ON).env_remove("KEEL_SIMD"), &ON);
    let simd = keel_kernels::simd::level().name();
    let said = unwrapped(&other.succeeded().stderr).contains("begun on");
    assert_eq!(said, simd != "scalar", "{simd}: {}", other.stderr);
}
