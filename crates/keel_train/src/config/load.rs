//! Reads a [`Config`] from a file, a preset or nothing, with overrides and validation.

use std::path::{Path, PathBuf};

use super::given::GivenKeys;
use super::located::{Located, Origin};
use super::named::{Named, is_toml, named};
use super::problem::{ConfigError, Problem};
use super::text_file::read;
use super::user_defaults::UserDefaults;
use super::{Config, overrides, source, stored_schema, validate};

/// Reads the config `name`: the name of a shipped preset, the path of a config file, or data, for which all defaults are used
/// ([`named`] determines which it is); `None` stands for all defaults.
///
/// A path in `data.source` is relative to the config file, or to the current folder if it was overridden.
///
/// # Errors
/// Returns a [`ConfigError`] with every problem and its place.
pub fn load(name: Option<&str>, overrides: &[String]) -> Result<Config, ConfigError> {
    load_from(Sources { name, overrides, defaults: None })
}

/// Everything that a config is read from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The name of a shipped preset, the path of a config file, or data; `None` is all defaults.
    pub name: Option<&'a str>,
    /// `key=value` overrides, with the highest precedence.
    pub overrides: &'a [String],
    /// The user's own default values, with the lowest precedence.
    pub defaults: Option<&'a UserDefaults>,
}

/// Like [`load`], with a user's own defaults; [`GivenKeys::of_user`] lists the keys that come from them.
///
/// # Errors
/// [`ConfigError`] with every problem and its place.
pub fn load_from(sources: Sources<'_>) -> Result<Config, ConfigError> {
    let (path, text) = text_of(sources)?;
    let mut overrides = sources.overrides.to_vec();
    if let Some(source) = sources.name.and_then(|name| named(name, sources.overrides).source()) {
        overrides.push(string_override("data.source", &source));
    }
    parse_over(&path, &text, &overrides, sources.defaults)
}

/// Next step for a file that cannot be read as a config and is not named as one.
const MAYBE_DATA: &str = "name a config with .toml; if the file is data, give its format, as in --set data.format=csv";

/// Returns the override that sets `key` to the string `text`, with all special characters quoted.
pub fn string_override(key: &str, text: &str) -> String {
    format!("{key}={}", toml::Value::from(text))
}

/// Returns the text that a config is read from, and the name of the file or preset.
pub(super) fn text_of(sources: Sources<'_>) -> Result<(PathBuf, String), ConfigError> {
    let Some(name) = sources.name else {
        return Ok((PathBuf::from("default config"), String::new()));
    };
    let refuse =
        |message| refusal(Path::new(name), "", Problem { key: String::new(), message, origin: Origin::Default });
    let meant = named(name, sources.overrides);
    if let Some(message) = meant.fault() {
        return Err(refuse(message));
    }
    let path = match meant {
        Named::Preset(preset) => return Ok((PathBuf::from(name), preset.text.to_owned())),
        Named::Data(_) | Named::BuiltIn(_) => return Ok((PathBuf::from("default config"), String::new())),
        Named::Config(path) => path,
    };
    let text = read(&path).map_err(|reason| {
        let data = if is_toml(&path) { String::new() } else { format!("; {MAYBE_DATA}") };
        refuse(format!("cannot read the config: {reason}{data}"))
    })?;
    Ok((path, text))
}

/// Like [`load`], for the `text` of the file `path`.
///
/// # Errors
/// Returns a [`ConfigError`] with every problem and its place.
pub fn parse(path: &Path, text: &str, overrides: &[String]) -> Result<Config, ConfigError> {
    parse_over(path, text, overrides, None)
}

fn parse_over(
    path: &Path,
    text: &str,
    overrides: &[String],
    defaults: Option<&UserDefaults>,
) -> Result<Config, ConfigError> {
    let mut root = Located::parse(text).map_err(|(message, span)| {
        let fault = message.trim().replace('\n', ", ");
        let message = match is_toml(path) {
            true => format!("not valid TOML: {fault}"),
            false => format!("not valid TOML: {fault}; {MAYBE_DATA}"),
        };
        refusal(path, text, Problem { key: String::new(), message, origin: Origin::File(span) })
    })?;
    let refuse = |problems| ConfigError {
        file: path.to_owned(),
        text: text.to_owned(),
        overrides: overrides.to_vec(),
        problems,
    };
    if let Some(defaults) = defaults {
        defaults.below(&mut root);
    }
    let mut problems: Vec<Problem> = overrides::apply(&mut root, overrides)
        .into_iter()
        .map(|message| Problem { key: String::new(), message, origin: Origin::Default })
        .collect();
    problems.extend(validate::validate(&mut root, stored_schema()));
    if !problems.is_empty() {
        return Err(refuse(problems));
    }
    let mut config: Config = serde_json::from_value(root.to_json()).map_err(|error| {
        refuse(vec![Problem { key: String::new(), message: error.to_string(), origin: Origin::Default }])
    })?;
    config.given = GivenKeys::of(&root);
    let refuse_key = |key: &str, message: String| {
        let value = key.split('.').try_fold(&root, |section, name| section.get(name));
        let origin = value.map_or(Origin::Default, |value| value.origin.clone());
        refuse(vec![Problem { key: key.to_owned(), message, origin }])
    };
    if config.data.source.is_empty() {
        let message = "names no data; set it to a path, here or with --set data.source=PATH";
        return Err(refuse_key("data.source", message.to_owned()));
    }
    resolve_paths(&mut config, &root, path);
    source::take(&mut config).map_err(|message| refuse_key(source::KEY, message))?;
    Ok(config)
}

/// Checks settings made by a program in the same way as those of a file.
///
/// # Errors
/// Returns a [`ConfigError`] with every invalid value.
pub fn check_values(config: &Config) -> Result<(), ConfigError> {
    let refuse = |problems| ConfigError {
        file: PathBuf::from("settings"),
        text: String::new(),
        overrides: Vec::new(),
        problems,
    };
    let unwritable = |message: String| refuse(vec![Problem { key: String::new(), message, origin: Origin::Default }]);
    let text =
        toml::to_string_pretty(config).map_err(|error| unwritable(error.to_string().trim().replace('\n', ", ")))?;
    let mut root = Located::parse(&text).map_err(|(message, _)| unwritable(message))?;
    let problems = validate::validate(&mut root, stored_schema());
    if problems.is_empty() {
        return Ok(());
    }
    Err(refuse(problems.into_iter().map(|problem| Problem { origin: Origin::Default, ..problem }).collect()))
}

/// Makes the paths of a config independent of the current folder.
fn resolve_paths(config: &mut Config, root: &Located, path: &Path) {
    let given = |section: &str, key: &str| root.get(section).and_then(|section| section.get(key));
    let absolute = |text: &str, section: &str, key: &str| {
        let beside = match &given(section, key)?.origin {
            Origin::File(_) => path.parent().unwrap_or(Path::new("")).join(text),
            Origin::UserDefaults { file, .. } => file.parent().unwrap_or(Path::new("")).join(text),
            Origin::Override(_) => Path::new(text).to_path_buf(),
            Origin::Default => return None,
        };
        Some(beside.canonicalize().ok()?.display().to_string())
    };
    if !keel_data::is_built_in(&config.data.source)
        && let Some(source) = absolute(&config.data.source, "data", "source")
    {
        config.data.source = source;
    }
    for (key, file) in [("source", &mut config.model.source), ("weights", &mut config.model.weights)] {
        if let Some(path) = absolute(file, "model", key).filter(|_| !file.is_empty()) {
            *file = path;
        }
    }
}

fn refusal(path: &Path, text: &str, problem: Problem) -> ConfigError {
    ConfigError { file: path.to_owned(), text: text.to_owned(), overrides: Vec::new(), problems: vec![problem] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, overrides: &[&str]) -> String {
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        parse(Path::new("config.toml"), text, &overrides).unwrap_err().to_string()
    }

    #[test]
    fn wrong_configs_are_refused_with_file_line_and_nearest_name() {
        let cases = [
            ("[train]\nepoch = 3\n", "config.toml:2: `train.epoch`: unknown key; did you mean `epochs`?"),
            ("\n[trian]\nepochs = 3\n", "config.toml:2: `trian`: unknown key; did you mean `train`?"),
            ("[train]\nepochs = \"many\"\n", "config.toml:2: `train.epochs`: expected an integer, found a string"),
            ("[train]\nbatch_size = 0\n", "config.toml:2: `train.batch_size`: must be at least 1, is 0"),
            ("[train]\nbatch_size = -4\n", "config.toml:2: `train.batch_size`: must be at least 1, is -4"),
            ("[train]\nseed = -1\n", "config.toml:2: `train.seed`: must be at least 0, is -1"),
            ("[optimizer]\nlearning_rate = nan\n", "`optimizer.learning_rate`: must be a finite number, is NaN"),
            (
                "[optimizer]\ntype = \"adm\"\n",
                "config.toml:2: `optimizer.type`: unknown value `adm`; expected one of sgd, adam",
            ),
            ("[optimizer]\ntype = \"adam\"\nmomentum = 0.9\n", "config.toml:3: `optimizer.momentum`: unknown key"),
            ("[optimizer]\nmomentum = 1.0\n", "must be less than 1, is 1"),
            ("[train]\nloss = \"cross_entrop\"\n", "did you mean `cross_entropy`?"),
            ("[health]\nlevel = \"ful\"\n", "did you mean `full`?"),
            ("[train\n", "config.toml:1: not valid TOML"),
            ("[train]\nepochs = 3\nepochs = 4\n", "config.toml:3: not valid TOML"),
            ("[[model.layers]]\ntype = \"activation\"\nfunction = \"rleu\"\n", "did you mean `relu`?"),
            (
                "[[model.layers]]\ntype = \"activation\"\nfunction = \"relu\"\nslop = 1\n",
                "config.toml:4: `model.layers.0.slop`: unknown key",
            ),
            (
                "[model]\ninit = \"constant\"\n",
                "config.toml:2: `model.init`: `constant` needs more than its name: write { type = \"constant\", value = … }",
            ),
            ("[[model.layers]]\ntype = \"conv3d\"\n", "did you mean `conv2d`?"),
            (
                "[[model.layers]]\ntype = \"relu\"\n",
                "`model.layers.0.type`: unknown value `relu`; write `{ type = \"activation\", function = \"relu\" }`",
            ),
            ("[[model.layers]]\nfeatures = 3\n", "instance_norm, activation, max_pool, "),
            ("[[model.layers]]\ntype = \"linear\"\nout_feature = 3\n", "did you mean `out_features`?"),
            (
                "optimizer = \"foo\"\n",
                "`optimizer`: expected a table with a `type`: unknown value `foo`; expected one of sgd, ",
            ),
            ("[train]\nepochs = 9223372036854775807\n", "must be at most 1000000, is 9223372036854775807"),
            ("[train]\nepochs = \"7\"\n", "`train.epochs`: expected an integer, found a string"),
            ("optimizer = \"adem\"\n", "did you mean `adam`?"),
            ("optimizer = \"adam\"\n", "`optimizer`: expected a table; write `optimizer.type = \"adam\"`"),
            ("[[model.layers]]\ntype = \"linear\"\nunits = 3\n", "did you mean `out_features`?"),
            ("[[model.layers]]\ntype = \"dense\"\n", "did you mean `linear`?"),
            ("[[model.layers]]\ntype = \"fc\"\n", "did you mean `linear`?"),
            ("[[model.layers]]\ntype = \"conv\"\n", "did you mean `conv2d`?"),
            ("[[model.layers]]\ntype = \"ReLU\"\n", "write `{ type = \"activation\", function = \"relu\" }`"),
            ("[optimizer]\nlr = 0.1\n", "did you mean `learning_rate`?"),
            ("[optimizer]\ntype = \"SGD\"\n", "did you mean `sgd`?"),
            ("[train]\nlearning_rate = 0.1\n", "did you mean `optimizer.learning_rate`?"),
            ("[train]\nlr = 0.1\n", "did you mean `optimizer.learning_rate`?"),
            ("epochs = 3\n", "did you mean `train.epochs`?"),
            ("[model]\npreset = \"mpl\"\n", "did you mean `mlp`?"),
        ];
        for (text, expected) in cases {
            let message = refused(text, &[]);
            assert!(message.contains(expected), "{text}\n{message}\nexpected {expected}");
        }
    }

    #[test]
    fn problems_of_overrides_name_the_override() {
        let message = refused("", &["train.epoch=3"]);
        assert!(
            message.starts_with("--set train.epoch=3: `train.epoch`: unknown key; did you mean `epochs`?"),
            "{message}"
        );
        let message = refused("", &["train.epochs=many"]);
        assert!(message.contains("--set train.epochs=many: `train.epochs`: expected an integer"), "{message}");
    }

    #[test]
    fn defaults_overrides_and_presets_resolve_and_survive_writing() {
        let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let cases = [
            (None, set(&[])),
            (
                None,
                set(&[
                    "optimizer.learning_rate=0.1",
                    "train.loss.label_smoothing=0.1",
                    "train.loss.type=cross_entropy",
                ]),
            ),
            (Some("resnet20"), set(&["optimizer.type=adam", "data.source=spiral"])),
            (Some("mlp"), set(&["preprocess.steps=[]"])),
            (
                None,
                set(&[
                    "model.layers=[{type=\"linear\", out_features=8}, {type=\"activation\", function=\"leaky_relu\", slope=0.1}, {type=\"residual\", body=[{type=\"activation\", function=\"tanh\"}]}, {type=\"linear\"}]",
                ]),
            ),
            (Some("digits"), set(&["schedule.type=reduce_on_plateau"])),
        ];
        for (name, overrides) in cases {
            let config = load(name, &overrides).unwrap_or_else(|error| panic!("{name:?} {overrides:?}: {error}"));
            let again = parse(Path::new("config.toml"), &config.to_toml(), &[])
                .unwrap_or_else(|error| panic!("{name:?} {overrides:?}: {error}\n{}", config.to_toml()));
            assert_eq!(again, config);
        }
        assert_eq!(load(None, &[]).unwrap(), Config::default());
        let adam = load(Some("resnet20"), &set(&["optimizer.type=adam"])).unwrap();
        assert_eq!(adam.optimizer.name(), "adam");
        assert_eq!(adam.optimizer.learning_rate(), 0.001);
    }

    #[test]
    fn an_empty_source_is_not_the_default_data() {
        let text = "[data]\nsource = \"\"\n";
        assert!(refused(text, &[]).starts_with("config.toml:2: `data.source`: names no data; set it to a path"));
        let moons = parse(Path::new("config.toml"), text, &["data.source=moons".to_owned()]).unwrap();
        assert_eq!(moons.data.source, "moons");
    }

    #[test]
    fn values_a_program_sets_are_checked_too() {
        assert!(check_values(&Config::default()).is_ok());
        let cases: [(fn(&mut Config), &str); 4] = [
            (|config| config.train.epochs = 0, "settings: `train.epochs`: must be at least 1, is 0"),
            (|config| config.data.test = f64::NAN, "settings: `data.test`: must be a finite number, is NaN"),
            (|config| config.train.seed = u64::MAX, "settings: "),
            (
                |config| {
                    config
                        .model
                        .layers
                        .push(keel_nn::layers::LayerSpec::Dropout(keel_nn::layers::DropoutSpec { probability: 1.5 }))
                },
                "settings: `model.layers.0.probability`: must be less than 1, is 1.5",
            ),
        ];
        for (change, expected) in cases {
            let mut config = Config::default();
            change(&mut config);
            let message = check_values(&config).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn the_commented_config_lists_every_default_and_sets_nothing() {
        let text = super::super::commented_default();
        assert!(text.contains("# Number of passes over the training split.\n# epochs = 20\n"), "{text}");
        let read =
            |text: &str| parse(Path::new("config.toml"), text, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let config = read(&text);
        assert_eq!(config, Config::default());
        let given = |config: &Config| crate::auto::CHOSEN.iter().filter(|key| config.is_given(key)).count();
        assert_eq!(given(&config), 0, "everything is left to automatic choices");
        // A commented key has a value; an explanation does not begin with a key.
        let line = |line: &str| {
            let setting = line.strip_prefix("# ").filter(|setting| {
                let (key, value) = setting.split_once(" =").unwrap_or_default();
                !value.is_empty() && key.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
            });
            format!("{}\n", setting.unwrap_or(line))
        };
        let written: String = text.lines().map(line).collect();
        let config = read(&written);
        assert_eq!(config, Config::default());
        let open = ["model.preset", "train.loss", "train.metric"];
        assert_eq!(given(&config), crate::auto::CHOSEN.len() - open.len(), "{written}");
    }
}
