//! A copy of the sample project in a folder of its own, and the binary to run on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// A layout of rows of year, region, HS6 product and value.
pub(crate) const PLAIN_LAYOUT: &str = "name: plain
format: csv
csv: {delimiter: ',', quote: null, encoding: utf-8, header: true}
fields:
  year: {column: [year]}
  flow: {constant: export}
  region: {column: [region]}
  product: {column: [product]}
  value: {column: [value]}
product: {digits: 6, restore_leading_zero: false, revisions: [{from: 2007, to: 2011, revision: HS2007}]}
value: {currency: USD, decimal: '.', thousands: null, multiplier: 1, negative: keep, zero: keep}
missing: ['']
regions: {}
rules: []
";

/// The same with a month.
pub(crate) fn monthly_layout() -> String {
    PLAIN_LAYOUT.replace("  flow:", "  month: {column: [month]}\n  flow:")
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn fails(self, code: i32, text: &str) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.contains(text), "{} is not in: {}", text, self.err);
        self
    }

    /// The lines of a table in CSV, without the header.
    fn rows(&self) -> Vec<String> {
        self.out.lines().skip(1).map(str::to_owned).collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

/// The sample project, copied so that a test can change it.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir_all(to).expect("a folder");
        for entry in std::fs::read_dir(from).expect("a folder") {
            let entry = entry.expect("an entry");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::copy(from, to).expect("a copy");
    }
}

impl Project {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for part in ["config", "pipelines", "samples"] {
            copy(&root().join(part), &folder.path().join(part));
        }
        Self { folder }
    }

    /// The sample project with what its pipeline publishes, which is made once for all tests.
    pub(crate) fn published() -> Self {
        static MADE: OnceLock<PathBuf> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            let project = Self::new();
            // All at once, so that what the heads of the shipped SQL say is held against whole tables.
            project.rebound(&["run", "pipelines/australia.yaml", "--full"]).ok();
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("published");
            // The first time there is none.
            let _ = std::fs::remove_dir_all(&path);
            copy(&project.path().join("lake"), &path);
            path
        });
        let project = Self::new();
        copy(made, &project.path().join("lake"));
        project
    }

    /// Copies a folder of fixtures into the project.
    pub(crate) fn copy_fixtures(&self, from: &str, to: &str) {
        copy(&root().join("tests/fixtures").join(from), &self.path().join(to));
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rebound"));
        command.current_dir(self.path()).env_remove("REBOUND_LAKE").env_remove("COLUMNS");
        command
    }

    pub(crate) fn rebound(&self, arguments: &[&str]) -> Ran {
        self.command().args(arguments).output().expect("the binary runs").into()
    }

    pub(crate) fn run(&self) -> Ran {
        self.rebound(&["run", "pipelines/australia.yaml"])
    }

    /// The rows of a query, as lines of CSV without the header.
    #[track_caller]
    pub(crate) fn sql(&self, query: &str) -> Vec<String> {
        self.rebound(&["sql", query, "--format", "csv"]).ok().rows()
    }

    /// The same, from another lake.
    #[track_caller]
    pub(crate) fn sql_in(&self, lake: &str, query: &str) -> Vec<String> {
        self.rebound(&["sql", query, "--format", "csv", "--lake", lake]).ok().rows()
    }

    /// Replaces the one place where `from` stands in `file` by `to`.
    #[track_caller]
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.path().join(file);
        let text = std::fs::read_to_string(&path).expect("readable");
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {file}");
        std::fs::write(&path, text.replace(from, to)).expect("writable");
    }

    pub(crate) fn write(&self, file: &str, text: &[u8]) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("writable");
    }

    /// Every Parquet file of the published tables, by table and name, with its bytes.
    pub(crate) fn published_bytes(&self) -> Vec<(String, Vec<u8>)> {
        self.published_bytes_in("lake")
    }

    /// The same, in another lake.
    pub(crate) fn published_bytes_in(&self, lake: &str) -> Vec<(String, Vec<u8>)> {
        let path = self.path().join(lake).join("catalog.json");
        let catalog = std::fs::read(path).expect("published");
        let catalog: serde_json::Value = serde_json::from_slice(&catalog).expect("JSON");
        let mut found = Vec::new();
        for version in catalog["tables"].as_object().expect("tables").values() {
            for file in version["files"].as_array().expect("files") {
                let path = format!("{lake}/{}", file["path"].as_str().expect("a path"));
                let bytes = std::fs::read(self.path().join(&path)).expect("readable");
                found.push((path, bytes));
            }
        }
        found
    }
}

/// A project with raw files of one layout, in a lake of their own.
pub(crate) struct Raw(pub(crate) Project);

impl Raw {
    pub(crate) fn new(layout: &str) -> Self {
        let project = Project::new();
        let pipeline = format!(
            "name: raw\nconfig: [../config/default.yaml, raw_config.yaml]\nlake: ../raw_lake\nsources:\n  \
             - {{layout: ../config/layouts/{layout}.yaml, files: [../raw/*], exclude: []}}\nproximity: null\n\
             sql: none\nchecks: none\nstages: [ingest]\n"
        );
        project.write("pipelines/raw.yaml", pipeline.as_bytes());
        project.write("pipelines/raw_config.yaml", b"ingest: {max_rejected_share: 1.0}\n");
        project.write("pipelines/none/README", b"");
        Self(project)
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) {
        self.0.write(&format!("raw/{name}"), bytes);
    }

    pub(crate) fn fixture(&self, name: &str) {
        let path = root().join("tests/fixtures/packed").join(name);
        self.file(name, &std::fs::read(path).expect("a fixture"));
    }

    pub(crate) fn run(&self) -> Ran {
        self.0.rebound(&["run", "pipelines/raw.yaml"])
    }

    #[track_caller]
    pub(crate) fn sql(&self, query: &str) -> Vec<String> {
        self.0.sql_in("raw_lake", query)
    }

    #[track_caller]
    pub(crate) fn records(&self) -> Vec<String> {
        self.sql(
            "select year, month, flow, region_code, product_code, hs_revision, destination, trade_mode, \
             ownership, ownership_source, firm, firm_name, quantity, fob_value, rules from customs.records \
             order by source_file, source_row",
        )
    }

    #[track_caller]
    pub(crate) fn rejects(&self) -> Vec<String> {
        self.sql(
            "select source_row, reason, column_name, found from customs.rejects order by source_file, source_row",
        )
    }
}
