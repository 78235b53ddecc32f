//! Pages of the book that are printed from the code: the command line, the keys of the config, the
//! conventions of other tools.

use crate::init::DEFAULT_CONFIG;
use crate::measure::conventions_by_tool;
use anyhow::Context;
use clap::builder::StyledStr;
use project::config::{self, Config};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// A page: what `rebound describe` calls it, and what prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// Every command with its options.
    Commands,
    /// Every key of the config.
    Config,
    /// What each `--like` of `rebound measure` stands for.
    Conventions,
}

impl Page {
    /// The page of this name. Names of tables have a point.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "commands" => Some(Self::Commands),
            "config" => Some(Self::Config),
            "conventions" => Some(Self::Conventions),
            _ => None,
        }
    }

    /// Prints it as Markdown.
    pub(super) fn print(self, out: &mut impl Write, program: clap::Command) -> anyhow::Result<()> {
        match self {
            Self::Commands => commands(out, program),
            Self::Config => keys(out),
            Self::Conventions => conventions(out),
        }
    }
}

/// A text as a cell of a table in Markdown.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// A text of help as a sentence: declarations lose the point at their end.
fn sentence(text: &StyledStr) -> String {
    let text = text.to_string();
    let text = text.trim();
    if text.is_empty() || text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

/// How an argument is written: `FILES`, `-o`, `--output OUTPUT`.
fn written(arg: &clap::Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let values = names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>().join(" ");
    let takes = arg.get_action().takes_values();
    match (arg.get_long(), arg.get_short()) {
        (None, None) => values,
        (long, short) => {
            let long = long.map(|name| format!("--{name}"));
            let short = short.map(|name| format!("-{name}"));
            let flags = long.into_iter().chain(short).collect::<Vec<_>>().join(", ");
            if takes { format!("{flags} {values}") } else { flags }
        }
    }
}

/// What an argument means, what it may be, and what it is if nothing is said.
fn meaning(arg: &clap::Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let mut sentences = vec![help.map(sentence).unwrap_or_default()];
    let choices: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| code(value.get_name()))
        .collect();
    if !choices.is_empty() {
        sentences.push(format!("One of {}.", choices.join(", ")));
    }
    let defaults = arg.get_default_values().iter().map(|value| value.to_string_lossy());
    let defaults: Vec<_> = defaults.collect();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        sentences.push(format!("Default: {}.", code(&defaults.join(","))));
    }
    if let Some(name) = arg.get_env() {
        sentences.push(format!("Or the environment's {}.", code(&name.to_string_lossy())));
    }
    cell(&sentences.join(" "))
}

/// The table of some arguments, if there are any.
fn arguments<'a>(
    out: &mut impl Write,
    args: impl Iterator<Item = &'a clap::Arg>,
) -> std::io::Result<()> {
    let mut is_first = true;
    for arg in args {
        let id = arg.get_id().as_str();
        if arg.is_hide_set() || id == "help" || id == "version" {
            continue;
        }
        if is_first {
            writeln!(out, "\n| argument | what |\n| --- | --- |")?;
            is_first = false;
        }
        writeln!(out, "| {} | {} |", cell(&code(&written(arg))), meaning(arg))?;
    }
    Ok(())
}

/// Every command with its options: `docs/reference/command-line.md`.
fn commands(out: &mut impl Write, mut program: clap::Command) -> anyhow::Result<()> {
    program.build();
    writeln!(
        out,
        "# The command line\n\nPrinted by `rebound describe commands` from the declarations of the arguments. \
         `rebound COMMAND --help` tells the same.\n\nAll commands take:"
    )?;
    arguments(out, program.get_arguments())?;
    for command in program.get_subcommands_mut() {
        if command.is_hide_set() || command.get_name() == "help" {
            continue;
        }
        let about = command.get_about().map(sentence).unwrap_or_default();
        let usage = command.render_usage().to_string();
        let usage = usage.trim().trim_start_matches("Usage: ").to_owned();
        writeln!(out, "\n## {}\n\n{about}\n\n```text\n{usage}\n```", command.get_name())?;
        arguments(out, command.get_arguments().filter(|arg| !arg.is_global_set()))?;
    }
    Ok(())
}

/// By section and key, the comment above the key in the config as it is shipped; a key without one
/// has that of the key above.
fn comments() -> BTreeMap<(String, String), String> {
    let mut found = BTreeMap::new();
    let (mut section, mut comment, mut is_read) = (String::new(), String::new(), false);
    for line in DEFAULT_CONFIG.lines() {
        let text = line.trim_start();
        let depth = line.len() - text.len();
        if depth == 0 && !text.starts_with('#') {
            text.trim_end_matches(':').clone_into(&mut section);
            comment.clear();
        } else if let (2, Some(said)) = (depth, text.strip_prefix('#')) {
            // A comment with an example of a value below it says no more of what the key means.
            if said.trim_start().starts_with("- ") {
                continue;
            }
            if is_read {
                comment.clear();
            }
            is_read = false;
            comment += said;
        } else if let (2, Some((key, _))) = (depth, text.split_once(':')) {
            is_read = true;
            found.insert((section.clone(), key.to_owned()), cell(&comment));
        }
    }
    found
}

/// Every key of the config: `docs/reference/config.md`.
fn keys(out: &mut impl Write) -> anyhow::Result<()> {
    let shipped = Config::of_text(Path::new("config/default.yaml"), DEFAULT_CONFIG)?;
    let values = serde_json::to_value(&shipped)?;
    let comments = comments();
    writeln!(
        out,
        "# Keys of the config\n\nPrinted by `rebound describe config` from `config/default.yaml` and the checks of its values. \
         A pipeline names that file first; files that it names after it give only what they do otherwise. \
         `rebound config PIPELINE` prints what holds for a pipeline, each value with the file and line that say so."
    )?;
    let mut section = "";
    for key in config::keys() {
        if key.section != section {
            section = key.section;
            writeln!(
                out,
                "\n## {section}\n\n| key | default | what it may be | what it means |\n| --- | --- | --- | --- |"
            )?;
        }
        let value = values.get(key.section).and_then(|keys| keys.get(key.name));
        let value = value.with_context(|| format!("no `{}` in `{section}`", key.name))?;
        let comment = comments.get(&(section.to_owned(), key.name.to_owned()));
        let comment = comment.with_context(|| format!("no comment of `{section}.{}`", key.name))?;
        writeln!(
            out,
            "| {} | {} | {} | {comment} |",
            code(key.name),
            cell(&code(&value.to_string())),
            cell(&key.may_be)
        )?;
    }
    Ok(())
}

/// What each `--like` stands for: a table of `docs/reference/conventions.md`.
fn conventions(out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "| `--like` | conventions |\n| --- | --- |")?;
    for (tool, text) in conventions_by_tool() {
        let tool = tool.map_or_else(|| "(none)".to_owned(), |name| code(&name));
        writeln!(out, "| {tool} | {} |", cell(&text))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_told_with_its_own_comment() {
        let mut printed = Vec::new();
        keys(&mut printed).expect("printed");
        let printed = String::from_utf8(printed).expect("text");
        let line = |key: &str| {
            let head = format!("| `{key}` | ");
            let found = printed.lines().find(|line| line.starts_with(&head));
            found.unwrap_or_else(|| panic!("no line of `{key}`")).to_owned()
        };
        assert_eq!(
            line("max_rejected_share"),
            "| `max_rejected_share` | `0.01` | a number: a share, 0 to 1 | The run fails if a larger share of all entries is rejected (0..1). |"
        );
        assert!(
            line("flow").contains("| `\"export\"` | `export` or `import` |"),
            "{}",
            line("flow")
        );
        assert!(line("reflections").contains("2 to 10000; an even number"), "{printed}");
        assert!(line("completion_seed").contains("Folds of the cross-validation"), "{printed}");
        assert!(!line("near_zero").contains("outlook"), "{printed}");
        assert!(line("region_benchmarks").contains("`aggregate` among them"), "{printed}");
    }
}
