//! What looks misread in a table of values: totals among their parts, several levels of codes in
//! one table, lost zeros, labels without a value.
//!
//! A table is seen as cells: a row, a column and a period, by their places, and a value. Rows and
//! columns have labels. Findings are of rows first, and in an order that depends on the cells alone.
//! Time and memory are linear in cells and in labels times periods, but for what bounded fits of at
//! most a hundred labels need.
//!
//! ```
//! use trade::plausibility::{Axis, Cell, Cells, Dimension, Findings, Kind};
//! let regions = ["W00", "AUS", "NZL"].map(str::to_owned);
//! let products = ["010110", "020110"].map(str::to_owned);
//! let values = [[30.0, 7.0], [10.0, 5.0], [20.0, 2.0]];
//! let cells = (0..3).flat_map(|row| (0..2).map(move |column| (row, column)));
//! let cells = cells.map(|(row, column)| Cell { row, column, period: 0, value: values[row][column] });
//! let found = Findings::of(&Cells {
//!     rows: Axis::new(Dimension::Region, &regions),
//!     columns: Axis::new(Dimension::Product, &products),
//!     n_periods: 1,
//!     cells,
//! });
//! let total = found.iter().next().unwrap();
//! assert_eq!((total.kind, total.name.as_str()), (Kind::TotalAmongParts, "W00"));
//! ```

mod codes;
mod finding;
mod side;
mod subtotals;
mod totals;

pub use self::finding::{Dimension, Finding, Kind, Part, RowCounts, shown};
pub use self::side::{Axis, Cell, Cells, LabelSum, PeriodSums};
pub use self::totals::is_named_total;

use self::side::{Place, Seen, Side};

/// What is found in a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Looks at a table.
    pub fn of<C: Iterator<Item = Cell> + Clone>(table: &Cells<'_, C>) -> Self {
        let (mut rows, mut columns) = sides(table);
        for cell in table.each() {
            rows.add(cell);
            columns.add(cell);
        }
        Self::of_sides([&rows, &columns], table)
    }

    /// Looks at a table of which it is known what its labels come to in each period. Its cells are
    /// gone through only where a label may be a total, or where there are few labels. What is found is
    /// what [`Self::of`] finds.
    pub fn of_sums<C: Iterator<Item = Cell> + Clone>(
        table: &Cells<'_, C>,
        periods: &[PeriodSums],
    ) -> Self {
        let (mut rows, mut columns) = sides(table);
        for (period, sums) in periods.iter().enumerate() {
            sums.rows.iter().for_each(|&sum| rows.put(period, sum));
            sums.columns.iter().for_each(|&sum| columns.put(period, sum));
        }
        Self::of_sides([&rows, &columns], table)
    }

    fn of_sides<C: Iterator<Item = Cell> + Clone>(
        sides: [&Side<'_>; 2],
        table: &Cells<'_, C>,
    ) -> Self {
        let mut found = Vec::new();
        for side in sides {
            let nested = codes::nested_levels(side);
            let is_out = nested.as_ref().map_or(&[][..], |nested| &nested.is_upper);
            found.extend(totals::totals(side, is_out, table));
            found.extend(codes::mixed_lengths(side, nested.as_ref()));
            found.extend(nested.map(|nested| nested.finding));
            found.extend(all_zero(side));
        }
        Self(found)
    }

    /// What is found, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.0.iter()
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The sides of a table: its rows and its columns, still without sums.
fn sides<'a, C>(table: &Cells<'a, C>) -> (Side<'a>, Side<'a>) {
    let (n_rows, n_columns) = (table.rows.labels.len(), table.columns.labels.len());
    let rows = Side::new(table.rows, table.n_periods, n_columns, Place::Row);
    (rows, Side::new(table.columns, table.n_periods, n_rows, Place::Column))
}

/// Labels all of whose values are zero.
fn all_zero(side: &Side<'_>) -> Option<Finding> {
    let zeros = (0..side.n_labels()).filter(|&label| side.cells[label] == Seen::Zeros);
    let zeros: Vec<&str> = zeros.map(|label| side.axis.labels[label].as_str()).collect();
    if zeros.is_empty() {
        return None;
    }
    let (n, dimension) = (zeros.len(), side.axis.dimension);
    let some = &zeros[..n.min(3)];
    let quoted: Vec<String> = some.iter().map(|label| shown(label)).collect();
    let said = format!(
        "{n} of {} {dimension}s have no value but zero ({}{}): they count as not exported; if they should have values, \
         look at the column of values",
        side.n_labels(),
        quoted.join(", "),
        if n > 3 { " and others" } else { "" }
    );
    let part = Part { value: 0.0, whole: side.whole() };
    Some(Finding::new(Kind::AllZero, dimension, some.join(", "), n, part).saying(said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn owned(labels: &[&str]) -> Vec<String> {
        labels.iter().map(|&label| label.to_owned()).collect()
    }

    /// What is found in a table of one period, row after row.
    fn found(regions: &[&str], products: &[&str], values: &[f64]) -> Vec<Finding> {
        let (regions, products) = (owned(regions), owned(products));
        let n = products.len();
        let cell =
            |(at, &value): (usize, &f64)| Cell { row: at / n, column: at % n, period: 0, value };
        let table = Cells {
            rows: Axis::new(Dimension::Region, &regions),
            columns: Axis::new(Dimension::Product, &products),
            n_periods: 1,
            cells: values.iter().enumerate().map(cell),
        };
        Findings::of(&table).into_iter().collect()
    }

    /// Kind, name, number and value of what is found.
    fn facts(found: &[Finding]) -> Vec<(Kind, &str, usize, f64)> {
        found.iter().map(|of| (of.kind, of.name.as_str(), of.n, of.value)).collect()
    }

    #[test]
    fn a_region_that_is_the_sum_of_the_others_is_found() {
        let values = [30.0, 7.0, 10.0, 5.0, 20.0, 2.0];
        let found = found(&["W00", "AUS", "NZL"], &["010110", "020110"], &values);
        assert_eq!(facts(&found), [(Kind::TotalAmongParts, "W00", 2, 37.0)]);
        assert!((found[0].share - 0.5).abs() < 1e-12);
        assert_eq!(
            found[0].to_string(),
            "region `W00` is the sum of the other 2 regions (50.0 % of the value): leave it out, in a layout by `rules` \
             and `exclude`, in `measure`, `resilience` and `estimate` by --where"
        );
    }

    #[test]
    fn two_totals_beside_each_other_are_both_found() {
        let values = [12.0, 1.0, 2.0, 4.0, 5.0, 12.0];
        let found = found(&["E27", "AUT", "BEL", "CHE", "DEU", "EUR"], &["010110"], &values);
        let expected =
            [(Kind::TotalAmongParts, "E27", 4, 12.0), (Kind::TotalAmongParts, "EUR", 4, 12.0)];
        assert_eq!(facts(&found), expected);
    }

    #[test]
    fn two_labels_of_one_value_are_no_total() {
        assert_eq!(found(&["a", "b"], &["x"], &[5.0, 5.0]), []);
        assert_eq!(found(&["a", "b", "c"], &["x"], &[5.0, 5.0, 5.0]), []);
        assert_eq!(found(&["a", "b", "c", "d"], &["x"], &[5.0, 5.0, 2.0, 3.0]), []);
    }

    #[test]
    fn a_region_that_exports_as_much_as_the_others_in_all_is_no_total() {
        // In all 9 and 4 + 5, but not by product.
        let values = [9.0, 0.0, 1.0, 3.0, 2.0, 3.0];
        assert_eq!(found(&["a", "b", "c"], &["010110", "020110"], &values), []);
    }

    #[test]
    fn a_total_of_some_periods_only_is_found() {
        let regions = owned(&["a", "b", "t"]);
        let products = owned(&[""]);
        let cell = |row, period, value| Cell { row, column: 0, period, value };
        let table = |last: f64| {
            let cells = [
                cell(0, 0, 1.0),
                cell(1, 0, 2.0),
                cell(0, 1, 3.0),
                cell(1, 1, 4.0),
                cell(2, 1, last),
            ];
            let found = Findings::of(&Cells {
                rows: Axis::new(Dimension::Region, &regions),
                columns: Axis::new(Dimension::Product, &products),
                n_periods: 2,
                cells: cells.iter().copied(),
            });
            found.iter().map(|of| of.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(table(7.0), ["t"]);
        assert_eq!(table(7.1), [""; 0]);
    }

    #[test]
    fn a_total_by_name_need_not_be_exact() {
        let regions = ["Welt", "AUS", "NZL"];
        let values = [30.0, 11.0, 20.0];
        let found_by_name = found(&regions, &["x"], &values);
        assert_eq!(facts(&found_by_name), [(Kind::TotalByName, "Welt", 2, 30.0)]);
        assert!(found_by_name[0].to_string().contains("is by its name a total"));
        // Too small, a rest, or no name of a total.
        assert_eq!(found(&regions, &["x"], &[10.0, 11.0, 20.0]), []);
        assert_eq!(found(&["All other countries", "AUS", "NZL"], &["x"], &values), []);
        assert_eq!(found(&["DEU", "AUS", "NZL"], &["x"], &values), []);
        let all = ["total all countries", "  TOTAL ", "全国", "合计", "All products", "Mundo"];
        for name in all {
            let found = found(&[name, "AUS", "NZL"], &["x"], &values);
            assert_eq!(found.len(), 1, "{name}");
        }
    }

    #[test]
    fn a_name_beside_the_code_tells_a_total() {
        let (codes, names) = (owned(&["1", "2", "9"]), owned(&["North", "South", "World"]));
        let products = owned(&["x"]);
        let cells = [4.0, 5.0, 10.0];
        let cells =
            cells.iter().enumerate().map(|(row, &value)| Cell { row, column: 0, period: 0, value });
        let found = Findings::of(&Cells {
            rows: Axis::new(Dimension::Region, &codes).named(&names),
            columns: Axis::new(Dimension::Product, &products),
            n_periods: 1,
            cells,
        });
        let found: Vec<Finding> = found.into_iter().collect();
        assert_eq!(facts(&found), [(Kind::TotalByName, "9", 2, 10.0)]);
        assert!(found[0].to_string().starts_with("region `9` (`World`)"), "{}", found[0]);
    }

    #[test]
    fn levels_of_codes_in_one_table_are_found_and_their_total_too() {
        let products =
            ["TOTAL", "01", "02", "0101", "0102", "0201", "010121", "010129", "010221", "020110"];
        let values = [21.0, 15.0, 6.0, 5.0, 10.0, 6.0, 2.0, 3.0, 10.0, 6.0];
        let found = found(&["a"], &products, &values);
        let expected = [
            (Kind::TotalAmongParts, "TOTAL", 4, 21.0),
            (Kind::NestedLevels, "2 and 4 of 6 digits", 5, 42.0),
        ];
        assert_eq!(facts(&found), expected);
        assert!((found[1].share - 0.5).abs() < 1e-12);
    }

    #[test]
    fn levels_that_are_filled_up_by_zeros_are_found() {
        let products = ["010000", "010121", "010129", "020000", "020110", "020120", "050100"];
        let values = [5.0, 2.0, 3.0, 9.0, 4.0, 5.0, 7.0];
        let levels = found(&["a"], &products, &values);
        assert_eq!(facts(&levels), [(Kind::NestedLevels, "2 of 6 digits", 2, 14.0)]);
        // An undivided heading is no level, nor is a part that happens to be larger.
        let values = [6.0, 2.0, 3.0, 8.0, 4.0, 5.0, 7.0];
        assert_eq!(found(&["a"], &products, &values), []);
    }

    #[test]
    fn lost_zeros_are_told_from_numbers_and_levels() {
        let found_in = |products: &[&str]| {
            let values: Vec<f64> = (1..100).map(f64::from).take(products.len()).collect();
            found(&["a"], products, &values)
        };
        let found = found_in(&["10121", "10129", "200110", "840110"]);
        assert_eq!(facts(&found), [(Kind::MixedLengths, "5 and 6 digits", 2, 3.0)]);
        assert!((found[0].share - 0.3).abs() < 1e-12);
        assert!(
            found[0].to_string().contains("5 digits (2, 30.0 % of the value) and of 6 (2, 70.0")
        );
        assert_eq!(found_in(&["1", "9", "10", "97"]).len(), 1);
        // Sections by number; codes that kept their zeros; levels without odd lengths.
        assert_eq!(found_in(&["7", "8", "9", "10", "11"]), []);
        assert_eq!(found_in(&["001", "002", "0011", "0035"]), []);
        assert_eq!(found_in(&["01", "20", "0101", "2001"]), []);
        assert_eq!(found_in(&["10121", "1012", "x1", "y2"]), []);
    }

    #[test]
    fn labels_without_a_value_are_counted() {
        let found = found(&["a", "b", "c"], &["x", "y"], &[1.0, 0.0, 0.0, 0.0, 2.0, 0.0]);
        assert_eq!(facts(&found), [(Kind::AllZero, "b", 1, 0.0), (Kind::AllZero, "y", 1, 0.0)]);
        assert!(found[0].to_string().starts_with("1 of 3 regions have no value but zero (`b`)"));
    }

    #[test]
    fn places_that_no_label_has_are_left_out() {
        let labels = owned(&["a"]);
        let axis = Axis::new(Dimension::Region, &labels);
        let cells = [
            Cell { row: 3, column: 0, period: 0, value: 1.0 },
            Cell { row: 0, column: 0, period: 9, value: 1.0 },
        ];
        let table = Cells { rows: axis, columns: axis, n_periods: 1, cells: cells.iter().copied() };
        assert!(Findings::of(&table).is_empty());
    }

    #[test]
    fn messages_show_no_control_characters_and_no_long_labels() {
        let long = format!("a\u{1b}[31m{}", "x".repeat(100));
        assert_eq!(shown(&long), format!("`a[31m{}…`", "x".repeat(55)));
        let part = Part { value: 999.0, whole: 1000.0 };
        let of = Finding::unlisted_products(3, &["440316"], part);
        assert!(
            of.to_string().contains("names: 3 (such as `440316`), 99.9 % of the value: correct"),
            "{of}"
        );
        let of = Finding::files_alike(["a.csv", "b.csv"], 7, Part { value: 1.0, whole: 0.0 });
        assert_eq!((of.name.as_str(), of.n, of.share), ("a.csv = b.csv", 7, 0.0));
    }

    /// Regions by products by periods.
    fn table() -> impl Strategy<Value = (usize, usize, usize, Vec<u32>)> {
        (3usize..8, 2usize..6, 1usize..4).prop_flat_map(|(n, m, t)| {
            let values = prop::collection::vec(1u32..1_000_000_000, n * m * t);
            (Just(n), Just(m), Just(t), values)
        })
    }

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|at| format!("r{at}")).collect()
    }

    fn kinds_and_names(
        n: usize,
        m: usize,
        n_periods: usize,
        cells: &[Cell],
    ) -> Vec<(Kind, Dimension, String)> {
        let (rows, columns) = (names(n), names(m));
        let found = Findings::of(&Cells {
            rows: Axis::new(Dimension::Region, &rows),
            columns: Axis::new(Dimension::Product, &columns),
            n_periods,
            cells: cells.iter().copied(),
        });
        found.into_iter().map(|of| (of.kind, of.dimension, of.name)).collect()
    }

    /// Regions by products, each region with its values, and what is found.
    fn found_in(regions: &[&str], values: &[Vec<f64>]) -> Vec<Finding> {
        let products: Vec<String> = (0..values[0].len()).map(|at| format!("p{at}")).collect();
        let products: Vec<&str> = products.iter().map(String::as_str).collect();
        found(regions, &products, &values.concat())
    }

    /// Values of so many regions for 20 products.
    fn made_up(n: usize) -> Vec<Vec<f64>> {
        let value = |at: u32| f64::from((at * at * 79 + at * 104_729 + 17) % 99_991) / 100.0;
        let values: Vec<f64> = (3..).take(20 * n).map(value).collect();
        values.chunks(20).map(<[f64]>::to_vec).collect()
    }

    fn sum(values: &[Vec<f64>]) -> Vec<f64> {
        (0..values[0].len()).map(|at| values.iter().map(|row| row[at]).sum()).collect()
    }

    #[test]
    fn totals_within_totals_are_found_by_their_values() {
        let mut values = made_up(7);
        values.push(sum(&values[..5]));
        values.push(sum(&values[..7]));
        let regions = ["a", "b", "c", "d", "e", "Scotland", "Wales", "England", "United Kingdom"];
        let found = found_in(&regions, &values);
        let of: Vec<_> = found.iter().map(|of| (of.kind, of.name.as_str(), of.n)).collect();
        let expected =
            [(Kind::TotalAmongParts, "England", 5), (Kind::TotalAmongParts, "United Kingdom", 7)];
        assert_eq!(of, expected);
        let said = found[0].to_string();
        let begins = "region `England` is the sum of 5 other regions (`a`, `b`, `c` and others; ";
        assert!(said.starts_with(begins), "{said}");
        assert!(said.contains(" % of the value): leave it out, in a layout by `rules`"), "{said}");
        assert_eq!(found[0].labels, ["England"]);
        assert!(found.iter().all(Finding::is_of_some));
        // England alone, and a cell that is wrong by more than the tolerance.
        assert_eq!(found_in(&regions[..8], &values[..8]).len(), 1);
        values[7].iter_mut().for_each(|value| *value *= 1.0001);
        assert_eq!(found_in(&regions[..8], &values[..8]), []);
    }

    #[test]
    fn totals_are_found_by_codes_of_several_levels() {
        let leaves = made_up(5);
        let regions = ["DE1", "DE11", "DE12", "DE2", "DE21", "DE22", "DE3", "DE30"];
        let values = [
            sum(&leaves[..2]),
            leaves[0].clone(),
            leaves[1].clone(),
            sum(&leaves[2..4]),
            leaves[2].clone(),
            leaves[3].clone(),
            leaves[4].clone(),
            leaves[4].clone(),
        ];
        let found_here = found_in(&regions, &values);
        let names: Vec<_> = found_here.iter().map(|of| (of.name.as_str(), of.n)).collect();
        assert_eq!(names, [("DE1", 2), ("DE2", 2), ("DE3", 1)]);
        let share: f64 = found_here.iter().map(|of| of.share).sum();
        assert!((share - 0.5).abs() < 1e-9, "{share}");
        // Above them, their country, and a sum of all.
        let all: Vec<&str> = regions.iter().copied().chain(["DE", "EU"]).collect();
        let mut more = values.to_vec();
        more.push(sum(&leaves));
        more.push(sum(&leaves));
        let found_here = found_in(&all, &more);
        let names: Vec<_> = found_here.iter().map(|of| (of.name.as_str(), of.n)).collect();
        assert_eq!(names[0], ("EU", 5));
        assert_eq!(names[1..], [("DE1", 2), ("DE2", 2), ("DE3", 1), ("DE", 3)]);
    }

    #[test]
    fn many_totals_are_one_finding_of_all_of_them() {
        let leaves = made_up(12);
        let (mut regions, mut values) = (Vec::new(), Vec::new());
        for (at, parts) in leaves.chunks(2).enumerate() {
            regions.push(format!("R{at}"));
            values.push(sum(parts));
            for (below, part) in parts.iter().enumerate() {
                regions.push(format!("R{at}{below}"));
                values.push(part.clone());
            }
        }
        let regions: Vec<&str> = regions.iter().map(String::as_str).collect();
        let found = found_in(&regions, &values);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].n), ("R0, R1, R2", 12));
        assert_eq!(found[0].labels, ["R0", "R1", "R2", "R3", "R4", "R5"]);
        let said = "6 regions are the sums of other regions (`R0`, `R1`, `R2` and others; 50.0 % of the value in all)";
        assert!(found[0].to_string().starts_with(said), "{}", found[0]);
    }

    /// What is planted among random labels: how many there are, values of 30 cells each, which of
    /// them make up a total, and which others one above it.
    fn planted() -> impl Strategy<Value = (usize, Vec<u32>, Vec<bool>, Vec<bool>)> {
        (4usize..12).prop_flat_map(|n| {
            let values = prop::collection::vec(1u32..1_000_000_000, n * 30);
            let flags = || prop::collection::vec(any::<bool>(), n);
            (Just(n), values, flags(), flags())
        })
    }

    #[test]
    fn cells_are_not_asked_for_where_sums_show_that_nothing_is_a_total() {
        // More labels than values alone tell the parts of; none is as large as all others.
        let regions: Vec<String> = (0..150).map(|at| format!("r{at:03}")).collect();
        let products: Vec<String> = (0..120).map(|at| format!("{:06}", 10_000 + at * 7)).collect();
        let value =
            |row: usize, column: usize| f64::from(u32::try_from(row * column % 97).unwrap());
        let cells = (0..150).flat_map(|row| {
            (0..120).map(move |column| Cell { row, column, period: 0, value: value(row, column) })
        });
        let with = Cells {
            rows: Axis::new(Dimension::Region, &regions),
            columns: Axis::new(Dimension::Product, &products),
            n_periods: 1,
            cells,
        };
        let sums = PeriodSums::of(&with);
        let asked = std::cell::Cell::new(0);
        let without = Cells {
            rows: with.rows,
            columns: with.columns,
            n_periods: 1,
            cells: std::iter::once(()).flat_map(|()| {
                asked.set(asked.get() + 1);
                None::<Cell>
            }),
        };
        assert_eq!(Findings::of_sums(&without, &sums), Findings::of(&with));
        assert_eq!(asked.get(), 0);
    }

    proptest! {
        #[test]
        fn sums_of_periods_show_what_cells_show((n, m, t, values) in table(), zeros in 0usize..5) {
            let cells: Vec<Cell> = values.iter().enumerate().map(|(at, &value)| {
                let value = if at % 5 < zeros { 0.0 } else { f64::from(value) / 100.0 };
                Cell { row: at / (m * t), column: at / t % m, period: at % t, value }
            }).collect();
            // The last region is the sum of the others where zeros leave them values.
            let (rows, columns) = (names(n + 1), names(m));
            let mut all = cells.clone();
            for cell in &cells {
                all.push(Cell { row: n, ..*cell });
            }
            let table = Cells {
                rows: Axis::new(Dimension::Region, &rows),
                columns: Axis::new(Dimension::Product, &columns),
                n_periods: t,
                cells: all.iter().copied(),
            };
            let sums = PeriodSums::of(&table);
            prop_assert_eq!(Findings::of_sums(&table, &sums), Findings::of(&table));
            // A period alone gives the sums that it gives beside others.
            for (period, of_all) in sums.iter().enumerate() {
                let own = all.iter().copied().filter(|cell| cell.period == period);
                let own: Vec<Cell> = own.map(|cell| Cell { period: 0, ..cell }).collect();
                let alone = Cells {
                    rows: table.rows,
                    columns: table.columns,
                    n_periods: 1,
                    cells: own.iter().copied(),
                };
                let found = PeriodSums::of(&alone);
                prop_assert_eq!(&found[..], std::slice::from_ref(of_all));
            }
        }

        #[test]
        fn whatever_the_parts_their_total_is_found_and_nothing_else((n, m, t, values) in table()) {
            let place = |at: usize| (at / (m * t), at / t % m, at % t);
            let mut cells: Vec<Cell> = values.iter().enumerate().map(|(at, &value)| {
                let (row, column, period) = place(at);
                Cell { row, column, period, value: f64::from(value) / 100.0 }
            }).collect();
            prop_assert_eq!(kinds_and_names(n, m, t, &cells), vec![]);
            for column in 0..m {
                for period in 0..t {
                    let of = |cell: &&Cell| (cell.column, cell.period) == (column, period);
                    let value = cells.iter().filter(of).map(|cell| cell.value).sum();
                    cells.push(Cell { row: n, column, period, value });
                }
            }
            let expected = (Kind::TotalAmongParts, Dimension::Region, format!("r{n}"));
            prop_assert_eq!(kinds_and_names(n + 1, m, t, &cells), vec![expected]);
        }

        #[test]
        fn totals_of_some_are_found_exactly((n, values, is_part, is_above) in planted()) {
            let mut rows: Vec<Vec<f64>> = values
                .chunks(30)
                .map(|row| row.iter().map(|&value| f64::from(value) / 100.0).collect())
                .collect();
            let sparse = |row: usize, column: usize| (row * 7 + column * 3).is_multiple_of(5);
            for (row, values) in rows.iter_mut().enumerate() {
                for (column, value) in values.iter_mut().enumerate() {
                    if sparse(row, column) {
                        *value = 0.0;
                    }
                }
            }
            let found_names = |rows: &[Vec<f64>]| {
                let regions = names(rows.len());
                let regions: Vec<&str> = regions.iter().map(String::as_str).collect();
                let found = found_in(&regions, rows);
                found.iter().map(|of| (of.name.clone(), of.n)).collect::<Vec<_>>()
            };
            prop_assert_eq!(found_names(&rows), vec![]);
            let inner: Vec<usize> = (0..n).filter(|&at| is_part[at]).collect();
            let outer: Vec<usize> = (0..n).filter(|&at| is_part[at] || is_above[at]).collect();
            prop_assume!(inner.len() > 1 && outer.len() > inner.len());
            let of = |parts: &[usize]| sum(&parts.iter().map(|&at| rows[at].clone()).collect::<Vec<_>>());
            let (inner_sum, outer_sum) = (of(&inner), of(&outer));
            rows.push(inner_sum);
            rows.push(outer_sum);
            let all = names(n + 2);
            let expected = vec![(all[n].clone(), inner.len()), (all[n + 1].clone(), outer.len())];
            prop_assert_eq!(found_names(&rows), expected);
        }
    }
}
