//! Maps of a value of regions.

use super::drawn::{Drawn, named, rows};
use super::error::FigureError;
use super::frame::{Frame, REGIONS};
use super::look::Look;
use crate::shapes;
use project::suggest::suggest;
use serde::Deserialize;
use serde_json::{Value, json};
use sources::boundaries::{Boundaries, Features};
use std::collections::{BTreeMap, BTreeSet};

/// What a map is told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapOptions {
    /// The column of regions.
    pub region: Option<String>,
    /// The column of values.
    pub value: String,
    /// The property of the boundaries that names regions; none is the one that has most of them.
    pub property: Option<String>,
    /// Names on the map of regions that are called otherwise in the frame.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// The value that colours are on two sides of.
    #[serde(default)]
    pub middle: f64,
    /// What all figures can be told.
    #[serde(default)]
    pub look: Look,
}

/// The property that has most of the names.
fn property(features: &Features, names: &BTreeSet<&str>) -> Result<String, FigureError> {
    if names.is_empty() {
        return Err(FigureError::Asked("the frame has no rows with a region".to_owned()));
    }
    let all = features.properties();
    let n_found = |texts: &BTreeSet<String>| texts.iter().filter(|t| names.contains(&***t)).count();
    // Of two with equally many, the first by its name.
    let best = all.iter().rev().max_by_key(|(_, texts)| n_found(texts));
    if let Some((property, texts)) = best
        && n_found(texts) > 0
    {
        return Ok(property.clone());
    }
    let examples: Vec<String> = all
        .iter()
        .filter_map(|(key, texts)| Some(format!("`{key}`, as in {:?}", texts.first()?)))
        .collect();
    let asked: Vec<&str> = names.iter().copied().collect();
    Err(FigureError::Asked(format!(
        "no region of the frame is on the map: it has {}; the boundaries have the properties {}; \
         name the property by `property`, and what a region is called there by `names`",
        named(&asked),
        examples.join("; "),
    )))
}

/// Regions of a frame, and the shapes that they have.
struct Matched {
    /// The name on the map of each region, whether there is such a shape or not.
    wanted: BTreeMap<String, String>,
    /// The row of each shape that a region has.
    rows: BTreeMap<String, usize>,
    boundaries: Boundaries,
    /// The property that shapes are named by.
    property: String,
}

impl Matched {
    fn of(
        regions: &[Option<String>],
        features: Features,
        options: &MapOptions,
    ) -> Result<Self, FigureError> {
        let twice = |what: &str, name: &str| {
            Err(FigureError::Asked(format!(
                "{what} `{name}` has more than one row: expected one, as of one period"
            )))
        };
        let mut of: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, name) in regions.iter().enumerate() {
            if let Some(name) = name.as_deref()
                && of.insert(name, at).is_some()
            {
                return twice("the region", name);
            }
        }
        let wanted: BTreeMap<String, String> = of
            .keys()
            .map(|name| {
                let shape = options.names.get(*name).map_or(*name, String::as_str);
                ((*name).to_owned(), shape.to_owned())
            })
            .collect();
        let property = match &options.property {
            Some(property) => property.clone(),
            None => property(&features, &wanted.values().map(String::as_str).collect())?,
        };
        let boundaries = features.named(&property)?;
        let mut rows = BTreeMap::new();
        for (name, shape) in &wanted {
            if boundaries.has(shape) && rows.insert(shape.clone(), of[name.as_str()]).is_some() {
                return twice("the shape", shape);
            }
        }
        Ok(Self { wanted, rows, boundaries, property })
    }

    /// The regions that have no shape, each with the shape that was meant.
    fn strange(&self) -> Vec<String> {
        let has_none = |(name, shape): (&String, &String)| {
            let hint = || suggest(shape, self.boundaries.names());
            (!self.boundaries.has(shape)).then(|| format!("`{name}`{}", hint()))
        };
        self.wanted.iter().filter_map(has_none).collect()
    }
}

/// Draws a map: the shapes of the boundaries, shaded by the values of the regions that are called
/// as they are. Shapes without a value are hatched. A region that has no shape is warned of.
///
/// # Errors
///
/// [`FigureError`] if a column is not there, a region has two rows, none has a value, or none a
/// shape.
pub fn map(frame: &Frame, features: Features, options: &MapOptions) -> Result<Drawn, FigureError> {
    let region = frame.find(options.region.as_deref(), &REGIONS, "region")?;
    let (regions, values) = (frame.texts(&region)?, frame.numbers(&options.value)?);
    let matched = Matched::of(&regions, features, options)?;
    let Matched { wanted, rows: of_shapes, boundaries, property } = &matched;
    let strange = matched.strange().join(", ");
    if !of_shapes.values().any(|&at| values[at].is_some()) {
        let what = format!("no region on the map has a number in `{}`", options.value);
        return Err(FigureError::Asked(if strange.is_empty() {
            what
        } else {
            format!("{what}: no shape has the name {strange} under `{property}`")
        }));
    }
    let mut warnings = Vec::new();
    if !strange.is_empty() {
        warnings.push(format!(
            "no shape of the boundaries has the name {strange} under `{property}`: not drawn"
        ));
    }
    let all: Vec<(String, String)> =
        boundaries.names().map(|name| (name.to_owned(), name.to_owned())).collect();
    let geo = shapes::collection(boundaries, &all);
    let value_of = |shape: &str| values[*of_shapes.get(shape)?];
    let drawn: Vec<&str> = geo["features"].as_array().map_or_else(Vec::new, |features| {
        features.iter().filter_map(|of| of["properties"]["code"].as_str()).collect()
    });
    let empty: Vec<&str> =
        of_shapes.keys().map(String::as_str).filter(|name| !drawn.contains(name)).collect();
    if !empty.is_empty() {
        warnings.push(format!("without a polygon in the boundaries: {}", named(&empty)));
    }
    // A region is called on the map what it is called in the frame.
    let label_of = |shape: &str| regions[*of_shapes.get(shape)?].as_deref();
    let marks: Vec<Value> = drawn
        .iter()
        .map(|shape| json!({"code": shape, "value": value_of(shape), "label": label_of(shape)}))
        .collect();
    let n_without = drawn.iter().filter(|shape| value_of(shape).is_none()).count();
    let mut fields = options.look.fields(options.look.with_unit(&options.value), &[])?;
    fields.extend([
        ("value_name".to_owned(), json!(options.value)),
        ("middle".to_owned(), json!(options.middle)),
        ("n_without".to_owned(), json!(n_without)),
        ("rows".to_owned(), json!(marks)),
        ("geo".to_owned(), geo),
    ]);
    let on_shapes = regions.iter().map(|name| {
        let shape = wanted.get(name.as_deref()?)?;
        boundaries.has(shape).then(|| shape.clone())
    });
    let at: Vec<usize> = (0..frame.len()).collect();
    let beside = Some(("shape", on_shapes.collect()));
    let table = rows(frame, &[&region, &options.value], &at, beside)?;
    Drawn::new("figures.map", fields, warnings, table)
}
