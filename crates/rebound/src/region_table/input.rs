//! A table of regions and products, read from a file or a frame.

use super::args::TableArgs;
use super::columns::{ALL, Columns, Places, Products};
use super::condition;
use super::gathered::{Gathered, Kinds, Reading, RowKeys, Value};
use super::table::Table;
use super::typed::Pending;
use arrow::array::Array;
use lake::Lake;
use project::causes::causes;
use project::printable::printable;
use project::raw_files::{Place, RawFile};
use query::Memory;
use report::published;
use sources::input::{self, Block};
use sources::table_reader::TableReader;
use sources::user_tables::{self, Uses};
use std::path::Path;
use tokio::runtime::Handle;

/// What a condition on rows may take.
const WHERE_MEMORY: Memory = Memory { mib: 4096, setting: "the rows of `--where`" };

/// What is to be done of cells that are lists or maps.
const NESTED: &str =
    "such cells cannot be read: make one number or text of each, or a row of each of its parts";

/// The texts of a row.
struct RowTexts<'r> {
    region: &'r str,
    product: &'r str,
    value: &'r str,
    period: &'r str,
    /// Of months or quarters, where they stand beside years.
    part: &'r str,
    partner: &'r str,
    /// Of the columns that say what kind of row it is.
    kinds: Vec<&'r str>,
    is_repeated: bool,
}

impl Table {
    /// Reads the file that the arguments name, or the rows that they have; otherwise says why it cannot
    /// be used.
    pub(crate) fn read(
        args: &TableArgs,
        products: Products,
        runtime: &Handle,
    ) -> Result<Self, String> {
        let mut gathered = Gathered::default();
        let columns = match &args.rows {
            Some(frame) => {
                let mut reader = TableReader::of_frame(frame, &args.read)?;
                reader.find_repeated(None);
                let asked = Asked { args, products, runtime, is_alone: true };
                Some(gathered.add_table(&mut reader, None, &asked)?)
            }
            None => gathered.add_file(args, products, runtime)?,
        };
        let Some(columns) = columns else { return Err("it is empty".to_owned()) };
        if gathered.is_empty() {
            return Err(match args.condition {
                None => "it has no rows with a value".to_owned(),
                Some(_) => "it has no rows with a value for which --where holds".to_owned(),
            });
        }
        gathered.check_months(columns.month.as_ref())?;
        gathered.warn(&columns);
        Ok(gathered.table(columns))
    }
}

/// What is asked of a table.
struct Asked<'a> {
    args: &'a TableArgs,
    products: Products,
    runtime: &'a Handle,
    /// Whether it is read without others.
    is_alone: bool,
}

impl Gathered {
    /// Takes the rows of the file that the arguments name; gives the columns of its last table.
    fn add_file(
        &mut self,
        args: &TableArgs,
        products: Products,
        runtime: &Handle,
    ) -> Result<Option<Columns>, String> {
        if args.file == Path::new("-") && !args.file.exists() {
            return Err(
                "a file is read, not standard input: write the rows to one first".to_owned()
            );
        }
        let label = args.file.display().to_string();
        let file = RawFile::new(label, Place::Local(args.file.clone()));
        let mut columns = None;
        let mut before: Option<TableReader> = None;
        let items = input::items(&file, runtime).map_err(|error| error.to_string())?;
        let asked = Asked { args, products, runtime, is_alone: items.len() == 1 };
        for item in &items {
            // A member of an archive is named.
            let named = |why: String| match asked.is_alone {
                true => why,
                false => format!("{}: {why}", printable(&item.label, 200)),
            };
            let mut reader = TableReader::of_item(item, &args.read).map_err(named)?;
            reader.find_repeated(before.take());
            let added = self.add_table(&mut reader, Some(&item.label), &asked);
            columns = Some(added.map_err(named)?);
            before = Some(reader);
        }
        Ok(columns)
    }

    /// Takes the rows of a table, and gives its columns. `label` is that of a file.
    fn add_table(
        &mut self,
        reader: &mut TableReader,
        label: Option<&str>,
        asked: &Asked<'_>,
    ) -> Result<Columns, String> {
        let args = asked.args;
        let places = Places::of(reader.header(), args, asked.products).map_err(|why| {
            let why = match reader.left_out() {
                Some(columns) => format!("{why}; {columns}: {NESTED}"),
                None => why,
            };
            match &args.rows {
                Some(_) => why,
                None => format!(
                    "{why}; the file was taken for {} (--skip, --delimiter, --sheet)",
                    reader.seen()
                ),
            }
        })?;
        for name in args.read.types.0.keys() {
            reader.place(name)?;
        }
        let names = places.names(reader.header());
        if places.digits > 0 {
            tracing::info!(
                "codes of `{}` with fewer digits than {} get back the zeros they begin with \
                 (--product-digits)",
                names.product(),
                places.digits
            );
        }
        if let Some(label) = label {
            tracing::info!(file = label, "{}", reader.seen());
        }
        let of_kind = |at: &usize| Kinds::of(reader.header()[*at].trim());
        if self.kinds.is_empty() {
            self.kinds = places.kinds.iter().map(of_kind).collect();
        }
        match &args.condition {
            None => {
                let pending = match asked.is_alone {
                    true => Pending::default(),
                    false => Pending::beside_others(),
                };
                self.add_all(reader, args, &places, pending)?;
            }
            Some(condition) => self.add_where(reader, args, &places, condition, asked.runtime)?,
        }
        Ok(names)
    }

    /// Takes all rows of a table.
    fn add_all(
        &mut self,
        reader: &mut TableReader,
        args: &TableArgs,
        places: &Places,
        mut pending: Pending,
    ) -> Result<(), String> {
        let mut reading = Reading::of(args, places);
        reading.format = reader.numbers(&[places.value])?;
        let keys =
            [Some(places.region), places.product, places.period, places.part(), places.partner];
        reader.take_as_codes(keys.into_iter().flatten().chain(places.kinds.iter().copied()));
        while let Some(block) = reader.next_block()? {
            match reader.is_of_columns(&block) {
                true => self.add_block(reader, &block, (&reading, places), &mut pending)?,
                false => self.add_texts(reader, &block, &reading, places)?,
            }
        }
        reader.end();
        pending.end(self, reader);
        Ok(())
    }

    /// Takes the rows of a block, by the texts of their cells.
    fn add_texts(
        &mut self,
        reader: &mut TableReader,
        block: &Block,
        reading: &Reading<'_>,
        places: &Places,
    ) -> Result<(), String> {
        let rows = reader.each_of(block, |row| {
            let of = |place: Option<usize>| place.map_or(Ok(""), |place| row.text(place));
            let texts = RowTexts {
                region: row.text(places.region)?,
                product: places.product.map_or(Ok(ALL), |place| row.text(place))?,
                value: row.text(places.value)?,
                period: of(places.period)?,
                part: of(places.part())?,
                partner: of(places.partner)?,
                kinds: places.kinds.iter().map(|&at| row.text(at)).collect::<Result<_, _>>()?,
                is_repeated: row.is_repeated(),
            };
            self.add_text(&texts, reading)
        });
        rows.map_err(|fault| fault.to_string())
    }

    /// Takes a row, by the texts of its cells.
    fn add_text(&mut self, row: &RowTexts<'_>, reading: &Reading<'_>) -> Result<(), String> {
        let (keys, options) = (&mut self.keys, reading.options);
        let kinds = self.kinds.iter_mut().zip(&row.kinds);
        let kinds: Vec<usize> =
            kinds.map(|(kinds, text)| kinds.keys.number(text, options)).collect();
        let keys = RowKeys {
            region: keys.regions.number(row.region, options),
            product: keys.products.number(row.product, options),
            period: keys.periods.number(row.period, options),
            part: keys.parts.number(row.part, options),
            partner: keys.partners.number(row.partner, options),
            kinds: &kinds,
            value: Value::Text(row.value),
        };
        if let Some(value) = self.add(&keys, reading)?.filter(|_| row.is_repeated) {
            self.add_repeated(value);
        }
        Ok(())
    }

    /// Takes the rows of a table for which a SQL condition holds.
    fn add_where(
        &mut self,
        reader: &mut TableReader,
        args: &TableArgs,
        places: &Places,
        condition: &str,
        runtime: &Handle,
    ) -> Result<(), String> {
        let name = |at: usize| reader.header()[at].trim().to_owned();
        let keys =
            [Some(places.region), places.product, places.period, places.part(), places.partner];
        let codes = keys.into_iter().flatten().chain(places.kinds.iter().copied()).map(name);
        let uses = Uses { codes: codes.collect(), numbers: [name(places.value)].into() };
        let wanted: Vec<String> = places.all().into_iter().map(name).collect();
        let (schema, rows) = user_tables::rows_of(reader, &uses)?;
        let schema_names: Vec<String> =
            schema.fields().iter().map(|field| field.name().clone()).collect();
        let nowhere = Lake::open("memory://").map_err(|error| causes(&error).join(": "))?;
        let session = published::session(&nowhere, 1, WHERE_MEMORY)
            .map_err(|error| causes(&error).join(": "))?;
        session
            .register_rows("data", schema, vec![rows.clone()])
            .map_err(|error| causes(&error).join(": "))?;
        let quoted: Vec<String> = wanted
            .iter()
            .map(|name| format!("cast(\"{}\" as varchar)", name.replace('"', "\"\"")))
            .collect();
        let names: Vec<&str> = schema_names.iter().map(String::as_str).collect();
        let asked = condition;
        let condition = query::with_names(asked, &names);
        let sql = format!("select {} from data where ({condition})", quoted.join(", "));
        let found = runtime.block_on(cancel::until(session.run(&sql)));
        let (_, batches) =
            found.map_err(|error| condition::fault(asked, &rows, &causes(&error).join(": ")))?;
        let reading = Reading::of(args, places);
        for batch in &batches {
            let columns = input::utf8_texts(batch, 1)?;
            for row in 0..batch.num_rows() {
                let mut texts = columns.iter().map(|column| match column.is_valid(row) {
                    true => column.value(row).trim(),
                    false => "",
                });
                let mut next = |is_there: bool| match is_there {
                    true => texts.next().unwrap_or_default(),
                    false => "",
                };
                let texts = RowTexts {
                    region: next(true),
                    product: match places.product {
                        Some(_) => next(true),
                        None => ALL,
                    },
                    value: next(true),
                    period: next(places.period.is_some()),
                    part: next(places.beside.is_some()),
                    partner: next(places.partner.is_some()),
                    kinds: texts.collect(),
                    is_repeated: false,
                };
                self.add_text(&texts, &reading)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
