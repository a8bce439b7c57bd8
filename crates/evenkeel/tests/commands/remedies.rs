//! Before a training and after its findings: the check of a config, the proof of a finding, its remedy applied.

use crate::program::Program;

#[test]
fn equal_weights_are_found_before_the_first_step() {
    let program = Program::new();
    let arguments = ["check", "--set", "model.init=zeros", "--set", "model.width=8", "--json"];
    let run = program.run(&arguments);
    let document = run.ended_with(1).json();
    assert_eq!(document["findings"][0]["code"], "K006", "{document:#}");
    program.run(&["check", "nofile.toml"]).refused(&["nofile.toml"]);
    program.run(&["check", "--budget", "x"]).refused(&["write 90s, 10m or 1h30m"]);
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
    program.run(&arguments).succeeded();

    let proof = program.run(&["prove", "runs/r", "K002", "--seeds", "2", "--steps", "10", "--json"]);
    let proof = proof.succeeded().json();
    assert_eq!((proof["without"].as_array().unwrap().len(), proof["with"].as_array().unwrap().len()), (2, 2));
    assert!(proof["with"][0]["result"]["loss"].is_f64() && proof["score"] == "accuracy", "{proof:#}");
    let summary: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(program.path("runs/r/summary.json")).unwrap()).unwrap();
    let findings = summary["findings"].as_array().unwrap();
    let recorded = findings.iter().find(|finding| finding["code"] == "K002").unwrap();
    assert_eq!(recorded["proof"]["verdict"], proof["verdict"]);
    assert_eq!(recorded["level"] == recorded["level_before_proof"], proof["verdict"] == "confirmed", "{recorded:#}");

    let fixed = program.run(&["fix", "runs/r", "K002", "--json"]).succeeded().json();
    assert_eq!(fixed["action"], "config_written", "{fixed:#}");
    assert!(fixed["before"]["test"]["score"].is_f64() && fixed["after"].is_null(), "{fixed:#}");
    let config = std::fs::read_to_string(program.path("runs/r/fix-K002.toml")).unwrap();
    assert!(config.contains("steps = [\"standardize\"]"), "{config}");
    let trained = program.run(&["fix", "runs/r", "K002", "--train", "--json"]);
    let trained = trained.json();
    assert_eq!(trained["action"], "trained", "{trained:#}");
    assert!(trained["after"]["test"]["score"].is_f64() && program.path("runs/r-fix-K002/summary.json").exists());

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
    none.refused(&["K010 has", "remedies", "--remedy 1 to"]);
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

/// Settings of a plain perceptron on the digits, which hides no fault.
const PLAIN: [&str; 3] = [
    "data.source=digits",
    "train.threads=1",
    "model.layers=[{type=\"linear\",out_features=32},{type=\"activation\",function=\"relu\"},{type=\"linear\"}]",
];

/// Writes a config with these settings.
fn config(program: &Program, name: &str, settings: &[&str]) {
    let path = program.path(name);
    let text: String = PLAIN.iter().chain(settings).map(|setting| dotted(setting)).collect();
    std::fs::write(path, text).unwrap();
}

/// `a.b=c` as a line of TOML.
fn dotted(setting: &str) -> String {
    let (key, value) = setting.split_once('=').unwrap();
    let plain = value.starts_with(['[', '{', '"']) || value.parse::<f64>().is_ok();
    if plain { format!("{key} = {value}\n") } else { format!("{key} = \"{value}\"\n") }
}

#[test]
fn the_doctor_repairs_a_learning_rate_far_too_high_and_leaves_the_story() {
    let program = Program::new();
    config(&program, "hot.toml", &["train.epochs=4", "optimizer.type=sgd", "optimizer.learning_rate=50.0"]);
    let run = program.run(&["doctor", "hot.toml", "--trainings", "40", "--json"]);
    let document = run.succeeded().json();
    assert_eq!(document["ending"], "better", "{document:#}");
    for file in ["repaired.toml", "doctor.html", "doctor.json"] {
        assert!(program.path(&format!("runs/hot-doctor/{file}")).exists(), "{file}");
    }
    let mean = |side: &str| {
        let runs = document[side].as_array().unwrap();
        runs.iter().map(|run| run["test"]["score"].as_f64().unwrap_or(0.0)).sum::<f64>() / runs.len() as f64
    };
    assert!(mean("end") > mean("start") + 0.3, "{document:#}");
    assert!(run.stderr.contains("training   1") && run.stderr.contains("kept"), "{}", run.stderr);
    let repaired = ["train", "runs/hot-doctor/repaired.toml", "--json"];
    let summary = program.run(&repaired).json();
    assert!(summary["metrics"]["test"]["accuracy"].as_f64().unwrap() > 0.8, "{summary:#}");

    // The run of the faulty config is treated as well, and the folder is a new one.
    program.run(&["train", "hot.toml", "--set", "run.name=hot"]);
    let again = program.run(&["doctor", "runs/hot", "--trainings", "40"]);
    again.succeeded();
    let text = again.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("Better than the start by more than the spread over seeds"), "{text}");
    assert!(text.contains("changed optimizer.") && program.path("runs/hot-doctor-2/repaired.toml").exists(), "{text}");
}

#[test]
fn the_doctor_standardises_raw_inputs() {
    let program = Program::new();
    let row = |index: u32| {
        let (a, b) = (f64::from(index * 37 % 400) * 8.0, 400.0 + f64::from(index * 53 % 200));
        let c = f64::from(index * 71 % 200) / 100.0 - 1.0;
        format!("{a},{b},{c},{:.4}\n", (a / 600.0).sin() + (b - 500.0) / 200.0 * c)
    };
    let rows: String = (0..400).map(row).collect();
    std::fs::write(program.path("rows.csv"), format!("a,b,c,y\n{rows}")).unwrap();
    let settings = [
        "data.source=\"rows.csv\"",
        "data.target=y",
        "preprocess.steps=[]",
        "train.epochs=30",
        "optimizer.type=sgd",
        "optimizer.learning_rate=0.01",
        PLAIN[1],
        PLAIN[2],
    ];
    std::fs::write(program.path("raw.toml"), settings.map(dotted).concat()).unwrap();
    let document = program.run(&["doctor", "raw.toml", "--trainings", "60", "--json"]).succeeded().json();
    assert_eq!(document["ending"], "better", "{document:#}");
    let changes = document["changes"].as_array().unwrap();
    assert!(changes.iter().any(|change| change["key"] == "preprocess.steps"), "{document:#}");
    assert!(document["end"][0]["test"]["score"].as_f64().unwrap() > 0.5, "{document:#}");
}

#[test]
fn the_doctor_leaves_a_healthy_training_alone() {
    let program = Program::new();
    let run = program.run(&["doctor", "mlp", "--set", "data.source=digits", "--trainings", "20", "--json"]);
    let document = run.succeeded().json();
    assert!(["healthy", "better"].contains(&document["ending"].as_str().unwrap()), "{document:#}");
    assert_eq!(document["found"], serde_json::json!([]), "{document:#}");
}

#[test]
fn the_doctor_refuses_what_it_cannot_treat() {
    let program = Program::new();
    config(&program, "a.toml", &[]);
    program.run(&["doctor", "missing.toml"]).refused(&["missing.toml", "there is no file or folder of this name"]);
    program.run(&["doctor", "a.toml", "--trainings", "3"]).refused(&["--trainings"]);
    program.run(&["doctor", "a.toml", "--budget", "soon"]).refused(&["--budget"]);
    program.run(&["doctor", "a.toml", "--out", "a.toml"]).refused(&["a.toml exists already", "--out"]);
    program.run(&["doctor", "a.toml", "--set", "data.source=\"none.csv\""]).refused(&["none.csv"]);
    let broken = ["doctor", "a.toml", "--set", "model.layers=[{type=\"linear\",out_features=3}]"];
    program.run(&broken).refused(&["the data needs 10"]);
    assert!(!program.path("runs/a-doctor").exists(), "a refusal leaves no folder");
    program.run(&["train", "a.toml", "--set", "run.name=r", "--set", "train.epochs=1"]);
    program.run(&["doctor", "runs/r", "--set", "train.epochs=3"]).refused(&["a run has its own", "runs/r/config.toml"]);
    program.run(&["bench", "doctor", "--cases", "none"]).refused(&["none/faulty", "--cases"]);
}

#[cfg(unix)]
#[test]
fn the_doctor_can_be_interrupted_and_leaves_what_there_is() {
    use std::process::{Command, Stdio};
    let program = Program::new();
    config(&program, "slow.toml", &["train.epochs=200", "model.init=zeros"]);
    let mut child = program
        .process()
        .args(["doctor", "slow.toml", "--budget", "1h"])
        .current_dir(program.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let story = program.path("runs/slow-doctor/doctor.json");
    while !story.exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let story: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(story).unwrap()).unwrap();
    assert_eq!(story["ending"], "stopped", "{story:#}");
    assert!(program.path("runs/slow-doctor/doctor.html").exists());
}
