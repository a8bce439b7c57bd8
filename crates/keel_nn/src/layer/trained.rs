//! Epochs in which a parameter is trained.

/// Epochs in which training changes a parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trained {
    /// Never: it keeps its initial values.
    Never,
    /// During the first epochs, this many; then it keeps its values.
    Epochs(u64),
    /// In all epochs.
    #[default]
    Always,
}

impl Trained {
    /// Returns true if training changes the parameter in `epoch`, counted from 0.
    pub fn in_epoch(self, epoch: u64) -> bool {
        match self {
            Trained::Never => false,
            Trained::Epochs(epochs) => epoch < epochs,
            Trained::Always => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Trained;

    #[test]
    fn the_first_epochs_end_before_the_one_of_their_number() {
        let trained = |trained: Trained| [0, 2, 3, 9].map(|epoch| trained.in_epoch(epoch));
        assert_eq!(trained(Trained::Never), [false; 4]);
        assert_eq!(trained(Trained::Epochs(3)), [true, true, false, false]);
        assert_eq!(trained(Trained::Always), [true; 4]);
    }
}
