//! Checks the operations between ranks with a real launcher: `mpirun -n 4 target/debug/examples/collectives` prints "rank r of
//! 4: right" once per rank. With `time BYTES` it measures sums, with `lost` its last rank kills itself, with `panic` its first rank
//! panics, with `mismatch` ranks sum different numbers of values. After `threads N`, ranks are threads of one process instead.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Instant;

use keel_ranks::{Communicator, Mpi, Question, RankError, Shelf, Threads};

/// Lengths of sums, including awkward ones.
const LENGTHS: [usize; 6] = [0, 1, 7, 1000, 65_537, 1_000_003];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["threads", ranks, ref rest @ ..] = arguments[..] {
        let ranks = Threads::group(ranks.parse().unwrap_or(2));
        std::thread::scope(|scope| {
            ranks.into_iter().for_each(|rank| drop(scope.spawn(move || run(&rank, rest))));
        });
        return ExitCode::SUCCESS;
    }
    match Mpi::connect() {
        Ok(communicator) => run(&communicator, &arguments),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Runs the command in the arguments, as one rank.
fn run(communicator: &impl Communicator, arguments: &[&str]) {
    let result = match *arguments {
        [] => check(communicator),
        ["time", bytes] => time(communicator, bytes.parse().unwrap_or(1_000_000)),
        ["lost"] => lose_a_rank(communicator),
        ["panic"] => match communicator.barrier() {
            Ok(()) if communicator.rank() == 0 => panic!("this rank panics"),
            Ok(()) => communicator.barrier(),
            Err(error) => Err(error),
        },
        ["mismatch"] => {
            let own = vec![0.0; 7 + communicator.rank()];
            communicator.start_all_reduce(own).and_then(|sum| sum.wait().map(|_| ()))
        }
        _ => {
            let what = "unknown arguments; expected none, time BYTES, lost, panic or mismatch".to_owned();
            Err(RankError::Mismatch { what })
        }
    };
    if let Err(error) = result {
        eprintln!("rank {} of {}: {error}", communicator.rank(), communicator.size());
        communicator.abort(3);
    }
}

/// Returns value `index` of a rank: arbitrary numbers of different sizes.
fn value(rank: usize, index: usize) -> f32 {
    let mixed = (index as u32).wrapping_mul(2_654_435_761) ^ (rank as u32).wrapping_mul(40_503).wrapping_add(17);
    (mixed % 10_007) as f32 / 97.0 - 20.0
}

fn values(rank: usize, length: usize) -> Vec<f32> {
    (0..length).map(|index| value(rank, index)).collect()
}

/// Compares every operation with plain sums and copies.
fn check(communicator: &impl Communicator) -> Result<(), RankError> {
    let (rank, size) = (communicator.rank(), communicator.size());
    let pending: Vec<_> =
        LENGTHS.iter().map(|length| communicator.start_all_reduce(values(rank, *length))).collect::<Result<_, _>>()?;
    let gathered = communicator.all_gather(&vec![rank as u8; rank * 100])?;
    for (other, bytes) in gathered.iter().enumerate() {
        assert_eq!(*bytes, vec![other as u8; other * 100], "bytes of rank {other}");
    }
    for (pending, length) in pending.into_iter().zip(LENGTHS) {
        let sums = pending.wait()?;
        assert_eq!(sums.len(), length);
        for (index, sum) in sums.iter().enumerate() {
            let plain: f64 = (0..size).map(|rank| f64::from(value(rank, index))).sum();
            let right = if size <= 8 { *sum == plain as f32 } else { (f64::from(*sum) - plain).abs() < 1e-3 };
            assert!(right, "sum {index} of {length} is {sum}, not {plain}");
        }
        let bytes: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        let all = communicator.all_gather(&bytes)?;
        assert!(all.iter().all(|other| *other == bytes), "ranks have different sums of {length} values");
    }
    for root in 0..size {
        let bytes = communicator.broadcast(vec![rank as u8; 1000 + rank], root)?;
        assert_eq!(bytes, vec![root as u8; 1000 + root], "broadcast from {root}");
    }
    check_answers(communicator)?;
    communicator.barrier()?;
    println!("rank {rank} of {size}: right");
    Ok(())
}

/// Answers with the question, reversed, after the number of its rank.
struct Reversed(usize);

impl Shelf for Reversed {
    fn answer(&self, question: &[u8]) -> Vec<u8> {
        [self.0 as u8].into_iter().chain(question.iter().rev().copied()).collect()
    }
}

/// Asks every other rank while sums are under way, questions of any length.
fn check_answers(communicator: &impl Communicator) -> Result<(), RankError> {
    let (rank, size) = (communicator.rank(), communicator.size());
    if rank % 2 == 0 {
        communicator.serve(Arc::new(Reversed(rank)))?;
    }
    let sum = communicator.start_all_reduce(values(rank, LENGTHS[4]))?;
    // Those that serve later are asked before.
    if rank % 2 == 1 {
        communicator.serve(Arc::new(Reversed(rank)))?;
    }
    let question = |length: usize| -> Vec<u8> { (0..length).map(|index| (index % 251) as u8).collect() };
    for length in [0, 1, 100_000] {
        let others = (0..size).filter(|other| *other != rank);
        let questions = others.clone().map(|rank| Question { rank, bytes: question(length) }).collect();
        let answers = communicator.ask(questions)?;
        for (other, answer) in others.zip(answers) {
            let reversed = question(length).into_iter().rev();
            let expected: Vec<u8> = [other as u8].into_iter().chain(reversed).collect();
            assert!(answer == expected, "the answer of rank {other} to {length} bytes");
        }
    }
    sum.wait().map(|_| ())
}

/// Prints the fastest of several sums of `bytes`.
fn time(communicator: &impl Communicator, bytes: usize) -> Result<(), RankError> {
    let mut fastest = f64::INFINITY;
    for _ in 0..10 {
        let own = values(communicator.rank(), bytes / 4);
        communicator.barrier()?;
        let start = Instant::now();
        communicator.start_all_reduce(own)?.wait()?;
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    let start = Instant::now();
    for _ in 0..100 {
        communicator.all_gather(&[0; 64])?;
    }
    if communicator.rank() == 0 {
        let gather = start.elapsed().as_secs_f64() / 100.0;
        println!("sum of {bytes} bytes {:.2} ms, gather {:.0} us", fastest * 1e3, gather * 1e6);
    }
    Ok(())
}

/// Waits in a sum for a rank that the system kills.
fn lose_a_rank(communicator: &impl Communicator) -> Result<(), RankError> {
    communicator.barrier()?;
    if communicator.rank() + 1 == communicator.size() {
        let killed = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
        return Err(RankError::Mismatch { what: format!("this rank should have been killed: {killed:?}") });
    }
    communicator.barrier()
}
