//! Break and repair: a faulty network to examine, diagnose and repair with one change.

mod page;
mod sickness;

use keel_page::Text;
use keel_page::charts::Scale;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::exhibit::{Control, Exhibit, ExhibitEntry, View};
use crate::experiment::Chapter;
use crate::loss_curve::{LossPoint, averaged};
use crate::recipe::Recipe;
use crate::statistics::Moments;
use crate::watched::{Evaluation, FindingRow, LayerRow, WatchedRun, finding_rows, layer_rows, leading};
use sickness::{Diagnosis, Repair, Sickness};

pub(crate) const ENTRY: ExhibitEntry = ExhibitEntry::of::<BreakAndRepair>();

struct BreakAndRepair;

impl Exhibit for BreakAndRepair {
    const NAME: &'static str = "break_and_repair";
    const TITLE: [&'static str; 2] = ["Break and repair: find the fault", "找故障：诊断并修复网络"];
    const SUMMARY: [&'static str; 2] = [
        "A network for digits that does not learn: read its curves and its layers, name the fault, change one thing, and see \
         the regained accuracy and the verdict of the health rules.",
        "一个学不会手写数字的网络：查看曲线和各层，判断故障，只改一处，再看准确率恢复了多少，以及健康规则给出的诊断。",
    ];
    const CHAPTER: Chapter = Chapter::Summary;
    const EXPERIMENT: &'static str = "recipe_ablation";

    type State = State;
    type Numbers = Numbers;
    type Memory = Memory;

    fn compute(state: &State, seed: u64, memory: &mut Memory) -> Result<Numbers, LabError> {
        let sickness = Sickness::dealt(state.case, seed);
        let recipe = sickness.recipe();
        let sick = memory.patient(&recipe, state.steps, seed)?;
        let repaired = match state.repair {
            Repair::None => None,
            repair => Some(memory.patient(&repair.applied(recipe), state.steps, seed)?),
        };
        let revealed = match (&repaired, state.diagnosis) {
            (Some(repaired), diagnosis) if state.reveal && diagnosis != Diagnosis::Open => {
                let healthy = memory.patient(&sickness.healthy(), state.steps, seed)?;
                Some(revealed(sickness, diagnosis, [&sick, repaired, &healthy]))
            }
            _ => None,
        };
        let shown = |patient: Patient| if revealed.is_some() { patient } else { patient.without_findings() };
        Ok(Numbers { sick: shown(sick), repaired: repaired.map(shown), revealed })
    }

    fn view(state: &State, numbers: &Numbers) -> View {
        page::view(state, numbers)
    }

    fn controls() -> Vec<Control> {
        let open = |named: Vec<(&'static str, Text)>, name, title| [vec![(name, title)], named].concat();
        let diagnoses = Diagnosis::NAMED.iter().map(|(diagnosis, name)| (*name, diagnosis.title())).collect();
        let repairs = Repair::NAMED.iter().map(|(repair, name)| (*name, repair.title())).collect();
        vec![
            Control::Slider { knob: "case", label: Text::new("Case", "病例"), scale: Scale::Linear },
            Control::Choice {
                knob: "diagnosis",
                label: Text::new("Diagnosis", "诊断"),
                words: open(diagnoses, "open", Diagnosis::Open.title()),
            },
            Control::Choice {
                knob: "repair",
                label: Text::new("Repair", "修复"),
                words: open(repairs, "none", Repair::None.title()),
            },
            Control::Switch {
                knob: "reveal",
                label: Text::new("Show what the health rules say", "显示健康规则的判断"),
            },
            Control::Slider { knob: "steps", label: Text::new("Training steps", "训练步数"), scale: Scale::Linear },
        ]
    }

    fn draft(state: &State) -> Option<State> {
        (state.steps > DRAFT_STEPS).then(|| State { steps: DRAFT_STEPS, ..state.clone() })
    }
}

/// Number of steps while the reader drags.
const DRAFT_STEPS: usize = 60;
/// Approximate number of points in a loss curve.
const CURVE_POINTS: usize = 100;
/// Number of steps over which the reported training loss is averaged.
const RECENT: usize = 20;
/// Number of networks kept.
const REMEMBERED: usize = 12;
/// Points for the regained accuracy and for the diagnosis.
const FOR_OUTCOME: f64 = 60.0;
const FOR_DIAGNOSIS: f64 = 40.0;
/// Minimum accuracy lost to a fault, to avoid division by chance differences.
const LEAST_COST: f64 = 0.02;

/// Knobs of the exhibit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct State {
    /// Number of the case; the seed decides which fault it has. Eight cases in a row have eight different faults.
    #[schemars(extend("zh" = "病例编号；故障由随机种子决定，连续八个病例的故障各不相同。"))]
    #[schemars(range(min = 1, max = 24))]
    case: usize,
    /// Diagnosis: the fault that keeps the network from learning.
    #[schemars(extend("zh" = "诊断：使网络学不会的故障。"))]
    diagnosis: Diagnosis,
    /// Repair: the one change that is made to the network, its data or its training.
    #[schemars(extend("zh" = "修复：对网络、数据或训练所做的唯一改动。"))]
    repair: Repair,
    /// Show the fault, the findings of the health rules and the score, once diagnosis and repair are chosen.
    #[schemars(extend("zh" = "选定诊断与修复之后，显示故障、健康规则的发现和得分。"))]
    reveal: bool,
    /// Training steps of each network.
    #[schemars(extend("zh" = "每个网络的训练步数。"))]
    #[schemars(range(min = 20, max = 1000))]
    steps: usize,
}

impl Default for State {
    fn default() -> Self {
        State { case: 1, diagnosis: Diagnosis::Open, repair: Repair::None, reveal: false, steps: 300 }
    }
}

/// Networks trained so far, the latest last.
#[derive(Default)]
struct Memory {
    patients: Vec<Remembered>,
}

struct Remembered {
    recipe: Recipe,
    steps: usize,
    seed: u64,
    patient: Patient,
}

impl Memory {
    /// Returns the network of `recipe` after `steps` steps.
    fn patient(&mut self, recipe: &Recipe, steps: usize, seed: u64) -> Result<Patient, LabError> {
        let known = |one: &Remembered| one.recipe == *recipe && one.steps == steps && one.seed == seed;
        if let Some(known) = self.patients.iter().find(|one| known(one)) {
            return Ok(known.patient.clone());
        }
        let patient = Patient::trained(recipe, steps, seed)?;
        if self.patients.len() == REMEMBERED {
            self.patients.remove(0);
        }
        self.patients.push(Remembered { recipe: *recipe, steps, seed, patient: patient.clone() });
        Ok(patient)
    }
}

/// Measurements of one network in training.
#[derive(Clone, Serialize)]
struct Patient {
    /// Number of steps completed; fewer than requested if the run has stopped.
    steps: usize,
    /// Step with a number that is not finite.
    stopped_at: Option<usize>,
    /// Loss of guessing, the logarithm of the number of classes.
    guessing: f64,
    /// Mean and standard deviation of the network's inputs.
    inputs: Moments,
    /// Average number of classes per batch.
    classes_of_a_batch: Option<f64>,
    first_loss: Option<f64>,
    /// Mean training loss of the last steps.
    last_loss: Option<f64>,
    validation_loss: Option<f64>,
    validation_accuracy: f64,
    losses: Vec<LossPoint>,
    evaluations: Vec<Evaluation>,
    layers: Vec<LayerRow>,
    /// Findings of the health rules, causes first; empty until they are revealed.
    findings: Vec<FindingRow>,
    /// Diagnosis matching the leading finding.
    #[serde(skip)]
    diagnosis: Option<Diagnosis>,
}

impl Patient {
    fn trained(recipe: &Recipe, steps: usize, seed: u64) -> Result<Self, LabError> {
        let mut run = WatchedRun::begin(recipe, seed)?;
        run.train_to(steps);
        let score = run.validate();
        let findings = run.findings_at_the_end();
        let losses = run.losses();
        let recent = &losses[losses.len().saturating_sub(RECENT)..];
        let finite = |value: f64| value.is_finite().then_some(value);
        Ok(Patient {
            steps: run.steps(),
            stopped_at: run.stopped_at(),
            guessing: (run.samples().task.classes as f64).ln(),
            inputs: Moments::of_slice(&run.samples().parts.train.inputs),
            classes_of_a_batch: run.classes_of_a_batch(),
            first_loss: finite(run.first_loss()),
            last_loss: finite(recent.iter().sum::<f64>() / recent.len() as f64),
            validation_loss: finite(score.loss),
            validation_accuracy: score.accuracy,
            losses: averaged(losses, steps.div_ceil(CURVE_POINTS)),
            evaluations: run.evaluations().to_vec(),
            layers: layer_rows(&run, &findings),
            diagnosis: leading(&findings).and_then(Diagnosis::of),
            findings: finding_rows(&findings),
        })
    }

    /// Returns the measurements without the findings, for display before the solution.
    fn without_findings(mut self) -> Self {
        self.findings.clear();
        self.layers.iter_mut().for_each(|layer| layer.findings.clear());
        self.diagnosis = None;
        self
    }
}

/// Numbers of the figures.
#[derive(Serialize)]
struct Numbers {
    sick: Patient,
    /// The faulty network with the change; `None` before a repair is chosen.
    repaired: Option<Patient>,
    /// Solution; `None` until it is requested and everything is answered.
    revealed: Option<Revealed>,
}

/// Solution and score.
#[derive(Serialize)]
struct Revealed {
    sickness: Sickness,
    /// Diagnosis that names the fault.
    fault: Diagnosis,
    /// Accuracy of the network without the fault.
    healthy_accuracy: f64,
    /// Diagnosis matching the leading finding of the rules.
    rules: Option<Diagnosis>,
    /// True if the reader's diagnosis matches the leading finding of the rules.
    agrees: bool,
    /// Share of the accuracy lost to the fault that the repair restores, from 0 to 1.
    regained: f64,
    /// Points out of 100.
    points: u32,
}

/// Computes the solution from the faulty, the repaired and the healthy network.
fn revealed(sickness: Sickness, diagnosis: Diagnosis, patients: [&Patient; 3]) -> Revealed {
    let [sick, repaired, healthy] = patients.map(|patient| patient.validation_accuracy);
    let regained = ((repaired - sick) / (healthy - sick).max(LEAST_COST)).clamp(0.0, 1.0);
    let rules = patients[0].diagnosis;
    let agrees = rules == Some(diagnosis);
    let points = FOR_OUTCOME * regained + if agrees { FOR_DIAGNOSIS } else { 0.0 };
    Revealed {
        sickness,
        fault: sickness.diagnosis(),
        healthy_accuracy: healthy,
        rules,
        agrees,
        regained,
        points: points.round() as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(state: &State, seed: u64) -> Numbers {
        BreakAndRepair::compute(state, seed, &mut Memory::default()).unwrap()
    }

    /// Returns the state with the repair that removes the fault and the diagnosis that names it.
    fn solved(sickness: Sickness, seed: u64) -> State {
        let case = (1..=8).find(|&case| Sickness::dealt(case, seed) == sickness).unwrap();
        let takes_it_away = |(repair, _): &&(Repair, &str)| repair.applied(sickness.recipe()) == sickness.healthy();
        let (repair, _) = *Repair::NAMED.iter().find(takes_it_away).unwrap();
        State { case, diagnosis: sickness.diagnosis(), repair, reveal: true, ..State::default() }
    }

    #[test]
    fn every_sickness_costs_accuracy_is_named_by_the_rules_and_can_be_repaired() {
        for seed in [0, 5] {
            for sickness in Sickness::ALL {
                let numbers = fresh(&solved(sickness, seed), seed);
                let revealed = numbers.revealed.as_ref().unwrap();
                assert_eq!(revealed.sickness, sickness);
                let accuracy = numbers.sick.validation_accuracy;
                assert!(accuracy < 0.75 && revealed.healthy_accuracy > 0.85, "{sickness:?}: {accuracy}");
                let leading = numbers.sick.findings.iter().find(|finding| finding.leads);
                assert!(revealed.agrees, "seed {seed}, {sickness:?}: {:?}, {leading:?}", revealed.rules);
                assert_eq!((revealed.regained, revealed.points), (1.0, 100), "{sickness:?}");
            }
        }
    }

    #[test]
    fn nothing_is_given_away_before_the_answer() {
        let state = State { reveal: true, ..solved(Sickness::ConstantWeights, 0) };
        for state in [
            State { diagnosis: Diagnosis::Open, ..state.clone() },
            State { repair: Repair::None, ..state.clone() },
            State { reveal: false, ..state },
        ] {
            let numbers = fresh(&state, 0);
            let json = serde_json::to_string(&numbers).unwrap();
            assert!(numbers.revealed.is_none() && !json.contains("K006") && !json.contains("constant"), "{json}");
            let view = BreakAndRepair::view(&state, &numbers);
            assert!(!view.page.body(keel_page::Language::English).into_string().contains("K006"));
        }
    }

    #[test]
    fn a_wrong_repair_and_a_wrong_diagnosis_score_by_what_they_give_back() {
        let right = solved(Sickness::RateTooLow, 0);
        let wider = State { repair: Repair::Wider, ..right.clone() };
        let revealed = fresh(&wider, 0).revealed.unwrap();
        assert!(revealed.agrees && revealed.regained < 0.3 && revealed.points < 60, "{}", revealed.regained);
        let revealed = fresh(&State { diagnosis: Diagnosis::DeadUnits, ..right }, 0).revealed.unwrap();
        assert_eq!((revealed.agrees, revealed.points), (false, 60));
    }

    #[test]
    fn answers_do_not_depend_on_the_memory_and_pages_hold_no_gaps() {
        let mut memory = Memory::default();
        let right = solved(Sickness::RateTooHigh, 3);
        let states = [
            State::default(),
            State { repair: Repair::BatchNorm, ..State::default() },
            right.clone(),
            State { steps: 100, ..right.clone() },
            right,
        ];
        for state in states {
            let warm = BreakAndRepair::compute(&state, 3, &mut memory).unwrap();
            let cold = fresh(&state, 3);
            assert_eq!(serde_json::to_value(&warm).unwrap(), serde_json::to_value(&cold).unwrap());
            let view = BreakAndRepair::view(&state, &warm);
            for language in keel_page::Language::ALL {
                assert!(
                    !view.page.body(language).into_string().contains("NaN") && !view.status.get(language).contains('–')
                );
            }
        }
    }

    #[test]
    fn a_draft_trains_for_fewer_steps() {
        assert_eq!(BreakAndRepair::draft(&State::default()).unwrap().steps, DRAFT_STEPS);
        assert!(BreakAndRepair::draft(&State { steps: 20, ..State::default() }).is_none());
    }
}
