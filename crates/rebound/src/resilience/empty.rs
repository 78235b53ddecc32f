//! Why a table has no rows.

use super::made::Parts;
use project::config::Config;

/// What a table's rows are made from.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) config: Config,
    pub(super) n_regions: usize,
    pub(super) parts: Parts,
}

impl Made {
    /// Why a table has none, and what to do.
    pub(super) fn why_empty(&self, table: &str) -> String {
        let resilience = &self.config.resilience;
        let is_asked = |name: &str| resilience.region_benchmarks.iter().any(|of| of.name() == name);
        let most = resilience.rank_pairs_up_to;
        match table {
            "resilience.donor" if !is_asked("synthetic") => {
                "it has the weights of the benchmark `synthetic`: say --benchmark synthetic".to_owned()
            }
            "resilience.placebo" if !resilience.uses_donors() => {
                "it tests the benchmarks `synthetic` and `matrix_completion`: say --benchmark with one of them"
                    .to_owned()
            }
            "resilience.rank_pair" | "resilience.rank_place" if self.n_regions > most => format!(
                "there are {} regions, and pairs and places are given of up to {most}: name more as \
                 `resilience.rank_pairs_up_to` in a --config",
                self.n_regions
            ),
            "resilience.rank_pair" | "resilience.rank_place" if resilience.bootstrap_replicates == 0 => {
                "it is made from replicates, and --bootstrap is 0".to_owned()
            }
            "resilience.rank_pair" | "resilience.rank_place" if self.parts == Parts::None => {
                "it is made from replicates of the products, and the table has none".to_owned()
            }
            _ => "the table has nothing that a row could be made from".to_owned(),
        }
    }
}
