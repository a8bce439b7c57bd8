//! Operations between threads, compared with plain sums and copies.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use keel_ranks::cost::Network;
use keel_ranks::{Alone, Communicator, Links, Question, RankError, Shelf, Threads};

const SIZES: [usize; 8] = [1, 2, 3, 4, 5, 8, 9, 12];

/// Runs `work` on every rank of `ranks` and returns the results in rank order.
fn on_each<T: Send>(ranks: Vec<Threads>, work: impl Fn(Threads) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = ranks.into_iter().map(|rank| scope.spawn(|| work(rank))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Runs `work` on every rank of a group of `size`.
fn among<T: Send>(size: usize, work: impl Fn(&Threads) -> T + Sync) -> Vec<T> {
    on_each(Threads::group(size), |rank| work(&rank))
}

/// Returns the values of a rank: arbitrary numbers of different sizes and signs.
fn values(rank: usize, length: usize) -> Vec<f32> {
    let mixed = |index: usize| (index as u32).wrapping_mul(2_654_435_761) ^ (rank as u32 + 1).wrapping_mul(40_503);
    (0..length).map(|index| (mixed(index) % 10_007) as f32 / 97.0 - 50.0).collect()
}

#[test]
fn sums_are_those_of_a_plain_loop_with_the_same_bits_on_all_ranks() {
    for size in SIZES {
        for length in [0, 1, 7, 1000, 10_007] {
            let all = among(size, |rank| {
                let mut own = values(rank.rank(), length);
                rank.all_reduce(&mut own).unwrap();
                own
            });
            for (rank, sums) in all.iter().enumerate() {
                let bits = |sums: &[f32]| sums.iter().map(|sum| sum.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(sums), bits(&all[0]), "{size} ranks, {length} values, rank {rank}");
                assert_eq!(sums.len(), length);
            }
            let terms: Vec<Vec<f32>> = (0..size).map(|rank| values(rank, length)).collect();
            for (index, sum) in all[0].iter().enumerate() {
                let terms = terms.iter().map(|values| f64::from(values[index]));
                let (plain, magnitude) = terms.fold((0.0, 0.0), |(sum, all), term| (sum + term, all + term.abs()));
                if size <= 8 {
                    assert_eq!(sum.to_bits(), (plain as f32).to_bits(), "{size} ranks, sum {index} of {length}");
                } else {
                    let error = (f64::from(*sum) - plain).abs();
                    assert!(error <= 1e-6 * magnitude, "{size} ranks, sum {index} of {length}: {sum}, not {plain}");
                }
            }
        }
    }
}

#[test]
fn every_rank_gets_the_bytes_of_all() {
    for size in SIZES {
        let bytes = |rank: usize| vec![rank as u8 + 1; rank * 37 % 50];
        let expected: Vec<Vec<u8>> = (0..size).map(bytes).collect();
        for all in among(size, |rank| rank.all_gather(&bytes(rank.rank())).unwrap()) {
            assert_eq!(all, expected, "{size} ranks");
        }
    }
}

#[test]
fn a_broadcast_has_the_bytes_of_its_root() {
    for size in SIZES {
        for root in 0..size {
            let own = |rank: usize| vec![rank as u8; 10 + rank];
            for bytes in among(size, |rank| rank.broadcast(own(rank.rank()), root).unwrap()) {
                assert_eq!(bytes, own(root), "{size} ranks, root {root}");
            }
        }
    }
}

#[test]
fn many_sums_run_while_bytes_are_exchanged() {
    for size in SIZES {
        among(size, |rank| {
            let start = |round: usize| rank.start_all_reduce(values(rank.rank(), 100 * round + 3)).unwrap();
            let mut pending = Vec::new();
            for round in 0..20 {
                pending.push(start(round));
                let all = rank.all_gather(&[round as u8, rank.rank() as u8]).unwrap();
                let expected: Vec<Vec<u8>> = (0..size).map(|other| vec![round as u8, other as u8]).collect();
                assert_eq!(all, expected, "{size} ranks, round {round}");
            }
            // Waiting in a different order than starting is allowed.
            for (round, pending) in pending.into_iter().enumerate().rev() {
                let sums = pending.wait().unwrap();
                let plain: f64 = (0..size).map(|other| f64::from(values(other, 100 * round + 3)[2])).sum();
                assert!((f64::from(sums[2]) - plain).abs() < 1e-3, "{size} ranks, round {round}");
            }
        });
    }
}

#[test]
fn a_small_exchange_overtakes_a_large_sum() {
    let links = Links { latency: Duration::ZERO, bytes_per_second: 4e6 };
    for times in on_each(Threads::group_with(2, links), |rank| {
        let start = Instant::now();
        let late = rank.start_all_reduce(vec![1.0; 250_000]).unwrap();
        let first = rank.start_all_reduce(vec![1.0; 10]).unwrap();
        // The share of the large sum takes 0.125 s on the link; its second half follows the exchanges.
        rank.barrier().unwrap();
        let small = start.elapsed();
        assert_eq!(first.wait().unwrap(), [2.0; 10]);
        assert_eq!(late.wait().unwrap(), [2.0; 250_000]);
        (small, start.elapsed())
    }) {
        assert!(times.0 < times.1, "{times:?}");
    }
}

#[test]
fn different_operations_are_an_error_on_all_ranks() {
    type Work = fn(&Threads) -> Result<(), RankError>;
    let cases: [(&str, Work); 4] = [
        ("lengths", |rank| {
            let odd = usize::from(rank.rank() + 1 == rank.size());
            rank.start_all_reduce(vec![0.0; 7 + odd])?.wait().map(|_| ())
        }),
        ("kinds", |rank| match rank.rank() {
            0 => rank.start_all_reduce(vec![0.0; 7])?.wait().map(|_| ()),
            _ => rank.barrier(),
        }),
        ("roots", |rank| rank.broadcast(vec![1], usize::from(rank.rank() == 1)).map(|_| ())),
        ("order", |rank| {
            let sum = |length| rank.start_all_reduce(vec![0.0; length]);
            let (first, second) = if rank.rank() == 0 { (3, 4) } else { (4, 3) };
            let (first, second) = (sum(first)?, sum(second)?);
            first.wait().and_then(|_| second.wait()).map(|_| ())
        }),
    ];
    for size in [2, 3, 8, 9, 12] {
        for (name, work) in cases {
            let start = Instant::now();
            let results = among(size, |rank| (work(rank), rank.barrier()));
            for (rank, (first, later)) in results.iter().enumerate() {
                let Err(RankError::Mismatch { what }) = first else {
                    panic!("{name}, rank {rank} of {size}: {first:?}");
                };
                assert_eq!(what.matches("rank ").count().min(2), 2, "{name}: {what}");
                assert_eq!(first, later, "{name}, rank {rank} of {size}");
            }
            assert!(start.elapsed() < Duration::from_secs(10), "{name}, {size} ranks: {:?}", start.elapsed());
        }
    }
}

#[test]
fn a_farewell_that_overtakes_the_failure_states_it() {
    // The rank that finds the mismatch sends it to one rank after the other; the first to receive it end meanwhile.
    let links = Links { latency: Duration::ZERO, bytes_per_second: 20_000.0 };
    for size in [3, 12] {
        let results = on_each(Threads::group_with(size, links), |rank| match rank.rank() {
            0 => rank.start_all_reduce(vec![0.0; 7]).and_then(|sum| sum.wait().map(drop)),
            _ => rank.barrier(),
        });
        for (rank, result) in results.iter().enumerate() {
            assert!(matches!(result, Err(RankError::Mismatch { .. })), "rank {rank} of {size}: {result:?}");
        }
    }
}

#[test]
fn a_rank_that_ends_is_lost_to_the_others_within_a_second() {
    for size in [2, 3, 8, 9, 12] {
        for panics in [false, true] {
            let results = on_each(Threads::group(size), |rank| {
                if rank.rank() == 1 {
                    rank.barrier().unwrap();
                    if panics {
                        let caught = std::thread::scope(|scope| {
                            let thread = scope.spawn(move || {
                                let _rank = rank;
                                std::panic::resume_unwind(Box::new("a rank panics"));
                            });
                            thread.join()
                        });
                        assert!(caught.is_err());
                    }
                    return None;
                }
                // Another rank may have noticed the loss before this one has passed the barrier.
                let start = Instant::now();
                let sum = |()| rank.start_all_reduce(vec![1.0; 1000])?.wait().map(|_| ());
                let first = rank.barrier().and_then(sum);
                Some((first, rank.barrier(), start.elapsed()))
            });
            for (first, later, time) in results.into_iter().flatten() {
                let lost = Err(RankError::Lost { rank: 1 });
                assert_eq!((&first, &later), (&lost, &lost), "{size} ranks, panic {panics}");
                assert!(time < Duration::from_secs(1), "{size} ranks: {time:?}");
            }
        }
    }
}

#[test]
fn a_rank_may_leave_as_soon_as_it_has_its_results() {
    for size in SIZES {
        let links = Links { latency: Duration::from_millis(1), bytes_per_second: 1e7 };
        let sums = on_each(Threads::group_with(size, links), |rank| {
            rank.start_all_reduce(vec![1.0; 1000]).unwrap().wait().unwrap()
        });
        assert!(sums.iter().all(|sums| *sums == vec![size as f32; 1000]), "{size} ranks");
    }
}

#[test]
fn delays_are_those_of_the_model() {
    let network = Network { latency: Duration::from_millis(2), bytes_per_second: 50e6 };
    let length = 1_000_000;
    for size in 2..=8 {
        let model = network.all_reduce(size, 4 * length as u64).as_secs_f64();
        // Other work of the machine only adds time: the fastest of several attempts counts.
        let mut fastest = f64::INFINITY;
        for _ in 0..8 {
            let times = on_each(Threads::group_with(size, Links::from(network)), |rank| {
                let own = vec![1.0; length];
                rank.barrier().unwrap();
                let start = Instant::now();
                rank.start_all_reduce(own).unwrap().wait().unwrap();
                start.elapsed().as_secs_f64()
            });
            fastest = times.into_iter().fold(0.0, f64::max).min(fastest);
            if (fastest / model - 1.0).abs() < 0.25 {
                break;
            }
        }
        assert!((fastest / model - 1.0).abs() < 0.25, "{size} ranks: {fastest} s, by the model {model} s");
    }
}

#[test]
fn sent_bytes_and_waits_are_counted() {
    let counts = among(2, |rank| {
        rank.all_gather(&[0; 100]).unwrap();
        let gathered = rank.sent_bytes();
        if rank.rank() == 1 {
            std::thread::sleep(Duration::from_millis(50));
        }
        rank.start_all_reduce(vec![0.0; 1000]).unwrap().wait().unwrap();
        (gathered, rank.sent_bytes(), rank.waited())
    });
    for (rank, (gathered, all, _)) in counts.iter().enumerate() {
        assert_eq!((*gathered, *all), (132, 132 + 2 * 2032), "rank {rank}");
    }
    assert!(counts[0].2 >= Duration::from_millis(40), "{:?}", counts[0].2);
}

/// Answers with its rank and the question.
struct Echo(usize);

impl Shelf for Echo {
    fn answer(&self, question: &[u8]) -> Vec<u8> {
        [&[self.0 as u8], question].concat()
    }
}

fn question(rank: usize, bytes: &[u8]) -> Question {
    Question { rank, bytes: bytes.to_vec() }
}

#[test]
fn questions_are_answered_while_ranks_do_something_else() {
    for size in [2, 3, 12] {
        among(size, |rank| {
            let own = rank.rank();
            // The first rank asks before any other has a shelf, and all ask from a second thread during sums.
            if own > 0 {
                std::thread::sleep(Duration::from_millis(30));
            }
            rank.serve(Arc::new(Echo(own))).unwrap();
            std::thread::scope(|scope| {
                let asking = scope.spawn(|| {
                    for round in 0..50u8 {
                        let others: Vec<usize> = (0..size).filter(|other| *other != own).collect();
                        let questions = others.iter().map(|other| question(*other, &[round, 7])).collect();
                        let answers = rank.ask(questions).unwrap();
                        let expected: Vec<Vec<u8>> = others.iter().map(|other| vec![*other as u8, round, 7]).collect();
                        assert_eq!(answers, expected);
                    }
                });
                for _ in 0..50 {
                    let mut values = [1.0; 100];
                    rank.all_reduce(&mut values).unwrap();
                    assert_eq!(values, [size as f32; 100]);
                }
                asking.join().unwrap();
            });
            rank.barrier().unwrap();
        });
    }
}

#[test]
fn a_question_to_a_rank_that_is_gone_is_lost_and_nothing_else() {
    let mut group = Threads::group(3);
    let gone = group.pop().unwrap();
    drop(gone);
    on_each(group, |rank| {
        let other = 1 - rank.rank();
        rank.serve(Arc::new(Echo(rank.rank()))).unwrap();
        assert_eq!(rank.ask(vec![question(2, &[1])]), Err(RankError::Lost { rank: 2 }));
        assert_eq!(rank.ask(vec![question(other, &[1])]).unwrap(), [[other as u8, 1]]);
        for nobody in [rank.rank(), 3] {
            assert!(matches!(rank.ask(vec![question(nobody, &[])]), Err(RankError::Mismatch { .. })));
        }
        // Both have asked before either ends.
        std::thread::sleep(Duration::from_millis(100));
    });
}

#[test]
fn alone_every_operation_is_an_identity() {
    let alone = Alone;
    assert_eq!((alone.rank(), alone.size()), (0, 1));
    assert_eq!(alone.all_gather(&[1, 2]).unwrap(), [[1, 2]]);
    assert_eq!(alone.start_all_reduce(vec![1.0, 2.0]).unwrap().wait().unwrap(), [1.0, 2.0]);
    assert_eq!(alone.broadcast(vec![3], 0).unwrap(), [3]);
    assert!(alone.broadcast(vec![3], 1).is_err());
    alone.barrier().unwrap();
    alone.serve(Arc::new(Echo(0))).unwrap();
    assert_eq!(alone.ask(Vec::new()).unwrap(), Vec::<Vec<u8>>::new());
    assert!(alone.ask(vec![question(0, &[])]).is_err());
    assert_eq!((alone.waited(), alone.sent_bytes()), (Duration::ZERO, 0));
}
