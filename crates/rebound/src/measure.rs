//! Measures of any region-product table, without a pipeline: one call, as py-ecomplexity and its peers have it.

use crate::config::count;
use crate::input::{self, Block, Buffers};
use crate::layout_file::FileFormat;
use crate::output::{CsvArgs, Format, OutputError};
use crate::raw_files::{Place, RawFile};
use arrow::array::{
    ArrayRef, BooleanBuilder, DictionaryArray, Float64Array, Float64Builder, Int32Array,
    Int64Builder, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use clap::{Args, ValueEnum};
use rayon::prelude::*;
use space::complexity::{Fitness, FitnessParams, Scale, fitness, reflections, standardized};
use space::{
    Classes, ComplexityParams, Diagonal, Exports, GainForm, Margin, Measure, RcaRule, Reference,
    Relatedness, Specialization, backbone, coagglomeration, coherence, complexity, concentration,
    correlation, density, entropy, nearest_density, outlook, rca, related_variety, relatedness,
    specificity, surroundings, symmetric, value_density,
};
use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use trade::Dialect;
use trade::text::Rows;

/// What to measure of which table, under which conventions.
#[derive(Debug, Args)]
pub struct MeasureArgs {
    /// A table with a row a region and product (and year): CSV, TSV, Parquet or Stata, plain or packed.
    file: PathBuf,
    /// Its column of regions (found by its name if it is a usual one).
    #[arg(long)]
    region: Option<String>,
    /// Its column of products.
    #[arg(long)]
    product: Option<String>,
    /// Its column of values: exports, employees, patents.
    #[arg(long)]
    value: Option<String>,
    /// Its column of years or other periods, each measured on its own; `none` if it has one that must not be used.
    #[arg(long)]
    year: Option<String>,
    /// What to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_values = [
        "rca", "specialized", "density", "outlook-gain", "diversity", "eci", "outlook-index", "ubiquity", "pci",
    ])]
    metrics: Vec<Metric>,
    /// What a row of the result is; by default what the metrics are of.
    #[arg(long, value_enum)]
    rows: Option<Of>,
    /// The conventions of another tool; single ones can still be changed.
    #[arg(long, value_enum)]
    like: Option<Tool>,
    /// RCA at or above it makes a specialisation; above it, like stata.
    #[arg(long)]
    rca_threshold: Option<f64>,
    /// How relatedness is measured.
    #[arg(long, value_enum)]
    relatedness: Option<RelatednessChoice>,
    /// What co-occurrence is compared with.
    #[arg(long, value_enum)]
    margin: Option<MarginChoice>,
    /// Whether a product counts among its own surroundings.
    #[arg(long, value_enum)]
    diagonal: Option<DiagonalChoice>,
    /// What PCI is measured in.
    #[arg(long, value_enum)]
    pci_scale: Option<ScaleChoice>,
    /// Standard deviations of the population (0) or the sample (1).
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=1))]
    ddof: Option<u8>,
    /// The closest share of pairs that counts as related.
    #[arg(long, default_value_t = 0.05)]
    related_share: f64,
    /// Neighbours of nearest-density.
    #[arg(long, default_value_t = 50, value_parser = count(0..=1_000_000_000))]
    nearest: usize,
    /// Steps of eci-reflections.
    #[arg(long, default_value_t = 20, value_parser = count(2..=10_000))]
    reflections: usize,
    /// First digits of a product's code that are its group, for related-variety.
    #[arg(long, default_value_t = 2, value_parser = count(0..=100))]
    group_digits: usize,
    /// Form of the rows.
    #[arg(long, value_enum, default_value = "csv")]
    pub format: Format,
    /// Write to a file instead of standard output.
    #[arg(long, short)]
    pub output: Option<PathBuf>,
    /// Formulas.
    #[command(flatten)]
    pub csv: CsvArgs,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Metric {
    Rca,
    Rsca,
    Specialized,
    Density,
    Distance,
    ValueDensity,
    NearestDensity,
    RelatedCount,
    RelatedMass,
    OutlookGain,
    Diversity,
    Eci,
    EciReflections,
    Fitness,
    OutlookIndex,
    MeanDensity,
    Coherence,
    Entropy,
    RelatedVariety,
    UnrelatedVariety,
    Hhi,
    HhiNormalized,
    Theil,
    Gini,
    Krugman,
    Hoover,
    Hachman,
    Ubiquity,
    Pci,
    FitnessComplexity,
    LocationalGini,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Of {
    /// A region and a product that both have something in the year.
    Cells,
    /// A region.
    Regions,
    /// A product.
    Products,
    /// A pair of related products.
    Pairs,
}

impl Metric {
    fn of(self) -> Of {
        match self {
            Self::Rca
            | Self::Rsca
            | Self::Specialized
            | Self::Density
            | Self::Distance
            | Self::ValueDensity
            | Self::NearestDensity
            | Self::RelatedCount
            | Self::RelatedMass
            | Self::OutlookGain => Of::Cells,
            Self::Ubiquity | Self::Pci | Self::FitnessComplexity | Self::LocationalGini => {
                Of::Products
            }
            _ => Of::Regions,
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |v| v.get_name().replace('-', "_"))
    }
}

/// A tool whose conventions can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tool {
    PyEcomplexity,
    Stata,
    Economiccomplexity,
    Econcomplex,
    Econgeo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RelatednessChoice {
    Proximity,
    Conditional,
    Cosine,
    Jaccard,
    Association,
    Probability,
    Survivor,
    Revealed,
    Correlation,
    Coagglomeration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MarginChoice {
    Ubiquity,
    CoOccurrence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DiagonalChoice {
    Excluded,
    Included,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScaleChoice {
    Regions,
    Products,
}

/// A table or a question that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The table cannot be used.
    #[error("failed to measure `{path}`: {why}")]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The result cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl From<arrow::error::ArrowError> for MeasureError {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Output(error.into())
    }
}

/// All conventions, chosen.
#[derive(Debug, Clone, Copy)]
struct Conventions {
    rule: RcaRule,
    relatedness: RelatednessChoice,
    margin: Margin,
    diagonal: Diagonal,
    params: ComplexityParams,
    outlook_is_standardized: bool,
    gain: GainForm,
}

impl Conventions {
    fn of(args: &MeasureArgs) -> Self {
        let threshold = args.rca_threshold.unwrap_or(1.0);
        let mut chosen = Self {
            rule: RcaRule::AtLeast(threshold),
            relatedness: RelatednessChoice::Proximity,
            margin: Margin::Ubiquity,
            diagonal: Diagonal::Excluded,
            params: ComplexityParams::PY_ECOMPLEXITY,
            outlook_is_standardized: false,
            gain: GainForm::Nearer,
        };
        match args.like {
            None => {}
            Some(Tool::PyEcomplexity) => chosen.diagonal = Diagonal::Included,
            Some(Tool::Stata) => chosen.rule = RcaRule::Above(threshold),
            Some(Tool::Economiccomplexity) => {
                chosen.diagonal = Diagonal::Included;
                chosen.params = ComplexityParams { pci_scale: Scale::Products, ddof: 1 };
                chosen.outlook_is_standardized = true;
            }
            Some(Tool::Econcomplex) => {
                chosen.params = ComplexityParams { pci_scale: Scale::Products, ddof: 0 };
                chosen.outlook_is_standardized = true;
                chosen.gain = GainForm::Mean;
            }
            Some(Tool::Econgeo) => {
                chosen.relatedness = RelatednessChoice::Probability;
                chosen.margin = Margin::CoOccurrence;
            }
        }
        if let Some(relatedness) = args.relatedness {
            chosen.relatedness = relatedness;
        }
        match args.margin {
            Some(MarginChoice::Ubiquity) => chosen.margin = Margin::Ubiquity,
            Some(MarginChoice::CoOccurrence) => chosen.margin = Margin::CoOccurrence,
            None => {}
        }
        match args.diagonal {
            Some(DiagonalChoice::Excluded) => chosen.diagonal = Diagonal::Excluded,
            Some(DiagonalChoice::Included) => chosen.diagonal = Diagonal::Included,
            None => {}
        }
        match args.pci_scale {
            Some(ScaleChoice::Regions) => chosen.params.pci_scale = Scale::Regions,
            Some(ScaleChoice::Products) => chosen.params.pci_scale = Scale::Products,
            None => {}
        }
        if let Some(ddof) = args.ddof {
            chosen.params.ddof = ddof;
        }
        chosen
    }

    /// In words, for the log and for the file's metadata.
    fn text(&self) -> String {
        let rule = match self.rule {
            RcaRule::AtLeast(threshold) => format!("RCA >= {threshold}"),
            RcaRule::Above(threshold) => format!("RCA > {threshold}"),
        };
        let margin = match (self.relatedness, self.margin) {
            (
                RelatednessChoice::Cosine
                | RelatednessChoice::Jaccard
                | RelatednessChoice::Association
                | RelatednessChoice::Probability,
                Margin::CoOccurrence,
            ) => " with margins of co-occurrence",
            (
                RelatednessChoice::Cosine
                | RelatednessChoice::Jaccard
                | RelatednessChoice::Association
                | RelatednessChoice::Probability,
                Margin::Ubiquity,
            ) => " with ubiquities as margins",
            _ => "",
        };
        let relatedness = self.relatedness.to_possible_value();
        format!(
            "specialised if {rule}; relatedness {}{margin}; its diagonal {}; PCI on the scale of {}; \
             standard deviations with ddof {}; outlook from {} PCI, gain {}",
            relatedness.as_ref().map_or("", |v| v.get_name()),
            if self.diagonal == Diagonal::Included { "included" } else { "excluded" },
            if self.params.pci_scale == Scale::Regions { "regions" } else { "products" },
            self.params.ddof,
            if self.outlook_is_standardized { "standardised" } else { "uncentred" },
            match self.gain {
                GainForm::Nearer => "what a product brings nearer",
                GainForm::NearerLessOwn => "that, less its own place",
                GainForm::Mean => "the mean around a product",
            },
        )
    }
}

const REGION_NAMES: [&str; 18] = [
    "region",
    "reporteriso",
    "reportercode",
    "location_code",
    "origin",
    "exporter_code",
    "i",
    "region_code",
    "country",
    "country_code",
    "location",
    "loc",
    "exporter",
    "state",
    "province",
    "city",
    "municipality",
    "reporter",
];

const PRODUCT_NAMES: [&str; 19] = [
    "product",
    "cmdcode",
    "hscode",
    "hs_product_code",
    "sitc_product_code",
    "k",
    "product_code",
    "hs6",
    "hs4",
    "hs_code",
    "hs",
    "prod",
    "sitc",
    "commodity",
    "commodity_code",
    "industry",
    "code",
    "section",
    "technology",
];

const VALUE_NAMES: [&str; 16] = [
    "value",
    "primaryvalue",
    "tradevalue",
    "employees",
    "patents",
    "v",
    "export_value",
    "exports",
    "fob_value",
    "val",
    "trade_value",
    "export",
    "vl_fob",
    "employment",
    "emp",
    "count",
];

const YEAR_NAMES: [&str; 6] = ["year", "refyear", "time", "period", "t", "yr"];

/// Region, product, value.
type Cell = (usize, usize, f64);

/// Values by period, with labels in order.
struct Table {
    regions: Vec<String>,
    products: Vec<String>,
    periods: Vec<(String, Vec<Cell>)>,
    /// The names of its columns of regions, products and values, and of periods if there is one.
    columns: [String; 3],
    period_column: Option<String>,
}

#[expect(clippy::disallowed_types, reason = "lookup only; labels are sorted before use")]
#[derive(Default)]
struct Labels {
    numbers: std::collections::HashMap<String, usize>,
    texts: Vec<String>,
}

impl Labels {
    fn number(&mut self, text: &str) -> usize {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len();
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        number
    }

    /// The labels in order (numbers as numbers), and for each number its place there.
    fn sorted(self) -> (Vec<String>, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.texts.len()).collect();
        let number = |text: &str| text.parse::<i64>().ok().filter(|_| !text.starts_with('0'));
        order.sort_by(|&a, &b| {
            let (a, b) = (&self.texts[a], &self.texts[b]);
            match (number(a), number(b)) {
                (Some(x), Some(y)) => x.cmp(&y).then(a.cmp(b)),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => a.cmp(b),
            }
        });
        let mut places = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, &number)| places[number] = place);
        (order.into_iter().map(|number| self.texts[number].clone()).collect(), places)
    }
}

/// The asked-for column, or the first usual name that is there, in any case.
fn find(
    header: &[String],
    asked: Option<&str>,
    usual: &[&str],
    what: &str,
) -> Result<usize, String> {
    let clean = |name: &str| name.trim_start_matches('\u{feff}').trim().to_owned();
    let names: Vec<String> = header.iter().map(|name| clean(name)).collect();
    if let Some(asked) = asked {
        return names.iter().position(|name| name == asked).ok_or_else(|| {
            let hint = crate::suggest::suggest(asked, names.iter().map(String::as_str));
            format!("no column `{asked}`: the header has {}{hint}", names.join(", "))
        });
    }
    usual
        .iter()
        .find_map(|usual| names.iter().position(|name| name.eq_ignore_ascii_case(usual)))
        .ok_or_else(|| {
            format!(
                "which column holds the {what}s? The header has {}: say --{what} NAME",
                names.join(", ")
            )
        })
}

impl Table {
    fn read(args: &MeasureArgs, runtime: &Handle) -> Result<Self, String> {
        let label = args.file.display().to_string();
        let file = RawFile { label, place: Place::Local(args.file.clone()) };
        let (mut regions, mut products, mut periods) =
            (Labels::default(), Labels::default(), Labels::default());
        let mut cells: Vec<Vec<Cell>> = Vec::new();
        let mut columns = None;
        let mut total = 0.0_f64;
        let buffers = Buffers::default();
        for item in input::items(&file, runtime).map_err(|error| error.to_string())? {
            // A comma is tried first; a header of one column says that it was another mark.
            let mut reader = None;
            for delimiter in [b',', b'\t', b';', b'|'] {
                let dialect = Dialect { delimiter, quote: Some(b'"') };
                let format =
                    FileFormat::Csv { dialect, encoding: encoding_rs::UTF_8, has_header: true };
                let opened = item.open(&format, &buffers).map_err(|error| error.to_string())?;
                let is_split = opened.header().len() > 1;
                if is_split || reader.is_none() {
                    reader = Some(opened);
                }
                if is_split {
                    break;
                }
            }
            let Some(mut reader) = reader else { continue };
            let header = reader.header().to_vec();
            let region = find(&header, args.region.as_deref(), &REGION_NAMES, "region")?;
            let product = find(&header, args.product.as_deref(), &PRODUCT_NAMES, "product")?;
            let value = find(&header, args.value.as_deref(), &VALUE_NAMES, "value")?;
            let period = match args.year.as_deref() {
                Some("none") => None,
                Some(asked) => Some(find(&header, Some(asked), &[], "year")?),
                None => find(&header, None, &YEAR_NAMES, "year").ok(),
            };
            columns = Some((
                [region, product, value].map(|at| header[at].clone()),
                period.map(|at| header[at].clone()),
            ));
            let mut row = |line: u64, texts: [&str; 4]| -> Result<(), String> {
                let [region, product, value, period] = texts.map(str::trim);
                if value.is_empty() {
                    return Ok(());
                }
                let number = value.parse::<f64>().ok().filter(|v| v.is_finite() && *v >= 0.0);
                let number = number.ok_or_else(|| {
                    format!("line {line}: value {value:?}: expected a number of zero or more (empty: none)")
                })?;
                total += number;
                if total.is_infinite() {
                    return Err(format!(
                        "line {line}: value {value:?}: with it the values add up to more than a number of double precision can hold; \
                         measure them in a larger unit"
                    ));
                }
                if region.is_empty() || product.is_empty() {
                    return Err(format!("line {line}: a region or product is empty"));
                }
                let at = periods.number(period);
                if at == cells.len() {
                    cells.push(Vec::new());
                }
                cells[at].push((regions.number(region), products.number(product), number));
                Ok(())
            };
            while let Some(block) = reader.next_block()? {
                match block {
                    Block::Text { text, line, dialect, .. } => {
                        let mut rows = Rows::new(&text, dialect, line);
                        let mut fields = Vec::new();
                        while let Some(found) = {
                            fields.clear();
                            rows.next_row(&mut fields)
                        } {
                            if fields.len() != header.len() {
                                return Err(format!(
                                    "line {}: {} columns, expected {}",
                                    found.line,
                                    fields.len(),
                                    header.len()
                                ));
                            }
                            let text = |at: usize| {
                                std::str::from_utf8(&fields[at])
                                    .map_err(|_| format!("line {}: no UTF-8", found.line))
                            };
                            let of_period = period.map_or(Ok(""), text)?;
                            row(
                                found.line,
                                [text(region)?, text(product)?, text(value)?, of_period],
                            )?;
                        }
                    }
                    Block::Table { rows, row: first, .. } => {
                        let columns = input::utf8_texts(&rows, first)?;
                        let text = |at: usize, row: usize| {
                            if arrow::array::Array::is_valid(&columns[at], row) {
                                columns[at].value(row)
                            } else {
                                ""
                            }
                        };
                        for at in 0..rows.num_rows() {
                            let of_period = period.map_or("", |period| text(period, at));
                            row(
                                first + at as u64,
                                [text(region, at), text(product, at), text(value, at), of_period],
                            )?;
                        }
                    }
                }
            }
        }
        let Some((columns, period_column)) = columns else { return Err("it is empty".to_owned()) };
        if cells.is_empty() {
            return Err("it has no rows with a value".to_owned());
        }
        let (regions, region_places) = regions.sorted();
        let (products, product_places) = products.sorted();
        let (periods, period_places) = periods.sorted();
        let mut by_period: Vec<(String, Vec<Cell>)> =
            periods.into_iter().map(|period| (period, Vec::new())).collect();
        for (number, cells) in cells.into_iter().enumerate() {
            let places =
                cells.into_iter().map(|(r, p, v)| (region_places[r], product_places[p], v));
            by_period[period_places[number]].1 = places.collect();
        }
        Ok(Self { regions, products, periods: by_period, columns, period_column })
    }
}

/// A column of numbers, counts or flags of a result.
enum Values {
    Float(Vec<Option<f64>>),
    Flag(Vec<Option<bool>>),
    Count(Vec<Option<i64>>),
}

impl Values {
    fn array(self) -> ArrayRef {
        match self {
            Self::Float(values) => {
                let mut cells = Float64Builder::with_capacity(values.len());
                values.into_iter().for_each(|v| cells.append_option(v));
                Arc::new(cells.finish())
            }
            Self::Flag(values) => {
                let mut cells = BooleanBuilder::with_capacity(values.len());
                values.into_iter().for_each(|v| cells.append_option(v));
                Arc::new(cells.finish())
            }
            Self::Count(values) => {
                let mut cells = Int64Builder::with_capacity(values.len());
                values.into_iter().for_each(|v| cells.append_option(v));
                Arc::new(cells.finish())
            }
        }
    }
}

/// The measures of a table, period after period.
pub struct Measured {
    table: Table,
    conventions: Conventions,
    metrics: Vec<Metric>,
    of: Of,
    related_share: f64,
    nearest: usize,
    reflections: usize,
    groups: Vec<usize>,
    /// The labels of periods, regions and products: the same arrays in all batches.
    labels: [ArrayRef; 3],
    /// The columns of the result.
    pub schema: SchemaRef,
    next: usize,
    /// Periods that are measured and not given yet.
    ready: VecDeque<Result<RecordBatch, OutputError>>,
    /// Time spent on measuring, without reading and writing.
    spent: Duration,
}

impl std::fmt::Debug for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Measured").field("metrics", &self.metrics).finish_non_exhaustive()
    }
}

/// Reads the table and says what its measures will look like.
///
/// # Errors
///
/// [`MeasureError::Table`], naming the file, and line and column where there are.
pub fn measure(args: &MeasureArgs, runtime: &Handle) -> Result<Measured, MeasureError> {
    let failed = |why: String| MeasureError::Table { path: args.file.clone(), why };
    if args.rca_threshold.is_some_and(|t| !(t > 0.0 && t.is_finite())) {
        return Err(failed("--rca-threshold must be above 0".to_owned()));
    }
    if args.reflections < 2 || args.reflections % 2 == 1 {
        return Err(failed("--reflections must be an even number of 2 or more".to_owned()));
    }
    if !(0.0..=1.0).contains(&args.related_share) {
        return Err(failed("--related-share must be between 0 and 1".to_owned()));
    }
    let table = Table::read(args, runtime).map_err(failed)?;
    let conventions = Conventions::of(args);
    let text = conventions.text();
    tracing::info!(
        regions = table.regions.len(),
        products = table.products.len(),
        periods = table.periods.len(),
        region = table.columns[0],
        product = table.columns[1],
        value = table.columns[2],
        conventions = text,
        "read"
    );
    let mut metrics = args.metrics.clone();
    let mut seen = Vec::new();
    metrics.retain(|metric| {
        let is_new = !seen.contains(metric);
        seen.push(*metric);
        is_new
    });
    let kinds: Vec<Of> = metrics.iter().map(|metric| metric.of()).collect();
    let of = match args.rows {
        Some(of) => of,
        None if kinds.iter().all(|kind| *kind == Of::Regions) => Of::Regions,
        None if kinds.iter().all(|kind| *kind == Of::Products) => Of::Products,
        None => Of::Cells,
    };
    match of {
        Of::Cells => {}
        Of::Pairs => metrics.clear(),
        of => metrics.retain(|metric| metric.of() == of),
    }
    if metrics.is_empty() && of != Of::Pairs {
        return Err(failed("none of the --metrics is of the --rows asked for".to_owned()));
    }
    let label = |name: &str| {
        let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        Field::new(name, kind, false)
    };
    let mut fields: Vec<Field> = table.period_column.iter().map(|name| label(name)).collect();
    let [region, product, value] = &table.columns;
    match of {
        Of::Cells => {
            fields.extend([label(region), label(product)]);
            fields.push(Field::new(value, DataType::Float64, false));
        }
        Of::Regions => fields.push(label(region)),
        Of::Products => fields.push(label(product)),
        Of::Pairs => {
            fields.extend([label(&format!("{product}_a")), label(&format!("{product}_b"))]);
            fields.push(Field::new("relatedness", DataType::Float64, false));
            fields.push(Field::new("is_in_tree", DataType::Boolean, false));
        }
    }
    for metric in &metrics {
        let kind = match metric {
            Metric::Specialized => DataType::Boolean,
            Metric::Diversity | Metric::Ubiquity | Metric::RelatedCount => DataType::Int64,
            _ => DataType::Float64,
        };
        fields.push(Field::new(metric.name(), kind, true));
    }
    let names: Vec<&String> = fields.iter().map(Field::name).collect();
    if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        let why =
            format!("the result would have two columns `{}`: rename the one of the table", twice.1);
        return Err(failed(why));
    }
    let notes = BTreeMap::from([("rebound.conventions".to_owned(), text)]);
    let schema = Arc::new(Schema::new_with_metadata(fields, notes.into_iter().collect()));
    let group = |code: &String| code.chars().take(args.group_digits).collect::<String>();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let groups = table
        .products
        .iter()
        .map(|code| {
            let next = numbers.len();
            *numbers.entry(group(code)).or_insert(next)
        })
        .collect();
    let texts = |of: &mut dyn Iterator<Item = &String>| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(of))
    };
    let labels = [
        texts(&mut table.periods.iter().map(|(period, _)| period)),
        texts(&mut table.regions.iter()),
        texts(&mut table.products.iter()),
    ];
    Ok(Measured {
        labels,
        table,
        conventions,
        metrics,
        of,
        related_share: args.related_share,
        nearest: args.nearest,
        reflections: args.reflections,
        groups,
        schema,
        next: 0,
        ready: VecDeque::new(),
        spent: Duration::ZERO,
    })
}

impl Iterator for Measured {
    type Item = Result<RecordBatch, OutputError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() {
            // As many periods side by side as there are threads: not every step of one uses them all.
            let last = (self.next + rayon::current_num_threads()).min(self.table.periods.len());
            let periods: Vec<usize> = (self.next..last).collect();
            self.next = last;
            let begun = Instant::now();
            let found: Vec<_> = periods.into_par_iter().map(|at| self.period(at)).collect();
            self.spent += begun.elapsed();
            self.ready.extend(found);
            if self.next == self.table.periods.len() && !self.ready.is_empty() {
                tracing::info!(seconds = self.spent.as_secs_f64(), "measured");
            }
        }
        self.ready.pop_front()
    }
}

/// What is measured once for a period, if a metric asks for it.
struct Period<'m> {
    measured: &'m Measured,
    exports: Exports,
    rca: space::Rca,
    specialization: Specialization,
    relatedness: Option<Relatedness>,
    density: Option<space::Density>,
    complexity: Option<space::Complexity>,
    outlook: Option<space::Outlook>,
    regions: Vec<usize>,
    products: Vec<usize>,
}

impl Measured {
    fn needs(&self, metrics: &[Metric]) -> bool {
        self.metrics.iter().any(|metric| metrics.contains(metric))
    }

    fn relatedness(&self, exports: &Exports, m: &Specialization, rca: &space::Rca) -> Relatedness {
        let margin = self.conventions.margin;
        let measure = match self.conventions.relatedness {
            RelatednessChoice::Proximity => Measure::Proximity,
            RelatednessChoice::Conditional => Measure::Conditional,
            RelatednessChoice::Cosine => Measure::Cosine(margin),
            RelatednessChoice::Jaccard => Measure::Jaccard(margin),
            RelatednessChoice::Association => Measure::Association(margin),
            RelatednessChoice::Probability => Measure::Probability(margin),
            RelatednessChoice::Survivor => Measure::Survivor,
            RelatednessChoice::Revealed => Measure::Revealed,
            RelatednessChoice::Correlation => return correlation(rca),
            RelatednessChoice::Coagglomeration => return coagglomeration(exports),
        };
        relatedness(m, measure)
    }

    fn period(&self, at: usize) -> Result<RecordBatch, OutputError> {
        use Metric as M;
        let table = &self.table;
        let (n_regions, n_products) = (table.regions.len(), table.products.len());
        let mut values = vec![0.0; n_regions * n_products];
        for &(region, product, value) in &table.periods[at].1 {
            values[region * n_products + product] += value;
        }
        let exports = Exports::new(n_regions, n_products, values)
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        let rca = rca(&exports, Reference::Own);
        let specialization = Specialization::new(&rca, self.conventions.rule);
        let diagonal = self.conventions.diagonal;
        let needs_outlook = self.needs(&[M::OutlookGain, M::OutlookIndex]);
        let needs_density = needs_outlook || self.needs(&[M::Density, M::Distance, M::MeanDensity]);
        let needs_relatedness = needs_density
            || self.of == Of::Pairs
            || self.needs(&[
                M::ValueDensity,
                M::NearestDensity,
                M::RelatedCount,
                M::RelatedMass,
                M::Coherence,
            ]);
        let related = needs_relatedness.then(|| self.relatedness(&exports, &specialization, &rca));
        // Density is a share of what is related; of the pairs, those above 0 are shown as they are.
        let related = match self.of {
            Of::Pairs => related,
            _ => related.map(|found| found.floored(0.0)),
        };
        let density = match &related {
            Some(found) if needs_density => Some(density(&specialization, found, diagonal)),
            _ => None,
        };
        let needs_complexity = needs_outlook || self.needs(&[M::Eci, M::Pci]);
        let complexity = if needs_complexity {
            match complexity(&specialization, self.conventions.params) {
                Ok(found) => Some(found),
                Err(error) => {
                    let period = &table.periods[at].0;
                    tracing::warn!(period, "no ECI and PCI: {error}");
                    None
                }
            }
        } else {
            None
        };
        let outlook = match (&related, &density, &complexity) {
            (Some(related), Some(density), Some(complexity)) if needs_outlook => {
                let pci = if self.conventions.outlook_is_standardized {
                    &complexity.pci
                } else {
                    &complexity.pci_uncentered
                };
                Some(outlook(
                    &specialization,
                    related,
                    density,
                    diagonal,
                    pci,
                    self.conventions.gain,
                ))
            }
            _ => None,
        };
        let active = |totals: &[f64]| -> Vec<usize> {
            totals.iter().enumerate().filter(|(_, total)| **total > 0.0).map(|(at, _)| at).collect()
        };
        let period = Period {
            measured: self,
            regions: active(exports.region_totals()),
            products: active(exports.product_totals()),
            exports,
            rca,
            specialization,
            relatedness: related,
            density,
            complexity,
            outlook,
        };
        Ok(period.batch(at)?)
    }
}

/// A column of labels by their places.
fn labels(texts: &ArrayRef, places: Vec<i32>) -> Result<ArrayRef, arrow::error::ArrowError> {
    let keys = Int32Array::from(places);
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::clone(texts))?))
}

fn place(at: usize) -> i32 {
    i32::try_from(at).unwrap_or(i32::MAX)
}

impl Period<'_> {
    fn batch(&self, at: usize) -> Result<RecordBatch, arrow::error::ArrowError> {
        let table = &self.measured.table;
        let [period_texts, region_texts, product_texts] = &self.measured.labels;
        let mut columns: Vec<ArrayRef> = Vec::new();
        let n = match self.measured.of {
            Of::Cells => self.regions.len() * self.products.len(),
            Of::Regions => self.regions.len(),
            Of::Products => self.products.len(),
            Of::Pairs => return self.pairs(at, product_texts),
        };
        if table.period_column.is_some() {
            columns.push(labels(period_texts, vec![place(at); n])?);
        }
        match self.measured.of {
            Of::Cells => {
                let of_region = |&r: &usize| std::iter::repeat_n(place(r), self.products.len());
                columns
                    .push(labels(region_texts, self.regions.iter().flat_map(of_region).collect())?);
                let products = || self.products.iter().map(|&p| place(p));
                let all = self.regions.iter().flat_map(|_| products()).collect();
                columns.push(labels(product_texts, all)?);
                let values = self.cells(|r, p| self.exports.get(r, p));
                columns.push(Arc::new(Float64Array::from(values)));
            }
            Of::Regions => {
                columns
                    .push(labels(region_texts, self.regions.iter().map(|&r| place(r)).collect())?);
            }
            Of::Products | Of::Pairs => {
                columns.push(labels(
                    product_texts,
                    self.products.iter().map(|&p| place(p)).collect(),
                )?);
            }
        }
        for &metric in &self.measured.metrics {
            let values = match metric.of() {
                Of::Regions => self.of_regions(metric),
                Of::Products => self.of_products(metric),
                Of::Cells | Of::Pairs => self.of_cells(metric),
            };
            columns.push(self.spread(metric.of(), values).array());
        }
        RecordBatch::try_new(Arc::clone(&self.measured.schema), columns)
    }

    fn pairs(&self, at: usize, texts: &ArrayRef) -> Result<RecordBatch, arrow::error::ArrowError> {
        let table = &self.measured.table;
        let links = self
            .relatedness
            .as_ref()
            .map_or_else(Vec::new, |found| backbone(found, f64::MIN_POSITIVE));
        let mut columns: Vec<ArrayRef> = Vec::new();
        if table.period_column.is_some() {
            let periods = &self.measured.labels[0];
            columns.push(labels(periods, vec![place(at); links.len()])?);
        }
        columns.push(labels(texts, links.iter().map(|l| place(l.p)).collect())?);
        columns.push(labels(texts, links.iter().map(|l| place(l.q)).collect())?);
        columns.push(Arc::new(Float64Array::from_iter_values(links.iter().map(|l| l.value))));
        let mut flags = BooleanBuilder::with_capacity(links.len());
        links.iter().for_each(|l| flags.append_value(l.is_in_tree));
        columns.push(Arc::new(flags.finish()));
        RecordBatch::try_new(Arc::clone(&self.measured.schema), columns)
    }

    /// A value of each cell, region after region.
    fn cells<T: Send>(&self, value: impl Fn(usize, usize) -> T + Sync) -> Vec<T> {
        let value = &value;
        self.regions
            .par_iter()
            .flat_map_iter(|&r| self.products.iter().map(move |&p| value(r, p)))
            .collect()
    }

    /// Values of regions or products, given to every row of theirs.
    fn spread(&self, of: Of, values: Values) -> Values {
        if self.measured.of != Of::Cells || of == Of::Cells {
            return values;
        }
        let (n_regions, n_products) = (self.regions.len(), self.products.len());
        fn all<T: Copy>(values: &[T], of: Of, n_regions: usize, n_products: usize) -> Vec<T> {
            match of {
                Of::Regions => {
                    values.iter().flat_map(|v| std::iter::repeat_n(*v, n_products)).collect()
                }
                _ => (0..n_regions).flat_map(|_| values.iter().copied()).collect(),
            }
        }
        match values {
            Values::Float(v) => Values::Float(all(&v, of, n_regions, n_products)),
            Values::Flag(v) => Values::Flag(all(&v, of, n_regions, n_products)),
            Values::Count(v) => Values::Count(all(&v, of, n_regions, n_products)),
        }
    }

    fn of_cells(&self, metric: Metric) -> Values {
        let m = &self.specialization;
        let of_density = |density: &Option<space::Density>, change: fn(f64) -> f64| {
            Values::Float(self.cells(|r, p| density.as_ref()?.get(r, p).map(change)))
        };
        let Some(found) = &self.relatedness else {
            return match metric {
                Metric::Specialized => Values::Flag(self.cells(|r, p| Some(m.get(r, p)))),
                Metric::Rsca => Values::Float(self.cells(|r, p| self.rca.get(r, p).map(symmetric))),
                _ => Values::Float(self.cells(|r, p| self.rca.get(r, p))),
            };
        };
        let diagonal = self.measured.conventions.diagonal;
        let threshold =
            || found.threshold_of_closest(self.measured.related_share).unwrap_or(f64::INFINITY);
        match metric {
            Metric::Specialized => Values::Flag(self.cells(|r, p| Some(m.get(r, p)))),
            Metric::Rsca => Values::Float(self.cells(|r, p| self.rca.get(r, p).map(symmetric))),
            Metric::Density => of_density(&self.density, |density| density),
            Metric::Distance => of_density(&self.density, |density| 1.0 - density),
            Metric::ValueDensity => {
                of_density(&Some(value_density(&self.exports, found, diagonal)), |density| density)
            }
            Metric::NearestDensity => {
                let nearest = nearest_density(m, &found.nearest(self.measured.nearest));
                of_density(&Some(nearest), |density| density)
            }
            Metric::RelatedCount => {
                let around = surroundings(m, found, &found.at_least(threshold()));
                #[expect(clippy::cast_possible_truncation, reason = "a count of products")]
                let count = |r: usize, p: usize| Some(around.count(r, p) as i64);
                Values::Count(self.cells(count))
            }
            Metric::RelatedMass => {
                let around = surroundings(m, found, &found.at_least(threshold()));
                Values::Float(self.cells(|r, p| Some(around.mass(r, p))))
            }
            Metric::OutlookGain => {
                Values::Float(self.cells(|r, p| self.outlook.as_ref()?.gain(r, p)))
            }
            _ => Values::Float(self.cells(|r, p| self.rca.get(r, p))),
        }
    }

    fn of_regions(&self, metric: Metric) -> Values {
        let m = &self.specialization;
        let of = |value: &dyn Fn(usize) -> Option<f64>| {
            Values::Float(self.regions.iter().map(|&r| value(r)).collect())
        };
        let all: Vec<usize> = (0..self.exports.n_products()).collect();
        let groups = &self.measured.groups;
        let concentrated = |r: usize| concentration(self.exports.row(r), Classes::Active);
        let specific = |r: usize| specificity(self.exports.row(r), self.exports.product_totals());
        match metric {
            Metric::Diversity => Values::Count(
                self.regions.iter().map(|&r| i64::try_from(m.diversity(r)).ok()).collect(),
            ),
            Metric::Eci => of(&|r| self.complexity.as_ref()?.eci[r]),
            Metric::EciReflections => {
                let steps = self.measured.reflections;
                let found = reflections(m, steps, self.measured.conventions.params.ddof).ok();
                of(&|r| found.as_ref()?.regions[r])
            }
            Metric::Fitness => {
                let found = self.fitness();
                of(&|r| found.as_ref()?.fitness[r])
            }
            Metric::OutlookIndex => {
                let coi: Vec<Option<f64>> = (0..self.exports.n_regions())
                    .map(|r| {
                        let outlook = self.outlook.as_ref()?;
                        (self.exports.region_totals()[r] > 0.0).then(|| outlook.coi[r])
                    })
                    .collect();
                let found = standardized(&coi, self.measured.conventions.params.ddof);
                of(&|r| found[r])
            }
            Metric::MeanDensity => of(&|r| {
                let traded = |p: usize| self.exports.product_totals()[p] > 0.0;
                self.density.as_ref()?.mean(r, traded)
            }),
            Metric::Coherence => {
                let found = self.relatedness.as_ref().map(|found| coherence(&self.exports, found));
                of(&|r| found.as_ref()?[r])
            }
            Metric::Entropy => of(&|r| entropy(self.exports.row(r), &all)),
            Metric::RelatedVariety => of(&|r| related_variety(self.exports.row(r), &all, groups)),
            Metric::UnrelatedVariety => of(&|r| entropy(self.exports.row(r), groups)),
            Metric::Hhi => of(&|r| Some(concentrated(r)?.hhi)),
            Metric::HhiNormalized => of(&|r| concentrated(r)?.hhi_normalized),
            Metric::Theil => of(&|r| Some(concentrated(r)?.theil)),
            Metric::Gini => of(&|r| Some(concentrated(r)?.gini)),
            Metric::Krugman => of(&|r| Some(specific(r)?.krugman)),
            Metric::Hoover => of(&|r| Some(specific(r)?.hoover())),
            Metric::Hachman => of(&|r| Some(specific(r)?.hachman)),
            _ => of(&|_| None),
        }
    }

    fn of_products(&self, metric: Metric) -> Values {
        let m = &self.specialization;
        let of = |value: &dyn Fn(usize) -> Option<f64>| {
            Values::Float(self.products.iter().map(|&p| value(p)).collect())
        };
        match metric {
            Metric::Ubiquity => Values::Count(
                self.products.iter().map(|&p| i64::try_from(m.ubiquity(p)).ok()).collect(),
            ),
            Metric::Pci => of(&|p| self.complexity.as_ref()?.pci[p]),
            Metric::FitnessComplexity => {
                let found = self.fitness();
                of(&|p| found.as_ref()?.complexity[p])
            }
            _ => of(&|p| {
                let column: Vec<f64> =
                    (0..self.exports.n_regions()).map(|r| self.exports.get(r, p)).collect();
                Some(specificity(&column, self.exports.region_totals())?.locational_gini)
            }),
        }
    }

    fn fitness(&self) -> Option<Fitness> {
        let params = FitnessParams { max_iterations: 1000, tolerance: 1e-10 };
        let found = fitness(&self.specialization, params).ok()?;
        if !found.converged {
            tracing::warn!(
                steps = found.iterations,
                change = found.change,
                "fitness did not converge: some values tend to 0"
            );
        }
        Some(found)
    }
}
