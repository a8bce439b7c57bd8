//! Data that changed after training: its test split may hold samples that the network was trained on.

use crate::program::{Program, unwrapped, write};

const HEADER: &str = "a,b,label\n";

fn rows() -> Vec<String> {
    let row = |row: u32| {
        let (a, b) = (500 + row * 37 % 50, 300 + row * 11 % 30);
        format!("{a}.5,{b},{}\n", if a > 525 { "yes" } else { "no" })
    };
    (0..120).map(row).collect()
}

fn save(program: &Program, rows: &[String]) {
    write(&program.path("my rows.csv"), &format!("{HEADER}{}", rows.concat()));
}

/// A run on the rows with a finding, since its inputs are not scaled.
fn trained() -> Program {
    let program = Program::new();
    save(&program, &rows());
    let settings =
        ["run.name=run", "train.epochs=3", "preprocess.steps=[]", "run.directory=my runs", "model.preset=mlp"];
    let sets = settings.iter().flat_map(|setting| ["--set", setting]);
    let arguments: Vec<&str> = ["train", "my rows.csv", "--target", "label"].into_iter().chain(sets).collect();
    let status = program.run(&arguments).status;
    assert!(matches!(status, Some(0 | 1)), "{status:?}");
    program
}

/// Commands that read the data of the run again.
const COMMANDS: [&[&str]; 4] = [
    &["eval", "my runs/run"],
    &["importance", "my runs/run"],
    &["prove", "my runs/run", "K002"],
    &["fix", "my runs/run", "K002"],
];

#[test]
fn every_command_that_reads_the_data_again_refuses_a_change() {
    let program = trained();
    let reversed: Vec<String> = rows().into_iter().rev().collect();
    let more: Vec<String> = rows().into_iter().chain(rows().into_iter().take(40)).collect();
    let renamed: Vec<String> = rows().iter().map(|row| row.replace(",no", ",never")).collect();
    let third = |(row, text): (usize, &String)| match row % 5 {
        0 => text.replace(",no", ",maybe").replace(",yes", ",maybe"),
        _ => text.clone(),
    };
    let third: Vec<String> = rows().iter().enumerate().map(third).collect();
    // With the option, the classes of the data have to be those of the model.
    let changes: [(&[String], &[&str], bool); 4] = [
        (
            &reversed,
            &["on other samples: the data given has as many, in another order or with other values (fingerprint"],
            true,
        ),
        (&more, &["test samples instead of"], true),
        (&renamed, &["lacks the class `no`", "has the new class `never`"], false),
        (&third, &["has the new class `maybe`"], false),
    ];
    let original = program.run(&["eval", "my runs/run", "--json"]).succeeded().json();
    for (changed, expected, fits) in changes {
        save(&program, changed);
        let expected = [&["data: my runs/run was trained", "--allow-changed-data"][..], expected].concat();
        for command in COMMANDS {
            program.run(command).refused(&expected);
        }
        program.run(COMMANDS[0]).refused(&["name other data: `evenkeel eval 'my runs/run' FILE`"]);
        let report = program.run(&["report", "my runs/run"]);
        let text = unwrapped(&report.succeeded().stdout);
        assert!(text.contains("not shown: predictions: the run was trained on other samples"), "{text}");
        for command in [["eval", "my runs/run"], ["importance", "my runs/run"]] {
            let allowed = program.run(&[&command[..], &["--allow-changed-data"]].concat());
            if fits {
                let said = unwrapped(&allowed.succeeded().stderr).contains("the run was trained on other samples");
                assert!(said, "{}", allowed.stderr);
            } else {
                allowed.refused(&["class"]);
            }
        }
    }
    save(&program, &rows());
    assert_eq!(program.run(&["eval", "my runs/run", "--json"]).json(), original, "the data of the training");
    std::fs::remove_file(program.path("my rows.csv")).unwrap();
    for command in COMMANDS {
        program.run(command).refused(&["the data of my runs/run is no longer at ", "Move it back to this path"]);
    }
    program.run(COMMANDS[0]).refused(&["To use other data: `evenkeel eval 'my runs/run' FILE`"]);
}

#[test]
fn a_model_without_its_run_still_knows_its_classes() {
    let program = trained();
    std::fs::rename(program.path("my runs/run/model.safetensors"), program.path("model.safetensors")).unwrap();
    program.run(&["eval", "model.safetensors"]).succeeded();
    save(&program, &rows().iter().map(|row| row.replace(",no", ",never")).collect::<Vec<_>>());
    program
        .run(&["eval", "model.safetensors"])
        .refused(&["data: model.safetensors was trained on other classes", "lacks the class `no`"]);
}

#[test]
fn importance_is_printed_even_if_it_cannot_be_stored() {
    let program = trained();
    // A folder of that name cannot be replaced by a file, whoever runs the test.
    let stored = program.path("my runs/run/importance.json");
    let _ = std::fs::remove_file(&stored);
    write(&stored.join("file"), "");
    let measured = program.run(&["importance", "my runs/run"]);
    assert!(measured.succeeded().stdout.contains("column"), "{}", measured.stdout);
    assert!(unwrapped(&measured.stderr).contains("not stored in the run"), "{}", measured.stderr);
}
