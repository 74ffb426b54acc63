//! Writes every figure of a projection, at every width, into one page to be looked at: `cargo run -p
//! nest-report --example gallery -- reports/shop/projection.json /tmp/gallery.html`. A third argument names a
//! folder for the files of the charts.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let from = env::args().nth(1).ok_or("name a projection.json")?;
    let to = env::args().nth(2).ok_or("name a page to write")?;
    let projection: nest_data::Projection = serde_json::from_str(&fs::read_to_string(from)?)?;
    fs::write(to, nest_report::gallery(&projection)?)?;
    if let Some(folder) = env::args().nth(3) {
        write_files(Path::new(&folder), &projection)?;
    }
    Ok(())
}

fn write_files(folder: &Path, projection: &nest_data::Projection) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for (name, svg) in nest_report::charts(projection)? {
        fs::write(folder.join(name), svg)?;
    }
    #[cfg(feature = "png")]
    for (name, png) in nest_report::pictures(projection)? {
        fs::write(folder.join(name), png)?;
    }
    Ok(())
}
