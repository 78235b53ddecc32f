//! A made-up nation's customs records, in the form of any layout that has a row an entry.
//!
//! Regions reach products by a nested pattern with sectors; firms have an owner and a trade mode
//! that they keep. Exports fall in 2009 and come back to 2011 by a process whose parameters are
//! known:
//!
//! ```text
//! ln v[r,p,2009] - ln v[r,p,2008] = a0 + a1 density + a2 rebate + a3 foreign + a4 processing + noise
//! ln v[r,p,2011] - ln v[r,p,2009] = b0 + b1 density + b2 rebate + b3 foreign + b4 processing + noise
//! P(r exports p from 2010 on | not in 2008) = c0 + c1 density + c2 rebate + c3 foreign + c4 processing
//! ```
//!
//! with density that of 2008 (Hidalgo et al. 2007) from the values themselves, rebate the rise of
//! the export tax rebate of 2008-09 by heading (fraction of the value), foreign and processing the
//! shares of foreign-owned firms and of processing trade in the cell, or, for products that enter,
//! in the region's exports of 2008. The same arguments give the same bytes.

mod cells;
mod columns;
mod files;
mod firms;
mod nation;
mod packing;
mod process;
mod products;
mod random;
mod records;
mod regions;
mod row;
mod truth;

pub use self::nation::{Nation, SynthError, Written};
pub use self::packing::Packing;

use self::cells::{Cell, cells};
use self::files::{Out, file_names};
use self::process::ENTRY_YEAR;
use self::products::products;
use self::random::{Random, whole};
use self::records::Records;
use self::regions::regions;
use self::truth::Truth;
use project::layout_file::LayoutFile;
use project::read_options::{Form, ReadOptions};
use std::path::Path;
use trade::layout::FieldSpec;
use trade::{Dialect, Layout};

/// Writes the files of `nation` in the form of `layout` into `folder/records`, packed as `packing`
/// says, and beside them what is true of it: `truth.yaml`, `truth_cells.csv`, `truth_entries.csv` and `rebate_rates.csv`.
///
/// # Errors
///
/// [`SynthError`] if the layout is of another kind, or a file cannot be written.
pub fn write(
    nation: &Nation,
    layout: &LayoutFile,
    packing: Option<Packing>,
    folder: &Path,
) -> Result<Written, SynthError> {
    let ReadOptions { form, delimiter, quote, encoding, header, .. } = &layout.options;
    let is_text = matches!(form, None | Some(Form::Csv)) && layout.sheets.is_none();
    if !is_text || *header == Some(false) {
        return Err(asked("records are made as delimited text with a header only"));
    }
    let dialect = Dialect {
        delimiter: delimiter.map_or(b',', |told| told.0),
        quote: quote.map_or(Some(b'"'), |told| told.0),
        n_columns: 0,
    };
    let encoding = encoding.map_or(encoding_rs::UTF_8, |told| told.0);
    if layout.layout.unpivot.is_some() {
        return Err(asked("records are made in layouts with a row an entry only"));
    }
    if let Some(why) = unwritten(&layout.layout) {
        return Err(asked(why));
    }
    let (first, last) = nation.years;
    if first > last || nation.regions < 2 || nation.products < 2 {
        return Err(asked("expected at least one year, two regions and two products"));
    }
    let regions = regions(&layout.layout, nation)?;
    let products = products(nation)?;
    let cells = cells(nation, &regions, &products)?;
    let into = folder.join("records");
    std::fs::create_dir_all(&into)
        .map_err(|source| SynthError::Write { path: into.clone(), source })?;
    let mut planned = Vec::new();
    for year in first..=last {
        planned.extend(file_names(layout, packing, year)?);
    }
    refuse_others(&into, &planned)?;
    let mut written = Written::default();
    let weight = |cell: &Cell| if cell.is_entry { 0.0 } else { cell.base.sqrt() };
    let weights: Vec<f64> = cells.iter().map(weight).collect();
    let rows_of_a_weight = nation.rows as f64
        / (f64::from(last - first + 1) * weights.iter().sum::<f64>()).max(f64::MIN_POSITIVE);
    for year in first..=last {
        let mut out = Out::new(layout, dialect, encoding, (&into, packing), year)?;
        for (at, (cell, weight)) in cells.iter().zip(&weights).enumerate() {
            if cell.is_entry && year < ENTRY_YEAR {
                continue;
            }
            let what = (at as u64) << 12 | u64::from(year.unsigned_abs());
            let mut random = Random::of(nation.seed, what.wrapping_add(1 << 60));
            let value = whole(cell.value_in(year, &mut random)).max(1);
            let n_rows = whole(weight * rows_of_a_weight).max(cell.firms.len() as u64);
            let records = Records { cell, hs6: products[cell.product], value, n_rows };
            let region = &regions[cell.region].raw;
            records.write(nation, region, &mut random, &mut out, &mut written)?;
        }
        out.finish()?;
    }
    let truth =
        Truth { nation, regions: &regions, products: &products, cells: &cells, written: &written };
    truth.save(folder)?;
    Ok(written)
}

/// What of a layout no record is made up for.
fn unwritten(layout: &Layout) -> Option<&'static str> {
    let has_date = |spec: &FieldSpec| {
        let mut places = std::iter::successors(Some(spec), |spec| spec.fallback.as_deref());
        places.any(|spec| spec.date.is_some())
    };
    if !layout.conditions.is_empty() {
        Some("records are made in layouts without `where` only")
    } else if layout.fields.values().any(has_date) {
        Some("records are made in layouts without `date` only: year and month must be digits")
    } else if !layout.product.is_hs() || layout.product.digits.is_none_or(|digits| digits < 4) {
        Some("records are made of HS products of four digits or more only")
    } else {
        None
    }
}

fn asked(why: &str) -> SynthError {
    SynthError::Request(why.to_owned())
}

/// Fails if `folder` holds other files than those that are `planned`.
fn refuse_others(folder: &Path, planned: &[String]) -> Result<(), SynthError> {
    let unlisted = |source| SynthError::Write { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(unlisted)? {
        let name = entry.map_err(unlisted)?.file_name().to_string_lossy().into_owned();
        // What was being written when it was killed is hidden.
        if !planned.contains(&name) && !name.starts_with('.') {
            return Err(SynthError::Request(format!(
                "`{}` holds `{name}`, which is not of this nation: remove the folder, or name another",
                folder.display()
            )));
        }
    }
    Ok(())
}
