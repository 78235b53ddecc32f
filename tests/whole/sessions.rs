//! The sessions of a document, run as they are written.

use crate::support::{Project, Ran, root};
use std::fmt::Write as _;

/// Words that say how good a guess of a time is.
const HEDGES: [&str; 5] = ["at", "most", "about", "less", "than"];

/// Units of what takes another time, or is of another size, in each run.
const UNITS: [&str; 5] = ["s", "ms", "KiB", "MiB", "GiB"];

/// Runs a line of a session in the project's folder.
fn run(project: &Project, line: &str) -> Ran {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_rebound"));
    let folder = binary.parent().expect("a folder").display();
    let path = std::env::var("PATH").expect("a path");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", line]).current_dir(project.path());
    command.env("PATH", format!("{folder}:{path}"));
    command.env_remove("REBOUND_LAKE").env_remove("COLUMNS");
    command.output().expect("a shell").into()
}

/// Whether a word is the name of a run: when it began, and its process.
fn is_run(word: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = word.split_once('T').and_then(|(day, rest)| Some((day, rest.split_once("Z-")?)));
    parts.is_some_and(|(day, (time, process))| [day, time, process].into_iter().all(is_digits))
}

fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
}

/// The words of a line, without what is another in each run: names of runs, times, ages and sizes of
/// files. `None` if it has nothing such.
fn masked(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let core = |at: usize| {
        let word = words.get(at).copied().unwrap_or_default();
        word.trim_matches(|c: char| !c.is_ascii_alphanumeric())
    };
    let is_age = |at: usize| {
        let units = ["second", "minute", "hour", "day"];
        units.contains(&core(at).trim_end_matches('s')) && core(at + 1) == "ago"
    };
    let mut found: Vec<String> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let mask = match core(at) {
            run if is_run(run) => "RUN",
            n if is_number(n) && (UNITS.contains(&core(at + 1)) || is_age(at + 1)) => {
                while found.last().is_some_and(|word: &String| HEDGES.contains(&word.as_str())) {
                    found.pop();
                }
                "N"
            }
            _ if is_age(at) => "UNIT",
            word => word,
        };
        found.push(word.replacen(core(at), mask, 1));
    }
    let is_same = found.iter().zip(&words).all(|(masked, word)| masked == word);
    (!is_same).then(|| found.join(" "))
}

/// A line whose numbers of many digits have ten: logarithms differ in their last bits between
/// machines.
fn rounded(line: &str) -> String {
    let cells = line.split_inclusive([' ', ',']).map(|cell| {
        let text = cell.trim_end_matches([' ', ',']);
        let is_long = text.split_once('.').is_some_and(|(_, digits)| digits.len() > 9);
        match text.parse::<f64>() {
            Ok(x) if is_long => format!("{x:.9e}{}", &cell[text.len()..]),
            _ => cell.to_owned(),
        }
    });
    cells.collect()
}

/// What a command printed, to be compared: as it is, or without what is another in each run. Then
/// columns are of other widths, too.
fn comparable(lines: &[String]) -> Vec<String> {
    let lines: Vec<String> = lines.iter().map(|line| rounded(line)).collect();
    let found: Vec<Option<String>> = lines.iter().map(|line| masked(line)).collect();
    if found.iter().all(Option::is_none) {
        return lines;
    }
    let spaced = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let of_each = found.into_iter().zip(&lines);
    of_each.map(|(masked, line)| masked.unwrap_or_else(|| spaced(line))).collect()
}

/// Runs the sessions of a document that stand below the line `from`, one command after the other, in
/// the project's folder, and holds what they print against what stands there. A line that begins
/// with `$ ` is a command, one below it with `> ` goes on with it, and the others are its standard
/// output. Gives the number of commands.
///
/// With `UPDATE_EXPECT=1` the document is written anew where it is another.
#[track_caller]
pub(crate) fn check(project: &Project, document: &str, from: &str) -> usize {
    let path = root().join(document);
    let text = std::fs::read_to_string(&path).expect("the document");
    let (mut found, mut is_below, mut is_session, mut n) = (String::new(), false, false, 0);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        writeln!(found, "{line}").expect("a string");
        is_below = is_below || line == from;
        is_session = (is_below && line == "```console") || (is_session && line != "```");
        let Some(command) = line.strip_prefix("$ ").filter(|_| is_session) else { continue };
        let mut command = command.to_owned();
        while let Some(more) = lines.next_if(|line| line.starts_with("> ")) {
            writeln!(found, "{more}").expect("a string");
            command = format!("{} {}", command.trim_end_matches('\\').trim_end(), &more[2..]);
        }
        let ran = run(project, &command).ok();
        let printed: Vec<String> = ran.out.lines().map(|line| line.trim_end().to_owned()).collect();
        let mut kept = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("$ ") && *line != "```") {
            kept.push(line.to_owned());
        }
        let is_same = comparable(&printed) == comparable(&kept);
        let shown = if is_same { kept } else { printed };
        for line in shown {
            writeln!(found, "{line}").expect("a string");
        }
        n += 1;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &found).expect("written");
    }
    let kept = std::fs::read_to_string(&path).expect("the document");
    assert_eq!(found, kept, "{document}: run with UPDATE_EXPECT=1 and read the change");
    n
}

#[test]
fn only_what_is_another_in_each_run_is_masked() {
    for (line, expected) in [
        (
            "to   run 3, 20261201T004114811Z-10566, published 0 seconds ago",
            "to run 3, RUN, published N UNIT ago",
        ),
        ("run 5 (20261201T004115362Z-10773) published", "run 5 (RUN) published"),
        (
            "a: published, 0.66 s, 1 attempt, 1,200 rows (1.50 MiB)",
            "a: published, N s, 1 attempt, 1,200 rows (N MiB)",
        ),
        ("   2  x  1 minute ago   0.16 s  <- published", "2 x N UNIT ago N s <- published"),
        ("build  spatial  at most about 3 s  input changed", "build spatial N s input changed"),
        ("build  spatial  less than 1 s  input changed", "build spatial N s input changed"),
    ] {
        assert_eq!(masked(line).as_deref(), Some(expected));
    }
    for line in [
        "| 2015 | 18528.00 |",
        "2016, A  3646.00 -> 8852.00",
        "20261201T-5",
        "3 days later",
        "- --",
    ] {
        assert_eq!(masked(line), None, "{line}");
    }
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let wide = lines("name   time\nx      12.50 s");
    assert_eq!(comparable(&wide), comparable(&lines("name  time\nx     7.50 s")));
    assert_ne!(comparable(&wide), comparable(&lines("name  time\ny     7.50 s")));
    assert_ne!(comparable(&lines("a  b")), comparable(&lines("a b")));
    let logs = lines("A,0.11778303565638343,x");
    assert_eq!(comparable(&logs), comparable(&lines("A,0.11778303565638345,x")));
    assert_ne!(comparable(&logs), comparable(&lines("A,0.11778303665638343,x")));
    assert_ne!(comparable(&lines("806364270091.00")), comparable(&lines("806364270091.01")));
}
