//! Lines of a text that are not rows: comments, repeated headers and units.

use crate::config::DataConfig;
use crate::dataset::Dataset;
use crate::load::load;

fn read(text: &str) -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), text).unwrap();
    load(&DataConfig::of_source("t.csv"), folder.path()).unwrap()
}

#[test]
fn lines_that_are_not_rows_are_left_out() {
    let rows = "1.5,2,x\n2.5,3,y\n3.5,4,x\n".repeat(4);
    let words = "p,r,x\nq,s,y\n".repeat(10);
    let cases = [
        (format!("a,b,y\n{rows}# sensor restarted\n{rows}"), 24, "comment lines between the rows left out: 1, in line 14"),
        (format!("a,b,y\n{rows}a,b,y\n{rows}a,b,y\n"), 24, "repeat the header left out: 2, the first in line 14"),
        (format!("a,b,kind\n{words}\u{feff}a,b,kind\n{words}"), 40, "repeat the header left out: 1, in line 22"),
        (format!("a,b,y\n[degC],[m/s],[-]\n{rows}"), 12, "line 2 has units, not values, and is left out: [degC], [m/s]"),
        (format!("a,b,y\n{rows},,\n"), 12, "1 row without a target is left out"),
    ];
    for (text, samples, note) in cases {
        let data = read(&text);
        assert_eq!((data.samples(), data.feature_names().len() >= 2), (samples, true), "{text}");
        assert!(data.notes().join("\n").contains(note), "{text}: {:?}", data.notes());
        assert_eq!(data.class_names(), ["x", "y"]);
    }
}
