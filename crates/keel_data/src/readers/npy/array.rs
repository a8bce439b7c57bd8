//! One NumPy array: its header is judged before anything is allocated for its values.

use crate::error::DataError;
use crate::readers::data_file::{ByteLimit, megabytes};
use npyz::{DType, NpyFile, NpyHeader, Order, TypeChar};
use std::io::{BufReader, Read};
use std::path::Path;

/// One array, row-major.
pub(super) struct Array {
    pub(super) sizes: Vec<usize>,
    pub(super) values: Values,
}

/// The values of an array: bytes stay bytes.
pub(super) enum Values {
    Bytes(Vec<u8>),
    Floats(Vec<f64>),
}

/// Longest header that is read, in bytes: the limit of NumPy itself. Parsing takes time that grows with the square of the length.
const HEADER: usize = 10_000;
/// Brackets within brackets in a header; plain arrays have one, arrays with named fields three.
const DEPTH: usize = 4;

impl Array {
    /// Number of samples.
    pub(super) fn samples(&self) -> usize {
        self.sizes.first().copied().unwrap_or(0)
    }

    /// Reads the array in `source`, which has `length` bytes; `path` stands for it in messages. Nothing is allocated for
    /// its values before the header was judged.
    ///
    /// # Errors
    /// A damaged header, one that claims more than there is or than `limit` allows, or elements that are not numbers.
    pub(super) fn read(path: &Path, mut source: impl Read, length: u64, limit: ByteLimit) -> Result<Self, DataError> {
        let refuse = |what: String| DataError::format(path, format!("the array cannot be read: {what}"), NEXT);
        let start = header_bytes(&mut source).map_err(refuse)?;
        let sizes = sizes_of(&start).map_err(refuse)?;
        if sizes.is_empty() {
            let what = "the array is a single number without dimensions";
            return Err(DataError::format(path, what, "Store an array with one row for each sample"));
        }
        // Sizes beside a zero are backed by no byte of the file.
        if sizes.contains(&0) {
            let what = format!("the array holds no values: its sizes are {sizes:?}");
            return Err(DataError::format(path, what, "Remove it, or store one row for each sample"));
        }
        let header = NpyHeader::from_reader(&start[..]).map_err(|error| damaged(path, &error))?;
        let DType::Plain(kind) = header.dtype() else {
            return Err(DataError::format(path, "the array has named fields", "Store a plain array of numbers"));
        };
        let body = length.saturating_sub(start.len() as u64);
        let mut factors = sizes.iter();
        let demanded = factors.try_fold(kind.size_field().max(1), |product, &size| product.checked_mul(size as u64));
        let Some(demanded) = demanded.filter(|demanded| *demanded <= body) else {
            let what = format!("the header claims {sizes:?} values, but the file has {body} bytes for them");
            return Err(refuse(what));
        };
        limit.check(path, demanded, || format!("it holds {sizes:?} values, {}", megabytes(demanded)))?;
        let file = NpyFile::with_header(header, BufReader::new(source));
        let is_fortran = file.order() == Order::Fortran && sizes.len() > 1;
        let values = match (kind.type_char(), kind.size_field()) {
            (TypeChar::Uint, 1) => file.into_vec::<u8>().map(Values::Bytes),
            (TypeChar::Bool, _) => floats(file.into_vec::<bool>(), |value| f64::from(u8::from(value))),
            (TypeChar::Float, 4) => floats(file.into_vec::<f32>(), f64::from),
            (TypeChar::Float, 8) => floats(file.into_vec::<f64>(), |value| value),
            (TypeChar::Int, 1) => floats(file.into_vec::<i8>(), f64::from),
            (TypeChar::Int, 2) => floats(file.into_vec::<i16>(), f64::from),
            (TypeChar::Int, 4) => floats(file.into_vec::<i32>(), f64::from),
            (TypeChar::Int, 8) => floats(file.into_vec::<i64>(), |value| value as f64),
            (TypeChar::Uint, 2) => floats(file.into_vec::<u16>(), f64::from),
            (TypeChar::Uint, 4) => floats(file.into_vec::<u32>(), f64::from),
            (TypeChar::Uint, 8) => floats(file.into_vec::<u64>(), |value| value as f64),
            _ => {
                let what = format!("elements of type {kind} cannot be read");
                return Err(DataError::format(path, what, "Store bytes, integers, float32 or float64"));
            }
        };
        let values = values.map_err(|error| damaged(path, &error))?;
        let values = match values {
            Values::Bytes(values) if is_fortran => Values::Bytes(row_major(&values, &sizes)),
            Values::Floats(values) if is_fortran => Values::Floats(row_major(&values, &sizes)),
            values => values,
        };
        Ok(Self { sizes, values })
    }
}

const NEXT: &str = "Write the file again (it may be truncated)";

pub(super) fn damaged(path: &Path, error: &std::io::Error) -> DataError {
    DataError::format(path, format!("the array cannot be read: {error}"), NEXT)
}

fn floats<T>(values: std::io::Result<Vec<T>>, convert: impl Fn(T) -> f64) -> std::io::Result<Values> {
    Ok(Values::Floats(values?.into_iter().map(convert).collect()))
}

/// Everything before the values: the file's first bytes and its header.
fn header_bytes(source: &mut impl Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut more = |bytes: &mut Vec<u8>, length: usize| {
        let read = source.by_ref().take(length as u64).read_to_end(bytes).map_err(|error| error.to_string())?;
        if read == length { Ok(()) } else { Err("the header is truncated".to_string()) }
    };
    more(&mut bytes, 8).ok();
    if !bytes.starts_with(b"\x93NUMPY") {
        return Err("it does not begin like a NumPy file".to_string());
    }
    let length = match bytes.get(6) {
        Some(1) => {
            more(&mut bytes, 2)?;
            bytes.last_chunk::<2>().map_or(0, |size| usize::from(u16::from_le_bytes(*size)))
        }
        Some(2 | 3) => {
            more(&mut bytes, 4)?;
            bytes.last_chunk::<4>().map_or(0, |size| u32::from_le_bytes(*size) as usize)
        }
        Some(version) => return Err(format!("version {version} of the format is unknown")),
        None => return Err("the header is truncated".to_string()),
    };
    if length > HEADER {
        return Err("the header does not describe an array".to_string());
    }
    more(&mut bytes, length)?;
    Ok(bytes)
}

/// The sizes that the header in `start` claims. It is text of a Python dictionary, of which a parser is asked only what
/// is short and not deeply nested.
fn sizes_of(start: &[u8]) -> Result<Vec<usize>, String> {
    let skipped = if start.get(6) == Some(&1) { 10 } else { 12 };
    let header = start.get(skipped..).unwrap_or_default();
    let text = std::str::from_utf8(header).map_err(|_| "the header is not text".to_string())?;
    if depth(text) > DEPTH {
        return Err("the header does not describe an array".to_string());
    }
    let (_, shape) = text.split_once("'shape':").ok_or("the header has no shape")?;
    if text.matches("shape").count() > 1 {
        return Err("the header has several shapes".to_string());
    }
    let inner = shape.trim_start().strip_prefix('(').and_then(|rest| rest.split(')').next());
    let sizes = inner.ok_or("the header has no shape")?.split(',').map(str::trim).filter(|size| !size.is_empty());
    let sizes = sizes.map(|size| size.trim_end_matches('L').parse::<usize>());
    let sizes: Vec<usize> =
        sizes.collect::<Result<_, _>>().map_err(|_| "the shape does not consist of sizes".to_string())?;
    // A size of zero makes any others come to nothing.
    let product = sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size.max(1)));
    match product {
        Some(_) => Ok(sizes),
        None => Err(format!("the header claims {sizes:?} values, more than any memory holds")),
    }
}

/// Greatest number of brackets within brackets.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The values of an array that is stored column by column, row by row.
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
    /// All values as f64.
    pub(super) fn into_floats(self) -> Vec<f64> {
        match self {
            Self::Bytes(values) => values.into_iter().map(f64::from).collect(),
            Self::Floats(values) => values,
        }
    }

    /// Largest value.
    pub(super) fn largest(&self) -> f64 {
        match self {
            Self::Bytes(values) => values.iter().copied().max().map_or(0.0, f64::from),
            Self::Floats(values) => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
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
        let nested = format!("{{'descr': {}, 'shape': (6,2)}}", "[".repeat(50));
        let cases = [
            (nested, "does not describe an array"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 4), }".into(), "claims [99999999999, 4]"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615, 9), }".into(), "more than any"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 9), }".into(), "does not consist of sizes"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1), }".into(), "has 8 bytes for them"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 25769803770), }".into(), "holds no values"),
            ("{'descr': '<f4'}".into(), "no shape"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (), }".into(), "single number without dimensions"),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296), }".into(),
                "more than any",
            ),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'shape': (4294967296, 4294967296)}".into(),
                "several shapes",
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
    fn arrays_stored_by_columns_are_turned() {
        assert_eq!(row_major(&[1, 4, 2, 5, 3, 6], &[2, 3]), [1, 2, 3, 4, 5, 6]);
        assert_eq!(row_major(&[0, 4, 2, 6, 1, 5, 3, 7], &[2, 2, 2]), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
