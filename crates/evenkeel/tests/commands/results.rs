//! Results as the program prints and keeps them: metrics with their baseline, samples without a result, importance.

use serde_json::Value;

use crate::program::{Program, unwrapped};

/// A table of two columns whose sum decides the class; row `extreme` has a value no network can take.
fn table(program: &Program, extreme: Option<usize>) {
    let mut text = "first,second,label\n".to_owned();
    for row in 0..200 {
        let (a, b) = ((row as f32 * 0.7).sin(), (row as f32 * 1.3).cos());
        let label = if a + b > 0.5 { "yes" } else { "no" };
        match extreme {
            Some(line) if line == row => text.push_str(&format!("3e38,-3e38,{label}\n")),
            _ => text.push_str(&format!("{a:.4},{b:.4},{label}\n")),
        }
    }
    std::fs::write(program.path("t.csv"), text).unwrap();
}

const TRAIN: [&str; 8] =
    ["train", "mlp", "--set", "data.source=t.csv", "--set", "run.name=r", "--set", "train.epochs=4"];

fn summary(program: &Program) -> Value {
    serde_json::from_slice(&std::fs::read(program.path("runs/r/summary.json")).unwrap()).unwrap()
}

#[test]
fn an_extreme_value_of_the_test_split_leaves_a_readable_run_with_a_finding() {
    // Kinds and ranges of columns are those of the training table, so that the value of the test table is a surprise.
    let program = Program::new();
    std::fs::create_dir(program.path("t")).unwrap();
    for (name, extreme) in [("train.csv", None), ("test.csv", Some(10))] {
        table(&program, extreme);
        std::fs::rename(program.path("t.csv"), program.path("t").join(name)).unwrap();
    }
    let arguments = ["train", "mlp", "--set", "data.source=t", "--set", "run.name=r", "--set", "train.epochs=4"];
    let trained = program.run(&arguments);
    trained.ended_with(1);
    assert!(trained.stdout.contains("K001") && trained.stdout.contains("test.csv, line 12"), "{}", trained.stdout);
    let summary = summary(&program);
    assert!(summary["metrics"]["test"]["loss"].is_f64(), "{summary}");
    program.run(&["compare", "runs/r", "runs/r"]).succeeded();
    let report = program.run(&["report", "runs/r", "--json"]);
    report.succeeded();
    assert!(!report.stdout.contains("summary.json"), "{}", report.stdout);
    let evaluated = program.run(&["eval", "runs/r"]);
    evaluated.ended_with(1);
    assert!(evaluated.stdout.contains("1 sample with NaN"), "{}", evaluated.stdout);
    let predicted = program.run(&["predict", "runs/r", "t/test.csv", "--json"]);
    predicted.ended_with(1);
    let rows: Vec<Value> = serde_json::from_str(&predicted.stdout).unwrap();
    let row = &rows[10];
    assert!(row["class"].is_null() && row["undefined"].as_str().unwrap().contains("line 12"), "{row}");
    assert!(predicted.stderr.contains("line 12"), "{}", predicted.stderr);
}

#[test]
fn scores_stand_beside_the_largest_class_within_eighty_columns() {
    let program = Program::new();
    table(&program, None);
    let trained = program.run(&TRAIN);
    trained.succeeded();
    for words in ["(largest class ", "ROC AUC", "test: largest class", "balanced accuracy"] {
        assert!(trained.stdout.contains(words), "{words}\n{}", trained.stdout);
    }
    let metrics = trained.stdout.lines().skip_while(|line| !line.starts_with("metric")).take(13);
    assert!(metrics.clone().all(|line| line.chars().count() <= 80), "{}", trained.stdout);
    let evaluated = program.run(&["eval", "runs/r", "--json"]);
    let document: Value = serde_json::from_str(&evaluated.succeeded().stdout).unwrap();
    assert!(document["metrics"]["baseline"]["accuracy"].as_f64().is_some_and(|share| share > 0.4), "{document}");
    assert_eq!(document["metrics"]["roc_auc"], summary(&program)["metrics"]["test"]["roc_auc"]);
    let page = std::fs::read_to_string(program.path("runs/r/report.html")).unwrap();
    for words in ["expected calibration error", "ROC curve of class", "Importance of the columns", "largest class"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("NaN"));
}

#[test]
fn a_model_no_better_than_the_largest_class_is_named_beside_its_health() {
    let program = Program::new();
    let label = |row: usize| if [0, 7, 13].contains(&(row % 20)) { "yes" } else { "no" };
    let rows: String = (0..400).map(|row| format!("{},{}\n", row % 2, label(row))).collect();
    std::fs::write(program.path("t.csv"), format!("side,label\n{rows}")).unwrap();
    let trained = program.run(&TRAIN).stdout;
    let text = unwrapped(&trained);
    let sentence = "The model is no better than always answering `no` (";
    assert!(text.contains(sentence) && text.contains("let `evenkeel doctor runs/r` search"), "{trained}");
    let page = std::fs::read_to_string(program.path("runs/r/report.html")).unwrap();
    assert!(page.contains("no better than always answering no ("), "{trained}");
    let weighted = ["--set", "train.class_weights=balanced"];
    let weighted = program.run(&[&TRAIN[..], &weighted].concat()).stdout;
    assert!(weighted.contains("largest class") && !weighted.contains("no better than"), "{weighted}");
}

#[test]
fn importance_lists_every_column_and_writes_into_the_run() {
    let program = Program::new();
    table(&program, None);
    program.run(&TRAIN).succeeded();
    let arguments = ["importance", "runs/r", "--metric", "log_loss", "--repeats", "3", "--json"];
    let measured = program.run(&arguments);
    let document: Value = serde_json::from_str(&measured.succeeded().stdout).unwrap();
    assert_eq!(
        (document["metric"].as_str(), document["columns"].as_array().map(Vec::len)),
        (Some("log_loss"), Some(2))
    );
    let stored: Value =
        serde_json::from_slice(&std::fs::read(program.path("runs/r/importance.json")).unwrap()).unwrap();
    assert_eq!(stored, document);
    let shown = program.run(&["importance", "runs/r", "t.csv"]);
    assert!(shown.succeeded().stdout.contains("first"), "{}", shown.stdout);
    let refused = program.run(&["importance", "runs/r", "--metric", "accurracy"]);
    refused.ended_with(2);
    assert!(refused.stderr.contains("there is no metric `accurracy`"), "{}", refused.stderr);
}

#[test]
fn early_stopping_without_a_validation_split_does_not_speak_of_one() {
    let program = Program::new();
    table(&program, None);
    let more = ["data.validation=0.0", "train.early_stopping=1", "optimizer.learning_rate=0.5", "train.epochs=60"];
    let sets = more.iter().flat_map(|setting| ["--set", setting]);
    let arguments: Vec<&str> = TRAIN.iter().copied().chain(sets).collect();
    program.run(&arguments);
    let reason = summary(&program)["reason"].as_str().map(str::to_owned).unwrap_or_default();
    assert_eq!(reason, "no better training result for 1 epoch");
}
