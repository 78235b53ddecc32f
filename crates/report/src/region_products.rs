//! What regions exported of each product before, at and after the trough of a crisis, of one look at
//! `panel.region_product`: exports by section and product before and after, of all regions and of
//! each, and what of each region fell, came back and entered.

use super::error::ReportError;
use super::products::Products;
use super::source::{Source, money_column, text_column};
use arrow::array::Array;
use lake::{Kind, NO_MONEY, TableVersion};
use serde_json::{Map, Value, json};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

const TABLE: &str = "panel.region_product";
/// A product has a box of its own if it is at least this share of exports before or after: of all
/// regions, and of one.
const SHARE_OF_ALL: f64 = 0.003;
const SHARE_OF_ONE: f64 = 0.01;
/// Products of each list of a region's page.
const LISTED: usize = 6;
/// Rows that memory is taken for at once, whatever the catalog says of their number.
const MOST_AT_ONCE: usize = 4_000_000;

/// What of a region fell most, came back and entered.
const LISTS: [&str; 3] = ["fell", "back", "entered"];

/// Products of each of [`LISTS`], with their change.
type Lists = BTreeMap<&'static str, Vec<Value>>;

/// The lists of each region, by episode.
type Parts = BTreeMap<String, BTreeMap<String, Lists>>;

/// What the report shows of the table.
#[derive(Default)]
pub(super) struct RegionProducts {
    /// By episode and region, products with what was exported before and after, and the rest of
    /// each section; all regions together are the region without a name.
    pub(super) trade: Value,
    /// What of each region fell, came back and entered.
    pub(super) parts: Parts,
    /// The products of these.
    pub(super) listed: BTreeSet<String>,
}

/// Texts, and their numbers in the order in which they came.
#[derive(Default)]
pub(super) struct Codes {
    #[expect(clippy::disallowed_types, reason = "it is looked up, and never gone through")]
    numbers: std::collections::HashMap<String, u32>,
    all: Vec<String>,
    /// The last that was asked for.
    last: u32,
    /// What was asked for after each, the last time: rows of one region follow each other, and a
    /// region's products as those of the one before.
    after: Vec<u32>,
}

/// By how much a product changed, in hundredths, and its number.
type Change = (i128, usize);

impl Codes {
    /// The texts, by their numbers.
    pub(super) fn into_texts(self) -> Vec<String> {
        self.all
    }

    /// The number of a text: a new one if it was not asked for before.
    pub(super) fn number(&mut self, code: &str) -> u32 {
        let before = self.last as usize;
        let likely = self.after.get(before).copied().unwrap_or_default();
        if self.all.get(likely as usize).is_some_and(|of| of == code) {
            self.last = likely;
            return likely;
        }
        self.last = match self.numbers.get(code) {
            Some(&at) => at,
            None => {
                #[expect(clippy::cast_possible_truncation, reason = "codes are few thousand")]
                let at = self.all.len() as u32;
                self.all.push(code.to_owned());
                self.after.push(at);
                self.numbers.insert(code.to_owned(), at);
                at
            }
        };
        if let Some(after) = self.after.get_mut(before) {
            *after = self.last;
        }
        self.last
    }
}

/// Money before and after, in hundredths.
type Sums = [i128; 2];

/// A row: its episode, region and product by number.
#[derive(Clone, Copy)]
struct Row {
    /// Money at the base, at the trough and at the end, in hundredths, or [`NO_MONEY`].
    values: [i128; 3],
    episode: u32,
    region: u32,
    product: u32,
}

impl Row {
    fn place(&self) -> (usize, usize) {
        (self.episode as usize, self.region as usize)
    }

    fn product(&self) -> usize {
        self.product as usize
    }

    /// What was exported before and after; nothing where there is no value.
    fn sums(&self) -> Sums {
        [self.values[0], self.values[2]].map(|of| if of == NO_MONEY { 0 } else { of })
    }

    /// By how much it changed, for each of [`LISTS`] that it may be in.
    fn changes(&self) -> [Option<i128>; 3] {
        let [base, trough, end] = self.values.map(|of| (of != NO_MONEY).then_some(of));
        let between = |from: Option<i128>, to: Option<i128>| Some(to? - from?);
        [
            between(base, trough).filter(|change| *change < 0),
            between(trough, end).filter(|change| *change > 0 && base > Some(0)),
            end.filter(|end| *end > 0 && base == Some(0)),
        ]
    }
}

/// Hundredths as a float, in units.
#[expect(clippy::cast_precision_loss, reason = "as SQL casts money to doubles")]
fn units(hundredths: i128) -> f64 {
    hundredths as f64 / 100.0
}

fn add(sums: &mut Sums, more: Sums) {
    *sums = [sums[0] + more[0], sums[1] + more[1]];
}

/// The products of a place that have a box of their own, and the rest of each section.
#[derive(Default)]
struct Boxes {
    total: Sums,
    products: Vec<(usize, Sums)>,
    rest: BTreeMap<Option<usize>, Sums>,
}

impl Boxes {
    /// Whether a product is so large a share of the place's exports.
    fn is_large(&self, of: Sums, share: f64) -> bool {
        of.into_iter()
            .zip(self.total)
            .any(|(value, total)| value > 0 && units(value) >= share * units(total))
    }

    fn put(
        &mut self,
        product: (usize, Option<usize>),
        section: Option<usize>,
        of: Sums,
        share: f64,
    ) {
        match product.1.filter(|_| self.is_large(of, share)) {
            Some(_) => self.products.push((product.0, of)),
            None => add(self.rest.entry(section).or_default(), of),
        }
    }
}

/// The table as it is gone through.
struct Pass<'p> {
    products: &'p Products,
    episodes: Codes,
    regions: Codes,
    codes: Codes,
    rows: Vec<Row>,
    /// The place of a product among those of the report, and its section, by its number here.
    known: Vec<(Option<usize>, Option<usize>)>,
}

impl<'p> Pass<'p> {
    /// Reads all rows.
    fn of(source: &Source<'_>, products: &'p Products) -> Result<Self, ReportError> {
        let version = source.catalog.tables.get(TABLE);
        let n_rows = usize::try_from(version.map_or(0, TableVersion::rows)).unwrap_or(MOST_AT_ONCE);
        let mut pass = Self {
            products,
            episodes: Codes::default(),
            regions: Codes::default(),
            codes: Codes::default(),
            rows: Vec::with_capacity(n_rows.min(MOST_AT_ONCE)),
            known: Vec::new(),
        };
        let is_money = |name: &str| {
            version.is_some_and(|of| {
                of.columns.iter().any(|c| c.name == name && c.kind == Kind::Money)
            })
        };
        let value = |name: &str| match is_money(name) {
            true => name.to_owned(),
            false => format!("cast({name} as decimal(38, 2)) as {name}"),
        };
        let values = ["base_value", "trough_value", "end_value"];
        let sql = format!(
            "select episode, region_code, product, {} from {TABLE}",
            values.map(value).join(", ")
        );
        source.each(&sql, |batch| {
            let [episode, region, product] = [0, 1, 2].map(|at| text_column(batch, at));
            let (episode, region, product) = (episode?, region?, product?);
            let [base, trough, end] = [3, 4, 5].map(|at| money_column(batch, at));
            let values = [base?, trough?, end?];
            for row in 0..batch.num_rows() {
                pass.rows.push(Row {
                    values: values
                        .map(|of| if of.is_valid(row) { of.value(row) } else { NO_MONEY }),
                    episode: pass.episodes.number(episode.of(row)),
                    region: pass.regions.number(region.of(row)),
                    product: pass.codes.number(product.of(row)),
                });
            }
            Ok(())
        })?;
        let known = |code: &String| {
            let at = products.number(code);
            (at, at.and_then(|at| products.categories.of.get(at).copied()))
        };
        pass.known = pass.codes.all.iter().map(known).collect();
        Ok(pass)
    }

    /// The boxes of each region in each episode, and of all regions.
    fn boxes(&self) -> BTreeMap<(usize, Option<usize>), Boxes> {
        let mut places: BTreeMap<(usize, Option<usize>), Boxes> = BTreeMap::new();
        let mut of_all: BTreeMap<usize, Vec<Option<Sums>>> = BTreeMap::new();
        for rows in self.runs() {
            let at = rows.first().map_or((0, 0), Row::place);
            let place = places.entry((at.0, Some(at.1))).or_default();
            let all = of_all.entry(at.0).or_insert_with(|| vec![None; self.codes.all.len()]);
            for row in rows {
                add(&mut place.total, row.sums());
                add(all[row.product()].get_or_insert_default(), row.sums());
            }
        }
        for rows in self.runs() {
            let at = rows.first().map_or((0, 0), Row::place);
            let place = places.entry((at.0, Some(at.1))).or_default();
            for row in rows {
                let (number, section) = self.known[row.product()];
                place.put((row.product(), number), section, row.sums(), SHARE_OF_ONE);
            }
        }
        for (episode, sums) in of_all {
            let mut place = Boxes::default();
            sums.iter().flatten().for_each(|of| add(&mut place.total, *of));
            for (product, of) in sums.iter().enumerate().filter_map(|(at, of)| Some((at, (*of)?))) {
                let (number, section) = self.known[product];
                place.put((product, number), section, of, SHARE_OF_ALL);
            }
            places.insert((episode, None), place);
        }
        places
    }

    /// Rows of one region and episode that follow each other.
    fn runs(&self) -> impl Iterator<Item = &[Row]> {
        self.rows.chunk_by(|a, b| a.place() == b.place())
    }

    /// The name of a section; what has none stands last.
    fn section(&self, at: Option<usize>) -> (bool, &str) {
        let name = at.and_then(|at| self.products.categories.all.get(at));
        (name.is_none(), name.map_or("", |(name, _)| name))
    }

    /// Exports by section and product, as the page has them: sections and products in the order of
    /// their names and codes.
    fn trade(&self) -> Value {
        let mut episodes: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for ((episode, region), mut place) in self.boxes() {
            let section_of = |product: usize| self.section(self.known[product].1);
            place.products.sort_by(|(a, _), (b, _)| {
                (section_of(*a), &self.codes.all[*a]).cmp(&(section_of(*b), &self.codes.all[*b]))
            });
            let mut rest: Vec<(Option<usize>, Sums)> = place.rest.into_iter().collect();
            rest.sort_by(|(a, _), (b, _)| self.section(*a).cmp(&self.section(*b)));
            let row = |of: Value, sums: Sums| json!([of, units(sums[0]), units(sums[1])]);
            let products: Vec<Value> =
                place.products.iter().map(|(at, of)| row(json!(self.known[*at].0), *of)).collect();
            let rest: Vec<Value> = rest.iter().map(|(at, of)| row(json!(at), *of)).collect();
            let region = region.map_or_else(String::new, |at| self.regions.all[at].clone());
            episodes
                .entry(&self.episodes.all[episode])
                .or_default()
                .insert(region, json!({"products": products, "rest": rest}));
        }
        let shares = json!({"all": SHARE_OF_ALL, "one": SHARE_OF_ONE});
        json!({"shares": shares, "episodes": episodes})
    }

    /// How two changes of a list stand to each other: the larger comes first, and of equal ones the
    /// product with the first code.
    fn order(&self, a: Change, b: Change) -> Ordering {
        let codes = &self.codes.all;
        b.0.abs().cmp(&a.0.abs()).then_with(|| codes[a.1].cmp(&codes[b.1]))
    }

    /// What of each region fell most, came back and entered, and the products of these.
    fn parts(&self) -> (Parts, BTreeSet<String>) {
        let mut most: BTreeMap<(usize, usize), [Vec<Change>; 3]> = BTreeMap::new();
        for rows in self.runs() {
            let at = rows.first().map_or((0, 0), Row::place);
            let lists = most.entry(at).or_default();
            for row in rows {
                for (list, change) in lists.iter_mut().zip(row.changes()) {
                    let Some(change) = change else { continue };
                    let of = (change, row.product());
                    let is_behind = |last: &(i128, usize)| self.order(*last, of).is_lt();
                    if list.len() == LISTED && list.last().is_some_and(is_behind) {
                        continue;
                    }
                    let place = list.partition_point(|known| self.order(*known, of).is_lt());
                    list.insert(place, of);
                    list.truncate(LISTED);
                }
            }
        }
        let mut parts = Parts::new();
        let mut listed = BTreeSet::new();
        for ((episode, region), lists) in most {
            if lists.iter().all(Vec::is_empty) {
                continue;
            }
            let mut of_region = BTreeMap::new();
            for (name, list) in LISTS.into_iter().zip(lists) {
                let row = |(change, product): &(i128, usize)| json!({"product": self.codes.all[*product], "change": units(*change)});
                of_region.insert(name, list.iter().map(row).collect::<Vec<Value>>());
                listed.extend(list.iter().map(|(_, product)| self.codes.all[*product].clone()));
            }
            parts
                .entry(self.episodes.all[episode].clone())
                .or_default()
                .insert(self.regions.all[region].clone(), of_region);
        }
        (parts, listed)
    }
}

/// What the report shows of the table; without it nothing.
pub(super) fn region_products(
    source: &Source<'_>,
    products: &Products,
) -> Result<RegionProducts, ReportError> {
    if !source.has(TABLE) {
        let shares = json!({"all": SHARE_OF_ALL, "one": SHARE_OF_ONE});
        let trade = json!({"shares": shares, "episodes": {}});
        return Ok(RegionProducts { trade, ..RegionProducts::default() });
    }
    let pass = Pass::of(source, products)?;
    let (trade, (parts, listed)) = rayon::join(|| pass.trade(), || pass.parts());
    Ok(RegionProducts { trade, parts, listed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_one_number() {
        let mut codes = Codes::default();
        let found = ["b", "b", "a", "b", "", ""].map(|code| codes.number(code));
        assert_eq!(found, [0, 0, 1, 0, 2, 2]);
        assert_eq!(codes.all, ["b", "a", ""]);
        let again = ["b", "a", "c", "b", "a", "", "b", "c", "a"].map(|code| codes.number(code));
        assert_eq!(again, [0, 1, 3, 0, 1, 2, 0, 3, 1], "whatever came after it before");
    }

    #[test]
    fn a_row_is_in_the_lists_of_what_it_did() {
        let of = |values: [i128; 3]| Row { values, episode: 0, region: 0, product: 0 }.changes();
        assert_eq!(of([500, 200, 300]), [Some(-300), Some(100), None]);
        assert_eq!(of([0, 200, 300]), [None, None, Some(300)], "what entered did not come back");
        assert_eq!(of([0, 0, 0]), [None; 3]);
        assert_eq!(of([NO_MONEY, 200, 300]), [None; 3]);
        assert_eq!(of([500, NO_MONEY, 300]), [None; 3]);
    }

    #[test]
    fn what_is_large_before_or_after_has_a_box() {
        let mut boxes = Boxes { total: [10_000, 20_000], ..Boxes::default() };
        for (product, of) in [[99, 0], [100, 0], [0, 200], [0, 199]].into_iter().enumerate() {
            boxes.put((product, Some(product)), Some(1), of, 0.01);
        }
        boxes.put((9, None), None, [5_000, 0], 0.01);
        assert_eq!(boxes.products, [(1, [100, 0]), (2, [0, 200])]);
        let rest = BTreeMap::from([(None, [5_000, 0]), (Some(1), [99, 199])]);
        assert_eq!(boxes.rest, rest);
    }
}
