//! Figures outside a browser: options of ECharts to SVG in a JavaScript engine, SVG to PNG.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb::Database};
use rquickjs::{CatchResultExt, Context, Ctx, Runtime};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What makes names such as `__proto__` names.
pub(crate) const NAMES: &str = include_str!("../assets/names.js");
/// ECharts.
pub(crate) const ECHARTS: &str = include_str!("../assets/echarts.min.js");
/// Options of ECharts from data: what figures share, each kind of figure, and all of a report.
pub(crate) const CHARTS: &str = concat!(
    include_str!("../assets/charts/base.js"),
    include_str!("../assets/charts/maps.js"),
    include_str!("../assets/charts/paths.js"),
    include_str!("../assets/charts/compared.js"),
    include_str!("../assets/charts/certainty.js"),
    include_str!("../assets/charts/space.js"),
    include_str!("../assets/charts/coefficients.js"),
    include_str!("../assets/charts/all.js"),
);

const FONT: &[u8] = include_bytes!("../assets/DejaVuSans.ttf");
const FAMILY: &str = "DejaVu Sans";
const WIDTH: u32 = 960;
/// Pixels of the PNG a unit of the SVG, where nobody says.
const SCALE: f32 = 2.0;
/// Pixels that a side of a PNG may have.
const MOST_PIXELS: f32 = 20_000.0;

/// Why a figure could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// The JavaScript failed.
    #[error("failed to draw the figures: {0}")]
    Script(String),
    /// The SVG could not be read back.
    #[error("failed to draw the figure `{name}` as PNG")]
    Svg {
        /// The figure.
        name: String,
        /// The cause.
        #[source]
        source: resvg::usvg::Error,
    },
    /// A picture of the size that is asked for would be too small or too large.
    #[error(
        "the figure `{name}` is not drawn as PNG: it would have {width:.0} x {height:.0} pixels, expected 1 to {most} a side: \
         ask for another scale, or for SVG",
        most = MOST_PIXELS
    )]
    Size {
        /// The figure.
        name: String,
        /// Pixels from left to right.
        width: f32,
        /// Pixels from top to bottom.
        height: f32,
    },
    /// The picture could not be made.
    #[error("failed to draw the figure `{name}` as PNG: {why}")]
    Png {
        /// The figure.
        name: String,
        /// Why.
        why: String,
    },
}

impl DrawError {
    /// Whether what was asked for is at fault.
    pub fn is_users(&self) -> bool {
        matches!(self, Self::Size { .. })
    }
}

/// A drawn figure.
pub(crate) struct Figure {
    /// Its name.
    pub(crate) name: String,
    /// The drawing.
    pub(crate) svg: String,
    /// The picture.
    pub(crate) png: Vec<u8>,
}

/// A figure without its picture.
#[derive(serde::Deserialize)]
struct Drawing {
    name: String,
    svg: String,
}

// What a library made for browsers looks for.
const BEFORE: &str =
    "globalThis.setTimeout = function () { return 0; }; globalThis.clearTimeout = function () {};";

const DRAW: &str = include_str!("../assets/draw.js");
/// Options of ECharts from rows that are no report's.
const FIGURES: &str = include_str!("../assets/figures.js");

/// Drawings that are made at the most to come to one figure.
const MOST_DRAWN: usize = 8;

/// Draws every figure of the data of a report.
pub(crate) fn figures(data: &Value) -> Result<Vec<Figure>, DrawError> {
    let drawn = drawings("charts.all", data)?;
    let options = letters();
    drawn
        .into_iter()
        .map(|Drawing { name, svg }| {
            let png = picture(&name, &svg, SCALE, &options)?;
            Ok(Figure { name, svg, png })
        })
        .collect()
}

/// Draws estimates with their intervals: `title`, and `marks`, which have a `label`, an `estimate`,
/// `low`, `high`, and what is `said` of these.
pub(crate) fn plot(data: &Value) -> Result<String, DrawError> {
    let drawn = drawings("charts.plot", data)?;
    Ok(drawn.into_iter().map(|drawing| drawing.svg).collect())
}

/// Draws what `make`, a function of `figures.js`, makes of `data`, `width` of these wide.
pub(crate) fn figure(make: &str, data: &Value) -> Result<String, DrawError> {
    let drawn = drawings(make, data)?;
    let svg: String = drawn.into_iter().map(|drawing| drawing.svg).collect();
    // Figures that stand in one page share its names: each has its own, which are made of what is drawn.
    let hash = Sha256::digest(svg.as_bytes());
    let own: String = hash[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    // The library numbers what it draws, and some of it is drawn to be measured.
    let numbered = (0..MOST_DRAWN).flat_map(|n| ["\"", "#"].map(|before| (before, n)));
    Ok(numbered.fold(svg, |svg, (before, n)| {
        svg.replace(&format!("{before}zr{n}-"), &format!("{before}r{own}-{n}-"))
    }))
}

/// A drawn figure as PNG, `scale` pixels a unit of the SVG. It has the letters of DejaVu Sans.
///
/// # Errors
///
/// [`DrawError`] if `svg` is none, or the picture would be empty or have a side of more than 20 000
/// pixels.
pub fn png(svg: &str, scale: f32) -> Result<Vec<u8>, DrawError> {
    picture("figure", svg, scale, &letters())
}

/// What texts are drawn with.
fn letters() -> Options<'static> {
    let mut fonts = Database::new();
    fonts.load_font_data(FONT.to_vec());
    fonts.set_sans_serif_family(FAMILY);
    Options { fontdb: Arc::new(fonts), font_family: FAMILY.to_owned(), ..Options::default() }
}

/// Draws what `make`, a function of `charts/` or `figures.js`, makes of `data`.
fn drawings(make: &str, data: &Value) -> Result<Vec<Drawing>, DrawError> {
    let broken = |error: rquickjs::Error| DrawError::Script(error.to_string());
    let runtime = Runtime::new().map_err(broken)?;
    runtime.set_max_stack_size(16 << 20);
    let context = Context::full(&runtime).map_err(broken)?;
    let text = context.with(|ctx: Ctx<'_>| -> Result<String, DrawError> {
        let failed = |error: rquickjs::CaughtError<'_>| DrawError::Script(error.to_string());
        for script in [BEFORE, NAMES, ECHARTS, CHARTS, FIGURES, DRAW] {
            ctx.eval::<(), _>(script).catch(&ctx).map_err(failed)?;
        }
        ctx.globals().set("WIDTH", WIDTH).catch(&ctx).map_err(failed)?;
        // As JSON and not as a script, where a name such as `__proto__` has a meaning.
        let data = ctx.json_parse(data.to_string()).catch(&ctx).map_err(failed)?;
        ctx.globals().set("data", data).catch(&ctx).map_err(failed)?;
        ctx.eval::<String, _>(format!("draw({make})")).catch(&ctx).map_err(failed)
    })?;
    serde_json::from_str(&text).map_err(|error| DrawError::Script(error.to_string()))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a picture has few thousand pixels"
)]
fn picture(name: &str, svg: &str, scale: f32, options: &Options<'_>) -> Result<Vec<u8>, DrawError> {
    let tree = Tree::from_str(svg, options)
        .map_err(|source| DrawError::Svg { name: name.to_owned(), source })?;
    let failed = |why: &str| DrawError::Png { name: name.to_owned(), why: why.to_owned() };
    let size = tree.size();
    let sides = [size.width() * scale, size.height() * scale];
    if !sides.iter().all(|side| (1.0..=MOST_PIXELS).contains(side)) {
        let [width, height] = sides;
        return Err(DrawError::Size { name: name.to_owned(), width, height });
    }
    let [width, height] = sides.map(|side| side.round() as u32);
    let mut picture = Pixmap::new(width, height).ok_or_else(|| failed("it has no size"))?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut picture.as_mut());
    picture.encode_png().map_err(|error| failed(&error.to_string()))
}
