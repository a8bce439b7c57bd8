//! The loop every update rule shares: new values, new slots and the sums of squares the norms are made of.

/// Running sums per loop iteration; wide enough for the widest vectors, so that sums are vectors too.
const LANES: usize = 16;

/// What a rule makes of one parameter.
pub(super) struct Update {
    pub(super) value: f32,
    pub(super) slots: [f32; 2],
}

/// An update rule: a pure function of one parameter, its gradient and its slots.
pub(super) trait Rule: Sync {
    /// `decay` is the weight decay of this parameter, 0 where it is exempt. `gradient` is already clipped.
    fn element(&self, value: f32, gradient: f32, decay: f32, slots: [f32; 2]) -> Update;
}

/// Equal stretches of the parameter buffer, the gradient buffer and the slot buffers; unused slots are empty.
pub(super) struct Stretch<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) gradients: &'a [f32],
    pub(super) slots: [&'a mut [f32]; 2],
}

impl<'a> Stretch<'a> {
    /// The first `middle` parameters and the rest.
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

/// What multiplies gradients and values of a stretch.
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

/// Updates a stretch in place. The sums are taken in a fixed order of [`LANES`] interleaved partial sums.
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
    let mut start = 0;
    while start < length {
        let width = LANES.min(length - start);
        for lane in 0..width {
            let index = start + lane;
            let (value, gradient) = (values[index], gradients[index]);
            let old = [if SLOTS > 0 { first[index] } else { 0.0 }, if SLOTS > 1 { second[index] } else { 0.0 }];
            let new = rule.element(value, gradient * factors.gradient_scale, factors.decay, old);
            values[index] = new.value;
            if SLOTS > 0 {
                first[index] = new.slots[0];
            }
            if SLOTS > 1 {
                second[index] = new.slots[1];
            }
            let change = new.value - value;
            sums[0][lane] += value * value;
            sums[1][lane] += gradient * gradient;
            sums[2][lane] += change * change;
        }
        start += width;
    }
    let total = |lanes: &[f32; LANES]| lanes.iter().map(|&sum| f64::from(sum)).sum();
    Squares { values: total(&sums[0]), gradients: total(&sums[1]), updates: total(&sums[2]) }
}
