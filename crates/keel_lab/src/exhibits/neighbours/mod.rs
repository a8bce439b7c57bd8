//! One image of the test set in different batches: with batch statistics, its neighbours influence the prediction.

mod network;
mod page;

use keel_nn::RandomKey;
use keel_page::Text;
use keel_page::charts::Scale;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::exhibit::{Control, Exhibit, ExhibitEntry, Preset, View};
use crate::experiment::Chapter;
use crate::experiments::batch_normalisation::batch_norm_inference::neighbourhoods::{
    Answer, Company, Neighbourhood, Neighbours, distinct_answers,
};
use crate::experiments::batch_normalisation::batch_norm_inference::test_batches::{OwnStatistics, scores};
use crate::samples::{CLASSES, Part};
use network::{Network, STEPS, WIDTH};

pub(crate) const ENTRY: ExhibitEntry = ExhibitEntry::of::<NeighboursExhibit>();

struct NeighboursExhibit;

impl Exhibit for NeighboursExhibit {
    const NAME: &'static str = "neighbours";
    const TITLE: [&'static str; 2] = ["One image and its neighbours", "一张图像和它的邻居"];
    const SUMMARY: [&'static str; 2] = [
        "Put one image into batches with other neighbours: normalised with the statistics of its batch, its answer changes; with \
         running statistics it does not.",
        "把同一张图像放进不同的批次：用所在批的统计量归一化，答案会随邻居改变；用滑动平均统计量则不会。",
    ];
    const CHAPTER: Chapter = Chapter::BatchNormalisation;
    const EXPERIMENT: &'static str = "batch_norm_inference";

    type State = State;
    type Numbers = Numbers;
    type Memory = Option<Network>;

    fn compute(state: &State, seed: u64, memory: &mut Option<Network>) -> Result<Numbers, LabError> {
        let network = Network::kept(memory, seed)?;
        let Network { classifier, test, .. } = network;
        let key = RandomKey::new(seed);
        let company = Company { test, key, batch: state.batch, neighbours: state.neighbours };
        let mut look = |image: usize| {
            company.look(image, state.shuffle, |samples: &Part| match state.statistics {
                Statistics::Running => classifier.scores(&samples.inputs),
                Statistics::Own => {
                    let order: Vec<usize> = (0..samples.len()).collect();
                    scores(classifier, samples, &order, samples.len())
                }
            })
        };
        let neighbourhoods = look(state.image);
        let candidates = state.candidates.min(test.len());
        let changing = (0..candidates).filter(|&image| distinct_answers(&look(image)) > 1).count();
        let repeats = state.batch > company.choice(state.image) + 1;
        let fixed = Answer::of(&classifier.scores(&test.take(&[state.image]).inputs)[..CLASSES]);
        let all = neighbourhoods.iter().map(|one| &one.answer).chain([&fixed]);
        if !all.flat_map(|answer| &answer.probabilities).all(|probability| probability.is_finite()) {
            return Err(LabError::NotFinite { experiment: Self::NAME, what: "a probability".to_owned() });
        }
        Ok(Numbers {
            label: test.labels[state.image],
            distinct_answers: distinct_answers(&neighbourhoods),
            pixels: neighbourhoods.iter().map(|one| network.pixels_of(&one.images)).collect(),
            neighbourhoods,
            fixed,
            candidates,
            changing_fraction: changing as f64 / candidates as f64,
            repeats,
            test_images: network.test.len(),
            steps: STEPS,
            width: WIDTH,
            running_accuracy: network.running_accuracy,
            own_statistics: network.own_statistics.clone(),
        })
    }

    fn view(state: &State, numbers: &Numbers) -> View {
        page::view(state, numbers)
    }

    fn controls() -> Vec<Control> {
        vec![
            Control::Presets { label: Text::new("Try", "试一试"), presets: presets() },
            Control::Slider { knob: "image", label: Text::new("Test image", "测试图像"), scale: Scale::Linear },
            Control::Slider {
                knob: "batch", label: Text::new("Batch size", "批量大小"), scale: Scale::Logarithmic
            },
            Control::Choice {
                knob: "neighbours",
                label: Text::new("Neighbours", "邻居"),
                words: vec![
                    ("random", Text::new("random", "随机")),
                    ("same_class", Text::new("of the same class", "同一类别")),
                ],
            },
            Control::Choice {
                knob: "statistics",
                label: Text::new("Statistics", "统计量"),
                words: vec![
                    ("own", Text::new("of the batch itself", "本批自身")),
                    ("running", Text::new("running", "滑动")),
                ],
            },
            Control::Play { knob: "shuffle", label: Text::new("Shuffle", "重新抽取"), step: 1 },
            Control::Slider {
                knob: "shuffle", label: Text::new("Shuffle number", "抽取编号"), scale: Scale::Linear
            },
            Control::Slider {
                knob: "candidates",
                label: Text::new("Number of images tried", "参与统计的图像数"),
                scale: Scale::Linear,
            },
            Control::Drag { figure: 3, x: Some("batch"), y: None },
        ]
    }

    /// A draft tries fewer images. The first answer for a seed trains the network, which no draft can avoid.
    fn draft(state: &State) -> Option<State> {
        let candidates = state.candidates.min((DRAFT_SAMPLES / state.batch.max(1)).max(FEWEST_CANDIDATES));
        (candidates < state.candidates).then(|| State { candidates, ..state.clone() })
    }
}

/// Number of samples on which a draft tries other images, in each neighbourhood.
const DRAFT_SAMPLES: usize = 1024;
/// Minimum number of images tried.
const FEWEST_CANDIDATES: usize = 5;

fn presets() -> Vec<Preset> {
    let preset = |english: &str, chinese: &str, batch: u64, neighbours: &str, statistics: &str| Preset {
        label: Text::new(english, chinese),
        settings: vec![("batch", batch.into()), ("neighbours", neighbours.into()), ("statistics", statistics.into())],
    };
    vec![
        preset("8 random", "随机 8 张", 8, "random", "own"),
        preset("Alone", "单独 1 张", 1, "random", "own"),
        preset("32 of its class", "同类 32 张", 32, "same_class", "own"),
        preset("256 random", "随机 256 张", 256, "random", "own"),
        preset("Running statistics", "滑动平均统计量", 8, "random", "running"),
    ]
}

/// Statistics that a batch is normalised with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Statistics {
    Own,
    Running,
}

/// Knobs of the exhibit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct State {
    /// Number of the image in the test set.
    #[schemars(extend("zh" = "图像在测试集中的编号。"))]
    #[schemars(range(min = 0, max = 350))]
    image: usize,
    /// Images of a batch, the one in question among them.
    #[schemars(extend("zh" = "一批的图像数，包括所看的这一张。"))]
    #[schemars(range(min = 1, max = 256))]
    batch: usize,
    /// Choice of the other images of the batch.
    #[schemars(extend("zh" = "同批其他图像的选法。"))]
    neighbours: Neighbours,
    /// Number of the draw of the five neighbourhoods.
    #[schemars(extend("zh" = "五组邻居的抽取编号。"))]
    #[schemars(range(min = 0, max = 100))]
    shuffle: u64,
    /// Statistics that batch norm uses: those of the batch itself, or the running ones of the training.
    #[schemars(extend("zh" = "批量归一化所用的统计量：本批自身的，或训练时的滑动平均统计量。"))]
    statistics: Statistics,
    /// First images of the test set for which it is counted whose answer changes.
    #[schemars(extend("zh" = "统计答案是否改变时所用的图像数（测试集的前若干张）。"))]
    #[schemars(range(min = 5, max = 100))]
    candidates: usize,
}

impl Default for State {
    fn default() -> Self {
        State {
            image: 117,
            batch: 8,
            neighbours: Neighbours::Random,
            shuffle: 0,
            statistics: Statistics::Own,
            candidates: 50,
        }
    }
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Numbers {
    /// Class of the image.
    label: u32,
    neighbourhoods: Vec<Neighbourhood>,
    /// Number of different predictions among the neighbourhoods.
    distinct_answers: usize,
    /// Prediction with the running statistics.
    fixed: Answer,
    /// Number of images tried, and the share of them whose prediction is not the same in all neighbourhoods.
    candidates: usize,
    changing_fraction: f64,
    /// True if neighbours are repeated in the batch because the test set has too few.
    repeats: bool,
    test_images: usize,
    steps: usize,
    width: usize,
    running_accuracy: f64,
    own_statistics: Vec<OwnStatistics>,
    /// First images of each neighbourhood as they are in the data set.
    #[serde(skip)]
    pixels: Vec<Vec<f32>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(state: &State, memory: &mut Option<Network>) -> Numbers {
        NeighboursExhibit::compute(state, 0, memory).unwrap()
    }

    fn json(numbers: &Numbers) -> String {
        serde_json::to_string(numbers).unwrap()
    }

    #[test]
    fn a_batch_of_one_gives_one_answer_and_larger_ones_depend_on_the_company_less_and_less() {
        let memory = &mut None;
        let numbers = at(&State::default(), memory);
        let own = &numbers.own_statistics;
        assert_eq!((own[0].batch, own[0].distinct_answers), (1, 1));
        assert!(own[0].shuffled_accuracy < 0.15 && numbers.running_accuracy > 0.93, "{}", numbers.running_accuracy);
        let changing: Vec<f64> = own[1..].iter().map(|own| own.changing_fraction).collect();
        assert!(changing.windows(2).all(|pair| pair[0] > pair[1]), "{changing:?}");
        assert!(changing[0] > 0.9, "{changing:?}");
        // A class has about 36 test images: batches of 64 contain two classes.
        for own in &own[2..7] {
            assert!(own.sorted_accuracy < 0.6 && own.sorted_accuracy < own.shuffled_accuracy, "{own:?}");
        }
        assert!(own[8].shuffled_accuracy > numbers.running_accuracy - 0.05, "{own:?}");
        let alone: Vec<Numbers> =
            (0..5).map(|image| at(&State { image, batch: 1, ..State::default() }, memory)).collect();
        for one in &alone {
            assert_eq!(one.neighbourhoods[0].answer.probabilities, alone[0].neighbourhoods[0].answer.probabilities);
            assert_eq!((one.distinct_answers, one.changing_fraction), (1, 0.0));
        }
    }

    #[test]
    fn the_image_of_the_start_gets_other_answers_in_other_company() {
        let numbers = at(&State::default(), &mut None);
        assert!(numbers.distinct_answers > 2 && numbers.changing_fraction > 0.2, "{}", numbers.changing_fraction);
        for one in &numbers.neighbourhoods {
            assert_eq!((one.images[0], one.images.len()), (117, 8));
            assert!((one.answer.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn running_statistics_take_no_notice_of_neighbours_and_one_class_repeats() {
        let memory = &mut None;
        for batch in [1, 8, 256] {
            let running = at(&State { batch, statistics: Statistics::Running, ..State::default() }, memory);
            assert_eq!((running.distinct_answers, running.changing_fraction), (1, 0.0));
            for one in &running.neighbourhoods {
                for (a, b) in one.answer.probabilities.iter().zip(&running.fixed.probabilities) {
                    assert!((a - b).abs() < 1e-6);
                }
            }
        }
        let neighbours = Neighbours::SameClass;
        let same = at(&State { batch: 256, neighbours, candidates: 5, ..State::default() }, memory);
        assert!(same.repeats && same.neighbourhoods[0].images.len() == 256);
        assert!(same.neighbourhoods.iter().flat_map(|one| &one.labels).all(|label| *label == same.label));
    }

    #[test]
    fn an_answer_does_not_depend_on_the_one_before() {
        let memory = &mut None;
        at(&State { batch: 256, shuffle: 3, ..State::default() }, memory);
        NeighboursExhibit::compute(&State::default(), 1, memory).unwrap();
        at(&State { batch: 1, image: 7, ..State::default() }, memory);
        let warm = at(&State::default(), memory);
        assert_eq!(json(&warm), json(&at(&State::default(), &mut None)));
        assert_eq!(json(&warm), json(&at(&State::default(), memory)));
    }

    #[test]
    fn a_draft_tries_fewer_images_where_batches_are_large() {
        assert!(NeighboursExhibit::draft(&State::default()).is_none());
        let large = State { batch: 256, candidates: 100, ..State::default() };
        let draft = NeighboursExhibit::draft(&large).unwrap();
        assert_eq!((draft.batch, draft.candidates), (256, 5));
        assert!(NeighboursExhibit::draft(&draft).is_none());
        let html = page::view(&large, &at(&draft, &mut None)).page.body(keel_page::Language::Chinese).into_string();
        assert!(html.contains("figure-3") && !html.contains("NaN"));
    }
}
