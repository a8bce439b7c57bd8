//! Thread pool of training.

use crate::config::Config;
use crate::error::TrainError;

/// Returns the number of threads for `train.threads = 0`: as many as the affinity and the container's quota allow, at most one per
/// physical core.
pub fn default_threads() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, usize::from);
    physical_cores().map_or(allowed, |cores| allowed.min(cores)).max(1)
}

/// Maximum number of threads started per processor. More would only wait for each other, and take memory for their stacks; results
/// are the same for any number.
const MOST_PER_PROCESSOR: usize = 16;

/// Creates a pool of `threads` workers (0 = [`default_threads`]) that all treat subnormal numbers as zero; at most 16 per processor
/// are started.
///
/// # Errors
/// If the system cannot start that many threads.
pub fn pool(threads: usize) -> Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
    let most = MOST_PER_PROCESSOR * std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if threads == 0 { default_threads() } else { threads.min(most) };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("train-{index}"))
        .start_handler(|_| keel_kernels::flush_subnormals())
        .build()
}

/// Creates the pool for a config.
///
/// # Errors
/// If the system cannot start that many threads.
pub fn pool_of(config: &Config) -> Result<rayon::ThreadPool, TrainError> {
    pool(config.train.threads)
        .map_err(|error| TrainError::setting("train.threads", format!("cannot start threads: {error}; use fewer")))
}

/// Returns the number of physical cores among the processors available to this process; `None` if Linux does not report it.
#[cfg(target_os = "linux")]
fn physical_cores() -> Option<usize> {
    cores_of(&allowed_processors()?)
}

/// Returns the number of physical cores of the machine.
#[cfg(not(target_os = "linux"))]
fn physical_cores() -> Option<usize> {
    Some(num_cpus::get_physical())
}

/// Returns the processors available to this process in the list format of Linux, `0-2,5`; unknown elsewhere.
pub fn allowed_processors() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(list.trim().to_owned())
}

/// Returns the number of physical cores of the processors in a list in the format of Linux, `0-2,5`; unknown if Linux does not report it.
pub fn cores_of(list: &str) -> Option<usize> {
    let mut cores = std::collections::BTreeSet::new();
    for cpu in parse_list(list)? {
        let topology = format!("/sys/devices/system/cpu/cpu{cpu}/topology");
        let read = |name: &str| std::fs::read_to_string(format!("{topology}/{name}")).ok();
        cores.insert((read("physical_package_id")?, read("core_id")?));
    }
    Some(cores.len()).filter(|&count| count > 0)
}

/// Parses `0-2,5` into numbers.
fn parse_list(list: &str) -> Option<Vec<usize>> {
    let mut numbers = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        numbers.extend(first.trim().parse::<usize>().ok()?..=last.trim().parse().ok()?);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_are_read() {
        for (list, expected) in [("0", Some(vec![0])), ("0-2,5", Some(vec![0, 1, 2, 5])), ("", None), ("a", None)] {
            assert_eq!(parse_list(list), expected, "{list}");
        }
    }

    #[test]
    fn workers_flush_subnormals_and_there_are_as_many_as_asked_for() {
        let pool = pool(3).unwrap();
        let product = || std::hint::black_box(1e-30f32) * std::hint::black_box(1e-12f32);
        assert_eq!(pool.install(|| (rayon::current_num_threads(), product())), (3, 0.0));
        assert!((1..=1024).contains(&default_threads()));
    }

    #[test]
    fn no_more_threads_are_started_than_a_few_for_each_processor() {
        let processors = std::thread::available_parallelism().unwrap().get();
        assert_eq!(super::pool(1_000_000).unwrap().current_num_threads(), MOST_PER_PROCESSOR * processors);
    }
}
