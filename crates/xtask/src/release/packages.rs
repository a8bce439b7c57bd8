//! Packages of the crates, in publication order.

use std::fs;

use super::Release;
use super::contents::{self, MachinePaths};
use super::metadata::{Metadata, Package};
use super::outcome::Outcome;
use super::process::{cargo, output};

/// Maximum size of a package accepted by registries, in bytes.
const MOST_BYTES: u64 = 10 << 20;

/// Packages every crate for publication and checks the result.
pub(super) fn check(release: &Release<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    let (published, private) = match parted(&release.metadata) {
        Ok(parts) => parts,
        Err(problem) => return Outcome::failed(problem),
    };
    outcome.problems.extend(published.iter().flat_map(|package| manifest_problems(package, &release.metadata)));
    if let Err(problem) = package(release, &published) {
        outcome.problems.push(problem);
        return outcome;
    }
    let machine = MachinePaths::of(&release.metadata.workspace_root);
    for package in &published {
        let name = format!("{}-{}.crate", package.name, package.version);
        let file = release.metadata.target_directory.join("package").join(&name);
        let read = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()));
        match read.and_then(|bytes| Ok((bytes.len() as u64, contents::entries(&bytes)?))) {
            Ok((bytes, entries)) => {
                let whole: usize = entries.iter().map(|entry| entry.bytes.len()).sum();
                let sizes = format!("{:>7.1} kB, {:>7.1} kB unpacked", bytes as f64 / 1e3, whole as f64 / 1e3);
                outcome.facts.push(format!("{:<18} {sizes}, {:>3} files", package.name, entries.len()));
                let found = contents::problems(&entries, &machine).into_iter().chain(too_large(bytes));
                outcome.problems.extend(found.map(|problem| format!("{name}: {problem}")));
            }
            Err(problem) => outcome.problems.push(problem),
        }
    }
    if published.iter().any(|package| package.repository.is_none()) {
        let remark = "no `repository` in Cargo.toml: pages of the registry will not link to the sources";
        outcome.facts.push(remark.to_owned());
    }
    outcome.facts.push(format!("not for publication: {}", private.join(", ")));
    outcome
}

/// Returns the names of the crates for publication, each after the crates it depends on.
pub(super) fn publication_order(metadata: &Metadata) -> Result<Vec<&str>, String> {
    Ok(parted(metadata)?.0.iter().map(|package| package.name.as_str()).collect())
}

/// Returns the crates for publication, each after the crates it depends on, and the names of the others.
fn parted(metadata: &Metadata) -> Result<(Vec<&Package>, Vec<&str>), String> {
    let (mut waiting, private): (Vec<_>, Vec<_>) = metadata.workspace().partition(|package| package.publishable);
    waiting.sort_by(|a, b| a.name.cmp(&b.name));
    let mut ordered: Vec<&Package> = Vec::new();
    while !waiting.is_empty() {
        let needs_waiting = |package: &Package| {
            let mut needed = package.dependencies.iter().filter(|line| line.is_path && line.has_version);
            needed.any(|line| waiting.iter().any(|other| other.name == line.name && other.name != package.name))
        };
        let Some(next) = waiting.iter().position(|package| !needs_waiting(package)) else {
            let names: Vec<_> = waiting.iter().map(|package| package.name.as_str()).collect();
            return Err(format!("{} need each other in a circle and cannot be published one by one", names.join(", ")));
        };
        ordered.push(waiting.remove(next));
    }
    Ok((ordered, private.iter().map(|package| package.name.as_str()).collect()))
}

/// Returns missing manifest fields, and dependencies that a registry rejects.
fn manifest_problems(package: &Package, metadata: &Metadata) -> Vec<String> {
    let fields = [
        ("description", package.description.is_some()),
        ("license", package.license.is_some()),
        ("readme", package.readme.is_some()),
        ("rust-version", package.rust_version.is_some()),
        ("keywords", (1..=5).contains(&package.keywords)),
        ("categories", (1..=5).contains(&package.categories)),
    ];
    let missing = fields.into_iter().filter(|(_, given)| !given);
    let mut problems: Vec<String> = missing
        .map(|(field, _)| {
            format!("{}: `{field}` is missing in its manifest or has a number of entries that is refused", package.name)
        })
        .collect();
    for line in package.dependencies.iter().filter(|line| line.is_path) {
        let other = metadata.workspace().find(|other| other.name == line.name);
        if !line.for_tests && !line.has_version {
            problems.push(format!("{}: dependency `{}` has no version", package.name, line.name));
        } else if line.has_version && other.is_some_and(|other| !other.publishable) {
            problems.push(format!("{}: dependency `{}` is not published", package.name, line.name));
        }
    }
    problems
}

fn package(release: &Release<'_>, packages: &[&Package]) -> Result<(), String> {
    let mut command = cargo(release.root, &["package", "--quiet", "--no-verify", "--allow-dirty"]);
    packages.iter().for_each(|package| {
        command.args(["--package", &package.name]);
    });
    if release.options.offline {
        command.arg("--offline");
    }
    output(&mut command).map(|_| ())
}

fn too_large(bytes: u64) -> Option<String> {
    let megabytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    (bytes > MOST_BYTES).then(|| format!("{:.1} MB; at most {:.0} MB", megabytes(bytes), megabytes(MOST_BYTES)))
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Dependency;
    use super::*;

    fn workspace(packages: Vec<Package>) -> Metadata {
        let mut metadata = Metadata::default();
        for package in packages {
            metadata.members.insert(package.name.clone());
            metadata.packages.insert(package.name.clone(), package);
        }
        metadata
    }

    fn needs(name: &str) -> Dependency {
        Dependency { name: name.to_owned(), for_tests: false, is_path: true, has_version: true }
    }

    fn with(name: &str, dependencies: Vec<Dependency>) -> Package {
        Package { dependencies, rust_version: Some("1.90".to_owned()), ..Package::complete(name) }
    }

    #[test]
    fn a_crate_comes_after_those_it_needs() {
        let tool = Package { publishable: false, ..Package::complete("tool") };
        let for_tests = Dependency { for_tests: true, has_version: false, ..needs("z") };
        let metadata = workspace(vec![
            with("a", vec![needs("c")]),
            with("b", vec![]),
            with("c", vec![needs("z"), for_tests]),
            with("z", vec![]),
            tool,
        ]);
        assert_eq!(publication_order(&metadata).unwrap(), ["b", "z", "c", "a"]);
        assert_eq!(parted(&metadata).unwrap().1, ["tool"]);
        let circle = workspace(vec![with("a", vec![needs("b")]), with("b", vec![needs("a")]), with("c", vec![])]);
        assert!(publication_order(&circle).unwrap_err().starts_with("a, b need each other in a circle"));
    }

    #[test]
    fn manifests_without_a_field_are_named() {
        let metadata = workspace(vec![]);
        assert!(manifest_problems(&with("a", vec![]), &metadata).is_empty());
        let cases: [(&str, Package); 6] = [
            ("description", Package { description: None, ..with("a", vec![]) }),
            ("license", Package { license: None, ..with("a", vec![]) }),
            ("readme", Package { readme: None, ..with("a", vec![]) }),
            ("rust-version", Package { rust_version: None, ..with("a", vec![]) }),
            ("keywords", Package { keywords: 6, ..with("a", vec![]) }),
            ("categories", Package { categories: 0, ..with("a", vec![]) }),
        ];
        for (field, package) in cases {
            let problems = manifest_problems(&package, &metadata);
            assert!(problems.len() == 1 && problems[0].contains(&format!("`{field}`")), "{field}: {problems:?}");
        }
    }

    #[test]
    fn dependencies_that_a_registry_refuses_are_named() {
        let private = Package { publishable: false, ..Package::complete("private") };
        let metadata = workspace(vec![private]);
        let without = |for_tests| Dependency { for_tests, has_version: false, ..needs("other") };
        let cases = [
            (needs("private"), "a: dependency `private` is not published"),
            (without(false), "a: dependency `other` has no version"),
            (without(true), ""),
        ];
        for (line, expected) in cases {
            assert_eq!(manifest_problems(&with("a", vec![line]), &metadata).concat(), expected);
        }
    }

    #[test]
    fn packages_beyond_the_limit_are_refused() {
        assert_eq!(too_large(MOST_BYTES), None);
        assert_eq!(too_large(MOST_BYTES + (1 << 19)).unwrap(), "10.5 MB; at most 10 MB");
    }
}
