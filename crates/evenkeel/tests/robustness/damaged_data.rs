//! Truncated data, and data of another kind than it claims: refused with status 2, the file named, nothing written.

use std::path::Path;

use crate::program::Program;

/// Bytes of an IDX file of unsigned bytes.
fn idx(dimensions: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    dimensions.iter().for_each(|length| bytes.extend(length.to_be_bytes()));
    bytes.extend(values);
    bytes
}

/// A whole NPY file of `<f4` with `[rows, 2]` values.
fn npy(rows: usize) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 2), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    (0..rows * 2).for_each(|value| bytes.extend((value as f32).to_le_bytes()));
    bytes
}

fn put(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn picture(extension: &str) -> Vec<u8> {
    let image = image::RgbImage::from_fn(16, 16, |x, y| image::Rgb([(x * 16) as u8, (y * 16) as u8, 90]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, image::ImageFormat::from_extension(extension).unwrap()).unwrap();
    bytes.into_inner()
}

/// Trains on `source` and expects a refusal that names `file`.
fn refused(program: &Program, source: &str, file: &str, expected: &[&str]) {
    let source = format!("data.source={source}");
    let parts: Vec<&str> = [file].into_iter().chain(expected.iter().copied()).collect();
    program.run(&["train", "mlp", "--set", &source]).refused(&parts);
    assert!(!program.path("runs").exists(), "{source} left a run");
}

#[test]
fn truncated_idx_and_cifar_files_are_named() {
    let program = Program::new();
    let (images, labels) = (idx(&[12, 4, 4], &[7; 12 * 16]), idx(&[12], &[0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]));
    for length in [0, 3, 9, 20, images.len() - 1] {
        put(&program.path("idx/train-images-idx3-ubyte"), &images[..length]);
        put(&program.path("idx/train-labels-idx1-ubyte"), &labels);
        refused(&program, "idx", "train-images-idx3-ubyte", &[]);
    }
    put(&program.path("idx/train-images-idx3-ubyte"), &images);
    put(&program.path("idx/train-labels-idx1-ubyte"), &labels[..labels.len() - 1]);
    refused(&program, "idx", "train-labels-idx1-ubyte", &[]);
    put(&program.path("cifar/data_batch_1.bin"), &vec![1; 3073 * 2 - 5]);
    refused(&program, "cifar", "data_batch_1.bin", &[]);
}

#[test]
fn truncated_arrays_are_named() {
    let program = Program::new();
    let whole = npy(6);
    for length in [0, 5, 9, 40, whole.len() - 1] {
        put(&program.path("inputs.npy"), &whole[..length]);
        refused(&program, "inputs.npy", "inputs.npy", &[]);
    }
    for bytes in [&b"PK\x03\x04 cut off"[..], b"", b"no archive at all"] {
        put(&program.path("arrays.npz"), bytes);
        refused(&program, "arrays.npz", "arrays.npz", &[]);
    }
}

#[test]
fn truncated_images_are_named_or_skipped_and_counted() {
    for extension in ["png", "jpg"] {
        let program = Program::new();
        let whole = picture(extension);
        for class in ["cat", "dog"] {
            for number in 0..8 {
                put(&program.path(&format!("photos/{class}/{number}.{extension}")), &whole);
            }
        }
        let broken = format!("photos/dog/3.{extension}");
        for length in [0, 10, whole.len() / 2] {
            put(&program.path(&broken), &whole[..length]);
            refused(&program, "photos", &broken, &["--skip-unreadable"]);
        }
        let arguments = ["train", "mlp", "--set", "data.source=photos", "--set", "train.epochs=1", "--skip-unreadable"];
        let done = program.run(&arguments);
        done.succeeded();
        assert!(done.stderr.contains("unreadable images left out: 1"), "{}", done.stderr);
    }
}

#[test]
fn odd_tables_are_refused_in_words() {
    let rows = |row: &dyn Fn(usize) -> String| (0..40).map(row).collect::<String>();
    let cases: [(&str, Vec<u8>, &[&str]); 8] = [
        ("cut in a quoted cell", b"a,target\n1,x\n2,\"y".to_vec(), &["table.csv", "line 3 is never closed"]),
        ("no text", b"a,target\n1,x\n2,\0\0\n3,x\n".to_vec(), &["table.csv", "line 3 has a zero byte"]),
        ("one row", b"a,target\n1,x\n".to_vec(), &["table.csv"]),
        ("a header alone", b"a,target\n".to_vec(), &["table.csv"]),
        ("infinite", b"a,target\n1,x\ninf,y\n2,x\n3,y\n".to_vec(), &["table.csv, line 3", "inf"]),
        ("one value", rows(&|row| format!("{row},2.5\n")).into_bytes(), &["same value 2.5"]),
        ("empty", Vec::new(), &["table.csv"]),
        ("one class", [b"a,target\n".to_vec(), rows(&|row| format!("{row},x\n")).into_bytes()].concat(), &["class"]),
    ];
    let program = Program::new();
    for (name, bytes, expected) in cases {
        println!("{name}");
        put(&program.path("table.csv"), &bytes);
        refused(&program, "table.csv", "", expected);
    }
}

#[test]
fn empty_folders_are_refused_in_words() {
    let program = Program::new();
    std::fs::create_dir_all(program.path("nothing")).unwrap();
    refused(&program, "nothing", "nothing", &[]);
    put(&program.path("photos/cat/1.png"), &picture("png"));
    std::fs::create_dir_all(program.path("photos/dog")).unwrap();
    refused(&program, "photos", "dog", &[]);
}

#[test]
fn what_is_done_to_images_for_a_model_is_said() {
    let program = Program::new();
    let save = |name: &str, side: u32, grey: bool| {
        let image = image::RgbImage::from_fn(side, side, |x, y| image::Rgb([(x * 9) as u8, (y * 9) as u8, 90]));
        let image = image::DynamicImage::from(image);
        let image = if grey { image.into_luma8().into() } else { image };
        std::fs::create_dir_all(program.path(name).parent().unwrap()).unwrap();
        image.save(program.path(name)).unwrap();
    };
    for class in ["cat", "dog"] {
        (0..8).for_each(|number| save(&format!("photos/{class}/{number}.png"), 16, false));
    }
    let set = ["--set", "data.source=photos", "--set", "train.epochs=1", "--set", "run.name=pets"];
    program.run(&[&["train", "mlp"][..], &set].concat()).succeeded();
    save("new/large.png", 24, false);
    save("new/grey.png", 16, true);
    let predicted = program.run(&["predict", "runs/pets", "new", "--json"]);
    assert_eq!(predicted.json().as_array().map(Vec::len), Some(2));
    for note in ["new: 1 of 2 images resized to 16 x 16 (bilinear, stretched)", "1 of 2 images converted from grey to"]
    {
        assert!(predicted.stderr.contains(note), "{}", predicted.stderr);
    }
    let same = program.run(&["predict", "runs/pets", "photos/cat/0.png"]);
    same.succeeded();
    assert_eq!(same.stderr, "");
    let evaluated = program.run(&["eval", "runs/pets", "photos"]);
    evaluated.succeeded();
    assert_eq!(evaluated.stderr, "");

    put(&program.path("photos/cat/3.png"), b"no image");
    for arguments in [["predict", "runs/pets", "photos"], ["eval", "runs/pets", "photos"]] {
        program.run(&arguments).refused(&["photos/cat/3.png", "--skip-unreadable"]);
        let skipped = program.run(&[&arguments[..], &["--skip-unreadable"]].concat());
        skipped.succeeded();
        assert!(skipped.stderr.contains("photos: unreadable images left out: 1"), "{}", skipped.stderr);
    }
}

/// Also as a config, which a path without a known ending is taken for.
#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_at_once() {
    let program = Program::new();
    for name in ["pipe", "pipe.toml", "pipe.csv"] {
        let made = std::process::Command::new("mkfifo").arg(program.path(name)).status().unwrap();
        assert!(made.success());
        program.run(&["train", name]).refused(&[name, "it is a named pipe, not a file"]);
    }
    program.run(&["train", "/dev/zero"]).refused(&["/dev/zero", "it is a device, not a file"]);
}
