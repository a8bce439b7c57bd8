//! Launchers of several processes, recognised by the environment variables that they set.

/// A launcher that started more than one rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launcher {
    /// Display name.
    pub name: &'static str,
    /// Number of this process, from 0.
    pub rank: usize,
    /// Number of processes.
    pub size: usize,
    /// Number of this process among those on its machine, from 0, if the launcher sets it.
    pub local_rank: Option<usize>,
}

/// Environment variables of one launcher.
struct Variables {
    name: &'static str,
    rank: &'static str,
    size: &'static str,
    local_rank: &'static str,
    /// Variables of which one must be set as well; empty if the others suffice.
    also: &'static [&'static str],
}

/// Name of launchers with the process manager interface of MPICH.
pub(crate) const PMI: &str = "PMI";

/// Launchers, the most specific first. Slurm sets its variables in every job, whether or not `srun` started several processes that
/// can connect to each other; the PMI variables are only set if it did.
const LAUNCHERS: [Variables; 3] = [
    Variables {
        name: "Open MPI",
        rank: "OMPI_COMM_WORLD_RANK",
        size: "OMPI_COMM_WORLD_SIZE",
        local_rank: "OMPI_COMM_WORLD_LOCAL_RANK",
        also: &[],
    },
    Variables { name: PMI, rank: "PMI_RANK", size: "PMI_SIZE", local_rank: "MPI_LOCALRANKID", also: &[] },
    Variables {
        name: "Slurm",
        rank: "SLURM_PROCID",
        size: "SLURM_NTASKS",
        local_rank: "SLURM_LOCALID",
        also: &["PMI_RANK", "PMI_FD", "PMIX_RANK"],
    },
];

/// Returns the launcher that started this process together with others, determined from environment variables only.
pub fn launched() -> Option<Launcher> {
    launched_from(|name| std::env::var(name).ok())
}

/// Does the work of [`launched`], with the variables that `lookup` returns.
pub fn launched_from(lookup: impl Fn(&str) -> Option<String>) -> Option<Launcher> {
    let number = |name: &str| lookup(name)?.trim().parse::<usize>().ok();
    LAUNCHERS.iter().find_map(|variables| {
        let (rank, size) = (number(variables.rank)?, number(variables.size)?);
        let step = variables.also.is_empty() || lookup("SLURM_STEP_ID").is_some();
        let also = variables.also.is_empty() || variables.also.iter().any(|name| lookup(name).is_some());
        let local_rank = number(variables.local_rank);
        (size > 1 && rank < size && step && also).then_some(Launcher { name: variables.name, rank, size, local_rank })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchers_are_known_by_their_variables() {
        let launcher = |name, rank, size, local_rank| Some(Launcher { name, rank, size, local_rank });
        let slurm = "SLURM_NTASKS=4 SLURM_PROCID=3 SLURM_LOCALID=1";
        let cases = [
            (String::new(), None),
            ("OMPI_COMM_WORLD_SIZE=1 OMPI_COMM_WORLD_RANK=0".to_owned(), None),
            ("OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_RANK=2".to_owned(), launcher("Open MPI", 2, 4, None)),
            (
                "OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_LOCAL_RANK=0 PMIX_RANK=2".to_owned(),
                launcher("Open MPI", 2, 4, Some(0)),
            ),
            ("OMPI_COMM_WORLD_SIZE=4".to_owned(), None),
            ("OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_RANK=4".to_owned(), None),
            ("PMIX_RANK=2".to_owned(), None),
            ("PMI_SIZE=2 PMI_RANK=1 MPI_LOCALRANKID=1 MPI_LOCALNRANKS=2".to_owned(), launcher(PMI, 1, 2, Some(1))),
            ("PMI_SIZE=two PMI_RANK=1".to_owned(), None),
            (slurm.to_owned(), None),
            (format!("{slurm} SLURM_STEP_ID=0"), None),
            (format!("{slurm} PMIX_RANK=3"), None),
            (format!("{slurm} SLURM_STEP_ID=0 PMIX_RANK=3"), launcher("Slurm", 3, 4, Some(1))),
        ];
        for (variables, expected) in cases {
            let lookup = |name: &str| {
                let mut pairs = variables.split(' ').filter_map(|pair| pair.split_once('='));
                pairs.find_map(|(key, value)| (key == name).then(|| value.to_owned()))
            };
            assert_eq!(launched_from(lookup), expected, "{variables}");
        }
    }
}
