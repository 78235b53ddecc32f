//! The config that is asked for: default.yaml, a file over it, and the options over both.

use super::args::ResilienceArgs;
use super::dates::Dates;
use super::exact::Shift;
use crate::init::DEFAULT_CONFIG;
use crate::region_table::Table;
use project::causes::causes;
use project::config::choice::{Choice, DonorScale};
use project::config::{Config, ConfigError};
use project::fault::Fault;
use project::yaml;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// What the call has in the place of default.yaml: names of regions are no codes whose first letters
/// are a group.
const OF_CALL: &str = "spatial: {group_digits: 0}\n";

/// What faults of options are said to be in.
const OPTIONS: &str = "the options";

/// The keys of the section `resilience` that options say.
const KEYS: [(&str, &str); 7] = [
    ("near_zero", "--near-zero"),
    ("min_base_value", "--min-base-value"),
    ("absent_regions", "--absent-regions"),
    ("trend_years", "--trend-years"),
    ("bootstrap_replicates", "--bootstrap"),
    ("bootstrap_level", "--level"),
    ("bootstrap_seed", "--seed"),
];

/// Whether the config file gives a key of the section `resilience`.
fn gives(text: &str, key: &str) -> bool {
    type Section = Option<BTreeMap<String, yaml::Value>>;
    let sections: BTreeMap<String, Section> = yaml::of_text(text).unwrap_or_default();
    let section = sections.get("resilience").and_then(Option::as_ref);
    section.is_some_and(|keys| keys.contains_key(key))
}

/// What the options say, as a config file does.
fn options(args: &ResilienceArgs) -> Result<String, String> {
    let number = |value: Option<f64>, option: &str| match value {
        // JSON has no others.
        Some(value) if !value.is_finite() => {
            Err(format!("{option} {value}: expected a finite number"))
        }
        value => Ok(value.map(|value| json!(value))),
    };
    let said = [
        number(args.near_zero, "--near-zero")?,
        number(args.min_base_value, "--min-base-value")?,
        args.absent_regions.map(|choice| json!(choice.name())),
        args.trend_years.map(|value| json!(value)),
        args.bootstrap.map(|value| json!(value)),
        number(args.level, "--level")?,
        args.seed.map(|value| json!(value)),
    ];
    let keys = KEYS.iter().zip(said);
    let section: Map<String, Value> =
        keys.filter_map(|((key, _), value)| Some(((*key).to_owned(), value?))).collect();
    // Periods are those of the table, whatever a pipeline would sum.
    Ok(json!({"aggregate": {"months": true}, "resilience": section}).to_string())
}

/// What is wrong with the config: where an option says it, in the words of options.
fn told(error: &ConfigError) -> String {
    let ConfigError::Faults(faults) = error else { return causes(error).join(": ") };
    let of = |fault: &Fault| {
        let is_options = fault.path() == Some(Path::new(OPTIONS));
        let is_of = |key: &str| fault.what().contains(&format!("`resilience.{key}`"));
        match KEYS.iter().find(|(key, _)| is_options && is_of(key)) {
            Some((_, option)) => format!("{option} {}", fault.why()),
            None => fault.to_string(),
        }
    };
    faults.iter().map(of).collect::<Vec<_>>().join("; ")
}

/// Who says which benchmarks there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Benchmarks {
    /// The user.
    Asked,
    /// Nobody.
    Usual,
}

/// The config, and what of it was asked for.
pub(super) struct Settings {
    pub(super) config: Config,
    benchmarks: Benchmarks,
}

/// The settings; otherwise what is wrong with them. Benchmarks are not chosen yet:
/// [`Settings::choose`].
pub(super) fn settings(args: &ResilienceArgs, dates: &Dates) -> Result<Settings, String> {
    let file = match &args.config {
        None => None,
        Some(path) => Some((path, yaml::text_of(path).map_err(|error| causes(&error).join(": "))?)),
    };
    let is_given = |key: &str| file.as_ref().is_some_and(|(_, text)| gives(text, key));
    if dates.episodes.is_empty() && !is_given("episodes") {
        return Err(
            "an episode has a base, a trough and an end: say --base, --trough and --end, as in --base 2008 --trough 2009 \
             --end 2011; or --episodes FILE, or --config FILE with `resilience.episodes`"
                .to_owned(),
        );
    }
    let options = options(args)?;
    let mut texts = vec![(Path::new("default.yaml"), DEFAULT_CONFIG)];
    texts.push((Path::new("the call"), OF_CALL));
    texts.extend(file.as_ref().map(|(path, text)| (path.as_path(), text.as_str())));
    texts.push((Path::new(OPTIONS), options.as_str()));
    let mut config = Config::of_texts(&texts).map_err(|error| told(&error))?;
    if !dates.episodes.is_empty() {
        config.resilience.episodes.clone_from(&dates.episodes);
    }
    let mut benchmarks = match is_given("region_benchmarks") {
        true => Benchmarks::Asked,
        false => Benchmarks::Usual,
    };
    if !args.benchmark.is_empty() {
        let names = args.benchmark_names();
        let chosen = serde_json::from_value(json!(names));
        config.resilience.region_benchmarks =
            chosen.map_err(|error| format!("--benchmark: {error}"))?;
        config.resilience.product_benchmarks = names
            .iter()
            // What is of a region's products is of a product its own growth.
            .filter_map(|name| serde_json::from_value(json!(name.replace("mix", "product"))).ok())
            .collect();
        benchmarks = match args.asks_for_all() {
            true => Benchmarks::Usual,
            false => Benchmarks::Asked,
        };
    }
    Ok(Settings { config, benchmarks })
}

/// Whether what is asked can be told of values that were multiplied; otherwise what to do. Gaps in
/// units of values are no column's alone, so that they could not be brought back.
pub(super) fn check_scale(config: &Config, shift: Shift) -> Result<(), String> {
    let resilience = &config.resilience;
    let has_gaps = resilience.uses_donors() && resilience.donor_scale == DonorScale::Level;
    if shift.is_none() || !has_gaps {
        return Ok(());
    }
    Err("two digits after the point do not hold its values, and `resilience.donor_scale: level` compares them as they \
         are: say `log` or `index`, or round them"
        .to_owned())
}

impl Settings {
    /// Leaves out the benchmarks that mean nothing for the table, and says which; `Err` if none is
    /// left of those that were asked for.
    ///
    /// A region that is alone has no others to be compared with, as a whole or weighted (`synthetic`,
    /// `matrix_completion`): only what is its own (`own_*`) is left.
    /// Where there are no products, growth product by product is growth.
    pub(super) fn choose(&mut self, table: &Table, args: &ResilienceArgs) -> Result<(), String> {
        let (is_alone, has_products) = (table.regions.len() == 1, table.columns.product.is_some());
        let why = match (is_alone, has_products) {
            (false, true) => return Ok(()),
            (true, true) => "there is one region",
            (true, false) => "there is one region, and no product",
            (false, false) => "there are no products",
        };
        let makes_sense = |name: &str, is_by_product: bool| match (is_alone, has_products) {
            (true, _) => name.starts_with("own_"),
            (false, _) => has_products || !is_by_product,
        };
        let resilience = &mut self.config.resilience;
        let mut left_out = Vec::new();
        resilience.region_benchmarks.retain(|benchmark| {
            let is_kept = makes_sense(benchmark.name(), benchmark.is_by_product());
            if !is_kept {
                left_out.push(benchmark.name());
            }
            is_kept
        });
        let name = |choice: &project::config::choice::ProductBenchmark| choice.name();
        resilience
            .product_benchmarks
            .retain(|choice| makes_sense(&name(choice), name(choice).starts_with("product")));
        if resilience.region_benchmarks.is_empty() {
            if !args.benchmark.is_empty() {
                return Err(format!(
                    "{why}: --benchmark {} means nothing then; own_trend does",
                    args.benchmark.join(",")
                ));
            }
            let own = json!(["own_trend"]);
            resilience.region_benchmarks = serde_json::from_value(own.clone()).unwrap_or_default();
            resilience.product_benchmarks = serde_json::from_value(own).unwrap_or_default();
        }
        if !left_out.is_empty() {
            let of: Vec<&str> = resilience.region_benchmarks.iter().map(|of| of.name()).collect();
            let said = format!(
                "{why}: benchmarks left out: {}; what is compared with: {}",
                left_out.join(", "),
                of.join(", ")
            );
            match self.benchmarks {
                Benchmarks::Asked => tracing::warn!("{said}"),
                Benchmarks::Usual => tracing::info!("{said}"),
            }
        }
        Ok(())
    }
}
