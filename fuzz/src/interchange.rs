//! Files of other programs: ONNX, and weights of PyTorch.

use keel_interchange::onnx::{decode, import};
use keel_interchange::torch;

use crate::run_files::tensor_file;
use crate::scratch::Scratch;

/// Imports the network of an ONNX file.
pub fn onnx(input: &[u8]) {
    let Ok(model) = decode(input, "fuzzed") else { return };
    if let Ok(imported) = import::import(&model, "fuzzed") {
        drop(imported.outputs());
    }
}

/// Converts weights with torchvision's names.
pub fn torch_weights(input: &[u8]) {
    let scratch = Scratch::new();
    let (from, to) = (scratch.write("theirs.safetensors", &tensor_file(input)), scratch.path().join("ours.safetensors"));
    let (_, preset) = torch::presets()[0];
    let converted = torch::import(&from, preset, &to);
    assert_eq!(converted.is_ok(), to.exists(), "a refused file leaves nothing behind");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_seed_is_a_network() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/onnx/moons");
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(import::import(&decode(&bytes, "moons").unwrap(), "moons").is_ok());
    }
}
