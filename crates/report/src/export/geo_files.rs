//! GeoJSON (RFC 7946) and GeoParquet 1.1: rows with the geometry of their region, in longitude and
//! latitude of WGS 84.

use super::error::ExportError;
use super::geography::Geography;
use super::rows::{Batches, Exported, REGION};
use crate::output::{OutputError, parquet_properties};
use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;
use geo_types::{LineString, MultiPolygon};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::EnabledStatistics;
use parquet::schema::types::ColumnPath;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use wkb::Endianness;
use wkb::writer::{WriteOptions, write_multi_polygon};

/// The column of a GeoParquet file that has the geometry.
const GEOMETRY: &str = "geometry";

/// Bytes of geometries of a column that are kept once, however many rows have them.
const DICTIONARY: usize = 64 << 20;

/// The place of the column with the regions of rows.
///
/// # Errors
///
/// [`ExportError::Asked`] if there is none, or a column has the name of the geometry.
pub(super) fn region(exported: &Exported) -> Result<usize, ExportError> {
    let name = &exported.name;
    let Some(at) = exported.region() else {
        return Err(ExportError::Asked(format!(
            "`{name}` has no text column `{REGION}`, by which rows get their geometry: name a table that has one, or \
             select it in the query"
        )));
    };
    if exported.columns.iter().any(|column| column.name == GEOMETRY) {
        return Err(ExportError::Asked(format!(
            "`{name}` has a column `{GEOMETRY}`, as the geometry of its regions is called: give it another name in a \
             query"
        )));
    }
    Ok(at)
}

/// Regions of the rows that were written, each with its geometry as the file has it.
struct Shapes<'g, T> {
    geography: &'g Geography,
    make: fn(&MultiPolygon<f64>) -> Result<T, ExportError>,
    /// None of a region without a shape.
    known: BTreeMap<String, Option<T>>,
    /// The least and the greatest longitude and latitude.
    bounds: Option<[f64; 4]>,
    n_rows_without: u64,
}

/// What is told of regions without a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WithoutShape {
    /// Their codes.
    pub(super) codes: Vec<String>,
    /// All regions.
    pub(super) n_regions: usize,
    /// Rows without a geometry, those without a region among them.
    pub(super) n_rows: u64,
}

impl<'g, T> Shapes<'g, T> {
    fn new(
        geography: &'g Geography,
        make: fn(&MultiPolygon<f64>) -> Result<T, ExportError>,
    ) -> Self {
        Self { geography, make, known: BTreeMap::new(), bounds: None, n_rows_without: 0 }
    }

    /// The geometry of a row, by the code of its region.
    fn of(&mut self, code: Option<&str>) -> Result<Option<&T>, ExportError> {
        if let Some(code) = code
            && !self.known.contains_key(code)
        {
            let polygons = self.geography.polygons(code);
            if let Some(polygons) = &polygons {
                self.widen(polygons);
            }
            let made = polygons.map(|polygons| (self.make)(&polygons)).transpose()?;
            self.known.insert(code.to_owned(), made);
        }
        let found = code.and_then(|code| self.known.get(code)).and_then(Option::as_ref);
        self.n_rows_without += u64::from(found.is_none());
        Ok(found)
    }

    fn widen(&mut self, polygons: &MultiPolygon<f64>) {
        for at in polygons.0.iter().flat_map(|polygon| &polygon.exterior().0) {
            let [west, south, east, north] = self.bounds.unwrap_or([at.x, at.y, at.x, at.y]);
            self.bounds = Some([west.min(at.x), south.min(at.y), east.max(at.x), north.max(at.y)]);
        }
    }

    /// What is told of regions without a shape; none if all have one.
    ///
    /// # Errors
    ///
    /// [`ExportError::Asked`] if no region has one.
    fn without(self, exported: &Exported) -> Result<Option<WithoutShape>, ExportError> {
        let n_regions = self.known.len();
        let lacking = self.known.iter().filter(|(_, shape)| shape.is_none());
        let codes: Vec<String> = lacking.map(|(code, _)| code.clone()).collect();
        if n_regions > 0 && codes.len() == n_regions {
            let codes = codes.iter().map(String::as_str);
            return Err(self.geography.none_of(&exported.name, codes));
        }
        let n_rows = self.n_rows_without;
        Ok((n_rows > 0).then_some(WithoutShape { codes, n_regions, n_rows }))
    }
}

/// The codes of regions of a batch.
fn codes(batch: &RecordBatch, region: usize) -> Result<StringArray, ExportError> {
    let texts = cast(batch.column(region), &DataType::Utf8)?;
    Ok(texts.as_string::<i32>().clone())
}

fn code_of(codes: &StringArray, row: usize) -> Option<&str> {
    codes.is_valid(row).then(|| codes.value(row))
}

/// A geometry as GeoJSON.
fn as_json(polygons: &MultiPolygon<f64>) -> Result<String, ExportError> {
    let ring = |ring: &LineString<f64>| ring.0.iter().map(|at| [at.x, at.y]).collect::<Vec<_>>();
    let coordinates: Vec<Vec<Vec<[f64; 2]>>> = polygons
        .0
        .iter()
        .map(|polygon| {
            let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
            rings.map(ring).collect()
        })
        .collect();
    let coordinates = serde_json::to_string(&coordinates).map_err(std::io::Error::from);
    let coordinates = coordinates.map_err(OutputError::from)?;
    Ok(format!(r#"{{"type":"MultiPolygon","coordinates":{coordinates}}}"#))
}

/// A geometry as well-known binary.
fn as_wkb(polygons: &MultiPolygon<f64>) -> Result<Vec<u8>, ExportError> {
    let mut bytes = Vec::new();
    let options = WriteOptions { endianness: Endianness::LittleEndian };
    write_multi_polygon(&mut bytes, polygons, &options)
        .map_err(|error| OutputError::from(std::io::Error::other(error)))?;
    Ok(bytes)
}

/// Writes rows as features, one a line, as they come.
///
/// # Errors
///
/// [`ExportError`] if they cannot be read or written, or no region has a shape.
pub(super) fn geojson(
    exported: &Exported,
    geography: &Geography,
    rows: Batches<'_>,
    mut out: impl Write,
) -> Result<Option<WithoutShape>, ExportError> {
    let region = region(exported)?;
    let mut shapes = Shapes::new(geography, as_json);
    let io = |error: std::io::Error| ExportError::from(OutputError::from(error));
    let name = Value::from(exported.name.as_str());
    write!(out, r#"{{"type":"FeatureCollection","name":{name},"features":["#).map_err(io)?;
    let mut mark = "\n";
    for batch in rows {
        let batch = batch?;
        let mut lines = Vec::new();
        let mut writer =
            WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(&mut lines);
        writer.write(&batch)?;
        writer.finish()?;
        drop(writer);
        let codes = codes(&batch, region)?;
        // Texts of JSON have no line breaks.
        let properties = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        for (row, properties) in properties.enumerate() {
            let geometry = shapes.of(code_of(&codes, row))?.map_or("null", String::as_str);
            write!(out, r#"{mark}{{"type":"Feature","properties":"#).map_err(io)?;
            out.write_all(properties).map_err(io)?;
            write!(out, r#","geometry":{geometry}}}"#).map_err(io)?;
            mark = ",\n";
        }
    }
    out.write_all(b"\n]}\n").map_err(io)?;
    out.flush().map_err(io)?;
    shapes.without(exported)
}

/// What the metadata `geo` of a GeoParquet file says. Without `crs`, geometries are in longitude and
/// latitude of WGS 84 (OGC:CRS84).
fn metadata(bounds: Option<[f64; 4]>) -> String {
    let mut column = json!({"encoding": "WKB", "geometry_types": ["MultiPolygon"],
        "orientation": "counterclockwise"});
    if let (Some(fields), Some(bounds)) = (column.as_object_mut(), bounds) {
        fields.insert("bbox".to_owned(), json!(bounds));
    }
    json!({"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}})
        .to_string()
}

/// The columns of the rows, with that of the geometry behind them.
fn with_geometry(schema: &Schema) -> SchemaRef {
    let mut fields: Vec<FieldRef> = schema.fields().iter().map(Arc::clone).collect();
    fields.push(Arc::new(Field::new(GEOMETRY, DataType::Binary, true)));
    Arc::new(Schema::new(fields))
}

/// Writes rows with a column of their geometry, as they come.
///
/// # Errors
///
/// [`ExportError`] if they cannot be read or written, or no region has a shape.
pub(super) fn geoparquet(
    exported: &Exported,
    geography: &Geography,
    rows: Batches<'_>,
    mut out: impl Write + Send,
) -> Result<Option<WithoutShape>, ExportError> {
    let region = region(exported)?;
    let mut shapes = Shapes::new(geography, as_wkb);
    let schema = with_geometry(&rows.schema);
    // The bytes of a shape are in no order that would tell which rows to read.
    let properties = parquet_properties(&schema)
        .set_dictionary_page_size_limit(DICTIONARY)
        .set_column_statistics_enabled(ColumnPath::from(GEOMETRY), EnabledStatistics::None);
    let mut writer = ArrowWriter::try_new(&mut out, Arc::clone(&schema), Some(properties.build()))?;
    for batch in rows {
        let batch = batch?;
        let codes = codes(&batch, region)?;
        let mut geometries = BinaryBuilder::new();
        for row in 0..batch.num_rows() {
            geometries.append_option(shapes.of(code_of(&codes, row))?);
        }
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        columns.push(Arc::new(geometries.finish()));
        writer.write(&RecordBatch::try_new(Arc::clone(&schema), columns)?)?;
    }
    writer.append_key_value_metadata(KeyValue::new("geo".to_owned(), metadata(shapes.bounds)));
    writer.close()?;
    out.flush().map_err(OutputError::from)?;
    shapes.without(exported)
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo_types::Polygon;
    use geojson::{GeoJson, GeometryValue};

    fn square() -> MultiPolygon<f64> {
        let corners = [(0.0, 0.0), (2.0, 0.0), (2.0, 1.5), (0.0, 1.5), (0.0, 0.0)];
        MultiPolygon::new(vec![Polygon::new(LineString::from(corners.to_vec()), Vec::new())])
    }

    #[test]
    fn a_geometry_is_the_same_in_both_forms() {
        let text = as_json(&square()).expect("JSON");
        let Ok(GeoJson::Geometry(parsed)) = text.parse() else { panic!("{text}") };
        let GeometryValue::MultiPolygon { coordinates } = &parsed.value else { panic!("{text}") };
        assert_eq!(coordinates[0][0].len(), 5);
        // A mark of the byte order, the type 6, one polygon; its mark, the type 3, one ring of 5 points.
        let bytes = as_wkb(&square()).expect("bytes");
        let mut expected: Vec<u8> = vec![1, 6, 0, 0, 0, 1, 0, 0, 0];
        expected.extend([1, 3, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0]);
        for corner in &coordinates[0][0] {
            expected.extend(corner.as_slice().iter().flat_map(|degrees| degrees.to_le_bytes()));
        }
        assert_eq!(bytes, expected);
    }

    #[test]
    fn the_metadata_say_what_the_geometry_is() {
        let said: Value =
            serde_json::from_str(&metadata(Some([0.0, -1.0, 2.0, 1.5]))).expect("JSON");
        assert_eq!(said["version"], "1.1.0");
        let column = &said["columns"][said["primary_column"].as_str().expect("a name")];
        assert_eq!(column["encoding"], "WKB");
        assert_eq!(column["bbox"], json!([0.0, -1.0, 2.0, 1.5]));
        let said: Value = serde_json::from_str(&metadata(None)).expect("JSON");
        assert!(said["columns"][GEOMETRY].get("bbox").is_none(), "{said}");
    }
}
