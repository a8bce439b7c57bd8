use crate::config::{ColorMode, DataConfig, Fit, ImageSize};
use crate::dataset::{Dataset, Inputs, Targets};
use crate::load::{load, load_for_model};
use image::{DynamicImage, GrayImage, Rgb, RgbImage};
use std::path::Path;

fn color(path: &Path, width: u32, height: u32, rgb: [u8; 3]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(width, height, Rgb(rgb)).save(path).unwrap();
}

fn pets(root: &Path) {
    color(&root.join("cat/1.png"), 4, 3, [255, 0, 0]);
    color(&root.join("cat/2.bmp"), 4, 3, [0, 255, 0]);
    color(&root.join("dog/1.png"), 8, 6, [0, 0, 255]);
}

fn read(root: &Path) -> Result<Dataset, crate::error::DataError> {
    load(&DataConfig::of_source("."), root)
}

#[test]
fn classes_sizes_and_pixels_are_read_in_sorted_order() {
    let folder = tempfile::tempdir().unwrap();
    pets(folder.path());
    let data = read(folder.path()).unwrap();
    assert_eq!(data.class_names(), ["cat", "dog"]);
    assert_eq!(data.sample_shape().dimensions(), [3, 4, 3]);
    let Inputs::Bytes(bytes) = data.inputs() else { panic!("images are bytes") };
    for (sample, rgb) in [[255, 0, 0], [0, 255, 0], [0, 0, 255]].iter().enumerate() {
        assert!(bytes[sample * 36..(sample + 1) * 36].chunks_exact(3).all(|pixel| pixel == rgb));
    }
    assert_eq!(data.notes(), ["1 of 3 images brought to 3 x 4 (bilinear, stretched)"]);
    assert!(data.provenance().describe(2).ends_with("dog/1.png"));
}

#[test]
fn every_format_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (class, ending) in ["jpg", "png", "bmp", "gif", "webp", "tiff"].iter().enumerate() {
        color(&folder.path().join(format!("{class}/a.{ending}")), 5, 7, [200, 40, 90]);
    }
    let data = read(folder.path()).unwrap();
    assert_eq!((data.samples(), data.sample_shape().dimensions()), (6, vec![7, 5, 3]));
    let Inputs::Bytes(bytes) = data.inputs() else { panic!("images are bytes") };
    assert!(bytes.chunks_exact(3).all(|pixel| pixel.iter().zip([200u8, 40, 90]).all(|(a, b)| a.abs_diff(b) < 8)));
}

#[test]
fn grey_images_have_one_channel_unless_colour_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        std::fs::create_dir(folder.path().join(class)).unwrap();
        GrayImage::from_pixel(2, 2, image::Luma([7])).save(folder.path().join(class).join("1.png")).unwrap();
    }
    assert_eq!(read(folder.path()).unwrap().sample_shape().channels(), 1);
    let config = DataConfig { color: ColorMode::Color, ..DataConfig::of_source(".") };
    assert_eq!(load(&config, folder.path()).unwrap().sample_shape().channels(), 3);
}

#[test]
fn parts_become_the_official_division() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["train", "val", "test"] {
        pets(&folder.path().join(part));
    }
    let data = read(folder.path()).unwrap();
    let division = data.division().unwrap();
    assert_eq!(
        (&division.train[..], &division.validation[..], &division.test[..]),
        (&[0, 1, 2][..], &[3, 4, 5][..], &[6, 7, 8][..])
    );
    let Targets::Classes { labels, .. } = data.targets() else { panic!("folders are classes") };
    assert_eq!(labels[..], [0, 0, 1, 0, 0, 1, 0, 0, 1]);
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
    let Inputs::Bytes(bytes) = data.inputs() else { panic!("images are bytes") };
    assert!(bytes.chunks_exact(3).all(|pixel| pixel == [0, 255, 0]));
    for impossible in [ImageSize::Square(0), ImageSize::Sides([3, 9_000])] {
        let config = DataConfig { image_size: Some(impossible), ..DataConfig::of_source(".") };
        assert!(load(&config, folder.path()).unwrap_err().to_string().starts_with("data.image_size"));
    }
}

#[test]
fn a_truncated_image_is_named_or_counted() {
    for ending in ["jpg", "png"] {
        let folder = tempfile::tempdir().unwrap();
        pets(folder.path());
        let path = folder.path().join(format!("dog/broken.{ending}"));
        color(&path, 64, 48, [1, 2, 3]);
        let bytes = std::fs::read(&path).unwrap();
        for length in [0, 10, bytes.len() / 2] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let message = read(folder.path()).unwrap_err().to_string();
            assert!(
                message.contains(&format!("dog/broken.{ending}")) && message.contains("skip_unreadable"),
                "{message}"
            );
            assert!(!message.contains('\n'), "{message}");
            let config = DataConfig { skip_unreadable: true, ..DataConfig::of_source(".") };
            let data = load(&config, folder.path()).unwrap();
            assert_eq!(data.samples(), 3);
            assert!(data.notes().contains(&"unreadable images left out: 1".to_string()), "{:?}", data.notes());
        }
    }
}

#[test]
fn empty_and_single_classes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    color(&folder.path().join("cat/1.png"), 2, 2, [0, 0, 0]);
    let message = read(folder.path()).unwrap_err().to_string();
    assert!(message.contains("1 class folder found (cat)"), "{message}");
    std::fs::create_dir(folder.path().join("dog")).unwrap();
    let message = read(folder.path()).unwrap_err().to_string();
    assert!(message.contains("dog: the class folder holds no image"), "{message}");
    let message = load(&DataConfig::of_source("cat/1.png"), folder.path()).unwrap_err().to_string();
    assert!(message.contains("cat/1.png: a single image cannot be trained on"), "{message}");
}

#[test]
fn a_model_gets_its_size_and_class_numbers_and_refuses_others() {
    let folder = tempfile::tempdir().unwrap();
    pets(folder.path());
    let schema = read(folder.path()).unwrap().schema();
    let other = tempfile::tempdir().unwrap();
    color(&other.path().join("dog/9.png"), 20, 20, [9, 9, 9]);
    let data = load_for_model(&DataConfig::of_source("."), other.path(), &schema).unwrap();
    let Targets::Classes { labels, .. } = data.targets() else { panic!("folders are classes") };
    assert_eq!((labels[0], data.sample_shape().dimensions()), (1, vec![3, 4, 3]));
    let single = load_for_model(&DataConfig::of_source("dog/9.png"), other.path(), &schema).unwrap();
    assert_eq!((single.targets(), single.samples()), (&Targets::Unlabelled, 1));
    assert_eq!(single.notes(), ["1 of 1 images brought to 3 x 4 (bilinear, stretched)"]);
    GrayImage::from_pixel(4, 3, image::Luma([7])).save(other.path().join("grey.png")).unwrap();
    let grey = load_for_model(&DataConfig::of_source("grey.png"), other.path(), &schema).unwrap();
    assert_eq!(grey.notes(), ["1 of 1 images turned from grey to colour"]);
    std::fs::remove_file(other.path().join("grey.png")).unwrap();
    color(&other.path().join("bird/1.png"), 4, 3, [9, 9, 9]);
    let message = load_for_model(&DataConfig::of_source("."), other.path(), &schema).unwrap_err().to_string();
    assert!(message.contains("expected one of cat, dog, found \"bird\""), "{message}");
}
