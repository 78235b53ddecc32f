//! The geometry of regions: the polygons of a pipeline's boundaries, by the codes of the tables.

use super::error::ExportError;
use super::rows::REGION;
use crate::published;
use arrow::array::AsArray;
use geo_types::{Coord, LineString, MultiPolygon, Polygon};
use lake::{Catalog, Lake};
use project::pipeline_file::PipelineFile;
use query::Memory;
use sources::boundaries::{Boundaries, Point};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

/// The table with the names of regions.
const REGIONS: &str = "trade.region";

/// Points of the smallest ring, the first again at the end.
const LEAST_POINTS: usize = 4;

/// Where boundaries are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'p> {
    /// Those of a pipeline.
    Pipeline(&'p Path),
    /// Those of a file, whose shapes a property names.
    File(&'p Path, &'p str),
}

/// Shapes that regions have by their codes.
#[derive(Debug)]
pub(super) struct Geography {
    boundaries: Boundaries,
    path: PathBuf,
    property: String,
    /// What some regions are called in the boundaries, by code.
    given: BTreeMap<String, String>,
    /// The names of regions, by code.
    names: BTreeMap<String, String>,
}

impl Geography {
    /// Reads the boundaries of a place. Names of regions are those of the published tables.
    ///
    /// # Errors
    ///
    /// [`ExportError`] if they cannot be read, are in no longitude and latitude, or the pipeline has
    /// none.
    pub(super) fn read(
        runtime: &Runtime,
        (lake, catalog, memory): (&Lake, &Catalog, Memory),
        place: Place<'_>,
    ) -> Result<Self, ExportError> {
        let (path, property, given) = match place {
            Place::File(path, property) => (path.to_owned(), property.to_owned(), BTreeMap::new()),
            Place::Pipeline(file) => {
                let pipeline = PipelineFile::read(file)?.pipeline(runtime)?;
                let Some(external) = pipeline.boundaries else {
                    return Err(ExportError::Asked(format!(
                        "the pipeline `{}` has no `boundaries`: add them there, or give their file with \
                         --boundaries FILE --property NAME",
                        file.display()
                    )));
                };
                (external.path, external.columns.property, external.columns.names)
            }
        };
        let boundaries = Boundaries::read(&path, &property)?;
        let names = names(runtime, (lake, catalog, memory))?;
        Ok(Self { boundaries, path, property, given, names })
    }

    /// The polygons of the region of a code: outer rings run counterclockwise, holes clockwise. None
    /// if it has no shape.
    pub(super) fn polygons(&self, code: &str) -> Option<MultiPolygon<f64>> {
        let texts = [self.given.get(code).map(String::as_str), self.name_of(code), Some(code)];
        let shape = texts.into_iter().flatten().find(|text| self.boundaries.has(text))?;
        polygons(self.boundaries.rings(shape))
    }

    fn name_of(&self, code: &str) -> Option<&str> {
        self.names.get(code).map(String::as_str)
    }

    /// That none of these regions has a shape, with what there is.
    pub(super) fn none_of<'c>(
        &self,
        name: &str,
        codes: impl IntoIterator<Item = &'c str>,
    ) -> ExportError {
        let told = |code: &'c str| match self.name_of(code).filter(|name| *name != code) {
            Some(name) => format!("{code} ({name})"),
            None => code.to_owned(),
        };
        let codes: Vec<String> = codes.into_iter().take(5).map(told).collect();
        let shapes: Vec<&str> = self.boundaries.names().take(5).collect();
        ExportError::Asked(format!(
            "no region of `{name}` has a shape: the property `{}` of `{}` holds {} and others, the regions are {} \
             and others; say which is which in `boundaries.names` of the pipeline",
            self.property,
            self.path.display(),
            shapes.join(", "),
            codes.join(", ")
        ))
    }
}

/// The names of regions by their codes; none where no table has them.
fn names(
    runtime: &Runtime,
    (lake, catalog, memory): (&Lake, &Catalog, Memory),
) -> Result<BTreeMap<String, String>, ExportError> {
    let Some(version) = catalog.tables.get(REGIONS) else { return Ok(BTreeMap::new()) };
    runtime.block_on(lake.verify(version))?;
    let session = published::session(lake, 1, memory)?;
    session.register(version)?;
    let sql = format!("select {REGION}, region_name from {REGIONS}");
    let (_, batches) = runtime.block_on(session.run(&sql))?;
    let mut found = BTreeMap::new();
    for batch in &batches {
        let [codes, names] = batch.columns() else { continue };
        let (Some(codes), Some(names)) =
            (codes.as_string_opt::<i32>(), names.as_string_opt::<i32>())
        else {
            continue;
        };
        let pairs = codes.iter().zip(names.iter());
        found.extend(pairs.filter_map(|(code, name)| Some((code?.to_owned(), name?.to_owned()))));
    }
    Ok(found)
}

/// Which way a ring runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Counterclockwise,
    Clockwise,
}

/// Twice the area of a closed ring: above zero if it runs counterclockwise. A ring goes the short way
/// over the antimeridian.
fn signed_area(ring: &[Coord<f64>]) -> f64 {
    let short = |x: f64| {
        if x > 180.0 {
            x - 360.0
        } else if x < -180.0 {
            x + 360.0
        } else {
            x
        }
    };
    let Some(first) = ring.first() else { return 0.0 };
    let (mut area, mut x) = (0.0, 0.0);
    for pair in ring.windows(2) {
        let [from, to] = pair else { continue };
        let next = x + short(to.x - from.x);
        area += x * (to.y - first.y) - next * (from.y - first.y);
        x = next;
    }
    area
}

/// A ring that is closed and runs as it should; none if it has too few points.
fn directed(points: &[Point], turn: Turn) -> Option<LineString<f64>> {
    let mut ring: Vec<Coord<f64>> = points.iter().map(|&[x, y]| Coord { x, y }).collect();
    if ring.first() != ring.last() {
        ring.extend(ring.first().copied());
    }
    if ring.len() < LEAST_POINTS {
        return None;
    }
    let found = if signed_area(&ring) < 0.0 { Turn::Clockwise } else { Turn::Counterclockwise };
    if found != turn {
        ring.reverse();
    }
    Some(LineString::new(ring))
}

/// The polygons of rings, each with whether it is a hole of the last one that is none.
fn polygons<'r>(rings: impl Iterator<Item = (bool, &'r [Point])>) -> Option<MultiPolygon<f64>> {
    let mut found: Vec<(LineString<f64>, Vec<LineString<f64>>)> = Vec::new();
    let mut is_kept = false;
    for (is_hole, points) in rings {
        if is_hole {
            // A hole goes with the ring that it is in.
            if is_kept && let Some((_, holes)) = found.last_mut() {
                holes.extend(directed(points, Turn::Clockwise));
            }
            continue;
        }
        let outer = directed(points, Turn::Counterclockwise);
        is_kept = outer.is_some();
        found.extend(outer.map(|outer| (outer, Vec::new())));
    }
    let polygons: Vec<Polygon<f64>> =
        found.into_iter().map(|(outer, holes)| Polygon::new(outer, holes)).collect();
    (!polygons.is_empty()).then(|| MultiPolygon::new(polygons))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(ring: &LineString<f64>) -> Vec<Point> {
        ring.0.iter().map(|at| [at.x, at.y]).collect()
    }

    #[test]
    fn rings_are_closed_and_run_by_the_right_hand_rule() {
        let clockwise = [[0.0, 0.0], [0.0, 3.0], [3.0, 3.0], [3.0, 0.0], [0.0, 0.0]];
        let open = [[1.0, 1.0], [2.0, 1.0], [2.0, 2.0], [1.0, 2.0]];
        let line = [[5.0, 5.0], [6.0, 6.0], [5.0, 5.0]];
        let found = polygons(
            [(false, &clockwise[..]), (true, &open[..]), (false, &line[..]), (true, &open[..])]
                .into_iter(),
        )
        .expect("polygons");
        assert_eq!(found.0.len(), 1, "neither a line nor its hole");
        let outer = points(found.0[0].exterior());
        assert_eq!(outer, [[0.0, 0.0], [3.0, 0.0], [3.0, 3.0], [0.0, 3.0], [0.0, 0.0]]);
        let [hole] = found.0[0].interiors() else { panic!("a hole") };
        assert_eq!(points(hole), [[1.0, 1.0], [1.0, 2.0], [2.0, 2.0], [2.0, 1.0], [1.0, 1.0]]);
        assert!(polygons([(false, &line[..])].into_iter()).is_none());
    }

    #[test]
    fn a_ring_over_the_antimeridian_runs_the_short_way() {
        let east = [[179.0, 0.0], [-179.0, 0.0], [-179.0, 2.0], [179.0, 2.0], [179.0, 0.0]];
        let found = directed(&east, Turn::Counterclockwise).expect("a ring");
        assert_eq!(points(&found), east);
    }
}
