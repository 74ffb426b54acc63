//! Writes the pages of the test fixture into a folder, to be looked at: `cargo run -p nest-report --example
//! fixture -- /tmp/report`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::args().nth(1).ok_or("name a folder")?);
    let projection = support::projection();
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("report.html"), nest_report::html(&projection)?)?;
    fs::write(folder.join("summary.md"), nest_report::markdown(&projection)?)?;
    fs::write(folder.join("report.csv"), nest_report::csv(&projection))?;
    for (name, svg) in nest_report::charts(&projection)? {
        fs::write(folder.join(name), svg)?;
    }
    Ok(())
}
