//! What the rows say of a draft: digits, revisions, totals among parts, marks of numbers.

use super::draft::{Condition, Draft, FieldDraft, Test};
use super::look::FileLook;
use super::tally::{FlowTally, Side, Tally};
use super::words::{in_force, is_code, is_product_code, product_code};
use project::printable::printable;
use project::read_options::ReadOptions;
use sources::hs_tables;
use std::collections::{BTreeMap, BTreeSet};
use trade::layout::{Field, RevisionYears};
use trade::number::Ambiguity;
use trade::plausibility::{Dimension, Kind, is_named_total};
use trade::{HsRevision, NumberFormat, NumberSample};

/// The share of codes that a revision must list for them to be of the HS.
const LISTED: f64 = 0.5;

/// Characters of a label in a note.
const LABEL_CHARACTERS: usize = 40;

/// The codes that each revision of the HS lists, cut to so many digits.
pub(super) struct Listed {
    codes: Vec<(HsRevision, BTreeSet<String>)>,
}

impl Listed {
    /// The official tables.
    ///
    /// # Errors
    ///
    /// If they are damaged.
    pub(super) fn read() -> Result<Self, String> {
        let mut codes = Vec::new();
        for revision in HsRevision::ALL {
            let texts = hs_tables::descriptions(revision).map_err(|error| error.to_string())?;
            let mut all = BTreeSet::new();
            for code in texts.keys() {
                all.extend([code.chapter(), code.heading(), code.as_str()].map(str::to_owned));
            }
            codes.push((revision, all));
        }
        Ok(Self { codes })
    }

    /// The share of codes that a revision lists.
    fn share(&self, revision: HsRevision, codes: &BTreeSet<String>) -> f64 {
        let listed = self.codes.iter().find(|(of, _)| *of == revision).map(|(_, codes)| codes);
        let prefix = |code: &str| -> String {
            let n = match code.len() {
                n if n >= 6 => 6,
                4 | 5 => 4,
                _ => 2,
            };
            code.chars().take(n).collect()
        };
        let is_listed =
            |code: &&String| listed.is_some_and(|listed| listed.contains(&prefix(code)));
        let n = codes.iter().filter(is_listed).count();
        #[expect(clippy::cast_precision_loss, reason = "a share, for a choice")]
        let share = n as f64 / codes.len().max(1) as f64;
        share
    }

    /// The revision that lists most of the codes of a year, and their share: of equals the one in
    /// force, or else the next to it.
    fn best(&self, year: i32, codes: &BTreeSet<String>) -> (HsRevision, f64) {
        let of_year = in_force(year);
        let place = |revision| HsRevision::ALL.iter().position(|of| *of == revision).unwrap_or(0);
        let mut all: Vec<HsRevision> = HsRevision::ALL.into_iter().rev().collect();
        all.sort_by_key(|&revision| place(revision).abs_diff(place(of_year)));
        let mut best = (of_year, 0.0);
        for revision in all {
            let share = self.share(revision, codes);
            if share > best.1 {
                best = (revision, share);
            }
        }
        best
    }
}

/// What columns show before rows are summed: digits of codes and marks of numbers.
pub(super) fn prepare(draft: &mut Draft, look: &FileLook, listed: &Listed) {
    digits(draft, look, listed);
    marks(draft, look);
}

/// Whether codes, which may have lost their leading zero, are listed by a revision of the HS.
fn is_hs(look: &FileLook, at: usize, draft: &Draft, listed: &Listed) -> bool {
    let digits = draft.product.digits.unwrap_or(0);
    let codes = look.columns[at].texts.keys().filter(|text| is_product_code(text));
    let whole = |text: &String| {
        let code = product_code(text).into_owned();
        let is_short = draft.product.restore && code.len() + 1 == digits;
        if is_short { format!("0{code}") } else { code }
    };
    let codes: BTreeSet<String> = codes.map(whole).collect();
    HsRevision::ALL.into_iter().any(|revision| listed.share(revision, &codes) >= LISTED)
}

fn digits(draft: &mut Draft, look: &FileLook, listed: &Listed) {
    let known = draft.known.and_then(|form| form.digits);
    let characters = draft.fields.get(&Field::Product).and_then(|field| field.characters);
    let wide = draft.unpivot.as_ref().filter(|wide| wide.field == Field::Product);
    // The lengths of codes, and whether all texts are codes.
    let (lengths, is_all): (BTreeSet<usize>, bool) = match (draft.column_of(Field::Product), wide) {
        (Some(at), _) => match characters {
            Some((_, last)) => {
                let cut = |text: &String| is_code(&text.chars().take(last).collect::<String>());
                (BTreeSet::from([last]), look.columns[at].texts.keys().all(cut))
            }
            None => {
                let column = &look.columns[at];
                (column.lengths().into_keys().collect(), column.all(is_product_code))
            }
        },
        (None, Some(wide)) => {
            let codes = || wide.columns.iter().map(|(_, code)| code);
            (codes().map(String::len).collect(), codes().all(|code| is_code(code)))
        }
        (None, None) => {
            draft.product.digits = known;
            return;
        }
    };
    let longest = lengths.last().copied();
    // Codes of one length have digits; all others are texts as they stand.
    let of_one = longest.filter(|digits| lengths.len() == 1 && is_all && *digits <= 12);
    if draft.product.classification.is_some() {
        draft.product.digits = known.or(of_one);
        return;
    }
    if characters.is_some() && !is_all {
        return;
    }
    draft.product.digits = match (known, longest) {
        (Some(digits), _) => Some(digits),
        // The HS has no codes of an odd number of digits.
        (None, Some(n)) if n % 2 == 1 => Some(n + 1),
        (None, longest) => longest,
    };
    let shorter = draft.product.digits.unwrap_or(0).saturating_sub(1);
    draft.product.restore = lengths.contains(&shorter);
    if let Some(at) = draft.column_of(Field::Product).filter(|_| characters.is_none())
        && draft.known.is_none()
        && draft.revision_column.is_none()
        && !is_hs(look, at, draft, listed)
    {
        let why = "no revision of the HS lists most of the codes";
        not_hs(draft, why.to_owned());
        draft.product.digits = of_one;
    }
}

/// Products are of no classification that is known.
fn not_hs(draft: &mut Draft, why: String) {
    let product = &mut draft.product;
    product.classification = Some("own".to_owned());
    product.restore = false;
    product.digits = None;
    product.why = why;
    product.choose =
        Some("own, or the name of what they are: sitc, naics, nace, isic, cpa, ...".to_owned());
}

fn marks(draft: &mut Draft, look: &FileLook) {
    if !look.is_text {
        return;
    }
    let places: Vec<usize> = draft.values().into_iter().map(|(at, _)| at).collect();
    let quantity = draft.column_of(Field::Quantity);
    let (mut sample, mut others) = (NumberSample::default(), NumberSample::default());
    for (at, column) in look.columns.iter().enumerate() {
        match places.contains(&at) || quantity == Some(at) {
            true => sample.extend(&column.numbers),
            false => others.extend(&column.numbers),
        }
    }
    let format = match ReadOptions::default().number_format(&sample, &others) {
        Ok(format) => format,
        Err(Ambiguity::Unclear { cell, readings }) => {
            // Values with three digits behind each comma are sums of thousands, as people write them.
            let grouped = NumberFormat { thousands: Some(','), ..NumberFormat::default() };
            draft.value.unclear = Some(format!(
                "{} is taken for {}; if it is {}, decimal: \",\" and thousands: null",
                printable(&cell, LABEL_CHARACTERS),
                readings[0],
                readings[1]
            ));
            grouped
        }
        Err(error) => {
            let error = printable(&error.to_string(), 2 * LABEL_CHARACTERS);
            draft.value.unclear = Some(format!("\".\" or \",\": {error}"));
            NumberFormat::default()
        }
    };
    if let Some(cell) = ReadOptions::default().unclear_point(&sample, format) {
        let cell = printable(cell, LABEL_CHARACTERS);
        draft.value.unclear.get_or_insert(format!(
            "{cell} is taken for a fraction; if it has thousands, decimal: \",\" and thousands: \".\""
        ));
    }
    draft.value.marks = Some((format.decimal, format.thousands));
}

/// What a second look at the rows is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// Other rows are meant than were summed.
    Yes,
    /// Nothing.
    No,
}

/// Mends the draft by what its rows came to.
pub(super) fn mend(draft: &mut Draft, tally: &Tally) -> Again {
    let before = (draft.conditions.clone(), draft.unpivot.clone(), draft.fields.clone());
    if blank_totals(draft, tally) {
        return Again::Yes;
    }
    for of_flow in tally.flows.values() {
        totals(draft, of_flow);
    }
    levels(draft, tally);
    match before == (draft.conditions.clone(), draft.unpivot.clone(), draft.fields.clone()) {
        true => Again::No,
        false => Again::Yes,
    }
}

/// Leaves out rows without a product or region that are the sums of the others; whether there are
/// some.
fn blank_totals(draft: &mut Draft, tally: &Tally) -> bool {
    let n = draft.conditions.len();
    for (side, field) in [(Side::Product, Field::Product), (Side::Region, Field::Region)] {
        let Some(column) = draft.column_of(field) else { continue };
        let mut flows = tally.flows.values();
        if flows.any(|of_flow| of_flow.blanks_are_totals(side)) {
            let test = Test::NotIn(vec![String::new()]);
            let why = format!("rows without a {field} are the totals of the others");
            draft.conditions.push(Condition { column, test, why });
        }
    }
    draft.conditions.len() > n
}

/// Notes what rows say of products and values.
pub(super) fn facts(draft: &mut Draft, tally: &Tally, listed: &Listed) {
    revisions(draft, tally, listed);
    draft.value.has_negative = tally.n_negative > 0;
    draft.value.is_fine = tally.n_fine > 0;
    draft.value.has_empty = tally.n_empty > 0 && draft.unpivot.is_none();
    let is_hs = draft.product.classification.is_none();
    if draft.product.names.is_some() && !is_hs {
        // What is empty or the same says nothing.
        let says = |(code, name): &(&String, &String)| !name.is_empty() && code != name;
        let labels = tally.labels.iter().filter(says);
        draft.product.labels = labels.map(|(code, name)| (code.clone(), name.clone())).collect();
    }
    draft.regions.clone_from(&tally.regions);
    draft.regions.retain(|_, name| !name.is_empty());
}

/// What is said of totals.
const OF_ALL: &str = "the total of the others";
const OF_SOME: &str = "the total of some of the others";

/// The labels that are the sums of others, or are called so, each with its field and what it is.
fn totals_of(of_flow: &FlowTally) -> BTreeMap<(Field, String), &'static str> {
    let findings = of_flow.findings();
    let of_partners = of_flow.findings_of_partners();
    let mut totals = BTreeMap::new();
    for of in findings.iter().chain(of_partners.iter()).filter(|of| of.kind.is_of_totals()) {
        let field = match of.dimension {
            Dimension::Region => Field::Region,
            Dimension::Product => Field::Product,
            Dimension::Destination => Field::Destination,
            Dimension::File | Dimension::Label => continue,
        };
        let what = if of.is_of_some() { OF_SOME } else { OF_ALL };
        totals.extend(of.labels.iter().map(|label| ((field, label.clone()), what)));
    }
    let sides = [
        (Field::Region, &of_flow.regions),
        (Field::Product, &of_flow.products),
        (Field::Destination, &of_flow.partners),
    ];
    // A total of some products or years alone is no sum of all others.
    let named =
        sides.into_iter().filter(|(_, labels)| labels.len() > 2).flat_map(|(field, labels)| {
            let named = labels.iter().filter(|label| is_named_total(label));
            named.map(move |label| (field, label.clone()))
        });
    totals.extend(named.map(|label| (label, OF_ALL)));
    totals
}

/// Leaves out labels that are the sums of others.
fn totals(draft: &mut Draft, of_flow: &FlowTally) {
    for ((field, name), what) in totals_of(of_flow) {
        let why = format!("{} is {what}", printable(&name, LABEL_CHARACTERS));
        if let Some(column) = draft.column_of(field) {
            let of = draft
                .conditions
                .iter_mut()
                .find(|of| of.column == column && matches!(of.test, Test::NotIn(_)));
            match of {
                Some(Condition { test: Test::NotIn(texts), .. }) => {
                    if !texts.contains(&name) {
                        texts.push(name.clone());
                        // It is a new condition: it is put behind the others.
                        let test = Test::NotIn(std::mem::take(texts));
                        draft
                            .conditions
                            .retain(|of| of.column != column || of.test != Test::NotIn(Vec::new()));
                        draft.conditions.push(Condition { column, test, why });
                    }
                }
                _ => {
                    let test = Test::NotIn(vec![name.clone()]);
                    draft.conditions.push(Condition { column, test, why });
                }
            }
        } else if let Some(wide) = draft.unpivot.as_mut().filter(|wide| wide.field == field) {
            wide.columns.retain(|(_, code)| *code != name);
            draft.notes.push(format!("the column of {why}: it is left out"));
        }
    }
}

/// Takes the lowest level of products where the others are its sums; where codes of several lengths
/// are no sums, takes as many digits of each as the shortest has.
fn levels(draft: &mut Draft, tally: &Tally) {
    let Some(column) = draft.column_of(Field::Product) else { return };
    let is_digits = |of: &Condition| of.column == column && matches!(of.test, Test::Digits(_));
    let is_done = draft.conditions.iter().any(is_digits);
    let Some(digits) = draft.product.digits else { return };
    let codes = tally.codes.values().flatten().filter(|code| is_code(code));
    let lengths: BTreeSet<usize> = codes.map(String::len).collect();
    let is_one = lengths.iter().all(|length| *length == digits);
    if is_done || is_one || draft.product.classification.is_some() {
        return;
    }
    let is_nested = tally
        .flows
        .values()
        .any(|of_flow| of_flow.findings().iter().any(|finding| finding.kind == Kind::NestedLevels));
    if is_nested {
        let own = match draft.product.restore {
            true => BTreeSet::from([digits, digits.saturating_sub(1)]),
            false => BTreeSet::from([digits]),
        };
        let why = "shorter codes are the sums of these".to_owned();
        draft.conditions.push(Condition { column, test: Test::Digits(own), why });
        return;
    }
    let shortest = lengths.iter().copied().find(|length| length % 2 == 0);
    if let Some(shortest) = shortest.filter(|&shortest| shortest < digits)
        && let Some(field) = draft.fields.get_mut(&Field::Product)
        && field.characters.is_none()
    {
        let cut = FieldDraft { characters: Some((1, shortest)), ..field.clone() };
        *field = cut.choose(format!(
            "codes have {shortest} to {digits} digits: these {shortest} of each, or where: rows of one length"
        ));
        draft.product.digits = Some(shortest);
        draft.product.restore = false;
    }
}

/// The revision of each year, by what rows say or by how many codes each revision lists.
fn revisions(draft: &mut Draft, tally: &Tally, listed: &Listed) {
    let years: Vec<i32> = tally.codes.keys().copied().collect();
    let (Some(&first), Some(&last)) = (years.first(), years.last()) else { return };
    if draft.product.classification.is_some() {
        return;
    }
    let is_said = !tally.revisions.is_empty();
    let mut by_year: BTreeMap<i32, HsRevision> = BTreeMap::new();
    let mut shares: Vec<f64> = Vec::new();
    for (&year, codes) in &tally.codes {
        let codes: BTreeSet<String> = codes.iter().filter(|code| is_code(code)).cloned().collect();
        let (best, share) = listed.best(year, &codes);
        shares.push(share);
        let said = tally.revisions.get(&year).and_then(|counts| {
            counts.iter().max_by_key(|(_, n)| **n).map(|(revision, _)| *revision)
        });
        by_year.insert(year, said.unwrap_or(best));
    }
    let least = shares.iter().copied().fold(1.0, f64::min);
    let is_wide = draft.unpivot.as_ref().is_some_and(|wide| wide.field == Field::Product);
    let has_products = draft.column_of(Field::Product).is_some() || is_wide;
    if has_products && least < LISTED && !is_said {
        let share = 100.0 * least;
        not_hs(draft, format!("no revision of the HS lists more than {share:.0} % of the codes"));
        return;
    }
    if draft.product.digits == Some(2) {
        // Chapters stay the same: one revision needs no harmonising.
        by_year.values_mut().for_each(|revision| *revision = in_force(first));
    }
    draft.product.revisions = spans(&by_year, last);
    let is_no_code = |code: &&String| !is_code(code);
    let texts: BTreeSet<&String> = tally.codes.values().flatten().filter(is_no_code).collect();
    if has_products && !texts.is_empty() {
        let some: Vec<String> =
            texts.iter().take(3).map(|text| printable(text, LABEL_CHARACTERS)).collect();
        draft.notes.push(format!(
            "{} texts of products are no codes of the HS ({}{}): their rows are rejected, unless `where` leaves \
             them out or `classification` is a name of your own",
            texts.len(),
            some.join(", "),
            if texts.len() > 3 { ", ..." } else { "" }
        ));
    }
    if has_products {
        draft.product.why = match is_said {
            true => "as most rows of each year say".to_owned(),
            false => {
                format!("which lists at least {:.1} % of the codes of each year", 100.0 * least)
            }
        };
    }
}

/// Years of one revision each, without gaps.
fn spans(by_year: &BTreeMap<i32, HsRevision>, last: i32) -> Vec<RevisionYears> {
    let mut spans: Vec<RevisionYears> = Vec::new();
    for (&year, &revision) in by_year {
        match spans.last_mut() {
            Some(span) if span.revision == revision => span.last = year,
            Some(span) => {
                span.last = year - 1;
                spans.push(RevisionYears { first: year, last: year, revision });
            }
            None => spans.push(RevisionYears { first: year, last: year, revision }),
        }
    }
    if let Some(span) = spans.last_mut() {
        span.last = last;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(list: &[&str]) -> BTreeSet<String> {
        list.iter().map(|&code| code.to_owned()).collect()
    }

    #[test]
    fn the_revision_is_the_one_that_lists_the_codes() {
        let listed = Listed::read().expect("sound tables");
        // 851712 is of HS2007 and later, 852520 of the revisions before.
        assert_eq!(listed.best(2010, &codes(&["851712", "010190"])).0, HsRevision::Hs2007);
        assert_eq!(listed.best(2021, &codes(&["852520", "851719"])).0, HsRevision::Hs2002);
        assert_eq!(listed.best(2014, &codes(&["8542"])), (HsRevision::Hs2012, 1.0));
        assert!(listed.best(2014, &codes(&["3211", "3219"])).1 < 1.0);
    }

    #[test]
    fn years_of_one_revision_stand_together() {
        let by_year = BTreeMap::from([
            (2014, HsRevision::Hs2012),
            (2015, HsRevision::Hs2012),
            (2018, HsRevision::Hs2017),
        ]);
        let found = spans(&by_year, 2018);
        let expected = [
            RevisionYears { first: 2014, last: 2017, revision: HsRevision::Hs2012 },
            RevisionYears { first: 2018, last: 2018, revision: HsRevision::Hs2017 },
        ];
        assert_eq!(found, expected);
    }
}
