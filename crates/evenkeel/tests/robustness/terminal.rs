//! Names of files and folders that would control a terminal are shown in escaped form.

use crate::program::{Program, write};

const ESCAPE: &str = "\u{1b}]0;owned\u{7}";

#[test]
fn escapes_in_columns_classes_and_files_never_reach_the_terminal() {
    let program = Program::new();
    let rows: String = (0..60).map(|row| format!("{row},{}\n", if row % 2 == 0 { "no" } else { ESCAPE })).collect();
    write(&program.path("rows.csv"), &format!("\"a{ESCAPE}\",label\n{rows}"));
    let train = ["train", "rows.csv", "--target", "label", "--set", "run.name=r", "--set", "train.epochs=2"];
    let trained = program.run(&train);
    assert!(trained.stderr.contains("\\x1b]0;owned\\x07"), "{}", trained.stderr);
    let missing = format!("no{ESCAPE}.csv");
    let outputs = [
        trained,
        program.run(&["eval", "runs/r"]),
        program.run(&["predict", "runs/r", "rows.csv"]),
        program.run(&["importance", "runs/r"]),
        program.run(&["report", "runs/r"]),
        program.run(&["train", &missing]),
        program.run(&["train", "rows.csv", "--target", ESCAPE]),
        program.run(&["train", "--set", &format!("model.{ESCAPE}=1")]),
    ];
    for output in outputs {
        for text in [&output.stdout, &output.stderr] {
            assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
        }
    }
    let csv = program.run(&["predict", "runs/r", "rows.csv", "--csv"]);
    assert!(csv.succeeded().stdout.contains(ESCAPE), "data stays what it is in a pipe");
}
