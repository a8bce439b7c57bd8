//! Conversion of texts to numbers.

use std::collections::HashMap;

use super::Call;
use crate::{Data, Tensor};

/// Prefix and suffix that turn a word into a pattern for texts that contain it.
pub const WORD_PATTERN: [&str; 2] = ["(?is)(.*\\P{L})?", "(\\P{L}.*)?"];

/// Computes an operation of this kind; returns `None` for any other.
pub(super) fn compute(operation: &str, call: &Call<'_>) -> Option<Result<Tensor, String>> {
    match operation {
        "LabelEncoder" => Some(label_encoder(call)),
        "RegexFullMatch" => Some(has_word(call)),
        _ => None,
    }
}

fn label_encoder(call: &Call<'_>) -> Result<Tensor, String> {
    let input = call.input(0)?;
    let Data::Text(texts) = &input.data else { return Err("its input is not text".to_owned()) };
    let keys = call.attributes.strings("keys_strings")?.ok_or("its keys are not texts")?;
    let places: HashMap<&str, usize> = keys.iter().enumerate().map(|(place, key)| (key.as_str(), place)).collect();
    let fits = |length: usize| {
        if length == keys.len() { Ok(()) } else { Err(format!("{} keys have {length} values", keys.len())) }
    };
    let places = texts.iter().map(|text| places.get(text.as_str()).copied());
    let data = match (call.attributes.integers("values_int64s"), call.attributes.floats("values_floats")) {
        (Some(values), _) => {
            fits(values.len())?;
            let default = call.attributes.integer("default_int64", -1);
            Data::Int(places.map(|place| place.map_or(default, |place| values[place])).collect())
        }
        (None, Some(values)) => {
            fits(values.len())?;
            let default = call.attributes.float("default_float", -0.0);
            Data::Float(places.map(|place| place.map_or(default, |place| values[place])).collect())
        }
        (None, None) => return Err("its values are neither whole numbers nor floats".to_owned()),
    };
    Ok(Tensor::new(input.shape.clone(), data))
}

/// Returns true for texts that contain a word, the only kind of pattern supported.
fn has_word(call: &Call<'_>) -> Result<Tensor, String> {
    let input = call.input(0)?;
    let Data::Text(texts) = &input.data else { return Err("its input is not text".to_owned()) };
    let pattern = call.attributes.string("pattern").unwrap_or_default();
    let word = pattern.strip_prefix(WORD_PATTERN[0]).and_then(|rest| rest.strip_suffix(WORD_PATTERN[1]));
    let word = word.filter(|word| !word.is_empty() && word.chars().all(char::is_alphabetic));
    let word = word.ok_or("only patterns that match a word are supported")?;
    let has = |text: &String| text.split(|c: char| !c.is_alphabetic()).any(|piece| piece.to_lowercase() == word);
    Ok(Tensor::new(input.shape.clone(), Data::Bool(texts.iter().map(has).collect())))
}
