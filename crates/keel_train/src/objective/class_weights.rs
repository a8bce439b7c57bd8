//! Class weights of a config.

use super::TrainingTargets;
use crate::config::{ClassWeights, nearest};
use crate::error::TrainError;

impl ClassWeights {
    /// Returns one weight per class, in the order of `names`; empty if all are 1.
    ///
    /// # Errors
    /// [`TrainError::Setting`] if there are no classes, a name is not a class, or `balanced` is used with a model that does not
    /// store the number of samples of its classes.
    pub(crate) fn resolve(&self, names: &[String], training: &TrainingTargets) -> Result<Vec<f32>, TrainError> {
        let refuse = |message: String| Err(TrainError::setting("train.class_weights", message));
        if *self == ClassWeights::default() {
            return Ok(Vec::new());
        }
        if names.is_empty() {
            return refuse("the targets are values, which have no classes; remove the key".to_owned());
        }
        match self {
            ClassWeights::Rule(_) => match training.balanced_weights() {
                weights if weights.is_empty() => {
                    refuse("the model does not store the number of samples of its classes; train again".to_owned())
                }
                weights => Ok(weights),
            },
            ClassWeights::Listed(weights) => Ok(weights.clone()),
            ClassWeights::Named(table) => {
                if let Some(unknown) = table.keys().find(|name| !names.contains(name)) {
                    let near = nearest(unknown, names.iter().map(String::as_str));
                    let near = near.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
                    return refuse(format!("`{unknown}` is not a class of the data{near}"));
                }
                Ok(names.iter().map(|name| table.get(name).copied().unwrap_or(1.0)).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_a_rule_a_list_or_a_table() {
        let names = ["cat", "dog"].map(String::from);
        let training = TrainingTargets { class_samples: vec![30, 10], means: Vec::new() };
        let cases = [
            (r#""none""#, Vec::new()),
            (r#""balanced""#, vec![40.0 / 60.0, 2.0]),
            ("[1, 3]", vec![1.0, 3.0]),
            (r#"{"dog": 5}"#, vec![1.0, 5.0]),
        ];
        for (json, expected) in cases {
            let weights: ClassWeights = serde_json::from_str(json).unwrap();
            assert_eq!(weights.resolve(&names, &training).unwrap(), expected, "{json}");
        }
        let refused = [
            (
                r#"{"dogs": 5}"#,
                &names[..],
                "train.class_weights: `dogs` is not a class of the data; did you mean `dog`?",
            ),
            (r#""balanced""#, &[][..], "the targets are values"),
        ];
        for (json, names, message) in refused {
            let weights: ClassWeights = serde_json::from_str(json).unwrap();
            let error = weights.resolve(names, &training).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
