//! Shapes of regions for maps.

use serde_json::{Value, json};
use sources::boundaries::Boundaries;

/// Steps of the grid that points are on, along the longer side of a map.
const STEPS: f64 = 700.0;

/// Shapes as GeoJSON, by the code that each has on the map and its name in the file. A shape that is
/// smaller than a step is left out.
pub(super) fn collection(boundaries: &Boundaries, named: &[(String, String)]) -> Value {
    let shapes: Vec<&str> = named.iter().map(|(_, shape)| shape.as_str()).collect();
    let step = boundaries.span(&shapes) / STEPS;
    let features: Vec<Value> = named
        .iter()
        .map(|(code, shape)| {
            json!({"type": "Feature", "properties": {"code": code, "name": shape},
                "geometry": {"type": "MultiPolygon", "coordinates": boundaries.outline(shape, step)}})
        })
        .filter(|feature| {
            feature["geometry"]["coordinates"].as_array().is_some_and(|c| !c.is_empty())
        })
        .collect();
    json!({"type": "FeatureCollection", "features": features})
}
