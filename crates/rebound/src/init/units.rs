//! What values count and in what, by the words of headers, titles and units.

use super::names::fold;

/// Words of one currency each.
const CURRENCIES: [(&str, &[&str]); 30] = [
    ("USD", &["usd", "kusd", "musd", "tusd", "美元", "dolar", "dolares"]),
    ("EUR", &["eur", "euro", "euros", "€", "keur", "meur", "teur", "mioeur"]),
    ("GBP", &["gbp", "£", "sterling", "mgbp"]),
    ("CNY", &["cny", "rmb", "yuan", "renminbi", "人民币", "元"]),
    ("JPY", &["jpy", "yen"]),
    ("CHF", &["chf", "mchf"]),
    ("AUD", &["aud"]),
    ("CAD", &["cad"]),
    ("NZD", &["nzd"]),
    ("BRL", &["brl", "reais"]),
    ("MXN", &["mxn"]),
    ("INR", &["inr", "₹", "crore", "crores", "lakh"]),
    ("NPR", &["npr"]),
    ("ZAR", &["zar", "rand"]),
    ("KRW", &["krw", "₩"]),
    ("SEK", &["sek"]),
    ("NOK", &["nok"]),
    ("DKK", &["dkk"]),
    ("PLN", &["pln"]),
    ("CZK", &["czk"]),
    ("HUF", &["huf"]),
    ("RUB", &["rub", "₽"]),
    ("TRY", &["₺"]),
    ("IDR", &["idr"]),
    ("THB", &["thb"]),
    ("VND", &["vnd"]),
    ("CLP", &["clp"]),
    ("COP", &["cop"]),
    ("ARS", &["ars"]),
    ("SGD", &["sgd"]),
];

/// Letters or words before a dollar that say whose it is.
const DOLLARS: [(&str, &str); 14] = [
    ("us", "USD"),
    ("a", "AUD"),
    ("au", "AUD"),
    ("australian", "AUD"),
    ("c", "CAD"),
    ("ca", "CAD"),
    ("can", "CAD"),
    ("canadian", "CAD"),
    ("nz", "NZD"),
    ("zealand", "NZD"),
    ("r", "BRL"),
    ("mx", "MXN"),
    ("hk", "HKD"),
    ("s", "SGD"),
];

const THOUSAND: [&str; 20] = [
    "thousand",
    "thousands",
    "thous",
    "ths",
    "tsd",
    "tausend",
    "miles",
    "millier",
    "milliers",
    "000",
    "000s",
    "1000",
    "k",
    "keur",
    "kusd",
    "teur",
    "tusd",
    "migliaia",
    "milhares",
    "千",
];

const MILLION: [&str; 20] = [
    "million",
    "millions",
    "mio",
    "mln",
    "mill",
    "millones",
    "millon",
    "milhao",
    "milhoes",
    "millionen",
    "milioni",
    "mn",
    "1000000",
    "meur",
    "musd",
    "mgbp",
    "mchf",
    "mioeur",
    "mioeuro",
    "百万",
];

const BILLION: [&str; 10] = [
    "billion",
    "billions",
    "bn",
    "bln",
    "mrd",
    "milliard",
    "milliards",
    "milliarden",
    "bilhoes",
    "1000000000",
];

/// Words of multipliers of India, and the currency that goes with them.
const INDIAN: [(&str, u32); 3] = [("crore", 10_000_000), ("crores", 10_000_000), ("lakh", 100_000)];

/// Words of what is no money: the measure, its unit, and the words.
const MEASURES: [(&str, &str, &[&str]); 3] = [
    (
        "employment",
        "persons",
        &[
            "employees",
            "employed",
            "employment",
            "emp",
            "jobs",
            "workers",
            "persons",
            "headcount",
            "empleo",
            "empleados",
            "emprego",
            "empregos",
            "empregados",
            "emploi",
            "emplois",
            "effectif",
            "effectifs",
            "salaries",
            "beschaftigte",
            "beschaftigten",
            "erwerbstatige",
            "occupati",
            "addetti",
            "ocupados",
            "vinculos",
        ],
    ),
    (
        "patents",
        "patents",
        &[
            "patents",
            "patent",
            "patentcount",
            "patente",
            "patentes",
            "brevets",
            "patentanmeldungen",
        ],
    ),
    (
        "firms",
        "firms",
        &[
            "firms",
            "establishments",
            "enterprises",
            "companies",
            "businesses",
            "unternehmen",
            "betriebe",
            "empresas",
            "entreprises",
            "imprese",
            "etablissements",
            "establecimientos",
        ],
    ),
];

/// How sure what is said is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sure {
    Yes,
    /// The word has two meanings.
    No,
}

/// What a text says of values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Unit {
    /// The currency, an ISO 4217 code.
    pub(super) currency: Option<&'static str>,
    /// Whether there is a sign that several currencies have.
    pub(super) has_dollar: bool,
    /// What values are multiplied by.
    pub(super) multiplier: Option<(u32, Sure)>,
    /// What is measured and its unit, if that is no money.
    pub(super) measure: Option<(&'static str, &'static str)>,
}

/// The runs of letters and of digits of a text, and its signs, in small letters without accents.
fn words(text: &str) -> Vec<String> {
    #[derive(PartialEq)]
    enum Kind {
        Letter,
        Digit,
        Sign,
    }
    let mut words: Vec<String> = Vec::new();
    let mut last: Option<Kind> = None;
    for c in fold(text).chars() {
        let kind = match c {
            c if c.is_ascii_digit() => Some(Kind::Digit),
            c if c.is_alphabetic() => Some(Kind::Letter),
            '$' | '€' | '£' | '₹' | '₩' | '₽' | '₺' | '¥' => Some(Kind::Sign),
            _ => None,
        };
        let is_more = kind.is_some() && kind == last && kind != Some(Kind::Sign);
        match (is_more, words.last_mut()) {
            (true, Some(word)) => word.push(c),
            _ if kind.is_some() => words.push(c.to_string()),
            _ => {}
        }
        last = kind;
    }
    words
}

impl Unit {
    /// What a text says.
    pub(super) fn of(text: &str) -> Self {
        let words = words(text);
        let has = |word: &str| words.iter().any(|of| of == word);
        let dollar =
            words.iter().position(|word| matches!(word.as_str(), "$" | "dollar" | "dollars"));
        let whose = dollar.and_then(|at| words.get(at.checked_sub(1)?)).and_then(|before| {
            DOLLARS.iter().find(|(word, _)| word == before).map(|(_, code)| *code)
        });
        let named = CURRENCIES.iter().find(|(_, of)| of.iter().any(|word| has(word)));
        // Chinese has no spaces.
        let within = ["美元", "人民币"].iter().find(|word| text.contains(**word));
        let within = within.map(|word| if *word == "美元" { "USD" } else { "CNY" });
        let currency = whose.or(named.map(|(code, _)| *code)).or(within);
        let measure = MEASURES.iter().find(|(.., of)| of.iter().any(|word| has(word)));
        Self {
            currency,
            has_dollar: dollar.is_some(),
            multiplier: multiplier(text, &words, currency),
            measure: measure
                .filter(|_| currency.is_none() && dollar.is_none())
                .map(|(name, unit, _)| (*name, *unit)),
        }
    }

    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is said first, and what `other` adds.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            currency: self.currency.or(other.currency),
            has_dollar: self.has_dollar || other.has_dollar,
            multiplier: self.multiplier.or(other.multiplier),
            measure: self.measure.or(other.measure),
        }
    }
}

/// What values are multiplied by.
fn multiplier(text: &str, words: &[String], currency: Option<&str>) -> Option<(u32, Sure)> {
    let any = |of: &[&str]| words.iter().any(|word| of.contains(&word.as_str()));
    let has = |word: &str| any(&[word]);
    let is_money = currency.is_some() || any(&["$", "dollar", "dollars"]);
    // 1 000 000 are three words.
    let groups = words.split(|word| word != "000").map(<[String]>::len).max().unwrap_or(0);
    let is_thousand = any(&THOUSAND);
    let is_million = any(&MILLION) || groups == 2 || (is_money && has("m"));
    if any(&BILLION)
        || groups == 3
        || (is_million && (has("mil") || has("miles") || has("thousand")))
    {
        Some((1_000_000_000, Sure::Yes))
    } else if is_million {
        Some((1_000_000, Sure::Yes))
    } else if is_thousand {
        Some((1000, Sure::Yes))
    } else if has("mil") {
        // Thousand in Spanish and Portuguese, short for million in English.
        Some((1000, Sure::No))
    } else if let Some((_, times)) = INDIAN.iter().find(|(word, _)| has(word)) {
        Some((*times, Sure::Yes))
    } else if text.contains("亿") {
        Some((100_000_000, Sure::Yes))
    } else if text.contains('万') {
        Some((10_000, Sure::Yes))
    } else if text.contains("千美元") || text.contains("千元") {
        Some((1000, Sure::Yes))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_currency_multiplier_and_measure() {
        for (text, currency, multiplier) in [
            ("VALOR_MILES_USD", Some("USD"), Some(1000)),
            ("Exports (£ million)", Some("GBP"), Some(1_000_000)),
            ("Exports £m", Some("GBP"), Some(1_000_000)),
            ("Value $000", None, Some(1000)),
            ("Miles de dólares", Some("USD"), Some(1000)),
            ("Wert in 1 000 EUR", Some("EUR"), Some(1000)),
            ("Tsd. €", Some("EUR"), Some(1000)),
            ("Mio. EUR", Some("EUR"), Some(1_000_000)),
            ("MIO_EUR", Some("EUR"), Some(1_000_000)),
            ("value (thousand USD)", Some("USD"), Some(1000)),
            ("US$ bn", Some("USD"), Some(1_000_000_000)),
            ("mil millones de pesos", None, Some(1_000_000_000)),
            ("A$m", Some("AUD"), Some(1_000_000)),
            ("thousands of Australian dollars", Some("AUD"), Some(1000)),
            ("Valeur (milliers d'euros)", Some("EUR"), Some(1000)),
            ("R$ mil", Some("BRL"), Some(1000)),
            ("金额(万美元)", Some("USD"), Some(10_000)),
            ("Trade Value (US$)", Some("USD"), None),
            ("VALUE_IN_EUR", Some("EUR"), None),
            ("neural", None, None),
            ("value", None, None),
            ("Trade value in 2000", None, None),
        ] {
            let found = Unit::of(text);
            let is = (found.currency, found.multiplier.map(|(times, _)| times));
            assert_eq!(is, (currency, multiplier), "{text}");
        }
        assert_eq!(Unit::of("persons employed").measure, Some(("employment", "persons")));
        assert_eq!(Unit::of("Beschäftigte").measure, Some(("employment", "persons")));
        assert_eq!(Unit::of("turnover of enterprises, EUR").measure, None);
        assert_eq!(Unit::of("exports").measure, None);
        assert_eq!(Unit::of("US$ mil").multiplier, Some((1000, Sure::No)));
    }
}
