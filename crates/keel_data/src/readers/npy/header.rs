//! Header of a NumPy file: the magic bytes, a version, and the text of a Python dictionary with element type, order and sizes.
//!
//! Format: "NEP 1: A simple file format for NumPy arrays".

use std::fmt::Display;
use std::io::Read;
use std::path::Path;

use crate::error::DataError;

const NEXT: &str = "Write the file again (it may be truncated)";

/// Maximum length of a header, in bytes: NumPy's own limit.
const MAXIMUM_LENGTH: usize = 10_000;

/// Maximum length of a text, in characters or bytes. Labels are far shorter.
const LONGEST_TEXT: usize = 65_536;

/// Type of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Bool,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Int8,
    Int16,
    Int32,
    Int64,
    Float16,
    Float32,
    Float64,
    /// Text of this many characters, four bytes each.
    Characters(usize),
    /// Text of this many bytes.
    Bytes(usize),
}

/// Description of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) element: Element,
    /// True if the bytes of an element are stored with the most significant first.
    pub(super) is_big_endian: bool,
    /// True if the first index varies fastest.
    pub(super) is_fortran: bool,
    pub(super) sizes: Vec<usize>,
    /// Length of everything before the values, in bytes.
    pub(super) length: u64,
}

impl Header {
    /// Reads the header at the start of `source`; `path` names it in messages.
    ///
    /// # Errors
    /// If the header is damaged or does not describe an array of numbers or texts.
    pub(super) fn read(path: &Path, source: &mut impl Read) -> Result<Header, DataError> {
        let refuse = |what: String| damaged(path, what);
        let (text, length) = read_text(source).map_err(refuse)?;
        let shape = entry(&text, "shape").map_err(refuse)?;
        let sizes = sizes(shape).map_err(refuse)?;
        let order = entry(&text, "fortran_order").map_err(refuse)?;
        let is_fortran = match order.split([',', '}']).next().map(str::trim) {
            Some("True") => true,
            Some("False") => false,
            _ => return Err(refuse("the header's fortran_order is neither True nor False".to_owned())),
        };
        let description = entry(&text, "descr").map_err(refuse)?;
        if description.starts_with('[') {
            return Err(DataError::format(path, "the array has named fields", "Store a plain array of numbers"));
        }
        let code = quoted(description).ok_or_else(|| refuse("the header's descr is not a string".to_owned()))?;
        let (order, name) = code.split_at_checked(1).unwrap_or_default();
        let has_order = |element: &Element| !matches!(element, Element::Bytes(_)) && element.bytes() > 1;
        let element = Element::of(name).filter(|element| ["<", ">"].contains(&order) || !has_order(element));
        let Some(element) = element else {
            let (what, next) = match name {
                "O" => (
                    "its elements are objects of Python (type |O)".to_owned(),
                    "Store numbers with array.astype(\"float32\"), or labels with array.astype(str)",
                ),
                _ => (format!("its elements have the type {code}"), "Store integers, floats, or labels as text"),
            };
            return Err(DataError::format(path, format!("the array cannot be read: {what}"), next));
        };
        Ok(Header { element, is_big_endian: order == ">", is_fortran, sizes, length })
    }
}

impl Element {
    /// Returns the type with NumPy's name `name`, without the byte order.
    fn of(name: &str) -> Option<Element> {
        Some(match name {
            "b1" => Element::Bool,
            "u1" => Element::Uint8,
            "u2" => Element::Uint16,
            "u4" => Element::Uint32,
            "u8" => Element::Uint64,
            "i1" => Element::Int8,
            "i2" => Element::Int16,
            "i4" => Element::Int32,
            "i8" => Element::Int64,
            "f2" => Element::Float16,
            "f4" => Element::Float32,
            "f8" => Element::Float64,
            _ => return Element::of_text(name),
        })
    }

    /// Returns the type of text with NumPy's name `name`, such as `U12` or `S3`.
    fn of_text(name: &str) -> Option<Element> {
        let (kind, length) = name.split_at_checked(1)?;
        let length = length.parse::<usize>().ok().filter(|length| (1..=LONGEST_TEXT).contains(length))?;
        match kind {
            "U" => Some(Element::Characters(length)),
            "S" | "a" => Some(Element::Bytes(length)),
            _ => None,
        }
    }

    /// Returns true if the elements are texts.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Element::Characters(_) | Element::Bytes(_))
    }

    /// Returns the number of bytes of an element.
    pub(super) fn bytes(self) -> usize {
        match self {
            Element::Characters(length) => 4 * length,
            Element::Bytes(length) => length,
            Element::Bool | Element::Uint8 | Element::Int8 => 1,
            Element::Uint16 | Element::Int16 | Element::Float16 => 2,
            Element::Uint32 | Element::Int32 | Element::Float32 => 4,
            Element::Uint64 | Element::Int64 | Element::Float64 => 8,
        }
    }

    /// Returns the value of a number from its bytes, least significant first; zeros stand for missing bytes. The value of a
    /// text is NaN.
    #[inline]
    pub(super) fn value(self, bytes: &[u8]) -> f64 {
        fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
            bytes.first_chunk().copied().unwrap_or([0; N])
        }
        match self {
            Element::Bool => f64::from(u8::from(first(bytes) != [0])),
            Element::Uint8 => f64::from(u8::from_le_bytes(first(bytes))),
            Element::Uint16 => f64::from(u16::from_le_bytes(first(bytes))),
            Element::Uint32 => f64::from(u32::from_le_bytes(first(bytes))),
            Element::Uint64 => u64::from_le_bytes(first(bytes)) as f64,
            Element::Int8 => f64::from(i8::from_le_bytes(first(bytes))),
            Element::Int16 => f64::from(i16::from_le_bytes(first(bytes))),
            Element::Int32 => f64::from(i32::from_le_bytes(first(bytes))),
            Element::Int64 => i64::from_le_bytes(first(bytes)) as f64,
            Element::Float16 => of_half(u16::from_le_bytes(first(bytes))),
            Element::Float32 => f64::from(f32::from_le_bytes(first(bytes))),
            Element::Float64 => f64::from_le_bytes(first(bytes)),
            Element::Characters(_) | Element::Bytes(_) => f64::NAN,
        }
    }

    /// Returns the text of an element from its bytes, without the zeros that fill it; `None` if it is not text.
    pub(super) fn text(self, bytes: &[u8], is_big_endian: bool) -> Option<String> {
        let text = match self {
            Element::Characters(_) => {
                let number = if is_big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
                let (characters, _) = bytes.as_chunks::<4>();
                characters.iter().map(|bytes| char::from_u32(number(*bytes))).collect::<Option<String>>()?
            }
            // Bytes that are not UTF-8 are Latin-1, which NumPy writes.
            Element::Bytes(_) => match std::str::from_utf8(bytes) {
                Ok(text) => text.to_owned(),
                Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
            },
            _ => return None,
        };
        Some(text.trim_end_matches('\0').to_owned())
    }
}

/// Returns the value of a number of 16 bits: a sign, five bits of exponent, ten of fraction (IEEE 754, binary16).
fn of_half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from((bits >> 10) & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

/// Returns the error for an array that cannot be read.
pub(super) fn damaged(path: &Path, what: impl Display) -> DataError {
    DataError::format(path, format!("the array cannot be read: {what}"), NEXT)
}

/// Reads the text of a header. Returns it with the number of bytes up to the values.
fn read_text(source: &mut impl Read) -> Result<(String, u64), String> {
    let mut take = |length: usize| {
        let mut bytes = Vec::new();
        source.by_ref().take(length as u64).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        if bytes.len() == length { Ok(bytes) } else { Err("the header is truncated".to_owned()) }
    };
    let not_numpy = "it does not begin like a NumPy file".to_owned();
    match take(6) {
        Ok(magic) if magic == b"\x93NUMPY" => {}
        _ => return Err(not_numpy),
    }
    let (start, length) = match take(2)?[..] {
        [1, _] => (10, take(2)?.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte))),
        [2 | 3, _] => (12, take(4)?.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte))),
        [version, ..] => return Err(format!("version {version} of the format is unknown")),
        [] => return Err("the header is truncated".to_owned()),
    };
    if length > MAXIMUM_LENGTH {
        return Err("the header does not describe an array".to_owned());
    }
    let text = String::from_utf8(take(length)?).map_err(|_| "the header is not text".to_owned())?;
    Ok((text, (start + length) as u64))
}

/// Returns what follows the key `key` of the dictionary.
fn entry<'a>(text: &'a str, key: &str) -> Result<&'a str, String> {
    let is_key = |quote: char| text.split_once(&format!("{quote}{key}{quote}:")).map(|(_, value)| value.trim_start());
    let value = is_key('\'').or_else(|| is_key('"')).ok_or_else(|| format!("the header has no {key}"))?;
    match value.contains(key) {
        true => Err(format!("the header has several entries {key}")),
        false => Ok(value),
    }
}

/// Returns the string at the start of `text`, without its quotes.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|first| ['\'', '"'].contains(first))?;
    text[1..].split_once(quote).map(|(inner, _)| inner)
}

/// Returns the sizes in a tuple such as `(60000, 28, 28)`.
fn sizes(text: &str) -> Result<Vec<usize>, String> {
    let inner = text.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let (inner, _) = inner.ok_or("the header's shape is not a tuple")?;
    let sizes = inner.split(',').map(str::trim).filter(|size| !size.is_empty());
    // Python 2 writes long integers with an L.
    let sizes = sizes.map(|size| size.strip_suffix('L').unwrap_or(size).parse::<usize>());
    let sizes: Vec<usize> =
        sizes.collect::<Result<_, _>>().map_err(|_| "the shape does not consist of sizes".to_owned())?;
    // The product must not overflow; a zero is reported by the caller, whatever the other sizes are.
    match sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size.max(1))) {
        Some(_) => Ok(sizes),
        None => Err(format!("the header claims {sizes:?} values, more than memory can hold")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of version 1 with this header.
    fn file(text: &str) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes
    }

    #[test]
    fn headers_of_every_writer_are_read() {
        let cases = [
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", Element::Float32, false, vec![2, 3]),
            ("{'descr': '>i8', 'fortran_order': True, 'shape': (7,)}", Element::Int64, true, vec![7]),
            ("{\"shape\": (2L, 3L), \"descr\": \"|u1\", \"fortran_order\": False}", Element::Uint8, false, vec![2, 3]),
            ("{'fortran_order':False,'shape':(),'descr':'|b1'}", Element::Bool, false, vec![]),
        ];
        for (text, element, is_fortran, sizes) in cases {
            let header = Header::read(Path::new("x.npy"), &mut &file(text)[..]).unwrap();
            let is_big_endian = text.contains(">i8");
            let length = 10 + text.len() as u64;
            assert_eq!(header, Header { element, is_big_endian, is_fortran, sizes, length }, "{text}");
        }
    }

    #[test]
    fn a_wider_length_field_belongs_to_later_versions() {
        let text = "{'descr': '<u2', 'fortran_order': False, 'shape': (4,), }";
        for version in [2, 3] {
            let mut bytes = b"\x93NUMPY".to_vec();
            bytes.extend([version, 0]);
            bytes.extend((text.len() as u32).to_le_bytes());
            bytes.extend(text.as_bytes());
            let header = Header::read(Path::new("x.npy"), &mut &bytes[..]).unwrap();
            assert_eq!((header.element, header.length), (Element::Uint16, 12 + text.len() as u64));
        }
    }
}
