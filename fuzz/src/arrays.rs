//! Arrays: IDX, NumPy, CIFAR.

use std::io::Write;

use flate2::Crc;
use keel_data::{DataConfig, Format, Task};

use crate::bytes::{Bytes, repeated};
use crate::scratch::Scratch;
use crate::tables::packed;

/// Longest body that is made for a header, in bytes.
const LONGEST: u64 = 1 << 13;

/// Reads a pair of IDX files, raw or with headers that fit their bodies, plain or packed.
pub fn idx(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let flags = bytes.byte();
    let (images, labels) = match flags & 1 {
        0 => (bytes.part(), bytes.rest()),
        _ => return made_idx(bytes, flags),
    };
    write_pair(flags, images, labels);
}

fn made_idx(mut bytes: Bytes<'_>, flags: u8) {
    let dimensions = usize::from(bytes.byte() % 5);
    let sizes: Vec<u32> = (0..dimensions).map(|_| bytes.size() as u32).collect();
    let count = if flags & 8 != 0 { bytes.size() as u32 } else { sizes.first().copied().unwrap_or(0) };
    let start = bytes.rest();
    write_pair(flags, &idx_file(&sizes, start), &idx_file(&[count], start));
}

fn idx_file(sizes: &[u32], start: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
    let length = sizes.iter().fold(1u64, |product, &size| product.saturating_mul(u64::from(size)));
    file.extend(repeated(start, length.min(LONGEST) as usize));
    file
}

fn write_pair(flags: u8, images: &[u8], labels: &[u8]) {
    let scratch = Scratch::new();
    // With both bits it is named as a packed file, but raw: a damaged one.
    let ending = if flags & 2 != 0 { ".gz" } else { "" };
    let write = |bytes: &[u8]| if flags & 6 == 2 { packed(bytes) } else { bytes.to_vec() };
    scratch.write(&format!("train-images-idx3-ubyte{ending}"), &write(images));
    scratch.write(&format!("train-labels-idx1-ubyte{ending}"), &write(labels));
    if flags & 16 != 0 {
        scratch.write(&format!("t10k-images-idx3-ubyte{ending}"), &write(images));
        scratch.write(&format!("t10k-labels-idx1-ubyte{ending}"), &write(labels));
    }
    scratch.load("", DataConfig { format: Format::Idx, ..DataConfig::default() });
}

/// Reads `x.npy` and `y.npy`, raw or with headers whose lengths fit.
pub fn npy(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let flags = bytes.byte();
    let scratch = Scratch::new();
    let (inputs, targets) = two_arrays(&mut bytes, flags);
    scratch.write("x.npy", &inputs);
    scratch.write("y.npy", &targets);
    scratch.load("", settings(Format::Npy, flags));
}

/// Reads an `.npz` archive: raw, or two arrays as stored entries with right checksums.
pub fn npz(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let flags = bytes.byte();
    let scratch = Scratch::new();
    if flags & 2 == 0 {
        scratch.write("data.npz", bytes.rest());
    } else {
        let (inputs, targets) = two_arrays(&mut bytes, flags);
        let claimed = if flags & 0x40 != 0 { Some(bytes.size() as u32) } else { None };
        scratch.write("data.npz", &archive(&[("x.npy", &inputs), ("y.npy", &targets)], claimed));
    }
    scratch.load("data.npz", settings(Format::Npy, flags));
}

fn settings(format: Format, flags: u8) -> DataConfig {
    let task = [Task::Auto, Task::Auto, Task::Classification, Task::Regression][usize::from(flags >> 4 & 3)];
    DataConfig { format, task, ..DataConfig::default() }
}

fn two_arrays(bytes: &mut Bytes<'_>, flags: u8) -> (Vec<u8>, Vec<u8>) {
    if flags & 1 == 0 {
        return (bytes.part().to_vec(), bytes.take(usize::MAX).to_vec());
    }
    let (inputs, targets) = (made_npy(bytes), made_npy(bytes));
    (inputs, targets)
}

/// Element types of NumPy, those that are read among them, with their sizes in bytes.
const TYPES: [(&str, u64); 14] = [
    ("'|u1'", 1),
    ("'<f4'", 4),
    ("'<f8'", 8),
    ("'<i8'", 8),
    ("'<i4'", 4),
    ("'|b1'", 1),
    ("'>f4'", 4),
    ("'<u2'", 2),
    ("'>i2'", 2),
    ("'<f2'", 2),
    ("'<c8'", 8),
    ("'|S5'", 5),
    ("'|O'", 8),
    ("[('a', '<f4'), ('b', '<i4')]", 8),
];

/// One `.npy` file: version, type, order and shape from the bytes, the header's length right, the body as long as the shape
/// says or a little shorter.
fn made_npy(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let flags = bytes.byte();
    let (descr, element) = bytes.choice(&TYPES);
    let dimensions = usize::from(bytes.byte() % 6);
    let sizes: Vec<u64> = (0..dimensions).map(|_| bytes.size()).collect();
    let mut shape: Vec<String> = sizes.iter().map(u64::to_string).collect();
    if flags & 1 != 0 {
        shape.push(bytes.text());
    }
    let comma = if shape.len() == 1 { "," } else { "" };
    let order = if flags & 2 != 0 { "True" } else { "False" };
    let text = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': ({}{comma}), }}\n", shape.join(", "));
    let mut file = b"\x93NUMPY".to_vec();
    match flags >> 2 & 3 {
        version @ (2 | 3) => {
            file.extend([version, 0]);
            file.extend((text.len() as u32).to_le_bytes());
        }
        version => {
            file.extend([version.max(1), 0]);
            file.extend((text.len() as u16).to_le_bytes());
        }
    }
    file.extend(text.as_bytes());
    let body = sizes.iter().fold(element, |product, &size| product.saturating_mul(size)).min(LONGEST);
    let missing = if flags & 0x80 != 0 { u64::from(bytes.byte()) } else { 0 };
    file.extend(repeated(bytes.part(), body.saturating_sub(missing) as usize));
    file
}

/// A ZIP archive of stored entries (APPNOTE.TXT 4.3): local header and body of each, the central directory, its end.
/// `claimed` stands for the unpacked size of every entry instead of the right one.
fn archive(entries: &[(&str, &[u8])], claimed: Option<u32>) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, body) in entries {
        let mut crc = Crc::new();
        crc.update(body);
        let mut fields = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        fields.extend(crc.sum().to_le_bytes());
        fields.extend((body.len() as u32).to_le_bytes());
        fields.extend(claimed.unwrap_or(body.len() as u32).to_le_bytes());
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        let offset = (file.len() as u32).to_le_bytes();
        directory.extend([b"PK\x01\x02\x14\x00", &fields[..], &[0; 10], &offset, name.as_bytes()].concat());
        file.extend([b"PK\x03\x04", &fields[..], name.as_bytes(), body].concat());
    }
    let (offset, size) = ((file.len() as u32).to_le_bytes(), (directory.len() as u32).to_le_bytes());
    let count = (entries.len() as u16).to_le_bytes();
    let parts = [&directory[..], b"PK\x05\x06\0\0\0\0", &count, &count, &size, &offset, &[0, 0]];
    parts.iter().for_each(|part| file.write_all(part).expect("memory can be written"));
    file
}

/// Reads the records of a CIFAR file or folder: flags, names of the classes, then bytes that are repeated to whole records.
pub fn cifar(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let flags = bytes.byte();
    let scratch = Scratch::new();
    let hundred = flags & 1 != 0;
    let names = bytes.part();
    if flags & 2 != 0 {
        scratch.write(if hundred { "fine_label_names.txt" } else { "batches.meta.txt" }, names);
    }
    let (records, rest) = (usize::from(bytes.byte() % 5), usize::from(bytes.byte()));
    let record = if hundred { 3074 } else { 3073 };
    let length = records * record + if flags & 4 != 0 { rest } else { 0 };
    let body = repeated(bytes.rest(), length);
    scratch.write(if hundred { "train.bin" } else { "data_batch_1.bin" }, &body);
    if flags & 8 != 0 {
        scratch.write(if hundred { "test.bin" } else { "test_batch.bin" }, &body);
    }
    scratch.load("", DataConfig { format: Format::Cifar, ..DataConfig::default() });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(scratch: &Scratch, source: &str, format: Format) -> usize {
        let config = DataConfig { format, source: source.to_owned(), ..DataConfig::default() };
        keel_data::load(&config, scratch.path()).unwrap_or_else(|error| panic!("{error}")).samples()
    }

    #[test]
    fn made_files_get_past_their_headers() {
        let scratch = Scratch::new();
        scratch.write("train-images-idx3-ubyte", &idx_file(&[6, 2, 2], &[1, 2, 3]));
        scratch.write("train-labels-idx1-ubyte", &idx_file(&[6], &[0, 1]));
        assert_eq!(loads(&scratch, "", Format::Idx), 6);
        let scratch = Scratch::new();
        // f4 of 6 x 2, then u1 of 6 values that are 0 and 1.
        let array = |bytes: &[u8]| made_npy(&mut Bytes::new(bytes));
        let (inputs, targets) = (array(&[0, 1, 2, 6, 2, 4, 0, 0, 0, 64]), array(&[0, 0, 1, 6, 2, 0, 1]));
        scratch.write("data.npz", &archive(&[("x.npy", &inputs), ("y.npy", &targets)], None));
        assert_eq!(loads(&scratch, "data.npz", Format::Npy), 6);
        scratch.write("x.npy", &inputs);
        scratch.write("y.npy", &targets);
        assert_eq!(loads(&scratch, "", Format::Npy), 6);
    }
}
