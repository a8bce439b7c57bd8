use keel_data::*;
use keel_train::config::HealthLevel;
use keel_train::health::Watch;
use keel_train::{Config, Event, Session, StepPlace, Training, TrainingObserver, config};
use std::time::Instant;
struct W(std::sync::Arc<std::sync::Mutex<Vec<(char, Instant)>>>);
impl TrainingObserver for W {
    fn event(&mut self, e: Event<'_>) {
        let c = match e {
            Event::Step(_) => 's',
            Event::Epoch(_) => 'e',
            Event::Checkpoint { .. } => 'c',
            _ => return,
        };
        self.0.lock().unwrap().push((c, Instant::now()));
    }
}
fn med(mut v: Vec<f64>) -> f64 {
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    // prof CONFIG.toml features batch steps
    let mut cfg: Config = config::load(Some(a[1].as_str()), &[]).unwrap();
    let (f, b, steps): (usize, usize, usize) = (a[2].parse().unwrap(), a[3].parse().unwrap(), a[4].parse().unwrap());
    cfg.train.batch_size = b;
    let pool = keel_train::threads::pool(0).unwrap();
    let n = b * steps;
    let mk = || {
        Dataset::from_memory(
            "m",
            SampleShape::Features(f),
            Inputs::Floats(
                (0..n * f).map(|i| ((i as u32).wrapping_mul(2654435761) >> 8) as f32 / 8388608.0 - 1.0).collect(),
            ),
            Targets::Classes {
                labels: (0..n).map(|i| ((i as u32).wrapping_mul(2654435761) >> 20) % 10).collect(),
                class_names: (0..10).map(|c| c.to_string()).collect(),
            },
        )
        .unwrap()
        .split(Split { validation: 0.0, test: 0.0, seed: 1 })
        .unwrap()
    };
    pool.install(|| {
        let data = mk();
        let mut sess: Vec<(Session, Option<Watch>)> = [HealthLevel::Off, HealthLevel::Standard, HealthLevel::Full]
            .into_iter()
            .map(|l| {
                let mut c = cfg.clone();
                c.health.level = l;
                let mut s = Session::new(&c, data.clone()).unwrap();
                let w = Watch::begin(&c, &mut s, 1000, None).unwrap();
                (s, w)
            })
            .collect();
        let mut loader = Loader::start(sess[0].0.training_batches().clone(), Position::default(), 1, 2).unwrap();
        let batch = loader.next().unwrap().unwrap();
        let mut t = vec![vec![]; 4];
        for step in 0..(steps as u64).max(30) {
            let p = StepPlace { step, epoch: 0, learning_rate: 1e-3 };
            for (i, (s, w)) in sess.iter_mut().enumerate() {
                let st = Instant::now();
                match w {
                    None => {
                        s.step(&batch, step, 1e-3);
                    }
                    Some(w) => {
                        s.step_observed(&batch, p, w);
                    }
                }
                t[i].push(st.elapsed().as_secs_f64() * 1e3);
            }
        }
        println!(
            "fixed batch: off {:.3}  standard {:.3} full {:.3} (means {:.3} {:.3} {:.3})",
            med(t[0].clone()),
            med(t[1].clone()),
            med(t[2].clone()),
            t[0].iter().sum::<f64>() / t[0].len() as f64,
            t[1].iter().sum::<f64>() / t[1].len() as f64,
            t[2].iter().sum::<f64>() / t[2].len() as f64
        );
    });
    for l in [HealthLevel::Off, HealthLevel::Standard] {
        let mut c = cfg.clone();
        c.health.level = l;
        c.train.epochs = 3;
        let v = std::sync::Arc::new(std::sync::Mutex::new(vec![]));
        Training::new(c).with_data(mk()).run_in_memory(&mut W(v.clone())).unwrap();
        let v = v.lock().unwrap();
        let mut d = vec![];
        let mut ends = vec![];
        for w in v.windows(2) {
            let dt = (w[1].1 - w[0].1).as_secs_f64() * 1e3;
            match (w[0].0, w[1].0) {
                ('s', 's') => d.push(dt),
                (_, _) => ends.push((w[0].0, w[1].0, (dt * 10.0).round() / 10.0)),
            }
        }
        println!(
            "{l:?}: step-to-step median {:.3} mean {:.3}; others {ends:?}",
            med(d.clone()),
            d.iter().sum::<f64>() / d.len() as f64
        );
    }
}
