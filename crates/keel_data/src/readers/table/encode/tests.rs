use crate::config::DataConfig;
use crate::dataset::{Dataset, Inputs, Targets};
use crate::error::DataError;
use crate::load::{load, load_for_model, load_to_predict};

/// Trains on the table `trained` and reads `other` for its model: `wants_targets` to evaluate it, else to predict.
fn read_for_model(trained: &str, other: &str, wants_targets: bool) -> Result<Dataset, DataError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("trained.csv"), trained).unwrap();
    std::fs::write(folder.path().join("other.csv"), other).unwrap();
    let schema = load(&DataConfig::of_source("trained.csv"), folder.path()).unwrap().schema();
    let config = DataConfig::of_source("other.csv");
    if wants_targets {
        return load_for_model(&config, folder.path(), &schema);
    }
    load_to_predict(&config, folder.path(), &schema)
}

fn floats(data: &Dataset) -> &[f32] {
    let Inputs::Floats(values) = data.inputs() else { panic!("tables are floats") };
    values
}

#[test]
fn each_file_has_its_own_number_format() {
    let points = "a,b,y\n1.5,10,0.5\n2.5,20,1.5\n0.25,35,2.5\n";
    let commas = "a;b;y\n1,5;10;0,5\n2,5;20;1,5\n0,25;35;2,5\n";
    let thousands = "a,b,y\n\"1,234.5\",10,0.5\n\"2,345.25\",20,1.5\n3.5,35,2.5\n";
    let cases: [(&str, &str, &[f32], &str); 14] = [
        (points, "a;b\n1,5;10\n-0,25;2\n", &[1.5, 10.0, -0.25, 2.0], "\"1,5\" in column \"a\" is read as 1.5"),
        (points, "a,b\n1.5,10\n", &[1.5, 10.0], ""),
        (points, "a;b\n1.5;10\n", &[1.5, 10.0], ""),
        // Another column decides what a comma before three digits means, else the delimiter.
        (points, "a;b\n1,500;0,500\n", &[1.5, 0.5], "is read as 1.5"),
        (points, "a;b\n1,500;2,500\n", &[1.5, 2.5], "is read as 1.5"),
        (points, "a,b\n\"1,500\",0.5\n", &[1500.0, 0.5], "\"1,500\" in column \"a\" is read as 1500"),
        (points, "a,b\n\"1,500\",2\n", &[1500.0, 2.0], "is read as 1500"),
        // The training table decides where its own format fits, unless another column of the file contradicts.
        (thousands, "a;b\n1,234;7\n", &[1234.0, 7.0], ""),
        (thousands, "a;b\n1,234;0,5\n", &[1.234, 0.5], "is read as"),
        (points, "a;b\n1.234;0,5\n", &[1234.0, 0.5], "\"1.234\" in column \"a\" is read as 1234"),
        (commas, "a;b\n1,5;10\n", &[1.5, 10.0], ""),
        (commas, "a,b\n1.500,0.5\n-1.25,3\n", &[1.5, 0.5, -1.25, 3.0], "\"1.500\" in column \"a\" is read as 1.5"),
        (commas, "a,b\n1.500,3\n", &[1.5, 3.0], "is read as 1.5"),
        // A cell that fits neither format is missing, as before.
        (points, "a;b\n1,5;10\nx;1\n", &[1.5, 10.0, f32::NAN, 1.0], "1 cell cannot be read (\"x\")"),
    ];
    for (trained, other, expected, note) in cases {
        let data = read_for_model(trained, other, false).unwrap();
        let found = floats(&data);
        assert!(
            found.len() == expected.len()
                && found.iter().zip(expected).all(|(a, b)| a == b || a.is_nan() && b.is_nan()),
            "{other:?}: {found:?}"
        );
        let notes = data.notes().join("\n");
        assert!(notes.contains(note), "{other:?}: {notes}");
        assert!(!note.is_empty() || !notes.contains("another way"), "{other:?}: {notes}");
    }
}

#[test]
fn targets_and_dates_follow_the_format_of_their_file() {
    let evaluated = read_for_model("a,y\n1.5,0.5\n2.5,1.5\n3.5,0.25\n", "a;y\n1,5;0,75\n", true).unwrap();
    assert!(matches!(evaluated.targets(), Targets::Values { values, .. } if values == &[0.75]));
    let trained = "when,y\n25/03/2024,0.5\n26/03/2024,1.5\n27/03/2024,2.5\n";
    let days = |other: &str| floats(&read_for_model(trained, other, false).unwrap())[0];
    assert_eq!(days("when\n28/03/2024\n"), 3.0);
    assert_eq!(days("when\n03/28/2024\n"), 3.0);
    assert_eq!(days("when\n2024-03-28\n"), 3.0);
}

#[test]
fn a_column_without_a_readable_cell_is_an_error() {
    let trained = "a,flag,when,y\n1.5,yes,2024-01-01,0.5\n2.5,no,2024-01-02,1.5\n3.5,yes,2024-01-09,0.25\n";
    let cases = [
        (
            "a,flag,when\n,yes,2024-01-01\nfoo,no,2024-01-01\n",
            "other.csv, line 3, column \"a\": \"foo\" is not a number",
        ),
        ("a,flag,when\n1,maybe,2024-01-01\n", "line 2, column \"flag\": \"maybe\" is not true or false"),
        ("a,flag,when\n1,yes,soon\n2,yes,\n", "line 2, column \"when\": \"soon\" is not a date or time"),
    ];
    for (other, expected) in cases {
        let message = read_for_model(trained, other, false).unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("no other cell"), "{message}");
    }
    let missing = read_for_model(trained, "a,flag,when\n,yes,\n1,yes,2024-01-01\n", false).unwrap();
    assert!(floats(&missing)[0].is_nan());
    let partly = read_for_model(trained, "a,flag,when\nfoo,yes,2024-01-01\n1,no,2024-01-01\n", false).unwrap();
    assert!(partly.notes().join("\n").contains("1 cell cannot be read (\"foo\")"), "{:?}", partly.notes());
}

#[test]
fn the_tables_of_a_folder_may_differ_in_format() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("train.csv", "a,y\n1.5,0.5\n2.5,1.5\n3.5,0.25\n");
    write("test.csv", "a;y\n1,5;0,75\n0,25;1,5\n");
    let data = load(&DataConfig::of_source("."), folder.path()).unwrap();
    assert_eq!(floats(&data), [1.5, 2.5, 3.5, 1.5, 0.25]);
    assert!(matches!(data.targets(), Targets::Values { values, .. } if values[3..] == [0.75, 1.5]));
    assert!(data.notes().join("\n").contains("test.csv: cells are written in another way"), "{:?}", data.notes());
    write("test.csv", "a;y\nfoo;0,75\n");
    let message = load(&DataConfig::of_source("."), folder.path()).unwrap_err().to_string();
    assert!(message.contains("test.csv, line 2, column \"a\": \"foo\" is not a number"), "{message}");
}

#[test]
fn a_number_beyond_the_range_of_features_is_missing() {
    let trained = "a,y\n1.5,0.5\n2.5,1.5\n3.5,0.25\n";
    let data = read_for_model(trained, "a\n1e39\n2\n", false).unwrap();
    assert!(floats(&data)[0].is_nan() && floats(&data)[1] == 2.0);
    assert!(data.notes().join("\n").contains("1 cell cannot be read (\"1e39\")"), "{:?}", data.notes());
    let message = read_for_model(trained, "a,y\n1,1e39\n", true).unwrap_err().to_string();
    assert!(message.contains("other.csv, line 2, column \"y\": \"1e39\" is beyond the range"), "{message}");
}

#[test]
fn every_row_of_a_text_is_predicted() {
    let trained = "a,b,y\n1.5,10,0.5\n2.5,20,1.5\n0.25,35,2.5\n";
    let data = read_for_model(trained, "a,b\n1,2\n,\n\n2,3\n,\n", false).unwrap();
    assert_eq!(data.samples(), 4);
    assert!(floats(&data)[2].is_nan() && floats(&data)[3].is_nan());
    assert_eq!(read_for_model(trained, "a,b,y\n1,2,3\n,,\n2,3,4\n", true).unwrap().samples(), 2);
}

#[test]
fn numbers_with_the_same_unit_are_numbers() {
    let trained = "weight,age,share,price,y\n5.2 kg,1 year,12%,$3.50,2 cm\n10 kg,2 years,7%,$4,3 cm\n7.25kg,1 year,8%,$5,4.5 cm\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), trained).unwrap();
    let data = load(&DataConfig::of_source("t.csv"), folder.path()).unwrap();
    assert_eq!(data.feature_names(), ["weight", "age", "share", "price"]);
    assert_eq!(floats(&data)[..8], [5.2, 1.0, 0.12, 3.5, 10.0, 2.0, 0.07, 4.0]);
    assert!(matches!(data.targets(), Targets::Values { values, .. } if values == &[2.0, 3.0, 4.5]));
    let reason = &data.column_reports()[0].reason;
    assert!(reason.contains("5.2 to 10; in kg"), "{reason}");
    let other = read_for_model(trained, "weight;age;share;price\n1,5 kg;3 years;1%;$1\n2,5;4;2%;2\n", false).unwrap();
    assert_eq!(floats(&other), [1.5, 3.0, 0.01, 1.0, 2.5, 4.0, 0.02, 2.0]);
    let message = read_for_model(trained, "weight,age,share,price\n10 g,1,1%,1\n", false).unwrap_err().to_string();
    assert!(message.contains("column \"weight\": \"10 g\" is not a number"), "{message}");
    let mixed = trained.replace("10 kg", "10 g");
    std::fs::write(folder.path().join("t.csv"), mixed).unwrap();
    let data = load(&DataConfig::of_source("t.csv"), folder.path()).unwrap();
    assert!(data.feature_names().contains(&"weight=10 g".to_string()), "{:?}", data.feature_names());
}

#[test]
fn a_header_of_numbers_is_known_from_the_model() {
    let rows = |text: &str| text.repeat(12);
    let trained = format!("0,1,2\n{}", rows("0.5,1.25,p\n1.5,0.25,q\n"));
    let data = read_for_model(&trained, "0,1\n7.5,2.5\n", false).unwrap();
    assert_eq!((data.samples(), floats(&data)), (1, &[7.5, 2.5][..]));
    assert!(data.provenance().describe(0).ends_with("other.csv, line 2"));
    assert!(!data.notes().join("\n").contains("no header"), "{:?}", data.notes());
}
