//! Knobs of an experiment, derived from the schema of its config: the doc comment of a field is the knob's text.

use keel_page::Language;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Number, Value};

/// One setting of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Knob {
    /// Dotted name, `init.std`.
    pub name: String,
    /// Description of its effect.
    pub documentation: String,
    /// Default value.
    pub default: Value,
    /// Smallest value of a number, or of each number of a list.
    pub minimum: Option<f64>,
    /// Largest value of a number, or of each number of a list.
    pub maximum: Option<f64>,
    /// Names it accepts; empty unless the value is a name.
    pub choices: Vec<String>,
    #[serde(skip)]
    chinese: String,
    #[serde(skip)]
    kinds: Vec<String>,
    /// Kind of the numbers of a list.
    #[serde(skip)]
    items: String,
}

/// Key of a field's schema that holds the Chinese text of the knob.
const CHINESE: &str = "zh";
/// Maximum length of a list: more numbers would only repeat a figure's points.
const LONGEST_LIST: usize = 64;

impl Knob {
    /// Returns the description of its effect, in one language.
    pub fn text(&self, language: Language) -> &str {
        match language {
            Language::English => &self.documentation,
            Language::Chinese => &self.chinese,
        }
    }

    /// Describes the accepted values: `a whole number from 1 to 100`.
    pub fn expected(&self) -> String {
        if !self.choices.is_empty() {
            return format!("one of {}", self.choices.join(", "));
        }
        let kind = match () {
            () if self.is("array") && self.items == "integer" => "a list of whole numbers like [1, 2, 4], each",
            () if self.is("array") => "a list of numbers like [0.01, 0.1], each",
            () if self.is("boolean") => return "true or false".to_owned(),
            () if self.is("integer") => "a whole number",
            () if self.is("number") => "a number",
            () => return "a name or a path".to_owned(),
        };
        match (self.minimum, self.maximum) {
            (Some(minimum), Some(maximum)) => format!("{kind} from {minimum} to {maximum}"),
            (Some(minimum), None) => format!("{kind} of at least {minimum}"),
            (None, Some(maximum)) => format!("{kind} of at most {maximum}"),
            (None, None) => kind.to_owned(),
        }
    }

    /// Returns true if the knob is a whole number.
    pub(crate) fn is_whole(&self) -> bool {
        self.is("integer")
    }

    /// Returns true if `value` has the right kind and is in range.
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        if !self.choices.is_empty() {
            return value.as_str().is_some_and(|value| self.choices.iter().any(|choice| choice == value));
        }
        match value {
            Value::Null => self.is("null"),
            Value::Bool(_) => self.is("boolean"),
            Value::String(_) => self.is("string"),
            Value::Array(values) => {
                let fits = |value: &Value| value.as_number().is_some_and(|number| self.holds(number, &self.items));
                self.is("array") && (1..=LONGEST_LIST).contains(&values.len()) && values.iter().all(fits)
            }
            Value::Object(_) => false,
            Value::Number(number) => self.kinds.iter().any(|kind| self.holds(number, kind)),
        }
    }

    fn holds(&self, number: &Number, kind: &str) -> bool {
        let value = number.as_f64().unwrap_or(f64::NAN);
        let kind = kind == "number" || (kind == "integer" && number.is_u64());
        kind && self.minimum.is_none_or(|low| value >= low) && self.maximum.is_none_or(|high| value <= high)
    }

    fn is(&self, kind: &str) -> bool {
        self.kinds.iter().any(|own| own == kind)
    }
}

/// Returns the knobs of the config `C`, in the order of its fields.
pub(crate) fn knobs_of<C: JsonSchema + Default + Serialize>() -> Vec<Knob> {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<C>().to_value();
    let defaults = serde_json::to_value(C::default()).expect("configs are plain data");
    let mut knobs = Vec::new();
    collect("", &schema, &defaults, &mut knobs);
    knobs
}

fn collect(prefix: &str, schema: &Value, defaults: &Value, knobs: &mut Vec<Knob>) {
    let Some(properties) = schema["properties"].as_object() else { return };
    for (key, property) in properties {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if property["properties"].is_object() {
            collect(&name, property, &defaults[key], knobs);
        } else {
            knobs.push(knob(name, property, defaults[key].clone()));
        }
    }
}

fn knob(name: String, property: &Value, default: Value) -> Knob {
    let kinds = match &property["type"] {
        Value::String(kind) => vec![kind.clone()],
        Value::Array(kinds) => kinds.iter().filter_map(|kind| kind.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    let names = property["enum"].as_array().into_iter().flatten();
    let constants = property["oneOf"].as_array().into_iter().flatten();
    let constants = constants.flat_map(|one| one["enum"].as_array().into_iter().flatten().chain(one.get("const")));
    let choices = names.chain(constants).filter_map(|name| name.as_str().map(str::to_owned)).collect();
    let limits = if property["items"].is_object() { &property["items"] } else { property };
    Knob {
        name,
        documentation: property["description"].as_str().unwrap_or_default().replace('\n', " "),
        default,
        minimum: limits["minimum"].as_f64(),
        maximum: limits["maximum"].as_f64(),
        choices,
        chinese: property[CHINESE].as_str().unwrap_or_default().to_owned(),
        kinds,
        items: property["items"]["type"].as_str().unwrap_or_default().to_owned(),
    }
}
