//! Training on the ranks of a real `mpirun`: one run, one voice, and an end for all when one is killed.

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use keel_testkit::skipped;
use keel_train::runs::RunFolder;

use crate::program::{ENVIRONMENT, Program, write};

/// Time after which a job that should have ended is taken for one that hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// Returns the command `mpirun` of Open MPI without arguments; records a skip and returns `None` if it is not installed.
fn mpirun(program: &Program, test: &str) -> Option<Command> {
    let version = Command::new("mpirun").arg("--version").output();
    if !version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("Open MPI")) {
        skipped(test, "there is no mpirun of Open MPI");
        return None;
    }
    let mut command = Command::new("mpirun");
    // Containers run tests as root, which mpirun refuses otherwise.
    command.envs(["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"].map(|name| (name, "1")));
    command.current_dir(program.path("")).envs(ENVIRONMENT).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).arg("--oversubscribe");
    Some(command)
}

/// The program on `ranks` processes.
fn on_ranks(program: &Program, ranks: usize, arguments: &[&str], test: &str) -> Option<Child> {
    let mut command = mpirun(program, test)?;
    command.args(["-n", &ranks.to_string()]).arg(program.process().get_program()).args(arguments);
    Some(command.spawn().unwrap())
}

/// Waits until the job ends.
fn end(job: Child) -> Output {
    let identity = job.id();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(job.wait_with_output()));
    match receiver.recv_timeout(LIMIT) {
        Ok(output) => output.unwrap(),
        Err(_) => {
            let _ = Command::new("kill").args(["-9", &identity.to_string()]).status();
            panic!("the job runs for more than {LIMIT:?}");
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const DIGITS: [&str; 13] = [
    "train",
    "digits",
    "--set",
    "model.preset=cnn",
    "--set",
    "train.epochs=2",
    "--set",
    "run.name=run",
    "--set",
    "health.level=standard",
    "--set",
    "train.batch_size=65",
    "--json",
];

#[test]
fn ranks_write_one_run_and_speak_with_one_voice() {
    let program = Program::new();
    let test = "ranks_write_one_run_and_speak_with_one_voice";
    let Some(job) = on_ranks(&program, 2, &DIGITS, test) else { return };
    let output = end(job);
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["ranks"]["count"], 2);
    assert!(document["ranks"]["sent_bytes_per_step"].as_f64().unwrap() > 1000.0, "{document}");
    let told = text(&output.stderr);
    assert!(told.contains("ranks       2 on 1 machine, 1 thread each"), "{told}");
    assert_eq!(std::fs::read_dir(program.path("runs")).unwrap().count(), 1, "one rank writes the run");
    let accuracy = document["metrics"]["test"]["accuracy"].as_f64().unwrap();
    // Goes on by itself, without a launcher.
    let alone = [&DIGITS[..], &["--set", "run.name=alone"]].concat();
    let alone: serde_json::Value = serde_json::from_str(&program.run(&alone).succeeded().stdout).unwrap();
    let expected = alone["metrics"]["test"]["accuracy"].as_f64().unwrap();
    assert!((accuracy - expected).abs() < 0.03, "{accuracy} {expected}");
}

#[test]
fn wrong_arguments_are_said_once_by_the_first_rank() {
    let program = Program::new();
    let arguments = ["train", "nowhere.csv", "--target", "y"];
    let Some(job) = on_ranks(&program, 3, &arguments, "wrong_arguments_are_said_once_by_the_first_rank") else {
        return;
    };
    let output = end(job);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert_eq!(told.matches("there is no file or folder of this name").count(), 1, "{told}");
    let other = end(on_ranks(&program, 2, &["catalog"], "").unwrap());
    let told = text(&other.stderr);
    assert_eq!(told.matches("only `evenkeel train` runs on several").count(), 1, "{told}");
    assert_eq!(other.status.code(), Some(2));
}

#[test]
fn all_ranks_take_the_defaults_of_the_first() {
    let program = Program::new();
    write(&program.path("0.toml"), "[train]\nepochs = 3\n");
    write(&program.path("1.toml"), "[train]\nepochs = \"never read\"\n");
    let Some(mut command) = mpirun(&program, "all_ranks_take_the_defaults_of_the_first") else { return };
    let set = ["--set", "data.source=spiral", "--set", "model.preset=mlp", "--set", "run.name=run"];
    let arguments = [&["train", "--json"][..], &set].concat();
    for rank in 0..2 {
        let defaults = format!("EVENKEEL_CONFIG={rank}.toml");
        command.args(["-n", "1", "-x", &defaults]).arg(program.process().get_program()).args(&arguments);
        command.args((rank == 0).then_some(":"));
    }
    let output = end(command.spawn().unwrap());
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("defaults    0.toml: train.epochs = 3").count(), 1, "{said}");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((document["epochs"].as_u64(), document["ranks"]["count"].as_u64()), (Some(3), Some(2)));
    // Rows that only the second rank holds were still there when the first one wrote the pages.
    assert!(!said.contains("was not measured") && !said.contains("no report was written"), "{said}");
    assert!(program.path("runs/run/importance.json").exists(), "{said}");
}

/// Processes of the job that compute, by the number of their rank.
fn rank_process(program: &Program, rank: usize) -> Option<u32> {
    let folder = program.path("").canonicalize().unwrap();
    let variable = format!("OMPI_COMM_WORLD_RANK={rank}");
    std::fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let identity: u32 = entry.file_name().to_str()?.parse().ok()?;
        let here = std::fs::read_link(entry.path().join("cwd")).ok()? == folder;
        let environment = std::fs::read(entry.path().join("environ")).ok()?;
        let is_rank = environment.split(|byte| *byte == 0).any(|pair| pair == variable.as_bytes());
        (here && is_rank).then_some(identity)
    })
}

#[test]
fn a_killed_rank_ends_the_job_and_the_run_goes_on_with_another_number() {
    let test = "a_killed_rank_ends_the_job_and_the_run_goes_on_with_another_number";
    for (killed, name) in [(1, "follower"), (0, "first")] {
        let program = Program::new();
        let long = [
            "train",
            "digits",
            "--set",
            "train.epochs=1000",
            "--set",
            "run.checkpoint_seconds=0.1",
            "--set",
            "run.name=run",
        ];
        let Some(job) = on_ranks(&program, 2, &long, test) else { return };
        let folder = program.path("runs/run");
        let start = Instant::now();
        while !folder.join("checkpoints/last.safetensors").exists() {
            assert!(start.elapsed() < LIMIT, "{name}: no checkpoint");
            std::thread::sleep(Duration::from_millis(20));
        }
        let identity = rank_process(&program, killed).unwrap();
        assert!(Command::new("kill").args(["-9", &identity.to_string()]).status().unwrap().success());
        let killed_at = Instant::now();
        let output = end(job);
        let told = text(&output.stderr) + &text(&output.stdout);
        assert!(killed_at.elapsed() < Duration::from_secs(15), "{name}: {:?}\n{told}", killed_at.elapsed());
        assert!(!output.status.success(), "{name}");
        assert!(told.contains("rank"), "{name}: {told}");
        let steps = |folder: &RunFolder| folder.read_summary().unwrap().steps;
        let on = ["train", "--resume", "runs/run", "--time-limit", "1s"];
        let resumed = end(on_ranks(&program, 3, &on, test).unwrap());
        let folder = RunFolder::open(&folder).unwrap();
        assert!(steps(&folder) > 0, "{name}: {}", text(&resumed.stderr));
        assert!(
            text(&resumed.stdout).contains("Run: runs/run"),
            "{name}: {}\n{}",
            text(&resumed.stdout),
            text(&resumed.stderr)
        );
        program.run(&on).succeeded();
    }
}
