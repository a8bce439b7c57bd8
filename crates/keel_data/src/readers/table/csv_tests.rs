use super::open_quote;
use crate::config::{DataConfig, Task};
use crate::dataset::{Dataset, Imputation, Inputs, Targets};
use crate::error::DataError;
use crate::load::{load, load_for_model};
use crate::preprocess::{PreprocessScratch, Preprocessor};

fn read_as(text: &str, config: DataConfig) -> Result<Dataset, DataError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), text).unwrap();
    load(&DataConfig { source: "t.csv".into(), ..config }, folder.path())
}

fn read(text: &str) -> Result<Dataset, DataError> {
    read_as(text, DataConfig::default())
}

fn floats(data: &Dataset) -> &[f32] {
    let Inputs::Floats(values) = data.inputs() else { panic!("tables are floats") };
    values
}

#[test]
fn numbers_and_categories_become_features() {
    let data = read("size,color,target\n1.5,red,a\n2,blue,b\n3,red,a\n").unwrap();
    assert_eq!(data.feature_names(), ["size", "color=blue", "color=red"]);
    assert_eq!(floats(&data), [1.5, 0.0, 1.0, 2.0, 1.0, 0.0, 3.0, 0.0, 1.0]);
    assert_eq!(data.class_names(), ["a", "b"]);
    assert!(data.provenance().describe(1).ends_with("t.csv, line 3"));
}

#[test]
fn the_target_and_its_kind_are_found() {
    let rows = |cells: &[&str]| format!("x,y\n{}", cells.iter().map(|cell| format!("1,{cell}\n")).collect::<String>());
    let cases: [(&str, Task, bool); 5] = [
        (&rows(&["1", "2", "1", "2"]), Task::Auto, true),
        (&rows(&["1", "2", "3", "4"]), Task::Auto, false),
        (&rows(&["0.5", "1", "0.5", "1"]), Task::Auto, false),
        (&rows(&["no", "yes"]), Task::Auto, true),
        (&rows(&["1", "2", "1", "2"]), Task::Regression, false),
    ];
    for (text, task, classes) in cases {
        let data = read_as(text, DataConfig { task, ..DataConfig::default() }).unwrap();
        assert_eq!(matches!(data.targets(), Targets::Classes { .. }), classes, "{text}");
    }
    let data = read_as("y,x\n0.5,1\n1.5,2\n", DataConfig { target: "y".into(), ..DataConfig::default() }).unwrap();
    assert_eq!(data.targets(), &Targets::Values { values: vec![0.5, 1.5], target_names: vec!["y".into()] });
    let numbered = read("x,target\n1,10\n1,9\n1,10\n1,9\n").unwrap();
    assert_eq!(numbered.class_names(), ["9", "10"]);
}

#[test]
fn delimiters_headers_and_ignored_columns() {
    assert_eq!(read("a;b;target\n1;2;x\n3;4;y\n").unwrap().feature_names(), ["a", "b"]);
    assert_eq!(read("5.1,3.5,x\n4.9,3.0,y\n").unwrap().feature_names(), ["column_1", "column_2"]);
    let config = DataConfig { ignore_columns: vec!["id".into()], ..DataConfig::default() };
    assert_eq!(read_as("id,a,target\n1,2,x\n2,4,y\n", config).unwrap().feature_names(), ["a"]);
}

#[test]
fn missing_cells_are_filled_from_the_training_split_only() {
    let text = "a,target\n1,x\n,y\n2,x\n6,y\n1000,x\nNA,y\n";
    for (missing, stand_in) in [(Imputation::Mean, 3.0), (Imputation::Median, 2.0)] {
        let data = read_as(text, DataConfig { missing, ..DataConfig::default() }).unwrap();
        let preprocessor = Preprocessor::fit(&data, &[0, 1, 2, 3], &[]).unwrap();
        let mut rows = [0.0; 6];
        preprocessor.gather(&data, &[0, 1, 2, 3, 4, 5], &mut rows, &mut PreprocessScratch::default()).unwrap();
        assert_eq!(rows, [1.0, stand_in, 2.0, 6.0, 1000.0, stand_in]);
        assert!(Preprocessor::fit(&data, &[1], &[]).unwrap_err().to_string().contains("missing in every sample"));
    }
    let config = DataConfig { missing: Imputation::Error, ..DataConfig::default() };
    let message = read_as(text, config).unwrap_err().to_string();
    assert!(message.contains("line 3, column \"a\": the cell is missing"), "{message}");
}

#[test]
fn mistakes_are_named_with_line_and_column() {
    let many: String = (0..20).map(|row| format!("{row},1.5\n")).collect();
    let long = format!("a,target\n{many}12x,2.5\n");
    let cases = [
        ("a,target\n1,x\nNaN,y\n", "line 3, column \"a\": \"NaN\" is not a finite number"),
        ("a,target\n1,x\ninf,y\n", "line 3, column \"a\": \"inf\" is not a finite number"),
        ("a,target\n1,x\n2\n", "line 3 has 1 cells, the header has 2"),
        ("a,target\n1,x\n2,y,z\n", "line 3 has 3 cells"),
        ("a,target\n1,x\n2,\n", "line 3, column \"target\": the target is missing"),
        (&long, "line 22, column \"a\": \"12x\" is not a number"),
        ("a,target\n1,x\n2,x\n", "1 class; a classifier needs at least two"),
        ("a,target\n", "the table has no rows"),
        ("", "the table has no rows"),
        ("target\nx\ny\n", "no feature column"),
        ("a,target\n1,1.5\n2,nan\n", "line 3, column \"target\": \"nan\" is not a finite number"),
    ];
    for (text, expected) in cases {
        let message = read(text).unwrap_err().to_string();
        assert!(message.contains("t.csv") && message.contains(expected), "{text:?}: {message}");
    }
    let config = DataConfig { target: "price".into(), ..DataConfig::default() };
    let message = read_as("a,b\n1,2\n", config).unwrap_err().to_string();
    assert!(message.starts_with("data.target") && message.ends_with("Give one of a, b"), "{message}");
}

#[test]
fn a_model_gets_its_columns_whatever_their_order() {
    let schema = read("size,color,kind\n1,red,a\n2,blue,b\n3,red,a\n").unwrap().schema();
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &str| {
        std::fs::write(folder.path().join("new.csv"), text).unwrap();
        load_for_model(&DataConfig::of_source("new.csv"), folder.path(), &schema)
    };
    let data = read("color,size\nred,7\n").unwrap();
    assert_eq!((floats(&data), data.targets()), (&[7.0, 0.0, 1.0][..], &Targets::Unlabelled));
    let labelled = read("color,size,kind\nred,7,b\n").unwrap();
    let Targets::Classes { labels, .. } = labelled.targets() else { panic!("classes are known") };
    assert_eq!(labels[..], [1]);
    for (text, expected) in [
        ("color,size\ngreen,7\n", "line 2, column \"color\": \"green\" is a category the model was not trained on"),
        ("color\nred\n", "the column \"size\" is missing"),
        ("color,size,kind\nred,7,c\n", "line 2, column \"kind\": \"c\" is outside the classes"),
    ] {
        let message = read(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn the_shared_tables_are_read() {
    let cases = [
        ("iris.csv", 150, 4, 3),
        ("wine.csv", 178, 13, 3),
        ("breast_cancer.csv", 569, 30, 2),
        ("diabetes.csv", 442, 10, 1),
    ];
    for (name, samples, features, outputs) in cases {
        let Some(path) = keel_testkit::shared_data_or_skip(name, "the_shared_tables_are_read") else { return };
        let config = DataConfig::of_source(name);
        let data = load(&config, path.parent().unwrap()).unwrap();
        assert_eq!((data.samples(), data.sample_shape().len(), data.outputs()), (samples, features, outputs), "{name}");
    }
}

#[test]
fn quotes_that_never_end_are_found_and_others_left_alone() {
    let cases: [(&str, Option<usize>); 8] = [
        ("a,b\n1,\"x", Some(2)),
        ("\"a\nb", Some(1)),
        ("a\n\"\"\"", Some(2)),
        ("a,b\n1,\"x\"\n", None),
        ("a\n\"he said \"\"no\"\"\"\n", None),
        ("a\n5\" pipe\n", None),
        ("a\n\"two\nlines\"\n3\n", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(open_quote(text.as_bytes(), b','), expected, "{text:?}");
    }
}
