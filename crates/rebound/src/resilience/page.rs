//! A table of a user's as the pipeline whose report is a page of it: what `--report` draws.
//!
//! The report draws what a pipeline publishes. So the table's values become records of one layout,
//! and the config of the call that of a pipeline, in a folder that goes with the page.

use super::exact::Shift;
use super::made::Parts;
use crate::init::{CHECKS, DEFAULT_CONFIG, PANELS};
use project::config::Config;
use project::printable::printable;
use serde_json::{Value, json};
use stages::cube::Cube;
use std::fs::{File, create_dir, write};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use trade::{Frequency, Money};

/// Characters of a text of the user's that names something in the page.
const NAME_CHARACTERS: usize = 60;

/// The sum of all values, in hundredths, that is below what a published table holds.
const MOST: i128 = 10_i128.pow(trade::money::PRECISION);

/// The benchmark that the page compares regions by.
const HEADLINE: &str = "aggregate";

/// The panel that the page cannot do without.
const PANEL_OF_REGIONS: &str = "panel.region.sql";

/// What is told of a table beside its values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'t> {
    /// Its file.
    pub(super) path: &'t Path,
    /// The column of its values, which names their unit.
    pub(super) value: &'t str,
    /// By what its values were multiplied.
    pub(super) shift: Shift,
    /// What divides the values of a region.
    pub(super) parts: Parts,
}

/// A pipeline of a table, in a folder that is removed with it.
#[derive(Debug)]
pub struct Page {
    folder: TempDir,
}

impl Page {
    /// The pipeline's file.
    pub fn pipeline(&self) -> PathBuf {
        self.folder.path().join("pipeline.yaml")
    }

    /// Writes what the pipeline is made of; otherwise why there can be no page. The config is that
    /// of the values as they are in the cube.
    pub(super) fn of(cube: &Cube, config: &Config, told: Told<'_>) -> Result<Self, String> {
        if !config.resilience.region_benchmarks.iter().any(|of| of.name() == HEADLINE) {
            return Err(format!(
                "--report compares each region with all together, and the benchmark `{HEADLINE}` is not among those of \
                 the call: add it to --benchmark; one region has none to be compared with"
            ));
        }
        check_size(cube)?;
        Self::written(cube, config, told)
            .map_err(|error| format!("--report: its files cannot be prepared: {error}"))
    }

    fn written(cube: &Cube, config: &Config, told: Told<'_>) -> std::io::Result<Self> {
        let page = Self { folder: tempfile::tempdir()? };
        let within = |name: &str| page.folder.path().join(name);
        records(cube, &within("records.csv"))?;
        write(within("default.yaml"), DEFAULT_CONFIG)?;
        write(within("config.yaml"), config_text(config, cube.frequency, told.shift)?.to_string())?;
        write(within("layout.yaml"), layout_text(cube.frequency, told).to_string())?;
        write(page.pipeline(), pipeline_text(told.path).to_string())?;
        create_dir(within("sql"))?;
        let is_made = |name: &str| told.parts == Parts::Products || name == PANEL_OF_REGIONS;
        for (name, text) in PANELS.into_iter().filter(|&(name, _)| is_made(name)) {
            write(within("sql").join(name), text)?;
        }
        create_dir(within("checks"))?;
        for (name, text) in CHECKS {
            write(within("checks").join(name), text)?;
        }
        Ok(page)
    }
}

/// Whether published tables hold the values; otherwise what to do.
fn check_size(cube: &Cube) -> Result<(), String> {
    let mut values = cube.entries().map(|entry| entry.value);
    let sum = values.try_fold(0_i128, |sum, value| {
        let sum = sum.checked_add(value.hundredths())?;
        (value <= Money::MAX_ENTRY && sum < MOST).then_some(sum)
    });
    match sum {
        Some(_) => Ok(()),
        None => Err("--report: its values have more digits than the tables of a page hold: round \
                     them, or take a larger unit"
            .to_owned()),
    }
}

/// Writes the values as records: a quarter stands at its first month.
fn records(cube: &Cube, path: &Path) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(BufWriter::new(File::create(path)?));
    writer.write_record(["year", "month", "region", "product", "value"])?;
    let per_year = cube.frequency.per_year();
    for entry in cube.entries() {
        let month = entry.period.rem_euclid(per_year) * (12 / per_year) + 1;
        writer.write_record([
            cube.period(entry.period).year().to_string().as_str(),
            month.to_string().as_str(),
            cube.regions[entry.region].as_str(),
            cube.products[entry.product].as_str(),
            entry.value.to_string().as_str(),
        ])?;
    }
    writer.flush()
}

/// The layout of the records.
fn layout_text(frequency: Frequency, told: Told<'_>) -> Value {
    let mut fields = json!({
        "year": {"column": ["year"]},
        "flow": {"constant": "export"},
        "region": {"column": ["region"]},
        "product": {"column": ["product"]},
        "value": {"column": ["value"]},
    });
    if frequency != Frequency::Year {
        fields["month"] = json!({"column": ["month"]});
    }
    let unit = match told.value.trim() {
        "" => "units".to_owned(),
        name => printable(name, NAME_CHARACTERS),
    };
    json!({
        "name": "table",
        "format": "csv",
        "csv": {"delimiter": ",", "quote": "\"", "encoding": "utf-8", "header": true},
        "fields": fields,
        // Codes are compared as they are, whatever they are of.
        "product": {"classification": "table"},
        "value": {
            "measure": "values", "unit": told.shift.unit(&unit), "decimal": ".",
            "thousands": null, "multiplier": 1, "negative": "keep", "zero": "keep",
        },
        "missing": [""],
        "regions": {},
        "rules": [],
    })
}

/// The config of the call as that of a pipeline: what it says of tables that only pipelines have
/// is left out.
fn config_text(
    config: &Config,
    frequency: Frequency,
    shift: Shift,
) -> Result<Value, serde_json::Error> {
    let mut text = serde_json::to_value(config)?;
    let base = config.resilience.episodes.first().map(|episode| episode.last_base().year());
    let mut set = |section: &str, keys: Value| {
        if let (Some(of), Value::Object(keys)) = (text[section].as_object_mut(), keys) {
            of.extend(keys);
        }
    };
    // A page without one of the rows would be of another table.
    set("ingest", json!({"max_rejected_share": 0.0}));
    set("harmonize", json!({"target_revision": "HS2007", "method": "one_to_one"}));
    set(
        "aggregate",
        json!({
            "flow": "export", "parts": [], "counts": [], "firms": false, "quantities": false,
            "months": frequency != Frequency::Year,
        }),
    );
    // What looks misread was told when the table was read.
    set(
        "plausibility",
        json!({
            "max_total_share": 1.0, "max_nested_share": 1.0, "max_unknown_product_share": 1.0,
            "max_mixed_length_share": 1.0, "max_repeated_share": 1.0,
        }),
    );
    let cleaning = &config.cleaning;
    set(
        "cleaning",
        json!({
            "min_region_total": shift.there(cleaning.min_region_total),
            "min_product_total": shift.there(cleaning.min_product_total),
        }),
    );
    set("relatedness", json!({"rca_reference": "national", "proximity_source": "regions"}));
    set("relatedness", json!({"proximity_years": base.into_iter().collect::<Vec<_>>()}));
    if text["relatedness"]["measure"] == "additions" {
        // They are of firms.
        text["relatedness"]["measure"] = json!("proximity");
    }
    Ok(text)
}

/// The pipeline, which is called as the table is.
fn pipeline_text(path: &Path) -> Value {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    json!({
        "name": printable(&name, NAME_CHARACTERS),
        "config": ["default.yaml", "config.yaml"],
        "lake": "lake",
        "sources": [{"layout": "layout.yaml", "files": ["records.csv"]}],
        "sql": "sql",
        "checks": "checks",
        "stages": [
            "ingest", "aggregate", "relatedness", "diversification", "resilience", "policy", "panels",
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resilience::exact::exact;
    use project::yaml;
    use stages::cube::Entry;

    /// Two regions in a quarter and the one after the next, whose values have three digits.
    fn written() -> Page {
        let (values, shift) = exact(&[1.125, 20.0, 3.0]).expect("exact");
        let places = [(8_035, 0, 0), (8_035, 1, 0), (8_037, 0, 1)];
        let entries = places
            .into_iter()
            .zip(values)
            .map(|((period, region, product), value)| Entry { period, region, product, value });
        let labels = |of: [&str; 2]| of.map(str::to_owned).to_vec();
        let labels = (labels(["A, \"b\"", "C"]), labels(["x", "y"]));
        let cube = Cube::new(labels, Frequency::Quarter, entries);
        let config = Config::of_text(Path::new("default.yaml"), DEFAULT_CONFIG).expect("valid");
        let path = Path::new("some/jobs by state.csv");
        let told = Told { path, value: "jobs", shift, parts: Parts::None };
        Page::of(&cube, &config, told).expect("written")
    }

    #[test]
    fn values_are_records_of_their_unit() {
        let page = written();
        let read =
            |name: &str| std::fs::read_to_string(page.folder.path().join(name)).expect("written");
        assert_eq!(
            read("records.csv"),
            "year,month,region,product,value\n\
             2008,10,\"A, \"\"b\"\"\",x,11.25\n2008,10,C,x,200.00\n2009,4,\"A, \"\"b\"\"\",y,30.00\n"
        );
        let layout: Value = serde_json::from_str(&read("layout.yaml")).expect("JSON");
        assert_eq!(layout["value"]["unit"], "10^-1 jobs");
        assert_eq!(layout["fields"]["month"]["column"][0], "month");
        let pipeline: Value = serde_json::from_str(&read("pipeline.yaml")).expect("JSON");
        assert_eq!(pipeline["name"], "jobs by state");
        // Without products there is one panel.
        let panels = std::fs::read_dir(page.folder.path().join("sql")).expect("a folder");
        assert_eq!(panels.count(), 1);
    }

    #[test]
    fn its_config_is_that_of_the_call() {
        let page = written();
        let path = page.folder.path().join("config.yaml");
        let text = yaml::text_of(&path).expect("readable");
        let found = Config::of_text(&path, &text).expect("a whole config");
        let default = Config::of_text(Path::new("default.yaml"), DEFAULT_CONFIG).expect("valid");
        assert_eq!(found.resilience.episodes, default.resilience.episodes);
        assert!(found.aggregate.months && found.aggregate.parts.is_empty());
    }
}
