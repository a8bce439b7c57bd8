//! A training step allocates nothing: forward, loss, backward and update use memory that was allocated beforehand.

use keel_data::{Batch, Batches, Position};
use keel_testkit::{CountingAllocator, count_allocations};
use keel_train::{Session, config, load_data, threads};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[test]
fn a_step_after_the_first_allocates_nothing() {
    let cases: [&[&str]; 4] = [
        &["model.width=8"],
        &["model.preset=resnet20", "model.width=4", "model.depth=1", "optimizer.type=adamw"],
        &["model.preset=mlp", "optimizer.type=rmsprop", "optimizer.clip_norm=1.0", "train.loss=hinge"],
        &[
            "optimizer.type=adagrad",
            "model.layers=[{type=\"conv2d\", out_channels=6, groups=1, stride=2}, {type=\"group_norm\", groups=3}, \
             {type=\"activation\", function=\"prelu\"}, {type=\"dropout\"}, {type=\"avg_pool\"}, {type=\"layer_norm\"}, \
             {type=\"maxout\", out_features=12}, {type=\"activation\", function=\"gelu\"}, {type=\"linear\"}]",
        ],
    ];
    for overrides in cases {
        for threads in [1, 3] {
            steps_allocate_nothing(overrides, threads);
        }
    }
}

fn steps_allocate_nothing(overrides: &[&str], threads: usize) {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let config = config::load(None, &overrides).unwrap_or_else(|error| panic!("{error}"));
    threads::pool(threads).unwrap().install(|| {
        let mut session = Session::new(&config, load_data(&config).unwrap()).unwrap();
        let mut source = Batches::new(session.training_batches().clone(), Position::default());
        let batches: Vec<Batch> = (0..4).map(|_| source.next().unwrap().unwrap().clone()).collect();
        let mut step = 0;
        let mut run = |session: &mut Session| {
            for batch in &batches {
                assert!(session.step(batch, step, 0.01).loss.is_finite());
                step += 1;
            }
        };
        run(&mut session);
        // The thread of the test harness and the queues of the thread pool may allocate occasionally: a step that allocated would
        // do so in every window.
        let calls = (0..5).map(|_| count_allocations(|| run(&mut session)).1.calls).min();
        assert_eq!(calls, Some(0), "{overrides:?}, {threads} threads");
    });
}
