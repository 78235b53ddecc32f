//! `rebound report`: one page with figures and tables of what is published, and the figures as SVG and PNG.
//!
//! SQL over the published tables makes the data; `charts.js` makes options of ECharts of them, in the page and here alike, where a small
//! JavaScript engine draws them as SVG.

mod draw;
mod layout;

pub use draw::DrawError;

use crate::boundaries::{Boundaries, BoundaryError};
use crate::estimation::Estimated;
use crate::model_spec::Heading;
use crate::new_file::NewFile;
use crate::output::{CsvArgs, TEXT_WIDTH, html_text, json_in_html, shortened, visible};
use crate::pipeline::Pipeline;
use crate::published;
use crate::regression_table::{self, Shape, TableFormat};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use base64::Engine as _;
use clap::Args;
use lake::{Catalog, Lake, LakeError};
use query::{QueryError, Session};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use tokio::runtime::Runtime;

const NAMES: &str = include_str!("../assets/names.js");
const ECHARTS: &str = include_str!("../assets/echarts.min.js");
const CHARTS: &str = include_str!("../assets/charts.js");
const PAGE: &str = include_str!("../assets/page.js");
const STYLE: &str = include_str!("../assets/page.css");

/// Products of the product space that are shown: those with most trade.
const SHOWN_PRODUCTS: usize = 600;
/// Products of each list of a region's page.
const LISTED_PRODUCTS: usize = 6;

/// Characters of an official description that are shown.
const DESCRIBED: usize = 71;

/// Arguments of `rebound report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The pipeline file, for names and boundaries.
    pub pipeline: PathBuf,
    /// Another lake than the pipeline's.
    #[arg(long, env = "REBOUND_LAKE")]
    pub lake: Option<String>,
    /// The folder to write to: `report.html`, and `figures/` with SVG and PNG.
    #[arg(long, short, default_value = "report")]
    pub output: PathBuf,
    /// Only the page.
    #[arg(long)]
    pub no_figures: bool,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The tables it needs are not published.
    #[error(
        "the report needs the table `{0}`, which is not published: run the stages that make it"
    )]
    NotThere(&'static str),
    /// The boundaries cannot be read.
    #[error(transparent)]
    Boundaries(#[from] BoundaryError),
    /// A query failed.
    #[error("failed to read what the report shows")]
    Query(#[from] QueryError),
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// JSON failed.
    #[error("failed to prepare the data of the report")]
    Json(#[from] serde_json::Error),
    /// A figure could not be drawn.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// A file cannot be written.
    #[error("failed to write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl ReportError {
    /// Whether the user's input is at fault.
    pub fn is_users(&self) -> bool {
        matches!(self, Self::NotThere(_) | Self::Boundaries(_) | Self::Write { .. })
    }
}

/// The published tables, asked by SQL.
struct Source<'a> {
    runtime: &'a Runtime,
    session: Session,
    catalog: &'a Catalog,
}

impl Source<'_> {
    fn has(&self, table: &str) -> bool {
        self.catalog.tables.contains_key(table)
    }

    fn batches(&self, sql: &str) -> Result<Vec<RecordBatch>, ReportError> {
        Ok(self.runtime.block_on(self.session.run(sql))?.1)
    }

    /// The rows of a query as JSON objects; none where a table it needs is not published.
    fn rows(&self, needs: &[&str], sql: &str) -> Result<Vec<Value>, ReportError> {
        if needs.iter().any(|table| !self.has(table)) {
            return Ok(Vec::new());
        }
        let mut rows = Vec::new();
        for batch in self.batches(sql)? {
            let schema = batch.schema();
            for row in 0..batch.num_rows() {
                let cells = schema.fields().iter().zip(batch.columns());
                rows.push(Value::Object(
                    cells.map(|(f, column)| (f.name().clone(), cell(column, row))).collect(),
                ));
            }
        }
        Ok(rows)
    }
}

/// A cell as JSON, to the last digit.
fn cell(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        other => format!("no JSON of {other}").into(),
    }
}

fn text<'v>(row: &'v Value, key: &str) -> &'v str {
    row.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn integer(row: &Value, key: &str) -> i64 {
    row.get(key).and_then(Value::as_i64).unwrap_or_default()
}

/// Writes the report; gives the files.
///
/// # Errors
///
/// [`ReportError`].
pub fn report(
    runtime: &Runtime,
    args: &ReportArgs,
    pipeline: &Pipeline,
    lake: &Lake,
    catalog: &Catalog,
) -> Result<Vec<PathBuf>, ReportError> {
    for needed in ["panel.region", "trade.region_year", "resilience.episode"] {
        if !catalog.tables.contains_key(needed) {
            return Err(ReportError::NotThere(needed));
        }
    }
    // One partition: the same tables give the same page.
    let session = published::session(lake, 1, pipeline.config.engine.memory())?;
    for version in catalog.tables.values() {
        session.register(version)?;
    }
    let source = Source { runtime, session, catalog };
    let results = published::results(runtime, lake, catalog)?.unwrap_or_default();
    let data = data(&source, pipeline, &results)?;
    let html = page(&source, pipeline, &data, &results)?;
    let write = |path: PathBuf, bytes: &[u8]| -> Result<PathBuf, ReportError> {
        NewFile::write(&path, bytes)
            .map_err(|source| ReportError::Write { path: path.clone(), source })?;
        Ok(path)
    };
    let figures = args.output.join("figures");
    std::fs::create_dir_all(if args.no_figures { &args.output } else { &figures })
        .map_err(|source| ReportError::Write { path: args.output.clone(), source })?;
    let mut written = vec![write(args.output.join("report.html"), html.as_bytes())?];
    if !args.no_figures {
        for figure in draw::figures([NAMES, ECHARTS, CHARTS], &data)? {
            // An episode may be called what no file can be.
            let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
            let name: String =
                figure.name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
            written.push(write(figures.join(format!("{name}.svg")), figure.svg.as_bytes())?);
            written.push(write(figures.join(format!("{name}.png")), &figure.png)?);
        }
    }
    Ok(written)
}

/// The data that the page and the figures show, as JSON.
fn data(
    source: &Source<'_>,
    pipeline: &Pipeline,
    results: &[(Heading, Estimated)],
) -> Result<Value, ReportError> {
    let currency =
        pipeline.sources.first().map_or("", |source| source.layout.layout.currency.as_str());
    let episodes = source.rows(
        &[],
        "select episode, frequency, base, trough, \"end\", base_year, trough_year, end_year, transformation_year, regressor_year, \
         cast(base_value as double) as base_value, cast(trough_value as double) as trough_value, cast(end_value as double) as end_value, \
         resistance_growth, recovery_growth from resilience.episode order by episode",
    )?;
    let national = source.rows(
        &[],
        "select year, cast(sum(fob_value) as double) as value from trade.region_year group by year order by year",
    )?;
    let lisa = if source.has("spatial.region") {
        ", s.lisa_class as lisa from panel.region p left join spatial.region s on s.source_table = 'resilience.region' and \
         s.measure = 'resistance' and s.period = p.episode || ' / aggregate' and s.region_code = p.region_code"
    } else {
        ", cast(null as varchar) as lisa from panel.region p"
    };
    let regions = source.rows(
        &[],
        &format!(
            "select p.episode, p.region_code, p.region_name, cast(p.base_value as double) as base_value, p.resistance, p.resistance_low, \
             p.resistance_high, p.resistance_null_reason, p.recovery, p.recovery_low, p.recovery_high, p.recovery_null_reason, p.type, \
             p.upgrading, p.level_recovery, p.related_variety, p.unrelated_variety, p.hhi, p.eci, p.mean_density{lisa} \
             order by p.episode, p.region_code"
        ),
    )?;
    let mut paths: BTreeMap<String, BTreeMap<String, Vec<Value>>> = BTreeMap::new();
    let rows = source.rows(
        &["resilience.region_period"],
        "select episode, region_code, period, value, expected_value from resilience.region_period where benchmark = 'aggregate' \
         order by episode, region_code, period",
    )?;
    for row in rows {
        paths
            .entry(text(&row, "episode").to_owned())
            .or_default()
            .entry(text(&row, "region_code").to_owned())
            .or_default()
            .push(json!([row["period"], row["value"], row["expected_value"]]));
    }
    let mut national_paths: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let rows = source.rows(
        &["resilience.nation_period"],
        "select episode, period, max(value) as value, max(case when benchmark = 'own_trend' then expected_value end) as expected_value \
         from resilience.nation_period group by episode, period order by episode, period",
    )?;
    for row in rows {
        national_paths.entry(text(&row, "episode").to_owned()).or_default().push(json!([
            row["period"],
            row["value"],
            row["expected_value"]
        ]));
    }
    let names: Map<String, Value> = regions
        .iter()
        .map(|row| (text(row, "region_code").to_owned(), row["region_name"].clone()))
        .collect();
    let mut parts: BTreeMap<String, BTreeMap<String, BTreeMap<&str, Vec<Value>>>> = BTreeMap::new();
    let mut used: BTreeSet<String> = BTreeSet::new();
    for (list, change, condition) in [
        ("fell", "trough_value - base_value", "trough_value < base_value"),
        ("back", "end_value - trough_value", "end_value > trough_value and base_value > 0"),
        ("entered", "end_value", "base_value = 0 and end_value > 0"),
    ] {
        let order = if list == "fell" { "asc" } else { "desc" };
        let sql = format!(
            "select * from (select episode, region_code, hs6, cast({change} as double) as change, row_number() over (partition by episode, \
             region_code order by {change} {order}, hs6) as place from panel.region_product where {condition}) \
             where place <= {LISTED_PRODUCTS} order by episode, region_code, place"
        );
        for row in source.rows(&["panel.region_product"], &sql)? {
            used.insert(text(&row, "hs6").to_owned());
            let region = parts
                .entry(text(&row, "episode").to_owned())
                .or_default()
                .entry(text(&row, "region_code").to_owned())
                .or_insert_with(|| {
                    BTreeMap::from([
                        ("fell", Vec::new()),
                        ("back", Vec::new()),
                        ("entered", Vec::new()),
                    ])
                });
            region
                .entry(list)
                .or_default()
                .push(json!({"hs6": row["hs6"], "change": row["change"]}));
        }
    }
    let described: BTreeMap<String, String> = source
        .rows(&["trade.product"], "select hs6, description from trade.product")?
        .iter()
        .map(|row| (text(row, "hs6").to_owned(), shortened(text(row, "description"), DESCRIBED)))
        .collect();
    let space = episodes
        .first()
        .map_or(Ok(Value::Null), |episode| space(source, episode, &described, pipeline))?;
    let products: BTreeMap<&String, &String> =
        used.iter().filter_map(|hs6| Some((hs6, described.get(hs6)?))).collect();
    let coefficients: Vec<Value> = results
        .iter()
        .flat_map(|(_, result)| {
            result.coefficients.iter().map(|c| {
                json!({"model": result.model, "specification": result.specification, "outcome": result.outcome, "term": c.term,
                    "estimate": c.estimate, "se": c.se, "low": c.interval.map(|i| i.0), "high": c.interval.map(|i| i.1)})
            })
        })
        .collect();
    Ok(shown(json!({
        "meta": {"pipeline": pipeline.name, "run": source.catalog.run, "published_at": source.catalog.published_at, "currency": currency},
        "episodes": episodes, "national": national, "national_paths": national_paths, "regions": regions, "names": names, "paths": paths, "parts": parts,
        "products": products, "space": space, "coefficients": coefficients, "geo": geo(pipeline, &names)?,
    })))
}

/// The shapes of the regions as GeoJSON, with their codes; null without boundaries.
fn geo(pipeline: &Pipeline, names: &Map<String, Value>) -> Result<Value, ReportError> {
    let Some(external) = &pipeline.boundaries else { return Ok(Value::Null) };
    let boundaries = Boundaries::read(&external.path, &external.columns.property)?;
    let mut features = Vec::new();
    let mut taken = BTreeSet::new();
    for (code, name) in names {
        let given = external.columns.names.get(code).map(String::as_str);
        let shape = [given, name.as_str(), Some(code.as_str())]
            .into_iter()
            .flatten()
            .find(|name| boundaries.has(name));
        if let Some(shape) = shape {
            taken.insert(shape.to_owned());
            features.push((code.clone(), shape.to_owned()));
        }
    }
    // What is on the map but in no table is shown, too.
    features.extend(
        boundaries
            .names()
            .filter(|name| !taken.contains(*name))
            .map(|name| (name.to_owned(), name.to_owned())),
    );
    let shapes: Vec<&str> = features.iter().map(|(_, shape)| shape.as_str()).collect();
    let step = boundaries.span(&shapes) / 700.0;
    let features: Vec<Value> = features
        .iter()
        .map(|(code, shape)| {
            json!({"type": "Feature", "properties": {"code": code, "name": shape},
                "geometry": {"type": "MultiPolygon", "coordinates": boundaries.outline(shape, step)}})
        })
        .filter(|feature| feature["geometry"]["coordinates"].as_array().is_some_and(|c| !c.is_empty()))
        .collect();
    Ok(json!({"type": "FeatureCollection", "features": features}))
}

/// The product space: the products with most trade, their links and places, and who specialises in what.
fn space(
    source: &Source<'_>,
    episode: &Value,
    described: &BTreeMap<String, String>,
    pipeline: &Pipeline,
) -> Result<Value, ReportError> {
    let (before, after) =
        (integer(episode, "regressor_year"), integer(episode, "transformation_year"));
    let needs = ["space.proximity", "trade.region_product_year", "space.region_product_year"];
    let rows = source.rows(
        &needs,
        &format!(
            "select hs6, cast(sum(fob_value) as double) as value from trade.region_product_year where year = {before} \
             group by hs6 having sum(fob_value) > 0 order by 2 desc, 1 limit {SHOWN_PRODUCTS}"
        ),
    )?;
    let codes: BTreeMap<&str, usize> =
        rows.iter().enumerate().map(|(at, row)| (text(row, "hs6"), at)).collect();
    let links = source.rows(
        &needs,
        "select hs6_a, hs6_b, proximity, is_in_tree from space.proximity order by is_in_tree desc, proximity desc, hs6_a, hs6_b",
    )?;
    let mut joined: Vec<(usize, usize)> = Vec::new();
    let mut n_strong = 0;
    for row in &links {
        let (Some(&a), Some(&b)) = (codes.get(text(row, "hs6_a")), codes.get(text(row, "hs6_b")))
        else {
            continue;
        };
        let is_in_tree = row["is_in_tree"].as_bool().unwrap_or(false);
        n_strong += usize::from(!is_in_tree);
        // Beyond two links a product the strongest hide the others.
        if is_in_tree || n_strong <= 2 * rows.len() {
            joined.push((a, b));
        }
    }
    let mut is_joined = vec![false; rows.len()];
    for &(a, b) in &joined {
        is_joined[a] = true;
        is_joined[b] = true;
    }
    let mut number = vec![usize::MAX; rows.len()];
    let kept: Vec<usize> = (0..rows.len()).filter(|&at| is_joined[at]).collect();
    kept.iter().enumerate().for_each(|(new, &old)| number[old] = new);
    let joined: Vec<(usize, usize)> =
        joined.into_iter().map(|(a, b)| (number[a], number[b])).collect();
    let points = layout::place(kept.len(), &joined);
    let nodes: Vec<Value> = kept
        .iter()
        .zip(&points)
        .map(|(&old, point)| {
            let code = text(&rows[old], "hs6");
            json!({"hs6": code, "name": described.get(code), "value": rows[old]["value"], "x": point[0], "y": point[1]})
        })
        .collect();
    let specialised = |year: i64| -> Result<BTreeMap<String, Vec<usize>>, ReportError> {
        let rows = source.rows(
            &needs,
            &format!("select region_code, hs6 from space.region_product_year where year = {year} and is_specialized order by 1, 2"),
        )?;
        let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for row in &rows {
            if let Some(&at) = codes.get(text(row, "hs6"))
                && number[at] != usize::MAX
            {
                found.entry(text(row, "region_code").to_owned()).or_default().push(number[at]);
            }
        }
        Ok(found)
    };
    let joined_by = match pipeline.config.relatedness.proximity_source.as_str() {
        "firms" => "firms",
        "external" => "countries",
        _ => "regions",
    };
    Ok(
        json!({"nodes": nodes, "links": joined, "before": specialised(before)?, "after": specialised(after)?,
        "before_year": before, "after_year": after, "joined": joined_by}),
    )
}

/// A table of rows of JSON: columns by key and heading.
fn table(out: &mut String, caption: &str, columns: &[(&str, &str)], rows: &[Value]) {
    let _ = write!(
        out,
        "<div class=\"scroll\"><table><caption>{}</caption><thead><tr>",
        html_text(caption)
    );
    for (_, name) in columns {
        let _ = write!(out, "<th scope=\"col\">{}</th>", html_text(name));
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for (key, _) in columns {
            let shown = match &row[*key] {
                Value::Null => "–".to_owned(),
                Value::String(text) => html_text(text),
                Value::Number(n) if n.is_f64() => format!("{:.4}", n.as_f64().unwrap_or(0.0)),
                Value::Number(n) => {
                    n.as_u64().map_or_else(|| n.to_string(), crate::output::grouped)
                }
                other => other.to_string(),
            };
            let _ = write!(out, "<td>{shown}</td>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
}

/// Where records were made up, as the folder's own truth says.
fn is_made_up(pipeline: &Pipeline) -> bool {
    pipeline.sources.iter().flat_map(|source| &source.files).any(|file| match &file.place {
        crate::raw_files::Place::Local(path) => {
            path.ancestors().skip(1).take(2).any(|folder| folder.join("truth.yaml").is_file())
        }
        crate::raw_files::Place::Remote(_) => false,
    })
}

/// An inline script or style as a content security policy names it.
fn source_of(text: &str) -> String {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text));
    format!("'sha256-{hash}'")
}

/// The data with what neither HTML nor SVG can hold made visible.
fn shown(data: Value) -> Value {
    let text = |text: String| text.chars().map(visible).collect::<String>();
    match data {
        Value::String(found) => Value::String(text(found)),
        Value::Array(values) => Value::Array(values.into_iter().map(shown).collect()),
        Value::Object(fields) => Value::Object(
            fields.into_iter().map(|(name, value)| (text(name), shown(value))).collect(),
        ),
        other => other,
    }
}

fn page(
    source: &Source<'_>,
    pipeline: &Pipeline,
    data: &Value,
    results: &[(Heading, Estimated)],
) -> Result<String, ReportError> {
    let catalog = source.catalog;
    let mut quality = String::new();
    let files = source.rows(
        &["customs.reconciliation"],
        "select source_file, n_entries, n_records, n_excluded, n_rejected, n_empty, cast(value_in as varchar) as value_in, \
         cast(value_records as varchar) as value_records, cast(value_excluded as varchar) as value_excluded, \
         cast(value_rejected as varchar) as value_rejected from customs.reconciliation order by source_file",
    )?;
    table(
        &mut quality,
        "Every raw file: entries and value in = records + excluded + rejected (+ empty). Source: customs.reconciliation.",
        &[
            ("source_file", "file"),
            ("n_entries", "entries"),
            ("n_records", "records"),
            ("n_excluded", "excluded"),
            ("n_rejected", "rejected"),
            ("n_empty", "empty"),
            ("value_in", "value in"),
            ("value_records", "value of records"),
            ("value_excluded", "excluded"),
            ("value_rejected", "rejected"),
        ],
        &files,
    );
    let rejects = source.rows(
        &["customs.rejects"],
        "select reason, count(*) as n from customs.rejects group by reason order by 2 desc, 1",
    )?;
    table(
        &mut quality,
        "Rejected entries by reason. Source: customs.rejects.",
        &[("reason", "reason"), ("n", "entries")],
        &rejects,
    );
    let conversion = source.rows(
        &["trade.hs_conversion"],
        "select year, hs_revision, kind, n_codes, value_share from trade.hs_conversion order by year, hs_revision, kind",
    )?;
    table(
        &mut quality,
        "How codes were brought to one revision of the Harmonized System. Source: trade.hs_conversion.",
        &[
            ("year", "year"),
            ("hs_revision", "from"),
            ("kind", "kind"),
            ("n_codes", "codes"),
            ("value_share", "share of value"),
        ],
        &conversion,
    );
    let mut checks =
        String::from("<details><summary>Checks that held before publication</summary><ul>");
    for name in catalog.checks.keys() {
        let _ =
            write!(checks, "<li>{}</li>", html_text(&name.replace("__", ": ").replace('_', " ")));
    }
    checks.push_str("</ul></details>");
    let mut models = String::new();
    for (_, heading, results) in regression_table::by_model(results.to_vec()) {
        let results: Vec<&Estimated> = results.iter().collect();
        let shape = Shape::of(&heading);
        let html = regression_table::render(
            TableFormat::Html,
            CsvArgs::default(),
            shape,
            &heading,
            &results,
            TEXT_WIDTH,
        );
        let _ = write!(
            models,
            "<details{}><summary>{}</summary><div class=\"scroll\">{html}</div></details>",
            if models.is_empty() { " open" } else { "" },
            html_text(&heading.title)
        );
    }
    if models.is_empty() {
        models.push_str("<p class=\"soft\">No models are published: name model files under <code>models</code> of the pipeline.</p>");
    }
    let made_up = if is_made_up(pipeline) {
        "<p class=\"made-up\"><b>Made up.</b> These records were written by <code>rebound synth</code>: nothing here is a finding.</p>"
    } else {
        ""
    };
    let n_regions = data["names"].as_object().map_or(0, Map::len);
    let n_years = data["national"].as_array().map_or(0, Vec::len);
    let records: i64 = files.iter().map(|file| integer(file, "n_records")).sum();
    let rejected: i64 = files.iter().map(|file| integer(file, "n_rejected")).sum();
    let count = |n: i64| crate::output::grouped(u64::try_from(n).unwrap_or(0));
    let json = json_in_html(&serde_json::to_string(data)?);
    // What is in the page may run, and nothing else: whatever a text of the data makes of itself. Styles in attributes are ECharts'.
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {style}; style-src-elem {style}; style-src-attr 'unsafe-inline'; \
         img-src data:; base-uri 'none'; form-action 'none'",
        [NAMES, ECHARTS, CHARTS, PAGE].map(source_of).join(" "),
        style = source_of(STYLE),
    );
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Regional export resilience: {name}</title><link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head>\n<body>\n\
         <header><h1>How regions' exports withstood the shock, and came back</h1>\
         <p class=\"lead\">Pipeline <b>{name}</b>: {n_regions} regions, {n_years} years. Run {run}, published {published} UTC. Every figure names the table it is made from; \
         <code>rebound describe</code> says what its columns mean.</p>{made_up}</header>\n\
         <nav aria-label=\"Sections\"><div><a href=\"#overview\">Overview</a><a href=\"#maps\">Maps</a><a href=\"#places\">Regions compared</a><a href=\"#list\">Table</a>\
         <a href=\"#pages\">Region pages</a><a href=\"#space\">Product space</a><a href=\"#relations\">What explains it</a><a href=\"#models\">Models</a><a href=\"#quality\">Data quality</a>\
         <label>Episode <select id=\"episode\"></select></label></div></nav>\n<main>\n\
         <section id=\"overview\"><h2>Overview</h2><div class=\"facts\"><div><b>{records}</b><span>records</span></div><div><b>{rejected}</b><span>rejected entries, kept with their reason</span></div>\
         <div><b>{n_regions}</b><span>regions</span></div><div><b>{checks_n}</b><span>checks held</span></div></div><div class=\"figures\"></div></section>\n\
         <section id=\"maps\"><h2>Maps</h2><p class=\"soft\">An index above 0 is better than expected: the region fell less, or came back more, than all regions together.</p><div class=\"figures\"></div></section>\n\
         <section id=\"places\"><h2>Regions compared</h2><div class=\"figures\"></div></section>\n\
         <section id=\"list\"><h2>All regions</h2><div class=\"tools\"><label>Search <input id=\"search\" type=\"search\"></label><span id=\"found\" class=\"soft\" role=\"status\"></span></div>\
         <div class=\"scroll\"><table id=\"regions\"><caption>Click a heading to sort, a region to see its page. Source: panel.region.</caption><thead><tr></tr></thead><tbody></tbody></table></div></section>\n\
         <section id=\"pages\"><h2>Region pages</h2><div class=\"tools\"><label>Region <select id=\"pick\"></select></label></div><div id=\"region\"></div></section>\n\
         <section id=\"space\"><h2>Product space</h2><div class=\"figures\"></div></section>\n\
         <section id=\"relations\"><h2>What explains it</h2><div class=\"figures\"></div></section>\n\
         <section id=\"models\"><h2>Models</h2>{models}</section>\n\
         <section id=\"quality\"><h2>Data quality</h2>{quality}{checks}</section>\n\
         </main>\n<footer>Made by Rebound from run {run} of pipeline {name}. Boundaries are for maps only and carry no claim about borders.</footer>\n\
         <script type=\"application/json\" id=\"data\">{json}</script>\n<script>{NAMES}</script>\n<script>{ECHARTS}</script>\n<script>{CHARTS}</script>\n<script>{PAGE}</script>\n</body></html>\n",
        name = html_text(&pipeline.name),
        run = html_text(&catalog.run),
        published =
            html_text(&catalog.published_at.chars().take(16).collect::<String>().replace('T', " ")),
        records = count(records),
        rejected = count(rejected),
        checks_n = catalog.checks.len(),
    ))
}
