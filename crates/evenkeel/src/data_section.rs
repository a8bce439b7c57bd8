//! The `[data]` section that describes data given by a program.

use keel_data::{DataConfig, IN_MEMORY, SplitDataset};

/// The section that loads and divides `data` again; for data a program made or divided by itself, one that says that it was
/// in memory.
pub(crate) fn data_section(data: &SplitDataset) -> DataConfig {
    match (data.dataset.origin(), data.split) {
        (Some(origin), Some(split)) => {
            DataConfig { validation: split.validation, test: split.test, seed: Some(split.seed), ..origin.clone() }
        }
        _ => DataConfig::of_source(format!("{IN_MEMORY}{}", data.dataset.name())),
    }
}

#[cfg(test)]
mod tests {
    use keel_data::{Dataset, Inputs, SampleShape, Split, Targets};

    use super::*;

    const SPLIT: Split = Split { validation: 0.25, test: 0.5, seed: 7 };

    #[test]
    fn what_can_be_loaded_again_is_named_and_everything_else_is_in_memory() {
        let digits = Dataset::digits().unwrap().split(SPLIT).unwrap();
        let section = data_section(&digits);
        assert_eq!((section.source.as_str(), section.validation, section.test), ("digits", 0.25, 0.5));
        assert_eq!(section.seed, Some(7));

        let by_hand = SplitDataset { split: None, ..digits };
        assert_eq!(data_section(&by_hand).source, "memory:digits");

        let (inputs, values) = (Inputs::Floats(vec![1.0; 8]), vec![0.0; 8]);
        let targets = Targets::Values { values, target_names: vec!["y".to_owned()] };
        let own = Dataset::from_memory("pumps", SampleShape::Features(1), inputs, targets).unwrap();
        assert_eq!(data_section(&own.split(SPLIT).unwrap()).source, "memory:pumps");
    }
}
