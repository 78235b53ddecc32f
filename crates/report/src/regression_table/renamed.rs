//! Regressions whose columns are called otherwise, for tables.

use stages::regression::{Coefficient, Estimated, Level};
use std::collections::BTreeMap;

/// Names by the names of columns that they stand for.
type Names = BTreeMap<String, String>;

/// A regression that names its terms, outcome, weights, effects and clusters as `names` says, and
/// what was chosen of stepwise terms, which its specification is called by. Of products, combinations and levels the parts are renamed too. What has no new name stays, and so
/// does what is said of the data in words, such as which rows lack a value.
pub fn renamed(result: &Estimated, names: &BTreeMap<String, String>) -> Estimated {
    let mut result = result.clone();
    for of in [&mut result.outcome, &mut result.summary.weights] {
        *of = term(of, names);
    }
    result.specification = chosen(&result.specification, names);
    for c in &mut result.coefficients {
        rename(c, names);
    }
    let effects = result.summary.effects.split(" + ").map(|effect| joined(effect, '^', names));
    result.summary.effects = effects.collect::<Vec<_>>().join(" + ");
    let clusters = result.summary.clusters.split(" & ").map(|of| match of.rsplit_once(' ') {
        Some((cluster, n)) => format!("{} {n}", joined(cluster, '^', names)),
        None => of.to_owned(),
    });
    result.summary.clusters = clusters.collect::<Vec<_>>().join(" & ");
    result.summary.inference = errors(&result.summary.inference, names);
    result
}

/// What is assumed of the errors, as `Inference::name` has it, with the names of its columns.
fn errors(inference: &str, names: &Names) -> String {
    if let Some(by) = inference.strip_prefix("clustered by ") {
        let at = by.find(", ").unwrap_or(by.len());
        let (by, rest) = by.split_at(at);
        let by: Vec<String> = by.split(" and ").map(|of| joined(of, '^', names)).collect();
        return format!("clustered by {}{rest}", by.join(" and "));
    }
    match inference.split_once(" (").and_then(|(kind, of)| Some((kind, of.split_once(", ")?))) {
        Some((kind, (column, rest))) => format!("{kind} ({}, {rest}", joined(column, '^', names)),
        None => inference.to_owned(),
    }
}

fn name(of: &str, names: &Names) -> String {
    names.get(of).map_or(of, String::as_str).to_owned()
}

/// A name, or names that a sign stands between.
fn joined(of: &str, sign: char, names: &Names) -> String {
    if names.contains_key(of) {
        return name(of, names);
    }
    let parts: Vec<String> = of.split(sign).map(|part| name(part, names)).collect();
    parts.join(&sign.to_string())
}

/// A term that is no level: a column, a product `a:b`, or an expression, which stays.
fn term(of: &str, names: &Names) -> String {
    joined(of, ':', names)
}

/// What was chosen of stepwise terms: `a + ln(b, 2), f^g`. Its parts stand between marks outside of
/// brackets.
fn chosen(of: &str, names: &Names) -> String {
    if names.contains_key(of) {
        return name(of, names);
    }
    let (mut depth, mut part) = (0_usize, String::new());
    let mut renamed = String::new();
    for c in of.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && (c == ',' || c == '+') {
            renamed.push_str(&step(&part, names));
            renamed.push(c);
            part.clear();
        } else {
            part.push(c);
        }
    }
    renamed + &step(&part, names)
}

/// A part of what was chosen, with the white space around it: a column, a product, a combination, or
/// an expression, maybe with a name before it: `size = ln(x)`.
fn step(part: &str, names: &Names) -> String {
    let of = part.trim();
    let own_name = of.split_once('=').map(|(own, _)| own.trim());
    let renamed = match own_name.and_then(|own| names.get(own)) {
        Some(new) if !names.contains_key(of) => new.clone(),
        _ if of.contains('^') => joined(of, '^', names),
        _ => term(of, names),
    };
    part.replacen(of, &renamed, 1)
}

fn rename(c: &mut Coefficient, names: &Names) {
    if let Some(new) = names.get(&c.term) {
        c.term.clone_from(new);
        return;
    }
    let Some(Level { name: level, of }) = &mut c.level else {
        c.term = term(&c.term, names);
        return;
    };
    // `x x year = 2009`, or `year = 2009` of the levels themselves.
    let renamed = term(of, names);
    let (before, by) = match c.term.strip_prefix(&format!("{of} x ")) {
        Some(by) => (format!("{renamed} x "), by),
        None => (String::new(), c.term.as_str()),
    };
    if let Some(by) = by.strip_suffix(&format!(" = {level}")) {
        c.term = format!("{before}{} = {level}", name(by, names));
    }
    *of = renamed;
}

#[cfg(test)]
mod tests {
    use super::*;
    use stages::regression::Summary;

    #[test]
    fn names_stand_for_columns_wherever_they_are_named() {
        let level = |name: &str, of: &str| Some(Level { name: name.to_owned(), of: of.to_owned() });
        let terms = [
            ("x", None),
            ("x:z", None),
            ("ln(x)", None),
            ("x x year = 2009", level("2009", "x")),
            ("year = 2009", level("2009", "1")),
            ("(intercept)", None),
        ];
        let without = |(term, level): &(&str, Option<Level>)| {
            Coefficient::without((*term).to_owned(), level.clone(), String::new())
        };
        let result = Estimated {
            model: "m".to_owned(),
            specification: String::new(),
            outcome: "y".to_owned(),
            coefficients: terms.iter().map(without).collect(),
            summary: Summary {
                effects: "r + r^year".to_owned(),
                clusters: "r 31 & h 12".to_owned(),
                weights: "w".to_owned(),
                inference: "clustered by r^year and h".to_owned(),
                ..Summary::default()
            },
        };
        let names = [("x", "Density"), ("y", "Growth"), ("year", "Year"), ("r", "Region")];
        let names = names.map(|(from, to)| (from.to_owned(), to.to_owned())).into();
        let found = renamed(&result, &names);
        let terms: Vec<&str> = found.coefficients.iter().map(|c| c.term.as_str()).collect();
        let expected = [
            "Density",
            "Density:z",
            "ln(x)",
            "Density x Year = 2009",
            "Year = 2009",
            "(intercept)",
        ];
        assert_eq!(terms, expected);
        assert_eq!(found.coefficients[3].level, level("2009", "Density"));
        assert_eq!((found.outcome.as_str(), found.summary.weights.as_str()), ("Growth", "w"));
        assert_eq!(found.summary.effects, "Region + Region^Year");
        assert_eq!(found.summary.clusters, "Region 31 & h 12");
        assert_eq!(found.summary.inference, "clustered by Region^Year and h");
        assert_eq!(renamed(&result, &Names::new()), result);
        for (of, expected) in [
            ("none", "none"),
            ("x + z, r^year + r", "Density + z, Region^Year + Region"),
            ("ln(x + y, 2) + x:z", "ln(x + y, 2) + Density:z"),
            ("x = ln(a, b)", "Density"),
            ("", ""),
        ] {
            assert_eq!(chosen(of, &names), expected);
        }
        for (of, expected) in [
            ("HC1", "HC1"),
            ("clustered by r, jackknife (CRV3)", "clustered by Region, jackknife (CRV3)"),
            (
                "Driscoll-Kraay (year, 2 lags, Bartlett kernel)",
                "Driscoll-Kraay (Year, 2 lags, Bartlett kernel)",
            ),
        ] {
            assert_eq!(errors(of, &names), expected);
        }
    }
}
