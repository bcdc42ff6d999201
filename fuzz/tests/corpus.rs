//! All seeds pass, on every Rust.

use std::fs;
use std::path::Path;

use tower_multistatus_fuzz::{TARGETS, generated};

#[test]
fn generated_seeds_pass() {
    for (name, run) in TARGETS {
        for (seed, bytes) in generated(name) {
            println!("{name} {seed}");
            run(&bytes);
        }
    }
}

#[test]
fn every_target_has_seeds_and_all_of_them_pass() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for (name, run) in TARGETS {
        let files = fs::read_dir(seeds.join(name)).unwrap_or_else(|_| panic!("{name} has no seed"));
        let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        assert!(!paths.is_empty(), "{name} has no seed");
        paths.sort();
        for path in paths {
            // The test harness shows this only if the seed panics.
            println!("{}", path.display());
            run(&fs::read(&path).expect("a seed"));
        }
    }
    assert_eq!(fs::read_dir(seeds).expect("seeds").count(), TARGETS.len());
}
