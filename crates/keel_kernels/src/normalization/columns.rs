//! Loops over the columns of `[rows, channels]`, vectorised for any number of channels.
//!
//! Few channels are handled several rows at a time: `lcm(channels, WIDTH)` neighbouring floats form one wide row in
//! which lane `i` belongs to channel `i % channels`. Everything here is `#[inline(always)]`, to be called inside
//! [`crate::simd::Level::run`].

/// Columns whose sums are kept in registers at once.
const WIDTH: usize = 32;

/// Sums over the rows of one chunk: `first[c]` and `second[c]` become the sums of both numbers of
/// `terms(a, x, [tables[0][c], ...])` over all rows, taken in an order that depends on the sizes alone.
///
/// `a` and `x` are `[rows, channels]`, each table, `first` and `second` `[channels]`.
#[inline(always)]
pub fn paired_sums<const TABLES: usize>(
    (a, x): (&[f32], &[f32]),
    tables: [&[f32]; TABLES],
    terms: impl Fn(f32, f32, [f32; TABLES]) -> [f32; 2] + Copy,
    (first, second): (&mut [f32], &mut [f32]),
) {
    let channels = first.len();
    assert!(tables.iter().all(|table| table.len() == channels), "tables");
    assert_eq!(a.len(), x.len(), "two inputs");
    assert_eq!((first.len(), second.len(), x.len() % channels), (channels, channels, 0), "channels");
    first.fill(0.0);
    second.fill(0.0);
    let wide = wide_row(channels, x.len());
    let body = x.len() / wide * wide;
    let mut column = 0;
    while column + WIDTH <= wide {
        sum_block::<WIDTH, TABLES>((&a[..body], &x[..body]), tables, (column, wide), terms, (first, second));
        column += WIDTH;
    }
    while column + 8 <= wide {
        sum_block::<8, TABLES>((&a[..body], &x[..body]), tables, (column, wide), terms, (first, second));
        column += 8;
    }
    while column < wide {
        sum_block::<1, TABLES>((&a[..body], &x[..body]), tables, (column, wide), terms, (first, second));
        column += 1;
    }
    for (a, x) in a[body..].chunks_exact(channels).zip(x[body..].chunks_exact(channels)) {
        for c in 0..channels {
            let [one, two] = terms(a[c], x[c], tables.map(|table| table[c]));
            first[c] += one;
            second[c] += two;
        }
    }
}

/// Writes `map(a, x, [tables[0][c], tables[1][c], ...])` for every element to `y`; `a`, `x` and `y` are
/// `[rows, channels]`, each table `[channels]`.
#[inline(always)]
pub fn map_columns<const TABLES: usize>(
    (a, x): (&[f32], &[f32]),
    tables: [&[f32]; TABLES],
    map: impl Fn(f32, f32, [f32; TABLES]) -> f32 + Copy,
    y: &mut [f32],
) {
    let channels = tables[0].len();
    assert!(tables.iter().all(|table| table.len() == channels), "tables");
    assert_eq!((a.len(), x.len(), x.len() % channels), (y.len(), y.len(), 0), "rows");
    let wide = wide_row(channels, x.len());
    let body = x.len() / wide * wide;
    let mut column = 0;
    while column + 16 <= wide {
        map_block::<16, TABLES>((&a[..body], &x[..body]), tables, (column, wide), map, &mut y[..body]);
        column += 16;
    }
    while column + 4 <= wide {
        map_block::<4, TABLES>((&a[..body], &x[..body]), tables, (column, wide), map, &mut y[..body]);
        column += 4;
    }
    while column < wide {
        map_block::<1, TABLES>((&a[..body], &x[..body]), tables, (column, wide), map, &mut y[..body]);
        column += 1;
    }
    let rows = a[body..].chunks_exact(channels).zip(x[body..].chunks_exact(channels));
    for ((a, x), y) in rows.zip(y[body..].chunks_exact_mut(channels)) {
        for c in 0..channels {
            y[c] = map(a[c], x[c], tables.map(|table| table[c]));
        }
    }
}

/// Floats of a wide row: whole vectors for few channels, one row for many or where there is too little data.
#[inline(always)]
pub(crate) fn wide_row(channels: usize, length: usize) -> usize {
    if channels >= WIDTH {
        return channels;
    }
    let wide = (channels * WIDTH) >> channels.trailing_zeros();
    if wide <= length { wide } else { channels }
}

#[inline(always)]
fn sum_block<const LANES: usize, const TABLES: usize>(
    (a, x): (&[f32], &[f32]),
    tables: [&[f32]; TABLES],
    (column, wide): (usize, usize),
    terms: impl Fn(f32, f32, [f32; TABLES]) -> [f32; 2] + Copy,
    (first, second): (&mut [f32], &mut [f32]),
) {
    let tables = blocks::<LANES, TABLES>(tables, column);
    let (mut one, mut two) = ([0.0f32; LANES], [0.0f32; LANES]);
    for (a, x) in a.chunks_exact(wide).zip(x.chunks_exact(wide)) {
        let (a, x) = (lanes::<LANES>(a, column), lanes::<LANES>(x, column));
        for lane in 0..LANES {
            let [p, q] = terms(a[lane], x[lane], lane_of(&tables, lane));
            one[lane] += p;
            two[lane] += q;
        }
    }
    let channels = first.len();
    for lane in 0..LANES {
        first[(column + lane) % channels] += one[lane];
        second[(column + lane) % channels] += two[lane];
    }
}

#[inline(always)]
fn map_block<const LANES: usize, const TABLES: usize>(
    (a, x): (&[f32], &[f32]),
    tables: [&[f32]; TABLES],
    (column, wide): (usize, usize),
    map: impl Fn(f32, f32, [f32; TABLES]) -> f32 + Copy,
    y: &mut [f32],
) {
    let tables = blocks::<LANES, TABLES>(tables, column);
    for ((a, x), y) in a.chunks_exact(wide).zip(x.chunks_exact(wide)).zip(y.chunks_exact_mut(wide)) {
        let (a, x) = (lanes::<LANES>(a, column), lanes::<LANES>(x, column));
        let mut result = [0.0f32; LANES];
        for lane in 0..LANES {
            result[lane] = map(a[lane], x[lane], lane_of(&tables, lane));
        }
        y[column..column + LANES].copy_from_slice(&result);
    }
}

#[inline(always)]
pub(crate) fn lanes<const LANES: usize>(row: &[f32], column: usize) -> &[f32; LANES] {
    row[column..].first_chunk().expect("a block lies inside its row")
}

/// `table[column..]` of each table, starting over at its end. Written out, as [`lane_of`]: a closure handed to `map` or
/// `from_fn` is compiled without the wide vectors of its caller.
#[inline(always)]
pub(crate) fn blocks<const LANES: usize, const TABLES: usize>(
    tables: [&[f32]; TABLES],
    column: usize,
) -> [[f32; LANES]; TABLES] {
    let mut blocks = [[0.0; LANES]; TABLES];
    for (block, table) in blocks.iter_mut().zip(tables) {
        if let Some(whole) = table.get(column..column + LANES) {
            block.copy_from_slice(whole);
            continue;
        }
        for (lane, value) in block.iter_mut().enumerate() {
            *value = table[(column + lane) % table.len()];
        }
    }
    blocks
}

/// One lane of every block.
#[inline(always)]
pub(crate) fn lane_of<const LANES: usize, const TABLES: usize>(
    blocks: &[[f32; LANES]; TABLES],
    lane: usize,
) -> [f32; TABLES] {
    let mut values = [0.0; TABLES];
    for (value, block) in values.iter_mut().zip(blocks) {
        *value = block[lane];
    }
    values
}
