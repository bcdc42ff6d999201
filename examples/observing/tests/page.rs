//! The guide page shows the code of this package.

const PAGE: &str = include_str!("../../../src/guide/observing.md");

/// The code of a file, without its first lines of documentation.
fn code(file: &str) -> &str {
    file.split_once("\n\n").expect("documentation").1
}

#[test]
fn the_page_shows_this_code() {
    for file in [
        include_str!("../src/measured.rs"),
        include_str!("../src/traced.rs"),
    ] {
        let block = format!("```rust,ignore\n{}```\n", code(file));
        assert!(
            PAGE.contains(&block),
            "the page has other code than this:\n{block}"
        );
    }
}
