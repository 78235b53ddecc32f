//! With what values: `config/*.yaml`, read once, checked once, and made into the types of the crates.

use crate::yaml::{self, YamlError};
use chrono::NaiveDate;
use clap::builder::RangedU64ValueParser;
use query::Memory;
use resilience::Benchmark;
use serde::{Deserialize, Serialize};
use space::complexity::{FitnessParams, Scale};
use space::{ComplexityParams, Diagonal, FilterParams, GainForm, Margin, Measure, Null, RcaRule};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use trade::period::ParsePeriodError;
use trade::{Frequency, HsRevision, Method, Period};

/// Why the config cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file is at fault.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// No file gives a key.
    #[error(
        "missing field `{key}` of the section `{section}` in {files}: name config/default.yaml, which has every key, first"
    )]
    Missing {
        /// The section.
        section: &'static str,
        /// The key.
        key: &'static str,
        /// The files read.
        files: String,
    },
    /// A value makes no sense.
    #[error("invalid `{key}` in `{file}`: {why}")]
    Value {
        /// The key.
        key: String,
        /// The file that gave its section.
        file: String,
        /// What is wrong and what was expected.
        why: String,
    },
}

/// A section: what a file may say of it, and all of it.
macro_rules! section {
    ($(#[$about:meta])* $name:ident as $text:ident {
        $($(#[$meaning:meta])* pub $key:ident: $type:ty,)*
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Serialize)]
        pub struct $name {
            $($(#[$meaning])* pub $key: $type,)*
        }

        #[derive(Debug, Clone, Default, Deserialize, Serialize)]
        #[serde(deny_unknown_fields)]
        struct $text {
            $($key: Option<$type>,)*
        }

        impl $text {
            /// Its keys, in order.
            const KEYS: &[&str] = &[$(stringify!($key),)*];
        }

        impl $text {
            /// A later file's keys stand for an earlier one's; the first key that no file gives, if there is one.
            fn merged<'t>(texts: impl DoubleEndedIterator<Item = &'t Self> + Clone) -> Result<$name, &'static str> {
                Ok($name {
                    $($key: texts
                        .clone()
                        .rev()
                        .find_map(|text| text.$key.clone())
                        .ok_or(stringify!($key))?,)*
                })
            }
        }
    };
}

/// One config file: any keys of any sections.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    ingest: Option<IngestText>,
    harmonize: Option<HarmonizeText>,
    aggregate: Option<AggregateText>,
    cleaning: Option<CleaningText>,
    relatedness: Option<RelatednessText>,
    complexity: Option<ComplexityText>,
    resilience: Option<ResilienceText>,
    spatial: Option<SpatialText>,
    policy: Option<PolicyText>,
    engine: Option<EngineText>,
}

/// The sections and their keys, in order.
const SECTIONS: [(&str, &[&str]); 10] = [
    ("ingest", IngestText::KEYS),
    ("harmonize", HarmonizeText::KEYS),
    ("aggregate", AggregateText::KEYS),
    ("cleaning", CleaningText::KEYS),
    ("relatedness", RelatednessText::KEYS),
    ("complexity", ComplexityText::KEYS),
    ("resilience", ResilienceText::KEYS),
    ("spatial", SpatialText::KEYS),
    ("policy", PolicyText::KEYS),
    ("engine", EngineText::KEYS),
];

/// A value of the config, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its section.
    pub section: &'static str,
    /// Its key there.
    pub key: &'static str,
    /// The value, as JSON, which is YAML.
    pub value: String,
    /// The file that says so.
    pub path: PathBuf,
    /// The line there.
    pub line: usize,
}

/// The line of `key` in the block of `section`, counted from 1; that of the section where the key is on it.
fn line_of(text: &str, section: &str, key: &str) -> usize {
    let says = |line: &str, name: &str| {
        line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(':'))
    };
    let begin = text.lines().position(|line| says(line, section)).unwrap_or(0);
    let is_below = |line: &&str| line.is_empty() || line.starts_with([' ', '#']);
    let block = text.lines().skip(begin + 1).take_while(is_below);
    let below = block.map(str::trim_start).position(|line| says(line, key));
    begin + 1 + below.map_or(0, |at| at + 1)
}

section! {
    /// Section `ingest`.
    Ingest as IngestText {
        /// The largest share of entries that may be rejected, 0 to 1.
        pub max_rejected_share: f64,
        /// The largest row, or header, of a text that is read, in MiB.
        pub max_row_mib: usize,
    }
}

section! {
    /// Section `harmonize`.
    Harmonize as HarmonizeText {
        /// The one HS revision of the analysis.
        pub target_revision: String,
        /// How codes are brought to it.
        pub method: String,
    }
}

section! {
    /// Section `aggregate`.
    Aggregate as AggregateText {
        /// `export` or `import`.
        pub flow: String,
        /// By what a region-product's value is divided, beside months and firms.
        pub parts: Vec<String>,
        /// What is counted of a region-product.
        pub counts: Vec<String>,
        /// Whether sums by firm are kept.
        pub firms: bool,
        /// Whether sums by month are kept.
        pub months: bool,
        /// Whether quantities are summed, by unit of measure.
        pub quantities: bool,
    }
}

/// What is made of a region-product's records, beside their sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Sums by destination.
    pub destination: bool,
    /// Sums by ownership.
    pub ownership: bool,
    /// Sums by trade mode.
    pub trade_mode: bool,
    /// Sums by ownership and trade mode.
    pub ownership_trade_mode: bool,
    /// Sums by firm.
    pub firm: bool,
    /// Sums by month.
    pub month: bool,
    /// How many destinations there are.
    pub counts_destinations: bool,
    /// How many firms there are.
    pub counts_firms: bool,
}

impl Parts {
    /// Whether a record's destination is needed.
    pub fn needs_destinations(self) -> bool {
        self.destination || self.counts_destinations
    }

    /// Whether its firm is.
    pub fn needs_firms(self) -> bool {
        self.firm || self.counts_firms
    }
}

impl Aggregate {
    /// What is made.
    ///
    /// # Errors
    ///
    /// The key whose list names something else, or something twice; and why.
    pub fn made(&self) -> Result<Parts, (&'static str, String)> {
        let [destination, ownership, trade_mode, ownership_trade_mode] =
            listed(&self.parts, ["destination", "ownership", "trade_mode", "ownership_trade_mode"])
                .map_err(|why| ("parts", why))?;
        let [counts_destinations, counts_firms] =
            listed(&self.counts, ["destinations", "firms"]).map_err(|why| ("counts", why))?;
        Ok(Parts {
            destination,
            ownership,
            trade_mode,
            ownership_trade_mode,
            firm: self.firms,
            month: self.months,
            counts_destinations,
            counts_firms,
        })
    }
}

section! {
    /// Section `cleaning`.
    Cleaning as CleaningText {
        /// Exports of a region in a year, in the currency.
        pub min_region_total: f64,
        /// Exports of a product in a year.
        pub min_product_total: f64,
        /// Products that a region is specialised in.
        pub min_diversity: usize,
        /// Regions that are specialised in a product.
        pub min_ubiquity: usize,
        /// Whether to go on until nothing changes.
        pub repeated: bool,
    }
}

section! {
    /// Section `relatedness`.
    Relatedness as RelatednessText {
        /// `at_least` or `above`.
        pub rca_rule: String,
        /// The RCA that the rule compares with.
        pub rca_threshold: f64,
        /// `national` or `external`.
        pub rca_reference: String,
        /// A measure of [`space::Measure`], `correlation`, `coagglomeration` or `additions`.
        pub measure: String,
        /// `ubiquity` or `co_occurrence`.
        pub margin: String,
        /// `regions`, `firms` or `external`.
        pub proximity_source: String,
        /// Years pooled for the proximity of the data's own regions or firms.
        pub proximity_years: Vec<i32>,
        /// Products below this ubiquity are related to nothing.
        pub min_ubiquity: usize,
        /// The smallest value of a firm's exports of a product that counts.
        pub firm_floor: f64,
        /// `excluded` or `included`.
        pub diagonal: String,
        /// The closest share of pairs that counts as related.
        pub related_share: f64,
        /// Neighbours of the density of nearest products.
        pub nearest: usize,
        /// The smallest proximity that `space.proximity` holds.
        pub publish_proximity_from: f64,
        /// `none`, `hypergeometric` or `permutation`.
        pub validation: String,
        /// Shuffles of the permutation.
        pub validation_shuffles: usize,
        /// What their random numbers start from.
        pub validation_seed: u64,
        /// Years before and after that an entry or exit must last.
        pub persistence_years: usize,
        /// RCA that a jump starts from at the most.
        pub jump_from: f64,
        /// RCA that it reaches at the least.
        pub jump_to: f64,
    }
}

section! {
    /// Section `complexity`.
    Complexity as ComplexityText {
        /// `regions` or `products`.
        pub pci_scale: String,
        /// 0 or 1.
        pub ddof: u8,
        /// Steps of the method of reflections.
        pub reflections: usize,
        /// Steps of fitness at the most.
        pub fitness_iterations: usize,
        /// Change of a logarithm at which fitness stops.
        pub fitness_tolerance: f64,
        /// `uncentered` or `standardized`.
        pub outlook_pci: String,
        /// `nearer`, `nearer_less_own` or `mean`.
        pub outlook_gain: String,
    }
}

section! {
    /// Section `resilience`.
    Resilience as ResilienceText {
        /// The smallest expected growth, in absolute value, that an index is divided by.
        pub near_zero: f64,
        /// The smallest exports at the start of a stage that an index is computed from, in the currency.
        pub min_base_value: f64,
        /// What others must export of a product at the least, over what a region does, for a benchmark without it.
        pub min_benchmark_share: f64,
        /// `missing` or `zero`: a region that has no rows in a period.
        pub absent_regions: String,
        /// Whether a region-product that is exported at none of base, trough and end has a row.
        pub balanced: bool,
        /// Benchmarks of regions.
        pub region_benchmarks: Vec<String>,
        /// Benchmarks of region-products.
        pub product_benchmarks: Vec<String>,
        /// Years before the base whose mean log growth is the own trend.
        pub trend_years: usize,
        /// Years whose mean growth is the norm of a shock.
        pub shock_years_before: usize,
        /// How far growth falls below it in a shock.
        pub shock_margin: f64,
        /// Years within which growth must be back.
        pub shock_years_after: usize,
        /// Share of each tail that winsorised indices pull in.
        pub winsorized_share: f64,
        /// Elasticity of substitution of quality.
        pub quality_sigma: f64,
        /// Replicates of the intervals; 0: none.
        pub bootstrap_replicates: usize,
        /// Share of the replicates inside the interval.
        pub bootstrap_level: f64,
        /// What their random numbers start from.
        pub bootstrap_seed: u64,
        /// Regions whose borders changed.
        pub region_changes: Vec<RegionChange>,
        /// The shocks.
        pub episodes: Vec<Episode>,
    }
}

section! {
    /// Section `spatial`.
    Spatial as SpatialText {
        /// `contiguity`, `nearest` or `inverse_distance`.
        pub weights: String,
        /// Neighbours of `nearest`.
        pub neighbours: usize,
        /// Distance beyond which regions are no neighbours, in km.
        pub band_km: f64,
        /// First characters of a region's code that are its group.
        pub group_digits: usize,
        /// Permutations of the tests.
        pub permutations: usize,
        /// What their random numbers start from.
        pub seed: u64,
        /// The largest p-value of a cluster.
        pub significance: f64,
    }
}

/// How neighbours are weighted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpatialWeights {
    /// Regions whose borders meet.
    Contiguity,
    /// The nearest.
    Nearest,
    /// All within the band, by the inverse of their distance.
    InverseDistance,
}

impl Spatial {
    /// How neighbours are weighted.
    ///
    /// # Errors
    ///
    /// The text names nothing.
    pub fn kind(&self) -> Result<SpatialWeights, String> {
        one_of(
            &self.weights,
            &[
                ("contiguity", SpatialWeights::Contiguity),
                ("nearest", SpatialWeights::Nearest),
                ("inverse_distance", SpatialWeights::InverseDistance),
            ],
        )
    }

    fn checked(&self) -> Result<(), (&'static str, String)> {
        self.kind().map_err(|why| ("weights", why))?;
        above_zero(self.band_km).map_err(|why| ("band_km", why))?;
        share(self.significance).map_err(|why| ("significance", why))
    }
}

/// A shock, and the periods that its stages begin and end with. All are as long.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "EpisodeText", into = "EpisodeText")]
pub struct Episode {
    /// Its name.
    pub name: String,
    /// Periods whose mean is the base, ascending.
    pub base: Vec<Period>,
    /// The trough.
    pub trough: Period,
    /// The end of the recovery.
    pub end: Period,
    /// The period whose structure is compared with the base's.
    pub transformation: Period,
    /// Periods whose sum stands for the last of them: 12 months take the seasons out.
    pub trailing: usize,
}

/// An episode as a file has it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct EpisodeText {
    name: String,
    base: PeriodTexts,
    trough: PeriodText,
    end: PeriodText,
    transformation: Option<PeriodText>,
    trailing: Option<usize>,
}

/// A year as a number, or any period as a text.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged)]
enum PeriodText {
    Year(i32),
    Text(String),
}

/// One period, or a list of them.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged)]
enum PeriodTexts {
    Several(Vec<PeriodText>),
    One(PeriodText),
}

impl PeriodTexts {
    fn all(&self) -> &[PeriodText] {
        match self {
            Self::Several(periods) => periods,
            Self::One(period) => std::slice::from_ref(period),
        }
    }
}

impl PeriodText {
    fn read(&self, key: &str) -> Result<Period, String> {
        let text = match self {
            Self::Year(year) => year.to_string(),
            Self::Text(text) => text.clone(),
        };
        text.parse().map_err(|error: ParsePeriodError| format!("{key}: {error}"))
    }
}

impl TryFrom<EpisodeText> for Episode {
    type Error = String;

    fn try_from(text: EpisodeText) -> Result<Self, String> {
        let read = |period: &PeriodText, key: &str| {
            period.read(key).map_err(|why| format!("episode {:?}: {why}", text.name))
        };
        let mut base: Vec<Period> =
            text.base.all().iter().map(|period| read(period, "base")).collect::<Result<_, _>>()?;
        base.sort_unstable();
        let end = read(&text.end, "end")?;
        Ok(Self {
            base,
            trough: read(&text.trough, "trough")?,
            end,
            transformation: match &text.transformation {
                Some(period) => read(period, "transformation")?,
                None => end,
            },
            trailing: text.trailing.unwrap_or(1),
            name: text.name,
        })
    }
}

impl From<Episode> for EpisodeText {
    fn from(episode: Episode) -> Self {
        let text = |period: Period| PeriodText::Text(period.to_string());
        Self {
            base: PeriodTexts::Several(episode.base.iter().copied().map(text).collect()),
            trough: text(episode.trough),
            end: text(episode.end),
            transformation: Some(text(episode.transformation)),
            trailing: Some(episode.trailing),
            name: episode.name,
        }
    }
}

/// A region that is not the same before and after.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RegionChange {
    /// Its code.
    pub region: String,
    /// The first year of the new borders.
    pub year: i32,
}

section! {
    /// Section `policy`.
    Policy as PolicyText {
        /// The rate of VAT, a fraction.
        pub vat: f64,
        /// Day before the crisis steps, and day after them.
        pub step_from: String,
        /// See [`Self::step_from`].
        pub step_to: String,
        /// Day before the earlier cut, and day after it.
        pub cut_from: String,
        /// See [`Self::cut_from`].
        pub cut_to: String,
    }
}

/// The dates of [`Policy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyDates {
    /// Day before the crisis steps.
    pub step_from: NaiveDate,
    /// Day after them.
    pub step_to: NaiveDate,
    /// Day before the earlier cut.
    pub cut_from: NaiveDate,
    /// Day after it.
    pub cut_to: NaiveDate,
}

impl Policy {
    /// Its dates.
    ///
    /// # Errors
    ///
    /// The key of one that is none, or not after the one it follows, and what is wrong with it.
    pub fn dates(&self) -> Result<PolicyDates, (&'static str, String)> {
        let day = |key, text: &str| {
            let why = |_| (key, format!("{text:?}: expected a date, YYYY-MM-DD"));
            text.parse::<NaiveDate>().map_err(why)
        };
        let dates = PolicyDates {
            step_from: day("step_from", &self.step_from)?,
            step_to: day("step_to", &self.step_to)?,
            cut_from: day("cut_from", &self.cut_from)?,
            cut_to: day("cut_to", &self.cut_to)?,
        };
        let steps =
            [("step_to", dates.step_from, dates.step_to), ("cut_to", dates.cut_from, dates.cut_to)];
        match steps.into_iter().find(|(_, from, to)| to <= from) {
            Some((key, from, to)) => Err((key, format!("{to}: expected a day after {from}"))),
            None => Ok(dates),
        }
    }

    fn checked(&self) -> Result<(), (&'static str, String)> {
        if !(self.vat > 0.0 && self.vat < 1.0) {
            return Err(("vat", format!("{}: expected a fraction, above 0 and below 1", self.vat)));
        }
        self.dates().map(|_| ())
    }
}

section! {
    /// Section `engine`: nothing here changes a number.
    Engine as EngineText {
        /// Threads; 0: one a core.
        pub threads: usize,
        /// Memory of sums and of SQL operators before they spill, in MiB.
        pub memory_mib: usize,
    }
}

impl Engine {
    /// [`Self::memory_mib`] for SQL and sums: less than 64 MiB is no use.
    pub fn memory(&self) -> Memory {
        Memory { mib: self.memory_mib.max(64), setting: "`engine.memory_mib`" }
    }
}

/// The whole config, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Section `ingest`.
    pub ingest: Ingest,
    /// Section `harmonize`.
    pub harmonize: Harmonize,
    /// Section `aggregate`.
    pub aggregate: Aggregate,
    /// Section `cleaning`.
    pub cleaning: Cleaning,
    /// Section `relatedness`.
    pub relatedness: Relatedness,
    /// Section `complexity`.
    pub complexity: Complexity,
    /// Section `resilience`.
    pub resilience: Resilience,
    /// Section `spatial`.
    pub spatial: Spatial,
    /// Section `policy`.
    pub policy: Policy,
    /// Section `engine`.
    pub engine: Engine,
}

/// Where proximity comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProximitySource {
    /// The data's own regions.
    Regions,
    /// The data's own firms.
    Firms,
    /// The pipeline's table.
    External,
}

/// How relatedness is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelatednessMeasure {
    /// From co-occurrence.
    CoOccurrence(Measure),
    /// Correlation of RCA.
    Correlation,
    /// Ellison, Glaeser & Kerr.
    Coagglomeration,
    /// What firms with one product add from the first year to the last.
    Additions,
}

fn one_of<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        format!("unknown choice {text:?}: expected one of {}", names.join(", "))
    })
}

/// Which of `choices` a list names.
fn listed<const N: usize>(names: &[String], choices: [&str; N]) -> Result<[bool; N], String> {
    if !names.is_empty() {
        unique(names)?;
    }
    for name in names {
        one_of(name, &choices.map(|choice| (choice, ())))?;
    }
    Ok(choices.map(|choice| names.iter().any(|name| name == choice)))
}

impl Harmonize {
    /// The target revision.
    ///
    /// # Errors
    ///
    /// The text names none.
    pub fn revision(&self) -> Result<HsRevision, String> {
        self.target_revision.parse().map_err(|e: trade::hs::ParseRevisionError| e.to_string())
    }

    /// The method.
    ///
    /// # Errors
    ///
    /// The text names none.
    pub fn method(&self) -> Result<Method, String> {
        self.method.parse().map_err(|e: trade::concordance::ParseMethodError| e.to_string())
    }
}

impl Relatedness {
    /// The rule of specialisation.
    ///
    /// # Errors
    ///
    /// The text names none.
    pub fn rule(&self) -> Result<RcaRule, String> {
        let threshold = self.rca_threshold;
        one_of(
            &self.rca_rule,
            &[("at_least", RcaRule::AtLeast(threshold)), ("above", RcaRule::Above(threshold))],
        )
    }

    /// Where proximity comes from.
    ///
    /// # Errors
    ///
    /// The text names nothing.
    pub fn source(&self) -> Result<ProximitySource, String> {
        one_of(
            &self.proximity_source,
            &[
                ("regions", ProximitySource::Regions),
                ("firms", ProximitySource::Firms),
                ("external", ProximitySource::External),
            ],
        )
    }

    /// Whether RCA is compared with the pipeline's reference.
    ///
    /// # Errors
    ///
    /// The text names nothing.
    pub fn has_external_reference(&self) -> Result<bool, String> {
        one_of(&self.rca_reference, &[("national", false), ("external", true)])
    }

    /// What co-occurrence is compared with.
    fn margin_of(&self) -> Result<Margin, String> {
        let margins = [("ubiquity", Margin::Ubiquity), ("co_occurrence", Margin::CoOccurrence)];
        one_of(&self.margin, &margins)
    }

    /// How relatedness is measured.
    ///
    /// # Errors
    ///
    /// A text names nothing.
    pub fn measure(&self) -> Result<RelatednessMeasure, String> {
        let margin = self.margin_of()?;
        let counted = RelatednessMeasure::CoOccurrence;
        one_of(
            &self.measure,
            &[
                ("proximity", counted(Measure::Proximity)),
                ("conditional", counted(Measure::Conditional)),
                ("cosine", counted(Measure::Cosine(margin))),
                ("jaccard", counted(Measure::Jaccard(margin))),
                ("association", counted(Measure::Association(margin))),
                ("probability", counted(Measure::Probability(margin))),
                ("survivor", counted(Measure::Survivor)),
                ("revealed", counted(Measure::Revealed)),
                ("correlation", RelatednessMeasure::Correlation),
                ("coagglomeration", RelatednessMeasure::Coagglomeration),
                ("additions", RelatednessMeasure::Additions),
            ],
        )
    }

    /// How links are validated, if they are.
    ///
    /// # Errors
    ///
    /// The text names nothing.
    pub fn null(&self) -> Result<Option<Null>, String> {
        let (n_shuffles, seed) = (self.validation_shuffles, self.validation_seed);
        one_of(
            &self.validation,
            &[
                ("none", None),
                ("hypergeometric", Some(Null::Hypergeometric)),
                ("permutation", Some(Null::Permutation { n_shuffles, seed })),
            ],
        )
    }

    fn checked(&self) -> Result<(), (&'static str, String)> {
        let of = |key: &'static str| move |why: String| (key, why);
        self.rule().map_err(of("rca_rule"))?;
        above_zero(self.rca_threshold).map_err(of("rca_threshold"))?;
        self.has_external_reference().map_err(of("rca_reference"))?;
        self.margin_of().map_err(of("margin"))?;
        let measure = self.measure().map_err(of("measure"))?;
        let source = self.source().map_err(of("proximity_source"))?;
        self.diagonal().map_err(of("diagonal"))?;
        share(self.related_share).map_err(of("related_share"))?;
        share(self.publish_proximity_from).map_err(of("publish_proximity_from"))?;
        let null = self.null().map_err(of("validation"))?;
        at_least_zero(self.firm_floor).map_err(of("firm_floor"))?;
        if source != ProximitySource::External && self.proximity_years.is_empty() {
            let why = format!(
                "expected at least one year with `proximity_source: {}`",
                self.proximity_source
            );
            return Err(("proximity_years", why));
        }
        let is_counted = matches!(measure, RelatednessMeasure::CoOccurrence(_));
        let why = match (source, measure) {
            (ProximitySource::Firms, RelatednessMeasure::Additions)
                if self.proximity_years.len() < 2 =>
            {
                Some(
                    "`additions` compares the last of proximity_years with the first: expected two or more",
                )
            }
            (ProximitySource::Regions, RelatednessMeasure::Additions) => {
                Some("`additions` is of firms: it needs `proximity_source: firms`")
            }
            (
                ProximitySource::Firms,
                RelatednessMeasure::Correlation | RelatednessMeasure::Coagglomeration,
            ) => Some("it needs `proximity_source: regions`"),
            _ => None,
        };
        if let Some(why) = why {
            return Err(("measure", why.to_owned()));
        }
        if null.is_some() && (source == ProximitySource::External || !is_counted) {
            let why =
                "links can be validated where they are counted in the data: set `validation: none`";
            return Err(("validation", why.to_owned()));
        }
        at_least_zero(self.jump_from).map_err(of("jump_from"))?;
        above_zero(self.jump_to).map_err(of("jump_to"))?;
        Ok(())
    }

    /// The convention for a product's proximity to itself.
    ///
    /// # Errors
    ///
    /// The text names none.
    pub fn diagonal(&self) -> Result<Diagonal, String> {
        one_of(
            &self.diagonal,
            &[("excluded", Diagonal::Excluded), ("included", Diagonal::Included)],
        )
    }
}

impl Complexity {
    /// Scale and standard deviation.
    ///
    /// # Errors
    ///
    /// A value names nothing.
    pub fn params(&self) -> Result<ComplexityParams, String> {
        let scales = [("regions", Scale::Regions), ("products", Scale::Products)];
        if self.ddof > 1 {
            return Err(format!("ddof is {}: expected 0 or 1", self.ddof));
        }
        Ok(ComplexityParams { pci_scale: one_of(&self.pci_scale, &scales)?, ddof: self.ddof })
    }

    /// When fitness stops.
    pub fn fitness(&self) -> FitnessParams {
        FitnessParams { max_iterations: self.fitness_iterations, tolerance: self.fitness_tolerance }
    }

    /// Which gain the outlook has.
    ///
    /// # Errors
    ///
    /// The text names none.
    pub fn gain(&self) -> Result<GainForm, String> {
        one_of(
            &self.outlook_gain,
            &[
                ("nearer", GainForm::Nearer),
                ("nearer_less_own", GainForm::NearerLessOwn),
                ("mean", GainForm::Mean),
            ],
        )
    }

    /// Whether the outlook takes PCI with its mean taken off.
    ///
    /// # Errors
    ///
    /// The text names nothing.
    pub fn outlook_is_standardized(&self) -> Result<bool, String> {
        one_of(&self.outlook_pci, &[("uncentered", false), ("standardized", true)])
    }

    fn checked(&self) -> Result<(), (&'static str, String)> {
        self.params().map_err(|why| ("pci_scale", why))?;
        self.gain().map_err(|why| ("outlook_gain", why))?;
        self.outlook_is_standardized().map_err(|why| ("outlook_pci", why))?;
        if self.reflections < 2 || self.reflections % 2 == 1 {
            let why = "expected an even number of 2 or more: high is complex after even steps only";
            return Err(("reflections", why.to_owned()));
        }
        above_zero(self.fitness_tolerance).map_err(|why| ("fitness_tolerance", why))
    }
}

impl Cleaning {
    /// The filters.
    pub fn params(&self, rule: RcaRule) -> FilterParams {
        FilterParams {
            min_region_total: self.min_region_total,
            min_product_total: self.min_product_total,
            min_diversity: self.min_diversity,
            min_ubiquity: self.min_ubiquity,
            rule,
            is_repeated: self.repeated,
        }
    }

    fn checked(&self) -> Result<(), (&'static str, String)> {
        at_least_zero(self.min_region_total).map_err(|why| ("min_region_total", why))?;
        at_least_zero(self.min_product_total).map_err(|why| ("min_product_total", why))
    }
}

fn share(value: f64) -> Result<(), String> {
    let is_share = (0.0..=1.0).contains(&value);
    is_share.then_some(()).ok_or_else(|| format!("{value} is not between 0 and 1"))
}

fn above_zero(value: f64) -> Result<(), String> {
    let is_good = value > 0.0 && value.is_finite();
    is_good.then_some(()).ok_or_else(|| format!("{value} is not above 0"))
}

fn at_least_zero(value: f64) -> Result<(), String> {
    let is_good = value >= 0.0 && value.is_finite();
    is_good.then_some(()).ok_or_else(|| format!("{value} is below 0"))
}

impl Resilience {
    /// The benchmarks of regions.
    ///
    /// # Errors
    ///
    /// A text names none.
    pub fn of_regions(&self) -> Result<Vec<Benchmark>, String> {
        self.region_benchmarks
            .iter()
            .map(|text| text.parse().map_err(|e: resilience::ParseBenchmarkError| e.to_string()))
            .collect()
    }

    fn checked(&self) -> Result<(), (&'static str, String)> {
        let at_least = |key, value: f64| {
            let is_fine = value.is_finite() && value >= 0.0;
            is_fine.then_some(()).ok_or_else(|| (key, format!("{value}: expected 0 or more")))
        };
        at_least("min_base_value", self.min_base_value)?;
        at_least("shock_margin", self.shock_margin)?;
        at_least("min_benchmark_share", self.min_benchmark_share)?;
        self.absent_are_zero().map_err(|why| ("absent_regions", why))?;
        for change in &self.region_changes {
            let of_region = |why| ("region_changes", format!("region {:?}: {why}", change.region));
            year(change.year).map_err(of_region)?;
        }
        if !(0.0..0.5).contains(&self.winsorized_share) {
            let why = format!("{}: expected 0 or more and below 0.5", self.winsorized_share);
            return Err(("winsorized_share", why));
        }
        if !(self.quality_sigma.is_finite() && self.quality_sigma > 1.0) {
            let why = format!("{}: expected a number above 1, such as 5", self.quality_sigma);
            return Err(("quality_sigma", why));
        }
        if !(self.bootstrap_level > 0.0 && self.bootstrap_level < 1.0) {
            let why = format!("{}: expected a share between 0 and 1", self.bootstrap_level);
            return Err(("bootstrap_level", why));
        }
        Ok(())
    }

    /// Whether a region that has no rows in a period exports nothing there.
    ///
    /// # Errors
    ///
    /// The text says neither.
    pub fn absent_are_zero(&self) -> Result<bool, String> {
        one_of(&self.absent_regions, &[("missing", false), ("zero", true)])
    }

    /// Whether a benchmark is another economy's growth.
    pub fn uses_reference(&self) -> bool {
        let of_products = self.of_products().unwrap_or_default();
        let all = of_products.into_iter().map(|(_, benchmark)| benchmark);
        all.chain(self.of_regions().unwrap_or_default()).any(Benchmark::is_of_reference)
    }

    /// The benchmarks of region-products with their names: `product` is what `mix` is for regions.
    ///
    /// # Errors
    ///
    /// A text names none.
    pub fn of_products(&self) -> Result<Vec<(String, Benchmark)>, String> {
        let choices = [
            ("aggregate", Benchmark::Aggregate),
            ("product", Benchmark::Mix),
            ("aggregate_loo", Benchmark::AggregateLeaveOneOut),
            ("product_loo", Benchmark::MixLeaveOneOut),
            ("own_trend", Benchmark::OwnTrend),
            ("reference", Benchmark::Reference),
            ("reference_product", Benchmark::ReferenceMix),
        ];
        self.product_benchmarks
            .iter()
            .map(|text| one_of(text, &choices).map(|benchmark| (text.clone(), benchmark)))
            .collect()
    }
}

/// Numbers that work is repeated by: more could not end.
pub const REPEATED: RangeInclusive<usize> = 1..=1_000_000;

/// Numbers of years.
const YEARS: RangeInclusive<usize> = 1..=100;

/// Threads of a run.
pub const THREADS: RangeInclusive<usize> = 0..=1024;

/// Years that data may be of.
const CALENDAR: RangeInclusive<i32> = 1900..=2100;

/// A number of the command line that is in a range.
pub fn count(range: RangeInclusive<usize>) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(*range.start() as u64..=*range.end() as u64)
}

/// Whether a value is in a range; else what was expected.
///
/// # Errors
///
/// The value, and what was expected.
pub fn within<T: PartialOrd + std::fmt::Display>(
    value: &T,
    range: &RangeInclusive<T>,
) -> Result<(), String> {
    let why = || format!("{value}: expected {} to {}", range.start(), range.end());
    range.contains(value).then_some(()).ok_or_else(why)
}

fn year(value: i32) -> Result<(), String> {
    within(&value, &CALENDAR)
}

impl Config {
    /// Every number that something is counted, repeated or taken memory by, with what it may be.
    fn counts(&self) -> Vec<(&'static str, usize, RangeInclusive<usize>)> {
        let (related, resilience) = (&self.relatedness, &self.resilience);
        let any = || 0..=1_000_000_000;
        vec![
            ("ingest.max_row_mib", self.ingest.max_row_mib, 1..=1024),
            ("cleaning.min_diversity", self.cleaning.min_diversity, any()),
            ("cleaning.min_ubiquity", self.cleaning.min_ubiquity, any()),
            ("relatedness.min_ubiquity", related.min_ubiquity, any()),
            ("relatedness.nearest", related.nearest, any()),
            ("relatedness.validation_shuffles", related.validation_shuffles, REPEATED),
            ("relatedness.persistence_years", related.persistence_years, YEARS),
            ("complexity.reflections", self.complexity.reflections, 2..=10_000),
            ("complexity.fitness_iterations", self.complexity.fitness_iterations, REPEATED),
            ("resilience.trend_years", resilience.trend_years, YEARS),
            ("resilience.shock_years_before", resilience.shock_years_before, YEARS),
            ("resilience.shock_years_after", resilience.shock_years_after, YEARS),
            ("resilience.bootstrap_replicates", resilience.bootstrap_replicates, 0..=1_000_000),
            ("spatial.neighbours", self.spatial.neighbours, REPEATED),
            ("spatial.group_digits", self.spatial.group_digits, 0..=100),
            ("spatial.permutations", self.spatial.permutations, REPEATED),
            ("engine.threads", self.engine.threads, THREADS),
            ("engine.memory_mib", self.engine.memory_mib, 1..=1 << 24),
        ]
    }

    /// Every value of [`Self::read`], in the order of sections and keys, with the file that says so last.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub fn settings(paths: &[PathBuf]) -> Result<Vec<Setting>, ConfigError> {
        Self::read(paths)?;
        let mut files = Vec::new();
        for path in paths {
            let unreadable = |source| YamlError::Read { path: path.clone(), source };
            let text = std::fs::read_to_string(path).map_err(unreadable)?;
            let said = serde_json::to_value(yaml::read::<File>(path)?);
            let said = said.map_err(|error| ConfigError::Value {
                key: "config".to_owned(),
                file: path.display().to_string(),
                why: error.to_string(),
            })?;
            files.push((path, text, said));
        }
        let keys = SECTIONS
            .iter()
            .flat_map(|&(section, keys)| keys.iter().map(move |&key| (section, key)));
        let setting = |(section, key): (&'static str, &'static str)| {
            let of = |said: &serde_json::Value| Some(said.get(section)?.get(key)?.clone());
            let (path, text, value) = files.iter().rev().find_map(|(path, text, said)| {
                Some((path, text, of(said).filter(|value| !value.is_null())?))
            })?;
            let line = line_of(text, section, key);
            Some(Setting { section, key, value: value.to_string(), path: (*path).clone(), line })
        };
        Ok(keys.filter_map(setting).collect())
    }

    /// Reads `paths` in order; a key of a later file replaces the earlier one.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] on an unreadable file, an absent key, or a value that makes no sense.
    pub fn read(paths: &[PathBuf]) -> Result<Self, ConfigError> {
        let files = paths
            .iter()
            .map(|path| Ok((path.clone(), yaml::read::<File>(path)?)))
            .collect::<Result<Vec<_>, YamlError>>()?;
        macro_rules! merged {
            ($section:ident, $text:ident) => {{
                let texts = files.iter().filter_map(|(_, file)| file.$section.as_ref());
                let merged = $text::merged(texts).map_err(|key| ConfigError::Missing {
                    section: stringify!($section),
                    key,
                    files: files
                        .iter()
                        .map(|(path, _)| format!("`{}`", path.display()))
                        .collect::<Vec<_>>()
                        .join(", "),
                })?;
                // What is wrong with a section was most likely said by the last file that has it.
                let last = files.iter().rev().find(|(_, file)| file.$section.is_some());
                (merged, last.map(|(path, _)| path.display().to_string()).unwrap_or_default())
            }};
        }
        let (ingest, ingest_file) = merged!(ingest, IngestText);
        let (harmonize, harmonize_file) = merged!(harmonize, HarmonizeText);
        let (aggregate, aggregate_file) = merged!(aggregate, AggregateText);
        let (cleaning, cleaning_file) = merged!(cleaning, CleaningText);
        let (relatedness, related_file) = merged!(relatedness, RelatednessText);
        let (complexity, complexity_file) = merged!(complexity, ComplexityText);
        let (resilience, resilience_file) = merged!(resilience, ResilienceText);
        let (spatial, spatial_file) = merged!(spatial, SpatialText);
        let (policy, policy_file) = merged!(policy, PolicyText);
        let (engine, engine_file) = merged!(engine, EngineText);
        let config = Self {
            ingest,
            harmonize,
            aggregate,
            cleaning,
            relatedness,
            complexity,
            resilience,
            spatial,
            policy,
            engine,
        };
        let check = |file: &str, key: &str, outcome: Result<(), String>| {
            outcome.map_err(|why| ConfigError::Value {
                key: key.to_owned(),
                file: file.to_owned(),
                why,
            })
        };
        let files = [
            ("ingest", &ingest_file),
            ("cleaning", &cleaning_file),
            ("relatedness", &related_file),
            ("complexity", &complexity_file),
            ("resilience", &resilience_file),
            ("spatial", &spatial_file),
            ("engine", &engine_file),
        ];
        for (key, value, range) in config.counts() {
            let file = files.iter().find(|(section, _)| key.split('.').next() == Some(section));
            let file = file.map(|(_, file)| file.as_str()).unwrap_or_default();
            check(file, key, within(&value, &range))?;
        }
        for &value in &config.relatedness.proximity_years {
            check(&related_file, "relatedness.proximity_years", year(value))?;
        }
        check(&ingest_file, "ingest.max_rejected_share", share(config.ingest.max_rejected_share))?;
        check(
            &harmonize_file,
            "harmonize.target_revision",
            config.harmonize.revision().map(|_| ()),
        )?;
        check(&harmonize_file, "harmonize.method", config.harmonize.method().map(|_| ()))?;
        let flow = one_of(&config.aggregate.flow, &[("export", ()), ("import", ())]);
        check(&aggregate_file, "aggregate.flow", flow)?;
        let sections = [
            ("aggregate", aggregate_file.clone(), config.aggregate.made().map(|_| ())),
            ("cleaning", cleaning_file.clone(), config.cleaning.checked()),
            ("relatedness", related_file.clone(), config.relatedness.checked()),
            ("complexity", complexity_file.clone(), config.complexity.checked()),
            ("spatial", spatial_file.clone(), config.spatial.checked()),
            ("policy", policy_file, config.policy.checked()),
        ];
        for (section, file, outcome) in sections {
            if let Err((key, why)) = outcome {
                check(&file, &format!("{section}.{key}"), Err(why))?;
            }
        }
        let is_external = config.relatedness.has_external_reference() == Ok(true);
        if is_external && config.harmonize.method() != Ok(Method::OneToOne) {
            let why = "`relatedness.rca_reference: external` needs `method: one_to_one`: the reference is brought to the revision code by code";
            check(&harmonize_file, "harmonize.method", Err(why.to_owned()))?;
        }
        if config.relatedness.source() == Ok(ProximitySource::Firms) && !config.aggregate.firms {
            let why = "`relatedness.proximity_source: firms` needs `firms: true`".to_owned();
            check(&aggregate_file, "aggregate.firms", Err(why))?;
        }
        let resilience = &config.resilience;
        check(&resilience_file, "resilience.near_zero", at_least_zero(resilience.near_zero))?;
        check(
            &resilience_file,
            "resilience.region_benchmarks",
            resilience.of_regions().map(|_| ()),
        )?;
        check(
            &resilience_file,
            "resilience.product_benchmarks",
            resilience.of_products().map(|_| ()),
        )?;
        check(
            &resilience_file,
            "resilience.region_benchmarks",
            benchmarks(&resilience.region_benchmarks),
        )?;
        check(
            &resilience_file,
            "resilience.product_benchmarks",
            benchmarks(&resilience.product_benchmarks),
        )?;
        if let Err((key, why)) = resilience.checked() {
            check(&resilience_file, &format!("resilience.{key}"), Err(why))?;
        }
        let names: Vec<_> = resilience.episodes.iter().map(|e| e.name.clone()).collect();
        check(&resilience_file, "resilience.episodes", unique(&names))?;
        for episode in &resilience.episodes {
            let key = format!("resilience.episodes ({})", episode.name);
            check(&resilience_file, &key, episode.check())?;
        }
        let is_by_month = |episode: &&Episode| episode.frequency() != Frequency::Year;
        if let Some(episode) = resilience.episodes.iter().find(is_by_month)
            && !config.aggregate.months
        {
            let why = format!("the episode `{}` needs `months: true`", episode.name);
            check(&aggregate_file, "aggregate.months", Err(why))?;
        }
        Ok(config)
    }
}

/// Names of benchmarks: no repeats, and the headline, which the panels show, among them.
fn benchmarks(names: &[String]) -> Result<(), String> {
    unique(names)?;
    let has_headline = names.iter().any(|name| name == "aggregate");
    has_headline
        .then_some(())
        .ok_or_else(|| "expected `aggregate` among them: the panels show it".to_owned())
}

fn unique(names: &[String]) -> Result<(), String> {
    match names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        Some((_, name)) => Err(format!("{name:?} is there twice")),
        None if names.is_empty() => Err("expected at least one".to_owned()),
        None => Ok(()),
    }
}

impl Episode {
    /// The last base period.
    pub fn last_base(&self) -> Period {
        self.base.last().copied().unwrap_or(self.trough)
    }

    /// The last whole year that ends with the base or before it.
    pub fn regressor_year(&self) -> i32 {
        let last = self.last_base();
        let next = last.at(last.place + 1);
        next.year() - 1
    }

    /// How long its periods are.
    pub fn frequency(&self) -> Frequency {
        self.trough.frequency
    }

    fn check(&self) -> Result<(), String> {
        let all = || {
            let ends = [self.trough, self.end, self.transformation];
            self.base.iter().copied().chain(ends)
        };
        if self.base.is_empty() {
            return Err("base: expected at least one period".to_owned());
        }
        if let Some(other) = all().find(|period| period.frequency != self.frequency()) {
            return Err(format!(
                "{other} is a {}, the trough {} a {}: expected periods of one length",
                other.frequency,
                self.trough,
                self.frequency()
            ));
        }
        if self.base.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("base: a period is there twice".to_owned());
        }
        within(&self.trailing, &(1..=1200)).map_err(|why| format!("trailing: {why} periods"))?;
        let (last, trough, end) = (self.last_base(), self.trough, self.end);
        let stages =
            [("trough", last, "the last base period", trough), ("end", trough, "the trough", end)];
        for (key, before, what, period) in stages {
            if period <= before {
                return Err(format!("{key} {period}: expected a period after {what}, {before}"));
            }
        }
        if self.transformation <= last {
            return Err(format!(
                "transformation {}: expected a period after the last base period, {last}",
                self.transformation
            ));
        }
        Ok(())
    }
}

/// `path` as seen from the folder of `file`.
pub fn beside(file: &Path, path: &str) -> PathBuf {
    if Path::new(path).is_absolute() {
        return PathBuf::from(path);
    }
    let joined = file.parent().unwrap_or(Path::new("")).join(path);
    // `pipelines/../samples` reads better, and labels better, as `samples`.
    let mut clean = PathBuf::new();
    for part in joined.components() {
        match part {
            std::path::Component::ParentDir if clean.file_name().is_some() => {
                clean.pop();
            }
            std::path::Component::CurDir => {}
            part => clean.push(part),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_file_that_names_them() {
        let beside = |path| beside(Path::new("pipelines/a.yaml"), path).display().to_string();
        assert_eq!(beside("../samples/x.csv"), "samples/x.csv");
        assert_eq!(beside("sql"), "pipelines/sql");
        assert_eq!(beside("../../other"), "../other");
        assert_eq!(beside("/data/x"), "/data/x");
    }

    #[test]
    fn episode_runs_forward() {
        let read = yaml::of_text::<Episode>;
        let good = "{name: crisis, base: [2008], trough: 2009, end: 2011}";
        let episode = read(good).expect("an episode");
        assert_eq!(episode.check(), Ok(()));
        assert_eq!(episode.transformation, episode.end, "the end unless said otherwise");
        let faults = [
            ("trough: 2009", "trough: 2008", "expected a period after the last base period, 2008"),
            ("base: [2008]", "base: [2007, 2007]", "a period is there twice"),
            ("base: [2008]", "base: []", "expected at least one period"),
            ("end: 2011", "end: 2011Q1", "expected periods of one length"),
            ("end: 2011", "end: 2011, trailing: 0", "0: expected 1 to 1200 periods"),
            ("end: 2011", "end: 2011, transformation: 2007", "after the last base period, 2008"),
        ];
        for (from, to, why) in faults {
            let episode = read(&good.replace(from, to)).expect("an episode");
            let error = episode.check().expect_err("a fault");
            assert!(error.contains(why), "{error}");
        }
        let error = read(&good.replace("2011", "2011Q7")).expect_err("no period");
        assert!(error.contains("episode \"crisis\": end: \"2011Q7\" is no period"), "{error}");
        let months =
            "{name: m, base: [2008-06, 2008-07], trough: 2009-02, end: 2010-02, trailing: 12}";
        assert_eq!(read(months).expect("an episode").check(), Ok(()));
    }
}
