//! What makes each table that the program knows, for the data dictionary.

use crate::init::{DEFAULT_CONFIG, PANELS};
use crate::node::{Node, Work};
use crate::run::RunError;
use crate::run::plan::{nodes, sql_session};
use lake::Lake;
use project::config::Config;
use project::pipeline::{Engine, Pipeline, PipelineError};
use project::report_settings::ReportSettings;
use project::sql_file::SqlFile;
use project::stage_name::StageName;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// By table, a sentence on what makes it and from which tables, as long as a pipeline says nothing
/// else.
///
/// # Errors
///
/// [`RunError`] if the program's own config or SQL is at fault.
pub fn made_by() -> Result<BTreeMap<String, String>, RunError> {
    let pipeline = usual()?;
    let session = sql_session(&Lake::open("memory://")?, &pipeline, 1)?;
    let mut sentences = BTreeMap::new();
    for node in nodes(&session, &pipeline)? {
        let sentence = sentence(&node);
        sentences.extend(node.writes.iter().map(|table| (table.clone(), sentence.clone())));
    }
    Ok(sentences)
}

fn sentence(node: &Node) -> String {
    let maker = match &node.work {
        Work::Sql(file) => format!("SQL (`{}`)", file.path.display()),
        Work::Stage(_) | Work::Table(_) => node.maker().to_owned(),
    };
    let from = match node.reads[..] {
        [] if maker == StageName::Models.name() => "the tables that the models name".to_owned(),
        [] => "the raw files".to_owned(),
        _ => node.reads.join(", "),
    };
    format!("Made by {maker} from {from}.")
}

/// A pipeline of all stages with the config as it is shipped, and no files.
fn usual() -> Result<Pipeline, RunError> {
    let path = Path::new("config/default.yaml");
    let config = Config::of_text(path, DEFAULT_CONFIG).map_err(PipelineError::from)?;
    let sql = PANELS.map(|(file, text)| SqlFile {
        path: Path::new("pipelines/sql").join(file),
        name: file.trim_end_matches(".sql").to_owned(),
        text: text.to_owned(),
    });
    Ok(Pipeline {
        path: PathBuf::from("pipeline.yaml"),
        name: "usual".to_owned(),
        config,
        lake: "memory://".to_owned(),
        sources: Vec::new(),
        proximity: None,
        reference: None,
        incomes: None,
        population: None,
        pci: None,
        boundaries: None,
        groups: None,
        rebate_rates: None,
        tables: BTreeMap::new(),
        models: Vec::new(),
        sql: Vec::from(sql),
        checks: Vec::new(),
        stages: StageName::ALL.to_vec(),
        engine: Engine::Embedded,
        expect: None,
        keeps_records: true,
        report: ReportSettings::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use stages::contracts;

    #[test]
    fn each_table_of_a_contract_has_a_sentence() {
        let made = made_by().expect("sentences");
        for contract in contracts::all() {
            assert!(made.contains_key(contract.table), "{}", contract.table);
        }
        for (table, expected) in [
            ("customs.records", "Made by ingest from the raw files."),
            ("trade.region_year", "Made by aggregate from customs.records."),
            (
                "diversification.region_year",
                "Made by diversification from trade.region_product_year, trade.region_product_year_destination.",
            ),
            ("model.fit", "Made by models from the tables that the models name."),
        ] {
            assert_eq!(made[table], expected);
        }
        let panel = &made["panel.region"];
        assert!(
            panel.starts_with("Made by SQL (`pipelines/sql/panel.region.sql`) from "),
            "{panel}"
        );
        assert!(panel.contains("resilience.region"), "{panel}");
    }
}
