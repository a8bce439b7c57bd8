//! Small trained models of every kind, for the tests of exports and imports.

use std::path::Path;

use keel_data::{Dataset, Inputs, SampleShape, Split, SplitDataset, Targets};
use keel_train::{Predictor, Training, config};

/// A model: its name, its data, and keys of its config.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) data: Data,
    pub(crate) keys: &'static [&'static str],
}

/// Training data of a model.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Data {
    /// Grey images of 9 x 7 pixels.
    Grey,
    /// Colour images with this side.
    Colour(usize),
    /// Images of floats, 6 x 5 pixels with two channels.
    FloatImages,
    /// Rows of six numbers.
    Rows,
    /// Rows with two targets.
    Values,
    /// A table with numbers, booleans, categories, dates and missing cells.
    Table,
    /// The same table with a numeric target far from 0.
    TableOfValues,
}

macro_rules! case {
    ($name:literal, $data:expr $(, $key:literal)* $(,)?) => {
        Case { name: $name, data: $data, keys: &[$($key),*] }
    };
}

/// Every layer of the catalog, every preset, every preprocessing step, every loss.
pub(crate) const CASES: &[Case] = &[
    case!(
        "convolution_of_every_kind",
        Data::Grey,
        r#"model.layers=[{type="conv2d",out_channels=4,kernel=[3,2],stride=[2,1]},{type="activation",function="tanh"},{type="conv2d",out_channels=6,kernel=3,dilation=2,groups=2,padding=2,bias=false},{type="conv2d",out_channels=6,kernel=2,groups=6,padding="valid"},{type="flatten"},{type="linear"}]"#
    ),
    case!(
        "folded_norms",
        Data::Grey,
        r#"model.layers=[{type="conv2d",out_channels=4},{type="batch_norm"},{type="activation",function="relu"},{type="conv2d",out_channels=4,bias=false},{type="batch_norm",affine=false},{type="max_pool",kernel=2},{type="batch_norm",scale=false,epsilon=0.001},{type="flatten"},{type="linear",out_features=7,bias=false},{type="batch_norm"},{type="activation",function="relu"},{type="linear"}]"#
    ),
    case!(
        "pools",
        Data::Grey,
        r#"model.layers=[{type="conv2d",out_channels=3},{type="max_pool",kernel=3,stride=2,padding="same"},{type="avg_pool",kernel=[2,3],stride=1,padding=1},{type="avg_pool",kernel=2,padding="same"},{type="activation",function="gelu"},{type="dropout",probability=0.5},{type="rescale",factor=0.5},{type="flatten"},{type="linear"}]"#
    ),
    case!(
        "sample_norms",
        Data::Grey,
        r#"model.layers=[{type="conv2d",out_channels=6},{type="layer_norm"},{type="conv2d",out_channels=6},{type="group_norm",groups=3},{type="activation",function="silu"},{type="conv2d",out_channels=4},{type="instance_norm",epsilon=0.001},{type="flatten"},{type="linear",out_features=8},{type="layer_norm"},{type="linear",out_features=8},{type="group_norm",groups=2},{type="linear"}]"#
    ),
    case!(
        "flattened_and_normalised",
        Data::Colour(8),
        r#"model.layers=[{type="conv2d",out_channels=3,stride=2},{type="flatten"},{type="batch_norm"},{type="activation",function="prelu"},{type="linear"}]"#
    ),
    case!(
        "activations",
        Data::Rows,
        r#"model.layers=[{type="linear",out_features=9},{type="activation",function="leaky_relu",slope=0.2},{type="linear",out_features=9},{type="activation",function="prelu"},{type="linear",out_features=9},{type="activation",function="elu",alpha=0.7},{type="linear",out_features=9},{type="activation",function="selu"},{type="linear",out_features=9},{type="activation",function="softplus"},{type="linear",out_features=9},{type="activation",function="mish"},{type="linear",out_features=9},{type="activation",function="hard_swish"},{type="linear",out_features=9},{type="activation",function="sigmoid"},{type="linear",out_features=9},{type="activation",function="identity"},{type="linear"}]"#
    ),
    case!(
        "prelu_of_images",
        Data::Colour(8),
        r#"model.layers=[{type="conv2d",out_channels=5},{type="activation",function="prelu"},{type="conv2d",out_channels=5},{type="activation",function="relu"},{type="global_avg_pool"},{type="linear"}]"#
    ),
    case!(
        "residual_blocks",
        Data::Colour(8),
        r#"model.layers=[{type="conv2d",out_channels=4},{type="residual",body=[{type="conv2d",out_channels=4},{type="batch_norm"}]},{type="residual",after="identity",body=[{type="conv2d",out_channels=6,stride=2},{type="batch_norm"},{type="activation",function="relu"},{type="residual",body=[{type="conv2d",out_channels=6}],after="elu"}]},{type="global_avg_pool"},{type="linear"}]"#
    ),
    case!(
        "maxout",
        Data::Colour(4),
        r#"model.layers=[{type="flatten"},{type="maxout",out_features=6,pieces=3},{type="maxout",out_features=5},{type="linear"}]"#
    ),
    case!("members", Data::Rows, r#"model.preset="tabular""#, "model.width=8", r#"model.members=3"#),
    case!("members_of_values", Data::Values, r#"model.preset="tabular""#, "model.width=8"),
    case!(
        "float_images",
        Data::FloatImages,
        r#"model.layers=[{type="conv2d",out_channels=3},{type="flatten"},{type="linear"}]"#,
        r#"preprocess.steps=["standardize"]"#
    ),
    case!("preset_mlp", Data::Rows, r#"model.preset="mlp""#),
    case!("preset_cnn", Data::Grey, r#"model.preset="cnn""#),
    case!("preset_resnet20", Data::Colour(16), r#"model.preset="resnet20""#),
    case!("preset_whitened", Data::Colour(16), r#"model.preset="whitened""#, "model.width=8"),
    case!("preset_photo", Data::Colour(32), r#"model.preset="photo""#, "model.width=8"),
    case!("preset_auto_of_a_table", Data::Table),
    case!(
        "mirrored_and_shifted",
        Data::Colour(8),
        r#"model.preset="cnn""#,
        "model.width=4",
        "train.mirrored_evaluation=true",
        "train.shifted_evaluation=1"
    ),
    case!(
        "shifted_with_reflection",
        Data::Colour(8),
        r#"model.preset="cnn""#,
        "model.width=4",
        "train.shifted_evaluation=2",
        r#"augment.crop_border="reflect""#
    ),
    case!("whitening", Data::Colour(4), r#"model.preset="mlp""#, r#"preprocess.steps=["zca"]"#),
    case!(
        "principal_axes",
        Data::Rows,
        r#"model.preset="mlp""#,
        r#"preprocess.steps=["center",{type="pca",components=4},"standardize"]"#
    ),
    case!(
        "images_as_principal_axes",
        Data::Grey,
        r#"model.preset="mlp""#,
        r#"preprocess.steps=["mean_image","whiten"]"#
    ),
    case!(
        "channels",
        Data::Colour(8),
        r#"model.preset="cnn""#,
        "model.width=4",
        r#"preprocess.steps=["channel_standardize"]"#
    ),
    case!(
        "clipped_and_binned",
        Data::Rows,
        r#"model.preset="mlp""#,
        r#"preprocess.steps=["clip","robust_scale","soft_clip",{type="piecewise_linear",bins=4}]"#
    ),
    case!("min_max_without_steps", Data::Rows, r#"model.preset="mlp""#, r#"preprocess.steps=["min_max"]"#),
    case!("raw_pixels", Data::Colour(4), r#"model.preset="mlp""#, "preprocess.steps=[]"),
    case!("table", Data::Table, r#"model.preset="mlp""#),
    case!("table_of_values", Data::TableOfValues, r#"model.preset="mlp""#, r#"train.loss="huber""#),
    case!("values", Data::Values, r#"model.preset="mlp""#, r#"train.loss="mse""#),
    case!("hinge", Data::Rows, r#"model.preset="mlp""#, r#"train.loss="hinge""#),
    case!("independent_classes", Data::Rows, r#"model.preset="mlp""#, r#"train.loss="bce""#),
];

/// Trains the model of a case for an epoch.
pub(crate) fn train(case: &Case, folder: &Path) -> Predictor {
    let text = "[health]\nlevel = \"off\"\n[train]\nepochs = 1\nbatch_size = 16\nthreads = 1\n";
    let mut overrides: Vec<String> = case.keys.iter().map(|key| (*key).to_owned()).collect();
    let table = folder.join(format!("{}.csv", case.name));
    if matches!(case.data, Data::Table | Data::TableOfValues) {
        std::fs::write(&table, table_text(case.data == Data::TableOfValues)).unwrap();
        overrides.push(format!("data.source={}", table.display()));
        overrides.push("data.target=target".to_owned());
    }
    let config =
        config::parse(Path::new("case.toml"), text, &overrides).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let mut training = Training::new(config);
    if let Some(data) = memory(case.data) {
        training = training.with_data(data);
    }
    let run = training.run_in_memory(&mut ()).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    run.predictor(&[]).unwrap_or_else(|error| panic!("{}: {error}", case.name))
}

const SAMPLES: usize = 60;

/// Returns the samples of a case in memory, or `None` for tables, which are files.
pub(crate) fn memory(data: Data) -> Option<SplitDataset> {
    let (shape, is_bytes) = match data {
        Data::Grey => (SampleShape::Image { height: 9, width: 7, channels: 1 }, true),
        Data::Colour(side) => (SampleShape::Image { height: side, width: side, channels: 3 }, true),
        Data::FloatImages => (SampleShape::Image { height: 6, width: 5, channels: 2 }, false),
        Data::Rows | Data::Values => (SampleShape::Features(6), false),
        Data::Table | Data::TableOfValues => return None,
    };
    let length = shape.len();
    let value = |at: usize| {
        let (sample, place) = (at / length, at % length);
        let wave = ((sample * 31 + place * 17) as f64 * 0.61).sin() + if sample % 2 == 0 { 0.4 } else { -0.4 };
        wave * (1.0 + place as f64 % 5.0)
    };
    let inputs = match is_bytes {
        true => {
            Inputs::Bytes((0..SAMPLES * length).map(|at| (128.0 + 20.0 * value(at)).clamp(0.0, 255.0) as u8).collect())
        }
        false => Inputs::Floats((0..SAMPLES * length).map(|at| value(at) as f32).collect()),
    };
    let targets = match data {
        Data::Values => {
            let values = (0..SAMPLES).flat_map(|at| [value(at * length) as f32, 100.0 + value(at * length + 1) as f32]);
            Targets::Values { values: values.collect(), target_names: ["low", "high"].map(String::from).to_vec() }
        }
        _ => {
            let class_names = ["even", "odd"].map(String::from).to_vec();
            Targets::Classes { labels: (0..SAMPLES).map(|at| (at % 2) as u32).collect(), class_names }
        }
    };
    let dataset = Dataset::from_memory("made for tests", shape, inputs, targets).unwrap();
    Some(dataset.split(Split { validation: 0.1, test: 0.1, seed: 0 }).unwrap())
}

fn table_text(values: bool) -> String {
    let mut text = "size,stamp,when,clock,wanted,colour,code,weight,name,target\n".to_owned();
    for row in 0..90 {
        let size = if row % 11 == 3 { String::new() } else { format!("{:.3}", (row as f64 * 0.7).sin() * 5.0) };
        let stamp = 1_700_000_000.0 + 3.25 * row as f64;
        let when = format!("20{:02}-{:02}-{:02} {:02}:30:00", row % 20 + 1, row % 12 + 1, row % 28 + 1, row % 24);
        let clock = format!("{:02}:{:02}", row % 24, row % 60);
        let wanted = if row % 13 == 5 {
            ""
        } else if row % 3 == 0 {
            "yes"
        } else {
            "No"
        };
        let colour = ["red", "green", "blue", "n/a", "red"][row % 5];
        let code = ["1", "2", "3", "x"][row % 4];
        let weight = 1e7 + row as f64 * 12_345.5;
        let title = ["Mr.", "mrs", "Dr."][row % 3];
        let name = match row % 17 {
            4 => String::new(),
            _ => format!("Person{row} of house {} {title} Smith", "x".repeat(row % 30 + 2)),
        };
        let target = match values {
            true => format!("{}", 1_600_000_000.0 + 100.0 * (row as f64 * 0.3).sin()),
            false => ["label one", "label two", "3"][row % 3].to_owned(),
        };
        text += &format!("{size},{stamp},{when},{clock},{wanted},{colour},{code},{weight},{name},{target}\n");
    }
    text
}
