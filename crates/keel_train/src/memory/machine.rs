//! Free memory of the machine for this process, as far as its system reports it.

use std::path::Path;

/// Returns the number of bytes that this process can still allocate: what Linux reports as available, or what is left of the
/// container's limit or of the process's own address space (`ulimit -v`) if that is less. `None` if the system does not report
/// it.
pub fn free_bytes() -> Option<u64> {
    bytes_below(Path::new("/"), available)
}

/// Returns the number of bytes that this process could allocate if all others freed their memory: total memory with swap space,
/// under the limits of [`free_bytes`].
pub(super) fn most_bytes() -> Option<u64> {
    bytes_below(Path::new("/"), installed)
}

/// Returns the bytes that `of_machine` finds in `/proc/meminfo`, or what is left of a limit, with the system's files below
/// `root`.
fn bytes_below(root: &Path, of_machine: fn(&str) -> Option<u64>) -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(root.join(path.trim_start_matches('/'))).ok();
    let machine = read("proc/meminfo").and_then(|text| of_machine(&text));
    let groups = read("proc/self/cgroup").unwrap_or_default();
    let container = groups.lines().flat_map(|line| left_in_groups(line, &read)).min();
    let own = left_of_address_space(&read);
    machine.into_iter().chain(container).chain(own).min()
}

/// Returns the number of bytes by which the address space of this process can grow; `None` if it is not limited.
fn left_of_address_space(read: &impl Fn(&str) -> Option<String>) -> Option<u64> {
    let limits = read("proc/self/limits")?;
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: u64 = limit.split_whitespace().next()?.parse().ok()?;
    let status = read("proc/self/status")?;
    Some(limit.saturating_sub(bytes_after(&status, "VmSize:")?))
}

/// Returns `MemAvailable` of `/proc/meminfo`.
fn available(text: &str) -> Option<u64> {
    bytes_after(text, "MemAvailable:")
}

/// Returns `MemTotal` plus `SwapTotal` of `/proc/meminfo`.
fn installed(text: &str) -> Option<u64> {
    bytes_after(text, "MemTotal:")?.checked_add(bytes_after(text, "SwapTotal:").unwrap_or(0))
}

/// Returns the number of kB after `name`, in bytes.
fn bytes_after(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Returns the number of bytes left in the control group in a line of `/proc/self/cgroup` and in the enclosing groups.
fn left_in_groups(line: &str, read: &impl Fn(&str) -> Option<String>) -> Vec<u64> {
    let mut fields = line.splitn(3, ':');
    let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
        return Vec::new();
    };
    let (mount, limit, usage, cached) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
        "memory" => ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        _ => return Vec::new(),
    };
    // A container may see its own group as the root, so that the path outside does not exist: the root counts too.
    let mut folders: Vec<&Path> = Path::new(path).ancestors().collect();
    folders.push(Path::new("/"));
    let left = |folder: &Path| {
        let file = |name: &str| read(&format!("{mount}/{}/{name}", folder.display().to_string().trim_matches('/')));
        let limit: u64 = file(limit)?.trim().parse().ok()?;
        let used: u64 = file(usage)?.trim().parse().ok()?;
        // Cached files are released when memory is short.
        let given_back = file("memory.stat").and_then(|text| entry(&text, cached)).unwrap_or(0);
        Some(limit.saturating_sub(used.saturating_sub(given_back)))
    };
    folders.into_iter().filter_map(left).collect()
}

/// Returns the number after `name` in lines of names and numbers.
fn entry(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(files: &[(&str, &str)], of_machine: fn(&str) -> Option<u64>) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        bytes_below(root.path(), of_machine)
    }

    fn free(files: &[(&str, &str)]) -> Option<u64> {
        bytes(files, available)
    }

    #[test]
    fn all_there_is_counts_the_disk_that_serves_as_memory() {
        let plain = ("proc/meminfo", "MemTotal:  9000 kB\nMemAvailable:    4000 kB\n");
        let swapping = ("proc/meminfo", "MemTotal:  9000 kB\nMemAvailable:    4000 kB\nSwapTotal:  1000 kB\n");
        let own =
            [("proc/self/limits", "Max address space  2048  2048  bytes\n"), ("proc/self/status", "VmSize: 1 kB\n")];
        let cases: [(&[(&str, &str)], Option<u64>); 4] = [
            (&[], None),
            (&[plain], Some(9_216_000)),
            (&[swapping], Some(10_240_000)),
            (&[swapping, own[0], own[1]], Some(1024)),
        ];
        for (files, expected) in cases {
            assert_eq!(bytes(files, installed), expected, "{files:?}");
        }
    }

    #[test]
    fn the_smallest_of_machine_and_groups_counts() {
        let machine = ("proc/meminfo", "MemTotal:  9000 kB\nMemAvailable:    4000 kB\n");
        let second = ("proc/self/cgroup", "0::/box/inner\n");
        let first = ("proc/self/cgroup", "5:cpu:/x\n4:memory:/docker/1\n");
        let limits = |folder: &'static str| [folder.to_owned() + "/memory.max", folder.to_owned() + "/memory.current"];
        let [max, current] = limits("sys/fs/cgroup/box");
        let unlimited =
            ("proc/self/limits", "Max processes  9  9  processes\nMax address space  unlimited  unlimited  bytes\n");
        let narrow =
            ("proc/self/limits", "Max address space         3072000              unlimited            bytes     \n");
        let status = ("proc/self/status", "Name:\tx\nVmPeak:\t 9000 kB\nVmSize:\t    2000 kB\n");
        let cases: [(&[(&str, &str)], Option<u64>); 8] = [
            (&[machine, unlimited, status], Some(4_096_000)),
            (&[machine, narrow, status], Some(1_024_000)),
            (&[], None),
            (&[machine], Some(4_096_000)),
            (&[machine, second, (&max, "max\n"), (&current, "5\n")], Some(4_096_000)),
            (&[machine, second, (&max, "1000\n"), (&current, "400\n")], Some(600)),
            (
                &[
                    machine,
                    second,
                    (&max, "1000\n"),
                    (&current, "400\n"),
                    ("sys/fs/cgroup/box/memory.stat", "anon 9\ninactive_file 300\n"),
                ],
                Some(900),
            ),
            (
                &[
                    machine,
                    first,
                    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000\n"),
                    ("sys/fs/cgroup/memory/memory.usage_in_bytes", "2500\n"),
                ],
                Some(0),
            ),
        ];
        for (files, expected) in cases {
            assert_eq!(free(files), expected, "{files:?}");
        }
    }
}
