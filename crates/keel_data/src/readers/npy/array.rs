//! One NumPy array. Its header is checked before memory is allocated for its values.

use std::collections::HashMap;
use std::io::{BufReader, Read};
use std::path::Path;

use super::header::{Element, Header, damaged};
use crate::error::DataError;
use crate::readers::data_file::{ByteLimit, megabytes};

/// An array, row-major.
pub(super) struct Array {
    pub(super) sizes: Vec<usize>,
    pub(super) values: Values,
}

/// Values of an array. Bytes stay bytes.
pub(super) enum Values {
    Bytes(Vec<u8>),
    Floats(Vec<f64>),
    Texts(Texts),
}

/// Texts of an array, each different one stored once.
#[derive(Default)]
pub(super) struct Texts {
    /// The different texts, in the order of their first occurrence.
    pub(super) different: Vec<String>,
    /// Index in `different` of each element.
    pub(super) indices: Vec<u32>,
}

impl Array {
    /// Returns the number of samples.
    pub(super) fn samples(&self) -> usize {
        self.sizes.first().copied().unwrap_or(0)
    }

    /// Reads the array in `source`, which has `length` bytes; `path` names it in messages. No memory is allocated for its values
    /// before the header is checked.
    ///
    /// # Errors
    /// If the header is damaged, or claims more than the source has or `limit` allows, or if the elements are neither numbers nor texts.
    pub(super) fn read(path: &Path, mut source: impl Read, length: u64, limit: ByteLimit) -> Result<Self, DataError> {
        let Header { element, is_big_endian, is_fortran, sizes, length: header_length } =
            Header::read(path, &mut source)?;
        if sizes.is_empty() {
            let what = "the array is a single number without dimensions";
            return Err(DataError::format(path, what, "Store an array with one row for each sample"));
        }
        // Sizes next to a zero are backed by no byte of the file.
        if sizes.contains(&0) {
            let what = format!("the array holds no values: its sizes are {sizes:?}");
            return Err(DataError::format(path, what, "Remove it, or store one row for each sample"));
        }
        let body = length.saturating_sub(header_length);
        let mut factors = sizes.iter();
        let demanded = factors.try_fold(element.bytes() as u64, |product, &size| product.checked_mul(size as u64));
        let Some(demanded) = demanded.filter(|demanded| *demanded <= body) else {
            let what = format!("the header claims {sizes:?} values, but the file has {body} bytes for them");
            return Err(damaged(path, what));
        };
        limit.check(path, demanded, || format!("it holds {sizes:?} values, {}", megabytes(demanded)))?;
        let values = read_values(source.take(demanded), element, is_big_endian);
        let values = values.map_err(|error| damaged(path, error))?;
        if values.len() * element.bytes() < demanded as usize {
            return Err(damaged(path, format!("it ends after {} of {sizes:?} values", values.len())));
        }
        let values = match values {
            Values::Bytes(values) if is_fortran => Values::Bytes(row_major(&values, &sizes)),
            Values::Floats(values) if is_fortran => Values::Floats(row_major(&values, &sizes)),
            Values::Texts(Texts { different, indices }) if is_fortran => {
                Values::Texts(Texts { different, indices: row_major(&indices, &sizes) })
            }
            values => values,
        };
        Ok(Self { sizes, values })
    }
}

/// Number of elements that are converted at once.
const CHUNK: usize = 8192;

/// Reads all whole elements of `source`. A compressed source may have fewer than its header claims, so the memory grows with
/// the elements read.
fn read_values(mut source: impl Read, element: Element, is_big_endian: bool) -> std::io::Result<Values> {
    if element == Element::Uint8 {
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes)?;
        return Ok(Values::Bytes(bytes));
    }
    if element.is_text() {
        return read_texts(source, element, is_big_endian).map(Values::Texts);
    }
    let mut source = BufReader::new(source);
    let mut floats = Vec::new();
    let mut chunk = Vec::with_capacity(CHUNK * element.bytes());
    loop {
        chunk.clear();
        source.by_ref().take((CHUNK * element.bytes()) as u64).read_to_end(&mut chunk)?;
        if chunk.is_empty() {
            return Ok(Values::Floats(floats));
        }
        if is_big_endian {
            chunk.chunks_exact_mut(element.bytes()).for_each(<[u8]>::reverse);
        }
        floats.extend(chunk.chunks_exact(element.bytes()).map(|bytes| element.value(bytes)));
    }
}

/// Reads all whole texts of `source`.
fn read_texts(source: impl Read, element: Element, is_big_endian: bool) -> std::io::Result<Texts> {
    let mut source = BufReader::new(source);
    let mut texts = Texts::default();
    let mut indices: HashMap<String, u32> = HashMap::new();
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        source.by_ref().take(element.bytes() as u64).read_to_end(&mut bytes)?;
        if bytes.len() < element.bytes() {
            return Ok(texts);
        }
        let text = element.text(&bytes, is_big_endian).ok_or_else(|| {
            let what = format!("element {} holds numbers that are not characters", texts.indices.len());
            std::io::Error::new(std::io::ErrorKind::InvalidData, what)
        })?;
        let next = u32::try_from(texts.different.len()).map_err(std::io::Error::other)?;
        let index = *indices.entry(text).or_insert_with_key(|text| {
            texts.different.push(text.clone());
            next
        });
        texts.indices.push(index);
    }
}

/// Returns the values of an array stored in column-major order in row-major order.
fn row_major<T: Copy>(values: &[T], sizes: &[usize]) -> Vec<T> {
    let mut step = 1;
    let mut steps = Vec::with_capacity(sizes.len());
    for size in sizes {
        steps.push(step);
        step *= size;
    }
    let mut place = vec![0; sizes.len()];
    let mut result = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        result.extend(values.get(place.iter().zip(&steps).map(|(index, step)| index * step).sum::<usize>()));
        for (index, size) in place.iter_mut().zip(sizes).rev() {
            *index += 1;
            if *index < *size {
                break;
            }
            *index = 0;
        }
    }
    result
}

impl Values {
    /// Returns the number of values.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Floats(values) => values.len(),
            Self::Texts(texts) => texts.indices.len(),
        }
    }

    /// Returns all values as f64; texts are NaN.
    pub(super) fn into_floats(self) -> Vec<f64> {
        match self {
            Self::Bytes(values) => values.into_iter().map(f64::from).collect(),
            Self::Floats(values) => values,
            Self::Texts(texts) => vec![f64::NAN; texts.indices.len()],
        }
    }

    /// Returns the largest value.
    pub(super) fn largest(&self) -> f64 {
        match self {
            Self::Bytes(values) => values.iter().copied().max().map_or(0.0, f64::from),
            Self::Floats(values) => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Self::Texts(_) => f64::NEG_INFINITY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DataConfig;

    fn file(header: &str, body: usize) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(std::iter::repeat_n(0, body));
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Array, DataError> {
        Array::read(Path::new("x.npy"), bytes, bytes.len() as u64, ByteLimit::of_plain(&DataConfig::default()))
    }

    #[test]
    fn hostile_headers_are_refused_before_anything_is_allocated() {
        let nested = format!("{{'descr': {}, 'fortran_order': False, 'shape': (6,2)}}", "[".repeat(50));
        let cases = [
            (nested, "named fields"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 4), }".into(), "claims [99999999999, 4]"),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615, 9), }".into(),
                "more than memory can hold",
            ),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 9), }".into(), "does not consist of sizes"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1), }".into(), "has 8 bytes for them"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 25769803770), }".into(), "holds no values"),
            ("{'descr': '<f4'}".into(), "no shape"),
            ("{'descr': '<f4', 'shape': (2, 1)}".into(), "no fortran_order"),
            ("{'descr': '<f4', 'fortran_order': None, 'shape': (2, 1)}".into(), "neither True nor False"),
            ("{'fortran_order': False, 'shape': (2, 1)}".into(), "no descr"),
            ("{'descr': f4, 'fortran_order': False, 'shape': (2, 1)}".into(), "not a string"),
            ("{'descr': '<f16', 'fortran_order': False, 'shape': (2, 1)}".into(), "type <f16"),
            ("{'descr': '<U0', 'fortran_order': False, 'shape': (2, 1)}".into(), "type <U0"),
            ("{'descr': '|U2', 'fortran_order': False, 'shape': (1,)}".into(), "type |U2"),
            ("{'descr': '|S99999999999', 'fortran_order': False, 'shape': (1,)}".into(), "type |S99999999999"),
            ("{'descr': '<U60000', 'fortran_order': False, 'shape': (70000,)}".into(), "has 8 bytes for them"),
            ("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}".into(), "labels with array.astype(str)"),
            ("{'descr': '|f4', 'fortran_order': False, 'shape': (2, 1)}".into(), "type |f4"),
            ("{'descr': '', 'fortran_order': False, 'shape': (2, 1)}".into(), "type "),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (), }".into(), "single number without dimensions"),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296), }".into(),
                "more than memory can hold",
            ),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'shape': (4294967296, 4294967296)}".into(),
                "several entries shape",
            ),
            ("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".into(), "cannot be read"),
            ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }".into(), "named fields"),
            (format!("{{'descr': '<f4', 'shape': ({})}}", "1,".repeat(4_000)), "cannot be read"),
            (format!("{{'descr': '<f4', 'shape': ({})}}", "1,".repeat(30_000)), "does not describe an array"),
            ("\u{fffd}".into(), "no shape"),
        ];
        for (header, expected) in cases {
            let Err(error) = read(&file(&header, 8)) else { panic!("{header} was read") };
            assert!(error.to_string().contains(expected), "{error}");
        }
        for bytes in [&b""[..], b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff", b"\x93NUMPY\x03\x00\xff\xff\xff\xff"] {
            assert!(read(bytes).is_err());
        }
    }

    #[test]
    fn elements_of_every_type_and_byte_order_are_read() {
        // Low and high bytes of -2.
        let (low, high) = (0xfe, 0xff);
        let cases: [(&str, Vec<u8>, f64); 19] = [
            ("<f2", vec![0x00, 0x3e], 1.5),
            (">f2", vec![0xfb, 0xff], -65_504.0),
            ("<f2", vec![0x01, 0x00], 2f64.powi(-24)),
            ("<f2", vec![0xff, 0x03], 1023.0 * 2f64.powi(-24)),
            ("<f2", vec![0x00, 0x04], 2f64.powi(-14)),
            ("<f2", vec![0x00, 0x7c], f64::INFINITY),
            ("|b1", vec![1], 1.0),
            ("|u1", vec![255], 255.0),
            ("<u2", vec![1, 2], 513.0),
            (">u2", vec![1, 2], 258.0),
            ("<u4", vec![0, 0, 0, 128], 2_147_483_648.0),
            ("<u8", vec![0, 0, 0, 0, 1, 0, 0, 0], 4_294_967_296.0),
            ("|i1", vec![low], -2.0),
            ("<i2", vec![low, high], -2.0),
            (">i2", vec![high, low], -2.0),
            ("<i4", vec![low, high, high, high], -2.0),
            (">i8", [vec![high; 7], vec![low]].concat(), -2.0),
            ("<f4", 1.5f32.to_le_bytes().to_vec(), 1.5),
            (">f8", (-0.1f64).to_be_bytes().to_vec(), -0.1),
        ];
        for (code, element, expected) in cases {
            // More elements than are converted at once.
            let count = CHUNK + 3;
            let header = format!("{{'descr': '{code}', 'fortran_order': False, 'shape': ({count},), }}");
            let bytes = [file(&header, 0), element.repeat(count)].concat();
            assert_eq!(read(&bytes).unwrap().values.into_floats(), vec![expected; count], "{code}");
        }
    }

    #[test]
    fn texts_are_read_without_the_zeros_that_fill_them() {
        let units = |text: &str, big: bool| -> Vec<u8> {
            let bytes = |unit: char| if big { (unit as u32).to_be_bytes() } else { (unit as u32).to_le_bytes() };
            text.chars().flat_map(bytes).collect()
        };
        let cases = [
            ("<U3", units("cat\u{130}\0\0cat\u{1f431}a\0", false), ["cat", "\u{130}", "cat", "\u{1f431}a"]),
            (">U3", units("cat\u{130}\0\0cat\u{1f431}a\0", true), ["cat", "\u{130}", "cat", "\u{1f431}a"]),
            ("|S3", b"cat\0\0\0caf\xe9\0\0".to_vec(), ["cat", "", "caf", "\u{e9}"]),
            ("<S2", b"ab\xc3\xa9c\0ab".to_vec(), ["ab", "\u{e9}", "c", "ab"]),
        ];
        for (code, body, expected) in cases {
            let header = format!("{{'descr': '{code}', 'fortran_order': False, 'shape': (4,), }}");
            let Values::Texts(texts) = read(&[file(&header, 0), body].concat()).unwrap().values else {
                panic!("{code} is text")
            };
            let read: Vec<&str> = texts.indices.iter().map(|&index| texts.different[index as usize].as_str()).collect();
            assert_eq!(read, expected, "{code}");
        }
        let header = "{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }";
        let Err(error) = read(&[file(header, 0), vec![0xff; 4]].concat()) else { panic!("it was read") };
        assert!(error.to_string().contains("element 0 holds numbers that are not characters"), "{error}");
    }

    #[test]
    fn a_source_that_ends_early_is_refused() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }";
        let bytes = file(header, 11);
        let limit = ByteLimit::of_plain(&DataConfig::default());
        let Err(error) = Array::read(Path::new("x.npy"), &bytes[..], u64::MAX, limit) else { panic!("it was read") };
        assert!(error.to_string().contains("it ends after 2 of [4] values"), "{error}");
    }

    #[test]
    fn arrays_stored_by_columns_are_turned() {
        assert_eq!(row_major(&[1, 4, 2, 5, 3, 6], &[2, 3]), [1, 2, 3, 4, 5, 6]);
        assert_eq!(row_major(&[0, 4, 2, 6, 1, 5, 3, 7], &[2, 2, 2]), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
