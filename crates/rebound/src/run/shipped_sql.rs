//! Shipped SQL whose heads `reads` and `part` are proven: what a run would prove of a text that it
//! makes for the first time is known of these, and a run from nothing need not do it again.

use lake::Fingerprint;
use project::sql_file::SqlFile;

/// The tables of `pipelines/sql` with a head `reads`, and the hash of what their text means.
///
/// Tests run the sample with `--full`, which proves every text whatever is known of it.
const PROVEN: &[(&str, &str)] = &[
    ("panel.region", "7339eec15ac228cdc4ecee3e1f929884"),
    ("panel.region_product", "ccc91eb8275b0f5f74be94f2501a52f5"),
    ("panel.region_product_year", "0bf59eb395c9d9426bb13a4c39690e0f"),
];

/// Whether the heads of a text are known to leave out nothing that its rows depend on.
pub(super) fn is_proven(sql: &SqlFile) -> bool {
    let meaning = meaning(sql);
    PROVEN.iter().any(|(name, proven)| *name == sql.name && *proven == meaning)
}

/// The hash of what a text means.
fn meaning(sql: &SqlFile) -> String {
    Fingerprint::of(sql.meaning().as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn shipped() -> Vec<SqlFile> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines/sql");
        let files = std::fs::read_dir(folder).expect("the shipped SQL");
        let file = |path: std::path::PathBuf| SqlFile {
            name: path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned(),
            text: std::fs::read_to_string(&path).expect("readable"),
            path,
        };
        files.map(|entry| file(entry.expect("an entry").path())).collect()
    }

    #[test]
    fn what_is_proven_is_what_is_shipped() {
        let shipped = shipped();
        let has_reads = |sql: &&SqlFile| sql.reads().is_ok_and(|reads| !reads.is_empty());
        let mut found: Vec<(&str, String)> =
            shipped.iter().filter(has_reads).map(|sql| (sql.name.as_str(), meaning(sql))).collect();
        found.sort();
        let proven: Vec<(&str, String)> =
            PROVEN.iter().map(|(name, proven)| (*name, (*proven).to_owned())).collect();
        assert_eq!(
            found, proven,
            "run `rebound run pipelines/australia.yaml --full`, then write them here"
        );
    }

    #[test]
    fn another_text_is_not_proven() {
        for sql in shipped() {
            let other = SqlFile { text: format!("{} limit 1", sql.text.trim_end()), ..sql };
            assert!(!is_proven(&other), "{}", other.name);
        }
    }
}
