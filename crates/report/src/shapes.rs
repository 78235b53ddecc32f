//! Shapes of regions for maps: on the plane, with few points, on a grid of whole numbers.

mod lines;
mod projection;

use self::lines::{Node, simplified};
use self::projection::{Extent, Projection};
use serde_json::{Value, json};
use sources::boundaries::{Boundaries, Point};
use std::collections::{BTreeMap, BTreeSet};
use std::iter;

/// Steps of the grid that points are on, along the longer side of a map.
const STEPS: f64 = 4000.0;
/// Steps that a border may be off.
const TOLERANCE: f64 = 2.0;
/// Degrees of a line that are straight on the map: a longer one is a curve there.
const STRAIGHT: f64 = 1.0;
/// The latitude beyond which a line along all longitudes leads to the pole.
const POLAR: f64 = 80.0;
/// Of the area of a map, the share from which a part of a shape is drawn wherever it lies.
const LARGE: f64 = 1.0 / 2000.0;
/// Of the longer side of a map of the large parts, how far beyond them a small one is drawn.
const NEAR: f64 = 0.05;

/// A ring of a shape.
struct Ring {
    /// The place of its shape.
    shape: usize,
    is_hole: bool,
    /// Its points, the first not again at the end.
    points: Vec<Point>,
}

/// Shapes as GeoJSON on the plane, by the code that each has on the map and its name in the file: x
/// to the east and y to the north, in steps, by the equal-area projection that fits them, which is a
/// member `projection`. The largest polygon of a shape is there, however small; others that are small
/// and far from the rest are not, and the codes of their shapes are a member `lacking`. A shape
/// without a polygon is left out.
pub(super) fn collection(boundaries: &Boundaries, named: &[(String, String)]) -> Value {
    let all: Vec<Ring> = named
        .iter()
        .enumerate()
        .flat_map(|(shape, (_, name))| {
            let rings = boundaries.rings(name);
            rings.map(move |(is_hole, ring)| Ring { shape, is_hole, points: unwrapped(ring) })
        })
        .collect();
    let Some(fitting) = fitting(&all) else {
        return json!({"type": "FeatureCollection", "lacking": [], "features": []});
    };
    let far = far_off(&all, &fitting);
    let lacking: BTreeSet<&str> = all
        .iter()
        .zip(&far)
        .filter_map(|(ring, is_far)| is_far.then_some(named[ring.shape].0.as_str()))
        .collect();
    let rings: Vec<Ring> =
        all.into_iter().zip(far).filter_map(|(ring, is_far)| (!is_far).then_some(ring)).collect();
    let projection = self::fitting(&rings).unwrap_or(fitting);
    let nodes = on_grid(&rings, &projection);
    let lines = simplified(&nodes, TOLERANCE);
    let mut shapes: Vec<Vec<usize>> = vec![Vec::new(); named.len()];
    for (at, ring) in rings.iter().enumerate() {
        shapes[ring.shape].push(at);
    }
    let features: Vec<Value> = named
        .iter()
        .zip(&shapes)
        .filter_map(|((code, shape), of)| {
            let polygons = polygons(of, &rings, &nodes, &lines);
            (!polygons.is_empty()).then(|| {
                json!({"type": "Feature", "properties": {"code": code, "name": shape},
                    "geometry": {"type": "MultiPolygon", "coordinates": polygons}})
            })
        })
        .collect();
    json!({"type": "FeatureCollection", "projection": projection.said(), "lacking": lacking,
        "features": features})
}

/// The projection that fits rings; none without a point.
fn fitting(rings: &[Ring]) -> Option<Projection> {
    let extent = Extent::of(rings.iter().map(|ring| ring.points.as_slice()))?;
    Some(Projection::fitting(&extent))
}

/// Whether each ring is of a polygon that is small, not the largest of its shape, and far from all that
/// are not so: it would press these together.
fn far_off(rings: &[Ring], projection: &Projection) -> Vec<bool> {
    let placed: Vec<Vec<Point>> =
        rings.iter().map(|ring| curved(&ring.points, projection)).collect();
    let areas: Vec<f64> = placed.iter().map(|ring| area(ring)).collect();
    let outer = || (0..rings.len()).filter(|&at| !rings[at].is_hole);
    let mut largest: BTreeMap<usize, usize> = BTreeMap::new();
    for at in outer() {
        let of = largest.entry(rings[at].shape).or_insert(at);
        if areas[at] > areas[*of] {
            *of = at;
        }
    }
    let total: f64 = outer().map(|at| areas[at]).sum();
    let is_main = |at: usize| areas[at] >= LARGE * total || largest[&rings[at].shape] == at;
    let main = frame(outer().filter(|&at| is_main(at)).flat_map(|at| &placed[at]));
    let near = NEAR * main.iter().map(|[low, high]| high - low).fold(0.0, f64::max);
    let mut far = Vec::with_capacity(rings.len());
    for (at, ring) in rings.iter().enumerate() {
        let is_off = || {
            let own = frame(placed[at].iter());
            own.iter()
                .zip(main)
                .any(|(own, [low, high])| own[0] < low - near || own[1] > high + near)
        };
        // A hole goes with the ring that it is in.
        let is_far = if ring.is_hole {
            far.last().copied().unwrap_or(false)
        } else {
            !is_main(at) && is_off()
        };
        far.push(is_far);
    }
    far
}

/// The area of a ring on the plane.
fn area(ring: &[Point]) -> f64 {
    let next = ring.iter().skip(1).chain(ring.first());
    ring.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>().abs() / 2.0
}

/// The least and the greatest of each coordinate.
fn frame<'p>(points: impl Iterator<Item = &'p Point>) -> [[f64; 2]; 2] {
    let none = [f64::INFINITY, f64::NEG_INFINITY];
    points.fold([none; 2], |[x, y], point| {
        [[x[0].min(point[0]), x[1].max(point[0])], [y[0].min(point[1]), y[1].max(point[1])]]
    })
}

/// The points of a ring, whose longitudes go on where it crosses the antimeridian.
fn unwrapped(ring: &[Point]) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::with_capacity(ring.len());
    for &[x, y] in ring {
        let turns = points.last().map_or(0.0, |before| {
            let off = x - before[0];
            let is_to_pole = off.abs() >= 359.0 && y.abs() > POLAR && before[1].abs() > POLAR;
            if is_to_pole { 0.0 } else { (off / 360.0).round() }
        });
        points.push([x - 360.0 * turns, y]);
    }
    if points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    points
}

/// The rings on the plane and there on the grid, points that follow each other never the same.
fn on_grid(rings: &[Ring], projection: &Projection) -> Vec<Vec<Node>> {
    let placed: Vec<Vec<Point>> =
        rings.iter().map(|ring| curved(&ring.points, projection)).collect();
    let sides = frame(placed.iter().flatten());
    let longer = sides.iter().map(|[low, high]| high - low).fold(0.0, f64::max);
    let step = if longer > 0.0 { longer / STEPS } else { 1.0 };
    let snapped = |ring: &Vec<Point>| {
        let node = |point: &Point| [0, 1].map(|axis| whole((point[axis] - sides[axis][0]) / step));
        let mut nodes: Vec<Node> = ring.iter().map(node).collect();
        nodes.dedup();
        if nodes.len() > 1 && nodes.first() == nodes.last() {
            nodes.pop();
        }
        nodes
    };
    placed.iter().map(snapped).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "steps of the grid are few thousand")]
fn whole(steps: f64) -> i32 {
    steps.round() as i32
}

/// A ring on the plane, with points between those of its long lines, about the middle of the map.
fn curved(ring: &[Point], projection: &Projection) -> Vec<Point> {
    let (west, east) = ring.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), of| {
        (low.min(of[0]), high.max(of[0]))
    });
    let turns = ((f64::midpoint(west, east) - projection.meridian()) / 360.0).round();
    let shifted: Vec<Point> = ring.iter().map(|[x, y]| [x - 360.0 * turns, *y]).collect();
    let next = shifted.iter().skip(1).chain(shifted.first());
    let lines = shifted.iter().zip(next).flat_map(|(&a, &b)| {
        let longest = (b[0] - a[0]).abs().max((b[1] - a[1]).abs());
        let parts = (longest / STRAIGHT).ceil().max(1.0);
        // From the same end in both directions, so that neighbours have the same points.
        let (from, to) = if a <= b { (a, b) } else { (b, a) };
        let at = move |part: f64| {
            let share = if a <= b { part / parts } else { (parts - part) / parts };
            [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * share)
        };
        let inner = iter::successors(Some(1.0), |part| Some(part + 1.0));
        iter::once(a).chain(inner.take_while(move |part| *part < parts).map(at))
    });
    lines.map(|point| projection.place(point)).collect()
}

/// Twice the area of a ring.
fn twice_area(ring: &[Node]) -> i64 {
    let next = ring.iter().skip(1).chain(ring.first());
    let sum: i64 = ring
        .iter()
        .zip(next)
        .map(|(a, b)| i64::from(a[0]) * i64::from(b[1]) - i64::from(b[0]) * i64::from(a[1]))
        .sum();
    sum.abs()
}

/// The polygons of the shape that has the rings `of`, each with its holes. The largest has a ring that
/// can be seen, if of one step.
fn polygons(
    of: &[usize],
    rings: &[Ring],
    nodes: &[Vec<Node>],
    lines: &[Vec<Node>],
) -> Vec<Vec<Vec<Node>>> {
    let outer = of.iter().copied().filter(|&at| !rings[at].is_hole && !nodes[at].is_empty());
    // Of two that are as large, the first.
    let largest = outer.rev().max_by_key(|&at| twice_area(&nodes[at]));
    let mut polygons: Vec<Vec<Vec<Node>>> = Vec::new();
    // A hole in what is too small to be seen is left out with it.
    let mut is_seen = false;
    for &at in of {
        let is_whole = twice_area(&lines[at]) > 0;
        let ring = if is_whole {
            Some(lines[at].clone())
        } else if largest == Some(at) {
            Some(least(&nodes[at]))
        } else {
            None
        };
        match (ring.map(closed), rings[at].is_hole) {
            (Some(ring), true) => {
                if is_seen && let Some(polygon) = polygons.last_mut() {
                    polygon.push(ring);
                }
            }
            (Some(ring), false) => {
                polygons.push(vec![ring]);
                is_seen = true;
            }
            (None, false) => is_seen = false,
            (None, true) => {}
        }
    }
    polygons
}

/// A ring as it is, or, if it has no area, a square of one step.
fn least(ring: &[Node]) -> Vec<Node> {
    match ring.first() {
        Some(&[x, y]) if twice_area(ring) == 0 => {
            vec![[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1]]
        }
        _ => ring.to_vec(),
    }
}

fn closed(mut ring: Vec<Node>) -> Vec<Node> {
    ring.extend(ring.first().copied());
    ring
}

#[cfg(test)]
mod tests {
    use super::*;
    use sources::boundaries::Features;
    use std::path::Path;

    fn drawn(shapes: &[(&str, Value)]) -> Value {
        let features: Vec<Value> = shapes
            .iter()
            .map(|(name, coordinates)| {
                json!({"type": "Feature", "properties": {"name": name},
                    "geometry": {"type": "MultiPolygon", "coordinates": coordinates}})
            })
            .collect();
        let text = json!({"type": "FeatureCollection", "features": features}).to_string();
        let features = Features::parse(&text, Path::new("given")).expect("features");
        let boundaries = features.named("name").expect("named");
        let named: Vec<(String, String)> =
            boundaries.names().map(|name| (name.to_owned(), name.to_owned())).collect();
        collection(&boundaries, &named)
    }

    fn square(x: f64, y: f64, size: f64) -> Value {
        ring([x, y], [x + size, y + size])
    }

    fn ring([x, y]: Point, [u, v]: Point) -> Value {
        json!([[x, y], [u, y], [u, v], [x, v], [x, y]])
    }

    fn xs(feature: &Value) -> Vec<i64> {
        let polygons = feature["geometry"]["coordinates"].as_array().expect("polygons");
        let points = polygons.iter().flat_map(|of| of[0].as_array().expect("a ring"));
        points.map(|point| point[0].as_i64().expect("a whole number")).collect()
    }

    #[test]
    fn a_shape_is_there_however_small() {
        let found = drawn(&[
            ("a", json!([[square(10.0, 40.0, 8.0)]])),
            ("b", json!([[square(19.0, 41.0, 1e-5)], [square(19.5, 41.0, 1e-5)]])),
        ]);
        let features = found["features"].as_array().expect("features");
        assert_eq!(features.len(), 2, "{found}");
        let polygons = features[1]["geometry"]["coordinates"].as_array().expect("polygons");
        assert_eq!(polygons.len(), 1, "the second is seen no more than the first: {found}");
        assert_eq!(polygons[0][0].as_array().map(Vec::len), Some(5));
    }

    #[test]
    fn a_hole_goes_with_its_polygon() {
        let hole = json!([square(10.0, 40.0, 8.0), square(12.0, 42.0, 2.0)]);
        let tiny = json!([square(19.0, 41.0, 1e-5), square(19.0, 41.0, 5e-6)]);
        let found = drawn(&[("a", json!([hole, tiny]))]);
        let polygons = found["features"][0]["geometry"]["coordinates"].as_array().expect("some");
        assert_eq!(polygons.len(), 1, "{found}");
        assert_eq!(polygons[0].as_array().map(Vec::len), Some(2), "{found}");
    }

    #[test]
    fn a_small_part_far_from_the_rest_is_named_and_not_drawn() {
        let large = json!([square(140.0, -40.0, 10.0)]);
        let small = |x: f64| json!([square(x, -40.0, 0.1), square(x + 0.02, -39.98, 0.02)]);
        let found = drawn(&[("a", json!([large.clone(), small(170.0)]))]);
        assert_eq!(found["lacking"], json!(["a"]));
        assert_eq!(
            found["features"][0]["geometry"]["coordinates"].as_array().map(Vec::len),
            Some(1)
        );
        assert_eq!(found["projection"]["centre"][0], 145.0);
        // Near it, or the only one of its shape, it is drawn.
        assert_eq!(drawn(&[("a", json!([large.clone(), small(150.2)]))])["lacking"], json!([]));
        let found = drawn(&[("a", json!([large])), ("b", json!([small(170.0)]))]);
        assert_eq!(found["lacking"], json!([]));
        assert_eq!(found["features"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn what_the_antimeridian_cuts_stands_together() {
        let east = json!([ring([178.0, -18.0], [180.0, -16.0])]);
        let west = json!([ring([-180.0, -18.0], [-179.0, -16.0])]);
        let found = drawn(&[("cut", json!([east, west]))]);
        let xs = xs(&found["features"][0]);
        assert_eq!((xs.iter().min(), xs.iter().max()), (Some(&0), Some(&4000)), "{found}");
        let seam = xs.iter().filter(|x| (2600..2750).contains(*x)).count();
        assert!(seam >= 4, "both parts end at the seam: {found}");
        // A ring that is not cut crosses it.
        let whole = json!([ring([178.0, -18.0], [-179.0, -16.0])]);
        let found = drawn(&[("whole", json!([whole]))]);
        assert_eq!(found["projection"]["kind"], "albers");
        assert_eq!(found["projection"]["meridian"], 179.5);
    }

    #[test]
    fn no_shapes_are_no_map() {
        assert_eq!(drawn(&[])["features"], json!([]));
    }
}
