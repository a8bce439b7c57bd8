//! Packages of the workspace and their dependencies, as `cargo metadata` describes them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::options::Options;
use super::process::{cargo, output};

/// Packages and their dependencies.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    /// All packages by identifier.
    pub(super) packages: BTreeMap<String, Package>,
    /// Identifiers of the workspace packages.
    pub(super) members: BTreeSet<String>,
    /// Identifiers of the packages that each package is linked with at run time.
    pub(super) links: BTreeMap<String, Vec<String>>,
    /// Folder of the workspace, as named by the compiler.
    pub(super) workspace_root: PathBuf,
    pub(super) target_directory: PathBuf,
}

/// A package with the fields of its manifest that a release needs.
#[derive(Debug, Default)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) description: Option<String>,
    /// SPDX expression.
    pub(super) license: Option<String>,
    pub(super) license_file: Option<String>,
    pub(super) readme: Option<String>,
    pub(super) repository: Option<String>,
    pub(super) rust_version: Option<String>,
    pub(super) keywords: usize,
    pub(super) categories: usize,
    pub(super) publishable: bool,
    /// True for macros, which run at compile time and are not part of a program.
    pub(super) proc_macro: bool,
    pub(super) manifest: PathBuf,
    pub(super) dependencies: Vec<Dependency>,
}

/// A dependency line of a manifest.
#[derive(Debug, Default)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// True if only tests, examples and benches use it.
    pub(super) for_tests: bool,
    /// True if it comes from a folder rather than a registry.
    pub(super) is_path: bool,
    /// True if it has a version requirement, without which it cannot be published.
    pub(super) has_version: bool,
}

impl Metadata {
    /// Runs `cargo metadata` on the workspace at `root` for `target`.
    pub(super) fn of_workspace(root: &Path, target: &str, options: &Options) -> Result<Metadata, String> {
        let mut command = cargo(root, &["metadata", "--format-version", "1", "--locked", "--filter-platform", target]);
        if options.offline {
            command.arg("--offline");
        }
        Metadata::read(&output(&mut command)?)
    }

    /// Parses the output of `cargo metadata`.
    pub(super) fn read(text: &str) -> Result<Metadata, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("output of `cargo metadata`: {error}"))?;
        let mut metadata = Metadata {
            workspace_root: path(&value["workspace_root"]),
            target_directory: path(&value["target_directory"]),
            ..Metadata::default()
        };
        for package in array(&value["packages"]) {
            metadata.packages.insert(text_of(&package["id"]), read_package(package));
        }
        metadata.members = array(&value["workspace_members"]).iter().map(text_of).collect();
        for node in array(&value["resolve"]["nodes"]) {
            let runs = |kind: &Value| kind["kind"].is_null();
            let linked = array(&node["deps"]).iter().filter(|link| array(&link["dep_kinds"]).iter().any(runs));
            metadata.links.insert(text_of(&node["id"]), linked.map(|link| text_of(&link["pkg"])).collect());
        }
        Ok(metadata)
    }

    /// Returns the workspace packages, by name.
    pub(super) fn workspace(&self) -> impl Iterator<Item = &Package> {
        self.members.iter().filter_map(|id| self.packages.get(id))
    }

    /// Returns the identifier of a workspace package.
    pub(super) fn member(&self, name: &str) -> Option<&str> {
        let is_named = |id: &&String| self.packages.get(*id).is_some_and(|package| package.name == name);
        self.members.iter().find(is_named).map(String::as_str)
    }
}

fn read_package(value: &Value) -> Package {
    let optional = |key: &str| value[key].as_str().map(str::to_owned);
    let is_macro = |target: &Value| array(&target["kind"]).iter().any(|kind| kind == "proc-macro");
    Package {
        name: text_of(&value["name"]),
        version: text_of(&value["version"]),
        description: optional("description"),
        license: optional("license"),
        license_file: optional("license_file"),
        readme: optional("readme"),
        repository: optional("repository"),
        rust_version: optional("rust_version"),
        keywords: array(&value["keywords"]).len(),
        categories: array(&value["categories"]).len(),
        // Cargo represents `publish = false` as an empty list of registries.
        publishable: value["publish"].is_null(),
        proc_macro: array(&value["targets"]).iter().any(is_macro),
        manifest: path(&value["manifest_path"]),
        dependencies: array(&value["dependencies"]).iter().map(read_dependency).collect(),
    }
}

fn read_dependency(value: &Value) -> Dependency {
    Dependency {
        name: text_of(&value["name"]),
        for_tests: value["kind"] == "dev",
        is_path: value["path"].is_string(),
        has_version: value["req"] != "*",
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn path(value: &Value) -> PathBuf {
    PathBuf::from(text_of(value))
}

#[cfg(test)]
impl Package {
    /// Returns a package with all fields required by a registry.
    pub(super) fn complete(name: &str) -> Package {
        let some = |text: &str| Some(text.to_owned());
        Package {
            name: name.to_owned(),
            version: "1.2.3".to_owned(),
            description: some("does things"),
            license: some("MIT"),
            readme: some("README.md"),
            keywords: 2,
            categories: 1,
            publishable: true,
            ..Package::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
        "packages": [
            { "id": "path#a", "name": "a", "version": "0.2.0", "license": "MIT", "publish": null, "manifest_path": "a/Cargo.toml",
              "keywords": ["x"], "targets": [{ "kind": ["lib"] }],
              "dependencies": [{ "name": "b", "kind": "dev", "req": "*", "path": "b" }, { "name": "m", "kind": null, "req": "^1" }] },
            { "id": "path#b", "name": "b", "version": "0.2.0", "license": null, "publish": [], "targets": [] },
            { "id": "registry#m", "name": "m", "version": "1.0.0", "targets": [{ "kind": ["proc-macro"] }] }
        ],
        "workspace_members": ["path#a", "path#b"],
        "resolve": { "nodes": [{ "id": "path#a", "deps": [
            { "pkg": "registry#m", "dep_kinds": [{ "kind": null }] }, { "pkg": "path#b", "dep_kinds": [{ "kind": "dev" }] }] }] },
        "workspace_root": "w",
        "target_directory": "t"
    }"#;

    #[test]
    fn packages_dependencies_and_links_are_read() {
        let metadata = Metadata::read(TEXT).unwrap();
        let names: Vec<_> = metadata.workspace().map(|package| (package.name.as_str(), package.publishable)).collect();
        assert_eq!(names, [("a", true), ("b", false)]);
        assert_eq!(metadata.links["path#a"], ["registry#m"]);
        assert!(metadata.packages["registry#m"].proc_macro);
        assert_eq!(metadata.member("b"), Some("path#b"));
        assert_eq!(metadata.member("m"), None);
        let a = &metadata.packages["path#a"];
        let read: Vec<_> = a.dependencies.iter().map(|line| (line.for_tests, line.is_path, line.has_version)).collect();
        assert_eq!(read, [(true, true, false), (false, false, true)]);
        assert_eq!((a.keywords, a.license.as_deref(), a.readme.as_deref()), (1, Some("MIT"), None));
        assert_eq!([metadata.workspace_root, metadata.target_directory], ["w", "t"].map(PathBuf::from));
        assert!(Metadata::read("{").unwrap_err().starts_with("output of `cargo metadata`: "));
    }
}
