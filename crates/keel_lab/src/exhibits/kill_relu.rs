//! One relu unit over a cloud of points: kill it with too large a step, then try to revive it.

use keel_nn::RandomKey;
use keel_page::Text;
use keel_page::charts::{Marks, Plot, Point, Scale, Series, number, points};
use keel_page::page::{Page, Part};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::exhibit::{Control, Exhibit, ExhibitEntry, Preset, View};
use crate::experiment::Chapter;
use crate::experiments::activation_functions::dead_relu::page::{cloud, hyperplane};
use crate::experiments::activation_functions::dead_relu::unit::{self, Plane, START, Unit};

pub(crate) const ENTRY: ExhibitEntry = ExhibitEntry::of::<KillRelu>();

struct KillRelu;

impl Exhibit for KillRelu {
    const NAME: &'static str = "kill_relu";
    const TITLE: [&'static str; 2] = ["Kill a relu, and try to revive it", "杀死一个 ReLU，再试着救活它"];
    const SUMMARY: [&'static str; 2] = [
        "One relu unit, its hyperplane and a cloud of points. One step at too high a rate throws the plane off the cloud; more \
         training cannot bring it back, but a change of the bias or a slope below zero can.",
        "一个 ReLU 单元、它的超平面与一团数据点。学习率过大时，一步就把平面甩到点云之外；继续训练救不回来，手动移动偏置或给负半轴一点斜率才行。",
    ];
    const CHAPTER: Chapter = Chapter::Activations;
    const EXPERIMENT: &'static str = "dead_relu";

    type State = State;
    type Numbers = Numbers;
    type Memory = ();

    fn compute(state: &State, seed: u64, _memory: &mut ()) -> Result<Numbers, LabError> {
        let points = unit::cloud(RandomKey::new(seed).named("unit"));
        let start = Unit { weights: [state.first_weight, state.second_weight], bias: state.bias, slope: 0.0 };
        let mut history = vec![Moment { step: 0, plane: start.plane(&points) }];
        let trained = train(&mut history, start, state.learning_rate, state.steps, &points);
        let pushed = Unit { bias: trained.bias + state.push, slope: state.slope, ..trained };
        let before = trained.plane(&points);
        // Without an intervention, no second point is needed at the same step.
        if state.push != 0.0 || state.slope != 0.0 {
            history.push(Moment { step: state.steps, plane: pushed.plane(&points) });
        }
        let now = train(&mut history, pushed, state.later_rate, state.more_steps, &points).plane(&points);
        let at = |place: u32| {
            let push = PUSH * (2.0 * f64::from(place) / f64::from(PLACES) - 1.0);
            let Plane { loss, gradient, .. } =
                Unit { bias: trained.bias + push, slope: state.slope, ..trained }.plane(&points);
            Pushed { push, loss, gradient }
        };
        let pushed = pushed.plane(&points);
        let numbers = Numbers { by_push: (0..=PLACES).map(at).collect(), before, pushed, now, history, points };
        if numbers.is_finite() {
            Ok(numbers)
        } else {
            Err(LabError::NotFinite { experiment: Self::NAME, what: "the unit".to_owned() })
        }
    }

    fn view(state: &State, numbers: &Numbers) -> View {
        let page = Page::new()
            .plot(
                Text::new(
                    "The cloud, the hyperplane w·x + b = 0 and its firing side (green: alive, red: dead; no colour: it lies off the \
                     picture). The arrow is the weight vector at the start: drag its tip. Dashed: the hyperplane at the start.",
                    "点云、超平面 w·x + b = 0 与激活的一侧（绿：活；红：死；没有颜色：已在图外）。箭头是起始的权重向量，可拖动箭尖。虚线为起始的超平面。",
                ),
                picture(state, numbers),
            )
            .plot(
                Text::new(
                    "Loss and length of the gradient, by the number added to the bias after the first training. Drag sideways \
                     to add one. Where the gradient is exactly 0 the loss is flat, and training stands still.",
                    "第一段训练之后手动移动偏置：损失与梯度长度随所加数值的变化。左右拖动。梯度恰为 0 的地方损失是平的，训练原地不动。",
                ),
                by_push(state, numbers),
            )
            .side_by_side(
                Text::new(
                    "The unit over all steps: first those with relu, then those after your intervention.",
                    "全部步数中的单元：先是用 ReLU 训练的各步，然后是干预之后的各步。",
                ),
                vec![
                    Part::new(
                        Text::new("share of points that are positive", "为正的点的比例"),
                        course(numbers, |plane| plane.active_fraction),
                    ),
                    Part::new(Text::new("length of the gradient", "梯度长度"), course(numbers, |plane| plane.gradient)),
                    Part::new(Text::new("loss", "损失"), course(numbers, |plane| plane.loss)),
                ],
            );
        View { status: status(state, numbers), page }
    }

    fn controls() -> Vec<Control> {
        let slider = |knob, label, scale| Control::Slider { knob, label, scale };
        vec![
            Control::Presets { label: Text::new("Try", "试一试"), presets: presets() },
            slider("first_weight", Text::new("First weight at the start", "起始的第一个权重"), Scale::Linear),
            slider("second_weight", Text::new("Second weight at the start", "起始的第二个权重"), Scale::Linear),
            slider("bias", Text::new("Bias at the start", "起始偏置"), Scale::Linear),
            slider("learning_rate", Text::new("Learning rate", "学习率"), Scale::Logarithmic),
            Control::Play { knob: "steps", label: Text::new("Train", "训练"), step: 1 },
            slider("steps", Text::new("Steps", "步数"), Scale::Linear),
            slider("push", Text::new("Push of the bias by hand", "手动给偏置加上"), Scale::Linear),
            slider("slope", Text::new("Slope below zero from then on", "此后负半轴的斜率"), Scale::Linear),
            slider("later_rate", Text::new("Learning rate from then on", "此后的学习率"), Scale::Logarithmic),
            Control::Play { knob: "more_steps", label: Text::new("Train on", "继续训练"), step: 10 },
            slider("more_steps", Text::new("More steps", "继续的步数"), Scale::Linear),
            Control::Drag { figure: 1, x: Some("first_weight"), y: Some("second_weight") },
            Control::Drag { figure: 2, x: Some("push"), y: None },
        ]
    }
}

/// Maximum manual push, and the number of points at which loss and gradient are drawn.
const PUSH: f64 = 8.0;
const PLACES: u32 = 160;

/// Knobs of the exhibit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct State {
    /// First weight of the unit before training.
    #[schemars(extend("zh" = "训练前单元的第一个权重。"))]
    #[schemars(range(min = -3.0, max = 3.0))]
    first_weight: f64,
    /// Second weight of the unit before training.
    #[schemars(extend("zh" = "训练前单元的第二个权重。"))]
    #[schemars(range(min = -3.0, max = 3.0))]
    second_weight: f64,
    /// Bias of the unit before training.
    #[schemars(extend("zh" = "训练前单元的偏置。"))]
    #[schemars(range(min = -6.0, max = 6.0))]
    bias: f64,
    /// Learning rate with relu.
    #[schemars(extend("zh" = "用 ReLU 训练时的学习率。"))]
    #[schemars(range(min = 0.1, max = 30.0))]
    learning_rate: f64,
    /// Number of training steps with relu.
    #[schemars(extend("zh" = "用 ReLU 训练的步数。"))]
    #[schemars(range(min = 0, max = 50))]
    steps: usize,
    /// Number added to the bias by hand after these steps.
    #[schemars(extend("zh" = "这些步之后手动加到偏置上的数。"))]
    #[schemars(range(min = -8.0, max = 8.0))]
    push: f64,
    /// Slope of the activation below zero from then on: 0 is relu, 0.1 the leaky relu of the slide.
    #[schemars(extend("zh" = "此后激活函数在负半轴的斜率：0 为 ReLU，0.1 为课件上的 Leaky ReLU。"))]
    #[schemars(range(min = 0.0, max = 0.3))]
    slope: f64,
    /// Learning rate from then on.
    #[schemars(extend("zh" = "此后的学习率。"))]
    #[schemars(range(min = 0.1, max = 30.0))]
    later_rate: f64,
    /// Number of training steps from then on.
    #[schemars(extend("zh" = "此后训练的步数。"))]
    #[schemars(range(min = 0, max = 300))]
    more_steps: usize,
}

impl Default for State {
    fn default() -> Self {
        let [first_weight, second_weight] = START;
        State {
            first_weight,
            second_weight,
            bias: 0.0,
            learning_rate: 7.0,
            steps: 0,
            push: 0.0,
            slope: 0.0,
            later_rate: 1.0,
            more_steps: 0,
        }
    }
}

/// Numbers of the figures.
#[derive(Debug, PartialEq, Serialize)]
struct Numbers {
    points: Vec<[f64; 2]>,
    /// Moments from the start to the last step.
    history: Vec<Moment>,
    /// After the steps with relu, before any intervention.
    before: Plane,
    /// After the intervention, before any other step.
    pushed: Plane,
    /// After the last step.
    now: Plane,
    by_push: Vec<Pushed>,
}

/// The unit after some steps.
#[derive(Debug, PartialEq, Serialize)]
struct Moment {
    step: usize,
    plane: Plane,
}

/// The unit after the steps with relu, with an offset added to its bias.
#[derive(Debug, PartialEq, Serialize)]
struct Pushed {
    push: f64,
    loss: f64,
    gradient: f64,
}

impl Numbers {
    fn is_finite(&self) -> bool {
        let history = self.history.iter().all(|moment| moment.plane.loss.is_finite());
        history && self.by_push.iter().all(|one| one.loss.is_finite() && one.gradient.is_finite())
    }

    /// Returns the first step after which the unit was positive for no point.
    fn death(&self) -> Option<usize> {
        self.history.iter().find(|moment| moment.plane.active_fraction == 0.0).map(|moment| moment.step)
    }

    /// Describes how the unit came to be positive for no point.
    fn fate(&self) -> Text {
        let is_dead = |plane: &Plane| plane.active_fraction == 0.0;
        match self.death() {
            None => Text::new("The unit lives", "单元活着"),
            Some(0) if is_dead(&self.history[0].plane) => Text::new("The unit starts dead", "单元一开始就是死的"),
            Some(_) if is_dead(&self.pushed) && !is_dead(&self.before) => {
                Text::new("Your change of the bias killed the unit", "手动移动偏置使单元死亡")
            }
            Some(step) => Text::new(format!("Step {step} killed the unit"), format!("第 {step} 步使单元死亡")),
        }
    }
}

/// Takes steps of one size and records each.
fn train(history: &mut Vec<Moment>, start: Unit, learning_rate: f64, steps: usize, points: &[[f64; 2]]) -> Unit {
    let first = history.last().map_or(0, |moment| moment.step);
    let mut unit = start;
    for step in 1..=steps {
        unit = unit.stepped(points, learning_rate);
        history.push(Moment { step: first + step, plane: unit.plane(points) });
    }
    unit
}

fn presets() -> Vec<Preset> {
    let preset = |label, settings: &[(&'static str, serde_json::Value)]| Preset { label, settings: settings.to_vec() };
    let untouched = [("push", 0.0.into()), ("slope", 0.0.into()), ("more_steps", 0.into())];
    let rate =
        |rate: f64, steps: u64| [&[("learning_rate", rate.into()), ("steps", steps.into())], &untouched[..]].concat();
    vec![
        preset(Text::new("train gently", "平稳训练"), &rate(1.5, 20)),
        preset(Text::new("one step too large", "一步过大"), &rate(7.0, 1)),
        preset(
            Text::new("train on", "继续训练"),
            &[("push", 0.0.into()), ("slope", 0.0.into()), ("more_steps", 200.into())],
        ),
        preset(
            Text::new("push the bias", "移动偏置"),
            &[("push", 4.0.into()), ("slope", 0.0.into()), ("more_steps", 100.into())],
        ),
        preset(
            Text::new("leaky relu", "换成 Leaky ReLU"),
            &[("push", 0.0.into()), ("slope", 0.1.into()), ("more_steps", 300.into())],
        ),
    ]
}

fn status(state: &State, numbers: &Numbers) -> Text {
    let Numbers { pushed, now, .. } = numbers;
    let (gradient, loss) = (number(now.gradient), number(now.loss));
    let share = format!("{:.0} %", 100.0 * now.active_fraction);
    let (more, slope) = (state.more_steps, number(state.slope));
    let fate = numbers.fate();
    use keel_page::Language::{Chinese, English};
    let (en, zh) = (fate.get(English), fate.get(Chinese));
    let (english, chinese) = match () {
        () if now.active_fraction > 0.0 && numbers.death().is_some() => (
            format!("{en}, and it is back: positive for {share} of the points, gradient {gradient}, loss {loss}."),
            format!("{zh}，现已救活：对 {share} 的点为正，梯度 {gradient}，损失 {loss}。"),
        ),
        () if now.active_fraction > 0.0 => (
            format!("The unit lives: positive for {share} of the points, gradient {gradient}, loss {loss}."),
            format!("单元活着：对 {share} 的点为正，梯度 {gradient}，损失 {loss}。"),
        ),
        () if now.gradient > 0.0 => (
            format!(
                "{en}: it is positive for none of the points; but the slope {slope} below zero lets a gradient of {gradient} \
                 through, so training can move it."
            ),
            format!(
                "{zh}：它对所有点都不为正；但负半轴的斜率 {slope} 让大小为 {gradient} 的梯度通过，训练可以移动它。"
            ),
        ),
        () if more > 0 && now == pushed => (
            format!(
                "{en}: it is positive for none of the points, its gradient is exactly 0, and {more} more steps have not moved it by \
                 a single digit."
            ),
            format!("{zh}：它对所有点都不为正，梯度恰好为 0，再训练 {more} 步，数值完全不变。"),
        ),
        () => (
            format!("{en}: it is positive for none of the points, and its gradient is exactly {gradient}."),
            format!("{zh}：它对所有点都不为正，梯度恰好为 {gradient}。"),
        ),
    };
    Text::new(english, chinese)
}

fn picture(state: &State, numbers: &Numbers) -> Plot {
    let tip = (state.first_weight, state.second_weight);
    let plot = cloud(&numbers.points, &numbers.now);
    let start = numbers.history.first().map(|moment| hyperplane(&moment.plane)).unwrap_or_default();
    let plot = if numbers.history.len() > 1 {
        plot.with(
            Series::new(Text::new("hyperplane at the start", "起始超平面"), start, Marks::Dashed)
                .coloured(5)
                .extended(),
        )
    } else {
        plot
    };
    plot.with(
        Series::new(Text::new("weights at the start", "起始权重"), vec![(0.0, 0.0), tip], Marks::Arrow).coloured(5),
    )
    .with(Series::new(Text::new("their end, to drag", "其端点，可拖动"), vec![tip], Marks::Handle).coloured(5))
}

fn by_push(state: &State, numbers: &Numbers) -> Plot {
    let curve = |y: fn(&Pushed) -> f64| points(&numbers.by_push, |one| one.push, y);
    let gradient = numbers.pushed.gradient;
    let top = (1.2 * gradient).max(TOP);
    Plot::new(Text::new("added to the bias", "加到偏置上的数"), Text::new("loss and gradient", "损失与梯度"))
        .x_range(-PUSH, PUSH)
        .y_range(-0.05 * top, top)
        .with(Series::new(Text::new("loss", "损失"), curve(|one| one.loss), Marks::Line).extended())
        .with(
            Series::new(Text::new("length of the gradient", "梯度长度"), curve(|one| one.gradient), Marks::Line)
                .extended(),
        )
        .with(Series::new(Text::new("your hand", "手动移动"), vec![(state.push, gradient)], Marks::Handle))
}

/// Height of the chart of losses: losses of units far above zero would leave no space for the others.
const TOP: f64 = 2.0;

fn course(numbers: &Numbers, y: fn(&Plane) -> f64) -> Plot {
    let curve: Vec<Point> = numbers.history.iter().map(|moment| (moment.step as f64, y(&moment.plane))).collect();
    Plot::new(Text::new("step", "步"), Text::new("value", "数值"))
        .with(Series::new(Text::new("unit", "单元"), curve, Marks::Line))
        .small()
}

#[cfg(test)]
mod tests {
    use keel_page::Language;

    use super::*;

    fn compute(state: &State, seed: u64) -> Numbers {
        KillRelu::compute(state, seed, &mut ()).unwrap()
    }

    fn status_of(state: &State) -> String {
        status(state, &compute(state, 1)).get(Language::English).to_owned()
    }

    fn dead() -> State {
        State { learning_rate: 7.0, steps: 1, ..State::default() }
    }

    #[test]
    fn one_large_step_kills_and_training_on_changes_no_digit() {
        for seed in 0..20 {
            let alive = compute(&State { learning_rate: 1.5, steps: 20, ..State::default() }, seed);
            assert!(
                alive.now.active_fraction > 0.1 && alive.now.loss < 0.1 * alive.history[0].plane.loss,
                "seed {seed}"
            );
            let numbers = compute(&State { more_steps: 300, ..dead() }, seed);
            assert_eq!((numbers.now.active_fraction, numbers.now.gradient), (0.0, 0.0), "seed {seed}");
            assert_eq!(numbers.now, numbers.before, "seed {seed}");
            assert_eq!(numbers.history.len(), 302);
            assert_eq!(numbers.death(), Some(1));
        }
    }

    #[test]
    fn a_push_or_a_slope_below_zero_revives() {
        for seed in 0..20 {
            let pushed = compute(&State { push: 4.0, more_steps: 100, ..dead() }, seed);
            assert!(pushed.now.active_fraction > 0.1, "seed {seed}: {:?}", pushed.now);
            assert!(pushed.now.loss < 0.01 * pushed.before.loss, "seed {seed}: {:?}", pushed.now);
            let still = compute(&State { slope: 0.1, ..dead() }, seed);
            assert!(still.now.active_fraction == 0.0 && still.now.gradient > 0.0, "seed {seed}");
            let leaky = compute(&State { slope: 0.1, more_steps: 300, ..dead() }, seed);
            assert!(leaky.now.active_fraction > 0.1, "seed {seed}: {:?}", leaky.now);
        }
        let flat = compute(&dead(), 0).by_push;
        assert!(flat.iter().filter(|one| one.push <= 0.0).all(|one| one.gradient == 0.0 && one.loss == flat[0].loss));
        assert!(flat.iter().any(|one| one.gradient > 0.0));
    }

    #[test]
    fn the_status_follows_the_unit() {
        let cases = [
            (State::default(), "The unit lives: positive for"),
            (dead(), "Step 1 killed the unit: it is positive for none of the points, and its gradient is exactly 0."),
            (State { more_steps: 200, ..dead() }, "200 more steps have not moved it"),
            (State { slope: 0.1, ..dead() }, "the slope 0.1 below zero lets a gradient of"),
            (State { push: 4.0, more_steps: 100, ..dead() }, "Step 1 killed the unit, and it is back"),
            (State { bias: -6.0, ..State::default() }, "The unit starts dead"),
            (State { push: -8.0, ..State::default() }, "Your change of the bias killed the unit"),
        ];
        for (state, words) in cases {
            assert!(status_of(&state).contains(words), "{words}: {}", status_of(&state));
        }
    }

    #[test]
    fn no_corner_of_the_knobs_shows_nan() {
        for weight in [-3.0, 0.0, 3.0] {
            for rate in [0.1, 30.0] {
                for (bias, slope) in [(6.0, 0.3), (-6.0, 0.0), (0.0, 0.1)] {
                    let state = State {
                        first_weight: weight,
                        second_weight: weight,
                        bias,
                        learning_rate: rate,
                        steps: 50,
                        push: 8.0,
                        slope,
                        later_rate: rate,
                        more_steps: 300,
                    };
                    match KillRelu::compute(&state, 0, &mut ()) {
                        Ok(numbers) => {
                            assert!(
                                !KillRelu::view(&state, &numbers)
                                    .page
                                    .body(Language::English)
                                    .into_string()
                                    .contains("NaN")
                            )
                        }
                        Err(error) => assert!(error.to_string().contains("not finite"), "{error}"),
                    }
                }
            }
        }
    }
}
