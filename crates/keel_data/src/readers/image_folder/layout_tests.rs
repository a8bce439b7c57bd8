//! Selection of the files of a folder, and their classes.

use super::tests::{BASELINE, images, labels, pets, read, skipping, write};
use crate::config::DataConfig;
use crate::dataset::Targets;
use crate::load::{load, load_for_model, survey};
use std::path::Path;

#[test]
fn contents_decide_where_endings_are_wrong_or_missing() {
    let folder = tempfile::tempdir().unwrap();
    pets(folder.path());
    for name in ["cat/a.png", "cat/b", "cat/c.jfif", "cat/d.JPE", "dog/e.jpg_large"] {
        write(&folder.path().join(name), BASELINE);
    }
    write(&folder.path().join("dog/notes"), b"no image");
    let data = read(folder.path()).unwrap();
    assert_eq!(labels(&data), [0, 0, 0, 0, 0, 0, 1, 1]);
    assert!(data.notes().contains(&"files that are not images left out: 1".to_owned()), "{:?}", data.notes());
}

#[test]
fn parts_become_the_official_division() {
    for parts in [["train", "val", "test"], ["training", "dev", "Testing"], ["seg_train", "seg_valid", "seg_test"]] {
        let folder = tempfile::tempdir().unwrap();
        for part in parts {
            pets(&folder.path().join(part));
        }
        let data = read(folder.path()).unwrap();
        let division = data.division().unwrap();
        assert_eq!(
            (&division.train[..], &division.validation[..], &division.test[..]),
            (&[0, 1, 2][..], &[3, 4, 5][..], &[6, 7, 8][..])
        );
        assert_eq!(labels(&data), [0, 0, 1, 0, 0, 1, 0, 0, 1]);
    }
}

#[test]
fn layouts_people_have() {
    type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str], usize, &'a str);
    let cases: [Case; 14] = [
        (
            "a class named train",
            &["train/1.png", "bus/1.png", "car/1.png"],
            &["bus", "car", "train"],
            3,
            "read as classes, like the folders next to them: train;",
        ),
        (
            "classes of several words",
            &["train station/1.png", "test tube/1.png"],
            &["test tube", "train station"],
            2,
            "",
        ),
        (
            "train as a class with folders",
            &["train/ice/1.png", "train/tgv/1.png", "bus/1.png"],
            &["bus", "train"],
            3,
            "like the folders next to them: train",
        ),
        (
            "a part of any name",
            &["train/a/1.png", "train/b/1.png", "pictures/a/1.png"],
            &["a", "b"],
            3,
            "pictures/ has the class folders of the training part and is read as the test part",
        ),
        ("a part named holdout", &["train/a/1.png", "train/b/1.png", "holdout/b/1.png"], &["a", "b"], 3, ""),
        (
            "two parts for the test",
            &["train/a/1.png", "train/b/1.png", "holdout/a/1.png", "test/a/1.png"],
            &["a", "b"],
            3,
            "folders next to the training part left out: holdout",
        ),
        (
            "a numbered flat test part",
            &["train/a/1.png", "train/b/1.png", "test1/1.png"],
            &["a", "b"],
            2,
            "test1/ left out: 1 images without class folders",
        ),
        (
            "folders of other names next to train",
            &["train/a/1.png", "train/b/1.png", "val/a/1.png", "raw/c/1.png"],
            &["a", "b"],
            3,
            "folders next to the training part left out: raw",
        ),
        ("a wrapping folder", &["pets/cat/1.png", "pets/dog/1.png"], &["cat", "dog"], 2, "which is read instead"),
        (
            "a wrapping folder in each part",
            &["train/train/a/1.png", "train/train/b/1.png", "test/test/a/1.png"],
            &["a", "b"],
            3,
            "",
        ),
        (
            "a flat test part",
            &["train/a/1.png", "train/b/1.png", "test/1.png", "test/2.png"],
            &["a", "b"],
            2,
            "test/ left out: 2 images without class folders",
        ),
        (
            "a test part with one unknown folder",
            &["train/a/1.png", "train/b/1.png", "test/unknown/1.png"],
            &["a", "b"],
            2,
            "folders of the test part left out, because the training part lacks them: unknown",
        ),
        ("loose images", &["a/1.png", "b/1.png", "1.png"], &["a", "b"], 2, "images outside class folders left out: 1"),
        (
            "a folder next to the parts",
            &["train/a/1.png", "train/b/1.png", "val/a/1.png", "raw/1.png"],
            &["a", "b"],
            3,
            "folders next to the training part left out: raw",
        ),
    ];
    for (what, paths, classes, samples, note) in cases {
        let folder = tempfile::tempdir().unwrap();
        images(folder.path(), paths);
        let data = read(folder.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(data.class_names(), classes, "{what}");
        assert_eq!(data.samples(), samples, "{what}");
        let notes = data.notes();
        assert!(
            if note.is_empty() { notes.is_empty() } else { notes.iter().any(|n| n.contains(note)) },
            "{what}: {notes:?}"
        );
        let survey = survey(&DataConfig::of_source("."), folder.path()).unwrap().unwrap();
        assert_eq!((survey.samples(), survey.sample_shape), (samples, *data.sample_shape()), "{what}");
    }
}

#[test]
fn folders_of_training_runs_are_not_classes() {
    let folder = tempfile::tempdir().unwrap();
    images(folder.path(), &["cat/1.png", "dog/1.png", "runs/a/samples.png", "runs/b/samples.png", "dog/c/samples.png"]);
    for file in ["runs/a/summary.json", "runs/b/run.lock", "dog/c/run.lock", "runs/a/config.toml", "runs/b/config.toml"]
    {
        write(&folder.path().join(file), b"");
    }
    write(&folder.path().join("dog/c/config.toml"), b"");
    let notes = ["folders of training runs left out: runs", "folders of training runs left out: 1"];
    let data = read(folder.path()).unwrap();
    assert_eq!((data.class_names(), data.samples()), (&["cat".to_owned(), "dog".to_owned()][..], 2));
    assert_eq!(data.notes(), notes);
    // The same next to the parts, and for a model.
    let parts = tempfile::tempdir().unwrap();
    images(parts.path(), &["train/cat/1.png", "train/dog/1.png", "test/cat/1.png"]);
    std::fs::rename(folder.path().join("runs"), parts.path().join("runs")).unwrap();
    let divided = read(parts.path()).unwrap();
    assert_eq!((divided.samples(), divided.notes()), (3, &[notes[0].to_owned()][..]));
    let labelled = load_for_model(&DataConfig::of_source("."), parts.path(), &data.schema()).unwrap();
    assert_eq!(labels(&labelled), [0, 1, 0]);
    let below = crate::image_files_below(parts.path()).unwrap();
    assert_eq!((below.files.len(), below.notes), (3, vec!["folders of training runs left out: 2".to_owned()]));
}

#[test]
fn names_of_parts_are_not_classes() {
    let cases: [(&[&str], &str, &str); 7] = [
        (
            &["train/1.png", "test/1.png"],
            "the images in train/ are not in class folders, so they have no labels",
            "as in train/cat/1.jpg and train/dog/1.jpg",
        ),
        (
            &["train/cat.1.png", "train/cat.2.png", "train/dog.1.png", "train/dog.2.png", "test1/1.png"],
            "the images in train/",
            "such as train/cat and train/dog: the names of the files begin with cat and dog",
        ),
        (&["seg_train/1.png", "seg_test/1.png", "more/1.png"], "the images in seg_train/", "seg_train/cat/1.jpg"),
        (&["train/1.png"], "the images in train/", "train/cat/1.jpg"),
        (&["train/1.png", "test/a/1.png", "test/b/1.png"], "the images in train/", "train/cat/1.jpg"),
        (&["val/1.png", "test/a/1.png"], "the images in val/", "val/cat/1.jpg"),
        (
            &["val/a/1.png", "val/b/1.png", "test/a/1.png"],
            "there is no training part, only test, val",
            "Rename the folder to train on to `train`",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    images(folder.path(), &["cat/1.png", "dog/1.png"]);
    let schema = read(folder.path()).unwrap().schema();
    for (paths, what, next) in cases {
        let folder = tempfile::tempdir().unwrap();
        images(folder.path(), paths);
        let message = read(folder.path()).unwrap_err().to_string();
        assert!(message.contains(what) && message.contains(next), "{paths:?}: {message}");
        let data = load_for_model(&DataConfig::of_source("."), folder.path(), &schema).unwrap();
        assert_eq!((data.samples(), data.targets()), (paths.len(), &Targets::Unlabelled), "{paths:?}");
    }
}

#[test]
fn junk_is_passed_over_and_what_is_not_decoded_is_counted_by_kind() {
    let folder = tempfile::tempdir().unwrap();
    pets(folder.path());
    for name in
        ["__MACOSX/cat/._1.png", ".DS_Store", "cat/Thumbs.db", "dog/desktop.ini", "cat/.ipynb_checkpoints/1.png"]
    {
        write(&folder.path().join(name), b"\0");
    }
    for name in ["cat/1.heic", "cat/2.HEIC", "dog/1.nef", "dog/labels.txt"] {
        write(&folder.path().join(name), b"text");
    }
    let data = read(folder.path()).unwrap();
    let expected = [
        "1 of 3 images resized to 3 x 4 (bilinear, stretched)",
        "HEIC files left out (convert them to JPEG or PNG to use them): 2",
        "camera raw files left out (convert them to JPEG or PNG to use them): 1",
        "files that are not images left out: 1",
    ];
    assert_eq!(data.notes(), expected);
    write(&folder.path().join("cat/3.jpg"), b"\0\0\0\x18ftypheic\0\0\0\0");
    let message = read(folder.path()).unwrap_err().to_string();
    assert!(message.contains("3.jpg: it is a HEIC file, which cannot be read; convert it to JPEG or PNG"), "{message}");
}

#[cfg(unix)]
#[test]
fn links_never_lead_back_into_the_data() {
    use std::os::unix::fs::symlink;
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    images(folder.path(), &["cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"]);
    images(elsewhere.path(), &["more/1.png", "more/deep/2.png", "3.png"]);
    symlink(elsewhere.path().join("more"), elsewhere.path().join("more/deep/again")).unwrap();
    for (target, link) in [
        ("..", "cat/up"),
        ("../dog", "cat/dogs"),
        ("../dog/1.png", "cat/dog.png"),
        ("1.png", "cat/same.png"),
        ("nowhere", "dog/broken.png"),
        ("cat", "kitten"),
    ] {
        symlink(target, folder.path().join(link)).unwrap();
    }
    for (target, link) in [("more", "dog/more"), ("more", "dog/more_again"), ("3.png", "dog/3.png")] {
        symlink(elsewhere.path().join(target), folder.path().join(link)).unwrap();
    }
    let data = read(folder.path()).unwrap();
    assert_eq!(
        (data.class_names(), labels(&data)),
        (&["cat".to_owned(), "dog".to_owned()][..], &[0, 0, 1, 1, 1, 1, 1][..])
    );
    let expected = [
        "class folders without a readable image left out: kitten",
        "links to folders or files of the same data left out: 5",
        "symbolic links in a circle, back to a folder they lie in, left out: 2",
        "broken symbolic links left out: 1",
    ];
    assert_eq!(data.notes(), expected);
}

#[cfg(unix)]
#[test]
fn each_file_counts_once_however_many_names_lead_to_it() {
    use std::os::unix::fs::symlink;
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    images(folder.path(), &["cat/1.png", "dog/1.png"]);
    images(elsewhere.path(), &["a/1.png", "b/1.png"]);
    let link = |target: &Path, name: &str| symlink(target, folder.path().join(name)).unwrap();
    // A link that leaves the data and one that leads back around it, a file linked together with its folder, and a
    // cycle elsewhere.
    symlink(elsewhere.path(), elsewhere.path().join("a/up")).unwrap();
    link(&elsewhere.path().join("a"), "cat/a");
    link(&elsewhere.path().join("b/1.png"), "cat/b.png");
    link(&elsewhere.path().join("b"), "dog/b");
    std::fs::hard_link(folder.path().join("cat/1.png"), folder.path().join("dog/same.png")).unwrap();
    symlink(".", folder.path().join("dog/round")).unwrap();
    let data = read(folder.path()).unwrap();
    assert_eq!((data.samples(), labels(&data)), (4, &[0, 0, 0, 1][..]), "{:?}", data.notes());
    let notes = data.notes().join("\n");
    assert!(notes.contains("links in a circle, back to a folder they lie in, left out: 2"), "{notes}");
    assert!(notes.contains("links to folders or files of the same data left out: 2"), "{notes}");
}

#[cfg(unix)]
#[test]
fn circles_of_links_without_images_take_no_time() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    images(folder.path(), &["cat/1.png", "dog/1.png"]);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    (0..40).for_each(|name| symlink(".", folder.path().join(format!("empty/{name}"))).unwrap());
    let start = std::time::Instant::now();
    let data = read(folder.path()).unwrap();
    assert_eq!(data.class_names(), ["cat", "dog"]);
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

#[cfg(unix)]
#[test]
fn pipes_among_images_are_refused_or_left_out_and_never_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    images(folder.path(), &["cat/1.png", "dog/1.png"]);
    for name in ["cat/pipe.png", "dog/pipe"] {
        let made = std::process::Command::new("mkfifo").arg(folder.path().join(name)).status().unwrap();
        assert!(made.success());
    }
    let message = read(folder.path()).unwrap_err().to_string();
    assert!(message.contains("cat/pipe.png: it is a named pipe, not a file"), "{message}");
    let data = load(&skipping(), folder.path()).unwrap();
    assert_eq!(data.samples(), 2);
    let notes = data.notes().join("\n");
    assert!(notes.contains("unreadable images left out: 1") && notes.contains("not images left out: 1"), "{notes}");
}

#[test]
fn empty_and_single_classes() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |words: &str| {
        let message = read(folder.path()).unwrap_err().to_string();
        assert!(message.contains(words) && message.contains("pets/cat/1.jpg"), "{message}");
    };
    images(folder.path(), &["1.png"]);
    refused("1 images and no class folders found");
    images(folder.path(), &["cat/1.png"]);
    refused("1 class folder with images found (cat)");
    std::fs::create_dir(folder.path().join("dog")).unwrap();
    refused("class folders without a readable image left out: dog");
    images(folder.path(), &["elk/1.png"]);
    let data = read(folder.path()).unwrap();
    assert_eq!((data.class_names(), labels(&data)), (&["cat".to_owned(), "elk".to_owned()][..], &[0, 1][..]));
    write(&folder.path().join("dog/1.jpg"), &BASELINE[..300]);
    let data = load(&skipping(), folder.path()).unwrap();
    assert_eq!((data.class_names().len(), labels(&data)), (2, &[0, 1][..]));
    let message = load(&DataConfig::of_source("cat/1.png"), folder.path()).unwrap_err().to_string();
    assert!(message.contains("cat/1.png: a single image cannot be trained on"), "{message}");
}

#[test]
fn a_model_reads_folders_of_any_shape() {
    type Case<'a> = (&'a [&'a str], Option<&'a [u32]>, usize, &'a str);
    let cases: [Case; 8] = [
        (&["1.png", "2.png"], None, 2, ""),
        (&["2026-01/1.png", "2026-02/day/2.png"], None, 2, "none of them (2026-01, 2026-02) is a class of the model"),
        (&["cat/1.png", "dog/2.png"], Some(&[0, 1]), 2, ""),
        (&["dog/2.png"], Some(&[1]), 1, ""),
        (
            &["cat/1.png", "bird/2.png"],
            None,
            2,
            "folders that are not classes of the model (bird; its classes: cat, dog)",
        ),
        (&["cat/1.png", "2.png"], None, 2, "1 images outside class folders"),
        (&["train/cat/1.png", "train/dog/1.png", "test/cat/1.png"], Some(&[0, 1, 0]), 3, ""),
        (&["unpacked/cat/1.png", "unpacked/dog/1.png"], Some(&[0, 1]), 2, "which is read instead"),
    ];
    let folder = tempfile::tempdir().unwrap();
    images(folder.path(), &["cat/1.png", "dog/1.png"]);
    let schema = read(folder.path()).unwrap().schema();
    for (paths, expected, samples, note) in cases {
        let other = tempfile::tempdir().unwrap();
        images(other.path(), paths);
        std::fs::create_dir(other.path().join("empty")).unwrap();
        let data = load_for_model(&DataConfig::of_source("."), other.path(), &schema).unwrap();
        let found = match data.targets() {
            Targets::Classes { labels, .. } => Some(&labels[..]),
            _ => None,
        };
        assert_eq!((found, data.samples()), (expected, samples), "{paths:?}");
        let notes = data.notes();
        assert!(
            if note.is_empty() { notes.is_empty() } else { notes.iter().any(|n| n.contains(note)) },
            "{paths:?}: {notes:?}"
        );
        write(&other.path().join(paths[0]).with_file_name("broken.jpg"), &BASELINE[..500]);
        let message = load_for_model(&DataConfig::of_source("."), other.path(), &schema).unwrap_err().to_string();
        assert!(message.contains("broken.jpg"), "{message}");
        assert_eq!(load_for_model(&skipping(), other.path(), &schema).unwrap().samples(), samples, "{paths:?}");
    }
    let empty = tempfile::tempdir().unwrap();
    let message = load_for_model(&DataConfig::of_source("."), empty.path(), &schema).unwrap_err().to_string();
    assert!(message.contains("the folder is empty"), "{message}");
}
