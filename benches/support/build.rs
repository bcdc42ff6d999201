//! The programs to measure: this one, and others that cargo builds from the same sources.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

/// The argument that makes a bench run a single case.
pub(crate) const CASE: &str = "case";

/// The build that runs a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Build {
    /// This program.
    This,
    /// This program with the feature `tracing`. A build has the feature or not, so comparing both
    /// takes two builds.
    Traced,
    /// `--bench memory`, whose allocator counts. In this program it would add instructions.
    Counting,
}

/// Builds the programs that are missing. Returns the path of each.
pub(crate) fn programs(builds: impl IntoIterator<Item = Build>) -> BTreeMap<Build, PathBuf> {
    let mut programs = BTreeMap::new();
    for build in builds {
        programs.entry(build).or_insert_with(|| program(build));
    }
    programs
}

fn program(build: Build) -> PathBuf {
    let multipart = cfg!(feature = "multipart").then_some("multipart");
    let shapes = cfg!(feature = "shapes").then_some("shapes");
    let formats = multipart.into_iter().chain(shapes);
    match build {
        Build::This => std::env::current_exe().expect("this program"),
        Build::Traced => built("budgets", formats.chain(["tracing"])),
        Build::Counting => built("memory", formats),
    }
}

/// Builds a bench with cargo. Returns its path.
fn built(bench: &str, features: impl IntoIterator<Item = &'static str>) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let features = features.into_iter().collect::<Vec<_>>().join(",");
    let build = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "bench",
            "--no-run",
            "--message-format=json",
            "--bench",
            bench,
        ])
        .args(["--features", &features])
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(build.status.success(), "cargo cannot build {bench}");
    let messages = String::from_utf8(build.stdout).expect("JSON");
    let messages = messages.lines().map(|line| {
        let message: Value = serde_json::from_str(line).expect("JSON");
        message
    });
    let mut artifacts = messages.filter(|message| message["target"]["name"] == bench);
    let program = artifacts.find_map(|artifact| Some(artifact["executable"].as_str()?.into()));
    program.expect("a program")
}
