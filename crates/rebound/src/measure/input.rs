//! A table of regions and products, read from a file.

use super::args::MeasureArgs;
use indexmap::IndexSet;
use project::raw_files::{Place, RawFile};
use sources::delimited::{self, Reader, Row};
use sources::input;
use std::cmp::Ordering;
use tokio::runtime::Handle;

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

/// The value of a region and a product, by their places among the labels.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    pub(super) region: usize,
    pub(super) product: usize,
    pub(super) value: f64,
}

/// A period with what it has.
pub(super) struct PeriodCells {
    pub(super) label: String,
    pub(super) cells: Vec<Cell>,
}

/// The names of a table's columns.
pub(super) struct Columns {
    pub(super) region: String,
    pub(super) product: String,
    pub(super) value: String,
    /// Of periods, if there is one.
    pub(super) period: Option<String>,
}

/// Values by period, with labels in order.
pub(super) struct Table {
    pub(super) regions: Vec<String>,
    pub(super) products: Vec<String>,
    pub(super) periods: Vec<PeriodCells>,
    pub(super) columns: Columns,
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
        return delimited::place(&names, asked);
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

/// Which columns hold what a row is made of.
struct Places {
    region: usize,
    product: usize,
    value: usize,
    period: Option<usize>,
}

impl Places {
    fn of(header: &[String], args: &MeasureArgs) -> Result<Self, String> {
        Ok(Self {
            region: find(header, args.region.as_deref(), &REGION_NAMES, "region")?,
            product: find(header, args.product.as_deref(), &PRODUCT_NAMES, "product")?,
            value: find(header, args.value.as_deref(), &VALUE_NAMES, "value")?,
            period: match args.year.as_deref() {
                Some("none") => None,
                Some(asked) => Some(find(header, Some(asked), &[], "year")?),
                None => find(header, None, &YEAR_NAMES, "year").ok(),
            },
        })
    }

    fn names(&self, header: &[String]) -> Columns {
        Columns {
            region: header[self.region].clone(),
            product: header[self.product].clone(),
            value: header[self.value].clone(),
            period: self.period.map(|at| header[at].clone()),
        }
    }
}

/// What rows said so far, with labels in the order they came.
#[derive(Default)]
struct Gathered {
    regions: Labels,
    products: Labels,
    periods: Labels,
    /// By period.
    cells: Vec<Vec<Cell>>,
    total: f64,
}

impl Gathered {
    /// Takes a row, whose region, product, value and period stand at `places`.
    fn add(&mut self, row: &Row<'_>, places: &Places) -> Result<(), String> {
        let (region, product) = (row.text(places.region)?, row.text(places.product)?);
        let value = row.text(places.value)?;
        let period = places.period.map_or(Ok(""), |period| row.text(period))?;
        if value.is_empty() {
            return Ok(());
        }
        let number = value.parse::<f64>().ok().filter(|v| v.is_finite() && *v >= 0.0);
        let number = number.ok_or_else(|| {
            format!("value {value:?}: expected a number of zero or more (empty: none)")
        })?;
        self.total += number;
        if self.total.is_infinite() {
            return Err(format!(
                "value {value:?}: with it the values add up to more than a number of double precision can hold; \
                 measure them in a larger unit"
            ));
        }
        if region.is_empty() || product.is_empty() {
            return Err("a region or product is empty".to_owned());
        }
        let at = self.periods.number(period);
        if at == self.cells.len() {
            self.cells.push(Vec::new());
        }
        self.cells[at].push(Cell {
            region: self.regions.number(region),
            product: self.products.number(product),
            value: number,
        });
        Ok(())
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
        Table { regions, products, periods: by_period, columns }
    }
}

impl Table {
    /// Reads the file that the arguments name; otherwise says why it cannot be used.
    pub(super) fn read(args: &MeasureArgs, runtime: &Handle) -> Result<Self, String> {
        let label = args.file.display().to_string();
        let file = RawFile { label, place: Place::Local(args.file.clone()) };
        let mut gathered = Gathered::default();
        let mut columns = None;
        for item in input::items(&file, runtime).map_err(|error| error.to_string())? {
            let mut reader = Reader::of_any_delimiter(&item)?;
            let places = Places::of(reader.header(), args)?;
            columns = Some(places.names(reader.header()));
            let rows = reader.each(|row| gathered.add(row, &places));
            rows.map_err(|fault| fault.to_string())?;
        }
        let Some(columns) = columns else { return Err("it is empty".to_owned()) };
        if gathered.cells.is_empty() {
            return Err("it has no rows with a value".to_owned());
        }
        Ok(gathered.table(columns))
    }
}
