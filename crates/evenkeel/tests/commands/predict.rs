//! `predict` and `eval` on any input: files, folders, patterns, standard input.

use serde_json::{Value, json};

use crate::program::{Finished, Program, write};

/// A run on a table of bottles: `id` is left out, `color` is a category, `sugar` and `acid` are numbers.
fn wine() -> Program {
    let program = Program::new();
    let mut table = String::from("id,color,sugar,acid,class\n");
    for row in 0..120 {
        let (color, sugar) = if row % 2 == 0 { ("red", 1 + row % 5) } else { ("white", 6 + row % 7) };
        let class = if row % 2 == 0 { "dry" } else { "sweet" };
        table.push_str(&format!("{},{color},{sugar}.5,0.{},{class}\n", 5000 + row, row % 9));
    }
    write(&program.path("wine.csv"), &table);
    let set = ["data.source=wine.csv", "data.target=class", "train.epochs=8", "run.name=wine", "train.threads=1"];
    let set: Vec<&str> = set.iter().flat_map(|setting| ["--set", setting]).collect();
    program.run(&[&["train", "mlp"], set.as_slice()].concat()).succeeded();
    write(&program.path("new/a.csv"), "id,color,sugar,acid\n1,red,2.5,0.3\n2,white,8.5,0.4\n");
    write(&program.path("new/deep/b.csv"), "id,color,sugar,acid\n3,red,1.5,0.5\n");
    program
}

fn piped(program: &Program, arguments: &[&str], text: &str) -> Finished {
    program.finish(program.command(arguments).write_stdin(text.to_owned()), arguments)
}

fn classes(document: &Value) -> Vec<&str> {
    document.as_array().unwrap().iter().map(|row| row["class"].as_str().unwrap()).collect()
}

#[test]
fn tables_come_from_files_folders_patterns_and_standard_input() {
    let program = wine();
    let csv = "id,color,sugar,acid\n1,red,2.5,0.3\n2,white,8.5,0.4\n";
    let objects = "{\"id\": 1, \"color\": \"red\", \"sugar\": 2.5, \"acid\": 0.3}\n{\"acid\": 0.4, \"sugar\": 8.5, \"color\": \"white\"}\n";
    let arrays = "[\"red\", 2.5, 0.3]\n\n[\"white\", 8.5, null]";
    let document =
        "[\n {\"color\": \"red\", \"sugar\": 2.5, \"acid\": 0.3},\n {\"color\": \"white\", \"sugar\": 8.5}\n]";
    write(&program.path("rows.jsonl"), objects);
    for (input, text, expected) in [
        ("new/a.csv", "", 2),
        ("new", "", 3),
        ("new/*.csv", "", 2),
        ("new/**/*.csv", "", 3),
        ("rows.jsonl", "", 2),
        ("-", csv, 2),
        ("-", objects, 2),
        ("-", arrays, 2),
    ] {
        let predicted = piped(&program, &["predict", "runs/wine", input, "--json"], text);
        let document = predicted.succeeded().json();
        let classes = classes(&document);
        assert_eq!((classes.len(), &classes[..2]), (expected, &["dry", "sweet"][..]), "{input} {text}");
    }
    let missing = piped(&program, &["predict", "runs/wine", "-", "--json"], document);
    missing.succeeded();
    assert_eq!(missing.json().as_array().map(Vec::len), Some(2));
}

#[test]
fn results_name_their_rows_and_keep_what_is_asked_for() {
    let program = wine();
    let shown = program.run(&["predict", "runs/wine", "new/a.csv"]);
    assert!(shown.succeeded().stdout.starts_with("input"), "{}", shown.stdout);
    let first = program.run(&["predict", "runs/wine", "new/a.csv", "--json"]).json()[0].clone();
    assert_eq!(first["input"], "new/a.csv, line 2");
    assert_eq!(first["unlike_training"], json!([]));
    // The column the training left out as a name of rows is shown without being asked for.
    assert_eq!(first["id"], json!({ "id": "1" }));

    let csv = program.run(&["predict", "runs/wine", "new/a.csv", "--csv", "--id", "color"]).stdout;
    assert_eq!(csv.lines().next(), Some("input,color,id,class,dry,sweet"));
    assert!(csv.lines().nth(1).unwrap().starts_with("\"new/a.csv, line 2\",red,1,dry,"), "{csv}");

    // The input's own column of the name `class` stays what it was.
    write(&program.path("labelled.csv"), "color,sugar,acid,class\nred,2.5,0.3,?\nwhite,8.5,0.4,sweet\n");
    for (file, expected) in [
        ("out.csv", "color,sugar,acid,class,predicted_class,dry,sweet\nred,2.5,0.3,?,dry,"),
        (
            "out.jsonl",
            "{\"color\":\"red\",\"sugar\":\"2.5\",\"acid\":\"0.3\",\"class\":\"?\",\"predicted_class\":\"dry\",",
        ),
        ("out.json", "[\n  {\n    \"color\": \"red\","),
    ] {
        let arguments = ["predict", "runs/wine", "labelled.csv", "--append", "--out", file];
        let written = program.run(&arguments);
        assert!(written.succeeded().stdout.contains(&format!("2 predictions written to {file}")), "{}", written.stdout);
        let text = std::fs::read_to_string(program.path(file)).unwrap();
        assert!(text.starts_with(expected), "{text}");
    }
    let again = program.run(&["predict", "runs/wine", "new/a.csv", "--out", "out.csv", "--json"]);
    assert_eq!(again.succeeded().json(), json!({ "written": "out.csv", "samples": 2, "findings": [] }));
    assert!(std::fs::read_to_string(program.path("out.csv")).unwrap().starts_with("input,id,class,"));
}

#[test]
fn appended_predictions_keep_the_form_of_the_text() {
    let program = wine();
    let table = "color;sugar;acid;origin\nred;2.5;0.3;Rhône\nwhite;8.5;0.4;\"a;b\"\n";
    let latin: Vec<u8> = table.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let units = std::iter::once(0xfeff).chain(table.encode_utf16());
    let utf16: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
    let marked = ["\u{feff}".as_bytes(), table.as_bytes()].concat();
    for (bytes, mark) in
        [(table.as_bytes().to_vec(), ""), (marked, "\u{feff}"), (latin, "\u{feff}"), (utf16, "\u{feff}")]
    {
        std::fs::write(program.path("excel.csv"), bytes).unwrap();
        let written = program.run(&["predict", "runs/wine", "excel.csv", "--append", "--out", "out.csv"]);
        let said = if mark.is_empty() { "out.csv\n" } else { "out.csv, in UTF-8 with a byte order mark\n" };
        assert!(
            written.succeeded().stdout.ends_with(&format!("2 predictions written to {said}")),
            "{}",
            written.stdout
        );
        let text = std::fs::read_to_string(program.path("out.csv")).unwrap();
        let expected = format!("{mark}color;sugar;acid;origin;class;dry;sweet\nred;2.5;0.3;Rhône;dry;");
        assert!(text.starts_with(&expected), "{text}");
        assert!(text.contains("\nwhite;8.5;0.4;\"a;b\";sweet;0."), "{text}");
    }
}

#[test]
fn appended_predictions_keep_the_line_ends_of_the_text() {
    let program = wine();
    for (end, last) in [("\r\n", "\r\n"), ("\r\n", ""), ("\n", "\n"), ("\n", "")] {
        let lines = ["color,sugar,acid,\"two\nlines\"", "red,2.5,0.3,a", "white,8.5,0.4,\"b\nc\""];
        write(&program.path("rows.csv"), &(lines.join(end) + last));
        program.run(&["predict", "runs/wine", "rows.csv", "--append", "--out", "out.csv"]).succeeded();
        let text = std::fs::read_to_string(program.path("out.csv")).unwrap();
        let breaks = |text: &str, end: &str| text.matches(end).count();
        assert!(text.starts_with(&format!("color,sugar,acid,\"two\nlines\",class,dry,sweet{end}red,2.5,0.3,a,dry,")));
        assert_eq!((breaks(&text, end), breaks(&text, "\n")), (if end == "\n" { 5 } else { 3 }, 5), "{text:?}");
        assert!(text.ends_with(end), "{text:?}");
        let printed = program.run(&["predict", "runs/wine", "rows.csv", "--append", "--csv"]);
        assert_eq!(printed.succeeded().stdout, text);
    }
}

#[test]
fn appended_predictions_keep_the_values_of_json_and_the_decimal_sign_of_the_text() {
    let program = wine();
    let row = r#"{"id":9007199254740993,"ok":true,"note":null,"color":"red","sugar":2.5,"acid":0.3}"#;
    write(&program.path("rows.jsonl"), row);
    let kept = program.run(&["predict", "runs/wine", "rows.jsonl", "--append", "--json"]).json()[0].clone();
    let expected = [("id", json!(9_007_199_254_740_993u64)), ("ok", json!(true)), ("note", json!(null))];
    for (name, value) in expected.into_iter().chain([("color", json!("red")), ("sugar", json!(2.5))]) {
        assert_eq!(kept[name], value, "{name}");
    }
    write(&program.path("commas.csv"), "color;sugar;acid\nred;2,5;0,3\nwhite;8,5;0,4\n");
    let commas = program.run(&["predict", "runs/wine", "commas.csv", "--append", "--csv"]);
    assert!(commas.succeeded().stdout.contains("\nred;2,5;0,3;dry;0,"), "{}", commas.stdout);
    assert!(commas.stderr.contains("\"2,5\" in column \"sugar\" is read as 2.5"), "{}", commas.stderr);
    write(&program.path("words.csv"), "color,sugar,acid\nred,,0.3\nred,much,0.3\n");
    let words = program.run(&["predict", "runs/wine", "words.csv"]);
    words.refused(&["words.csv, line 3, column \"sugar\"", "\"much\" is not a number, and no other cell"]);
}

#[test]
fn what_training_never_saw_is_predicted_and_said() {
    let program = wine();
    write(&program.path("odd.csv"), "color,sugar,acid\nblue,2.5,0.3\nwhite,1000000,0.4\n,8.5,0.4\n");
    let predicted = program.run(&["predict", "runs/wine", "odd.csv", "--json"]);
    let rows = predicted.succeeded().json();
    assert_eq!(rows[0]["unlike_training"], json!([]));
    assert_eq!(rows[1]["unlike_training"], json!(["sugar"]));
    assert_eq!((&rows[0]["findings"], &rows[1]["findings"]), (&json!([]), &json!(["K026"])));
    assert_eq!(rows.as_array().map(Vec::len), Some(3));
    for note in [
        "K026 unlike-inputs: 1 of 3 rows (33.3 %, limit 5 %) has values unlike the training data: sugar (odd.csv, line 3: 1.0e6, \
         training 1.5 to 12.5); give `sugar` in the units",
        "\"blue\"",
        "1 missing cell",
    ] {
        assert!(predicted.stderr.contains(note), "{}\nlacks {note}", predicted.stderr);
    }
}

#[test]
fn evaluation_takes_the_same_inputs_together() {
    let program = wine();
    write(&program.path("part-1.csv"), "color,sugar,acid,class\nred,2.5,0.3,dry\nwhite,8.5,0.4,sweet\n");
    write(&program.path("part-2.csv"), "color,sugar,acid,class\nred,1.5,0.3,sweet\n");
    let both = program.run(&["eval", "runs/wine", "part-*.csv", "--json"]).json();
    assert_eq!((both["metrics"]["samples"].as_u64(), both["data"].as_str()), (Some(3), Some("part-*.csv")));
    assert!((both["metrics"]["accuracy"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-9, "{both}");
    assert_eq!(both["findings"], json!([]));
    write(&program.path("grams.csv"), "color,sugar,acid,class\nred,2500,0.3,dry\nwhite,8500,0.4,sweet\n");
    let grams = program.run(&["eval", "runs/wine", "grams.csv", "--json"]);
    let finding = &grams.json()["findings"][0];
    assert_eq!((finding["code"].as_str(), finding["measured"].as_f64()), (Some("K026"), Some(1.0)), "{finding}");
    assert!(grams.stderr.contains("2 of 2 rows (100 %, limit 5 %) have values unlike"), "{}", grams.stderr);
    let text = std::fs::read_to_string(program.path("part-1.csv")).unwrap();
    let piped = piped(&program, &["eval", "runs/wine", "-", "--json"], &text);
    assert_eq!(piped.succeeded().json()["metrics"]["accuracy"], 1.0);
    program.run(&["eval", "runs/wine", "new/a.csv"]).refused(&["no targets", "predict"]);
}

#[test]
fn inputs_that_cannot_be_read_are_named_with_the_next_step() {
    let program = wine();
    write(&program.path("empty.csv"), "color,sugar,acid\n");
    write(&program.path("short.csv"), "color,sugr,acid\nred,1,2\n");
    write(&program.path("other.csv"), "color,sugar,acid,extra\nred,1,2,3\n");
    write(&program.path("notes.xyz"), "?");
    write(&program.path("a.jpg"), "?");
    write(&program.path("pictures/a.jpg"), "?");
    std::fs::create_dir(program.path("hollow")).unwrap();
    let predict = |inputs: &[&'static str]| [&["predict", "runs/wine"], inputs].concat();
    let cases: [(Vec<&str>, &str, &[&str]); 16] = [
        (predict(&["empty.csv"]), "", &["empty.csv: the table has no rows", "at least one row"]),
        (predict(&["short.csv"]), "", &["the column \"sugar\" is missing", "\"sugr\" may be meant"]),
        (predict(&["absent.csv"]), "", &["absent.csv", "No such file"]),
        (predict(&["new/*.parquet"]), "", &["no file matches the pattern"]),
        (predict(&["hollow"]), "", &["hollow: there is no table in the folder; it is empty"]),
        (predict(&["a.jpg"]), "", &["a.jpg is an image, but the model was trained on a table", "color, sugar, acid"]),
        (predict(&["pictures"]), "", &["pictures has images and no table", "Name a table with the columns"]),
        (predict(&["-"]), "", &["standard input is empty", "one JSON object per line"]),
        (predict(&["-"]), "{\"color\": \"red\"}\n{\"color\"\n", &["standard input, line 2: not valid JSON"]),
        (predict(&["-"]), "{\"color\": [1]}", &["line 1, column \"color\": a list or an object"]),
        (predict(&["-"]), "[1, 2]", &["line 1: 2 values, but the model has 3 columns", "color, sugar, acid"]),
        (predict(&["-"]), "{\"color\": \"red\", \"sugar\": 1}", &["the column \"acid\" is missing"]),
        (predict(&["new/a.csv", "--id", "name"]), "", &["--id name: new/a.csv has no such column", "Name one of id"]),
        (predict(&["new/a.csv", "--out", "out.txt"]), "", &["the extension names no format", ".jsonl"]),
        (predict(&["new/a.csv", "--out", "no/out.csv"]), "", &["--out no/out.csv: the folder no does not exist"]),
        (predict(&["new/a.csv", "other.csv", "--append"]), "", &["new/a.csv and other.csv have different columns"]),
    ];
    for (arguments, text, expected) in cases {
        piped(&program, &arguments, text).refused(expected);
    }
    assert!(!program.path("out.txt").exists());
}

/// Eight images of `class`, 8 by 8 pixels, in the folder `folder`.
fn images(program: &Program, folder: &str, class: usize) {
    std::fs::create_dir_all(program.path(folder)).unwrap();
    for index in 0..8_usize {
        let pixel = |x: u32, y: u32| {
            let bright = (class == 0) == (x < 4);
            image::Luma([if bright { 190 } else { 40 } + (index as u8) * 3 + y as u8])
        };
        image::GrayImage::from_fn(8, 8, pixel).save(program.path(&format!("{folder}/{index}.png"))).unwrap();
    }
}

#[test]
fn images_come_from_folders_of_any_shape() {
    let program = Program::new();
    for (class, name) in ["left", "right"].into_iter().enumerate() {
        images(&program, &format!("photos/{name}"), class);
    }
    images(&program, "new/2026-01", 0);
    images(&program, "new/2026-02/raw", 1);
    let set = ["data.source=photos", "model.preset=mlp", "train.epochs=15", "run.name=photos", "train.threads=1"];
    let set: Vec<&str> = set.iter().flat_map(|setting| ["--set", setting]).collect();
    program.run(&[&["train", "mlp"], set.as_slice()].concat()).succeeded();

    let predicted = program.run(&["predict", "runs/photos", "new", "--json"]).json();
    assert_eq!(predicted.as_array().map(Vec::len), Some(16));
    assert_eq!(predicted[0]["input"], "new/2026-01/0.png");
    assert_eq!(predicted[8]["input"], "new/2026-02/raw/0.png");
    let pattern = program.run(&["predict", "runs/photos", "new/*/?.png", "--json"]).json();
    assert_eq!(pattern.as_array().map(Vec::len), Some(8));
    assert_eq!(pattern[0], predicted[0]);

    let whole = program.run(&["eval", "runs/photos", "photos", "--json"]).json();
    let pattern = program.run(&["eval", "runs/photos", "photos/*/*.png", "--json"]).json();
    assert_eq!(whole["metrics"], pattern["metrics"]);
    program.run(&["eval", "runs/photos", "new/2026-01/0.png"]).refused(&["2026-01", "left, right"]);
    program.run(&["predict", "runs/photos", "-"]).refused(&["standard input is for tables"]);
}

#[test]
fn a_model_of_rows_without_names_takes_tables_json_and_standard_input() {
    let program = Program::new();
    let set = ["data.source=spiral", "train.epochs=2", "run.name=spiral", "train.threads=1"];
    let set: Vec<&str> = set.iter().flat_map(|setting| ["--set", setting]).collect();
    program.run(&[&["train", "mlp"], set.as_slice()].concat()).succeeded();
    write(&program.path("points.csv"), "x,y\n0.1,0.2\n0.3,0.4\n");
    write(&program.path("points.jsonl"), "[0.1, 0.2]\n[0.3, 0.4]\n");
    for (input, text) in [
        ("points.csv", ""),
        ("points.jsonl", ""),
        ("-", "x,y\n0.1,0.2\n0.3,0.4\n"),
        ("-", "0.1,0.2\n0.3,0.4\n"),
        ("-", "[[0.1, 0.2], [0.3, 0.4]]"),
    ] {
        let predicted = piped(&program, &["predict", "runs/spiral", input, "--json"], text);
        assert_eq!(predicted.succeeded().json().as_array().map(Vec::len), Some(2), "{input} {text}");
    }
    for (text, expected) in [
        ("0.1,0.2,0.3\n", "this model takes 2 numbers per sample, but the table has 3 columns"),
        ("[0.1]", "line 1: 1 values, but the model takes 2 numbers per sample"),
        ("{\"a\": 1, \"b\": 2}", "this model has no names for its 2 inputs"),
    ] {
        piped(&program, &["predict", "runs/spiral", "-"], text).refused(&[expected]);
    }
}
