//! What is true of the records, for those who look for it in them.

use super::cells::Cell;
use super::nation::{Nation, SynthError, Written};
use super::process::{NOISE, RECOVERY, RESISTANCE, UPGRADING};
use super::products::{Rate, rates};
use super::regions::Place;
use report::new_file::NewFile;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use trade::Hs6;

/// A nation and the process that moved its exports.
pub(super) struct Truth<'a> {
    pub(super) nation: &'a Nation,
    pub(super) regions: &'a [Place],
    pub(super) products: &'a [Hs6],
    pub(super) cells: &'a [Cell],
    pub(super) written: &'a Written,
}

impl Truth<'_> {
    /// Writes the files into `folder`.
    pub(super) fn save(&self, folder: &Path) -> Result<(), SynthError> {
        let save = |name: &str, write: &dyn Fn(&mut dyn Write) -> io::Result<()>| {
            let path = folder.join(name);
            let failed = |source| SynthError::Write { path: path.clone(), source };
            let mut out = BufWriter::new(NewFile::create(&path).map_err(failed)?);
            let whole = write(&mut out).and_then(|()| out.into_inner()?.keep());
            whole.map_err(failed)
        };
        save("truth.yaml", &|out| self.write_parameters(out))?;
        save("truth_cells.csv", &|out| self.write_cells(out))?;
        save("truth_entries.csv", &|out| self.write_entries(out))?;
        save("rebate_rates.csv", &|out| self.write_rates(out))
    }

    fn write_parameters(&self, out: &mut dyn Write) -> io::Result<()> {
        let Nation { rows, regions, products, years, dirt, seed } = self.nation;
        writeln!(out, "# Made up. Parameters of the process behind the records of this folder.")?;
        writeln!(
            out,
            "asked: {{rows: {rows}, regions: {regions}, products: {products}, first_year: {}, last_year: {}, dirt: {dirt}, seed: {seed}}}",
            years.0, years.1
        )?;
        let written = self.written;
        writeln!(
            out,
            "written: {{rows: {}, value: {}, mended: {}, cells: {}, entries: {}}}",
            written.rows,
            written.value,
            written.mended,
            self.cells.iter().filter(|cell| !cell.is_entry).count(),
            self.cells.iter().filter(|cell| cell.is_entry).count()
        )?;
        let rejects: Vec<_> = written.rejects.iter().map(|(r, n)| format!("{r}: {n}")).collect();
        writeln!(out, "rejects: {{{}}}", rejects.join(", "))?;
        let of_process =
            [("resistance", RESISTANCE), ("recovery", RECOVERY), ("upgrading", UPGRADING)];
        for (name, c) in of_process {
            writeln!(
                out,
                "{name}: {{constant: {}, density: {}, rebate: {}, foreign: {}, processing: {}}}",
                c[0], c[1], c[2], c[3], c[4]
            )?;
        }
        writeln!(out, "noise: {NOISE}")
    }

    fn write_cells(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = csv::Writer::from_writer(out);
        table.write_record([
            "region",
            "hs6",
            "value_2008",
            "density",
            "rebate",
            "foreign",
            "processing",
            "resistance",
            "recovery",
        ])?;
        for c in self.cells.iter().filter(|cell| !cell.is_entry) {
            let known = [c.base, c.density, c.rebate, c.foreign, c.processing];
            let numbers = known.into_iter().chain([c.resistance, c.recovery]);
            let numbers = numbers.map(|number| number.to_string());
            table.write_record(self.names(c).into_iter().chain(numbers))?;
        }
        table.flush()
    }

    fn write_entries(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = csv::Writer::from_writer(out);
        table.write_record(["region", "hs6", "density", "rebate", "foreign", "processing"])?;
        for c in self.cells.iter().filter(|cell| cell.is_entry) {
            let numbers = [c.density, c.rebate, c.foreign, c.processing];
            let numbers = numbers.map(|number| number.to_string());
            table.write_record(self.names(c).into_iter().chain(numbers))?;
        }
        table.flush()
    }

    /// Region and product of a cell.
    fn names(&self, cell: &Cell) -> [String; 2] {
        [self.regions[cell.region].code.clone(), self.products[cell.product].to_string()]
    }

    fn write_rates(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = csv::Writer::from_writer(out);
        table.write_record(["hs", "rate", "valid_from", "valid_to"])?;
        for &hs6 in self.products {
            for Rate { hundredths, from, to } in rates(self.nation, hs6) {
                table.write_record([hs6.as_str(), &format!("0.{hundredths:02}"), from, to])?;
            }
        }
        table.flush()
    }
}
