//! A chart as PNG, twice as large as on a page, in the bundled font, so that it looks the same everywhere.

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree},
};

/// The bundled font: Inter, under the SIL Open Font License (`fonts/OFL.txt`).
const FONTS: [&[u8]; 2] = [
    include_bytes!("../../fonts/Inter-Regular.otf"),
    include_bytes!("../../fonts/Inter-SemiBold.otf"),
];
/// Name of the family in these files.
const FAMILY: &str = "Inter";
/// Pixels of the picture for one of the page.
const SCALE: f32 = 2.0;

/// The bytes of a PNG file that shows an SVG text.
pub(super) fn png(svg: &str) -> Result<Vec<u8>, String> {
    let tree = Tree::from_str(svg, &options()).map_err(|error| error.to_string())?;
    let size = tree.size().to_int_size();
    let pixels = |length: u32| (f64::from(length) * f64::from(SCALE)).ceil() as u32;
    let mut pixmap =
        Pixmap::new(pixels(size.width()), pixels(size.height())).ok_or("the chart has no size")?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| error.to_string())
}

/// Only the bundled font is there.
fn options() -> Options<'static> {
    let mut options = Options {
        font_family: FAMILY.to_owned(),
        ..Options::default()
    };
    let fonts = options.fontdb_mut();
    for font in FONTS {
        fonts.load_font_data(font.to_vec());
    }
    fonts.set_sans_serif_family(FAMILY);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Width and height of a PNG file, by its header (RFC 2083).
    fn size(png: &[u8]) -> (u32, u32) {
        let number = |at: usize| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]);
        (number(16), number(20))
    }

    fn square(inside: &str) -> Vec<u8> {
        let svg =
            format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"20\">{inside}</svg>");
        png(&svg).expect("a picture")
    }

    #[test]
    fn a_picture_is_twice_as_large_as_the_chart() {
        assert_eq!(size(&square("")), (80, 40));
    }

    #[test]
    fn text_is_drawn_in_the_bundled_font() {
        let text = |family: &str| {
            square(&format!(
                "<text x=\"2\" y=\"15\" font-family=\"{family}\">−$5</text>"
            ))
        };
        assert_ne!(text("sans-serif"), square(""), "there is a font");
        assert_eq!(text("sans-serif"), text("A font that nobody has, Inter"));
    }
}
