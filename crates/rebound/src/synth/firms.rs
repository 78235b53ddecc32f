//! Who exports.

use super::nation::Nation;
use super::random::Random;
use super::regions::Place;

/// Sectors of products.
pub(super) const SECTORS: usize = 10;

/// A kind of owner.
pub(super) struct Owner {
    pub(super) code: &'static str,
    /// What stands for it in the code of a firm.
    digit: char,
    is_foreign: bool,
}

pub(super) const OWNERS: [Owner; 5] = [
    Owner { code: "state", digit: '1', is_foreign: false },
    Owner { code: "equity_jv", digit: '3', is_foreign: true },
    Owner { code: "wholly_foreign", digit: '4', is_foreign: true },
    Owner { code: "collective", digit: '5', is_foreign: false },
    Owner { code: "private", digit: '6', is_foreign: false },
];

const NAMES: [&str; 10] =
    ["电子", "服装", "机械", "化工", "五金", "玩具", "贸易", "食品", "家具", "进出口"];

#[derive(Debug, Clone)]
pub(super) struct Firm {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) owner: &'static str,
    pub(super) is_foreign: bool,
    pub(super) is_processing: bool,
    pub(super) weight: u128,
}

/// Who exports a product of a region: mostly one of the firms of its sector, each with an owner, a
/// trade mode and a name that it keeps over products and years.
pub(super) struct FirmPool<'a> {
    pub(super) nation: &'a Nation,
    pub(super) regions: &'a [Place],
    /// Share of foreign firms of each region.
    pub(super) openness: Vec<f64>,
    /// Firms of a sector in a region.
    pub(super) per_sector: usize,
}

impl FirmPool<'_> {
    pub(super) fn draw(&self, region: usize, sector: usize, random: &mut Random) -> Firm {
        let sector = if random.unit() < 0.85 { sector } else { random.below(SECTORS) };
        let serial = sector * self.per_sector + random.below(self.per_sector);
        let weight = 1 + random.below(1000) as u128;
        let place = &self.regions[region].raw;
        let what = (1 << 62) + ((region as u64) << 24) + serial as u64;
        let mut own = Random::of(self.nation.seed, what);
        let is_foreign = own.unit() < self.openness[region];
        let owners: Vec<_> = OWNERS.iter().filter(|owner| owner.is_foreign == is_foreign).collect();
        let Owner { code: owner, digit, .. } = *owners[own.below(owners.len())];
        let is_processing = own.unit() < if is_foreign { 0.5 } else { 0.15 };
        let is_place = place.len() == 4 && place.bytes().all(|byte| byte.is_ascii_digit());
        // Places that are no four digits have their own serials instead.
        let code = if is_place {
            format!("{place}1{digit}{serial:04}")
        } else {
            format!("11011{digit}{:04}", region % 10 * 1000 + serial % 1000)
        };
        let name = format!("{place}{}公司{serial}", NAMES[own.below(NAMES.len())]);
        Firm { code, name, owner, is_foreign, is_processing, weight }
    }
}
