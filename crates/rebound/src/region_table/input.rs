//! A table of regions and products, read from a file.

use super::args::{Negative, TableArgs};
use super::beside::{self, Beside};
use super::columns::{ALL, Columns, Places, Products};
use super::condition;
use arrow::array::Array;
use indexmap::{IndexMap, IndexSet};
use lake::Lake;
use project::causes::causes;
use project::printable::printable;
use project::raw_files::{Place, RawFile};
use project::read_options::{MISSING_NUMBERS, ReadOptions};
use query::Memory;
use report::published;
use sources::input;
use sources::table_reader::TableReader;
use sources::user_tables::{self, Uses};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;
use tokio::runtime::Handle;
use trade::code;
use trade::number::NumberFormat;

/// Texts of a column of kinds that are told apart.
const MOST_KINDS: usize = 1000;

/// What a condition on rows may take.
const WHERE_MEMORY: Memory = Memory { mib: 4096, setting: "the rows of `--where`" };

/// The value of a region and a product, by their places among the labels.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) region: usize,
    pub(crate) product: usize,
    pub(crate) value: f64,
}

/// A period with what it has.
pub(crate) struct PeriodCells {
    pub(crate) label: String,
    pub(crate) cells: Vec<Cell>,
}

/// Values by period, with labels in order.
pub(crate) struct Table {
    pub(crate) regions: Vec<String>,
    pub(crate) products: Vec<String>,
    pub(crate) periods: Vec<PeriodCells>,
    pub(crate) columns: Columns,
    pub(crate) partners: Partners,
}

/// What rows of partners come to, who are summed over.
pub(crate) struct Partners {
    pub(crate) labels: Vec<String>,
    /// Values by the places of partners and periods.
    pub(crate) values: Vec<(usize, usize, f64)>,
}

/// Labels, numbered as they are met.
#[derive(Default)]
struct Labels(IndexSet<String>);

impl Labels {
    fn number(&mut self, text: &str) -> usize {
        match self.0.get_index_of(text) {
            Some(number) => number,
            None => self.0.insert_full(text.to_owned()).0,
        }
    }

    /// The labels, as they were met.
    fn texts(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }

    /// The labels in order (numbers as numbers), and for each number its place there.
    fn sorted(self) -> (Vec<String>, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.0.len()).collect();
        let number = |text: &str| text.parse::<i64>().ok().filter(|_| !text.starts_with('0'));
        order.sort_by(|&a, &b| {
            let (a, b) = (&self.0[a], &self.0[b]);
            match (number(a), number(b)) {
                (Some(x), Some(y)) => x.cmp(&y).then(a.cmp(b)),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => a.cmp(b),
            }
        });
        let mut places = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, &number)| places[number] = place);
        (order.into_iter().map(|number| self.0[number].clone()).collect(), places)
    }
}

/// The texts of a row.
struct RowTexts<'r> {
    region: &'r str,
    product: &'r str,
    value: &'r str,
    period: &'r str,
    /// Of months or quarters, where they stand beside years.
    part: Option<(Beside, &'r str)>,
    partner: &'r str,
    /// Of the columns that say what kind of row it is.
    kinds: Vec<&'r str>,
    is_repeated: bool,
}

impl<'r> RowTexts<'r> {
    /// The row's period: what is told, or the part of the year that stands beside it.
    fn label(&self) -> Result<Cow<'r, str>, String> {
        let year = code::whole(self.period);
        match self.part {
            None => Ok(Cow::Borrowed(year)),
            Some((of, part)) => of.label(year, part).map(Cow::Owned),
        }
    }
}

/// Rows and their value.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    n: u64,
    value: f64,
}

impl Counted {
    fn add(&mut self, value: f64) {
        self.n += 1;
        self.value += value;
    }
}

/// Rows by what a column says of them.
#[derive(Debug, Default)]
struct Kinds {
    name: String,
    by_text: IndexMap<String, Counted>,
    /// By period, the text that was met first.
    first: Vec<Option<usize>>,
    /// Whether a period has several.
    is_mixed: bool,
}

impl Kinds {
    fn of(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Takes a row of the period at a place.
    fn add(&mut self, text: &str, value: f64, period: usize) {
        let has_room = self.by_text.len() < MOST_KINDS;
        let place = match self.by_text.get_full_mut(text) {
            Some((place, _, counted)) => {
                counted.add(value);
                place
            }
            None if has_room => {
                self.by_text.insert_full(text.to_owned(), Counted { n: 1, value }).0
            }
            None => return,
        };
        if self.first.len() <= period {
            self.first.resize(period + 1, None);
        }
        self.is_mixed |= *self.first[period].get_or_insert(place) != place;
    }
}

/// What rows said so far, with labels in the order they came.
#[derive(Default)]
struct Gathered {
    regions: Labels,
    products: Labels,
    periods: Labels,
    partners: Labels,
    /// By period.
    cells: Vec<Vec<Cell>>,
    /// By partner and period.
    of_partners: IndexMap<(usize, usize), f64>,
    kinds: Vec<Kinds>,
    repeated: Counted,
    /// Rows without a value, by the mark that stands for it.
    missing: BTreeMap<String, u64>,
    /// Marks of missing values that were taken as a region or product.
    marks: BTreeMap<(&'static str, String), u64>,
    negative: Counted,
    total: f64,
    /// Whether a month was met that can be no quarter.
    has_months: bool,
}

/// How rows are read.
struct Reading<'a> {
    format: NumberFormat,
    options: &'a ReadOptions,
    negative: Negative,
    digits: usize,
    has_periods: bool,
}

impl Reading<'_> {
    /// A code without the point that a data frame adds, filled up with zeros in front.
    fn product<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let code = code::whole(text);
        match code.bytes().all(|byte| byte.is_ascii_digit()) && code.len() < self.digits {
            true => Cow::Owned(format!("{code:0>width$}", width = self.digits)),
            false => Cow::Borrowed(code),
        }
    }
}

/// Whether a text can be a code.
fn code_fault(text: &str) -> Result<(), &'static str> {
    if text.contains(char::is_control) {
        return Err("a control character, which no code has");
    }
    match code::is_shortened(text) {
        true => {
            Err("a number that a spreadsheet has shortened, where a code is needed: write the \
                     column as text")
        }
        false => Ok(()),
    }
}

impl Gathered {
    /// Takes a row.
    fn add(&mut self, row: &RowTexts<'_>, reading: &Reading<'_>) -> Result<(), String> {
        if row.value.is_empty() || reading.options.is_missing_number(row.value) {
            *self.missing.entry(row.value.to_owned()).or_default() += 1;
            return Ok(());
        }
        let shown = || printable(row.value, 40);
        let number = reading.format.parse(row.value).map_err(|fault| {
            format!("value {:?}: {fault} (--decimal, --thousands, --missing, --flags)", shown())
        })?;
        if number < 0.0 {
            self.negative.add(number);
            return match reading.negative {
                Negative::Refuse => Err(format!(
                    "value {:?}: expected zero or more: --negative leave-out leaves such rows out",
                    shown()
                )),
                Negative::LeaveOut => Ok(()),
            };
        }
        self.total += number;
        if self.total.is_infinite() {
            return Err(format!(
                "value {:?}: with it the values add up to more than a number of double precision \
                 can hold; measure them in a larger unit",
                shown()
            ));
        }
        if [row.region, row.product, row.period].iter().any(|key| reading.options.is_missing(key)) {
            *self.missing.entry("in a key".to_owned()).or_default() += 1;
            return Ok(());
        }
        let keys = [("region", row.region), ("product", row.product), ("period", row.period)];
        for (what, text) in keys {
            if text.is_empty() && (what != "period" || reading.has_periods) {
                return Err(format!(
                    "the {what} is empty, with a value of {:?}: leave such rows out by --where",
                    shown()
                ));
            }
            if MISSING_NUMBERS.contains(&text) {
                *self.marks.entry((what, text.to_owned())).or_default() += 1;
            }
            code_fault(text).map_err(|why| format!("{what} {:?}: {why}", printable(text, 40)))?;
        }
        let at = self.periods.number(&row.label()?);
        self.has_months |= row.part.is_some_and(|(_, text)| beside::is_month_alone(text));
        if at == self.cells.len() {
            self.cells.push(Vec::new());
        }
        self.cells[at].push(Cell {
            region: self.regions.number(code::whole(row.region)),
            product: self.products.number(&reading.product(row.product)),
            value: number,
        });
        if !row.partner.is_empty() {
            let partner = self.partners.number(row.partner);
            *self.of_partners.entry((partner, at)).or_default() += number;
        }
        for (kinds, text) in self.kinds.iter_mut().zip(&row.kinds) {
            kinds.add(text, number, at);
        }
        if row.is_repeated {
            self.repeated.add(number);
        }
        Ok(())
    }

    /// Says what looks misread, and what was left out.
    fn warn(&self, columns: &Columns) {
        for ((what, mark), n) in &self.marks {
            tracing::warn!(
                rows = n,
                "`{mark}` is taken as a {what} like any other: say --missing if it stands for none"
            );
        }
        for (mark, n) in &self.missing {
            match mark.as_str() {
                "" => tracing::info!(rows = n, "rows without a value are left out"),
                mark => tracing::info!(rows = n, "rows without a value are left out: `{mark}`"),
            }
        }
        if self.negative.n > 0 {
            let Counted { n, value } = self.negative;
            tracing::warn!(rows = n, value, "rows with a negative value are left out");
        }
        if self.repeated.n > 0 {
            let Counted { n, value } = self.repeated;
            tracing::warn!(
                rows = n,
                value,
                share = value / self.total,
                "rows are repeated to the last field: all of them are summed"
            );
        }
        for Kinds { name, by_text, .. } in self.kinds.iter().filter(|kinds| kinds.is_mixed) {
            let said: Vec<String> = by_text
                .iter()
                .take(4)
                .map(|(text, of)| {
                    format!("{:?} ({} rows, {})", printable(text, 20), of.n, of.value)
                })
                .collect();
            let more = if by_text.len() > 4 { ", ..." } else { "" };
            tracing::warn!(
                "rows that differ in `{name}` are summed: {}{more}; take one of them by --where if \
                 they are not meant to be added",
                said.join(", ")
            );
        }
        let n_rows: usize = self.cells.iter().map(Vec::len).sum();
        let cells_of = |cells: &Vec<Cell>| {
            let mut of: Vec<(usize, usize)> =
                cells.iter().map(|cell| (cell.region, cell.product)).collect();
            of.sort_unstable();
            of.dedup();
            of.len()
        };
        let n_cells: usize = self.cells.iter().map(cells_of).sum();
        if n_rows > n_cells {
            tracing::info!(
                rows = n_rows,
                cells = n_cells,
                "rows of one `{}`{}{} are summed",
                columns.region,
                columns.product.as_ref().map(|name| format!(" and `{name}`")).unwrap_or_default(),
                columns.period.as_ref().map(|name| format!(" in one `{name}`")).unwrap_or_default()
            );
        }
    }

    /// All of it, with labels and periods in order.
    fn table(self, columns: Columns) -> Table {
        let (regions, region_places) = self.regions.sorted();
        let (products, product_places) = self.products.sorted();
        let (periods, period_places) = self.periods.sorted();
        let mut by_period: Vec<PeriodCells> =
            periods.into_iter().map(|label| PeriodCells { label, cells: Vec::new() }).collect();
        for (number, cells) in self.cells.into_iter().enumerate() {
            let placed = cells.into_iter().map(|cell| Cell {
                region: region_places[cell.region],
                product: product_places[cell.product],
                value: cell.value,
            });
            by_period[period_places[number]].cells = placed.collect();
        }
        let partners = Partners {
            labels: self.partners.texts(),
            values: self
                .of_partners
                .into_iter()
                .map(|((partner, period), value)| (partner, period_places[period], value))
                .collect(),
        };
        Table { regions, products, periods: by_period, columns, partners }
    }
}

impl Table {
    /// Reads the file that the arguments name; otherwise says why it cannot be used.
    pub(crate) fn read(
        args: &TableArgs,
        products: Products,
        runtime: &Handle,
    ) -> Result<Self, String> {
        if args.file == Path::new("-") && !args.file.exists() {
            return Err(
                "a file is read, not standard input: write the rows to one first".to_owned()
            );
        }
        let label = args.file.display().to_string();
        let file = RawFile::new(label, Place::Local(args.file.clone()));
        let mut gathered = Gathered::default();
        let mut columns = None;
        let mut before: Option<TableReader> = None;
        let items = input::items(&file, runtime).map_err(|error| error.to_string())?;
        for item in &items {
            // A member of an archive is named.
            let named = |why: String| match items.len() {
                1 => why,
                _ => format!("{}: {why}", printable(&item.label, 200)),
            };
            let mut reader = TableReader::of_item(item, &args.read).map_err(named)?;
            reader.find_repeated(before.take());
            let places = Places::of(reader.header(), args, products).map_err(|why| {
                named(format!(
                    "{why}; the file was taken for {} (--skip, --delimiter, --sheet)",
                    reader.seen()
                ))
            })?;
            for name in args.read.types.0.keys() {
                reader.place(name).map_err(named)?;
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
            tracing::info!(file = item.label, "{}", reader.seen());
            let of_kind = |at: &usize| Kinds::of(reader.header()[*at].trim());
            if gathered.kinds.is_empty() {
                gathered.kinds = places.kinds.iter().map(of_kind).collect();
            }
            match &args.condition {
                None => gathered.add_all(&mut reader, args, &places).map_err(named)?,
                Some(condition) => {
                    let added = gathered.add_where(&mut reader, args, &places, condition, runtime);
                    added.map_err(named)?;
                }
            }
            columns = Some(names);
            before = Some(reader);
        }
        let Some(columns) = columns else { return Err("it is empty".to_owned()) };
        if gathered.cells.is_empty() {
            return Err(match args.condition {
                None => "it has no rows with a value".to_owned(),
                Some(_) => "it has no rows with a value for which --where holds".to_owned(),
            });
        }
        if let Some(month) = columns.month.as_ref().filter(|_| !gathered.has_months) {
            beside::check_months(month, &gathered.periods.texts())?;
        }
        gathered.warn(&columns);
        Ok(gathered.table(columns))
    }
}

impl Gathered {
    /// Takes all rows of a table.
    fn add_all(
        &mut self,
        reader: &mut TableReader,
        args: &TableArgs,
        places: &Places,
    ) -> Result<(), String> {
        let mut reading = Reading::of(args, places);
        reading.format = reader.numbers(&[places.value])?;
        let keys =
            [Some(places.region), places.product, places.period, places.part(), places.partner];
        reader.take_as_codes(keys.into_iter().flatten().chain(places.kinds.iter().copied()));
        let rows = reader.each(|row| {
            let of = |place: Option<usize>| place.map_or(Ok(""), |place| row.text(place));
            let texts = RowTexts {
                region: row.text(places.region)?,
                product: places.product.map_or(Ok(ALL), |place| row.text(place))?,
                value: row.text(places.value)?,
                period: of(places.period)?,
                part: match places.beside {
                    Some(of) => Some((of, row.text(of.at)?)),
                    None => None,
                },
                partner: of(places.partner)?,
                kinds: places.kinds.iter().map(|&at| row.text(at)).collect::<Result<_, _>>()?,
                is_repeated: row.is_repeated(),
            };
            self.add(&texts, &reading)
        });
        rows.map_err(|fault| fault.to_string())
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
        let found = runtime.block_on(session.run(&sql));
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
                    part: places.beside.map(|of| (of, next(true))),
                    partner: next(places.partner.is_some()),
                    kinds: texts.collect(),
                    is_repeated: false,
                };
                self.add(&texts, &reading)?;
            }
        }
        Ok(())
    }
}

impl<'a> Reading<'a> {
    /// Numbers as SQL writes them; the rest as the arguments say.
    fn of(args: &'a TableArgs, places: &Places) -> Self {
        Self {
            format: NumberFormat::default(),
            options: &args.read,
            negative: args.negative,
            digits: places.digits,
            has_periods: places.period.is_some(),
        }
    }
}
