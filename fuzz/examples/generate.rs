//! Writes the generated seeds of all targets to a folder, in a folder for each target.

use std::path::PathBuf;
use std::{env, fs, io};

use tower_multistatus_fuzz::{TARGETS, generated};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args_os().nth(1).expect("a folder"));
    for (target, _) in TARGETS {
        fs::create_dir_all(folder.join(target))?;
        for (name, bytes) in generated(target) {
            fs::write(folder.join(target).join(name), bytes)?;
        }
    }
    Ok(())
}
