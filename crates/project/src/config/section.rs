//! The sections of the config: their keys, with type and meaning, and what each value may be.

use super::choice::{
    AbsentRegions, CoOccurrenceMargin, Counted, DonorScale, Flow, LinkValidation, Named,
    OutlookGain, OutlookPci, OwnProduct, Part, PciScale, ProductBenchmark, ProximitySource,
    RcaComparison, RcaReference, RelatednessMeasure, SpatialWeights,
};
use super::episode::Episode;
use super::may_be::{MayBe, may_be};
use super::overlay::{Keys, Origins, Said, Sections, whole};
use super::range::{
    ANY, REPEATED, SOME, THREADS, YEARS, above_one, above_zero, any, at_least_zero, distinct, even,
    fraction, of, share, tail, year, years,
};
use crate::fault::Faults;
use chrono::NaiveDate;
use query::Memory;
use resilience::Benchmark;
use serde::{Deserialize, Serialize};
use space::complexity::FitnessParams;
use space::{ComplexityParams, FilterParams, Null, RcaRule};
use std::fmt;
use std::str::FromStr;
use trade::{Method, TargetRevision};

/// Sections: of each what one file may say, and all of it.
macro_rules! sections {
    ($($(#[$about:meta])* $name:ident($text:ident) $section:ident {
        $($(#[$meaning:meta])* $key:ident: $type:ty => $check:expr,)*
    })*) => {
        $(
            $(#[$about])*
            #[derive(Debug, Clone, PartialEq, Serialize)]
            pub struct $name {
                $($(#[$meaning])* pub $key: $type,)*
            }

            #[derive(Default)]
            struct $text {
                $($key: Option<Said<$type>>,)*
            }

            impl $text {
                const KEYS: &[&str] = &[$(stringify!($key),)*];

                fn read(mut keys: Keys, faults: &mut Faults) -> Self {
                    let text = Self {
                        $($key: keys.take(stringify!($key), $check, faults),)*
                    };
                    keys.end(Self::KEYS, faults);
                    text
                }

                fn under(self, later: Self) -> Self {
                    Self { $($key: later.$key.or(self.$key),)* }
                }

                fn whole(self, origins: &mut Origins, faults: &mut Faults) -> Option<$name> {
                    $(let $key = whole(
                        self.$key, (stringify!($section), stringify!($key)), origins, faults,
                    );)*
                    Some($name { $($key: $key?,)* })
                }
            }
        )*

        /// The sections and their keys, in order.
        pub(super) const SECTIONS: &[(&str, &[&str])] =
            &[$((stringify!($section), $text::KEYS),)*];

        /// By section and key, in order, what the value may be.
        pub(super) fn values() -> Vec<(&'static str, &'static str, String)> {
            vec![$($(
                (stringify!($section), stringify!($key), may_be::<$type>($check)),
            )*)*]
        }

        /// What files say so far.
        #[derive(Default)]
        pub(super) struct ConfigText {
            $($section: $text,)*
        }

        impl ConfigText {
            /// What one file says.
            pub(super) fn read(mut sections: Sections, faults: &mut Faults) -> Self {
                let text = Self {
                    $($section: $text::read(sections.take(stringify!($section)), faults),)*
                };
                sections.end(&[$(stringify!($section),)*], faults);
                text
            }

            /// The same where a later file says nothing else.
            pub(super) fn under(self, later: Self) -> Self {
                Self { $($section: self.$section.under(later.$section),)* }
            }

            /// The config, if files give all of it.
            pub(super) fn whole(
                self, origins: &mut Origins, faults: &mut Faults,
            ) -> Option<Config> {
                $(let $section = self.$section.whole(origins, faults);)*
                Some(Config { $($section: $section?,)* })
            }
        }

        /// The whole config, checked.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        pub struct Config {
            $(
                #[doc = concat!("Section `", stringify!($section), "`.")]
                pub $section: $name,
            )*
        }
    };
}

sections! {
    /// Section `ingest`.
    Ingest(IngestText) ingest {
        /// The largest share of entries that may be rejected, 0 to 1.
        max_rejected_share: f64 => share,
        /// The largest row, or header, of a text that is read, in MiB.
        max_row_mib: usize => of(1..=1024),
    }

    /// Section `harmonize`.
    Harmonize(HarmonizeText) harmonize {
        /// What HS codes are brought to: a revision of HS, or of SITC, BEC or ISIC.
        target_revision: Named<TargetRevision> => any,
        /// How codes are brought to it.
        method: Named<Method> => any,
    }

    /// Section `aggregate`.
    Aggregate(AggregateText) aggregate {
        /// The flow that is analysed.
        flow: Flow => any,
        /// By what a region-product's value is divided, beside months and firms.
        parts: Vec<Part> => |list: &Vec<Part>| distinct(list),
        /// What is counted of a region-product.
        counts: Vec<Counted> => |list: &Vec<Counted>| distinct(list),
        /// Whether sums by firm are kept.
        firms: bool => any,
        /// Whether sums by month are kept.
        months: bool => any,
        /// Whether quantities are summed, by unit of measure.
        quantities: bool => any,
    }

    /// Section `plausibility`: shares of the value above which a run stops, 0 to 1.
    Plausibility(PlausibilityText) plausibility {
        /// A region, product or destination that is the total of the others.
        max_total_share: f64 => share,
        /// Products that are the sums of others, as their codes begin them.
        max_nested_share: f64 => share,
        /// Products that the revision they are said to be of does not have.
        max_unknown_product_share: f64 => share,
        /// Codes that seem to have lost a leading zero.
        max_mixed_length_share: f64 => share,
        /// Rows that are repeated to the last field.
        max_repeated_share: f64 => share,
    }

    /// Section `cleaning`.
    Cleaning(CleaningText) cleaning {
        /// Exports of a region in a year, in the currency.
        min_region_total: f64 => at_least_zero,
        /// Exports of a product in a year.
        min_product_total: f64 => at_least_zero,
        /// Products that a region is specialised in.
        min_diversity: usize => of(ANY),
        /// Regions that are specialised in a product.
        min_ubiquity: usize => of(ANY),
        /// Whether to go on until nothing changes.
        repeated: bool => any,
    }

    /// Section `relatedness`.
    Relatedness(RelatednessText) relatedness {
        /// How RCA is compared with the threshold.
        rca_rule: RcaComparison => any,
        /// The RCA that the rule compares with.
        rca_threshold: f64 => above_zero,
        /// What shares are compared with.
        rca_reference: RcaReference => any,
        /// How relatedness is measured.
        measure: RelatednessMeasure => any,
        /// What co-occurrence is compared with.
        margin: CoOccurrenceMargin => any,
        /// Where proximity comes from.
        proximity_source: ProximitySource => any,
        /// Years pooled for the proximity of the data's own regions or firms.
        proximity_years: Vec<i32> => |list: &Vec<i32>| years(list),
        /// Products below this ubiquity are related to nothing.
        min_ubiquity: usize => of(ANY),
        /// The smallest value of a firm's exports of a product that counts.
        firm_floor: f64 => at_least_zero,
        /// Whether a product counts among its own surroundings.
        diagonal: OwnProduct => any,
        /// The closest share of pairs that counts as related.
        related_share: f64 => share,
        /// Neighbours of the density of nearest products.
        nearest: usize => of(SOME),
        /// The smallest proximity that `space.proximity` holds.
        publish_proximity_from: f64 => share,
        /// How links are tested against chance.
        validation: LinkValidation => any,
        /// Shuffles of the permutation.
        validation_shuffles: usize => of(REPEATED),
        /// What their random numbers start from.
        validation_seed: u64 => any,
        /// Years before and after that an entry or exit must last.
        persistence_years: usize => of(YEARS),
        /// RCA that a jump starts from at the most.
        jump_from: f64 => at_least_zero,
        /// RCA that it reaches at the least.
        jump_to: f64 => above_zero,
    }

    /// Section `complexity`.
    Complexity(ComplexityText) complexity {
        /// What PCI is measured in.
        pci_scale: PciScale => any,
        /// 0: standard deviations of the population; 1: of the sample.
        ddof: u8 => of(0..=1),
        /// Steps of the method of reflections.
        reflections: usize => even,
        /// Steps of fitness at the most.
        fitness_iterations: usize => of(REPEATED),
        /// Change of a logarithm at which fitness stops.
        fitness_tolerance: f64 => above_zero,
        /// The PCI that the outlook takes.
        outlook_pci: OutlookPci => any,
        /// What its gain is.
        outlook_gain: OutlookGain => any,
    }

    /// Section `resilience`.
    Resilience(ResilienceText) resilience {
        /// The smallest expected growth, in absolute value, that an index is divided by.
        near_zero: f64 => at_least_zero,
        /// The smallest exports at the start of a stage that an index is computed from, in the
        /// currency.
        min_base_value: f64 => at_least_zero,
        /// What others must export of a product at the least, over what a region does, for a
        /// benchmark without it.
        min_benchmark_share: f64 => at_least_zero,
        /// What a region is that has no rows in a period.
        absent_regions: AbsentRegions => any,
        /// Whether a region-product that is exported at none of base, trough and end has a row.
        balanced: bool => any,
        /// Benchmarks of regions.
        region_benchmarks: Vec<Named<Benchmark>> =>
            |list: &Vec<Named<Benchmark>>| headline(list, &Named(Benchmark::Aggregate)),
        /// Benchmarks of region-products.
        product_benchmarks: Vec<ProductBenchmark> =>
            |list: &Vec<ProductBenchmark>| headline(list, &ProductBenchmark::Aggregate),
        /// Years before the base whose mean log growth is the own trend.
        trend_years: usize => of(YEARS),
        /// Years before the base in which the date of a break is looked for.
        shock_date_years: usize => of(YEARS),
        /// Years that models of the own past are fitted to, the last of which ends the base.
        own_past_years: usize => of(YEARS),
        /// Years up to the base, at the most, in which regions are found alike.
        donor_years: usize => of(YEARS),
        /// What they are compared in.
        donor_scale: DonorScale => any,
        /// Years before the base in which a shock is made up, to see what is found of none.
        placebo_years: usize => of(YEARS),
        /// Folds of the cross-validation of the completion of matrices.
        completion_folds: usize => of(2..=100),
        /// What their random numbers start from.
        completion_seed: u64 => any,
        /// Years whose mean growth is the norm of a shock.
        shock_years_before: usize => of(YEARS),
        /// How far growth falls below it in a shock.
        shock_margin: f64 => at_least_zero,
        /// Years within which growth must be back.
        shock_years_after: usize => of(YEARS),
        /// How far below the expected path a region counts as back, over what is expected.
        recover_tolerance: f64 => at_least_zero,
        /// For how many periods in a row.
        recover_periods: usize => of(SOME),
        /// What each score weighs in the composite of a region's path.
        composite_weights: CompositeWeights => weighing,
        /// Share of each tail that winsorised indices pull in.
        winsorized_share: f64 => tail,
        /// Elasticity of substitution of quality.
        quality_sigma: f64 => above_one,
        /// Replicates of the intervals; 0: none.
        bootstrap_replicates: usize => of(0..=1_000_000),
        /// Share of the replicates inside the interval; the level of prediction intervals.
        bootstrap_level: f64 => fraction,
        /// What their random numbers start from.
        bootstrap_seed: u64 => any,
        /// Periods of the blocks in which residuals of models of the own past are drawn.
        block_length: usize => of(SOME),
        /// Draws of the weights of the composite; 0: none.
        weight_draws: usize => of(0..=1_000_000),
        /// The most regions of which each pair is compared by its replicates; 0: none.
        rank_pairs_up_to: usize => of(0..=10_000),
        /// Regions whose borders changed.
        region_changes: Vec<RegionChange> => |list: &Vec<RegionChange>| changes(list),
        /// The shocks.
        episodes: Vec<Episode> => |list: &Vec<Episode>| shocks(list),
    }

    /// Section `spatial`.
    Spatial(SpatialText) spatial {
        /// Which regions are neighbours.
        weights: SpatialWeights => any,
        /// Neighbours of `nearest`.
        neighbours: usize => of(REPEATED),
        /// Distance beyond which regions are no neighbours, in km.
        band_km: f64 => above_zero,
        /// First characters of a region's code that are its group.
        group_digits: usize => of(0..=100),
        /// Permutations of the tests.
        permutations: usize => of(REPEATED),
        /// What their random numbers start from.
        seed: u64 => any,
        /// The largest p-value of a cluster.
        significance: f64 => share,
    }

    /// Section `policy`.
    Policy(PolicyText) policy {
        /// The rate of VAT, a fraction.
        vat: f64 => fraction,
        /// Day before the crisis steps.
        step_from: Named<Day> => any,
        /// Day after them.
        step_to: Named<Day> => any,
        /// Day before the earlier cut.
        cut_from: Named<Day> => any,
        /// Day after it.
        cut_to: Named<Day> => any,
    }

    /// Section `engine`: nothing here changes a number.
    Engine(EngineText) engine {
        /// Threads; 0: one a core.
        threads: usize => of(THREADS),
        /// Memory of sums and of SQL operators before they spill, in MiB.
        memory_mib: usize => of(1..=1 << 24),
    }
}

/// A day of a config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub NaiveDate);

impl MayBe for Named<Day> {
    fn kind() -> String {
        "a day, YYYY-MM-DD".to_owned()
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("{text:?}: expected a date, YYYY-MM-DD"))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What each score weighs in the composite of `resilience.component`: 0 or more, one above it.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CompositeWeights {
    /// Depth of the largest gap.
    pub depth: f64,
    /// Loss over all periods.
    pub loss: f64,
    /// Time to recover.
    pub recovery: f64,
    /// How much of the largest gap is made up.
    pub strength: f64,
    /// Steadiness after the trough.
    pub stability: f64,
    /// Where the path ends.
    pub end: f64,
}

impl From<CompositeWeights> for resilience::path::CompositeWeights {
    fn from(weights: CompositeWeights) -> Self {
        let CompositeWeights { depth, loss, recovery, strength, stability, end } = weights;
        Self { depth, loss, recovery, strength, stability, end }
    }
}

impl MayBe for CompositeWeights {
    fn kind() -> String {
        "`depth`, `loss`, `recovery`, `strength`, `stability` and `end`, each 0 or more, one above 0"
            .to_owned()
    }
}

fn weighing(weights: &CompositeWeights) -> Result<(), String> {
    let CompositeWeights { depth, loss, recovery, strength, stability, end } = *weights;
    let all = [
        ("depth", depth),
        ("loss", loss),
        ("recovery", recovery),
        ("strength", strength),
        ("stability", stability),
        ("end", end),
    ];
    for (name, weight) in all {
        at_least_zero(&weight).map_err(|why| format!("{name}: {why}"))?;
    }
    let sum: f64 = all.iter().map(|(_, weight)| weight).sum();
    above_zero(&sum).map_err(|_| "expected a weight above 0, and a finite sum".to_owned())
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

impl MayBe for RegionChange {
    fn kind() -> String {
        "a `region` with the `year` from which on it is another".to_owned()
    }
}

fn changes(changes: &[RegionChange]) -> Result<(), String> {
    let of_region = |change: &RegionChange| {
        year(change.year).map_err(|why| format!("region {:?}: {why}", change.region))
    };
    changes.iter().try_for_each(of_region)
}

fn shocks(episodes: &[Episode]) -> Result<(), String> {
    if episodes.is_empty() {
        return Err("expected at least one".to_owned());
    }
    let names: Vec<&str> = episodes.iter().map(|episode| episode.name.as_str()).collect();
    distinct(&names)?;
    let of_episode = |episode: &Episode| {
        episode.check().map_err(|why| format!("episode `{}`: {why}", episode.name))
    };
    episodes.iter().try_for_each(of_episode)
}

/// Benchmarks: no repeats, and the headline, which the panels show, among them.
fn headline<T: PartialEq + Serialize>(list: &[T], headline: &T) -> Result<(), String> {
    distinct(list)?;
    let why = || "expected `aggregate` among them: the panels show it".to_owned();
    list.contains(headline).then_some(()).ok_or_else(why)
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
    pub fn made(&self) -> Parts {
        let has = |part: Part| self.parts.contains(&part);
        Parts {
            destination: has(Part::Destination),
            ownership: has(Part::Ownership),
            trade_mode: has(Part::TradeMode),
            ownership_trade_mode: has(Part::OwnershipTradeMode),
            firm: self.firms,
            month: self.months,
            counts_destinations: self.counts.contains(&Counted::Destinations),
            counts_firms: self.counts.contains(&Counted::Firms),
        }
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
}

/// The rule of specialisation.
pub fn rca_rule(rule: RcaComparison, threshold: f64) -> RcaRule {
    match rule {
        RcaComparison::AtLeast => RcaRule::AtLeast(threshold),
        RcaComparison::Above => RcaRule::Above(threshold),
    }
}

impl Relatedness {
    /// The rule of specialisation.
    pub fn rule(&self) -> RcaRule {
        rca_rule(self.rca_rule, self.rca_threshold)
    }

    /// How links are validated, if they are.
    pub fn null(&self) -> Option<Null> {
        let (n_shuffles, seed) = (self.validation_shuffles, self.validation_seed);
        match self.validation {
            LinkValidation::None => None,
            LinkValidation::Hypergeometric => Some(Null::Hypergeometric),
            LinkValidation::Permutation => Some(Null::Permutation { n_shuffles, seed }),
        }
    }

    /// The key whose value does not go with the others, and why.
    pub(super) fn mismatch(&self) -> Option<(&'static str, String)> {
        let source = self.proximity_source;
        if source != ProximitySource::External && self.proximity_years.is_empty() {
            let why = "expected at least one year where `proximity_source` is regions or firms";
            return Some(("proximity_years", why.to_owned()));
        }
        if self.jump_to <= self.jump_from {
            let why =
                format!("{}: expected more than `jump_from`, {}", self.jump_to, self.jump_from);
            return Some(("jump_to", why));
        }
        let why = match (source, self.measure) {
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
            return Some(("measure", why.to_owned()));
        }
        let is_counted = self.measure.of_co_occurrence(self.margin).is_some();
        if self.null().is_some() && (source == ProximitySource::External || !is_counted) {
            let why =
                "links can be validated where they are counted in the data: set `validation: none`";
            return Some(("validation", why.to_owned()));
        }
        None
    }
}

impl Complexity {
    /// Scale and standard deviation.
    pub fn params(&self) -> ComplexityParams {
        ComplexityParams { pci_scale: self.pci_scale.into(), ddof: self.ddof }
    }

    /// When fitness stops.
    pub fn fitness(&self) -> FitnessParams {
        FitnessParams { max_iterations: self.fitness_iterations, tolerance: self.fitness_tolerance }
    }
}

impl Resilience {
    /// Whether a benchmark is another economy's growth.
    pub fn uses_reference(&self) -> bool {
        let of_products = self.product_benchmarks.iter().map(|&benchmark| benchmark.into());
        let of_regions = self.region_benchmarks.iter().map(|benchmark| benchmark.0);
        of_products.chain(of_regions).any(Benchmark::is_of_reference)
    }

    /// Whether a benchmark is a model of the unit's own past.
    pub fn uses_own_past(&self) -> bool {
        self.region_benchmarks.iter().any(|benchmark| benchmark.0.own_model().is_some())
    }

    /// Whether a benchmark is what other regions say of one.
    pub fn uses_donors(&self) -> bool {
        self.region_benchmarks.iter().any(|benchmark| benchmark.0.is_of_donors())
    }
}

impl Policy {
    /// The key of a day that is not after the one it follows, and what is wrong with it.
    pub(super) fn mismatch(&self) -> Option<(&'static str, String)> {
        let pairs =
            [("step_to", self.step_from, self.step_to), ("cut_to", self.cut_from, self.cut_to)];
        let (key, from, to) = pairs.into_iter().find(|(_, from, to)| to <= from)?;
        Some((key, format!("{}: expected a day after {}", *to, *from)))
    }
}

impl Engine {
    /// [`Self::memory_mib`] for SQL and sums: less than 64 MiB is no use.
    pub fn memory(&self) -> Memory {
        Memory { mib: self.memory_mib.max(64), setting: "`engine.memory_mib`" }
    }
}
