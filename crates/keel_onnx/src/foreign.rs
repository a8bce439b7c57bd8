//! Models of other programs that cannot be read, recognised by their first bytes and their extension.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// First bytes of an archive, as written by `torch.save`.
const ARCHIVE: &[u8] = b"PK\x03\x04";
/// First byte of a plain pickle.
const PICKLE: &[u8] = b"\x80";
/// Maximum length of the header of a safetensors file. Its first 8 bytes are the length, and may begin like a pickle.
const HEADER: u64 = 100_000_000;
/// First bytes of an HDF5 file, as written by older versions of Keras.
const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
/// Number of bytes that [`check_start`] examines.
pub const START: usize = 8;
/// Extensions of models of Keras.
const KERAS_ENDINGS: [&str; 3] = ["keras", "h5", "hdf5"];

/// A format that has to be converted by the program that wrote it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignFormat {
    /// The file is a pickle, which may execute arbitrary code when opened.
    #[error(
        "{}: a pickle, which may run code when opened; write the network in Python with torch.onnx.export(model, input, \
         \"net.onnx\"), or only weights with safetensors.torch.save_file(torch.load({path:?}, weights_only=True), \
         \"weights.safetensors\")",
        path.display()
    )]
    Pickle {
        /// The file.
        path: PathBuf,
    },
    /// The file is a model of Keras.
    #[error(
        "{}: a model of Keras, which cannot be read; write it in Python with \
         keras.saving.load_model({path:?}).export(\"net.onnx\", format=\"onnx\")",
        path.display()
    )]
    Keras {
        /// The file.
        path: PathBuf,
    },
}

/// Checks the format of the file `path` that begins with `start`: [`START`] bytes, or the whole file.
///
/// # Errors
/// Fails if the file has to be converted first.
pub fn check_start(path: &Path, start: &[u8]) -> Result<(), ForeignFormat> {
    let path = path.to_owned();
    let is_keras_ending = |ending: &OsStr| KERAS_ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known));
    let is_keras = path.extension().is_some_and(is_keras_ending);
    match is_keras || start.starts_with(HDF5) {
        true => Err(ForeignFormat::Keras { path }),
        false if start.starts_with(ARCHIVE) || is_pickle(start) => Err(ForeignFormat::Pickle { path }),
        false => Ok(()),
    }
}

fn is_pickle(start: &[u8]) -> bool {
    let is_length = |bytes: &[u8; START]| u64::from_le_bytes(*bytes) <= HEADER;
    start.starts_with(PICKLE) && !start.first_chunk().is_some_and(is_length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_recognised_by_first_bytes_and_extension() {
        let cases: [(&str, &[u8], &str); 9] = [
            ("net.pt", b"PK\x03\x04....", "torch.onnx.export("),
            ("weights.bin", b"\x80\x02}q", "weights_only=True"),
            ("weights.pth", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P", "weights_only=True"),
            ("state.pkl", b"\x80\x04\x95\x1f\0\0\0\0\0\0\0}", "weights_only=True"),
            ("header-of-640-bytes.safetensors", b"\x80\x02\0\0\0\0\0\0{\"", ""),
            ("net.keras", b"PK\x03\x04....", "load_model(\"net.keras\")"),
            ("net.H5", b"anything", "format=\"onnx\""),
            ("net.bin", HDF5, "load_model(\"net.bin\")"),
            ("net.onnx", b"\x08\x08", ""),
        ];
        for (name, start, expected) in cases {
            let message = check_start(Path::new(name), start).err().map(|error| error.to_string()).unwrap_or_default();
            assert_eq!(message.is_empty(), expected.is_empty(), "{name}: {message}");
            assert!(message.contains(expected), "{name}: {message}");
        }
    }
}
