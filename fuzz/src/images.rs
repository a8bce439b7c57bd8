//! Images, each format through the program's own decoding.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use keel_data::{DataConfig, Fit, Format, ImageSize};

use crate::bytes::Bytes;
use crate::scratch::Scratch;

/// Endings of the files, one for each decoder and one that no decoder has, whose first bytes decide.
const ENDINGS: [&str; 9] = ["png", "jpg", "gif", "bmp", "webp", "tif", "pnm", "ppm", "unknown"];

/// Surveys and decodes one image: flags, an ending, then the file. With bit 0 of the flags it is a PNG with right checksums,
/// with bit 1 a GIF whose blocks fit, else raw bytes.
pub fn image(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let flags = bytes.byte();
    let ending = bytes.choice(&ENDINGS);
    let file = match flags & 3 {
        1 => made_png(bytes),
        2 => made_gif(bytes),
        _ => bytes.rest().to_vec(),
    };
    let ending = [ending, "png", "gif", ending][usize::from(flags & 3)];
    let scratch = Scratch::new();
    scratch.write(&format!("a/image.{ending}"), &file);
    scratch.write("b/small.pgm", b"P5 2 2 255 abcd");
    let config = DataConfig {
        format: Format::ImageFolder,
        image_size: if flags & 4 != 0 { None } else { Some(ImageSize::Sides([5, 7])) },
        fit: if flags & 8 != 0 { Fit::Crop } else { Fit::Auto },
        skip_unreadable: flags & 16 != 0,
        // Inputs have five seconds: a GIF of 64 MB takes six in this build, with its checks and its counters.
        largest_file_megabytes: Some(4),
        ..DataConfig::default()
    };
    // A survey reads the headers alone; what it refuses, the reader refuses as well.
    let _ = keel_data::survey(&config, scratch.path());
    scratch.load("", config);
}

/// A PNG (W3C PNG, 5): header from the bytes, then chunks of a kind and a content, all with right checksums. Data chunks are
/// packed here.
fn made_png(mut bytes: Bytes<'_>) -> Vec<u8> {
    const KINDS: [&[u8; 4]; 12] =
        [b"IDAT", b"IDAT", b"PLTE", b"tRNS", b"iCCP", b"tEXt", b"zTXt", b"eXIf", b"gAMA", b"acTL", b"fcTL", b"fdAT"];
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let (width, height) = (bytes.size() as u32, bytes.size() as u32);
    let depth = bytes.choice(&[8u8, 1, 2, 4, 16, 0, 32]);
    let (color, interlaced) = (bytes.choice(&[2u8, 0, 3, 4, 6, 1]), bytes.byte() % 3);
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, color, 0, 0, interlaced]].concat();
    chunk(&mut file, b"IHDR", &header);
    while !bytes.is_empty() {
        let kind = bytes.choice(&KINDS);
        let content = bytes.part();
        let content = if kind == b"IDAT" { packed(content) } else { content.to_vec() };
        chunk(&mut file, kind, &content);
    }
    chunk(&mut file, b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], content: &[u8]) {
    let checked = [&kind[..], content].concat();
    file.extend((content.len() as u32).to_be_bytes());
    file.extend(&checked);
    file.extend(crc32fast::hash(&checked).to_be_bytes());
}

fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).and_then(|()| encoder.finish()).expect("memory can be written")
}

/// A GIF (GIF89a, 18 to 26): the screen, perhaps a colour table, then frames and extensions whose blocks have right lengths.
fn made_gif(mut bytes: Bytes<'_>) -> Vec<u8> {
    let mut file = b"GIF89a".to_vec();
    let side = |bytes: &mut Bytes<'_>| (bytes.size() as u16).to_le_bytes();
    for _ in 0..2 {
        file.extend(side(&mut bytes));
    }
    let flags = bytes.byte();
    file.extend([flags, 0, 0]);
    if flags & 0x80 != 0 {
        file.extend((0..3 * (2 << (flags & 7))).map(|value| value as u8));
    }
    while !bytes.is_empty() {
        match bytes.byte() % 3 {
            0 => {
                file.extend([0x21, 0xf9, 4, bytes.byte(), 0, 0, bytes.byte(), 0]);
                continue;
            }
            1 => file.extend([0x21, 0xfe]),
            _ => {
                file.push(0x2c);
                for _ in 0..4 {
                    file.extend(side(&mut bytes));
                }
                let flags = bytes.byte();
                file.push(flags);
                if flags & 0x80 != 0 {
                    file.extend((0..3 * (2 << (flags & 7))).map(|value| value as u8));
                }
                file.push(bytes.byte() % 12);
            }
        }
        let content = bytes.part();
        file.push(content.len() as u8);
        file.extend(content);
        if !content.is_empty() {
            file.push(0);
        }
    }
    file.push(0x3b);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_images_are_decoded() {
        // 2 x 1 pixels of 8 bits grey: one row of a filter byte and two values.
        let png = made_png(Bytes::new(&[2, 1, 0, 1, 0, 0, 3, 0, 7, 9]));
        // 2 x 2 of two colours, codes of 3 bits: clear, 1, 1, 1, 1, end.
        let gif = made_gif(Bytes::new(&[2, 2, 0x80, 2, 0, 0, 2, 2, 0, 2, 3, 0x8c, 0x52, 0]));
        for (ending, file) in [("png", png), ("gif", gif)] {
            let scratch = Scratch::new();
            scratch.write(&format!("a/image.{ending}"), &file);
            scratch.write("b/small.pgm", b"P5 2 2 255 abcd");
            let config = DataConfig { format: Format::ImageFolder, ..DataConfig::of_source("") };
            let dataset = keel_data::load(&config, scratch.path()).unwrap_or_else(|error| panic!("{ending}: {error}"));
            assert_eq!(dataset.samples(), 2, "{ending}");
        }
    }
}
