//! Overrides: `key.path=value` edits of a config, `--set` in the terminal.

use super::located::{Entry, Located, Node, Origin};

/// Applies `overrides` in order to the tree of a config.
///
/// An override is a dotted key (a number selects an element of an array, as in `model.layers.0.kernel=5`), an equals sign, and
/// a value in TOML syntax, where a bare word is a string. Missing tables are created. A table that is written as a bare name,
/// such as `loss = "cross_entropy"`, becomes `{ type = "cross_entropy", … }` when one of its keys is set. A different `type`
/// discards the other keys that files set in the same table.
///
/// # Errors
/// Returns one message per override that is malformed or refers to a key of a value that is not a table.
pub(super) fn apply(root: &mut Located, overrides: &[String]) -> Vec<String> {
    let results = overrides.iter().enumerate().map(|(index, text)| apply_one(root, index, text));
    results.filter_map(Result::err).collect()
}

fn apply_one(root: &mut Located, index: usize, text: &str) -> Result<(), String> {
    let refuse = |reason: &str| format!("--set {text}: {reason}");
    let Some((path, value)) = text.split_once('=') else {
        return Err(refuse("expected key=value, for example train.epochs=5"));
    };
    let segments: Vec<&str> = path.trim().split('.').map(str::trim).collect();
    if segments.iter().any(|segment| segment.is_empty()) {
        return Err(refuse("the key before `=` must be names joined by dots, for example train.epochs"));
    }
    let value = parse_value(value.trim(), index).map_err(|reason| refuse(&reason))?;
    if let [parents @ .., "type"] = segments.as_slice() {
        let parent = descend(root, parents, index).map_err(|reason| refuse(&reason))?;
        forget_other_variant(parent, &value);
    }
    *descend(root, &segments, index).map_err(|reason| refuse(&reason))? = value;
    Ok(())
}

/// Discards the keys that files set for one variant (an optimizer's learning rate, for example) if another variant is chosen.
fn forget_other_variant(parent: &mut Located, variant: &Located) {
    if parent.get("type").and_then(Located::as_str) == variant.as_str() {
        return;
    }
    if let Node::Table(entries) = &mut parent.node {
        entries.retain(|entry| !matches!(entry.key_origin, Origin::File(_) | Origin::UserDefaults { .. }));
    }
}

fn parse_value(text: &str, index: usize) -> Result<Located, String> {
    match Located::parse_value(text, index) {
        Ok(value) => Ok(value),
        Err(reason) if text.starts_with(['"', '\'', '[', '{']) => {
            Err(format!("the value is not valid TOML: {}", reason.trim().replace('\n', ", ")))
        }
        Err(_) => Ok(Located { node: Node::String(text.to_owned()), origin: Origin::Override(index) }),
    }
}

fn descend<'tree>(root: &'tree mut Located, segments: &[&str], index: usize) -> Result<&'tree mut Located, String> {
    let mut place = root;
    for (depth, segment) in segments.iter().enumerate() {
        let walked = segments[..depth].join(".");
        let type_name = place.type_name();
        if let Node::String(name) = &place.node {
            let entry = Entry {
                key: "type".to_owned(),
                key_origin: place.origin.clone(),
                value: Located { node: Node::String(name.clone()), origin: place.origin.clone() },
            };
            place.node = Node::Table(vec![entry]);
        }
        place = match &mut place.node {
            Node::Table(entries) => {
                let position = entries.iter().position(|entry| entry.key == *segment).unwrap_or_else(|| {
                    let origin = Origin::Override(index);
                    let value = Located::empty_table(origin.clone());
                    entries.push(Entry { key: (*segment).to_owned(), key_origin: origin, value });
                    entries.len() - 1
                });
                &mut entries[position].value
            }
            Node::Array(values) => {
                let length = values.len();
                let element = segment.parse::<usize>().ok().and_then(|position| values.get_mut(position));
                element.ok_or_else(|| {
                    format!("`{walked}` is an array of {length}; `{segment}` is not one of 0..{length}")
                })?
            }
            _ => return Err(format!("`{walked}` is {type_name} and has no key `{segment}`")),
        };
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str, overrides: &[&str]) -> Result<serde_json::Value, String> {
        let mut root = Located::parse(text).unwrap();
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        let errors = apply(&mut root, &overrides);
        if errors.is_empty() { Ok(root.to_json()) } else { Err(errors.join("\n")) }
    }

    #[test]
    fn overrides_edit_the_tree() {
        let file = "[train]\nepochs = 3\nloss = \"mse\"\n[[model.layers]]\nkernel = 3\n";
        let cases: &[(&[&str], &str, serde_json::Value)] = &[
            (&["train.epochs=7"], "/train/epochs", 7.into()),
            (&["train.epochs = 7"], "/train/epochs", 7.into()),
            (&["optimizer.learning_rate=1e-3"], "/optimizer/learning_rate", 0.001.into()),
            (&["data.source=some/folder"], "/data/source", "some/folder".into()),
            (&["data.source=a=b"], "/data/source", "a=b".into()),
            (&["run.name=\"two words\""], "/run/name", "two words".into()),
            (&["model.layers.0.kernel=[5, 3]"], "/model/layers/0/kernel/1", 3.into()),
            (&["train.loss.delta=2"], "/train/loss/type", "mse".into()),
            (&["optimizer.nesterov=true", "optimizer.nesterov=false"], "/optimizer/nesterov", false.into()),
        ];
        for (overrides, pointer, expected) in cases {
            let json = edited(file, overrides).unwrap();
            assert_eq!(json.pointer(pointer), Some(expected), "{overrides:?}");
        }
    }

    #[test]
    fn malformed_overrides_say_why() {
        let file = "[train]\nepochs = 3\n[[model.layers]]\nkernel = 3\n";
        let cases = [
            ("train.epochs", "expected key=value"),
            ("train..epochs=3", "names joined by dots"),
            ("=3", "names joined by dots"),
            ("train.epochs.x=3", "`train.epochs` is an integer and has no key `x`"),
            ("model.layers.1.kernel=5", "`model.layers` is an array of 1; `1` is not one of 0..1"),
            ("model.layers.first.kernel=5", "is not one of 0..1"),
            ("preprocess.steps=[\"center\"", "not valid TOML"),
        ];
        for (text, expected) in cases {
            let message = edited(file, &[text]).unwrap_err();
            assert!(message.contains(expected) && message.starts_with("--set "), "{text}: {message}");
        }
    }
}
