//! Equal-area projections of the sphere, and which of them fits an extent.
//!
//! Formulas: Snyder (1987), Map Projections: A Working Manual, USGS Professional Paper 1395, for the
//! conic of Albers (14-1 to 14-6) and the azimuthal of Lambert (24-2 to 24-4); Šavrič, Patterson and
//! Jenny (2019), The Equal Earth map projection, IJGIS 33:3.

use serde_json::{Value, json};
use sources::boundaries::Point;

/// Degrees of longitude from which a map is one of the world.
const WORLD: f64 = 180.0;
/// Degrees of longitude from which the world is whole, and has Greenwich in its middle.
const WHOLE_WORLD: f64 = 300.0;
/// Degrees of latitude between which the middle of a conic lies: beyond them its cone is nearly a
/// cylinder, or nearly a plane.
const CONIC: [f64; 2] = [5.0, 70.0];
/// The coefficients of Equal Earth.
const EQUAL_EARTH: [f64; 4] = [1.340_264, -0.081_106, 0.000_893, 0.003_796];

/// The degrees that shapes reach over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Extent {
    /// The longitude at which they begin in the west.
    west: f64,
    /// The degrees of longitude from there to their end in the east.
    width: f64,
    south: f64,
    north: f64,
}

/// A map of the sphere of radius 1 onto the plane, north up. Angles are in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Projection {
    /// The equal-area conic of Albers.
    Albers {
        /// The meridian in the middle.
        meridian: f64,
        /// The two parallels that are as long as on the sphere.
        parallels: [f64; 2],
    },
    /// The azimuthal equal-area projection of Lambert.
    Lambert {
        /// The point in the middle.
        centre: Point,
    },
    /// Equal Earth.
    EqualEarth {
        /// The meridian in the middle.
        meridian: f64,
    },
}

/// Degrees to a tenth, so that what is said of a projection is what it is.
fn tenth(degrees: f64) -> f64 {
    (degrees * 10.0).round() / 10.0
}

impl Extent {
    /// The extent of rings whose longitudes go on beyond the antimeridian; none without a point.
    /// Longitudes are what is left of the circle without its widest gap.
    pub(super) fn of<'r>(rings: impl Iterator<Item = &'r [Point]>) -> Option<Self> {
        let (mut south, mut north) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut spans: Vec<[f64; 2]> = Vec::new();
        for ring in rings {
            let (mut west, mut east) = (f64::INFINITY, f64::NEG_INFINITY);
            for &[x, y] in ring {
                (west, east) = (west.min(x), east.max(x));
                (south, north) = (south.min(y), north.max(y));
            }
            if west <= east {
                let from = west.rem_euclid(360.0);
                spans.push([from, from + east - west]);
            }
        }
        spans.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        let first = *spans.first()?;
        let mut reach = spans.iter().map(|span| span[1] - 360.0).fold(f64::NEG_INFINITY, f64::max);
        let (mut gap, mut west) = (0.0, first[0]);
        for [from, to] in spans {
            if from - reach > gap {
                (gap, west) = (from - reach, from);
            }
            reach = reach.max(to);
        }
        Some(Self { west, width: 360.0 - gap, south, north })
    }

    /// The meridian in the middle, from -180 to 180.
    fn meridian(&self) -> f64 {
        tenth((self.west + self.width / 2.0 + 180.0).rem_euclid(360.0) - 180.0)
    }
}

impl Projection {
    /// The one that fits an extent: Equal Earth for the world; the conic for what is wider than high
    /// in the middle latitudes, with parallels a sixth of its height from its ends; or else the
    /// azimuthal one.
    pub(super) fn fitting(extent: &Extent) -> Self {
        let Extent { width, south, north, .. } = *extent;
        if width >= WORLD {
            let meridian = if width >= WHOLE_WORLD { 0.0 } else { extent.meridian() };
            return Self::EqualEarth { meridian };
        }
        let (middle, height) = (f64::midpoint(south, north), north - south);
        let is_wide = width * middle.to_radians().cos() > height;
        let is_conic = (CONIC[0]..=CONIC[1]).contains(&middle.abs());
        if is_wide && is_conic && south * north > 0.0 {
            let parallels = [south + height / 6.0, north - height / 6.0].map(tenth);
            return Self::Albers { meridian: extent.meridian(), parallels };
        }
        Self::Lambert { centre: [extent.meridian(), tenth(middle)] }
    }

    /// The longitude in the middle.
    pub(super) fn meridian(&self) -> f64 {
        match self {
            Self::Albers { meridian, .. } | Self::EqualEarth { meridian } => *meridian,
            Self::Lambert { centre } => centre[0],
        }
    }

    /// The place on the plane of a longitude and a latitude.
    pub(super) fn place(&self, [longitude, latitude]: Point) -> Point {
        let (turn, latitude) = ((longitude - self.meridian()).to_radians(), latitude.to_radians());
        match self {
            Self::Albers { parallels, .. } => {
                let [first, second] = parallels.map(|of| of.to_radians().sin());
                let n = f64::midpoint(first, second);
                let c = 1.0 - first * first + 2.0 * n * first;
                let rho = |sine: f64| (c - 2.0 * n * sine).max(0.0).sqrt() / n;
                let (at, origin) = (rho(latitude.sin()), rho(0.0));
                [at * (n * turn).sin(), origin - at * (n * turn).cos()]
            }
            Self::Lambert { centre } => {
                let (sine, cosine) = centre[1].to_radians().sin_cos();
                let (up, along) = latitude.sin_cos();
                let near = 1.0 + sine * up + cosine * along * turn.cos();
                let k = (2.0 / near.max(1e-9)).sqrt();
                [k * along * turn.sin(), k * (cosine * up - sine * along * turn.cos())]
            }
            Self::EqualEarth { .. } => {
                let [a1, a2, a3, a4] = EQUAL_EARTH;
                let half = 3.0_f64.sqrt() / 2.0;
                let theta = (half * latitude.sin()).asin();
                let (square, sixth) = (theta * theta, theta.powi(6));
                let wide = a1 + 3.0 * a2 * square + sixth * (7.0 * a3 + 9.0 * a4 * square);
                let high = a1 + a2 * square + sixth * (a3 + a4 * square);
                [turn * theta.cos() / (half * wide), theta * high]
            }
        }
    }

    /// What it is, for what is said of a map.
    pub(super) fn said(&self) -> Value {
        match self {
            Self::Albers { meridian, parallels } => {
                json!({"kind": "albers", "meridian": meridian, "parallels": parallels})
            }
            Self::Lambert { centre } => json!({"kind": "lambert", "centre": centre}),
            Self::EqualEarth { meridian } => json!({"kind": "equal_earth", "meridian": meridian}),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(rings: &[&[Point]]) -> Extent {
        Extent::of(rings.iter().copied()).expect("points")
    }

    #[test]
    fn places_are_those_of_the_manual() {
        let near = |found: Point, expected: Point| {
            let off = (found[0] - expected[0]).hypot(found[1] - expected[1]);
            assert!(off < 1e-6, "{found:?} is not {expected:?}");
        };
        // Snyder, pages 291 and 332; the conic there has its origin at 23 degrees north.
        let albers = Projection::Albers { meridian: -96.0, parallels: [29.5, 45.5] };
        let [_, origin] = albers.place([-96.0, 23.0]);
        let [x, y] = albers.place([-75.0, 35.0]);
        near([x, y - origin], [0.295_272_0, 0.241_677_4]);
        let lambert = Projection::Lambert { centre: [-100.0, 40.0] };
        near(lambert.place([100.0, -20.0]).map(|of| 3.0 * of), [-4.233_930_3, 4.025_777_5]);
    }

    #[test]
    fn areas_are_those_of_the_sphere() {
        let all = [
            Projection::Albers { meridian: 133.0, parallels: [-38.0, -15.8] },
            Projection::Albers { meridian: 100.0, parallels: [50.0, 74.0] },
            Projection::Lambert { centre: [10.0, 65.0] },
            Projection::EqualEarth { meridian: 0.0 },
        ];
        let step = 1e-4;
        for projection in all {
            for [x, y] in [[120.0, -30.0], [5.0, 60.0], [60.0, 10.0]] {
                let [at, east, north] =
                    [[x, y], [x + step, y], [x, y + step]].map(|point| projection.place(point));
                let area =
                    (east[0] - at[0]) * (north[1] - at[1]) - (east[1] - at[1]) * (north[0] - at[0]);
                let of_sphere = step.to_radians().powi(2) * y.to_radians().cos();
                assert!((area / of_sphere - 1.0).abs() < 1e-4, "{projection:?} at {x}, {y}");
            }
        }
    }

    #[test]
    fn an_extent_goes_on_beyond_the_antimeridian() {
        // Fiji, cut at 180 degrees as GeoJSON is, and not cut.
        let east: &[Point] = &[[177.0, -19.0], [180.0, -16.0]];
        let cut = extent(&[east, &[[-180.0, -17.0], [-178.0, -18.0]]]);
        let whole = extent(&[&[[177.0, -19.0], [182.0, -16.0]]]);
        assert_eq!(cut, whole);
        assert_eq!((cut.width, cut.meridian()), (5.0, 179.5));
        // Russia is wider than high.
        let russia = extent(&[&[[20.0, 41.0], [180.0, 80.0]], &[[-180.0, 65.0], [-169.0, 70.0]]]);
        let Projection::Albers { meridian, parallels } = Projection::fitting(&russia) else {
            panic!("{russia:?}")
        };
        assert_eq!((meridian, parallels), (105.5, [47.5, 73.5]));
    }

    #[test]
    fn a_projection_fits_its_extent() {
        let fitting = |from: Point, to: Point| Projection::fitting(&extent(&[&[from, to]]));
        assert_eq!(fitting([-180.0, -90.0], [180.0, 84.0]).said()["kind"], "equal_earth");
        // Chile is higher than wide, Indonesia lies on both sides of the equator.
        assert_eq!(fitting([-76.0, -56.0], [-66.0, -17.0]).said()["kind"], "lambert");
        assert_eq!(fitting([95.0, -11.0], [141.0, 6.0]).said()["kind"], "lambert");
        assert_eq!(fitting([113.0, -44.0], [154.0, -10.0]).said()["kind"], "albers");
        // A point alone has a place, too.
        let one = fitting([8.5, 47.4], [8.5, 47.4]).place([8.5, 47.4]);
        assert!(one[0].abs() < 1e-9 && one[1].abs() < 1e-9, "{one:?}");
    }
}
