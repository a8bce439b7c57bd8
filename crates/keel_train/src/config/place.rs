//! Finds where a key of a config was written, for errors that arise only when data and layers are combined.

use std::path::PathBuf;

use super::load::{Sources, text_of};
use super::located::{Located, Node, Origin};
use super::overrides;

/// The place of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Path of the file, or name of the preset.
    pub file: PathBuf,
    /// Text of the file that [`Origin::File`] refers to.
    pub text: String,
    /// Place in the text, or the override.
    pub origin: Origin,
}

/// Returns where the dotted `key` of the config that [`load_from`](super::load_from) reads from `sources` was written, or the
/// longest part of it that was written: for `model.layers.2.body.0.kernel` it may be the layer. `None` if its value is a
/// default.
pub fn place_of(sources: Sources<'_>, key: &str) -> Option<Place> {
    let (file, text) = text_of(sources).ok()?;
    let mut root = Located::parse(&text).ok()?;
    if let Some(defaults) = sources.defaults {
        defaults.below(&mut root);
    }
    overrides::apply(&mut root, sources.overrides);
    let (mut value, mut origin) = (&root, None);
    for (depth, part) in key.split('.').enumerate() {
        let Some((inner, written)) = child(value, part) else { break };
        // A section without the key is not specific enough.
        origin = (depth > 0).then_some(written);
        value = inner;
    }
    match origin? {
        Origin::Default => None,
        Origin::File(span) => {
            let line = text.get(span.clone())?.split('\n').next().unwrap_or_default().trim_end().len();
            Some(Place { origin: Origin::File(span.start..span.start + line), file, text })
        }
        written @ (Origin::Override(_) | Origin::UserDefaults { .. }) => Some(Place { file, text, origin: written }),
    }
}

/// Returns the value of a key of a table, or of an index of an array, and where it was written.
fn child<'tree>(value: &'tree Located, part: &str) -> Option<(&'tree Located, Origin)> {
    let found = match &value.node {
        Node::Array(values) => values.get(part.parse::<usize>().ok()?)?,
        _ => value.get(part)?,
    };
    Some((found, found.origin.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::line_of;
    use super::*;

    #[test]
    fn keys_are_found_where_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        let text = "[data]\ntest = 1.5\n[[model.layers]]\ntype = \"residual\"\nbody = [\n  { type = \"flatten\" },\n  { type = \
                    \"linear\" },\n]\n[[model.layers]]\ntype = \"linear\"\n";
        std::fs::write(&path, text).unwrap();
        let cases = [
            ("data.test", Some((2, "1.5"))),
            ("data.validation", None),
            ("data", None),
            ("model.layers.0.body.1", Some((7, "{ type = \"linear\" }"))),
            ("model.layers.0.shortcut", Some((3, "[[model.layers]]"))),
            ("model.layers.1.kernel", Some((9, "[[model.layers]]"))),
            ("train.batch_size", None),
        ];
        for (key, expected) in cases {
            let place = place_of(Sources { name: path.to_str(), overrides: &[], defaults: None }, key);
            let found = place.as_ref().map(|place| match &place.origin {
                Origin::File(span) => (line_of(&place.text, span), &place.text[span.clone()]),
                other => panic!("{other:?}"),
            });
            assert_eq!(found, expected, "{key}");
        }
        let set = ["train.batch_size=1".to_owned()];
        for name in [path.to_str(), None] {
            let sources = Sources { name, overrides: &set, defaults: None };
            assert_eq!(place_of(sources, "train.batch_size").unwrap().origin, Origin::Override(0));
        }
    }
}
