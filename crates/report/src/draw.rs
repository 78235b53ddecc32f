//! Figures outside a browser: options of ECharts to SVG in a JavaScript engine, SVG to PNG.

use crate::fonts::{FAMILY, FONTS};
use krilla::Document;
use krilla::geom::Size;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla_svg::{SurfaceExt, SvgSettings};
use png::{BitDepth, ColorType, Compression, PixelDimensions, Unit};
use rayon::prelude::*;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb::Database};
use rquickjs::{CatchResultExt, Context, Ctx, Runtime};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    include_str!("../assets/charts/chances.js"),
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

    /// Units of the SVG that it is wide; 0 where it has no size.
    fn width(self) -> u32 {
        match self {
            Self::Screen => 0,
            Self::Wide(width) => width,
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
    /// Its one message.
    pub(crate) title: Option<String>,
    /// The language of its words, as HTML names it.
    pub(crate) language: Option<String>,
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

/// Bytes that an engine has before it looks for what nothing refers to: fewer, and it looks after each
/// few figures.
const GARBAGE: usize = 128 << 20;

/// Engines that draw the figures of a report side by side, at the most: each reads the scripts and
/// the data by itself.
const MOST_ENGINES: usize = 8;

/// Draws every figure of the data of a report, and makes of each what `each` says; in their order.
/// An engine on each thread draws the next that no other has begun: what is drawn hangs on no other
/// figure, so that it is the same however many they are.
pub(crate) fn figures<T: Send, E: From<DrawError> + Send>(
    data: &Value,
    paper: Paper,
    each: impl Fn(&Drawing) -> Result<T, E> + Sync,
) -> Result<Vec<(Drawing, T)>, E> {
    let shown = FigureData::of(data);
    let data = serde_json::to_string(&shown).map_err(|e| DrawError::Script(e.to_string()))?;
    let (next, n_figures) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    let drawn = |_| -> Result<Vec<(u32, Drawing, T)>, E> {
        let mut found = Vec::new();
        // One that begins when all are begun has nothing to do.
        if next.load(Ordering::Relaxed) >= n_figures.load(Ordering::Relaxed) {
            return Ok(found);
        }
        let engine = Engine::new("charts.all", &data, paper)?;
        n_figures.store(engine.places.len(), Ordering::Relaxed);
        while let Some(&at) = engine.places.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Some(drawing) = engine.draw(at)? {
                let made = each(&drawing)?;
                found.push((at, drawing, made));
            }
        }
        Ok(found)
    };
    let n_engines = rayon::current_num_threads().min(MOST_ENGINES);
    let parts = (0..n_engines).into_par_iter().with_max_len(1).map(drawn);
    let mut drawn: Vec<(u32, Drawing, T)> =
        parts.collect::<Result<Vec<_>, E>>()?.into_iter().flatten().collect();
    drawn.sort_by_key(|(at, ..)| *at);
    Ok(drawn.into_iter().map(|(_, drawing, made)| (drawing, made)).collect())
}

/// The data of a report that its figures show: pages of regions show the others.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum FigureData<'v> {
    /// All of a value.
    Whole(&'v Value),
    /// Some fields of an object.
    Fields(BTreeMap<&'v str, Self>),
}

/// What no figure shows: the way to each field.
const OF_REGIONS: [&[&str]; 6] = [
    &["parts"],
    &["products"],
    &["changed"],
    &["space", "specialised"],
    &["space", "frontier"],
    &["space", "pci"],
];
/// Of these fields only the one of all regions is shown, which has no name.
const OF_ALL: [&str; 3] = ["space", "trade", "episodes"];

impl<'v> FigureData<'v> {
    fn of(data: &'v Value) -> Self {
        Self::below(data, &mut Vec::new())
    }

    fn below(value: &'v Value, way: &mut Vec<&'v str>) -> Self {
        let is_on_the_way = way.is_empty() || way.first() == Some(&"space");
        let Some(fields) = value.as_object().filter(|_| is_on_the_way && way.len() < 5) else {
            return Self::Whole(value);
        };
        let mut shown = BTreeMap::new();
        for (name, value) in fields {
            way.push(name);
            let is_of_one = way.len() == 5 && way.starts_with(&OF_ALL) && !name.is_empty();
            if !is_of_one && !OF_REGIONS.contains(&&way[..]) {
                shown.insert(name.as_str(), Self::below(value, way));
            }
            way.pop();
        }
        Self::Fields(shown)
    }
}

/// Draws estimates with their intervals: `title`, and `marks`, which have a `label`, an `estimate`,
/// `low`, `high`, and what is `said` of these.
pub(crate) fn plot(data: &Value) -> Result<String, DrawError> {
    drawings("charts.plot", data)
}

/// Draws what `make`, a function of `figures.js`, makes of `data`, `width` of these wide.
pub(crate) fn figure(make: &str, data: &Value) -> Result<String, DrawError> {
    let svg = drawings(make, data)?;
    // Figures that stand in one page share its names: each has its own, which are made of what is drawn.
    let hash = Sha256::digest(svg.as_bytes());
    let own: String = hash[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(["\"", "#"].iter().fold(svg, |svg, before| {
        svg.replace(&format!("{before}zr0-"), &format!("{before}r{own}-"))
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

/// A drawn figure as PDF, of one page without margins, with its title and language. It says no date:
/// the same figure is the same bytes.
pub(crate) fn pdf(drawing: &Drawing, letters: &Options<'_>) -> Result<Vec<u8>, DrawError> {
    let name = &drawing.name;
    let failed = |why: String| DrawError::Pdf { name: name.clone(), why };
    let tree = tree(name, &drawing.svg, letters)?;
    let [width, height] = [tree.size().width(), tree.size().height()]
        .map(|side| side / UNITS_AN_INCH * POINTS_AN_INCH);
    let size = Size::from_wh(width, height).ok_or_else(|| failed("it has no size".to_owned()))?;
    let mut document = Document::new();
    let title = drawing.title.as_ref().unwrap_or(name);
    let metadata = Metadata::new().title(title.clone());
    document.set_metadata(match &drawing.language {
        Some(language) => metadata.language(language.clone()),
        None => metadata,
    });
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

/// Draws all that `make`, a function of `charts/` or `figures.js`, makes of `data`.
fn drawings(make: &str, data: &Value) -> Result<String, DrawError> {
    let engine = Engine::new(make, &data.to_string(), Paper::Screen)?;
    let mut all = String::new();
    for &at in &engine.places {
        all.extend(engine.draw(at)?.map(|drawing| drawing.svg));
    }
    Ok(all)
}

/// A JavaScript engine that draws figures.
struct Engine {
    context: Context,
    /// The places of the figures that there may be, in the order to draw them in.
    places: Vec<u32>,
}

impl Engine {
    /// One that draws what `make`, a function of `charts/` or `figures.js`, makes of `data`, which is JSON.
    fn new(make: &str, data: &str, paper: Paper) -> Result<Self, DrawError> {
        let broken = |error: rquickjs::Error| DrawError::Script(error.to_string());
        let runtime = Runtime::new().map_err(broken)?;
        runtime.set_max_stack_size(16 << 20);
        runtime.set_gc_threshold(GARBAGE);
        let context = Context::full(&runtime).map_err(broken)?;
        let places = context.with(|ctx: Ctx<'_>| -> Result<Vec<u32>, DrawError> {
            let failed = |error: rquickjs::CaughtError<'_>| DrawError::Script(error.to_string());
            for script in [BEFORE, NAMES, ECHARTS, CHARTS, FIGURES, DRAW] {
                ctx.eval::<(), _>(script).catch(&ctx).map_err(failed)?;
            }
            for (name, number) in [("WIDTH", WIDTH), ("NARROW", NARROW), ("PAPER", paper.width())] {
                ctx.globals().set(name, number).catch(&ctx).map_err(failed)?;
            }
            // As JSON and not as a script, where a name such as `__proto__` has a meaning.
            let data = ctx.json_parse(data).catch(&ctx).map_err(failed)?;
            ctx.globals().set("data", data).catch(&ctx).map_err(failed)?;
            ctx.eval::<Vec<u32>, _>(format!("draw.begin({make})")).catch(&ctx).map_err(failed)
        })?;
        Ok(Self { context, places })
    }

    /// The figure at a place among those that there may be, if it is there and is no table.
    fn draw(&self, at: u32) -> Result<Option<Drawing>, DrawError> {
        let text = self.context.with(|ctx: Ctx<'_>| -> Result<String, DrawError> {
            let drawn = ctx.eval::<String, _>(format!("draw.one({at})")).catch(&ctx);
            drawn.map_err(|error| DrawError::Script(error.to_string()))
        })?;
        serde_json::from_str(&text).map_err(|error| DrawError::Script(error.to_string()))
    }
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
