//! Tables of cubes that no lake holds.

use super::*;
use crate::cube::Entry;
use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, Float64Type, Int64Type};
use proptest::prelude::*;
use std::path::Path;
use trade::{Frequency, Money};

const DEFAULT: &str = include_str!("../../../../../config/default.yaml");

fn config(text: &str) -> Config {
    let texts = [(Path::new("default.yaml"), DEFAULT), (Path::new("options"), text)];
    Config::of_texts(&texts).expect("a config")
}

/// Two regions, two products, 2008 to 2011; A falls from 200 to 150 and comes back to 240, all
/// fall from 400 to 320 and come back to 480.
fn cube() -> Cube {
    let values = [
        (2008, 0, 0, 100),
        (2008, 0, 1, 60),
        (2008, 0, 1, 40),
        (2008, 1, 1, 200),
        (2009, 0, 0, 70),
        (2009, 0, 1, 80),
        (2009, 1, 1, 170),
        (2010, 0, 0, 1),
        (2010, 1, 0, 1),
        (2011, 0, 0, 120),
        (2011, 0, 1, 120),
        (2011, 1, 1, 240),
    ];
    let entry = |&(period, region, product, units): &(i32, usize, usize, i128)| Entry {
        period,
        region,
        product,
        value: Money::from_hundredths(100 * units),
    };
    let codes = |codes: [&str; 2]| codes.map(str::to_owned).to_vec();
    let all = (codes(["A", "B"]), codes(["p", "q"]));
    Cube::new(all, Frequency::Year, values.iter().map(entry))
}

#[test]
fn a_cube_gives_the_tables_of_the_stage() {
    let tables = tables_of(cube(), &config("")).expect("tables");
    let names: Vec<&str> = tables.iter().map(|table| table.contract.table).collect();
    for name in ["resilience.region", "resilience.region_product", "resilience.region_cycle"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    assert!(!names.contains(&"resilience.unit_value"));
    let regions = tables.iter().find(|table| table.contract.table == "resilience.region");
    let rows = &regions.expect("regions").rows[0];
    let column = |name: &str| rows.column_by_name(name).expect("a column");
    assert_eq!(column("benchmark").as_string::<i32>().value(0), "aggregate");
    assert_eq!(column("region_code").as_string::<i32>().value(0), "A");
    assert_eq!(column("base_value").as_primitive::<Decimal128Type>().value(0), 20_000);
    // -50 where -0.2 x 200 = -40 is expected; 90 where 0.5 x 150 = 75 is.
    let index = |name: &str| column(name).as_primitive::<Float64Type>().value(0);
    assert!((index("resistance") - (-10.0 / 40.0)).abs() < 1e-12);
    assert!((index("recovery") - 15.0 / 75.0).abs() < 1e-12);
    assert_eq!(rows.num_rows(), 4, "two regions against two benchmarks");
}

#[test]
fn what_a_cube_does_not_have_is_said() {
    let error = |text: &str| tables_of(cube(), &config(text)).expect_err("a fault").to_string();
    let later = "resilience: {episodes: [{name: x, base: 2008, trough: 2009, end: 2012}]}";
    assert!(error(later).contains("year 2012 is not in the data"), "{}", error(later));
    let months = "aggregate: {months: true}\nresilience: {episodes: [{name: x, base: 2008-01, trough: 2008-03, \
                  end: 2008-09}]}";
    assert!(error(months).contains("a period of it is a month, one of the data a year"));
    let reference = "resilience: {region_benchmarks: [aggregate, reference]}";
    assert!(error(reference).contains("as its table `reference`"));
}

/// A cube of regions and products in hundredths, by year, region and product.
fn cube_of(regions: &[&str], products: &[&str], cells: &[(i32, usize, usize, i128)]) -> Cube {
    let codes = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect();
    let entry = |&(period, region, product, hundredths): &(i32, usize, usize, i128)| Entry {
        period,
        region,
        product,
        value: Money::from_hundredths(hundredths),
    };
    Cube::new((codes(regions), codes(products)), Frequency::Year, cells.iter().map(entry))
}

fn made(cube: Cube, text: &str) -> Vec<MadeTable> {
    tables_of(cube, &config(text)).expect("tables")
}

fn rows<'t>(tables: &'t [MadeTable], name: &str) -> Vec<&'t RecordBatch> {
    let is_named = |table: &&MadeTable| table.contract.table == name;
    tables.iter().filter(is_named).flat_map(|table| &table.rows).collect()
}

fn floats(tables: &[MadeTable], table: &str, column: &str) -> Vec<Option<f64>> {
    let of = |batch: &&RecordBatch| -> Vec<Option<f64>> {
        let column = batch.column_by_name(column).expect("a column");
        column.as_primitive::<Float64Type>().iter().collect()
    };
    rows(tables, table).iter().flat_map(of).collect()
}

fn texts(tables: &[MadeTable], table: &str, column: &str) -> Vec<Option<String>> {
    let of = |batch: &&RecordBatch| -> Vec<Option<String>> {
        let column = batch.column_by_name(column).expect("a column");
        column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
    };
    rows(tables, table).iter().flat_map(of).collect()
}

fn counts(tables: &[MadeTable], table: &str, column: &str) -> Vec<Option<i64>> {
    let of = |batch: &&RecordBatch| -> Vec<Option<i64>> {
        let column = batch.column_by_name(column).expect("a column");
        column.as_primitive::<Int64Type>().iter().collect()
    };
    rows(tables, table).iter().flat_map(of).collect()
}

/// The rows for which columns of texts are these.
fn places(tables: &[MadeTable], table: &str, where_is: &[(&str, &str)]) -> Vec<usize> {
    let columns: Vec<(Vec<Option<String>>, &str)> =
        where_is.iter().map(|(column, is)| (texts(tables, table, column), *is)).collect();
    let n = columns.first().map_or(0, |(texts, _)| texts.len());
    let is_meant =
        |row: &usize| columns.iter().all(|(texts, is)| texts[*row].as_deref() == Some(*is));
    (0..n).filter(is_meant).collect()
}

/// The only such row.
fn place(tables: &[MadeTable], table: &str, where_is: &[(&str, &str)]) -> usize {
    let places = places(tables, table, where_is);
    assert_eq!(places.len(), 1, "{where_is:?} of {table}");
    places[0]
}

#[track_caller]
fn near(found: Option<f64>, expected: f64) {
    let found = found.expect("a number");
    assert!(
        (found - expected).abs() <= 1e-9 * expected.abs().max(1.0),
        "{found} is not {expected}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// What values are counted in changes no index: the mean of a base is not rounded.
    #[test]
    fn a_base_of_two_years_has_no_scale(
        values in prop::collection::vec(1i128..60, 20),
    ) {
        let text = "resilience: {bootstrap_replicates: 30, near_zero: 0.0123, \
                    product_benchmarks: [aggregate, product, product_loo], \
                    region_benchmarks: [aggregate, mix, aggregate_loo, mix_loo], \
                    episodes: [{name: x, base: [2007, 2008], trough: 2009, end: 2011}]}";
        let of = |scale: i128| {
            let cell = |(at, value): (usize, &i128)| {
                let year = 2007 + i32::try_from(at / 4).expect("a year");
                (year, at % 4 / 2, at % 2, scale * value)
            };
            let cells: Vec<_> = values.iter().enumerate().map(cell).collect();
            made(cube_of(&["A", "B"], &["p", "q"], &cells), text)
        };
        let (one, other) = (of(1), of(1000));
        for (table, column) in [
            ("resilience.region", "resistance"),
            ("resilience.region", "recovery"),
            ("resilience.region", "resistance_low"),
            ("resilience.region_product", "resistance"),
            ("resilience.product", "resistance_diff"),
            ("resilience.nation", "resistance_growth"),
            ("resilience.component", "largest_gap_relative"),
            ("resilience.transformation", "michaely"),
        ] {
            let (one, other) = (floats(&one, table, column), floats(&other, table, column));
            prop_assert!(one.iter().any(Option::is_some), "{} {}", table, column);
            prop_assert_eq!(one.len(), other.len());
            for (a, b) in one.iter().zip(&other) {
                let is_same = match (a, b) {
                    (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * (1.0 + b.abs()),
                    (a, b) => a.is_none() && b.is_none(),
                };
                prop_assert!(is_same, "{} {}: {:?} is not {:?}", table, column, a, b);
            }
        }
        let parts = [&one, &other].map(|of| floats(of, "resilience.shift_share", "competitive"));
        for (a, b) in parts[0].iter().zip(&parts[1]) {
            let (a, b) = (a.expect("a part"), b.expect("a part"));
            prop_assert!((1000.0 * a - b).abs() < 1e-9 * (1.0 + b.abs()), "{} {}", a, b);
        }
    }
}

/// Regions that are shares of one path are as expected of all, and alike, whatever rounding says.
#[test]
fn regions_that_grow_as_the_nation_are_as_expected() {
    let path = [1010, 1070, 1130, 990, 1030, 1210];
    let cells: Vec<_> = (2006..)
        .zip(path)
        .flat_map(|(year, value)| {
            [1, 3, 7].into_iter().enumerate().map(move |(region, k)| (year, region, 0, k * value))
        })
        .collect();
    let text = "resilience: {region_benchmarks: [aggregate, aggregate_loo]}";
    let tables = made(cube_of(&["A", "B", "C"], &["p"], &cells), text);
    let types = texts(&tables, "resilience.region", "type");
    assert_eq!(types.len(), 6);
    assert!(types.iter().all(|of| of.as_deref() == Some("resistant_recovering")), "{types:?}");
    for column in ["resistance", "recovery_diff", "resistance_dlog"] {
        assert_eq!(floats(&tables, "resilience.region", column), [Some(0.0); 6], "{column}");
    }
    for (table, column) in [
        ("resilience.rank", "rank"),
        ("resilience.robustness", "rank_low"),
        ("resilience.robustness", "rank_high"),
        ("resilience.composite_rank", "rank"),
        ("resilience.composite_rank", "rank_low"),
        ("resilience.composite_rank", "rank_high"),
    ] {
        let found = floats(&tables, table, column);
        assert!(!found.is_empty() && found.iter().all(|of| *of == Some(2.0)), "{table} {found:?}");
    }
    let n_above = counts(&tables, "resilience.robustness", "n_above");
    assert!(n_above.iter().all(|n| *n == Some(2)), "{n_above:?}");
    let n_below = counts(&tables, "resilience.component", "n_periods_below");
    assert!(n_below.iter().all(|n| *n == Some(0)), "{n_below:?}");
}

#[test]
fn a_mean_is_shown_rounded() {
    let cells =
        [(2007, 0, 0, 3), (2008, 0, 0, 4), (2009, 0, 0, 3), (2011, 0, 0, 3), (2010, 0, 0, 3)];
    let more = [(2007, 0, 1, 3), (2008, 0, 1, 4)];
    let text = "resilience: {episodes: [{name: x, base: [2007, 2008], trough: 2009, end: 2011}]}";
    let tables = made(cube_of(&["A"], &["p", "q"], &[&cells[..], &more].concat()), text);
    let money = |table: &str| {
        let batch = rows(&tables, table)[0];
        batch
            .column_by_name("base_value")
            .expect("a column")
            .as_primitive::<Decimal128Type>()
            .value(0)
    };
    // 3.5 hundredths of each product are 4; both are 7.
    assert_eq!((money("resilience.region_product"), money("resilience.region")), (4, 7));
}

/// What four regions export in one product each, and the first in another: the nation falls by a
/// tenth.
fn four_regions() -> Cube {
    let of = |year: i32, values: [i128; 5]| {
        let at = [(0, 0), (0, 1), (1, 0), (2, 0), (3, 0)];
        at.into_iter().zip(values).map(move |((region, product), v)| (year, region, product, v))
    };
    let cells: Vec<_> = of(2008, [5000, 5000, 10_000, 10_000, 10_000])
        .chain(of(2009, [4000, 5500, 9500, 9000, 8000]))
        .chain(of(2010, [4000, 5500, 9500, 9000, 8000]))
        .chain(of(2011, [4500, 5500, 9600, 9800, 9000]))
        .collect();
    cube_of(&["A", "B", "C", "D"], &["p", "q"], &cells)
}

#[test]
fn all_that_have_an_index_are_ranked() {
    let tables = made(four_regions(), "");
    let of =
        places(&tables, "resilience.rank", &[("benchmark", "aggregate"), ("stage", "resistance")]);
    let ranks = floats(&tables, "resilience.rank", "rank");
    let found: Vec<Option<f64>> = of.iter().map(|row| ranks[*row]).collect();
    assert_eq!(found, [1.5, 1.5, 3.0, 4.0].map(Some));
    let count = |column: &str| counts(&tables, "resilience.rank", column)[of[0]];
    assert_eq!(
        (count("n_ranked"), count("n_drawn"), count("n_top")),
        (Some(4), Some(1), Some(1)),
        "the first alone has two products"
    );
    let text = |column: &str| {
        let texts = texts(&tables, "resilience.rank", column);
        of.iter().map(|row| texts[*row].clone().unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(text("source"), ["products", "", "", ""]);
    assert_eq!(text("null_reason"), ["", "no_interval", "no_interval", "no_interval"]);
    let high = floats(&tables, "resilience.rank", "rank_high")[of[0]];
    assert!(high.is_some_and(|high| (1.0..=4.0).contains(&high)), "among all: {high:?}");
    assert!(texts_of_pairs(&tables).is_empty(), "nothing is drawn of the other of a pair");
    // Without replicates it is said so.
    let tables = made(four_regions(), "resilience: {bootstrap_replicates: 0}");
    assert_eq!(floats(&tables, "resilience.rank", "rank")[of[0]], Some(1.5));
    let why = texts(&tables, "resilience.rank", "null_reason");
    assert_eq!(why[of[0]].as_deref(), Some("no_replicates"));
}

fn texts_of_pairs(tables: &[MadeTable]) -> Vec<Option<String>> {
    texts(tables, "resilience.rank_pair", "region_a")
}

/// A and C have no index where two of four draws are of the product that is expected to grow; B has
/// the same index in all, below that of A.
#[test]
fn regions_that_are_least_certain_are_drawn_among_the_others() {
    let of = [
        (0, 0, 100, 112),
        (0, 1, 100, 88),
        (0, 2, 100, 92),
        (0, 3, 100, 91),
        (1, 1, 100, 91),
        (1, 2, 100, 91),
        (2, 0, 900, 988),
        (2, 1, 800, 721),
        (2, 2, 800, 717),
        (2, 3, 900, 809),
    ];
    let years = |(region, product, before, after): (usize, usize, i128, i128)| {
        let values = [before, after, after, after];
        (2008..).zip(values).map(move |(year, value)| (year, region, product, 100 * value))
    };
    let cells: Vec<_> = of.into_iter().flat_map(years).collect();
    let cube = cube_of(&["A", "B", "C"], &["p", "q", "r", "s"], &cells);
    let tables = made(cube, "resilience: {near_zero: 0.01}");
    let keys = [("benchmark", "mix"), ("stage", "resistance")];
    let of = places(&tables, "resilience.rank", &keys);
    let all = |column: &str| {
        let found = floats(&tables, "resilience.rank", column);
        of.iter().map(|row| found[*row]).collect::<Vec<_>>()
    };
    // 3 more than -20, 2 more than -20, 5 less than -160.
    for (found, expected) in all("index").into_iter().zip([0.15, 0.1, -5.0 / 160.0]) {
        near(found, expected);
    }
    assert_eq!(all("rank_low"), [None, Some(1.0), None], "A is often below B");
    assert_eq!(all("rank_high"), [None, Some(2.0), None]);
    let p_top = all("p_top_quarter")[1].expect("a probability");
    assert!(p_top > 0.1 && p_top < 0.9, "{p_top}");
    let why = texts(&tables, "resilience.rank", "null_reason");
    let why: Vec<_> = of.iter().map(|row| why[*row].as_deref()).collect();
    assert_eq!(why, [Some("no_interval"), None, Some("no_interval")]);
    assert_eq!(counts(&tables, "resilience.rank", "n_drawn")[of[0]], Some(3));
    let pairs = places(&tables, "resilience.rank_pair", &keys);
    assert!(pairs.is_empty(), "one region alone is sure");
}

#[test]
fn ranks_against_a_short_past_have_no_interval_of_products_alone() {
    let tables = made(lines_from(2004, &["p", "q"]), OWN_LINEAR);
    for stage in ["resistance", "recovery"] {
        let keys = [("benchmark", "own_linear"), ("stage", stage), ("region_code", "A")];
        let row = place(&tables, "resilience.rank", &keys);
        let text = |column: &str| texts(&tables, "resilience.rank", column)[row].clone();
        assert_eq!(text("null_reason").as_deref(), Some("too_few_periods"));
        assert_eq!(text("source"), None);
        assert!(floats(&tables, "resilience.rank", "rank")[row].is_some());
        assert_eq!(floats(&tables, "resilience.rank", "rank_low")[row], None);
        let keys = [&keys[..], &[("source", "products")]].concat();
        let row = place(&tables, "resilience.interval", &keys);
        assert!(floats(&tables, "resilience.interval", "low")[row].is_some(), "products are sure");
    }
    let own = [("benchmark", "own_linear")];
    assert!(places(&tables, "resilience.rank_pair", &own).is_empty());
}

/// One region whose exports were on a line of 10 a year, from 100 in 2000 to 180 in 2008, and one
/// whose exports were not; one product each, or two of halves.
fn lines(products: &[&str]) -> Cube {
    lines_from(2000, products)
}

/// The same from a later year on.
fn lines_from(first: i32, products: &[&str]) -> Cube {
    let exact = [100, 110, 120, 130, 140, 150, 160, 170, 180, 150, 170, 200];
    let rough = [100, 118, 117, 137, 139, 157, 155, 176, 181, 160, 165, 190];
    let mut cells = Vec::new();
    for (region, of) in [exact, rough].iter().enumerate() {
        for (year, value) in (2000_i32..).zip(of).filter(|(year, _)| *year >= first) {
            for product in 0..products.len() {
                // Products fall by other shares, and make up the same sums.
                let share = [500, 500][product] + [-100, 100][product] * i128::from(year - 2008);
                let share = if products.len() == 1 { 1000 } else { share.clamp(100, 900) };
                cells.push((year, region, product, 100 * value * share));
            }
        }
    }
    cube_of(&["A", "B"], products, &cells)
}

const OWN_LINEAR: &str = "resilience: {region_benchmarks: [aggregate, own_linear]}";

#[test]
fn the_counterfactual_of_an_exact_line_is_known() {
    let tables = made(lines(&["p"]), OWN_LINEAR);
    let interval = |region: &str, stage: &str, source: &str| {
        let keys = [("benchmark", "own_linear"), ("stage", stage), ("region_code", region)];
        let row =
            place(&tables, "resilience.interval", &[&keys[..], &[("source", source)]].concat());
        let of = |column: &str| floats(&tables, "resilience.interval", column)[row];
        let n = counts(&tables, "resilience.interval", "n_replicates")[row];
        let why = texts(&tables, "resilience.interval", "null_reason")[row].clone();
        (of("low"), of("high"), n, why)
    };
    // 150 where 190 is expected, 10 more than the base; then 50 more where 20/190 of 150 are.
    for (stage, index) in [("resistance", -4.0), ("recovery", 50.0 / (150.0 * 20.0 / 190.0) - 1.0)]
    {
        let (low, high, n, why) = interval("A", stage, "counterfactual");
        near(low, index);
        near(high, index);
        assert_eq!((n, why), (Some(500), None));
        let (low, high, _, why) = interval("A", stage, "both");
        assert_eq!((low, high, why.as_deref()), (None, None, Some("one_product")));
    }
    let row =
        place(&tables, "resilience.region", &[("benchmark", "own_linear"), ("region_code", "B")]);
    let index = floats(&tables, "resilience.region", "resistance")[row].expect("an index");
    let (low, high, ..) = interval("B", "resistance", "counterfactual");
    let (low, high) = (low.expect("an end"), high.expect("an end"));
    assert!(low < index && index < high, "{low} to {high} around {index}");
    // Regions without two products are ranked by what is left.
    let keys = [("benchmark", "own_linear"), ("stage", "resistance"), ("region_code", "B")];
    let row = place(&tables, "resilience.rank", &keys);
    let source = texts(&tables, "resilience.rank", "source")[row].clone();
    assert_eq!(source.as_deref(), Some("counterfactual"));
    assert_eq!(texts_of_pairs(&tables).len(), 2, "one a stage");
}

#[test]
fn paths_have_intervals_against_the_own_past() {
    let tables = made(lines(&["p"]), OWN_LINEAR);
    let component = |benchmark: &str, region: &str, column: &str| {
        let keys = [("benchmark", benchmark), ("region_code", region)];
        floats(&tables, "resilience.component", column)
            [place(&tables, "resilience.component", &keys)]
    };
    // 40 below in the first year; 1000 times as much are the values.
    for column in ["largest_gap", "largest_gap_low", "largest_gap_high"] {
        near(component("own_linear", "A", column), 40_000.0);
        assert!(component("own_linear", "B", column).is_some());
    }
    let composite = component("own_linear", "A", "composite").expect("a composite");
    near(component("own_linear", "A", "composite_low"), composite);
    near(component("own_linear", "A", "composite_high"), composite);
    assert!(
        component("own_linear", "B", "largest_gap_low")
            < component("own_linear", "B", "largest_gap_high")
    );
    assert_eq!(component("aggregate", "A", "largest_gap_low"), None);
    let keys = [("benchmark", "aggregate"), ("region_code", "A")];
    let row = place(&tables, "resilience.component", &keys);
    let why = texts(&tables, "resilience.component", "interval_null_reason")[row].clone();
    assert_eq!(why.as_deref(), Some("not_own_past"));
}

#[test]
fn a_short_past_does_not_say_how_sure_its_path_is() {
    for (first, products, is_sure) in
        [(2005, &["p"][..], false), (2004, &["p", "q"][..], false), (2003, &["p", "q"][..], true)]
    {
        let tables = made(lines_from(first, products), OWN_LINEAR);
        let why = texts(&tables, "resilience.interval", "null_reason");
        let n = counts(&tables, "resilience.interval", "n_replicates");
        let n_without = usize::from(products.len() == 1);
        for source in ["both", "counterfactual"].into_iter().skip(n_without) {
            let keys = [
                ("benchmark", "own_linear"),
                ("stage", "resistance"),
                ("region_code", "A"),
                ("source", source),
            ];
            let row = place(&tables, "resilience.interval", &keys);
            let expected = (!is_sure).then_some("too_few_periods");
            assert_eq!((why[row].as_deref(), n[row]), (expected, Some(500)), "{first} {source}");
        }
        let keys = [("benchmark", "own_linear"), ("region_code", "A")];
        let row = place(&tables, "resilience.component", &keys);
        let why = texts(&tables, "resilience.component", "interval_null_reason");
        assert_eq!(why[row].is_none(), is_sure, "{first}");
        let low = floats(&tables, "resilience.component", "largest_gap_low");
        assert_eq!(low[row].is_some(), is_sure, "{first}");
        // The prediction interval of the level is by Student's t, however short the past is.
        let keys = [("benchmark", "own_linear"), ("region_code", "A"), ("period", "2009")];
        let row = place(&tables, "resilience.region_period", &keys);
        assert!(floats(&tables, "resilience.region_period", "expected_high")[row].is_some());
    }
}

#[test]
fn products_and_residuals_are_drawn_together() {
    let tables = made(lines(&["p", "q"]), OWN_LINEAR);
    let width = |source: &str| {
        let keys = [("benchmark", "own_linear"), ("stage", "recovery"), ("region_code", "B")];
        let row =
            place(&tables, "resilience.interval", &[&keys[..], &[("source", source)]].concat());
        let of = |column: &str| floats(&tables, "resilience.interval", column)[row];
        (of("low").expect("an end"), of("high").expect("an end"))
    };
    let [both, counterfactual, products] = ["both", "counterfactual", "products"].map(width);
    assert!(both.0 < counterfactual.0 && both.1 > counterfactual.1, "{both:?} {counterfactual:?}");
    let row =
        place(&tables, "resilience.region", &[("benchmark", "own_linear"), ("region_code", "B")]);
    let of = |column: &str| floats(&tables, "resilience.region", column)[row];
    assert_eq!((of("recovery_low"), of("recovery_high")), (Some(products.0), Some(products.1)));
    // A line that fits exactly leaves the draws of products alone.
    let keys = [("benchmark", "own_linear"), ("stage", "recovery"), ("region_code", "A")];
    let exact = |source: &str| {
        let row =
            place(&tables, "resilience.interval", &[&keys[..], &[("source", source)]].concat());
        floats(&tables, "resilience.interval", "low")[row].expect("an end")
    };
    assert!(exact("both") <= exact("products") + 1e-9, "its tails are those of few residuals");
    // Against others there is none of the own past.
    let of_others = [("benchmark", "aggregate"), ("source", "both")];
    assert!(places(&tables, "resilience.interval", &of_others).is_empty());
    let row = place(&tables, "resilience.rank", &keys);
    assert_eq!(texts(&tables, "resilience.rank", "source")[row].as_deref(), Some("both"));
}

#[test]
fn composites_are_ranked_under_other_weights() {
    let tables = made(four_regions(), "");
    let of = places(&tables, "resilience.composite_rank", &[("benchmark", "aggregate")]);
    assert_eq!(of.len(), 4);
    let all = |column: &str| {
        let found = floats(&tables, "resilience.composite_rank", column);
        of.iter().map(|row| found[*row].expect("a number")).collect::<Vec<_>>()
    };
    let (composites, ranks) = (all("composite"), all("rank"));
    for (a, rank_a) in composites.iter().zip(&ranks) {
        let mut above = composites.iter().zip(&ranks).filter(|(b, _)| *b > a);
        assert!(above.all(|(_, rank_b)| rank_b < rank_a));
    }
    for ((low, median), high) in
        all("rank_low").iter().zip(all("rank_median")).zip(all("rank_high"))
    {
        assert!(1.0 <= *low && *low <= median && median <= high && high <= 4.0);
    }
    // D fell most, lost most and ended lowest: it is last whatever weighs.
    near(Some(all("rank_low")[3]), 4.0);
    let tables = made(four_regions(), "resilience: {weight_draws: 0}");
    let why = texts(&tables, "resilience.composite_rank", "null_reason");
    assert!(why.iter().all(|why| why.as_deref() == Some("no_draws")), "{why:?}");
}

#[test]
fn a_break_may_be_in_any_of_the_years_before() {
    let values = [100, 104, 110, 113, 119, 126, 129, 137, 142, 149, 155, 101, 107, 112];
    let cells: Vec<_> = (1998..).zip(values).map(|(year, value)| (year, 0, 0, value)).collect();
    let tables = made(cube_of(&["A"], &["p"], &cells), "");
    let text = |column: &str| texts(&tables, "resilience.shock_date", column)[0].clone();
    assert_eq!(text("period").as_deref(), Some("2009"));
    assert_eq!(text("first_candidate").as_deref(), Some("2001"));
    assert_eq!(text("last_candidate").as_deref(), Some("2009"));
    assert_eq!(counts(&tables, "resilience.shock_date", "n_periods"), [Some(14)]);
}

#[test]
fn a_short_past_has_no_trend_of_its_own() {
    let text = "resilience: {region_benchmarks: [aggregate, own_trend], \
                product_benchmarks: [aggregate, own_trend]}";
    let tables = made(cube(), text);
    for table in ["resilience.region", "resilience.region_product"] {
        let why = texts(&tables, table, "resistance_null_reason");
        for row in places(&tables, table, &[("benchmark", "own_trend")]) {
            assert_eq!(why[row].as_deref(), Some("too_few_periods"), "{table}");
        }
    }
}

#[test]
fn signs_of_gaps_are_said() {
    for (table, column, sign) in [
        ("resilience.component", "largest_gap", "expected less found"),
        ("resilience.placebo", "gap", "found less expected"),
        ("resilience.placebo", "placebo_gap", "found less expected"),
    ] {
        let contracts = contracts();
        let contract = contracts.iter().find(|of| of.table == table).expect("a table");
        let column = contract.columns.iter().find(|of| of.name == column).expect("a column");
        assert!(column.about.contains(sign), "{}", column.about);
    }
}
