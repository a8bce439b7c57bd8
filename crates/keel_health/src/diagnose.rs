//! Diagnosis from measurements as JSON lines, recorded by any framework.

use std::io::BufRead;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::HealthError;
use crate::finding::Finding;
use crate::measurement::{
    DataMeasurement, EpochMeasurement, LayerDescription, LayerMeasurement, ModelDescription, NormStatistics, Record,
    StartLayer, StartMeasurement, StepMeasurement,
};
use crate::monitor::Monitor;

/// Newest version of the format; a model record without a version has version 1.
pub const FORMAT_VERSION: u64 = 3;

/// Reads one record per line and returns all findings, causes first. Empty lines and lines that begin with `#` are skipped.
/// The first record must be the model; the end of the lines is the end of the run.
///
/// # Errors
/// Fails with a [`HealthError`] that names the line and the field.
pub fn diagnose(lines: impl BufRead) -> Result<Vec<Finding>, HealthError> {
    let mut monitor: Option<Monitor> = None;
    let mut last_step: Option<u64> = None;
    for (index, line) in lines.lines().enumerate() {
        let number = index + 1;
        let line = line.map_err(|error| HealthError::Unreadable { line: number, reason: error.to_string() })?;
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let model = monitor.as_ref().map(Monitor::model);
        let record = parse_record(&line, number, model)?;
        if let Record::Step(step) = &record {
            if last_step.is_some_and(|last| step.step <= last) {
                let reason =
                    format!("step {} comes after step {}; steps must increase", step.step, last_step.unwrap_or(0));
                return Err(HealthError::WrongOrder { line: number, reason });
            }
            last_step = Some(step.step);
        }
        match (&mut monitor, record) {
            (None, Record::Model(model)) => monitor = Some(Monitor::new(model)),
            (Some(monitor), record) => {
                monitor.record(&record);
            }
            (None, _) => {}
        }
    }
    let mut monitor = monitor.ok_or(HealthError::NoRecord)?;
    monitor.end();
    Ok(monitor.findings())
}

/// Parses the record in `text`, line number `line`. Layer names are looked up in `model`, which is `None` before the
/// model record.
///
/// # Errors
/// Fails with a [`HealthError`] that names the line and the field.
pub fn parse_record(text: &str, line: usize, model: Option<&ModelDescription>) -> Result<Record, HealthError> {
    let parsed: Result<Map<String, Value>, _> = serde_json::from_str(&null_for_nan(text));
    let mut object = parsed.map_err(|error| HealthError::NotJson { line, reason: error.to_string() })?;
    let kind = object.remove("type").and_then(|kind| kind.as_str().map(str::to_string)).unwrap_or_default();
    let reader = Reader { line, model };
    match (kind.as_str(), model) {
        ("model", None) => reader.model(object).map(Record::Model),
        ("model", Some(_)) => Err(HealthError::WrongOrder {
            line,
            reason: "a second model record; one file describes one run".to_string(),
        }),
        ("data" | "start" | "step" | "epoch", None) => {
            let reason = format!("a {kind} record before the model record; begin with the model record");
            Err(HealthError::WrongOrder { line, reason })
        }
        ("data", _) => {
            let data = reader.read::<DataMeasurement>(Value::Object(object), "");
            data.map(|data| Record::Data(Box::new(data)))
        }
        ("start", _) => reader.layered::<StartMeasurement, StartLayer>(object, "layers").map(Record::Start),
        ("step", _) => reader.layered::<StepMeasurement, LayerMeasurement>(object, "layers").map(Record::Step),
        ("epoch", _) => reader.layered::<EpochMeasurement, NormStatistics>(object, "norms").map(Record::Epoch),
        (other, _) => {
            Err(reader
                .bad("type", format!("unknown record type '{other}'; expected model, data, start, step or epoch")))
        }
    }
}

struct Reader<'a> {
    line: usize,
    model: Option<&'a ModelDescription>,
}

impl Reader<'_> {
    /// Parses the model: inputs may be given by name, and a layer without inputs reads the one before it.
    fn model(&self, mut object: Map<String, Value>) -> Result<ModelDescription, HealthError> {
        self.check_version(object.remove("version"))?;
        let mut names: Vec<String> = Vec::new();
        let layers = match object.get_mut("layers") {
            Some(Value::Array(layers)) => layers,
            _ => return Err(self.bad("layers", "a model record needs a list of layers".to_string())),
        };
        for (index, layer) in layers.iter_mut().enumerate() {
            let field = format!("layers[{index}]");
            let Value::Object(layer) = layer else { return Err(self.bad(&field, "not an object".to_string())) };
            let default = if index == 0 { Value::Array(Vec::new()) } else { Value::from(vec![index - 1]) };
            let inputs = layer.entry("inputs").or_insert(default);
            for (place, input) in inputs.as_array_mut().into_iter().flatten().enumerate() {
                self.resolve(input, &names, &format!("{field}.inputs[{place}]"))?;
            }
            let description: LayerDescription = self.read(Value::Object(layer.clone()), &field)?;
            if description.name.is_empty() || names.contains(&description.name) {
                return Err(self.bad(&format!("{field}.name"), "every layer needs a unique name".to_string()));
            }
            names.push(description.name);
        }
        self.read(Value::Object(object), "")
    }

    /// Checks the version; older versions can be read as the newest one, since later versions only add fields.
    fn check_version(&self, version: Option<Value>) -> Result<(), HealthError> {
        let Some(version) = version else { return Ok(()) };
        match version.as_u64() {
            Some(1..=FORMAT_VERSION) => Ok(()),
            Some(version) if version > 0 => {
                Err(HealthError::Newer { line: self.line, version, newest: FORMAT_VERSION })
            }
            _ => Err(self.bad("version", format!("{version} is not a version; expected 1 to {FORMAT_VERSION}"))),
        }
    }

    /// Parses a record with a list of layers, each of which names its layer.
    fn layered<T: DeserializeOwned, L: DeserializeOwned>(
        &self,
        mut object: Map<String, Value>,
        list: &str,
    ) -> Result<T, HealthError> {
        let names: Vec<String> =
            self.model.iter().flat_map(|model| &model.layers).map(|layer| layer.name.clone()).collect();
        let entries = object.get_mut(list).and_then(Value::as_array_mut);
        for (index, entry) in entries.into_iter().flatten().enumerate() {
            let field = format!("{list}[{index}]");
            match entry.get_mut("layer") {
                Some(layer) => self.resolve(layer, &names, &format!("{field}.layer"))?,
                None => return Err(self.bad(&format!("{field}.layer"), "missing: the name of a layer".to_string())),
            }
            self.read::<L>(entry.clone(), &field)?;
        }
        if let Some(layer) = object.get_mut("gradient_check").and_then(|check| check.get_mut("layer")) {
            self.resolve(layer, &names, "gradient_check.layer")?;
        }
        self.read(Value::Object(object), "")
    }

    /// Replaces the name of a layer with its index.
    fn resolve(&self, value: &mut Value, names: &[String], field: &str) -> Result<(), HealthError> {
        let index = match &*value {
            Value::String(name) => names.iter().position(|known| known == name).ok_or_else(|| {
                let by_distance = |known: &&String| strsim::damerau_levenshtein(name, known);
                let nearest = names.iter().min_by_key(by_distance).cloned();
                HealthError::UnknownLayer { line: self.line, field: field.to_string(), name: name.clone(), nearest }
            })?,
            Value::Null => return Ok(()),
            other => {
                let index = other.as_u64().map(|index| index as usize).filter(|&index| index < names.len());
                index
                    .ok_or_else(|| self.bad(field, format!("{other} is not the name or index of a layer before it")))?
            }
        };
        *value = Value::from(index);
        Ok(())
    }

    fn read<T: DeserializeOwned>(&self, value: Value, field: &str) -> Result<T, HealthError> {
        serde_json::from_value(value).map_err(|error| self.bad(field, error.to_string()))
    }

    fn bad(&self, field: &str, reason: String) -> HealthError {
        let field = if field.is_empty() { "record" } else { field };
        HealthError::BadField { line: self.line, field: field.to_string(), reason }
    }
}

/// Replaces NaN, Infinity and -Infinity outside strings, which Python writes and JSON does not allow, with null.
fn null_for_nan(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_string = false;
    while let Some(first) = rest.chars().next() {
        let word = ["-Infinity", "Infinity", "NaN"].iter().find(|word| !in_string && rest.starts_with(**word));
        if let Some(word) = word {
            result.push_str("null");
            rest = &rest[word.len()..];
            continue;
        }
        let escaped = in_string && first == '\\';
        let length = if escaped { 1 + rest[1..].chars().next().map_or(0, char::len_utf8) } else { first.len_utf8() };
        in_string ^= first == '"';
        result.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = r#"{"type":"model","layers":[{"name":"fc1","kind":"linear"},{"name":"relu1","kind":"activation","function":"relu"},{"name":"fc2","kind":"linear"}],"loss":"cross_entropy","classes":10}"#;

    fn message(lines: &[&str]) -> String {
        diagnose(lines.join("\n").as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_missing_input_list_means_the_layer_before() {
        let Record::Model(model) = parse_record(MODEL, 1, None).unwrap() else { panic!("not a model") };
        let inputs: Vec<&[usize]> = model.layers.iter().map(|layer| layer.inputs.as_slice()).collect();
        assert_eq!(inputs, [&[][..], &[0], &[1]]);
    }

    #[test]
    fn errors_name_line_and_field() {
        let step = r#"{"type":"step","step":0,"samples":64,"loss":2.3}"#;
        let cases: &[(&[&str], &str)] = &[
            (&[step], "line 1: a step record before the model record"),
            (&[MODEL, "{"], "line 2: not a JSON object"),
            (&[MODEL, r#"{"type":"stop"}"#], "line 2, type: unknown record type 'stop'; expected model, data"),
            (&[MODEL, "", r#"{"type":"step","step":0,"samples":64}"#], "line 3, record: missing field `loss`"),
            (&[MODEL, r#"{"type":"step","step":0,"samples":64,"los":1}"#], "unknown field `los`"),
            (
                &[MODEL, r#"{"type":"step","step":0,"samples":1,"loss":1,"layers":[{"layer":"fc9"}]}"#],
                "line 2, layers[0].layer: the model has no layer 'fc9'; did you mean 'fc1'?",
            ),
            (
                &[
                    MODEL,
                    r#"{"type":"step","step":0,"samples":1,"loss":1,"layers":[{"layer":"fc1","output":{"count":3}}]}"#,
                ],
                "line 2, layers[0]: missing field `mean`",
            ),
            (&[MODEL, step, step], "line 3: step 0 comes after step 0"),
            (&[MODEL, MODEL], "line 2: a second model record"),
            (
                &[r#"{"type":"model","version":4,"layers":[]}"#],
                "line 1, version: the file is of version 4 of the format, and this program reads up to 3; update",
            ),
            (&[r#"{"type":"model","version":0,"layers":[]}"#], "line 1, version: 0 is not a version; expected 1 to 3"),
            (&[r#"{"type":"model","version":"2","layers":[]}"#], "line 1, version: \"2\" is not a version"),
            (&[r#"{"type":"model"}"#], "line 1, layers: a model record needs a list of layers"),
            (&[""], "no record"),
        ];
        for (lines, expected) in cases {
            let message = message(lines);
            assert!(message.contains(expected), "{message}\nshould contain\n{expected}");
        }
    }

    #[test]
    fn every_version_so_far_is_read() {
        let plain = parse_record(MODEL, 1, None).unwrap();
        for version in 1..=FORMAT_VERSION {
            let text = MODEL.replacen('{', &format!("{{\"version\":{version},"), 1);
            assert_eq!(parse_record(&text, 1, None).unwrap(), plain, "{version}");
        }
    }

    #[test]
    fn nan_as_python_writes_it() {
        assert_eq!(null_for_nan(r#"{"NaN": NaN, "a\"NaN": -Infinity}"#), r#"{"NaN": null, "a\"NaN": null}"#);
        assert_eq!(null_for_nan(r#""\"#), r#""\"#, "a truncated escape");
        let step = r#"{"type":"step","step":7,"samples":64,"loss":NaN}"#;
        let findings = diagnose([MODEL, step].join("\n").as_bytes()).unwrap();
        assert_eq!((findings[0].code.as_str(), findings[0].first_step), ("K001", 7));
    }
}
