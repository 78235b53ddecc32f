//! Boundaries of regions, from GeoJSON: which regions touch, and how far apart their centres are.

use flate2::read::MultiGzDecoder;
use geojson::{Feature, FeatureCollection, GeoJson, GeometryValue, Position};
use project::bounded;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// A boundary file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the boundaries `{path}`: {why}")]
pub struct BoundaryError {
    path: PathBuf,
    why: String,
}

/// The features of a boundary file, before it is said which of their properties names them.
#[derive(Debug)]
pub struct Features {
    /// What messages call it.
    path: PathBuf,
    features: Vec<Feature>,
}

/// Longitude and latitude, in degrees.
pub type Point = [f64; 2];

/// The shapes of a file, by the text of a property.
#[derive(Debug, Clone)]
pub struct Boundaries {
    shapes: BTreeMap<String, Shape>,
}

#[derive(Debug, Clone, Default)]
struct Shape {
    /// Whether a ring is a hole, and its points.
    rings: Vec<(bool, Vec<Point>)>,
}

/// A piece of a region's border: the region's place, and its ends.
type Segment = (usize, Point, Point);

/// Mean radius of the earth, in km (IUGG).
const EARTH_KM: f64 = 6371.0088;

/// Degrees within which two borders are the same: a generalised border strays from its neighbour's.
const TOUCH: f64 = 0.01;

/// Bytes of text that a file may have, unpacked.
const MAX_BYTES: u64 = 1 << 30;

/// Degrees of a cell of the grid that segments are looked up in.
const CELL: f64 = 0.1;

/// A property as text: a number as it is written.
fn property_text(value: &geojson::JsonValue) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned())
}

impl Features {
    /// Reads a file, plain or packed by gzip.
    ///
    /// # Errors
    ///
    /// [`BoundaryError`] if it is no collection of features of GeoJSON.
    pub fn read(path: &Path) -> Result<Self, BoundaryError> {
        let failed = |why: String| BoundaryError { path: path.to_owned(), why };
        let read = || {
            bounded::is_regular(path)?;
            let mut file = BufReader::new(File::open(path)?);
            let is_packed = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
            let input: Box<dyn Read> =
                if is_packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
            let mut text = String::new();
            input.take(MAX_BYTES + 1).read_to_string(&mut text)?;
            Ok::<_, std::io::Error>(text)
        };
        let text = read().map_err(|error| failed(error.to_string()))?;
        if text.len() as u64 > MAX_BYTES {
            let why = "it has more than 1 GiB of text: expected borders that are simplified";
            return Err(failed(why.to_owned()));
        }
        Self::parse(&text, path)
    }

    /// Those of a text of GeoJSON, which messages call `path`.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, BoundaryError> {
        let failed = |why: String| BoundaryError { path: path.to_owned(), why };
        let parsed: GeoJson =
            text.parse().map_err(|error: geojson::Error| failed(error.to_string()))?;
        let GeoJson::FeatureCollection(FeatureCollection { features, .. }) = parsed else {
            return Err(failed("expected a FeatureCollection".to_owned()));
        };
        Ok(Self { path: path.to_owned(), features })
    }

    /// The texts that each property has.
    pub fn properties(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (key, value) in self.features.iter().flat_map(|of| of.properties.iter().flatten()) {
            let texts = found.entry(key.clone()).or_default();
            if !value.is_null() {
                texts.insert(property_text(value));
            }
        }
        found
    }

    /// The shapes by the text of a property; features of one name are one region.
    ///
    /// # Errors
    ///
    /// [`BoundaryError`] if a feature is no polygon, or has no text under `property`.
    pub fn named(self, property: &str) -> Result<Boundaries, BoundaryError> {
        let Self { path, features } = self;
        let failed = |why: String| BoundaryError { path: path.clone(), why };
        let mut shapes: BTreeMap<String, Shape> = BTreeMap::new();
        for (at, feature) in features.into_iter().enumerate() {
            let Some(name) = feature.property(property).map(property_text) else {
                let keys: Vec<String> =
                    feature.properties.iter().flatten().map(|(key, _)| key.clone()).collect();
                return Err(failed(format!(
                    "feature {} has no property `{property}`: it has {}",
                    at + 1,
                    keys.join(", ")
                )));
            };
            let shape = shapes.entry(name).or_default();
            let n_before = shape.rings.len();
            match feature.geometry.map(|geometry| geometry.value) {
                Some(GeometryValue::Polygon { coordinates }) => shape.add(&coordinates),
                Some(GeometryValue::MultiPolygon { coordinates }) => {
                    coordinates.iter().for_each(|polygon| shape.add(polygon));
                }
                None => {}
                Some(_) => {
                    let why = format!("feature {} is no polygon", at + 1);
                    return Err(failed(why));
                }
            }
            let mut points = shape.rings[n_before..].iter().flat_map(|(_, ring)| ring);
            let is_off = |[x, y]: &&Point| !(x.abs() <= 360.0 && y.abs() <= 90.0);
            if let Some(point) = points.find(is_off) {
                return Err(failed(off(at + 1, *point)));
            }
        }
        Ok(Boundaries { shapes })
    }
}

impl Boundaries {
    /// Reads a file, plain or packed by gzip; features of one name are one region.
    ///
    /// # Errors
    ///
    /// [`BoundaryError`] if it is no GeoJSON of polygons, or a feature has no text under `property`.
    pub fn read(path: &Path, property: &str) -> Result<Self, BoundaryError> {
        Features::read(path)?.named(property)
    }

    /// The names there are.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.shapes.keys().map(String::as_str)
    }

    /// Whether there is a shape of this name.
    pub fn has(&self, name: &str) -> bool {
        self.shapes.contains_key(name)
    }

    /// The rings of a shape, each with whether it is a hole of the last one that is none; none without
    /// a shape of this name.
    pub fn rings(&self, name: &str) -> impl Iterator<Item = (bool, &[Point])> {
        let shape = self.shapes.get(name).into_iter();
        shape.flat_map(|shape| shape.rings.iter().map(|(is_hole, ring)| (*is_hole, &ring[..])))
    }

    /// The pairs of `regions` (by place; `None` has no shape) whose borders meet, each both ways.
    pub fn touching(&self, regions: &[Option<&str>]) -> Vec<Vec<usize>> {
        let shapes: Vec<Option<&Shape>> =
            regions.iter().map(|name| name.and_then(|name| self.shapes.get(name))).collect();
        let mut grid: BTreeMap<(i64, i64), Vec<Segment>> = BTreeMap::new();
        for (region, shape) in shapes.iter().enumerate() {
            for (a, b) in shape.iter().flat_map(|shape| shape.segments()) {
                let span = |at: usize| {
                    let (low, high) = (a[at].min(b[at]) - TOUCH, a[at].max(b[at]) + TOUCH);
                    cell(low)..=cell(high)
                };
                for x in span(0) {
                    for y in span(1) {
                        grid.entry((x, y)).or_default().push((region, a, b));
                    }
                }
            }
        }
        let mut pairs: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); regions.len()];
        for (region, shape) in shapes.iter().enumerate() {
            for point in
                shape.iter().flat_map(|shape| shape.rings.iter().flat_map(|(_, ring)| ring))
            {
                let near = grid.get(&(cell(point[0]), cell(point[1])));
                for (other, a, b) in near.into_iter().flatten() {
                    let is_new = *other != region && !pairs[region].contains(other);
                    if is_new && distance_to_segment(*point, *a, *b) <= TOUCH {
                        pairs[region].insert(*other);
                        pairs[*other].insert(region);
                    }
                }
            }
        }
        pairs.into_iter().map(|set| set.into_iter().collect()).collect()
    }

    /// The centre of each of `regions`, weighted by area; `None` without a shape.
    pub fn centres(&self, regions: &[Option<&str>]) -> Vec<Option<Point>> {
        regions.iter().map(|name| self.shapes.get((*name)?)?.centre()).collect()
    }
}

/// What is said of a feature, by its number, with a point that is none of longitude and latitude.
fn off(feature: usize, [x, y]: Point) -> String {
    let what_to_do = if x.abs() <= 90.0 && y.abs() <= 360.0 {
        "they look swapped: GeoJSON has the longitude first"
    } else {
        "project it to WGS 84"
    };
    format!(
        "feature {feature} has the point ({x}, {y}): expected longitude and latitude in degrees; {what_to_do}"
    )
}

#[expect(clippy::cast_possible_truncation, reason = "degrees")]
fn cell(degrees: f64) -> i64 {
    (degrees / CELL).floor() as i64
}

impl Shape {
    fn add(&mut self, polygon: &[Vec<Position>]) {
        for (at, ring) in polygon.iter().enumerate() {
            let points = ring.iter().filter_map(|at| match at.as_slice() {
                [x, y, ..] => Some([*x, *y]),
                _ => None,
            });
            self.rings.push((at > 0, points.collect()));
        }
    }

    fn segments(&self) -> impl Iterator<Item = (Point, Point)> {
        let pairs = |(_, ring): &'_ (bool, Vec<Point>)| {
            ring.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>()
        };
        self.rings.iter().flat_map(pairs)
    }

    /// The centroid by the shoelace formula about a corner of the shape, longitudes scaled to its latitude. Which rings are
    /// holes is told by their place, not by their direction.
    fn centre(&self) -> Option<Point> {
        let origin = *self.rings.first()?.1.first()?;
        let scale = origin[1].to_radians().cos();
        let (mut area, mut x, mut y) = (0.0, 0.0, 0.0);
        for (is_hole, ring) in &self.rings {
            let (mut own, mut own_x, mut own_y) = (0.0, 0.0, 0.0);
            for pair in ring.windows(2) {
                let [a, b] = [pair[0], pair[1]]
                    .map(|point| [(point[0] - origin[0]) * scale, point[1] - origin[1]]);
                let cross = a[0] * b[1] - b[0] * a[1];
                own += cross / 2.0;
                own_x += (a[0] + b[0]) * cross / 6.0;
                own_y += (a[1] + b[1]) * cross / 6.0;
            }
            let sign = if (own < 0.0) == *is_hole { 1.0 } else { -1.0 };
            area += sign * own;
            x += sign * own_x;
            y += sign * own_y;
        }
        (area > 1e-12).then(|| [origin[0] + x / area / scale.max(1e-9), origin[1] + y / area])
    }
}

/// How far a place is from the piece of a line from `a` to `b`, in the unit of the plane.
pub fn distance_to_segment(p: Point, a: Point, b: Point) -> f64 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 {
        (((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (p[0] - a[0] - along * dx).hypot(p[1] - a[1] - along * dy)
}

/// The distance of two places over the sphere, in km (haversine).
pub fn km(a: Point, b: Point) -> f64 {
    let [a_lon, a_lat] = a.map(f64::to_radians);
    let [b_lon, b_lat] = b.map(f64::to_radians);
    let half = |x: f64| (x / 2.0).sin().powi(2);
    let h = half(b_lat - a_lat) + a_lat.cos() * b_lat.cos() * half(b_lon - a_lon);
    2.0 * EARTH_KM * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(name: &str, x: f64, y: f64, size: f64) -> String {
        let (u, v) = (x + size, y + size);
        format!(
            r#"{{"type":"Feature","properties":{{"name":"{name}"}},"geometry":{{"type":"Polygon","coordinates":[[[{x},{y}],[{u},{y}],[{u},{v}],[{x},{v}],[{x},{y}]]]}}}}"#
        )
    }

    fn read(features: &[String]) -> Result<Boundaries, BoundaryError> {
        let text = format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","));
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        Boundaries::read(file.path(), "name")
    }

    #[test]
    fn borders_meet_along_a_side_though_they_share_no_point() {
        let found = read(&[
            square("a", 0.0, 0.0, 3.0),
            square("b", 3.0, 1.0, 1.0),
            square("c", 4.5, 1.0, 1.0),
            square("d", 3.0, 3.0, 1.0),
        ])
        .expect("polygons");
        let regions = [Some("a"), Some("b"), Some("c"), Some("d"), None, Some("nowhere")];
        let expected = [vec![1, 3], vec![0], vec![], vec![0], vec![], vec![]];
        assert_eq!(found.touching(&regions), expected, "b along a side, d at a corner");
        let centres = found.centres(&regions);
        let [x, y] = centres[1].expect("a shape");
        assert!((x - 3.5).abs() < 0.01 && (y - 1.5).abs() < 0.01, "{x} {y}");
        assert_eq!(centres[4..], [None, None]);
        // Far from the origin, and whichever way its ring runs.
        let far = square("far", 116.0, 40.0, 1.0);
        let back = far.replace(
            "[116,40],[117,40],[117,41],[116,41],[116,40]",
            "[116,40],[116,41],[117,41],[117,40],[116,40]",
        );
        assert_ne!(far, back);
        for feature in [far, back] {
            let [x, y] =
                read(&[feature]).expect("polygons").centres(&[Some("far")])[0].expect("one");
            assert!((x - 116.5).abs() < 1e-9 && (y - 40.5).abs() < 1e-9, "{x} {y}");
        }
    }

    #[test]
    fn a_degree_of_the_equator_is_111_km() {
        assert!((km([0.0, 0.0], [1.0, 0.0]) - 111.195).abs() < 0.001);
        // Paris to Berlin.
        assert!((km([2.3522, 48.8566], [13.4050, 52.5200]) - 877.5).abs() < 1.0);
    }

    #[test]
    fn properties_have_their_texts() {
        let text = r#"{"type":"FeatureCollection","features":[
            {"type":"Feature","properties":{"name":" a ","code":7,"none":null},"geometry":null},
            {"type":"Feature","properties":{"name":"b"},"geometry":null}]}"#;
        let found = Features::parse(text, Path::new("given")).expect("features").properties();
        let texts = |of: &str| found[of].iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!((texts("name"), texts("code")), (vec!["a", "b"], vec!["7"]));
        assert!(texts("none").is_empty());
        let error = Features::parse("{", Path::new("given")).expect_err("no GeoJSON");
        assert!(error.to_string().contains("`given`"), "{error}");
    }

    #[test]
    fn what_is_no_boundary_file_is_named() {
        let error =
            read(&[square("a", 0.0, 0.0, 1.0).replace("name", "nom")]).expect_err("no name");
        assert!(error.to_string().contains("no property `name`: it has nom"), "{error}");
        assert!(read(&[square("a", 0.0, 0.0, 1.0).replace("Polygon", "LineString")]).is_err());
        let error = read(&[square("a", 400_000.0, 5_000_000.0, 1000.0)]).expect_err("metres");
        assert!(error.to_string().contains("expected longitude and latitude"), "{error}");
        assert!(error.to_string().contains("project it to WGS 84"), "{error}");
        let error = read(&[square("a", 40.0, 116.0, 1.0)]).expect_err("swapped");
        assert!(error.to_string().contains("(40, 116)"), "{error}");
        assert!(error.to_string().contains("look swapped"), "{error}");
        assert!(Boundaries::read(Path::new("nothing.geojson"), "name").is_err());
    }
}
