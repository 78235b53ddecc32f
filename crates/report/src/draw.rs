//! Figures outside a browser: options of ECharts to SVG in a JavaScript engine, SVG to PNG.

use crate::fonts::{FAMILY, FONTS};
use krilla::Document;
use krilla::geom::Size;
use krilla::page::PageSettings;
use krilla_svg::{SurfaceExt, SvgSettings};
use png::{BitDepth, ColorType, Compression, PixelDimensions, Unit};
use rayon::prelude::*;
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
    include_str!("../assets/charts/labels.js"),
    include_str!("../assets/charts/maps.js"),
    include_str!("../assets/charts/paths.js"),
    include_str!("../assets/charts/compared.js"),
    include_str!("../assets/charts/certainty.js"),
    include_str!("../assets/charts/evidence.js"),
    include_str!("../assets/charts/space.js"),
    include_str!("../assets/charts/trade.js"),
    include_str!("../assets/charts/coefficients.js"),
    include_str!("../assets/charts/places.js"),
    include_str!("../assets/charts/sheet.js"),
    include_str!("../assets/charts/all.js"),
);

const WIDTH: u32 = 960;
/// Narrower figures are laid out as on a phone.
const NARROW: u32 = 600;
/// Pixels of the PNG a unit of the SVG, where nobody says.
const SCALE: f32 = 2.0;
/// Units of the SVG an inch, and points of a PDF.
const UNITS_AN_INCH: f32 = 96.0;
const POINTS_AN_INCH: f32 = 72.0;
/// Pixels of the PNG an inch of paper, and a metre.
const DOTS_AN_INCH: f32 = 300.0;
const DOTS_A_METRE: u32 = 11_811;
/// Pixels that a side of a PNG may have.
const MOST_PIXELS: f32 = 20_000.0;

/// Why a figure could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// The JavaScript failed.
    #[error("failed to draw the figures: {0}")]
    Script(String),
    /// The threads that draw could not be started.
    #[error("failed to start the threads that draw the figures")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// The data of a figure are no table.
    #[error("failed to write the data of the figure `{name}`")]
    Data {
        /// The figure.
        name: String,
        /// The cause.
        #[source]
        source: csv::Error,
    },
    /// The SVG could not be read back.
    #[error("failed to draw the figure `{name}` as PNG or PDF")]
    Svg {
        /// The figure.
        name: String,
        /// The cause.
        #[source]
        source: resvg::usvg::Error,
    },
    /// The PDF could not be made.
    #[error("failed to draw the figure `{name}` as PDF: {why}")]
    Pdf {
        /// The figure.
        name: String,
        /// Why.
        why: String,
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

/// What a figure is drawn for.
#[derive(Clone, Copy)]
pub(crate) enum Paper {
    /// A screen.
    Screen,
    /// Paper, so many units of the SVG wide.
    Wide(u32),
}

impl Paper {
    /// Pixels of a PNG a unit of the SVG.
    fn scale(self) -> f32 {
        match self {
            Self::Screen => SCALE,
            Self::Wide(_) => DOTS_AN_INCH / UNITS_AN_INCH,
        }
    }

    /// Pixels of a PNG a metre, where it has a size.
    fn dots(self) -> Option<u32> {
        match self {
            Self::Screen => None,
            Self::Wide(_) => Some(DOTS_A_METRE),
        }
    }
}

/// A drawn figure, and what is drawn.
#[derive(Clone, serde::Deserialize)]
pub(crate) struct Drawing {
    /// Its name.
    pub(crate) name: String,
    /// Its place among those that there may be.
    pub(crate) at: usize,
    /// The drawing.
    pub(crate) svg: String,
    /// The names of the columns of its data.
    pub(crate) columns: Option<Vec<String>>,
    /// Its data, numbers with all their digits.
    pub(crate) rows: Option<Vec<Vec<Option<String>>>>,
    /// A statement that gives these.
    pub(crate) sql: Option<String>,
}

// What a library made for browsers looks for.
const BEFORE: &str =
    "globalThis.setTimeout = function () { return 0; }; globalThis.clearTimeout = function () {};";

const DRAW: &str = include_str!("../assets/draw.js");
/// Options of ECharts from rows that are no report's.
const FIGURES: &str = include_str!("../assets/figures.js");

/// Drawings that are made at the most to come to one figure.
const MOST_DRAWN: usize = 8;

/// Engines that draw the figures of a report side by side. They are as many on every machine: the
/// library numbers what an engine draws, and the numbers are in the drawings.
const PARTS: u32 = 4;

/// Which figures an engine draws: of `of` engines, those of the one that is `first` in the first turn.
#[derive(Clone, Copy)]
struct Part {
    first: u32,
    of: u32,
}

/// All figures.
const WHOLE: Part = Part { first: 0, of: 1 };

/// Draws every figure of the data of a report, in their order.
pub(crate) fn figures(data: &Value, paper: Paper) -> Result<Vec<Drawing>, DrawError> {
    let mut data = data.clone();
    if let (Paper::Wide(width), Some(fields)) = (paper, data.as_object_mut()) {
        fields.insert("width".to_owned(), width.into());
        fields.insert("narrow".to_owned(), (width < NARROW).into());
    }
    let data = data.to_string();
    let parts = (0..PARTS).into_par_iter().map(|first| {
        let part = Part { first, of: PARTS };
        drawings("charts.all", &data, part)
    });
    let mut drawn = parts.collect::<Result<Vec<_>, _>>()?.concat();
    drawn.sort_by_key(|drawing| drawing.at);
    Ok(drawn)
}

/// Draws estimates with their intervals: `title`, and `marks`, which have a `label`, an `estimate`,
/// `low`, `high`, and what is `said` of these.
pub(crate) fn plot(data: &Value) -> Result<String, DrawError> {
    let drawn = drawings("charts.plot", &data.to_string(), WHOLE)?;
    Ok(drawn.into_iter().map(|drawing| drawing.svg).collect())
}

/// Draws what `make`, a function of `figures.js`, makes of `data`, `width` of these wide.
pub(crate) fn figure(make: &str, data: &Value) -> Result<String, DrawError> {
    let drawn = drawings(make, &data.to_string(), WHOLE)?;
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
    rendered("figure", svg, (scale, None), &letters())
}

/// A drawn figure as PNG.
pub(crate) fn picture(
    drawing: &Drawing,
    paper: Paper,
    letters: &Options<'_>,
) -> Result<Vec<u8>, DrawError> {
    rendered(&drawing.name, &drawing.svg, (paper.scale(), paper.dots()), letters)
}

/// A drawn figure as PDF, of one page without margins. It says no date: the same figure is the same
/// bytes.
pub(crate) fn pdf(drawing: &Drawing, letters: &Options<'_>) -> Result<Vec<u8>, DrawError> {
    let name = &drawing.name;
    let failed = |why: String| DrawError::Pdf { name: name.clone(), why };
    let tree = tree(name, &drawing.svg, letters)?;
    let [width, height] = [tree.size().width(), tree.size().height()]
        .map(|side| side / UNITS_AN_INCH * POINTS_AN_INCH);
    let size = Size::from_wh(width, height).ok_or_else(|| failed("it has no size".to_owned()))?;
    let mut document = Document::new();
    let mut page = document.start_page_with(PageSettings::new(size));
    let mut surface = page.surface();
    let drawn = surface.draw_svg(&tree, size, SvgSettings::default());
    surface.finish();
    page.finish();
    drawn.ok_or_else(|| failed("it cannot be drawn".to_owned()))?;
    document.finish().map_err(|error| failed(error.to_string()))
}

/// A drawing, read back.
fn tree(name: &str, svg: &str, letters: &Options<'_>) -> Result<Tree, DrawError> {
    Tree::from_str(svg, letters).map_err(|source| DrawError::Svg { name: name.to_owned(), source })
}

/// What texts are drawn with.
pub(crate) fn letters() -> Options<'static> {
    let mut fonts = Database::new();
    for font in &FONTS {
        fonts.load_font_data(font.bytes.to_vec());
    }
    fonts.set_sans_serif_family(FAMILY);
    Options { fontdb: Arc::new(fonts), font_family: FAMILY.to_owned(), ..Options::default() }
}

/// Draws of what `make`, a function of `charts/` or `figures.js`, makes of `data`, which is JSON, a part.
fn drawings(make: &str, data: &str, part: Part) -> Result<Vec<Drawing>, DrawError> {
    let broken = |error: rquickjs::Error| DrawError::Script(error.to_string());
    let runtime = Runtime::new().map_err(broken)?;
    runtime.set_max_stack_size(16 << 20);
    let context = Context::full(&runtime).map_err(broken)?;
    let text = context.with(|ctx: Ctx<'_>| -> Result<String, DrawError> {
        let failed = |error: rquickjs::CaughtError<'_>| DrawError::Script(error.to_string());
        for script in [BEFORE, NAMES, ECHARTS, CHARTS, FIGURES, DRAW] {
            ctx.eval::<(), _>(script).catch(&ctx).map_err(failed)?;
        }
        for (name, number) in [("WIDTH", WIDTH), ("PART", part.first), ("PARTS", part.of)] {
            ctx.globals().set(name, number).catch(&ctx).map_err(failed)?;
        }
        // As JSON and not as a script, where a name such as `__proto__` has a meaning.
        let data = ctx.json_parse(data).catch(&ctx).map_err(failed)?;
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
fn rendered(
    name: &str,
    svg: &str,
    (scale, dots): (f32, Option<u32>),
    letters: &Options<'_>,
) -> Result<Vec<u8>, DrawError> {
    let tree = tree(name, svg, letters)?;
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
    encoded(picture, dots).map_err(|error| failed(&error.to_string()))
}

/// A picture as PNG, with its pixels a metre, where it has a size.
fn encoded(picture: Pixmap, dots: Option<u32>) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width(), picture.height());
    encoder.set_color(ColorType::Rgba);
    encoder.set_depth(BitDepth::Eight);
    // Figures are flat: more work makes them little smaller.
    encoder.set_compression(Compression::Fast);
    encoder.set_pixel_dims(dots.map(|n| PixelDimensions { xppu: n, yppu: n, unit: Unit::Meter }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&picture.take_demultiplied())?;
    writer.finish()?;
    Ok(bytes)
}
