//! Division of a dataset into training, validation and test splits.

use crate::config::DataConfig;
use crate::dataset::{Dataset, Targets, fingerprint_of_splits};
use crate::equal_samples::EqualSamples;
use crate::error::DataError;
use crate::random::{Purpose, shuffle, stream};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rule for dividing a dataset.
///
/// Official parts take precedence: a test part of the source becomes the test split and `test` is not used; a
/// validation part becomes the validation split and `validation` is not used. Otherwise `test` is a share of all
/// samples and `validation` a share of the remaining training samples. Classes keep their proportions in every split to
/// within one sample. The choice of samples, and of which of two equally large classes gives one more, depends on
/// `seed` alone.
///
/// If samples have groups, whole groups are taken until the share is reached; if they have times, the latest samples
/// are taken. Neither is done class by class.
///
/// If `data.keep_duplicates_together` is set, samples with equal inputs count as one and go to the same split; where
/// the source or the keys have already divided the samples, training samples that also occur in another split are
/// removed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// Share of the training split, `[0, 1)`.
    pub validation: f64,
    /// Share of all samples, `[0, 1)`, if the source has no test part.
    pub test: f64,
    /// Seed of the selection.
    pub seed: u64,
}

/// A dataset and the sample indices of its three splits, each ascending.
#[derive(Debug, Clone)]
pub struct SplitDataset {
    /// The samples.
    pub dataset: Arc<Dataset>,
    /// Sample indices of the training split; never empty.
    pub train: Vec<usize>,
    /// Sample indices of the validation split; may be empty.
    pub validation: Vec<usize>,
    /// Sample indices of the test split; may be empty.
    pub test: Vec<usize>,
    /// Rule that divided the dataset; `None` for a manual division.
    pub split: Option<Split>,
}

impl Split {
    /// Divides `dataset`.
    ///
    /// # Errors
    /// Fails if a share is outside `[0, 1)` or no sample is left for training.
    pub fn divide(&self, dataset: Arc<Dataset>) -> Result<SplitDataset, DataError> {
        check_share("data.validation", self.validation)?;
        check_share("data.test", self.test)?;
        if dataset.split_keys().groups.is_some() && dataset.split_keys().times.is_some() {
            let what = "data.group and data.time cannot both decide the splits";
            return Err(DataError::setting("data.group, data.time", what, "Give one of the two"));
        }
        let together = dataset.origin().is_some_and(|config| config.keep_duplicates_together);
        let equal = together.then(|| EqualSamples::of(&dataset));
        let official = dataset.division().cloned().unwrap_or_default();
        let mut train = if dataset.division().is_some() { official.train } else { (0..dataset.samples()).collect() };
        let (mut validation, mut test) = (official.validation, official.test);
        if test.is_empty() {
            (train, test) =
                self.take_share(&dataset, train, SharePart { share: self.test, number: 0, equal: equal.as_ref() });
        }
        if validation.is_empty() {
            (train, validation) = self.take_share(
                &dataset,
                train,
                SharePart { share: self.validation, number: 1, equal: equal.as_ref() },
            );
        }
        if let Some(equal) = &equal {
            let had_samples = !train.is_empty();
            equal.leave_out(&mut validation, &test);
            equal.leave_out(&mut train, &[&test[..], &validation].concat());
            if had_samples && train.is_empty() {
                let what = "every training sample also occurs in the validation or test split, where it is kept";
                let next = "Remove the copies from the test data, or set data.keep_duplicates_together = false";
                return Err(DataError::setting("data.keep_duplicates_together", what, next));
            }
        }
        if train.is_empty() {
            return Err(DataError::setting(
                "data.validation, data.test",
                format!("no sample of {} is left for training", dataset.samples()),
                "Reduce the shares or add samples",
            ));
        }
        for part in [&mut train, &mut validation, &mut test] {
            part.sort_unstable();
        }
        Ok(SplitDataset { dataset, train, validation, test, split: Some(*self) })
    }

    /// Splits `indices` into (rest, taken), class by class.
    fn take_share(&self, dataset: &Dataset, indices: Vec<usize>, part: SharePart) -> (Vec<usize>, Vec<usize>) {
        let wanted = part.wanted(indices.len());
        let keys = dataset.split_keys();
        if let Some(times) = &keys.times {
            return latest(indices, times, wanted);
        }
        if let Some(groups) = &keys.groups {
            return self.whole_groups(indices, groups, wanted, part.number);
        }
        let Some(equal) = part.equal else { return self.by_class(dataset, indices, part) };
        let copies = equal.groups(&indices);
        let (rest, taken) = self.by_class(dataset, copies.keys().copied().collect(), part);
        let with_copies = |samples: Vec<usize>| samples.iter().flat_map(|first| copies[first].clone()).collect();
        (with_copies(rest), with_copies(taken))
    }

    /// Splits `indices` into (rest, taken), with the same share of each class.
    fn by_class(&self, dataset: &Dataset, indices: Vec<usize>, part: SharePart) -> (Vec<usize>, Vec<usize>) {
        let total = indices.len();
        let wanted = part.wanted(total);
        let mut groups = group_by_class(dataset, indices);
        let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
        let mut order: Vec<usize> = (0..groups.len()).collect();
        shuffle(&mut stream(self.seed, Purpose::Split, part.number, TIES), &mut order);
        let quotas = quotas(&sizes, wanted, order);
        let (mut rest, mut taken) = (Vec::with_capacity(total), Vec::new());
        for (class, (group, quota)) in groups.iter_mut().zip(quotas).enumerate() {
            shuffle(&mut stream(self.seed, Purpose::Split, part.number, class as u64), group);
            taken.extend_from_slice(&group[..quota]);
            rest.extend_from_slice(&group[quota..]);
        }
        (rest, taken)
    }

    /// Splits `indices` into (rest, taken) by whole groups in random order: a group is taken if that brings the number
    /// of samples closer to the target, and at least one group is left.
    fn whole_groups(
        &self,
        indices: Vec<usize>,
        groups: &[u32],
        wanted: usize,
        number: u64,
    ) -> (Vec<usize>, Vec<usize>) {
        let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for sample in indices {
            members.entry(groups[sample]).or_default().push(sample);
        }
        let mut members: Vec<Vec<usize>> = members.into_values().collect();
        shuffle(&mut stream(self.seed, Purpose::Split, number, 0), &mut members);
        let (mut rest, mut taken) = (Vec::new(), Vec::new());
        let count = members.len();
        for (place, group) in members.into_iter().enumerate() {
            let is_last = place + 1 == count && rest.is_empty();
            let is_nearer = (taken.len() + group.len()).abs_diff(wanted) < taken.len().abs_diff(wanted);
            if is_nearer && !is_last { taken.extend(group) } else { rest.extend(group) }
        }
        (rest, taken)
    }
}

impl SplitDataset {
    /// Returns [`Dataset::fingerprint`], a hyphen, and sixteen digits that depend on the samples of each split.
    pub fn fingerprint(&self) -> String {
        let splits = fingerprint_of_splits([&self.train, &self.validation, &self.test]);
        format!("{}-{splits}", self.dataset.fingerprint())
    }
}

impl DataConfig {
    /// Returns the split rule set by this section.
    pub fn split(&self) -> Split {
        Split { validation: self.validation, test: self.test, seed: self.seed_or_zero() }
    }
}

impl Dataset {
    /// Divides the samples into training, validation and test splits; see [`Split`].
    pub fn split(self, split: Split) -> Result<SplitDataset, DataError> {
        split.divide(Arc::new(self))
    }
}

/// Stream index for breaking ties between classes, distinct from those of the classes themselves.
const TIES: u64 = u64::MAX;

/// Splits `indices` into (rest, taken), taking the latest `wanted`; among equal times, later samples are taken first.
fn latest(mut indices: Vec<usize>, times: &[f64], wanted: usize) -> (Vec<usize>, Vec<usize>) {
    indices.sort_by(|&one, &other| times[one].total_cmp(&times[other]).then(one.cmp(&other)));
    let taken = indices.split_off(indices.len() - wanted.min(indices.len().saturating_sub(1)));
    (indices, taken)
}

/// A share to take, and its number in the random stream.
#[derive(Clone, Copy)]
struct SharePart<'a> {
    share: f64,
    number: u64,
    /// Equal samples that must go to the same side, if requested.
    equal: Option<&'a EqualSamples>,
}

impl SharePart<'_> {
    /// Returns the number of samples to take from `total`.
    fn wanted(&self, total: usize) -> usize {
        (self.share * total as f64).round() as usize
    }
}

fn check_share(field: &str, share: f64) -> Result<(), DataError> {
    if (0.0..1.0).contains(&share) {
        return Ok(());
    }
    Err(DataError::setting(
        field,
        format!("{share} is not a share"),
        "Give a number from 0 up to, but not including, 1",
    ))
}

fn group_by_class(dataset: &Dataset, indices: Vec<usize>) -> Vec<Vec<usize>> {
    let Targets::Classes { labels, class_names } = dataset.targets() else { return vec![indices] };
    let mut groups = vec![Vec::new(); class_names.len()];
    for sample in indices {
        groups[labels[sample] as usize].push(sample);
    }
    groups
}

/// Returns the number to take from each group of these `sizes` so that they sum to `wanted`: proportional, rounding up
/// the largest remainders first, and never taking all of a group.
///
/// Among equal remainders, the one that comes first in `order` is rounded up first.
fn quotas(sizes: &[usize], wanted: usize, order: Vec<usize>) -> Vec<usize> {
    let total: usize = sizes.iter().sum();
    let exact = |group: usize| sizes[group] as u128 * wanted as u128;
    let mut quotas: Vec<usize> = (0..sizes.len())
        .map(|group| (exact(group) / total.max(1) as u128) as usize)
        .zip(sizes)
        .map(|(quota, &size)| quota.min(size.saturating_sub(1)))
        .collect();
    let mut by_remainder = order;
    by_remainder.sort_by_key(|&group| std::cmp::Reverse(exact(group) % total.max(1) as u128));
    let mut missing = wanted.saturating_sub(quotas.iter().sum());
    for &group in &by_remainder {
        if missing > 0 && quotas[group] + 1 < sizes[group] {
            quotas[group] += 1;
            missing -= 1;
        }
    }
    quotas
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Inputs, OfficialDivision, SampleShape, SplitKeys};

    fn dataset(labels: Vec<u32>, classes: u32) -> Dataset {
        let inputs = Inputs::Bytes(vec![0; labels.len()]);
        let class_names = (0..classes).map(|class| class.to_string()).collect();
        Dataset::from_memory("a", SampleShape::Features(1), inputs, Targets::Classes { labels, class_names }).unwrap()
    }

    #[test]
    fn shares_are_stratified_disjoint_and_complete() {
        let labels: Vec<u32> = (0..1_000).map(|sample| u32::from(sample % 10 == 0)).collect();
        let split = dataset(labels, 2).split(Split { validation: 0.1, test: 0.2, seed: 3 }).unwrap();
        assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (720, 80, 200));
        assert_eq!(split.dataset.class_counts(&split.test), [180, 20]);
        assert_eq!(split.dataset.class_counts(&split.validation), [72, 8]);
        let mut all = [split.train, split.validation, split.test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        let divide = |seed| {
            dataset((0..100).map(|sample| sample % 3).collect(), 3)
                .split(Split { validation: 0.0, test: 0.3, seed })
                .unwrap()
                .test
        };
        assert_eq!(divide(1), divide(1));
        assert_ne!(divide(1), divide(2));
    }

    #[test]
    fn the_seed_breaks_ties_between_classes() {
        let spared = |seed| {
            let split = dataset((0..30).map(|sample| sample % 3).collect(), 3)
                .split(Split { validation: 0.0, test: 0.05, seed })
                .unwrap();
            split.dataset.class_counts(&split.test)
        };
        let counts: std::collections::BTreeSet<Vec<usize>> = (0..20).map(spared).collect();
        assert!(counts.len() > 1 && counts.iter().all(|counts| counts.iter().sum::<usize>() == 2), "{counts:?}");
    }

    #[test]
    fn groups_stay_together_and_the_latest_are_the_test() {
        let with = |keys| dataset((0..60).map(|sample| sample % 2).collect(), 2).with_split_keys(keys).unwrap();
        let keys = SplitKeys { groups: Some((0..60).map(|sample| sample / 7).collect()), times: None };
        let split = with(keys.clone()).split(Split { validation: 0.1, test: 0.2, seed: 4 }).unwrap();
        let groups = |side: &[usize]| side.iter().map(|sample| sample / 7).collect::<std::collections::BTreeSet<_>>();
        assert!(groups(&split.train).is_disjoint(&groups(&split.test)));
        assert!(groups(&split.train).is_disjoint(&groups(&split.validation)));
        assert!(!split.test.is_empty() && split.test.len() <= 18);
        let times = (0..60).map(|sample| f64::from((sample * 37 % 60) as u32)).collect::<Vec<_>>();
        let latest = SplitKeys { groups: None, times: Some(times.clone()) };
        let split = with(latest).split(Split { validation: 0.1, test: 0.2, seed: 4 }).unwrap();
        let range = |side: &[usize]| {
            side.iter()
                .map(|&sample| times[sample])
                .fold((f64::MAX, f64::MIN), |(low, high), time| (low.min(time), high.max(time)))
        };
        assert_eq!((range(&split.test), range(&split.validation).1), ((48.0, 59.0), 47.0));
        let both = SplitKeys { times: Some(times), ..keys };
        let message = with(both).split(Split { validation: 0.1, test: 0.2, seed: 4 }).unwrap_err().to_string();
        assert!(message.starts_with("data.group, data.time"), "{message}");
        let short = SplitKeys { groups: Some(vec![0]), times: None };
        assert!(dataset(vec![0, 1], 2).with_split_keys(short).is_err());
    }

    #[test]
    fn equal_samples_go_to_one_split() {
        let config = DataConfig { keep_duplicates_together: true, ..DataConfig::default() };
        let inputs = Inputs::Floats((0..600).map(|sample| (sample % 200) as f32).collect());
        let labels = (0..600).map(|sample| (sample % 200 % 2) as u32).collect();
        let targets = Targets::Classes { labels, class_names: vec!["a".into(), "b".into()] };
        let data = Dataset::from_memory("a", SampleShape::Features(1), inputs, targets).unwrap();
        let sides = |split: &SplitDataset| {
            let values =
                |side: &[usize]| side.iter().map(|sample| sample % 200).collect::<std::collections::BTreeSet<_>>();
            [values(&split.train), values(&split.validation), values(&split.test)]
        };
        let ratios = Split { validation: 0.1, test: 0.2, seed: 4 };
        let split = data.clone().split(ratios).unwrap();
        assert!(!sides(&split)[0].is_disjoint(&sides(&split)[2]), "unless asked for, they are divided");
        let data = data.with_origin(config);
        let split = data.clone().split(ratios).unwrap();
        let [train, validation, test] = sides(&split);
        assert!(train.is_disjoint(&test) && train.is_disjoint(&validation) && validation.is_disjoint(&test));
        assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (432, 48, 120));
        assert_eq!(split.dataset.class_counts(&split.test), [60, 60]);

        let division = OfficialDivision { train: (0..400).collect(), validation: vec![], test: (500..600).collect() };
        let split = data.clone().with_division(division).unwrap().split(ratios).unwrap();
        let [train, validation, test] = sides(&split);
        assert!(train.is_disjoint(&test) && train.is_disjoint(&validation) && validation.is_disjoint(&test));
        assert_eq!(split.test.len(), 100, "the part of the source stays whole");

        let copy = OfficialDivision { train: (0..200).collect(), validation: vec![], test: (200..400).collect() };
        let message = data.with_division(copy).unwrap().split(ratios).unwrap_err().to_string();
        assert!(message.contains("every training sample also occurs in"), "{message}");
    }

    #[test]
    fn a_class_of_one_stays_in_training() {
        let split = dataset(vec![0, 0, 0, 0, 1], 2).split(Split { validation: 0.0, test: 0.5, seed: 0 }).unwrap();
        assert!(split.train.contains(&4));
        assert_eq!(split.test.len(), 3);
    }

    #[test]
    fn official_parts_win_over_shares() {
        let division = OfficialDivision { train: vec![0, 1, 2, 3], validation: vec![], test: vec![4, 5] };
        let with_division = |division| dataset(vec![0, 1, 0, 1, 0, 1], 2).with_division(division).unwrap();
        let split = with_division(division.clone()).split(Split { validation: 0.5, test: 0.4, seed: 0 }).unwrap();
        assert_eq!(split.test, [4, 5]);
        assert_eq!((split.train.len(), split.validation.len()), (2, 2));
        let division = OfficialDivision { train: vec![0, 1, 2], validation: vec![3], test: vec![4, 5] };
        let split = with_division(division).split(Split { validation: 0.5, test: 0.4, seed: 0 }).unwrap();
        assert_eq!((split.train, split.validation), (vec![0, 1, 2], vec![3]));
    }

    #[test]
    fn impossible_shares_are_refused() {
        for (validation, test, field) in
            [(1.0, 0.0, "data.validation"), (0.0, -0.1, "data.test"), (f64::NAN, 0.0, "data")]
        {
            let message = dataset(vec![0, 1], 2).split(Split { validation, test, seed: 0 }).unwrap_err().to_string();
            assert!(message.starts_with(field), "{message}");
        }
    }

    #[test]
    fn another_division_changes_the_second_half_alone() {
        let data = Dataset::digits().unwrap();
        let split = |seed| data.clone().split(Split { validation: 0.1, test: 0.2, seed }).unwrap().fingerprint();
        let (first, second) = (split(0), split(1));
        assert_eq!(first, split(0));
        assert_eq!(first[..16], second[..16]);
        assert_ne!(first[17..], second[17..]);
    }
}
