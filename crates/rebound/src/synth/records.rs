//! The records of a cell in a year.

use super::cells::Cell;
use super::files::Out;
use super::nation::{Nation, SynthError, Written};
use super::random::{Random, whole};
use super::row::{COUNTRIES, Dirt, Row};
use trade::money::allocate;
use trade::{Hs6, Money};

/// The records of a cell in a year.
pub(super) struct Records<'a> {
    pub(super) cell: &'a Cell,
    pub(super) hs6: Hs6,
    pub(super) value: u64,
    pub(super) n_rows: u64,
}

impl Records<'_> {
    pub(super) fn write(
        &self,
        nation: &Nation,
        region: &str,
        random: &mut Random,
        out: &mut Out<'_>,
        written: &mut Written,
    ) -> Result<(), SynthError> {
        let firms = &self.cell.firms;
        let weights: Vec<u128> = firms.iter().map(|firm| firm.weight).collect();
        let of_firms = allocate(Money::from_hundredths(i128::from(self.value)), &weights);
        // What a unit of the product costs.
        let number = self.hs6.as_str().parse::<u64>().unwrap_or(0);
        let price = 5.0 * Random::of(nation.seed, number << 41).normal().exp();
        let n_each = usize::try_from(self.n_rows / firms.len() as u64).unwrap_or(1).max(1);
        for (firm, value) in firms.iter().zip(of_firms) {
            let weights: Vec<u128> = (0..n_each).map(|_| 1 + random.below(1000) as u128).collect();
            for part in allocate(value, &weights) {
                let dollars = part.hundredths();
                written.rows += 1;
                written.value += dollars;
                let nearest = 1 + random.below(COUNTRIES.len());
                let row = Row {
                    month: 1 + random.below(12),
                    region,
                    hs6: self.hs6,
                    tail: random.below(3),
                    destination: COUNTRIES[random.below(nearest)],
                    firm,
                    quantity: whole(dollars as f64 / price * (0.8 + 0.4 * random.unit())).max(1),
                    value: dollars,
                };
                let is_dirty = random.unit() < nation.dirt;
                let dirt =
                    if is_dirty { Dirt::ALL[random.below(Dirt::ALL.len())] } else { Dirt::None };
                match dirt.reason() {
                    // A row that must be rejected comes beside the good one, so that sums stay
                    // true.
                    Some(reason) if out.row(&row, dirt)? => {
                        *written.rejects.entry(reason).or_default() += 1;
                        out.row(&row, Dirt::None)?;
                    }
                    None if out.row(&row, dirt)? => written.mended += u64::from(dirt != Dirt::None),
                    _ => {
                        out.row(&row, Dirt::None)?;
                    }
                }
            }
        }
        Ok(())
    }
}
