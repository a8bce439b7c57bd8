use super::Extent;
use crate::config::{DataConfig, Task};
use crate::dataset::{ColumnKind, ColumnReport, Dataset, Inputs, SampleShape, Targets};
use crate::error::DataError;
use crate::imputation::Imputation;
use crate::load::{load, load_for_model, load_to_predict};
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
    let rows = |cells: &[&str]| -> String {
        let lines = cells.iter().enumerate().map(|(row, cell)| format!("{row}.5,{cell}\n"));
        ["x,y\n".to_string()].into_iter().chain(lines).collect()
    };
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
    let numbered = read("x,target\n1,10\n2,9\n1,10\n1,9\n").unwrap();
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
        let mut rows = [0.0; 12];
        preprocessor.gather(&data, &[0, 1, 2, 3, 4, 5], &mut rows, &mut PreprocessScratch::default()).unwrap();
        assert_eq!(rows, [1.0, 0.0, stand_in, 1.0, 2.0, 0.0, 6.0, 0.0, 1000.0, 0.0, stand_in, 1.0]);
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
        ("a,target\n1,x\ninf,y\n", "line 3, column \"a\": \"inf\" is not a finite number"),
        ("a,target\n1,x\n2\n", "line 3 has 1 cell, the header has 2"),
        ("a,target\n1,x\n2,y,z\n", "line 3 has 3 cells"),
        ("a,target\n1,\n2,\n", "the target \"target\" is missing in every row"),
        (&long, "line 22, column \"a\": \"12x\" is not a number"),
        ("a,target\n1,x\n2,x\n", "1 class; a classifier needs at least two"),
        ("a,target\n", "the table has no rows"),
        ("", "the table has no rows"),
        ("target\nx\ny\n", "no feature column"),
        ("a,target\n7,x\n7,y\n", "no feature column; left out: \"a\" (constant: \"7\" in every row)"),
        ("a,target\n1,1.5\n2,inf\n", "line 3, column \"target\": \"inf\" is not a finite number"),
    ];
    for (text, expected) in cases {
        let message = read(text).unwrap_err().to_string();
        assert!(message.contains("t.csv") && message.contains(expected), "{text:?}: {message}");
    }
    let config = DataConfig { target: "price".into(), ..DataConfig::default() };
    let message = read_as("a,b\n1,2\n", config).unwrap_err().to_string();
    assert!(message.starts_with("data.target") && message.ends_with("Give one of a, b"), "{message}");
    let config = DataConfig { target: "prize".into(), ..DataConfig::default() };
    let message = read_as("Price,b\n1,2\n", config).unwrap_err().to_string();
    assert!(message.contains("Did you mean \"Price\"?"), "{message}");
}

#[test]
fn messages_name_the_line_of_the_file_whatever_ends_it() {
    // The faulty cell of each text is "inf"; its row is on the line given, counted as an editor counts.
    let cases = [
        ("a,target\ninf,x\n1,y\n", 2),
        ("a,target\n1,x\ninf,y\n", 3),
        ("a,target\n1,x\n\n\ninf,y\n", 5),
        ("a,target\n1,x\n , \ninf,y\n", 4),
        ("\n\na,target\n1,x\ninf,y\n", 5),
        ("Bottles of 2024\n\na,target\n1,x\ninf,y\n", 5),
        ("Bottles of 2024,\n\na,target\n\n1,x\ninf,y\n", 6),
        ("# by hand\na,target\n1,x\ninf,y\n", 4),
        ("sep=;\na;target\n1;x\ninf;y\n", 4),
        ("a,\"the\ntarget\"\n1,x\ninf,y\n", 4),
        ("a,target\n1,\"x\n\nx\"\n1,y\ninf,y\n", 6),
        ("a,target\n1,x\ninf,\"y\ny\"\n", 3),
        ("a  target\n1  x\n\n inf y\n", 4),
    ];
    for (text, line) in cases {
        for end in ["\n", "\r\n", "\r"] {
            let text = text.replace('\n', end);
            let message = read(&text).unwrap_err().to_string();
            let expected = format!("t.csv, line {line}, column \"a\": \"inf\" is not a finite number");
            assert!(message.contains(&expected), "{text:?}: {message}");
            let finite = text.replace("inf", "7");
            let data = read(&finite).unwrap();
            let last = data.provenance().describe(data.samples() - if line == 2 { 2 } else { 1 });
            assert!(last.ends_with(&format!("t.csv, line {line}")), "{finite:?}: {last}");
        }
    }
    for end in ["\n", "\r\n", "\r"] {
        let uneven = "a,target\n1,x\n\n2\n".replace('\n', end);
        let message = read(&uneven).unwrap_err().to_string();
        assert!(message.contains("line 4 has 1 cell, the header has 2"), "{uneven:?}: {message}");
        let open = "a,target\n\n1,x\n\"2,y\n".replace('\n', end);
        let message = read(&open).unwrap_err().to_string();
        assert!(message.contains("begins in line 4 is never closed"), "{open:?}: {message}");
    }
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
        ("color\nred\n", "the column \"size\" is missing"),
        ("Color,n\nred,1\n", "2 columns are missing: \"size\", \"color\" (\"Color\" may be meant). Add them"),
        ("Color,n,2024\nred,7,1\n", "2 columns are missing: \"size\", \"color\" (\"Color\" may be meant). Add them"),
        ("red,7\nblue,8\n", "the first line looks like data, not like names of columns. Write a line with the names"),
        ("color,size,kind\nred,7,c\n", "line 2, column \"kind\": \"c\" is outside the classes"),
    ] {
        let message = read(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn spellings_of_one_class_are_noted() {
    let notes = read("a,target\n1,Ja\n2,ja\n3,nein\n").unwrap().notes().join("\n");
    assert!(notes.contains("classes that differ only in capitals or spaces: \"Ja\" and \"ja\""), "{notes}");
    let notes = read("a,target\n1,ja\n2,\" ja\"\n3,nein\n").unwrap().notes().join("\n");
    assert!(!notes.contains("differ only"), "{notes}");
}

#[test]
fn a_model_of_rows_of_numbers_reads_tables_of_its_width() {
    let values = Inputs::Floats(vec![0.1, 0.2, 0.3, 0.4]);
    let targets = Targets::Values { values: vec![1.0, 2.0], target_names: vec!["target_0".into()] };
    let schema = Dataset::from_memory("rows", SampleShape::Features(2), values, targets).unwrap().schema();
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &str, labelled: bool| {
        std::fs::write(folder.path().join("new.csv"), text).unwrap();
        let load = if labelled { load_for_model } else { load_to_predict };
        load(&DataConfig::of_source("new.csv"), folder.path(), &schema)
    };
    let cases = [
        ("x,y\n0.5,0.6\n", &[0.5, 0.6][..]),
        ("0.5,0.6\n0.7,0.8\n", &[0.5, 0.6, 0.7, 0.8]),
        ("feature_1,note,feature_0\n0.6,z,0.5\n", &[0.5, 0.6]),
    ];
    for (text, expected) in cases {
        assert_eq!(floats(&read(text, false).unwrap()), expected, "{text}");
    }
    let labelled = read("x,y,z\n0.5,0.6,9\n", true).unwrap();
    assert!(matches!(labelled.targets(), Targets::Values { values, .. } if values == &[9.0]));
    assert_eq!(floats(&labelled), [0.5, 0.6]);
    for (text, expected) in [
        ("x\n0.5\n", "this model takes 2 numbers per sample, but the table has 1 column. Give"),
        ("x,y,z\n0.5,0.6,9\n", "but the table has 3 columns"),
        ("x,y\n0.5,\n", "line 2, column \"y\": the cell is missing"),
        ("x,y\n0.5,0.6\n0.5,red\n", "line 3, column \"y\": \"red\" is not a number"),
    ] {
        let message = read(text, false).unwrap_err().to_string();
        assert!(message.contains(expected), "{text}: {message}");
    }
}

#[test]
fn cells_a_model_does_not_know_are_counted() {
    let rows: String = (0..40).map(|row| format!("{},{row}.5,{}\n", ["red", "blue"][row % 2], row % 2)).collect();
    let schema = read(&format!("color,n,target\n{rows}")).unwrap().schema();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("new.csv"), "color,n\nred,1\nviolet,2\nblue,three\n").unwrap();
    let data = load_to_predict(&DataConfig::of_source("new.csv"), folder.path(), &schema).unwrap();
    assert_eq!(floats(&data)[..5], [0.0, 1.0, 1.0, 0.0, 0.0]);
    assert!(floats(&data)[8].is_nan());
    let notes = data.notes().join("\n");
    assert!(notes.contains("\"color\": 1 cell has a text that is not a category of the model (\"violet\")"), "{notes}");
    assert!(notes.contains("\"n\": 1 cell cannot be read (\"three\"), treated as missing"), "{notes}");
}

/// Returns the report on a column called `a` next to a numeric column and a target.
fn report(cells: &[String]) -> ColumnReport {
    let rows: String = cells
        .iter()
        .enumerate()
        .map(|(row, cell)| format!("\"{cell}\",{},{}\n", (row * 7 % 11) as f32 + 0.5, ["x", "y"][row % 2]))
        .collect();
    let data = read(&format!("a,b,target\n{rows}")).unwrap();
    data.column_reports().iter().find(|report| report.name == "a").unwrap().clone()
}

#[test]
fn columns_are_what_they_hold() {
    let cells = |cell: &dyn Fn(usize) -> String| (0..60).map(cell).collect::<Vec<_>>();
    let of = |words: &[&str], row: usize| words[row * 5 % words.len()].to_string();
    let names = ["Braund", "Heikkinen", "Allen", "Moran"];
    let cases: [(Vec<String>, ColumnKind, &str); 16] = [
        (cells(&|row| format!("{}", row * row % 17)), ColumnKind::Number, "1 number"),
        (
            cells(&|row| if row % 9 == 0 { String::new() } else { format!("{}", row * row % 17) }),
            ColumnKind::Number,
            "1 number + 1 missing flag",
        ),
        (cells(&|row| format!("{},{}", row % 7, row % 3)), ColumnKind::Number, "1 number"),
        (cells(&|row| format!("{} %", row % 7)), ColumnKind::Number, "1 number"),
        (cells(&|row| format!("${},{:03}.50", row % 7 + 1, row)), ColumnKind::Number, "1 number"),
        (cells(&|row| of(&["red", "green", "blue"], row)), ColumnKind::Category, "3 categories"),
        (cells(&|row| of(&["yes", "No"], row)), ColumnKind::Boolean, "1 number of 0 and 1"),
        (cells(&|row| of(&["TRUE", "FALSE", "NA"], row)), ColumnKind::Boolean, "1 number of 0 and 1 + 1 missing flag"),
        (cells(&|row| format!("2024-{:02}-{:02}", row % 12 + 1, row % 28 + 1)), ColumnKind::Time, "5 numbers"),
        (cells(&|row| format!("{}:30", row % 24)), ColumnKind::Time, "3 numbers"),
        (cells(&|row| format!("{row}")), ColumnKind::RowNumber, "left out"),
        (cells(&|row| format!("u-{}-{row}", row * 31)), ColumnKind::Identifier, "left out"),
        (cells(&|_| "same".to_string()), ColumnKind::Constant, "left out"),
        (cells(&|_| String::new()), ColumnKind::Constant, "left out"),
        (
            cells(&|row| format!("{}{row}, {} Tom", names[row % 4], ["Mr.", "Mrs."][row % 2])),
            ColumnKind::Text,
            "6 words",
        ),
        (cells(&|row| format!("w{row}a q{row}b z{row}c k{row}d")), ColumnKind::Text, "left out"),
    ];
    for (cells, kind, became) in cases {
        let found = report(&cells);
        assert_eq!((found.kind, found.became.as_str()), (kind, became), "{:?}: {}", &cells[..3], found.reason);
        assert!(found.chinese_became().is_some_and(|became| !became.is_empty()));
    }
}

#[test]
fn reasons_are_in_both_languages() {
    let cells = |cell: &dyn Fn(usize) -> String| (0..60).map(cell).collect::<Vec<_>>();
    let cases: [(Vec<String>, &str, &str); 11] = [
        (cells(&|row| format!("{},{}", row % 7, row % 3)), "0 to 6.2; decimal commas", "取值从 0 到 6.2；使用小数逗号"),
        (
            cells(&|row| format!("{} %", row % 7)),
            "0 to 0.06; percent: 12 % is 0.12",
            "取值从 0 到 0.06；百分数：12 % 即 0.12",
        ),
        (
            cells(&|row| format!("${},{:03}.50", row % 7 + 1, row)),
            "1000.5 to 7055.5; thousands in groups, amounts in $",
            "取值从 1000.5 到 7055.5；带千位分隔符，金额单位 $",
        ),
        (
            cells(&|row| format!("{}", 1_700_000_000 + row * 7 % 50)),
            "1700000000 to 1700000049; taken from 1700000000 on, in f64",
            "取值从 1700000000 到 1700000049；以 1700000000 为起点，用 f64 计算",
        ),
        (cells(&|row| ["yes", "No"][row % 2].to_string()), "No or yes", "取值为 No 或 yes"),
        (
            cells(&|row| format!("{:02}/{:02}/2024", row % 28 + 1, row % 12 + 1)),
            "read with the day first: elapsed days, month, weekday",
            "按“日/月”顺序解读：经过的天数、月份、星期",
        ),
        (
            cells(&|row| format!("{}:30", row % 24)),
            "dates or times: elapsed days, hour",
            "日期或时间：经过的天数、小时",
        ),
        (cells(&|row| format!("{row}")), "numbers the rows, from 0 to 59", "为各行依次编号，从 0 到 59"),
        (cells(&|_| "same".to_string()), "\"same\" in every row", "每一行都是“same”"),
        (cells(&|_| String::new()), "every cell is missing", "所有单元格均缺失"),
        (
            cells(&|row| format!("w{row}a q{row}b z{row}c k{row}d")),
            "60 different texts in 60 cells",
            "60 个单元格中有 60 种不同的文本",
        ),
    ];
    for (cells, english, chinese) in cases {
        let found = report(&cells);
        assert_eq!((found.reason.as_str(), found.chinese_reason().as_deref()), (english, Some(chinese)));
    }
}

#[test]
fn numbers_that_name_or_count_rows_are_left_out() {
    let table = |header: &str, number: &dyn Fn(usize) -> usize| {
        let rows: String = (0..40).map(|row| format!("{},{},{}\n", number(row), row * 7 % 11, row % 2)).collect();
        read(&format!("{header},b,target\n{rows}")).unwrap()
    };
    let shuffled = |row: usize| row * 17 % 41 + 100;
    let cases: [(&str, &dyn Fn(usize) -> usize, ColumnKind); 7] = [
        ("", &|row| row + 193, ColumnKind::RowNumber),
        ("", &shuffled, ColumnKind::RowNumber),
        ("Unnamed: 0", &shuffled, ColumnKind::RowNumber),
        ("PassengerId", &shuffled, ColumnKind::Identifier),
        ("size", &shuffled, ColumnKind::Number),
        ("day", &|row| row, ColumnKind::Number),
        ("year", &|row| row + 1990, ColumnKind::Number),
    ];
    for (header, number, kind) in cases {
        assert_eq!(table(header, number).column_reports()[0].kind, kind, "{header}");
    }
    let alone: String = (0..40).map(|row| format!("{row},{}.5\n", row * 3)).collect();
    let data = read(&format!("n,y\n{alone}")).unwrap();
    assert_eq!(data.feature_names(), ["n"], "the only column stays");
    let report = &data.column_reports()[0];
    assert_eq!(report.reason, "numbers the rows, from 0 to 39; kept because no other column is left");
    assert_eq!(report.chinese_reason().unwrap(), "为各行依次编号，从 0 到 39；因没有其他列而保留");
}

#[test]
fn european_exports_are_read() {
    let text = "temp;wind;load\n20,5;-0,5;19,0\n18,2;1,5;22,7\n21,0;0,5;22,5\n";
    let data = read(text).unwrap();
    assert_eq!(floats(&data), [20.5, -0.5, 18.2, 1.5, 21.0, 0.5]);
    let Targets::Values { values, .. } = data.targets() else { panic!("decimals are values") };
    assert_eq!(values[..], [19.0, 22.7, 22.5]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("new.csv"), "temp;wind\n1,25;2\n1.5;3\n").unwrap();
    let new = load_to_predict(&DataConfig::of_source("new.csv"), folder.path(), &data.schema()).unwrap();
    assert_eq!(floats(&new), [1.25, 2.0, 1.5, 3.0]);
    let amounts = read("a;b;y\n1.234,50;1,0;0,1\n2.000,00;1,1;0,2\n").unwrap();
    assert_eq!(floats(&amounts)[..2], [1234.5, 1.0]);
}

#[test]
fn time_stamps_keep_their_digits() {
    let rows: String =
        (0..50).map(|row| format!("{},{}\n", 1_700_000_000 + row * 7 % 50, 1_600_000_000.5 + f64::from(row))).collect();
    let data = read(&format!("stamp,y\n{rows}")).unwrap();
    assert_eq!(floats(&data)[..3], [0.0, 7.0, 14.0]);
    let Targets::Values { values, .. } = data.targets() else { panic!("decimals are values") };
    assert_eq!((values[..3].to_vec(), data.target_origin()), (vec![0.0, 1.0, 2.0], 1_600_000_000.5));
    assert_eq!(data.schema().target_origin(), 1_600_000_000.5);
}

#[test]
fn single_numbers_that_decide_the_scale_are_told() {
    let table = |cell: &str| {
        let rows: String = (0..60)
            .map(|row| {
                format!(
                    "{},{}\n",
                    if row == 5 { cell.to_string() } else { format!("{:.3}", (row as f32).sin()) },
                    row % 2
                )
            })
            .collect();
        read(&format!("a,label\n{rows}")).unwrap()
    };
    let notes = table("1e30").notes().join("\n");
    assert!(notes.contains("1e30 in line 7 is an outlier") && notes.contains("column \"a\""), "{notes}");
    assert!(floats(&table("1e30"))[5].is_nan());
    let notes = table("5000").notes().join("\n");
    assert!(notes.contains("one value, 5000 in line 7, decides the scale of the column: outlier"), "{notes}");
    assert!(!table("1.5").notes().join("\n").contains("outlier"));
}

#[test]
fn rows_without_a_target_are_left_out_and_counted() {
    let text = "a,target\n1,x\n2,\n3,y\n4,NA\n5,x\n";
    let data = read(text).unwrap();
    assert_eq!((data.samples(), floats(&data)), (3, &[1.0, 3.0, 5.0][..]));
    assert!(data.notes().contains(&"2 rows without a target are left out".to_string()), "{:?}", data.notes());
    assert!(data.provenance().describe(1).ends_with("t.csv, line 4"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), text).unwrap();
    let config = DataConfig::of_source("t.csv");
    let to_predict = load_to_predict(&config, folder.path(), &data.schema()).unwrap();
    assert_eq!((to_predict.samples(), to_predict.targets()), (5, &Targets::Unlabelled));
    assert_eq!(load_for_model(&config, folder.path(), &data.schema()).unwrap().samples(), 3);
}

#[test]
fn labels_are_compared_as_numbers() {
    let rows: String = (0..20).map(|row| format!("{row}.5,{}\n", ["0", "1.0", "0.0", "1"][row % 4])).collect();
    let data = read(&format!("a,grade\n{rows}")).unwrap();
    assert_eq!(data.class_names(), ["0", "1"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("n.csv"), "a,grade\n1,1.00\n2,0.0\n").unwrap();
    let labelled = load_for_model(&DataConfig::of_source("n.csv"), folder.path(), &data.schema()).unwrap();
    assert!(matches!(labelled.targets(), Targets::Classes { labels, .. } if labels == &[1, 0]));
    let truths = read("a,y\n1,True\n2,false\n4,TRUE\n3,False\n").unwrap();
    assert_eq!(truths.class_names().len(), 2);
}

#[test]
fn the_target_is_always_named() {
    let note = |text: &str| read(text).unwrap().notes().join("\n");
    let cases = [
        ("label,a,b\nx,1,2\ny,2,3\nx,3,4\n", "the target is \"label\" (by its name), 2 classes (text)"),
        ("a,b,kind\n1,2,x\n2,3,y\n", "the target is \"kind\" (the last column), 2 classes (text)"),
        ("a,b\n1,2.5\n2,3.5\n", "the target is \"b\" (the last column), values (numbers with decimals, 2.5 to 3.5)"),
    ];
    for (text, expected) in cases {
        let found = note(text);
        assert!(found.contains(expected) && found.contains("data.task") && found.contains("data.target"), "{found}");
    }
    let names: String = (0..40).map(|row| format!("{row}.5,name {row}\n")).collect();
    let message = read(&format!("a,who\n{names}")).unwrap_err().to_string();
    assert!(message.contains("40 different texts in 40 rows: too many for classes"), "{message}");
}

#[test]
fn exports_of_other_programs_are_read() {
    let cases = [
        ("\u{feff}sep=;\r\na;b;kind\r\n1,5;2;x\r\n2,5;3;y\r\n", "a b", 2),
        ("# made by hand\n\na,b,kind\n1,2,x\n3,4,y\n", "a b", 2),
        ("Report of May,,\na,b,kind\n1,2,x\n3,4,y\n", "a b", 2),
        ("a,b,kind\n1,2,x\n,,\n3,4,y\n,,\n", "a b", 2),
        ("a,b,kind,\n1,2,x,\n3,4,y,\n", "a b", 2),
        ("\"a\" \"b\" \"kind\"\n\"1\" 1 2.5 \"x\"\n\"2\" 3 4.5 \"y\"\n\"3\" 5 4.5 \"y\"\n", "a b", 3),
        ("a,b,kind\n1,\"two\nlines\",x\n3,\"t\",y\n", "a b=t b=two\nlines", 2),
        ("x,x,kind\n1,2,p\n3,5,q\n", "x x_2", 2),
        ("a|b|kind\n.|2|x\n1|.A|y\n2|3|x\n", "a b", 3),
        ("2019,2020,kind\n1,2,x\n3,4,y\n", "2019 2020", 2),
    ];
    for (text, features, samples) in cases {
        let data = read(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!((data.feature_names().join(" "), data.samples()), (features.to_string(), samples), "{text:?}");
    }
    let config = DataConfig { header: Some(true), ..DataConfig::default() };
    assert_eq!(read_as("1,2,k\n3,4,x\n5,6,y\n", config).unwrap().feature_names(), ["1", "2"]);
    let config = DataConfig { header: Some(false), ..DataConfig::default() };
    assert_eq!(read_as("a,2,k\nb,4,x\n", config).unwrap().samples(), 2);
    let config = DataConfig { missing_values: vec!["-1".into()], ..DataConfig::default() };
    assert!(floats(&read_as("a,k\n-1,x\n2,y\n3,y\n", config).unwrap())[0].is_nan());
}

#[test]
fn groups_and_times_reach_the_split() {
    let rows: String = (0..100)
        .map(|row| {
            format!("p{},2024-{:02}-{:02},{}.5,{}\n", row % 25, row / 25 + 1, row % 25 + 1, row * 7 % 13, row % 2)
        })
        .collect();
    let text = format!("patient,date,a,target\n{rows}");
    let config = DataConfig { group: "patient".into(), ..DataConfig::default() };
    let data = read_as(&text, config.clone()).unwrap();
    assert!(data.feature_names().iter().all(|name| !name.starts_with("patient")));
    let split = data.split(config.split()).unwrap();
    let sides = [&split.train, &split.validation, &split.test];
    for group in 0..25 {
        let holding = sides.iter().filter(|side| side.iter().any(|sample| sample % 25 == group)).count();
        assert_eq!(holding, 1, "group {group}");
    }
    assert_eq!(split.test.len(), 20);
    let config = DataConfig { time: "date".into(), ignore_columns: vec!["patient".into()], ..DataConfig::default() };
    let split = read_as(&text, config.clone()).unwrap().split(config.split()).unwrap();
    assert_eq!(split.test, (80..100).collect::<Vec<_>>());
    assert_eq!(split.validation, (72..80).collect::<Vec<_>>());
    assert!(!split.dataset.feature_names().contains(&"date days".to_string()));
    let config = DataConfig { time: "dat".into(), ..DataConfig::default() };
    assert!(read_as(&text, config).unwrap_err().to_string().contains("Did you mean \"date\"?"));
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
    let cases: [(&str, Option<u64>); 8] = [
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
        assert_eq!(Extent::of(text.as_bytes(), b',').open_quote, expected, "{text:?}");
    }
}

#[test]
fn the_extent_of_a_text_is_known_before_it_is_parsed() {
    let cases = [
        ("a,b\n1,2\n", (2, 1, 5)),
        ("a,b\n1,2,3\n4", (3, 2, 6)),
        ("\"a,b\nc\",d\n", (2, 2, 3)),
        ("", (1, 1, 1)),
        (",,,", (4, 1, 4)),
    ];
    for (text, (columns, widest_line, cells)) in cases {
        let extent = Extent::of(text.as_bytes(), b',');
        assert_eq!(extent, Extent { open_quote: None, columns, widest_line, cells }, "{text:?}");
    }
}

#[test]
fn very_wide_tables_are_refused_at_once_and_read_where_the_config_says() {
    let names: Vec<String> = (0..100_000).map(|column| format!("c{column}")).collect();
    let row = |value: u8| format!("{value},").repeat(names.len() - 1) + if value == 1 { "a\n" } else { "b\n" };
    let text = format!("{}\n{}{}", names.join(","), row(1), row(2));
    let message = read(&text).unwrap_err().to_string();
    assert!(message.contains("line 1 has 100000 cells; at most 50000 columns are read"), "{message}");
    assert!(message.contains("Set data.largest_columns = 100000"), "{message}");
    let start = std::time::Instant::now();
    let data = read_as(&text, DataConfig { largest_columns: 100_000, ..DataConfig::default() }).unwrap();
    assert_eq!(data.feature_names().len(), 99_999);
    // An algorithm that compares all pairs of columns would take minutes.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    let blanks = format!("{0}\n{0}\n", "1 ".repeat(60_000));
    let config = DataConfig { largest_columns: 10, ..DataConfig::default() };
    for text in [blanks, format!("a,b\n1,2{}\n", ",".repeat(60)), "1 2\n3 4\n".repeat(30) + &"5 ".repeat(20)] {
        let message = read_as(&text, config.clone()).unwrap_err().to_string();
        assert!(message.contains("at most 10 columns are read"), "{message}");
    }
}

#[test]
fn a_text_with_more_cells_than_memory_holds_is_refused_before_it_is_parsed() {
    let text = "a,b\n".to_string() + &"1,\n".repeat(100_000);
    let config = DataConfig { largest_bytes: Some(1_000_000), ..DataConfig::default() };
    let message = read_as(&text, config).unwrap_err().to_string();
    assert!(message.contains("cells take 1.9 MB; 1 MB of memory are free"), "{message}");
}
