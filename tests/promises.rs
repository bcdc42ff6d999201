//! The tests that the rules in `CONTRIBUTING.md` and the threats in `SECURITY.md` name exist.

use std::fs;
use std::path::{Path, PathBuf};

/// The lines of the first table of a document that has this head.
fn rows<'a>(document: &'a str, head: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = document.lines().skip_while(move |line| *line != head);
    lines.skip(2).take_while(|line| line.starts_with('|'))
}

/// The paths of tests in the last cell of a row.
fn tests(row: &str) -> Vec<&str> {
    let cell = row.trim_end_matches('|').rsplit('|').next();
    let quoted = cell.expect("a cell").split('`').skip(1).step_by(2);
    quoted.filter(|name| name.contains("::")).collect()
}

/// Whether a file of the module of this path has the test.
fn exists(folder: &str, path: &str) -> bool {
    let (module, name) = path.rsplit_once("::").expect("a module and a name");
    let module = Path::new(folder).join(module.replace("::", "/"));
    let files: [PathBuf; 2] = [module.with_extension("rs"), module.join("mod.rs")];
    let definition = format!("fn {name}(");
    files.iter().any(|file| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.contains(&definition)
    })
}

#[test]
fn each_rule_and_each_threat_names_tests_that_exist() {
    let documents = [
        (
            "CONTRIBUTING.md",
            "| | rule | tests in `tests/all` |",
            12..=12,
        ),
        (
            "SECURITY.md",
            "| threat | what the layer does | tests |",
            20..=99,
        ),
    ];
    for (document, head, expected) in documents {
        let text = fs::read_to_string(document).expect("a document");
        let mut count = 0;
        for row in rows(&text, head) {
            count += 1;
            assert!(!tests(row).is_empty(), "no test is named in: {row}");
            let folder = if row.contains("| durable: ") {
                "durable/tests/all"
            } else {
                "tests/all"
            };
            for test in tests(row) {
                assert!(exists(folder, test), "{document} names no test: {test}");
            }
        }
        assert!(expected.contains(&count), "{document}: {count} rows");
    }
}
