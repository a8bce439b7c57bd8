//! Folders of images as people have them, from the command line to the exit status.

use crate::program::{Program, write};

/// Saves an image of a class's own colours.
fn save(program: &Program, name: &str, (width, height): (u32, u32)) {
    let path = program.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let blue = if name.contains("cat") { 200 } else { 20 };
    image::RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 3) as u8, (y * 3) as u8, blue]))
        .save(path)
        .unwrap();
}

fn pets(program: &Program, size: (u32, u32)) {
    for class in ["cat", "dog"] {
        (0..8).for_each(|number| save(program, &format!("pets/{class}/{number}.png"), size));
    }
}

const TRAIN: [&str; 8] =
    ["train", "mlp", "--set", "data.source=pets", "--set", "train.epochs=1", "--set", "run.name=pets"];

#[test]
fn photos_in_folders_by_month_are_predicted() {
    let program = Program::new();
    pets(&program, (8, 6));
    program.run(&TRAIN).succeeded();
    for name in ["new/2026-01/1.png", "new/2026-02/2.png", "new/3.png"] {
        save(&program, name, (8, 6));
    }
    let predicted = program.run(&["predict", "runs/pets", "new", "--json"]);
    predicted.succeeded();
    assert_eq!(predicted.json().as_array().map(Vec::len), Some(3));
    save(&program, "pets/cat.backup/1.png", (8, 6));
    let mixed = program.run(&["predict", "runs/pets", "pets", "--json"]);
    assert_eq!(mixed.succeeded().json().as_array().map(Vec::len), Some(17), "labels are not asked for");
}

#[test]
fn runs_in_the_folder_of_the_data_are_not_a_class() {
    let program = Program::new();
    ["cat", "dog"].iter().for_each(|class| (0..8).for_each(|at| save(&program, &format!("{class}/{at}.png"), (8, 6))));
    let train = ["train", ".", "--target", "label", "--set", "model.preset=mlp", "--set", "train.epochs=1", "--json"];
    for time in 0..3 {
        let run = program.run(&train);
        let summary = run.succeeded().json();
        assert_eq!(summary["metrics"]["test"]["classes"].as_array().map(Vec::len), Some(2), "{summary}");
        assert_eq!(run.stderr.contains("folders of training runs left out: runs"), time > 0, "{}", run.stderr);
        assert!(run.stderr.contains("data.target has no effect: only tables have columns"), "{}", run.stderr);
    }
    let mut names: Vec<_> = std::fs::read_dir(program.path("runs")).unwrap().map(|run| run.unwrap().path()).collect();
    names.sort();
    let run = names[0].to_str().unwrap();
    let predicted = program.run(&["predict", run, ".", "--json"]);
    assert_eq!(predicted.succeeded().json().as_array().map(Vec::len), Some(16));
    program
        .run(&["predict", run, "cat", "--append"])
        .refused(&["--append: only tables have columns", "Remove --append"]);
}

#[test]
fn what_is_not_predicted_is_said() {
    let program = Program::new();
    pets(&program, (8, 6));
    program.run(&TRAIN).succeeded();
    save(&program, "new/cat.png", (8, 6));
    write(&program.path("new/notes.txt"), "cats");
    std::fs::write(program.path("new/IMG_2031.HEIC"), b"\0\0\0\x18ftypheic\0\0\0\0").unwrap();
    std::fs::create_dir(program.path("hollow")).unwrap();
    let predict = |inputs: &[&'static str]| program.run(&[&["predict", "runs/pets"], inputs].concat());
    let predicted = predict(&["new", "--out", "out.csv"]);
    assert!(predicted.succeeded().stdout.contains("1 prediction written"), "{}", predicted.stdout);
    for note in ["new: HEIC files left out (convert them", "new: files that are not images left out: 1"] {
        assert!(predicted.stderr.contains(note), "{}", predicted.stderr);
    }
    let heic = ["new/cat.png", "new/IMG_2031.HEIC"];
    predict(&heic)
        .refused(&["IMG_2031.HEIC: it is a HEIC file, which cannot be read; convert it", "--skip-unreadable"]);
    let skipped = predict(&[heic[0], heic[1], "--skip-unreadable", "--json"]);
    assert_eq!(skipped.succeeded().json().as_array().map(Vec::len), Some(1));
    assert!(skipped.stderr.contains("unreadable images left out: 1 (new/IMG_2031.HEIC)"), "{}", skipped.stderr);
    predict(&["new/cat.png", "absent.png"]).refused(&["cannot read absent.png: no such file", "the path exists"]);
    predict(&["hollow"]).refused(&["hollow: the folder is empty"]);
    std::fs::remove_file(program.path("new/cat.png")).unwrap();
    predict(&["new"])
        .refused(&["new: no readable image; HEIC files left out (convert them to JPEG or PNG to use them): 1"]);

    for class in ["Cat", "Dog"] {
        save(&program, &format!("other/{class}/1.png"), (8, 6));
    }
    let refused = program.run(&["eval", "runs/pets", "other"]);
    refused.refused(&["no targets to compare with", "none of them (Cat, Dog) is a class of the model (cat, dog)"]);
}

#[test]
fn an_image_that_claims_to_be_huge_is_refused_by_name() {
    let program = Program::new();
    pets(&program, (8, 6));
    let sides = [0xff, 0xff, 0xff, 0xff];
    let gif =
        [&b"GIF89a"[..], &sides, &[0x80, 0, 0, 0, 0, 0, 9, 9, 9, 0x2c, 0, 0, 0, 0], &sides, &[0, 2, 1, 0, 0, 0x3b]];
    std::fs::write(program.path("pets/cat/huge.gif"), gif.concat()).unwrap();
    program.run(&TRAIN).refused(&["pets/cat/huge.gif", "65535 x 65535 pixels", "at most 512 MB", "--skip-unreadable"]);
    assert!(!program.path("runs").exists());
}

#[test]
fn a_run_that_does_not_fit_into_memory_is_refused_with_the_sum_by_part() {
    let program = Program::new();
    pets(&program, (300, 200));
    let refused = program.run(&[&TRAIN[..], &["--memory-limit", "3MB"]].concat());
    refused.refused(&[
        "the run takes",
        "the limit is 3.0 MB",
        "data",
        "training steps",
        "together",
        "data.image_size to at most",
    ]);
    assert!(!program.path("runs").exists());
    program
        .run(&[&TRAIN[..], &["--memory-limit", "100kB"]].concat())
        .refused(&["data.image_size", "Give a size of at most"]);
    program
        .run(&[&TRAIN[..], &["--memory-limit", "much"]].concat())
        .refused(&["`much` is not a valid memory size", "4GB"]);
    let plan = program.run(&["plan", "mlp", "--set", "data.source=pets", "--memory-limit", "3MB", "--json"]).json();
    assert_eq!(
        (plan["memory"]["fits"].as_bool(), plan["memory"]["limit_bytes"].as_u64()),
        (Some(false), Some(3_000_000))
    );
    program.run(&TRAIN).succeeded();
}

#[test]
fn sizes_that_wrap_are_refused_with_their_line() {
    let program = Program::new();
    let layer = |width: &str| format!("[[model.layers]]\ntype = \"linear\"\n{width}\n");
    let text = [layer("out_features = 288230376151711744"), layer("out_features = 64"), layer("")].concat();
    write(&program.path("wrap.toml"), &text);
    for command in ["train", "plan", "check"] {
        program.run(&[command, "wrap.toml"]).refused(&["wrap.toml:1", "out_features of linear", "at most 16777216"]);
    }
}
