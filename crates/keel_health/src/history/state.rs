//! Serialisation of a history as text in the JSON document of a checkpoint.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::History;

/// A whole history, including the open window. The text is base64-encoded binary, since totals may be NaN or infinite,
/// which JSON cannot express; its layout is specific to the program version.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct HistoryState(pub(crate) History);

impl Serialize for HistoryState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = postcard::to_stdvec(&self.0).map_err(S::Error::custom)?;
        STANDARD.encode(bytes).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for HistoryState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
        postcard::from_bytes(&bytes).map(HistoryState).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::{
        LayerMeasurement, ParameterMeasurement, PredictionMeasurement, SignalMeasurement, StepMeasurement,
        UnitMeasurement,
    };

    /// Returns a step with every kind of measurement, including numbers that JSON cannot express.
    fn step(number: u64) -> StepMeasurement {
        let mut units = UnitMeasurement::with_units(3);
        units.observations = 64;
        units.set_fired((number % 2) as usize);
        let parameter = ParameterMeasurement {
            gradient_norm: Some(if number == 70 { f32::INFINITY } else { 0.5 + number as f32 }),
            weight_norm: Some(2.0),
            update_norm: Some(0.001 * (1 + number % 7) as f32),
            decay_norm: Some(0.1),
            ..ParameterMeasurement::default()
        };
        let output = SignalMeasurement { count: 4, mean: 0.1 * number as f32, std: 1.0, ..Default::default() };
        let layer = LayerMeasurement {
            layer: 1,
            units: Some(units),
            output: Some(output),
            parameters: vec![parameter],
            ..LayerMeasurement::default()
        };
        StepMeasurement {
            step: number,
            epoch: number / 40,
            samples: 64,
            loss: 1.0 / (1 + number) as f32,
            learning_rate: Some(0.1),
            gradient_norm: Some(1.0 + number as f32),
            predictions: Some(PredictionMeasurement { lowest: f32::NEG_INFINITY, highest: 0.0, ..Default::default() }),
            layers: vec![layer],
            ..StepMeasurement::default()
        }
    }

    /// A history interrupted anywhere continues as if it had not been: windows, trends, units.
    #[test]
    fn a_history_read_back_goes_on_with_the_same_numbers() {
        for interrupted in [0, 1, 39, 40, 71, 140, 150] {
            let mut whole = History::new(Some(2560));
            let mut restored = None;
            for number in 0..200 {
                if number == interrupted {
                    let text = serde_json::to_string(&HistoryState(whole.clone())).unwrap();
                    restored = Some(serde_json::from_str::<HistoryState>(&text).unwrap().0);
                }
                let closed = whole.push(&step(number));
                if let Some(restored) = &mut restored {
                    assert_eq!(restored.push(&step(number)), closed, "step {number} after {interrupted}");
                    assert_eq!(*restored, whole, "step {number} after {interrupted}");
                }
            }
            assert_eq!(restored.unwrap().end(), whole.end());
            assert!(whole.closed_windows() > 3);
        }
    }

    #[test]
    fn text_that_is_no_history_is_refused() {
        for text in ["\"\"", "\"AAAA\"", "\"!\"", "{}"] {
            assert!(serde_json::from_str::<HistoryState>(text).is_err(), "{text}");
        }
    }
}
