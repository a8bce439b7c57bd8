//! Names that people bring along from other frameworks, and the names of this config that they mean.

use serde_json::{Map, Value as Json};

/// Habitual names of keys and the keys they mean; a name may mean several, of which a table has at most one.
const KEYS: &[(&str, &str)] = &[
    ("arch", "preset"),
    ("architecture", "preset"),
    ("batch", "batch_size"),
    ("bs", "batch_size"),
    ("criterion", "loss"),
    ("dataset", "source"),
    ("drop_rate", "dropout"),
    ("eps", "epsilon"),
    ("eta", "learning_rate"),
    ("file", "source"),
    ("filters", "out_channels"),
    ("gradient_clip", "clip_norm"),
    ("hidden", "width"),
    ("hidden_size", "width"),
    ("hidden_units", "width"),
    ("iterations", "epochs"),
    ("kernel_size", "kernel"),
    ("l2", "weight_decay"),
    ("label", "target"),
    ("lr", "learning_rate"),
    ("max_epochs", "epochs"),
    ("n_epochs", "epochs"),
    ("n_jobs", "threads"),
    ("neurons", "out_features"),
    ("num_epochs", "epochs"),
    ("num_layers", "depth"),
    ("num_threads", "threads"),
    ("p", "probability"),
    ("patience", "early_stopping"),
    ("path", "source"),
    ("pool_size", "kernel"),
    ("random_seed", "seed"),
    ("random_state", "seed"),
    ("rate", "probability"),
    ("rate", "learning_rate"),
    ("size", "out_features"),
    ("strides", "stride"),
    ("test_size", "test"),
    ("units", "out_features"),
    ("use_bias", "bias"),
    ("validation_split", "validation"),
    ("wd", "weight_decay"),
    ("workers", "threads"),
];

/// Habitual words for values and the words they mean.
const WORDS: &[(&str, &str)] = &[
    ("binary_cross_entropy", "bce"),
    ("binary_crossentropy", "bce"),
    ("bn", "batch_norm"),
    ("categorical_crossentropy", "cross_entropy"),
    ("ce", "cross_entropy"),
    ("conv", "conv2d"),
    ("convolution", "conv2d"),
    ("dense", "linear"),
    ("fc", "linear"),
    ("fully_connected", "linear"),
    ("glorot", "xavier_uniform"),
    ("glorot_normal", "xavier_normal"),
    ("glorot_uniform", "xavier_uniform"),
    ("gray", "grey"),
    ("grayscale", "grey"),
    ("he", "kaiming_normal"),
    ("he_normal", "kaiming_normal"),
    ("he_uniform", "kaiming_uniform"),
    ("l2", "mse"),
    ("minmax", "min_max"),
    ("nll", "cross_entropy"),
    ("normalize", "standardize"),
    ("plateau", "reduce_on_plateau"),
    ("pool", "max_pool"),
    ("rgb", "color"),
    ("smooth_l1", "huber"),
    ("softmax", "cross_entropy"),
    ("sparse_categorical_crossentropy", "cross_entropy"),
    ("zscore", "standardize"),
];

/// Sections in which a key without its section is looked for first.
const FIRST_SECTIONS: [&str; 4] = ["train", "optimizer", "data", "model"];

/// Returns the key in `known` that `written` means by habit, or that differs from it only in case and hyphens.
pub(super) fn key_meant<'known>(written: &str, known: &'known Map<String, Json>) -> Option<&'known str> {
    meant(written, KEYS, |name| known.get_key_value(name).map(|(name, _)| name.as_str()))
}

/// Returns the word in `known` that `written` means by habit, or that differs from it only in case and hyphens.
pub(super) fn word_meant<'known>(written: &str, known: &[&'known str]) -> Option<&'known str> {
    meant(written, WORDS, |name| known.iter().copied().find(|word| *word == name))
}

fn meant<T>(written: &str, habits: &[(&str, &str)], find: impl Fn(&str) -> Option<T>) -> Option<T> {
    let name = normalised(written);
    find(&name).or_else(|| habits.iter().filter(|(habit, _)| *habit == name).find_map(|(_, meant)| find(meant)))
}

/// Returns a name in lower case with underscores.
pub(super) fn normalised(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

/// Returns the dotted key that `written`, a key without a section or in the section `except`, means in another section of the
/// config with the JSON schema `schema`.
pub(super) fn key_elsewhere(written: &str, except: &str, schema: &Json) -> Option<String> {
    let sections = schema.get("properties")?.as_object()?;
    let others = sections.keys().map(String::as_str).filter(|name| !FIRST_SECTIONS.contains(name));
    let mut ordered = FIRST_SECTIONS.into_iter().chain(others).filter(|name| *name != except);
    ordered.find_map(|name| {
        let section = sections.get(name)?;
        let branches = section.get("oneOf").or_else(|| section.get("anyOf")).and_then(Json::as_array);
        let mut tables = std::iter::once(section).chain(branches.into_iter().flatten());
        let key = tables.find_map(|table| key_meant(written, table.get("properties")?.as_object()?))?;
        (key != "type").then(|| format!("{name}.{key}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    /// Returns every key and every word of a schema.
    fn names(schema: &Json, found: &mut Vec<String>) {
        match schema {
            Json::Object(entries) => {
                found.extend(
                    entries.get("properties").and_then(Json::as_object).into_iter().flat_map(Map::keys).cloned(),
                );
                let words = entries.get("enum").and_then(Json::as_array).into_iter().flatten();
                found.extend(words.chain(entries.get("const")).filter_map(Json::as_str).map(str::to_owned));
                entries.values().for_each(|value| names(value, found));
            }
            Json::Array(values) => values.iter().for_each(|value| names(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_habit_leads_to_a_name_of_the_config() {
        let mut known = Vec::new();
        names(&schema(), &mut known);
        for (habit, name) in KEYS.iter().chain(WORDS) {
            assert!(known.iter().any(|known| known == name), "{habit}: {name}");
            assert_eq!(normalised(habit), *habit);
        }
    }

    #[test]
    fn keys_are_found_in_the_section_that_has_them() {
        let schema = schema();
        let cases = [
            ("epochs", "", Some("train.epochs")),
            ("threads", "", Some("train.threads")),
            ("batch-size", "", Some("train.batch_size")),
            ("learning_rate", "train", Some("optimizer.learning_rate")),
            ("lr", "", Some("optimizer.learning_rate")),
            ("seed", "", Some("train.seed")),
            ("momentum", "optimizer", None),
            ("type", "", None),
            ("nothing", "", None),
        ];
        for (written, except, expected) in cases {
            assert_eq!(key_elsewhere(written, except, &schema).as_deref(), expected, "{written}");
        }
    }
}
