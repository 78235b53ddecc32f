//! Values by codes of one revision of the Harmonized System, in another revision or classification.
//!
//! As the stage `aggregate` brings codes to its target revision: by the official tables, and with
//! values that are divided in whole units, so that the parts of each add up to it.

mod amounts;

use self::amounts::Amounts;
use crate::usual_names::{self, usual};
use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::row::{Row, RowConverter, SortField};
use clap::Args;
use indexmap::IndexMap;
use project::printable::printable;
use project::read_options::ReadOptions;
use report::output::OutputArgs;
use sources::hs_tables::CodesError;
use sources::input::{self, Coded, Frame, Stored};
use sources::table_reader::{self, TableReader};
use sources::user_tables::{self, Uses};
use stages::hs_codes::Harmonized;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trade::{Conversion, Hs6, HsRevision, MatchKind, Method, TargetRevision, code};

/// Digits of a code.
const DIGITS: usize = 6;

/// Rows that are converted between two looks at whether to stop.
const ROWS_AT_A_TIME: usize = 1 << 16;

/// Which table is brought to which revision, and how.
#[derive(Debug, Args)]
pub struct ConvertArgs {
    /// A table with a column of six-digit codes and one of values.
    file: PathBuf,
    /// The revision that the codes are of: HS1992 to HS2022.
    #[arg(long)]
    from: HsRevision,
    /// What they are brought to: a revision of HS, or SITC2 to SITC4, BEC4, ISIC2, ISIC3.
    #[arg(long)]
    to: TargetRevision,
    /// The column of codes (found by its name if it is a usual one).
    #[arg(long)]
    product: Option<String>,
    /// The column of values.
    #[arg(long)]
    value: Option<String>,
    /// How: `weights` divides what was split by the value traded under its parts, `one_to_one` gives each code whole to
    /// one, `families` joins all codes that are linked.
    #[arg(long, default_value = "weights")]
    method: Method,
    /// A table of values by codes of the target's revision, in columns of the same names: what was traded under them. Without it parts
    /// are equal.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// How the file is read.
    #[command(flatten, next_help_heading = "Reading the file (what is not told is seen in it)")]
    read: ReadOptions,
    /// Write the kinds of matches to a file, too: their codes, rows and value.
    #[arg(long, value_name = "FILE")]
    pub matches: Option<PathBuf>,
    /// Write the codes to a file, too, that no table of their revision has.
    #[arg(long, value_name = "FILE")]
    pub unmatched: Option<PathBuf>,
    /// In which form, and where to.
    #[command(flatten)]
    pub out: OutputArgs,
}

impl ConvertArgs {
    /// The files that are read.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(self.file.as_path()).chain(self.weights.as_deref())
    }
}

/// Where a table is.
enum Source<'a> {
    Frame(Frame),
    File(&'a Path, &'a ReadOptions),
}

/// Why a table is not converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// The table, or what is asked of it, cannot be used.
    #[error("failed to convert `{path}`: {why}")]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The tables of codes are damaged.
    #[error(transparent)]
    Codes(#[from] CodesError),
}

impl ConvertError {
    /// Whether the user's input is at fault.
    pub fn is_users(&self) -> bool {
        matches!(self, Self::Table { .. })
    }
}

/// Columns and rows.
pub type Rows = (SchemaRef, Vec<RecordBatch>);

/// A table in another revision.
#[derive(Debug)]
pub struct Converted {
    /// The table's own columns. Rows that differ in the code alone, and come to the same, are summed.
    pub rows: Rows,
    /// A row a kind of match: codes, rows and value of the table as it came.
    pub matches: Rows,
    /// A row a code that no table has: its rows and value, which stay under it.
    pub unmatched: Rows,
    /// The column of codes.
    pub product: String,
}

/// A table with its columns of codes and values.
struct Coming {
    schema: SchemaRef,
    rows: RecordBatch,
    product: usize,
    value: usize,
    codes: Coded,
    amounts: Amounts,
}

/// The column that is asked for, or a usual one.
fn place(
    header: &[String],
    asked: Option<&str>,
    names: &[&str],
    what: &str,
) -> Result<usize, String> {
    match asked {
        Some(name) => table_reader::place(header, name),
        None => usual(header, names).first().copied().ok_or_else(|| {
            format!(
                "which column holds the {what}s? The table has {}: say --{what} NAME",
                table_reader::names(header)
            )
        }),
    }
}

impl Coming {
    /// That of a frame or a file, with columns that the arguments name.
    fn read(args: &ConvertArgs, source: Source<'_>) -> Result<Self, String> {
        let (schema, rows) = match source {
            Source::Frame(Frame { schema, batches }) => {
                let rows = concat_batches(&schema, &batches).map_err(|error| error.to_string())?;
                (schema, rows)
            }
            Source::File(path, options) => {
                let mut reader = TableReader::open(path, options)?;
                let (product, value) = places(reader.header(), args)?;
                let name = |at: usize| reader.header()[at].trim().to_owned();
                let uses = Uses { codes: [name(product)].into(), numbers: [name(value)].into() };
                user_tables::rows_of(&mut reader, &uses)?
            }
        };
        let header: Vec<String> =
            schema.fields().iter().map(|field| field.name().clone()).collect();
        let (product, value) = places(&header, args)?;
        if product == value {
            return Err(format!("`{}` cannot hold both codes and values", header[value]));
        }
        let mut codes = input::coded(&header[product], rows.column(product), Stored::Text, 1)?;
        let is_number = rows.column(product).data_type().is_numeric();
        for text in &mut codes.texts {
            let code = code::whole(text);
            // A number has lost the zero that a code begins with.
            *text = match is_number && code.len() == DIGITS - 1 {
                true => format!("0{code}"),
                false => code.to_owned(),
            };
        }
        let amounts = Amounts::of(&header[value], rows.column(value))?;
        Ok(Self { schema, rows, product, value, codes, amounts })
    }

    fn code(&self, row: usize) -> &str {
        &self.codes.texts[self.codes.of_rows[row] as usize]
    }
}

/// The columns of codes and values.
fn places(header: &[String], args: &ConvertArgs) -> Result<(usize, usize), String> {
    let values = usual_names::of_values();
    let product = place(header, args.product.as_deref(), usual_names::PRODUCT, "product")?;
    Ok((product, place(header, args.value.as_deref(), &values, "value")?))
}

/// The value of each code of a table of weights, in its smallest unit.
fn weights(args: &ConvertArgs, source: Source<'_>) -> Result<BTreeMap<Hs6, u128>, String> {
    let of = match &source {
        Source::Frame(_) => "the weights".to_owned(),
        Source::File(path, _) => format!("the weights of `{}`", path.display()),
    };
    let told = |why: String| format!("{of}: {why}");
    let coming = Coming::read(args, source).map_err(told)?;
    let mut found: BTreeMap<Hs6, u128> = BTreeMap::new();
    for row in 0..coming.rows.num_rows() {
        let Ok(code) = coming.code(row).parse::<Hs6>() else { continue };
        let units = coming.amounts.units[row].unwrap_or(0);
        let units = u128::try_from(units).map_err(|_| {
            told(format!("row {}: a negative value: expected zero or more", row + 1))
        })?;
        *found.entry(code).or_default() += units;
    }
    Ok(found)
}

/// What becomes of the codes of a table, in its order of them.
struct Targets {
    conversions: Vec<Conversion<String>>,
    /// The places of each code's targets among all.
    places: Vec<Vec<u32>>,
    names: Vec<String>,
}

impl Targets {
    fn of(args: &ConvertArgs, harmonized: &Harmonized, codes: &[String]) -> Self {
        let mut names: IndexMap<String, u32> = IndexMap::new();
        let mut targets = Self { conversions: Vec::new(), places: Vec::new(), names: Vec::new() };
        for text in codes {
            let found = match text.parse::<Hs6>() {
                Ok(code) if harmonized.is_listed(args.from, code) => {
                    harmonized.convert(args.from, code)
                }
                _ => {
                    // It is no code of another classification.
                    let name = match args.to.is_hs() || text.is_empty() {
                        true => text.clone(),
                        false => format!("{} {text}", args.from),
                    };
                    Conversion { kind: MatchKind::Unlisted, targets: vec![(name, 1)] }
                }
            };
            let place = |(name, _): &(String, u128)| {
                let next = u32::try_from(names.len()).unwrap_or(u32::MAX);
                *names.entry(name.clone()).or_insert(next)
            };
            targets.places.push(found.targets.iter().map(place).collect());
            targets.conversions.push(found);
        }
        targets.names = names.into_keys().collect();
        targets
    }
}

/// Codes, rows and their value.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    codes: i64,
    rows: i64,
    units: i128,
}

/// Brings a table to another revision: a frame, or else the file that the arguments name. `by` has
/// values by codes of the target's revision, in columns of the same names, in the place of a file of
/// them.
///
/// # Errors
///
/// [`ConvertError::Table`], naming the column, and the row where there is one.
pub fn convert(
    args: &ConvertArgs,
    frame: Option<Frame>,
    by: Option<Frame>,
) -> Result<Converted, ConvertError> {
    let failed = |why: String| ConvertError::Table { path: args.file.clone(), why };
    // What is not told of that file is seen in it.
    let seen = ReadOptions::default();
    let of_file = || args.weights.as_deref().map(|path| Source::File(path, &seen));
    let by = by.map(Source::Frame).or_else(of_file);
    if by.is_some() && args.method == Method::OneToOne {
        let why = "weights have no effect with the method one_to_one: leave one of them out";
        return Err(failed(why.to_owned()));
    }
    let source = frame.map_or(Source::File(&args.file, &args.read), Source::Frame);
    let coming = Coming::read(args, source).map_err(failed)?;
    if by.is_none() && args.method == Method::Weights {
        tracing::info!("there are no weights: values of codes that were split are divided equally");
    }
    let by = by.map(|source| weights(args, source)).transpose().map_err(failed)?;
    let weight = |code: Hs6| by.as_ref().and_then(|by| by.get(&code)).copied().unwrap_or(0);
    let sources = BTreeSet::from([args.from]);
    let harmonized = Harmonized::new(args.method, args.to, &sources, weight)?;
    let named = |at: usize| coming.schema.field(at).name().as_str();
    tracing::info!(
        rows = coming.rows.num_rows(),
        product = named(coming.product),
        value = named(coming.value),
        conventions = conventions(args),
        "read"
    );
    let targets = Targets::of(args, &harmonized, &coming.codes.texts);
    let rows = converted(args, &coming, &targets).map_err(failed)?;
    let (matches, unmatched) = told(args, &coming, &targets).map_err(failed)?;
    let product = coming.schema.field(coming.product).name().clone();
    Ok(Converted { rows, matches, unmatched, product })
}

/// A sum of rows that come to the same.
struct Sum {
    /// The first of them.
    row: u32,
    target: u32,
    units: Option<i128>,
}

/// The rows in the target, those summed that are the same but for their values.
fn converted(args: &ConvertArgs, coming: &Coming, targets: &Targets) -> Result<Rows, String> {
    let other = |at: &usize| *at != coming.product && *at != coming.value;
    let others: Vec<usize> = (0..coming.rows.num_columns()).filter(other).collect();
    let columns: Vec<ArrayRef> =
        others.iter().map(|&at| Arc::clone(coming.rows.column(at))).collect();
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    let failed = |error: arrow::error::ArrowError| error.to_string();
    let keys = match columns.is_empty() {
        true => None,
        false => {
            let converter = RowConverter::new(fields).map_err(failed)?;
            Some(converter.convert_columns(&columns).map_err(failed)?)
        }
    };
    let mut sums: IndexMap<(Option<Row<'_>>, u32), Sum> = IndexMap::new();
    for row in 0..coming.rows.num_rows() {
        if row % ROWS_AT_A_TIME == 0 {
            cancel::check();
        }
        let at = coming.codes.of_rows[row] as usize;
        let parts = coming.amounts.parts(row, &targets.conversions[at].weights());
        let key = keys.as_ref().map(|keys| keys.row(row));
        let n_taken = parts.iter().filter(|part| part.is_none_or(|units| units != 0)).count();
        for (nth, (&target, part)) in targets.places[at].iter().zip(parts).enumerate() {
            // A row of nothing stays one; a part of nothing is none.
            if part == Some(0) && (n_taken > 0 || nth > 0) {
                continue;
            }
            let row = u32::try_from(row).map_err(|_| "it has more than 4 billion rows")?;
            let sum = sums.entry((key, target)).or_insert(Sum { row, target, units: None });
            if let Some(part) = part {
                sum.units = Some(sum.units.unwrap_or(0) + part);
            }
        }
    }
    let firsts: UInt32Array = sums.values().map(|sum| sum.row).collect();
    let units: Vec<Option<i128>> = sums.values().map(|sum| sum.units).collect();
    let is_number = coming.rows.column(coming.product).data_type().is_numeric();
    let code = |sum: &Sum| {
        let name = targets.names[sum.target as usize].as_str();
        // Numbers have no zeros in front.
        let name = if is_number && args.to.is_hs() { name.trim_start_matches('0') } else { name };
        (!name.is_empty()).then_some(name)
    };
    let codes: StringArray = sums.values().map(code).collect();
    let mut fields: Vec<Field> =
        coming.schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    let field = &mut fields[coming.product];
    *field = field.clone().with_data_type(DataType::Utf8).with_nullable(true);
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (at, column) in coming.rows.columns().iter().enumerate() {
        columns.push(if at == coming.product {
            Arc::new(codes.clone())
        } else if at == coming.value {
            coming.amounts.column(&units)?
        } else {
            take(column, &firsts, None).map_err(failed)?
        });
    }
    let mut notes = coming.schema.metadata().clone();
    // What pandas says of the columns holds no longer.
    notes.remove("pandas");
    notes.insert("rebound.conventions".to_owned(), conventions(args));
    let schema = Arc::new(Schema::new_with_metadata(fields, notes));
    let rows = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(failed)?;
    Ok((schema, vec![rows]))
}

/// What was done, in words.
fn conventions(args: &ConvertArgs) -> String {
    format!("{} to {}, method {}", args.from, args.to, args.method)
}

/// The matches by kind, and the codes that no table has.
fn told(args: &ConvertArgs, coming: &Coming, targets: &Targets) -> Result<(Rows, Rows), String> {
    let mut of_codes = vec![Tally::default(); coming.codes.texts.len()];
    for (row, &at) in coming.codes.of_rows.iter().enumerate() {
        let tally = &mut of_codes[at as usize];
        tally.rows += 1;
        tally.units += coming.amounts.units[row].unwrap_or(0);
    }
    let mut by_kind: BTreeMap<MatchKind, (Tally, BTreeSet<&str>)> = BTreeMap::new();
    let mut unmatched: BTreeMap<&str, Tally> = BTreeMap::new();
    let codes = coming.codes.texts.iter().zip(&targets.conversions).zip(&of_codes);
    for ((text, conversion), tally) in codes.filter(|(_, tally)| tally.rows > 0) {
        let (all, texts) = by_kind.entry(conversion.kind).or_default();
        all.rows += tally.rows;
        all.units += tally.units;
        texts.insert(text);
        if conversion.kind == MatchKind::Unlisted {
            let of = unmatched.entry(text).or_default();
            of.rows += tally.rows;
            of.units += tally.units;
        }
    }
    let all: Vec<(&str, Tally)> = by_kind
        .into_iter()
        .map(|(kind, (tally, texts))| {
            let codes = i64::try_from(texts.len()).unwrap_or(i64::MAX);
            (kind.code(), Tally { codes, ..tally })
        })
        .collect();
    let total = all.iter().fold(Tally::default(), |total, (_, of)| Tally {
        codes: total.codes + of.codes,
        rows: total.rows + of.rows,
        units: total.units + of.units,
    });
    if !unmatched.is_empty() {
        let first = unmatched.keys().take(5).map(|code| printable(code, 20));
        let (from, to) = (args.from, args.to);
        let why = match to.is_hs() {
            true => format!("are in no table of {from}, and stay as they are"),
            false => format!("no table brings from {from} to {to}, and stay under a name of HS"),
        };
        tracing::warn!(
            codes = unmatched.len(),
            rows = unmatched.values().map(|of| of.rows).sum::<i64>(),
            value = coming.amounts.float(unmatched.values().map(|of| of.units).sum()),
            "codes {why}: {}",
            first.collect::<Vec<_>>().join(", ")
        );
    }
    let unmatched: Vec<(&str, Tally)> = unmatched.into_iter().collect();
    Ok((tallies("match", &all, coming, total)?, tallies("product", &unmatched, coming, total)?))
}

/// A table of tallies, with their shares of the total.
fn tallies(
    name: &str,
    tallies: &[(&str, Tally)],
    coming: &Coming,
    total: Tally,
) -> Result<Rows, String> {
    #[expect(clippy::cast_precision_loss, reason = "shares of counts of rows")]
    let share_of_rows = |of: &Tally| of.rows as f64 / total.rows as f64;
    let value = |of: &Tally| coming.amounts.float(of.units);
    let of_total = value(&total);
    let share = |of: &Tally| (of_total != 0.0).then(|| value(of) / of_total);
    let of = tallies.iter().map(|(_, of)| of);
    let columns: [(&str, ArrayRef, bool); 6] = [
        (name, Arc::new(StringArray::from_iter_values(tallies.iter().map(|(of, _)| of))), false),
        ("codes", Arc::new(Int64Array::from_iter_values(of.clone().map(|of| of.codes))), false),
        ("rows", Arc::new(Int64Array::from_iter_values(of.clone().map(|of| of.rows))), false),
        ("value", Arc::new(Float64Array::from_iter_values(of.clone().map(value))), false),
        (
            "share_of_rows",
            Arc::new(Float64Array::from_iter_values(of.clone().map(share_of_rows))),
            false,
        ),
        ("share_of_value", Arc::new(of.map(share).collect::<Float64Array>()), true),
    ];
    let is_kept = |(column, ..): &(&str, ArrayRef, bool)| name == "match" || *column != "codes";
    let columns = columns.into_iter().filter(is_kept);
    let rows = RecordBatch::try_from_iter_with_nullable(columns);
    let rows = rows.map_err(|error| error.to_string())?;
    Ok((rows.schema(), vec![rows]))
}
