//! Parts of a model: named ranges of entries of its list of layers, to be frozen or trained at their own learning rate.

use std::ops::Range;

use super::{ModelConfig, Preset};
use crate::layers::LayerSpec;

/// A range of entries of a list of layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Name in a config: `stem`, `stage1`, `head`; `layers.3` for a single entry.
    pub name: String,
    /// Indices of the entries.
    pub entries: Range<usize>,
}

/// Training settings of one entry of a list of layers, for all its nodes in the graph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EntryTraining {
    /// True if its parameters and running statistics keep their values.
    pub is_frozen: bool,
    /// Factor of the learning rate.
    pub learning_rate_factor: f64,
}

impl ModelConfig {
    /// Returns the parts of the model, those of its preset first, then `body` (everything before the last layer with weights) and
    /// each single entry. Empty while [`ModelConfig::is_auto`].
    pub fn parts(&self) -> Vec<Part> {
        let layers = self.layers();
        if layers.is_empty() {
            return Vec::new();
        }
        let mut parts = if self.layers.is_empty() { self.preset_parts() } else { Vec::new() };
        let end = parts.last().map_or(0, |part| part.entries.end);
        let last = layers.iter().rposition(has_weights).unwrap_or(layers.len());
        if end > 0 {
            parts.push(Part { name: "head".to_owned(), entries: end..layers.len() });
        }
        parts.push(Part { name: "body".to_owned(), entries: 0..last });
        parts.extend((0..layers.len()).map(|at| Part { name: format!("layers.{at}"), entries: at..at + 1 }));
        parts
    }

    /// Returns the parts that the preset names, except its head.
    fn preset_parts(&self) -> Vec<Part> {
        let or = |value: usize, own: usize| if value == 0 { own } else { value };
        let (stem, stages): (usize, Vec<usize>) = match self.preset {
            Preset::Auto | Preset::Tabular => (0, Vec::new()),
            Preset::Mlp => (0, vec![3; or(self.depth, 2)]),
            Preset::Cnn => (0, vec![4; or(self.depth, 2)]),
            Preset::Resnet20 => (3, vec![or(self.depth, 3); 3]),
            Preset::Whitened => (2, vec![7; 3]),
            Preset::Photo => (4, vec![or(self.depth, 1); 4]),
            Preset::Resnet18 => (4, vec![2; 4]),
            Preset::Resnet34 | Preset::Resnet50 => (4, vec![3, 4, 6, 3]),
        };
        let mut parts = Vec::new();
        if stem > 0 {
            parts.push(Part { name: "stem".to_owned(), entries: 0..stem });
        }
        let mut start = stem;
        for (number, length) in (1..).zip(stages) {
            parts.push(Part { name: format!("stage{number}"), entries: start..start + length });
            start += length;
        }
        parts
    }

    /// Returns true if the config treats some parts differently, so that the order of entries must not change.
    pub fn names_parts(&self) -> bool {
        !self.frozen.is_empty() || !self.learning_rate_factors.is_empty()
    }

    /// Returns the training settings of each entry of the list of layers, from `frozen` and `learning_rate_factors`; empty if all
    /// are trained alike.
    ///
    /// # Errors
    /// If a part does not exist in the model.
    pub fn entry_training(&self) -> Result<Vec<EntryTraining>, UnknownPart> {
        if !self.names_parts() {
            return Ok(Vec::new());
        }
        let parts = self.parts();
        let find = |key: &'static str, name: &String| {
            let known = || parts.iter().map(|part| part.name.clone()).collect();
            let found = parts.iter().find(|part| part.name == *name);
            found.ok_or_else(|| UnknownPart { key, name: name.clone(), known: known() })
        };
        let own = EntryTraining { is_frozen: false, learning_rate_factor: 1.0 };
        let mut entries = vec![own; self.layers().len()];
        for name in &self.frozen {
            let part = find("model.frozen", name)?;
            entries[part.entries.clone()].iter_mut().for_each(|entry| entry.is_frozen = true);
        }
        for (name, factor) in &self.learning_rate_factors {
            let part = find("model.learning_rate_factors", name)?;
            entries[part.entries.clone()].iter_mut().for_each(|entry| entry.learning_rate_factor = *factor);
        }
        Ok(entries)
    }
}

fn has_weights(layer: &LayerSpec) -> bool {
    use LayerSpec::{Conv2d, Custom, Linear, Maxout, Residual};
    matches!(layer, Linear(_) | Conv2d(_) | Maxout(_) | Residual(_) | Custom(_))
}

/// A part that a config names but the model does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPart {
    /// Key of the config.
    pub key: &'static str,
    /// Name of the part.
    pub name: String,
    /// Names of the existing parts.
    pub known: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(preset: Preset) -> ModelConfig {
        ModelConfig { preset, ..ModelConfig::default() }
    }

    #[test]
    fn parts_of_a_preset_lie_side_by_side_and_cover_its_layers() {
        for (preset, name, _) in Preset::ALL {
            let model = model(preset);
            let length = model.layers().len();
            let named: Vec<Part> = model.preset_parts();
            let ends = std::iter::once(0).chain(named.iter().map(|part| part.entries.end));
            assert!(named.iter().zip(ends).all(|(part, end)| part.entries.start == end), "{name}: {named:?}");
            assert!(named.last().is_none_or(|part| part.entries.end < length), "{name}: {named:?} of {length}");
        }
    }

    #[test]
    fn a_stage_of_a_residual_network_begins_where_it_shrinks_the_image() {
        for preset in [Preset::Resnet20, Preset::Photo, Preset::Resnet18, Preset::Resnet34, Preset::Resnet50] {
            let (model, mut stages) = (model(preset), 0);
            let layers = model.layers();
            for part in model.preset_parts().iter().filter(|part| part.name.starts_with("stage")) {
                assert!(layers[part.entries.clone()].iter().all(|layer| matches!(layer, LayerSpec::Residual(_))));
                let shrinks = |layer: &LayerSpec| format!("{layer:?}").contains("stride: Extent { height: 2");
                let first = &layers[part.entries.start];
                assert_eq!(shrinks(first), stages > 0, "{preset:?} {}: {first:?}", part.name);
                assert!(layers[part.entries.clone()][1..].iter().all(|layer| !shrinks(layer)), "{preset:?}");
                stages += 1;
            }
            assert!(stages >= 3);
        }
    }

    #[test]
    fn frozen_parts_and_rates_become_those_of_entries() {
        let mut config = model(Preset::Resnet20);
        assert_eq!(config.entry_training(), Ok(Vec::new()));
        config.frozen = vec!["stem".to_owned(), "layers.4".to_owned()];
        config.learning_rate_factors = [("stage2".to_owned(), 0.1)].into();
        let entries = config.entry_training().unwrap();
        let frozen: Vec<usize> = (0..entries.len()).filter(|&at| entries[at].is_frozen).collect();
        let slower: Vec<usize> = (0..entries.len()).filter(|&at| entries[at].learning_rate_factor == 0.1).collect();
        assert_eq!((frozen, slower), (vec![0, 1, 2, 4], vec![6, 7, 8]));
        config.frozen = vec!["stge1".to_owned()];
        let unknown = config.entry_training().unwrap_err();
        assert_eq!((unknown.key, unknown.name.as_str()), ("model.frozen", "stge1"));
        assert!(unknown.known.contains(&"stage1".to_owned()) && unknown.known.contains(&"head".to_owned()));
    }

    #[test]
    fn the_body_is_everything_before_the_last_weights() {
        let config = model(Preset::Resnet18);
        let body = config.parts().into_iter().find(|part| part.name == "body").unwrap();
        assert_eq!(body.entries, 0..config.layers().len() - 1);
    }
}
