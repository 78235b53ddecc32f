//! Rows of typed columns, block by block: keys by their distinct cells, values as the numbers that
//! they are. What is read, and what is wrong with it, is the same as of texts.

use super::columns::{ALL, Places};
use super::gathered::{Gathered, Keys, Reading, RowKeys, Value};
use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use project::read_options::ReadOptions;
use rayon::prelude::*;
use sources::input::{self, Block, Coded, Stored};
use sources::table_reader::{Fault, Place, TableReader};

/// Rows that are kept until it is known whether any can stand twice.
const MOST_PENDING: usize = 4 << 20;

/// Whole numbers up to it are floats, each its own.
const EXACT: u64 = 1 << 53;

/// Powers of ten up to it are floats, too.
const EXACT_SCALE: i8 = 22;

/// A column of values.
enum Values {
    Floats(Float64Array),
    Wholes(Int64Array),
    /// With what they are divided by.
    Decimals(Decimal128Array, f64),
    Texts(StringArray),
}

/// A column with its place in a block.
#[derive(Clone, Copy)]
struct Column<'b> {
    name: &'b str,
    cells: &'b ArrayRef,
    stored: Stored,
    /// The number of the block's first row.
    first: u64,
}

impl Column<'_> {
    /// By its distinct cells.
    fn coded(&self) -> Result<Coded, String> {
        input::coded(self.name, self.cells, self.stored, self.first)
    }

    /// The text of a row.
    fn text(&self, row: usize) -> String {
        let cell = self.cells.slice(row, 1);
        let text = input::decoded_text(self.name, &cell, self.stored, self.first);
        text.map_or_else(|_| String::new(), |text| text.value(0).trim().to_owned())
    }

    /// The values in it.
    fn values(&self) -> Result<Values, String> {
        let kind = self.cells.data_type();
        let failed = |error: arrow::error::ArrowError| error.to_string();
        Ok(match kind {
            float if float.is_floating() => {
                let floats = cast(self.cells, &DataType::Float64).map_err(failed)?;
                Values::Floats(floats.as_primitive::<Float64Type>().clone())
            }
            whole if whole.is_integer() && *whole != DataType::UInt64 => {
                let wholes = cast(self.cells, &DataType::Int64).map_err(failed)?;
                Values::Wholes(wholes.as_primitive::<Int64Type>().clone())
            }
            DataType::Decimal128(_, scale) if (0..=EXACT_SCALE).contains(scale) => {
                Values::Decimals(
                    self.cells.as_primitive::<Decimal128Type>().clone(),
                    10_f64.powi(i32::from(*scale)),
                )
            }
            _ => {
                Values::Texts(input::decoded_text(self.name, self.cells, self.stored, self.first)?)
            }
        })
    }

    /// Whether its cells may be none that can be read.
    fn is_doubtful(&self) -> bool {
        let kind = match self.cells.data_type() {
            DataType::Dictionary(_, values) => values.as_ref(),
            kind => kind,
        };
        let is_text = matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        let is_number = kind.is_numeric() || *kind == DataType::Boolean;
        !is_text && !is_number
    }
}

impl Values {
    /// The number of a row, if its column has numbers and it is one.
    #[expect(clippy::cast_precision_loss, reason = "as its text would be read: to the nearest")]
    fn number(&self, row: usize) -> Option<f64> {
        match self {
            Self::Floats(floats) => Some(floats.value(row)).filter(|number| number.is_finite()),
            Self::Wholes(wholes) => Some(wholes.value(row) as f64),
            Self::Decimals(decimals, divisor) => {
                let units = decimals.value(row);
                let is_exact = units.unsigned_abs() <= u128::from(EXACT);
                is_exact.then(|| units as f64 / divisor)
            }
            Self::Texts(_) => None,
        }
    }

    fn is_valid(&self, row: usize) -> bool {
        match self {
            Self::Floats(cells) => cells.is_valid(row),
            Self::Wholes(cells) => cells.is_valid(row),
            Self::Decimals(cells, _) => cells.is_valid(row),
            Self::Texts(cells) => cells.is_valid(row),
        }
    }
}

/// What is made of a column beside the others.
enum Made {
    Keys(Coded),
    Values(Values),
    Nothing,
}

/// The keys of a column's rows.
struct Numbers {
    of_texts: Vec<usize>,
    of_rows: Vec<u32>,
}

impl Numbers {
    /// Those of a column, or of a text that all rows have instead.
    fn of(made: Option<Coded>, keys: &mut Keys, unless: &str, options: &ReadOptions) -> Self {
        let Some(Coded { of_rows, texts }) = made else {
            return Self { of_texts: vec![keys.number(unless, options)], of_rows: Vec::new() };
        };
        let of_texts = texts.iter().map(|text| keys.number(text, options)).collect();
        Self { of_texts, of_rows }
    }

    fn of_row(&self, row: usize) -> usize {
        self.of_texts[self.of_rows.get(row).map_or(0, |&code| code as usize)]
    }
}

/// The rows of a block, by the keys of their columns.
struct Keyed {
    regions: Numbers,
    products: Numbers,
    periods: Numbers,
    parts: Numbers,
    partners: Numbers,
    kinds: Vec<Numbers>,
}

/// Rows that were taken, by their hash, with their value.
#[derive(Default)]
pub(super) struct Pending {
    rows: Vec<(u64, f64)>,
    /// Whether all rows are looked for at once.
    is_over: bool,
}

impl Pending {
    /// That of a table which is read with others, where a row may stand in another, too.
    pub(super) fn beside_others() -> Self {
        Self { is_over: true, ..Self::default() }
    }

    /// Looks for all that were kept.
    fn look(&mut self, gathered: &mut Gathered, reader: &mut TableReader) {
        for (hash, value) in std::mem::take(&mut self.rows) {
            if reader.is_met(hash) {
                gathered.add_repeated(value);
            }
        }
    }

    fn add(&mut self, row: (u64, f64), gathered: &mut Gathered, reader: &mut TableReader) {
        self.rows.push(row);
        if self.is_over || self.rows.len() >= MOST_PENDING {
            self.is_over = true;
            self.look(gathered, reader);
        }
    }

    /// Looks for those that were kept, unless none can stand twice: each has a cell of its own.
    pub(super) fn end(mut self, gathered: &mut Gathered, reader: &mut TableReader) {
        if !self.rows.is_empty() && !gathered.is_row_a_cell() {
            self.look(gathered, reader);
        }
    }
}

impl Gathered {
    /// Takes the rows of a block of typed columns.
    pub(super) fn add_block(
        &mut self,
        reader: &mut TableReader,
        block: &Block,
        (reading, places): (&Reading<'_>, &Places),
        pending: &mut Pending,
    ) -> Result<(), String> {
        let Block::Table { rows, row: first, stored } = block else { return Ok(()) };
        reader.check_codes(block).map_err(|fault| fault.to_string())?;
        let schema = rows.schema_ref();
        let column = |at: usize| Column {
            name: schema.field(at).name(),
            cells: rows.column(at),
            stored: stored[at],
            first: *first,
        };
        let (made, hashes) = rayon::join(
            || -> Vec<Result<Made, String>> {
                let columns = (0..rows.num_columns()).into_par_iter();
                columns.map(|at| read(column(at), at, places)).collect()
            },
            || input::row_hashes(rows),
        );
        // Of several columns that are at fault the first is told, as of texts.
        let mut made = made.into_iter().collect::<Result<Vec<Made>, String>>()?;
        let keyed = self.keyed(&made, reading.options, places);
        let value = column(places.value);
        let values = match std::mem::replace(&mut made[places.value], Made::Nothing) {
            Made::Values(values) => values,
            Made::Keys(_) | Made::Nothing => value.values()?,
        };
        let marks = marks_of_numbers(reading.options);
        let mut kinds = vec![0; keyed.kinds.len()];
        for (row, hash) in hashes.into_iter().enumerate() {
            for (kind, keys) in kinds.iter_mut().zip(&keyed.kinds) {
                *kind = keys.of_row(row);
            }
            let text = || value.text(row);
            let number = values.number(row).filter(|number| !marks.contains(number));
            let written;
            let value = match (&values, number) {
                _ if !values.is_valid(row) => Value::Text(""),
                (Values::Texts(texts), _) => Value::Text(texts.value(row).trim()),
                (_, Some(number)) => Value::Number(number, &text),
                (_, None) => {
                    written = text();
                    Value::Text(&written)
                }
            };
            let keys = RowKeys {
                region: keyed.regions.of_row(row),
                product: keyed.products.of_row(row),
                period: keyed.periods.of_row(row),
                part: keyed.parts.of_row(row),
                partner: keyed.partners.of_row(row),
                kinds: &kinds,
                value,
            };
            let taken = self.add(&keys, reading).map_err(|why| {
                Fault::Row { place: Place::Row(first + row as u64), why }.to_string()
            })?;
            if let Some(value) = taken {
                pending.add((hash, value), self, reader);
            }
        }
        Ok(())
    }

    /// The keys of a block's columns.
    fn keyed(&mut self, made: &[Made], options: &ReadOptions, places: &Places) -> Keyed {
        // A column may be used twice.
        let coded = |place: Option<usize>| match place.map(|at| &made[at]) {
            Some(Made::Keys(coded)) => Some(coded.clone()),
            _ => None,
        };
        let keys = &mut self.keys;
        Keyed {
            regions: Numbers::of(coded(Some(places.region)), &mut keys.regions, "", options),
            products: Numbers::of(coded(places.product), &mut keys.products, ALL, options),
            periods: Numbers::of(coded(places.period), &mut keys.periods, "", options),
            parts: Numbers::of(coded(places.part()), &mut keys.parts, "", options),
            partners: Numbers::of(coded(places.partner), &mut keys.partners, "", options),
            kinds: places
                .kinds
                .iter()
                .zip(&mut self.kinds)
                .map(|(&at, kinds)| Numbers::of(coded(Some(at)), &mut kinds.keys, "", options))
                .collect(),
        }
    }
}

/// What is needed of the column at a place.
fn read(column: Column<'_>, at: usize, places: &Places) -> Result<Made, String> {
    let keys = [Some(places.region), places.product, places.period, places.part(), places.partner];
    if keys.contains(&Some(at)) || places.kinds.contains(&at) {
        return column.coded().map(Made::Keys);
    }
    if at == places.value {
        return column.values().map(Made::Values);
    }
    // It is read, too, if only to say what is wrong with it.
    if column.is_doubtful() {
        column.coded()?;
    }
    Ok(Made::Nothing)
}

/// The numbers that marks of missing values are.
fn marks_of_numbers(options: &ReadOptions) -> Vec<f64> {
    let marks = options.missing.iter().flatten();
    marks.filter_map(|mark| mark.parse::<f64>().ok()).collect()
}
