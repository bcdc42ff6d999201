//! Modules import only modules of lower layers, so that each can be read without those above it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The code of a file, without comments and unit tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source file");
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .expect("a part");
    let lines = code.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The source files of a module: its file, or all files in its folder.
fn files(module: &Path) -> Vec<PathBuf> {
    let file = module.with_extension("rs");
    if file.is_file() {
        return vec![file];
    }
    let entries = fs::read_dir(module).unwrap_or_else(|_| panic!("no module {module:?}"));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    let sources = files.into_iter().filter(|path| {
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        // Skip files with unit tests.
        is_source && !path.ends_with("tests.rs")
    });
    sources
        .chain(folders.iter().flat_map(|folder| self::files(folder)))
        .collect()
}

/// The names after this prefix, also those in braces.
fn names_behind(code: &str, prefix: &str) -> BTreeSet<String> {
    let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let first = |text: &str| {
        let end = text.find(|char| !is_name(char)).unwrap_or(text.len());
        text[..end].to_owned()
    };
    let places = code.match_indices(prefix);
    let places = places.filter(|(at, _)| !code[..*at].ends_with(is_name));
    let mut names = BTreeSet::new();
    for (at, _) in places {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => drop(names.insert(first(rest))),
            Some(rest) => {
                let mut depth = 0;
                let group: String = rest
                    .chars()
                    .take_while(|char| {
                        depth += i32::from(*char == '{') - i32::from(*char == '}');
                        depth >= 0
                    })
                    .collect();
                let mut depth = 0;
                let parts = group.split(|char| {
                    depth += i32::from(char == '{') - i32::from(char == '}');
                    char == ',' && depth == 0
                });
                names.extend(parts.map(|part| first(part.trim())));
            }
        }
    }
    names
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The layer of each module: `lib.rs` separates layers by blank lines.
fn layers() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(source().join("lib.rs")).expect("lib.rs");
    let (_, modules) = text
        .split_once("// The modules in layers")
        .expect("the modules");
    let (modules, _) = modules.split_once("\npub use ").expect("the exports");
    let mut layers = BTreeMap::new();
    for (layer, group) in modules.split("\n\n").enumerate() {
        let names = group.lines().filter_map(|line| line.strip_prefix("mod "));
        for name in names {
            layers.insert(name.trim_end_matches(';').to_owned(), layer);
        }
    }
    layers
}

#[test]
fn modules_import_only_from_layers_below() {
    let layers = layers();
    assert!(layers.len() > 20, "{layers:?}");
    let mut upwards = Vec::new();
    for (module, layer) in &layers {
        for file in files(&source().join(module)) {
            for name in names_behind(&code(&file), "crate::") {
                let is_below = layers.get(&name).map(|other| other > layer);
                // A name that is no module is a macro or a function of the root.
                if is_below == Some(false) && name != *module {
                    upwards.push(format!("{}: {name}", file.display()));
                }
            }
        }
    }
    assert_eq!(upwards, Vec::<String>::new());
}

#[test]
fn files_of_a_module_do_not_import_each_other_in_a_circle() {
    let mut folders: Vec<_> = layers()
        .into_keys()
        .map(|name| source().join(name))
        .collect();
    let mut edges = BTreeMap::<PathBuf, BTreeSet<PathBuf>>::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                folders.push(path.clone());
            }
            let is_source = path.extension().is_some_and(|extension| extension == "rs");
            if path.ends_with("mod.rs")
                || path.ends_with("tests.rs")
                || !(path.is_dir() || is_source)
            {
                continue;
            }
            let module = path.with_extension("");
            let mut used = BTreeSet::new();
            // Files in a folder reach its siblings by `super::super`. Names are unique enough to
            // compare.
            for file in files(&module) {
                let code = code(&file);
                let deep = file
                    .strip_prefix(&folder)
                    .expect("below")
                    .components()
                    .count()
                    > 1;
                let is_root = file.ends_with("mod.rs") || !deep;
                let prefix = if is_root { "super::" } else { "super::super::" };
                used.extend(names_behind(&code, prefix));
            }
            let others = used.into_iter().map(|name| folder.join(name));
            let others = others.filter(|other| *other != module);
            let is_module = |path: &PathBuf| path.is_dir() || path.with_extension("rs").is_file();
            let others = others.filter(is_module).collect();
            edges.insert(module, others);
        }
    }
    assert!(edges.values().map(BTreeSet::len).sum::<usize>() > 20);
    // Remove files whose imports are all removed, until only circles are left.
    loop {
        let before = edges.len();
        let left: BTreeSet<_> = edges.keys().cloned().collect();
        edges.retain(|_, others| others.iter().any(|other| left.contains(other)));
        if edges.len() == before {
            break;
        }
    }
    assert_eq!(edges, BTreeMap::new());
}

#[test]
fn names_are_found_with_and_without_braces() {
    let code = "use crate::one::{A, B};\nuse crate::{two::{C, crate_x}, three};\nmycrate::four;";
    let names: Vec<_> = names_behind(code, "crate::").into_iter().collect();
    assert_eq!(names, ["one", "three", "two"]);
}
