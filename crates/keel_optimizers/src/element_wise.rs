//! The loop that every update rule shares: new values, new slots and the sums of squares for the norms.

/// Number of running sums per loop iteration; wide enough for the widest vectors, so that sums are vectors too.
const LANES: usize = 16;

type Block = [f32; LANES];

/// New value and new slots of one parameter.
pub(super) struct Update {
    pub(super) value: f32,
    pub(super) slots: [f32; 2],
}

/// An update rule: a pure function of one parameter, its gradient and its slots.
pub(super) trait Rule: Sync {
    /// Updates one parameter. `decay` is its weight decay, 0 if it is exempt. `gradient` is already clipped.
    fn element(&self, value: f32, gradient: f32, decay: f32, slots: [f32; 2]) -> Update;
}

/// Equal ranges of the parameter buffer, the gradient buffer and the slot buffers; unused slots are empty.
pub(super) struct Stretch<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) gradients: &'a [f32],
    pub(super) slots: [&'a mut [f32]; 2],
}

impl<'a> Stretch<'a> {
    /// Splits into the first `middle` parameters and the rest.
    pub(super) fn split(self, middle: usize) -> (Self, Self) {
        let (left, right) = self.values.split_at_mut(middle);
        let (left_gradients, right_gradients) = self.gradients.split_at(middle);
        let [first, second] = self.slots.map(|slot| {
            let middle = middle.min(slot.len());
            slot.split_at_mut(middle)
        });
        (
            Stretch { values: left, gradients: left_gradients, slots: [first.0, second.0] },
            Stretch { values: right, gradients: right_gradients, slots: [first.1, second.1] },
        )
    }
}

/// Factors of the gradients and the values of a range.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    pub(super) gradient_scale: f32,
    pub(super) decay: f32,
}

/// Sums of squares of the old values, the unclipped gradients and the updates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Squares {
    pub(super) values: f64,
    pub(super) gradients: f64,
    pub(super) updates: f64,
}

/// Updates a range in place. The sums are taken in a fixed order of [`LANES`] interleaved partial sums.
#[inline(always)]
pub(super) fn update<R: Rule>(rule: &R, factors: Factors, stretch: Stretch<'_>) -> Squares {
    let Stretch { values, gradients, slots: [first, second] } = stretch;
    match (first.is_empty(), second.is_empty()) {
        (true, _) => run::<R, 0>(rule, factors, values, gradients, [&mut [], &mut []]),
        (false, true) => run::<R, 1>(rule, factors, values, gradients, [first, &mut []]),
        (false, false) => run::<R, 2>(rule, factors, values, gradients, [first, second]),
    }
}

#[inline(always)]
fn run<R: Rule, const SLOTS: usize>(
    rule: &R,
    factors: Factors,
    values: &mut [f32],
    gradients: &[f32],
    [first, second]: [&mut [f32]; 2],
) -> Squares {
    let length = values.len();
    assert!(gradients.len() == length, "{} gradients for {length} parameters", gradients.len());
    assert!(SLOTS < 1 || first.len() == length, "slot of {} for {length} parameters", first.len());
    assert!(SLOTS < 2 || second.len() == length, "slot of {} for {length} parameters", second.len());
    let mut sums = [[0.0f32; LANES]; 3];
    let (blocks, rest) = values.as_chunks_mut();
    let (gradient_blocks, rest_of_gradients) = gradients.as_chunks();
    let (first_blocks, rest_of_first) = first.as_chunks_mut();
    let (second_blocks, rest_of_second) = second.as_chunks_mut();
    let mut none = [[0.0; LANES]; 2];
    let [none_first, none_second] = &mut none;
    for (index, (values, gradients)) in blocks.iter_mut().zip(gradient_blocks).enumerate() {
        let first = if SLOTS > 0 { &mut first_blocks[index] } else { &mut *none_first };
        let second = if SLOTS > 1 { &mut second_blocks[index] } else { &mut *none_second };
        update_block(rule, factors, Blocks { values, gradients, first, second, lanes: LANES }, &mut sums);
    }
    if !rest.is_empty() {
        let mut values = padded(rest);
        let gradients = padded(rest_of_gradients);
        let (mut first, mut second) = (padded(rest_of_first), padded(rest_of_second));
        let blocks = Blocks {
            values: &mut values,
            gradients: &gradients,
            first: &mut first,
            second: &mut second,
            lanes: rest.len(),
        };
        update_block(rule, factors, blocks, &mut sums);
        rest.copy_from_slice(&values[..rest.len()]);
        rest_of_first.copy_from_slice(&first[..rest_of_first.len()]);
        rest_of_second.copy_from_slice(&second[..rest_of_second.len()]);
    }
    let total = |lanes: &[f32; LANES]| lanes.iter().map(|&sum| f64::from(sum)).sum();
    Squares { values: total(&sums[0]), gradients: total(&sums[1]), updates: total(&sums[2]) }
}

/// Parameters with their gradients and slots. Arrays, so that the compiler vectorises their loops.
struct Blocks<'a> {
    values: &'a mut Block,
    gradients: &'a Block,
    first: &'a mut Block,
    second: &'a mut Block,
    /// Number of lanes in use, from the first.
    lanes: usize,
}

/// Updates the lanes in use and adds the squares of values, gradients and updates to `sums`.
#[inline(always)]
fn update_block<R: Rule>(rule: &R, factors: Factors, blocks: Blocks<'_>, sums: &mut [Block; 3]) {
    let Blocks { values, gradients, first, second, lanes } = blocks;
    for lane in 0..lanes {
        let (value, gradient) = (values[lane], gradients[lane]);
        let slots = [first[lane], second[lane]];
        let new = rule.element(value, gradient * factors.gradient_scale, factors.decay, slots);
        (values[lane], first[lane], second[lane]) = (new.value, new.slots[0], new.slots[1]);
        let change = new.value - value;
        sums[0][lane] += value * value;
        sums[1][lane] += gradient * gradient;
        sums[2][lane] += change * change;
    }
}

/// Pads the values with zeros.
fn padded(values: &[f32]) -> Block {
    let mut block = [0.0; LANES];
    block[..values.len()].copy_from_slice(values);
    block
}
