//! Tables from outside, of the products and regions of the data.

use super::super::context::Context;
use super::super::cube::Cube;
use super::super::error::StageError;
use super::super::years;
use super::params::Params;
use project::pipeline::{External, IncomeColumns};
use sources::reference_tables;
use space::{Exports, Rca, Reference, rpop};
use std::collections::BTreeMap;

/// Tables from outside.
pub(super) struct Outside {
    /// The reference economy's trade in each product and in all, by year.
    reference: Option<BTreeMap<i32, (Vec<f64>, f64)>>,
    /// By year and region.
    incomes: Option<BTreeMap<(i32, String), f64>>,
    population: Option<BTreeMap<(i32, String), f64>>,
    /// By product.
    pub(super) pci: Option<Vec<Option<f64>>>,
}

impl Outside {
    pub(super) fn read(
        params: &Params,
        context: &Context<'_>,
        cube: &Cube,
    ) -> Result<Self, StageError> {
        let target = params.harmonize.target_revision.hs();
        let of_regions = |table: Option<&External<IncomeColumns>>, key: &str| match table {
            Some(table) => Ok::<_, StageError>(Some(reference_tables::of_regions(
                context.outside(table)?,
                key,
                &cube.regions,
                &cube.years,
            )?)),
            None => Ok(None),
        };
        Ok(Self {
            reference: match &params.reference {
                Some(table) => Some(reference_tables::reference(
                    context.outside(table)?,
                    target,
                    &cube.products,
                )?),
                None => None,
            },
            incomes: of_regions(params.incomes.as_ref(), "incomes")?,
            population: of_regions(params.population.as_ref(), "population")?,
            pci: match &params.pci {
                Some(table) => {
                    Some(reference_tables::pci(context.outside(table)?, target, &cube.products)?)
                }
                None => None,
            },
        })
    }

    /// What shares of a year are compared with, if it is not the regions' own sum.
    pub(super) fn world(&self, year: i32) -> Result<Option<Reference<'_>>, StageError> {
        let Some(years) = &self.reference else { return Ok(None) };
        match years.get(&year) {
            Some((values, total)) => Ok(Some(Reference::Other(values, *total))),
            None => {
                let why = format!(
                    "the pipeline's `reference` has no year {year}: it has {}; add the year, limit \
                     the sources to those years by `years: [first, last]` in the pipeline, or say \
                     `rca_reference: national` in the config",
                    years::spans(years.keys().copied())
                );
                Err(StageError::Data(why))
            }
        }
    }

    /// The income of each region in a year; tells which regions have none.
    pub(super) fn incomes(
        &self,
        cube: &Cube,
        year: i32,
        is_reported: &[bool],
    ) -> Option<Vec<Option<f64>>> {
        let incomes = self.incomes.as_ref()?;
        let income = |code: &String| incomes.get(&(year, code.clone())).copied();
        let found: Vec<Option<f64>> = cube.regions.iter().map(income).collect();
        let reported = (0..cube.regions.len()).filter(|&r| is_reported[r]);
        let without: Vec<&str> =
            reported.filter(|&r| found[r].is_none()).map(|r| &*cube.regions[r]).collect();
        if !without.is_empty() {
            tracing::warn!(year, regions = without.join(", "), "regions without an income");
        }
        Some(found)
    }

    /// RPOP, by how many live in each region.
    pub(super) fn rpop(&self, cube: &Cube, year: i32, exports: &Exports) -> Option<Rca> {
        let population = self.population.as_ref()?;
        let heads =
            |code: &String| population.get(&(year, code.clone())).copied().unwrap_or(0.0).max(0.0);
        let heads: Vec<f64> = cube.regions.iter().map(heads).collect();
        Some(rpop(exports, &heads))
    }
}
