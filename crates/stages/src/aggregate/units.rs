//! The years that are summed, as units of work.
//!
//! A year is made from the files that have records of it, and from what its codes become. What codes
//! become may depend on all years, so the codes of every file are looked up first: an earlier run
//! kept those of each file.

use super::super::context::Context;
use super::super::error::StageError;
use super::super::record_store::{FileCodes, RECORDS, RecordStore, ReportedCode};
use super::super::unit::Unit;
use super::conversions::Conversions;
use super::harmonizer::{YearContexts, YearSums};
use super::params::{Params, collector};
use super::remote::{look_remotely, sum_remotely};
use super::sums::sum;
use super::year::Year;
use lake::DataFile;
use std::collections::{BTreeMap, BTreeSet};
use trade::Money;

/// The codes of the records of every file.
pub(super) struct Looked {
    files: Vec<(DataFile, FileCodes)>,
    /// All records, where all files had to be read.
    store: Option<RecordStore>,
}

impl Looked {
    /// Looks the codes of every file up, and through the files of which no earlier run kept them.
    pub(super) fn at(params: &Params, context: &Context<'_>) -> Result<Self, StageError> {
        let files = context.files_of(RECORDS)?;
        let what = Unit::new("codes").of("flow", &params.aggregate.flow)?;
        let mut store = None;
        let codes = context.known_of(RECORDS, &files, &what, |missing| {
            if let Some(remote) = context.remote() {
                return look_remotely(context, missing, remote);
            }
            let part = context.part(RECORDS, missing)?;
            let collector = collector(params, context.memory());
            let (read, codes) = RecordStore::read(&part, missing, None, collector)?;
            store = (missing.len() == files.len()).then_some(read);
            Ok(codes)
        })?;
        Ok(Self { files: files.iter().cloned().zip(codes).collect(), store })
    }

    /// The value reported under each code, of all years.
    pub(super) fn reported(&self) -> BTreeMap<ReportedCode, Money> {
        let mut sums = BTreeMap::new();
        for (code, &value) in self.files.iter().flat_map(|(_, of)| of.years.values().flatten()) {
            *sums.entry(code.clone()).or_default() += value;
        }
        sums
    }

    /// The years that there are records of.
    fn years(&self, params: &Params, conversions: &Conversions) -> Result<Vec<Year>, StageError> {
        let all: BTreeSet<i32> =
            self.files.iter().flat_map(|(_, of)| of.years.keys().copied()).collect();
        let year = |year: i32| {
            let of_year =
                self.files.iter().filter_map(|(file, of)| Some((file, of.years.get(&year)?)));
            let (files, codes): (Vec<DataFile>, Vec<_>) =
                of_year.map(|(file, codes)| (file.clone(), codes)).unzip();
            let codes: BTreeSet<&ReportedCode> =
                codes.into_iter().flat_map(BTreeMap::keys).collect();
            let become_of: Vec<_> = codes
                .into_iter()
                .filter_map(|code| Some((code, &conversions.get(code)?.targets)))
                .collect();
            // Sums do not depend on the order of what is summed.
            let mut sorted = files.clone();
            sorted.sort_by(|a, b| a.hash.cmp(&b.hash));
            let unit = Unit::new(year.to_string())
                .of("aggregate", &params.aggregate)?
                .of("harmonize", &params.harmonize)?
                .of("codes", &become_of)?
                .reading(RECORDS, sorted);
            Ok(Year { year, unit, files })
        };
        all.into_iter().map(year).collect()
    }

    /// The sums of all years: of those that no earlier run kept, from the records.
    pub(super) fn sums(
        &self,
        params: &Params,
        context: &Context<'_>,
        conversions: &Conversions,
        reported: &BTreeMap<ReportedCode, Money>,
    ) -> Result<Vec<YearSums>, StageError> {
        let years = self.years(params, conversions)?;
        let units: Vec<Unit> = years.iter().map(|year| year.unit.clone()).collect();
        let mut sums: Vec<YearSums> = Vec::new();
        let mut missing: Vec<&Year> = Vec::new();
        for (year, kept) in years.iter().zip(context.all_kept::<YearSums>(&units)?) {
            match kept {
                Some(kept) => sums.push(kept),
                None => missing.push(year),
            }
        }
        let made = match context.remote() {
            _ if missing.is_empty() => Vec::new(),
            Some(remote) => sum_remotely(context, &missing, reported, remote)?,
            None => self.sum_here(params, context, conversions, &missing)?,
        };
        for of_year in made {
            if let Some(year) = missing.iter().find(|year| year.year == of_year.year) {
                let files = of_year.files.iter().flatten().cloned().collect();
                context.keep(&year.unit, files, &of_year)?;
            }
            sums.push(of_year);
        }
        sums.sort_by_key(|sums| sums.year);
        Ok(sums)
    }

    fn sum_here(
        &self,
        params: &Params,
        context: &Context<'_>,
        conversions: &Conversions,
        missing: &[&Year],
    ) -> Result<Vec<YearSums>, StageError> {
        let named = |year: &&Year| (year.year, context.named(&year.unit, Some(&year.unit.name)));
        let contexts = YearContexts::ByYear(missing.iter().map(named).collect());
        if let Some(store) = &self.store {
            return sum(params, &contexts, store, conversions);
        }
        let wanted: BTreeSet<i32> = missing.iter().map(|year| year.year).collect();
        let has_some =
            |(_, of): &&(DataFile, FileCodes)| of.years.keys().any(|y| wanted.contains(y));
        let files: Vec<DataFile> =
            self.files.iter().filter(has_some).map(|(file, _)| file.clone()).collect();
        let part = context.part(RECORDS, &files)?;
        let collector = collector(params, context.memory());
        let (store, _) = RecordStore::read(&part, &files, Some(wanted), collector)?;
        sum(params, &contexts, &store, conversions)
    }
}
