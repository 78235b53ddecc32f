//! `customs.records` to `trade.*`: sums by region, product and year, HS codes on the target
//! revision. Codes of other classifications stay as they are.
//!
//! A record is brought to the target revision first and then summed everywhere, so that all tables
//! divide a split code alike. Sums are of hundredths, exact, so that they do not depend on their
//! order.
//!
//! The records are read once, file by file, into rows of numbers that a [`RecordStore`] keeps by
//! year and region, in memory up to the config's limit and on disk beyond it. The regions of a year
//! are then summed side by side. Years are units of work: one whose files and codes are what they
//! were is not read again.

mod conversions;
mod harmonizer;
mod params;
mod products;
mod quantities;
mod remote;
mod split;
mod sum_table;
mod sums;
mod table_columns;
pub(super) mod tables;
mod units;
mod year;

pub(crate) use self::params::Params;
pub(super) use self::params::collector;
pub(crate) use self::remote::{reported, year_alone};

use self::conversions::{conversions, descriptions};
use self::harmonizer::YearContexts;
use self::sums::{finish, sum};
use self::units::Looked;
use super::context::{Context, Input, Output};
use super::error::StageError;
use super::record_store::{RECORDS, RecordStore};
use super::stage::Stage;
use lake::Contract;
use project::pipeline::Pipeline;
use project::stage_name::StageName;

/// The stage.
pub(super) struct Aggregate;

impl Stage for Aggregate {
    const NAME: StageName = StageName::Aggregate;
    const VERSION: u32 = VERSION;
    const BY_UNITS: bool = true;
    type Params = Params;

    fn is_asked(pipeline: &Pipeline) -> bool {
        pipeline.keeps_records && pipeline.stages.contains(&Self::NAME)
    }

    fn params(pipeline: &Pipeline) -> Params {
        Params::from(pipeline)
    }

    fn reads(_params: &Params) -> Vec<Input> {
        Input::tables(&[RECORDS])
    }

    fn writes() -> Vec<&'static Contract> {
        tables::contracts()
    }

    fn run(params: &Params, context: &Context<'_>) -> Result<Output, StageError> {
        let looked = Looked::at(params, context)?;
        let reported = looked.reported();
        let conversions = conversions(params, &reported)?;
        let (sums, texts) = rayon::join(
            || looked.sums(params, context, &conversions, &reported),
            || descriptions(params),
        );
        let records = if params.aggregate.quantities {
            context.part(RECORDS, &context.files_of(RECORDS)?)?
        } else {
            context.clone()
        };
        finish(params, &records, &conversions, sums?, &texts?)
    }
}

/// The version of the code of the sums, whether records are kept or not.
pub(super) const VERSION: u32 = 6;

/// Sums records that are in a store already.
pub(super) fn sums(
    params: &Params,
    context: &Context<'_>,
    store: &RecordStore,
) -> Result<Output, StageError> {
    let conversions = conversions(params, &store.reported_in_all())?;
    let whole = YearContexts::Whole(context);
    let (sums, texts) =
        rayon::join(|| sum(params, &whole, store, &conversions), || descriptions(params));
    finish(params, context, &conversions, sums?, &texts?)
}
