//! Lines of a text that are not rows: comments, repeated headers and units.

use crate::config::{DataConfig, Task};
use crate::dataset::Dataset;
use crate::load::load;

fn read(text: &str) -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), text).unwrap();
    load(&DataConfig::of_source("t.csv"), folder.path()).unwrap()
}

#[test]
fn one_cell_of_a_numeric_target_that_is_not_a_number_is_named() {
    let rows: String = (0..40).map(|row| format!("{row},{row}.5\n")).collect();
    for task in ["", "regression"] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), format!("a,y\n{rows}3,<0.05\n")).unwrap();
        let mut config = DataConfig::of_source("t.csv");
        if !task.is_empty() {
            config.task = Task::Regression;
        }
        let message = load(&config, folder.path()).unwrap_err().to_string();
        assert!(message.contains("line 42, column \"y\": \"<0.05\" is not a number"), "{message}");
        assert!(message.contains("data.missing_values = [\"<0.05\"]"), "{message}");
    }
}

#[test]
fn lines_that_are_not_rows_are_left_out() {
    let rows = "1.5,2,x\n2.5,3,y\n3.5,4,x\n".repeat(4);
    let words = "p,r,x\nq,s,y\n".repeat(10);
    let cases = [
        (
            format!("a,b,y\n{rows}# sensor restarted\n{rows}"),
            24,
            "comment lines between the rows left out: 1, in line 14",
        ),
        (format!("a,b,y\n{rows}a,b,y\n{rows}a,b,y\n"), 24, "repeat the header left out: 2, the first in line 14"),
        (format!("a,b,kind\n{words}\u{feff}a,b,kind\n{words}"), 40, "repeat the header left out: 1, in line 22"),
        (
            format!("a,b,y\n[degC],[m/s],[-]\n{rows}"),
            12,
            "line 2 has units, not values, and is left out: [degC], [m/s]",
        ),
        (format!("a,b,y\n{rows},,\n"), 12, "1 row without a target is left out"),
    ];
    for (text, samples, note) in cases {
        let data = read(&text);
        assert_eq!((data.samples(), data.feature_names().len() >= 2), (samples, true), "{text}");
        assert!(data.notes().join("\n").contains(note), "{text}: {:?}", data.notes());
        assert_eq!(data.class_names(), ["x", "y"]);
    }
}
