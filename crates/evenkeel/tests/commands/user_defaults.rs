//! A user's own defaults: below everything else, reported, and part of the run.

use crate::program::{Finished, Program, write};

const DEFAULTS: &str = "[train]\nepochs = 3\nbatch_size = 16\n\n[optimizer]\ntype = \"adam\"\n";

/// Runs the program as a user whose folder of configs is `home`.
fn as_user(program: &Program, arguments: &[&str]) -> Finished {
    let mut command = program.command(arguments);
    command.env_remove("EVENKEEL_CONFIG").env("XDG_CONFIG_HOME", program.path("home"));
    command.env("APPDATA", program.path("home"));
    program.finish(&mut command, arguments)
}

#[test]
fn defaults_lie_below_the_config_and_stay_with_the_run() {
    let program = Program::new();
    write(&program.path("home/evenkeel/config.toml"), DEFAULTS);
    write(
        &program.path("my.toml"),
        "[data]\nsource = \"spiral\"\n[model]\npreset = \"mlp\"\n[train]\nbatch_size = 40\n",
    );
    let trained = as_user(&program, &["train", "my.toml", "--set", "run.name=r", "--json"]);
    assert_eq!(trained.succeeded().json()["epochs"], 3);
    let line = "evenkeel/config.toml: train.epochs = 3, optimizer.type = \"adam\"\n";
    assert!(trained.stderr.contains("defaults    ") && trained.stderr.contains(line), "{}", trained.stderr);
    let config = std::fs::read_to_string(program.path("runs/r/config.toml")).unwrap();
    for line in ["epochs = 3", "batch_size = 40", "type = \"adam\""] {
        assert!(config.lines().any(|found| found == line), "{line}\n{config}");
    }
    // The same run without the file, from the config it left.
    std::fs::rename(program.path("runs"), program.path("first")).unwrap();
    let again = program.run(&["train", "first/r/config.toml", "--json"]);
    assert!(!again.stderr.contains("defaults    "), "{}", again.stderr);
    let weights = |folder: &str| {
        let mut file = std::fs::read(program.path(&format!("{folder}/r/model.safetensors"))).unwrap();
        let header = u64::from_le_bytes(file[..8].try_into().unwrap());
        file.split_off(8 + header as usize)
    };
    assert_eq!(again.succeeded().json()["metrics"], trained.json()["metrics"]);
    assert!(weights("runs") == weights("first"), "the weights differ");
}

#[test]
fn overrides_win_and_unused_defaults_are_not_reported() {
    let program = Program::new();
    write(&program.path("home/evenkeel/config.toml"), "[train]\nbatch_size = 16\n");
    let planned = as_user(&program, &["plan", "--set", "data.source=spiral", "--json"]);
    assert_eq!(planned.succeeded().json()["batch"], 16);
    assert!(planned.stderr.contains("train.batch_size = 16"), "{}", planned.stderr);
    let set = ["plan", "--set", "data.source=spiral", "--set", "train.batch_size=8", "--json"];
    let planned = as_user(&program, &set);
    assert_eq!(planned.succeeded().json()["batch"], 8);
    assert!(!planned.stderr.contains("defaults"), "{}", planned.stderr);
    let ignored = ["plan", "--set", "data.source=spiral", "--json"];
    let mut command = program.command(&ignored);
    command.env("EVENKEEL_CONFIG", "none").env("XDG_CONFIG_HOME", program.path("home"));
    assert_ne!(program.finish(&mut command, &ignored).succeeded().json()["batch"], 16);
}

#[test]
fn faults_of_the_file_are_refused_with_its_name() {
    let program = Program::new();
    let file = program.path("home/evenkeel/config.toml");
    write(&file, "[train]\nepoch = 3\n");
    let refused = as_user(&program, &["plan"]);
    refused.refused(&["evenkeel/config.toml:2: `train.epoch`: unknown key; did you mean `epochs`?"]);
    // A value that only the data show to be wrong.
    write(&file, "[data]\ntarget = \"nothing\"\n");
    write(&program.path("rows.csv"), &format!("a,b\n{}", "1,2\n3,4\n".repeat(30)));
    as_user(&program, &["train", "rows.csv"]).refused(&["evenkeel/config.toml:2", "nothing"]);
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    as_user(&program, &["plan"]).refused(&["evenkeel/config.toml: cannot read your defaults"]);
    let named = ["plan"];
    let mut command = program.command(&named);
    command.env("EVENKEEL_CONFIG", "missing.toml");
    program.finish(&mut command, &named).refused(&["missing.toml: cannot read your defaults"]);
}

#[test]
fn benchmarks_do_not_depend_on_them() {
    let program = Program::new();
    write(&program.path("faulty.toml"), "[train]\nepochs = 0\n");
    let arguments = ["bench", "--no-peers", "--only", "start", "--turns", "1", "--json"];
    let mut command = program.command(&arguments);
    command.env("EVENKEEL_CONFIG", "faulty.toml");
    let measured = program.finish(&mut command, &arguments);
    assert!(measured.succeeded().json()["rows"][0]["seconds"].is_f64(), "{}", measured.stdout);
}
