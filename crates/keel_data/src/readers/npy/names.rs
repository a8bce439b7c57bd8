//! Names of arrays: the inputs and targets of each part, and which targets belong to which inputs.

/// Names of the arrays of one part.
pub(super) struct Names {
    pub(super) inputs: &'static [&'static str],
    pub(super) targets: &'static [&'static str],
}

/// Names of the arrays of training, validation and test part; the first that exists is used.
pub(super) const PARTS: [Names; 3] = [
    Names {
        inputs: &[
            "x",
            "X",
            "x_train",
            "X_train",
            "train_x",
            "train_X",
            "train_images",
            "train_data",
            "train_features",
            "inputs",
            "images",
            "features",
            "data",
            "arr_0",
        ],
        targets: &[
            "y",
            "Y",
            "y_train",
            "Y_train",
            "train_y",
            "train_Y",
            "train_labels",
            "train_targets",
            "targets",
            "target",
            "labels",
            "label",
            "arr_1",
        ],
    },
    Names {
        inputs: &["x_val", "X_val", "x_valid", "X_valid", "val_x", "val_images", "val_data", "validation_images"],
        targets: &["y_val", "Y_val", "y_valid", "Y_valid", "val_y", "val_labels", "val_targets", "validation_labels"],
    },
    Names {
        inputs: &["x_test", "X_test", "test_x", "test_X", "test_images", "test_data", "test_features"],
        targets: &["y_test", "Y_test", "test_y", "test_Y", "test_labels", "test_targets"],
    },
];

/// Words of inputs, each with the words of targets that take its place in a name.
const PARTNERS: [(&str, &[&str]); 8] = [
    ("x", &["y"]),
    ("X", &["y", "Y"]),
    ("inputs", &["targets", "labels"]),
    ("images", &["labels", "targets"]),
    ("features", &["labels", "targets"]),
    ("data", &["labels", "targets"]),
    ("xtrain", &["ytrain"]),
    ("Xtrain", &["ytrain", "Ytrain"]),
];

/// Returns the names of targets that belong to the inputs `name`: `y_train` for `x_train`, `points_y` for `points`.
pub(super) fn partners(name: &str) -> Vec<String> {
    if name == "arr_0" {
        return vec!["arr_1".to_string()];
    }
    let words: Vec<&str> = name.split('_').collect();
    let mut partners = Vec::new();
    for (place, word) in words.iter().enumerate() {
        let found = PARTNERS.iter().find(|(inputs, _)| inputs == word).map_or(&[][..], |(_, targets)| targets);
        for target in found {
            let renamed = words.iter().enumerate().map(|(other, word)| if other == place { target } else { word });
            partners.push(renamed.copied().collect::<Vec<_>>().join("_"));
        }
    }
    if partners.is_empty() {
        partners = ["y", "labels", "targets"].map(|target| format!("{name}_{target}")).to_vec();
    }
    partners
}

/// Returns the number of the part whose inputs may have this name.
pub(super) fn part_of(name: &str) -> Option<usize> {
    PARTS.iter().position(|part| part.inputs.contains(&name))
}

/// Returns the targets among `there` that belong to the inputs `name`: by their name, or else any targets of the same part
/// that belong to no other inputs.
pub(super) fn targets_of<'a>(name: &str, there: &'a [String]) -> Option<&'a String> {
    let find = |wanted: &str| there.iter().find(|known| *known == wanted);
    if let Some(own) = partners(name).iter().find_map(|partner| find(partner)) {
        return Some(own);
    }
    let part = PARTS.get(part_of(name)?)?;
    let belongs_to_others = |target: &String| {
        part.inputs.iter().filter_map(|inputs| find(inputs)).any(|inputs| partners(inputs).contains(target))
    };
    part.targets.iter().filter_map(|target| find(target)).find(|target| !belongs_to_others(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_belong_to_inputs_by_name() {
        let cases: [(&str, &[&str], Option<&str>); 12] = [
            ("x", &["x", "x_train", "y", "y_train"], Some("y")),
            ("x_train", &["x", "x_train", "y", "y_train"], Some("y_train")),
            ("x", &["x", "x_train", "y_train"], None),
            ("x_train", &["x", "x_train", "y"], None),
            ("X_train", &["X_train", "y_train"], Some("y_train")),
            ("x", &["labels", "x"], Some("labels")),
            ("train_images", &["train_images", "train_labels"], Some("train_labels")),
            ("x_val", &["x_val", "y_test", "y_val"], Some("y_val")),
            ("arr_0", &["arr_0", "arr_1"], Some("arr_1")),
            ("spiral_x", &["spiral_x", "spiral_y", "y"], Some("spiral_y")),
            ("points", &["points", "points_labels", "y"], Some("points_labels")),
            ("points", &["points", "y"], None),
        ];
        for (name, there, expected) in cases {
            let there: Vec<String> = there.iter().map(|name| (*name).to_string()).collect();
            assert_eq!(targets_of(name, &there).map(String::as_str), expected, "{name} of {there:?}");
        }
    }
}
