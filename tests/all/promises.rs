//! The rules in `CONTRIBUTING.md` and the threats in `SECURITY.md` name tests that exist.

use std::fs;
use std::process::Command;

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

/// The tests of this program, a line each.
fn own_tests() -> String {
    let program = std::env::current_exe().expect("this program");
    let listed = Command::new(program).arg("--list").output();
    String::from_utf8(listed.expect("the tests").stdout).expect("text")
}

/// Whether the package `durable` has the test.
fn is_in_durable(path: &str) -> bool {
    let (module, name) = path.rsplit_once("::").expect("a module and a name");
    let file = format!("durable/tests/all/{}.rs", module.replace("::", "/"));
    let text = fs::read_to_string(file).unwrap_or_default();
    text.contains(&format!("fn {name}("))
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
    let own = own_tests();
    for (document, head, expected) in documents {
        let text = fs::read_to_string(document).expect("a document");
        let mut count = 0;
        for row in rows(&text, head) {
            count += 1;
            assert!(!tests(row).is_empty(), "no test is named in: {row}");
            for test in tests(row) {
                let exists = match row.contains("| durable: ") {
                    true => is_in_durable(test),
                    false => own.lines().any(|line| line == format!("{test}: test")),
                };
                assert!(exists, "{document} names no test: {test}");
            }
        }
        assert!(expected.contains(&count), "{document}: {count} rows");
    }
}
