//! What the sums depend on.

use super::super::record_store::{Collector, RecordValues};
use project::config;
use project::config::choice::Choice;
use project::pipeline::Pipeline;
use query::Memory;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use trade::Classification;
use trade::concordance::Method;

/// See [`Stage::Params`](super::super::stage::Stage::Params).
#[derive(Serialize)]
pub(crate) struct Params {
    pub(super) aggregate: config::Aggregate,
    pub(super) harmonize: config::Harmonize,
    /// What products are codes of, their groups and labels.
    pub(super) classification: Classification,
    /// Whether sources are of HS.
    pub(super) is_of_hs: bool,
    /// Digits of the HS products of sources that have less than six, which are filled up by zeros.
    pub(super) filled_digits: BTreeSet<usize>,
    /// The names of regions, by code.
    pub(super) regions: BTreeMap<String, String>,
}

impl From<&Pipeline> for Params {
    fn from(pipeline: &Pipeline) -> Self {
        let names = pipeline.sources.iter().flat_map(|source| &source.layout.layout.region_names);
        let products = pipeline.sources.iter().map(|source| &source.layout.layout.product);
        Self {
            aggregate: pipeline.config.aggregate.clone(),
            harmonize: pipeline.config.harmonize.clone(),
            classification: pipeline.classification(),
            is_of_hs: pipeline.sources.iter().any(|source| source.layout.layout.product.is_hs()),
            filled_digits: products
                .filter(|product| product.is_hs())
                .filter_map(|product| product.digits.filter(|digits| *digits < 6))
                .collect(),
            regions: names.map(|(code, name)| (code.clone(), name.clone())).collect(),
        }
    }
}

/// What takes the records that are summed.
pub(crate) fn collector(params: &Params, memory: Memory) -> Collector {
    // The other half is for reading, sorting and writing.
    let limit = memory.bytes() / 2;
    let values = match *params.harmonize.method {
        Method::Weights => RecordValues::Split,
        Method::OneToOne | Method::Families => RecordValues::Whole,
    };
    Collector::new(&params.aggregate.flow.name(), params.aggregate.made(), values, limit)
}
