//! A made-up nation's customs records, in the form of any layout that has a row an entry.
//!
//! Regions reach products by a nested pattern with sectors; firms have an owner and a trade mode that they
//! keep. Exports fall in 2009 and come back to 2011 by a process whose parameters are known:
//!
//! ```text
//! ln v[r,p,2009] - ln v[r,p,2008] = a0 + a1 density + a2 rebate + a3 foreign + a4 processing + noise
//! ln v[r,p,2011] - ln v[r,p,2009] = b0 + b1 density + b2 rebate + b3 foreign + b4 processing + noise
//! P(r exports p from 2010 on | not in 2008) = c0 + c1 density + c2 rebate + c3 foreign + c4 processing
//! ```
//!
//! with density that of 2008 (Hidalgo et al. 2007) from the values themselves, rebate the rise of the export
//! tax rebate of 2008-09 by heading (fraction of the value), foreign and processing the shares of
//! foreign-owned firms and of processing trade in the cell, or, for products that enter, in the region's
//! exports of 2008. The same arguments give the same bytes.

use crate::codes;
use crate::layout_file::{FileFormat, LayoutFile};
use crate::new_file::NewFile;
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};
use space::{Diagonal, Exports, RcaRule, Reference, Specialization, density, proximity, rca};
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use trade::layout::{Codes, Field, FieldSpec, Origin};
use trade::money::allocate;
use trade::{Dialect, Hs6, HsRevision, Layout, Money};

/// What to make.
#[derive(Debug, Clone)]
pub struct Nation {
    /// About how many records, over all years.
    pub rows: u64,
    /// Regions.
    pub regions: usize,
    /// Products.
    pub products: usize,
    /// First and last year.
    pub years: (i32, i32),
    /// Share of the rows that are spoiled, 0 to 1.
    pub dirt: f64,
    /// What the random numbers start from.
    pub seed: u64,
}

/// Coefficients of the fall and of the return: constant, density, rebate, foreign share, processing share.
pub const RESISTANCE: [f64; 5] = [-0.20, 0.30, 2.0, -0.10, -0.15];

/// The same for the return.
pub const RECOVERY: [f64; 5] = [0.35, 0.20, 0.5, 0.05, 0.10];

/// The same for the chance that a product enters.
pub const UPGRADING: [f64; 5] = [0.01, 0.20, 0.6, 0.0, 0.05];

/// Sectors of products.
const SECTORS: usize = 10;

/// The year from which products that enter are exported.
const ENTRY_YEAR: i32 = 2010;

/// Standard deviation of the noise of the fall and of the return.
pub const NOISE: f64 = 0.25;

/// Steps of the rebate, in hundredths of the value, that headings have.
const REBATE_STEPS: [u32; 5] = [0, 0, 1, 2, 4];

const OWNERS: [(&str, char, bool); 5] = [
    ("state", '1', false),
    ("equity_jv", '3', true),
    ("wholly_foreign", '4', true),
    ("collective", '5', false),
    ("private", '6', false),
];

const COUNTRIES: [&str; 20] = [
    "USA", "HKG", "JPN", "KOR", "DEU", "NLD", "GBR", "SGP", "IND", "RUS", "FRA", "ITA", "AUS",
    "CAN", "MEX", "BRA", "THA", "VNM", "ESP", "ZAF",
];

const NAMES: [&str; 10] =
    ["电子", "服装", "机械", "化工", "五金", "玩具", "贸易", "食品", "家具", "进出口"];

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// What was asked for cannot be made.
    #[error("{0}")]
    Asked(String),
    /// A built-in table is damaged.
    #[error(transparent)]
    Codes(#[from] codes::CodesError),
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

/// What was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Records, the good ones.
    pub rows: u64,
    /// Their value.
    pub value: i128,
    /// Rows beside them that must be rejected, by reason.
    pub rejects: BTreeMap<&'static str, u64>,
    /// Good rows that were made harder to read.
    pub mended: u64,
}

struct Random(Pcg64Mcg);

impl Random {
    fn of(seed: u64, what: u64) -> Self {
        Self(Pcg64Mcg::seed_from_u64(seed ^ what.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// In [0, 1).
    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        let n = n as u128;
        usize::try_from((u128::from(self.0.next_u64()) * n) >> 64).unwrap_or(0)
    }

    /// Normal, by Box and Muller (1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "in range by its caller"
)]
fn whole(value: f64) -> u64 {
    value.max(0.0).round() as u64
}

#[derive(Debug, Clone)]
struct Firm {
    code: String,
    name: String,
    owner: &'static str,
    is_foreign: bool,
    is_processing: bool,
    weight: u128,
}

struct Cell {
    region: usize,
    product: usize,
    base: f64,
    firms: Vec<Firm>,
    foreign: f64,
    processing: f64,
    density: f64,
    rebate: f64,
    resistance: f64,
    recovery: f64,
    /// Whether it is exported from [`ENTRY_YEAR`] on only.
    is_entry: bool,
}

/// The product of coefficients and regressors, which begin behind the constant.
fn effect(c: [f64; 5], x: [f64; 4]) -> f64 {
    c[0] + c[1..].iter().zip(x).map(|(c, x)| c * x).sum::<f64>()
}

/// A number that belongs to the four-digit heading of a product.
fn of_heading(nation: &Nation, product: Hs6, n: usize, what: u64) -> usize {
    let heading = product.heading().parse::<u64>().unwrap_or(0);
    Random::of(nation.seed, heading << 40 | what).below(n)
}

/// The rise of the export tax rebate of 2008-09.
fn rebate(nation: &Nation, product: Hs6) -> f64 {
    f64::from(REBATE_STEPS[of_heading(nation, product, REBATE_STEPS.len(), 0)]) / 100.0
}

/// Writes the files of `nation` in the form of `layout` into `folder/records`, and beside them what is true of it:
/// `truth.yaml`, `truth_cells.csv`, `truth_entries.csv` and `rebate_rates.csv`.
///
/// # Errors
///
/// [`SynthError`] if the layout is of another kind, or a file cannot be written.
pub fn write(nation: &Nation, layout: &LayoutFile, folder: &Path) -> Result<Written, SynthError> {
    let FileFormat::Csv { dialect, encoding, has_header: true } = layout.format else {
        return Err(asked("records are made as delimited text with a header only"));
    };
    if layout.layout.unpivot.is_some() {
        return Err(asked("records are made in layouts with a row an entry only"));
    }
    let (first, last) = nation.years;
    if first > last || nation.regions < 2 || nation.products < 2 {
        return Err(asked("expected at least one year, two regions and two products"));
    }
    let regions = regions(&layout.layout, nation)?;
    let products = products(nation)?;
    let cells = cells(nation, &regions, &products)?;
    let into = folder.join("records");
    std::fs::create_dir_all(&into)
        .map_err(|source| SynthError::Write { path: into.clone(), source })?;
    let mut planned = Vec::new();
    for year in first..=last {
        planned.extend(file_names(layout, year)?);
    }
    let unlisted = |source| SynthError::Write { path: into.clone(), source };
    for entry in std::fs::read_dir(&into).map_err(unlisted)? {
        let name = entry.map_err(unlisted)?.file_name().to_string_lossy().into_owned();
        // What was being written when it was killed is hidden.
        if !planned.contains(&name) && !name.starts_with('.') {
            return Err(SynthError::Asked(format!(
                "`{}` holds `{name}`, which is not of this nation: remove the folder, or name another",
                into.display()
            )));
        }
    }
    let mut written = Written::default();
    let weight = |cell: &Cell| if cell.is_entry { 0.0 } else { cell.base.sqrt() };
    let weights: Vec<f64> = cells.iter().map(weight).collect();
    let rows_of_a_weight = nation.rows as f64
        / (f64::from(last - first + 1) * weights.iter().sum::<f64>()).max(f64::MIN_POSITIVE);
    for year in first..=last {
        let mut out = Out::new(layout, dialect, encoding, &into, year)?;
        for (at, (cell, weight)) in cells.iter().zip(&weights).enumerate() {
            if cell.is_entry && year < ENTRY_YEAR {
                continue;
            }
            let what = (at as u64) << 12 | u64::from(year.unsigned_abs());
            let mut random = Random::of(nation.seed, what.wrapping_add(1 << 60));
            let value = whole(value_in(cell, year, &mut random)).max(1);
            let n_rows = whole(weight * rows_of_a_weight).max(cell.firms.len() as u64);
            let hs6 = products[cell.product];
            let records = Records { cell, hs6, value, n_rows };
            records.write(
                nation,
                &regions[cell.region].raw,
                &mut random,
                &mut out,
                &mut written,
            )?;
        }
        out.finish()?;
    }
    truth(nation, &regions, &products, &cells, &written, folder)?;
    Ok(written)
}

fn asked(why: &str) -> SynthError {
    SynthError::Asked(why.to_owned())
}

/// A text that the layout's codes read as `code` in `year`: the shortest.
fn raw_of<'c>(codes: Option<&'c Codes>, code: &'c str, year: i32) -> Option<&'c str> {
    let Some(codes) = codes else { return Some(code) };
    codes
        .by_text
        .iter()
        .filter(|(_, meanings)| {
            meanings.iter().any(|(from, to, c)| c == code && (*from..=*to).contains(&year))
        })
        .map(|(text, _)| text.as_str())
        .min_by_key(|text| (text.len(), *text))
}

/// A region: its text in raw files and the code that the layout makes of it.
#[derive(Debug, Clone)]
struct Place {
    raw: String,
    code: String,
}

/// As many regions as asked for.
fn regions(layout: &Layout, nation: &Nation) -> Result<Vec<Place>, SynthError> {
    let spec = layout.fields.get(&Field::Region);
    // Part of a column must be filled by the text.
    let fits = |text: &str| match spec.and_then(|spec| spec.characters) {
        None => true,
        Some((first, last)) => {
            text.len() == last + 1 - first && text.bytes().all(|byte| byte.is_ascii_digit())
        }
    };
    let as_is = |code: String| Place { raw: code.clone(), code };
    let found: Vec<Place> = match spec.and_then(|spec| spec.codes.as_ref()) {
        Some(codes) => {
            let mut by_code: BTreeMap<&str, &str> = BTreeMap::new();
            for (text, meanings) in &codes.by_text {
                let [(i32::MIN, i32::MAX, code)] = meanings.as_slice() else { continue };
                if !fits(text) {
                    continue;
                }
                let best = by_code.entry(code).or_insert(text);
                if (text.len(), text.as_str()) < (best.len(), *best) {
                    *best = text;
                }
            }
            let place =
                |(code, raw): (&str, &str)| Place { raw: raw.to_owned(), code: code.to_owned() };
            by_code.into_iter().map(place).collect()
        }
        None if layout.region_names.is_empty() => {
            (1..=nation.regions).map(|at| as_is(format!("R{at:04}"))).collect()
        }
        None => layout.region_names.keys().cloned().map(as_is).collect(),
    };
    if found.len() < nation.regions {
        let n = found.len();
        return Err(SynthError::Asked(format!(
            "the layout knows {n} regions, fewer than asked for"
        )));
    }
    Ok((0..nation.regions).map(|at| found[at * found.len() / nation.regions].clone()).collect())
}

fn products(nation: &Nation) -> Result<Vec<Hs6>, SynthError> {
    let all: Vec<Hs6> = codes::descriptions(HsRevision::Hs2007)?.into_keys().collect();
    if all.len() < nation.products {
        let n = all.len();
        return Err(SynthError::Asked(format!("HS2007 has {n} products, fewer than asked for")));
    }
    Ok((0..nation.products).map(|at| all[at * all.len() / nation.products]).collect())
}

fn cells(nation: &Nation, regions: &[Place], products: &[Hs6]) -> Result<Vec<Cell>, SynthError> {
    let (n, m) = (nation.regions, nation.products);
    let mut random = Random::of(nation.seed, 1);
    let capability: Vec<f64> = (0..n).map(|_| 1.3 * random.normal()).collect();
    let openness: Vec<f64> = (0..n).map(|_| 0.15 + 0.5 * random.unit()).collect();
    let difficulty: Vec<f64> = (0..m).map(|_| 1.2 * random.normal()).collect();
    let size: Vec<f64> = (0..m).map(|_| 1.2 * random.normal()).collect();
    let sector: Vec<usize> = (0..m).map(|_| random.below(SECTORS)).collect();
    let affinity: Vec<f64> = (0..n * SECTORS).map(|_| 0.8 * random.normal()).collect();
    let per_sector = (m / 40).clamp(2, 900);
    let firms = FirmPool { nation, regions, openness, per_sector };
    let mut values = vec![0.0; n * m];
    let mut found = Vec::new();
    for region in 0..n {
        for product in 0..m {
            let mut random = Random::of(nation.seed, 2 + (region * m + product) as u64);
            let base = capability[region] - difficulty[product]
                + affinity[region * SECTORS + sector[product]]
                - 0.8;
            if base + random.normal() < 0.0 {
                continue;
            }
            let logarithm = 12.5 + 0.6 * base + size[product] + 1.4 * random.normal();
            let value = logarithm.exp().round().max(1000.0);
            values[region * m + product] = value;
            let n_firms = 1 + random.below(3);
            let exporters =
                (0..n_firms).map(|_| firms.draw(region, sector[product], &mut random)).collect();
            found.push((region, product, value, exporters, random));
        }
    }
    let exports = Exports::new(n, m, values)
        .map_err(|error| SynthError::Asked(format!("no exports were made: {error}")))?;
    let specialization = Specialization::new(&rca(&exports, Reference::Own), RcaRule::AtLeast(1.0));
    let density = density(&specialization, &proximity(&specialization), Diagonal::Excluded);
    let make =
        |(region, product, base, firms, mut random): (usize, usize, f64, Vec<Firm>, Random)| {
            let total: u128 = firms.iter().map(|firm| firm.weight).sum();
            let share = |of: fn(&Firm) -> bool| {
                let part: u128 = firms.iter().filter(|firm| of(firm)).map(|firm| firm.weight).sum();
                part as f64 / total as f64
            };
            let (foreign, processing) = (share(|f| f.is_foreign), share(|f| f.is_processing));
            let rebate = rebate(nation, products[product]);
            let density = density.get(region, product).unwrap_or(0.0);
            let x = [density, rebate, foreign, processing];
            let resistance = effect(RESISTANCE, x) + NOISE * random.normal();
            let recovery = effect(RECOVERY, x) + NOISE * random.normal();
            Cell {
                region,
                product,
                base,
                firms,
                foreign,
                processing,
                density,
                rebate,
                resistance,
                recovery,
                is_entry: false,
            }
        };
    let mut cells: Vec<Cell> = found.into_iter().map(make).collect();

    let mut totals = vec![[0.0; 3]; n];
    for cell in &cells {
        let of_region = [1.0, cell.foreign, cell.processing].map(|share| share * cell.base);
        totals[cell.region].iter_mut().zip(of_region).for_each(|(total, part)| *total += part);
    }
    for (region, [total, foreign, processing]) in totals.into_iter().enumerate() {
        if total <= 0.0 {
            continue;
        }
        let (foreign, processing) = (foreign / total, processing / total);
        for product in (0..m).filter(|product| exports.get(region, *product) <= 0.0) {
            // A product of nobody is in nobody's surroundings.
            let Some(density) = density.get(region, product) else { continue };
            let rebate = rebate(nation, products[product]);
            let what = (1 << 61) + (region * m + product) as u64;
            let mut random = Random::of(nation.seed, what);
            if random.unit() < effect(UPGRADING, [density, rebate, foreign, processing]) {
                let base = (11.0 + size[product] + 0.5 * random.normal()).exp().max(1000.0);
                let firms = vec![firms.draw(region, sector[product], &mut random)];
                cells.push(Cell {
                    region,
                    product,
                    base,
                    firms,
                    foreign,
                    processing,
                    density,
                    rebate,
                    resistance: 0.0,
                    recovery: 0.0,
                    is_entry: true,
                });
            }
        }
    }
    Ok(cells)
}

/// Who exports a product of a region: mostly one of the firms of its sector, each with an owner, a trade mode and a
/// name that it keeps over products and years.
struct FirmPool<'a> {
    nation: &'a Nation,
    regions: &'a [Place],
    openness: Vec<f64>,
    /// Firms of a sector in a region.
    per_sector: usize,
}

impl FirmPool<'_> {
    fn draw(&self, region: usize, sector: usize, random: &mut Random) -> Firm {
        let sector = if random.unit() < 0.85 { sector } else { random.below(SECTORS) };
        let serial = sector * self.per_sector + random.below(self.per_sector);
        let weight = 1 + random.below(1000) as u128;
        let place = &self.regions[region].raw;
        let what = (1 << 62) + ((region as u64) << 24) + serial as u64;
        let mut own = Random::of(self.nation.seed, what);
        let is_foreign = own.unit() < self.openness[region];
        let owners: Vec<_> =
            OWNERS.iter().filter(|(_, _, foreign)| *foreign == is_foreign).collect();
        let (owner, digit, _) = *owners[own.below(owners.len())];
        let is_processing = own.unit() < if is_foreign { 0.5 } else { 0.15 };
        let is_place = place.len() == 4 && place.bytes().all(|byte| byte.is_ascii_digit());
        // Places that are no four digits have their own serials instead.
        let code = if is_place {
            format!("{place}1{digit}{serial:04}")
        } else {
            format!("11011{digit}{:04}", region % 10 * 1000 + serial % 1000)
        };
        let name = format!("{place}{}公司{serial}", NAMES[own.below(NAMES.len())]);
        Firm { code, name, owner, is_foreign, is_processing, weight }
    }
}

/// The value of a cell: 2008 is the base, 2009 the trough, 2011 the end of the return.
fn value_in(cell: &Cell, year: i32, random: &mut Random) -> f64 {
    let noise = 0.1 * random.normal();
    let change = match year {
        2008 => 0.0,
        2009 => cell.resistance,
        2010 => cell.resistance + 0.6 * cell.recovery + noise,
        2011 => cell.resistance + cell.recovery,
        ..=2007 => 0.1 * f64::from(year - 2008) + noise,
        2012.. => cell.resistance + cell.recovery + 0.05 * f64::from(year - 2011) + noise,
    };
    cell.base * change.exp()
}

/// The records of a cell in a year.
struct Records<'a> {
    cell: &'a Cell,
    hs6: Hs6,
    value: u64,
    n_rows: u64,
}

impl Records<'_> {
    fn write(
        &self,
        nation: &Nation,
        region: &str,
        random: &mut Random,
        out: &mut Out<'_>,
        written: &mut Written,
    ) -> Result<(), SynthError> {
        let firms = &self.cell.firms;
        let weights: Vec<u128> = firms.iter().map(|firm| firm.weight).collect();
        let of_firms = allocate(Money::from_hundredths(i128::from(self.value)), &weights);
        // What a unit of the product costs.
        let number = self.hs6.as_str().parse::<u64>().unwrap_or(0);
        let price = 5.0 * Random::of(nation.seed, number << 41).normal().exp();
        let n_each = usize::try_from(self.n_rows / firms.len() as u64).unwrap_or(1).max(1);
        for (firm, value) in firms.iter().zip(of_firms) {
            let weights: Vec<u128> = (0..n_each).map(|_| 1 + random.below(1000) as u128).collect();
            for part in allocate(value, &weights) {
                let dollars = part.hundredths();
                written.rows += 1;
                written.value += dollars;
                let nearest = 1 + random.below(COUNTRIES.len());
                let row = Row {
                    month: 1 + random.below(12),
                    region,
                    hs6: self.hs6,
                    tail: random.below(3),
                    destination: COUNTRIES[random.below(nearest)],
                    firm,
                    quantity: whole(dollars as f64 / price * (0.8 + 0.4 * random.unit())).max(1),
                    value: dollars,
                };
                let is_dirty = random.unit() < nation.dirt;
                let dirt =
                    if is_dirty { Dirt::ALL[random.below(Dirt::ALL.len())] } else { Dirt::None };
                match dirt.reason() {
                    // A row that must be rejected comes beside the good one, so that sums stay true.
                    Some(reason) if out.row(&row, dirt)? => {
                        *written.rejects.entry(reason).or_default() += 1;
                        out.row(&row, Dirt::None)?;
                    }
                    None if out.row(&row, dirt)? => written.mended += u64::from(dirt != Dirt::None),
                    _ => {
                        out.row(&row, Dirt::None)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dirt {
    None,
    FloatCode,
    Spaces,
    NoOwner,
    BadMonth,
    NoNumber,
    ShortCode,
    CutRow,
}

impl Dirt {
    const ALL: [Self; 7] = [
        Self::FloatCode,
        Self::Spaces,
        Self::NoOwner,
        Self::BadMonth,
        Self::NoNumber,
        Self::ShortCode,
        Self::CutRow,
    ];

    /// Why the row is rejected, if it must be.
    fn reason(self) -> Option<&'static str> {
        match self {
            Self::None | Self::FloatCode | Self::Spaces | Self::NoOwner => None,
            Self::BadMonth => Some("invalid_month"),
            Self::NoNumber => Some("not_a_number"),
            Self::ShortCode => Some("invalid_product_code"),
            Self::CutRow => Some("column_count"),
        }
    }
}

struct Row<'a> {
    month: usize,
    region: &'a str,
    hs6: Hs6,
    tail: usize,
    destination: &'static str,
    firm: &'a Firm,
    quantity: u64,
    value: i128,
}

/// A field's place in a column, and the texts its codes are written as.
struct Part {
    field: Field,
    characters: Option<(usize, usize)>,
    texts: BTreeMap<&'static str, String>,
}

struct Column {
    name: String,
    fields: Vec<Part>,
}

/// The files of a year.
struct Out<'a> {
    layout: &'a Layout,
    dialect: Dialect,
    encoding: &'static encoding_rs::Encoding,
    columns: Vec<Column>,
    year: i32,
    /// One, or one a month.
    files: Vec<(PathBuf, BufWriter<NewFile>)>,
    line: String,
}

const PROCESSING: [&str; 3] = ["15", "14", "processing"];

impl<'a> Out<'a> {
    fn new(
        layout_file: &'a LayoutFile,
        dialect: Dialect,
        encoding: &'static encoding_rs::Encoding,
        folder: &Path,
        year: i32,
    ) -> Result<Self, SynthError> {
        let layout = &layout_file.layout;
        let mut columns: Vec<Column> = Vec::new();
        for field in Field::ALL {
            if let Some(spec) = layout.fields.get(&field) {
                add_columns(&mut columns, field, spec, year, true)?;
            }
        }
        let names = file_names(layout_file, year)?;
        let mut files = Vec::new();
        for name in names {
            let path = folder.join(name);
            let file = NewFile::create(&path)
                .map_err(|source| SynthError::Write { path: path.clone(), source })?;
            files.push((path, BufWriter::with_capacity(1 << 18, file)));
        }
        let mut out = Self { layout, dialect, encoding, columns, year, files, line: String::new() };
        let header: Vec<String> = out.columns.iter().map(|column| column.name.clone()).collect();
        for at in 0..out.files.len() {
            out.line.clear();
            for name in &header {
                push_field(&mut out.line, dialect, name);
            }
            out.end_line(at)?;
        }
        Ok(out)
    }

    /// Writes a row with `dirt`; whether this layout can have it.
    fn row(&mut self, row: &Row<'_>, dirt: Dirt) -> Result<bool, SynthError> {
        let is_possible = match dirt {
            Dirt::BadMonth => self.has_column(Field::Month),
            Dirt::NoOwner => {
                let spec = self.layout.fields.get(&Field::Ownership);
                spec.is_some_and(|spec| spec.fallback.is_some())
            }
            _ => true,
        };
        if !is_possible {
            return Ok(false);
        }
        self.line.clear();
        let n = self.columns.len();
        for at in 0..if dirt == Dirt::CutRow { n - 1 } else { n } {
            let text = self.text(at, row, dirt);
            push_field(&mut self.line, self.dialect, &text);
        }
        let file = if self.files.len() == 1 { 0 } else { row.month - 1 };
        self.end_line(file)?;
        Ok(true)
    }

    fn has_column(&self, field: Field) -> bool {
        self.columns.iter().any(|column| column.fields.iter().any(|f| f.field == field))
    }

    fn text(&self, at: usize, row: &Row<'_>, dirt: Dirt) -> String {
        let mut text = String::new();
        for part in &self.columns[at].fields {
            let value = self.value(part, row, dirt);
            match part.characters {
                None => return value,
                Some((first, last)) => {
                    // Parts of a column are ASCII; what lies between them is filled with 1.
                    while text.len() < last {
                        text.push('1');
                    }
                    text.replace_range(first - 1..last, &format!("{value:0>0$}", last + 1 - first));
                }
            }
        }
        text
    }

    fn value(&self, part: &Part, row: &Row<'_>, dirt: Dirt) -> String {
        let coded = |code: &str| part.texts.get(code).cloned().unwrap_or_else(|| code.to_owned());
        match part.field {
            Field::Year => self.year.to_string(),
            Field::Month if dirt == Dirt::BadMonth => "13".to_owned(),
            Field::Month => format!("{:02}", row.month),
            Field::Flow => coded("export"),
            Field::Region if dirt == Dirt::Spaces && part.characters.is_none() => {
                format!(" {} ", row.region)
            }
            Field::Region => row.region.to_owned(),
            Field::Product if dirt == Dirt::ShortCode => "85".to_owned(),
            Field::Product => {
                let digits = self.layout.product.digits;
                let mut code = format!("{}{:0<6}", row.hs6, row.tail * 10);
                code.truncate(digits);
                if self.layout.product.restore_leading_zero && code.starts_with('0') {
                    code.remove(0);
                }
                if dirt == Dirt::FloatCode {
                    code.push_str(".0");
                }
                code
            }
            Field::Destination => coded(row.destination),
            Field::TradeMode if row.firm.is_processing => {
                let texts = PROCESSING.iter().filter_map(|code| part.texts.get(code));
                let text = texts.min_by_key(|text| text.len());
                text.cloned().unwrap_or_else(|| "15".to_owned())
            }
            Field::TradeMode => coded("10"),
            Field::Ownership if dirt == Dirt::NoOwner => String::new(),
            Field::Ownership => coded(row.firm.owner),
            Field::Firm => row.firm.code.clone(),
            Field::FirmName => row.firm.name.clone(),
            Field::Quantity => row.quantity.to_string(),
            Field::QuantityUnit => "kg".to_owned(),
            Field::Value if dirt == Dirt::NoNumber => "#N/A".to_owned(),
            Field::Value if dirt == Dirt::Spaces => format!(" {} ", row.value),
            Field::Value => row.value.to_string(),
        }
    }

    fn end_line(&mut self, file: usize) -> Result<(), SynthError> {
        self.line.pop();
        self.line.push('\n');
        let bytes = self.encoding.encode(&self.line).0;
        let (path, out) = &mut self.files[file];
        out.write_all(&bytes).map_err(|source| SynthError::Write { path: path.clone(), source })
    }

    fn finish(self) -> Result<(), SynthError> {
        for (path, out) in self.files {
            let whole = out.into_inner().map_err(Into::into).and_then(NewFile::keep);
            whole.map_err(|source| SynthError::Write { path, source })?;
        }
        Ok(())
    }
}

fn push_field(line: &mut String, dialect: Dialect, text: &str) {
    let delimiter = char::from(dialect.delimiter);
    match dialect.quote.map(char::from) {
        Some(quote) if text.contains([delimiter, quote]) => {
            line.push(quote);
            line.push_str(&text.replace(quote, &format!("{quote}{quote}")));
            line.push(quote);
        }
        _ => line.push_str(text),
    }
    line.push(delimiter);
}

fn add_columns(
    columns: &mut Vec<Column>,
    field: Field,
    spec: &FieldSpec,
    year: i32,
    is_first: bool,
) -> Result<(), SynthError> {
    if let Origin::Column(names) = &spec.origin {
        let mut texts = BTreeMap::new();
        let codes: &[&'static str] = match field {
            Field::Flow => &["export"],
            Field::Destination => &COUNTRIES,
            Field::TradeMode => &["10", "14", "15", "processing"],
            Field::Ownership => &OWNERS.map(|(owner, _, _)| owner),
            _ => &[],
        };
        for code in codes {
            match raw_of(spec.codes.as_ref(), code, year) {
                Some(text) => {
                    texts.insert(*code, text.to_owned());
                }
                None if field == Field::TradeMode => {}
                None => {
                    let why = format!("the layout has no text for `{code}` of `{field}` in {year}");
                    return Err(SynthError::Asked(why));
                }
            }
        }
        let part = Part { field, characters: spec.characters, texts };
        match columns.iter_mut().find(|column| column.name == names[0]) {
            // What another field writes whole there, such as a firm's code, holds this too.
            Some(column) if is_first => column.fields.push(part),
            Some(_) => {}
            None => columns.push(Column { name: names[0].clone(), fields: vec![part] }),
        }
        // A whole field stands for the parts of it.
        for column in columns.iter_mut() {
            column.fields.sort_by_key(|part| part.characters.is_some());
        }
    }
    match &spec.fallback {
        Some(fallback) => add_columns(columns, field, fallback, year, false),
        None => Ok(()),
    }
}

/// Names that tell what the layout wants to know from them: a file a year, or a month.
fn file_names(layout: &LayoutFile, year: i32) -> Result<Vec<String>, SynthError> {
    let tells = |name: &str, month: Option<usize>| {
        layout.for_file(name).is_ok_and(|layout| {
            let told = |field: Field| match layout.fields.get(&field) {
                Some(FieldSpec { origin: Origin::Constant(text), codes, .. }) => {
                    let code = codes.as_ref().and_then(|codes| codes.by_text.get(text)?.first());
                    Some(code.map_or_else(|| text.clone(), |(_, _, code)| code.clone()))
                }
                _ => None,
            };
            told(Field::Year).is_none_or(|text| text == year.to_string())
                && told(Field::Month).is_none_or(|text| text.parse().ok() == month)
                && told(Field::Flow).is_none_or(|text| text == "export")
        })
    };
    let months = || (1..=12).map(|month| (format!("{year}-{month:02}.csv"), Some(month)));
    for start in ["", "EXP_", "export_"] {
        let name = format!("{start}{year}.csv");
        if tells(&name, None) {
            return Ok(vec![name]);
        }
        if months().all(|(name, month)| tells(&format!("{start}{name}"), month)) {
            return Ok(months().map(|(name, _)| format!("{start}{name}")).collect());
        }
    }
    Err(asked("the layout wants to know more from a file's name than is made up here"))
}

fn truth(
    nation: &Nation,
    regions: &[Place],
    products: &[Hs6],
    cells: &[Cell],
    written: &Written,
    folder: &Path,
) -> Result<(), SynthError> {
    let save = |name: &str, write: &dyn Fn(&mut dyn Write) -> std::io::Result<()>| {
        let path = folder.join(name);
        let failed = |source| SynthError::Write { path: path.clone(), source };
        let mut out = BufWriter::new(NewFile::create(&path).map_err(failed)?);
        let whole = write(&mut out).and_then(|()| out.into_inner()?.keep());
        whole.map_err(failed)
    };
    save("truth.yaml", &|out| {
        let Nation { rows, regions, products, years, dirt, seed } = nation;
        writeln!(out, "# Made up. Parameters of the process behind the records of this folder.")?;
        writeln!(
            out,
            "asked: {{rows: {rows}, regions: {regions}, products: {products}, first_year: {}, last_year: {}, dirt: {dirt}, seed: {seed}}}",
            years.0, years.1
        )?;
        writeln!(
            out,
            "written: {{rows: {}, value: {}, mended: {}, cells: {}, entries: {}}}",
            written.rows,
            written.value,
            written.mended,
            cells.iter().filter(|cell| !cell.is_entry).count(),
            cells.iter().filter(|cell| cell.is_entry).count()
        )?;
        let rejects: Vec<_> = written.rejects.iter().map(|(r, n)| format!("{r}: {n}")).collect();
        writeln!(out, "rejects: {{{}}}", rejects.join(", "))?;
        let of_process =
            [("resistance", RESISTANCE), ("recovery", RECOVERY), ("upgrading", UPGRADING)];
        for (name, c) in of_process {
            writeln!(
                out,
                "{name}: {{constant: {}, density: {}, rebate: {}, foreign: {}, processing: {}}}",
                c[0], c[1], c[2], c[3], c[4]
            )?;
        }
        writeln!(out, "noise: {NOISE}")
    })?;
    save("truth_cells.csv", &|out| {
        writeln!(
            out,
            "region,hs6,value_2008,density,rebate,foreign,processing,resistance,recovery"
        )?;
        for c in cells.iter().filter(|cell| !cell.is_entry) {
            let (region, product) = (&regions[c.region].code, products[c.product]);
            writeln!(
                out,
                "{region},{product},{},{},{},{},{},{},{}",
                c.base, c.density, c.rebate, c.foreign, c.processing, c.resistance, c.recovery
            )?;
        }
        Ok(())
    })?;
    save("truth_entries.csv", &|out| {
        writeln!(out, "region,hs6,density,rebate,foreign,processing")?;
        for c in cells.iter().filter(|cell| cell.is_entry) {
            let (region, product) = (&regions[c.region].code, products[c.product]);
            let Cell { density, rebate, foreign, processing, .. } = c;
            writeln!(out, "{region},{product},{density},{rebate},{foreign},{processing}")?;
        }
        Ok(())
    })?;
    // In two steps, as the rises of those years were.
    save("rebate_rates.csv", &|out| {
        writeln!(out, "hs,rate,valid_from,valid_to")?;
        for &hs6 in products {
            let before = 5 + 2 * of_heading(nation, hs6, 5, 1);
            let rise = REBATE_STEPS[of_heading(nation, hs6, REBATE_STEPS.len(), 0)] as usize;
            let steps = [
                (before, "2007-07-01", "2008-10-31"),
                (before + rise / 2, "2008-11-01", "2009-05-31"),
                (before + rise, "2009-06-01", "2015-12-31"),
            ];
            for (hundredths, from, to) in steps {
                writeln!(out, "{hs6},0.{hundredths:02},{from},{to}")?;
            }
        }
        Ok(())
    })
}
