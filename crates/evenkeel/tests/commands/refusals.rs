//! Refusals state the fault, the place and the next step on standard error, with exit status 2.

use crate::program::{Program, write};

/// Arguments, and everything their message must contain.
type Case = (&'static [&'static str], &'static [&'static str]);

#[test]
fn wrong_arguments_are_refused_with_status_2() {
    let cases: &[Case] = &[
        (&["trian"], &["unrecognized subcommand 'trian'", "--help"]),
        (&["explain", "dead-rellu"], &["no rule is called 'dead-rellu'", "K010 dead-relu", "evenkeel explain"]),
        (
            &["explain", "relu"],
            &[
                "no rule is called 'relu'",
                "Did you mean K010 dead-relu?",
                "`evenkeel catalog activations` explains `relu`",
            ],
        ),
        (&["report", "absent", "--json", "--out"], &["a value is required for '--out <FILE>'"]),
        (&["catalog", "layer"], &["the catalog has no section 'layer'", "layers"]),
        (&["diagnose", "absent.jsonl"], &["cannot read absent.jsonl", "Check that the path is correct"]),
        (&["compare", "absent", "absent"], &["absent: no such folder", "the folder of a run"]),
        (&["compare", "absent"], &["2 values required"]),
        (
            &["init", "absent/folder/a.toml"],
            &["cannot write absent/folder/a.toml", "No such file", "Create the folder"],
        ),
    ];
    let program = Program::new();
    for (arguments, expected) in cases {
        program.run(arguments).refused(expected);
    }
}

#[test]
fn an_existing_config_is_never_overwritten() {
    let program = Program::new();
    program.run(&["init", "my.toml"]).succeeded();
    let text = std::fs::read_to_string(program.path("my.toml")).unwrap();
    assert!(text.contains("[train]") && text.contains("# "), "{text}");
    program.run(&["init", "my.toml"]).refused(&["my.toml exists already", "Give the name of a new file"]);
    assert_eq!(std::fs::read_to_string(program.path("my.toml")).unwrap(), text);
}

#[test]
fn broken_measurement_files_are_refused_with_their_line() {
    let model = r#"{"type":"model","layers":[{"name":"fc1","kind":"linear"}],"loss":"mse"}"#;
    let cases: &[(&str, &[&str])] = &[
        ("", &["broken.jsonl: the file holds no record", "Begin with a model record"]),
        ("{", &["broken.jsonl, line 1: not a JSON object"]),
        (r#"{"type":"step","step":0,"samples":4,"loss":1}"#, &["line 1", "before the model record", "Begin with"]),
        (r#"{"type":"model","layers":[{"name":"fc1","kind":"linaer"}]}"#, &["line 1", "linaer"]),
    ];
    let program = Program::new();
    for (text, expected) in cases {
        write(&program.path("broken.jsonl"), text);
        program.run(&["diagnose", "broken.jsonl"]).refused(expected);
    }
    let truncated = format!("{model}\n{{\"type\":\"step\",\"st");
    write(&program.path("broken.jsonl"), &truncated);
    program.run(&["diagnose", "broken.jsonl"]).refused(&["line 2: not a JSON object", "truncated last line"]);
    program.run(&["diagnose", "."]).refused(&["a folder, not a file"]);
}

#[test]
fn with_json_a_refusal_is_one_document_too() {
    let program = Program::new();
    let result = program.run(&["explain", "K099", "--json"]);
    result.refused(&["no rule is called 'K099'"]);
    let document = result.json();
    assert_eq!(document["error"]["message"], "no rule is called 'K099'");
    let wrong = program.run(&["eval", "--json"]);
    wrong.refused(&["required arguments were not provided"]);
    let fault = wrong.json()["error"]["message"].clone();
    assert_eq!(fault, "the following required arguments were not provided: <RUN>");
    assert!(
        document["error"]["next_step"].as_str().is_some_and(|text| text.starts_with("Did you mean K0")),
        "{document}"
    );
}

#[test]
fn wrong_settings_are_refused_before_any_work() {
    let cases: &[(&str, &[&str])] = &[
        (
            "[train]\nepoch = 3\n",
            &["wrong.toml:2: `train.epoch`: unknown key; did you mean `epochs`?", "evenkeel init"],
        ),
        ("[train]\nepochs = \"many\"\n", &["wrong.toml:2: `train.epochs`: expected an integer, found a string"]),
        ("[train]\nbatch_size = -4\n", &["wrong.toml:2: `train.batch_size`: must be at least 1, is -4"]),
        ("[train\n", &["wrong.toml:1: not valid TOML"]),
        ("[optimizer]\nlearning_rate = nan\n", &["`optimizer.learning_rate`: must be a finite number, is NaN"]),
        (
            "[[model.layers]]\ntype = \"max_pool\"\n[[model.layers]]\ntype = \"conv2d\"\nout_channels = 4\nkernel = 9\npadding = \"valid\"\n",
            &["wrong.toml:3: layer 1 (conv2d_1)", "9x9", "4x4x1", "Use a smaller kernel"],
        ),
        ("[[model.layers]]\ntype = \"linear\"\nout_features = 7\n", &["has 7 outputs", "needs 10"]),
        ("[data]\ntest = 1.2\n", &["wrong.toml:2: data.test: 1.2 is not a share", "Give a number from 0"]),
        ("[train]\nloss = \"mse\"\n", &["wrong.toml:2: train.loss: mse needs values", "Use cross_entropy or hinge"]),
        (
            "[model]\npreset = \"mlp\"\n[train]\nbatch_size = 1\n",
            &["wrong.toml:4: train.batch_size: layer", "Set train.batch_size to 2"],
        ),
        ("[model]\ninit = \"normal\"\n", &["wrong.toml:2: `model.init`: `normal` needs more than its name", "std = …"]),
        ("[data]\nsource = \"nowhere\"\n", &["unknown data source \"nowhere\"", "Give one of digits"]),
    ];
    let program = Program::new();
    for (text, expected) in cases {
        write(&program.path("wrong.toml"), text);
        program.run(&["train", "wrong.toml"]).refused(expected);
        program.run(&["plan", "wrong.toml"]).refused(expected);
        program.run(&["check", "wrong.toml"]).refused(expected);
        assert!(!program.path("runs").exists(), "{text}");
    }
}

#[test]
fn wrong_arguments_of_training_are_refused() {
    let cases: &[Case] = &[
        (
            &["train", "absent.toml"],
            &["absent.toml: there is no file or folder of this name", "digits, cifar10-fast, mlp, resnet20", "spiral"],
        ),
        (&["train", "kunden.csv"], &["kunden.csv: there is no file or folder of this name"]),
        (&["train", "titanic.cvs"], &["titanic.cvs: there is no file or folder", "id you mean `titanic.csv`?"]),
        (
            &["plan", "--set", "data.source=titanic.cvs"],
            &["unknown data source \"titanic.cvs\"", "id you mean \"titanic.csv\"?"],
        ),
        (&["train", "--epochs", "3"], &["'--epochs'", "--set train.epochs=3"]),
        (&["check", "--threads", "1"], &["'--threads'", "--set train.threads=1"]),
        (&["train", "--set", "epochs=3"], &["--set epochs=3: `epochs`: unknown key", "id you mean `train.epochs`?"]),
        (&["train", "--set", "train.lr=3"], &["unknown key", "id you mean `optimizer.learning_rate`?"]),
        (
            &["train", "--set", "train.epoch=3"],
            &["--set train.epoch=3: `train.epoch`: unknown key", "id you mean `epochs`?"],
        ),
        (&["train", "--set", "train.epochs"], &["expected key=value"]),
        (&["train", "--set", "data.test=2"], &["--set data.test=2: data.test: 2 is not a share", "Give a number"]),
        (&["check", "--set", "train.loss=huber"], &["--set train.loss=huber: train.loss: huber needs values"]),
        (&["train", "--find-lr", "--set", "train.loss=huber"], &["--set train.loss=huber: train.loss: huber"]),
        (&["train", "--time-limit", "soon"], &["write 90s, 10m or 1h30m"]),
        (&["train", "--resume", "absent"], &["absent: no such folder", "the folder of a run"]),
        (&["train", "my.toml", "--resume", "absent"], &["cannot be used with"]),
        (
            &["train", "--set", "model.layers=[{type=\"activation\", function=\"leaky_relu\", slop=0.1}]"],
            &["`model.layers.0.slop`: unknown key", "id you mean `slope`?"],
        ),
        (
            &["train", "--set", "model.layers=[{type=\"residual\", body=[{type=\"conv2d\", out_chanels=4}]}]"],
            &["`model.layers.0.body.0.out_chanels`: unknown key", "id you mean `out_channels`?"],
        ),
        (&["train", "--set", "model.init={type=\"normal\", std=-1}"], &["`model.init.std`: must be at least 0, is -1"]),
        (
            &["train", "--set", "model.init={type=\"lsuv\", target=0}"],
            &["`model.init.target`: must be greater than 0, is 0"],
        ),
        (&["train", "--set", "model.layers=[{type=\"custom\", name=\"sine\"}]"], &["`sine` is code of the program"]),
        (&["train", "--set", "run.name=7"], &["`run.name`: expected a string, found an integer", "double quotes"]),
        (&["train", "--set", "run.directory=file/runs"], &["file/runs", "set run.directory"]),
        (&["eval", "absent"], &["absent", "folder of a run"]),
        (&["predict", "absent", "digits"], &["absent", "folder of a run"]),
        (&["predict", "absent"], &["<INPUT>"]),
    ];
    let program = Program::new();
    write(&program.path("file"), "not a folder");
    write(&program.path("titanic.csv"), "a,b\n1,2\n");
    for (arguments, expected) in cases {
        program.run(arguments).refused(expected);
    }
}

#[test]
fn wrong_layers_are_refused_with_their_line() {
    let cases: &[(&str, &[&str])] = &[
        ("function = \"relu\"\nslope = 0.1\n", &["wrong.toml:4: `model.layers.0.slope`: unknown key"]),
        ("function = \"rellu\"\n", &["wrong.toml:3: `model.layers.0.function`", "did you mean `relu`?"]),
        ("function = \"elu\"\nalpha = \"big\"\n", &["wrong.toml:4: `model.layers.0.alpha`: expected a number"]),
    ];
    let program = Program::new();
    for (text, expected) in cases {
        write(&program.path("wrong.toml"), &format!("[[model.layers]]\ntype = \"activation\"\n{text}"));
        program.run(&["train", "wrong.toml"]).refused(expected);
    }
    let dropout = "[[model.layers]]\ntype = \"dropout\"\nprobability = 1.0\n";
    write(&program.path("wrong.toml"), dropout);
    program
        .run(&["train", "wrong.toml"])
        .refused(&["wrong.toml:3: `model.layers.0.probability`: must be less than 1, is 1"]);
}

#[test]
fn a_run_is_not_data_and_a_mistyped_run_has_neighbours() {
    let program = Program::new();
    program.run(&["train", "moons", "--set", "train.epochs=1", "--set", "run.name=first"]).succeeded();
    program.run(&["train", "runs/first"]).refused(&["folder of a run", "evenkeel train --resume", "runs/first"]);
    for command in [["eval", "frist"], ["report", "runs/frist"]] {
        program.run(&command).refused(&["no such folder, but there is runs/first"]);
    }
    program.run(&["predict", "first", "moons"]).refused(&["no such folder, but there is runs/first"]);
}

#[test]
fn a_resumed_run_refuses_what_would_change_its_weights() {
    let program = Program::new();
    let name = "run.name=first";
    program.run(&["train", "mlp", "--set", "data.source=moons", "--set", "train.epochs=2", "--set", name]).succeeded();
    let refused = ["train", "--resume", "runs/first", "--set", "train.epochs=9"];
    program.run(&refused).refused(&["`train.epochs` cannot change", "train.threads", "runs/first/config.toml"]);
    program.run(&["train", "--resume", "runs/first", "--set", "train.threads=1", "--json"]).succeeded();
}

#[test]
fn wrong_tables_are_refused_with_their_place() {
    let cases: &[(&str, &[&str])] = &[
        ("a,target\n1,x\ninf,y\n2,x\n3,y\n", &["data.csv, line 3", "not a finite number"]),
        ("a,target\n1,x\n2,x\n3,x\n4,x\n", &["class"]),
        ("a,target\n1,x\n2\n", &["data.csv", "3"]),
        ("", &["data.csv"]),
    ];
    let program = Program::new();
    for (text, expected) in cases {
        write(&program.path("data.csv"), text);
        program.run(&["train", "mlp", "--set", "data.source=data.csv"]).refused(expected);
    }
}

#[test]
fn damaged_runs_are_refused() {
    let program = Program::new();
    program.run(&["train", "--set", "train.epochs=1", "--set", "run.name=sound"]).succeeded();
    let damage: [(&str, &[&str], &str); 4] = [
        ("model.safetensors", &["eval", "runs/sound"], "model.safetensors"),
        ("model.safetensors", &["predict", "runs/sound", "digits"], "model.safetensors"),
        ("checkpoints/last.safetensors", &["train", "--resume", "runs/sound"], "last.safetensors"),
        ("summary.json", &["compare", "runs/sound", "runs/sound"], "summary.json"),
    ];
    for (file, arguments, expected) in damage {
        let path = program.path("runs/sound").join(file);
        let sound = std::fs::read(&path).unwrap();
        for broken in [&sound[..sound.len() / 2], &b"not what it should be"[..], &b""[..]] {
            std::fs::write(&path, broken).unwrap();
            program.run(arguments).refused(&[expected]);
        }
        std::fs::write(&path, sound).unwrap();
        program.run(arguments).succeeded();
    }
    write(&program.path("wide.csv"), "a,b\n1,2\n");
    program.run(&["predict", "runs/sound", "wide.csv"]).refused(&["wide.csv"]);
    program.run(&["predict", "runs/sound", "absent.png"]).refused(&["absent.png: no such file", "the path"]);
    std::fs::remove_file(program.path("runs/sound/model.safetensors")).unwrap();
    program.run(&["eval", "runs/sound"]).refused(&["runs/sound: no model.safetensors in it"]);
    let summary = std::fs::read_to_string(program.path("runs/sound/summary.json")).unwrap();
    write(&program.path("runs/sound/summary.json"), &summary.replace("\"finished\"", "\"running\""));
    program.run(&["eval", "runs/sound"]).refused(&["runs/sound: the run has no model yet", "--resume"]);
}

#[test]
fn a_wrong_config_is_shown_with_its_lines() {
    let program = Program::new();
    write(&program.path("wrong.toml"), "[train]\nepoch = 3\n[optimizer]\ntype = \"adm\"\n");
    let refused = program.run(&["train", "wrong.toml"]);
    insta::assert_snapshot!(refused.stderr, @r#"
     × wrong.toml: 2 problems in the config
     │ wrong.toml:2: `train.epoch`: unknown key; did you mean `epochs`?
     │ wrong.toml:4: `optimizer.type`: unknown value `adm`; expected one of sgd, adam, adamw,
     │ rmsprop, adagrad; did you mean `adam`?
      ╭─[wrong.toml:2:1]
    1 │ [train]
    2 │ epoch = 3
      · ──┬──
      ·   ╰── unknown key; did you mean `epochs`?
    3 │ [optimizer]
    4 │ type = "adm"
      ·        ──┬──
      ·          ╰── unknown value `adm`; expected one of sgd, adam, adamw, rmsprop, adagrad; did you mean `adam`?
      ╰────
     help: `evenkeel init` explains every key of a config, `evenkeel catalog` lists every name
    "#);
}
