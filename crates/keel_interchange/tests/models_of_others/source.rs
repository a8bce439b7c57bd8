//! Training runs that start from the network of an ONNX file (`model.source`).

use std::path::Path;

use keel_interchange::onnx::export::{ExportOptions, PictureValues, export, least_opset};
use keel_interchange::onnx::write;
use keel_train::{Config, Session, config};

use crate::models;

/// Exports the model of a case with its batch norms, and returns the file and the model.
fn exported(case: &models::Case, folder: &Path) -> (std::path::PathBuf, keel_train::Predictor) {
    let predictor = models::train(case, folder);
    let options = ExportOptions {
        opset: least_opset(&predictor).max(18),
        keeps_batch_norm: true,
        float16: false,
        pictures: PictureValues::Bytes,
        run: String::new(),
        version: "test".to_owned(),
    };
    let file = folder.join(format!("{}.onnx", case.name));
    write(&file, &export(&predictor, &options).unwrap().model).unwrap();
    (file, predictor)
}

fn case(name: &str) -> &'static models::Case {
    models::CASES.iter().find(|case| case.name == name).unwrap()
}

/// Returns a config that takes its network from `file`.
fn of_source(file: &Path, more: &str) -> Result<Config, config::ConfigError> {
    let text = format!("[model]\nsource = {:?}\n{more}", file.display().to_string());
    config::parse(Path::new("case.toml"), &text, &[])
}

#[test]
fn a_training_starts_from_the_layers_and_weights_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["residual_blocks", "preset_resnet20", "members", "prelu_of_images", "independent_classes"] {
        let (file, predictor) = exported(case(name), folder.path());
        let config = of_source(&file, "").unwrap();
        assert_eq!(config.model.weights, file.canonicalize().unwrap().display().to_string());
        assert!(config.model.source.is_empty() && !config.model.layers.is_empty(), "{name}");
        let data = models::memory(case(name).data).unwrap();
        let session = Session::new(&config, data).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (found, expected) = (session.network(), predictor.network());
        assert_eq!(found.parameters[..], expected.parameters[..], "{name}");
        for (found, expected) in found.graph.state().iter().zip(expected.graph.state()) {
            let is_count = found.range.len() == 1;
            let [ours, theirs] = [session.network(), predictor.network()].map(|network| &network.state);
            assert!(is_count || ours[found.range.clone()] == theirs[expected.range.clone()], "{name} {}", found.name);
        }
        let inits: Vec<String> = session.layers().iter().filter_map(|layer| layer.init.clone()).collect();
        assert!(inits.iter().all(|init| init == &format!("from {name}.onnx")), "{inits:?}");
        // The config of the run contains the layers and is read without the graph of the file.
        let kept = config::parse(Path::new("kept.toml"), &config.to_toml(), &[]).unwrap();
        assert_eq!(kept, config, "{name}");
    }
}

#[test]
fn the_loss_and_the_members_of_an_export_are_kept_unless_given() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = exported(case("independent_classes"), folder.path());
    let loss = |more: &str| of_source(&file, more).unwrap().value_text("train.loss");
    assert_eq!(loss(""), "\"bce\"");
    assert_eq!(loss("[train]\nloss = \"hinge\"\n"), "\"hinge\"");
    let (file, _) = exported(case("members"), folder.path());
    assert_eq!(of_source(&file, "").unwrap().model.members, 3);
}

#[test]
fn a_head_of_another_width_is_drawn_at_random() {
    let folder = tempfile::tempdir().unwrap();
    let (file, predictor) = exported(case("prelu_of_images"), folder.path());
    let shape = keel_data::SampleShape::Image { height: 8, width: 8, channels: 3 };
    let class_names = ["a", "b", "c"].map(String::from).to_vec();
    let labels = (0..30).map(|at| at % 3).collect();
    let inputs = keel_data::Inputs::Bytes((0..30 * 192).map(|at| (at * 7 % 251) as u8).collect());
    let targets = keel_data::Targets::Classes { labels, class_names };
    let dataset = keel_data::Dataset::from_memory("three classes", shape, inputs, targets).unwrap();
    let data = dataset.split(keel_data::Split { validation: 0.1, test: 0.1, seed: 0 }).unwrap();
    let session = Session::new(&of_source(&file, "frozen = [\"body\"]\n").unwrap(), data).unwrap();
    let (found, expected) = (session.network(), predictor.network());
    assert_eq!(found.graph.output_shape().len(), 3);
    let (first, last) = (&found.graph.parameters()[0], found.graph.parameters().last().unwrap());
    assert_eq!(found.parameters[first.range.clone()], expected.parameters[first.range.clone()]);
    assert_eq!(last.spec.shape, [3]);
    let inits: Vec<String> = session.layers().iter().filter_map(|layer| layer.init.clone()).collect();
    assert!(inits[0].starts_with("from ") && inits.last().unwrap().starts_with("lecun_normal"), "{inits:?}");
}

#[test]
fn files_and_keys_that_do_not_fit_are_refused_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = exported(case("prelu_of_images"), folder.path());
    let damaged = folder.path().join("damaged.onnx");
    std::fs::write(&damaged, b"no model").unwrap();
    let cases: [(&Path, &str, &str); 5] = [
        (Path::new("nowhere.onnx"), "", "case.toml:2: `model.source`: cannot read nowhere.onnx"),
        (folder.path(), "", "it is a folder, not a file"),
        (&damaged, "", "it is not an ONNX model"),
        (&file, "preset = \"mlp\"\n", "`model.preset` is given too; remove one of them"),
        (&file, "weights = \"w.safetensors\"\n", "`model.weights` is given too; remove one of them"),
    ];
    for (file, more, expected) in cases {
        let message = of_source(file, more).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}\nexpected {expected}");
    }
}

#[test]
fn a_config_of_a_program_may_name_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (file, predictor) = exported(case("prelu_of_images"), folder.path());
    let mut config = Config::default();
    config.model.source = file.display().to_string();
    let session = Session::new(&config, models::memory(models::Data::Colour(8)).unwrap()).unwrap();
    assert_eq!(session.network().parameters[..], predictor.network().parameters[..]);
    config.model.source = "nowhere.onnx".to_owned();
    let refused = Session::new(&config, models::memory(models::Data::Colour(8)).unwrap()).err().unwrap();
    assert!(refused.to_string().starts_with("model.source: cannot read nowhere.onnx"), "{refused}");
}
