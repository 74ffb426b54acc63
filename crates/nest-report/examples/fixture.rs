//! Writes the pages of the test fixture, or of a projection, into a folder, to be looked at: `cargo run
//! -p nest-report --example fixture -- /tmp/report [reports/shop/projection.json]`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::{env, error::Error, fs, path::PathBuf};

use nest_data::{Document, Projection};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::args().nth(1).ok_or("name a folder")?);
    let projection = match env::args().nth(2) {
        Some(path) => Projection::from_json(&fs::read_to_string(path)?)?,
        None => support::projection(),
    };
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("report.html"), nest_report::html(&projection)?)?;
    fs::write(folder.join("summary.md"), nest_report::markdown(&projection)?)?;
    fs::write(folder.join("report.csv"), nest_report::csv(&projection))?;
    fs::write(
        folder.join("verdict.txt"),
        nest_report::verdict(&projection).text(),
    )?;
    for (name, svg) in nest_report::charts(&projection)? {
        fs::write(folder.join(name), svg)?;
    }
    Ok(())
}
