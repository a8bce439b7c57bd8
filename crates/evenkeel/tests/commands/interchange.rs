//! Models and measurements for other programs, as a person moves them: export, import, training on, TensorBoard, tables.

use crate::program::{Program, unwrapped};

const TRAIN: [&str; 11] = [
    "train",
    "mlp",
    "--set",
    "data.source=t.csv",
    "--set",
    "run.name=r",
    "--set",
    "train.epochs=2",
    "--log",
    "tensorboard",
    "--json",
];

/// A trained run on a table with a number, a category and a class.
fn trained() -> Program {
    let program = Program::new();
    let mut text = "size,colour,label\n".to_owned();
    for row in 0..120 {
        let (size, colour) = ((row as f32 * 0.7).sin(), ["red", "green", "blue"][row % 3]);
        text += &format!("{size:.4},{colour},{}\n", if size > 0.0 || colour == "red" { "yes" } else { "no" });
    }
    std::fs::write(program.path("t.csv"), text).unwrap();
    program.run(&TRAIN).succeeded();
    program
}

#[test]
fn a_model_goes_out_and_comes_back() {
    let program = trained();
    let document = program.run(&["export", "runs/r", "r.onnx", "--json"]).json();
    assert_eq!(document["inputs"][1]["name"], "colour", "{document}");
    assert!(document["verification"]["real_samples"].as_u64().unwrap() > 0, "{document}");
    assert!(document["verification"]["largest_difference"].as_f64().unwrap() <= 1e-5, "{document}");
    let shown = program.run(&["export", "runs/r", "kept.onnx", "--keep-batch-norm", "--float16", "--opset", "18"]);
    assert!(shown.succeeded().stdout.contains("predicts as the model does"), "{}", shown.stdout);
    let imported = program.run(&["import", "r.onnx", "--json"]).json();
    assert_eq!(imported["task"], "classification", "{imported}");
    let evaluated = |model: &str| program.run(&["eval", model, "t.csv", "--json"]).json()["metrics"].clone();
    let (imported, own) = (evaluated("r/model.safetensors"), evaluated("runs/r"));
    let [found, expected] = [&imported, &own].map(|metrics| metrics["loss"].as_f64().unwrap());
    assert!((found - expected).abs() < 1e-5 && imported["accuracy"] == own["accuracy"], "{imported} {own}");
    // Other classes: the last layer is drawn at random, the others keep their weights.
    let rows = std::fs::read_to_string(program.path("t.csv")).unwrap();
    let third = |(row, line): (usize, &str)| match row % 4 {
        1 => format!("{},maybe\n", line.rsplit_once(',').unwrap().0),
        _ => format!("{line}\n"),
    };
    std::fs::write(program.path("three.csv"), rows.lines().enumerate().map(third).collect::<String>()).unwrap();
    let other = ["train", "r/config.toml", "--set", "data.source=three.csv", "--set", "train.epochs=1"];
    let other = program.run(&[&other[..], &["--set", "run.name=other", "--json"]].concat());
    assert!(matches!(other.status, Some(0 | 1)), "{}", other.stderr);
    let summary = other.json();
    assert_eq!(summary["metrics"]["train"]["classes"].as_array().map(Vec::len), Some(3), "{summary}");
    let notes = unwrapped(&other.stderr);
    assert!(notes.contains("drawn at random, since the file does not have them"), "{notes}");
    program.run(&["train", "r/config.toml"]).refused(&[
        "r/config.toml:4",
        "`data.source`: names no data",
        "--set data.source=",
    ]);
    let trained = program.run(&["train", "r/config.toml", "--set", "data.source=t.csv", "--set", "train.epochs=1"]);
    trained.succeeded();
    let config = program.path("r/config.toml");
    let edited = std::fs::read_to_string(&config).unwrap().replace("source = \"\"", "source = \"t.csv\"");
    assert!(edited.contains("\n\n[train]\n"), "a blank line before every section: {edited}");
    std::fs::write(&config, &edited).unwrap();
    program.run(&["import", "r.onnx"]).refused(&["r/config.toml exists already", "--out"]);
    assert_eq!(std::fs::read_to_string(&config).unwrap(), edited, "a second import overwrites nothing");
    program.run(&["import", "r.onnx", "--out", "r2"]).succeeded();
    let source = ["train", "--set", "model.source=kept.onnx", "--set", "data.source=t.csv", "--set", "train.epochs=1"];
    program.run(&[&source[..], &["--set", "run.name=further"]].concat()).succeeded();
    let kept = std::fs::read_to_string(program.path("runs/further/config.toml")).unwrap();
    assert!(
        kept.contains("kept.onnx") && kept.contains("[[model.layers]]") && !kept.contains("source = \"kept"),
        "{kept}"
    );
    program
        .run(&["plan", "mlp", "--set", "model.source=kept.onnx"])
        .refused(&["--set model.source=kept.onnx", "model.preset"]);
    program.run(&["import", "t.csv"]).refused(&["t.csv", "it is not an ONNX model"]);
    for (file, bytes, next) in
        [("net.pt", &b"PK\x03\x04"[..], "torch.onnx.export("), ("net.keras", b"PK\x03\x04", "keras.saving.load_model(")]
    {
        std::fs::write(program.path(file), bytes).unwrap();
        program.run(&["import", file]).refused(&[file, next]);
        for (preset, key) in [(&[][..], "model.source"), (&["mlp"], "model.weights")] {
            let setting = format!("{key}={file}");
            let train = [&["train"], preset, &["--set", "data.source=t.csv", "--set", &setting]].concat();
            program.run(&train).refused(&[&setting, next]);
        }
    }
    std::fs::write(program.path("w.safetensors"), "none yet").unwrap();
    std::fs::write(program.path("w-weights.safetensors"), "kept").unwrap();
    let weights = program.run(&["import", "w.safetensors", "--preset", "resnet18"]);
    weights.refused(&["w-weights.safetensors exists already", "--out"]);
    assert_eq!(std::fs::read_to_string(program.path("w-weights.safetensors")).unwrap(), "kept");
    program.run(&["export", "runs/r", "r.pt"]).refused(&["r.pt", ".onnx"]);
    program.run(&["export", "runs/r", "r.onnx", "--opset", "9"]).refused(&["operator set 9", "17 to 21"]);
}

#[test]
fn an_export_is_compared_on_real_rows_of_every_kind() {
    let program = Program::new();
    for (run, head, cell) in [
        (
            "words",
            "name",
            (|row| format!("Person{row} of house {} {} Smith", "x".repeat(row % 30 + 2), ["Mr.", "mrs"][row % 2]))
                as fn(usize) -> String,
        ),
        ("dates", "day", |row| format!("2024-{:02}-{:02}", row % 12 + 1, row % 28 + 1)),
    ] {
        let line = |row: usize| format!("{},{},{}\n", row * 7 % 31, cell(row), ["no", "yes"][row % 2]);
        let text = format!("size,{head},label\n") + &(0..120).map(line).collect::<String>();
        std::fs::write(program.path("t.csv"), text).unwrap();
        let name = format!("run.name={run}");
        program
            .run(&["train", "mlp", "--set", "data.source=t.csv", "--set", &name, "--set", "train.epochs=1"])
            .succeeded();
        let exported = program.run(&["export", &format!("runs/{run}"), "t.onnx"]);
        let text = exported.succeeded().stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("random and 32 real samples"), "{text}");
        assert_eq!(exported.stderr.contains("with random dates"), run == "dates", "{}", exported.stderr);
    }
    std::fs::remove_file(program.path("t.csv")).unwrap();
    let exported = program.run(&["export", "runs/words", "t.onnx"]);
    assert!(exported.succeeded().stdout.contains("none of the run's own data"), "{}", exported.stdout);
}

#[test]
fn a_training_starts_from_weights_that_fit() {
    let program = trained();
    let weights = "model.weights=runs/r/model.safetensors";
    let arguments = ["train", "mlp", "--set", "data.source=t.csv", "--set", weights, "--set", "train.epochs=1"];
    let rate = ["--set", "optimizer.learning_rate=1e-12", "--set", "run.name=again", "--json"];
    let again = program.run(&[&arguments[..], &rate[..]].concat());
    let loss = again.succeeded().json()["metrics"]["test"]["loss"].as_f64().unwrap();
    let first = program.run(&["eval", "runs/r", "--json"]).json()["metrics"]["loss"].as_f64().unwrap();
    assert!((loss - first).abs() < 0.2 * first.abs().max(0.1), "{loss} begins where {first} ended");
    program
        .run(&[&arguments[..], &["--set", "model.width=9"]].concat())
        .refused(&["linear_1.weight", "model.safetensors"]);
    program.run(&["train", "mlp", "--set", "model.weights=none.safetensors"]).refused(&["none.safetensors"]);
}

#[test]
fn numbers_of_a_run_are_a_table() {
    let program = trained();
    let events = std::fs::read_dir(program.path("runs/r")).unwrap().map(|entry| entry.unwrap().file_name());
    let events: Vec<_> = events.filter(|name| name.to_string_lossy().contains("tfevents")).collect();
    assert_eq!(events.len(), 1);
    program.run(&["metrics", "runs/r", "--out", "r.csv"]).succeeded();
    let text = std::fs::read_to_string(program.path("r.csv")).unwrap();
    assert!(text.starts_with("step,epoch,part,layer,name,value\n1,1,step,,loss,"), "{}", &text[..200]);
    assert!(text.contains(",2,val,,accuracy,") && text.contains(",layer,linear_1"), "{}", &text[..2000]);
    assert_eq!(program.run(&["metrics", "runs/r"]).stdout, text);
    let rows = program.run(&["metrics", "runs/r", "--json"]).json()["metrics"].as_array().unwrap().len();
    assert_eq!(rows + 1, text.lines().count());
    program.run(&["metrics", "runs/r", "--out", "r.txt"]).refused(&["r.txt", ".csv"]);
}

/// As trained by a library that is built without SQLite.
#[test]
fn a_run_without_its_database_is_shown_without_curves() {
    let program = trained();
    std::fs::remove_file(program.path("runs/r/metrics.sqlite")).unwrap();
    program.run(&["metrics", "runs/r"]).refused(&["runs/r/metrics.sqlite", "no such file", "SQLite"]);
    let report = program.run(&["report", "runs/r"]).succeeded().stdout.clone();
    assert!(report.contains("not shown: metrics.sqlite: ") && report.contains("no such file"), "{report}");
    program.run(&["compare", "runs/r", "runs/r"]).succeeded();
    program.run(&["eval", "runs/r"]).succeeded();
}
