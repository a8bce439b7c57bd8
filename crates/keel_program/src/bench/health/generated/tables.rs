//! Generated tables.

use std::f64::consts::TAU;

use super::draws::Draws;

/// One table.
pub(super) struct Table {
    /// Name of the file.
    pub(super) name: &'static str,
    /// Generates its text, comma-separated, with a header.
    pub(super) text: fn() -> String,
}

const fn table(name: &'static str, text: fn() -> String) -> Table {
    Table { name, text }
}

/// All tables.
pub(super) const TABLES: &[Table] = &[
    table("spring.csv", || spring("seconds", 1.0)),
    table("spring_milliseconds.csv", || spring("milliseconds", 1000.0)),
    table("pumps.csv", pumps),
    table("loans.csv", loans),
    table("rings.csv", || rings(false)),
    table("rings_shuffled.csv", || rings(true)),
    table("rings_offset.csv", || scaled_rings("rings_offset", 1.0, 40.0)),
    table("rings_tiny.csv", || scaled_rings("rings_tiny", 1e-4, 0.0)),
    table("parity.csv", parity),
    table("weather.csv", weather),
    table("survey.csv", survey),
    table("rare.csv", rare),
    table("few.csv", few),
    table("interval.csv", interval),
    table("engines.csv", engines),
    table("meters.csv", meters),
    table("barometer.csv", barometer),
    table("seasons.csv", seasons),
];

/// Rows of numbers below a header.
struct Rows {
    text: String,
}

impl Rows {
    fn new(header: &str) -> Self {
        Rows { text: format!("{header}\n") }
    }

    /// Adds a row of numbers with at most five digits each, and the target as it is written.
    fn push(&mut self, features: &[f64], target: impl std::fmt::Display) {
        features.iter().for_each(|value| self.text.push_str(&format!("{},", short(*value))));
        self.text.push_str(&format!("{target}\n"));
    }
}

/// Rounds to five significant digits.
fn short(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

/// Damped oscillation over time, with `per_second` time units per second. Targets from -0.6 to 1.
fn spring(unit: &str, per_second: f64) -> String {
    let mut draws = Draws::of("spring");
    let mut rows = Rows::new(&format!("{unit},target"));
    for _ in 0..800 {
        let time = draws.uniform(0.0, 6.0);
        let place = (-time / 4.0).exp() * (1.5 * time).cos() + 0.02 * draws.normal();
        rows.push(&[time * per_second], short(place));
    }
    rows.text
}

/// Power consumption of pumps: columns in pascal, kelvin, a fraction and millimetres.
fn pumps() -> String {
    let mut draws = Draws::of("pumps");
    let mut rows = Rows::new("pressure,temperature,opening,length,target");
    for _ in 0..900 {
        let pressure = draws.uniform(1e5, 5e5);
        let temperature = draws.uniform(280.0, 360.0);
        let opening = draws.uniform(0.0, 1.0);
        let length = draws.uniform(100.0, 5000.0);
        let power = pressure / 1e5 * opening.sqrt() + (temperature - 320.0).powi(2) / 600.0 - length / 4000.0;
        rows.push(&[pressure, temperature, opening, length], short(power + 0.05 * draws.normal()));
    }
    rows.text
}

/// Loans that are paid back or not, with columns from below 1 to above 100,000.
fn loans() -> String {
    let mut draws = Draws::of("loans");
    let mut rows = Rows::new("income,age,debt_share,months,late,target");
    for _ in 0..1100 {
        let income = (10.7 + 0.5 * draws.normal()).exp();
        let age = draws.uniform(18.0, 80.0).floor();
        let share = draws.uniform(0.0, 1.0);
        let months = draws.uniform(0.0, 480.0).floor();
        let late = draws.uniform(0.0, 6.0).floor();
        let worth = (income.ln() - 10.7) * 1.5 - 3.0 * (share - 0.5) - 0.6 * (late - 2.5) + (age - 49.0).abs() / 20.0;
        let paid = worth - 0.8 + 0.3 * draws.normal() > 0.0;
        rows.push(&[income, age, share, months, late], if paid { "yes" } else { "no" });
    }
    rows.text
}

/// Returns points and the number of their ring.
fn ring_points(draws: &mut Draws) -> Vec<([f64; 2], usize)> {
    let points = (0..1050).map(|index| {
        let ring = index % 3;
        let radius = 0.6 + ring as f64 * 0.7 + 0.1 * draws.normal();
        let (sine, cosine) = draws.uniform(0.0, TAU).sin_cos();
        ([radius * cosine, radius * sine], ring)
    });
    points.collect()
}

const RING_NAMES: [&str; 3] = ["inner", "middle", "outer"];

/// Three concentric rings, with their labels or shuffled ones.
fn rings(shuffled: bool) -> String {
    let mut draws = Draws::of("rings");
    let points = ring_points(&mut draws);
    let mut labels: Vec<usize> = points.iter().map(|&(_, ring)| ring).collect();
    if shuffled {
        draws.shuffle(&mut labels);
    }
    let mut rows = Rows::new("x,y,target");
    points.iter().zip(labels).for_each(|((point, _), label)| rows.push(point, RING_NAMES[label]));
    rows.text
}

/// The rings, multiplied by `scale` and shifted by `offset`.
fn scaled_rings(name: &str, scale: f64, offset: f64) -> String {
    let mut rows = Rows::new("x,y,target");
    for (point, ring) in ring_points(&mut Draws::of(name)) {
        rows.push(&point.map(|value| value * scale + offset), RING_NAMES[ring]);
    }
    rows.text
}

/// Zeros and ones; the target is the parity of the first three of eight.
fn parity() -> String {
    let mut draws = Draws::of("parity");
    let mut rows = Rows::new("a,b,c,d,e,f,g,h,target");
    for _ in 0..1000 {
        let bits: Vec<f64> = (0..8).map(|_| f64::from(u8::from(draws.chance(0.5)))).collect();
        let odd = bits[..3].iter().sum::<f64>() % 2.0 == 1.0;
        rows.push(&bits, if odd { "odd" } else { "even" });
    }
    rows.text
}

/// A weak linear signal in noise: the best possible R2 is 0.41.
fn weather() -> String {
    let mut draws = Draws::of("weather");
    let mut rows = Rows::new("a,b,c,d,e,f,target");
    for _ in 0..1000 {
        let x = draws.normals(6);
        let signal = 0.6 * x[0] - 0.5 * x[1] + 0.3 * x[2];
        rows.push(&x, short(signal + draws.normal()));
    }
    rows.text
}

/// Two classes with a fifth of the labels wrong: the best possible accuracy is 0.8.
fn survey() -> String {
    let mut draws = Draws::of("survey");
    let mut rows = Rows::new("a,b,c,d,target");
    for _ in 0..1100 {
        let x = draws.normals(4);
        let answer = (x[0] + 0.7 * x[1] - 0.4 * x[2] > 0.0) != draws.chance(0.2);
        rows.push(&x, if answer { "yes" } else { "no" });
    }
    rows.text
}

/// Five samples of one class for each sample of the other.
fn rare() -> String {
    let mut draws = Draws::of("rare");
    let mut rows = Rows::new("a,b,c,d,target");
    for _ in 0..1200 {
        let fault = draws.chance(1.0 / 6.0);
        let mut x = draws.normals(4);
        if fault {
            x[0] += 2.5;
            x[1] -= 2.0;
        }
        rows.push(&x, if fault { "fault" } else { "sound" });
    }
    rows.text
}

/// Eighty rows.
fn few() -> String {
    let mut draws = Draws::of("few");
    let mut rows = Rows::new("a,b,c,d,target");
    for _ in 0..80 {
        let x = draws.normals(4);
        rows.push(&x, if 1.5 * x[0] - x[1] > 0.0 { "left" } else { "right" });
    }
    rows.text
}

/// One feature; the class is inside or outside an interval.
fn interval() -> String {
    let mut draws = Draws::of("interval");
    let mut rows = Rows::new("x,target");
    for _ in 0..800 {
        let x = draws.uniform(-2.0, 2.0);
        rows.push(&[x], if x.abs() < 1.0 { "inside" } else { "outside" });
    }
    rows.text
}

/// Targets of about two million.
fn engines() -> String {
    let mut draws = Draws::of("engines");
    let mut rows = Rows::new("a,b,c,d,target");
    for _ in 0..900 {
        let x = draws.normals(4);
        let output = 2e6 + 5e5 * (x[0] + x[1] * x[2] + 0.5 * x[3]) + 2e4 * draws.normal();
        rows.push(&x, output.round());
    }
    rows.text
}

/// Rows, six of which have the reading of a broken meter in the first column.
fn meters() -> String {
    let mut draws = Draws::of("meters");
    let mut rows = Rows::new("flow,level,target");
    for index in 0..1000 {
        let x = [draws.normal(), draws.normal()];
        let inside = x[0] * x[0] + 0.2 * x[1] < 0.6;
        let flow = if index % 170 == 5 { 99_999.0 } else { x[0] };
        rows.push(&[flow, x[1]], if inside { "open" } else { "shut" });
    }
    rows.text
}

/// A pressure of about a thousand, which matters little, among four columns of standard deviation 1.
fn barometer() -> String {
    let mut draws = Draws::of("barometer");
    let mut rows = Rows::new("a,b,pressure,c,d,target");
    for _ in 0..900 {
        let x = draws.normals(4);
        let pressure = 1013.0 + 8.0 * draws.normal();
        let target = x[0] * x[1] + x[2] - 0.5 * x[3] + (pressure - 1013.0) / 20.0;
        rows.push(&[x[0], x[1], pressure, x[2], x[3]], short(target + 0.05 * draws.normal()));
    }
    rows.text
}

/// Four classes ordered by day; the last begins after four fifths of the days.
fn seasons() -> String {
    let mut draws = Draws::of("seasons");
    let names = ["winter", "spring", "summer", "autumn"];
    let mut rows = Rows::new("day,warmth,light,target");
    for day in 0..1000_usize {
        let season = if day < 800 { day % 3 } else { day % 4 };
        let (sine, cosine) = (season as f64 / 4.0 * TAU).sin_cos();
        let point = [day as f64, 3.0 * cosine + draws.normal(), 3.0 * sine + draws.normal()];
        rows.push(&point, names[season]);
    }
    rows.text
}
