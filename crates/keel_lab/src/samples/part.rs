//! Part of a data set in memory.

/// Samples with their labels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    /// `[samples, features]`
    pub(crate) inputs: Vec<f32>,
    /// `[samples]`
    pub(crate) labels: Vec<u32>,
}

/// A training and a test part.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    /// Training part.
    pub(crate) train: Part,
    /// Test part.
    pub(crate) test: Part,
}

impl Part {
    /// Returns the number of samples.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns the first sample of each of `classes` classes that has any.
    pub(crate) fn one_of_each(&self, classes: usize) -> Part {
        let first = |class: usize| self.labels.iter().position(|&label| label as usize == class);
        self.take(&(0..classes).filter_map(first).collect::<Vec<_>>())
    }

    /// Returns the samples `indices`, in that order.
    pub(crate) fn take(&self, indices: &[usize]) -> Part {
        let features = self.inputs.len() / self.len();
        let rows = indices.iter().flat_map(|&index| &self.inputs[index * features..(index + 1) * features]);
        Part { inputs: rows.copied().collect(), labels: indices.iter().map(|&index| self.labels[index]).collect() }
    }
}
