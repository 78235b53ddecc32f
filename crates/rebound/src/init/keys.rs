//! Which columns hold years, months, flows, regions, products and partners.

use super::draft::{Condition, FieldDraft, Origin, Test};
use super::finder::Finder;
use super::names::{self, Role};
use super::periods::{PeriodForm, month_of, quarter_of};
use super::wide::{self, MANY_CODES};
use super::words::{
    flow_of, flow_of_header, flow_within, is_code, is_product_code, is_year, year_of,
};
use crate::usual_names::{self, plain};
use trade::layout::Field;

/// More names of columns of regions.
const MORE_REGIONS: &[&str] = &[
    "entidad",
    "estado",
    "provincia",
    "customoffices",
    "customsoffice",
    "customoffice",
    "kommune",
    "land",
    "nuts",
    "nuts2",
    "nuts3",
    "declarantiso",
    "origincountry",
    "reportingcountry",
    "countryiso3code",
    "localauthority",
];

/// More names of columns of products.
const MORE_PRODUCTS: &[&str] =
    &["scian", "cnae", "sic", "ecommodity", "productnc", "sh4", "sh6", "anzsic", "productid"];

/// Names of columns of codes that say which classification they are of.
const CLASSIFICATIONS: [(&str, &str); 17] = [
    ("naics", "naics"),
    ("scian", "naics"),
    ("nace", "nace"),
    ("ateco", "nace"),
    ("sitc", "sitc"),
    ("cuci", "sitc"),
    ("ctci", "sitc"),
    ("isic", "isic"),
    ("ciiu", "isic"),
    ("anzsic", "anzsic"),
    ("cnae", "cnae"),
    ("cpa", "cpa"),
    ("cpc", "cpc"),
    ("ipc", "ipc"),
    ("bec", "bec"),
    ("wz", "wz"),
    ("sic", "sic"),
];

/// Columns of which one text is meant, and which one only the user can know.
pub(super) const KINDS: [&str; 9] = [
    "indicators",
    "indicator",
    "unit",
    "freq",
    "measure",
    "units",
    "unitofmeasure",
    "unidad",
    "unidade",
];

/// Names of columns of ownerships.
const OWNERSHIPS: &[&str] = &["企业性质", "企业类型", "ownership", "ownershiptype", "firmtype"];

/// Texts of a column of dates that may be none.
const MOST_UNDATED: usize = 3;

/// Texts that a column of flows has at most.
const MOST_FLOWS: usize = 12;

/// Texts of products from which on words are taken for them.
const FEWEST_PRODUCTS: usize = 3;

/// Letters that a code of an industry begins with at most.
const MOST_LETTERS: usize = 2;

/// How the texts of a column of periods are written.
enum Periods {
    /// As years alone.
    Years,
    /// As digits, of which the first four are the year.
    Digits,
    /// As dates.
    Dates(PeriodForm),
}

impl Finder<'_> {
    /// How the texts of a column say a period, and those that say none.
    fn periods(&self, at: usize) -> Option<(Periods, Vec<String>)> {
        let column = self.column(at);
        if column.n_filled == 0 || column.is_many {
            return None;
        }
        let is_dated = |text: &&str| {
            let words = text.split(|c: char| !c.is_alphabetic());
            year_of(text).is_some()
                || (text.contains(|c: char| c.is_ascii_digit())
                    && words.filter(|w| w.len() > 2).any(|w| month_of(w).is_some()))
                || (text.contains(|c: char| c.is_ascii_digit())
                    && PeriodForm::of(&[*text]).is_some())
        };
        if !column
            .texts
            .keys()
            .map(String::as_str)
            .take(MOST_UNDATED + 1)
            .any(|text| is_dated(&text))
        {
            return None;
        }
        let (dated, others): (Vec<&str>, Vec<&str>) =
            column.texts.keys().map(String::as_str).partition(is_dated);
        let n_others: u64 = others.iter().filter_map(|text| column.texts.get(*text)).sum();
        if dated.is_empty() || others.len() > MOST_UNDATED || 10 * n_others > column.n_filled {
            return None;
        }
        let others = others.into_iter().map(str::to_owned).collect();
        let all = |is: &dyn Fn(&str) -> bool| dated.iter().all(|text| is(text));
        let is_digits =
            |text: &str| is_code(text) && matches!(text.len(), 6 | 8) && year_of(text).is_some();
        let found = if all(&|text| is_year(text)) {
            Periods::Years
        } else if all(&is_digits) {
            Periods::Digits
        } else if let Some(form) = PeriodForm::of(&dated) {
            Periods::Dates(form)
        } else if all(&|text| text.get(..4).is_some_and(is_year)) {
            Periods::Digits
        } else {
            return None;
        };
        Some((found, others))
    }

    /// The column of years or dates, and a month that it says, too.
    pub(super) fn year(&mut self) {
        let named = self.called(usual_names::YEAR, Role::Period);
        let any = self.free().into_iter().filter(|&at| {
            let texts = &self.column(at).texts;
            let is_date = |text: &String| text.len() > 4 && !is_code(text);
            texts.len() <= 200 && (self.column(at).all(is_year) || texts.keys().all(is_date))
        });
        let all = self.known_column(Field::Year).into_iter().chain(named).chain(any);
        let mut found: Vec<(usize, Periods, Vec<String>)> = Vec::new();
        for at in all {
            if found.iter().all(|(of, ..)| *of != at)
                && let Some((periods, others)) = self.periods(at)
            {
                found.push((at, periods, others));
            }
        }
        // Years alone go before dates.
        let years = found.iter().position(|(_, periods, _)| matches!(periods, Periods::Years));
        let is_known =
            found.first().is_some_and(|(at, ..)| self.known_column(Field::Year) == Some(*at));
        let first = if is_known { 0 } else { years.unwrap_or(0) };
        if first >= found.len() {
            return;
        }
        let (at, periods, others) = found.swap_remove(first);
        let mut field = FieldDraft::column(at);
        match periods {
            Periods::Years => {}
            Periods::Digits => {
                field.characters = Some((1, 4));
                let is_month = |text: &str| text.len() == 6 && ("01"..="12").contains(&&text[4..6]);
                if self.column(at).all(|text| is_code(text) && is_month(text)) {
                    let month = FieldDraft { characters: Some((5, 6)), ..FieldDraft::column(at) };
                    self.draft.fields.insert(Field::Month, month);
                }
            }
            Periods::Dates(form) => {
                field.choose = match form.form.as_str() {
                    "fiscal" => Some("fiscal, the year it begins in, or fiscal_end".to_owned()),
                    own => form.or.as_ref().map(|or| format!("{own} or {or}")),
                };
                if form.has_month {
                    let month = FieldDraft { date: Some(form.clone()), ..FieldDraft::column(at) };
                    self.draft.fields.insert(Field::Month, month);
                }
                field.date = Some(form);
            }
        }
        if !others.is_empty() {
            let why = format!("{} is no date", others.join(", "));
            self.draft.conditions.push(Condition { column: at, test: Test::NotIn(others), why });
        }
        self.take(Field::Year, at, field);
    }

    /// The column of months or quarters.
    pub(super) fn month(&mut self) {
        if self.draft.fields.contains_key(&Field::Month) {
            return;
        }
        let is_free = |at: &usize| self.is_free(*at);
        let known = self.known_column(Field::Month).filter(is_free);
        let named = self.called(usual_names::MONTH, Role::Month);
        for at in known.into_iter().chain(named) {
            let texts = || self.column(at).texts.keys();
            let is_quarter =
                self.is_called(at, Role::Quarter) || texts().all(|text| month_of(text).is_none());
            let of: fn(&str) -> Option<i32> = if is_quarter { quarter_of } else { month_of };
            let Some(months) = texts().map(|text| of(text)).collect::<Option<Vec<i32>>>() else {
                continue;
            };
            let pairs: Vec<(String, String)> = texts()
                .cloned()
                .zip(months)
                .map(|(text, month)| (text, month.to_string()))
                .collect();
            let is_plain =
                |(text, month): &(String, String)| text.parse::<i32>().ok() == month.parse().ok();
            let map = if pairs.iter().all(is_plain) { Vec::new() } else { pairs };
            self.take(Field::Month, at, FieldDraft { map, ..FieldDraft::column(at) });
            return;
        }
    }

    /// What the texts of a column of flows stand for.
    fn flow_words(&self, at: usize) -> Vec<(String, String)> {
        let known = |text: &str| {
            let flows = self.known.map_or(&[][..], |form| form.flows);
            flows.iter().find(|(raw, _)| *raw == text).map(|(_, flow)| *flow)
        };
        let exact = |text: &String| {
            let flow = known(text).or_else(|| flow_of(text))?;
            Some((text.clone(), flow.to_owned()))
        };
        let texts = || self.column(at).texts.keys();
        let mut found: Vec<(String, String)> = texts().filter_map(exact).collect();
        if found.is_empty() && texts().len() <= MOST_FLOWS {
            // Of several texts of a flow the shortest is all of it: `Exports` beside `Re-exports`.
            let mut within: Vec<(&String, &str)> =
                texts().filter_map(|text| Some((text, flow_within(text)?))).collect();
            within.sort_by_key(|(text, _)| text.len());
            for (text, flow) in within {
                if found.iter().all(|(_, of)| of != flow) {
                    found.push((text.clone(), flow.to_owned()));
                }
            }
            found.sort();
        }
        found
    }

    /// The column of flows.
    pub(super) fn flow(&mut self) {
        let says = |at: &usize| !self.flow_words(*at).is_empty();
        let known = self.known_column(Field::Flow).filter(says);
        let named = || self.usual(usual_names::FLOW).into_iter().find(says);
        // Without a name it must have both.
        let both = |at: &usize| {
            let words = self.flow_words(*at);
            let has = |flow: &str| words.iter().any(|(_, of)| of == flow);
            has("export") && has("import") && self.column(*at).texts.len() <= MOST_FLOWS
        };
        let any = || self.free().into_iter().find(both);
        let Some(at) = known.or_else(named).or_else(any) else { return };
        let map = self.flow_words(at);
        let others: Vec<&String> = self.column(at).texts.keys().collect();
        if others.iter().any(|text| map.iter().all(|(raw, _)| raw != *text)) {
            self.draft.conditions.push(Condition {
                column: at,
                test: Test::In(map.iter().map(|(raw, _)| raw.clone()).collect()),
                why: "other flows are parts of these, or of another kind".to_owned(),
            });
        }
        self.take(Field::Flow, at, FieldDraft { map, ..FieldDraft::column(at) });
    }

    /// The column that is called by regions.
    pub(super) fn region(&mut self) {
        let known = self.known_column(Field::Region);
        let names = [usual_names::REGION, MORE_REGIONS].concat();
        let mut named = self.called(&names, Role::Region);
        named.retain(|&at| !self.column(at).is_many && !self.is_called(at, Role::Product));
        if named.is_empty() {
            named = self.called(&[], Role::Country);
        }
        let finest = self.finest(&named);
        let Some(at) = known.or_else(|| finest.first().copied()) else { return };
        // What says the same is no other choice.
        let is_other = |of: &usize| *of != at && !self.is_one_to_one(at, *of);
        let others: Vec<usize> = named.into_iter().filter(is_other).collect();
        let choose = if known.is_none() { self.or(&others) } else { None };
        self.take_region(at, choose);
    }

    /// Whether a column has names: words, several of them, and no codes.
    fn has_names(&self, at: usize) -> bool {
        let column = self.column(at);
        let is_code =
            |text: &str| text.contains(|c: char| c.is_ascii_digit()) && !text.contains(' ');
        !column.is_number() && column.texts.len() > 1 && !column.all(is_code)
    }

    fn take_region(&mut self, at: usize, choose: Option<String>) {
        // A column of names beside codes.
        let is_name = |other: &usize| {
            *other != at && self.is_one_to_one(at, *other) && self.has_names(*other)
        };
        let is_coded = self.column(at).all(|text| text.len() <= 6 && !text.contains(' '));
        let names = self.free().into_iter().find(is_name).filter(|_| is_coded);
        self.draft.region_names = names;
        self.taken.extend(names);
        self.take(Field::Region, at, FieldDraft { choose, ..FieldDraft::column(at) });
    }

    /// A column of regions that no name tells.
    pub(super) fn any_region(&mut self) {
        if self.draft.fields.contains_key(&Field::Region) {
            return;
        }
        let partners = self.called(usual_names::PARTNER, Role::Partner);
        let is_words = |at: &usize| {
            let column = self.column(*at);
            let is_described =
                usual_names::DESCRIPTION.contains(&plain(&self.header[*at]).as_str());
            let is_kind = KINDS.contains(&plain(&self.header[*at]).as_str());
            !column.is_number()
                && !column.is_many
                && column.texts.len() > 1
                && !is_described
                && !is_kind
        };
        let words: Vec<usize> = self.free().into_iter().filter(is_words).collect();
        let all: Vec<usize> = partners.into_iter().chain(words).collect();
        let Some(&at) = all.first() else { return };
        let mut others: Vec<usize> = all.into_iter().filter(|&of| of != at).collect();
        others.dedup();
        let or = self.or(&others).map_or_else(String::new, |or| format!("{or}, "));
        self.take_region(at, Some(format!("{or}or constant: and the name of the one region")));
    }

    /// Whether a column says the same as that of the regions, each of which stands in several rows
    /// or it would say nothing.
    fn says_the_region(&self, at: usize) -> bool {
        self.draft.column_of(Field::Region).is_some_and(|region| {
            let column = self.column(region);
            let n_texts = u64::try_from(column.texts.len()).unwrap_or(u64::MAX);
            n_texts > 1 && n_texts < column.n_filled && self.is_one_to_one(at, region)
        })
    }

    /// The free columns that may hold products, by their names.
    fn called_products(&self) -> Vec<usize> {
        let names = [usual_names::PRODUCT, MORE_PRODUCTS].concat();
        let mut named = self.called(&names, Role::Product);
        // `HS02` beside `HS10` is no column of products, but of the values of one.
        let numbers: Vec<(usize, &str)> =
            self.numbers().into_iter().map(|at| (at, self.header[at].as_str())).collect();
        let wide = wide::codes(&numbers).filter(|of| of.columns.len() >= MANY_CODES);
        let wide: Vec<usize> =
            wide.iter().flat_map(|of| &of.columns).map(|(place, _)| *place).collect();
        named.retain(|&at| {
            // `Sector share` and the like.
            !self.says_the_region(at) && !wide.contains(&at) && !self.column(at).all(is_year)
        });
        named
    }

    /// Whether a column holds codes: they begin with a zero, or have as many digits each and stand in
    /// several rows, or words follow them.
    fn has_codes(&self, at: usize) -> bool {
        let (name, column) = (&self.header[at], self.column(at));
        let is_said = year_of(name).is_some() || flow_of_header(name).is_some();
        let widths = column.lengths();
        let n_codes: usize = widths.values().sum();
        let is_repeated = u64::try_from(n_codes).is_ok_and(|n| n < column.n_filled);
        let is_codes = n_codes == column.texts.len()
            && widths.keys().all(|digits| (2..=12).contains(digits))
            && (column.texts.keys().any(|text| text.starts_with('0'))
                || (widths.len() == 1 && is_repeated));
        !is_said
            && (is_codes || code_before_words(column.texts.keys().map(String::as_str)).is_some())
    }

    /// The column of products.
    pub(super) fn product(&mut self) {
        let known = self.known_column(Field::Product);
        let named = self.called_products();
        let finest = self.finest(&named);
        let any = || {
            let all = self.free().into_iter().filter(|&at| !self.says_the_region(at));
            all.filter(|&at| !self.is_called(at, Role::Region)).find(|&at| self.has_codes(at))
        };
        let Some(at) = known.or_else(|| finest.first().copied()).or_else(any) else { return };
        // Of columns that say the same, that with codes.
        let codes =
            |of: &&usize| self.is_one_to_one(at, **of) && self.column(**of).all(is_product_code);
        let is_coded = self.column(at).all(is_product_code) || known.is_some();
        let at = if is_coded { at } else { finest.iter().find(codes).copied().unwrap_or(at) };
        // Names beside codes and what says the same are no other choice; groups are.
        let is_name = |of: usize| {
            let is_called = self.is_called(of, Role::Label)
                || usual_names::DESCRIPTION.contains(&plain(&self.header[of]).as_str());
            self.is_one_to_one(at, of) || (is_called && self.look.tells(at, of))
        };
        let mut others: Vec<usize> =
            named.into_iter().filter(|&of| of != at && !is_name(of)).collect();
        others.sort_by_key(|&of| self.look.tells(at, of));
        let choose = if known.is_none() { self.or(&others) } else { None };
        self.take_product(at, choose);
    }

    fn take_product(&mut self, at: usize, choose: Option<String>) {
        self.take(Field::Product, at, FieldDraft { choose, ..FieldDraft::column(at) });
        let is_name = |of: &usize| self.look.tells(at, *of) && self.has_names(*of);
        let names: Vec<usize> = self.free().into_iter().filter(is_name).collect();
        let same = names.iter().find(|of| self.look.tells(**of, at));
        let named = names.iter().find(|of| {
            let name = plain(&self.header[**of]);
            self.is_called(**of, Role::Label) || usual_names::DESCRIPTION.contains(&name.as_str())
        });
        self.draft.product.names = same.or(named).copied();
        self.taken.extend(self.draft.product.names);
    }

    /// A column of products that no name tells and that has words, of several the one with most.
    pub(super) fn any_product(&mut self) {
        if self.draft.fields.contains_key(&Field::Product) {
            return;
        }
        let keys: Vec<usize> = [Field::Region, Field::Destination]
            .iter()
            .filter_map(|of| self.draft.column_of(*of))
            .collect();
        let is_words = |at: &usize| {
            let (name, column) = (plain(&self.header[*at]), self.column(*at));
            let is_of_key =
                keys.iter().any(|&key| self.look.tells(key, *at) || self.look.tells(*at, key));
            !column.is_number()
                && !column.is_many
                && column.texts.len() >= FEWEST_PRODUCTS
                && !is_of_key
                && !KINDS.contains(&name.as_str())
                && !self.is_called(*at, Role::Country)
                && !self.is_called(*at, Role::Region)
        };
        let mut words: Vec<usize> = self.free().into_iter().filter(is_words).collect();
        words.sort_by_key(|&at| std::cmp::Reverse(self.column(at).texts.len()));
        let Some(&at) = words.first() else { return };
        let or = self.or(&words[1..]).map_or_else(String::new, |or| format!("{or}, "));
        self.take_product(at, Some(format!("{or}or constant: all, if these are no products")));
    }

    /// The column of partners.
    pub(super) fn partner(&mut self) {
        let known = self.known_column(Field::Destination).filter(|&at| self.is_free(at));
        let region = self.draft.column_of(Field::Region);
        let is_region = |at: usize| region.is_some_and(|of| self.look.tells(of, at));
        let fits = |at: &usize| !is_region(*at) || self.column(*at).texts.len() < 2;
        let named = self.called(usual_names::PARTNER, Role::Partner).into_iter().find(fits);
        let country = || {
            let mut all = self.called(&[], Role::Country).into_iter();
            all.find(|at| self.column(*at).texts.len() > 1 && fits(at))
        };
        if let Some(at) = known.or(named).or_else(country) {
            self.take(Field::Destination, at, FieldDraft::column(at));
        }
        if let Some(&at) = self.usual(OWNERSHIPS).first() {
            self.take(Field::Ownership, at, FieldDraft::column(at));
        }
    }

    /// What codes of products are, as far as a name says it, and what their texts show.
    pub(super) fn classification(&mut self) {
        let wide = self.draft.unpivot.as_ref().filter(|wide| wide.field == Field::Product);
        let at = self.draft.column_of(Field::Product);
        let name = match (at, wide) {
            (Some(at), _) => self.header[at].clone(),
            (None, Some(wide)) => wide.pattern.clone().unwrap_or_default(),
            (None, None) => return,
        };
        let titles = self.look.above.iter().map(String::as_str);
        let found = std::iter::once(name.as_str()).chain(titles).find_map(classification_in);
        self.draft.product.classification = found.map(|(_, name)| (*name).to_owned());
        if let Some((part, _)) = found {
            self.draft.product.why = format!("as `{part}` in the names of columns or titles says");
        }
        let Some(at) = at else {
            let is_names =
                wide.is_some_and(|wide| wide.columns.iter().any(|(_, code)| !is_code(code)));
            if is_names && found.is_none() {
                self.own();
            }
            return;
        };
        let column = self.column(at);
        if let Some(n) = code_before_words(column.texts.keys().map(String::as_str))
            && let Some(field) = self.draft.fields.get_mut(&Field::Product)
        {
            field.characters = Some((1, n));
            self.draft.product.names = Some(at);
            return;
        }
        let n_codes = column.texts.keys().filter(|text| is_product_code(text)).count();
        if 2 * n_codes < column.texts.len() && found.is_none() {
            self.own();
        }
    }

    /// Products are words, or codes of no classification that is known.
    fn own(&mut self) {
        self.draft.product.classification = Some("own".to_owned());
        self.draft.product.why = "most of its texts are no codes of digits".to_owned();
        self.draft.product.choose = Some(
            "own, or the name of what they are: nace, isic, naics, ipc, industry, ...".to_owned(),
        );
    }

    /// What a title, a name or a file says of the flow.
    pub(super) fn said_flow(&self) -> Option<&'static str> {
        let columns = self.draft.values().into_iter().map(|(at, _)| self.header[at].as_str());
        let in_columns =
            columns.filter_map(|name| flow_of_header(name).or_else(|| flow_within(name)));
        let constants = self.constants().filter_map(|(_, text)| flow_within(text));
        in_columns.chain(constants).next()
    }

    /// The texts of columns that have the same in every row, but for those that are keys.
    pub(super) fn constants(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_key =
            |at: usize| self.draft.fields.values().any(|field| field.from == Origin::Column(at));
        self.look.columns.iter().enumerate().filter(move |(at, _)| !is_key(*at)).filter_map(
            |(at, column)| match column.texts.len() {
                1 if !column.is_many => column.texts.keys().next().map(|text| (at, text.as_str())),
                _ => None,
            },
        )
    }
}

/// The classification that a text names, with the word that does.
fn classification_in(text: &str) -> Option<&'static (&'static str, &'static str)> {
    let words = names::words(text);
    CLASSIFICATIONS.iter().find(|(part, _)| {
        words.iter().any(|word| match part.len() {
            // Short ones are parts of many words: only a number may follow.
            ..=3 => word.trim_end_matches(|c: char| c.is_ascii_digit()) == *part,
            4 => word.starts_with(part),
            _ => word.contains(part),
        })
    })
}

/// How many characters the codes have that all texts begin with, where words follow: 2 of
/// `01 - Live animals`.
pub(super) fn code_before_words<'t>(texts: impl Iterator<Item = &'t str>) -> Option<usize> {
    let mut found = None;
    for text in texts {
        let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
        let letters = if letters <= MOST_LETTERS { letters } else { 0 };
        let is_of_code = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
        let code = letters + text.bytes().skip(letters).take_while(is_of_code).count();
        let n = text.get(..code)?.trim_end_matches('.').len();
        let n_digits = text[..n].bytes().filter(u8::is_ascii_digit).count();
        let behind = text.get(n..)?;
        let is_apart = behind.starts_with(|c: char| {
            c.is_whitespace() || c.is_ascii_punctuation() || matches!(c, '–' | '—')
        });
        let has_words = behind.contains(|c: char| c.is_alphabetic());
        if n_digits < 1 || n < 2 || !is_apart || !has_words || *found.get_or_insert(n) != n {
            return None;
        }
    }
    found
}

/// The name that stands behind a code of so many characters.
pub(super) fn name_behind(text: &str, n: usize) -> &str {
    let behind: usize = text.chars().take(n).map(char::len_utf8).sum();
    let is_mark = |c: char| {
        c.is_whitespace() || (c.is_ascii_punctuation() && c != '(') || matches!(c, '–' | '—')
    };
    text[behind..].trim_start_matches(is_mark)
}
