//! Tables as people have them: the report about their columns, and cells unknown to a model.

use crate::program::{Program, write};

fn colors(program: &Program) {
    let rows: String = (0..120)
        .map(|row| {
            let color = ["red", "green", "blue"][row * 7 % 3];
            let size = if row % 10 == 0 { "?".to_owned() } else { format!("{},{}", row * 13 % 29, row % 7) };
            format!("{row};{color};{size};{}\n", if color == "red" { "hot" } else { "cold" })
        })
        .collect();
    write(&program.path("colors.csv"), &format!(";color;size;label\n{rows}"));
    let set = ["--set", "data.source=colors.csv", "--set", "train.epochs=3", "--set", "run.name=colors"];
    program.run(&[&["train", "mlp"][..], &set].concat()).succeeded();
}

#[test]
fn columns_are_shown_before_the_network_and_kept_in_the_summary() {
    let program = Program::new();
    colors(&program);
    let run = program.run(&["train", "mlp", "--set", "data.source=colors.csv", "--set", "train.epochs=1"]);
    let (before, _) = run.stderr.split_once("\nnetwork ").unwrap_or_else(|| panic!("{}", run.stderr));
    for expected in ["label", "target", "row number", "3 categories", "1 number + 1", "decimal"] {
        assert!(before.contains(expected), "{expected}: {before}");
    }
    let table = before.lines().skip_while(|line| !line.starts_with("column "));
    assert!(table.clone().count() > 4 && table.into_iter().all(|line| line.chars().count() <= 80), "{before}");
    assert!(run.stderr.contains("the target is \"label\" (by its name), 2 classes"), "{}", run.stderr);
    assert!(program.path("runs/colors-mlp/summary.json").is_file(), "the run is named after the table: {}", run.stderr);
    let summary = std::fs::read_to_string(program.path("runs/colors/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    let kinds: Vec<&str> =
        summary["columns"].as_array().unwrap().iter().filter_map(|column| column["kind"].as_str()).collect();
    assert_eq!(kinds, ["row_number", "category", "number", "target"]);
    assert_eq!(summary["columns"][2]["missing"], 12);
}

#[test]
fn a_model_predicts_rows_with_cells_it_does_not_know() {
    let program = Program::new();
    colors(&program);
    write(&program.path("new.csv"), "color;size\nred;1,5\nviolet;2,5\n;unknown\n");
    let predicted = program.run(&["predict", "runs/colors", "new.csv", "--json"]);
    assert_eq!(predicted.json().as_array().map(Vec::len), Some(3));
    for note in ["\"color\": 1 cell has a text that is not a category of the model (\"violet\")", "treated as missing"]
    {
        assert!(predicted.stderr.contains(note), "{}", predicted.stderr);
    }
    program.run(&["eval", "runs/colors", "colors.csv"]).succeeded();
    write(&program.path("narrow.csv"), "color\nred\n");
    program.run(&["predict", "runs/colors", "narrow.csv"]).refused(&["narrow.csv", "the column \"size\" is missing"]);
}

#[test]
fn copies_across_the_splits_and_outliers_are_told() {
    let program = Program::new();
    let row =
        |row: usize| format!("{:.4},{:.4},{}\n", (row as f32).sin(), (row as f32 * 1.7).cos(), ["p", "q"][row % 2]);
    let rows: String = (0..300).map(|index| row(index % 60)).collect();
    write(&program.path("copies.csv"), &format!("a,b,label\n{rows}"));
    let run = program.run(&["train", "mlp", "--set", "data.source=copies.csv", "--set", "train.epochs=1"]);
    assert!(
        run.stderr.contains("K022 duplicates") && run.stderr.contains("are also in the training split"),
        "{}",
        run.stderr
    );
    let rows: String = (0..100).map(|index| if index == 5 { "1e30,0.5,p\n".to_owned() } else { row(index) }).collect();
    write(&program.path("outlier.csv"), &format!("a,b,label\n{rows}"));
    let run = program.run(&["train", "mlp", "--set", "data.source=outlier.csv", "--set", "train.epochs=1"]);
    assert!(run.stderr.contains("1e30 in line 7 is an outlier"), "{}", run.stderr);
}
