use crate::config::{ColorMode, DataConfig, Fit, ImageSize};
use crate::dataset::{Dataset, Inputs, Targets};
use crate::error::DataError;
use crate::load::{load, load_for_model};
use image::{DynamicImage, GrayImage, ImageBuffer, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use std::path::Path;

pub(super) const BASELINE: &[u8] = include_bytes!("../../../tests/data/baseline.jpg");
const PROGRESSIVE: &[u8] = include_bytes!("../../../tests/data/progressive.jpg");
const CMYK: &[u8] = include_bytes!("../../../tests/data/cmyk.jpg");

pub(super) fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

pub(super) fn color(path: &Path, width: u32, height: u32, rgb: [u8; 3]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(width, height, Rgb(rgb)).save(path).unwrap();
}

/// Writes one small image at each of `paths`.
pub(super) fn images(root: &Path, paths: &[&str]) {
    paths.iter().for_each(|path| color(&root.join(path), 4, 3, [7, 8, 9]));
}

pub(super) fn pets(root: &Path) {
    color(&root.join("cat/1.png"), 4, 3, [255, 0, 0]);
    color(&root.join("cat/2.bmp"), 4, 3, [0, 255, 0]);
    color(&root.join("dog/1.png"), 8, 6, [0, 0, 255]);
}

pub(super) fn read(root: &Path) -> Result<Dataset, DataError> {
    load(&DataConfig::of_source("."), root)
}

fn bytes(data: &Dataset) -> &[u8] {
    let Inputs::Bytes(bytes) = data.inputs() else { panic!("images are bytes") };
    bytes
}

pub(super) fn labels(data: &Dataset) -> &[u32] {
    let Targets::Classes { labels, .. } = data.targets() else { panic!("folders are classes") };
    labels
}

pub(super) fn skipping() -> DataConfig {
    DataConfig { skip_unreadable: true, ..DataConfig::of_source(".") }
}

#[test]
fn classes_sizes_and_pixels_are_read_in_sorted_order() {
    let folder = tempfile::tempdir().unwrap();
    pets(folder.path());
    let data = read(folder.path()).unwrap();
    assert_eq!(data.class_names(), ["cat", "dog"]);
    assert_eq!(data.sample_shape().dimensions(), [3, 4, 3]);
    for (sample, rgb) in [[255, 0, 0], [0, 255, 0], [0, 0, 255]].iter().enumerate() {
        assert!(bytes(&data)[sample * 36..(sample + 1) * 36].chunks_exact(3).all(|pixel| pixel == rgb));
    }
    assert_eq!(data.notes(), ["1 of 3 images resized to 3 x 4 (bilinear, stretched)"]);
    assert!(data.provenance().describe(2).ends_with("dog/1.png"));
}

#[test]
fn every_format_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (class, ending) in ["jpg", "png", "bmp", "gif", "webp", "tiff", "ppm"].iter().enumerate() {
        color(&folder.path().join(format!("{class}/a.{ending}")), 5, 7, [200, 40, 90]);
    }
    let data = read(folder.path()).unwrap();
    assert_eq!((data.samples(), data.sample_shape().dimensions()), (7, vec![7, 5, 3]));
    assert!(
        bytes(&data).chunks_exact(3).all(|pixel| pixel.iter().zip([200u8, 40, 90]).all(|(a, b)| a.abs_diff(b) < 8))
    );
}

#[test]
fn grey_images_have_one_channel_unless_colour_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        std::fs::create_dir(folder.path().join(class)).unwrap();
        GrayImage::from_pixel(2, 2, Luma([7])).save(folder.path().join(class).join("1.png")).unwrap();
    }
    assert_eq!(read(folder.path()).unwrap().sample_shape().channels(), 1);
    let config = DataConfig { color: ColorMode::Color, ..DataConfig::of_source(".") };
    assert_eq!(load(&config, folder.path()).unwrap().sample_shape().channels(), 3);
}

#[test]
fn twelve_bits_in_sixteen_are_not_black_and_cmyk_is_colour() {
    let folder = tempfile::tempdir().unwrap();
    for (class, value) in [("a", 4_000), ("b", 2_000)] {
        std::fs::create_dir(folder.path().join(class)).unwrap();
        ImageBuffer::<Luma<u16>, _>::from_pixel(2, 2, Luma([value]))
            .save(folder.path().join(class).join("1.png"))
            .unwrap();
    }
    let data = read(folder.path()).unwrap();
    assert_eq!(bytes(&data), [249, 249, 249, 249, 125, 125, 125, 125]);
    assert_eq!(data.notes(), ["2 images of 16 bits use 12 of them, which are scaled to 0 to 255"]);
    let predicted = load_for_model(&DataConfig::of_source("b"), folder.path(), &data.schema()).unwrap();
    assert_eq!(bytes(&predicted), [125; 4]);
    write(&folder.path().join("a/2.jpg"), CMYK);
    assert_eq!(read(folder.path()).unwrap().sample_shape().channels(), 3);
}

#[test]
fn transparent_images_are_shown_on_white_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    for (class, hidden) in [("a", [255, 0, 0, 0]), ("b", [0, 0, 255, 0])] {
        std::fs::create_dir(folder.path().join(class)).unwrap();
        RgbaImage::from_pixel(2, 2, Rgba(hidden)).save(folder.path().join(class).join("1.png")).unwrap();
        RgbaImage::from_pixel(2, 2, Rgba([1, 2, 3, 255])).save(folder.path().join(class).join("2.png")).unwrap();
    }
    let data = read(folder.path()).unwrap();
    assert!(bytes(&data)[..12].iter().all(|value| *value == 255));
    assert_eq!(data.notes(), ["images with transparent parts, shown on white: 2"]);
}

/// Returns `jpeg` with an EXIF segment that sets the orientation.
fn turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let tiff = [b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", &[orientation, 0, 0, 0, 0, 0, 0, 0][..]].concat();
    let length = (tiff.len() as u16 + 8).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, b"Exif\0\0", &tiff, &jpeg[2..]].concat()
}

#[test]
fn orientation_comes_before_the_shape() {
    for orientation in 1..=8 {
        let folder = tempfile::tempdir().unwrap();
        for class in ["a", "b"] {
            write(&folder.path().join(class).join("1.jpg"), &turned(BASELINE, orientation));
        }
        let data = read(folder.path()).unwrap();
        let expected = if orientation < 5 { [40, 56, 3] } else { [56, 40, 3] };
        assert_eq!(data.sample_shape().dimensions(), expected, "orientation {orientation}");
        assert_eq!(data.notes(), [""; 0]);
        let plain = image::load_from_memory(BASELINE).unwrap();
        let mut upright = plain.clone();
        upright.apply_orientation(image::metadata::Orientation::from_exif(orientation).unwrap());
        assert_eq!(&bytes(&data)[..upright.as_bytes().len()], upright.as_bytes(), "orientation {orientation}");
    }
}

#[test]
fn photos_are_cropped_to_a_size_that_is_chosen_and_said() {
    let folder = tempfile::tempdir().unwrap();
    for (class, (width, height)) in [("a", (400, 300)), ("b", (300, 400)), ("c", (500, 500))] {
        color(&folder.path().join(class).join("1.png"), width, height, [9, 9, 9]);
    }
    let data = read(folder.path()).unwrap();
    let expected = [
        "image size 224 x 224, chosen for 3 images of about 400 x 400 (data.image_size gives another)",
        "3 of 3 images resized to 224 x 224 (bilinear, cropped about the centre)",
    ];
    assert_eq!((data.sample_shape().dimensions(), data.notes()), (vec![224, 224, 3], &expected.map(str::to_owned)[..]));
}

#[test]
fn crop_keeps_proportions_and_the_asked_size_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let mut image = RgbImage::from_pixel(30, 10, Rgb([255, 0, 0]));
    (0..10).flat_map(|y| (10..20).map(move |x| (x, y))).for_each(|(x, y)| image.put_pixel(x, y, Rgb([0, 255, 0])));
    for class in ["a", "b"] {
        std::fs::create_dir(folder.path().join(class)).unwrap();
        DynamicImage::from(image.clone()).save(folder.path().join(class).join("1.png")).unwrap();
    }
    let size = Some(ImageSize::Square(10));
    let config = DataConfig { image_size: size, fit: Fit::Crop, ..DataConfig::of_source(".") };
    let data = load(&config, folder.path()).unwrap();
    assert!(bytes(&data).chunks_exact(3).all(|pixel| pixel == [0, 255, 0]));
    for impossible in [ImageSize::Square(0), ImageSize::Sides([3, 9_000])] {
        let config = DataConfig { image_size: Some(impossible), ..DataConfig::of_source(".") };
        assert!(load(&config, folder.path()).unwrap_err().to_string().starts_with("data.image_size"));
    }
}

#[test]
fn a_shrunken_image_equals_that_of_another_program() {
    // Pillow 12's `resize((13, 9), BILINEAR)`, with the script in tests/data/reference.py.
    const EXPECTED: [[u8; 13]; 9] = [
        [162, 95, 79, 147, 177, 114, 71, 128, 181, 133, 73, 108, 174],
        [145, 78, 62, 131, 160, 97, 55, 111, 164, 116, 56, 92, 157],
        [171, 104, 88, 156, 186, 123, 80, 137, 190, 142, 82, 117, 183],
        [154, 87, 71, 139, 169, 106, 63, 120, 173, 125, 65, 100, 166],
        [152, 85, 69, 137, 167, 104, 61, 118, 171, 123, 63, 98, 164],
        [172, 105, 89, 157, 187, 123, 81, 138, 190, 143, 82, 118, 184],
        [146, 79, 63, 131, 161, 98, 55, 112, 165, 117, 57, 92, 158],
        [162, 95, 79, 148, 177, 114, 72, 128, 181, 133, 73, 109, 174],
        [169, 102, 86, 154, 184, 121, 78, 135, 188, 140, 80, 115, 181],
    ];
    let folder = tempfile::tempdir().unwrap();
    let pattern = |x: u32, y: u32| {
        Luma([((100u32.abs_diff(x % 200) * 2 + 70u32.abs_diff(y % 140)) * 8 / 10 + (x * 7 + y * 13) % 30) as u8])
    };
    for class in ["a", "b"] {
        std::fs::create_dir(folder.path().join(class)).unwrap();
        GrayImage::from_fn(610, 470, pattern).save(folder.path().join(class).join("1.png")).unwrap();
    }
    let size = Some(ImageSize::Sides([9, 13]));
    let config = DataConfig { image_size: size, fit: Fit::Stretch, ..DataConfig::of_source(".") };
    let data = load(&config, folder.path()).unwrap();
    let differences = bytes(&data).iter().zip(EXPECTED.as_flattened()).map(|(a, b)| a.abs_diff(*b));
    assert!(differences.clone().all(|difference| difference <= 3), "{:?}", differences.collect::<Vec<_>>());
}

#[test]
fn a_truncated_image_is_named_or_counted() {
    let png = {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let image = RgbImage::from_fn(40, 30, |x, y| Rgb([x as u8 * 6, y as u8 * 8, (x * y) as u8]));
        image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    let folder = tempfile::tempdir().unwrap();
    pets(folder.path());
    for (ending, whole) in [("jpg", BASELINE), ("jpg", PROGRESSIVE), ("png", &png)] {
        let path = folder.path().join(format!("dog/broken.{ending}"));
        write(&path, whole);
        assert_eq!(read(folder.path()).unwrap().samples(), 4);
        let step = whole.len() / 23;
        let image_end = if ending == "png" { whole.len() - 13 } else { whole.len() };
        for length in [0, 1, 3, 10, image_end - 2, image_end - 1].into_iter().chain((20..image_end).step_by(step)) {
            write(&path, &whole[..length]);
            let message = read(folder.path()).unwrap_err().to_string();
            let named = message.contains(&format!("dog/broken.{ending}")) && message.contains("skip_unreadable");
            assert!(named && !message.contains('\n'), "{length} of {}: {message}", whole.len());
            let data = load(&skipping(), folder.path()).unwrap();
            assert_eq!(data.samples(), 3);
            let expected = format!("unreadable images left out: 1 (dog/broken.{ending})");
            assert!(data.notes().contains(&expected), "{:?}", data.notes());
        }
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn faults_of_images_are_described_without_words_of_their_formats() {
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n";
    let damaged = [&BASELINE[..40], &[0x55; 200], &[0xff, 0xd9]].concat();
    let broken_png = png(2, 2, &[], b"no compressed data");
    let cases: [(&str, &[u8], &str); 9] = [
        ("jpg", b"", "the file is empty"),
        (
            "jpg",
            b"<!DOCTYPE html><p>404",
            "it is a text such as a web page, not an image: its download may have failed",
        ),
        ("png", b"\n<svg/>", "it is a text such as a web page"),
        ("jpg", b"hello", "it does not begin like an image of any format that can be read"),
        ("bmp", &[0; 100], "it does not begin like an image"),
        ("jpg", &damaged, "the JPEG file is damaged"),
        ("png", &broken_png, "the PNG file is damaged"),
        ("ico", &[0, 0, 1, 0, 1, 0], "this kind of ICO file cannot be read; convert it"),
        ("jpg", lfs, "it is a pointer of Git LFS, not the data itself. Fetch the data with `git lfs pull`"),
    ];
    for (ending, bytes, words) in cases {
        let ending = if ending == "ico" { "png" } else { ending };
        let (message, _) = refused_image(ending, bytes);
        assert!(message.contains(&format!(": {words}")), "{message}");
        assert!(message.contains(", or give --skip-unreadable"), "{message}");
    }
}

#[test]
fn images_that_claim_to_be_huge_or_empty_are_refused_before_they_are_decoded() {
    let bmp = |width: u32, height: u32| {
        let mut bytes = b"BM".to_vec();
        bytes.extend(
            [[54u32, 0, 54, 40, width, height, 0x0018_0001, 0, 0, 0].map(u32::to_le_bytes).concat(), vec![0; 12]]
                .concat(),
        );
        bytes
    };
    let gif = |width: u16, height: u16| {
        let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
        [
            b"GIF89a",
            &sides[..],
            &[0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2c, 0, 0, 0, 0],
            &sides,
            &[0, 2, 2, 0x44, 1, 0, 0x3b],
        ]
        .concat()
    };
    let ppm = |width: usize, height: usize| format!("P6\n{width} {height}\n255\n").into_bytes();
    let cases = [
        ("bmp", bmp(60_000, 60_000), "60000 x 60000"),
        ("gif", gif(65_535, 65_535), "65535 x 65535"),
        ("gif", gif(0, 0), ""),
        ("ppm", ppm(4_000_000_000, 4_000_000_000), ""),
        ("ppm", ppm(0, 3), ""),
    ];
    for (ending, bytes, words) in cases {
        let (message, _) = refused_image(ending, &bytes);
        assert!(message.contains(words), "{message}");
    }
}

/// Reads three images and an invalid file of `bytes`. The invalid file is rejected by name, or left out if unreadable
/// images are skipped; returns the message and the notes of the data without it.
fn refused_image(ending: &str, bytes: &[u8]) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    pets(folder.path());
    let name = format!("cat/huge.{ending}");
    write(&folder.path().join(&name), bytes);
    let message = read(folder.path()).unwrap_err().to_string();
    assert!(message.contains(&name), "{message}");
    let data = load(&skipping(), folder.path()).unwrap();
    assert_eq!(data.samples(), 3);
    (message, data.notes().to_vec())
}

/// Returns a chunk of a PNG file.
fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let checked = [name, content].concat();
    let mut crc = flate2::Crc::new();
    crc.update(&checked);
    [&(content.len() as u32).to_be_bytes(), &checked[..], &crc.sum().to_be_bytes()].concat()
}

/// Returns a PNG file of grey pixels with a chunk between its header and its pixels.
fn png(width: u32, height: u32, between: &[u8], pixels: &[u8]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n", &chunk(b"IHDR", &header)[..], between, &chunk(b"IDAT", pixels), &chunk(b"IEND", b"")]
        .concat()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn files_that_decode_to_more_than_the_limit_are_refused_or_left_out_at_once() {
    // 132 bytes that claim two billion pixels per side, and one strip of them.
    let entry = |tag: u16, kind: u16, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &1u32.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let (huge, entries) = (1u32 << 31, 9u16);
    let fields = [(0x100, 4, huge), (0x101, 4, huge), (0x102, 3, 8), (0x103, 3, 1), (0x106, 3, 1), (0x111, 4, 8)];
    let strips = [(0x115, 3, 1), (0x116, 4, huge), (0x117, 4, 10)];
    let fields: Vec<u8> =
        fields.iter().chain(&strips).flat_map(|(tag, kind, value)| entry(*tag, *kind, *value)).collect();
    let tiff = [b"II\x2a\0\x12\0\0\0", &[0; 10][..], &entries.to_le_bytes(), &fields, &[0; 4]].concat();
    let gif = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\x02L\x01\0;".to_vec();
    // A frame larger than its screen.
    let frame = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\x02L\x01\0;".to_vec();
    let profile = [b"name\0\0".as_slice(), &deflated(&vec![0; 300_000_000])].concat();
    let webp = b"RIFF\x26\0\0\0WEBPVP8X\x0a\0\0\0\x08\0\0\0\x01\0\0\x01\0\0EXIF\xff\xff\xff\xfeabcd12345678".to_vec();
    let cases = [
        ("tif", tiff, "2147483648 x 2147483648 pixels"),
        ("gif", gif, "65535 x 65535 pixels, 17179.3 MB when decoded; at most 512 MB of one file are read"),
        ("gif", frame, "data.largest_file_megabytes"),
        ("png", png(60_000, 60_000, &[], &deflated(&[0; 9])), "60000 x 60000 pixels, 3600.0 MB when decoded"),
        ("webp", webp, "truncated"),
    ];
    let start = std::time::Instant::now();
    for (ending, bytes, words) in cases {
        let (message, notes) = refused_image(ending, &bytes);
        assert!(message.contains(words) && message.contains("--skip-unreadable"), "{message}");
        assert!(notes.iter().any(|note| note.starts_with("unreadable images left out: 1 (")), "{notes:?}");
    }
    // A colour profile is ignored and takes no memory.
    let folder = tempfile::tempdir().unwrap();
    pets(folder.path());
    write(
        &folder.path().join("cat/profile.png"),
        &png(2, 2, &chunk(b"iCCP", &profile), &deflated(&[0, 1, 2, 0, 3, 4])),
    );
    let _ = load(&skipping(), folder.path()).unwrap();
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn the_limit_of_an_image_is_raised_and_lowered_by_its_key() {
    let folder = tempfile::tempdir().unwrap();
    pets(folder.path());
    write(&folder.path().join("cat/wide.png"), &png(1_500, 1_000, &[], &deflated(&vec![0; 1_501 * 1_000])));
    let load_at = |megabytes| {
        load(&DataConfig { largest_file_megabytes: Some(megabytes), ..DataConfig::of_source(".") }, folder.path())
    };
    let message = load_at(1).unwrap_err().to_string();
    let expected = "it claims 1500 x 1000 pixels, 1.5 MB when decoded; at most 1 MB of one file are read. Set data.largest_file_megabytes = 2";
    assert!(message.contains(expected), "{message}");
    assert_eq!(load_at(2).unwrap().samples(), 4);
}

#[test]
fn images_above_the_memory_there_is_are_refused_before_they_are_decoded() {
    let folder = tempfile::tempdir().unwrap();
    pets(folder.path());
    let load_at = |bytes| load(&DataConfig { largest_bytes: Some(bytes), ..DataConfig::of_source(".") }, folder.path());
    assert_eq!(load_at(108).unwrap().samples(), 3);
    let message = load_at(107).unwrap_err().to_string();
    assert!(
        message.contains("data.image_size: 3 images of [3, 4, 3] take") && message.contains("at most 3"),
        "{message}"
    );
}

#[test]
fn a_model_gets_its_size_and_class_numbers() {
    let folder = tempfile::tempdir().unwrap();
    pets(folder.path());
    let schema = read(folder.path()).unwrap().schema();
    let other = tempfile::tempdir().unwrap();
    color(&other.path().join("dog/9.png"), 20, 20, [9, 9, 9]);
    let data = load_for_model(&DataConfig::of_source("."), other.path(), &schema).unwrap();
    assert_eq!((labels(&data)[0], data.sample_shape().dimensions()), (1, vec![3, 4, 3]));
    let single = load_for_model(&DataConfig::of_source("dog/9.png"), other.path(), &schema).unwrap();
    assert_eq!((single.targets(), single.samples()), (&Targets::Unlabelled, 1));
    assert_eq!(single.notes(), ["1 of 1 image resized to 3 x 4 (bilinear, stretched)"]);
    GrayImage::from_pixel(4, 3, Luma([7])).save(other.path().join("dog/grey.png")).unwrap();
    let grey = load_for_model(&DataConfig::of_source("dog/grey.png"), other.path(), &schema).unwrap();
    assert_eq!(grey.notes(), ["1 of 1 image converted from grey to colour"]);
}
