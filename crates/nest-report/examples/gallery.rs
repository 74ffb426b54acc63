//! Writes every figure of a projection, at every width, into one page to be looked at: `cargo run -p
//! nest-report --example gallery -- reports/shop/projection.json /tmp/gallery.html`.

use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let from = env::args().nth(1).ok_or("name a projection.json")?;
    let to = env::args().nth(2).ok_or("name a page to write")?;
    let projection: nest_data::Projection = serde_json::from_str(&fs::read_to_string(from)?)?;
    fs::write(to, nest_report::gallery(&projection)?)?;
    Ok(())
}
