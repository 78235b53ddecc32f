//! The header of a check that says what follows when it finds rows: `-- severity: warn`.

use crate::fault::{Fault, Step};
use crate::sql_file::SqlFile;
use crate::suggest::suggest;
use lake::Severity;

/// What a SQL file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its rows break a claim.
    Check,
    /// Its rows are a table.
    Table,
}

const KEY: &str = "severity";

/// The comments of a text that name a severity: line from 1, and what they say.
fn named(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).filter_map(|(line, text)| {
        let comment = text.trim_start().strip_prefix("--")?;
        let said = comment.trim_start_matches('-').trim().strip_prefix(KEY)?.strip_prefix(':')?;
        Some((line, said.trim()))
    })
}

/// What is wrong with the severities that a file names. One that had no effect would be taken for
/// one that has.
pub(crate) fn faults(file: &SqlFile, purpose: Purpose) -> Vec<Fault> {
    let n_head = file.text.lines().take_while(|line| line.starts_with("--")).count();
    let mut faults = Vec::new();
    for (nth, (line, said)) in named(&file.text).enumerate() {
        let names = Severity::ALL.map(Severity::name);
        let why = if purpose == Purpose::Table {
            "a table has none: expected it in a check, or another word".to_owned()
        } else if line > n_head {
            "it stands below the first line that is no comment: expected it above".to_owned()
        } else if nth > 0 {
            "it is said twice: expected it once".to_owned()
        } else if Severity::of(said).is_none() {
            format!("{said:?}: expected {}{}", names.join(" or "), suggest(said, names))
        } else {
            continue;
        };
        faults.push(Fault::invalid(&file.path, Some(line), &[Step::from(KEY)], why));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> SqlFile {
        SqlFile { path: "c.sql".into(), name: "c".to_owned(), text: text.to_owned() }
    }

    fn told(text: &str, purpose: Purpose) -> Vec<String> {
        faults(&file(text), purpose).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_check_is_an_error_unless_its_head_says_otherwise() {
        assert_eq!(file("select 1").severity(), Severity::Error);
        assert_eq!(file("-- Why.\n-- severity: warn\nselect 1").severity(), Severity::Warn);
        assert_eq!(file("-- severity: error\nselect 1").severity(), Severity::Error);
        for text in ["select 1", "-- Why.\n-- severity: warn\nselect 1", "-- the severity of it"] {
            assert_eq!(told(text, Purpose::Check), [""; 0]);
        }
    }

    #[test]
    fn a_severity_without_an_effect_is_told_with_its_line() {
        let of_check = |text| told(text, Purpose::Check);
        assert_eq!(
            of_check("-- Why.\n-- severity: fatal\nselect 1"),
            ["invalid `severity` in `c.sql`, line 2: \"fatal\": expected warn or error"]
        );
        assert_eq!(
            of_check("-- severity: warn\n-- severity: error\nselect 1"),
            ["invalid `severity` in `c.sql`, line 2: it is said twice: expected it once"]
        );
        let below = of_check("select 1\n  -- severity: warn");
        assert!(below[0].contains("line 2: it stands below"), "{below:?}");
        let table = told("-- severity: warn\nselect 1", Purpose::Table);
        assert!(table[0].contains("line 1: a table has none"), "{table:?}");
    }
}
