//! Every key of the config at extreme values: `plan` and `train` end soon, in words and within the memory they are given.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::extreme_values::Values;
use crate::program::{ENVIRONMENT, Program};

/// Address space of the program in kB, its code, stacks and unused reserves of the allocator included.
const ADDRESS_SPACE: u64 = 1_500_000;

/// Seconds of processor time a command may take.
const SECONDS: u64 = 12;

/// Settings that make any training short and small, unless the case sets them.
const SMALL: &str = "
[train]
epochs = 1
threads = 1
time_limit = 0.2
memory_limit = \"60MB\"
";

const POINTS: &str = "
[data]
source = \"spiral\"
samples = 12
[model]
preset = \"mlp\"
";

const IMAGES: &str = "
[data]
source = \"images\"
[model]
preset = \"cnn\"
";

const TABLE: &str = "
[data]
source = \"table.csv\"
";

/// Data in a folder of its own, and the program run there on one config after the other.
struct Attempts {
    program: Program,
    base: String,
    tried: BTreeSet<Vec<String>>,
    accepted: usize,
    failures: Vec<String>,
}

impl Attempts {
    fn new(data: &str) -> Self {
        let program = Program::new();
        write_images(&program.path("images"));
        write_table(&program.path("table.csv"));
        let base = format!("{data}{SMALL}");
        std::fs::write(program.path("base.toml"), &base).unwrap();
        Attempts { program, base, tried: BTreeSet::new(), accepted: 0, failures: Vec::new() }
    }

    /// Tries the base with some settings. A config that is refused when it is read is so for every command: it is read
    /// here, and the program is spared.
    fn attempt(&mut self, settings: &[String]) {
        if !self.tried.insert(settings.to_vec()) {
            return;
        }
        if keel_train::config::parse(Path::new("base.toml"), &self.base, settings).is_err() {
            return;
        }
        self.accepted += 1;
        for command in ["plan", "train"] {
            let failure = self.run(command, settings);
            self.failures.extend(failure);
        }
    }

    /// Runs one command; returns the fault in its outcome.
    fn run(&self, command: &str, settings: &[String]) -> Option<String> {
        let script = format!("ulimit -v {ADDRESS_SPACE}; ulimit -t {SECONDS}; exec \"$@\"");
        let binary = self.program.command(&[]).get_program().to_owned();
        let set = settings.iter().flat_map(|setting| ["--set", setting.as_str()]);
        let output = Command::new("sh")
            .args(["-c", &script, "sh"])
            .arg(binary)
            .args([command, "base.toml"])
            .args(set)
            .current_dir(self.program.path(""))
            .envs(ENVIRONMENT)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let _ = std::fs::remove_dir_all(self.program.path("runs"));
        let message = String::from_utf8_lossy(&output.stderr);
        let ended = matches!(output.status.code(), Some(0..=2)) && !message.contains("panicked");
        let said = output.status.code() != Some(2) || !message.trim().is_empty();
        let end = match (output.status.code(), output.status.signal()) {
            (Some(code), _) => format!("status {code}"),
            (None, signal) => format!("signal {}", signal.unwrap_or_default()),
        };
        let shown: Vec<&str> = settings.iter().map(|setting| setting.get(..300).unwrap_or(setting)).collect();
        (!ended || !said).then(|| format!("{command} {shown:?}: {end}\n{}", message.get(..1500).unwrap_or(&message)))
    }

    /// Asserts that nothing was found, and that the program was put to work at least `least` times.
    fn end(self, least: usize) {
        let (tried, accepted, count) = (self.tried.len(), self.accepted, self.failures.len());
        assert!(self.failures.is_empty(), "{count} of {tried} configs:\n{}", self.failures.join("\n"));
        assert!(accepted >= least, "only {accepted} of {tried} configs reached a command");
    }
}

fn write_images(folder: &Path) {
    for (class, shade) in [("dark", 40u8), ("light", 200)] {
        std::fs::create_dir_all(folder.join(class)).unwrap();
        for index in 0..10u8 {
            let image =
                image::RgbImage::from_fn(8, 8, |x, y| image::Rgb([shade, (x * 9) as u8 + index, (y * 7) as u8]));
            image.save(folder.join(class).join(format!("{index}.png"))).unwrap();
        }
    }
}

fn write_table(path: &Path) {
    let row =
        |index: u32| format!("{},{},{},{}\n", index, (index * 7) % 5, ["a", "b", "c"][index as usize % 3], index % 2);
    let rows: String = (0..40).map(row).collect();
    std::fs::write(path, format!("first,second,third,target\n{rows}")).unwrap();
}

/// Every setting of the sections `names`, on `data`.
fn sections(data: &str, names: &[&str], least: usize) {
    let schema = keel_train::config::schema();
    let values = Values::new(&schema);
    let mut attempts = Attempts::new(data);
    for (name, schema) in values.sections().filter(|(name, _)| names.contains(name)) {
        for setting in values.settings(name, schema) {
            attempts.attempt(&[setting]);
        }
    }
    attempts.end(least);
}

/// Every setting of the keys of the data whose description begins with `kind`, on `data`.
fn data_keys(data: &str, kind: &str, least: usize) {
    let schema = keel_train::config::schema();
    let values = Values::new(&schema);
    let keys = schema["properties"]["data"]["properties"].as_object().unwrap();
    let described = |schema: &Json| schema["description"].as_str().is_some_and(|text| text.starts_with(kind));
    let mut attempts = Attempts::new(data);
    for (key, schema) in keys.iter().filter(|(_, schema)| described(schema)) {
        for setting in values.settings(&format!("data.{key}"), schema) {
            attempts.attempt(&[setting]);
        }
    }
    attempts.end(least);
}

/// Every layer with every key at its extremes, before a linear layer.
fn layers(data: &str, least: usize) {
    let schema = keel_train::config::schema();
    let values = Values::new(&schema);
    let mut attempts = Attempts::new(data);
    for layer in values.elements("model", "layers") {
        attempts.attempt(&[format!("model.layers=[{layer}, {{type = \"linear\"}}]")]);
    }
    attempts.end(least);
}

#[test]
fn every_section_is_known() {
    let schema: Json = keel_train::config::schema();
    let names: Vec<&str> = Values::new(&schema).sections().map(|(name, _)| name).collect();
    let tried = ["data", "preprocess", "augment", "model", "train", "optimizer", "schedule", "health", "run"];
    assert!(names.iter().all(|name| tried.contains(name)), "{names:?}: add the new section to a test of this file");
}

#[test]
fn data_of_points() {
    sections(POINTS, &["data"], 20);
}

#[test]
fn data_of_images() {
    data_keys(IMAGES, "Images", 5);
}

#[test]
fn data_of_tables() {
    data_keys(TABLE, "Tables", 10);
}

#[test]
fn changes_of_images() {
    sections(IMAGES, &["preprocess", "augment"], 20);
}

#[test]
fn models() {
    sections(POINTS, &["model"], 20);
}

#[test]
fn trainings() {
    sections(POINTS, &["train", "health", "run"], 20);
}

#[test]
fn optimizers_and_schedules() {
    sections(POINTS, &["optimizer", "schedule"], 20);
}

#[test]
fn layers_on_images() {
    layers(IMAGES, 20);
}

#[test]
fn layers_on_points() {
    layers(POINTS, 20);
}

/// Sizes that are harmless one by one.
#[test]
fn sizes_together() {
    let linear = "{type = \"linear\"}";
    let wide = "{type = \"linear\", out_features = 16777216}";
    let deep = |depth: usize| {
        let inner = "{type = \"activation\", function = \"relu\"}";
        (0..depth).fold(inner.to_owned(), |body, _| format!("{{type = \"residual\", body = [{body}]}}"))
    };
    let list = |layers: &[&str]| format!("model.layers=[{}]", layers.join(", "));
    let (batch, huge) = ("train.batch_size=1000000", "data.samples=9223372036854775807");
    let pointwise = "{type = \"conv2d\", out_channels = 16777216, kernel = 1}";
    let padded = "{type = \"conv2d\", out_channels = 1, kernel = 1, padding = 8192}";
    let cases: Vec<(&str, Vec<String>)> = vec![
        (POINTS, vec![list(&[wide, linear])]),
        (POINTS, vec![list(&[wide, wide, linear])]),
        (POINTS, vec![list(&[wide, linear]), batch.into()]),
        (POINTS, vec![list(&[wide, linear]), "train.memory_limit=1000TB".into(), batch.into()]),
        (POINTS, vec![list(&[wide, linear]), "train.memory_limit=9223372036854775807".into()]),
        (POINTS, vec![list(&vec![wide; 300]), "train.memory_limit=9223372036854775807".into()]),
        (POINTS, vec![list(&vec!["{type = \"linear\", out_features = 2}"; 2000])]),
        (POINTS, vec![list(&[&deep(20), linear])]),
        (POINTS, vec![list(&[&deep(120), linear])]),
        (POINTS, vec![list(&[&deep(3000), linear])]),
        (POINTS, vec!["data.samples=100000000000".into(), "train.memory_limit=1000TB".into()]),
        (POINTS, vec![huge.into(), "data.classes=9223372036854775807".into(), "data.source=\"blobs\"".into()]),
        (
            POINTS,
            vec!["data.classes=4294967296".into(), "data.samples=4294967296".into(), "data.source=\"blobs\"".into()],
        ),
        (POINTS, vec!["data.classes=100000".into(), "data.samples=1".into(), "data.source=\"blobs\"".into()]),
        (POINTS, vec!["train.epochs=1000000".into(), "schedule={type=\"cosine\", warmup_steps=1000000}".into()]),
        (POINTS, vec!["train.time_limit=1e308".into(), "run.checkpoint_seconds=1e308".into()]),
        (POINTS, vec!["train.threads=1024".into()]),
        (POINTS, vec!["train.threads=1024".into(), "train.memory_limit=1000TB".into(), batch.into()]),
        (POINTS, vec!["model.width=100000000".into(), "model.depth=100000000".into()]),
        (IMAGES, vec![list(&[pointwise, linear])]),
        (IMAGES, vec![list(&[pointwise, pointwise, linear])]),
        (IMAGES, vec![list(&[padded, linear])]),
        (IMAGES, vec![list(&[padded, padded, linear]), "train.memory_limit=1000TB".into(), batch.into()]),
        (IMAGES, vec![list(&[padded, linear]), "train.memory_limit=1000TB".into()]),
        (IMAGES, vec![list(&[&vec![padded; 200].join(", "), linear]), "train.memory_limit=1000TB".into()]),
        (IMAGES, vec!["data.image_size=100000".into()]),
        (IMAGES, vec!["data.image_size=100000".into(), "train.memory_limit=1000TB".into()]),
        (IMAGES, vec!["data.image_size=[1, 1000000000]".into(), "train.memory_limit=1000TB".into()]),
        (IMAGES, vec!["data.image_size=9223372036854775807".into(), "train.memory_limit=1000TB".into()]),
        (
            IMAGES,
            vec!["data.image_size=300".into(), "preprocess.steps=[\"zca\"]".into(), "train.memory_limit=1000TB".into()],
        ),
        (IMAGES, vec!["data.image_size=1".into(), "augment={flip = true, cutout = 1}".into()]),
        (IMAGES, vec!["data.image_size=1".into(), "train.shifted_evaluation=1".into()]),
    ];
    let count = cases.len();
    let mut attempts = Attempts::new(POINTS);
    for (data, settings) in cases {
        attempts.base = format!("{data}{SMALL}");
        std::fs::write(attempts.program.path("base.toml"), &attempts.base).unwrap();
        attempts.attempt(&settings);
    }
    attempts.end(count / 2);
}
