//! From raw files to a pipeline: what they have is looked at and said, and a layout, a pipeline and a
//! config are written that run as they are. What only the user can know is marked.

mod alike;
mod columns;
mod doubt;
mod draft;
mod finder;
mod header;
mod keys;
mod known_forms;
mod layout_text;
mod look;
mod mend;
mod names;
mod pairs;
pub(crate) mod periods;
mod said;
mod settings;
mod sheets;
mod tally;
mod trial;
mod units;
mod values;
mod wide;
mod words;

use self::draft::Draft;
use self::look::FileLook;
use self::mend::{Again, Listed};
use self::settings::{Facts, SourceText};
use self::tally::Tally;
use clap::Args;
use project::printable::printable;
use project::raw_files::{Place, RawFile};
use report::new_file::NewFile;
use sources::input::{self, Item};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Component, Path, PathBuf};
use tokio::runtime::Handle;
use trade::layout::Field;

/// Times that rows are summed until totals among them are found.
const MOST_LOOKS: usize = 4;

/// Every key of the config.
pub(crate) const DEFAULT_CONFIG: &str = include_str!("../../../config/default.yaml");

/// The SQL of the panels, by the name of their file.
pub(crate) const PANELS: [(&str, &str); 4] = [
    ("panel.pair.sql", include_str!("../../../pipelines/sql/panel.pair.sql")),
    ("panel.region.sql", include_str!("../../../pipelines/sql/panel.region.sql")),
    ("panel.region_product.sql", include_str!("../../../pipelines/sql/panel.region_product.sql")),
    (
        "panel.region_product_year.sql",
        include_str!("../../../pipelines/sql/panel.region_product_year.sql"),
    ),
];

/// Claims that hold of any data.
pub(crate) const CHECKS: [(&str, &str); 3] = [
    (
        "customs.reconciliation__nothing_is_lost.sql",
        include_str!("../../../pipelines/checks/customs.reconciliation__nothing_is_lost.sql"),
    ),
    (
        "trade.region_product_year__keeps_every_cent.sql",
        include_str!("../../../pipelines/checks/trade.region_product_year__keeps_every_cent.sql"),
    ),
    (
        "trade.region_year__is_the_sum_of_its_products.sql",
        include_str!("../../../pipelines/checks/trade.region_year__is_the_sum_of_its_products.sql"),
    ),
];

/// Which files to look at, and where to write.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Raw files of one source.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The folder that the pipeline's own folder is made in.
    #[arg(long, short, default_value = ".")]
    output: PathBuf,
    /// The name of the pipeline and of its folder; otherwise that of the source, or of the file.
    #[arg(long)]
    name: Option<String>,
    /// Replace files that are there.
    #[arg(long)]
    force: bool,
}

/// Why there is no pipeline.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// A raw file cannot be used.
    #[error("failed to look at `{path}`: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// Files of this name are there.
    #[error(
        "{} would be replaced: say another --name or --output, or --force",
        .0.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
    )]
    Exists(Vec<PathBuf>),
    /// A name that no folder should have.
    #[error("invalid name {0:?}: expected letters, digits, `_`, `-`")]
    Name(String),
    /// A file cannot be written.
    #[error("failed to write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// What is seen cannot be told.
    #[error("failed to write what is seen")]
    Said(#[from] std::io::Error),
    /// The official HS tables are damaged.
    #[error("{0}")]
    Tables(String),
}

impl InitError {
    /// Whether the user's files or arguments are at fault.
    pub fn is_users(&self) -> bool {
        !matches!(self, Self::Said(_) | Self::Tables(_))
    }
}

/// Files of one header.
struct Group {
    items: Vec<Item>,
    /// The files that the items are, or are in.
    paths: Vec<PathBuf>,
    looks: Vec<FileLook>,
    /// All of them together.
    all: FileLook,
    draft: Draft,
    tally: Tally,
}

fn failed(path: &Path, why: String) -> InitError {
    InitError::File { path: path.to_owned(), why }
}

/// The items of files by their headers, in the order in which these are met.
fn grouped(handle: &Handle, files: &[PathBuf]) -> Result<Vec<Group>, InitError> {
    let mut groups: Vec<Group> = Vec::new();
    for path in files {
        let label = path.display().to_string();
        let file = RawFile::new(label, Place::Local(path.clone()));
        let items = input::items(&file, handle).map_err(|error| failed(path, error.to_string()))?;
        let mut looks = Vec::new();
        for item in items {
            looks.extend(alike::looks(item).map_err(|why| failed(path, why))?);
        }
        for (item, look) in looks {
            let header = look.header();
            let is_same = |group: &&mut Group| {
                group.all.header() == header
                    && group.all.sheet == look.sheet
                    && group.all.sheets.is_empty() == look.sheets.is_empty()
            };
            let of = groups.iter_mut().find(is_same);
            match of {
                Some(group) => {
                    group.all.extend(&look);
                    group.looks.push(look);
                    group.items.push(item);
                    if !group.paths.contains(path) {
                        group.paths.push(path.clone());
                    }
                }
                None => groups.push(Group {
                    items: vec![item],
                    paths: vec![path.clone()],
                    draft: columns::draft(&look),
                    all: look.clone(),
                    looks: vec![look],
                    tally: Tally::default(),
                }),
            }
        }
    }
    Ok(groups)
}

impl Group {
    /// Finds what its columns and rows are.
    fn find(&mut self, listed: &Listed) -> Result<(), InitError> {
        let path = self.paths.first().cloned().unwrap_or_default();
        self.draft = columns::draft(&self.all);
        // A layout that comes with the program says by itself which rows are meant.
        let is_shipped = self.draft.known.is_some_and(|form| form.layout.is_some());
        if self.draft.values().is_empty() && !is_shipped {
            let names: Vec<String> =
                self.draft.header.iter().map(|name| printable(name, 40)).collect();
            let has_sign = |column: &look::ColumnLook| {
                column.texts.keys().any(|text| {
                    text.contains(['$', '€', '£', '%'])
                        && text.contains(|c: char| c.is_ascii_digit())
                })
            };
            let sign = match self.all.columns.iter().find(|column| has_sign(column)) {
                Some(column) => format!(
                    " (numbers of {} have a sign beside them, which is not read: take it away)",
                    printable(&column.name, 40)
                ),
                None => String::new(),
            };
            let why = format!(
                "no column of numbers is found among {}{sign}; it was taken for {}: where that is wrong, write a \
                 layout that says what it is (`format`, `csv`, `excel`, `rows`), as docs/layouts.md shows, and look \
                 at it by `rebound preview`",
                names.join(", "),
                self.all.seen
            );
            return Err(failed(&path, why));
        }
        if let Some(why) = doubt::doubt(&self.all).filter(|_| self.draft.known.is_none()) {
            return Err(failed(&path, why));
        }
        mend::prepare(&mut self.draft, &self.all, listed);
        for _ in 0..MOST_LOOKS {
            let tally = tally::tally(&self.items, &self.draft);
            self.tally = tally.map_err(|why| failed(&path, why))?;
            if is_shipped || mend::mend(&mut self.draft, &self.tally) == Again::No {
                break;
            }
        }
        mend::facts(&mut self.draft, &self.tally, listed);
        Ok(())
    }

    fn file_names(&self) -> Vec<String> {
        self.paths.iter().map(|path| file_name(path)).collect()
    }
}

/// The name of a file without its folder.
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A name of letters, digits and marks that paths and YAML leave alone.
fn plain_name(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name: String =
        text.chars().map(|c| if is_plain(c) { c.to_ascii_lowercase() } else { '_' }).collect();
    let name = name.trim_matches(['_', '-']).to_owned();
    match name.chars().next() {
        None => "data".to_owned(),
        // YAML would take it for a number.
        Some(first) if first.is_ascii_digit() => format!("data_{name}"),
        Some(_) => name,
    }
}

/// The name of the pipeline.
fn name_of(args: &InitArgs, groups: &[Group]) -> Result<String, InitError> {
    if let Some(name) = &args.name {
        return match plain_name(name) == name.to_lowercase() {
            true => Ok(name.clone()),
            false => Err(InitError::Name(name.clone())),
        };
    }
    let known = groups.first().and_then(|group| group.draft.known).map(|form| form.name.to_owned());
    let stem = || {
        let name = args.files.first().map(|path| file_name(path)).unwrap_or_default();
        plain_name(name.split('.').next().unwrap_or_default())
    };
    Ok(known.unwrap_or_else(stem))
}

/// The path of a file from a folder, which need not be there; whole if they have nothing in common.
fn relative(folder: &Path, file: &Path) -> Result<String, std::io::Error> {
    let (folder, file) = (std::path::absolute(folder)?, std::path::absolute(file)?);
    let clean = |path: &Path| {
        let mut parts: Vec<String> = Vec::new();
        for part in path.components() {
            match part {
                Component::ParentDir => {
                    parts.pop();
                }
                Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        parts
    };
    let (from, to) = (clean(&folder), clean(&file));
    let n_common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if n_common == 0 {
        return Ok(file.display().to_string());
    }
    let up = vec!["..".to_owned(); from.len() - n_common];
    Ok([&up[..], &to[n_common..]].concat().join("/"))
}

/// A path whose marks of patterns stand for themselves.
fn escaped(path: &str) -> String {
    let mut text = String::new();
    for c in path.chars() {
        match c {
            '*' | '?' | '[' => text.extend(['[', c, ']']),
            c => text.push(c),
        }
    }
    text
}

/// What the rows of all groups are.
fn facts(name: &str, groups: &[Group]) -> Facts {
    let mut by_flow: BTreeMap<&str, BTreeMap<i32, f64>> = BTreeMap::new();
    for group in groups {
        for (flow, of) in &group.tally.flows {
            let years = by_flow.entry(flow).or_default();
            of.by_year().into_iter().for_each(|(year, value)| {
                *years.entry(year).or_default() += value;
            });
        }
    }
    let flow = if by_flow.contains_key("export") || !by_flow.contains_key("import") {
        "export"
    } else {
        "import"
    };
    let others = by_flow.keys().filter(|of| **of != flow).map(|of| (*of).to_owned());
    let tallies = || groups.iter().filter_map(move |group| group.tally.flows.get(flow));
    let most = |count: fn(&tally::FlowTally) -> usize| tallies().map(count).max().unwrap_or(0);
    let codes: Vec<&String> = tallies().flat_map(|of| of.regions.iter()).collect();
    let digits = codes.first().map_or(0, |code| code.len());
    let is_code = |code: &&String| code.len() == digits && words::is_code(code);
    let has = |field: Field| groups.iter().any(|group| said::has(&group.draft, field));
    let is_china = groups
        .iter()
        .any(|group| group.draft.known.is_some_and(|form| form.name.starts_with("china_")));
    Facts {
        name: name.to_owned(),
        measure: groups.first().and_then(|group| Some(group.draft.value.measure?.0)),
        flow: flow.to_owned(),
        other_flows: others.collect(),
        years: by_flow.get(flow).cloned().unwrap_or_default(),
        n_regions: most(|of| of.regions.len()),
        n_products: most(|of| of.products.len()),
        n_partners: most(|of| of.partners.len()),
        revisions: groups
            .iter()
            .filter(|group| group.draft.product.classification.is_none())
            .flat_map(|group| group.draft.product.revisions.iter().map(|years| years.revision))
            .collect(),
        has_months: has(Field::Month),
        has_firms: is_china || has(Field::Firm),
        region_digits: if codes.iter().all(is_code) { digits } else { 0 },
    }
}

/// The names of the rules of a layout.
fn rules_of(layout: &str) -> Vec<String> {
    let rules = layout.lines().skip_while(|line| !line.starts_with("rules:"));
    rules.filter_map(|line| line.trim().strip_prefix("- name: ")).map(str::to_owned).collect()
}

/// What is written, by its path.
struct Written {
    folder: PathBuf,
    files: Vec<(PathBuf, String)>,
    /// The layouts of the groups, in their order.
    layouts: Vec<String>,
}

impl Written {
    fn add(&mut self, name: &str, text: String) {
        self.files.push((self.folder.join(name), text));
    }

    /// Everything that the pipeline names, and itself.
    fn of(folder: PathBuf, facts: &Facts, groups: &[Group]) -> Result<Self, InitError> {
        let mut written = Self { folder, files: Vec::new(), layouts: Vec::new() };
        let mut sources = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            let number = if at == 0 { String::new() } else { format!("_{}", at + 1) };
            let layout = format!("layout{number}.yaml");
            let labels = format!("product_names{number}.csv");
            let name = group.draft.known.map_or(facts.name.as_str(), |form| form.name);
            let text = layout_text::layout_text(&group.draft, name, &group.file_names(), &labels);
            let path = |path: &PathBuf| {
                let path = relative(&written.folder, path);
                path.map(|path| escaped(&path)).map_err(InitError::Said)
            };
            sources.push(SourceText {
                files: group.paths.iter().map(path).collect::<Result<_, _>>()?,
                rules: rules_of(&text),
                layout: layout.clone(),
            });
            for (book, rows) in known_forms::books_of(&text) {
                written.add(&format!("books/{book}"), (*rows).to_owned());
            }
            written.add(&layout, text);
            if let Some(text) = layout_text::labels_text(&group.draft) {
                written.add(&labels, text);
            }
            written.layouts.push(layout);
        }
        written.add("pipeline.yaml", facts.pipeline_text(&sources));
        written.add("config.yaml", facts.config_text());
        written.add("default.yaml", DEFAULT_CONFIG.to_owned());
        for (name, text) in CHECKS {
            written.add(&format!("checks/{name}"), text.to_owned());
        }
        if facts.stages().0.contains(&"panels") {
            for (name, text) in PANELS {
                written.add(&format!("sql/{name}"), text.to_owned());
            }
        }
        written.files.sort();
        written.files.dedup_by(|a, b| a.0 == b.0);
        Ok(written)
    }

    /// Writes it.
    fn write(&self, args: &InitArgs) -> Result<(), InitError> {
        let there: Vec<PathBuf> =
            self.files.iter().map(|(path, _)| path).filter(|path| path.exists()).cloned().collect();
        if !there.is_empty() && !args.force {
            return Err(InitError::Exists(there));
        }
        for (path, text) in &self.files {
            let failed = |source| InitError::Write { path: path.clone(), source };
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(failed)?;
            }
            NewFile::write(path, text.as_bytes()).map_err(failed)?;
        }
        Ok(())
    }
}

/// A path as a shell takes it for one word.
fn for_shell(path: &str) -> String {
    let path = printable(path, 1000);
    let is_plain = |c: char| c.is_alphanumeric() || "_-./+:,=@%".contains(c);
    match !path.is_empty() && path.chars().all(is_plain) {
        true => path,
        false => format!("'{}'", path.replace('\'', "'\\''")),
    }
}

/// The share of entries that may be rejected, as the config says that is written.
fn max_rejected_share() -> f64 {
    let mut lines = DEFAULT_CONFIG.lines();
    let share = lines.find_map(|line| line.trim().strip_prefix("max_rejected_share:"));
    share.and_then(|text| text.trim().parse().ok()).unwrap_or(0.0)
}

/// Looks at raw files, says what they have, and writes a pipeline for them. Gives the files that are
/// written.
///
/// # Errors
///
/// [`InitError`], naming the file at fault.
pub fn init(
    handle: &Handle,
    out: &mut impl Write,
    args: &InitArgs,
) -> Result<Vec<PathBuf>, InitError> {
    let listed = Listed::read().map_err(InitError::Tables)?;
    let mut groups = grouped(handle, &args.files)?;
    for group in &mut groups {
        group.find(&listed)?;
        said::files(out, &group.looks, &group.all, &group.draft)?;
        said::rows(out, &group.draft, &group.tally)?;
        writeln!(out)?;
    }
    let name = name_of(args, &groups)?;
    let facts = facts(&name, &groups);
    said::plan(out, &facts)?;
    let folder = args.output.join(&name);
    let written = Written::of(folder.clone(), &facts, &groups)?;
    written.write(args)?;
    let mut stops = Vec::new();
    for (group, layout) in groups.iter().zip(&written.layouts) {
        let path = written.folder.join(layout);
        stops.extend(trial::read(out, &path, &group.items, max_rejected_share())?);
    }
    let texts: Vec<&str> = written.files.iter().map(|(_, text)| text.as_str()).collect();
    let path = |name: &str| for_shell(&folder.join(name).display().to_string());
    writeln!(
        out,
        "\nwritten to {folder}: {} files, of which layout.yaml, config.yaml and pipeline.yaml are yours to edit",
        texts.len(),
        folder = folder.display()
    )?;
    match said::n_choices(&texts) {
        0 => {}
        1 => writeln!(out, "1 line has a comment `choose:`")?,
        n => writeln!(out, "{n} lines have a comment `choose:`")?,
    }
    let first = args.files.first().map(|path| path.display().to_string()).unwrap_or_default();
    writeln!(out, "next: rebound preview {} {}", path("layout.yaml"), for_shell(&first))?;
    writeln!(out, "      rebound run {}", path("pipeline.yaml"))?;
    writeln!(
        out,
        "      rebound sql --lake {} \"select year, sum(fob_value) as value from trade.region_year group by year order by year\"",
        path("lake")
    )?;
    for stop in stops {
        writeln!(out, "`rebound run` will stop: {stop}")?;
    }
    Ok(written.files.into_iter().map(|(path, _)| path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_folder_of_the_pipeline() {
        let of = |folder: &str, file: &str| {
            relative(Path::new(folder), Path::new(file)).expect("a path")
        };
        assert_eq!(of("/a/b/x", "/a/data/t.csv"), "../../data/t.csv");
        assert_eq!(of("/a/b/x", "/a/b/../t.csv"), "../../t.csv");
        assert_eq!(of("/a/b", "/c/t.csv"), "/c/t.csv");
        assert_eq!(escaped("a[1]*.csv"), "a[[]1][*].csv");
    }

    #[test]
    fn paths_are_words_of_a_shell() {
        assert_eq!(for_shell("data/a-1.csv"), "data/a-1.csv");
        assert_eq!(for_shell("my exports (1).csv"), "'my exports (1).csv'");
        assert_eq!(for_shell("it's"), "'it'\\''s'");
        assert!((max_rejected_share() - 0.01).abs() < 1e-12);
    }

    #[test]
    fn names_are_plain() {
        assert_eq!(plain_name("Trade Data (1)"), "trade_data__1");
        assert_eq!(plain_name("2008"), "data_2008");
        assert_eq!(plain_name("数据"), "data");
    }

    #[test]
    fn rules_are_those_of_the_layout() {
        assert_eq!(rules_of("a: 1\nrules:\n  - name: x\n    why: y\n  - name: z\n"), ["x", "z"]);
        assert!(rules_of("name: x\n").is_empty());
    }
}
