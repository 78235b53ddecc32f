//! What is asked of which table.

use super::args::{MeasureArgs, Metric, Of};
use super::conventions::Conventions;
use crate::region_table::Table;
use std::collections::BTreeMap;

/// What is asked of which table.
pub(super) struct Question {
    pub(super) table: Table,
    pub(super) conventions: Conventions,
    /// What is measured, each once.
    pub(super) metrics: Vec<Metric>,
    /// What a row of the result is.
    pub(super) of: Of,
    /// The closest share of pairs that counts as related.
    pub(super) related_share: f64,
    /// Neighbours that a density is of.
    pub(super) nearest: usize,
    /// Steps of reflections.
    pub(super) reflections: usize,
    /// The group of each product.
    pub(super) groups: Vec<usize>,
}

/// What a row of the result is, and what is measured of it.
struct Chosen {
    of: Of,
    metrics: Vec<Metric>,
}

/// Whether the arguments make sense; otherwise what is wrong with them.
pub(super) fn check(args: &MeasureArgs) -> Result<(), String> {
    if args.rca_threshold.is_some_and(|t| !(t > 0.0 && t.is_finite())) {
        return Err("--rca-threshold must be above 0".to_owned());
    }
    if args.reflections < 2 || args.reflections % 2 == 1 {
        return Err("--reflections must be an even number of 2 or more".to_owned());
    }
    if !(0.0..=1.0).contains(&args.related_share) {
        return Err("--related-share must be between 0 and 1".to_owned());
    }
    Ok(())
}

impl Chosen {
    fn of(args: &MeasureArgs) -> Result<Self, String> {
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
            return Err("none of the --metrics is of the --rows asked for".to_owned());
        }
        Ok(Self { of, metrics })
    }
}

/// The group of each product: those whose codes begin with the same `n_digits` are in one.
fn groups(products: &[String], n_digits: usize) -> Vec<usize> {
    let group = |code: &String| code.chars().take(n_digits).collect::<String>();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    products
        .iter()
        .map(|code| {
            let next = numbers.len();
            *numbers.entry(group(code)).or_insert(next)
        })
        .collect()
}

impl Question {
    /// What the arguments ask of the table; otherwise what is wrong with them.
    pub(super) fn new(
        args: &MeasureArgs,
        table: Table,
        conventions: Conventions,
    ) -> Result<Self, String> {
        let Chosen { of, metrics } = Chosen::of(args)?;
        Ok(Self {
            groups: groups(&table.products, args.group_digits),
            table,
            conventions,
            metrics,
            of,
            related_share: args.related_share,
            nearest: args.nearest,
            reflections: args.reflections,
        })
    }

    /// Whether one of `metrics` is asked for.
    pub(super) fn asks_for(&self, metrics: &[Metric]) -> bool {
        self.metrics.iter().any(|metric| metrics.contains(metric))
    }
}
