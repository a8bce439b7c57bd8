//! Fingerprint of a dataset's content, to recognise the data a run was trained on.

use super::{Dataset, Inputs, SampleShape, Targets};

use super::peers::Peers;
use crate::error::DataError;

/// Mixes 64-bit words: xor, multiplication by an odd constant, rotation. Not cryptographic.
#[derive(Debug, Clone, Copy)]
struct Mixer(u64);

impl Mixer {
    fn new() -> Self {
        Mixer(0xcbf2_9ce4_8422_2325)
    }

    fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }

    /// Mixes in the length, then eight bytes per word; the last word is padded with zeros.
    fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.word(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last));
    }

    fn floats(&mut self, values: &[f32]) {
        self.word(values.len() as u64);
        values.iter().for_each(|value| self.word(u64::from(value.to_bits())));
    }

    fn indices(&mut self, values: &[usize]) {
        self.word(values.len() as u64);
        values.iter().for_each(|&value| self.word(value as u64));
    }

    fn names(&mut self, names: &[String]) {
        self.word(names.len() as u64);
        names.iter().for_each(|name| self.bytes(name.as_bytes()));
    }

    fn text(self) -> String {
        // One more round, so that the last word affects every bit.
        let mixed = (self.0 ^ (self.0 >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!("{:016x}", mixed ^ (mixed >> 29))
    }
}

/// State of the fingerprint after the shape and the inputs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InputDigest(Mixer);

/// Inputs held by one of several processes.
#[derive(Debug, Clone, Copy)]
pub(super) struct DigestPart<'a> {
    pub(super) inputs: &'a Inputs,
    /// Number of values over all processes.
    pub(super) total: usize,
}

/// Running digest of inputs that arrive in pieces.
struct Running {
    mixer: Mixer,
    /// Trailing bytes that do not fill a word.
    rest: Vec<u8>,
}

impl Running {
    fn new(shape: &SampleShape, total: usize) -> Self {
        let mut mixer = Mixer::new();
        match *shape {
            SampleShape::Image { height, width, channels } => mixer.indices(&[height, width, channels]),
            SampleShape::Features(features) => mixer.indices(&[features]),
        }
        mixer.word(total as u64);
        Running { mixer, rest: Vec::new() }
    }

    fn add(&mut self, inputs: &Inputs) {
        match inputs {
            Inputs::Bytes(values) => {
                let missing = (8 - self.rest.len()).min(values.len());
                let (first, values) =
                    if self.rest.is_empty() { (&[][..], &values[..]) } else { values.split_at(missing) };
                self.rest.extend_from_slice(first);
                if let Some((word, [])) = self.rest.split_first_chunk::<8>() {
                    self.mixer.word(u64::from_le_bytes(*word));
                    self.rest.clear();
                }
                let (words, rest) = values.as_chunks::<8>();
                words.iter().for_each(|word| self.mixer.word(u64::from_le_bytes(*word)));
                self.rest.extend_from_slice(rest);
            }
            Inputs::Floats(values) => values.iter().for_each(|value| self.mixer.word(u64::from(value.to_bits()))),
        }
    }

    fn end(mut self, inputs: &Inputs) -> InputDigest {
        if let Inputs::Bytes(_) = inputs {
            let mut last = [0; 8];
            last[..self.rest.len()].copy_from_slice(&self.rest);
            self.mixer.word(u64::from_le_bytes(last));
        }
        InputDigest(self.mixer)
    }
}

impl InputDigest {
    fn of(shape: &SampleShape, inputs: &Inputs) -> Self {
        let mut running = Running::new(shape, inputs.len());
        running.add(inputs);
        running.end(inputs)
    }

    /// Digests the inputs of all processes in rank order. Each process adds its inputs to the state of the one before.
    ///
    /// # Errors
    /// [`DataError::Peers`] if a process cannot answer.
    pub(super) fn shared(peers: &dyn Peers, shape: &SampleShape, part: DigestPart) -> Result<Self, DataError> {
        let mut running = Running::new(shape, part.total);
        for rank in 0..peers.size() {
            if rank == peers.rank() {
                running.add(part.inputs);
            }
            let own = [&running.mixer.0.to_le_bytes()[..], &running.rest].concat();
            let states = peers.gather(&own)?;
            if let Some((state, rest)) = states[rank].split_first_chunk::<8>() {
                running = Running { mixer: Mixer(u64::from_le_bytes(*state)), rest: rest.to_vec() };
            }
        }
        Ok(running.end(part.inputs))
    }
}

impl Dataset {
    /// Returns the state of the fingerprint after the shape and the inputs.
    pub(super) fn input_digest(&self) -> InputDigest {
        match self.holding() {
            Some(holding) => holding.digest(),
            None => InputDigest::of(&self.sample_shape, &self.inputs),
        }
    }

    /// Returns sixteen hexadecimal digits that depend only on the shape of a sample, the inputs, the targets with their
    /// names, and the sample weights.
    pub fn fingerprint(&self) -> String {
        self.fingerprint_after(self.input_digest())
    }

    /// Adds targets and weights to the digest of the shape and the inputs.
    pub(super) fn fingerprint_after(&self, InputDigest(mut mixer): InputDigest) -> String {
        match &self.targets {
            Targets::Classes { labels, class_names } => {
                labels.iter().for_each(|&label| mixer.word(u64::from(label)));
                mixer.names(class_names);
            }
            Targets::Values { values, target_names } => {
                mixer.floats(values);
                mixer.names(target_names);
            }
            Targets::Unlabelled => mixer.word(0),
        }
        if !self.weights.is_empty() {
            mixer.floats(&self.weights);
        }
        mixer.text()
    }
}

/// Returns sixteen digits that depend on the names and their order.
pub(crate) fn fingerprint_of_names(names: &[String]) -> String {
    let mut mixer = Mixer::new();
    mixer.names(names);
    mixer.text()
}

/// Returns sixteen digits that depend on the sample indices of each split.
pub(crate) fn fingerprint_of_splits(splits: [&[usize]; 3]) -> String {
    let mut mixer = Mixer::new();
    splits.into_iter().for_each(|split| mixer.indices(split));
    mixer.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(inputs: &[f32], labels: &[u32]) -> Dataset {
        let class_names = vec!["a".to_string(), "b".to_string()];
        let targets = Targets::Classes { labels: labels.to_vec(), class_names };
        Dataset::from_memory("name", SampleShape::Features(2), Inputs::Floats(inputs.to_vec()), targets).unwrap()
    }

    #[test]
    fn every_value_and_label_counts_and_the_name_does_not() {
        let values = [1.0, 2.0, 3.0, 4.0];
        let first = dataset(&values, &[0, 1]).fingerprint();
        assert_eq!(first.len(), 16);
        let targets = Targets::Classes { labels: vec![0, 1], class_names: vec!["a".into(), "b".into()] };
        let renamed = Dataset::from_memory("other", SampleShape::Features(2), Inputs::Floats(values.to_vec()), targets);
        assert_eq!(renamed.unwrap().fingerprint(), first);
        let others = [
            dataset(&[1.0, 2.0, 3.0, 4.5], &[0, 1]),
            dataset(&[2.0, 1.0, 3.0, 4.0], &[0, 1]),
            dataset(&[-1.0, 2.0, 3.0, 4.0], &[0, 1]),
            dataset(&values, &[1, 0]),
            dataset(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[0, 1, 0]),
        ];
        let weighted =
            |weights: [f32; 2]| dataset(&values, &[0, 1]).with_weights(weights.to_vec()).unwrap().fingerprint();
        assert_ne!(weighted([1.0, 2.0]), weighted([2.0, 1.0]));
        let mut seen = vec![first, weighted([1.0, 2.0])];
        for other in others {
            let fingerprint = other.fingerprint();
            assert!(!seen.contains(&fingerprint), "{fingerprint}");
            seen.push(fingerprint);
        }
    }

    #[test]
    fn bytes_count_up_to_the_last() {
        let of = |bytes: &[u8]| {
            let mut mixer = Mixer::new();
            mixer.bytes(bytes);
            mixer.text()
        };
        assert_ne!(of(&[1; 9]), of(&[1; 10]));
        assert_ne!(of(&[1, 0]), of(&[1]));
        assert_ne!(of(&[0; 16]), of(&[0; 8]));
    }
}
